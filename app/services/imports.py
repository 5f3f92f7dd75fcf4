"""Importing a workbook: hand it in, say what its columns are, look at a dry run, apply it behind the page.

The file is kept sealed until it is applied or discarded, then dropped. A dry run writes nothing but its
findings; applying writes all rows in one transaction or none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import defer, joinedload

from app.models import Appeal, ImportBatch, ImportMapping, ImportProblem, Task, db
from app.rules import columns as layouts
from app.rules.columns import Cell, Column
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, NotFound
from app.rules.fields import clean_text
from app.rules.grants import GrantSet
from app.rules.imports import AppealReader, CategoryPath, Problem, Reading, Severity, read_category
from app.services import access, categories, import_rows, journal, numbers, personal, present, tasks
from app.services.actors import Actor
from app.services.import_rows import Act, Tally
from app.services.transaction import transaction
from app.services.workbooks import Workbook

MAY_IMPORT = ("record", "number")
QUEUE = "imports"
BATCH_SERIES = "import_batch"
SOURCE_LENGTH = 100
CHECKED_AT_ONCE = 20_000  # rows; more are checked by a worker
KEPT_UNAPPLIED = timedelta(days=30)
_CHUNK = 1_000
_PREVIEW_ROWS = 5
_HEADER_SEARCH = 20
_SEALED_AS = "import_content"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Preview:
    """What the page that maps columns shows of one sheet; cells are text with long numbers masked."""

    sheet: str
    header_row: int
    kind: str
    columns: tuple[Column, ...]
    mapping: Mapping[str, str]
    source: str
    channel_class: str
    is_remembered: bool
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Choice:
    """What a person settles about a workbook; `mapping` is target → key of a column, "" for none."""

    sheet: str
    mapping: Mapping[str, str]
    source: str = ""
    channel_class: str = ""
    kind: str = "appeals"


# --- handing in --------------------------------------------------------------------------------------------


def upload(actor: Actor, filename: str, content: bytes) -> ImportBatch:
    """Take a workbook in, judged by its content; its first sheet with rows is suggested.

    Raises Refused("access.not-granted"), Invalid("workbook.…") saying what is wrong with the file.
    """
    _require(actor)
    sheets = [asdict(size) for size in Workbook(content).sheets()]
    filled = [sheet for sheet in sheets if sheet["rows"]]
    if not filled:
        raise Invalid("workbook.no-rows")
    name = clean_text(re.split(r"[\\/]", filename)[-1])[-200:] or "?"
    with transaction():
        _drop_stale()
        key = personal.new_key()
        batch = ImportBatch(
            filename=name,
            sha256=hashlib.sha256(content).hexdigest(),
            data_key=key,
            content_sealed=personal.seal_bytes(key, _SEALED_AS, content),
            sheets=sheets,
            sheet=next((s["name"] for s in filled if not s["hidden"]), filled[0]["name"])[:100],
            created_by_id=actor.person_id,
        )
        db.session.add(batch)
        db.session.flush()
        _journal(actor, "import_upload", batch, {"filename": name, "sha256": batch.sha256})
    return batch


def preview(actor: Actor, batch_id: int, sheet: str | None = None, kind: str | None = None) -> Preview:
    """The header and first rows of a sheet with the mapping chosen, remembered or suggested for it."""
    batch = access_batch(actor, batch_id)
    name = sheet or batch.sheet
    rows = list(_workbook(batch).rows(name, limit=_HEADER_SEARCH + _PREVIEW_ROWS))
    header_row, columns, kind = _header(rows, kind or (batch.kind if batch.mapping else None))
    remembered = db.session.get(ImportMapping, (kind, layouts.header_hash(columns)))
    chosen = batch.mapping if batch.mapping and (batch.sheet, batch.kind) == (name, kind) else None
    said: Mapping[str, Any] = chosen or (remembered.mapping if remembered else None) or {}
    return Preview(
        sheet=name,
        header_row=header_row,
        kind=kind,
        columns=columns,
        mapping=said.get("columns") or layouts.suggest(columns, kind),
        source=batch.source or (remembered.source if remembered else "") or _source_of(batch),
        channel_class=said.get("channel_class") or layouts.suggest_class(columns),
        is_remembered=remembered is not None,
        rows=tuple(
            (number, tuple(_shown(cells, column) for column in columns))
            for number, cells in rows
            if number > header_row
        )[:_PREVIEW_ROWS],
    )


def _header(rows: Sequence[tuple[int, Sequence[Cell]]], kind: str | None) -> tuple[int, tuple[Column, ...], str]:
    """Header row, its columns and the kind of workbook, as told or as it looks."""
    number, columns = layouts.find_header(rows, kind or "appeals")
    return number, columns, kind or layouts.looks_like(columns)


def _shown(cells: Sequence[Cell], column: Column) -> str:
    text = clean_text(layouts.cell_text(cells[column.index])) if column.index < len(cells) else ""
    return layouts.masked(text)[:200]


def _source_of(batch: ImportBatch) -> str:
    """A name for where the file comes from: what the same file was imported as, else the name of the file."""
    before = select(ImportBatch.source).where(
        ImportBatch.sha256 == batch.sha256, ImportBatch.state == "applied", ImportBatch.source != ""
    )
    known = db.session.scalars(before.order_by(ImportBatch.id.desc()).limit(1)).first()
    return known or batch.filename.rpartition(".")[0][:SOURCE_LENGTH] or batch.filename[:SOURCE_LENGTH]


def choose(actor: Actor, batch_id: int, choice: Choice) -> ImportBatch:
    """Settle sheet, mapping, source and channel class, and remember them for files with the same header.

    Raises FieldErrors at the fields, Conflict("import.not-open") once it is being applied.
    """
    source = clean_text(choice.source)
    if choice.kind not in layouts.TARGETS:
        raise FieldErrors([FieldProblem("kind", "field.choice", {"value": choice.kind[:20]})])
    is_tree = choice.kind == "categories"
    with transaction():
        batch = _open_batch(actor, batch_id)
        rows = list(_workbook(batch).rows(choice.sheet, limit=_HEADER_SEARCH))
        header_row, columns, kind = _header(rows, choice.kind)
        problems = [] if is_tree else _source_problems(source, choice.channel_class)
        try:
            layout = layouts.checked_mapping(choice.mapping, columns, kind)
        except FieldErrors as error:
            raise FieldErrors([*error.problems, *problems]) from error
        if problems:
            raise FieldErrors(problems)
        chosen = {
            "columns": {target: column.key for target, column in layout.items()},
            "channel_class": "" if is_tree else choice.channel_class,
        }
        batch.kind, batch.sheet, batch.source = kind, choice.sheet, "" if is_tree else source
        batch.mapping = {**chosen, "header_row": header_row}
        batch.state, batch.summary, batch.task_id = "uploaded", {}, None
        db.session.execute(delete(ImportProblem).where(ImportProblem.batch_id == batch.id))
        remembered = insert(ImportMapping).values(
            kind=kind, header_hash=layouts.header_hash(columns), mapping=chosen, source=batch.source
        )
        db.session.execute(
            remembered.on_conflict_do_update(
                index_elements=[ImportMapping.kind, ImportMapping.header_hash],
                set_={"mapping": chosen, "source": batch.source, "updated_at": func.now()},
            )
        )
    return batch


def _source_problems(source: str, channel_class: str) -> list[FieldProblem]:
    problems = []
    if not source:
        problems.append(FieldProblem("source", "field.required"))
    elif len(source) > SOURCE_LENGTH:
        problems.append(FieldProblem("source", "field.too-long", {"limit": SOURCE_LENGTH, "length": len(source)}))
    if len(channel_class) != 1 or channel_class not in layouts.CHANNEL_CLASSES:
        problems.append(FieldProblem("channel_class", "import.class-needed"))
    return problems


# --- the dry run -------------------------------------------------------------------------------------------


def check(actor: Actor, batch_id: int) -> ImportBatch:
    """The dry run: reads every row and stores what it found, and nothing else.

    Raises Conflict("import.not-chosen") before the columns are settled.
    """
    _require(actor)
    with transaction():
        batch = _open_batch(actor, batch_id)
        _check(batch, lambda done, total: None)
    return batch


def request_check(actor: Actor, batch_id: int) -> ImportBatch:
    """The dry run: at once, or by a worker when the sheet has more than CHECKED_AT_ONCE rows."""
    batch = access_batch(actor, batch_id)
    rows = next((sheet["rows"] for sheet in batch.sheets if sheet["name"] == batch.sheet), 0)
    if rows <= CHECKED_AT_ONCE:
        return check(actor, batch_id)
    with transaction():
        batch = _open_batch(actor, batch_id)
        task = tasks.create("import_check", queue=QUEUE, subject_id=batch.id, total=rows, requested_by=actor.user_id)
        batch.task_id = task.id
    return batch


def run_check(run: tasks.Run) -> str:
    """The dry run in the hands of a worker."""
    with transaction():
        batch = _locked(run.subject_id)
        if batch is None or batch.task_id != run.task_id or not is_open(batch):
            return "import.nothing-to-do"
        _check(batch, run.progress)
        run.fence()
    return "import.checked"


def _check(batch: ImportBatch, progress: Progress) -> None:
    if not batch.mapping:
        raise Conflict("import.not-chosen")
    db.session.execute(delete(ImportProblem).where(ImportProblem.batch_id == batch.id))
    reading = _Reading(batch)
    tally = Tally()
    if batch.kind == "categories":
        paths, problems = reading.tree(progress)
        import_rows.add_problems(batch.id, problems)
        tally.rows, tally.refused = len(paths) + len(problems), len(problems)
        tally.note(problems)
        summary = asdict(tally) | {"nodes": len(categories.missing(paths))}
    else:
        found: dict[str, int] = {}
        new_rows: set[int] = set()
        for chunk in reading.chunks(progress):
            tally.count(chunk)
            import_rows.add_problems(batch.id, chunk.problems)
            new_rows.update(row.row for row in chunk.new)
            for name, count in import_rows.elsewhere(chunk.new, batch.source).items():
                found[name] = found.get(name, 0) + count
        repeats = [problem for _, problem in reading.repeats(new_rows)]
        _count_repeats(tally, batch.id, repeats)
        summary = asdict(tally) | {"elsewhere": found}
    batch.summary = summary | {"checked_at": present.now().isoformat()}
    batch.state = "checked"


def _count_repeats(tally: Tally, batch_id: int, repeats: Sequence[Problem]) -> None:
    flagged = (
        select(ImportProblem.row)
        .where(ImportProblem.batch_id == batch_id, ImportProblem.severity == Severity.DOUBT.value)
        .distinct()
    )
    before = set(db.session.scalars(flagged)) if repeats else set()
    tally.flagged += sum(1 for problem in repeats if problem.row not in before)
    tally.note(repeats)
    import_rows.add_problems(batch_id, repeats)


class _Reading:
    """The chosen sheet of a batch, read row by row under its mapping."""

    def __init__(self, batch: ImportBatch) -> None:
        self._batch = batch
        self._book = _workbook(batch)
        self._header_row = int(batch.mapping["header_row"])
        rows = list(self._book.rows(batch.sheet, limit=_HEADER_SEARCH))
        columns = layouts.columns_of(dict(rows).get(self._header_row, []))
        self._layout = layouts.checked_mapping(batch.mapping["columns"], columns, batch.kind)
        self._total = next((s["rows"] for s in batch.sheets if s["name"] == batch.sheet), 0) - self._header_row
        self._reader: AppealReader | None = None

    def chunks(self, progress: Progress) -> Iterator[import_rows.Sorted]:
        """The rows of appeals, some at a time, against what is here."""
        batch = self._batch
        reader = self._reader = AppealReader(
            self._layout,
            import_rows.known(),
            channel_class=batch.mapping["channel_class"],
            now=present.now(),
            zone=present.zone(),
            is_1904=self._book.is_1904,
        )
        merged = self._book.merged_rows(batch.sheet)
        waiting: list[Reading] = []
        progress(0, self._total)
        for number, cells in self._rows():
            waiting.append(reader.read(number, cells, is_merged=number in merged))
            if len(waiting) == _CHUNK:
                yield import_rows.sort(waiting, source=batch.source, batch_id=batch.id)
                waiting = []
                progress(number - self._header_row, self._total)
        yield import_rows.sort(waiting, source=batch.source, batch_id=batch.id)
        progress(self._total, self._total)

    def repeats(self, new_rows: set[int]) -> list[tuple[str, Problem]]:
        """(own number, doubt) of those new rows whose text an earlier import brought, after all chunks."""
        column = self._layout.get("body")
        where = f"{column.letter} {column.title}"[:100] if column else ""
        texts = self._reader.texts if self._reader is not None else {}
        new = {digest: first for digest, first in texts.items() if first[0] in new_rows}
        return import_rows.repeats_of_stored(new, self._batch.id, where)

    def tree(self, progress: Progress) -> tuple[list[CategoryPath], list[Problem]]:
        """The paths of a category tree and the rows that name none; merged cells count for all their rows."""
        paths: list[CategoryPath] = []
        problems: list[Problem] = []
        progress(0, self._total)
        for number, cells in self._rows(fill_merged=True):
            path, problem = read_category(self._layout, number, cells)
            paths += [path] if path is not None else []
            problems += [problem] if problem is not None else []
        progress(self._total, self._total)
        return paths, problems

    def _rows(self, *, fill_merged: bool = False) -> Iterator[tuple[int, list[Cell]]]:
        rows = self._book.rows(self._batch.sheet, fill_merged=fill_merged)
        return ((number, cells) for number, cells in rows if number > self._header_row)


# --- applying ----------------------------------------------------------------------------------------------


def apply(actor: Actor, batch_id: int) -> Task:
    """Ask for the import to be carried out by a worker; the page that follows it may be closed.

    Raises Conflict("import.not-checked") without a dry run of the present choice.
    """
    with transaction():
        batch = _open_batch(actor, batch_id)
        if batch.state != "checked":
            raise Conflict("import.not-checked")
        post_id, role = _acting(actor)
        task = tasks.create(
            "import_apply",
            queue=QUEUE,
            subject_id=batch.id,
            total=batch.summary.get("rows", 0),
            requested_by=actor.user_id,
        )
        batch.state, batch.task_id = "applying", task.id
        act = Act(batch.id, batch.source, actor.user_id, actor.person_id, post_id, role, actor.process)
        batch.summary = {**batch.summary, "act": asdict(act)}
        _journal(actor, "import_apply", batch, {"source": batch.source, "sheet": batch.sheet})
    return task


def carry_out(run: tasks.Run) -> str:
    """Import the batch in one transaction: all of it, or after a kill, a refusal or a cancel nothing.

    Run again it finds the batch applied and changes nothing.
    """
    with transaction():
        batch = _locked(run.subject_id)
        if batch is None or batch.state != "applying" or batch.task_id != run.task_id:
            return "import.nothing-to-do"
        act = Act(**batch.summary["act"])
        db.session.execute(delete(ImportProblem).where(ImportProblem.batch_id == batch.id))
        import_rows.keep_apart()
        reading = _Reading(batch)
        if batch.kind == "categories":
            summary = _carry_out_tree(batch, act, reading, run.progress)
        else:
            summary = _carry_out_appeals(batch, act, reading, run.progress)
        batch.number = numbers.take(BATCH_SERIES)[0]
        batch.summary = summary | {"applied_at": present.now().isoformat()}
        batch.state, batch.content_sealed, batch.data_key = "applied", None, None
        done = {"number": batch.number, **_figures(summary)}
        journal.write(
            _worker(act),
            "import_done",
            "import_batch",
            batch.id,
            new=done,
            post_id=act.post_id,
            role=act.role,
        )
        run.fence()
    return "import.applied"


def _carry_out_appeals(batch: ImportBatch, act: Act, reading: _Reading, progress: Progress) -> dict[str, Any]:
    tally = Tally()
    second: list[tuple[str, str]] = []
    new_rows: set[int] = set()
    for chunk in reading.chunks(progress):
        import_rows.add(act, chunk.new)
        new_rows.update(row.row for row in chunk.new)
        import_rows.add_problems(batch.id, chunk.problems)
        second += chunk.second
        tally.count(chunk)
    repeats = dict(reading.repeats(new_rows))
    if repeats:
        import_rows.flag(batch.id, list(repeats), "repeats-stored")
        _count_repeats(tally, batch.id, list(repeats.values()))
    import_rows.keep_second_categories(batch.id, second)
    return asdict(tally)


def _carry_out_tree(batch: ImportBatch, act: Act, reading: _Reading, progress: Progress) -> dict[str, Any]:
    paths, problems = reading.tree(progress)
    import_rows.add_problems(batch.id, problems)
    loaded = categories.load(_worker(act), paths, post_id=act.post_id, role=act.role)
    tally = Tally(rows=len(paths) + len(problems), refused=len(problems))
    tally.note(problems)
    return asdict(tally) | {"nodes": loaded.added, "nodes_named": loaded.named, "nodes_here": loaded.here}


def _worker(act: Act) -> Actor:
    """The person who applied the import, as the journal names him, in the hands of a worker."""
    return Actor(act.user_id, act.person_id, GrantSet(), process=act.process or "import")


def _figures(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in summary.items() if isinstance(value, int)}


def discard(actor: Actor, batch_id: int) -> ImportBatch:
    """Drop the file and the findings of a batch that is not to be applied."""
    with transaction():
        batch = _open_batch(actor, batch_id)
        batch.state, batch.task_id = "cancelled", None
        batch.content_sealed = batch.data_key = None
        db.session.execute(delete(ImportProblem).where(ImportProblem.batch_id == batch.id))
        _journal(actor, "import_discard", batch, {})
    return batch


def _drop_stale() -> None:
    """Files that nobody applied do not lie here for ever."""
    db.session.execute(
        update(ImportBatch)
        .where(
            ImportBatch.content_sealed.is_not(None),
            ImportBatch.state.in_(("uploaded", "checked")),
            ImportBatch.updated_at < present.now() - KEPT_UNAPPLIED,
        )
        .values(state="cancelled", content_sealed=None, data_key=None)
        .execution_options(synchronize_session=False)
    )


# --- reading -----------------------------------------------------------------------------------------------


def access_batch(actor: Actor, batch_id: int) -> ImportBatch:
    """The batch, for those who may import. Raises NotFound("import.unknown")."""
    _require(actor)
    query = _batches().where(ImportBatch.id == batch_id)
    found: ImportBatch | None = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("import.unknown", {"id": batch_id})
    return found


def stage(batch: ImportBatch) -> str:
    """Where a batch stands: its state, or what became of the task that works on it.

    uploaded, checking, checked, applying, applied, failed, cancelled.
    """
    if batch.task is None or batch.state not in ("uploaded", "applying"):
        return batch.state
    if batch.task.state in ("pending", "running", "done"):
        working = "checking" if batch.state == "uploaded" else "applying"
        return working if batch.task.state != "done" else batch.state
    return "failed" if batch.task.state == "failed" else "cancelled"


def batches(actor: Actor, *, before_id: int | None = None, limit: int = 30) -> list[ImportBatch]:
    """The batches, newest first, without their files; those before `before_id`."""
    _require(actor)
    query = _batches()
    if before_id is not None:
        query = query.where(ImportBatch.id < before_id)
    return list(db.session.scalars(query.order_by(ImportBatch.id.desc()).limit(limit)))


def problems(
    actor: Actor,
    batch_id: int,
    *,
    severity: str = "",
    code: str = "",
    after_id: int = 0,
    limit: int = 50,
) -> list[ImportProblem]:
    """Findings of a batch in order of the rows; those after `after_id`."""
    _require(actor)
    query = select(ImportProblem).where(ImportProblem.batch_id == batch_id, ImportProblem.id > after_id)
    if severity:
        query = query.where(ImportProblem.severity == severity)
    if code:
        query = query.where(ImportProblem.code == code)
    return list(db.session.scalars(query.order_by(ImportProblem.id).limit(limit)))


def added(actor: Actor, batch_id: int, *, is_flagged: bool = False, after_id: int = 0, limit: int = 50) -> list[Appeal]:
    """The appeals a batch added, as far as this person may see them, in order of the rows."""
    _require(actor)
    query = access.appeals_for(actor).where(Appeal.import_batch_id == batch_id, Appeal.id > after_id)
    if is_flagged:
        query = query.where(func.cardinality(Appeal.flags) > 0)
    return list(db.session.scalars(query.order_by(Appeal.id).limit(limit)))


# --- inside ------------------------------------------------------------------------------------------------


def _batches() -> Select[ImportBatch]:
    """Batches without their files, which may be large."""
    return select(ImportBatch).options(joinedload(ImportBatch.task), defer(ImportBatch.content_sealed))


def is_open(batch: ImportBatch) -> bool:
    """Whether the file is still here, so that the batch can be settled, checked and applied."""
    return batch.data_key is not None


def _require(actor: Actor) -> None:
    """People need a post that records or numbers; the machine room's own command is trusted."""
    if not (actor.process and actor.user_id is None):
        access.require_anywhere(actor, *MAY_IMPORT)


