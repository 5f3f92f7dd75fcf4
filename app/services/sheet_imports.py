"""A workbook or CSV into a sheet that is there: looked at first, then written part by part, taken back in one step.

Rights, rules, uniqueness and versions are those of the form, at the moment of writing (app/services/import_parts.py,
own_imports.py). What is refused is told row by row and handed out as a workbook.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import defer

from app.models import ChangeSet, ChangeSetRow, SheetFile, Task, db
from app.rules import imports_into, sheet_guess
from app.rules.errors import Conflict, NotFound
from app.rules.fields import clean_text
from app.rules.imports_into import Plan
from app.rules.values import NUMBERS, ValueKind
from app.services import (
    assumptions,
    audit,
    change_sets,
    file_contents,
    grid_batches,
    grid_edits,
    import_parts,
    import_refusals,
    own_imports,
    own_sheets,
    tasks,
)
from app.services.actors import Actor
from app.services.grid_columns import Column
from app.services.grids import Grid
from app.services.import_parts import Look, Numbered, Tally
from app.services.own_columns import Parsed
from app.services.transaction import transaction

PART, PART_TOGETHER = 100, 2_000  # rows of one transaction: each by itself, or written together
USUALLY_AT_ONCE = 500
TOP = 100  # rows among which the headings stand
_KEYS = frozenset({ValueKind.TEXT, ValueKind.DATE}) | NUMBERS
# Uploaded → checked (or checking, by a task) → done (or applying, by a task); cancelled, failed.
OPEN = ("uploaded", "checked")


def tally_of(kept: Mapping[str, Any]) -> Tally:
    """What `to_json` wrote; nothing yet for an empty one."""
    return Tally(**kept) if kept else Tally()


# --- handing in -------------------------------------------------------------------------------------------------------


def fillable(grid: Grid) -> list[Column]:
    """The columns that a file may fill in."""
    is_new = grid.can_add and grid.family == "dictionary"
    return [one for one in grid.columns.values() if one.write or (is_new and one.defined is None)]


def keys(grid: Grid) -> list[Column]:
    """The columns by which a row may be known."""
    return [one for one in grid.columns.values() if one.kind in _KEYS and one.kind is not ValueKind.LONG]


def hand_in(grid: Grid, filename: str, content: bytes, *, request_key: str | None = None) -> SheetFile:
    """Keep a file for the sheet, judged by its content. Raises Invalid for what is neither workbook nor CSV.

    The same `request_key` again gives the file that was kept for it. What a token of one post brings is that post's.
    """
    require_open(grid)
    rows = own_sheets.lines(content)
    top = list(islice(rows, TOP))
    header, count = sheet_guess.header_row(top), len(top) + sum(1 for _row in rows)
    titles = [clean_text(str(cell))[:80] for cell in top[header]] if top else []
    only_post = {} if grid.actor.only_post is None else {"only_post": grid.actor.only_post}
    return file_contents.hand_in(
        grid.actor, grid.code, filename, content, request_key=request_key, digest=hashlib.sha256(content).hexdigest(),
        rows=count - header - 1, spec={"header": header, "titles": titles, **only_post},
    )  # fmt: skip


def is_open(grid: Grid) -> bool:
    """Whether the reader may write anything of the sheet."""
    return grid.can_add or (grid.can_edit and any(one.write for one in grid.columns.values()))


def require_open(grid: Grid) -> None:
    """Raises NotFound("sheet.unknown") for who may write nothing of the sheet."""
    if not is_open(grid):
        raise NotFound("sheet.unknown", {"sheet": grid.code})


def access_file(actor: Actor, file_id: int, *, for_update: bool = False) -> SheetFile:
    """A file that one handed in for a sheet. Raises NotFound("sheet-file.unknown")."""
    query = select(SheetFile).where(
        SheetFile.id == file_id, SheetFile.user_id == actor.user_id, SheetFile.way == "import",
        SheetFile.spec.has_key("header"), SheetFile.spec["sheet_id"].is_(None),
    )  # fmt: skip
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("sheet-file.unknown", {"id": file_id})
    return found


def listed(actor: Actor, code: str) -> Sequence[SheetFile]:
    """One's last files for a sheet."""
    query = select(SheetFile).options(defer(SheetFile.content_sealed), defer(SheetFile.data_key))
    query = query.where(SheetFile.user_id == actor.user_id, SheetFile.way == "import", SheetFile.sheet == code)
    query = query.where(SheetFile.spec.has_key("header"), SheetFile.spec["sheet_id"].is_(None))
    return db.session.scalars(query.where(SheetFile.state != "dropped").order_by(SheetFile.id.desc()).limit(20)).all()


def last_plan(row: SheetFile) -> Plan | None:
    """How the same person read the last file for the sheet that named its columns alike."""
    query = select(SheetFile.spec["plan"]).where(
        SheetFile.user_id == row.user_id, SheetFile.way == "import", SheetFile.sheet == row.sheet,
        SheetFile.id != row.id, SheetFile.spec["titles"] == row.spec.get("titles"), SheetFile.spec.has_key("plan"),
    )  # fmt: skip
    kept = db.session.scalar(query.order_by(SheetFile.id.desc()).limit(1))
    return imports_into.plan_of(kept) if kept else None


