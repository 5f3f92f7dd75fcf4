"""A file into a sheet as JSON: by a program's token, under its post, as far as its pages go and no further."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from python_calamine import CalamineWorkbook
from sqlalchemy import update

from app.models import Appeal, Assumption, Audit, Holding, Journal, Membership, OwnRow, Person, SheetFile, Task, db
from app.rules.errors import Refused
from app.rules.values import ValueKind
from app.services import own_sheets, tasks
from app.services.own_sheets import Line, Plan
from jobs import sheet_imports as job
from tests.factories import Factory
from tests.test_api_tokens import URL, token_of

CSV = "编号,名称\n001,示例一\n002,\n001,示例三\n"
Ask = Callable[..., Any]
_keys = count(1)


@pytest.fixture
def ask(app: Flask) -> Ask:
    """A request of a program about imports of a sheet."""

    def asked(token: str, path: str = "", method: str = "GET", sheet: str = "ledger", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        address = f"/api/v1/sheets/{sheet}/imports{path}"
        return app.test_client().open(address, method=method, base_url=URL, headers=headers, **more)

    return asked


@pytest.fixture
def keeper(make: Factory) -> Person:
    """The ledger's administrator, before three appeals."""
    for _number in range(3):
        make.appeal("registered")
    db.session.commit()
    return make.holder("ledger_admin")


@pytest.fixture
def lamps(make: Factory) -> str:
    """The code of an own sheet that the editor's post fills in; its first field must be filled."""
    lines = (Line("编号", ValueKind.TEXT, required=True), Line("名称", ValueKind.TEXT, required=True))
    plan = Plan("示例路灯", lines=lines, writers=(make.post("editor").id,))
    own = own_sheets.make(make.actor(officer="system"), plan)
    db.session.commit()
    return f"own_{own.code}"


def bring(ask: Ask, token: str, text: str, key: str, sheet: str = "ledger") -> Any:
    """What is answered to a file."""
    headers = {"X-File-Name": quote("示例.csv"), "X-Request-Key": key}
    return ask(token, method="POST", sheet=sheet, data=text.encode("gb18030"), headers=headers)


def handed_in(ask: Ask, token: str, text: str, sheet: str = "ledger") -> str:
    """The path of a file that was handed in."""
    answer = bring(ask, token, text, f"test-{next(_keys)}", sheet)
    assert answer.status_code == 201, answer.text
    assert (answer.json["state"], answer.json["filename"]) == ("uploaded", "示例.csv")
    return f"/{answer.json['file']}"


def test_a_program_brings_looks_and_writes_once(make: Factory, keeper: Person, ask: Ask) -> None:
    token = token_of(make, keeper, can_write=True)
    numbers = [one.number for one in db.session.query(Appeal)]
    path = handed_in(ask, token, "\n".join(["编号,附注", *(f"{one},示例附注" for one in numbers), "没有,示例附注"]))
    told = ask(token, f"{path}/columns").json
    usual = {"columns": {"0": "number", "1": "note"}, "mode": "update", "key": "number", "also": [], "clears": False}
    assert told["plan"] == usual
    wrong = ask(token, f"{path}/check", "POST", json={"also": "number"}).json
    assert wrong["error"]["code"] == "query.unreadable"
    assert [one["goes_into"] for one in told["columns"]] == ["number", "note"]
    looked = ask(token, f"{path}/check", "POST", json={}).json
    assert (looked["state"], looked["tally"]) == ("checked", {"added": 0, "changed": 3, "same": 0, "refused": 1})
    assert {one.note for one in db.session.query(Appeal)} == {""}
    [refused] = ask(token, f"{path}/problems").json["refused"]
    assert (refused["row"], refused["problems"][0]["code"]) == (5, "import.key-unknown")
    assert refused["problems"][0]["message"]
    assert [one["new"] for one in ask(token, f"{path}/changes").json["changes"]] == [{"note": "示例附注"}] * 3
    assert make.count(Audit, event="token.read") == 1
    book = CalamineWorkbook.from_filelike(io.BytesIO(ask(token, f"{path}/refused").data))
    assert any("没有" in row for row in book.get_sheet_by_index(0).to_python())
    for _sent in range(2):
        done = ask(token, f"{path}/apply", "POST", json={"request_key": "once"})
        assert (done.status_code, done.json["state"]) == (200, "done")
    assert all(one.note.count("示例附注") == 1 for one in db.session.query(Appeal))
    assert ask(token, f"{path}/apply", "POST", json={"request_key": "twice"}).status_code == 409
    assert [one["file"] for one in ask(token).json["files"]] == [done.json["file"]]


