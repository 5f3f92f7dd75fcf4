"""A sheet into a file and a file into a sheet, against the bare libraries, with the memory that each takes.

Out: a view of the ledger by app/export_files.py (read as of one moment, written, sealed, kept) beside XlsxWriter
alone, which is given the same cells and has nothing to read. In: a workbook into a sheet made at run time by
app/services/sheet_imports.py (rights, rules of every field, journal, feed, undo) beside reading the workbook with
python-calamine and COPY of its cells: into a bare table, into the table of such rows, and into that, the journal and
the rows of a change set, which is the least that an import must write which can be looked up and taken back.
"""

from __future__ import annotations

import gc
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
import xlsxwriter
from flask_babel import force_locale
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from app import export_files, grids
from app.models import Appeal, OwnRow, Post, SheetFile, db
from app.rules.imports_into import Mode, Plan
from app.rules.query import Query
from app.rules.values import ValueKind
from app.services import file_contents, own_sheets, sheet_exports, sheet_imports
from app.services.actors import Actor
from app.services.grids import Grid
from app.services.own_sheets import Line
from app.services.transaction import transaction
from benchmarks.office import Office

LINES = (
    Line("编号", ValueKind.TEXT, required=True), Line("名称", ValueKind.TEXT), Line("情况", ValueKind.LONG),
    Line("数量", ValueKind.NUMBER), Line("金额", ValueKind.MONEY), Line("日期", ValueKind.DATE),
    Line("类别", ValueKind.CHOICE, ("路灯", "井盖", "绿化", "噪声")), Line("完成", ValueKind.BOOL),
)  # fmt: skip
_BARE = """CREATE TEMPORARY TABLE bench_sheet_bare
    (code text, name text, about text, amount numeric, cost numeric, day date, kind text, done boolean)"""


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of a call, megabytes of memory that it took at its height above where it began."""

    seconds: float
    megabytes: float


@dataclass
class _Clock:
    timed: Timed = Timed(0, 0)


@contextmanager
def _timed() -> Iterator[_Clock]:
    clock = _Clock()
    Path("/proc/self/clear_refs").write_text("5")  # the height is counted anew from here
    memory, start = _memory("VmRSS"), perf_counter()
    yield clock
    clock.timed = Timed(perf_counter() - start, _memory("VmHWM") - memory)


def _memory(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"this system does not tell {name}")


# --- out --------------------------------------------------------------------------------------------------------------


def export(opened: Office, rows: int) -> dict[str, Timed]:
    """The listed columns of the ledger, the newest first."""
    with opened.app.test_request_context(), force_locale("zh"):
        user_id = opened.account("ledger_admin")
        db.session.execute(Post.__table__.update().values(export_cap=rows))  # type: ignore[attr-defined]
        db.session.commit()

        def grid_of() -> Grid:
            return grids.grid("ledger", grids.reader_of(user_id, "bench"))

        grid = grid_of()
        keys = tuple(one.key for one in grid.columns.values() if one.is_listed)
        query = Query(columns=keys, orders=grid.order)
        found: dict[str, Timed] = {}
        wanted = sheet_exports.Wanted(query)
        row = sheet_exports.ask(grid, wanted, reason="示例", request_key="bench-export")
        row.state = "pending"
        db.session.commit()
        with _timed() as clock:
            export_files.make(grid_of, row.id)
        db.session.refresh(row)
        numbered = db.session.scalar(select(func.count()).select_from(Appeal).where(Appeal.number.is_not(None)))
        if (row.state, row.rows) != ("ready", numbered):
            raise SystemExit(f"the export is {row.state} with {row.rows} rows of {numbered}")
        found["ours"] = clock.timed
        content = file_contents.read(row)
        db.session.rollback()
    cells = _cells_of(content, len(keys))
    with _timed() as clock:
        _bare_workbook(cells)
    return {"XlsxWriter": clock.timed, **found}


def _cells_of(content: bytes, width: int) -> list[list[Any]]:
    """What stands in our file below its head: the reference writes exactly that."""
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    rows = sheet.to_python(skip_empty_area=False)
    first = next(number for number, row in enumerate(rows) if all(row[:width]) and number > 1) + 1
    return [row[:width] for row in rows[first:]]


def _bare_workbook(rows: Sequence[Sequence[Any]]) -> None:
    workbook = xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True, "strings_to_formulas": False})
    sheet = workbook.add_worksheet()
    text, moment, day = (workbook.add_format({"num_format": look}) for look in ("@", "yyyy-mm-dd hh:mm", "yyyy-mm-dd"))
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            if isinstance(cell, datetime | date):
                sheet.write_datetime(number, place, cell, moment if isinstance(cell, datetime) else day)
            elif isinstance(cell, int | float):
                sheet.write_number(number, place, cell)
            elif cell:
                sheet.write_string(number, place, cell, text)
            else:
                sheet.write_blank(number, place, None, text)
    workbook.close()


# --- in ---------------------------------------------------------------------------------------------------------------


def workbook(rows: int, *, raised: int = 0) -> bytes:
    """So many fictional lines; `raised` is added to what they cost."""
    stored = io.BytesIO()
    with xlsxwriter.Workbook(stored, {"constant_memory": True}) as book:
        sheet, day = book.add_worksheet("示例"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, [one.label for one in LINES])
        kinds = LINES[6].choices
        for number in range(1, rows + 1):
            cells = (f"SL-{number:07d}", f"示例设施{number}", f"示例情况第{number}件：" + "已安排班组到场检修。" * 3)
            sheet.write_row(number, 0, (*cells, number % 900, round(number % 7_000 + 0.25, 2) + raised))
            sheet.write_datetime(number, 5, datetime(2026, 1, 1) + timedelta(days=number % 300), day)  # noqa: DTZ001
            sheet.write_row(number, 6, (kinds[number % len(kinds)], "是" if number % 3 else "否"))
    return stored.getvalue()


def bring(opened: Office, rows: int) -> dict[str, Timed]:
    """Hand in, look at and write a workbook of new rows, then one that changes a cell of each by its key.

    Everything is done twice, in turn with its references; the better of two counts.
    """
    first, second = workbook(rows), workbook(rows, raised=1)
    rounds: list[dict[str, Timed]] = []
    gc.freeze()  # as a worker begins
    with opened.app.test_request_context(), force_locale("zh"):
        for number in range(2):
            grid = _sheet(opened)
            found = _brought(grid, rows, first, second)
            sheet_id, actor = grid.source.id, grid.actor
            there = db.session.scalar(select(func.count()).select_from(OwnRow).where(OwnRow.sheet_id == sheet_id))
            if there != rows:
                raise SystemExit(f"{there} rows of {rows} are there")
            db.session.rollback()
            into = {"bare table": _into_bare, "own_row": _into_rows(sheet_id), "all": _into_all(sheet_id, actor)}
            if not number:
                into = dict(reversed(into.items()))
            references = {
                f"calamine + COPY, {name}": _copied(opened.owner_url, first, one) for name, one in into.items()
            }
            rounds.append(references | found)
    best = {name: min((one[name] for one in rounds), key=_seconds) for name in rounds[1]}
    for word in ("add", "update by key"):
        steps = [one for name, one in best.items() if name.startswith(word)]
        best[f"{word}: all three"] = Timed(sum(map(_seconds, steps)), max(one.megabytes for one in steps))
    return best


def _brought(grid: Grid, rows: int, first: bytes, second: bytes) -> dict[str, Timed]:
    found: dict[str, Timed] = {}
    for word, content, mode in (("add", first, Mode.ADD), ("update by key", second, Mode.UPDATE)):
        with _timed() as clock:
            file_id = sheet_imports.hand_in(grid, "示例.xlsx", content).id
        found[f"{word}: hand in"] = clock.timed
        with _timed() as clock:
            _looked(grid, file_id, mode)
        found[f"{word}: look"] = clock.timed
        with _timed() as clock:
            told = _applied(grid, file_id, f"bench-{grid.code}-{mode}"[:64])
        if told != rows:
            raise SystemExit(f"{told} rows of {rows} were written")
        found[f"{word}: write"] = clock.timed
    return found


def _seconds(one: Timed) -> float:
    return one.seconds


def _sheet(opened: Office) -> Grid:
    user_id = opened.account("ledger_admin")
    post_id = db.session.scalars(select(Post.id).where(Post.code == "ledger_admin")).one()
    with transaction():
        by = grids.reader_of(user_id, "bench").actor
        code = own_sheets.make_in(by, own_sheets.Plan("示例设施", lines=LINES, writers=(post_id,))).code
    return grids.grid(f"own_{code}", grids.reader_of(user_id, "bench"))


def _looked(grid: Grid, file_id: int, mode: Mode) -> None:
    places = dict(enumerate(grid.columns))
    key = "" if mode is Mode.ADD else next(iter(grid.columns))
    sheet_imports.check(grid, file_id, Plan(places, mode, key))
    if db.session.get_one(SheetFile, file_id, populate_existing=True).state == "checking":
        sheet_imports.run_check(grid, file_id)


def _applied(grid: Grid, file_id: int, request_key: str) -> int:
    sheet_imports.apply(grid, file_id, request_key=request_key)
    if db.session.get_one(SheetFile, file_id, populate_existing=True).state == "applying":
        sheet_imports.run_apply(grid, file_id)
    tally = sheet_imports.tally_of(db.session.get_one(SheetFile, file_id, populate_existing=True).outcome)
    return tally.added + tally.changed


Into = Callable[[psycopg.Cursor[Any], Iterator[list[Any]]], None]


def _copied(owner_url: str, content: bytes, into: Into) -> Timed:
    with psycopg.connect(owner_url) as connection:
        connection.execute(_BARE)
        with _timed() as clock, connection.cursor() as cursor:
            rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).iter_rows()
            next(rows)
            into(cursor, rows)
        connection.rollback()
    return clock.timed


def _into_bare(cursor: psycopg.Cursor[Any], rows: Iterator[list[Any]]) -> None:
    with cursor.copy("COPY bench_sheet_bare FROM STDIN") as copy:
        for row in rows:
            copy.write_row((*row[:7], row[7] == "是"))


def _into_rows(sheet_id: int) -> Into:
    def into(cursor: psycopg.Cursor[Any], rows: Iterator[list[Any]]) -> None:
        with cursor.copy("COPY own_row (sheet_id, extra) FROM STDIN") as copy:
            for row in rows:
                copy.write_row((sheet_id, _document(row)))

    return into


def _into_all(sheet_id: int, by: Actor) -> Into:
    def into(cursor: psycopg.Cursor[Any], rows: Iterator[list[Any]]) -> None:
        documents = [_document(row) for row in rows]
        cursor.execute("SELECT nextval('own_row_id_seq') FROM generate_series(1, %s)", (len(documents),))
        ids, now, post_id = [one for (one,) in cursor], datetime.now(UTC), next(iter(by.grants.post_ids))
        cursor.execute(
            "INSERT INTO change_set (sheet, kind, user_id) VALUES ('示例', 'import', %s) RETURNING id", (by.user_id,)
        )
        (set_id,) = cursor.fetchone() or (0,)
        with cursor.copy("COPY own_row (id, sheet_id, created_by_id, extra) FROM STDIN") as copy:
            for row_id, document in zip(ids, documents, strict=True):
                copy.write_row((row_id, sheet_id, by.person_id, document))
        with cursor.copy(
            "COPY journal (at, action, object_type, object_id, user_id, person_id, post_id, old, new) FROM STDIN"
        ) as copy:
            for row_id, document in zip(ids, documents, strict=True):
                copy.write_row(
                    (now, "create", "own_row", row_id, by.user_id, by.person_id, post_id, "{}", document)
                )
        with cursor.copy("COPY change_set_row (change_set_id, row_id, what, row_version) FROM STDIN") as copy:
            for row_id in ids:
                copy.write_row((set_id, row_id, "create", 1))

    return into


def _document(row: Sequence[Any]) -> str:
    cells = {f"c{n}": str(cell) if isinstance(cell, date) else cell for n, cell in enumerate(row)}
    return json.dumps(cells, ensure_ascii=False)


# --- printing ---------------------------------------------------------------------------------------------------------


def show_export(opened: Office, rows: int) -> None:
    """Print what an export takes."""
    print(f"\nexport of {rows:,} rows of the ledger as a workbook")
    _show(export(opened, rows), ("XlsxWriter",))


def show_import(opened: Office, rows: int) -> None:
    """Print what an import takes."""
    print(f"\nimport of {rows:,} rows of {len(LINES)} columns into a sheet made at run time")
    _show(bring(opened, rows), tuple(f"calamine + COPY, {name}" for name in ("bare table", "own_row", "all")))


def _show(found: dict[str, Timed], references: Sequence[str]) -> None:
    for name, one in found.items():
        ratios = [f"{one.seconds / found[other].seconds:7.2f} × {other.split(', ')[-1]}" for other in references]
        told = "" if name in references else "".join(ratios)
        print(f"  {name:30} {one.seconds * 1000:8,.0f} ms   +{one.megabytes:.0f} MB {told}")