def twin(row: SheetFile) -> datetime | None:
    """When the very same content was written into the sheet before, by whomever; None: never."""
    query = select(SheetFile.updated_at).where(
        SheetFile.digest == row.digest, SheetFile.way == "import", SheetFile.sheet == row.sheet,
        SheetFile.state == "done", SheetFile.id != row.id,
    )  # fmt: skip
    at: datetime | None = db.session.scalar(query.order_by(SheetFile.id.desc()).limit(1))
    return at


def headings(row: SheetFile) -> tuple[list[sheet_guess.Guess], int]:
    """The columns of the file with samples, and the place of the row that names them."""
    header = int(row.spec["header"])
    rows = list(islice(import_parts.lines(row), header + 1 + sheet_guess.LOOKED_AT))
    return sheet_guess.columns(rows, header), header


# --- looking, doing ---------------------------------------------------------------------------------------------------


def check(grid: Grid, file_id: int, plan: Plan) -> SheetFile:
    """Say what the plan would do, writing nothing; by a task when the file is large.

    Raises FieldErrors for a plan that cannot be carried out, Conflict("sheet-file.used").
    """
    imports_into.check(plan, [one.key for one in fillable(grid)], [one.key for one in keys(grid)])
    with transaction():
        row = _locked(grid.actor, file_id)
        row.spec = {**row.spec, "plan": plan.to_json(), "versions": {}, "twice": []}
        row.outcome = {}
        is_large = _asks_a_task(row, grid, "checking")
    if not is_large:
        run_check(grid, file_id)
    return row


def apply(grid: Grid, file_id: int, *, request_key: str) -> SheetFile:
    """Write what was looked at; by a task when the file is large. Sent again it is done once.

    Raises Conflict("sheet-file.used") for a file that was not looked at, or was applied already.
    """
    with transaction():
        row = access_file(grid.actor, file_id, for_update=True)
        if row.change_set_id is not None and row.spec.get("request") == request_key:
            return row
        if row.state != "checked":
            raise Conflict("sheet-file.used")
        row.change_set_id = change_sets.begin(grid, "import", request_key, file=file_id, at=0).id
        row.spec = {**row.spec, "request": request_key}
        is_large = _asks_a_task(row, grid, "applying")
        found = db.session.get_one(ChangeSet, row.change_set_id)
        found.state, found.task_id = "running", row.task_id
    if not is_large:
        run_apply(grid, file_id)
    return row


def _locked(actor: Actor, file_id: int) -> SheetFile:
    row = access_file(actor, file_id, for_update=True)
    if row.state not in OPEN:
        raise Conflict("sheet-file.used")
    return row


def _asks_a_task(row: SheetFile, grid: Grid, state: str) -> bool:
    """Leave a large file to a worker."""
    row.state, row.task_id = state, None
    at_once = assumptions.whole(assumptions.value("grid_bulk_in_job"), USUALLY_AT_ONCE)
    if row.rows <= at_once:
        return False
    row.task_id = tasks.create(
        "sheet_import", queue="imports", subject_id=row.id, total=row.rows, requested_by=grid.actor.user_id
    ).id
    return True


def run_check(grid: Grid, file_id: int, run: tasks.Run | None = None) -> None:
    """Look through the file, from its beginning however often it is run."""
    row = db.session.get_one(SheetFile, file_id, populate_existing=True)
    if row.state != "checking":
        return
    plan, tally = imports_into.plan_of(row.spec["plan"]), Tally()
    look = import_parts.look(grid, plan, (rows for _at, rows in import_parts.parts(row, _size(grid))))
    with transaction():
        import_refusals.forget([file_id])
    for at, rows, parsed in _parts(grid, row, look):
        _looked(grid, look, rows, parsed, tally)
        if told := tally.told():
            with transaction():
                if run is not None:
                    run.fence()
                import_refusals.keep(file_id, told)
        if run is not None:
            run.progress(at, row.rows)
    with transaction():
        if run is not None:
            run.fence()
        kept = db.session.get_one(SheetFile, file_id, with_for_update=True, populate_existing=True)
        kept.state, kept.outcome = "checked", tally.to_json()
        kept.spec = {**kept.spec, "versions": look.versions, "twice": sorted(look.twice)}


def run_apply(grid: Grid, file_id: int, run: tasks.Run | None = None) -> None:
    """Write the file part by part; a successor goes on behind the last part that was committed."""
    row = db.session.get_one(SheetFile, file_id, populate_existing=True)
    if row.state != "applying" or row.change_set_id is None:
        return
    plan, set_id = imports_into.plan_of(row.spec["plan"]), row.change_set_id
    look = import_parts.look_again(grid, plan, row.spec.get("twice", ()), row.spec["versions"])
    begun = int(db.session.get_one(ChangeSet, set_id).spec["at"])
    for at, rows, parsed in _parts(grid, row, look, begun):
        with grid_edits.refusals(grid), transaction():
            if run is not None:
                run.fence()
            _written(grid, look, rows, parsed, set_id)
            found = db.session.get_one(ChangeSet, set_id, populate_existing=True)
            found.spec = {**found.spec, "at": at}
        if run is not None:
            run.progress(at, row.rows)
    with transaction():
        kept = db.session.get_one(SheetFile, file_id, with_for_update=True, populate_existing=True)
        _ended(kept, "done")
        told = {name: kept.outcome[name] for name in ("added", "changed", "same", "refused")}
        detail = {"file": file_id, "change_set": set_id, **told}
        audit.record(grid.actor, "sheet.import", object_type="sheet", object_id=grid.code, detail=detail)


