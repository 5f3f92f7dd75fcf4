"""Other rights for a post: asked for, previewed, confirmed by somebody else, in force at the next request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import Audit, CapabilityChange, DutySeat, DutyShift, Holding, Journal, Person, Post, StandIn, db
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.services import capability_changes, grants, present, rights_preview, sheets
from app.services.actors import Actor
from app.services.rights_preview import Line
from app.sheets import BY_CODE
from tests.factories import Factory
from tests.test_desk import counted

POSTS = BY_CODE["posts"]


@pytest.fixture
def system(make: Factory) -> Actor:
    """Who asks."""
    return make.actor(officer="system")


@pytest.fixture
def security(make: Factory) -> Actor:
    """Who decides."""
    return make.actor(officer="security")


@pytest.fixture
def demo(app: Any) -> Iterator[None]:
    """The demonstration."""
    app.config["DEMO"] = True
    yield
    app.config["DEMO"] = False


def _ask(system: Actor, post: Post, **values: Any) -> CapabilityChange:
    sheets.save(system, POSTS, post.id, values, reason="示例理由")
    change = capability_changes.pending_of(post.id)
    assert change is not None
    return change


def _pairs(make: Factory, person: Person) -> frozenset[tuple[str, str]]:
    standing = grants.standing_of(make.user_of(person).id)
    assert standing is not None
    return standing.pairs


def test_other_rights_wait_and_everything_else_is_written(make: Factory, system: Actor) -> None:
    post, holder = make.post("supervisor"), make.holder("supervisor")
    before = _pairs(make, holder)
    change = _ask(system, post, capabilities=["report"], duty="示例职责")
    db.session.refresh(post)
    assert (post.duty, post.capabilities) == ("示例职责", ["supervise", "see_phone"])
    assert _pairs(make, holder) == before
    assert (change.state, change.before["capabilities"], change.after["capabilities"], change.reason) == (
        "pending",
        ["supervise", "see_phone"],
        ["report"],
        "示例理由",
    )
    assert make.count(Journal, object_type="capability_change", object_id=change.id, action="request") == 1
    assert make.count(Audit, event="right.requested", object_type="post", object_id=str(post.id)) == 1


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("supervisor", {"scope": "own_class", "channel_class": "B"}),
        ("collector_c", {"channel_class": "D"}),
        ("collector_c", {"scope": "all"}),
    ],
)
def test_scope_and_class_are_rights_too(make: Factory, system: Actor, code: str, values: dict[str, Any]) -> None:
    post = make.post(code)
    had = capability_changes.Rights.of(post)
    change = _ask(system, post, **values)
    db.session.refresh(post)
    assert capability_changes.Rights.of(post) == had
    assert {name: change.after[name] for name in values} == values


def test_the_office_is_one_where_the_scope_is_the_offices(make: Factory, system: Actor, security: Actor) -> None:
    post, other = make.post("editor"), make.unit("info_center")
    first = _ask(system, post, scope="own_office")
    capability_changes.confirm(security, first.id, seen=post.version)
    db.session.refresh(post)
    office = post.office_id
    change = _ask(system, post, office=other.id)
    db.session.refresh(post)
    assert post.office_id == office
    capability_changes.confirm(security, change.id, seen=post.version)
    db.session.refresh(post)
    assert post.office_id == other.id
    # Where it decides nothing it is a field like any other.
    sheets.save(system, POSTS, make.post("registrar").id, {"office": other.id})
    assert make.post("registrar").office_id == other.id
    assert capability_changes.pending_of(make.post("registrar").id) is None


def test_a_new_post_starts_with_nothing(make: Factory, system: Actor, security: Actor) -> None:
    leader, holder = make.person(), make.person()
    values = {
        "number": "13",
        "name": "示例督查岗",
        "office": make.unit("duty_office").id,
        "leader": leader.id,
        "capabilities": ["supervise", "report"],
        "scope": "all",
    }
    post = sheets.save(system, POSTS, None, values)
    db.session.add(Holding(post_id=post.id, person_id=holder.id, role="A", valid=Range(present.now(), None)))
    db.session.commit()
    assert post.capabilities == []
    assert not make.actor(holder).grants.scopes_for_reading()
    # Nor does its leader see what nobody agreed to.
    assert not make.actor(leader).grants.scopes_for_reading()
    change = capability_changes.pending_of(post.id)
    assert change is not None
    assert change.before["capabilities"] == []
    assert capability_changes.confirm(security, change.id, seen=post.version)
    assert make.actor(holder).grants.scopes_for_reading().everything
    assert make.actor(leader).grants.scopes_for_reading().everything
    assert ("can_compile", "Reports") in _pairs(make, holder)


def test_confirming_writes_once_and_says_so_afterwards(make: Factory, system: Actor, security: Actor) -> None:
    post, holder = make.post("supervisor"), make.holder("supervisor")
    change = _ask(system, post, capabilities=["report"])
    assert capability_changes.confirm(security, change.id, seen=post.version)
    assert not capability_changes.confirm(security, change.id, seen=0)
    db.session.refresh(post)
    assert post.capabilities == ["report"]
    assert ("can_urge", "Overdue") not in _pairs(make, holder)
    edits = db.session.scalars(select(Journal).where(Journal.object_type == "post", Journal.action == "edit")).all()
    assert [(row.object_id, row.new, row.user_id) for row in edits] == [
        (post.id, {"capabilities": ["report"]}, security.user_id)
    ]
    (row,) = db.session.scalars(select(Audit).where(Audit.event == "right.change", Audit.object_type == "post"))
    assert (row.user_id, row.detail["gained"], row.detail["lost"]) == (
        security.user_id,
        ["report"],
        ["see_phone", "supervise"],
    )
    assert make.count(Journal, object_type="capability_change", action="confirm") == 1


def test_nobody_but_the_security_officer_decides(make: Factory, system: Actor, security: Actor) -> None:
    change = _ask(system, make.post("supervisor"), capabilities=["report"])
    for actor in (system, make.actor(officer="audit"), make.actor(make.holder("supervisor"))):
        for decide in (
            lambda one: capability_changes.confirm(one, change.id, seen=1),
            lambda one: capability_changes.refuse(one, change.id, ""),
        ):
            with pytest.raises(Refused):
                decide(actor)
    with pytest.raises(Refused):
        capability_changes.withdraw(security, change.id)
    with pytest.raises(Refused, match=r"capability-change.demo-off"):
        capability_changes.demonstrate(system, change.id, seen=1)
    assert change.state == "pending"


def test_nobody_decides_his_own_request(make: Factory, system: Actor, security: Actor) -> None:
    """Should one account ever have asked and be the security officer's: it is refused all the same."""
    change = _ask(system, make.post("supervisor"), capabilities=["report"])
    change.requested_by_id = security.user_id
    db.session.commit()
    with pytest.raises(Refused, match=r"capability-change.own"):
        capability_changes.confirm(security, change.id, seen=make.post("supervisor").version)
    with pytest.raises(Refused, match=r"capability-change.own"):
        capability_changes.refuse(security, change.id, "")


