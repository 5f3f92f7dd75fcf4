"""Absences, stand-ins, taking over, hand-over and return reports on the real database (R15)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import create_engine, select, text
from sqlalchemy.dialects.postgresql import Range

from app.models import (
    Absence,
    Audit,
    ChainLink,
    Delivery,
    DutySeat,
    DutyShift,
    HandoverSheet,
    Holding,
    Journal,
    Person,
    StandIn,
    db,
)
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.services import (
    absence_places,
    absence_workbook,
    absences,
    handovers,
    leave,
    present,
    returns,
    stand_ins,
    workflow,
)
from app.services.absences import Wish
from tests.books import workbook
from tests.factories import Factory
from tests.test_desk import counted

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def _wish(start: timedelta = 2 * DAY, end: timedelta = 4 * DAY, **more: object) -> Wish:
    now = present.now().replace(minute=0, second=0, microsecond=0)
    return Wish("leave", now + start, now + end, **more)  # type: ignore[arg-type]


class Office:
    """The registrar's post with A, B and a leader who is neither."""

    def __init__(self, make: Factory) -> None:
        self.make, self.post = make, make.post("registrar")
        for holding in db.session.scalars(select(Holding).where(Holding.post_id == self.post.id)).all():
            holding.person_id = make.person(f"示例登记员{holding.role}").id
        db.session.flush()
        self.leader = make.person("示例责任领导")
        self.post.leader_id = self.leader.id
        db.session.commit()
        self.a, self.b = make.holder("registrar"), make.holder("registrar", "B")

    def request(self, person: Person, **more: object) -> Absence:
        return absences.request(self.make.actor(person), _wish(**more))  # type: ignore[arg-type]

    def away(self, person: Person, **more: object) -> Absence:
        """Confirmed by the leader."""
        absence = self.request(person, **more)
        return absences.decide(self.make.actor(self.leader), absence.id, confirm=True)


@pytest.fixture
def office(make: Factory) -> Office:
    return Office(make)


def _problems(error: FieldErrors) -> set[tuple[str, str]]:
    return {(problem.field, problem.code) for problem in error.problems}


def _key(office: Office) -> str:
    return f"post-{office.post.id}"


# --- asking and confirming --------------------------------------------------------------------------------------


def test_a_request_waits_for_the_leader_and_is_recorded(office: Office) -> None:
    absence = office.request(office.a, reason="示例：年休假")
    assert (absence.state, absence.late_notice) == ("requested", False)
    rows = db.session.scalars(select(Journal).where(Journal.object_type == "absence", Journal.object_id == absence.id))
    assert [(row.action, row.person_id) for row in rows] == [("request", office.a.id)]
    assert office.make.count(Audit, event="right.change", object_type="absence", object_id=str(absence.id)) == 1
    told = db.session.scalars(select(Delivery).where(Delivery.subject_id == absence.id)).all()
    assert [(row.kind, row.recipient_id) for row in told] == [("absence.requested", office.leader.id)]


def test_asking_twice_makes_one_request(office: Office) -> None:
    wish, actor = _wish(), office.make.actor(office.a)
    assert absences.request(actor, wish).id == absences.request(actor, wish).id
    assert office.make.count(Absence, person_id=office.a.id) == 1


def test_a_request_does_not_count_before_it_is_confirmed(office: Office) -> None:
    absence = office.request(office.a, start=timedelta())
    assert office.make.actor(office.b).grants.post_ids == ()
    absences.decide(office.make.actor(office.leader), absence.id, confirm=True)
    assert office.make.actor(office.b).grants.post_ids == (office.post.id,)
    assert office.make.actor(office.a).grants.post_ids == ()


def test_the_leader_refuses(office: Office) -> None:
    absence = office.request(office.a)
    absences.decide(office.make.actor(office.leader), absence.id, confirm=False, remark="示例：人手不足")
    assert (absence.state, absence.remark, absence.decided_by_id) == ("refused", "示例：人手不足", office.leader.id)
    assert office.request(office.a).state == "requested"


