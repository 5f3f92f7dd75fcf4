"""Accounts: who may sign in, and everything that happens to a login between invitation and disabling.

Nobody but its owner ever knows a password: the software hands out one-time codes, which open the change page
only. Officers' accounts are reset at the machine (command line), not by another officer on a page.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app.models import Account, LoginSession, Person, db
from app.rules import lockout
from app.rules import passwords as rules
from app.rules.errors import Conflict, Invalid, NotFound, Refused
from app.rules.grants import GrantSet
from app.services import audit, journal, passwords, present, sessions
from app.services.actors import Actor, software
from app.services.sessions import Origin, Signed
from app.services.transaction import transaction

# Login, name and English name of the three officers' accounts, as they are stored.
OFFICER_LOGINS = {
    "system": ("sysadmin", "系统管理员", "System officer"),
    "security": ("secadmin", "安全管理员", "Security officer"),
    "audit": ("auditadmin", "审计管理员", "Audit officer"),
}
_USERNAME = re.compile(r"[\w][\w.@-]{2,63}")


@dataclass(frozen=True)
class SignedIn:
    """A login that succeeded: the token goes into the cookie and nowhere else."""

    user_id: int
    token: str
    locale: str | None


@dataclass(frozen=True)
class Invitation:
    """A new or reset login; the code is shown once and kept nowhere."""

    username: str
    code: str
    expires_at: datetime


@dataclass(frozen=True)
class Line:
    """One row of the list of accounts; a person without an account has no username."""

    account_id: int | None
    person_id: int | None
    name: str
    name_en: str
    username: str
    officer: str | None
    active: bool
    demo: bool
    must_change: bool
    locked_until: datetime | None
    last_seen_at: datetime | None


# --- signing in --------------------------------------------------------------------------------------------


def sign_in(username: str, password: str, origin: Origin) -> SignedIn | None:
    """Open a session for the right password; None for every other case, which all look and last the same.

    Attempts on one login, known or not, queue behind an advisory lock: however many arrive at once, no more
    passwords are judged than the lock-out allows, and a queue tells nobody whether the login exists.
    """
    login = normalised(username)
    with transaction():
        _queue_for(login)
        user, account = _found(login)
        reason = _judge(user, account, password, origin)
        if reason is not None or user is None or account is None:
            return None
        _forget_failures(account)
        token = sessions.begin(user.id, origin)
        audit.record(_self(user, account, origin), "login", object_type="user", object_id=user.id)
        return SignedIn(user.id, token, account.locale)


def confirm(signed: Signed, password: str, origin: Origin) -> str:
    """Make the session fresh by its password; the token of the session that replaces it.

    Raises Invalid("password.wrong") or Refused("account.locked"), see `_verify`.
    """
    _verify(signed, password, origin, field="password")
    with transaction():
        audit.record(_actor(signed, origin), "login.confirmed", object_type="user", object_id=signed.user.id)
        return sessions.rotate(signed, origin)


def change_password(signed: Signed, old: str, new: str, origin: Origin) -> str:
    """Choose a new password; all other sessions end; the token of the session that replaces this one.

    Raises Invalid("password.wrong") or Refused("account.locked") for the old one, FieldErrors for the new.
    """
    _verify(signed, old, origin, field="old")
    with transaction():
        account = _locked(signed.account.id)
        passwords.choose(account.user, account, new)
        audit.record(
            _actor(signed, origin), "password.changed", object_type="user", object_id=account.user_id
        )
        return sessions.rotate(signed, origin, alone=True)


def choose_language(signed: Signed, locale: str) -> None:
    """Remember the language of the pages. Raises Invalid("account.language")."""
    if locale not in current_app.config["LANGUAGES"]:
        raise Invalid("account.language", field="locale")
    with transaction():
        signed.account.locale = locale


def _verify(signed: Signed, password: str, origin: Origin, *, field: str) -> None:
    """Judge the password of somebody signed in; wrong ones count towards the lock-out.

    Raises Invalid("password.wrong") or Refused("account.locked"). Whoever locks the account from inside is
    not its owner: then all its sessions end.
    """
    with transaction():
        _queue_for(signed.user.username)
        user, account = _found(signed.user.username)
        reason = _judge(user, account, password, origin)
        if account is not None and reason is None:
            _forget_failures(account)
        elif account is not None and reason == "password" and account.locked_until is not None:
            sessions.end_all(account.user_id)
    if reason == "locked":
        raise Refused("account.locked")
    if reason is not None:
        raise Invalid("password.wrong", field=field)


def _judge(user: User | None, account: Account | None, password: str, origin: Origin) -> str | None:
    """None for the right password of an account that may enter, else why not, with tally and audit row."""
    now = present.now()
    locked = account is not None and lockout.is_locked(_tally(account), now)
    right = passwords.matches(None if locked or account is None else user, password)
    if user is None or account is None:
        reason = "unknown"
    elif locked:
        reason = "locked"
    elif not right:
        reason = "password"
        tally = lockout.after_failure(_tally(account), now, _policy())
        account.failed_count, account.last_failed_at, account.locked_until = (
            tally.count,
            tally.latest,
            tally.until,
        )
    elif (barred := _barred(user, account, now)) is None:
        return None
    else:
        reason = barred
    event = "login.locked" if reason == "password" and account and account.locked_until else "login.failed"
    audit.record(
        _self(user, account, origin),
        event,
        result="refused",
        object_type="user" if user is not None else "",
        object_id=user.id if user is not None else "",
        detail={"reason": reason},
    )
    return reason


def _barred(user: User, account: Account, now: datetime) -> str | None:
    if not user.active or (account.person is not None and not account.person.active):
        return "disabled"
    if account.demo and not current_app.config["DEMO"]:
        return "demo"
    if account.code_expires_at is not None and now >= account.code_expires_at:
        return "code-expired"
    return None


def _queue_for(login: str) -> None:
    key = int.from_bytes(hashlib.sha256(b"login:" + login.encode()).digest()[:8], signed=True)
    db.session.execute(select(func.pg_advisory_xact_lock(key)))


def _found(login: str) -> tuple[User | None, Account | None]:
    """The user and account of a login, the account row locked. A user without an account may not enter."""
    row = db.session.execute(
        select(User, Account)
        .join(Account, Account.user_id == User.id)
        .where(User.username == login)
        .with_for_update(of=Account)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return (row[0], row[1]) if row is not None else (None, None)


def _tally(account: Account) -> lockout.Tally:
    return lockout.Tally(account.failed_count, account.last_failed_at, account.locked_until)


def _forget_failures(account: Account) -> None:
    account.failed_count, account.last_failed_at, account.locked_until = 0, None, None


def _policy() -> lockout.Policy:
    config = current_app.config
    return lockout.Policy(
        failures=config["LOCK_FAILURES"],
        window=timedelta(minutes=config["LOCK_WINDOW_MINUTES"]),
        locked=timedelta(minutes=config["LOCK_MINUTES"]),
    )


def _self(user: User | None, account: Account | None, origin: Origin) -> Actor:
    """Somebody at the door: known or not, he holds no grants yet."""
    return Actor(
        user_id=user.id if user is not None else None,
        person_id=account.person_id if account is not None else None,
        grants=GrantSet(),
        ip=origin.ip,
        request_id=origin.request_id,
    )


def _actor(signed: Signed, origin: Origin) -> Actor:
    return _self(signed.user, signed.account, origin)


# --- keeping accounts --------------------------------------------------------------------------------------


def invite(actor: Actor, person_id: int, username: str = "") -> Invitation:
    """Give a person an account and a one-time code, as system officer; the login is his code unless named.

    Raises Refused("account.not-yours"), NotFound("person.unknown"), Conflict("account.exists"),
    Conflict("account.username-taken") and Invalid("account.username").
    """
    _require(actor, "system")
    with transaction():
        person = db.session.get(Person, person_id)
        if person is None or not person.active:
            raise NotFound("person.unknown")
        if db.session.scalar(select(Account.id).where(Account.person_id == person_id)) is not None:
            raise Conflict("account.exists")
        return invite_in(actor, person, username)


def invite_in(actor: Actor, person: Person, username: str = "") -> Invitation:
    """The same inside the open transaction, for a person who is known to have no account."""
    _user, account = _new(username or person.code, person.name, person.name_en, person=person)
    return _hand_out(actor, account, "account.invited")


def require_system(actor: Actor) -> None:
    """Refuse everybody but the system officer and the software. Raises Refused("account.not-yours")."""
    _require(actor, "system")


def reset(actor: Actor, account_id: int) -> Invitation:
    """Replace a password by a one-time code and end all sessions, as system officer; also unlocks.

    Raises Refused("account.not-yours"), also for an officer's account: that is reset at the machine.
    """
    _require(actor, "system")
    with transaction():
        account = _locked(account_id)
        _guard_officer(actor, account)
        sessions.end_all(account.user_id)
        return _hand_out(actor, account, "account.reset")


def disable(actor: Actor, account_id: int) -> None:
    """Shut an account and end its sessions at once, as system officer. Repeating it changes nothing."""
    _switch(actor, account_id, active=False)


def enable(actor: Actor, account_id: int) -> None:
    """Open a shut account again, as system officer. Repeating it changes nothing."""
    _switch(actor, account_id, active=True)


def unlock(actor: Actor, account_id: int) -> None:
    """End a lock-out before its time, as security officer. Repeating it changes nothing."""
    _require(actor, "security")
    with transaction():
        account = _locked(account_id)
        if account.locked_until is None and not account.failed_count:
            return
        _forget_failures(account)
        _note(actor, account, "account.unlocked")


def replace_password(user_id: int, password: str) -> None:
    """Set somebody's password at the machine (the framework's command line); he has to change it at once.

    Raises NotFound("account.unknown") and FieldErrors from the policy.
    """
    with transaction():
        account = db.session.scalars(
            select(Account).where(Account.user_id == user_id).with_for_update()
        ).one_or_none()
        if account is None:
            raise NotFound("account.unknown")
        passwords.choose(account.user, account, password)
        account.must_change_password = True
        _forget_failures(account)
        sessions.end_all(user_id)
        _note(software("command line"), account, "account.reset")


def end_sessions(actor: Actor, account_id: int) -> int:
    """End all sessions of somebody, as security officer; how many were open."""
    _require(actor, "security")
    with transaction():
        account = _locked(account_id)
        ended = sessions.end_all(account.user_id)
        audit.record(
            actor, "session.ended", object_type="user", object_id=account.user_id, detail={"sessions": ended}
        )
    return ended


def ensure_officers() -> list[tuple[str, str]]:
    """The three officers' accounts: (login, one-time code) of each that was made or whose code ran out.

    An officer's account of the sample is taken over: it gets a code, and its known password ends.
    """
    codes = []
    for officer, (login, name, name_en) in OFFICER_LOGINS.items():
        with transaction():
            account = _of_officer(officer)
            if account is None:
                _user, account = _new(login, name, name_en, officer=officer)
            elif (account.demo and not current_app.config["DEMO"]) or _is_unused(account):
                account.demo = False
                sessions.end_all(account.user_id)
            else:
                continue
            invitation = _hand_out(software("setup"), account, "account.invited")
        codes.append((invitation.username, invitation.code))
    return codes


def ensure_demo(person: Person | None, username: str, password: str, *, officer: str | None = None) -> bool:
    """An account of the sample with a known password, made or brought back to it; False if a real one stands.

    Raises Refused("account.demo-off") outside the demonstration, FieldErrors when the policy refuses it.
    """
    if not current_app.config["DEMO"]:
        raise Refused("account.demo-off")
    password_hash = _demo_hash(password)
    with transaction():
        belongs = Account.officer == officer if person is None else Account.person_id == person.id
        account = db.session.scalars(select(Account).where(belongs).with_for_update()).first()
        if account is not None and not account.demo:
            return False
        if account is None:
            name, name_en = (person.name, person.name_en) if person else OFFICER_LOGINS[officer or ""][1:]
            _user, account = _new(username, name, name_en, person=person, officer=officer)
            account.demo = True
            _note(software("demo"), account, "account.invited")
        rules.check(password, names=passwords.names_of(account.user, account))
        passwords.write_hash(account.user, account, password_hash)
        _forget_failures(account)
        account.user.active = True
        return True


def listed(actor: Actor, search: str = "") -> list[Line]:
    """Every person and officer with his login, by pinyin. Raises Refused("account.not-yours")."""
    if not (actor.grants.can("system") or actor.grants.can("security")):
        raise Refused("account.not-yours")
    seen = select(func.max(LoginSession.last_seen_at)).where(LoginSession.user_id == Account.user_id)
    statement = (
        select(Account, Person, User, seen.scalar_subquery())
        .select_from(Person)
        .join(Account, Account.person_id == Person.id, full=True)
        .outerjoin(User, User.id == Account.user_id)
        .where(Person.active.is_not(False) | Account.id.is_not(None))
        .order_by(Account.officer.asc().nulls_last(), Person.by_sound, Person.id)
    )
    if search:
        like = f"%{search.casefold()}%"
        statement = statement.where(
            Person.name.ilike(like) | Person.name_pinyin.ilike(like) | User.username.ilike(like)
        )
    return [_line(*row) for row in db.session.execute(statement)]


def account_id_of(username: str) -> int:
    """The account of a login. Raises NotFound("account.unknown")."""
    found = db.session.scalar(
        select(Account.id).join(User, User.id == Account.user_id).where(User.username == normalised(username))
    )
    if found is None:
        raise NotFound("account.unknown")
    return int(found)


def person_id_of(code: str) -> int:
    """The person of a code. Raises NotFound("person.unknown")."""
    found = db.session.scalar(select(Person.id).where(Person.code == code))
    if found is None:
        raise NotFound("person.unknown")
    return int(found)


def normalised(username: str) -> str:
    """A login as it is stored and compared: trimmed, no full-width letters, lower case."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def _line(account: Account | None, person: Person | None, user: User | None, seen: datetime | None) -> Line:
    return Line(
        account_id=account.id if account else None,
        person_id=person.id if person else None,
        name=person.name if person else user.first_name if user else "",
        name_en=(person.name_en or person.name) if person else user.last_name if user else "",
        username=user.username if user else "",
        officer=account.officer if account else None,
        active=bool(user and user.active),
        demo=bool(account and account.demo),
        must_change=bool(account and account.must_change_password),
        locked_until=account.locked_until
        if account and lockout.is_locked(_tally(account), present.now())
        else None,
        last_seen_at=seen,
    )


