"""The ledger (R10): pages of appeals by key, searched through the bigram index, counted no further than needed.

A page costs the same at the first row and at the millionth: no offset, no full count, every order has an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select, text, tuple_, union_all
from sqlalchemy.orm import joinedload, load_only

from app.models import Appeal, Category, Channel, Clock, Journal, NumberCounter, NumberSeries, Unit, db
from app.rules import numbering
from app.rules.clocks import Status
from app.rules.columns import CATEGORY_SEPARATOR
from app.rules.fields import clean_text
from app.rules.quarters import midnight
from app.services import clocks, present

SIZE = 25
COUNT_CAP = 1000
FEW, NEWEST, MOST_WORDS = 20_000, 50_000, 6  # of a search in titles: hits of an index read, appeals looked through
NUMBER_SERIES = ("registration", "history")

# What a list can be ordered by; each pair (column, id) has an index.
ORDERS = {"received_at": Appeal.received_at, "number": Appeal.number}

_LISTED = (
    Appeal.number,
    Appeal.state,
    Appeal.subject,
    Appeal.channel_class,
    Appeal.received_at,
    Appeal.answered_at,
    Appeal.unit_id,
    Appeal.category_id,
    Appeal.fictional,
    Appeal.handling,
    Appeal.lawful_route,
    Appeal.impossible,
)
_LEDGER = (Appeal.registered_at, Appeal.note, Appeal.result, Appeal.intake)


@dataclass(frozen=True, slots=True)
class Line:
    """One appeal of a page: its most urgent clock (else its handling limit), that limit, and how it was kept (R10).

    `finished` is one of FINISHED, or "" without a limit. `void_reason`: why its number was voided (R4).
    """

    appeal: Appeal
    clock: Clock | None
    limit: Clock | None
    finished: str
    void_reason: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its lines, how many there are (COUNT_CAP + 1 means more) and the keys of its neighbours."""

    lines: tuple[Line, ...]
    count: int
    newer: str | None
    older: str | None


def page(
    query: Select[tuple[Appeal]],
    *,
    term: str = "",
    order: str = "received_at",
    is_descending: bool = True,
    key: str = "",
    is_backwards: bool = False,
    is_ledger: bool = False,
) -> Page:
    """The page of `query` (conditions only) that starts behind `key`, in three statements.

    `term` is searched for. `is_backwards` goes towards the beginning of the order. A key that cannot be read
    starts at the beginning.
    """
    column = ORDERS[order]
    if order == "number":
        query = query.where(Appeal.number.is_not(None))
    query, total = _searched(query, term) if term else (query, count(query))
    start = _key(order, key)
    descending = is_descending != is_backwards
    rows_query = query
    if start is not None:
        here = tuple_(column, Appeal.id)
        behind = here < tuple_(*start) if descending else here > tuple_(*start)
        rows_query = query.where(behind)
    ordered = rows_query.order_by(*(c.desc() if descending else c.asc() for c in (column, Appeal.id)))
    found = ordered.limit(SIZE + 1).options(*_options(is_ledger=is_ledger))
    rows: list[Appeal] = list(db.session.scalars(found))
    more = len(rows) > SIZE
    rows = rows[:SIZE]
    if is_backwards:
        rows.reverse()
    has_newer, has_older = (more, start is not None) if is_backwards else (start is not None, more)
    return Page(
        lines=_lines(rows),
        count=total,
        newer=_written(order, rows[0]) if rows and has_newer else None,
        older=_written(order, rows[-1]) if rows and has_older else None,
    )


def count(query: Select[tuple[Appeal]]) -> int:
    """How many appeals there are, no further than COUNT_CAP + 1."""
    capped = query.with_only_columns(Appeal.id).order_by(None).limit(COUNT_CAP + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(capped)) or 0


def _searched(query: Select[tuple[Appeal]], term: str) -> tuple[Select[tuple[Appeal]], int]:
    """The query narrowed to the term, and how many there are.

    The bigram index finds a rare term at once, but for a common one it would fetch and sort every appeal that
    has it: then the order's own index is walked until the page is full.
    """
    term = clean_text(term)[:100]
    numbers = numbers_of(term)
    ids = _looked_up(query.with_only_columns(Appeal.id).order_by(None), term, numbers)
    if len(ids) <= COUNT_CAP:
        return query.where(Appeal.id == func.any(ids)), len(ids)
    return query.where(or_(Appeal.number.in_(numbers), contains(term))), len(ids)


def narrowed(visible: ColumnElement[bool], term: str) -> ColumnElement[bool]:
    """SQL: an appeal a reader sees matches the term, written so that it is found fast, in one short statement.

    A rare term names its appeals by the bigram index; for a common one the order's own index is walked.
    """
    term = clean_text(term)[:100]
    numbers = numbers_of(term)
    ids = _looked_up(select(Appeal.id).where(visible), term, numbers)
    return Appeal.id == func.any(ids) if len(ids) <= COUNT_CAP else or_(Appeal.number.in_(numbers), contains(term))


