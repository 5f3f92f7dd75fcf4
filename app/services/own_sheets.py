"""Sheets made at run time: making, sharing and switching them off; from nothing, or from a table somebody brings.

The rows of a sheet are the business of app/services/own_rows.py; further changes of its fields, of the definitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, insert, select

from app.models import FieldDefinition, OwnRow, OwnSheet, Post, SheetFile, db
from app.rules import sheet_guess
from app.rules.entries import code_from
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, NotFound
from app.rules.fields import clean_text
from app.rules.grants import GrantSet
from app.rules.values import COLOURS, ValueKind
from app.services import access, audit, definitions, field_values, file_contents, journal, present, tasks
from app.services.actors import Actor
from app.services.definitions import OWN
from app.services.pinyin import sort_key, syllables
from app.services.transaction import transaction
from app.services.workbooks import Workbook

# Kinds a new sheet offers at once; what refers to other fields is added afterwards.
OFFERED = (
    ValueKind.TEXT, ValueKind.LONG, ValueKind.NUMBER, ValueKind.MONEY, ValueKind.DATE, ValueKind.MOMENT,
    ValueKind.BOOL, ValueKind.CHOICE, ValueKind.CHOICES, ValueKind.PERSON, ValueKind.UNIT, ValueKind.POST,
)  # fmt: skip
MOST_FIELDS, MOST_REFUSED = 100, 200
PART = 1_000
AT_ONCE = 2_000  # rows of a file that are taken in while somebody waits; more are a task
QUEUE = "imports"


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a new sheet. `place`: the column of the file it is filled from."""

    label: str
    kind: ValueKind
    choices: tuple[str, ...] = ()
    required: bool = False
    place: int = -1


@dataclass(frozen=True)
class Plan:
    """A new sheet: its name, its fields, who reads and who writes it (post ids); the first field is its title."""

    name: str
    name_en: str = ""
    intro: str = ""
    lines: tuple[Line, ...] = ()
    readers: tuple[int, ...] = ()
    writers: tuple[int, ...] = ()
    is_open: bool = False


@dataclass
class Taken:
    """How a file came in: rows written, and the first refused ones with their reasons."""

    rows: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    total_refused: int = 0


def listed() -> Sequence[OwnSheet]:
    """Every own sheet, those out of use last."""
    order = (OwnSheet.active.desc(), OwnSheet.sort, OwnSheet.by_sound)
    return db.session.scalars(select(OwnSheet).order_by(*order)).all()


def find(sheet_id: int, *, for_update: bool = False) -> OwnSheet:
    """The own sheet of that id. Raises NotFound("sheet.unknown")."""
    query = select(OwnSheet).where(OwnSheet.id == sheet_id)
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("sheet.unknown", {"sheet": str(sheet_id)})
    return found


def make(actor: Actor, plan: Plan) -> OwnSheet:
    """Make an empty sheet. Raises Refused("access.not-granted") and FieldErrors."""
    access.require_anywhere(actor, "system")
    with transaction():
        return make_in(actor, plan)


def make_in(actor: Actor, plan: Plan) -> OwnSheet:
    """Make a sheet and its fields inside the open transaction of a caller who answers for access."""
    _check(plan)
    name = clean_text(plan.name)
    code = code_from(syllables(name), lambda one: _is_taken(one), longest=30)
    title = ""
    sheet = OwnSheet(
        code=code,
        name=name,
        name_en=clean_text(plan.name_en),
        name_pinyin=sort_key(name),
        intro=clean_text(plan.intro)[:500],
        reader_post_ids=sorted(set(plan.readers)),
        writer_post_ids=sorted(set(plan.writers)),
        is_open=plan.is_open,
        sort=(db.session.scalar(select(func.coalesce(func.max(OwnSheet.sort), 0))) or 0) + 1,
    )
    db.session.add(sheet)
    db.session.flush()
    used: set[str] = set()
    for sort, line in enumerate(plan.lines):
        own_code = code_from(syllables(line.label), lambda one: one in used, longest=36)
        used.add(own_code)
        title = title or own_code
        db.session.add(_field(sheet, line, own_code, sort))
    sheet.title_field = title
    db.session.flush()
    definitions.moved()
    _trace(actor, "create", sheet, {}, {"name": sheet.name, "fields": [line.label for line in plan.lines]})
    return sheet


