"""A sheet that a process keeps for somebody ends with whatever it followed from; a formula's day is never kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import delete

from app import grids
from app.models import Appeal, FieldDefinition, Holding, db
from app.rules.errors import NotFound
from app.services import definitions, field_definitions, present, standing_memory
from app.services.actors import Actor
from app.services.field_definitions import Place
from app.services.grids import Grid
from tests.factories import Factory

URL = "https://localhost"
LEDGER = Place("appeal", None)


@pytest.fixture
def opened(app: Flask, make: Factory) -> Callable[[str], Grid]:
    """What a request of the ledger's administrator is given."""
    user = make.user_of(make.holder("ledger_admin"))

    def open_(request_id: str) -> Grid:
        with app.app_context(), app.test_request_context():
            g.request_id = request_id
            found = standing_memory.standing(user.id)
            assert found is not None
            actor = Actor(user.id, found.person_id, found.grants, request_id=request_id)
            return grids.grid("ledger", grids.Reader(actor, found.pairs, english=False))

    return open_


def test_the_sheet_is_made_once_and_knows_each_request(opened: Callable[[str], Grid]) -> None:
    first, second = opened("one"), opened("two")
    assert second.columns is first.columns
    assert (first.actor.request_id, second.actor.request_id) == ("one", "two")


def test_a_field_made_at_run_time_is_in_the_next_request(opened: Callable[[str], Grid], make: Factory) -> None:
    before = opened("one")
    field_definitions.add(make.actor(officer="system"), LEDGER, {"label": "桥长", "code": "bridge", "kind": "number"})
    assert "x_bridge" not in before.columns
    assert "x_bridge" in opened("two").columns


def test_who_loses_his_post_loses_the_sheet(opened: Callable[[str], Grid], make: Factory) -> None:
    opened("one")
    db.session.execute(delete(Holding).where(Holding.post_id == make.post("ledger_admin").id))
    db.session.commit()
    with pytest.raises(NotFound):
        opened("two")


def test_what_a_formula_says_of_today_is_said_anew(make: Factory) -> None:
    appeal = make.appeal("registered")
    appeal.received_at = present.now()
    age = {"formula": "DAYS(TODAY(),{received_at})", "result": "number"}
    db.session.add(FieldDefinition(table_name="appeal", code="age", label="天数", kind="formula", parameters=age))
    definitions.moved()
    db.session.commit()
    seen = []
    for days in (0, 1):
        with present.at(present.now() + timedelta(days=days)):
            seen.append(_age(make.signed_in(make.holder("ledger_admin")), appeal))
    assert seen[1] == seen[0] + 1


def _age(browser: FlaskClient, appeal: Appeal) -> int:
    row = browser.get(f"/api/v1/sheets/ledger/rows/{appeal.id}", base_url=URL)
    assert row.status_code == 200, row.text
    return int(row.json["cells"]["x_age"])