def _looked_up(appeals: Select[Any], term: str, numbers: Sequence[str]) -> list[int]:
    """Ids of what matches the term, at most COUNT_CAP + 1.

    Numbers and words are looked up each by its own index: of one condition with "or", PostgreSQL takes the grams of
    every text apart once more, which costs more than all the rest.
    """
    parts = [appeals.where(Appeal.number.in_(numbers)).limit(COUNT_CAP + 1)]
    if len(term) > 1:
        parts.append(appeals.where(has_bigrams(term), contains(term)).limit(COUNT_CAP + 1))
    return list(dict.fromkeys(db.session.scalars(union_all(*parts))))[: COUNT_CAP + 1]


def matches(term: str, numbers: Sequence[str] = ()) -> ColumnElement[bool]:
    """SQL: the term stands in subject or text, by the bigram index, or the appeal has one of the numbers.

    A term of one character has no bigram and stands nowhere.
    """
    found: list[ColumnElement[bool]] = [Appeal.number.in_(numbers)]
    if len(term) > 1:
        found.append(and_(has_bigrams(term), contains(term)))
    return or_(*found)


def titled(visible: ColumnElement[bool], term: str, limit: int) -> list[int]:
    """The newest appeals a reader sees in whose title every word of the term stands; their ids, newest first.

    Words that are rare by the statistics of the bigram index are looked up there; common ones are looked for among
    the newest appeals alone, so that no search reads further than that.
    """
    words = clean_text(term)[:100].split()[:MOST_WORDS]
    said = [func.lower(Appeal.subject).contains(word.lower(), autoescape=True) for word in words]
    paired = [word for word in words if len(word) > 1]
    if not paired:
        return []
    if _expected(paired) > FEW:
        newest = select(func.max(Appeal.id)).scalar_subquery()
        query = select(Appeal.id).where(Appeal.id > newest - NEWEST, visible, *said).order_by(Appeal.id.desc())
        return list(db.session.scalars(query.limit(limit)))
    # OFFSET 0 keeps the planner from walking the primary key for the order instead of reading the index.
    hits = select(Appeal.id).where(*map(has_bigrams, paired), visible, *said).offset(0).subquery()
    return list(db.session.scalars(select(hits.c.id).order_by(hits.c.id.desc()).limit(limit)))


def _expected(words: Sequence[str]) -> float:
    """How many appeals have the rarest gram of the words, by what the index is known to hold; 0 for a rare one."""
    statement = text(
        """
        WITH gram AS (SELECT DISTINCT g FROM unnest(CAST(:words AS text[])) word, unnest(text_bigrams(word)) g)
        SELECT min(coalesce(known.frequency, 0)) * (SELECT reltuples FROM pg_class WHERE oid = 'appeal'::regclass)
        FROM gram LEFT JOIN common_bigrams((SELECT array_agg(g) FROM gram)) known ON known.gram = gram.g
        """
    )
    return float(db.session.scalar(statement, {"words": list(words)}) or 0)


def has_bigrams(term: str) -> ColumnElement[bool]:
    """SQL: subject and text have all 2-character grams of the term, which may still stand apart: `contains` says."""
    # Written as the expression index is, or PostgreSQL does not use it.
    grams = text("text_bigrams(appeal.subject || ' ' || appeal.body) @> text_bigrams(:term)")
    return grams.bindparams(bindparam("term", term, unique=True))  # type: ignore[return-value]


def contains(term: str) -> ColumnElement[bool]:
    """SQL: the term stands in subject or text, whatever its case; no index serves this alone."""
    return func.lower(Appeal.subject + " " + Appeal.body).contains(term.lower(), autoescape=True)


def numbers_of(term: str) -> list[str]:
    """The full numbers a reader may mean: what he typed, or every number with that sequence (`A-123`, `123`)."""
    wanted = {term}
    letter, _dash, digits = term.rpartition("-")
    if digits.isascii() and digits.isdigit() and len(digits) <= 9 and letter.upper() in ("", *"ABCDEF"):
        rows = db.session.execute(
            select(NumberSeries.template, NumberCounter.year)
            .join(NumberCounter, NumberCounter.series == NumberSeries.code)
            .where(NumberSeries.code.in_(NUMBER_SERIES))
        ).all()
        for template, year in rows:
            for channel_class in letter.upper() or "ABCDEF":
                fields = {"class": channel_class}
                wanted.add(numbering.render(template, year=year, seq=int(digits), **fields))
    return sorted(wanted)


def under_category(category_id: int) -> ColumnElement[bool]:
    """SQL: the appeal stands in this node of the category tree or below it."""
    code = select(Category.code).where(Category.id == category_id).scalar_subquery()
    below = func.starts_with(Category.code, code + CATEGORY_SEPARATOR)
    return Appeal.category_id.in_(select(Category.id).where(or_(Category.id == category_id, below)))


