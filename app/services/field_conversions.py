"""Values of a field whose kind changes: what each becomes as SQL, counted before and written afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text

from app.models import FieldDefinition, OwnSheet, db
from app.rules.definitions import CODE
from app.rules.values import COMPUTED, NUMBERS, TEXTS, ValueKind
from app.services import present

SAMPLES = 5
PART = 2_000  # rows that change before progress is told, and somebody who waits is let pass
_NUMBER = r"'^ *[-+]?[0-9]{1,15}([.][0-9]{1,15})? *$'"
_DAY = r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
# No day that its month does not have: the first day of the next month is still to come.
_REAL = (
    "left(t, 4) <> '0000' AND CAST(substr(t, 9, 2) AS int) <= extract(day FROM make_date(CAST(left(t, 4) AS int),"
    " CAST(substr(t, 6, 2) AS int), 1) + interval '1 month' - interval '1 day')"
)
_UTC = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""
_WORDS = {"true": True, "yes": True, "1": True, "是": True, "有": True, "false": False, "no": False, "0": False,
          "否": False, "无": False}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Losses:
    """What a change of kind does to the values there are: how many, how many go, how many become shorter or coarser."""

    values: int = 0
    lost: int = 0
    coarser: int = 0
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Turn:
    """The new value of `j` (jsonb) and `t` (its text); when it says less than before."""

    value: str
    coarser: str = "false"
    binds: Mapping[str, Any] | None = None


def losses(row: FieldDefinition, kind: ValueKind, parameters: Mapping[str, Any]) -> Losses:
    """What is lost when the field becomes of this kind: one statement over the values there are."""
    turn = _turn(row, kind, parameters)
    if turn is None:
        return Losses()
    query = f"""
        SELECT count(*), count(*) FILTER (WHERE new IS NULL), count(*) FILTER (WHERE new IS NOT NULL AND coarser),
               (array_agg(DISTINCT left(t, 60)) FILTER (WHERE new IS NULL))[1:{SAMPLES}]
        FROM (SELECT t, {turn.value} AS new, {turn.coarser} AS coarser FROM ({_values(row)}) AS v) AS n
    """  # noqa: S608 - names checked against the definition's pattern
    found = db.session.execute(text(query), turn.binds or {}).one()
    return Losses(found[0], found[1], found[2], tuple(found[3] or ()))


def convert(
    row: FieldDefinition,
    kind: ValueKind,
    parameters: Mapping[str, Any],
    *,
    told: Callable[[int], None] = lambda _done: None,
) -> None:
    """Write every value as the new kind holds it, and drop what it cannot hold, in the open transaction.

    In parts by id, each locked before it is read: whoever is writing a row of it is waited for. `told`: how many so
    far. Readers see the old values until the transaction ends.
    """
    turn = _turn(row, kind, parameters)
    if turn is None:
        return
    after, done = 0, 0
    part = text(f"SELECT id FROM {row.table_name} WHERE id IN (SELECT id FROM ({_values(row)}) AS v"  # noqa: S608
                " WHERE id > :after ORDER BY id LIMIT :most) ORDER BY id FOR UPDATE")  # fmt: skip
    while ids := list(db.session.scalars(part, {"after": after, "most": PART})):
        _convert_part(row, turn, ids)
        after, done = ids[-1], done + len(ids)
        told(done)


def _convert_part(row: FieldDefinition, turn: _Turn, ids: Sequence[int]) -> None:
    query = f"""
        UPDATE {row.table_name} AS target
        SET extra = CASE WHEN n.new IS NULL THEN target.extra - '{row.code}'
                         ELSE jsonb_set(target.extra, ARRAY['{row.code}'], n.new) END
        FROM (SELECT id, {turn.value} AS new FROM ({_values(row, " AND id = ANY(:ids)")}) AS v) AS n
        WHERE n.id = target.id
    """  # noqa: S608 - as above
    db.session.execute(text(query), {**(turn.binds or {}), "ids": list(ids)})


def lost(row: FieldDefinition, kind: ValueKind, parameters: Mapping[str, Any]) -> list[tuple[int, str, str, str]]:
    """Each value that goes or becomes shorter or coarser: id and name of its row, old words, new ones; by id."""
    turn = _turn(row, kind, parameters)
    if turn is None:
        return []
    query = f"""
        SELECT n.id, coalesce({_name_of(row)}, '') AS name, n.t, n.new #>> '{{}}' AS new
        FROM (SELECT id, t, {turn.value} AS new, {turn.coarser} AS coarser FROM ({_values(row)}) AS v) AS n
        JOIN {row.table_name} AS target ON target.id = n.id WHERE n.new IS NULL OR n.coarser ORDER BY n.id
    """  # noqa: S608 - as above
    labels = {one["code"]: one["label"] for one in (row.parameters or {}).get("options", ())}
    found = db.session.execute(text(query), turn.binds or {})
    return [(row_id, name, labels.get(old, old), new or "") for row_id, name, old, new in found]


def _name_of(row: FieldDefinition) -> str:
    """SQL: what the row `target` is called."""
    if row.own_sheet_id is not None:
        title = db.session.scalar(select(OwnSheet.title_field).where(OwnSheet.id == row.own_sheet_id)) or ""
        return f"target.extra ->> '{title}'" if CODE.fullmatch(title) else "NULL"
    columns = FieldDefinition.metadata.tables[row.table_name].columns
    return next((f"target.{name}" for name in ("number", "name") if name in columns and row.table_name != "post"),
                "target.name" if "name" in columns else "NULL")  # fmt: skip


def sealed(row: FieldDefinition) -> int:
    """How many archived appeals hold a value: their files are sealed, nothing in them changes."""
    query = f"SELECT count(*) FROM ({_values(row, ' AND state = :state')}) AS v"  # noqa: S608 - as above
    return int(db.session.scalar(text(query), {"state": "archived"}) or 0)


def duplicates(row: FieldDefinition) -> list[str]:
    """Values that several rows have, a few of them; what hinders a field from being unique."""
    living = " AND deleted_at IS NULL" if row.own_sheet_id is not None else ""
    query = (
        f"SELECT left(t, 60) FROM ({_values(row, living)}) AS v"  # noqa: S608 - as above
        f" GROUP BY t HAVING count(*) > 1 ORDER BY t LIMIT {SAMPLES}"
    )
    return list(db.session.scalars(text(query)))


def _values(row: FieldDefinition, more: str = "") -> str:
    if not CODE.fullmatch(row.code) or not CODE.fullmatch(row.table_name):
        raise ValueError(row.code)
    sheet = f" AND sheet_id = {int(row.own_sheet_id)}" if row.own_sheet_id is not None else ""
    return (
        f"SELECT id, extra -> '{row.code}' AS j, extra ->> '{row.code}' AS t FROM {row.table_name}"  # noqa: S608
        f" WHERE extra ->> '{row.code}' IS NOT NULL{sheet}{more}"
    )


def _turn(row: FieldDefinition, kind: ValueKind, parameters: Mapping[str, Any]) -> _Turn | None:
    old = ValueKind(row.kind)
    if old is kind or old in COMPUTED:
        return None
    if kind in TEXTS:
        return _to_text(old, kind, (row.parameters or {}).get("options", ()))
    if kind in NUMBERS:
        return _to_number(kind, parameters)
    if kind in (ValueKind.DATE, ValueKind.MOMENT):
        return _to_time(old, kind)
    if kind is ValueKind.BOOL:
        return _Turn("CAST(:words AS jsonb) -> lower(btrim(t))", binds={"words": json.dumps(_WORDS)})
    return _to_choice(old, kind, parameters.get("options", ()))


def _to_text(old: ValueKind, kind: ValueKind, options: Sequence[Mapping[str, Any]]) -> _Turn:
    if old is ValueKind.BOOL:
        return _Turn("to_jsonb(CAST(CASE t WHEN 'true' THEN '是' ELSE '否' END AS text))")
    if old in (ValueKind.CHOICE, ValueKind.CHOICES):
        labels = {"labels": json.dumps({one["code"]: one["label"] for one in options})}
        if old is ValueKind.CHOICE:
            return _Turn("to_jsonb(coalesce(CAST(:labels AS jsonb) ->> t, t))", binds=labels)
        each = "string_agg(coalesce(CAST(:labels AS jsonb) ->> c, c), '、')"
        return _Turn(f"to_jsonb((SELECT {each} FROM jsonb_array_elements_text(j) AS c))", binds=labels)  # noqa: S608
    if kind is ValueKind.TEXT:
        return _Turn("CASE WHEN length(t) <= 500 THEN to_jsonb(regexp_replace(t, '\\s+', ' ', 'g')) END")
    return _Turn("to_jsonb(t)")


def _to_number(kind: ValueKind, parameters: Mapping[str, Any]) -> _Turn:
    given = parameters.get("decimals")
    decimals = int(given) if given is not None else 2 if kind is ValueKind.MONEY else 6
    plain = "replace(t, ',', '')"
    number = f"trim_scale(round(CAST({plain} AS numeric), {decimals}))"
    return _Turn(
        f"CASE WHEN {plain} ~ {_NUMBER} THEN to_jsonb({number}) END",
        f"CASE WHEN {plain} ~ {_NUMBER} THEN {number} <> CAST({plain} AS numeric) ELSE false END",
    )


def _to_time(old: ValueKind, kind: ValueKind) -> _Turn:
    zone = {"zone": present.zone().key}
    if old is ValueKind.MOMENT:
        local = "(CAST(t AS timestamptz) AT TIME ZONE :zone)"
        return _Turn(f"to_jsonb(CAST(CAST({local} AS date) AS text))", f"CAST({local} AS time) <> '00:00'", zone)
    if kind is ValueKind.DATE:
        return _Turn(f"CASE WHEN t ~ '^{_DAY}$' THEN CASE WHEN {_REAL} THEN to_jsonb(t) END END")
    written = f"to_jsonb(to_char((CAST(t AS timestamp) AT TIME ZONE :zone) AT TIME ZONE 'UTC', {_UTC}))"
    clock = "([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)?"
    return _Turn(f"CASE WHEN t ~ '^{_DAY}{clock}$' THEN CASE WHEN {_REAL} THEN {written} END END", binds=zone)


def _to_choice(old: ValueKind, kind: ValueKind, options: Sequence[Mapping[str, Any]]) -> _Turn:
    codes: dict[str, str] = {}
    for one in options:
        codes |= {str(one.get("label_en") or one["label"]): one["code"], one["label"]: one["code"]}
    codes |= {one["code"]: one["code"] for one in options}
    binds = {"codes": json.dumps(codes)}
    if kind is ValueKind.CHOICES:
        known = "CAST(:codes AS jsonb) -> t"
        return _Turn(f"CASE WHEN {known} IS NOT NULL THEN jsonb_build_array({known}) END", binds=binds)
    if old is ValueKind.CHOICES:
        return _Turn("CASE WHEN jsonb_array_length(j) = 1 THEN CAST(:codes AS jsonb) -> (j ->> 0) END", binds=binds)
    return _Turn("CAST(:codes AS jsonb) -> btrim(t)", binds=binds)
