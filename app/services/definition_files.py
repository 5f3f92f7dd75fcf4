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
            }
            for row in sheets
        ],
        "fields": fields,
    }  # fmt: skip


def read_in(actor: Actor, text: str, place_of: Callable[[str], Place], *, dry: bool) -> list[Line]:
    """Take a file over: what is there already stays as it is, what differs is changed, what is missing is added.

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
            lines += [_field(actor, one, place_of) for one in _ordered(fields)]
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


def _ordered(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is computed comes after what it may name; formulas in the order of the file, which is that of the sheet."""
    rank = {"lookup": 1, "rollup": 1, "formula": 2}
    return sorted(fields, key=lambda one: rank.get(str(one.get("kind")), 0))


def _sheet(actor: Actor, entry: Mapping[str, Any]) -> Line:
    code, name = str(entry["code"]), clean_text(str(entry.get("name") or ""))[:80]
    if db.session.scalar(select(OwnSheet.id).where(OwnSheet.code == code)) is not None:
        return Line(OWN_PREFIX + code, name, "same")
    if not name:
        return Line(OWN_PREFIX + code, code, "refused", [("field.required", {})])
    row = OwnSheet(
        code=code, name=name, name_en=clean_text(str(entry.get("name_en") or ""))[:120], name_pinyin=sort_key(name),
        intro=clean_text(str(entry.get("intro") or ""))[:500], title_field=str(entry.get("title_field") or "")[:40],
        is_open=bool(entry.get("is_open")),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    definitions.moved()
    journal.write(actor, "create", "own_sheet", row.id, new={"name": name})
    return Line(OWN_PREFIX + code, name, "added")


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
        codes = [str(one) for one in entry.get(name) or ()]
        found[name] = list(db.session.scalars(select(Post.id).where(Post.code.in_(codes)))) if codes else []
        if codes and not found[name]:
            raise Invalid("definition.posts", {"posts": "、".join(codes)})
    return found
