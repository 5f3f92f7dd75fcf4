"""Edits of cells over HTTP: the same as the form's, once each, with conflicts shown and refusals told at their cell."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.models import Appeal, ChangeSet, ChangeSetRow, FieldDefinition, Journal, LimitRule, Person, db
from app.services import definitions, grid_batches, present
from app.services.transaction import transaction
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"
_keys = count(1)


def key() -> str:
    """A request key that nobody used."""
    return f"test-{next(_keys)}"


def field(code: str, kind: str = "text", table: str = "appeal", **columns: Any) -> str:
    """A field made at run time, as the administrator's page makes it; its key."""
    with transaction():
        db.session.add(FieldDefinition(table_name=table, code=code, label=f"示例{code}", kind=kind, **columns))
        definitions.moved()
    return definitions.PREFIX + code


def send(client: FlaskClient, method: str, address: str, status: int = 200, **body: Any) -> dict[str, Any]:
    """What the API answers to a change of a sheet."""
    answer = client.open(f"/api/v1/sheets/{address}", method=method, base_url=URL, json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json
    return found


def row_of(client: FlaskClient, sheet: str, row_id: int) -> dict[str, Any]:
    """A row as the caller sees it."""
    return send(client, "GET", f"{sheet}/rows/{row_id}")


def patch(
    client: FlaskClient, sheet: str, row: dict[str, Any], values: dict[str, Any], status: int = 200, **more: Any
) -> dict[str, Any]:
    """An edit of cells of a row as it was read."""
    body = {"version": row["version"], "values": values, "request_key": key()} | more
    return send(client, "PATCH", f"{sheet}/rows/{row['id']}", status, **body)


# --- one cell -----------------------------------------------------------------------------------------------------


def test_a_cell_of_a_draft_is_the_step_of_its_sheet(make: Factory) -> None:
    appeal = make.appeal("draft")
    collector = make.signed_in(make.holder("collector_a"))
    row = row_of(collector, "appeals", appeal.id)
    told = patch(collector, "appeals", row, {"subject": "示例改过的标题"})
    assert told["row"]["cells"]["subject"] == "示例改过的标题"
    assert told["row"]["version"] == row["version"] + 1
    journal = db.session.scalars(select(Journal).where(Journal.appeal_id == appeal.id, Journal.action == "edit")).one()
    assert journal.new["subject"] == "示例改过的标题"
    kept = db.session.scalars(select(ChangeSetRow).where(ChangeSetRow.change_set_id == told["change_set"])).one()
    assert (kept.old, kept.new) == ({"subject": row["cells"]["subject"]}, {"subject": "示例改过的标题"})
    assert kept.row_version == told["row"]["version"]


def test_a_workflow_field_is_not_written_outside_its_step(make: Factory) -> None:
    appeal = make.appeal("registered")
    collector = make.signed_in(make.holder("collector_a"))
    row = row_of(collector, "appeals", appeal.id)
    told = patch(collector, "appeals", row, {"subject": "示例"}, 409)
    assert told["error"]["code"].startswith("workflow.")
    told = patch(collector, "appeals", row, {"state": "closed"}, 422)
    assert list(told["error"]["fields"]) == ["state"]
    assert make.count(ChangeSet) == 0


def test_a_note_only_grows(make: Factory) -> None:
    appeal = make.appeal("registered")
    keeper = make.signed_in(make.holder("ledger_admin"))
    first = patch(keeper, "ledger", row_of(keeper, "ledger", appeal.id), {"note": "示例第一条"})
    second = patch(keeper, "ledger", first["row"], {"note": "示例第一条\n示例第二条"})
    assert second["row"]["cells"]["note"] == "示例第一条\n示例第二条"
    third = patch(keeper, "ledger", second["row"], {"note": "示例第三条"})
    assert third["row"]["cells"]["note"] == "示例第一条\n示例第二条\n示例第三条"
    refused = patch(keeper, "ledger", third["row"], {"note": "示例第二条"}, 422)
    assert list(refused["error"]["fields"]) == ["note"]
    assert patch(keeper, "ledger", third["row"], {"note": third["row"]["cells"]["note"]})["change_set"] is None


def test_a_field_made_at_run_time_has_its_value_one_journal_row_and_one_change_set(make: Factory) -> None:
    appeal, name = make.appeal("registered"), field("sum", "money")
    keeper = make.signed_in(make.holder("ledger_admin"))
    row = row_of(keeper, "ledger", appeal.id)
    assert patch(keeper, "ledger", row, {name: "twelve"}, 422)["error"]["fields"][name]
    told = patch(keeper, "ledger", row, {name: "1,234.5"})
    assert told["row"]["cells"][name] == 1234.5
    journal = db.session.scalars(select(Journal).where(Journal.appeal_id == appeal.id, Journal.action == "fill_in"))
    assert [(one.old, one.new) for one in journal] == [({name: None}, {name: 1234.5})]
    assert make.count(ChangeSet, sheet="ledger", done=1) == 1


def test_what_is_typed_is_read_by_the_columns_unit_and_the_offices_year(make: Factory) -> None:
    appeal = make.appeal("registered")
    share, cost = field("share", "number"), field("cost", "money")
    day, rate = field("day", "date"), field("rate", "number")
    with transaction():
        kept = db.session.scalars(select(FieldDefinition).where(FieldDefinition.code.in_(["share", "cost"]))).all()
        for one in kept:
            one.label = {"share": "示例占比（%）", "cost": "示例费用（万元）"}[one.code]
        definitions.moved()
    keeper = make.signed_in(make.holder("ledger_admin"))
    row = row_of(keeper, "ledger", appeal.id)
    typed = {share: "12.5％", cost: "30,000元", day: "11月3日", rate: "12%"}
    told = patch(keeper, "ledger", row, typed)["row"]
    held = {share: 12.5, cost: 3, day: f"{present.today().year}-11-03", rate: 0.12}
    assert {key: told["cells"][key] for key in typed} == held
    refused = patch(keeper, "ledger", told, {day: "11.3", cost: "¥3"}, 422)["error"]["fields"]
    assert "11.3" in refused[day][0]
    assert "¥3" in refused[cost][0]


def test_who_saw_an_older_row_is_shown_the_newer_one(make: Factory) -> None:
    appeal, name = make.appeal("registered"), field("colour")
    keeper = make.signed_in(make.holder("ledger_admin"))
    row = row_of(keeper, "ledger", appeal.id)
    patch(keeper, "ledger", row, {name: "红"})
    told = patch(keeper, "ledger", row, {name: "蓝"}, 409)
    assert told["error"]["code"] == "row.stale"
    assert told["error"]["current"]["cells"][name] == "红"
    assert told["error"]["current"]["version"] == row["version"] + 1


def test_a_request_sent_again_acts_once_and_gets_the_same_answer(make: Factory) -> None:
    appeal, name = make.appeal("registered"), field("once")
    keeper = make.signed_in(make.holder("ledger_admin"))
    row, mine = row_of(keeper, "ledger", appeal.id), key()
    first = patch(keeper, "ledger", row, {name: "示例"}, request_key=mine)
    assert patch(keeper, "ledger", row, {name: "示例"}, request_key=mine) == first
    assert make.count(Journal, appeal_id=appeal.id, action="fill_in") == 1
    assert patch(keeper, "ledger", row, {name: "示例"}, 422, request_key="")["error"]["code"] == "request.key-missing"
    body = {"kind": "paste", "cells": [], "request_key": mine}
    assert send(keeper, "POST", "ledger/edits", 409, **body)["error"]["code"] == "request.key-used"


@pytest.mark.parametrize("state", ["archived", "voided"])
def test_what_has_ended_is_read_only(make: Factory, state: str) -> None:
    appeal, name = make.appeal(state), field("late")
    keeper = make.signed_in(make.holder("ledger_admin"))
    told = patch(keeper, "ledger", row_of(keeper, "ledger", appeal.id), {name: "示例"}, 403)
    assert told["error"]["code"] == "appeal.ended"


def test_who_may_not(make: Factory) -> None:
    own, foreign = make.appeal("in_progress"), make.appeal("registered")
    registrar_post = make.post("registrar").id
    free, kept = field("free"), field("kept", writer_post_ids=[registrar_post])
    hidden = field("hidden", reader_post_ids=[registrar_post])
    elsewhere = field("elsewhere", states=["closed"])
    handler = make.signed_in(make.member(own.unit))
    row = row_of(handler, "appeals", own.id)
    send(handler, "PATCH", f"appeals/rows/{foreign.id}", 404, version=1, values={free: "示例"}, request_key=key())
    send(handler, "PATCH", f"ledger/rows/{own.id}", 404, version=1, values={free: "示例"}, request_key=key())
    assert patch(handler, "appeals", row, {kept: "示例"}, 422)["error"]["fields"][kept]
    assert patch(handler, "appeals", row, {hidden: "示例"}, 422)["error"]["fields"][hidden]
    assert patch(handler, "appeals", row, {elsewhere: "示例"}, 422)["error"]["fields"][elsewhere]
    assert patch(handler, "appeals", row, {free: "示例"})["row"]["cells"][free] == "示例"
    registrar = make.signed_in(make.holder("registrar"))
    told = patch(registrar, "appeals", row_of(registrar, "appeals", own.id), {kept: "示例"})
    journal = db.session.scalars(select(Journal).where(Journal.appeal_id == own.id).order_by(Journal.id.desc())).first()
    assert told["row"]["cells"][kept] == "示例"
    assert journal is not None
    assert journal.post_id == registrar_post


# --- dictionaries -------------------------------------------------------------------------------------------------


def test_a_cell_of_a_dictionary_is_saved_as_its_form_saves_it(make: Factory) -> None:
    person = make.person("示例甲")
    system = make.signed_in(officer="system")
    row = row_of(system, "people", person.id)
    told = patch(system, "people", row, {"name": "示例乙"})
    assert told["row"]["cells"]["name"] == "示例乙"
    assert db.session.get_one(Person, person.id).name_pinyin.startswith("sly ")
    assert make.count(Journal, object_type="person", object_id=person.id, action="edit") == 1
    assert patch(system, "people", told["row"], {"name": ""}, 422)["error"]["fields"]["name"]
    keeper = make.signed_in(make.holder("ledger_admin"))
    send(keeper, "PATCH", f"people/rows/{person.id}", 404, version=1, values={"name": "示例"}, request_key=key())


def test_what_moves_clocks_is_asked_first_and_never_done_silently(make: Factory) -> None:
    make.appeal("in_progress")
    system = make.signed_in(officer="system")
    rule = db.session.scalars(select(LimitRule).where(LimitRule.code == "ordinary")).one()
    row = row_of(system, "limits", rule.id)
    told = patch(system, "limits", row, {"amount": "3"}, 409)
    assert told["error"]["code"] == "recount.consent-first"
    assert told["error"]["moves"]["appeals"] >= 1
    assert told["error"]["form"].endswith(f"/edit/{row['id']}")
    assert row_of(system, "limits", row["id"]) == row


def test_a_row_is_added_and_goes_to_the_trash(make: Factory) -> None:
    system = make.signed_in(officer="system")
    mine = key()
    told = send(system, "POST", "people/rows/new", values={"name": "示例新人"}, request_key=mine)
    assert send(system, "POST", "people/rows/new", values={"name": "示例新人"}, request_key=mine) == told
    assert make.count(Person, name="示例新人") == 1
    row = told["row"]
    gone = send(system, "DELETE", f"people/rows/{row['id']}", version=row["version"], request_key=key())
    assert gone["change_set"]
    assert not db.session.get_one(Person, row["id"]).active


# --- a block of cells ---------------------------------------------------------------------------------------------


def test_a_block_writes_what_is_valid_and_tells_the_rest(make: Factory) -> None:
    appeals, name = [make.appeal("registered") for _n in range(4)], field("block", "number")
    ended = make.appeal("archived")
    keeper = make.signed_in(make.holder("ledger_admin"))
    rows = [row_of(keeper, "ledger", one.id) for one in (*appeals, ended)]
    typed = ["1", "two", "3", "4", "5"]
    cells = [
        {"id": row["id"], "version": row["version"], "values": {name: value}}
        for row, value in zip(rows, typed, strict=True)
    ]
    cells[3]["version"] -= 1
    trial = send(keeper, "POST", "ledger/edits", kind="paste", cells=cells, request_key=key(), dry=True)
    assert trial["change_set"] is None
    assert make.count(ChangeSet) == 0
    mine = key()
    told = send(keeper, "POST", "ledger/edits", kind="paste", cells=cells, request_key=mine)
    assert {one["id"]: one["cells"][name] for one in told["rows"]} == {rows[0]["id"]: 1, rows[2]["id"]: 3}
    assert {(one["id"], one["field"], one["code"]) for one in told["problems"]} == {
        (rows[1]["id"], name, "field.decimal-unreadable"),
        (rows[3]["id"], name, "row.stale"),
        (rows[4]["id"], name, "appeal.ended"),
    }
    assert trial["problems"] == told["problems"]
    assert all(one["message"] for one in told["problems"])
    assert send(keeper, "POST", "ledger/edits", kind="paste", cells=cells, request_key=mine) == told
    kept = db.session.get_one(ChangeSet, told["change_set"])
    assert (kept.total, kept.done, kept.refused, kept.kind) == (5, 2, 3, "paste")
    assert db.session.get_one(Appeal, rows[1]["id"]).extra == {}


def test_rows_that_share_a_savepoint_are_written_as_each_by_itself(
    make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second and the fifth are refused, one for its value, one by the database; each other row is written once."""
    monkeypatch.setattr(grid_batches, "AT_ONCE", 3)
    name = field("plate", is_unique=True)
    made = db.session.scalars(select(FieldDefinition).where(FieldDefinition.code == "plate")).one()
    db.session.execute(select(func.settle_field_index(made.id)))
    db.session.commit()
    appeals = [make.appeal("registered") for _n in range(7)]
    keeper = make.signed_in(make.holder("ledger_admin"))
    rows = [row_of(keeper, "ledger", one.id) for one in appeals]
    typed = ["示例1", "x" * 501, "示例3", "示例4", "示例1", "示例6", "示例7"]
    cells = [
        {"id": row["id"], "version": row["version"], "values": {name: value}}
        for row, value in zip(rows, typed, strict=True)
    ]
    told = send(keeper, "POST", "ledger/edits", kind="paste", cells=cells, request_key=key())
    refused = {one["id"]: one["code"] for one in told["problems"]}
    assert refused == {rows[1]["id"]: "field.too-long", rows[4]["id"]: "row.taken"}
    good = [place for place in range(7) if place not in (1, 4)]
    assert {one["id"]: one["cells"][name] for one in told["rows"]} == {rows[n]["id"]: typed[n] for n in good}
    written = select(Journal.appeal_id).where(Journal.action == "fill_in").order_by(Journal.appeal_id)
    assert list(db.session.scalars(written)) == [rows[n]["id"] for n in good]
    db.session.expire_all()
    assert {appeals[n].version - rows[n]["version"] for n in good} == {1}


def test_a_row_of_a_block_costs_three_statements(make: Factory) -> None:
    name, appeals = field("many"), [make.appeal("registered") for _n in range(40)]
    keeper = make.signed_in(make.holder("ledger_admin"))
    rows = [row_of(keeper, "ledger", one.id) for one in appeals]
    cells = [{"id": row["id"], "version": row["version"], "values": {name: "示例"}} for row in rows]
    with counted() as statements:
        told = send(keeper, "POST", "ledger/edits", kind="paste", cells=cells, request_key=key())
    assert (len(told["rows"]), told["problems"]) == (40, [])
    assert len(statements) <= 3 * 40 + 30, "\n\n".join(statements)


def test_names_and_labels_are_pasted_as_people_read_them(make: Factory) -> None:
    appeal, unit = make.appeal("registered"), make.a_unit()
    options = [{"code": "a", "label": "甲类"}, {"code": "b", "label": "乙类"}]
    which, where, day = (
        field("which", "choice", parameters={"options": options}),
        field("where", "unit"),
        field("day", "date"),
    )
    keeper = make.signed_in(make.holder("ledger_admin"))
    row = row_of(keeper, "ledger", appeal.id)
    values = {which: "乙类", where: unit.name, day: "2010/3/9"}
    cells = [{"id": row["id"], "version": row["version"], "values": values}]
    told = send(keeper, "POST", "ledger/edits", kind="paste", cells=cells, request_key=key())
    assert not told["problems"]
    found = told["rows"][0]["cells"]
    assert (found[which], found[where], found[day]) == ("b", [unit.id, unit.name], "2010-03-09")
    cells = [{"id": row["id"], "version": row["version"] + 1, "values": {where: "没有这个单位"}}]
    told = send(keeper, "POST", "ledger/edits", kind="paste", cells=cells, request_key=key())
    assert [one["code"] for one in told["problems"]] == ["field.choice"]
    assert told["change_set"] is None


def test_new_rows_of_a_block_are_whole_or_not_there(make: Factory) -> None:
    system = make.signed_in(officer="system")
    before = make.count(Person)
    new = [{"name": "示例一"}, {"name_en": "Nobody"}, {"name": "示例三", "email": "not an address"}]
    told = send(system, "POST", "people/edits", kind="paste", new=new, request_key=key())
    assert [one["cells"]["name"] for one in told["rows"]] == ["示例一"]
    assert [(one["new"], one["field"]) for one in told["problems"]] == [(1, "name"), (2, "email")]
    assert make.count(Person) == before + 1


# --- what a cell can refer to -------------------------------------------------------------------------------------


def test_rows_to_refer_to_are_found_by_name_and_by_sound(make: Factory) -> None:
    keeper = make.signed_in(make.holder("ledger_admin"))
    everything = send(keeper, "GET", "ledger/options/unit")["options"]
    assert 0 < len(everything) <= 50
    one = next(found for found in everything if len(found["label"]) > 2)
    initials = one["pinyin"].split(" ")[0]
    for term in (one["label"], one["label"][1:3], initials, one["pinyin"].split(" ", 1)[1][:6]):
        assert one in send(keeper, "GET", f"ledger/options/unit?q={term}")["options"], term
    assert send(keeper, "GET", "ledger/options/unit?q=zzzzzz")["options"] == []
    send(keeper, "GET", "ledger/options/subject", 404)
    send(keeper, "GET", "people/options/unit", 404)


# --- taking back --------------------------------------------------------------------------------------------------


def test_undo_restores_what_still_holds_what_was_written_and_tells_the_rest(make: Factory) -> None:
    appeals, name, other = [make.appeal("registered") for _n in range(3)], field("undo"), field("other", "number")
    keeper = make.signed_in(make.holder("ledger_admin"))
    rows = [row_of(keeper, "ledger", one.id) for one in appeals]
    cells = [{"id": one["id"], "version": one["version"], "values": {name: "新", other: 7}} for one in rows]
    told = send(keeper, "POST", "ledger/edits", kind="fill", cells=cells, request_key=key())
    changed = patch(keeper, "ledger", told["rows"][1], {name: "别人改的"})
    mine, address = key(), f"ledger/edits/{told['change_set']}/undo"
    back = send(keeper, "POST", address, request_key=mine)
    found = {one["id"]: one["cells"] for one in back["rows"]}
    assert [(found[one["id"]][name], found[one["id"]][other]) for one in rows] == [
        (None, None),
        ("别人改的", None),
        (None, None),
    ]
    assert [(one["id"], one["field"], one["code"]) for one in back["problems"]] == [
        (changed["row"]["id"], name, "undo.changed-since")
    ]
    again = send(keeper, "POST", address, request_key=mine)
    assert (again["change_set"], again["problems"]) == (back["change_set"], back["problems"])
    assert send(keeper, "POST", address, 409, request_key=key())["error"]["code"] == "change-set.undone"
    redo = send(keeper, "POST", f"ledger/edits/{back['change_set']}/undo", request_key=key())
    assert {one["cells"][name] for one in redo["rows"] if one["id"] != rows[1]["id"]} == {"新"}
    assert {one["cells"][other] for one in redo["rows"]} == {7}
    listed = send(keeper, "GET", "ledger/edits/mine")["edits"]
    assert [(one["kind"], one["undone"]) for one in listed] == [
        ("undo", None),
        ("undo", redo["change_set"]),
        ("cell", None),
        ("fill", None),
    ]
    once_more = send(keeper, "POST", address, request_key=key())["change_set"]
    assert once_more
    # Taken back, done again, taken back by undoing that: the first is taken back.
    redo = send(keeper, "POST", f"ledger/edits/{once_more}/undo", request_key=key())["change_set"]
    assert send(keeper, "GET", "ledger/edits/mine")["edits"][-1]["undone"] is None
    send(keeper, "POST", f"ledger/edits/{redo}/undo", request_key=key())
    assert send(keeper, "GET", "ledger/edits/mine")["edits"][-1]["undone"] == once_more


def test_only_ones_own_changes_are_undone(make: Factory) -> None:
    appeal, name = make.appeal("registered"), field("own")
    keeper, other = make.signed_in(make.holder("ledger_admin")), make.signed_in(make.holder("supervisor"))
    told = patch(keeper, "ledger", row_of(keeper, "ledger", appeal.id), {name: "示例"})
    send(other, "POST", f"ledger/edits/{told['change_set']}/undo", 404, request_key=key())
    send(keeper, "POST", f"appeals/edits/{told['change_set']}/undo", 404, request_key=key())
    assert send(other, "GET", "ledger/edits/mine") == {"edits": []}


def test_a_note_is_not_taken_back_but_told(make: Factory) -> None:
    appeal, name = make.appeal("registered"), field("beside")
    keeper = make.signed_in(make.holder("ledger_admin"))
    row = row_of(keeper, "ledger", appeal.id)
    told = patch(keeper, "ledger", row, {"note": "示例附注", name: "示例"})
    assert told["row"]["cells"]["note"] == "示例附注"
    back = send(keeper, "POST", f"ledger/edits/{told['change_set']}/undo", request_key=key())
    assert [(one["field"], one["code"]) for one in back["problems"]] == [("note", "undo.step-final")]
    assert back["rows"][0]["cells"][name] is None
    assert back["rows"][0]["cells"]["note"] == "示例附注"


def test_a_new_row_is_undone_into_the_trash_and_comes_back(make: Factory) -> None:
    system = make.signed_in(officer="system")
    told = send(system, "POST", "people/rows/new", values={"name": "示例新人"}, request_key=key())
    row_id = told["row"]["id"]
    back = send(system, "POST", f"people/edits/{told['change_set']}/undo", request_key=key())
    assert row_id in [one["id"] for one in send(system, "GET", "people/trash")["rows"]]
    redo = send(system, "POST", f"people/edits/{back['change_set']}/undo", request_key=key())
    assert redo["rows"][0]["cells"]["active"] is True
    row = row_of(system, "people", row_id)
    gone = send(system, "DELETE", f"people/rows/{row_id}", version=row["version"], request_key=key())
    listed = send(system, "GET", "people/trash")["rows"]
    assert (listed[0]["id"], listed[0]["title"]) == (row_id, "示例新人")
    assert listed[0]["at"]
    mine = key()
    restored = send(system, "POST", f"people/trash/{row_id}/restore", request_key=mine)
    assert restored["row"]["cells"]["active"] is True
    assert send(system, "POST", f"people/trash/{row_id}/restore", request_key=mine) == restored
    send(system, "POST", f"people/trash/{row_id}/restore", 404, request_key=key())
    told = send(system, "POST", f"people/edits/{gone['change_set']}/undo", request_key=key())
    assert [one["code"] for one in told["problems"]] == ["row.unknown"]
    keeper = make.signed_in(make.holder("ledger_admin"))
    assert send(keeper, "GET", "ledger/trash") == {"rows": []}


def test_a_cell_has_its_history(make: Factory) -> None:
    appeal, unit, name = make.appeal("registered"), make.a_unit(), field("where", "unit")
    admin = make.holder("ledger_admin")
    keeper = make.signed_in(admin)
    first = patch(keeper, "ledger", row_of(keeper, "ledger", appeal.id), {name: unit.id})
    second = patch(keeper, "ledger", first["row"], {name: None})
    found = send(keeper, "GET", f"ledger/rows/{appeal.id}/history?field={name}")["history"]
    assert [(one["old"], one["new"]) for one in found] == [
        ([unit.id, unit.name], None),
        (None, [unit.id, unit.name]),
    ]
    assert [one["change_set"] for one in found] == [second["change_set"], first["change_set"]]
    assert {(one["person"], one["post"]) for one in found} == {(admin.name, make.post("ledger_admin").name)}
    states = send(keeper, "GET", f"ledger/rows/{appeal.id}/history?field=state")["history"]
    assert [one["new"] for one in states] == ["registered", "submitted", "draft"]
    channel = send(keeper, "GET", f"ledger/rows/{appeal.id}/history?field=channel")["history"]
    assert channel[0]["new"] == row_of(keeper, "ledger", appeal.id)["cells"]["channel"]
    send(keeper, "GET", f"ledger/rows/{appeal.id}/history?field=appellant_phone", 404)
    handler = make.signed_in(make.member(unit))
    send(handler, "GET", f"appeals/rows/{appeal.id}/history?field={name}", 404)
