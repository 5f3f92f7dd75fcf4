"""The figures of a quarter against a recount of the rows in Python, as of several moments (R13)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload, selectinload

from app.models import (
    Appeal,
    Assignment,
    Category,
    Channel,
    Clock,
    Explanation,
    Journal,
    NilReturn,
    Person,
    Portfolio,
    Post,
    Slip,
    Unit,
    Urge,
    db,
)
from app.reports.quarterly import MEASURES, QuarterFigures
from app.rules.clocks import LateWhen, is_late
from app.rules.measures import Punctuality, Tally, mean_days
from app.rules.quarters import Quarter
from app.services import present, quarterly
from tests.services import reporting
from tests.services.reporting import DAY, HOUR, NOW, ZONE
from tests.test_desk import counted as statements_in

THIS, LAST = Quarter(2026, 4), Quarter(2026, 3)
READER = quarterly.Reader(
    t=str,
    english=False,
    period="示例季度",
    calendar="示例日历",
    sample_mark="示例数据",
    link=lambda number: f"/{number}",
)


# --- a quarter by rows --------------------------------------------------------------------------------------


@pytest.fixture
def world(app: Flask) -> Iterator[None]:
    """Two quarters and the same quarter of the year before, with everything that is counted."""
    _Maker(random.Random(11)).fill()
    with present.at(NOW):
        yield


class _Maker:
    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.units = [*reporting.units("department", 3), *reporting.units("local_government", 2)]
        self.sections = reporting.units("section", 4)
        self.posts = {post.code: post for post in db.session.scalars(select(Post))}
        self.papers_of_d = list(db.session.scalars(select(Channel.id).where(Channel.channel_class == "D")))
        self.person = db.session.scalars(select(Person.id).order_by(Person.id)).first() or 0
        self.channels = list(db.session.scalars(select(Channel).order_by(Channel.id)))
        self.line = db.session.scalars(select(Portfolio.id).order_by(Portfolio.id)).first()
        self.categories = self._tree()
        self.urged: list[tuple[Clock, datetime]] = []

    def _tree(self) -> list[Category | None]:
        top = db.session.scalars(select(Category).where(Category.level == 1).order_by(Category.id)).first()
        assert top is not None
        second = Category(code="示例/二", name="示例二级", level=2, parent_id=top.id)
        db.session.add(second)
        db.session.flush()
        third = Category(code="示例/二/三", name="示例三级", level=3, parent_id=second.id)
        other = Category(code="示例另", name="示例另一级", level=1)
        db.session.add_all([third, other])
        db.session.flush()
        return [None, top, second, third, other]

    def moment(self, days: int) -> datetime:
        """A moment up to so many days ago, on the hour."""
        return NOW - timedelta(hours=self.dice.randint(1, days * 24))

    def fill(self) -> None:
        """Appeals first, then what hangs on them: a flush for each row would take most of the test's time."""
        dice = self.dice
        appeals = []
        for number in range(110):
            ago = NOW - 400 * DAY + dice.randint(0, 35) * DAY
            appeals.append(self.appeal(number, ago if number % 7 == 0 else self.moment(140)))
        history = {"state": "history", "source": "示例来源"}
        for number in range(9):
            moments = {"registered_at": self.moment(60), "created_at": self.moment(120)}
            db.session.add(reporting.appeal_row(1000 + number, source_no=str(number), **history, **moments))
        db.session.add_all(appeals)
        db.session.flush()
        for of in appeals:
            self.things_of(of)
        db.session.flush()
        self.aside(appeals)
        for clock, at in self.urged:
            db.session.add(Urge(clock_id=clock.id, appeal_id=clock.appeal_id, at=at, by_id=self.person))
        for number, code in enumerate(("collector_c", "collector_d", "collector_e") * 8):
            day = date(2026, 9, 15) + number * DAY
            signed = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
            post_id = self.posts[code].id
            papers = self.papers_of_d if code == "collector_d" else (None,)
            rows = {"post_id": post_id, "day": day, "signed_at": signed, "signed_by_id": self.person, "role": "A"}
            db.session.add_all(NilReturn(channel_id=paper, **rows) for paper in papers)
        db.session.commit()

    def aside(self, appeals: Sequence[Appeal]) -> None:
        """Appeals that were voided, merged into another or not accepted some days after their registration."""
        for number, registered in enumerate(self.moment(140) for _each in range(30)):
            of = self.appeal(5000 + number, registered)
            at = registered + timedelta(hours=self.dice.randint(1, 24 * 20))
            db.session.add(of)
            db.session.flush()
            match number % 3:
                case 0:
                    of.state, of.voided_at = "voided", at
                case 1:
                    of.state, of.merged_into_id = "merged", appeals[number].id
                    self.journal(of, "merge", at)
                case 2:
                    of.state, of.handling = "answered", "declined"
                    self.journal(of, "decline", at)

    def appeal(self, number: int, registered: datetime) -> Appeal:
        dice = self.dice
        category, channel = dice.choice(self.categories), dice.choice([None, *self.channels[:4]])
        return reporting.appeal_row(
            number,
            registered_at=registered,
            received_at=registered - HOUR,
            channel_id=channel.id if channel else None,
            category_id=category.id if category else None,
            handling="self" if dice.random() < 0.2 else "forward",
            note="示例附注" if dice.random() < 0.3 else "",
            corrections=int(dice.random() < 0.2),
        )

    def things_of(self, of: Appeal) -> None:
        dice, registered = self.dice, of.registered_at
        assert registered is not None
        self.collection(of)
        if dice.random() < 0.3:
            self.leg(of, registered)
        if of.handling == "self":
            self.limit(of, registered + HOUR, None)
        else:
            for _ in range(2 if dice.random() < 0.2 else 1):
                self.assignment(of, registered + timedelta(hours=dice.randint(0, 24 * 30)))
        if of.note and dice.random() < 0.7:
            self.journal(of, "add_note", registered + timedelta(hours=dice.randint(1, 24 * 40)))
        if of.corrections:
            self.journal(of, "return_for_correction", registered - HOUR / 2)

    def collection(self, of: Appeal) -> None:
        due = of.received_at + HOUR
        stopped = due + self.dice.choice([-HOUR / 2, timedelta(), HOUR, 3 * DAY])
        late_when = self.dice.choice(["after", "at_or_after"])
        post_id = self.posts[f"collector_{of.channel_class.lower()}"].id
        moments = {"started_at": of.received_at, "due_at": due, "stopped_at": stopped}
        self.clock(of, "collection", post_id=post_id, late_when=late_when, **moments)

    def clock(self, of: Appeal, kind: str, **columns: Any) -> Clock:
        row = Clock(appeal_id=of.id, kind=kind, inputs={}, **columns)
        db.session.add(row)
        return row

    def leg(self, of: Appeal, registered: datetime) -> None:
        """A slip; carrying it is the liaison's clock, delivering it the section's, fetching it back the liaison's."""
        dice, section, liaison = self.dice, self.dice.choice(self.sections), self.posts["liaison"].id
        opinion_at = registered + HOUR
        slip = Slip(appeal_id=of.id, section_id=section.id, portfolio_id=self.line, opinion="示例")
        slip.opinion_by_id, slip.opinion_at = self.person, opinion_at
        db.session.add(slip)
        liaisons, sections = {"post_id": liaison}, {"unit_id": section.id}
        for kind, place in (("carry", liaisons), ("delivery", sections), ("fetch_back", liaisons)):
            due = opinion_at.astimezone(ZONE).replace(hour=0, minute=0) + DAY
            stopped = dice.choice([None, due - HOUR, due, due + HOUR])
            self.clock(of, kind, due_at=due, started_at=opinion_at, stopped_at=stopped, **place)

    def assignment(self, of: Appeal, at: datetime) -> None:
        dice, unit = self.dice, self.dice.choice(self.units)
        clock = self.limit(of, at, unit.id)
        # Taken up a second time: what was done the first time still counts.
        first = (Assignment.appeal_id == of.id, Assignment.state != "ended")
        db.session.execute(update(Assignment).where(*first).values(state="ended", ended_why="reopened", ended_at=at))
        given = Assignment(appeal_id=of.id, unit_id=unit.id, assigned_at=at, assigned_by_id=self.person)
        given.answered_at = clock.stopped_at
        given.state = "answered" if clock.stopped_at else "in_progress"
        db.session.add(given)
        db.session.flush()
        clock.assignment_id = given.id
        self.beside(of, at, given, clock)
        if dice.random() < 0.25:
            explained = Explanation(appeal_id=of.id, unit_id=unit.id, kind="cannot_finish", text="示例")
            explained.by_id, explained.at = self.person, at + timedelta(hours=dice.randint(1, 24 * 20))
            db.session.add(explained)
        if dice.random() < 0.2:
            self.urged.append((clock, at + timedelta(hours=dice.randint(1, 24 * 20))))

    def beside(self, of: Appeal, at: datetime, given: Assignment, clock: Clock) -> None:
        """Now and then it was redone, went elsewhere, or another unit handles it too."""
        dice = self.dice
        if clock.stopped_at and clock.due_at and dice.random() < 0.2:
            began = clock.stopped_at + HOUR
            given.answered_at = dice.choice([None, began + DAY, began + 9 * DAY])
            again = {"started_at": began, "due_at": began + 3 * DAY, "stopped_at": given.answered_at}
            self.clock(of, "unit_limit", unit_id=given.unit_id, assignment_id=given.id, **again)
        elif dice.random() < 0.15:
            given.state, given.ended_why = "ended", dice.choice(["transferred", "objected"])
            given.ended_at = at + timedelta(hours=dice.randint(1, 24 * 20))
        if dice.random() < 0.2:
            other = dice.choice([unit for unit in self.units if unit.id != given.unit_id])
            co = reporting.assign(of, other, at, self.person, part="co", state="in_progress")
            self.clock(of, "co_limit", unit_id=other.id, assignment_id=co.id, started_at=at, due_at=at + 5 * DAY)

    def limit(self, of: Appeal, at: datetime, unit_id: int | None) -> Clock:
        due = None if self.dice.random() < 0.1 else at + 9 * DAY
        on_the_edge = [at + HOUR, at + 9 * DAY, at + 9 * DAY + timedelta(seconds=1), at + 20 * DAY]
        stopped = self.dice.choice([None, *on_the_edge])
        return self.clock(of, "unit_limit", due_at=due, stopped_at=stopped, started_at=at, unit_id=unit_id)

    def forwarded_from_leader(self) -> None:
        of = reporting.appeal(1, registered_at=NOW - 5 * DAY)
        self.leg(of, NOW - 5 * DAY)
        self.assignment(of, NOW - 2 * DAY)
        db.session.commit()

    def journal(self, of: Appeal, action: str, at: datetime) -> None:
        columns: dict[str, Any] = {"object_type": "appeal", "object_id": of.id, "old": {}, "new": {}}
        db.session.add(Journal(at=at, action=action, appeal_id=of.id, **columns))


