"""Stands for prepare.py: counts how often it ran in a table of the owner, and ends as REFUSE_WITH says."""

from __future__ import annotations

import os
import sys

import psycopg

import config
from app import embedded

if __name__ == "__main__":
    if os.environ.get("REFUSE_WITH"):
        sys.exit(os.environ["REFUSE_WITH"] if os.environ["REFUSE_WITH"] != "2" else 2)
    settings = embedded.resolve(config.load(os.environ))
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS start (id int GENERATED ALWAYS AS IDENTITY)")
        connection.execute("INSERT INTO start DEFAULT VALUES")
        row = connection.execute("SELECT count(*) FROM start").fetchone()
    print(f"starts: {row[0] if row else 0}")
