"""Tokens with which other programs call the API: made by a person for himself, for one of his posts or for all he does.

A token is no more than its person is at the moment it is used: who no longer acts for the post, or whose account is
shut, has a token that opens nothing. Only a digest of its secret is kept. Officers have none: what they may do is
asked of a person who sits there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Select, bindparam, func, select, true, update
from sqlalchemy.orm import joinedload

from app.models import Account, ApiToken, ChangeSet, Person, SheetFile, Task, db
from app.rules.errors import FieldErrors, FieldProblem, NotFound, Refused
from app.rules.fields import clean_text
from app.rules.grants import GrantSet
from app.services import assumptions, audit, present, versions
from app.services.actors import Actor
from app.services.grants import Standing
from app.services.transaction import transaction

MARK = "mszt"
USUAL_DAYS, MOST = 180, 20
TOUCH_EVERY = timedelta(minutes=1)
NAME = 80


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever a token of this request stands for, and how far it goes."""

    token_id: int
    user: User
    post_id: int | None
    can_write: bool
    sheets: frozenset[str]
    used_at: datetime | None

    def reaches(self, code: str) -> bool:
        """Whether the token opens the sheet of that code; what its person may read there, the sheet decides."""
        return not self.sheets or code in self.sheets


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new token is to be."""

    name: str
    post_id: int | None
    can_write: bool
    sheets: tuple[str, ...]
    days: int


def most_days() -> int:
    """How long a token lasts at most: the assumption `api_token_days`."""
    return assumptions.whole(assumptions.value("api_token_days"), USUAL_DAYS)


def make(actor: Actor, wanted: Wanted, known: Collection[str]) -> tuple[ApiToken, str]:
    """A new token and its text, which is never shown again. `known` are the sheets he may open.

    The caller has asked for a fresh login. Raises FieldErrors, Refused("token.officer", "token.too-many").
    """
    if actor.person_id is None:
        raise Refused("token.officer")
    name = clean_text(wanted.name).strip()[:NAME]
    problems = [] if name else [FieldProblem("name", "field.required")]
    if wanted.post_id is not None and wanted.post_id not in actor.grants.post_ids:
        problems.append(FieldProblem("post", "field.choice", {"value": ""}))
    if not set(wanted.sheets) <= set(known):
        problems.append(FieldProblem("sheets", "field.choice", {"value": ""}))
    most = most_days()
    if not 1 <= wanted.days <= most:
        problems.append(FieldProblem("days", "token.days", {"most": most}))
    if problems:
        raise FieldErrors(problems)
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with transaction():
        if len(_alive(actor.user_id)) >= MOST:
            raise Refused("token.too-many", {"most": MOST})
        row = ApiToken(
            user_id=actor.user_id, post_id=wanted.post_id, name=name, prefix=prefix, digest=_digest(secret),
            can_write=wanted.can_write, sheets=sorted(set(wanted.sheets)),
            expires_at=present.now() + timedelta(days=wanted.days),
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        detail = {"post": wanted.post_id, "write": wanted.can_write, "sheets": row.sheets, "days": wanted.days}
        audit.record(actor, "token.make", object_type="token", object_id=row.id, detail=detail)
    return row, f"{MARK}_{prefix}_{secret}"


def mine(actor: Actor) -> Sequence[ApiToken]:
    """One's own tokens, the latest first, ended ones too."""
    query = select(ApiToken).where(ApiToken.user_id == actor.user_id).options(joinedload(ApiToken.post))
    return db.session.scalars(query.order_by(ApiToken.id.desc()).limit(100)).all()


def everybodys(actor: Actor) -> Sequence[Any]:
    """(token, user) of all tokens that still open something, for the security officer. Raises Refused."""
    if not actor.grants.can("security"):
        raise Refused("access.not-granted")
    query = (
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.revoked_at.is_(None), ApiToken.expires_at > present.now())
        .options(joinedload(ApiToken.post))
        .order_by(ApiToken.id.desc())
        .limit(500)
    )
    return db.session.execute(query).all()


