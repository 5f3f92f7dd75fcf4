"""Alembic's environment: migrations run as the owner of the tables, one transaction for all of them."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, pool

from app.models import Model

# Made by hand in a migration: Alembic cannot compare expressions over functions of our own.
_BY_HAND = {"ix_appeal_bigrams", "ix_appeal_ledger_number"}


def _is_ours(obj: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    return not (kind == "index" and name in _BY_HAND)


def run() -> None:
    url = current_app.config.get("MIGRATION_URL") or current_app.config["SQLALCHEMY_DATABASE_URI"]
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            include_object=_is_ours,
            compare_type=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
