"""Stored reports: asked for, compiled by a worker, listed, downloaded; a file never changes once it is here.

How far a report is, its task tells; the report's own state only ever goes from pending to ready.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, undefer

from app.models import Appeal, Report, db
from app.rules.errors import Conflict, Invalid, NotFound
from app.rules.quarters import Quarter
from app.services import access, audit, journal, present, tasks
from app.services.actors import Actor
from app.services.transaction import transaction

QUARTERLY = "quarterly"
READERS = ("report", "supervise")
LOCALES = ("zh", "en")
ROWS = 30
STEPS = ("moment", "overview", "units", "sections", "shares", "workbook", "storing")
_FROM_TASK = {"running": "compiling", "failed": "failed", "cancelled": "cancelled", "done": "failed"}


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to compile."""

    report_id: int
    quarter: Quarter
    locale: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A report with its state as it is now, and the first earlier report that is the same file, if any."""

    report: Report
    state: str
    same_as: int | None = None


# --- asking -------------------------------------------------------------------------------------------------


def request(actor: Actor, year: int, quarter: int, locale: str, *, request_key: str | None = None) -> Report:
    """Ask for the report of a quarter that has begun; a worker compiles it. The same `request_key` asks once.

    Compiling a quarter again makes another report and replaces none. Raises Refused without the capability
    `report`, Invalid for an unknown quarter or language or a quarter still to come.
    """
    access.require_anywhere(actor, "report")
    wanted = Quarter(year, quarter)
    if locale not in LOCALES:
        raise Invalid("report.locale-unknown", {"locale": locale}, field="locale")
    if wanted.first_day > present.today():
        raise Invalid("report.quarter-not-begun", {"on": wanted.first_day.isoformat()}, field="quarter")
    with transaction():
        known = _asked_before(actor, request_key)
        if known is not None:
            return known
        report = Report(kind=QUARTERLY, year=year, quarter=quarter, locale=locale, requested_by_id=actor.person_id)
        db.session.add(report)
        db.session.flush()
        task = tasks.create(
            "quarterly_report",
            queue="reports",
            subject_id=report.id,
            total=len(STEPS),
            requested_by=actor.user_id,
        )
        report.task_id = task.id
        post_id = next(iter(actor.grants.posts_for("report")), None)
        new = {"year": year, "quarter": quarter, "locale": locale}
        journal.write(actor, "compile", "report", report.id, new=new, post_id=post_id, request_key=request_key)
        return report


def _asked_before(actor: Actor, request_key: str | None) -> Report | None:
    done = journal.made(actor, "report", request_key)
    return db.session.get(Report, done) if done is not None else None


# --- reading ------------------------------------------------------------------------------------------------


def listed(actor: Actor, *, before_id: int | None = None, limit: int = ROWS) -> list[Shown]:
    """Reports, latest first, in one statement. Raises Refused for who may not read them."""
    access.require_anywhere(actor, *READERS)
    query = _query().order_by(Report.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(Report.id < before_id)
    return [Shown(report, state_of(report)) for report in db.session.scalars(query)]


def quarters() -> list[Quarter]:
    """The quarters a report can be asked for, latest first: from the first appeal ever registered until now."""
    latest = Quarter.of(present.today())
    began = db.session.scalar(select(func.min(Appeal.registered_at)).where(Appeal.state != "history"))
    earliest = Quarter.of(began.astimezone(present.zone()).date()) if began is not None else latest
    found = [latest]
    while found[-1] > earliest:
        found.append(found[-1].previous)
    return found


def show(actor: Actor, report_id: int) -> Shown:
    """One report. Raises Refused, NotFound("report.unknown")."""
    access.require_anywhere(actor, *READERS)
    report = _known(report_id)
    same: int | None = None
    if report.sha256:
        twins = select(Report.id).where(
            Report.kind == report.kind, Report.sha256 == report.sha256, Report.id < report.id
        )
        same = db.session.scalar(twins.order_by(Report.id).limit(1))
    return Shown(report, state_of(report), same)


def state_of(report: Report) -> str:
    """pending, compiling, ready, failed or cancelled: ready once the file is here, before that as its task says."""
    if report.state == "ready" or report.task is None:
        return report.state
    return _FROM_TASK.get(report.task.state, "pending")


def download(actor: Actor, report_id: int) -> Report:
    """A ready report with its content, audited. Raises Refused, NotFound, Conflict("report.not-ready")."""
    access.require_anywhere(actor, *READERS)
    with transaction():
        report = _known(report_id, undefer(Report.content))
        if report.state != "ready" or report.content is None:
            raise Conflict("report.not-ready")
        detail = {"sha256": report.sha256}
        audit.record(actor, "report.download", object_type="report", object_id=report.id, detail=detail)
    return report


def _query(*options: Any) -> Any:
    return (
        select(Report)
        .where(Report.kind == QUARTERLY)
        .options(joinedload(Report.task), joinedload(Report.requested_by), *options)
    )


def _known(report_id: int, *options: Any) -> Report:
    found: Report | None = db.session.scalars(_query(*options).where(Report.id == report_id)).one_or_none()
    if found is None:
        raise NotFound("report.unknown", {"id": report_id})
    return found


# --- the worker's side --------------------------------------------------------------------------------------


def order(report_id: int) -> Order | None:
    """What is to be compiled; None when it is done already: the worker was killed after it had stored the file."""
    report = _known(report_id)
    if report.state == "ready":
        return None
    return Order(report.id, Quarter(report.year, report.quarter), report.locale)


def store(run: tasks.Run, asked: Order, content: bytes, *, data_moment: datetime, filename: str) -> None:
    """Keep the compiled file, unless another worker took the task over (raises tasks.Stopped)."""
    with transaction():
        run.fence()
        report = db.session.get(Report, asked.report_id, with_for_update=True, populate_existing=True)
        if report is None:
            raise NotFound("report.unknown", {"id": asked.report_id})
        report.state, report.data_moment, report.filename = "ready", data_moment, filename
        report.content, report.size = content, len(content)
        report.sha256 = hashlib.sha256(content).hexdigest()