def test_the_demonstration_is_recorded_as_one(make: Factory, system: Actor, demo: None) -> None:
    post = make.post("supervisor")
    change = _ask(system, post, capabilities=["report"])
    assert capability_changes.demonstrate(system, change.id, seen=post.version)
    assert capability_changes.was_demonstration(change)
    row = db.session.scalars(select(Audit).where(Audit.event == "right.change", Audit.object_type == "post")).one()
    assert row.detail["demonstration"] is True


def test_refusing_and_withdrawing_leave_the_post_as_it_is(make: Factory, system: Actor, security: Actor) -> None:
    post = make.post("supervisor")
    first = _ask(system, post, capabilities=["report"])
    assert capability_changes.refuse(security, first.id, "示例：未见批准文件")
    assert not capability_changes.refuse(security, first.id, "示例：再次")
    assert (first.state, first.remark) == ("refused", "示例：未见批准文件")
    second = _ask(system, post, capabilities=["report"])
    assert capability_changes.withdraw(system, second.id)
    assert not capability_changes.withdraw(system, second.id)
    with pytest.raises(Conflict, match=r"capability-change.decided"):
        capability_changes.confirm(security, second.id, seen=post.version)
    db.session.refresh(post)
    assert post.capabilities == ["supervise", "see_phone"]
    assert make.count(Audit, event="right.refused") == 1
    assert make.count(Audit, event="right.withdrawn") == 1