def test_deciding_twice_changes_nothing_and_otherwise_is_refused(office: Office) -> None:
    absence = office.away(office.a)
    absences.decide(office.make.actor(office.leader), absence.id, confirm=True)
    assert office.make.count(Journal, object_type="absence", object_id=absence.id) == 2
    with pytest.raises(Conflict, match="decided"):
        absences.decide(office.make.actor(office.leader), absence.id, confirm=False)


def test_nobody_confirms_his_own(office: Office) -> None:
    office.post.leader_id = office.a.id
    db.session.commit()
    absence = office.request(office.a)
    with pytest.raises(Refused, match=r"absence\.own"):
        absences.decide(office.make.actor(office.a), absence.id, confirm=True)
    absences.decide(office.make.actor(officer="system"), absence.id, confirm=True)
    assert absence.state == "confirmed"


def test_it_rejects_a_stranger(office: Office) -> None:
    absence = office.request(office.a)
    stranger = office.make.actor(office.make.holder("collector_c"))
    for call in (absences.access_absence, absences.cancel, absences.come_back, leave.make_sheets):
        with pytest.raises(NotFound):
            call(stranger, absence.id)  # type: ignore[operator]
    with pytest.raises(NotFound):
        absences.decide(stranger, absence.id, confirm=True)


def test_the_leader_of_a_post_given_up_learns_nothing_of_later_absences(office: Office) -> None:
    make, now = office.make, present.now()
    system, leader = make.actor(officer="system"), make.actor(office.leader)
    while_held = absences.enter(system, office.a.id, _wish(-3 * DAY, -2 * DAY))
    held = db.session.scalars(select(Holding).where(Holding.person_id == office.a.id)).one()
    held.valid = Range(now - 100 * DAY, now - DAY, bounds="[)")
    db.session.commit()
    afterwards = office.request(office.a)
    assert absences.access_absence(leader, while_held.id).id == while_held.id
    for attempt in (absences.access_absence, lambda actor, row: absences.decide(actor, row, confirm=True)):
        with pytest.raises(NotFound):
            attempt(leader, afterwards.id)
    assert make.count(Delivery, recipient_id=office.leader.id, subject_id=afterwards.id) == 0


def test_late_notice_is_marked(office: Office) -> None:
    assert office.request(office.a, start=DAY - HOUR).late_notice is True


def test_what_began_before_it_was_confirmed_counts_from_then(office: Office) -> None:
    absence = office.request(office.a, start=HOUR)
    with present.at(present.now() + 5 * HOUR):
        now = present.now()
        absences.decide(office.make.actor(office.leader), absence.id, confirm=True)
        assert absence.valid.lower == now


def test_the_officers_entry_counts_at_once(office: Office) -> None:
    absence = absences.enter(office.make.actor(officer="system"), office.a.id, _wish(-DAY, DAY))
    assert absence.state == "confirmed"
    assert office.make.actor(office.b).grants.post_ids == (office.post.id,)
    with pytest.raises(Refused):
        absences.enter(office.make.actor(office.leader), office.b.id, _wish())


def test_two_absences_of_one_person_do_not_overlap(office: Office) -> None:
    office.request(office.a)
    with pytest.raises(FieldErrors) as raised:
        office.request(office.a, start=3 * DAY, end=5 * DAY)
    assert _problems(raised.value) == {("starts_at", "absence.overlap")}


# --- both away --------------------------------------------------------------------------------------------------


def test_both_away_is_refused_without_the_leader(office: Office) -> None:
    office.request(office.a)
    with pytest.raises(FieldErrors) as raised:
        office.request(office.b, start=3 * DAY, end=6 * DAY)
    assert _problems(raised.value) == {(f"stand_in-{_key(office)}", "absence.both-away")}
    assert office.make.count(Absence, person_id=office.b.id) == 0