def _require(actor: Actor, officer: str) -> None:
    """The software itself (command line, setup) may; on a page only that officer."""
    if not (actor.process or actor.grants.can(officer)):
        raise Refused("account.not-yours")


def _guard_officer(actor: Actor, account: Account) -> None:
    """Who could reset another officer could become him; and nobody shuts his own account."""
    if account.user_id == actor.user_id:
        raise Refused("account.own")
    if account.officer is not None and not actor.process:
        raise Refused("account.officer")


def _switch(actor: Actor, account_id: int, *, active: bool) -> None:
    _require(actor, "system")
    with transaction():
        _switch_in(actor, _locked(account_id), active=active)


def disable_in(actor: Actor, person_id: int) -> bool:
    """`disable` for a person's account inside the open transaction; False when he has none or it is shut already."""
    _require(actor, "system")
    account_id = db.session.scalar(select(Account.id).where(Account.person_id == person_id))
    return account_id is not None and _switch_in(actor, _locked(account_id), active=False)


def _switch_in(actor: Actor, account: Account, *, active: bool) -> bool:
    _guard_officer(actor, account)
    if account.user.active is active:
        return False
    account.user.active = active
    if not active:
        sessions.end_all(account.user_id)
    _note(actor, account, "account.enabled" if active else "account.disabled")
    return True


