"""Stands for prepare.py: counts how often it ran in a table of the owner, and refuses with the text of REFUSE."""

from __future__ import annotations

import os
import sys

import psycopg

import config
from app import embedded

if __name__ == "__main__":
    if os.environ.get("REFUSE"):
        print(os.environ["REFUSE"], file=sys.stderr)
        sys.exit(2)
    settings = embedded.resolve(config.load(os.environ))
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS start (id int GENERATED ALWAYS AS IDENTITY)")
        connection.execute("INSERT INTO start DEFAULT VALUES")
        row = connection.execute("SELECT count(*) FROM start").fetchone()
    print(f"starts: {row[0] if row else 0}")