def test_the_leader_is_recorded_as_standing_in_for_the_time_they_share(office: Office) -> None:
    first = office.request(office.a)
    stand_ins_named = {_key(office): office.leader.id}
    second = office.request(office.b, start=3 * DAY, end=6 * DAY, stand_ins=stand_ins_named)
    row = db.session.scalars(select(StandIn).where(StandIn.absence_id == second.id)).one()
    assert (row.kind, row.person_id, row.post_id) == ("both_away", office.leader.id, office.post.id)
    assert (row.valid.lower, row.valid.upper) == (second.valid.lower, first.valid.upper)


def test_somebody_else_is_refused_while_the_leader_can(office: Office) -> None:
    office.request(office.a)
    named = {_key(office): office.make.person().id}
    with pytest.raises(FieldErrors) as raised:
        office.request(office.b, stand_ins=named)
    assert _problems(raised.value) == {(f"stand_in-{_key(office)}", "stand-in.not-offered")}


@pytest.mark.parametrize("code", ["collector_c", "collector_d", "duty_director", "editor"])
def test_where_the_leader_holds_the_post_a_third_person_is_named(make: Factory, code: str) -> None:
    """The four posts of the annex whose leader is A himself."""
    post, a, b = make.post(code), make.holder(code), make.holder(code, "B")
    assert post.leader_id == a.id
    third = make.person("示例第三人")
    system = make.actor(officer="system")
    now = present.now()
    wish = Wish("trip", now + 10 * DAY, now + 11 * DAY)
    # Every other post of the two is looked after as well: only this post is the test's business.
    absences.enter(system, a.id, _covered(a, wish, third))
    with pytest.raises(FieldErrors) as raised:
        absences.enter(system, b.id, wish)
    assert (f"stand_in-post-{post.id}", "absence.third-person") in _problems(raised.value)
    entered = absences.enter(system, b.id, _covered(b, wish, third))
    rows = db.session.scalars(select(StandIn).where(StandIn.absence_id == entered.id, StandIn.post_id == post.id))
    assert [row.person_id for row in rows] == [third.id]


def _covered(person: Person, wish: Wish, third: Person) -> Wish:
    """The wish with a stand-in wherever one is needed: the leader where he can, else the third person."""
    assert wish.starts_at is not None
    assert wish.ends_at is not None
    found = absences.preview(person.id, wish.starts_at, wish.ends_at)
    named = {one.spot.key: (*one.needs[0].offered, third.id)[0] for one in found.needs}
    return Wish(wish.kind, wish.starts_at, wish.ends_at, wish.reason, named)


@pytest.mark.parametrize("what", ["inactive", "away", "holder"])
def test_a_third_person_must_be_there(office: Office, what: str) -> None:
    office.post.leader_id = None
    third = office.make.person()
    db.session.commit()
    office.request(office.a)
    if what == "inactive":
        third.active = False
        db.session.commit()
    elif what == "away":
        absences.enter(office.make.actor(officer="system"), third.id, _wish())
    code = {"inactive": "stand-in.unfit", "away": "stand-in.away", "holder": "stand-in.holder"}[what]
    with pytest.raises(FieldErrors) as raised:
        office.request(office.b, stand_ins={_key(office): office.a.id if what == "holder" else third.id})
    assert _problems(raised.value) == {(f"stand_in-{_key(office)}", code)}


def test_it_is_checked_again_when_it_is_confirmed(office: Office) -> None:
    """B's place fell vacant after A asked."""
    absence = office.request(office.a)
    held = db.session.scalars(select(Holding).where(Holding.person_id == office.b.id)).one()
    held.valid = Range(held.valid.lower, present.now(), bounds="[)")
    db.session.commit()
    actor = office.make.actor(office.leader)
    with pytest.raises(FieldErrors):
        absences.decide(actor, absence.id, confirm=True)
    absences.decide(actor, absence.id, confirm=True, stand_ins={_key(office): office.leader.id})
    assert office.make.count(StandIn, absence_id=absence.id) == 1