def test_one_change_at_a_time_and_the_same_once_more_is_nothing(make: Factory, system: Actor) -> None:
    post = make.post("supervisor")
    _ask(system, post, capabilities=["report"])
    _ask(system, post, capabilities=["report"])
    assert make.count(CapabilityChange) == 1
    with pytest.raises(FieldErrors) as refused:
        sheets.save(system, POSTS, post.id, {"capabilities": ["number"]})
    assert [(one.field, one.code) for one in refused.value.problems] == [("capabilities", "capability-change.pending")]
    sheets.save(system, POSTS, post.id, {"duty": "示例职责"})
    assert make.count(CapabilityChange) == 1


def test_a_post_that_changed_since_is_looked_at_again(make: Factory, system: Actor, security: Actor) -> None:
    post = make.post("supervisor")
    change = _ask(system, post, capabilities=["report"])
    seen = post.version
    sheets.save(system, POSTS, post.id, {"duty": "示例职责"})
    with pytest.raises(Conflict, match=r"capability-change.moved"):
        capability_changes.confirm(security, change.id, seen=seen)
    db.session.refresh(post)
    post.capabilities = ["number"]
    db.session.commit()
    with pytest.raises(Conflict, match=r"capability-change.moved"):
        capability_changes.confirm(security, change.id, seen=post.version)


def test_a_post_out_of_use_is_given_nothing(make: Factory, system: Actor, security: Actor) -> None:
    post = make.post("supervisor")
    change = _ask(system, post, capabilities=["report"])
    sheets.remove(system, POSTS, post.id)
    db.session.refresh(post)
    with pytest.raises(Conflict, match=r"capability-change.retired"):
        capability_changes.confirm(security, change.id, seen=post.version)
    with pytest.raises(NotFound):
        capability_changes.confirm(security, 999_999, seen=1)


# --- who gains and who loses what -----------------------------------------------------------------------------


def _line(found: rights_preview.Preview, person: Person) -> Line:
    return next(line for line in found.lines if line.person.id == person.id)


def test_the_preview_names_everybody_who_stands_by_the_post(make: Factory, system: Actor) -> None:
    post = make.post("liaison")
    a, b = make.holder("liaison"), make.holder("liaison", "B")
    now = present.now()
    coming, later, stands_in = make.person(), make.person(), make.person()
    held = db.session.scalars(select(Holding).where(Holding.post_id == post.id, Holding.role == "B")).one()
    held.valid = Range(held.valid.lower, now + timedelta(days=30))
    valid = Range(now + timedelta(days=30), now + timedelta(days=200))
    db.session.add(Holding(post_id=post.id, person_id=coming.id, role="B", valid=valid))
    valid = Range(now + timedelta(days=200), None)
    db.session.add(Holding(post_id=post.id, person_id=later.id, role="B", valid=valid))
    valid = Range(now + timedelta(days=2), now + timedelta(days=3))
    db.session.add(StandIn(kind="both_away", post_id=post.id, person_id=stands_in.id, valid=valid))
    db.session.commit()
    found = rights_preview.of_change(_ask(system, post, capabilities=["carry", "report"]))
    places = {line.person.id: [(p.role, p.acts_now, p.starts_at is None) for p in line.places] for line in found.lines}
    assert places == {
        a.id: [("A", True, True)],
        b.id: [("B", False, True)],
        coming.id: [("B", False, False)],
        stands_in.id: [("S", False, False)],
        post.leader_id: [("L", False, True)],
    }
    assert _line(found, a).difference.gained == ("report",)
    assert _line(found, a).difference.menus_gained == ("NilReturns", "Overdue", "Reports", "StaffingTable")


