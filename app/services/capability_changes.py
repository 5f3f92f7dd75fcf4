"""What a post may do changes only when the security officer agrees (SECURITY.md section 4, rows 18 to 20).

The posts form writes every other field at once and files what was asked for here. Until it is confirmed the post keeps
its rights, a new post has none. Asking, confirming, refusing and withdrawing are rows of journal and audit trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.models import CapabilityChange, Post, Unit, db
from app.rules import grants as rules
from app.rules.errors import Conflict, NotFound, Refused
from app.services import access, audit, grants, journal, present
from app.services.actors import Actor
from app.services.sheet_rows import Draft
from app.services.transaction import transaction

HELD = ("capabilities", "scope", "channel_class")
READERS = ("security", "system", "audit")
LATEST = 20


@dataclass(frozen=True, slots=True)
class Rights:
    """What of a post's row decides about rights. The office counts where the scope is the office's."""

    capabilities: tuple[str, ...]
    scope: str
    channel_class: str | None
    office_id: int

    @classmethod
    def of(cls, post: Post) -> Rights:
        """The rights a post has."""
        return cls(tuple(post.capabilities), post.scope, post.channel_class, post.office_id)

    @classmethod
    def entered(cls, values: Mapping[str, Any]) -> Rights:
        """The rights that a row of the posts form would have."""
        return cls(
            tuple(values["capabilities"]), values["scope"], values["channel_class"] or None, values["office"]
        )

    @classmethod
    def stored(cls, kept: Mapping[str, Any]) -> Rights:
        """The rights as a change keeps them."""
        return cls(tuple(kept["capabilities"]), kept["scope"], kept["channel_class"], kept["office_id"])

    def kept(self) -> dict[str, Any]:
        """The rights as a change keeps them."""
        return {
            "capabilities": list(self.capabilities),
            "scope": self.scope,
            "channel_class": self.channel_class,
            "office_id": self.office_id,
        }

    def duty(self, post_id: int) -> rules.PostDuty:
        """The rights as the rules of grants see them."""
        return rules.PostDuty(
            post_id, self.capabilities, rules.Scope(self.scope), self.office_id, self.channel_class
        )

    def is_like(self, other: Rights) -> bool:
        """Whether both allow the same: a post that may do nothing is like any other such."""
        if not self.capabilities and not other.capabilities:
            return True
        mine, its = (
            (set(one.capabilities), one.scope, one.channel_class, one.office_id if one._is_by_office else None)
            for one in (self, other)
        )
        return mine == its

    @property
    def _is_by_office(self) -> bool:
        return self.scope in (rules.Scope.OWN_OFFICE, rules.Scope.OWN_UNIT)


# --- asking -------------------------------------------------------------------------------------------------


def hold_back(draft: Draft) -> None:
    """Keep the rights of a post on its way in as they are, and have what was asked for filed with the row.

    Puts "capability-change.pending" at the field when another change of this post waits already; asking for the same
    once more asks for nothing.
    """
    asked = Rights.entered(draft.values)
    has = Rights((), asked.scope, asked.channel_class, asked.office_id) if draft.is_new else Rights.entered(draft.old)
    if asked.is_like(has):
        return
    draft.values.update(capabilities=list(has.capabilities), scope=has.scope, channel_class=has.channel_class)
    if asked._is_by_office or has._is_by_office:
        draft.values["office"] = has.office_id
    known = None if draft.is_new else pending_of(draft.row.id)
    if known is not None and not Rights.stored(known.after).is_like(asked):
        draft.wrong("capabilities", "capability-change.pending")
    elif known is None:
        draft.held_back = (has, asked)
        draft.after_write.append(_file)


def _file(actor: Actor, draft: Draft) -> None:
    _has, asked = draft.held_back
    post = draft.row
    # The row as it is now: other fields were written a moment ago.
    change = CapabilityChange(
        post_id=post.id,
        before=Rights.of(post).kept(),
        after=asked.kept(),
        reason=draft.reason[:200],
        requested_by_id=actor.user_id,
        requested_at=present.now(),
    )
    db.session.add(change)
    db.session.flush()
    _trace(actor, change, "request", "right.requested", reason=change.reason)


def withdraw(actor: Actor, change_id: int) -> bool:
    """Take a request back, as system officer; False when it was taken back already.

    Raises Refused("access.not-granted"), NotFound and Conflict("capability-change.decided").
    """
    access.require_anywhere(actor, "system")
    with transaction():
        change, _post = _locked(change_id)
        return _decide(actor, change, "withdrawn", "withdraw", "right.withdrawn")


# --- deciding -----------------------------------------------------------------------------------------------


def confirm(actor: Actor, change_id: int, *, seen: int) -> bool:
    """Give the post what was asked for, as security officer: fields, role, journal and audit in one transaction.

    `seen` is the version of the post that the preview was computed from. False when it was confirmed already.
    Raises Refused("access.not-granted") for anybody else, Refused("capability-change.own") for the person who asked,
    Conflict("capability-change.decided") and Conflict("capability-change.moved") when the post changed since.
    """
    access.require_anywhere(actor, "security")
    with transaction():
        change, post = _locked(change_id)
        if change.requested_by_id == actor.user_id:
            raise Refused("capability-change.own")
        return _confirm(actor, change, post, seen, demonstration=False)


def demonstrate(actor: Actor, change_id: int, *, seen: int) -> bool:
    """`confirm` by the system officer himself, in the demonstration only, and recorded as such.

    Raises Refused("capability-change.demo-off") outside it.
    """
    access.require_anywhere(actor, "system")
    if not current_app.config.get("DEMO"):
        raise Refused("capability-change.demo-off")
    with transaction():
        change, post = _locked(change_id)
        return _confirm(actor, change, post, seen, demonstration=True)


def refuse(actor: Actor, change_id: int, remark: str) -> bool:
    """Leave the post as it is, as security officer, and say why; False when it was refused already."""
    access.require_anywhere(actor, "security")
    with transaction():
        change, _post = _locked(change_id)
        if change.requested_by_id == actor.user_id:
            raise Refused("capability-change.own")
        return _decide(actor, change, "refused", "refuse", "right.refused", remark=remark.strip()[:200])


def _confirm(actor: Actor, change: CapabilityChange, post: Post, seen: int, *, demonstration: bool) -> bool:
    if change.state == "confirmed":
        return False
    has, asked = Rights.of(post), Rights.stored(change.after)
    if change.state == "pending" and (seen != post.version or not has.is_like(Rights.stored(change.before))):
        raise Conflict("capability-change.moved")
    if change.state == "pending" and not post.active:
        raise Conflict("capability-change.retired")
    done = _decide(actor, change, "confirmed", "confirm", "right.change", demonstration=demonstration)
    rules.checked(asked.duty(post.id))
    old, new = _differing(post, asked)
    post.capabilities, post.scope, post.channel_class = list(asked.capabilities), asked.scope, asked.channel_class
    post.office_id = asked.office_id if asked.office_id != change.before["office_id"] else post.office_id
    journal.write(actor, "edit", "post", post.id, old=old, new=new, reason=change.reason)
    db.session.flush()
    grants.regenerate_roles()
    return done


def _differing(post: Post, asked: Rights) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of the post that change, for its history; the office by its code, as the form writes it."""
    has, gets = Rights.of(post).kept(), asked.kept()
    names = [name for name in HELD if has[name] != gets[name]]
    old, new = ({name: one[name] for name in names} for one in (has, gets))
    if has["office_id"] != gets["office_id"]:
        codes: dict[int, str] = dict(
            db.session.execute(
                select(Unit.id, Unit.code).where(Unit.id.in_([has["office_id"], gets["office_id"]]))
            ).all()
        )
        old["office"], new["office"] = codes[has["office_id"]], codes[gets["office_id"]]
    return old, new