def test_a_refused_or_cancelled_absence_frees_who_stood_in(office: Office) -> None:
    office.request(office.a)
    named = {_key(office): office.leader.id}
    second = office.request(office.b, stand_ins=named)
    absences.cancel(office.make.actor(office.b), second.id)
    assert (second.state, office.make.count(StandIn, absence_id=second.id)) == ("cancelled", 0)
    absences.cancel(office.make.actor(office.b), second.id)
    third = office.request(office.b, stand_ins=named)
    absences.decide(office.make.actor(office.leader), third.id, confirm=False)
    assert office.make.count(StandIn, absence_id=third.id) == 0


def test_a_link_asks_for_the_head_of_the_unit_or_a_third_person(make: Factory) -> None:
    unit = make.a_unit()
    db.session.execute(db.delete(ChainLink).where(ChainLink.unit_id == unit.id))
    head, direct_a, direct_b = make.person("示例局长"), make.person("示例主任"), make.person("示例副主任")
    for person, link, role in ((head, "first", "A"), (direct_a, "direct", "A"), (direct_b, "direct", "B")):
        db.session.add(ChainLink(unit_id=unit.id, link=link, role=role, person_id=person.id))
    db.session.commit()
    system, key = make.actor(officer="system"), f"direct-{unit.id}"
    absences.enter(system, direct_a.id, _wish())
    with pytest.raises(FieldErrors) as raised:
        absences.enter(system, direct_b.id, _wish())
    assert _problems(raised.value) == {(f"stand_in-{key}", "absence.both-away")}
    absence = absences.enter(system, direct_b.id, _wish(stand_ins={key: head.id}))
    row = db.session.scalars(select(StandIn).where(StandIn.absence_id == absence.id)).one()
    assert (row.unit_id, row.link, row.person_id) == (unit.id, "direct", head.id)
    # The first link has no B: a vacancy is shown in the chain, it keeps nobody at work.
    assert absences.enter(system, head.id, _wish(30 * DAY, 31 * DAY)).state == "confirmed"


# --- duty -------------------------------------------------------------------------------------------------------


def _shift(make: Factory, *main: Person) -> DutyShift:
    now = present.now()
    shift = DutyShift(office_id=make.unit("duty_office").id, valid=Range(now + 700 * DAY, now + 701 * DAY))
    shift.seats = [DutySeat(person_id=person.id, seat="main") for person in main]
    db.session.add(shift)
    db.session.commit()
    return shift


def test_a_person_on_duty_leaves_no_empty_seat(make: Factory) -> None:
    alone, one, other = make.person(), make.person(), make.person()
    _shift(make, alone)
    wish = _wish(700 * DAY, 701 * DAY)
    with pytest.raises(FieldErrors) as raised:
        absences.request(make.actor(alone), wish)
    assert _problems(raised.value) == {("starts_at", "absence.on-duty")}
    db.session.execute(db.delete(DutyShift))
    _shift(make, one, other)
    assert absences.request(make.actor(one), wish).state == "requested"


# --- the race ---------------------------------------------------------------------------------------------------


def test_places_are_locked_in_order_before_anything_is_read(office: Office) -> None:
    """Of two requests at one moment the second waits for the first here, and then sees it."""
    more = office.make.post("liaison")
    for holding in db.session.scalars(select(Holding).where(Holding.post_id == more.id, Holding.role == "B")).all():
        if holding.person_id != office.a.id:
            holding.valid = Range(holding.valid.lower, present.now() + 900 * DAY, bounds="[)")
    db.session.flush()
    db.session.add(
        Holding(post_id=more.id, person_id=office.a.id, role="B", valid=Range(present.now() + 900 * DAY, None))
    )
    db.session.commit()
    actor = office.make.actor(office.a)
    with counted() as statements:
        absences.request(actor, _wish(901 * DAY, 902 * DAY))
    locks = [index for index, text in enumerate(statements) if "FOR NO KEY UPDATE" in text and "FROM post" in text]
    judged = [index for index, text in enumerate(statements) if "FROM absence" in text]
    assert len(locks) == 2
    assert max(locks) < min(judged)


