"""Stored reports: asked for once, the same bytes from the same data, safe to kill, downloaded by who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.models import Appeal, Audit, Journal, Person, Report, Task, db
from app.reports import xlsx
from app.rules.errors import Conflict, Invalid, NotFound, Refused
from app.rules.quarters import Quarter
from app.services import present, reports, tasks
from app.services.actors import Actor
from jobs.reports import compile_quarterly
from tests.factories import Factory
from tests.reports.opened import Opened
from tests.services import reporting
from tests.services.reporting import DAY, HOUR, NOW
from tests.test_desk import counted as statements_in


@pytest.fixture
def editor(make: Factory) -> Actor:
    return make.actor(make.holder("editor"))


@pytest.fixture
def quarter(app: Flask) -> None:
    """A few appeals of the running quarter, some overdue."""
    reporting.office(seed=3, appeals=25)
    places = [*reporting.units("department", 1), *reporting.units("local_government", 1)]
    for number, of in enumerate(db.session.scalars(select(Appeal).order_by(Appeal.id).limit(12)).all()):
        of.registered_at = NOW - number * DAY - HOUR
        at = of.registered_at + HOUR
        unit = places[number % 2]
        given = reporting.assign(of, unit, at, a_person())
        reporting.clock(of, unit_id=unit.id, assignment_id=given.id, started_at=at, due_at=at + 5 * DAY)
    db.session.commit()


def a_person() -> int:
    """Somebody of the seed."""
    return db.session.scalars(select(Person.id).order_by(Person.id)).first() or 0


def asked(actor: Actor, **changes: Any) -> Report:
    wanted = {"year": 2026, "quarter": 4, "locale": "zh"} | changes
    return reports.request(actor, **wanted)


# Limits run out on the hour; the worker comes a few minutes later.
SOON = NOW + timedelta(minutes=10)


def ran(report: Report, at: datetime = SOON) -> Report:
    """The report after a worker ran its task at a moment."""
    with present.at(at):
        run = tasks.claim(report.task_id or 0)
        assert run is not None
        tasks.finish(run, compile_quarterly(run) or "")
    return fresh(report.id)


def fresh(report_id: int) -> Report:
    query = select(Report).where(Report.id == report_id).execution_options(populate_existing=True)
    found: Report = db.session.scalars(query).one()
    return found


# --- asking -------------------------------------------------------------------------------------------------


def test_asking_makes_a_report_a_task_and_a_journal_row(make: Factory, editor: Actor) -> None:
    report = asked(editor)
    assert (report.state, reports.state_of(report)) == ("pending", "pending")
    task = db.session.get_one(Task, report.task_id)
    assert (task.kind, task.queue, task.subject_id) == ("quarterly_report", "reports", report.id)
    (row,) = db.session.scalars(select(Journal).where(Journal.object_type == "report")).all()
    assert (row.object_id, row.post_id, row.action) == (report.id, make.post("editor").id, "compile")


def test_a_double_click_asks_once_and_asking_again_makes_another(make: Factory, editor: Actor) -> None:
    first = asked(editor, request_key="form-1")
    assert asked(editor, request_key="form-1").id == first.id
    assert asked(editor, request_key="form-2").id != first.id
    assert make.count(Report) == make.count(Task) == 2


@pytest.mark.parametrize("code", ["supervisor", "registrar", "ledger_admin", "collector_c"])
def test_only_the_editor_may_ask(make: Factory, code: str) -> None:
    with pytest.raises(Refused):
        asked(make.actor(make.holder(code)))
    assert make.count(Report) == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quarter": 0}, r"quarter\.unknown"),
        ({"quarter": 5}, r"quarter\.unknown"),
        ({"year": 0}, r"quarter\.unknown"),
        ({"locale": "fr"}, r"report\.locale-unknown"),
        ({"year": 2027, "quarter": 1}, r"report\.quarter-not-begun"),
    ],
    ids=str,
)
def test_what_cannot_be_compiled_is_refused(editor: Actor, changes: dict[str, Any], code: str) -> None:
    with present.at(NOW), pytest.raises(Invalid, match=code):
        asked(editor, **changes)


def test_quarters_reach_back_to_the_first_appeal(app: Flask) -> None:
    with present.at(NOW):
        assert [(one.year, one.number) for one in reports.quarters()] == [(2026, 4)]
        reporting.appeal(1, registered_at=NOW - 200 * DAY)
        reporting.appeal(2, registered_at=NOW - 2000 * DAY, state="history", source="示例", source_no="1")
        assert [(one.year, one.number) for one in reports.quarters()] == [(2026, 4), (2026, 3), (2026, 2)]


# --- compiling ----------------------------------------------------------------------------------------------


def test_a_worker_compiles_and_stores_the_file(quarter: None, editor: Actor) -> None:
    report = ran(asked(editor))
    assert (report.state, reports.state_of(report)) == ("ready", "ready")
    assert report.content is not None
    assert (report.size, len(report.sha256)) == (len(report.content), 64)
    assert report.data_moment is not None
    assert report.data_moment <= SOON
    assert report.filename.endswith(".xlsx")
    book = Opened(report.content)
    assert len(book.sheets) == 11
    assert sum(name.startswith("xl/charts/") for name in book.parts) == 3
    status = tasks.describe(report.task_id or 0)
    assert (status["state"], status["done"], status["total"]) == ("done", len(reports.STEPS), len(reports.STEPS))


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_same_data_make_the_same_file_byte_for_byte(quarter: None, editor: Actor, locale: str) -> None:
    first = ran(asked(editor, locale=locale))
    # Nothing is recorded and no limit runs out in these minutes; the second is compiled by another clock.
    again = ran(asked(editor, locale=locale), SOON + timedelta(minutes=23, seconds=7))
    assert first.id != again.id
    assert first.content == again.content
    assert reports.show(editor, again.id).same_as == first.id
    assert reports.show(editor, first.id).same_as is None


def test_a_quarter_that_is_over_stays_the_same_whatever_happens_in_the_next(app: Flask, editor: Actor) -> None:
    of = reporting.appeal(1, registered_at=NOW - 100 * DAY)
    unit = reporting.units("department", 1)[0]
    reporting.assign(of, unit, NOW - 100 * DAY, a_person(), answered_at=NOW - 99 * DAY)
    db.session.commit()
    first = ran(asked(editor, quarter=3))
    reporting.appeal(2, registered_at=NOW + DAY)
    reporting.clock(reporting.appeal(3), "collection", started_at=NOW, due_at=NOW + HOUR)
    db.session.commit()
    assert ran(asked(editor, quarter=3), NOW + 3 * DAY).content == first.content


def test_changed_data_make_another_file(quarter: None, editor: Actor) -> None:
    first = ran(asked(editor))
    reporting.appeal(500, registered_at=NOW - HOUR / 2)
    db.session.commit()
    again = ran(asked(editor))
    assert first.content != again.content
    assert reports.show(editor, again.id).same_as is None
    assert fresh(first.id).sha256 == first.sha256


def test_a_limit_that_runs_out_makes_another_file(quarter: None, editor: Actor) -> None:
    first = ran(asked(editor))
    again = ran(asked(editor), NOW + 3 * DAY)
    assert first.content != again.content


def test_another_language_is_another_file(quarter: None, editor: Actor) -> None:
    zh, en = ran(asked(editor)), ran(asked(editor, locale="en"))
    assert zh.content is not None
    assert en.content is not None
    assert "Overview" in Opened(en.content).sheets
    assert zh.sha256 != en.sha256


def test_a_killed_worker_is_followed_by_another(quarter: None, editor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    report = asked(editor)
    with monkeypatch.context() as broken:
        broken.setattr(xlsx, "render", _killed)
        dead = tasks.claim(report.task_id or 0)
        assert dead is not None
        with present.at(NOW), pytest.raises(KeyboardInterrupt):
            compile_quarterly(dead)
    assert fresh(report.id).content is None
    past = func.clock_timestamp() - timedelta(seconds=1)
    db.session.execute(update(Task).where(Task.id == report.task_id).values(lease_until=past))
    db.session.commit()
    done = ran(report)
    assert done.state == "ready"
    # The first worker comes back from the dead: its file is not wanted any more.
    with present.at(NOW), pytest.raises(tasks.Stopped):
        reports.store(dead, _order(report), b"stale", data_moment=NOW, filename="stale.xlsx")
    assert fresh(report.id).sha256 == done.sha256


def _killed(*_arguments: Any, **_named: Any) -> None:
    raise KeyboardInterrupt


def _order(report: Report) -> reports.Order:
    return reports.Order(report.id, Quarter(report.year, report.quarter), report.locale)


def test_a_worker_killed_after_storing_compiles_nothing_again(
    quarter: None, editor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = asked(editor)
    run = tasks.claim(report.task_id or 0)
    assert run is not None
    with present.at(NOW):
        compile_quarterly(run)  # stored; the worker dies before it can close the task
    stored = fresh(report.id).sha256
    monkeypatch.setattr(xlsx, "render", _killed)
    assert compile_quarterly(run) is None
    assert fresh(report.id).sha256 == stored


def test_a_cancelled_report_stops_at_its_next_step(quarter: None, editor: Actor) -> None:
    report = asked(editor)
    run = tasks.claim(report.task_id or 0)
    assert run is not None
    tasks.cancel(editor, run.task_id)
    with present.at(NOW), pytest.raises(tasks.Stopped, match="cancelled"):
        compile_quarterly(run)
    tasks.stop(run, "cancelled")
    assert reports.state_of(fresh(report.id)) == "cancelled"
    with pytest.raises(Conflict):
        reports.download(editor, report.id)


@pytest.mark.parametrize(
    ("end", "state"), [(None, "compiling"), ("failed", "failed"), ("cancelled", "cancelled"), ("done", "failed")]
)
def test_the_state_is_told_by_the_task_until_the_file_is_here(editor: Actor, end: str | None, state: str) -> None:
    report = asked(editor)
    db.session.execute(update(Task).where(Task.id == report.task_id).values(state=end or "running"))
    db.session.commit()
    assert reports.state_of(fresh(report.id)) == state


def test_every_step_is_announced(quarter: None, editor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(tasks.Run, "progress", _noting(said))
    ran(asked(editor))
    assert said == [f"report.step-{name}" for name in reports.STEPS]


def _noting(said: list[str]) -> Callable[..., None]:
    def progress(self: tasks.Run, done: int, total: int | None = None, message: str = "") -> None:
        said.append(message)

    return progress


# --- reading ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["editor", "supervisor"])
def test_who_may_read_downloads_and_it_is_audited(quarter: None, make: Factory, editor: Actor, code: str) -> None:
    report = ran(asked(editor))
    reader = make.actor(make.holder(code))
    assert reports.download(reader, report.id).content == report.content
    (row,) = db.session.scalars(select(Audit).where(Audit.event == "report.download")).all()
    assert (row.user_id, row.object_id, row.detail) == (reader.user_id, str(report.id), {"sha256": report.sha256})


def test_strangers_find_no_reports(make: Factory, editor: Actor) -> None:
    report = asked(editor)
    for person in (make.person(), make.holder("collector_c"), make.member(make.a_unit())):
        stranger = make.actor(person)
        for ask in (lambda who: reports.listed(who), lambda who: reports.show(who, report.id)):
            with pytest.raises(Refused):
                ask(stranger)
        with pytest.raises(Refused):
            reports.download(stranger, report.id)
    assert make.count(Audit, event="report.download") == 0


def test_a_report_that_is_not_there_is_not_found(editor: Actor) -> None:
    for ask in (reports.show, reports.download):
        with pytest.raises(NotFound):
            ask(editor, 0)


def test_a_report_without_its_file_is_not_downloaded(editor: Actor) -> None:
    with pytest.raises(Conflict, match=r"report\.not-ready"):
        reports.download(editor, asked(editor).id)


def test_the_list_is_paged_by_key_in_one_statement_without_the_files(quarter: None, editor: Actor) -> None:
    ids = [asked(editor).id for _each in range(5)]
    ran(fresh(ids[0]))
    db.session.expire_all()
    with statements_in() as seen:
        first = reports.listed(editor, limit=3)
        assert [shown.report.id for shown in first] == ids[:1:-1]
        assert {shown.state for shown in first} == {"pending"}
    assert len(seen) == 1
    assert "content" not in seen[0]
    second = reports.listed(editor, before_id=first[-1].report.id, limit=3)
    assert [(shown.report.id, shown.state) for shown in second] == [(ids[1], "pending"), (ids[0], "ready")]