# --- the same counted in Python -----------------------------------------------------------------------------


@dataclass
class _Recount:
    """Every figure of one quarter as it was at a moment, from the rows."""

    quarter: Quarter
    as_of: datetime

    @property
    def span(self) -> tuple[datetime, datetime]:
        return self.quarter.moments(ZONE)

    def holds(self, at: datetime | None) -> bool:
        starts, ends = self.span
        return at is not None and starts <= at < ends and at <= self.as_of

    def done(self, at: datetime | None) -> bool:
        return at is not None and at <= self.as_of

    def appeals(self) -> list[Appeal]:
        rows = db.session.scalars(
            select(Appeal).options(
                selectinload(Appeal.clocks), selectinload(Appeal.slips), selectinload(Appeal.assignments)
            )
        )
        ours = [row for row in rows if row.state != "history" and self.holds(row.registered_at)]
        return [row for row in ours if not self.done(row.voided_at)]

    def step_at(self, of: Appeal, action: str) -> datetime | None:
        """When the step was done to the appeal."""
        query = select(Journal.at).where(Journal.appeal_id == of.id, Journal.action == action)
        return db.session.scalars(query).first()

    def assignments(self) -> list[Assignment]:
        rows = select(Assignment).options(joinedload(Assignment.appeal).selectinload(Appeal.clocks))
        leads = [row for row in db.session.scalars(rows) if self.holds(row.assigned_at) and row.part == "lead"]
        gone = ("transferred", "objected")
        return [row for row in leads if not (row.ended_why in gone and self.done(row.ended_at))]

    def limits_of(self, row: Assignment) -> list[Clock]:
        own = [clock for clock in row.appeal.clocks if clock.assignment_id == row.id and clock.kind == "unit_limit"]
        return [clock for clock in own if clock.started_at <= self.as_of]

    @cached_property
    def explained(self) -> list[Explanation]:
        return list(db.session.scalars(select(Explanation)))

    @cached_property
    def notes(self) -> list[Journal]:
        return list(db.session.scalars(select(Journal).where(Journal.action == "add_note")))

    def explanations(self, row: Assignment) -> int:
        mine = [one for one in self.explained if (one.appeal_id, one.unit_id) == (row.appeal_id, row.unit_id)]
        return sum(row.assigned_at <= one.at <= self.as_of for one in mine)

    def noted(self, of: Appeal) -> bool:
        moments = [one.at for one in self.notes if one.appeal_id == of.id]
        return bool(of.note) and (not moments or min(moments) <= self.as_of)

    def outcome(self, row: Assignment) -> str:
        finished, limits = self.done(row.answered_at), [one for one in self.limits_of(row) if one.due_at]
        if not limits:
            return "unlimited" if finished else "running"
        late = any(self.is_late(one) for one in limits)
        if finished:
            return "late" if late else "on_time"
        return "overdue" if late else "running"

    def is_late(self, clock: Clock) -> bool:
        stopped = clock.stopped_at if self.done(clock.stopped_at) else None
        return clock.due_at is not None and is_late(clock.due_at, LateWhen(clock.late_when), stopped or self.as_of)

    def tally(self, rows: Iterable[Assignment]) -> Tally:
        outcomes = Counter(self.outcome(row) for row in rows)
        return Tally(
            outcomes.total(),
            outcomes["on_time"],
            outcomes["late"],
            outcomes["unlimited"],
            outcomes["overdue"] + outcomes["running"],
            outcomes["overdue"],
        )

    def days(self, rows: Iterable[Assignment]) -> Any:
        spans = [row.answered_at - row.assigned_at for row in rows if row.answered_at and self.done(row.answered_at)]
        return mean_days(sum(spans, timedelta()), len(spans))

    def silent(self, rows: Iterable[Assignment]) -> int:
        return sum(
            self.outcome(row) == "overdue" and not self.explanations(row) and not self.noted(row.appeal) for row in rows
        )

    def overview(self) -> dict[str, Any]:
        appeals, given = self.appeals(), self.assignments()
        tally = self.tally(given)
        history = db.session.scalars(select(Appeal.created_at).where(Appeal.state == "history"))
        return {
            "received": len(appeals),
            "merged": sum(one.merged_into_id is not None and self.done(self.step_at(one, "merge")) for one in appeals),
            "declined": sum(one.handling == "declined" and self.done(self.step_at(one, "decline")) for one in appeals),
            "self_handled": sum(
                one.handling == "self"
                and any(clock.kind == "unit_limit" and clock.started_at <= self.as_of for clock in one.clocks)
                for one in appeals
            ),
            "forwarded": sum(any(self.done(row.assigned_at) for row in one.assignments) for one in appeals),
            "to_leaders": sum(any(self.done(slip.opinion_at) for slip in one.slips) for one in appeals),
            "assigned": tally.assigned,
            "finished": tally.finished,
            "on_time": tally.on_time,
            "late": tally.late,
            "unfinished": tally.unfinished,
            "overdue": tally.overdue,
            "finish_rate": tally.finish_rate,
            "on_time_rate": tally.on_time_rate,
            "mean_days": self.days(given),
            "explanations": sum(self.explanations(row) for row in given),
            "overdue_without_note": self.silent(given),
            "urges": sum(self.holds(at) for at in db.session.scalars(select(Urge.at))),
            "history": sum(self.holds(at) for at in history),
        }

    @cached_property
    def clocks(self) -> list[Clock]:
        return list(db.session.scalars(select(Clock).options(joinedload(Clock.post))))

    def legs(self, unit: Unit, kind: str) -> Punctuality:
        starts, ends = self.span
        kept = broken = 0
        for clock in self.clocks:
            if clock.cancelled or {"carry": "delivery"}.get(clock.kind, clock.kind) != kind:
                continue
            place = clock.unit_id or (clock.post.office_id if clock.post else None)
            if place != unit.id or clock.due_at is None or not starts < clock.due_at <= ends:
                continue
            if clock.started_at > self.as_of:
                continue
            late = self.is_late(clock)
            broken += late
            kept += self.done(clock.stopped_at) and not late
        return Punctuality(kept, broken)

    def papers(self, unit: Unit) -> tuple[int, int]:
        # A day on which several papers were signed for is one nil return.
        signed = {
            (row.post_id, row.day)
            for row in db.session.scalars(select(NilReturn))
            if row.post.office_id == unit.id
            and self.quarter.first_day <= row.day <= self.quarter.last_day
            and self.done(row.signed_at)
        }
        returned = db.session.execute(
            select(Journal.at, Appeal.channel_class)
            .join(Appeal, Appeal.id == Journal.appeal_id)
            .where(Journal.action == "return_for_correction")
        )
        offices = {
            post.channel_class: post.office_id
            for post in db.session.scalars(select(Post).where(Post.channel_class.is_not(None)))
        }
        return len(signed), sum(self.holds(at) and offices[letter] == unit.id for at, letter in returned)