def test_the_lock_holds_another_connection_back(app: Flask, make: Factory) -> None:
    """The same post is locked for A and for B, and rows may refer to it meanwhile."""
    post, a = make.post("registrar"), make.holder("registrar")
    now = present.now()
    absence_places.lock(a.id, now, now + DAY)
    with create_engine(app.config["SQLALCHEMY_DATABASE_URI"]).connect() as other:
        for mode, waits in (("NO KEY UPDATE", True), ("KEY SHARE", False)):
            query = text(f"SELECT id FROM post WHERE id = :id FOR {mode} SKIP LOCKED")
            assert (other.execute(query, {"id": post.id}).all() == []) is waits


# --- end to end -------------------------------------------------------------------------------------------------


def test_while_a_is_away_b_works_with_his_own_account(office: Office) -> None:
    make, appeal = office.make, office.make.appeal("submitted")
    before = make.actor(office.a)
    office.away(office.a, start=timedelta())
    b = make.actor(office.b)
    assert [(g.post_id, g.role) for g in b.grants.grants if g.capability == "number"] == [(office.post.id, "B")]
    assert not make.actor(office.a).grants.can("number")
    workflow.act(b, appeal.id, "register", {"limit": "ordinary"}, version=None)
    row = db.session.scalars(select(Journal).where(Journal.appeal_id == appeal.id, Journal.action == "register")).one()
    assert (row.person_id, row.post_id, row.role) == (office.b.id, office.post.id, "B")
    assert before.grants.can("number")  # the next request asks anew


def test_a_stand_in_acts_as_such(office: Office) -> None:
    make, appeal = office.make, office.make.appeal("submitted")
    office.away(office.a, start=timedelta())
    absence = office.request(office.b, start=timedelta(), stand_ins={_key(office): office.leader.id})
    absences.decide(make.actor(office.leader), absence.id, confirm=True)
    workflow.act(make.actor(office.leader), appeal.id, "register", {"limit": "ordinary"}, version=None)
    row = db.session.scalars(select(Journal).where(Journal.appeal_id == appeal.id, Journal.action == "register")).one()
    assert (row.person_id, row.role) == (office.leader.id, "S")


def test_back_early_ends_it_now(office: Office) -> None:
    absence = office.away(office.a, start=timedelta())
    with present.at(present.now() + HOUR):
        absences.come_back(office.make.actor(office.a), absence.id)
        assert absence.valid.upper == present.now()
        assert office.make.actor(office.a).grants.post_ids == (office.post.id,)
    with present.at(present.now() + 2 * HOUR), pytest.raises(Conflict):
        absences.come_back(office.make.actor(office.a), absence.id)


def test_what_has_begun_is_not_taken_back(office: Office) -> None:
    absence = office.away(office.a, start=timedelta())
    with pytest.raises(Conflict, match=r"absence\.over"):
        absences.cancel(office.make.actor(office.a), absence.id)


# --- taking over ------------------------------------------------------------------------------------------------


def test_b_takes_over_and_a_is_told(office: Office) -> None:
    row = stand_ins.take_over(office.make.actor(office.b), office.post.id, reason="示例：A角开会")
    assert office.make.actor(office.b).grants.post_ids == (office.post.id,)
    assert office.make.actor(office.a).grants.post_ids == ()
    told = db.session.scalars(select(Delivery).where(Delivery.kind == "post.taken_over")).all()
    assert [(d.recipient_id, d.subject_id) for d in told] == [(office.a.id, row.id)]
    assert stand_ins.take_over(office.make.actor(office.b), office.post.id, reason="示例").id == row.id


def test_who_is_away_takes_nothing_over(office: Office) -> None:
    absence = office.away(office.b)
    with present.at(absence.valid.lower + HOUR), pytest.raises(Conflict, match="self-away"):
        stand_ins.take_over(office.make.actor(office.b), office.post.id, reason="示例")


