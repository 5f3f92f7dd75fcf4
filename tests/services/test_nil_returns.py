"""Which collection days a collector with a daily cut-off owes a nil return for (R3)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.models import Channel, Journal, NilReturn, Post, db
from app.rules.errors import Conflict, FieldErrors, Refused
from app.rules.grants import Grant, GrantSet, Scope
from app.services import desk, nil_returns, present
from app.services.actors import Actor
from tests.factories import Factory
from tests.services import reporting
from tests.services.reporting import DAY, HOUR, NOW, SUPERVISOR
from tests.test_desk import counted as statements_in

# 2026-11-20 is a Friday, the next working day is Monday the 23rd.
FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
CUT_OFF = datetime(2026, 11, 23, 3, tzinfo=UTC)  # Monday 11:00 in Shanghai
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def in_use(app: Flask) -> None:
    """The product has been in use for long: somebody collected something forty days ago."""
    reporting.clock(reporting.appeal(0, channel_class="A"), "collection", started_at=NOW - 40 * DAY)


def _missing(as_of: datetime = CUT_OFF, *, letter: str = "C", days: int = 4) -> list[date]:
    return [one.day for one in nil_returns.missing(SUPERVISOR, as_of, days=days) if one.channel_class == letter]


def _sign(make: Factory, day: date, *, at: datetime = CUT_OFF - HOUR, code: str = "collector_c") -> None:
    by = make.holder(code).id
    db.session.add(NilReturn(post_id=make.post(code).id, day=day, signed_at=at, signed_by_id=by, role="A"))
    db.session.commit()


def test_a_working_day_without_anything_is_missing_for_each_of_c_d_e() -> None:
    found = nil_returns.missing(SUPERVISOR, CUT_OFF, days=4)
    assert [(one.day, one.channel_class) for one in found] == [
        (day, letter) for day in (MONDAY, FRIDAY) for letter in ("C", "D", "E")
    ]


def test_a_day_is_not_missing_before_its_cut_off() -> None:
    assert _missing(CUT_OFF - SECOND) == [FRIDAY]


def test_a_signed_nil_return_settles_the_day(make: Factory) -> None:
    _sign(make, MONDAY)
    assert _missing() == [FRIDAY]
    assert _missing(letter="D") == [MONDAY, FRIDAY]


PAPERS = 6


def _papers() -> list[Channel]:
    query = select(Channel).where(Channel.channel_class == "D", Channel.active)
    return list(db.session.scalars(query.order_by(Channel.sort, Channel.id)))


def test_newspapers_are_settled_one_by_one(make: Factory) -> None:
    first, second, *others = _papers()
    reporting.appeal(1, channel_class="D", channel_id=first.id, submitted_at=CUT_OFF - HOUR)
    by, post = make.holder("collector_d").id, make.post("collector_d").id
    row = {"post_id": post, "day": MONDAY, "signed_at": CUT_OFF - HOUR, "signed_by_id": by, "role": "A"}
    db.session.add(NilReturn(channel_id=second.id, **row))
    db.session.commit()
    (found,) = [one for one in nil_returns.missing(SUPERVISOR, CUT_OFF, days=1) if one.channel_class == "D"]
    assert [paper.id for paper in found.papers] == [paper.id for paper in others]
    db.session.add_all(NilReturn(channel_id=paper.id, **row) for paper in others)
    db.session.commit()
    assert _missing(letter="D", days=1) == []


def test_a_paper_is_not_owed_before_it_is_on_the_list(make: Factory) -> None:
    new = Channel(code="shili_wanbao", name="示例晚报", channel_class="D", kind="newspaper")
    new.created_at = CUT_OFF + 100 * DAY
    db.session.add(new)
    db.session.commit()
    (found,) = [one for one in nil_returns.missing(SUPERVISOR, CUT_OFF, days=1) if one.channel_class == "D"]
    assert new.id not in [paper.id for paper in found.papers]
    assert len(found.papers) == PAPERS


# --- signing -----------------------------------------------------------------------------------------------

MORNING = datetime(2026, 11, 23, 2, tzinfo=UTC)  # Monday 10:00 in Shanghai


def test_a_nil_return_is_signed_once_a_working_day(make: Factory) -> None:
    person, post = make.holder("collector_c"), make.post("collector_c")
    with present.at(MORNING):
        first = nil_returns.sign(make.actor(person), post.id)
        again = nil_returns.sign(make.actor(person), post.id)
    assert [row.id for row in first] == [row.id for row in again]
    assert make.count(NilReturn, post_id=post.id) == 1
    assert make.count(Journal, action="nil_return", post_id=post.id) == 1


def test_papers_are_signed_for_by_choice_and_each_once(make: Factory) -> None:
    person, post, papers = make.holder("collector_d"), make.post("collector_d"), _papers()
    codes = [paper.code for paper in papers]
    with present.at(MORNING):
        nil_returns.sign(make.actor(person), post.id, codes[:2])
        nil_returns.sign(make.actor(person), post.id, codes)
    rows = db.session.scalars(select(NilReturn).where(NilReturn.post_id == post.id)).all()
    assert sorted(row.channel_id or 0 for row in rows) == sorted(paper.id for paper in papers)
    assert make.count(Journal, action="nil_return", post_id=post.id) == 2


@pytest.mark.parametrize("codes", [[], ["no_such_paper"], ["web"]])
def test_no_or_an_unknown_paper_is_refused(make: Factory, codes: list[str]) -> None:
    post = make.post("collector_d")
    with present.at(MORNING), pytest.raises(FieldErrors):
        nil_returns.sign(make.actor(make.holder("collector_d")), post.id, codes)
    assert make.count(NilReturn, post_id=post.id) == 0


@pytest.mark.parametrize("at", [datetime(2026, 11, 22, 2, tzinfo=UTC), datetime(2026, 10, 1, 2, tzinfo=UTC)])
def test_no_nil_return_is_signed_on_a_day_of_rest(make: Factory, at: datetime) -> None:
    with present.at(at), pytest.raises(Conflict) as refused:
        nil_returns.sign(make.actor(make.holder("collector_c")), make.post("collector_c").id)
    assert refused.value.code == "nil-return.day-of-rest"


def test_classes_with_an_hour_have_no_nil_return(make: Factory) -> None:
    with present.at(MORNING), pytest.raises(Conflict) as refused:
        nil_returns.sign(make.actor(make.holder("collector_a")), make.post("collector_a").id)
    assert refused.value.code == "nil-return.no-cutoff"


def test_nobody_signs_for_another_s_post(make: Factory) -> None:
    with present.at(MORNING), pytest.raises(Refused):
        nil_returns.sign(make.actor(make.holder("collector_c")), make.post("collector_e").id)


# --- looking at the days -----------------------------------------------------------------------------------


def _states(slots: list[nil_returns.Slot], letter: str, day: date, as_of: datetime) -> list[str]:
    return [slot.state(as_of) for slot in slots if slot.post.channel_class == letter and slot.day == day]


def test_the_overview_tells_items_signatures_late_ones_and_what_is_missing(make: Factory) -> None:
    noon = CUT_OFF + HOUR
    reporting.appeal(1, channel_class="E", submitted_at=CUT_OFF - HOUR)
    _sign(make, MONDAY, at=CUT_OFF)
    slots = nil_returns.overview(SUPERVISOR, noon, days=2)
    assert {slot.day for slot in slots} == {MONDAY, FRIDAY}
    assert _states(slots, "E", MONDAY, noon) == ["items"]
    assert _states(slots, "C", MONDAY, noon) == ["late"]
    assert _states(slots, "C", FRIDAY, noon) == ["missing"]
    assert _states(slots, "D", MONDAY, noon) == ["missing"] * PAPERS
    assert _states(nil_returns.overview(SUPERVISOR, MORNING, days=1), "D", MONDAY, MORNING) == ["open"] * PAPERS


def test_a_collector_sees_his_own_days_only(make: Factory) -> None:
    slots = nil_returns.overview(make.actor(make.holder("collector_d")), CUT_OFF, days=1)
    assert {slot.post.channel_class for slot in slots} == {"D"}
    with pytest.raises(Refused):
        nil_returns.overview(make.actor(make.holder("liaison", "B")), CUT_OFF)


def test_a_collector_s_desk_shows_the_papers_of_today_and_the_days_he_left(make: Factory) -> None:
    first, *_others = _papers()
    with present.at(MORNING):
        actor = make.actor(make.holder("collector_d"))
        nil_returns.sign(actor, make.post("collector_d").id, [first.code])
        (day,) = desk.collector_days(actor)
    assert [slot.state(MORNING) for slot in day.papers] == ["nil", *["open"] * (PAPERS - 1)]
    assert (day.nil_return_wanted, day.nil_return_on) == (True, None)
    assert day.missing == nil_returns.SHOWN_DAYS - 1


def test_what_was_signed_later_has_not_happened_yet(make: Factory) -> None:
    _sign(make, FRIDAY, at=CUT_OFF + HOUR)
    assert _missing() == [MONDAY, FRIDAY]
    assert _missing(CUT_OFF + HOUR) == [MONDAY]


@pytest.mark.parametrize(
    ("submitted_at", "missing"),
    [
        (CUT_OFF - SECOND, [FRIDAY]),
        (CUT_OFF, [MONDAY, FRIDAY]),  # at 11:00 sharp it is the next day's
        (CUT_OFF - 3 * DAY, [FRIDAY]),  # Friday 11:00 sharp: already Monday's
        (CUT_OFF - 3 * DAY - SECOND, [MONDAY]),
        (CUT_OFF - DAY, [FRIDAY]),  # on Sunday
    ],
)
def test_a_submission_counts_between_two_cut_offs(submitted_at: datetime, missing: list[date]) -> None:
    reporting.appeal(1, channel_class="C", received_at=NOW - 4 * DAY, submitted_at=submitted_at)
    assert _missing(CUT_OFF + SECOND) == missing


def test_days_before_the_product_was_in_use_are_nobodys_fault(app: Flask) -> None:
    with present.at(NOW):
        found = nil_returns.missing(SUPERVISOR, NOW, days=90)
    assert min(one.day for one in found) >= (NOW - 40 * DAY).date()


def test_only_working_days_count() -> None:
    assert date(2026, 10, 1) not in _missing(days=60)
    assert date(2026, 11, 21) not in _missing(days=60)
    assert date(2026, 11, 22) not in _missing(days=60)


def test_a_scoped_reader_sees_his_class_only(app: Flask) -> None:
    actor = Actor(None, None, GrantSet((Grant("supervise", Scope.OWN_CLASS, "D"),)))
    assert {one.channel_class for one in nil_returns.missing(actor, CUT_OFF)} == {"D"}


def test_a_stranger_is_refused(app: Flask) -> None:
    with pytest.raises(Refused):
        nil_returns.missing(Actor(None, None, GrantSet((Grant("collect", Scope.OWN_CLASS, "C"),))), CUT_OFF)


def test_a_post_that_was_given_up_owes_nothing(make: Factory) -> None:
    make.post("collector_d").active = False
    db.session.commit()
    assert _missing(letter="D") == []
    assert db.session.get(Post, make.post("collector_d").id) is not None


def test_it_costs_a_fixed_number_of_statements(app: Flask) -> None:
    nil_returns.missing(SUPERVISOR, CUT_OFF)  # reads the calendar
    with statements_in() as seen:
        nil_returns.missing(SUPERVISOR, CUT_OFF, days=60)
    # Limits, posts, papers, and everything about the days.
    assert len(seen) == 4
