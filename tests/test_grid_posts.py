"""For which post a sheet is changed: those one may choose, the chosen one in the journal, another one refused."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.models import ChangeSet, Journal, db
from app.rules.values import ValueKind
from app.services import own_sheets
from app.services.own_sheets import Line, Plan
from tests.factories import Factory
from tests.test_grid_edits import field, key, patch, row_of, send

OWN = "own_row"
WORDS = {
    "access.other-post": "所选岗位没有此项权限，您的另一个岗位可以办理，请先换岗位。",
    "access.not-granted": "您当前岗位没有此项权限。",
}


@pytest.fixture
def posts(make: Factory) -> tuple[int, int]:
    """The registrar's post and the ledger's, which one person holds."""
    return make.post("registrar").id, make.post("ledger_admin").id


@pytest.fixture
def own(make: Factory, posts: tuple[int, int]) -> str:
    """The code of an own sheet that both posts, and a third one, fill in."""
    plan = Plan("示例桥梁", "Sample bridges", lines=(Line("名称", ValueKind.TEXT),),
                readers=(), writers=(*posts, make.post("supervisor").id))  # fmt: skip
    return f"own_{own_sheets.make(make.actor(officer='system'), plan).code}"


def signed(table: str) -> list[tuple[str, int | None]]:
    """(what, post) of each journal row about the table, the oldest first."""
    found = select(Journal.action, Journal.post_id).where(Journal.object_type == table).order_by(Journal.id)
    return [tuple(one) for one in db.session.execute(found)]


def test_the_sheet_names_the_posts_one_may_choose(make: Factory, own: str, posts: tuple[int, int]) -> None:
    keeper, supervisor = make.signed_in(make.holder("ledger_admin")), make.signed_in(make.holder("supervisor"))
    assert [one[0] for one in send(keeper, "GET", "ledger")["acting"]] == [posts[1], posts[0]]
    assert [one[0] for one in send(keeper, "GET", own)["acting"]] == list(posts)
    assert [one[0] for one in send(supervisor, "GET", own)["acting"]] == [make.post("supervisor").id]
    assert send(make.signed_in(officer="system"), "GET", "people")["acting"] == []


@pytest.mark.parametrize("which", [0, 1])
def test_a_cell_of_an_appeal_is_written_for_the_post_one_chose(
    make: Factory, posts: tuple[int, int], which: int
) -> None:
    appeal, name = make.appeal("registered"), field("free")
    keeper = make.signed_in(make.holder("ledger_admin"))
    told = patch(keeper, "ledger", row_of(keeper, "ledger", appeal.id), {name: "示例"}, post_id=posts[which])
    assert signed("appeal")[-1] == ("fill_in", posts[which])
    assert db.session.get_one(ChangeSet, told["change_set"]).post_id == posts[which]
    history = send(keeper, "GET", f"ledger/rows/{appeal.id}/history?field={name}")["history"]
    assert [one["post"] for one in history] == [make.post(("registrar", "ledger_admin")[which]).name]


def test_a_post_that_may_not_is_refused_where_another_one_may(make: Factory, posts: tuple[int, int]) -> None:
    appeal, name = make.appeal("registered"), field("kept", writer_post_ids=[posts[0]])
    keeper = make.signed_in(make.holder("ledger_admin"))
    row = row_of(keeper, "ledger", appeal.id)
    told = patch(keeper, "ledger", row, {name: "示例"}, 422, post_id=posts[1])
    assert told["error"]["fields"] == {name: [WORDS["access.other-post"]]}
    other = make.signed_in(make.holder("supervisor"))
    refused = patch(other, "ledger", row_of(other, "ledger", appeal.id), {name: "示例"}, 422)
    assert refused["error"]["fields"] == {name: [WORDS["access.not-granted"]]}
    assert patch(keeper, "ledger", row, {name: "示例"}, post_id=posts[0])["row"]["cells"][name] == "示例"
    assert signed("appeal")[-1] == ("fill_in", posts[0])


def test_a_note_under_a_post_that_keeps_no_ledger_says_to_change_it(make: Factory, posts: tuple[int, int]) -> None:
    appeal = make.appeal("registered")
    keeper = make.signed_in(make.holder("ledger_admin"))
    row = row_of(keeper, "ledger", appeal.id)
    told = patch(keeper, "ledger", row, {"note": "示例"}, 403, post_id=posts[0])
    assert told["error"]["code"] == "access.other-post"
    patch(keeper, "ledger", row, {"note": "示例"}, post_id=posts[1])
    assert signed("appeal")[-1] == ("add_note", posts[1])


def test_rows_of_an_own_sheet_are_added_changed_deleted_and_taken_back_for_the_chosen_post(
    make: Factory, own: str, posts: tuple[int, int]
) -> None:
    keeper, other = make.signed_in(make.holder("ledger_admin")), posts[1]
    [column] = [one["key"] for one in send(keeper, "GET", own)["columns"] if one["custom"]]
    row = send(keeper, "POST", f"{own}/rows/new", values={column: "示例"}, request_key=key(), post_id=other)["row"]
    row = patch(keeper, own, row, {column: "示例二"}, post_id=other)["row"]
    cells = [{"id": row["id"], "version": row["version"], "values": {column: "示例三"}}]
    block: dict[str, Any] = {"kind": "paste", "cells": cells, "new": [{column: "示例四"}], "request_key": key()}
    set_id = send(keeper, "POST", f"{own}/edits", **block, post_id=other)["change_set"]
    undone = send(keeper, "POST", f"{own}/edits/{set_id}/undo", request_key=key())
    send(keeper, "POST", f"{own}/edits/{undone['change_set']}/undo", request_key=key())
    row = row_of(keeper, own, row["id"])
    send(keeper, "DELETE", f"{own}/rows/{row['id']}", version=row["version"], request_key=key(), post_id=other)
    done = signed(OWN)
    assert {post for _action, post in done} >= {other}
    assert [action for action, post in done if post == other] == [
        "create", "edit", "edit", "create", "edit", "remove", "edit", "restore", "remove",
    ]  # fmt: skip


def test_without_a_choice_the_first_post_is_taken(make: Factory, own: str, posts: tuple[int, int]) -> None:
    keeper = make.signed_in(make.holder("ledger_admin"))
    [column] = [one["key"] for one in send(keeper, "GET", own)["columns"] if one["custom"]]
    send(keeper, "POST", f"{own}/rows/new", values={column: "示例"}, request_key=key())
    assert signed(OWN) == [("create", posts[0])]


def test_nobody_acts_for_a_post_of_somebody_else(make: Factory, own: str) -> None:
    keeper, foreign = make.signed_in(make.holder("ledger_admin")), make.post("supervisor").id
    [column] = [one["key"] for one in send(keeper, "GET", own)["columns"] if one["custom"]]
    body = {"values": {column: "示例"}, "request_key": key(), "post_id": foreign}
    assert send(keeper, "POST", f"{own}/rows/new", 403, **body)["error"]["code"] == "access.other-post"
    assert make.count(Journal, object_type=OWN) == 0
