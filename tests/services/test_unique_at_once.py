"""A field in which no two rows have the same, filled in by several people at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select

import config
from app.models import FieldDefinition, OwnRow, db
from app.rules.errors import FieldErrors
from app.rules.grants import Grant, GrantSet, Scope
from app.services import definitions, field_jobs, own_rows
from app.services.actors import Actor
from app.services.definitions import OWN
from tests.services import making

WRITERS = 6


@pytest.fixture
def sheet(built_app: Flask, settings: config.Settings) -> Iterator[tuple[Actor, str]]:
    """Who keeps the system, and an own sheet whose only field is unique: committed, and taken away afterwards."""
    with built_app.app_context():
        user, own = making.own_sheet("no")
        mark = own.code
        field = FieldDefinition(table_name=OWN, own_sheet_id=own.id, code="no", label="号", kind="text", is_unique=True)
        db.session.add(field)
        field_jobs.settle_in(field)
        definitions.moved()
        db.session.commit()
        own_id, field_id = own.id, field.id
        yield Actor(user.id, None, GrantSet((Grant("system", Scope.ALL),))), mark
        db.session.remove()
    with psycopg.connect(settings.database_url) as owner:
        owner.execute(f"DROP INDEX IF EXISTS fu_{field_id}")
        owner.execute("DELETE FROM own_row WHERE sheet_id = %s", [own_id])
        owner.execute("DELETE FROM journal USING ab_user u WHERE user_id = u.id AND u.username = %s", [mark])
        owner.execute("DELETE FROM field_definition WHERE id = %s", [field_id])
        owner.execute("DELETE FROM own_sheet WHERE id = %s", [own_id])
        owner.execute("DELETE FROM ab_user WHERE username = %s", [mark])


def test_one_of_many_gets_the_value_and_the_others_are_told_at_the_field(
    built_app: Flask, sheet: tuple[Actor, str]
) -> None:
    actor, code = sheet
    ready, outcomes = threading.Barrier(WRITERS), []

    def write() -> None:
        with built_app.app_context():
            own = definitions.current().sheets[code]
            db.session.rollback()
            ready.wait(20)
            try:
                own_rows.write(actor, own, None, {"x_no": "示例一"})
                outcomes.append("written")
            except FieldErrors as error:
                outcomes.append(",".join(f"{one.field} {one.code}" for one in error.problems))
            finally:
                db.session.remove()

    writers = [threading.Thread(target=write) for _n in range(WRITERS)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(30)
    assert sorted(outcomes) == ["written", *["x_no row.taken"] * (WRITERS - 1)]
    own_id = definitions.current().sheets[code].id
    assert len(db.session.scalars(select(OwnRow).where(OwnRow.sheet_id == own_id)).all()) == 1