def _field(sheet: OwnSheet, line: Line, code: str, sort: int) -> FieldDefinition:
    parameters: dict[str, Any] = {}
    if line.kind in (ValueKind.CHOICE, ValueKind.CHOICES):
        parameters["options"] = [
            {"code": f"c{n + 1}", "label": label, "colour": COLOURS[n % len(COLOURS)]}
            for n, label in enumerate(line.choices)
        ]
    return FieldDefinition(
        table_name=OWN, own_sheet_id=sheet.id, code=code, label=clean_text(line.label), kind=line.kind.value,
        sort=sort, required=line.required, parameters=parameters,
    )  # fmt: skip


def change(
    actor: Actor, sheet_id: int, *, name: str, name_en: str, intro: str, title_field: str, readers: Sequence[int],
    writers: Sequence[int], is_open: bool, version: int,
) -> OwnSheet:  # fmt: skip
    """Name, describe and share a sheet anew. Raises what `make` raises and Conflict("row.stale")."""
    access.require_anywhere(actor, "system")
    with transaction():
        sheet = find(sheet_id, for_update=True)
        if sheet.version != version:
            raise Conflict("row.stale")
        problems = _name_problems(name, name_en) + _post_problems(readers, writers)
        fields = {one.name for one in definitions.current().of(OWN, sheet.id)}
        if title_field and title_field not in fields:
            problems.append(FieldProblem("title_field", "field.choice"))
        if problems:
            raise FieldErrors(problems)
        new = {
            "name": clean_text(name), "name_en": clean_text(name_en), "intro": clean_text(intro)[:500],
            "title_field": title_field, "reader_post_ids": sorted(set(readers)),
            "writer_post_ids": sorted(set(writers)), "is_open": is_open,
        }  # fmt: skip
        old = {key: getattr(sheet, key) for key in new}
        changed = {key: value for key, value in new.items() if value != old[key]}
        for key, value in changed.items():
            setattr(sheet, key, value)
        sheet.name_pinyin = sort_key(sheet.name)
        db.session.flush()
        if changed:
            definitions.moved()
            _trace(actor, "edit", sheet, {key: old[key] for key in changed}, changed)
        return sheet


def switch(actor: Actor, sheet_id: int, *, active: bool) -> OwnSheet:
    """Take a sheet out of use, or into use again; its rows stay. Repeating it changes nothing."""
    access.require_anywhere(actor, "system")
    with transaction():
        sheet = find(sheet_id, for_update=True)
        if sheet.active != active:
            sheet.active = active
            db.session.flush()
            definitions.moved()
            _trace(actor, "edit", sheet, {"active": not active}, {"active": active})
        return sheet


# --- from a file ------------------------------------------------------------------------------------------------


def hand_in(actor: Actor, filename: str, content: bytes) -> SheetFile:
    """Keep a file for a new sheet, judged by its content. Raises Invalid for what is neither workbook nor CSV."""
    access.require_anywhere(actor, "system")
    read(content)
    return file_contents.hand_in(actor, "", filename, content)


def handed_in(actor: Actor, file_id: int) -> SheetFile:
    """A file this person handed in for a new sheet. Raises NotFound("sheet-file.unknown")."""
    is_new = (SheetFile.sheet == "") | SheetFile.spec.has_key("sheet_id")
    query = select(SheetFile).where(
        SheetFile.id == file_id, SheetFile.user_id == actor.user_id, SheetFile.way == "import", is_new
    )
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("sheet-file.unknown", {"id": file_id})
    return found


def proposal(row: SheetFile) -> tuple[list[sheet_guess.Guess], int]:
    """What the columns of the file may become, and how many rows it has."""
    rows = read(file_contents.read(row))
    header = sheet_guess.header_row(rows)
    return sheet_guess.columns(rows, header), len(rows) - header - 1


