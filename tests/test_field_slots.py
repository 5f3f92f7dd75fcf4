"""A field whose kind a job changed is held under another name in the rows, and under its own one everywhere else."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.models import Appeal, Assumption, FieldConversion, FieldDefinition, Journal, OwnRow, db
from app.services import (
    appeal_fields,
    definitions,
    field_definitions,
    field_jobs,
    own_batches,
    own_rows,
    present,
    tasks,
)
from app.services.actors import Actor
from app.services.definitions import OWN
from app.services.field_definitions import Place
from app.services.transaction import transaction
from jobs import field_changes
from tests.factories import Factory
from tests.test_grid_computed import rows, sheet

URL = "https://localhost"
API = "/api/v1/sheets/own_bridges"


@pytest.fixture
def officer(make: Factory) -> Actor:
    """Who keeps the system, where two values are many."""
    db.session.execute(update(Assumption).where(Assumption.code == "field_change_in_job").values(value=1))
    db.session.commit()
    return make.actor(officer="system")


@pytest.fixture
def keeper(make: Factory) -> FlaskClient:
    """His browser."""
    return make.signed_in(officer="system")


def turned(officer: Actor, place: Place, code: str, kind: str, **more: Any) -> str:
    """Change the kind by the worker; under which name rows hold the field now."""
    row = next(one for one in field_definitions.listed(place) if one.code == code)
    lost = field_definitions.preview(place, row.id, {"label": row.label, "kind": kind, **more})
    wish = {"label": row.label, "kind": kind, **more}
    field_definitions.change(officer, place, row.id, wish, agreed=lost.lost + lost.coarser)
    query = select(FieldConversion).where(FieldConversion.field_id == row.id).order_by(FieldConversion.id.desc())
    kept = db.session.scalars(query).first()
    assert kept is not None
    run = tasks.claim(kept.task_id or 0)
    assert run is not None
    field_changes.apply(run)
    assert tasks.finish(run)
    db.session.expire_all()
    assert (kept.state, row.kind, row.slot) == ("done", kind, kept.id)
    return f"{code}.{kept.id}"


@pytest.fixture
def place(officer: Actor) -> Place:
    """Bridges on a road, looked up and counted on; name and length of the bridges were texts when they were entered."""
    own_id = sheet(
        "bridges", "示例桥梁", [("name", "text", {}), ("length", "text", {}), ("part", "link", {"to": "own_bridges"})]
    )
    own = definitions.current().sheets["bridges"]
    first = None
    for name, length in (("示例一桥", "120"), ("示例二桥", "30"), ("示例三桥", "不详")):
        row = own_rows.write(officer, own, None, {"x_name": name, "x_length": length, "x_part": first})
        first = first or row.id
    place = Place(OWN, own_id)
    own_rows.write(officer, own, first, {"x_length": "125"})
    turned(officer, place, "name", "long")
    turned(officer, place, "length", "number")
    for code, kind, parameters in (
        ("twice", "formula", {"formula": "{x_length}*2", "result": "number"}),
        ("whole", "lookup", {"field": "x_part", "column": "x_length"}),
        ("parts", "rollup", {"to": "own_bridges", "field": "x_part", "column": "x_length", "figure": "sum"}),
    ):
        db.session.add(
            FieldDefinition(
                table_name=OWN, own_sheet_id=own_id, code=code, label=f"示例{code}", kind=kind, sort=9,
                parameters=parameters,
            )
        )  # fmt: skip
    definitions.moved()
    db.session.commit()
    return place


def ids() -> list[int]:
    return list(db.session.scalars(select(OwnRow.id).order_by(OwnRow.id)))


def test_grid_and_computed_fields_read_the_new_values(place: Place, keeper: FlaskClient) -> None:
    told = rows(keeper, "own_bridges", sort=[["x_length", "desc"]])
    names = ("x_name", "x_length", "x_twice", "x_whole", "x_parts")
    assert [tuple(one[name] for name in names) for one in told] == [
        ("示例三桥", None, None, 125, None), ("示例一桥", 125, 250, None, 30), ("示例二桥", 30, 60, 125, None),
    ]  # fmt: skip
    long = {"all": [{"field": "x_length", "op": "more", "value": 100}]}
    assert [one["x_name"] for one in rows(keeper, "own_bridges", filter=long)] == ["示例一桥"]
    assert [one["x_part"] for one in told] == [[ids()[0], "示例一桥"], None, [ids()[0], "示例一桥"]]
    described = {one["key"]: one["kind"] for one in keeper.get(API, base_url=URL).json["columns"]}
    assert {key: described[key] for key in names[:2]} == {"x_name": "long", "x_length": "number"}


def test_a_cell_is_written_taken_back_and_its_history_goes_on(place: Place, keeper: FlaskClient) -> None:
    row = ids()[0]
    version = keeper.get(f"{API}/rows/{row}", base_url=URL).json["version"]
    wish = {"version": version, "values": {"x_length": 7}, "request_key": "on"}
    done = keeper.patch(f"{API}/rows/{row}", base_url=URL, json=wish)
    assert done.status_code == 200, done.text
    assert done.json["row"]["cells"]["x_length"] == 7
    undone = keeper.post(f"{API}/edits/{done.json['change_set']}/undo", base_url=URL, json={"request_key": "back"})
    assert undone.status_code == 200, undone.text
    history = keeper.get(f"{API}/rows/{row}/history?field=x_length", base_url=URL).json["history"]
    assert [(one["old"], one["new"]) for one in history] == [(7, 125), (125, 7), ("120", "125"), (None, "120")]


def test_pages_forms_and_the_trash_call_it_by_its_name(place: Place, keeper: FlaskClient) -> None:
    row = ids()[0]
    form = keeper.get(f"/own/bridges/{row}/edit", base_url=URL).text
    assert 'value="125"' in form
    version = db.session.get_one(OwnRow, row).version
    sent = {"x_name": "示例新桥", "x_length": "8", "x_part": "", "version": version}
    assert keeper.post(f"/own/bridges/{row}/edit", base_url=URL, data=sent).status_code == 302
    page = keeper.get(f"/own/bridges/{row}", base_url=URL).text
    assert "示例新桥" in page
    assert "示例二桥" in page  # what links here
    assert page.count("示例length") == 4  # the value, created, changed to 125, changed to 8
    version = db.session.get_one(OwnRow, row, populate_existing=True).version
    off = keeper.delete(f"{API}/rows/{row}", base_url=URL, json={"version": version, "request_key": "off"})
    assert off.status_code == 200, off.text
    gone = db.session.scalars(select(Journal).where(Journal.action == "remove")).one()
    assert gone.old == {"name": "示例新桥", "length": 8}
    assert keeper.post(f"{API}/trash/{row}/restore", base_url=URL, json={"request_key": "again"}).status_code == 200
    assert rows(keeper, "own_bridges")[0]["x_length"] == 8


def test_many_rows_at_once_are_told_by_name(place: Place, officer: Actor) -> None:
    own, row = definitions.current().sheets["bridges"], ids()[0]
    held = {one.name: one.code for one in definitions.current().of(OWN, own.id)}
    wish = [own_batches.Change(row, None, {"x_length": 6})]
    with transaction():
        found = own_batches.judged(officer, own, wish, is_locked=True)
        sides = [json.dumps(dict(side)) for side in (found[0].old, found[0].new)]
        own_batches.change(officer, own, [own_batches.Edit(row, *sides)])
        own_batches.add(officer, own, [json.dumps({held["name"]: "示例四桥", held["length"]: 5})])
    told = db.session.scalars(select(Journal).order_by(Journal.id)).all()[-2:]
    assert [(one.old, one.new) for one in told] == [
        ({"length": 125}, {"length": 6}), ({}, {"name": "示例四桥", "length": 5}),
    ]  # fmt: skip
    assert list(own_batches.cells(own, found)) == [({"x_length": 125}, {"x_length": 6})]


def test_a_second_change_of_kind_begins_from_the_first(place: Place, officer: Actor, keeper: FlaskClient) -> None:
    slot = turned(officer, place, "length", "text")
    told = rows(keeper, "own_bridges")
    assert [one["x_length"] for one in told] == ["125", "30", None]
    # What follows from numbers alone is left out, and takes nothing else with it.
    assert not told[0].keys() & {"x_twice", "x_parts"}
    assert told[1]["x_whole"] == "125"
    with present.at(present.now() + timedelta(hours=1)):
        assert field_jobs.clear() == 9  # names, lengths as texts, lengths as numbers
    held = db.session.scalars(select(OwnRow.extra).order_by(OwnRow.id)).all()
    assert [extra.get(slot) for extra in held] == ["125", "30", None]
    assert all("length" not in extra and "name" not in extra for extra in held)


def test_appeals_reports_and_documents_read_the_new_values(officer: Actor, make: Factory) -> None:
    field = {"label": "示例深度", "code": "depth", "kind": "text", "in_reports": True}
    field_definitions.add(officer, Place("appeal"), field)
    other, appeal = make.appeal("assigned"), make.appeal("assigned")
    registrar = make.holder("registrar")
    for one, value in ((other, "1"), (appeal, "12.5")):
        appeal_fields.write(make.actor(registrar), one.id, {"x_depth": value}, version=None)
    slot = turned(officer, Place("appeal"), "depth", "number", in_reports=True)
    browser = make.signed_in(registrar)
    assert "12.5" in browser.get(f"/appeals/{appeal.id}", base_url=URL).text
    form = browser.get(f"/appeals/{appeal.id}/fields", base_url=URL).text
    assert 'value="12.5"' in form
    version = db.session.get_one(Appeal, appeal.id, populate_existing=True).version
    sent = browser.post(f"/appeals/{appeal.id}/fields", base_url=URL, data={"x_depth": "13", "version": version})
    assert sent.status_code == 302, sent.text
    told = db.session.scalars(select(Journal).where(Journal.action == "fill_in").order_by(Journal.id)).all()[1:]
    assert [(one.old, one.new) for one in told] == [
        ({"x_depth": None}, {"x_depth": "12.5"}), ({"x_depth": 12.5}, {"x_depth": 13}),
    ]  # fmt: skip
    db.session.expire_all()
    assert db.session.get_one(Appeal, appeal.id).extra == {"depth": "12.5", slot: 13}
    assert "示例深度" in browser.get(f"/appeals/{appeal.id}", base_url=URL).text
