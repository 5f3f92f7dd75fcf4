"""One transaction per service call: commit once, turn database refusals into rule errors, nudge workers afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.models import db
from app.rules.errors import Conflict

_OPEN = "service_transaction_open"
_AFTER = "service_after_commit"


def after_commit(call: Callable[[], None]) -> None:
    """Run `call` once the transaction of this service call is committed; a rolled-back one runs nothing."""
    db.session.info.setdefault(_AFTER, []).append(call)


def is_open() -> bool:
    """Whether a service call of this session is under way: what it reads may yet be rolled back."""
    return bool(db.session.info.get(_OPEN))


@contextmanager
def transaction() -> Iterator[None]:
    """Own the transaction of one service call; nesting is a programming error.

    Raises Conflict("row.stale") when somebody else changed the row first, Conflict("row.duplicate") or the
    name of the violated constraint when the database refused the row.
    """
    info = db.session.info
    if info.get(_OPEN):
        raise RuntimeError("service transactions do not nest")
    info[_OPEN] = True
    info[_AFTER] = []
    try:
        yield
        db.session.commit()
    except StaleDataError as error:
        db.session.rollback()
        raise Conflict("row.stale") from error
    except IntegrityError as error:
        db.session.rollback()
        raise Conflict("row.constraint", {"constraint": _constraint(error)}) from error
    except BaseException:
        db.session.rollback()
        raise
    else:
        for call in info[_AFTER]:
            call()
    finally:
        info[_OPEN] = False
        info[_AFTER] = []


@contextmanager
def savepoint() -> Iterator[None]:
    """A part of the open transaction that is done whole or not at all, while the rest goes on.

    Raises what `transaction` raises for a refusal of the database; what was to run after the commit is dropped too.
    """
    after = db.session.info[_AFTER]
    kept = len(after)
    try:
        with db.session.begin_nested():
            yield
    except StaleDataError as error:
        del after[kept:]
        raise Conflict("row.stale") from error
    except IntegrityError as error:
        del after[kept:]
        raise Conflict("row.constraint", {"constraint": _constraint(error)}) from error
    except BaseException:
        del after[kept:]
        raise


def _constraint(error: IntegrityError) -> str:
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or "unknown"
