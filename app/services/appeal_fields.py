"""Fields made at run time on an appeal, written from the grid: by whom, on which appeals, with one journal row.

The fields the workflow knows are written by its steps alone (app/services/workflow.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.models import Appeal
from app.rules.errors import Conflict, FieldErrors, FieldProblem, Refused
from app.rules.grants import CAPABILITIES, Grant, Scope
from app.services import access, definitions, field_values, journal, present
from app.services.actors import Actor
from app.services.definitions import Defined

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
    actor: Actor, appeal_id: int, values: Mapping[str, object], *, version: int | None, post_id: int | None = None
) -> Appeal:
    """Write fields, named as the grid names them, inside the open transaction of the caller; the appeal.

    A write that changes nothing writes nothing. Raises NotFound for an appeal out of sight, Conflict("appeal.stale"),
    Refused("access.not-granted") for who may not write a field, Refused("appeal.ended") and Refused("appeal.held"),
    FieldErrors with each problem at its field.
    """
    appeal = access.access_appeal(actor, appeal_id, for_update=True)
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
    journal.write(
        actor,
        "fill_in",
        "appeal",
        appeal.id,
        appeal_id=appeal.id,
        post_id=grant.post_id,
        role=grant.role,
        old={definitions.PREFIX + code: before.get(code) for code in changed},
        new={definitions.PREFIX + code: after.get(code) for code in changed},
    )
    return appeal


def _asked(values: Mapping[str, object]) -> Sequence[Defined]:
    known = {one.key: one for one in definitions.current().of("appeal")}
    unknown = [key for key in values if key not in known or known[key].is_computed]
    if unknown:
        raise FieldErrors(FieldProblem(key, "cell.read-only") for key in unknown)
    return [known[key] for key in values]


def _allowed(actor: Actor, appeal: Appeal, fields: Sequence[Defined], post_id: int | None) -> Grant:
    """The grant under which every one of the fields may be written. Raises Refused and FieldErrors."""
    facts = access.row_facts(appeal)
    grants = [g for code in WRITING for g in actor.grants.covering(code, facts) if post_id in (None, g.post_id)]
    posts = {one for one in actor.grants.post_ids if post_id in (None, one)}
    for one in fields:
        if one.readers and not set(actor.grants.post_ids) & one.readers:
            raise FieldErrors([FieldProblem(one.key, "cell.read-only")])
        if one.writers and not posts & one.writers:
            raise FieldErrors([FieldProblem(one.key, "access.not-granted")])
        if not one.writers and not grants:
            raise Refused("access.not-granted", {"capability": "record"})
    writers = frozenset.union(frozenset(), *(one.writers for one in fields))
    own = [g for g in actor.grants.grants if g.post_id in posts & writers]
    fitting = [g for g in grants if g.post_id in writers] if writers else grants
    return next(iter(fitting or own or grants), Grant("", Scope.ALL))
