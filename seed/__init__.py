"""The founding document as data, and what reads it into the database."""