def _of_officer(officer: str) -> Account | None:
    found: Account | None = db.session.scalars(
        select(Account).where(Account.officer == officer).order_by(Account.id).limit(1).with_for_update()
    ).one_or_none()
    return found


def _locked(account_id: int) -> Account:
    account: Account | None = db.session.get(
        Account, account_id, with_for_update=True, populate_existing=True
    )
    if account is None:
        raise NotFound("account.unknown")
    return account


def _new(
    username: str, name: str, name_en: str = "", *, person: Person | None = None, officer: str | None = None
) -> tuple[User, Account]:
    login = normalised(username)
    if not _USERNAME.fullmatch(login):
        raise Invalid("account.username", field="username")
    if db.session.scalar(select(User.id).where(User.username == login)) is not None:
        raise Conflict("account.username-taken", {"username": login}, field="username")
    # Flask-AppBuilder wants a unique address for every user; ours stands with the person, this leads nowhere.
    user = User(
        username=login, first_name=name, last_name=name_en, email=f"{login}@login.invalid", active=True
    )
    db.session.add(user)
    db.session.flush()
    account = Account(
        user_id=user.id,
        person_id=person.id if person is not None else None,
        officer=officer,
        must_change_password=True,
        failed_count=0,
        demo=False,
    )
    account.user = user
    db.session.add(account)
    db.session.flush()
    return user, account


def _hand_out(actor: Actor, account: Account, event: str) -> Invitation:
    code = passwords.issue_code(account.user, account)
    _note(actor, account, event)
    assert account.code_expires_at is not None
    return Invitation(account.user.username, code, account.code_expires_at)


def _note(actor: Actor, account: Account, event: str) -> None:
    """One audit row and one journal row; neither holds anything that opens the account."""
    detail = {"user_id": account.user_id, "active": bool(account.user.active)}
    audit.record(actor, event, object_type="account", object_id=account.id, detail=detail)
    journal.write(actor, event.partition(".")[2], "account", account.id, new=detail)


def _is_unused(account: Account) -> bool:
    """A code that ran out before anybody used it."""
    return account.code_expires_at is not None and account.code_expires_at <= present.now()


@cache
def _demo_hash(password: str) -> str:
    """One hash for all accounts of the sample: sixty of them are made at every start of the demonstration."""
    return passwords.hashed(password)
