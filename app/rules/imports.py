"""Rows of imported workbooks: what a row of appeals says and what is doubtful about it; the nodes of a tree.

Nothing is guessed and nothing is dropped in silence: a row is new, the same as one before, or refused; what
is doubtful is kept as it stands and flagged. Problem data holds no names and no phone numbers.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import TypeVar

from .columns import CHANNEL_CLASSES, LEVELS, Cell, Column, category_code, category_key, cell_text, name_key
from .errors import FieldErrors, FieldProblem, Invalid
from .fields import clean_text, normalise_identity, normalise_phone, read_moment

_T = TypeVar("_T")

SUBJECT_LENGTH = 300
PLACE_LENGTH = 200
CATEGORY_NAME_LENGTH = 90
_NUMBER_LENGTH = 90
PERSONAL = ("appellant_name", "appellant_phone", "appellant_identity", "appellant_address")
_SHORTEST_REPEAT = 8
_SUBJECT_FROM_TEXT = 60
_EXACT_INTEGERS = 2**53


class Severity(StrEnum):
    """What a problem does to its row."""

    ERROR = "error"  # the row is refused
    DOUBT = "doubt"  # the row is kept and flagged with the problem's code
    INFO = "info"  # nothing happens to the row because of it


class Outcome(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    AGAIN = "again"  # the same appeal as a row before it
    REFUSED = "refused"
    SKIPPED = "skipped"  # blank, or the header once more


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding, by row and column as the workbook shows them."""

    row: int
    column: str
    severity: Severity
    code: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """Ids of the dictionary rows a cell may name, by `name_key` of names and codes; channels have a class."""

    units: Mapping[str, int] = field(default_factory=dict)
    channels: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    categories: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An appeal as a row of a workbook gives it. Moments are UTC; `kept` holds what no field could take."""

    row: int
    number: str
    channel_class: str
    received_at: datetime
    subject: str
    body: str
    reply: str = ""
    answered_at: datetime | None = None
    appellant: Mapping[str, str] = field(default_factory=dict)
    phone_is_normal: bool = False
    identity_is_normal: bool = False
    place: str = ""
    channel_id: int | None = None
    category_id: int | None = None
    unit_id: int | None = None
    limit_rule_id: int | None = None
    text_digest: str = ""
    flags: tuple[str, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one row came to."""

    outcome: Outcome
    row: ImportRow | None = None
    problems: tuple[Problem, ...] = ()


def text_digest(body: str) -> str:
    """By which a repeated text is found whatever its spaces and line breaks; "" for a text too short to tell.

    Equal to SQL ``md5(translate(body, E' \\n', ''))`` of a stored body.
    """
    packed = body.replace(" ", "").replace("\n", "")
    return hashlib.md5(packed.encode(), usedforsecurity=False).hexdigest() if len(packed) >= _SHORTEST_REPEAT else ""


# --- rows of appeals ---------------------------------------------------------------------------------------