def _decide(
    actor: Actor,
    change: CapabilityChange,
    state: str,
    action: str,
    event: str,
    *,
    remark: str = "",
    demonstration: bool = False,
) -> bool:
    if change.state == state:
        return False
    if change.state != "pending":
        raise Conflict("capability-change.decided")
    change.state, change.remark = state, remark
    change.decided_by_id, change.decided_at = actor.user_id, present.now()
    _trace(actor, change, action, event, reason=remark, demonstration=demonstration)
    return True


def _trace(
    actor: Actor,
    change: CapabilityChange,
    action: str,
    event: str,
    *,
    reason: str = "",
    demonstration: bool = False,
) -> None:
    before, after = Rights.stored(change.before), Rights.stored(change.after)
    journal.write(
        actor, action, "capability_change", change.id, old=change.before, new=change.after, reason=reason
    )
    detail = {
        "change": change.id,
        "action": action,
        "gained": sorted(set(after.capabilities) - set(before.capabilities)),
        "lost": sorted(set(before.capabilities) - set(after.capabilities)),
        "scope": [before.scope, after.scope],
        "class": [before.channel_class, after.channel_class],
    }
    if demonstration:
        detail["demonstration"] = True
    audit.record(actor, event, object_type="post", object_id=change.post_id, detail=detail)


