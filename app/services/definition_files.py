"""Definitions as one file between installations: written out whole, read in without doing anything twice.

Rows of other tables are named as every installation knows them: posts by code, sheets by code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.models import FieldDefinition, OwnSheet, Post, db
from app.rules.definitions import CODE
from app.rules.errors import FieldErrors, Invalid, Refused, RuleError
from app.rules.fields import clean_text
from app.services import definitions, field_definitions, journal
from app.services.actors import Actor
from app.services.field_definitions import LosesValues, Place
from app.services.pinyin import sort_key
from app.services.transaction import transaction

FORMAT = "fields/1"
OWN_PREFIX = "own_"
_POSTS = ("reader_post_ids", "writer_post_ids")
MOST = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one entry of the file: added, changed, same or refused, and why."""

    sheet: str
    name: str
    outcome: str
    why: Sequence[tuple[str, Mapping[str, object]]] = field(default=())


class _Undo(Exception):
    """A dry run is over."""


def written(places: Iterable[tuple[str, Place]]) -> dict[str, Any]:
    """Every own sheet in use and every definition, retired ones too."""
    posts = {row.id: row.code for row in db.session.execute(select(Post.id, Post.code))}
    sheets = db.session.scalars(select(OwnSheet).where(OwnSheet.active).order_by(OwnSheet.code))
    fields = []
    for code, place in places:
        for row in field_definitions.listed(place):
            told = field_definitions.told(row) | {"retired": row.retired_at is not None}
            told |= {name: sorted(posts[one] for one in told[name] if one in posts) for name in _POSTS}
            fields.append({"sheet": code, **told})
    return {
        "format": FORMAT,
        "sheets": [
            {
                "code": row.code, "name": row.name, "name_en": row.name_en, "intro": row.intro,
                "title_field": row.title_field, "is_open": row.is_open,
                **{name: sorted(posts[one] for one in getattr(row, name) if one in posts) for name in _POSTS},
            }
            for row in sheets
        ],
        "fields": fields,
    }  # fmt: skip


def read_in(actor: Actor, text: str, place_of: Callable[[str], Place], *, dry: bool) -> list[Line]:
    """Take a file over: what is there already stays as it is, what differs is changed, what is missing is added.

    With whom a new sheet is shared comes along, by posts; of a sheet that is there it stays as it is.

    All or nothing: with a refused entry, or `dry`, nothing is written. Raises Refused("access.not-granted") and
    Invalid("definition.file").
    """
    if not actor.grants.can("system"):
        raise Refused("access.not-granted")
    sheets, fields = _parsed(text)
    lines: list[Line] = []
    try:
        with transaction():
            lines += [_sheet(actor, one) for one in sheets]
            db.session.flush()
            lines += _fields(actor, fields, place_of)
            if dry or any(one.outcome == "refused" for one in lines):
                raise _Undo
    except _Undo:
        definitions.forget()
        if not dry:
            raise Invalid("definition.file-refused") from None
    return lines