def read(content: bytes) -> list[list[Any]]:
    """The rows of the first sheet that has some, or of a CSV file. Raises Invalid."""
    return list(lines(content))


def lines(content: bytes, *, is_examined: bool = False) -> Iterator[list[Any]]:
    """`read`, one row after the other. `is_examined`: the content came in by `read`, and was refused nothing."""
    if not file_contents.is_book(content):
        yield from sheet_guess.delimited(content)
        return
    book = Workbook(content, is_examined=is_examined)
    named = next((one.name for one in book.sheets() if one.rows and not one.hidden), None)
    if named is None:
        raise Invalid("sheet-file.empty")
    for _number, cells in book.rows(named):
        yield cells


def make_from(actor: Actor, file_id: int, plan: Plan) -> SheetFile:
    """Make the sheet of a handed-in file with its rows: at once, or by a task when there are many.

    The file's row says how it went (`outcome`), `task_id` whom to follow. Raises what `make` raises, Conflict
    ("sheet-file.used") for a file that was used before.
    """
    access.require_anywhere(actor, "system")
    row = handed_in(actor, file_id)
    rows = read(file_contents.read(row))
    header = sheet_guess.header_row(rows)
    with transaction():
        row = db.session.get(SheetFile, row.id, with_for_update=True, populate_existing=True) or row
        if row.state != "uploaded":
            raise Conflict("sheet-file.used")
        sheet = make_in(actor, plan)
        row.spec = {"sheet_id": sheet.id, "places": [line.place for line in plan.lines], "header": header}
        if len(rows) - header - 1 > AT_ONCE:
            # Until its rows are in, the sheet is nobody's.
            sheet.active = False
            task = tasks.create(
                "own_sheet", queue=QUEUE, subject_id=row.id, total=len(rows), requested_by=actor.user_id
            )
            row.state, row.task_id = "pending", task.id
            db.session.flush()
            definitions.moved()
        else:
            _finish(actor, row, sheet, _fill(actor, sheet, row, rows[header + 1 :], None))
    return row


def fill(run: tasks.Run) -> str:
    """The task of a large file: every row in one transaction, so that a killed run leaves nothing half done."""
    row = db.session.get(SheetFile, run.subject_id)
    if row is None or row.state != "pending":
        return "task.done"
    rows = read(file_contents.read(row))
    with transaction():
        run.fence()
        row = db.session.get(SheetFile, run.subject_id, with_for_update=True, populate_existing=True)
        if row is None or row.state != "pending":
            return "task.done"
        sheet = find(int(row.spec["sheet_id"]), for_update=True)
        by = Actor(row.user_id, row.person_id, GrantSet(), process="own_sheet")
        taken = _fill(by, sheet, row, rows[int(row.spec["header"]) + 1 :], run)
        sheet.active = True
        _finish(by, row, sheet, taken)
        definitions.moved()
    return "own-sheet.filled"


def _fill(
    actor: Actor, sheet: OwnSheet, row: SheetFile, rows: Sequence[Sequence[Any]], run: tasks.Run | None
) -> Taken:
    fields = [
        definitions.defined(one)
        for one in db.session.scalars(
            select(FieldDefinition).where(FieldDefinition.own_sheet_id == sheet.id).order_by(FieldDefinition.sort)
        )
    ]
    places: list[int] = row.spec["places"]
    taken, now = Taken(), present.now()
    for start in range(0, len(rows), PART):
        part = [one for one in enumerate(rows[start : start + PART], start) if any(_filled(cell) for cell in one[1])]
        raws = [
            {one.key: _cell(cells, place) for one, place in zip(fields, places, strict=True) if place >= 0}
            for _n, cells in part
        ]
        found = field_values.clean_many(fields, raws, actor=actor, is_new=True)
        good = [one for one in found if not isinstance(one, FieldErrors)]
        if good:
            kept = [
                {
                    "sheet_id": sheet.id, "created_by_id": actor.person_id, "created_at": now, "updated_at": now,
                    "extra": field_values.written({}, one),
                }
                for one in good
            ]  # fmt: skip
            db.session.execute(insert(OwnRow), kept)
        taken.rows += len(good)
        _note_refused(taken, part, found, int(row.spec["header"]))
        if run is not None:
            run.progress(start + len(part), len(rows))
    return taken


