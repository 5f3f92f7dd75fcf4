"""Standings that this process remembers: computed anew as soon as anything they follow from has changed.

What a standing follows from is the rows of some tables and the moment. A remembered one holds while no change of those
tables was committed (app/services/versions.py) and no period in them has begun or ended. The number is read before
the rows: rows newer than their number are only computed once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.models import db
from app.services import present, transaction, versions
from app.services.grants import Standing, standing_of

_MOST = 2_000

# The tables of `grants.standing_of` whose rows hold for a period; tests hold the two together.
_TURNS = text(
    """
    SELECT min(at) FROM (
        SELECT lower(valid) AS at FROM holding UNION ALL SELECT upper(valid) FROM holding
        UNION ALL SELECT lower(valid) FROM duty_shift UNION ALL SELECT upper(valid) FROM duty_shift
        UNION ALL SELECT lower(valid) FROM stand_in UNION ALL SELECT upper(valid) FROM stand_in
        UNION ALL SELECT lower(valid) FROM absence UNION ALL SELECT upper(valid) FROM absence
        UNION ALL SELECT lower(valid) FROM portfolio_place UNION ALL SELECT upper(valid) FROM portfolio_place
    ) bounds WHERE at >= :now AND isfinite(at)
    """
)


@dataclass(frozen=True, slots=True)
class _Kept:
    staffing: int
    since: datetime
    until: datetime | None
    standing: Standing | None

    def holds(self, staffing: int, now: datetime) -> bool:
        return self.staffing == staffing and self.since <= now and (self.until is None or now < self.until)


_kept: dict[int, _Kept] = {}


def standing(user_id: int) -> Standing | None:
    """What `grants.standing_of` says now."""
    number, now = versions.current().staffing, present.now()
    known = _kept.get(user_id)
    if known is not None and known.holds(number, now):
        return known.standing
    found = standing_of(user_id, now)
    if transaction.is_open():
        return found  # of rows that may yet be taken back
    if len(_kept) >= _MOST:
        _kept.clear()
    _kept[user_id] = _Kept(number, now, db.session.scalar(_TURNS, {"now": now}), found)
    return found