def _figures(quarter: Quarter = THIS, as_of: datetime = NOW, **changes: Any) -> QuarterFigures:
    found = quarterly.figures(db.session(), quarter, as_of, replace(READER, **changes))
    return replace(found, overdue=tuple(found.overdue))


MOMENTS = [
    pytest.param(THIS, NOW, id="running"),
    pytest.param(THIS, NOW - 20 * DAY, id="running, seen from earlier"),
    pytest.param(LAST, LAST.moments(ZONE)[1], id="at its end"),
    pytest.param(LAST, NOW, id="finished, seen from now"),
]


@pytest.mark.parametrize(("quarter", "as_of"), MOMENTS)
def test_the_overview_is_the_recount(world: None, quarter: Quarter, as_of: datetime) -> None:
    found = {measure.code: measure for measure in _figures(quarter, as_of).overview}
    assert list(found) == list(MEASURES)
    now, before, year = (_Recount(one, as_of).overview() for one in (quarter, quarter.previous, quarter.year_before))
    assert {code: measure.value for code, measure in found.items()} == now
    for earlier, name in ((before, "previous"), (year, "year_before")):
        expected = earlier if any(earlier.values()) else dict.fromkeys(earlier)
        assert {code: getattr(measure, name) for code, measure in found.items()} == expected
    assert now["received"] > 20
    assert now["merged"] > 0
    assert now["declined"] > 0
    assert now["overdue_without_note"] <= now["overdue"]


