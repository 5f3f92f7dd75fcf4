"""Rows of an imported workbook against what is already here, and their way into the tables by COPY.

Identity is (source, its own number): a row that is here is never changed. With a reply a row becomes history
(closed, own number series, never scored); without one it is submitted, for the registrar to number (R4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import cast, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from app.models import Appeal, Channel, ImportBatch, LimitRule, Unit, db
from app.rules.columns import name_key
from app.rules.imports import PERSONAL, ImportRow, Known, Outcome, Problem, Reading, Severity
from app.services import categories, copies, numbers, personal, present

HISTORY_SERIES = "history"
_T = TypeVar("_T")
# Like md5 of app/rules/imports.py `text_digest`: cleaned texts have no other white space.
_STORED_REPEATS = text(
    """
    SELECT wanted.digest, min(appeal.source_no) AS source_no, min(appeal.source) AS source
    FROM appeal JOIN unnest(CAST(:digests AS text[])) AS wanted(digest)
      ON md5(translate(appeal.body, E' \\n', '')) = wanted.digest
    WHERE appeal.source IS NOT NULL AND appeal.import_batch_id IS DISTINCT FROM :batch
    GROUP BY wanted.digest
    """
)
_APPEAL_COLUMNS = (
    "id", "number", "state", "channel_class", "channel_id", "received_at", "submitted_at", "answered_at",
    "closed_at", "subject", "body", "place", "category_id", "limit_rule_id", "unit_id", "result", "intake",
    "data_key", "appellant_name_sealed", "appellant_phone_sealed", "appellant_identity_sealed",
    "appellant_address_sealed", "appellant_phone_bidx", "appellant_identity_bidx", "source", "source_no",
    "import_batch_id", "flags", "created_by_id",
)  # fmt: skip
_JOURNAL_COLUMNS = (
    "at", "action", "object_type", "object_id", "appeal_id", "user_id", "person_id", "post_id", "role",
    "acted_as", "old", "new", "reason", "request_id",
)  # fmt: skip
_PROBLEM_COLUMNS = ("batch_id", "row", "column", "severity", "code", "data")


@dataclass(frozen=True, slots=True)
class Act:
    """Who applies an import, for which post, and from which batch: what each journal row names."""

    batch_id: int
    source: str
    user_id: int | None = None
    person_id: int | None = None
    post_id: int | None = None
    role: str | None = None
    process: str = ""


@dataclass(frozen=True, slots=True)
class Sorted:
    """A chunk of rows after a look at the database; `second` are (number, category) of rows named twice."""

    new: tuple[ImportRow, ...]
    problems: tuple[Problem, ...]
    rows: int
    here: int
    again: int
    refused: int
    second: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Tally:
    """What became of the rows, for a dry run and for an import alike."""

    rows: int = 0
    history: int = 0
    live: int = 0
    here: int = 0
    again: int = 0
    refused: int = 0
    flagged: int = 0
    codes: dict[str, int] = field(default_factory=dict)

    def count(self, chunk: Sorted) -> None:
        """Add one chunk."""
        self.rows += chunk.rows
        self.again += chunk.again
        self.refused += chunk.refused
        self.here += chunk.here
        self.flagged += sum(1 for row in chunk.new if row.flags)
        history = sum(1 for row in chunk.new if row.reply)
        self.history += history
        self.live += len(chunk.new) - history
        self.note(chunk.problems)

    def note(self, problems: Iterable[Problem]) -> None:
        """Count problems by their code."""
        for problem in problems:
            self.codes[problem.code] = self.codes.get(problem.code, 0) + 1


def known() -> Known:
    """The dictionaries that rows refer to; a name that two entries share refers to neither."""
    units = db.session.execute(select(Unit.id, Unit.code, Unit.name, Unit.short_name).where(Unit.active)).all()
    channels = db.session.execute(
        select(Channel.id, Channel.code, Channel.name, Channel.channel_class).where(Channel.active)
    ).all()
    limits = db.session.execute(
        select(LimitRule.id, LimitRule.code, LimitRule.name).where(
            LimitRule.active, LimitRule.clock_kind == "unit_limit"
        )
    ).all()
    return Known(
        units=_unambiguous((name, row.id) for row in units for name in (row.code, row.name, row.short_name)),
        channels=_unambiguous((name, (row.id, row.channel_class)) for row in channels for name in (row.code, row.name)),
        categories=categories.by_key(),
        limits=_unambiguous((name, row.id) for row in limits for name in (row.code, row.name)),
    )


def _unambiguous(pairs: Iterable[tuple[str, _T]]) -> dict[str, _T]:
    found: dict[str, set[_T]] = {}
    for name, value in pairs:
        if key := name_key(name):
            found.setdefault(key, set()).add(value)
    return {key: values.pop() for key, values in found.items() if len(values) == 1}


# --- against the database ----------------------------------------------------------------------------------


def sort(readings: Sequence[Reading], *, source: str, batch_id: int) -> Sorted:
    """Which rows are new and which are here already; problems of rows that are here are not repeated."""
    rows = [reading.row for reading in readings if reading.row is not None]
    stored = _stored(source, [row.number for row in rows])
    new: list[ImportRow] = []
    second: list[tuple[str, str]] = []
    problems: list[Problem] = []
    here = again = refused = 0
    for reading in readings:
        row = reading.row
        found = stored.get(row.number) if row is not None else None
        if row is not None and found is not None and found.import_batch_id != batch_id:
            here += 1
            problems += _about_here(row, found)
            continue
        problems += reading.problems
        refused += reading.outcome is Outcome.REFUSED
        if row is not None and reading.outcome is Outcome.NEW:
            new.append(row)
        elif row is not None:
            again += 1
            second += [
                (row.number, str(problem.data["value"]))
                for problem in reading.problems
                if problem.code == "second-category"
            ]
    total = len(new) + here + again + refused
    return Sorted(tuple(new), tuple(problems), total, here, again, refused, tuple(second))


def _stored(source: str, own_numbers: list[str]) -> dict[str, Any]:
    query = select(
        Appeal.number,
        Appeal.state,
        Appeal.source_no,
        Appeal.import_batch_id,
        Appeal.received_at,
        Appeal.subject,
        func.md5(Appeal.body).label("digest"),
    ).where(Appeal.source == source, Appeal.source_no == func.any(own_numbers))
    return {row.source_no: row for row in db.session.execute(query)}


def _about_here(row: ImportRow, found: Any) -> Iterator[Problem]:
    yield Problem(row.row, "", Severity.INFO, "already-here", {"number": found.number or row.number})
    digest = hashlib.md5(row.body.encode(), usedforsecurity=False).hexdigest()
    if (row.received_at, row.subject, digest) != (found.received_at, found.subject, found.digest):
        yield Problem(row.row, "", Severity.DOUBT, "differs-from-here", {"number": found.number or row.number})
    elif row.reply and found.state != "history":
        yield Problem(row.row, "", Severity.INFO, "reply-not-taken", {"number": found.number or row.number})


def elsewhere(rows: Sequence[ImportRow], source: str) -> dict[str, int]:
    """How many of these new rows are here with number and text, but under another source: source → rows."""
    other = select(ImportBatch.source).where(ImportBatch.state == "applied", ImportBatch.source != source)
    query = select(Appeal.source, Appeal.source_no, func.md5(Appeal.body)).where(
        Appeal.source.in_(other), Appeal.source_no == func.any([row.number for row in rows])
    )
    texts = {row.number: row.body for row in rows}
    counts: dict[str, int] = {}
    for name, number, digest in db.session.execute(query):
        if name and hashlib.md5(texts[number].encode(), usedforsecurity=False).hexdigest() == digest:
            counts[name] = counts.get(name, 0) + 1
    return counts


def repeats_of_stored(texts: Mapping[str, tuple[int, str]], batch_id: int, column: str) -> list[tuple[str, Problem]]:
    """Rows whose text stands in an appeal of another import; `texts` is digest → (row, own number).

    Returns (own number, doubt). One pass over what was imported; this batch's own appeals are left out.
    """
    if not texts:
        return []
    found = db.session.execute(_STORED_REPEATS, {"digests": list(texts), "batch": batch_id})
    repeats = []
    for stored in found:
        row, number = texts[stored.digest]
        data = {"number": stored.source_no, "source": stored.source}
        repeats.append((number, Problem(row, column, Severity.DOUBT, "repeats-stored", data)))
    return sorted(repeats, key=lambda repeat: repeat[1].row)


# --- into the tables ---------------------------------------------------------------------------------------


def keep_apart() -> None:
    """Wait until no other import adds rows; held until the transaction ends."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext("import-appeals"))))


