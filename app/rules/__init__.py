"""Pure rules: standard library only, no clock, no database; "now" is always an argument."""