@pytest.mark.parametrize(("quarter", "as_of"), MOMENTS)
def test_each_unit_is_the_recount_of_its_assignments(world: None, quarter: Quarter, as_of: datetime) -> None:
    found, recount = _figures(quarter, as_of), _Recount(quarter, as_of)
    given = recount.assignments()
    for group, code in ((found.local, "local"), (found.department, "department")):
        members = [
            unit for unit in db.session.scalars(select(Unit).order_by(Unit.sort, Unit.id)) if unit.group.code == code
        ]
        own = {unit.name: [row for row in given if row.unit_id == unit.id] for unit in members}
        assert [row.name for row in group.rows] == [name for name, rows in own.items() if rows]
        assert group.idle == tuple(name for name, rows in own.items() if not rows)
        for row in (*group.rows, replace(group.total, name="")):
            mine = own[row.name] if row.name else [one for rows in own.values() for one in rows]
            assert row.tally == recount.tally(mine)
            assert row.mean_days == recount.days(mine)
            assert row.explanations == sum(recount.explanations(one) for one in mine)
            assert row.overdue_without_note == recount.silent(mine)


@pytest.mark.parametrize(("quarter", "as_of"), MOMENTS)
def test_sections_are_measured_on_the_clocks_of_their_posts(world: None, quarter: Quarter, as_of: datetime) -> None:
    found, recount = _figures(quarter, as_of).section, _Recount(quarter, as_of)
    sections = [unit for unit in db.session.scalars(select(Unit)) if unit.group.code == "section"]
    rows = {row.name: row for row in found.rows}
    assert len(rows) > 4
    assert {*rows, *found.idle} == {unit.name for unit in sections}
    for unit in sections:
        legs = [recount.legs(unit, kind) for kind in ("collection", "delivery", "fetch_back")]
        papers = recount.papers(unit)
        if unit.name in rows:
            row = rows[unit.name]
            assert [row.collection, row.delivery, row.fetch_back] == legs, unit.name
            assert (row.nil_returns, row.corrections) == papers
        else:
            assert (*legs, *papers) == (Punctuality(), Punctuality(), Punctuality(), 0, 0)