def add(act: Act, rows: Sequence[ImportRow]) -> None:
    """Add rows that are new as appeals, each with one journal row, in the open transaction."""
    if not rows:
        return
    now = present.now()
    ids = copies.ids("appeal", len(rows))
    given = iter(numbers.take(HISTORY_SERIES, history) if (history := sum(1 for r in rows if r.reply)) else [])
    numbered = [next(given) if row.reply else None for row in rows]
    copies.into(
        "appeal",
        _APPEAL_COLUMNS,
        (_appeal(act, row, found, number, now) for row, found, number in zip(rows, ids, numbered, strict=True)),
    )
    copies.into(
        "journal",
        _JOURNAL_COLUMNS,
        (_journal(act, row, found, number, now) for row, found, number in zip(rows, ids, numbered, strict=True)),
    )


def _appeal(act: Act, row: ImportRow, appeal_id: int, number: str | None, now: datetime) -> tuple[Any, ...]:
    closed = bool(row.reply)
    imported: dict[str, Any] = {"row": row.row, **row.kept}
    if not closed:
        # Unit and limit are the duty director's to set (R5); what the file says waits beside the appeal.
        wished = {"unit_id": row.unit_id, "limit_rule_id": row.limit_rule_id}
        imported |= {name: value for name, value in wished.items() if value is not None}
    key, sealed = personal.seal_all(row.appellant) if row.appellant else (None, {})
    return (
        appeal_id, number, "history" if closed else "submitted", row.channel_class, row.channel_id,
        row.received_at, None if closed else now, row.answered_at, row.answered_at if closed else None,
        row.subject, row.body, row.place, row.category_id, row.limit_rule_id if closed else None,
        row.unit_id if closed else None, row.reply, copies.document({"imported": imported}),
        key, *(sealed.get(name) for name in PERSONAL),
        _blind(row, "appellant_phone", is_normal=row.phone_is_normal),
        _blind(row, "appellant_identity", is_normal=row.identity_is_normal),
        act.source, row.number, act.batch_id, list(row.flags), act.person_id,
    )  # fmt: skip


