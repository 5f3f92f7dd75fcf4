"""The calendar by year, entering days and changing limits over HTTP: told first, followed after; a clock in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.clock_card import card, limit_text
from app.models import CalendarDay, CalendarYear, Clock, LimitRule, Recount, db
from app.services import clock_moves, clock_recounts, clocks, present, tasks
from tests.factories import Factory
from tests.services import making
from tests.test_desk import counted

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SPAN = {"first_0": "2026-11-26", "last_0": "2026-11-27", "kind_0": "closure", "name_0": "示例停电"}


@pytest.fixture(autouse=True)
def _now(app: object) -> Iterator[None]:
    with present.at(START + DAY):
        yield


@pytest.fixture
def system(make: Factory) -> FlaskClient:
    return make.signed_in(None, officer="system")


def running(code: str = "ordinary") -> Clock:
    limit = db.session.scalars(select(LimitRule).where(LimitRule.code == code)).one()
    clock = clocks.start(making.appeal(), "unit_limit", limit, started_at=START)
    db.session.commit()
    return clock


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address, base_url="https://localhost")
    assert answer.status_code == 200
    return answer.text


def send(client: FlaskClient, address: str, form: dict[str, str], *, lead: bool = False):  # type: ignore[no-untyped-def]
    return client.post(address, data=form, base_url="https://localhost", follow_redirects=lead)


def work_off() -> None:
    recount = db.session.scalars(select(Recount).order_by(Recount.id.desc())).first()
    assert recount is not None
    run = tasks.claim(recount.task_id or 0)
    assert run is not None
    tasks.finish(run, clock_recounts.apply(run))


# --- the year -----------------------------------------------------------------------------------------------------


def test_everybody_reads_the_year_and_only_the_officer_enters(make: Factory, system: FlaskClient) -> None:
    handler = make.signed_in(make.member(make.a_unit()))
    seen = page(handler, "/calendar/?year=2026")
    assert "国庆节" in seen
    assert "调休上班日" in seen
    assert "录入日期" not in seen
    assert "录入日期" in page(system, "/calendar/")
    assert send(handler, "/calendar/enter/", SPAN).status_code == 403
    assert db.session.scalars(select(CalendarDay)).all() == []


def test_own_and_published_entries_are_told_apart(system: FlaskClient) -> None:
    send(system, "/calendar/enter/", {**SPAN, "first_0": "2026-12-24", "last_0": ""})
    seen = page(system, "/calendar/?year=2026")
    assert re.search(r"2026-12-24.*示例停电.*本地录入", seen, re.DOTALL)
    assert re.search(r'is-closure is-own" title="本地停办 · 示例停电 · 本地录入"', seen)


def test_a_year_without_its_notice_says_so(system: FlaskClient) -> None:
    assert "暂按周一至周五" in page(system, "/calendar/?year=2027")


def test_limits_beyond_the_known_calendar_are_warned_of(make: Factory, system: FlaskClient) -> None:
    assert "今天起算而跨过该日" not in page(system, "/calendar/")
    assert "已知的工作日历在90天内到头" in page(system, "/desk/")
    with present.at(datetime(2026, 12, 28, 2, tzinfo=UTC)):
        later = make.signed_in(None, officer="system")
        assert "今天起算而跨过该日" in page(later, "/calendar/")


@pytest.mark.parametrize("year", ["", "1", "99999", "示例", "1900", "2999"])
def test_any_year_in_the_address_shows_one(system: FlaskClient, year: str) -> None:
    page(system, f"/calendar/?year={year}")


def test_the_year_costs_few_statements(system: FlaskClient) -> None:
    page(system, "/calendar/")
    with counted() as statements:
        page(system, "/calendar/")
    assert len(statements) <= 11, "\n\n".join(statements)


# --- told first ---------------------------------------------------------------------------------------------------


def test_days_are_saved_after_it_was_told_what_they_move(system: FlaskClient) -> None:
    clock = running()
    told = send(system, "/calendar/enter/", SPAN)
    assert told.status_code == 409
    assert "2026-12-02 24:00" in told.text
    assert "2026-12-04 24:00" in told.text
    assert clock.appeal.number in told.text
    assert clock.appeal.subject not in told.text  # the system officer reads no appeals
    assert db.session.scalars(select(CalendarDay)).all() == []
    assert 'name="first_0" value="2026-11-26"' in told.text  # the form goes along
    again = send(system, "/calendar/enter/", {**SPAN, "revise": "1"})
    assert 'value="2026-11-26"' in again.text
    assert db.session.scalars(select(CalendarDay)).all() == []
    led = send(system, "/calendar/enter/", {**SPAN, "consent": "1"})
    assert led.status_code == 302
    assert "/recounts/" in led.location
    work_off()
    db.session.expire_all()
    assert clock.due_at == datetime(2026, 12, 4, 16, tzinfo=UTC)
    assert clock.appeal.number in page(system, led.location)


def test_the_generated_forms_tell_first_too(system: FlaskClient) -> None:
    running()
    row = {"day": "2026-11-26", "kind": "closure", "name": "示例停电", "active": "y"}
    assert send(system, "/dictionary/calendar/add", row).status_code == 409
    led = send(system, "/dictionary/calendar/add", {**row, "consent": "1"})
    assert "/recounts/" in led.location
    work_off()
    entered = db.session.scalars(select(CalendarDay)).one()
    assert send(system, f"/dictionary/calendar/delete/{entered.id}", {}).status_code == 409
    db.session.expire_all()
    assert entered.active
    led = send(system, f"/dictionary/calendar/delete/{entered.id}", {"consent": "1"})
    assert "/recounts/" in led.location


def test_a_limit_is_changed_after_it_was_told(system: FlaskClient) -> None:
    running()
    limit = db.session.scalars(select(LimitRule).where(LimitRule.code == "ordinary")).one()
    shown = page(system, f"/dictionary/limits/edit/{limit.id}")
    version = re.search(r'name="version"[^>]*value="(\d+)"', shown)
    assert version is not None
    form = {
        "name": limit.name,
        "name_en": limit.name_en,
        "clock_kind": "unit_limit",
        "kind": "working_days",
        "amount": "3",
        "until": "midnight",
        "roll": "y",
        "is_default": "y",
        "active": "y",
        "sort": str(limit.sort),
        "version": version[1],
    }
    told = send(system, f"/dictionary/limits/edit/{limit.id}", form)
    assert told.status_code == 409
    assert "2026-11-26 24:00" in told.text
    led = send(system, f"/dictionary/limits/edit/{limit.id}", {**form, "consent": "1"})
    assert "/recounts/" in led.location
    db.session.expire_all()
    assert limit.amount == 3


def test_bulk_changes_tell_once_for_all(system: FlaskClient) -> None:
    running()
    send(system, "/calendar/enter/", {**SPAN, "consent": "1"})
    work_off()
    rows = db.session.scalars(select(CalendarDay)).all()
    form = {"action": "retire", "confirmed": "1", "rowid": [str(row.id) for row in rows]}
    form |= {f"version_{row.id}": str(row.version) for row in rows}
    told = system.post("/dictionary/calendar/action_post", data=form, base_url="https://localhost")
    assert told.status_code == 409
    done = system.post("/dictionary/calendar/action_post", data={**form, "consent": "1"}, base_url="https://localhost")
    assert done.status_code == 200
    assert "/recounts/" in done.text


def test_what_moves_nothing_is_saved_at_once_and_says_so(system: FlaskClient) -> None:
    led = send(system, "/calendar/enter/", {**SPAN, "first_0": "2026-12-24", "last_0": "2026-12-25"}, lead=True)
    assert "没有未办结时限变动" in led.text
    assert len(db.session.scalars(select(CalendarDay)).all()) == 2


def test_the_notice_of_a_year_is_entered_in_one_form(system: FlaskClient) -> None:
    form = {
        "year": "2027",
        "notice": "示例通知",
        "first_0": "2027-01-01",
        "last_0": "2027-01-03",
        "kind_0": "holiday",
        "name_0": "元旦",
        "first_1": "2027-02-20",
        "kind_1": "makeup",
        "name_1": "春节",
    }
    send(system, "/calendar/enter/", form)
    assert db.session.get(CalendarYear, 2027) is not None
    kinds = [row.kind for row in db.session.scalars(select(CalendarDay).order_by(CalendarDay.day))]
    assert kinds == ["holiday", "holiday", "holiday", "makeup"]
    assert "示例通知" in page(system, "/calendar/?year=2027")


def test_a_row_that_makes_no_sense_is_refused_at_its_place(system: FlaskClient) -> None:
    wrong = {"first_0": "示例", "kind_0": "holiday", "first_1": "2026-12-25", "last_1": "2026-12-24", "kind_1": "??"}
    answer = send(system, "/calendar/enter/", wrong)
    assert answer.status_code == 422
    assert 'id="first_0-error"' in answer.text
    assert "2026-12-25" in answer.text
    assert db.session.scalars(select(CalendarDay)).all() == []


def test_a_change_is_taken_back_on_its_page(system: FlaskClient) -> None:
    running()
    led = send(system, "/calendar/enter/", {**SPAN, "consent": "1"})
    assert "撤回调整" in page(system, led.location)
    send(system, f"{led.location}/take-back", {})
    after = page(system, led.location)
    assert "撤回调整" not in after
    assert "已撤回" in after
    assert not any(row.active for row in db.session.scalars(select(CalendarDay)))


# --- a clock in words ---------------------------------------------------------------------------------------------


def test_an_appeal_tells_its_clock_day_by_day(make: Factory) -> None:
    unit = make.a_unit()
    appeal = make.appeal("in_progress", unit=unit)
    clock = next(one for one in appeal.clocks if one.kind == "unit_limit")
    person = making.person()
    start = clock.started_at
    clock_moves.extend(clock, 2, at=start, person_id=person.id, reason="示例：材料待补")
    pause = {"starts_at": start + DAY, "until_on": date(2026, 11, 28), "reason": "示例：等待鉴定"}
    clock_moves.pause(clock, **pause, approved_by_id=person.id, at=start + DAY)  # type: ignore[arg-type]
    db.session.commit()
    seen = page(make.signed_in(make.member(unit)), f"/appeals/{appeal.id}")
    for text in ("7个工作日", "延期2个工作日", "示例：等待鉴定", "示例：材料待补", "恢复计时", person.name):
        assert text in seen, text
    assert "周六 2026-11-28" in seen


def test_a_trace_reads_in_words() -> None:
    clock = Clock(kind="unit_limit", started_at=datetime(2026, 10, 7, 8, tzinfo=UTC), changes=[])
    limit = clocks.rules.Limit(clocks.rules.LimitKind.WORKING_DAYS, 3)
    found = clocks.stored(clocks.Inputs(limit, clock.started_at).deadline(clocks.calendar.current(), present.zone()))
    clock.inputs, clock.due_at = found["inputs"], found["due_at"]
    told = card(clock)
    assert [(row.day, row.text) for row in told.trace] == [
        ("周三 2026-10-07", "16:00起算"),
        ("周四 2026-10-08", "工作日，计第1天"),
        ("周五 2026-10-09", "工作日，计第2天"),
        ("周六 2026-10-10", "调休上班（国庆节），计第3天"),
        ("周六 2026-10-10", "截至当日24:00"),
        ("周六 2026-10-10", "24:00到期"),
    ]


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ({"kind": "wall_hours", "amount": 1}, "1小时（昼夜连续计）"),
        ({"kind": "working_hours", "amount": 8}, "8个工作小时"),
        ({"kind": "cutoff", "at": "11:00:00"}, "每个工作日11:00前"),
        ({"kind": "same_day_end"}, "当天24:00前"),
        ({"kind": "same_day_end", "until": "work"}, "当个工作日下班前"),
        ({"kind": "working_days", "amount": 7}, "7个工作日"),
        ({"kind": "calendar_days", "amount": 15}, "15个自然日"),
        ({"kind": "fixed", "on": "2026-12-01"}, "指定日期：2026-12-01"),
        ({}, ""),
    ],
)
def test_a_limit_is_named_as_people_say_it(limit: dict[str, object], text: str) -> None:
    assert limit_text(limit) == text
