"""Saved views: whose they are, who sees and changes them, what a reader who may not see everything is told."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import grids
from app.models import FieldDefinition, Journal, Person, SavedView, db
from app.rules.errors import Conflict, NotFound, Refused, RuleError
from app.services import definitions, saved_view
from app.services.grids import Grid
from app.services.saved_view import Saved, Wanted
from app.services.transaction import transaction
from tests.factories import Factory

LEDGER = frozenset({("can_read", "Ledger"), ("can_read", "Appeals")})
OPEN = {"query": {"filter": {"all": [{"field": "state", "op": "in", "value": ["in_progress"]}]}}}


@pytest.fixture
def sheet(app: Flask, make: Factory) -> Any:
    """The ledger as a person has it."""

    def of(person: Person | None = None, code: str = "ledger", officer: str | None = None) -> Grid:
        with app.test_request_context():
            return grids.grid(code, grids.Reader(make.actor(person, officer=officer), LEDGER, english=False))

    return of


def names(found: list[Saved]) -> set[str]:
    return {one.name for one in found if one.owner}


def journal_of(view: Saved) -> list[str]:
    rows = select(Journal.action).where(Journal.object_type == "saved_view", Journal.object_id == view.id)
    return list(db.session.scalars(rows.order_by(Journal.id)))


def test_a_view_of_ones_own_is_seen_by_nobody_else(sheet: Any, make: Factory) -> None:
    keeper, other = sheet(make.holder("ledger_admin")), sheet(make.holder("supervisor"))
    made = saved_view.save(keeper, Wanted("示例在办", OPEN))
    assert made.is_mine
    assert made.spec is not None
    assert made.spec["query"] == OPEN["query"]
    assert names(saved_view.visible(keeper)) == {"示例在办"}
    assert names(saved_view.visible(other)) == set()
    with pytest.raises(NotFound):
        saved_view.access_view(other, made.id)
    assert journal_of(made) == ["create"]


def test_the_journal_does_not_hold_the_filter(sheet: Any, make: Factory) -> None:
    keeper = sheet(make.holder("ledger_admin"))
    made = saved_view.save(keeper, Wanted("示例", {"query": {"search": "示例某某"}}))
    row = db.session.scalars(select(Journal).where(Journal.object_type == "saved_view", Journal.object_id == made.id))
    assert "示例某某" not in str(row.one().new)


def test_a_repeated_request_saves_once(sheet: Any, make: Factory) -> None:
    keeper = sheet(make.holder("ledger_admin"))
    first = saved_view.save(keeper, Wanted("示例"), request_key="示例-request-1")
    assert saved_view.save(keeper, Wanted("示例"), request_key="示例-request-1") == first
    assert make.count(SavedView, name="示例") == 1


def test_it_is_shared_with_posts_and_with_all(sheet: Any, make: Factory) -> None:
    keeper, post = sheet(make.holder("ledger_admin")), make.post("supervisor")
    for share, posts in (("posts", [post.id]), ("all", None)):
        made = saved_view.save(keeper, Wanted(f"示例{share}", OPEN, share, posts))
        assert saved_view.access_view(sheet(make.holder("supervisor")), made.id).id == made.id
    posts_only = saved_view.save(keeper, Wanted("示例唐", OPEN, "posts", [make.post("liaison").id]))
    with pytest.raises(NotFound):
        saved_view.access_view(sheet(make.holder("supervisor")), posts_only.id)


def test_a_post_that_is_gone_is_told(sheet: Any, make: Factory) -> None:
    keeper, post = sheet(make.holder("ledger_admin")), make.post("editor")
    made = saved_view.save(keeper, Wanted("示例", OPEN, "posts", [post.id]))
    post.active = False
    db.session.commit()
    told = saved_view.access_view(keeper, made.id)
    assert (told.post_ids, told.posts_gone) == ((), 1)
    with pytest.raises(RuleError) as refused:
        saved_view.save(keeper, Wanted("示例二", OPEN, "posts", [post.id]))
    assert refused.value.code == "view.post-gone"


def test_an_unlocked_view_is_changed_by_whom_it_is_shared_with_a_locked_one_is_not(sheet: Any, make: Factory) -> None:
    keeper, other = sheet(make.holder("ledger_admin")), sheet(make.holder("supervisor"))
    made = saved_view.save(keeper, Wanted("示例", OPEN, "all"))
    changed = saved_view.change(other, made.id, Wanted(spec={"height": "tall"}), version=made.version)
    assert changed.spec is not None
    assert changed.spec["height"] == "tall"
    with pytest.raises(Refused) as refused:
        saved_view.change(other, made.id, Wanted(name="别名"), version=changed.version)
    assert refused.value.code == "view.not-yours"
    locked = saved_view.change(keeper, made.id, Wanted(locked=True), version=changed.version)
    with pytest.raises(Refused) as refused:
        saved_view.change(other, made.id, Wanted(spec={}), version=locked.version)
    assert refused.value.code == "view.locked"
    copy = saved_view.save(other, Wanted("示例副本", locked.spec))
    assert copy.is_mine
    with pytest.raises(Refused):
        saved_view.remove(other, made.id, version=locked.version)
    saved_view.remove(keeper, made.id, version=locked.version)
    assert journal_of(made) == ["create", "edit", "edit", "delete"]


def test_who_comes_second_is_told(sheet: Any, make: Factory) -> None:
    keeper = sheet(make.holder("ledger_admin"))
    made = saved_view.save(keeper, Wanted("示例"))
    saved_view.change(keeper, made.id, Wanted(name="示例改"), version=made.version)
    with pytest.raises(Conflict):
        saved_view.change(keeper, made.id, Wanted(name="示例又改"), version=made.version)


def test_a_view_that_came_with_the_product_is_only_copied(sheet: Any, make: Factory) -> None:
    keeper = sheet(make.holder("ledger_admin"))
    seeded = [one for one in saved_view.visible(keeper) if not one.owner]
    assert {one.name for one in seeded} == {"超期未办结", "本周到期", "缺附注", "本季受理按单位"}
    for one in (*seeded, *saved_view.visible(sheet(make.holder("ledger_admin"), "appeals"))):
        assert one.problem is None
        assert one.left_out == 0
        assert not one.can_change
    with pytest.raises(Refused):
        saved_view.change(keeper, seeded[0].id, Wanted(spec={}), version=seeded[0].version)


def test_the_sheet_opens_with_the_view_he_chose(sheet: Any, make: Factory) -> None:
    keeper, other = sheet(make.holder("ledger_admin")), sheet(make.holder("supervisor"))
    made, second = (saved_view.save(keeper, Wanted(name, OPEN, "all")) for name in ("示例一", "示例二"))
    saved_view.open_first(keeper, made.id)
    saved_view.open_first(keeper, second.id)
    assert [one.id for one in saved_view.visible(keeper) if one.is_first] == [second.id]
    assert not any(one.is_first for one in saved_view.visible(other))
    saved_view.open_first(keeper, None)
    assert not any(one.is_first for one in saved_view.visible(keeper))
    own = saved_view.save(keeper, Wanted("示例三"))
    with pytest.raises(NotFound):
        saved_view.open_first(other, own.id)


def hidden_field(make: Factory) -> str:
    """A field of appeals that the ledger's administrator alone reads."""
    with transaction():
        row = FieldDefinition(
            table_name="appeal", code="secret", label="示例内部字段", kind="text",
            reader_post_ids=[make.post("ledger_admin").id],
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        definitions.moved()
    return "x_secret"


def test_what_one_may_not_see_is_not_in_it(sheet: Any, make: Factory) -> None:
    key = hidden_field(make)
    keeper, other = sheet(make.holder("ledger_admin")), sheet(make.holder("supervisor"))
    asks = {"query": {"filter": {"any": [{"field": key, "op": "is", "value": "示例机密"}]}}}
    shows = {**OPEN, "columns": [{"key": "number"}, {"key": key}], "figures": [[key, "filled"]]}
    asking = saved_view.save(keeper, Wanted("示例问", asks, "all"))
    showing = saved_view.save(keeper, Wanted("示例看", shows, "all"))
    told = saved_view.access_view(other, asking.id)
    assert told.spec is None
    assert told.problem is not None
    assert told.problem.code == "view.asks-for-hidden"
    assert "示例机密" not in str(told)
    told = saved_view.access_view(other, showing.id)
    assert told.left_out == 2
    assert key not in str(told.spec)
    with pytest.raises(Refused) as refused:
        saved_view.change(other, showing.id, Wanted(spec=OPEN), version=told.version)
    assert refused.value.code == "view.partly-hidden"