def _blind(row: ImportRow, name: str, *, is_normal: bool) -> bytes | None:
    return personal.blind_index(name, row.appellant[name]) if is_normal else None


def _journal(act: Act, row: ImportRow, appeal_id: int, number: str | None, now: datetime) -> tuple[Any, ...]:
    new = {
        "state": "history" if row.reply else "submitted",
        "number": number,
        "source": act.source,
        "source_no": row.number,
        "batch": act.batch_id,
    }
    return (
        now, "import", "appeal", appeal_id, appeal_id, act.user_id, act.person_id, act.post_id, act.role,
        act.process, "{}", copies.document(new), "", "",
    )  # fmt: skip


def flag(batch_id: int, own_numbers: Sequence[str], code: str) -> None:
    """Put one more flag on appeals that this batch added in the open transaction."""
    db.session.execute(
        update(Appeal)
        .where(Appeal.import_batch_id == batch_id, Appeal.source_no == func.any(list(own_numbers)))
        .values(flags=func.array_append(Appeal.flags, code))
        .execution_options(synchronize_session=False)
    )


def keep_second_categories(batch_id: int, second: Sequence[tuple[str, str]]) -> None:
    """Keep with their appeal the further categories under which the file names it."""
    if not second:
        return
    also: dict[str, list[str]] = {}
    for number, category in second:
        also.setdefault(number, []).append(category)
    flag(batch_id, list(also), "second-category")
    path = ["imported", "also"]
    for number, names in also.items():
        db.session.execute(
            update(Appeal)
            .where(Appeal.import_batch_id == batch_id, Appeal.source_no == number)
            .values(intake=func.jsonb_set(Appeal.intake, path, cast(names, JSONB), True))
            .execution_options(synchronize_session=False)
        )


def add_problems(batch_id: int, problems: Iterable[Problem]) -> None:
    """Store findings of a batch in the open transaction."""
    copies.into(
        "import_problem",
        _PROBLEM_COLUMNS,
        (
            (batch_id, found.row, found.column, found.severity.value, found.code, copies.document(dict(found.data)))
            for found in problems
        ),
    )