def _parsed(text: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    try:
        found = json.loads(text)
        if found["format"] != FORMAT:
            raise ValueError(found["format"])
        sheets, fields = list(found.get("sheets", [])), list(found.get("fields", []))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Invalid("definition.file") from None
    for one in (*sheets, *fields):
        if not isinstance(one, dict) or not CODE.fullmatch(str(one.get("code", ""))):
            raise Invalid("definition.file")
    if len(sheets) + len(fields) > MOST or not all(isinstance(one.get("parameters") or {}, dict) for one in fields):
        raise Invalid("definition.file")
    return sheets, fields


def _fields(actor: Actor, entries: list[dict[str, Any]], place_of: Callable[[str], Place]) -> list[Line]:
    """What became of each entry, in the order of the file, which is that in which new fields stand on their sheet.

    What is computed comes after what it may name; a formula may name one that stands behind it.
    """
    rank = {"lookup": 1, "rollup": 1, "formula": 2}
    found: dict[int, Line] = {}
    waiting = sorted(range(len(entries)), key=lambda place: rank.get(str(entries[place].get("kind")), 0))
    while waiting:
        found |= {place: _field(actor, entries[place], place_of) for place in waiting}
        again = [
            place for place in waiting if found[place].outcome == "refused" and entries[place].get("kind") == "formula"
        ]
        if len(again) == len(waiting):
            break
        waiting = again
    added = [place for place in range(len(entries)) if found[place].outcome == "added"]
    for sheet in dict.fromkeys(found[place].sheet for place in added):
        _in_order(place_of(sheet), [str(entries[n]["code"]) for n in added if found[n].sheet == sheet])
    return [found[place] for place in range(len(entries))]


def _in_order(place: Place, codes: Sequence[str]) -> None:
    rows = {row.code: row for row in field_definitions.listed(place) if row.code in codes}
    sorts = sorted(row.sort for row in rows.values())
    for code, sort in zip(codes, sorts, strict=True):
        rows[code].sort = sort
    db.session.flush()
    definitions.moved()


def _sheet(actor: Actor, entry: Mapping[str, Any]) -> Line:
    code, name = str(entry["code"]), clean_text(str(entry.get("name") or ""))[:80]
    if not name:
        return Line(OWN_PREFIX + code, code, "refused", [("field.required", {})])
    made = {
        "name": name, "name_en": clean_text(str(entry.get("name_en") or ""))[:120],
        "intro": clean_text(str(entry.get("intro") or ""))[:500],
        "title_field": str(entry.get("title_field") or "")[:40],
    }  # fmt: skip
    row = db.session.scalar(select(OwnSheet).where(OwnSheet.code == code).with_for_update())
    if row is not None and not row.active:
        return Line(OWN_PREFIX + code, name, "refused", [("definition.sheet-off", {"sheet": row.name})])
    old = {} if row is None else {key: getattr(row, key) for key in made if getattr(row, key) != made[key]}
    if row is not None and not old:
        return Line(OWN_PREFIX + code, name, "same")
    if row is None:
        # Who shares a sheet that is here already was decided here.
        row = OwnSheet(code=code, is_open=bool(entry.get("is_open")), **{key: _posts(entry, key) for key in _POSTS})
        db.session.add(row)
    outcome = "changed" if old else "added"
    new = {key: value for key, value in made.items() if key in old or not old}
    for key, value in new.items():
        setattr(row, key, value)
    row.name_pinyin = sort_key(name)
    db.session.flush()
    definitions.moved()
    told = new if old else {"name": name}
    journal.write(actor, "edit" if old else "create", "own_sheet", row.id, old=old, new=told)
    return Line(OWN_PREFIX + code, name, outcome)


def _field(actor: Actor, entry: Mapping[str, Any], place_of: Callable[[str], Place]) -> Line:
    sheet, name = str(entry.get("sheet") or ""), str(entry.get("label") or entry["code"])[:80]
    try:
        place = place_of(sheet)
        wish = dict(entry) | _post_ids(entry)
        row = db.session.scalar(
            select(FieldDefinition).where(
                FieldDefinition.table_name == place.table,
                FieldDefinition.own_sheet_id.is_not_distinct_from(place.own_sheet_id),
                FieldDefinition.code == entry["code"],
            )
        )
        if row is None:
            row = field_definitions.add_in(actor, place, wish)
            outcome = "added"
        else:
            outcome = "changed" if field_definitions.change_in(actor, row, wish, place, by_job=True) else "same"
        if bool(entry.get("retired")) != (row.retired_at is not None):
            field_definitions.hide_in(actor, row, hidden=bool(entry.get("retired")))
            outcome = "changed" if outcome == "same" else outcome
    except FieldErrors as error:
        return Line(sheet, name, "refused", [(one.code, one.data) for one in error.problems])
    except LosesValues as error:
        return Line(sheet, name, "refused", [(error.code, error.data)])
    except RuleError as error:
        return Line(sheet, name, "refused", [(error.code, error.data)])
    return Line(sheet, name, outcome)


def _post_ids(entry: Mapping[str, Any]) -> dict[str, list[int]]:
    """Posts of this installation; a post it has not is left out, unless that would open the field to all."""
    found: dict[str, list[int]] = {}
    for name in _POSTS:
        found[name] = _posts(entry, name)
        if entry.get(name) and not found[name]:
            raise Invalid("definition.posts", {"posts": "、".join(str(one) for one in entry[name])})
    return found


def _posts(entry: Mapping[str, Any], name: str) -> list[int]:
    codes = [str(one) for one in entry.get(name) or ()]
    return sorted(db.session.scalars(select(Post.id).where(Post.code.in_(codes)))) if codes else []