def test_a_plan_that_cannot_be_carried_out_is_refused_at_its_columns(make: Factory, keeper: Person, ask: Ask) -> None:
    token = token_of(make, keeper, can_write=True)
    path = handed_in(ask, token, "编号,附注\nx,示例\n")
    refused = ask(token, f"{path}/check", "POST", json={"columns": {"0": "state", "1": "note"}, "key": "number"})
    assert refused.status_code == 422
    assert set(refused.json["error"]["fields"]) == {"column_0", "key"}
    for wrong in ({"columns": {"7": "note"}}, {"columns": []}, {"mode": "x"}, {"clears": 1}, {"more": 1}):
        answer = ask(token, f"{path}/check", "POST", json=wrong)
        assert (answer.status_code, answer.json["error"]["code"]) == (422, "query.unreadable")


def test_refused_rows_are_told_page_by_page(make: Factory, keeper: Person, ask: Ask) -> None:
    token = token_of(make, keeper, can_write=True)
    path = handed_in(ask, token, "编号,附注\n" + "".join(f"没有{n},示例\n" for n in range(5)))
    ask(token, f"{path}/check", "POST", json={})
    seen, after, pages = [], 0, 0
    while after is not None:
        part = ask(token, f"{path}/problems?limit=2&after={after}").json
        seen += [one["row"] for one in part["refused"]]
        after, pages = part["next"], pages + 1
    assert (seen, pages) == ([2, 3, 4, 5, 6], 3)
    assert ask(token, f"{path}/problems?limit=501").status_code == 422


def test_new_rows_of_an_own_sheet_come_in_and_go_back(make: Factory, lamps: str, ask: Ask, app: Flask) -> None:
    token = token_of(make, make.holder("editor"), can_write=True)
    path = handed_in(ask, token, CSV, lamps)
    looked = ask(token, f"{path}/check", "POST", lamps, json={"mode": "add"}).json
    assert looked["tally"] == {"added": 2, "changed": 0, "same": 0, "refused": 1}
    assert (looked["plan"]["mode"], looked["plan"]["key"]) == ("add", "")
    done = ask(token, f"{path}/apply", "POST", lamps, json={"request_key": "once"}).json
    assert make.count(OwnRow, deleted_at=None) == 2
    undo = f"/api/v1/sheets/{lamps}/edits/{done['change_set']}/undo"
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().post(undo, base_url=URL, headers=headers, json={"request_key": "back"}).status_code == 200
    assert make.count(OwnRow, deleted_at=None) == 0


def test_a_file_is_forgotten_or_looked_at_anew(make: Factory, keeper: Person, ask: Ask) -> None:
    token = token_of(make, keeper, can_write=True)
    path = handed_in(ask, token, "编号,附注\nx,示例\n")
    ask(token, f"{path}/check", "POST", json={})
    again = ask(token, f"{path}/reopen", "POST").json
    assert (again["state"], again["tally"]) == ("uploaded", None)
    assert ask(token, f"{path}/cancel", "POST").status_code == 409  # no worker is at it
    assert ask(token, path, "DELETE").json["state"] == "dropped"
    assert db.session.query(SheetFile).one().content_sealed is None
    assert ask(token, f"{path}/check", "POST", json={}).status_code == 409


def test_what_is_no_table_or_empty_is_refused(make: Factory, keeper: Person, ask: Ask) -> None:
    token = token_of(make, keeper, can_write=True)
    for body, code in ((b"\x00\x01\x02", "sheet-file.not-text"), (b"", "import.no-file")):
        answer = ask(token, method="POST", data=body, headers={"X-Request-Key": code})
        assert (answer.status_code, answer.json["error"]["code"]) == (422, code)
    assert make.count(SheetFile) == 0


def test_a_file_is_its_owners_under_the_post_of_the_token(make: Factory, keeper: Person, ask: Ask) -> None:
    post, unit = make.post("ledger_admin").id, make.a_unit()
    db.session.add(Membership(person_id=keeper.id, unit_id=unit.id, function="handler"))
    db.session.commit()
    whole, part = token_of(make, keeper, can_write=True), token_of(make, keeper, can_write=True, post_id=post)
    reading, elsewhere = token_of(make, keeper), token_of(make, keeper, can_write=True, sheets=("appeals",))
    other = token_of(make, make.holder("supervisor"), can_write=True)
    brought, narrow = handed_in(ask, whole, "编号,附注\nx,示例\n"), handed_in(ask, part, "编号,附注\nx,示例\n")
    assert ask(whole, narrow).status_code == ask(part, narrow).status_code == 200
    assert [ask(one, brought).status_code for one in (whole, part, other, elsewhere)] == [200, 404, 404, 404]
    assert len(ask(whole).json["files"]) == 2
    assert [f"/{one['file']}" for one in ask(part).json["files"]] == [narrow]
    assert ask(whole, brought, sheet="appeals").status_code == 404  # it was brought for the ledger
    assert ask(reading, brought).status_code == 200
    refused = ask(reading, f"{brought}/check", "POST", json={})
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "token.reads-only")


