"""Pure reports: frozen figures in, office files out. No database, no Flask, no clock of their own."""
