"""Fields made at run time on an appeal, from the grid, a form of their own, intake and the steps: by whom, on which
appeals, with one journal row.

The fields the workflow knows are written by its steps alone (app/services/workflow.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from app.models import Appeal, db
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Refused
from app.rules.grants import CAPABILITIES, Grant, Scope
from app.services import access, definitions, field_files, field_values, journal, present
from app.services.actors import Actor
from app.services.definitions import Defined
from app.services.transaction import transaction

# What has ended is read only: an archived file is sealed (R11), what was voided or imported is as it was.
ENDED = frozenset({"archived", "voided", "history"})
# What lets somebody act on an appeal lets him fill in its fields; first as who keeps the ledger.
WRITING = tuple(
    sorted(
        (code for code, one in CAPABILITIES.items() if ("can_act", "Appeals") in one.pairs),
        key=lambda code: (code != "record", code),
    )
)


def write_in(
    actor: Actor,
    appeal_id: int,
    values: Mapping[str, object],
    *,
    version: int | None,
    post_id: int | None = None,
    reason: str = "",
    locked: Appeal | None = None,
) -> Appeal:
    """Write fields, named as the grid names them, inside the open transaction of the caller; the appeal.

    `locked`: the appeal, when the caller has fetched it through what the actor may see and locked it. A write that
    changes nothing writes nothing. Raises NotFound for an appeal out of sight, Conflict("appeal.stale"),
    Refused("access.not-granted") for who may not write a field, Refused("appeal.ended") and Refused("appeal.held"),
    FieldErrors with each problem at its field.
    """
    appeal = access.access_appeal(actor, appeal_id, for_update=True) if locked is None else locked
    if version is not None and version != appeal.version:
        raise Conflict("appeal.stale", {"seen": version, "current": appeal.version})
    fields = _asked(values)
    grant = _allowed(actor, appeal, fields, post_id)
    if appeal.state in ENDED:
        raise Refused("appeal.ended")
    if appeal.held_at is not None:
        raise Refused("appeal.held")
    before = dict(appeal.extra or {})
    cleaned = field_values.clean(
        fields, values, actor=actor, old=before, state=appeal.state, channel_class=appeal.channel_class
    )
    after = field_values.written(before, cleaned)
    changed = sorted(code for code in cleaned if before.get(code) != after.get(code))
    if not changed:
        return appeal
    appeal.extra, appeal.updated_at = after, present.now()
    field_files.claim_in(actor, fields, appeal.id, cleaned, appeal_id=appeal.id, post_id=grant.post_id)
    journal.write(
        actor,
        "fill_in",
        "appeal",
        appeal.id,
        appeal_id=appeal.id,
        post_id=grant.post_id,
        role=grant.role,
        old={_key(code): before.get(code) for code in changed},
        new={_key(code): after.get(code) for code in changed},
        reason=reason,
    )
    return appeal


def write(
    actor: Actor, appeal_id: int, values: Mapping[str, object], *, version: int | None, post_id: int | None = None
) -> Appeal:
    """`write_in` in a transaction of its own; a value another appeal has is said at its field."""
    with at_fields(), transaction():
        return write_in(actor, appeal_id, values, version=version, post_id=post_id)


@contextmanager
def at_fields() -> Iterator[None]:
    """Around a transaction: what the database refuses because another appeal has the value is said at its field."""
    try:
        yield
    except Conflict as error:
        raise field_values.taken(error, definitions.current().of("appeal")) or error from error


def begin_in(actor: Actor, appeal: Appeal, data: Mapping[str, object]) -> dict[str, Any]:
    """Write what an intake form sent into a new draft, with defaults; what the journal is to tell of it.

    What must be filled in is asked for when it is submitted. Raises FieldErrors.
    """
    fields = [one for one in definitions.current().of("appeal") if not one.is_computed]
    given = {one.key: one.parameters["default"] for one in fields if one.parameters.get("default") is not None}
    given = {key: value for key, value in given.items() if _by_key(fields, key).asks("draft", appeal.channel_class)}
    sent = field_values.given(data)
    empty = {one.key for one in fields if sent.get(one.key) in ("", [], None)}
    # Defaults are nobody's typing: whoever may not fill a field in gets them all the same.
    appeal.extra = {
        _by_key(fields, key).code: value for key, value in given.items() if key not in sent
    }
    return _take(actor, appeal, fields, {key: value for key, value in sent.items() if key not in empty})


def step_in(
    actor: Actor, appeal: Appeal, action: str, data: Mapping[str, object], *, before: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write what the form of a step sent into the appeal as the step left it, and hold the step to what its new state
    needs; old and new for the step's journal row.

    Raises FieldErrors for what is wrong or missing, Refused("appeal.fields-missing") where somebody else fills it in.
    """
    fields = [one for one in definitions.current().of("appeal") if not one.is_computed]
    if not fields:
        return {}, {}
    held = dict(appeal.extra or {})
    new = _take(actor, appeal, fields, field_values.given(data))
    asks = appeal.state != before or action == "submit"
    empty = needed(fields, appeal, appeal.state, submitted=action == "submit") if asks else []
    own = [one for one in empty if field_values.may_write(actor, one) and field_values.may_read(actor, one)]
    if own:
        raise FieldErrors(FieldProblem(one.key, "field.required") for one in own)
    if empty:
        raise Refused("appeal.fields-missing", {"fields": "、".join(one.label for one in empty)})
    return {one.key: held.get(one.code) for one in fields if one.key in new}, new


