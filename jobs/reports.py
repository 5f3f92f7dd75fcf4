"""Compiling a quarterly report: figures from one snapshot, a workbook in the reader's language, stored once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from io import BytesIO

from flask_babel import force_locale, gettext

from app import report_words
from app.reports import quarterly as book_of
from app.reports import xlsx
from app.reports.overdue import OverdueRow
from app.services import present, quarterly, reports, tasks
from app.services.snapshot import snapshot

ROWS_PER_SIGN_OF_LIFE = 500


def compile_quarterly(run: tasks.Run) -> str | None:
    """Compile and store the report that the task is about; a killed run is repeated from the start."""
    asked = reports.order(run.subject_id)
    if asked is None:
        return None
    step = _steps(run)
    with force_locale(asked.locale), snapshot() as session:
        step("moment")
        as_of = quarterly.data_moment(session, asked.quarter, present.now())
        reader = report_words.reader(asked.quarter, asked.locale)
        figures = quarterly.figures(session, asked.quarter, as_of, reader, step)
        step("workbook")
        figures = replace(figures, overdue=_watched(run, figures.overdue))
        out = BytesIO()
        # The moment of the data, not of the work: the same data make the same file, byte for byte.
        zone = present.zone()
        xlsx.render(book_of.book(figures, zone=zone, t=gettext), created_at=as_of, zone=zone, out=out)
        filename = report_words.filename(asked.quarter)
    step("storing")
    reports.store(run, asked, out.getvalue(), data_moment=as_of, filename=filename)
    return None


def _steps(run: tasks.Run) -> Callable[[str], None]:
    def step(name: str) -> None:
        run.progress(reports.STEPS.index(name), len(reports.STEPS), f"report.step-{name}")

    return step


def _watched(run: tasks.Run, rows: Iterable[OverdueRow]) -> Iterator[OverdueRow]:
    """The rows, with a sign of life now and then: a long list renews the lease and can be cancelled."""
    for number, row in enumerate(rows, 1):
        if number % ROWS_PER_SIGN_OF_LIFE == 0:
            run.progress(reports.STEPS.index("workbook"))
        yield row
