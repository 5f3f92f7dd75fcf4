"""An import of many appeals against reading the workbook with python-calamine and a bare COPY of its cells.

`compare(rows)` returns the seconds of each in one run; run as a module it prints them. Ours reads, checks, seals
each appellant under a key of his own, numbers, and writes an appeal and a journal row per row of the workbook.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psycopg
import xlsxwriter
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from app.models import Appeal, db
from app.services import imports, tasks
from app.services.imports import Choice
from benchmarks import office

HERE = Path(__file__).parent
TITLES = ("编号", "姓名", "联系电话", "标题", "时间", "内容", "答复意见", "答复时间")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds of each part, and the growth of peak memory in megabytes while ours ran first."""

    rows: int
    megabytes: float
    upload: float
    check: float
    apply: float
    again: float
    bare: float
    table: float
    peak_growth_mb: float


def workbook(rows: int) -> bytes:
    """So many fictional appeals with replies."""
    stored = io.BytesIO()
    with xlsxwriter.Workbook(stored, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("示例")
        sheet.write_row(0, 0, TITLES)
        for number in range(1, rows + 1):
            day, hour = 1 + number % 28, number % 24
            body = (
                f"\n\t\t示例来信第{number}件：小区第{number % 97}栋的路灯已经{number % 9 + 2}天不亮，"
                + "夜间出行不便，请尽快处理。" * 3
            )
            reply = f"示例答复第{number}件：已安排{number % 31}号班组到场修复，" + "感谢您的关心和监督。" * 2
            cells = (f"示例网友{number}", f"138{number:08d}", f"示例：第{number}盏路灯不亮")
            moments = f"2019/4/{day} {hour}:32:09", f"2019/5/{day} {hour}:56:53"
            sheet.write_row(number, 0, (number, *cells, moments[0], body, reply, moments[1]))
    return stored.getvalue()


def compare(opened: office.Office, rows: int = 100_000) -> Comparison:
    """Import a workbook, import it again, then do the bare thing."""
    content = workbook(rows)
    before = _peak_mb()
    with opened.app.app_context():
        actor = opened.actor("ledger_admin")
        with _timed() as upload:
            batch_id = imports.upload(actor, "示例.xlsx", content).id
        shown = imports.preview(actor, batch_id)
        imports.choose(actor, batch_id, Choice(shown.sheet, shown.mapping, "示例来源", "C"))
        with _timed() as check:
            imports.check(actor, batch_id)
        apply = _applied(actor, batch_id)
        added = db.session.scalar(select(func.count()).select_from(Appeal).where(Appeal.source == "示例来源"))
        if added != rows:
            raise SystemExit(f"{added} appeals of {rows} came in")
        growth = _peak_mb() - before
        second = imports.upload(actor, "示例 (1).xlsx", content).id
        imports.choose(actor, second, Choice(shown.sheet, shown.mapping, "示例来源", "C"))
        imports.check(actor, second)
        again = _applied(actor, second)
    bare = min(_bare(opened.owner_url, content) for _ in range(2))
    table = min(_table(opened.owner_url, content) for _ in range(2))
    return Comparison(rows, len(content) / 1e6, upload.seconds, check.seconds, apply, again, bare, table, growth)


def _applied(actor: object, batch_id: int) -> float:
    task = imports.apply(actor, batch_id)  # type: ignore[arg-type]
    run = tasks.claim(task.id)
    if run is None:
        raise SystemExit("the task was taken by somebody else")
    with _timed() as apply:
        tasks.finish(run, imports.carry_out(run))
    return apply.seconds


def _bare(owner_url: str, content: bytes) -> float:
    """The cells into a table of their own."""
    with psycopg.connect(owner_url) as connection:
        connection.execute((HERE / "import_bare.sql").read_text("utf-8"))
        with _timed() as bare, connection.cursor() as cursor, cursor.copy("COPY bench_import_bare FROM STDIN") as copy:
            for row in _cells(content):
                copy.write_row(row)
        connection.rollback()
    return bare.seconds


def _table(owner_url: str, content: bytes) -> float:
    """The cells into the table of appeals with its indexes."""
    statement = (HERE / "import_table.sql").read_text("utf-8").rstrip().rstrip(";")
    with psycopg.connect(owner_url) as connection:
        with _timed() as table, connection.cursor() as cursor, cursor.copy(statement) as copy:
            for number, _name, _phone, subject, received, body, reply, answered in _cells(content):
                own = str(number)
                copy.write_row((f"bench-{own}", "history", "C", subject, received, body, reply, answered, "bench", own))
        connection.rollback()
    return table.seconds


def _cells(content: bytes) -> Iterator[list[object]]:
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).iter_rows()
    next(rows)
    yield from rows  # type: ignore[misc]


class _Timer:
    seconds = 0.0


@contextmanager
def _timed() -> Iterator[_Timer]:
    timer, start = _Timer(), perf_counter()
    yield timer
    timer.seconds = perf_counter() - start


def _peak_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def main(rows: int = 100_000) -> None:
    """Measure in an office of its own and print."""
    with office.opened() as opened:
        found = compare(opened, rows)
    print(f"\nimport of {found.rows:,} rows ({found.megabytes:.1f} MB of workbook)")
    print(f"  {'calamine + COPY, bare table':30} {found.bare * 1000:8,.0f} ms")
    print(f"  {'calamine + COPY, appeals':30} {found.table * 1000:8,.0f} ms")
    for name, seconds in (
        ("apply", found.apply),
        ("dry run", found.check),
        ("hand in: measure and seal", found.upload),
        ("all three", found.upload + found.check + found.apply),
        ("apply again: adds none", found.again),
    ):
        ratios = f"{seconds / found.bare:6.2f} × bare {seconds / found.table:6.2f} × appeals"
        print(f"  {name:30} {seconds * 1000:8,.0f} ms   {ratios}")
    print(f"  peak memory +{found.peak_growth_mb:.0f} MB")


if __name__ == "__main__":
    main()