def test_the_preview_counts_what_comes_into_sight_and_goes_out(make: Factory, system: Actor) -> None:
    for letter in "CCD":
        make.appeal("submitted", channel_class=letter)
    post = make.post("collector_c")
    holder = make.holder("collector_c")
    wider = rights_preview.of_change(_ask(system, post, scope="all"))
    assert (_line(wider, holder).difference.into_sight, _line(wider, holder).difference.out_of_sight) == (1, 0)
    capability_changes.withdraw(system, capability_changes.pending_of(post.id).id)  # type: ignore[union-attr]
    other = rights_preview.of_change(_ask(system, post, channel_class="D"))
    assert (other.difference.into_sight, other.difference.out_of_sight) == (1, 2)


def test_what_somebody_has_by_another_post_is_neither_gained_nor_lost(make: Factory, system: Actor) -> None:
    """One person holds the registrar's post and the ledger administrator's: he reads everything either way."""
    found = rights_preview.of_change(_ask(system, make.post("ledger_admin"), capabilities=["number"]))
    line = _line(found, make.holder("ledger_admin"))
    assert (line.difference.gained, line.difference.lost, line.difference.sight) == ((), ("record",), 0)


def test_seats_of_the_roster_stand_by_a_post_filled_by_duty(make: Factory, system: Actor) -> None:
    post = make.post("collector_b")
    now_on_duty = make.on_duty(post.office)
    next_on_duty = make.person()
    shift = db.session.scalars(select(DutyShift).where(DutyShift.office_id == post.office_id)).one()
    end = present.now() + timedelta(days=20)
    shift.valid = Range(shift.valid.lower, end)
    db.session.flush()
    following = DutyShift(office_id=post.office_id, valid=Range(end, end + timedelta(days=1)))
    following.seats = [DutySeat(person_id=next_on_duty.id, seat="second")]
    db.session.add(following)
    db.session.commit()
    found = rights_preview.of_change(_ask(system, post, capabilities=["collect", "see_phone"]))
    assert [place.role for place in _line(found, now_on_duty).places] == ["A"]
    assert [place.role for place in _line(found, next_on_duty).places] == ["B"]


def test_a_preview_costs_the_same_for_one_and_for_many(make: Factory, system: Actor) -> None:
    change = _ask(system, make.post("collector_b"), capabilities=["collect", "see_phone"])
    office = make.post("collector_b").office
    make.on_duty(office)
    with counted() as few:
        rights_preview.of_change(change)
    shift = db.session.scalars(select(DutyShift).where(DutyShift.office_id == office.id)).one()
    shift.seats.extend(DutySeat(person_id=make.person().id, seat="second") for _each in range(10))
    db.session.commit()
    make.user_of(None, "system")
    db.session.refresh(change)
    with counted() as many:
        found = rights_preview.of_change(change)
    assert len(found.lines) == 12
    assert len(many) <= len(few) + 1 <= 18, "\n\n".join(many)


def test_the_form_tells_what_it_would_ask_for_and_writes_nothing(make: Factory, system: Actor) -> None:
    post = make.post("supervisor")
    found = rights_preview.of_form(system, POSTS, post.id, {"capabilities": ["report"]}, version=post.version)
    assert found is not None
    assert found.difference.lost == ("see_phone", "supervise")
    assert make.count(CapabilityChange) == 0
    assert rights_preview.of_form(system, POSTS, post.id, {"duty": "示例"}, version=post.version) is None
    assert rights_preview.of_form(system, POSTS, post.id, {"capabilities": ["x"]}, version=post.version) is None
