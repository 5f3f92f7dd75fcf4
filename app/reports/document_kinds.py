"""The documents an office prints from a record, and what a template of each may name (R4, R6, R9, R11).

A template knows only these names. Every value is a plain text, a code to be scanned, or a list of rows of texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from .table import N_, Translate


@dataclass(frozen=True, slots=True)
class Code:
    """A text to be printed as a QR code."""

    text: str


Row = Mapping[str, str | Code]
Value = str | Code | Sequence[Row] | Row
Context = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A name a template may use: what it stands for and an example; `rows` are the names within one row of a list.

    `parts` are names said behind a dot: `field.bridge`.
    """

    name: str
    meaning: str
    sample: str = ""
    rows: tuple[Placeholder, ...] = ()
    is_code: bool = False
    parts: tuple[Placeholder, ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether it is walked through with {%tr for … %} instead of being printed."""
        return bool(self.rows)


@dataclass(frozen=True, slots=True)
class Kind:
    """A document: its code, its title, whose record fills it (`subject`: appeal, slip, request or sheet), its names."""

    code: str
    title: str
    subject: str
    placeholders: tuple[Placeholder, ...]

    @property
    def names(self) -> Mapping[str, Placeholder]:
        """The placeholders by name."""
        return {one.name: one for one in self.placeholders}


P = Placeholder
_MOMENT, _LATER, _DAY = "2026-11-24 09:30", "2026-11-26 16:20", "2026-11-24"
_NUMBER, _SLIP, _SHEET = "民〔2026〕A-000123", "处〔2026〕0012", "送〔2026〕0007"
_PERSON = N_("Sample person (示例)")
_UNIT = N_("Sample unit (示例)")
_TEXT = N_("Sample (示例): the street lamp at the gate has been dark for three days.")
_OPINION = N_("Sample (示例): submitted for your instruction.")
_CODE = P("qr", N_("QR code of the number, for a scanner"), _NUMBER, is_code=True)

_ABOUT: tuple[Placeholder, ...] = (
    P("office", N_("The office that issues it"), N_("General Duty Office of the Municipal Government")),
    P("printed_on", N_("Day of printing"), _DAY),
    P("sample_mark", N_("Says so when the record is a sample"), N_("Sample (示例)")),
)

# Every document about an appeal may name all of these.
_APPEAL: tuple[Placeholder, ...] = (
    *_ABOUT,
    _CODE,
    P("number", N_("Number of the appeal"), _NUMBER),
    P("state", N_("State"), N_("In progress")),
    P("channel_class", N_("Class"), N_("A · duty telephone and fax")),
    P("channel", N_("Channel"), N_("Duty telephone")),
    P("received_at", N_("Received at"), _MOMENT),
    P("submitted_at", N_("Submitted at"), _MOMENT),
    P("registered_at", N_("Registered at"), _MOMENT),
    P("appellant_name", N_("Appellant, masked unless shown in full"), N_("Sample appellant (示例)")),
    P("appellant_phone", N_("Telephone, masked unless shown in full"), "138****0001"),
    P("appellant_identity", N_("Identity number, masked unless shown in full"), "360***********0011"),
    P("appellant_address", N_("Address, masked unless shown in full"), "******"),
    P("subject", N_("Subject"), N_("Sample (示例): street lamp out of order")),
    P("body", N_("Text of the appeal"), _TEXT),
    P("details", N_("Details of the channel, one a line"), N_("Number of visitors: 3")),
    P("place", N_("Place"), N_("Sample road (示例)")),
    P("category", N_("Category"), N_("Sample category (示例)")),
    P("nature", N_("What kind of appeal it is"), N_("Request for help")),
    P("urgency", N_("Urgency"), N_("Ordinary")),
    P("limit", N_("Kind and limit"), N_("Ordinary, 7 days")),
    P("handling", N_("Way of handling"), N_("Forwarded")),
    P("unit", N_("Lead unit"), _UNIT),
    P("co_units", N_("Co-handling units in a row"), _UNIT),
    P("due_at", N_("Limit of the lead unit"), _LATER),
    P("opinion", N_("Proposed opinion"), _OPINION),
    P("result", N_("Result"), N_("Sample (示例): repaired.")),
    P("informed_at", N_("Appellant informed at"), _LATER),
    P("informed_how", N_("Informed by"), N_("By telephone")),
    P("informed_by", N_("Who informed the appellant"), _PERSON),
    P("reaction", N_("Appellant's reaction"), N_("Satisfied")),
    P("note", N_("Note"), N_("Sample (示例): finished late because of the weather.")),
    P("answered_at", N_("Answered at"), _LATER),
    P("closed_at", N_("Struck off at"), _LATER),
    P("archived_at", N_("Archived at"), _LATER),
    P("finished", N_("Finished in time or late"), N_("Finished in time")),
    P("lawful_route", N_("Lawful route the appellant was told of"), N_("Administrative reconsideration")),
    P("main_number", N_("Number of the main appeal it was merged into"), _NUMBER),
    P("merged_numbers", N_("Numbers of the appeals merged into it, in a row"), _NUMBER),
    P("retention", N_("Retention class"), N_("10 years")),
    P("seal", N_("Digest of the archived file"), "3f2a9c…"),
    P(
        "units",
        N_("Units that handle it, the lead unit first"),
        rows=(
            P("name", N_("Unit"), _UNIT),
            P("part", N_("Lead or co-handling"), N_("Lead")),
            P("task", N_("What this unit has to do"), N_("Sample (示例): repair the lamp.")),
            P("assigned_at", N_("Assigned at"), _MOMENT),
            P("due_at", N_("Limit"), _LATER),
            P("signed_in_at", N_("Signed in at"), _MOMENT),
            P("answered_at", N_("Answered at"), _LATER),
            P("finished", N_("Finished in time or late"), N_("Finished in time")),
            P("feedback", N_("Feedback"), N_("Sample (示例): repaired.")),
        ),
    ),
    P(
        "chain",
        N_("Responsibility chain as it was frozen at the assignment"),
        rows=(
            P("unit", N_("Unit"), _UNIT),
            P("link", N_("Link"), N_("First responsible")),
            P("role", N_("Role"), N_("A-role")),
            P("name", N_("Person"), _PERSON),
        ),
    ),
    P(
        "instructions",
        N_("What leaders wrote on its slips"),
        rows=(
            P("slip", N_("Slip"), _SLIP),
            P("kind", N_("Comment or instruction"), N_("Instruction")),
            P("text", N_("Text"), N_("Sample (示例): settle this quickly.")),
            P("by", N_("Leader"), _PERSON),
            P("acting_for", N_("For whom he stood in"), ""),
            P("on", N_("Instructed on"), _DAY),
            P("how", N_("Signed by himself or transcribed"), N_("Transcribed by the liaison")),
            P("due_on", N_("Date the leader set"), "2026-12-01"),
        ),
    ),
    P(
        "handovers",
        N_("Hand-overs of its slips, in order"),
        rows=(
            P("slip", N_("Slip"), _SLIP),
            P("leg", N_("Leg"), N_("Carried to the matching section")),
            P("at", N_("At"), _MOMENT),
            P("by", N_("By"), _PERSON),
            P("role", N_("Role"), N_("A-role")),
            P("to", N_("Handed to"), _PERSON),
        ),
    ),
    P(
        "explanations",
        N_("Situation explanations"),
        rows=(
            P("kind", N_("Kind of explanation"), N_("Cannot be finished in time")),
            P("text", N_("Text"), N_("Sample (示例): parts are on order.")),
            P("at", N_("At"), _MOMENT),
        ),
    ),
    P(
        "requests",
        N_("Objections, extensions and pauses that units asked for"),
        rows=(
            P("kind", N_("What was asked for"), N_("Extension")),
            P("reason", N_("Reason"), N_("Sample (示例): parts are on order.")),
            P("asked_at", N_("Asked at"), _MOMENT),
            P("state", N_("Decision"), N_("Granted")),
            P("decision", N_("Reason of the decision"), N_("Sample (示例): granted once.")),
            P("decided_by", N_("Decided by"), _PERSON),
            P("decided_at", N_("Decided at"), _LATER),
        ),
    ),
    P(
        "call_backs",
        N_("Call-backs"),
        rows=(
            P("at", N_("At"), _LATER),
            P("by", N_("By"), _PERSON),
            P("reached", N_("Reached"), N_("Yes")),
            P("solved", N_("Solved"), N_("Yes")),
            P("satisfied", N_("Satisfied"), N_("Yes")),
            P("remark", N_("Remark"), ""),
        ),
    ),
    P(
        "merged",
        N_("Appeals merged into it"),
        rows=(P("number", N_("Number"), _NUMBER), P("subject", N_("Subject"), _TEXT)),
    ),
)

_OF_SLIP: tuple[Placeholder, ...] = (
    P("slip_number", N_("Number of the slip"), _SLIP),
    P("section", N_("Matching section"), N_("Sample section (示例)")),
    P("line", N_("Portfolio line"), N_("Sample line (示例)")),
    P("vice_mayor", N_("Vice mayor in charge"), _PERSON),
    P("deputy", N_("Deputy secretary-general"), _PERSON),
    P("opinion_by", N_("Who proposed the opinion"), _PERSON),
    P("opinion_at", N_("Opinion signed at"), _MOMENT),
    P("filled_by", N_("Who filled in the slip"), _PERSON),
    P("filled_at", N_("Slip filled in at"), _MOMENT),
    P("remark", N_("Remark"), ""),
    P("delivery_due", N_("To be delivered until"), "2026-11-24 24:00"),
    P("sheet_number", N_("Number of the hand-over sheet"), _SHEET),
    P("fulfilled_at", N_("Instruction carried out at"), _LATER),
    P("noted_by", N_("Leader who took note of it"), _PERSON),
    P("noted_at", N_("Taken note of at"), _LATER),
)

_OF_REQUEST: tuple[Placeholder, ...] = (
    P("asked_for", N_("What was asked for"), N_("Extension")),
    P("asking_unit", N_("Unit that asked"), _UNIT),
    P("asked_by", N_("Who asked"), _PERSON),
    P("asked_at", N_("Asked at"), _MOMENT),
    P("asked_amount", N_("How much was asked for"), N_("5 days")),
    P("reason", N_("Reason"), N_("Sample (示例): parts are on order.")),
    P("legal_basis", N_("Legal basis"), ""),
    P("proposed_unit", N_("Unit proposed instead"), _UNIT),
    P("outcome", N_("Decision"), N_("Granted")),
    P("granted_amount", N_("How much was granted"), N_("5 days")),
    P("decision", N_("Reason of the decision"), N_("Sample (示例): granted once.")),
    P("decided_by", N_("Decided by"), _PERSON),
    P("decided_at", N_("Decided at"), _LATER),
)

_OF_SHEET: tuple[Placeholder, ...] = (
    *_ABOUT,
    P("sheet_number", N_("Number of the hand-over sheet"), _SHEET),
    P("made_on", N_("Day of the sheet"), _DAY),
    P("made_by", N_("Who made the sheet"), _PERSON),
    P("section", N_("Matching section"), N_("Sample section (示例)")),
    P(
        "slips",
        N_("Slips on the sheet"),
        rows=(
            P("no", N_("No."), "1"),
            P("slip_number", N_("Number of the slip"), _SLIP),
            P("number", N_("Number of the appeal"), _NUMBER),
            P("subject", N_("Subject"), N_("Sample (示例): street lamp out of order")),
            P("carried_by", N_("Who carried it"), _PERSON),
            P("carried_at", N_("Carried at"), _MOMENT),
            P("carried_to", N_("Who received it"), _PERSON),
            P("delivered_by", N_("Who delivered it"), _PERSON),
            P("delivered_at", N_("Delivered at"), _MOMENT),
            P("delivered_to", N_("Who received it"), _PERSON),
            P("fetched_by", N_("Who fetched it back"), _PERSON),
            P("fetched_at", N_("Fetched back at"), _LATER),
            P("qr", N_("QR code of the slip, for a scanner"), _SLIP, is_code=True),
        ),
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.code: kind
        for kind in (
            Kind("registration_form", N_("Registration form"), "appeal", _APPEAL),
            Kind("slip", N_("Processing slip"), "slip", (*_APPEAL, *_OF_SLIP)),
            Kind("hand_over_sheet", N_("Hand-over sheet"), "sheet", _OF_SHEET),
            Kind("result", N_("Result sheet"), "appeal", _APPEAL),
            Kind("decision", N_("Decision on a unit's request"), "request", (*_APPEAL, *_OF_REQUEST)),
            Kind("non_acceptance", N_("Notice of non-acceptance"), "appeal", _APPEAL),
            Kind("cover", N_("Cover of the file"), "appeal", _APPEAL),
        )
    }
)
SUBJECTS = ("appeal", "slip", "request", "sheet")


FIELD = "field"


def with_fields(kind: Kind, fields: Sequence[Placeholder]) -> Kind:
    """The kind with the fields made at run time on appeals, each said as `field.<code>`."""
    if kind.subject == "sheet" or not fields:
        return kind
    group = P(FIELD, N_("Fields your office added"), parts=tuple(fields))
    return replace(kind, placeholders=(*kind.placeholders, group))


def sample(kind: Kind, t: Translate, *, rows: int = 2) -> Context:
    """Example values for every name of a kind, each list with so many rows; `rows=0` is the empty record."""
    return {one.name: _sampled(one, t, rows) for one in kind.placeholders}


def empty(kind: Kind) -> Context:
    """The barest record: every text empty, every list without rows."""
    return sample(kind, lambda _text: "", rows=0)


def _sampled(one: Placeholder, t: Translate, rows: int) -> Value:
    if one.is_list:
        return [{part.name: _plain(part, t) for part in one.rows} for _row in range(rows)]
    if one.parts:
        return {part.name: _plain(part, t) for part in one.parts}
    return _plain(one, t)


def _plain(one: Placeholder, t: Callable[[str], str]) -> str | Code:
    said = t(one.sample) if one.sample else ""
    return Code(one.sample) if one.is_code else said