class AppealReader:
    """Reads the rows of one sheet in order, remembering numbers and texts to find what repeats.

    `layout` is what `checked_mapping` returns, `channel_class` what holds for rows that name none; `now` and
    `zone` decide what lies in the future and what a time without zone means.
    """

    def __init__(
        self,
        layout: Mapping[str, Column],
        known: Known,
        *,
        channel_class: str,
        now: datetime,
        zone: tzinfo,
        is_1904: bool = False,
    ) -> None:
        if channel_class not in CHANNEL_CLASSES or not channel_class:
            raise FieldErrors([FieldProblem("channel_class", "import.class-needed")])
        self._layout = layout
        self._known = known
        self._channel_class = channel_class
        self._now = now
        self._zone = zone
        self._is_1904 = is_1904
        self._numbers: dict[str, _First] = {}
        # Digest of each text → (row, number) of the first row that has it.
        self.texts: dict[str, tuple[int, str]] = {}

    def read(self, row: int, cells: Sequence[Cell], *, is_merged: bool = False) -> Reading:
        """What a row says; `is_merged` tells that a cell of it is merged with the row above."""
        line = _Line(row, self._layout, cells)
        if line.is_blank:
            unread = any(clean_text(cell_text(cell)) for cell in cells)
            told = (Problem(row, "", Severity.INFO, "row-unmapped"),) if unread else ()
            return Reading(Outcome.SKIPPED, problems=told)
        if line.is_header:
            return Reading(Outcome.SKIPPED, problems=(Problem(row, "", Severity.INFO, "header-again"),))
        if is_merged:
            line.doubt("", "merged-cells")
        return self._appeal(line)

    def _appeal(self, line: _Line) -> Reading:
        subject, body = _subject_and_body(line)
        reply = line.text("reply", multiline=True)
        received_at, answered_at = self._moments(line, reply)
        if received_at is None or line.is_refused:
            return Reading(Outcome.REFUSED, problems=tuple(line.problems))
        own_number = _number(line)
        channel_id, channel_class = self._channel(line)
        appellant, normal = _appellant(line)
        place = _clipped(line, "place", PLACE_LENGTH)
        names = tuple(name for level in LEVELS if (name := line.text(level)))
        category_id = self._category(line, names)
        unit_id = line.lookup("unit", self._known.units)
        limit_rule_id = line.lookup("limit", self._known.limits)
        repeated = text_digest(body)
        said = _Said(received_at, subject, body, reply, answered_at, names)
        outcome, number = self._identified(line, own_number, said, repeated)
        row = ImportRow(
            row=line.row,
            number=number,
            channel_class=channel_class,
            received_at=received_at,
            subject=subject,
            body=body,
            reply=reply,
            answered_at=answered_at,
            appellant=appellant,
            phone_is_normal="appellant_phone" in normal,
            identity_is_normal="appellant_identity" in normal,
            place=place,
            channel_id=channel_id,
            category_id=category_id,
            unit_id=unit_id,
            limit_rule_id=limit_rule_id,
            text_digest=repeated,
            flags=line.flags(),
            kept=line.kept,
        )
        return Reading(outcome, row, tuple(line.problems))

    def _moments(self, line: _Line, reply: str) -> tuple[datetime | None, datetime | None]:
        received = self._moment(line, "received_at", "received")
        answered = self._moment(line, "answered_at", "answered")
        due = self._moment(line, "due_at", "due")
        if due is not None:
            line.kept["due_at"] = due.isoformat()
        if received is None and reply and answered is not None:
            # The only bound there is; the flag says that it is one.
            line.doubt("received_at", "received-unknown")
            received = answered
        elif received is None:
            line.error("received_at", "received-missing")
        elif answered is not None and answered < received:
            line.doubt("answered_at", "answered-before-received")
        if reply and answered is None:
            line.doubt("answered_at", "answered-unknown")
        elif answered is not None and not reply:
            line.kept["answered_at"] = answered.isoformat()
            line.doubt("reply", "reply-missing")
            answered = None
        return received, answered

    def _moment(self, line: _Line, target: str, word: str) -> datetime | None:
        cell = line.cell(target)
        if isinstance(cell, str) and not clean_text(cell):
            return None
        if isinstance(cell, datetime):
            # A workbook counts in fractions of a day; a second is what those are good for.
            cell = (cell + timedelta(milliseconds=500)).replace(microsecond=0)
        try:
            moment = read_moment(cell, self._zone, is_1904=self._is_1904)
        except Invalid:
            line.keep(target)
            line.doubt(target, f"{word}-unreadable", _shown_moment(cell_text(cell)))
            return None
        if isinstance(cell, int | float):
            line.doubt(target, f"{word}-is-a-number", {"value": cell_text(cell)[:30]})
        if not moment.has_time and target != "due_at":
            line.doubt(target, f"{word}-time-missing")
        if moment.at > self._now and target != "due_at":
            line.doubt(target, f"{word}-in-future", _shown_moment(cell_text(cell)))
        return moment.at

    def _channel(self, line: _Line) -> tuple[int | None, str]:
        given = unicodedata.normalize("NFKC", line.text("channel_class")).upper().removesuffix("类").strip()
        channel_class = given if len(given) == 1 and given in CHANNEL_CLASSES else ""
        if given and not channel_class:
            line.keep("channel_class")
            line.doubt("channel_class", "class-unknown", {"value": given[:30]})
        named = line.lookup("channel", self._known.channels)
        if named is None:
            return None, channel_class or self._channel_class
        if channel_class and named[1] != channel_class:
            line.keep("channel")
            line.doubt("channel", "channel-of-other-class", {"class": named[1]})
            return None, channel_class
        return named

    def _category(self, line: _Line, names: tuple[str, ...]) -> int | None:
        if not names:
            return None
        found = self._known.categories.get(category_key(names))
        if found is None:
            line.kept["category"] = category_code(names)[:300]
            line.doubt("category", "category-unknown", {"value": category_code(names)[:60]})
        return found

    def _identified(self, line: _Line, own_number: str, said: _Said, repeated: str) -> tuple[Outcome, str]:
        """Settle the row's identity among those before it: its own number, or a digest of what it says."""
        content = said.digest(with_reply=True)
        number = own_number or f"~{said.digest(with_reply=False).hex()}"
        before = self._numbers.get(number)
        if before is not None and before.content == content and own_number:
            line.add(Severity.INFO, "number", "row-again", {"row": before.row})
            if said.category and said.category != before.category:
                category = category_code(said.category)[:60]
                line.doubt("category", "second-category", {"row": before.row, "value": category})
            return Outcome.AGAIN, number
        if not own_number:
            line.doubt("number", "number-missing")
        elif before is not None:
            line.doubt("number", "number-repeated", {"row": before.row})
        if before is not None:
            number = self._next_free(number, before)
        self._numbers[number] = _First(line.row, content, said.category)
        if repeated:
            twin = self.texts.setdefault(repeated, (line.row, number))
            if twin[0] != line.row:
                line.doubt("body", "repeats", {"row": twin[0], "number": twin[1]})
        return Outcome.NEW, number

    def _next_free(self, number: str, before: _First) -> str:
        """The number with an ordinal, the same in a copy of the file whose rows stand in another order."""
        while f"{number}#{before.repeats}" in self._numbers:
            before.repeats += 1
        return f"{number}#{before.repeats}"


