"""Return reports: whoever acted while A was away tells him what was done and what is open (R15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

from app.models import Absence, Appeal, HandoverSheet, Journal, db
from app.rules.errors import NotFound
from app.rules.fields import clean_text
from app.services import handovers, outbox, present
from app.services.actors import Actor
from app.services.transaction import transaction

# A report that nobody filed in so many days is not asked for any more.
DAYS = 90
LONGEST_REMARK = 1000


@dataclass(frozen=True, slots=True)
class Due:
    """A report that is missing: who was away from which post, who acted, since when it is due."""

    absence_id: int
    post_id: int
    acting_id: int
    since: datetime
    post: str
    post_en: str
    away: str
    away_en: str
    acting: str
    acting_en: str


# Who acted: B, unless he was away all the time too; then, and where there is no B, who stood in.
_DUE = """
    SELECT a.id AS absence_id, h.post_id, x.person_id AS acting_id, upper(a.valid) AS since,
           p.name AS post, p.name_en AS post_en, w.name AS away, w.name_en AS away_en, y.name AS acting,
           y.name_en AS acting_en
    FROM absence a
    JOIN holding h ON h.person_id = a.person_id AND h.role = 'A' AND h.valid && a.valid
    JOIN post p ON p.id = h.post_id AND p.active AND NOT p.filled_by_duty
    CROSS JOIN LATERAL (
        SELECT b.person_id FROM holding b
        WHERE b.post_id = h.post_id AND b.role = 'B' AND b.valid && (a.valid * h.valid)
          AND NOT EXISTS (SELECT 1 FROM absence c WHERE c.person_id = b.person_id AND c.state = 'confirmed'
                          AND c.valid @> (a.valid * h.valid))
        UNION
        SELECT s.person_id FROM stand_in s
        WHERE s.post_id = h.post_id AND s.kind = 'both_away' AND s.valid && (a.valid * h.valid)
          AND NOT EXISTS (SELECT 1 FROM holding b WHERE b.post_id = h.post_id AND b.role = 'B'
                          AND b.valid @> (a.valid * h.valid)
                          AND NOT EXISTS (SELECT 1 FROM absence c WHERE c.person_id = b.person_id
                                          AND c.state = 'confirmed' AND c.valid && (a.valid * s.valid)))
    ) x
    JOIN person w ON w.id = a.person_id
    JOIN person y ON y.id = x.person_id AND y.active
    WHERE a.state = 'confirmed' AND upper(a.valid) <= :now AND upper(a.valid) > :oldest AND x.person_id <> a.person_id
      AND NOT EXISTS (SELECT 1 FROM handover_sheet t WHERE t.absence_id = a.id AND t.kind = 'return'
                      AND t.post_id = h.post_id AND t.from_id = x.person_id)
"""
DUE_OF_PERSON = f"{_DUE} AND x.person_id = :person_id"


def due_from(actor: Actor) -> list[Due]:
    """The reports this person owes, latest first."""
    return _due("AND x.person_id = :person_id", person_id=actor.person_id or 0)


def due_for_posts(post_ids: Sequence[int]) -> list[Due]:
    """The reports missing for these posts, for their responsible leader."""
    return _due("AND h.post_id = ANY(:post_ids)", post_ids=list(post_ids)) if post_ids else []


def due_everywhere() -> list[Due]:
    """Every report that is missing, for the supervisor, the duty director and the reminder."""
    return _due("")


def _due(which: str, **parameters: Any) -> list[Due]:
    now = present.now()
    statement = text(f"{_DUE} {which} ORDER BY since DESC, absence_id, post_id LIMIT 200")
    rows = db.session.execute(statement, {"now": now, "oldest": now - timedelta(days=DAYS), **parameters})
    return [Due(*row) for row in rows]


def file(actor: Actor, absence_id: int, post_id: int, *, remark: str = "") -> HandoverSheet:
    """File the report of an absence that is over for one post: what this person did there, what is open now.

    Filing confirms it; A is told and confirms in turn. Filing it again returns the sheet. Raises
    NotFound("absence.unknown") when this person owes no such report.
    """
    with transaction():
        absence = db.session.scalars(select(Absence).where(Absence.id == absence_id).with_for_update()).one_or_none()
        filed = select(HandoverSheet).where(
            HandoverSheet.absence_id == absence_id,
            HandoverSheet.kind == "return",
            HandoverSheet.post_id == post_id,
            HandoverSheet.from_id == (actor.person_id or 0),
        )
        if (known := db.session.scalars(filed).one_or_none()) is not None:
            return known
        owed = {(due.absence_id, due.post_id) for due in due_from(actor)}
        if absence is None or (absence_id, post_id) not in owed:
            raise NotFound("absence.unknown", {"id": absence_id})
        items = [*_done(actor, absence, post_id), *handovers.open_items([post_id], present.now())]
        sheet = handovers.make_in(
            actor,
            "return",
            items=items,
            post_id=post_id,
            absence_id=absence_id,
            from_id=actor.person_id,
            to_id=absence.person_id,
            remark=clean_text(remark, multiline=True)[:LONGEST_REMARK],
        )
        sheet.given_at = sheet.made_at
        key = f"handover:{sheet.id}|give"
        outbox.enqueue("handover.report", [absence.person_id], key=key, subject=("handover_sheet", sheet.id))
    return sheet


def _done(actor: Actor, absence: Absence, post_id: int) -> list[handovers.Item]:
    """What this person did for the post meanwhile, by appeal: the steps and how often."""
    query = (
        select(Appeal.id, Appeal.number, Journal.action, func.count())
        .join(Appeal, Appeal.id == Journal.appeal_id)
        .where(
            Journal.person_id == actor.person_id,
            Journal.post_id == post_id,
            Journal.at >= absence.valid.lower,
            Journal.at < absence.valid.upper,
        )
        .group_by(Appeal.id, Appeal.number, Journal.action)
        .order_by(func.min(Journal.id))
    )
    found: dict[int, handovers.Item] = {}
    for appeal_id, number, action, times in db.session.execute(query):
        if appeal_id not in found and len(found) == handovers.MOST:
            continue
        item = found.setdefault(appeal_id, {"appeal_id": appeal_id, "number": number, "done": {}})
        item["done"][action] = times
    return list(found.values())

