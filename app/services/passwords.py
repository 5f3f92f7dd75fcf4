"""Hashing and remembering: the only place that writes a password, whatever path it came by."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete, select
from werkzeug.security import check_password_hash, generate_password_hash

from app.models import Account, PasswordHistory, Person, db
from app.rules import passwords as rules
from app.rules.errors import FieldErrors, FieldProblem
from app.services import present


def choose(user: User, account: Account, password: str) -> None:
    """Set a password its owner chose, inside the open transaction.

    Raises FieldErrors when the policy refuses it or when it is the present one or one of the last five.
    """
    rules.check(password, names=names_of(user, account))
    known = [user.password, *_remembered(user.id)]
    if any(check_password_hash(old, password) for old in known):
        raise FieldErrors(
            [FieldProblem("password", "password.used-before", {"remembered": rules.REMEMBERED})]
        )
    write_hash(user, account, hashed(password))
    _remember(user)


def write_hash(user: User, account: Account, password_hash: str) -> None:
    """Set a hash whose password was checked before, inside the open transaction."""
    user.password = password_hash
    account.must_change_password = False
    account.password_changed_at = present.now()
    account.code_expires_at = None


def issue_code(user: User, account: Account) -> str:
    """Replace the password by a one-time code inside the open transaction; it is kept nowhere."""
    code = rules.new_code()
    user.password = hashed(code)
    account.must_change_password = True
    account.password_changed_at = None
    account.code_expires_at = present.now() + timedelta(days=current_app.config["ONE_TIME_CODE_DAYS"])
    account.failed_count, account.last_failed_at, account.locked_until = 0, None, None
    return code


def matches(user: User | None, password: str) -> bool:
    """Whether it is the user's password; without a user it takes the same time and says no."""
    # A longer text can only be wrong, and hashing it would cost more than it should.
    password = password[: rules.LONGEST + 1]
    if user is None or not user.password:
        check_password_hash(nobodys_hash(), password)
        return False
    return check_password_hash(user.password, password)


def nobodys_hash() -> str:
    """What an unknown login is compared with, as dear as any hash; made at start, so no try is slower."""
    known: dict[str, str] = current_app.extensions.setdefault("nobodys_hash", {})
    method: str = current_app.config["FAB_PASSWORD_HASH_METHOD"]
    if method not in known:
        known[method] = hashed(rules.new_code())
    return known[method]


def hashed(password: str) -> str:
    """The scrypt hash of a password, 16 bytes of salt."""
    config = current_app.config
    return generate_password_hash(
        password,
        method=config["FAB_PASSWORD_HASH_METHOD"],
        salt_length=config["FAB_PASSWORD_HASH_SALT_LENGTH"],
    )


def is_expired(account: Account) -> bool:
    """Whether the account must choose a new password before anything else."""
    return account.must_change_password or rules.expired(
        account.password_changed_at, present.now(), current_app.config["PASSWORD_MAX_DAYS"]
    )


def expires_at(account: Account) -> datetime | None:
    """When the account's password has to be changed; None for one its owner never chose."""
    if account.password_changed_at is None:
        return None
    return account.password_changed_at + timedelta(days=current_app.config["PASSWORD_MAX_DAYS"])


def names_of(user: User, account: Account) -> tuple[str, ...]:
    """What this user's password may not contain."""
    person = db.session.get(Person, account.person_id) if account.person_id else None
    if person is None:
        return (user.username,)
    spelled = "".join(person.name_pinyin.split()[1:])  # the stored key begins with the initials
    return (user.username, person.name, person.name_en, spelled)


def _remember(user: User) -> None:
    db.session.add(PasswordHistory(user_id=user.id, password=user.password, created_at=present.now()))
    db.session.flush()
    keep = (
        select(PasswordHistory.id)
        .where(PasswordHistory.user_id == user.id)
        .order_by(PasswordHistory.id.desc())
        .limit(rules.REMEMBERED)
    )
    db.session.execute(
        delete(PasswordHistory).where(PasswordHistory.user_id == user.id, PasswordHistory.id.notin_(keep))
    )


def _remembered(user_id: int) -> list[str]:
    rows = db.session.scalars(
        select(PasswordHistory.password)
        .where(PasswordHistory.user_id == user_id)
        .order_by(PasswordHistory.id.desc())
        .limit(rules.REMEMBERED)
    )
    return list(rows)
