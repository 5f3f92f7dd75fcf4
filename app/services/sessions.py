"""Signed-in browsers: a row per login, without which a cookie opens nothing.

The cookie carries a random token, the row its digest, so neither a stolen table nor a replayed cookie of an
ended session is of use. Ending a session takes effect at the next request.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Select, bindparam, select, true, update

from app.models import Account, LoginSession, Person, db
from app.rules import sessions as rules
from app.rules.errors import NotFound, Refused
from app.services import audit, present, versions
from app.services.actors import Actor
from app.services.transaction import transaction


@dataclass(frozen=True)
class Origin:
    """Where a login comes from."""

    ip: str = ""
    user_agent: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Signed:
    """A live session with its account and user rows."""

    user: User
    account: Account
    session: LoginSession

    @property
    def is_fresh(self) -> bool:
        """Whether the password was typed within the last quarter of an hour."""
        return rules.is_fresh(_moments(self.session), present.now(), limits())


@dataclass(frozen=True)
class Line:
    """A live session as its owner sees it."""

    id: str
    began_at: datetime
    last_seen_at: datetime
    ip: str
    user_agent: str
    is_this: bool


def limits() -> rules.Limits:
    """The limits of the installation, in minutes in its settings."""
    config = current_app.config
    return rules.Limits(
        idle=timedelta(minutes=config["SESSION_IDLE_MINUTES"]),
        absolute=timedelta(minutes=config["SESSION_ABSOLUTE_MINUTES"]),
        fresh=timedelta(minutes=config["SESSION_FRESH_MINUTES"]),
    )


def current(token: str) -> Signed | None:
    """The live session of a cookie's token, in one statement; None if unknown, ended, idle or too old."""
    row = db.session.execute(_current(), {"digest": digest(token)}).one_or_none()
    if row is None:
        return None
    session, account, user, *numbers = row
    versions.seen(*numbers)
    if account.demo and not current_app.config["DEMO"]:
        return None
    return Signed(user, account, session) if _is_live(session) else None


@cache
def _current() -> Select[Any]:
    numbers = versions.statement().subquery()
    return (
        select(LoginSession, Account, User, numbers.c.definitions, numbers.c.staffing)
        .join(Account, Account.user_id == LoginSession.user_id)
        .join(User, User.id == LoginSession.user_id)
        .outerjoin(Person, Person.id == Account.person_id)
        .join(numbers, true())
        .where(LoginSession.id == bindparam("digest"), User.active, Person.active.is_not(False))
    )


def touch(signed: Signed) -> None:
    """Write the moment last seen, at most once a minute; a poll of the page does not call it."""
    now = present.now()
    if rules.needs_touch(_moments(signed.session), now):
        with transaction():
            db.session.execute(
                update(LoginSession)
                .where(LoginSession.id == signed.session.id, LoginSession.revoked_at.is_(None))
                .values(last_seen_at=now)
            )


def begin(user_id: int, origin: Origin) -> str:
    """Open a session inside the open transaction and return its token; the oldest above the limit end.

    The caller holds the lock on the account, so two logins at once cannot both slip under the limit.
    """
    live = _live_rows(user_id)
    allowed: int = current_app.config["SESSION_MAX_PARALLEL"]
    for row in live[: max(0, len(live) - allowed + 1)]:
        row.revoked_at = present.now()
    return _insert(user_id, origin, began_at=present.now())


def rotate(signed: Signed, origin: Origin, *, alone: bool = False) -> str:
    """Exchange the session for a new one with a fresh password, inside the open transaction; its token.

    The moment of the login stays, so that typing the password again does not stretch the absolute limit. With
    `alone` all other sessions of the user end too. Raises Refused("session.ended") when somebody ended this
    one in the meantime: then no new one may grow out of it.
    """
    row = db.session.get(LoginSession, signed.session.id, with_for_update=True, populate_existing=True)
    if row is None or not _is_live(row):
        raise Refused("session.ended")
    if alone:
        end_all(row.user_id)
    row.revoked_at = present.now()
    return _insert(row.user_id, origin, began_at=row.created_at)


def end_all(user_id: int) -> int:
    """End every session of a user inside the open transaction; how many were open."""
    ended = db.session.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
        .values(revoked_at=present.now())
        .returning(LoginSession.id)
    )
    return len(ended.all())


def sign_out(actor: Actor, token: str) -> None:
    """End the session of this token; signing out twice is harmless."""
    with transaction():
        row = db.session.get(LoginSession, digest(token), with_for_update=True)
        if row is not None and row.revoked_at is None:
            row.revoked_at = present.now()
            audit.record(actor, "logout", object_type="session", object_id=row.id[:12])


def listed(user_id: int, token: str = "") -> list[Line]:
    """The live sessions of a user, the latest first; `token` tells which of them is asking."""
    this = digest(token) if token else ""
    return [
        Line(row.id, row.created_at, row.last_seen_at, row.ip, row.user_agent, row.id == this)
        for row in reversed(_live_rows(user_id))
    ]


def end(actor: Actor, session_id: str) -> None:
    """End one session: one's own, or anybody's for the security officer.

    Raises NotFound("session.unknown") for another person's session as for one that does not exist.
    """
    with transaction():
        row = db.session.get(LoginSession, session_id, with_for_update=True)
        if row is None or not (row.user_id == actor.user_id or actor.grants.can("security")):
            raise NotFound("session.unknown")
        if row.revoked_at is None:
            row.revoked_at = present.now()
            audit.record(
                actor,
                "session.ended",
                object_type="user",
                object_id=row.user_id,
                detail={"session": row.id[:12]},
            )


def end_others(actor: Actor, token: str) -> int:
    """End all of one's own sessions but this one; how many ended."""
    with transaction():
        others = [row for row in _live_rows(actor.user_id or 0) if row.id != digest(token)]
        for row in others:
            row.revoked_at = present.now()
        if others:
            audit.record(
                actor,
                "session.ended",
                object_type="user",
                object_id=actor.user_id or "",
                detail={"sessions": len(others)},
            )
    return len(others)


def digest(token: str) -> str:
    """What the table holds instead of the token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _insert(user_id: int, origin: Origin, *, began_at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    now = present.now()
    db.session.add(
        LoginSession(
            id=digest(token),
            user_id=user_id,
            created_at=began_at,
            last_seen_at=now,
            fresh_at=now,
            ip=origin.ip[:45],
            user_agent=origin.user_agent[:200],
        )
    )
    return token


def _live_rows(user_id: int) -> Sequence[LoginSession]:
    """The live sessions of a user, oldest first."""
    now, bounds = present.now(), limits()
    rows: Sequence[LoginSession] = db.session.scalars(
        select(LoginSession)
        .where(
            LoginSession.user_id == user_id,
            LoginSession.revoked_at.is_(None),
            LoginSession.last_seen_at > now - bounds.idle,
            LoginSession.created_at > now - bounds.absolute,
        )
        .order_by(LoginSession.created_at, LoginSession.id)
    ).all()
    return rows


def _is_live(session: LoginSession) -> bool:
    return rules.is_live(_moments(session), present.now(), limits())


def _moments(session: LoginSession) -> rules.Moments:
    return rules.Moments(session.created_at, session.last_seen_at, session.fresh_at, session.revoked_at)