@pytest.mark.parametrize("who", ["a", "b"])
def test_a_or_b_ends_it(office: Office, who: str) -> None:
    now = present.now()
    row = stand_ins.take_over(office.make.actor(office.b), office.post.id, reason="示例")
    with present.at(now + HOUR):
        for _again in range(2):
            stand_ins.take_back(office.make.actor(getattr(office, who)), row.id)
        assert office.make.actor(office.a).grants.post_ids == (office.post.id,)
    assert office.make.count(Journal, object_type="stand_in", object_id=row.id, action="end") == 1
    assert office.make.count(Delivery, kind="post.taken_back") == (1 if who == "a" else 0)


def test_it_ends_by_itself(office: Office) -> None:
    now = present.now()
    stand_ins.take_over(office.make.actor(office.b), office.post.id, reason="示例", until=now + HOUR)
    with present.at(now + 2 * HOUR):
        assert office.make.actor(office.a).grants.post_ids == (office.post.id,)


def test_taking_over_wants_a_reason_and_an_end_ahead(office: Office) -> None:
    with pytest.raises(FieldErrors) as raised:
        stand_ins.take_over(office.make.actor(office.b), office.post.id, reason=" ", until=present.now() - HOUR)
    assert _problems(raised.value) == {("reason", "field.required"), ("until", "absence.in-past")}


def test_only_b_who_stands_by_takes_over(office: Office) -> None:
    for person in (office.a, office.leader, office.make.person()):
        with pytest.raises(NotFound):
            stand_ins.take_over(office.make.actor(person), office.post.id, reason="示例")
    row = stand_ins.take_over(office.make.actor(office.b), office.post.id, reason="示例")
    with pytest.raises(NotFound):
        stand_ins.take_back(office.make.actor(office.leader), row.id)


def test_a_take_over_gives_way_to_whoever_stands_in_for_both(office: Office) -> None:
    now = present.now()
    row = stand_ins.take_over(office.make.actor(office.b), office.post.id, reason="示例")
    office.request(office.a)
    office.request(office.b, stand_ins={_key(office): office.leader.id})
    db.session.refresh(row)
    assert row.valid.upper is not None
    assert now + DAY < row.valid.upper < now + 3 * DAY
    both = db.session.scalars(select(StandIn).where(StandIn.kind == "both_away", StandIn.post_id == office.post.id))
    assert [one.person_id for one in both] == [office.leader.id]
    cut = db.session.scalars(select(Journal).where(Journal.object_type == "stand_in", Journal.object_id == row.id))
    assert [one.action for one in cut] == ["take_over", "end"]


# --- hand-over and return ---------------------------------------------------------------------------------------


def test_an_absence_counts_as_handed_over_once_both_confirmed(office: Office) -> None:
    make = office.make
    make.appeal("submitted")
    absence = office.away(office.a)
    assert leave.handed_over([absence])[absence.id].state == "open"
    (sheet,) = leave.make_sheets(make.actor(office.a), absence.id)
    assert [s.id for s in leave.make_sheets(make.actor(office.a), absence.id)] == [sheet.id]
    assert (sheet.post_id, sheet.from_id, sheet.to_id, len(sheet.items)) == (
        office.post.id,
        office.a.id,
        office.b.id,
        1,
    )
    handovers.give(make.actor(office.a), sheet.id)
    assert leave.handed_over([absence])[absence.id].state == "open"
    handovers.take(make.actor(office.b), sheet.id)
    assert leave.handed_over([absence])[absence.id].state == "done"


def test_the_stand_in_gets_the_sheet_when_both_are_away(office: Office) -> None:
    office.request(office.a)
    second = office.request(office.b, stand_ins={_key(office): office.leader.id})
    first = db.session.scalars(select(Absence).where(Absence.person_id == office.a.id)).one()
    (sheet,) = leave.make_sheets(office.make.actor(office.a), first.id)
    assert sheet.to_id == office.leader.id
    (other,) = leave.make_sheets(office.make.actor(office.b), second.id)  # but for his own leave B would act
    assert other.to_id == office.leader.id