def test_shares_sum_to_what_was_received(world: None) -> None:
    found, recount = _figures(), _Recount(THIS, NOW)
    before = len(_Recount(LAST, NOW).appeals())
    for shares in (found.channels, found.categories):
        assert sum(share.count for share in shares) == found.received
        assert sum(share.previous or 0 for share in shares) == before
    names = {channel.id: channel.name for channel in db.session.scalars(select(Channel))}
    counts = Counter(names.get(row.channel_id or 0, "Channel not recorded") for row in recount.appeals())
    assert {share.name: share.count for share in found.channels if share.count} == counts


def test_categories_are_rolled_up_to_the_first_level(world: None) -> None:
    def first_level(row: Category | None) -> str:
        if row is None:
            return "Not categorised"
        above = db.session.get(Category, row.parent_id) if row.parent_id else None
        return first_level(above) if above else row.name

    counts = Counter(first_level(row.category) for row in _Recount(THIS, NOW).appeals())
    assert {share.name: share.count for share in _figures().categories} == counts
    assert len(counts) == 3


def test_the_overdue_list_is_what_came_due_by_the_end_and_still_runs(world: None) -> None:
    for quarter in (THIS, LAST):
        ends = quarter.moments(ZONE)[1]
        expected = sorted(
            one.row.due_at
            for one in reporting.counted(NOW, NOW, NOW)
            if one.state == "open_overdue" and one.row.due_at and one.row.due_at <= ends
        )
        assert [row.due_at for row in _figures(quarter).overdue] == expected
        assert expected