def received_from(day: date) -> ColumnElement[bool]:
    """SQL: received on this local day or later. Raises OverflowError at the ends of the calendar."""
    return Appeal.received_at >= midnight(day, present.zone())


def received_until(day: date) -> ColumnElement[bool]:
    """SQL: received on this local day or earlier. Raises OverflowError at the ends of the calendar."""
    return Appeal.received_at < midnight(day + timedelta(days=1), present.zone())


# Whether an appeal was finished in time (R10): what the limit of its unit, or of the duty office, says now.
FINISHED = ("in_time", "late", "overdue", "running")


def finished(how: str) -> ColumnElement[bool]:
    """SQL: the appeal's handling limit stands so; any other word than FINISHED finds nothing."""
    now = present.now()
    limit = and_(Clock.appeal_id == Appeal.id, Clock.kind == "unit_limit")
    is_late, is_overdue = exists().where(limit, clocks.is_broken()), exists().where(limit, clocks.is_overdue(now))
    is_running = exists().where(limit, Clock.stopped_at.is_(None))
    has_limit = exists().where(limit, Clock.due_at.is_not(None))
    return {
        "late": is_late,
        "overdue": is_overdue,
        "in_time": and_(has_limit, ~is_late, ~is_running),
        "running": and_(is_running, ~is_overdue),
    }.get(how, Appeal.id.is_(None))


def kept() -> ColumnElement[bool]:
    """SQL: what stands in the ledger: everything that has a number."""
    return Appeal.number.is_not(None)


def units() -> Sequence[Unit]:
    """Every unit that may answer for an appeal, for a filter."""
    query = select(Unit).where(Unit.active, Unit.kind != "section").order_by(Unit.by_sound)
    return db.session.scalars(query).all()


def categories() -> Sequence[Category]:
    """The category tree in its order, for a filter."""
    return db.session.scalars(select(Category).where(Category.active).order_by(Category.sort, Category.code)).all()


def _options(*, is_ledger: bool) -> tuple[Any, ...]:
    columns = (*_LISTED, *_LEDGER) if is_ledger else _LISTED
    return (
        load_only(*columns),
        joinedload(Appeal.unit).load_only(Unit.name, Unit.name_en),
        joinedload(Appeal.category).load_only(Category.name, Category.name_en),
        joinedload(Appeal.channel).load_only(Channel.name, Channel.name_en),
    )


def _lines(appeals: Sequence[Appeal]) -> tuple[Line, ...]:
    if not appeals:
        return ()
    found: dict[int, list[Clock]] = {}
    for clock in db.session.scalars(select(Clock).where(Clock.appeal_id.in_([a.id for a in appeals]))):
        found.setdefault(clock.appeal_id, []).append(clock)
    now = present.now()
    reasons = _void_reasons([appeal.id for appeal in appeals if appeal.state == "voided"])
    lines = (_line(appeal, found.get(appeal.id, []), now) for appeal in appeals)
    return tuple(replace(line, void_reason=reasons.get(line.appeal.id, "")) for line in lines)


def _void_reasons(appeal_ids: list[int]) -> dict[int, str]:
    if not appeal_ids:
        return {}
    query = select(Journal.appeal_id, Journal.reason).where(
        Journal.appeal_id.in_(appeal_ids), Journal.action.in_(("void", "discard"))
    )
    return {row.appeal_id: row.reason for row in db.session.execute(query)}


def _line(appeal: Appeal, own: list[Clock], now: datetime) -> Line:
    running = [clock for clock in own if clock.stopped_at is None and clock.due_at is not None]
    limits = sorted((clock for clock in own if clock.kind == "unit_limit"), key=lambda clock: clock.id)
    urgent = min(running, key=lambda clock: (clock.due_at or now, clock.id), default=None)
    statuses = {clocks.state_of(clock, now) for clock in limits}
    if Status.BROKEN in statuses:
        how = "late"
    elif Status.OVERDUE in statuses:
        how = "overdue"
    elif any(clock.stopped_at is None for clock in limits):
        how = "running"
    else:
        how = "in_time" if any(clock.due_at is not None for clock in limits) else ""
    limit = limits[-1] if limits else None
    return Line(appeal, urgent or limit, limit, how)


def _key(order: str, written: str) -> tuple[Any, int] | None:
    value, _mark, row_id = written.rpartition("~")
    if not value.isprintable() or not row_id.isascii() or not row_id.isdigit() or len(row_id) > 18:
        return None
    if order != "received_at":
        return value, int(row_id)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment, int(row_id)) if moment.tzinfo else None


def _written(order: str, appeal: Appeal) -> str:
    value = getattr(appeal, order)
    return f"{value.isoformat() if isinstance(value, datetime) else value}~{appeal.id}"
