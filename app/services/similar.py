"""What is like the appeal being typed: the caller's earlier ones and likely duplicates, inside the visibility clause.

What a person may not see is left out and not counted either: that somebody wrote to another post is a fact about him.
Fast on a million rows: exact keys, and for texts the rarest grams of the search index, the newest rows of each, within
a time limit; what is not found in time is not waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, literal, select, text, true
from sqlalchemy.exc import OperationalError

from app.models import Appeal, Audit, Unit, db
from app.rules import fields as dirt
from app.rules import similarity as rules
from app.rules.errors import Invalid
from app.rules.similarity import Likeness, Weights
from app.services import access, assumptions, audit, personal, present
from app.services.actors import Actor
from app.services.transaction import transaction

MILLISECONDS = 600
_CANDIDATES = 200
_SAME_PLACE = 80
_BY_KEY = 20
_ASKING = ("collect", "number", "triage")
# Asking for the same person again within this time is the same asking.
_SAME_ASKING = timedelta(minutes=15)
_QUERY_CANCELLED = "57014"


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form so far; `appeal_id` is the draft itself, which is not like itself."""

    phone: str = ""
    identity: str = ""
    subject: str = ""
    body: str = ""
    place: str = ""
    petition_number: str = ""
    appeal_id: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One appeal that is like what is typed, and why."""

    id: int
    number: str | None
    subject: str
    state: str
    channel_class: str
    received_at: datetime
    unit: str | None
    unit_en: str | None
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Similar:
    """Likely duplicates and the person's other appeals, likeliest and newest first; `is_partial`: time ran out."""

    likely: tuple[Found, ...] = ()
    earlier: tuple[Found, ...] = ()
    is_partial: bool = False


def weights() -> Weights:
    """When a likeness is worth saying: the assumption `likely_duplicates`."""
    usual, said = Weights(), assumptions.named("likely_duplicates")
    return Weights(*(assumptions.whole(said.get(name), getattr(usual, name)) for name in ("percent", "days", "most")))


def find(actor: Actor, typed: Typed) -> Similar:
    """What is like it among the appeals this person may see. Finding a person's appeals by his number is audited.

    Raises Refused for somebody who neither takes in nor numbers nor triages.
    """
    access.require_anywhere(actor, *_ASKING)
    found = look(actor, typed)
    person = [one for one in (*found.likely, *found.earlier) if one.likeness.is_person]
    if person:
        _note_asking(actor, person[0].id)
    return found


def look(actor: Actor, typed: Typed) -> Similar:
    """`find` without its audit row, for callers who have their own."""
    bounds = weights()
    rows: dict[int, Row[Any]] = {}
    likenesses: dict[int, Likeness] = {}
    is_partial = False
    for probe in _probes(actor, typed, bounds):
        try:
            with _within(MILLISECONDS):
                found, mark = probe()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _QUERY_CANCELLED:
                raise
            is_partial = True
            continue
        for row in found:
            rows[row.id] = row
            likenesses[row.id] = replace(likenesses.get(row.id, Likeness()), **mark)
    judged = [_judged(rows[key], likeness, typed) for key, likeness in likenesses.items()]
    likely = sorted((one for one in judged if one.likeness.is_likely(bounds)), key=_order, reverse=True)
    earlier = [one for one in judged if one.likeness.is_person and one not in likely]
    earlier.sort(key=lambda one: (one.received_at, one.id), reverse=True)
    return Similar(tuple(likely[: bounds.most]), tuple(earlier[: bounds.most]), is_partial)


def _order(found: Found) -> tuple[Any, ...]:
    return (*found.likeness.rank, found.received_at, found.id)


def _judged(row: Row[Any], likeness: Likeness, typed: Typed) -> Found:
    place = dirt.clean_text(typed.place)
    likeness = replace(
        likeness,
        place=likeness.place or bool(place and row.place == place),
        subject_percent=rules.percent(typed.subject, row.subject),
        text_percent=rules.percent(f"{typed.subject} {typed.body}", f"{row.subject} {row.beginning}"),
    )
    return Found(
        row.id, row.number, row.subject, row.state, row.channel_class, row.received_at, row.unit, row.unit_en, likeness
    )


# --- where to look -----------------------------------------------------------------------------------------


def _probes(actor: Actor, typed: Typed, bounds: Weights) -> Iterator[Any]:
    """Each a call that answers rows and what they have in common with what is typed; cheapest first."""
    seen = and_(access.visible_to(actor), Appeal.state != "voided", _not_itself(typed))
    recent = Appeal.received_at >= present.now() - timedelta(days=bounds.days)
    number = dirt.clean_text(typed.petition_number)
    if number:
        stored = Appeal.intake["petition_number"].astext
        # Written out although it follows: the index holds appeals with a number only.
        yield lambda: (_newest(and_(seen, stored == number, stored != ""), _BY_KEY), {"petition": True})
    if (phone := _index("appellant_phone", typed.phone)) is not None:
        yield lambda: (_newest(and_(seen, Appeal.appellant_phone_bidx == phone), _BY_KEY), {"phone": True})
    if (identity := _index("appellant_identity", typed.identity)) is not None:
        yield lambda: (_newest(and_(seen, Appeal.appellant_identity_bidx == identity), _BY_KEY), {"identity": True})
    place = dirt.clean_text(typed.place)
    if place:
        yield lambda: (_newest(and_(seen, recent, Appeal.place == place, Appeal.place != ""), _SAME_PLACE), {})
    typed_grams = rules.grams(f"{typed.subject} {typed.body}"[: rules.COMPARED])
    if len(typed_grams) >= 4:
        yield lambda: (_by_text(and_(seen, recent), typed_grams), {})


