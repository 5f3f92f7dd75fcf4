"""The one write path of dictionary rows: form, grid cell and import all end in `save` and `remove`.

Each writes its fields, one journal row with old and new, one audit row and what follows from the change (the
generated roles, the calendar in force) in one transaction. Nothing is deleted that was ever in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from app.models import Post, db
from app.rules.entries import Field, Kind, Place, blank, code_from, parse, problem_of
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Invalid, Refused
from app.services import (
    audit,
    calendar,
    changes,
    definitions,
    field_files,
    field_values,
    grants,
    journal,
    personal,
    present,
    sheet_access,
    sheet_checks,
)
from app.services.actors import Actor
from app.services.clock_recounts import SHEETS as MOVING
from app.services.clock_recounts import Consent, change_of, follow
from app.services.pinyin import sort_key, syllables
from app.services.sheet_rows import REFERENCES, Draft, Sheet, access_row, journalled, rows_by_id, values_of
from app.services.transaction import transaction

# Sheets that decide who may do what; the others are settings.
RIGHTS = frozenset({"posts", "memberships", "portfolio"})


def save(
    actor: Actor,
    sheet: Sheet,
    row_id: int | None,
    values: Mapping[str, object],
    *,
    version: int | None = None,
    reason: str = "",
    consent: Consent | None = None,
) -> Any:
    """Write a row and return it; `values` as typed or as text, fields that are not named stay as they are.

    A save that changes nothing writes nothing. Raises Refused("access.not-granted") for who does not keep the
    sheet, NotFound("row.unknown") also for a row that is not his, Conflict("row.stale") when `version` is not the
    row's any more, and FieldErrors with each problem at its field. What waits for the security officer
    (app/services/capability_changes.py) is filed with `reason`. What moves open clocks (app/services/clock_recounts.py)
    raises MovesClocks without `consent`.
    """
    try:
        with transaction():
            draft = write_in(actor, sheet, row_id, values, version=version, reason=reason, consent=consent)
            return draft.row
    except Conflict as error:
        raise at_field(sheet, error) from error
    finally:
        forget(sheet)


def write_in(
    actor: Actor,
    sheet: Sheet,
    row_id: int | None,
    values: Mapping[str, object],
    *,
    version: int | None = None,
    reason: str = "",
    consent: Consent | None = None,
) -> Draft:
    """`save` inside the open transaction of the caller, who turns refusals of the database into problems (`at_field`)
    and reads again what is kept in memory when all is over (`forget`).
    """
    sheet_access.require_keeper(actor, sheet)
    if not (sheet.can_add if row_id is None else sheet.can_edit):
        raise Refused("sheet.fixed")
    draft = _ready(actor, sheet, row_id, values, version, reason, asks=True)
    _write(actor, draft)
    settle(actor, sheet, [draft], consent)
    return draft


def settle(actor: Actor, sheet: Sheet, drafts: Sequence[Draft], consent: Consent | None) -> None:
    """What written rows mean for running clocks, in the open transaction. Raises MovesClocks without consent."""
    if sheet.code in MOVING:
        follow(actor, change_of(sheet, drafts), consent or Consent())


def save_in(
    actor: Actor,
    sheet: Sheet,
    row_id: int | None,
    values: Mapping[str, object],
    *,
    version: int | None = None,
    reason: str = "",
) -> Any:
    """Write a row inside the open transaction of the caller, whose business access is; see `save`."""
    return _write(actor, _ready(actor, sheet, row_id, values, version, reason))


def change_in(
    actor: Actor, sheet: Sheet, row_id: int | None, values: Mapping[str, object], *, version: int | None = None
) -> Draft:
    """Write a row inside the open transaction of the caller, who answers for access and for `settle`; its draft."""
    draft = _ready(actor, sheet, row_id, values, version, "")
    _write(actor, draft)
    return draft


def _ready(
    actor: Actor,
    sheet: Sheet,
    row_id: int | None,
    values: Mapping[str, object],
    version: int | None,
    reason: str,
    *,
    asks: bool = False,
) -> Draft:
    """The row on its way in, checked. `asks`: somebody fills it in, so fields made at run time may be required.

    Raises FieldErrors.
    """
    draft = _draft(actor, sheet, row_id, values, version)
    _read_extra(actor, draft, values, asks=asks)
    draft.reason = reason
    sheet_checks.check(draft)
    sheet_access.check_own(actor, draft)
    if draft.problems:
        raise FieldErrors(draft.problems)
    return draft


def trial(
    actor: Actor, sheet: Sheet, row_id: int | None, values: Mapping[str, object], *, version: int | None = None
) -> Draft:
    """What `save` would make of these values: the row on its way in with its problems. Writes nothing.

    Raises Refused("access.not-granted"), NotFound("row.unknown") and Conflict("row.stale").
    """
    sheet_access.require_keeper(actor, sheet)
    draft = _draft(actor, sheet, row_id, values, version, for_update=False)
    _read_extra(actor, draft, values, asks=True)
    sheet_checks.check(draft)
    return draft


def remove(
    actor: Actor, sheet: Sheet, row_id: int, *, version: int | None = None, consent: Consent | None = None
) -> None:
    """Take a row out of use: switched off; a row without a switch is deleted.

    Repeating it changes nothing. Raises what `save` raises.
    """
    try:
        with transaction():
            take_out_in(actor, sheet, row_id, version=version, consent=consent)
    finally:
        forget(sheet)


def take_out_in(
    actor: Actor, sheet: Sheet, row_id: int, *, version: int | None = None, consent: Consent | None = None
) -> Draft:
    """`remove` inside the open transaction of the caller, who reads again what is kept in memory (`forget`)."""
    sheet_access.require_keeper(actor, sheet)
    if not sheet.can_remove:
        raise Refused("sheet.fixed")
    draft = remove_in(actor, sheet, row_id, version=version)
    settle(actor, sheet, [draft], consent)
    return draft


def remove_in(actor: Actor, sheet: Sheet, row_id: int, *, version: int | None = None) -> Draft:
    """`remove` inside the open transaction of the caller, who answers for access and for `settle`."""
    row = _locked(actor, sheet, row_id, version)
    old = values_of(sheet, row)
    draft = Draft(sheet, row, is_new=False, old=old, values=dict(old))
    if not sheet.has_switch:
        _delete(actor, draft)
        return draft
    draft.values["active"] = False
    sheet_checks.check(draft)
    if draft.problems:
        raise FieldErrors(draft.problems)
    _write(actor, draft, action="remove")
    return draft


def _put(draft: Draft) -> None:
    row, values = draft.row, draft.values
    for one in draft.sheet.fields:
        if one.name not in values or not draft.changed(one.name):
            continue
        value = values[one.name]
        if one.kind is Kind.MOBILE:
            if value is not None and value != draft.old.get(one.name):
                row.mobile_sealed = personal.seal_staff(value)
        elif one.place is Place.COLUMN:
            setattr(row, one.column, value)
        elif one.place is Place.PARAMETER:
            kept = {key: stored for key, stored in (row.parameters or {}).items() if key != one.name}
            if one.kind is Kind.ROWS:
                value = sorted(other.code for other in rows_by_id(REFERENCES[one.to][0], value).values())
            row.parameters = kept | ({one.name: value} if value not in (None, [], "") else {})
    if draft.extra:
        row.extra = field_values.written(row.extra, draft.extra)
    if hasattr(row, "name_pinyin") and draft.changed("name"):
        row.name_pinyin = sort_key(values["name"])


def _draft(
    actor: Actor,
    sheet: Sheet,
    row_id: int | None,
    sent: Mapping[str, object],
    version: int | None,
    *,
    for_update: bool = True,
) -> Draft:
    row = sheet.model(**sheet.only) if row_id is None else _locked(actor, sheet, row_id, version, for_update=for_update)
    is_new = row_id is None
    old = {} if is_new else values_of(sheet, row)
    values = {one.name: blank(one) for one in sheet.fields} if is_new else dict(old)
    draft = Draft(sheet, row, is_new, old, values)
    for one in sheet.fields:
        if (one.name not in sent and not (is_new and one.required)) or (one.fixed and not is_new):
            continue
        try:
            draft.values[one.name] = _entered(one, sent.get(one.name), draft)
        except Invalid as error:
            draft.problems.append(problem_of(error, one.name))
    return draft


def _read_extra(actor: Actor, draft: Draft, sent: Mapping[str, object], *, asks: bool) -> None:
    """The fields made at run time: those that were sent, and what a new row needs beside them."""
    given = field_values.given(sent)
    if not hasattr(draft.sheet.model, "extra") or not (given or (asks and draft.is_new)):
        return
    fields = [one for one in definitions.current().of(draft.row.__tablename__) if not one.is_computed]
    known = [one for one in fields if field_values.may_read(actor, one)]
    try:
        old = draft.row.extra or {}
        draft.extra = field_values.clean(known, given, actor=actor, old=old, is_new=draft.is_new and asks)
    except FieldErrors as error:
        draft.problems += error.problems


def _extra(draft: Draft) -> dict[str, Any]:
    """What the row holds in the fields made at run time that this write is about."""
    return {definitions.PREFIX + definitions.name_of(code): (draft.row.extra or {}).get(code) for code in draft.extra}


def _entered(one: Field, raw: object, draft: Draft) -> Any:
    value = parse(one, raw, present.zone())
    if one.kind is Kind.MOBILE:
        if value is None:
            return draft.old.get(one.name)
        digest = personal.blind_index("staff.mobile", value)
        same = (digest.hex() if digest else "") == draft.old.get(one.name)
        return draft.old.get(one.name) if same else value
    if one.kind is Kind.INT and value is None:
        return draft.old.get(one.name, one.default)
    if one.kind in (Kind.ROW, Kind.ROWS) and value not in (None, []):
        _require_rows(one, value, draft)
    before = draft.old.get(one.name)
    if one.kind in (Kind.CHOICES, Kind.ROWS) and before is not None and set(before) == set(value):
        return before
    return value


def _require_rows(one: Field, value: int | list[int], draft: Draft) -> None:
    """What a field refers to exists and is in use, unless it stood there already."""
    wanted = set(value) if isinstance(value, list) else {value}
    before = draft.old.get(one.name)
    kept = set(before) if isinstance(before, list) else {before}
    model, which = REFERENCES[one.to]
    query = select(model.id).where(model.id.in_(wanted), which, model.active | model.id.in_(kept - {None}))
    if set(db.session.scalars(query)) != wanted:
        raise Invalid("person.unknown" if one.to == "person" else "field.choice", field=one.name)


def _locked(actor: Actor, sheet: Sheet, row_id: int, version: int | None, *, for_update: bool = True) -> Any:
    row = access_row(sheet, row_id, for_update=for_update, where=sheet_access.rows_of(actor, sheet))
    if version is not None and row.version != version:
        raise Conflict("row.stale")
    return row


# --- one transaction -------------------------------------------------------------------------------------------


def _write(actor: Actor, draft: Draft, *, action: str = "") -> Any:
    row, sheet = draft.row, draft.sheet
    if draft.is_new:
        _complete(draft)
    before = journalled(sheet, draft.old) | ({} if draft.is_new else _extra(draft))
    _put(draft)
    if draft.is_new:
        db.session.add(row)
    db.session.flush()
    if draft.extra:
        field_files.claim_in(actor, definitions.current().of(row.__tablename__), row.id, draft.extra)
    after = journalled(sheet, values_of(sheet, row)) | _extra(draft)
    new = {name: value for name, value in after.items() if value != before.get(name)}
    if new:
        old = {name: before[name] for name in new if name in before}
        word = action or ("create" if draft.is_new else "edit")
        _trace(actor, sheet, word, row, _shown(sheet, old), _shown(sheet, new))
        _follow(sheet)
    if draft.is_new and sheet.model is Post and row.leader_id is not None:
        changes.record_leader_in(actor, row)
    for step in draft.after_write:
        step(actor, draft)
    return row


def _delete(actor: Actor, draft: Draft) -> None:
    old = _shown(draft.sheet, journalled(draft.sheet, draft.old))
    _trace(actor, draft.sheet, "remove", draft.row, old, {})
    db.session.delete(draft.row)
    db.session.flush()
    _follow(draft.sheet)


def _trace(actor: Actor, sheet: Sheet, action: str, row: Any, old: dict[str, Any], new: dict[str, Any]) -> None:
    table = row.__tablename__
    journal.write(actor, action, table, row.id, old=old, new=new, **sheet_access.acting_for(actor, sheet))
    if "system" not in sheet.keepers:
        return  # neither a right nor a setting
    event = "right.change" if sheet.code in RIGHTS else "setting.change"
    audit.record(actor, event, object_type=table, object_id=row.id, detail={"action": action, "fields": sorted(new)})


def _follow(sheet: Sheet) -> None:
    """What changes with the sheet, in the same transaction."""
    if sheet.model is Post:
        db.session.flush()
        grants.regenerate_roles()
    elif sheet.code == "calendar":
        calendar.forget()


def forget(sheet: Sheet) -> None:
    """What was refused is not in force: the calendar is read again."""
    if sheet.code == "calendar":
        calendar.forget()


def _complete(draft: Draft) -> None:
    """What nobody needs to type for a new row: its code, its place in lists."""
    model, values = draft.sheet.model, draft.values
    if hasattr(model, "code") and not values.get("code"):
        values["code"] = draft.row.code = code_from(
            syllables(values.get("name") or ""), lambda code: _is_taken(model, code)
        )
    if hasattr(model, "sort") and values.get("sort") is None:
        last = db.session.scalar(select(func.coalesce(func.max(model.sort), 0))) or 0
        values["sort"] = draft.row.sort = values.get("number") or last + 1


def _is_taken(model: Any, code: str) -> bool:
    return db.session.scalars(select(model.id).where(model.code == code)).first() is not None


def _shown(sheet: Sheet, values: dict[str, Any]) -> dict[str, Any]:
    """Values for the journal: of a mobile number only whether there is one."""
    sealed = {one.name for one in sheet.fields if one.kind is Kind.MOBILE}
    return {name: bool(value) if name in sealed else value for name, value in values.items()}


# Which field a constraint of the database is about, and what to say there.
_CONSTRAINTS: Mapping[str, tuple[str, str]] = {
    "post_number_key": ("number", "row.taken"),
    "calendar_day_day_key": ("day", "row.taken"),
    "membership_person_id_unit_id_function_key": ("person", "row.taken"),
    "uq_capability_change_pending": ("capabilities", "capability-change.pending"),
}


def at_field(sheet: Sheet, error: Conflict) -> Conflict | FieldErrors:
    """A refusal of the database as the problem of the field that its constraint is about."""
    if error.code != "row.constraint":
        return error
    name = str(error.data["constraint"])
    if name.startswith("fu_"):
        fields = definitions.current().of(sheet.model.__tablename__)
        return field_values.taken(error, fields) or error
    if name == f"{sheet.model.__tablename__}_code_key":
        has_code = any(one.name == "code" and one.on_form for one in sheet.fields)
        return FieldErrors([FieldProblem("code" if has_code else "name", "row.taken")])
    if name in _CONSTRAINTS:
        field_name, code = _CONSTRAINTS[name]
        return FieldErrors([FieldProblem(field_name, code)])
    return error