def test_b_files_a_return_report_and_a_confirms(office: Office) -> None:
    make, appeal = office.make, office.make.appeal("submitted")
    absence = office.away(office.a, start=timedelta())
    workflow.act(make.actor(office.b), appeal.id, "register", {"limit": "ordinary"}, version=None)
    assert returns.due_from(make.actor(office.b)) == []
    with present.at(present.now() + HOUR):
        absences.come_back(make.actor(office.a), absence.id)
        b = make.actor(office.b)
        (due,) = returns.due_from(b)
        assert (due.absence_id, due.post_id, due.acting_id) == (absence.id, office.post.id, office.b.id)
        assert [d.absence_id for d in returns.due_for_posts([office.post.id])] == [absence.id]
        with counted() as statements:
            assert leave.waiting(b) == 1
        assert len(statements) == 1
        sheet = returns.file(b, absence.id, office.post.id, remark="示例：一切正常")
        assert returns.file(b, absence.id, office.post.id).id == sheet.id
        assert (sheet.kind, sheet.from_id, sheet.to_id, sheet.given_at is None) == (
            "return",
            office.b.id,
            office.a.id,
            False,
        )
        assert sheet.items[0] == {
            "appeal_id": appeal.id,
            "number": appeal.number or sheet.items[0]["number"],
            "done": {"register": 1},
        }
        assert returns.due_from(b) == []
        handovers.take(make.actor(office.a), sheet.id)
        assert sheet.taken_at is not None


def test_who_owes_no_report_files_none(office: Office) -> None:
    absence = office.away(office.a, start=timedelta())
    with pytest.raises(NotFound):
        returns.file(office.make.actor(office.b), absence.id, office.post.id)


def test_b_who_was_away_too_owes_nothing_the_stand_in_does(office: Office) -> None:
    office.away(office.a, start=2 * HOUR, end=DAY)
    second = office.request(office.b, start=2 * HOUR, end=2 * DAY, stand_ins={_key(office): office.leader.id})
    absences.decide(office.make.actor(office.leader), second.id, confirm=True)
    with present.at(present.now() + 3 * DAY):
        assert returns.due_from(office.make.actor(office.b)) == []
        assert [d.acting_id for d in returns.due_from(office.make.actor(office.leader))] == [office.leader.id]


# --- reminders --------------------------------------------------------------------------------------------------


def test_the_timetable_tells_once(office: Office) -> None:
    absence = office.away(office.a, start=DAY - HOUR)
    assert leave.remind() == 1
    assert leave.remind() == 0
    told = db.session.scalars(select(Delivery).where(Delivery.kind == "absence.hand-over")).one()
    assert (told.recipient_id, told.subject_id) == (office.a.id, absence.id)


def test_the_timetable_tells_when_nobody_covers_an_absence_any_more(office: Office) -> None:
    office.away(office.a)
    held = db.session.scalars(select(Holding).where(Holding.person_id == office.b.id)).one()
    held.valid = Range(held.valid.lower, present.now(), bounds="[)")
    db.session.commit()
    leave.remind()
    told = db.session.scalars(select(Delivery.recipient_id).where(Delivery.kind == "absence.uncovered")).all()
    assert set(told) == {office.a.id, office.leader.id}
    assert leave.remind() == 0


def test_a_missing_return_report_is_asked_for_once(office: Office) -> None:
    office.away(office.a, start=timedelta(), end=DAY)
    with present.at(present.now() + 2 * DAY):
        leave.remind()
        told = db.session.scalars(select(Delivery.recipient_id).where(Delivery.kind == "absence.report")).all()
        assert told == [office.b.id]
        assert leave.remind() == 0


# --- many at once -----------------------------------------------------------------------------------------------

HEADER = ("姓名", "单位", "开始时间", "结束时间", "类别", "事由", "顶岗人")


