"""The overdue report counts what the rules count and opens every figure to whom it is for; an urge acts once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import report_words, words
from app.models import Appeal, Audit, Clock, Delivery, Journal, Post, Unit, Urge, db
from app.reports.overdue import STATES
from app.rules.errors import Conflict, FieldErrors, Invalid, NotFound, Refused
from app.rules.grants import Grant, GrantSet, Scope
from app.rules.measures import age_bucket
from app.rules.quarters import midnight
from app.services import overdue, overdue_workbook, present
from app.services.actors import Actor
from tests.factories import Factory
from tests.reports.opened import Opened
from tests.services import reporting
from tests.services.reporting import DAY, HOUR, NOW, SUPERVISOR, ZONE, Counted
from tests.test_desk import counted as statements_in

URL = "https://localhost"


@pytest.fixture
def office(app: Flask) -> Iterator[None]:
    reporting.office(seed=7)
    with present.at(NOW):
        yield


def _recount(wanted: overdue.Filter) -> list[Counted]:
    first, last = midnight(wanted.late_from, ZONE), midnight(wanted.late_to + DAY, ZONE)
    return reporting.counted(wanted.as_of, first, last)


def _figures(rows: list[Counted]) -> tuple[Any, ...]:
    by_state = [[one for one in rows if one.state == state] for state in STATES]
    longest = max((one.age for one in by_state[0]), default=None)
    return (*(figure for part in by_state for figure in (len(part), reporting.appeals_of(part))), longest)


def _as_tuple(count: Any) -> tuple[Any, ...]:
    return (
        count.open_clocks,
        count.open_appeals,
        count.late_clocks,
        count.late_appeals,
        count.unlimited_clocks,
        count.unlimited_appeals,
        count.longest,
    )


def _keys(app: Flask) -> dict[str, Callable[[Counted], str]]:
    unit_codes = {row.id: row.code for row in db.session.execute(select(Unit.id, Unit.code))}
    post_codes = {row.id: row.code for row in db.session.execute(select(Post.id, Post.code))}
    return {
        "clock": lambda one: one.row.kind,
        "unit": lambda one: unit_codes.get(one.unit_id or 0, overdue.NONE),
        "post": lambda one: post_codes.get(one.row.post_id or 0, overdue.NONE),
        "age": lambda one: age_bucket(one.age),
    }


@pytest.mark.parametrize("back", [timedelta(), 3 * HOUR, 11 * DAY, 60 * DAY, 200 * DAY], ids=str)
def test_every_figure_is_the_recount_by_the_rules(app: Flask, office: None, back: timedelta) -> None:
    wanted = overdue.usual(NOW - back)
    found, rows = overdue.summary(SUPERVISOR, wanted), _recount(wanted)
    assert _as_tuple(found.total) == _figures(rows)
    for axis, key in _keys(app).items():
        lines = {line.key: _as_tuple(line.count) for line in getattr(found, f"by_{axis}")}
        expected = {name: _figures([one for one in rows if key(one) == name]) for name in map(key, rows)}
        assert lines == expected, axis


def test_the_parts_of_each_table_sum_to_all_clocks(office: None) -> None:
    found = overdue.summary(SUPERVISOR, overdue.usual())
    for lines in (found.by_clock, found.by_unit, found.by_post, found.by_age):
        assert sum(line.count.open_clocks for line in lines) == found.total.open_clocks > 0
        assert sum(line.count.late_clocks for line in lines) == found.total.late_clocks > 0
        assert sum(line.count.unlimited_clocks for line in lines) == found.total.unlimited_clocks > 0


@pytest.mark.parametrize(
    "narrowed",
    [
        {"clock": "collection"},
        {"channel_class": "C"},
        {"group": "department"},
        {"group": "section", "clock": "delivery"},
        {"late_from": date(2026, 7, 1), "late_to": date(2026, 9, 30)},
        {"late_from": date(2000, 1, 1)},
    ],
    ids=str,
)
def test_filters_narrow_what_is_counted(office: None, narrowed: dict[str, Any]) -> None:
    wanted = replace(overdue.usual(), **narrowed)
    rows = _recount(wanted)
    groups = {unit.id: unit.group.code for unit in db.session.scalars(select(Unit))}
    classes = {row.id: row.channel_class for row in db.session.execute(select(Appeal.id, Appeal.channel_class))}
    kept = [
        one
        for one in rows
        if wanted.clock in (None, one.row.kind)
        and wanted.group in (None, groups.get(one.unit_id or 0))
        and wanted.channel_class in (None, classes[one.row.appeal_id])
    ]
    assert len(kept) > 0
    assert _as_tuple(overdue.summary(SUPERVISOR, wanted).total) == _figures(kept)


def test_every_figure_opens_its_rows(app: Flask, office: None) -> None:
    wanted = overdue.usual()
    found = overdue.summary(SUPERVISOR, wanted)
    lines = [line for axis in ("clock", "unit", "post", "age") for line in getattr(found, f"by_{axis}")]
    for line in [*lines, overdue.Line("", "", "", "", found.total)]:
        for number, state in enumerate(STATES):
            clocks, appeals = _as_tuple(line.count)[2 * number : 2 * number + 2]
            narrowed = replace(wanted, state=state, **({line.axis: line.key} if line.axis else {}))
            page = overdue.page(SUPERVISOR, narrowed, limit=1000)
            assert (page.clocks, page.appeals) == (clocks, appeals) == (len(page.entries), page.appeals)
            assert len({entry.appeal_id for entry in page.entries}) == appeals
            assert all(entry.state == state for entry in page.entries)


def test_pages_follow_each_other_without_gap_or_repeat(office: None) -> None:
    wanted = replace(overdue.usual(), state="open_overdue")
    whole = overdue.page(SUPERVISOR, wanted, limit=1000).entries
    paged = list(reporting.pages(lambda after: overdue.page(SUPERVISOR, wanted, after=after, limit=7)))
    assert [entry.clock_id for entry in paged] == [entry.clock_id for entry in whole]
    dues = [entry.due_at for entry in paged]
    assert dues == sorted(dues)
    assert len(paged) > 14


def test_clocks_due_at_the_same_moment_are_paged_by_their_id(app: Flask) -> None:
    ids = [reporting.clock(reporting.appeal(n), due_at=NOW - DAY).id for n in range(5)]
    wanted = replace(overdue.usual(NOW), state="open_overdue")
    paged = reporting.pages(lambda after: overdue.page(SUPERVISOR, wanted, after=after, limit=2))
    assert [entry.clock_id for entry in paged] == ids


@pytest.mark.parametrize("key", ["", "x~1", "2026-11-23~x", "2026-11-23T10:00:00~1"])
def test_a_page_key_that_is_none_is_refused(app: Flask, key: str) -> None:
    with pytest.raises(Invalid, match=r"page\.key-unreadable"):
        overdue.page(SUPERVISOR, overdue.usual(), after=key)


def test_the_moment_decides_what_has_happened_yet(app: Flask) -> None:
    reporting.clock(reporting.appeal(1), started_at=NOW - 5 * DAY, due_at=NOW - 3 * DAY, stopped_at=NOW - DAY)

    def states(at: datetime) -> tuple[int, int]:
        total = overdue.summary(SUPERVISOR, overdue.usual(at)).total
        return total.open_clocks, total.late_clocks

    assert states(NOW - 6 * DAY) == (0, 0)  # not begun
    assert states(NOW - 3 * DAY) == (0, 0)  # the due moment itself is in time
    assert states(NOW - 3 * DAY + timedelta(seconds=1)) == (1, 0)
    assert states(NOW - DAY - timedelta(seconds=1)) == (1, 0)
    assert states(NOW - DAY) == (0, 1)
    assert states(NOW) == (0, 1)


def test_a_cut_off_is_missed_at_its_very_instant(app: Flask) -> None:
    columns = {"started_at": NOW - 2 * DAY, "due_at": NOW - HOUR, "late_when": "at_or_after"}
    reporting.clock(reporting.appeal(1), "collection", **columns)
    reporting.clock(reporting.appeal(2), "collection", **columns, stopped_at=NOW - HOUR)
    total = overdue.summary(SUPERVISOR, overdue.usual(NOW - HOUR)).total
    assert (total.open_clocks, total.late_clocks) == (1, 1)


def test_a_limit_that_ends_at_midnight_belongs_to_the_day_it_ends(app: Flask) -> None:
    midnight_after_september = datetime(2026, 9, 30, 16, tzinfo=UTC)
    columns = {"started_at": NOW - 90 * DAY, "due_at": midnight_after_september, "stopped_at": NOW - 40 * DAY}
    reporting.clock(reporting.appeal(1), "delivery", **columns)
    third = replace(overdue.usual(NOW), late_from=date(2026, 7, 1), late_to=date(2026, 9, 30))
    assert overdue.summary(SUPERVISOR, third).total.late_clocks == 1
    assert overdue.summary(SUPERVISOR, overdue.usual(NOW)).total.late_clocks == 0


def test_an_empty_office_shows_zeros(app: Flask) -> None:
    found = overdue.summary(SUPERVISOR, overdue.usual(NOW))
    assert _as_tuple(found.total) == (0, 0, 0, 0, 0, 0, None)
    assert found.by_unit == ()


# --- who sees what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("capability", ["answer", "collect", "record", "carry", "number", "deliver", "lead"])
def test_other_capabilities_do_not_open_the_report(office: None, capability: str) -> None:
    actor = Actor(None, None, GrantSet((Grant(capability, Scope.ALL),)))
    for ask in (overdue.summary, overdue.page):
        with pytest.raises(Refused, match=r"access\.not-granted"):
            ask(actor, overdue.usual())


def test_a_scoped_post_counts_its_own_class_only(office: None) -> None:
    actor = Actor(None, None, GrantSet((Grant("supervise", Scope.OWN_CLASS, "C"), Grant("number", Scope.ALL))))
    wanted = overdue.usual()
    own = overdue.summary(SUPERVISOR, replace(wanted, channel_class="C"))
    assert overdue.summary(actor, wanted) == own
    assert own.total != overdue.summary(SUPERVISOR, wanted).total
    assert overdue.page(actor, replace(wanted, state="open_overdue")).clocks == own.total.open_clocks


def test_the_report_costs_one_statement_and_a_page_of_rows_two(office: None) -> None:
    wanted = overdue.usual()
    with statements_in() as seen:
        overdue.summary(SUPERVISOR, wanted)
    assert len(seen) == 1
    with statements_in() as seen:
        overdue.page(SUPERVISOR, replace(wanted, state="open_overdue"))
    assert len(seen) == 2


def test_open_and_late_clocks_are_found_by_their_partial_indexes(office: None) -> None:
    """With sequential scans dear the planner must be able to take the indexes of the open and of the late clocks."""
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    compiled = overdue._grouped(overdue._clocks(SUPERVISOR, overdue.usual())).compile(db.session.get_bind())
    rows = db.session.connection().exec_driver_sql(f"EXPLAIN {compiled}", compiled.params)
    plan = "\n".join(row[0] for row in rows)
    assert "ix_clock_late" in plan
    assert "ix_clock_open" in plan


# --- the workbook -------------------------------------------------------------------------------------------


@contextmanager
def _dress(app: Flask) -> Iterator[overdue_workbook.Dress]:
    with app.test_request_context(base_url=URL):
        yield overdue_workbook.Dress(
            t=str,
            named=words.named,
            line=report_words.line,
            link=lambda appeal_id: f"/appeals/{appeal_id}",
            scope="示例范围",
            exported="示例督办人",
            calendar="示例日历",
        )


def test_the_workbook_says_what_the_page_says(app: Flask, office: None) -> None:
    wanted, out = overdue.usual(), BytesIO()
    total = overdue.summary(SUPERVISOR, wanted).total
    with _dress(app) as dress:
        rows = overdue_workbook.export(SUPERVISOR, wanted, dress, reason="示例用途", out=out)
    book = Opened(out.getvalue())
    assert rows == total.open_clocks + total.late_clocks + total.unlimited_clocks
    figures = [str(figure) for figure in _as_tuple(total)[:6]]
    totals = [book.row(book.sheets[0], number)[1:7] for number in range(4, 14)]
    assert figures in totals
    sheets = dict(zip(STATES, book.sheets[4:7], strict=True))
    for state, sheet in sheets.items():
        page = overdue.page(SUPERVISOR, replace(wanted, state=state), limit=1000)
        numbers = [cell for cell in book.column(sheet, "B") if cell.startswith("示例-")]
        assert numbers == [entry.number for entry in page.entries]


def test_an_export_is_audited_with_its_reason(app: Flask, office: None, make: Factory) -> None:
    actor = make.actor(make.holder("editor"))
    with _dress(app) as dress:
        rows = overdue_workbook.export(actor, overdue.usual(), dress, reason=" 示例用途 ", out=BytesIO())
    (row,) = db.session.scalars(select(Audit).where(Audit.event == "overdue.export")).all()
    assert (row.user_id, row.detail["rows"], row.detail["reason"]) == (actor.user_id, rows, "示例用途")


@pytest.mark.parametrize(
    ("capability", "reason", "code"),
    [
        ("supervise", " \n", "export.reason-missing"),
        ("triage", "示例用途", "access.not-granted"),
        ("collect", "示例用途", "access.not-granted"),
    ],
)
def test_an_export_wants_the_right_and_a_reason(
    app: Flask, office: None, capability: str, reason: str, code: str
) -> None:
    actor, out = Actor(None, None, GrantSet((Grant(capability, Scope.ALL),))), BytesIO()
    with _dress(app) as dress, pytest.raises((Invalid, Refused), match=code):
        overdue_workbook.export(actor, overdue.usual(), dress, reason=reason, out=out)
    assert out.getvalue() == b""


def test_an_export_above_the_cap_is_refused(app: Flask, office: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "EXPORT_MAX_ROWS", 3)
    with _dress(app) as dress, pytest.raises(Invalid, match=r"export\.too-many-rows"):
        overdue_workbook.export(SUPERVISOR, overdue.usual(), dress, reason="示例用途", out=BytesIO())


# --- the telephone urge -------------------------------------------------------------------------------------


@pytest.fixture
def running(make: Factory) -> Clock:
    """The limit of an appeal that a unit works on."""
    found = make.appeal("in_progress")
    return next(clock for clock in found.clocks if clock.kind == "unit_limit")


def _told(clock: Clock) -> list[int | None]:
    query = select(Delivery.recipient_id).where(Delivery.kind == "urge.phone", Delivery.clock_id == clock.id)
    return list(db.session.scalars(query))


def test_an_urge_is_a_row_a_journal_row_and_a_notice(make: Factory, running: Clock) -> None:
    person = make.holder("supervisor")
    urged = overdue.urge(
        make.actor(person), running.id, spoke_with=" 示例承办人 ", remark="示例：尽快", request_key="k1"
    )
    assert (urged.by_id, urged.spoke_with, urged.remark, urged.how) == (person.id, "示例承办人", "示例：尽快", "phone")
    rows = db.session.scalars(select(Journal).where(Journal.appeal_id == running.appeal_id, Journal.action == "urge"))
    (row,) = rows.all()
    assert (row.object_id, row.post_id, row.role) == (urged.id, make.post("supervisor").id, "A")
    assert running.unit is not None
    assert _told(running) == [make.member(running.unit).id]


def test_a_post_s_clock_tells_who_acts_for_the_post(make: Factory) -> None:
    found = make.appeal("draft", channel_class="C")
    (clock,) = found.clocks
    overdue.urge(make.actor(make.holder("supervisor")), clock.id)
    assert _told(clock) == [make.holder("collector_c").id]


@pytest.mark.parametrize("key", ["form-1", None])
def test_a_double_click_urges_once(make: Factory, running: Clock, key: str | None) -> None:
    actor = make.actor(make.holder("supervisor"))
    first = overdue.urge(actor, running.id, remark="示例", request_key=key)
    again = overdue.urge(actor, running.id, remark="示例", request_key=key)
    assert first.id == again.id
    assert make.count(Urge, clock_id=running.id) == make.count(Journal, action="urge") == len(_told(running)) == 1


def test_urging_again_later_or_otherwise_counts_again(make: Factory, running: Clock) -> None:
    actor = make.actor(make.holder("supervisor"))
    overdue.urge(actor, running.id)
    overdue.urge(actor, running.id, remark="示例：第二次")
    with present.at(present.now() + timedelta(minutes=2)):
        overdue.urge(actor, running.id)
    assert make.count(Urge, clock_id=running.id) == 3
    entries = overdue.page(SUPERVISOR, replace(overdue.usual(present.now() + 60 * DAY), state="open_overdue")).entries
    assert next(entry.urges for entry in entries if entry.clock_id == running.id) == 3


def test_the_duty_director_may_urge_too(make: Factory, running: Clock) -> None:
    overdue.urge(make.actor(make.holder("duty_director")), running.id)
    assert make.count(Urge, clock_id=running.id) == 1


def test_a_stopped_clock_is_not_urged(make: Factory) -> None:
    found = make.appeal("answered")
    clock = next(clock for clock in found.clocks if clock.kind == "unit_limit")
    with pytest.raises(Conflict, match=r"urge\.clock-stopped"):
        overdue.urge(make.actor(make.holder("supervisor")), clock.id)


def test_strangers_do_not_urge(make: Factory, running: Clock) -> None:
    assert running.unit is not None
    for person, error in (
        (make.person(), NotFound),
        (make.member(make.a_unit(offset=3)), NotFound),
        (make.member(running.unit), Refused),
        (make.holder("liaison"), Refused),
    ):
        with pytest.raises(error):
            overdue.urge(make.actor(person), running.id)
    with pytest.raises(NotFound):
        overdue.urge(make.actor(make.holder("supervisor")), 0)
    assert make.count(Urge) == 0


def test_texts_that_are_too_long_are_named(make: Factory, running: Clock) -> None:
    with pytest.raises(FieldErrors) as refused:
        overdue.urge(make.actor(make.holder("supervisor")), running.id, spoke_with="示" * 65, remark="例" * 501)
    assert sorted(refused.value.by_field()) == ["remark", "spoke_with"]
