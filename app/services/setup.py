"""Bringing a database up to the code: migrations as the owner, the application role's rights, generated roles."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from psycopg import sql
from sqlalchemy import Engine, create_engine

from app.rules.errors import Conflict, Refused

OLDEST_SERVER = 15
# What happened is never rewritten: the application's role may insert and read these tables, nothing else.
APPEND_ONLY = ("journal", "journal_seal", "audit", "archive_seal")
# A seal of the archive is never taken away; when its appeal is reopened, that is all that is written on it.
WRITABLE = {"archive_seal": "broken_at"}


def _owner_engine(owner_url: str) -> Engine:
    return create_engine(owner_url.replace("postgresql://", "postgresql+psycopg://", 1))


def _configuration() -> Config:
    configuration = Config()
    # The folder's path may hold a %, which the configuration would take for an interpolation.
    folder = str(Path(current_app.root_path) / "migrations")
    configuration.set_main_option("script_location", folder.replace("%", "%%"))
    return configuration


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_configuration())


def head() -> str:
    """The revision of this code's schema."""
    found = _scripts().get_current_head()
    if found is None:
        raise RuntimeError("the product ships no migration")
    return found


def schema_state(owner_url: str) -> tuple[str | None, str]:
    """(the database's revision or None, the code's revision).

    Raises Refused("setup.server-too-old") below PostgreSQL 15 and Conflict("setup.schema-newer") when a later
    version of the product migrated this database.
    """
    engine = _owner_engine(owner_url)
    try:
        with engine.connect() as connection:
            version = int((connection.dialect.server_version_info or (0,))[0])
            if version < OLDEST_SERVER:
                raise Refused("setup.server-too-old", {"found": version, "needed": OLDEST_SERVER})
            found = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    if found is not None and found not in {script.revision for script in _scripts().walk_revisions()}:
        raise Conflict("setup.schema-newer", {"found": found})
    return found, head()


def migrate(owner_url: str) -> bool:
    """Bring the schema to the code's revision, connecting as the owner; True when something changed."""
    found, wanted = schema_state(owner_url)
    if found == wanted:
        return False
    current_app.config["MIGRATION_URL"] = owner_url
    command.upgrade(_configuration(), "head")
    grant_privileges(owner_url, current_app.config["DATABASE_APP_ROLE"])
    return True


def grant_privileges(owner_url: str, app_role: str) -> None:
    """Give the application's role data rights on every table, and only INSERT and SELECT on what is append-only."""
    role = sql.Identifier(app_role)
    engine = _owner_engine(owner_url)
    try:
        with engine.begin() as connection:
            cursor = connection.connection.cursor()
            for statement in (
                "GRANT USAGE ON SCHEMA public TO {role}",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
                "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
                "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
            ):
                cursor.execute(sql.SQL(statement).format(role=role))
            for table in APPEND_ONLY:
                cursor.execute(
                    sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}").format(
                        table=sql.Identifier(table), role=role
                    )
                )
            for table, column in WRITABLE.items():
                cursor.execute(
                    sql.SQL("GRANT UPDATE ({column}) ON {table} TO {role}").format(
                        column=sql.Identifier(column), table=sql.Identifier(table), role=role
                    )
                )
    finally:
        engine.dispose()