def _rows(make: Factory, *rows: tuple[str, ...]) -> absence_workbook.Reading:
    return absence_workbook.read(make.actor(officer="system"), workbook(HEADER, *rows))


def _on(offset: int) -> str:
    return (present.today() + timedelta(days=offset)).isoformat()


def test_a_workbook_is_looked_through_and_then_entered_whole(office: Office) -> None:
    reading = _rows(
        office.make, (office.a.name, "", _on(5), _on(6), "出差", "示例"), (office.b.name, "", _on(8), _on(8))
    )
    assert reading.problems == ()
    assert office.make.count(Absence, person_id=office.a.id) == 0
    assert absence_workbook.enter(office.make.actor(officer="system"), reading.rows) == ()
    absence = db.session.scalars(select(Absence).where(Absence.person_id == office.a.id)).one()
    assert (absence.kind, absence.state, absence.valid.upper - absence.valid.lower) == ("trip", "confirmed", 2 * DAY)


def test_each_problem_names_its_row_and_column(office: Office) -> None:
    twin = office.make.person("示例同名")
    office.make.person("示例同名")
    office.make.person("示例后来人")
    reading = _rows(
        office.make,
        ("示例无此人", "", _on(5), _on(6)),
        (twin.name, "", _on(5), _on(6)),
        (office.a.name, "", _on(6), _on(4)),
        (office.a.name, "", "不是日期", _on(6), "散步"),
    )
    assert {(p.row, p.column, p.code) for p in reading.problems} == {
        (2, "name", "person.unknown-name"),
        (3, "unit", "person.ambiguous-name"),
        (4, "ends_at", "period.ends-before-start"),
        (5, "starts_at", "moment.invalid"),
        (5, "kind", "absences.kind-unknown"),
    }


def test_rows_that_do_not_go_together_are_found_and_nothing_is_entered(office: Office) -> None:
    rows = [
        (office.a.name, "", _on(5), _on(7)),
        (office.a.name, "", _on(6), _on(8)),
        (office.b.name, "", _on(5), _on(7)),
    ]
    reading = _rows(office.make, *rows)
    assert [(p.row, p.column, p.code) for p in reading.problems] == [
        (3, "starts_at", "absence.overlap"),
        (4, "stand_in", "absence.both-away"),
    ]
    assert absence_workbook.enter(office.make.actor(officer="system"), reading.rows) == reading.problems
    assert office.make.count(Absence, person_id=office.a.id) == 0
    named = _rows(office.make, rows[0], (*rows[2], "", "", office.leader.name))
    assert named.problems == ()
    assert absence_workbook.enter(office.make.actor(officer="system"), named.rows) == ()
    assert office.make.count(StandIn, person_id=office.leader.id, kind="both_away") == 1


def test_only_the_system_officer_enters_many(office: Office) -> None:
    with pytest.raises(Refused):
        absence_workbook.read(office.make.actor(office.leader), workbook(HEADER))


# --- how much it costs ------------------------------------------------------------------------------------------


def test_a_preview_costs_the_same_whatever_is_held(office: Office) -> None:
    now, person_id = present.now(), office.a.id
    with counted() as statements:
        absences.preview(person_id, now + DAY, now + 2 * DAY)
    few = len(statements)
    assert few <= 16, "\n\n".join(statements)
    for code in ("liaison", "ledger_admin"):
        held = db.session.scalars(
            select(Holding).where(Holding.post_id == office.make.post(code).id, Holding.role == "A")
        )
        for row in held:
            row.person_id = person_id
    db.session.commit()
    with counted() as more:
        absences.preview(person_id, now + DAY, now + 2 * DAY)
    assert len(more) <= few


def test_sheets_are_listed_with_the_absence(office: Office) -> None:
    absence = office.away(office.a)
    leave.make_sheets(office.make.actor(office.a), absence.id)
    assert [sheet.kind for sheet in leave.sheets_of(absence.id)] == ["absence"]
    assert office.make.count(HandoverSheet, absence_id=absence.id) == 1
