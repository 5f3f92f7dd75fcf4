"""The forms by which appeals are taken in: what is asked for in each channel class, in which order (R2, R3)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .errors import FieldProblem, Invalid
from .workflow import FieldSpec, FieldType

T = FieldType


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a form under one heading: where it came from, whose it is, what it is about."""

    name: str  # origin | appellant | matter
    fields: tuple[FieldSpec, ...]


@dataclass(frozen=True, slots=True)
class JointVisit:
    """From how many people on a joint appeal names representatives, and how many they may be at most."""

    persons: int = 5
    representatives: int = 5


# Asked in every class. `subject` and `body` are plain text; the appellant's particulars are sealed when stored.
_CHANNEL = FieldSpec("channel", T.CHOICE, True, "channels")
_RECEIVED = FieldSpec("received_at", T.MOMENT, True)
_RECEIVER = FieldSpec("received_by", T.TEXT, max_length=64)
# The letter, the photograph, the clipping, the recording.
_FILES = FieldSpec("attachments", T.FILES)
_MATTER = Section(
    "matter",
    (FieldSpec("subject", T.TEXT, True), FieldSpec("body", T.LONG_TEXT, True), FieldSpec("place", T.TEXT), _FILES),
)
_NAME, _PHONE = FieldSpec("appellant_name", T.TEXT), FieldSpec("appellant_phone", T.TEXT)
_ADDRESS, _ANONYMOUS = FieldSpec("appellant_address", T.TEXT), FieldSpec("anonymous", T.BOOLEAN)
# Several people with one concern: the appellant is their first representative.
_JOINT = (
    FieldSpec("visitors", T.NUMBER),
    FieldSpec("appellant_representatives", T.LONG_TEXT, max_length=2_000),
    FieldSpec("appellant_others", T.LONG_TEXT, max_length=5_000),
)


def _origin(*fields: FieldSpec) -> Section:
    return Section("origin", (_CHANNEL, *fields))


def _appellant(*fields: FieldSpec) -> Section:
    return Section("appellant", fields)


# Who calls is found by his number while he speaks, so the number is asked first.
_CALLER = _appellant(_PHONE, _NAME, _ADDRESS, _ANONYMOUS, FieldSpec("call_back_wanted", T.BOOLEAN), *_JOINT)
_WRITER = _appellant(_NAME, _PHONE, _ADDRESS, _ANONYMOUS)
_VISITOR = _appellant(_NAME, FieldSpec("appellant_identity", T.TEXT), _PHONE, _ADDRESS, _ANONYMOUS, *_JOINT)

FORMS: Mapping[str, tuple[Section, ...]] = MappingProxyType(
    {
        "A": (_origin(_RECEIVED, _RECEIVER), _CALLER, _MATTER),
        "B": (_origin(_RECEIVED, FieldSpec("letter_reference", T.TEXT)), _WRITER, _MATTER),
        "C": (
            _origin(
                FieldSpec("page_address", T.TEXT, max_length=500),
                FieldSpec("programme", T.TEXT),
                FieldSpec("minute", T.TEXT, max_length=20),
                _RECEIVED,
            ),
            _MATTER,
            _WRITER,
        ),
        "D": (
            _origin(
                FieldSpec("paper_name", T.TEXT, max_length=64),
                FieldSpec("published_on", T.DATE, True),
                FieldSpec("page_number", T.TEXT, max_length=20),
                _RECEIVED,
            ),
            _MATTER,
            _WRITER,
        ),
        "E": (
            _origin(
                FieldSpec("petition_number", T.TEXT, max_length=64),
                FieldSpec("written_on", T.DATE),
                _RECEIVED,
                FieldSpec("scan_reference", T.TEXT, max_length=100),
                FieldSpec("scan_pages", T.TEXT, max_length=40),
            ),
            _WRITER,
            _MATTER,
        ),
        "F": (_origin(_RECEIVED, _RECEIVER), _VISITOR, _MATTER),
    }
)
COMMON = frozenset({"channel", "received_at", "subject", "body", "place", "anonymous", "attachments"})
SEALED = (
    "appellant_name",
    "appellant_phone",
    "appellant_identity",
    "appellant_address",
    "appellant_representatives",
    "appellant_others",
)
# What only one class asks; stored in the appeal's intake document.
SPECIFIC: Mapping[str, tuple[FieldSpec, ...]] = MappingProxyType(
    {
        letter: tuple(
            spec for part in parts for spec in part.fields if spec.name not in COMMON and spec.name not in SEALED
        )
        for letter, parts in FORMS.items()
    }
)
# The media report about people without naming them; callers, writers and visitors have a name.
NAMED_CLASSES = frozenset("ABEF")
# The kind of channel whose items come with a number of the office that passed them on.
NUMBERED_KIND = "referral"
# What the next appeal of a row of them starts with: several letters of one scan, several items of one page.
REPEATED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "A": ("channel", "received_by", "place"),
        "B": ("channel", "place"),
        "C": ("channel", "programme", "received_at", "place"),
        "D": ("channel", "paper_name", "published_on", "page_number", "received_at", "place"),
        "E": ("channel", "received_at", "scan_reference", "place"),
        "F": ("channel", "received_by", "place"),
    }
)