def needed(fields: Sequence[Defined], appeal: Appeal, state: str, *, submitted: bool) -> list[Defined]:
    """The fields that must be filled in before the appeal comes into this state, and are not."""
    extra = appeal.extra or {}
    return [
        one
        for one in fields
        if one.asks(state, appeal.channel_class)
        and (state in one.required_states or (submitted and one.required))
        and extra.get(one.code) in (None, "", [])
    ]


def _key(code: str) -> str:
    return definitions.PREFIX + definitions.name_of(code)


def _by_key(fields: Sequence[Defined], key: str) -> Defined:
    return next(one for one in fields if one.key == key)


def _take(
    actor: Actor, appeal: Appeal, fields: Sequence[Defined], sent: Mapping[str, object]
) -> dict[str, Any]:
    # In which states a field is shown was settled by the form; the step itself leads to another one.
    known = [one for one in fields if one.key in sent and field_values.may_read(actor, one)]
    if sent:
        old = appeal.extra or {}
        given = [replace(one, required=False, required_states=frozenset()) for one in known]
        cleaned = field_values.clean(given, sent, actor=actor, old=old, channel_class=appeal.channel_class)
        if cleaned:
            appeal.extra = field_values.written(old, cleaned)
            db.session.flush()  # a draft that is only being made has no id before
            field_files.claim_in(actor, known, appeal.id, cleaned, appeal_id=appeal.id)
            return {_key(code): value for code, value in cleaned.items()}
    return {}


def _asked(values: Mapping[str, object]) -> Sequence[Defined]:
    known = {one.key: one for one in definitions.current().of("appeal")}
    unknown = [key for key in values if key not in known or known[key].is_computed]
    if unknown:
        raise FieldErrors(FieldProblem(key, "cell.read-only") for key in unknown)
    return [known[key] for key in values]


def may_write(actor: Actor, appeal: Appeal, one: Defined) -> bool:
    """Whether this person may fill in the field on this appeal now."""
    try:
        _allowed(actor, appeal, [one], None)
    except (Refused, FieldErrors):
        return False
    return True


def _allowed(actor: Actor, appeal: Appeal, fields: Sequence[Defined], post_id: int | None) -> Grant:
    """The grant under which every one of the fields may be written. Raises Refused and FieldErrors."""
    facts = access.row_facts(appeal)
    every = [g for code in WRITING for g in actor.grants.covering(code, facts)]
    grants = [g for g in every if post_id in (None, g.post_id)]
    posts = {one for one in actor.grants.post_ids if post_id in (None, one)}
    for one in fields:
        if not field_values.may_read(actor, one):
            raise FieldErrors([FieldProblem(one.key, "cell.read-only")])
        if one.writers and not posts & one.writers:
            is_other = bool(one.writers & set(actor.grants.post_ids))
            raise FieldErrors([FieldProblem(one.key, "access.other-post" if is_other else "access.not-granted")])
        if not one.writers and not grants:
            raise Refused("access.other-post" if every else "access.not-granted", {"capability": "record"})
    writers = frozenset.union(frozenset(), *(one.writers for one in fields))
    own = [g for g in actor.grants.grants if g.post_id in posts & writers]
    fitting = [g for g in grants if g.post_id in writers] if writers else grants
    return next(iter(fitting or own or grants), Grant("", Scope.ALL))