def _locked(change_id: int) -> tuple[CapabilityChange, Post]:
    """The change and its post; the post first, as the form locks it."""
    post_id = db.session.scalar(select(CapabilityChange.post_id).where(CapabilityChange.id == change_id))
    if post_id is None:
        raise NotFound("capability-change.unknown", {"id": change_id})
    post = db.session.get_one(Post, post_id, with_for_update=True, populate_existing=True)
    return db.session.get_one(CapabilityChange, change_id, with_for_update=True, populate_existing=True), post


# --- reading ------------------------------------------------------------------------------------------------


def pending_of(post_id: int) -> CapabilityChange | None:
    """What waits for this post."""
    query = select(CapabilityChange).where(CapabilityChange.post_id == post_id, CapabilityChange.state == "pending")
    return db.session.scalars(query).one_or_none()


def pending() -> dict[int, CapabilityChange]:
    """What waits, by post."""
    query = select(CapabilityChange).where(CapabilityChange.state == "pending")
    return {change.post_id: change for change in db.session.scalars(query)}


def listed(actor: Actor) -> list[CapabilityChange]:
    """What waits, oldest first, then what was decided last. Raises Refused("access.not-granted")."""
    access.require_anywhere(actor, *READERS)
    query = select(CapabilityChange).options(joinedload(CapabilityChange.post))
    waits = query.where(CapabilityChange.state == "pending").order_by(CapabilityChange.id)
    decided = query.where(CapabilityChange.state != "pending").order_by(CapabilityChange.decided_at.desc())
    return [*db.session.scalars(waits), *db.session.scalars(decided.limit(LATEST))]


def access_change(actor: Actor, change_id: int) -> CapabilityChange:
    """One change with its post. Raises Refused("access.not-granted"), NotFound("capability-change.unknown")."""
    access.require_anywhere(actor, *READERS)
    query = select(CapabilityChange).where(CapabilityChange.id == change_id)
    found = db.session.scalars(query.options(joinedload(CapabilityChange.post))).one_or_none()
    if found is None:
        raise NotFound("capability-change.unknown", {"id": change_id})
    return found


def access_post(actor: Actor, post_id: int) -> Post:
    """A post, for the officers. Raises Refused("access.not-granted"), NotFound("row.unknown")."""
    access.require_anywhere(actor, *READERS)
    found = db.session.get(Post, post_id)
    if found is None:
        raise NotFound("row.unknown", {"id": post_id})
    return found


def acting_post(post: Post, rights: Rights) -> grants.ActingPost:
    """The post as its holder's desk shows it, with these rights instead of its own."""
    return grants.ActingPost(
        post.id,
        post.code,
        post.number,
        post.name,
        post.name_en,
        rights.channel_class,
        rights.capabilities,
        "A",
        "a_acts",
        post.filled_by_duty,
    )


def was_demonstration(change: CapabilityChange) -> bool:
    """Whether the person who asked confirmed it himself, which only the demonstration allows."""
    return change.state == "confirmed" and change.decided_by_id == change.requested_by_id

