"""Taking an appeal in (R3): the draft, its collection clock, its submission."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app.models import Appeal, Journal, db
from app.rules import fields as dirt
from app.rules import intake as rules
from app.rules.errors import FieldErrors, FieldProblem, Invalid, Refused
from app.rules.grants import Grant, RowFacts
from app.services import access, appeal_fields, attachments, clocks, journal, workflow
from app.services.actors import Actor
from app.services.grants import standing_of
from app.services.sheet import missing_fields, write_sheet
from app.services.transaction import transaction
from app.services.workflow_step import snapshot


def take_in(
    actor: Actor,
    channel_class: str,
    data: Mapping[str, object],
    *,
    submit: bool,
    request_key: str | None = None,
    post_id: int | None = None,
    despite: bool = False,
    scan_of: int | None = None,
) -> workflow.Outcome:
    """Take an appeal in as a draft, and submit it at once when asked; its collection clock runs from receipt (R3).

    `scan_of` is an appeal whose scan holds this letter too. Raises Refused without the collecting post of the class,
    FieldErrors for the sheet; among them, unless `despite`, the warning that a number of the petition office was taken
    in before.
    """
    with appeal_fields.at_fields(), transaction():
        grant = _collecting_grant(actor, channel_class, post_id)
        if (done := _repeated(request_key)) is not None:
            return done
        if not despite:
            _warn_of_known_number(actor, channel_class, data)
        return begin(actor, grant, channel_class, data, submit=submit, request_key=request_key, scan_of=scan_of)


def keep(
    actor: Actor,
    channel_class: str,
    data: Mapping[str, object],
    *,
    opened_at: datetime,
    request_key: str | None = None,
) -> workflow.Outcome:
    """Keep what somebody typed into a form that he opened while acting and sends after his shift ended, as a draft.

    It is the draft of whoever collects the class now. Raises Refused when he did not collect it then either.
    """
    with transaction():
        if (done := _repeated(request_key)) is not None:
            return done
        then = standing_of(actor.user_id or 0, opened_at)
        grants = then.grants.covering("collect", RowFacts(channel_class)) if then else ()
        if not grants:
            raise Refused("access.not-granted", {"capability": "collect"})
        return begin(actor, grants[0], channel_class, data, submit=False, request_key=request_key)


def begin(
    actor: Actor,
    grant: Grant,
    channel_class: str,
    data: Mapping[str, object],
    *,
    submit: bool,
    request_key: str | None = None,
    fictional: bool = False,
    scan_of: int | None = None,
) -> workflow.Outcome:
    """`take_in` inside a transaction that the caller opened, under a grant he found."""
    appeal = Appeal(
        channel_class=channel_class, state="draft", created_by_id=actor.person_id, fictional=fictional
    )
    write_sheet(appeal, data)
    if not appeal.subject and not appeal.body:
        # A draft of nothing could only run overdue.
        raise FieldErrors([FieldProblem("subject", "field.required")])
    if submit and (empty := missing_fields(appeal, data)):
        raise FieldErrors(FieldProblem(name, "field.required") for name in empty)
    extra = appeal_fields.begin_in(actor, appeal, data)
    db.session.add(appeal)
    limit = clocks.limit_for("collection", channel_class=channel_class)
    clocks.start(appeal, "collection", limit, started_at=appeal.received_at, post_id=grant.post_id)
    db.session.flush()
    files = attachments.claim_in(
        actor, _files(data), appeal.id, purpose="take_in", post_id=grant.post_id
    )
    if scan_of is not None:
        files += attachments.copy_in(actor, scan_of, appeal.id, purpose="take_in", post_id=grant.post_id)
    new = snapshot(appeal) | extra
    if files:
        new["attachments"] = attachments.remembered(files)
    journal.write(
        actor,
        "take_in",
        "appeal",
        appeal.id,
        appeal_id=appeal.id,
        post_id=grant.post_id,
        role=grant.role,
        new=new,
        request_key=request_key,
    )
    if submit:
        # Its files are the appeal's by now: they stand in the row above, once.
        data = {name: value for name, value in data.items() if name != "attachments" and name not in extra}
        return workflow.step(actor, appeal.id, "submit", data, version=None, post_id=grant.post_id)
    return workflow.Outcome(appeal.id, "take_in", appeal.state, None, appeal.version)


def _files(data: Mapping[str, object]) -> tuple[int, ...]:
    given = data.get("attachments")
    return given if isinstance(given, tuple) else ()


def _warn_of_known_number(actor: Actor, channel_class: str, data: Mapping[str, object]) -> None:
    number = dirt.clean_text(str(data.get("petition_number") or ""))
    if channel_class != "E" or not number:
        return
    stored = Appeal.intake["petition_number"].astext
    # Written out although it follows: the index holds appeals with a number only.
    query = access.appeals_for(actor).where(stored == number, stored != "").order_by(Appeal.id.desc()).limit(1)
    if (known := db.session.scalars(query).first()) is not None:
        data = {"number": number, "appeal": known.number or known.subject}
        raise FieldErrors([FieldProblem("petition_number", "intake.petition-known", data)])


def just_saved(actor: Actor, appeal_id: int, channel_class: str) -> Appeal | None:
    """The appeal this person took in a moment ago, if it is his and of the class."""
    query = access.appeals_for(actor).where(Appeal.id == appeal_id, Appeal.channel_class == channel_class)
    return db.session.scalars(query.where(Appeal.created_by_id == actor.person_id)).one_or_none()


def repeated(appeal: Appeal) -> dict[str, Any]:
    """What the next form of a row of them starts with: where it came from, never whose it is."""
    values: dict[str, Any] = {**appeal.intake, "channel": appeal.channel.code if appeal.channel else None}
    values |= {"received_at": appeal.received_at, "place": appeal.place}
    return {name: values[name] for name in rules.REPEATED[appeal.channel_class] if values.get(name)}


def _collecting_grant(actor: Actor, channel_class: str, post_id: int | None) -> Grant:
    if channel_class not in rules.SPECIFIC:
        raise Invalid("intake.unknown-class", {"class": channel_class})
    for grant in actor.grants.covering("collect", RowFacts(channel_class)):
        if post_id is None or grant.post_id == post_id:
            return grant
    raise Refused("access.not-granted", {"capability": "collect"})


def _repeated(request_key: str | None) -> workflow.Outcome | None:
    """What a form that was sent before did. The same form sent twice at one instant waits here for the first."""
    if request_key is None:
        return None
    key = func.hashtextextended(request_key, 0)
    db.session.execute(select(func.pg_advisory_xact_lock(key)))
    query = select(Appeal).join(Journal, Journal.appeal_id == Appeal.id)
    known = db.session.scalars(query.where(Journal.request_key == request_key)).first()
    if known is None:
        return None
    return workflow.Outcome(known.id, "take_in", known.state, known.number, known.version, is_repeat=True)