def revoke(actor: Actor, token_id: int) -> None:
    """End a token of one's own at once; the security officer ends anybody's. Raises NotFound("token.unknown")."""
    with transaction():
        row = db.session.get(ApiToken, token_id, with_for_update=True)
        if row is None or (row.user_id != actor.user_id and not actor.grants.can("security")):
            raise NotFound("token.unknown", {"id": token_id})
        if row.revoked_at is None:
            row.revoked_at = present.now()
            audit.record(actor, "token.revoke", object_type="token", object_id=row.id, detail={"user": row.user_id})


# --- a request with a token -------------------------------------------------------------------------------------------


def bearer_of(text: str) -> Bearer | None:
    """Whom a token stands for, in one statement; None for one that opens nothing (any more)."""
    mark, _, rest = text.partition("_")
    prefix, _, secret = rest.partition("_")
    if mark != MARK or len(prefix) != 12 or not secret:
        return None
    row = db.session.execute(_known(), {"prefix": prefix}).one_or_none()
    if row is None:
        return None
    token, user, *numbers = row
    versions.seen(*numbers)
    now = present.now()
    if not hmac.compare_digest(token.digest, _digest(secret)) or token.revoked_at or token.expires_at <= now:
        return None
    return Bearer(token.id, user, token.post_id, token.can_write, frozenset(token.sheets), token.used_at)


@cache
def _known() -> Select[Any]:
    numbers = versions.statement().subquery()
    return (
        select(ApiToken, User, numbers.c.definitions, numbers.c.staffing)
        .join(Account, Account.user_id == ApiToken.user_id)
        .join(User, User.id == ApiToken.user_id)
        .join(Person, Person.id == Account.person_id)
        .join(numbers, true())
        .where(ApiToken.prefix == bindparam("prefix"), User.active, Person.active)
    )


def restricted(standing: Standing, post_id: int | None) -> Standing | None:
    """What of a standing one post alone gives; None while its person does not act for the post."""
    if post_id is None:
        return standing
    posts = tuple(one for one in standing.posts if one.id == post_id)
    if not posts:
        return None
    own = tuple(one for one in standing.grants.grants if one.post_id == post_id and one.capability != "oversee")
    granted = GrantSet(own)
    return replace(
        standing, grants=granted, pairs=standing.pairs & granted.permission_pairs(), posts=posts, standby=(),
        overseen=(), units=(), sections=(), portfolios=(), officer=None,
    )  # fmt: skip


def reaches_task(bearer: Bearer, task_id: int) -> bool:
    """Whether a task is its person's, works on a sheet that the token opens, and was asked for under its post."""
    query = (
        select(
            func.coalesce(ChangeSet.sheet, SheetFile.sheet),
            func.coalesce(ChangeSet.spec["only_post"].as_integer(), SheetFile.spec["only_post"].as_integer()),
        )
        .select_from(Task)
        .outerjoin(ChangeSet, (Task.kind == "bulk_edit") & (ChangeSet.id == Task.subject_id))
        .outerjoin(SheetFile, (Task.kind == "sheet_import") & (SheetFile.id == Task.subject_id))
        .where(Task.id == task_id, Task.requested_by_id == bearer.user.id)
    )
    found = db.session.execute(query).one_or_none()
    if found is None or found[0] is None:
        return False
    return bearer.reaches(found[0]) and bearer.post_id in (None, found[1])


def touch(bearer: Bearer) -> None:
    """Write when the token was used last, at most once a minute."""
    now = present.now()
    if bearer.used_at is not None and now - bearer.used_at < TOUCH_EVERY:
        return
    with transaction():
        db.session.execute(update(ApiToken).where(ApiToken.id == bearer.token_id).values(used_at=now))


def _alive(user_id: int | None) -> Sequence[int]:
    query = select(ApiToken.id).where(
        ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > present.now()
    )
    return db.session.scalars(query).all()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