def _not_itself(typed: Typed) -> ColumnElement[bool]:
    return Appeal.id != typed.appeal_id if typed.appeal_id else true()


def _index(name: str, value: str) -> bytes | None:
    """The blind index of what is typed, or None while it is no whole number yet."""
    rule = {"appellant_phone": dirt.normalise_phone, "appellant_identity": dirt.normalise_identity}[name]
    try:
        return personal.blind_index(name, rule(value)) if value.strip() else None
    except Invalid:
        return None


def _by_text(condition: ColumnElement[bool], typed: frozenset[str]) -> Sequence[Row[Any]]:
    hits = _hits(condition, typed)
    return [] if hits is None else _newest(Appeal.id.in_(hits.limit(_CANDIDATES)), _CANDIDATES)


def _hits(condition: ColumnElement[bool], typed: frozenset[str], *, budget: float = 5_000) -> Select[tuple[int]] | None:
    """The appeals, newest first, that have one of the rarest grams; None where no gram is rare enough."""
    known = text("SELECT gram, frequency FROM common_bigrams(:wanted)").bindparams(wanted=sorted(typed))
    frequencies = {row.gram: float(row.frequency) for row in db.session.execute(known)}
    table = text("SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'appeal'::regclass")
    probe = rules.probe(typed, frequencies, rows=db.session.scalar(table) or 0.0, budget=budget)
    if probe is None:
        return None
    # Written as the expression index is, or PostgreSQL does not use it.
    operator = "@>" if probe.wants_all else "&&"
    grams = text(f"text_bigrams(appeal.subject || ' ' || appeal.body) {operator} CAST(:rare AS text[])")
    # OFFSET 0 keeps the planner from walking the primary key for the order instead of reading the index.
    hits = select(Appeal.id).where(grams.bindparams(rare=list(probe.grams)), condition).offset(0).subquery()
    return select(hits.c.id).order_by(hits.c.id.desc())


def _newest(condition: ColumnElement[bool], limit: int) -> Sequence[Row[Any]]:
    query = (
        select(
            Appeal.id,
            Appeal.number,
            Appeal.subject,
            Appeal.state,
            Appeal.channel_class,
            Appeal.received_at,
            Appeal.place,
            func.left(Appeal.body, literal(rules.COMPARED)).label("beginning"),
            Unit.name.label("unit"),
            Unit.name_en.label("unit_en"),
        )
        .join(Unit, Unit.id == Appeal.unit_id, isouter=True)
        .where(condition)
        .order_by(Appeal.id.desc())
        .limit(limit)
    )
    return db.session.execute(query).all()


# --- past appeals, for suggestions -------------------------------------------------------------------------

_PAST_MILLISECONDS = 80
_PAST_BUDGET = 1_000
_PAST_READ = 40
_PAST_COMPARED = 500
_PAST_PERCENT = 12
_PAST_MOST = 10


@dataclass(frozen=True, slots=True)
class Past:
    """A past appeal that reads alike, and what it was given."""

    number: str | None
    category_id: int | None
    unit_id: int | None
    percent: int


def past(actor: Actor, appeal: Appeal) -> list[Past]:
    """The likest of the past appeals this person may see, likest first; none when they are not found in time."""
    typed = rules.grams(f"{appeal.subject} {appeal.body}"[:_PAST_COMPARED])
    if len(typed) < 4:
        return []
    decided = Appeal.state.not_in(("draft", "submitted", "registered", "voided", "merged"))
    condition = and_(access.visible_to(actor), decided, Appeal.id != appeal.id)
    try:
        with _within(_PAST_MILLISECONDS):
            hits = _hits(condition, typed, budget=_PAST_BUDGET)
            rows = [] if hits is None else _past_rows(Appeal.id.in_(hits.limit(_PAST_READ)))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _QUERY_CANCELLED:
            raise
        return []
    found = [
        Past(row.number, row.category_id, row.unit_id, round(100 * rules.jaccard(typed, rules.grams(row.words))))
        for row in rows
    ]
    likest = sorted((one for one in found if one.percent >= _PAST_PERCENT), key=lambda one: -one.percent)
    return likest[:_PAST_MOST]


def _past_rows(condition: ColumnElement[bool]) -> Sequence[Row[Any]]:
    words = func.left(Appeal.subject + " " + Appeal.body, literal(_PAST_COMPARED)).label("words")
    query = select(Appeal.number, Appeal.category_id, Appeal.unit_id, words).where(condition)
    return db.session.execute(query.order_by(Appeal.id.desc())).all()


@contextmanager
def _within(milliseconds: int) -> Iterator[None]:
    """Statements inside end after so long; the transaction around lives on."""
    with db.session.begin_nested():
        before = db.session.scalar(text("SELECT current_setting('statement_timeout')"))
        _limit_statements(str(milliseconds))
        yield
        _limit_statements(str(before))


def _limit_statements(value: str) -> None:
    db.session.execute(text("SELECT set_config('statement_timeout', :value, true)").bindparams(value=value))


def _note_asking(actor: Actor, appeal_id: int) -> None:
    with transaction():
        same = exists().where(
            Audit.event == "appellant.lookup",
            Audit.at > present.now() - _SAME_ASKING,
            Audit.user_id == actor.user_id,
            Audit.object_id == str(appeal_id),
        )
        if not db.session.scalar(select(same)):
            audit.record(actor, "appellant.lookup", object_type="appeal", object_id=appeal_id)