def _note_refused(
    taken: Taken, part: Sequence[tuple[int, Sequence[Any]]], found: Sequence[dict[str, Any] | FieldErrors], header: int
) -> None:
    for (n, cells), one in zip(part, found, strict=True):
        if isinstance(one, FieldErrors):
            taken.total_refused += 1
            if len(taken.refused) < MOST_REFUSED:
                problems = [[p.field, p.code, {k: str(v) for k, v in p.data.items()}] for p in one.problems]
                shown = [clean_text(str(cell))[:60] for cell in cells[:8]]
                taken.refused.append({"row": header + n + 2, "cells": shown, "problems": problems})


def _finish(actor: Actor, row: SheetFile, sheet: OwnSheet, taken: Taken) -> None:
    row.sheet, row.state, row.rows = f"own_{sheet.code}", "done", taken.rows
    row.outcome = {"refused": taken.refused, "total_refused": taken.total_refused}
    file_contents.drop(row)
    _trace(actor, "import", sheet, {}, {"rows": taken.rows, "refused": taken.total_refused})


def _filled(cell: object) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))


def _cell(cells: Sequence[Any], place: int) -> Any:
    return cells[place] if place < len(cells) else None


# --- checks -----------------------------------------------------------------------------------------------------


def _check(plan: Plan) -> None:
    problems = _name_problems(plan.name, plan.name_en) + _post_problems(plan.readers, plan.writers)
    if not plan.lines:
        problems.append(FieldProblem("lines", "own-sheet.no-field"))
    if len(plan.lines) > MOST_FIELDS:
        problems.append(FieldProblem("lines", "own-sheet.too-many-fields", {"most": MOST_FIELDS}))
    labels: set[str] = set()
    for n, line in enumerate(plan.lines):
        label = clean_text(line.label)
        if not label or len(label) > 80:
            problems.append(FieldProblem(f"label_{n}", "field.required" if not label else "field.too-long",
                                         {"length": len(label), "limit": 80}))  # fmt: skip
        elif label in labels:
            problems.append(FieldProblem(f"label_{n}", "own-sheet.label-twice", {"label": label}))
        labels.add(label)
        if line.kind in (ValueKind.CHOICE, ValueKind.CHOICES) and not line.choices:
            problems.append(FieldProblem(f"choices_{n}", "own-sheet.no-choice"))
    if problems:
        raise FieldErrors(problems)


def _name_problems(name: str, name_en: str) -> list[FieldProblem]:
    problems = [] if clean_text(name) else [FieldProblem("name", "field.required")]
    for key, text, limit in (("name", name, 80), ("name_en", name_en, 120)):
        if len(clean_text(text)) > limit:
            problems.append(FieldProblem(key, "field.too-long", {"length": len(text), "limit": limit}))
    return problems


def _post_problems(readers: Sequence[int], writers: Sequence[int]) -> list[FieldProblem]:
    known = set(db.session.scalars(select(Post.id).where(Post.active)))
    return [
        FieldProblem(name, "field.choice") for name, ids in (("readers", readers), ("writers", writers))
        if not set(ids) <= known
    ]  # fmt: skip


def _is_taken(code: str) -> bool:
    return db.session.scalars(select(OwnSheet.id).where(OwnSheet.code == code)).first() is not None


def _trace(actor: Actor, action: str, sheet: OwnSheet, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    journal.write(actor, action, "own_sheet", sheet.id, old=old, new=new)
    rights = {"reader_post_ids", "writer_post_ids", "is_open"} & set(new)
    event = "right.change" if rights or action == "create" else "setting.change"
    detail = {"action": action, "fields": sorted(new)}
    audit.record(actor, event, object_type="own_sheet", object_id=sheet.id, detail=detail)