@dataclass(slots=True)
class _First:
    """The first row that bore a number."""

    row: int
    content: bytes
    category: tuple[str, ...]
    repeats: int = 2


@dataclass(slots=True)
class _Said:
    """What makes two rows the same appeal."""

    received_at: datetime
    subject: str
    body: str
    reply: str
    answered_at: datetime | None
    category: tuple[str, ...]

    def digest(self, *, with_reply: bool) -> bytes:
        words = [self.received_at.isoformat(), self.subject, self.body]
        if with_reply:
            words += [self.reply, self.answered_at.isoformat() if self.answered_at else ""]
        return hashlib.blake2b("\0".join(words).encode(), digest_size=12).digest()


def _number(line: _Line) -> str:
    cell = line.cell("number")
    number = clean_text(unicodedata.normalize("NFKC", cell_text(cell)))
    if isinstance(cell, float) and abs(cell) >= _EXACT_INTEGERS:
        line.doubt("number", "number-imprecise")
    if len(number) > _NUMBER_LENGTH:
        line.keep("number")
        line.doubt("number", "number-long", {"limit": _NUMBER_LENGTH})
        number = f"{number[:60]}~{hashlib.blake2b(number.encode(), digest_size=8).hexdigest()}"
    return number


def _subject_and_body(line: _Line) -> tuple[str, str]:
    """The subject as far as it fits its field, and the whole text, whose beginning stands for no subject."""
    subject, body = line.text("subject"), line.text("body", multiline=True)
    if not subject and not body:
        line.error("body", "nothing-said")
    elif not body and line.has("body"):
        line.doubt("body", "text-missing")
    elif not subject:
        if line.has("subject"):
            line.doubt("subject", "subject-missing")
        subject = body.partition("\n")[0]
        return subject[:_SUBJECT_FROM_TEXT] + ("…" if len(subject) > _SUBJECT_FROM_TEXT else ""), body
    return _clipped(line, "subject", SUBJECT_LENGTH), body


def _clipped(line: _Line, target: str, limit: int) -> str:
    text = line.text(target)
    if len(text) <= limit:
        return text
    line.kept[target] = text
    line.doubt(target, f"{target}-long", {"limit": limit, "length": len(text)})
    return f"{text[: limit - 1]}…"


