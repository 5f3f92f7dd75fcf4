"""Figures at 100,000 appeals, against raw SQL and raw libraries in the same run: `make bench`."""