def fields_of(channel_class: str) -> tuple[FieldSpec, ...]:
    """The fields of the form of a channel class, in the order in which they are asked."""
    return tuple(spec for part in FORMS[channel_class] for spec in part.fields)


def missing(
    channel_class: str,
    values: Mapping[str, object],
    *,
    channel_kind: str = "",
    joint: JointVisit | None = None,
) -> tuple[str, ...]:
    """The names of the required fields that are still empty; a named class wants a name or "anonymous".

    What the petition office passed on has its number; more people than `joint` says name a representative.
    """
    empty = [spec.name for spec in fields_of(channel_class) if spec.required and not values.get(spec.name)]
    if channel_class in NAMED_CLASSES and not values.get("appellant_name") and not values.get("anonymous"):
        empty.append("appellant_name")
    if channel_class == "C" and not values.get("page_address") and not values.get("programme"):
        empty.append("page_address")
    if channel_kind == NUMBERED_KIND and not values.get("petition_number"):
        empty.append("petition_number")
    visitors = values.get("visitors")
    is_joint = joint is not None and isinstance(visitors, int) and visitors > joint.persons
    if is_joint and not values.get("appellant_representatives"):
        empty.append("appellant_representatives")
    return tuple(empty)


def problems(values: Mapping[str, object], joint: JointVisit) -> Iterator[FieldProblem]:
    """What is filled in, but cannot be right: addresses, minutes, more names than people."""
    for name, rule in _FORMATS.items():
        if values.get(name):
            try:
                rule(str(values[name]))
            except Invalid as error:
                yield FieldProblem(name, error.code, error.data)
    if values.get("minute") and not values.get("programme"):
        yield FieldProblem("programme", "field.required")
    yield from _joint_problems(values, joint)


def _joint_problems(values: Mapping[str, object], joint: JointVisit) -> Iterator[FieldProblem]:
    visitors = values.get("visitors")
    if isinstance(visitors, int) and not 1 <= visitors <= 100_000:
        yield FieldProblem("visitors", "joint.number", {"value": visitors})
        return
    representatives = len(names_in(values.get("appellant_representatives")))
    named = representatives + len(names_in(values.get("appellant_others")))
    present = visitors if isinstance(visitors, int) else 1
    if representatives and 1 + representatives > joint.representatives:
        yield FieldProblem("appellant_representatives", "joint.representatives", {"most": joint.representatives})
    if named and 1 + named > present:
        yield FieldProblem("visitors", "joint.more-names", {"named": 1 + named})


def names_in(value: object) -> tuple[str, ...]:
    """The people of a list that has one on each line."""
    return tuple(line.strip() for line in str(value or "").splitlines() if line.strip())


# --- single fields -----------------------------------------------------------------------------------------

_MINUTE = re.compile(r"(?:([0-9]{1,2})[:时](?=[0-9]{1,2}[:分]))?([0-9]{1,3})[:分]([0-5]?[0-9])秒?")
_WEB = re.compile(r"(?:https?://)?(?=[^/]*\.)[^\s/:?#<>\"']+(?::[0-9]{1,5})?(?:[/?#][^\s<>\"']*)?", re.IGNORECASE)


def normal_minute(value: str) -> str:
    """Where in a programme it was said: `12:30`, or `1:02:30` after an hour. Raises Invalid("field.minute")."""
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", value))
    match = _MINUTE.fullmatch(text.replace("'", ":").rstrip('":') if "'" in text else text)
    if match is None or (match[1] and int(match[2]) > 59):
        raise Invalid("field.minute", {"value": value[:20]})
    parts = [f"{int(match[2]):02d}", f"{int(match[3]):02d}"]
    return ":".join([str(int(match[1])), *parts] if match[1] else parts)


def web_address(value: str) -> str:
    """The address of a page as it was read off. Raises Invalid("field.web-address") for what no browser opens."""
    text = value.strip()
    if not _WEB.fullmatch(text):
        raise Invalid("field.web-address", {"value": text[:60]})
    return text


_FORMATS = MappingProxyType({"minute": normal_minute, "page_address": web_address})


def normal(name: str, value: str) -> str:
    """A field of the intake document as it is stored. Raises Invalid with the code of the field."""
    return _FORMATS[name](value) if name in _FORMATS and value else value