def _appellant(line: _Line) -> tuple[dict[str, str], frozenset[str]]:
    """The appellant's particulars that are given, and which of them have the form that is searched."""
    given = {target: text for target in PERSONAL if (text := line.text(target))}
    normal = set()
    for target, rule in (("appellant_phone", normalise_phone), ("appellant_identity", normalise_identity)):
        if target in given:
            try:
                given[target] = rule(given[target])
                normal.add(target)
            except Invalid:
                line.doubt(target, f"{target.partition('_')[2]}-unreadable")
    return given, frozenset(normal)


def _shown_moment(text: str) -> dict[str, object]:
    """What may be shown of a cell that should be a moment: nothing of it when it may be somebody's words."""
    short = clean_text(text)[:30]
    return {"value": short} if re.fullmatch(r"[\d\s/\-.:年月日号时点分秒上下午TZ+]+", short) else {}


class _Line:
    """One row under its layout, collecting problems, flags and what is kept as it stood."""

    def __init__(self, row: int, layout: Mapping[str, Column], cells: Sequence[Cell]) -> None:
        self.row = row
        self.problems: list[Problem] = []
        self.kept: dict[str, str] = {}
        self._layout = layout
        self._cells = cells

    @property
    def is_blank(self) -> bool:
        return all(
            isinstance(cell, str) and not clean_text(cell) for cell in (self.cell(target) for target in self._layout)
        )

    @property
    def is_header(self) -> bool:
        return len(self._layout) > 1 and all(
            clean_text(cell_text(self.cell(target))) == column.title for target, column in self._layout.items()
        )

    def has(self, target: str) -> bool:
        return target in self._layout

    def cell(self, target: str) -> Cell:
        column = self._layout.get(target)
        return self._cells[column.index] if column is not None and column.index < len(self._cells) else ""

    def text(self, target: str, *, multiline: bool = False) -> str:
        cell = self.cell(target)
        return clean_text(cell_text(cell), multiline=multiline) if cell != "" else ""

    def keep(self, target: str) -> None:
        self.kept[target] = self.text(target)[:50]

    def add(self, severity: Severity, target: str, code: str, data: Mapping[str, object] | None = None) -> None:
        column = self._layout.get(target)
        where = f"{column.letter} {column.title}"[:100] if column else ""
        self.problems.append(Problem(self.row, where, severity, code, data or {}))

    @property
    def is_refused(self) -> bool:
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def flags(self) -> tuple[str, ...]:
        codes = (problem.code for problem in self.problems if problem.severity is Severity.DOUBT)
        return tuple(dict.fromkeys(codes))

    def doubt(self, target: str, code: str, data: Mapping[str, object] | None = None) -> None:
        self.add(Severity.DOUBT, target, code, data)

    def error(self, target: str, code: str) -> None:
        self.add(Severity.ERROR, target, code)

    def lookup(self, target: str, names: Mapping[str, _T]) -> _T | None:
        """The dictionary row a cell names exactly; another name is kept as it stands and flagged."""
        given = self.text(target)
        found = names.get(name_key(given)) if given else None
        if given and found is None:
            self.keep(target)
            self.doubt(target, f"{target}-unknown", {"value": given[:60]})
        return found


# --- rows of a category tree -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CategoryPath:
    """A node of the tree as a row gives it, from the first level down; English names where there are some."""

    row: int
    names: tuple[str, ...]
    names_en: tuple[str, ...]


def read_category(
    layout: Mapping[str, Column], row: int, cells: Sequence[Cell]
) -> tuple[CategoryPath | None, Problem | None]:
    """The deepest node a row names, or why it names none; (None, None) for a blank row or a header."""
    line = _Line(row, layout, cells)
    if line.is_blank or line.is_header:
        return None, None
    names = [line.text(level) for level in LEVELS]
    depth = max(index + 1 for index, name in enumerate(names) if name) if any(names) else 0
    names = names[:depth]
    if not depth or not all(names):
        line.error(LEVELS[names.index("") if depth else 0], "category-gap")
    elif long := next(
        (level for level, name in zip(LEVELS, names, strict=False) if len(name) > CATEGORY_NAME_LENGTH), ""
    ):
        line.error(long, "category-name-long")
    if line.problems:
        return None, line.problems[0]
    english = tuple(line.text(f"{level}_en")[:160] for level in LEVELS[:depth])
    return CategoryPath(row, tuple(names), english), None