def test_history_is_counted_apart_and_nowhere_else(world: None) -> None:
    before = _figures()
    for number in range(5):
        reporting.appeal(2000 + number, state="history", created_at=NOW - DAY, source="示例", source_no=f"h{number}")
    after = _figures()
    history = {measure.code: measure.value for measure in after.overview}["history"]
    assert history == 5 + ({measure.code: measure.value for measure in before.overview}["history"] or 0)
    assert replace(after, overview=()) == replace(before, overview=())


def test_names_come_in_the_readers_language(world: None) -> None:
    found = _figures(english=True)
    assert found.local.name.startswith("Offices")
    assert all(row.name.isascii() or "–" in row.name for row in found.local.rows)


def test_sample_data_is_marked_and_real_data_is_not(app: Flask) -> None:
    reporting.appeal(1, registered_at=NOW - DAY, fictional=False)
    assert _figures().marks == ()
    reporting.appeal(2, registered_at=NOW - DAY)
    assert _figures().marks == ("示例数据",)


def test_a_quarter_before_the_first_has_no_base(app: Flask) -> None:
    reporting.appeal(1, registered_at=NOW - DAY)
    found = _figures()
    assert {measure.previous for measure in found.overview} == {None}
    assert [share.previous for share in found.channels] == [None]


def test_a_leaders_appeal_that_was_forwarded_counts_in_both(app: Flask) -> None:
    _Maker(random.Random(1)).forwarded_from_leader()
    found = {measure.code: measure.value for measure in _figures().overview}
    assert [found[code] for code in ("received", "self_handled", "forwarded", "to_leaders")] == [1, 0, 1, 1]


