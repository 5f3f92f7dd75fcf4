"""A WSGI application that answers /health when its database does, and says who it is on /."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

import config
from app import embedded


def create_app() -> Callable[..., Iterable[bytes]]:
    settings = embedded.resolve(config.load(os.environ))

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with psycopg.connect(settings.database_app_url) as connection:
            row = connection.execute("SELECT current_user").fetchone()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{row[0] if row else ''} {os.getpid()} {settings.demo}".encode()]

    return answer
