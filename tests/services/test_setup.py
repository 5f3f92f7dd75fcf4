"""The two database roles and the state of the schema (DESIGN: owner migrates, app has data rights only)."""

from __future__ import annotations

import psycopg
import pytest
from flask import Flask
from psycopg import errors

import config
from app.models import Journal, db
from app.rules.errors import Conflict
from app.services import journal, setup
from app.services.actors import software
from app.services.transaction import transaction


@pytest.mark.parametrize("table", setup.APPEND_ONLY)
@pytest.mark.parametrize("verb", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table}"])
def test_the_application_cannot_rewrite_what_happened(
    settings: config.Settings, app: Flask, table: str, verb: str
) -> None:
    column = {"journal": "action", "journal_seal": "hash", "audit": "event", "archive_seal": "sha256"}[table]
    with psycopg.connect(settings.database_app_url) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(verb.format(table=table, column=column))  # type: ignore[arg-type]


def test_the_application_cannot_change_the_schema(settings: config.Settings, app: Flask) -> None:
    with psycopg.connect(settings.database_app_url) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE intruder (id integer)")


def test_the_application_writes_and_reads_its_journal(app: Flask) -> None:
    with transaction():
        row = journal.write(software("test"), "tried", "test", 1)
    assert db.session.get(Journal, row.id) is not None


def test_migrating_a_current_database_changes_nothing(settings: config.Settings, app: Flask) -> None:
    found, head = setup.schema_state(settings.database_url)
    assert found == head
    assert setup.migrate(settings.database_url) is False


def test_a_database_of_a_later_version_is_refused(settings: config.Settings, app: Flask) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
        try:
            with pytest.raises(Conflict) as refused:
                setup.migrate(settings.database_url)
        finally:
            owner.execute("UPDATE alembic_version SET version_num = %s", [setup.head()])
    assert (refused.value.code, refused.value.data["found"]) == ("setup.schema-newer", "from-the-future")