def run(kind: str) -> None:
    """What a worker does with the waiting task."""
    task = db.session.query(Task).filter(Task.kind == kind, Task.state == "pending").one()
    claimed = tasks.claim(task.id)
    assert claimed is not None
    job.work(claimed)
    tasks.finish(claimed)


@pytest.fixture
def small(app: Flask) -> None:
    """A file of two rows is large enough for a worker."""
    db.session.execute(update(Assumption).where(Assumption.code == "grid_bulk_in_job").values(value=1))
    db.session.commit()


def test_a_worker_acts_for_the_post_of_the_token_alone(
    make: Factory, keeper: Person, ask: Ask, small: None
) -> None:
    post = make.post("ledger_admin").id
    token = token_of(make, keeper, can_write=True, post_id=post)
    number = db.session.query(Appeal).first().number  # type: ignore[union-attr]
    path = handed_in(ask, token, f"编号,附注\n{number},示例\nx,示例\n")
    assert ask(token, f"{path}/check", "POST", json={}).json["state"] == "checking"
    row = db.session.query(SheetFile).one()
    assert row.spec["only_post"] == post
    run("sheet_import")
    looked = ask(token, path).json
    assert (looked["state"], looked["tally"]["changed"]) == ("checked", 1)
    assert ask(token, f"{path}/apply", "POST", json={"request_key": "k"}).json["state"] == "applying"
    db.session.execute(update(Holding).where(Holding.post_id == post).values(person_id=make.person().id))
    db.session.commit()
    # He holds the post no longer: the worker has no right to what the token asked for.
    with pytest.raises(Refused, match=r"access\.signed-out"):
        run("sheet_import")
    assert {one.note for one in db.session.query(Appeal)} == {""}


def test_a_waiting_look_is_stopped(make: Factory, keeper: Person, ask: Ask, small: None) -> None:
    token = token_of(make, keeper, can_write=True)
    path = handed_in(ask, token, "编号,附注\nx,示例\ny,示例\n")
    begun = ask(token, f"{path}/check", "POST", json={}).json
    assert (begun["state"], begun["total"]) == ("checking", 2)
    assert ask(token, f"{path}/check", "POST", json={}).status_code == 409
    assert ask(token, f"{path}/cancel", "POST").json["state"] == "uploaded"
    assert db.session.get_one(Task, begun["task"]).state == "cancelled"


def test_a_file_sent_again_with_its_key_is_the_file_that_is_there(make: Factory, keeper: Person, ask: Ask) -> None:
    token = token_of(make, keeper, can_write=True)
    first = bring(ask, token, CSV, "once")
    assert first.status_code == 201
    again = bring(ask, token, CSV, "once")
    assert (again.status_code, again.json) == (201, first.json)
    assert make.count(SheetFile) == 1
    assert make.count(Journal, object_type="sheet_file", request_key="once") == 1
    for text, sheet in (("编号,附注\n1,示例\n", "ledger"), (CSV, "appeals")):
        refused = bring(ask, token, text, "once", sheet)
        assert (refused.status_code, refused.json["error"]["code"]) == (409, "request.key-used")
    assert make.count(SheetFile) == 1
    assert bring(ask, token, CSV, "twice").json["file"] != first.json["file"]


@pytest.mark.parametrize("key", ["", "x" * 65])
def test_a_file_needs_a_key(make: Factory, keeper: Person, ask: Ask, key: str) -> None:
    refused = bring(ask, token_of(make, keeper, can_write=True), CSV, key)
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "request.key-missing")
    assert make.count(SheetFile) == 0


def test_a_key_of_somebody_else_is_no_way_to_his_file(make: Factory, keeper: Person, ask: Ask) -> None:
    bring(ask, token_of(make, keeper, can_write=True), CSV, "mine")
    refused = bring(ask, token_of(make, make.holder("collector_a"), can_write=True), CSV, "mine", "appeals")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "request.key-used")