def _acting(actor: Actor) -> tuple[int | None, str | None]:
    for capability in MAY_IMPORT:
        for grant in actor.grants.grants:
            if grant.capability == capability:
                return grant.post_id, grant.role
    return None, None


def _locked(batch_id: int) -> ImportBatch | None:
    query = select(ImportBatch).where(ImportBatch.id == batch_id).options(defer(ImportBatch.content_sealed))
    query = query.with_for_update()
    found: ImportBatch | None = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    return found


def _open_batch(actor: Actor, batch_id: int) -> ImportBatch:
    """The batch, locked, while its choice may still change. Raises Conflict("import.not-open")."""
    _require(actor)
    batch = _locked(batch_id)
    if batch is None:
        raise NotFound("import.unknown", {"id": batch_id})
    standing = stage(batch)
    if standing not in ("uploaded", "checking", "checked", "failed", "cancelled") or batch.content_sealed is None:
        raise Conflict("import.not-open", {"state": standing})
    if batch.state == "applying":
        # Its task failed or was cancelled, and nothing of it was written: the dry run still holds.
        batch.state, batch.task_id = "checked", None
    return batch


def _workbook(batch: ImportBatch) -> Workbook:
    if batch.content_sealed is None or batch.data_key is None:
        raise Conflict("import.not-open", {"state": batch.state})
    # What is sealed was examined when it was handed in.
    return Workbook(personal.reveal_bytes(batch.data_key, _SEALED_AS, batch.content_sealed), is_examined=True)


def _journal(actor: Actor, action: str, batch: ImportBatch, new: Mapping[str, Any]) -> None:
    post_id, role = _acting(actor)
    journal.write(actor, action, "import_batch", batch.id, new=new, post_id=post_id, role=role)
