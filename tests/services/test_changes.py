"""Personnel changes (R15, R16): at that moment, with history, a numbered record that the duty office acknowledges."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.models import Audit, ChainLink, Delivery, Holding, Journal, Person, Post, StaffingChange, db
from app.rules.errors import FieldErrors, NotFound, Refused
from app.services import changes, grants, present
from app.services.actors import Actor
from app.services.changes import Change
from app.services.transaction import transaction
from tests.factories import Factory


@pytest.fixture
def system(make: Factory) -> Actor:
    return make.actor(officer="system")


@pytest.fixture
def now() -> datetime:
    return present.now().replace(second=0, microsecond=0)


def _problems(actor: Actor, change: Change) -> set[tuple[str, str]]:
    with pytest.raises(FieldErrors) as caught:
        changes.file(actor, change)
    return {(problem.field, problem.code) for problem in caught.value.problems}


def _holding(post: Post, person: Person | None, at: datetime, role: str = "A", reason: str = "示例：轮岗") -> Change:
    return Change("holding", at, reason, post_id=post.id, role=role, person_id=person.id if person else None)


def _told(change: StaffingChange) -> set[tuple[str, int]]:
    query = select(Delivery).where(Delivery.subject_type == "staffing_change", Delivery.subject_id == change.id)
    return {(row.kind, row.recipient_id) for row in db.session.scalars(query)}


def test_a_new_holder_acts_at_once_and_the_old_one_no_longer(make: Factory, system: Actor, now: datetime) -> None:
    post, old, new = make.post("ledger_admin"), make.holder("ledger_admin"), make.person()
    record = changes.file(system, _holding(post, new, now))
    assert make.holder("ledger_admin") is new
    assert [held.code for held in _posts(make, new)] == ["ledger_admin"]
    assert "ledger_admin" not in {held.code for held in _posts(make, old)}
    assert record.before["person"] == old.code
    assert (record.after["person"], record.after["name"]) == (new.code, new.name)
    assert (record.state, record.effective_at, record.filed_by_user_id) == ("filed", now, system.user_id)
    ended = db.session.scalars(
        select(Holding).where(Holding.post_id == post.id, Holding.person_id == old.id, Holding.role == "A")
    ).one()
    assert ended.valid.upper == now


def _posts(make: Factory, person: Person) -> list[grants.ActingPost]:
    standing = grants.standing_of(make.user_of(person).id)
    assert standing is not None
    return list(standing.posts)


def test_it_is_journalled_audited_and_told(make: Factory, system: Actor, now: datetime) -> None:
    post, old, new = make.post("ledger_admin"), make.holder("ledger_admin"), make.person()
    record = changes.file(system, _holding(post, new, now))
    line = db.session.scalars(
        select(Journal).where(Journal.object_type == "staffing_change", Journal.object_id == record.id)
    ).one()
    assert (line.action, line.old["person"], line.new["person"]) == ("file", old.code, new.code)
    assert (line.new["number"], line.reason) == (record.number, "示例：轮岗")
    event = db.session.scalars(select(Audit).order_by(Audit.id.desc()).limit(1)).one()
    assert (event.event, event.object_type, event.object_id) == ("right.change", "staffing_change", str(record.id))
    director = make.holder("duty_director")
    wanted = {("change.filed", director.id), ("change.appointed", new.id), ("change.relieved", old.id)}
    assert _told(record) == wanted
    history = db.session.scalars(
        select(Journal.action).where(Journal.object_type == "holding").order_by(Journal.id.desc()).limit(2)
    ).all()
    assert set(history) == {"edit", "create"}


def test_numbers_have_no_gaps(make: Factory, system: Actor, now: datetime) -> None:
    post = make.post("ledger_admin")
    first = changes.file(system, _holding(post, make.person(), now))
    assert _problems(system, _holding(post, None, now, role="C")) == {("role", "field.choice")}
    second = changes.file(system, _holding(post, make.person(), now + timedelta(days=1)))
    third = changes.file(system, _holding(post, None, now + timedelta(days=3)))
    numbers = [int(one.number.partition("〕")[2]) for one in (first, second, third)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    assert str(present.today().year) in first.number


def test_a_future_change_waits_for_its_moment(make: Factory, system: Actor, now: datetime) -> None:
    post, old, new = make.post("ledger_admin"), make.holder("ledger_admin"), make.person()
    changes.file(system, _holding(post, new, now + timedelta(days=2)))
    assert make.holder("ledger_admin") is old
    with present.at(now + timedelta(days=2)):
        assert make.holder("ledger_admin") is new


def test_a_vacancy_is_a_change_too(make: Factory, system: Actor, now: datetime) -> None:
    post, old = make.post("ledger_admin"), make.holder("ledger_admin")
    record = changes.file(system, _holding(post, None, now))
    assert (record.before["person"], record.after) == (old.code, {})
    assert not db.session.scalars(
        select(Holding).where(Holding.post_id == post.id, Holding.role == "A", Holding.valid.contains(now))
    ).all()


def test_a_form_sent_twice_acts_once(make: Factory, system: Actor, now: datetime) -> None:
    change = _holding(make.post("ledger_admin"), make.person(), now)
    first = changes.file(system, change, request_key="test-key")
    again = changes.file(system, change, request_key="test-key")
    assert first.id == again.id
    assert make.count(StaffingChange) == 1


def test_what_makes_no_sense_is_said_at_its_field(make: Factory, system: Actor, now: datetime) -> None:
    post, a = make.post("ledger_admin"), make.holder("ledger_admin")
    gone = make.person(active=False)
    vacant = make.post("ledger_admin")
    assert _problems(system, _holding(post, a, now)) == {("person", "change.stands-there")}
    assert _problems(system, _holding(post, a, now, role="B")) == {("person", "holding.both-roles")}
    assert _problems(system, _holding(post, gone, now)) == {("person", "person.unknown")}
    assert _problems(system, Change("holding", now, post_id=post.id, role="A", person_id=0)) == {
        ("person", "person.unknown")
    }
    changes.file(system, _holding(vacant, None, now, role="B"))
    assert _problems(system, _holding(vacant, None, now, role="B")) == {("person", "change.vacant-already")}
    person = make.person()
    assert _problems(system, _holding(post, person, now + timedelta(days=3000))) == {("at", "change.moment")}
    assert _problems(system, _holding(make.post("collector_a"), person, now)) == {("post", "post.on-duty-roster")}
    post.active = False
    db.session.commit()
    assert _problems(system, _holding(post, person, now)) == {("post", "post.unknown")}


def test_both_roles_are_judged_over_the_time_the_new_holder_has(make: Factory, system: Actor, now: datetime) -> None:
    post, person = make.post("ledger_admin"), make.person()
    changes.file(system, _holding(post, person, now + timedelta(days=10), role="B"))
    assert ("person", "holding.both-roles") in _problems(system, _holding(post, person, now))
    changes.file(system, _holding(post, make.person(), now + timedelta(days=5)))
    changes.file(system, _holding(post, person, now))
    assert make.holder("ledger_admin") is person


def test_a_link_named_by_hand_is_filled(make: Factory, system: Actor, now: datetime) -> None:
    unit, person = make.a_unit("local_government"), make.person()
    link = {"unit_id": unit.id, "link": "direct", "role": "A"}
    record = changes.file(system, Change("chain", now, "示例", **link, person_id=person.id))
    row = db.session.scalars(select(ChainLink).filter_by(**link).where(ChainLink.valid.contains(now))).one()
    assert (row.person_id, row.valid.lower) == (person.id, now)
    assert (record.unit_id, record.link, record.role) == (unit.id, "direct", "A")
    twice = Change("chain", now, unit_id=unit.id, link="direct", role="B", person_id=person.id)
    assert _problems(system, twice) == {("person", "chain.same-person")}


@pytest.mark.parametrize(
    ("kind", "link", "role", "code"),
    [
        ("local_government", "final", "A", "chain.no-such-place"),
        ("department", "final", "A", "chain.derived"),
        ("department", "coordinating", "A", "chain.derived"),
    ],
)
def test_links_of_the_portfolio_are_not_changed_here(
    make: Factory, system: Actor, now: datetime, kind: str, link: str, role: str, code: str
) -> None:
    change = Change("chain", now, unit_id=make.a_unit(kind).id, link=link, role=role, person_id=make.person().id)
    assert _problems(system, change) == {("link", code)}


def test_the_responsible_leader_changes_when_it_is_filed(make: Factory, system: Actor, now: datetime) -> None:
    post, person = make.post("ledger_admin"), make.person()
    before = post.leader
    record = changes.file(system, Change("leader", now, post_id=post.id, person_id=person.id))
    assert make.post("ledger_admin").leader is person
    assert record.before["person"] == (before.code if before else None)
    later = Change("leader", now + timedelta(days=1), post_id=post.id, person_id=make.person().id)
    assert _problems(system, later) == {("at", "change.leader-future")}


def test_a_unit_reports_its_own_chain_only(make: Factory, now: datetime) -> None:
    own, foreign = make.a_unit("local_government"), make.a_unit("local_government", 1)
    clerk, person, stranger = make.actor(make.member(own)), make.person(unit_id=own.id), make.person()
    change = Change("chain", now, unit_id=own.id, link="first", role="B", person_id=person.id)
    assert _problems(clerk, replace(change, person_id=stranger.id)) == {("person", "person.unknown")}
    record = changes.file(clerk, change)
    assert record.filed_by_id == clerk.person_id
    with pytest.raises(NotFound):
        changes.file(clerk, Change("chain", now, unit_id=foreign.id, link="first", role="B", person_id=person.id))
    with pytest.raises(Refused):
        changes.file(clerk, _holding(make.post("ledger_admin"), person, now))


def test_strangers_change_and_acknowledge_nothing(make: Factory, system: Actor, now: datetime) -> None:
    change = _holding(make.post("ledger_admin"), make.person(), now)
    record = changes.file(system, change)
    for person in (make.member(make.a_unit()), make.person()):
        with pytest.raises(Refused):
            changes.file(make.actor(person), change)
        with pytest.raises(Refused):
            changes.acknowledge(make.actor(person), [record.id])


def test_the_duty_office_acknowledges_once(make: Factory, system: Actor, now: datetime) -> None:
    record = changes.file(system, _holding(make.post("ledger_admin"), make.person(), now))
    director = make.actor(make.holder("duty_director"))
    assert changes.acknowledge(director, [record.id]) == 1
    first = record.acknowledged_at
    assert (record.state, record.acknowledged_by_id) == ("acknowledged", director.person_id)
    assert record.acknowledged_post_id == make.post("duty_director").id
    assert record.acknowledged_role == "A"
    assert changes.acknowledge(director, [record.id, record.id]) == 0
    assert record.acknowledged_at == first
    with pytest.raises(NotFound):
        changes.acknowledge(director, [record.id + 1000])
    assert make.count(Journal, object_type="staffing_change", action="acknowledge") == 1


def test_a_record_of_a_change_written_elsewhere_is_filed_with_it(make: Factory, system: Actor, now: datetime) -> None:
    with transaction():
        record = changes.record_in(
            system, kind="portfolio", at=now, before={"deputy": "x"}, after={"deputy": "y"}, reason="示例"
        )
    assert (record.kind, record.before, record.after) == ("portfolio", {"deputy": "x"}, {"deputy": "y"})