def test_the_figures_cost_a_fixed_number_of_statements(world: None) -> None:
    with statements_in() as seen:
        _figures()
    assert len(seen) == 13, "\n\n".join(seen)


# --- the moment of the figures ------------------------------------------------------------------------------


def _moment(now: datetime = NOW, quarter: Quarter = THIS) -> datetime:
    return quarterly.data_moment(db.session(), quarter, now)


def _said(found: QuarterFigures) -> QuarterFigures:
    """What the figures say, without the moment they are of."""
    return replace(found, as_of=NOW)


@pytest.mark.parametrize("quarter", [THIS, LAST], ids=["this", "last"])
def test_nothing_happened_between_the_moment_of_the_figures_and_now(world: None, quarter: Quarter) -> None:
    for back in (timedelta(), HOUR, 5 * HOUR, 3 * DAY, 17 * DAY, 40 * DAY):
        now = NOW - back
        at = _moment(now, quarter)
        assert at <= now
        assert _said(_figures(quarter, at)) == _said(_figures(quarter, now))
        assert _moment(at, quarter) == at
        assert _moment((at + (now - at) / 2), quarter) == at


def test_the_moment_of_a_quarter_that_is_over_is_never_before_its_end(app: Flask) -> None:
    assert _moment(quarter=LAST) == LAST.moments(ZONE)[1]
    assert _moment(quarter=THIS) == THIS.moments(ZONE)[0]


def test_a_limit_that_runs_out_moves_the_moment(app: Flask) -> None:
    of = reporting.appeal(1, registered_at=NOW - 20 * DAY)
    unit, by = reporting.units("department", 1)[0], db.session.scalars(select(Person.id)).first() or 0
    given = reporting.assign(of, unit, NOW - 10 * DAY, by)
    due = NOW - DAY
    reporting.clock(of, unit_id=unit.id, assignment_id=given.id, started_at=NOW - 10 * DAY, due_at=due)
    assert _moment(due) == NOW - 10 * DAY
    assert _moment(NOW) == due + timedelta(microseconds=1)
    assert {measure.code: measure.value for measure in _figures(as_of=_moment()).overview}["overdue"] == 1


def test_what_happens_later_changes_nothing_in_figures_of_an_earlier_moment(world: None) -> None:
    as_of = NOW - 2 * DAY
    before = _figures(as_of=as_of)
    later = NOW - DAY
    by = db.session.scalars(select(Person.id)).first() or 0
    for clock in db.session.scalars(select(Clock).where(Clock.stopped_at.is_(None))).all():
        clock.stopped_at = later
        db.session.add(Urge(clock_id=clock.id, appeal_id=clock.appeal_id, at=later, by_id=by))
    for given in db.session.scalars(select(Assignment).where(Assignment.answered_at.is_(None))).all():
        given.answered_at = later
        explained = Explanation(appeal_id=given.appeal_id, unit_id=given.unit_id, kind="cannot_finish", text="示例")
        explained.by_id, explained.at = by, later
        db.session.add(explained)
    of = reporting.appeal(3000, registered_at=later)
    reporting.assign(of, reporting.units("department", 1)[0], later, by)
    db.session.commit()
    assert _figures(as_of=as_of) == before
    assert _moment(later) == later
