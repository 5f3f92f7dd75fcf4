"""Values of a field whose kind changes: what each becomes as SQL, counted before and written afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from app.models import FieldDefinition, db
from app.rules.definitions import STORED
from app.rules.values import COMPUTED, NUMBERS, TEXTS, ValueKind
from app.services import definitions, present
from app.services.definitions import code_in

SAMPLES = 5
PART = 1_000  # values written together: whoever wants one of their rows waits for no more than these
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


def convert(row: FieldDefinition, kind: ValueKind, parameters: Mapping[str, Any]) -> None:
    """Write every value as the new kind holds it, and drop what it cannot hold, all in the open transaction."""
    turn = _turn(row, kind, parameters)
    if turn is None:
        return
    stored = code_of(row)
    query = f"""
        UPDATE {row.table_name} AS target
        SET extra = CASE WHEN n.new IS NULL THEN target.extra - '{stored}'
                         ELSE jsonb_set(target.extra, ARRAY['{stored}'], n.new) END
        FROM (SELECT id, {turn.value} AS new FROM ({_values(row)}) AS v) AS n
        WHERE n.id = target.id
    """  # noqa: S608 - names checked against the definition's pattern
    db.session.execute(text(query), turn.binds or {})


# --- beside the values there are ----------------------------------------------------------------------------------


def copy_part(
    row: FieldDefinition, kind: ValueKind, parameters: Mapping[str, Any], into: str, *, after: int = 0,
    waits: bool = False,
) -> list[int]:  # fmt: skip
    """Write the next values behind the row `after` as the new kind holds them, under another name; the ids of their
    rows, none when none is left.

    What the new kind cannot hold is a null there, which reads like no value. Rows somebody else is writing are left
    for the next round unless it `waits`; archived appeals are sealed and never touched.
    """
    turn = _turn(row, kind, parameters)
    if turn is None:
        return []
    open_ = f" AND NOT extra ? '{_checked(into)}'" + _not_archived(row)
    taken = f"{_values(row, f' AND id > :after{open_}')} ORDER BY id LIMIT :most FOR UPDATE"
    query = f"""
        WITH part AS MATERIALIZED ({taken}{"" if waits else " SKIP LOCKED"})
        UPDATE {row.table_name} AS target
        SET extra = target.extra || jsonb_build_object('{into}', coalesce(n.new, 'null'))
        FROM (SELECT id, {turn.value} AS new FROM part AS v) AS n
        WHERE n.id = target.id RETURNING target.id
    """  # noqa: S608 - as above
    return sorted(db.session.scalars(text(query), {**(turn.binds or {}), "after": after, "most": PART}))


def copied(row: FieldDefinition, into: str) -> int:
    """How many values are there under the other name already."""
    return _count(_values(row, f" AND extra ? '{_checked(into)}'"))


def uncopied(row: FieldDefinition, into: str) -> int:
    """How many values have nothing under the other name."""
    return _count(_values(row, f" AND NOT extra ? '{_checked(into)}'"))


def clear_part(row: FieldDefinition, name: str, *, after: int = 0) -> list[int]:
    """Take the name out of the next rows behind the row `after` that nobody is writing; their ids."""
    query = f"""
        WITH part AS MATERIALIZED
            ({_holding(row, name)} AND id > :after ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
        UPDATE {row.table_name} AS target SET extra = target.extra - '{name}'
        FROM part WHERE part.id = target.id RETURNING target.id
    """  # noqa: S608 - as above
    return sorted(db.session.scalars(text(query), {"after": after, "most": PART}))


def holds(row: FieldDefinition, name: str) -> bool:
    """Whether there are rows with that name."""
    return bool(db.session.scalar(text(f"SELECT EXISTS ({_holding(row, name)})")))


def _holding(row: FieldDefinition, name: str) -> str:
    """SQL: rows with that name; not archived appeals, which keep what they hold."""
    where = f"extra ? '{_checked(name)}'{_of_sheet(row)}{_not_archived(row)}"
    return f"SELECT id FROM {_checked(row.table_name)} WHERE {where}"  # noqa: S608 - as above


def code_of(row: FieldDefinition) -> str:
    """The name under which rows hold the field."""
    return code_in(row.code, row.slot)


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
        own = definitions.current().sheet_by_id(row.own_sheet_id)
        title = own.title_code if own is not None else ""
        return f"target.extra ->> '{title}'" if STORED.fullmatch(title) else "NULL"
    columns = FieldDefinition.metadata.tables[row.table_name].columns
    return next((f"target.{name}" for name in ("number", "name") if name in columns and row.table_name != "post"),
                "target.name" if "name" in columns else "NULL")  # fmt: skip


def sealed(row: FieldDefinition) -> int:
    """How many archived appeals hold a value: their files are sealed, nothing in them changes."""
    return _count(_values(row, " AND state = 'archived'"))


def duplicates(row: FieldDefinition) -> list[str]:
    """Values that several rows have, a few of them; what hinders a field from being unique."""
    living = " AND deleted_at IS NULL" if row.own_sheet_id is not None else ""
    query = (
        f"SELECT left(t, 60) FROM ({_values(row, living)}) AS v"  # noqa: S608 - as above
        f" GROUP BY t HAVING count(*) > 1 ORDER BY t LIMIT {SAMPLES}"
    )
    return list(db.session.scalars(text(query)))


def _values(row: FieldDefinition, more: str = "") -> str:
    stored, table = _checked(code_of(row)), _checked(row.table_name)
    return (
        f"SELECT id, extra -> '{stored}' AS j, extra ->> '{stored}' AS t FROM {table}"  # noqa: S608
        f" WHERE extra ->> '{stored}' IS NOT NULL{_of_sheet(row)}{more}"
    )


def _count(query: str) -> int:
    return int(db.session.scalar(text(f"SELECT count(*) FROM ({query}) AS v")) or 0)  # noqa: S608 - as above


def _checked(name: str) -> str:
    if not STORED.fullmatch(name):
        raise ValueError(name)
    return name


def _of_sheet(row: FieldDefinition) -> str:
    return f" AND sheet_id = {int(row.own_sheet_id)}" if row.own_sheet_id is not None else ""


def _not_archived(row: FieldDefinition) -> str:
    return " AND state <> 'archived'" if row.table_name == "appeal" else ""


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
