"""The sheet of an appeal: the fields of its channel class (R2), written clean, the appellant's particulars sealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select

from app.models import Appeal, Channel, db
from app.rules import fields as dirt
from app.rules import intake as rules
from app.rules.errors import FieldErrors, FieldProblem, Invalid
from app.rules.workflow import MAX_LENGTH, FieldSpec, FieldType
from app.services import assumptions, personal, present

_PLAIN = ("subject", "body", "place", "anonymous", "received_at")


def write_sheet(appeal: Appeal, data: Mapping[str, object]) -> None:
    """Write the fields of the appeal's channel class from parsed form data; absent fields stay as they are.

    Raises FieldErrors for what is too long, in the future, no channel of the class, no phone or identity number,
    no minute, no address of a page, more names than people.
    """
    specs = {spec.name: spec for spec in rules.fields_of(appeal.channel_class)}
    given = {name: value for name, value in data.items() if name in specs}
    now = present.now()
    problems = [problem for name, value in given.items() if (problem := _problem(specs[name], value, now))]
    problems += rules.problems(_known(appeal, given), joint_visit())
    if appeal.id is None and given.get("received_at") is None:
        problems.append(FieldProblem("received_at", "field.required"))
    if problems:
        raise FieldErrors(problems)
    if "channel" in given:
        appeal.channel_id = _channel(appeal.channel_class, given["channel"])
    for name in _PLAIN:
        if name in given and (given[name] is not None or name not in ("received_at",)):
            setattr(appeal, name, _cleaned(given[name], specs[name].type))
    appeal.subject = appeal.subject or ""
    appeal.body = appeal.body or ""
    own = {spec.name for spec in rules.SPECIFIC[appeal.channel_class]} - set(rules.SEALED)
    kept = {name: _json(name, given[name], specs[name].type) for name in own if name in given}
    appeal.intake = {**(appeal.intake or {}), **kept}
    _seal(appeal, given)


def _seal(appeal: Appeal, given: Mapping[str, object]) -> None:
    lists = ("appellant_representatives", "appellant_others")
    texts = {
        name: dirt.clean_text(str(given[name] or ""), multiline=name in lists).strip()
        for name in rules.SEALED
        if name in given
    }
    if not texts:
        return
    if texts.get("appellant_phone"):
        texts["appellant_phone"] = _normal(dirt.normalise_phone, texts["appellant_phone"], "appellant_phone")
    if texts.get("appellant_identity"):
        texts["appellant_identity"] = _normal(
            dirt.normalise_identity, texts["appellant_identity"], "appellant_identity"
        )
    if appeal.data_key is None:
        appeal.data_key = personal.new_key()
    for name, plain in texts.items():
        setattr(appeal, f"{name}_sealed", personal.seal(appeal.data_key, name, plain))
    for name in ("appellant_phone", "appellant_identity"):
        if name in texts:
            setattr(appeal, f"{name}_bidx", personal.blind_index(name, texts[name]))


def _normal(rule: Any, value: str, name: str) -> str:
    try:
        return str(rule(value))
    except Invalid as error:
        raise FieldErrors([FieldProblem(name, error.code, error.data)]) from error


def appellant(appeal: Appeal) -> dict[str, str]:
    """The appellant's particulars in plain text, for those who may see them; masking is the caller's first thought."""
    return {
        name: personal.reveal(appeal.data_key, name, getattr(appeal, f"{name}_sealed"))
        for name in rules.SEALED
    }


def missing_fields(appeal: Appeal, data: Mapping[str, object]) -> tuple[str, ...]:
    """The required fields of the sheet that neither the appeal nor `data` fills."""
    values: dict[str, object] = {
        **(appeal.intake or {}),
        "channel": appeal.channel_id,
        **{name: getattr(appeal, name) for name in _PLAIN},
        **{name: getattr(appeal, f"{name}_sealed") for name in rules.SEALED},
    }
    known = {**values, **data}
    kind = db.session.scalar(select(Channel.kind).where(_named_channel(appeal, known))) if known["channel"] else ""
    return rules.missing(appeal.channel_class, known, channel_kind=kind or "", joint=joint_visit())


def _named_channel(appeal: Appeal, known: Mapping[str, object]) -> ColumnElement[bool]:
    """SQL: the channel a form names by its code, or the appeal has by its id."""
    channel = known["channel"]
    if isinstance(channel, int):
        return Channel.id == channel
    return and_(Channel.code == str(channel), Channel.channel_class == appeal.channel_class)


def joint_visit() -> rules.JointVisit:
    """How several people bring one appeal: the assumption `joint_visit`, else 5 and 5."""
    usual, said = rules.JointVisit(), assumptions.named("joint_visit")
    return rules.JointVisit(
        assumptions.whole(said.get("persons"), usual.persons),
        assumptions.whole(said.get("representatives"), usual.representatives),
    )


def _known(appeal: Appeal, given: Mapping[str, object]) -> dict[str, object]:
    """What a form says together with what the appeal said before: some fields are judged by others."""
    joint = ("appellant_representatives", "appellant_others")
    before = {**(appeal.intake or {}), **{name: value for name, value in appellant(appeal).items() if name in joint}}
    return {**before, **given}


def _problem(spec: FieldSpec, value: object, now: datetime) -> FieldProblem | None:
    if isinstance(value, str) and len(value) > (limit := spec.max_length or MAX_LENGTH.get(spec.type, 200)):
        return FieldProblem(spec.name, "field.too-long", {"limit": limit, "length": len(value)})
    if isinstance(value, datetime) and value > now:
        return FieldProblem(spec.name, "field.in-future")
    if (
        isinstance(value, date)
        and not isinstance(value, datetime)
        and value > now.astimezone(present.zone()).date()
    ):
        return FieldProblem(spec.name, "field.in-future")
    return None


def _cleaned(value: object, kind: FieldType) -> object:
    if kind is FieldType.BOOLEAN:
        return bool(value)
    return (
        dirt.clean_text(value, multiline=kind is FieldType.LONG_TEXT)
        if isinstance(value, str)
        else value
        if value is not None
        else ""
    )


def _json(name: str, value: object, kind: FieldType) -> object:
    if isinstance(value, str):
        return rules.normal(name, str(_cleaned(value, kind)))
    return value.isoformat() if isinstance(value, date) else value


def _channel(channel_class: str, code: object) -> int | None:
    if not code:
        return None
    query = select(Channel.id).where(
        Channel.code == str(code), Channel.channel_class == channel_class, Channel.active
    )
    found = db.session.scalar(query)
    if found is None:
        raise FieldErrors([FieldProblem("channel", "field.choice", {"value": str(code)})])
    return found