def _size(grid: Grid) -> int:
    return PART_TOGETHER if grid.family == "own" else PART


def _parts(
    grid: Grid, row: SheetFile, look: Look, begin: int = 0
) -> Iterator[tuple[int, Sequence[Numbered], Parsed | None]]:
    parts = import_parts.parts(row, _size(grid), begin)
    if grid.family != "own":
        return ((at, rows, None) for at, rows in parts)
    look.columns.prepare()
    return import_parts.ahead((at, rows, look.columns.parsed([cells for _n, cells in rows])) for at, rows in parts)


def _looked(grid: Grid, look: Look, rows: Sequence[Numbered], parsed: Parsed | None, tally: Tally) -> None:
    if grid.family == "own":
        own_imports.look(grid, look, rows, tally, parsed=parsed)
        return
    outcomes = import_parts.outcomes(grid, look, rows, grid_batches.tried_both)
    for (number, _cells), one in zip(rows, outcomes, strict=True):
        tally.count(number, one)


def _written(grid: Grid, look: Look, rows: Sequence[Numbered], parsed: Parsed | None, set_id: int) -> None:
    if grid.family == "own":
        own_imports.write(grid, look, rows, set_id=set_id, parsed=parsed)
    else:
        change_sets.append(set_id, import_parts.outcomes(grid, look, rows, grid_batches.written_both))


def give_up(file_id: int) -> None:
    """The task was cancelled: a look is forgotten, what was written stays and can be undone."""
    with transaction():
        row = db.session.get_one(SheetFile, file_id, with_for_update=True, populate_existing=True)
        if row.state == "checking":
            row.state, row.task_id = "uploaded", None
            import_refusals.forget([file_id])
        elif row.state == "applying":
            _ended(row, "cancelled")


def reopen(actor: Actor, file_id: int) -> None:
    """Back to the columns of a file that was looked at; one whose writing broke off is gone on with by a task.

    Raises Conflict("sheet-file.used") while somebody works on it, and when it is done.
    """
    with transaction():
        row = access_file(actor, file_id, for_update=True)
        if row.state not in OPEN and not broke_off(row):
            raise Conflict("sheet-file.used")
        if row.state == "applying":
            row.task_id = tasks.create(
                "sheet_import", queue="imports", subject_id=row.id, total=row.rows, requested_by=actor.user_id
            ).id
        else:
            row.state, row.task_id, row.outcome = "uploaded", None, {}
            import_refusals.forget([row.id])


def broke_off(row: SheetFile) -> bool:
    """Whether a look or a writing ended without an end: its request or its worker is gone."""
    if row.state not in ("checking", "applying"):
        return False
    state = db.session.scalar(select(Task.state).where(Task.id == row.task_id)) if row.task_id else None
    return state not in ("pending", "running")


def drop(actor: Actor, file_id: int) -> None:
    """Forget a file that was not applied. Raises Conflict("sheet-file.used") while it is worked on or afterwards."""
    with transaction():
        row = _locked(actor, file_id)
        file_contents.drop(row)
        import_refusals.forget([row.id])
        row.state = "dropped"


# --- the end of a file ---------------------------------------------------------------------------------------------


def _ended(row: SheetFile, state: str) -> None:
    """Close the change set and tell what became of the rows, as it stands in it."""
    row.state, row.spec = state, {**row.spec, "versions": {}}
    set_id = row.change_set_id
    db.session.execute(
        update(ChangeSet)
        .where(ChangeSet.id == set_id)
        .values(state=state, total=ChangeSet.done + ChangeSet.refused)
        .execution_options(synchronize_session=False)
    )
    of_set = ChangeSetRow.change_set_id == set_id
    is_refused = func.coalesce(func.jsonb_typeof(ChangeSetRow.problem), "null") == "object"
    is_new = ChangeSetRow.what == "create"
    moved = ~is_new & ((ChangeSetRow.new != {}) | (ChangeSetRow.old != {}))
    counts = [func.count().filter(~is_refused, one) for one in (is_new, moved, ~is_new & ~moved)]
    query = select(*counts, func.count().filter(is_refused)).where(of_set)
    found = db.session.execute(query).one()
    tally = Tally(found[0], found[1], found[2], found[3])
    sample = select(ChangeSetRow).where(of_set, moved, ~is_refused).order_by(ChangeSetRow.id).limit(import_parts.SHOWN)
    tally.sample += [{"row": 0, "old": one.old, "new": one.new} for one in db.session.scalars(sample)]
    row.outcome = tally.to_json()
    if set_id is not None:
        import_refusals.keep_of(row.id, set_id)
