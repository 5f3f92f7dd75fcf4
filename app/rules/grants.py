"""From the staffing table to permissions: what a person may do, for which post, and which rows he may see.

One vocabulary of capabilities; a person's grants are computed from facts on each request and never stored.
The three officers keep the system and never handle appeals, so their grants mix with nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from .errors import Invalid, Refused

Pair = tuple[str, str]  # (method permission, view permission), as Flask-AppBuilder names them


class Scope(StrEnum):
    """Which appeals a grant reaches; `Grant.value` says which class, unit, section or portfolio line."""

    ALL = "all"
    OWN_CLASS = "own_class"
    OWN_UNIT = "own_unit"
    OWN_OFFICE = "own_office"  # slips and appeals of a matching section
    OWN_PORTFOLIO = "own_portfolio"


class Source(StrEnum):
    """Where a capability comes from."""

    POST = "post"  # a post of the staffing table
    FUNCTION = "function"  # a membership of a unit, or a line of the portfolio
    OFFICER = "officer"


@dataclass(frozen=True, slots=True)
class Capability:
    """One word of the vocabulary and the page permissions it brings."""

    code: str
    source: Source
    pairs: frozenset[Pair]


def _pairs(**views: str) -> frozenset[Pair]:
    """`Appeals="read act"` → ("can_read", "Appeals"), ("can_act", "Appeals"). Reading adds the menu."""
    found = {(f"can_{method}", view) for view, methods in views.items() for method in methods.split()}
    return frozenset(found | {("menu_access", view) for method, view in found if method == "can_read"})


_DICTIONARIES = (
    "Absences",
    "Assumptions",
    "Calendar",
    "Categories",
    "Chains",
    "Channels",
    "Dispatch",
    "Holdings",
    "Limits",
    "NumberFormats",
    "People",
    "Portfolio",
    "Posts",
    "Reminders",
    "Retention",
    "Shifts",
    "Units",
)

# Alphabetical. Officers' capabilities carry the prefix of their kind; a post can never be given one of those.
_VOCABULARY = (
    Capability("answer", Source.FUNCTION, _pairs(Appeals="read act", Changes="read report")),
    Capability("audit", Source.OFFICER, _pairs(Audit="read", Capabilities="read", Journal="read")),
    Capability("carry", Source.POST, _pairs(Appeals="read act", Slips="read print")),
    Capability(
        "collect",
        Source.POST,
        _pairs(
            Appeals="read act", Contacts="read write", Intake="read write", NilReturns="read sign", Rosters="read"
        ),
    ),
    Capability("deliver", Source.FUNCTION, _pairs(Appeals="read act", Slips="read print")),
    Capability("lead", Source.FUNCTION, _pairs(Appeals="read act", Leaders="read act", Slips="read")),
    Capability("number", Source.POST, _pairs(Appeals="read act print", Imports="read write", Slips="read print")),
    Capability(
        "oversee",
        Source.FUNCTION,
        _pairs(Absences="read confirm", Appeals="read", Changes="read", Coverage="read", Rosters="read write"),
    ),
    Capability("record", Source.POST, _pairs(Appeals="read act", Imports="read write", Ledger="read export")),
    Capability(
        "report",
        Source.POST,
        _pairs(
            Appeals="read",
            NilReturns="read",
            Overdue="read export",
            Reports="read compile",
            StaffingTable="read export",
        ),
    ),
    Capability(
        "security",
        Source.OFFICER,
        _pairs(Accounts="read unlock", Capabilities="read confirm", Sessions="read revoke"),
    ),
    Capability("see_phone", Source.POST, _pairs(Appeals="read unmask")),
    Capability(
        "supervise",
        Source.POST,
        _pairs(
            Appeals="read act",
            Changes="read",
            Coverage="read",
            Ledger="read",
            NilReturns="read",
            Overdue="read export urge",
            Reports="read",
            Rosters="read",
            StaffingTable="read export",
        ),
    ),
    Capability(
        "system",
        Source.OFFICER,
        _pairs(
            Accounts="read write",
            Capabilities="read request",
            Changes="read report",
            Checklist="read write",
            Coverage="read",
            Fields="read write",
            OwnSheets="read write",
            Recounts="read write",
            DocumentTemplates="read write",
            Rosters="read write",
            StaffingTable="read export write",
            **(dict.fromkeys(_DICTIONARIES, "read write") | {"Absences": "read write confirm"}),
        ),
    ),
    # The duty director stands for the duty office: changes are reported to him (R16).
    Capability(
        "triage",
        Source.POST,
        _pairs(
            Appeals="read act",
            Changes="read acknowledge",
            Coverage="read",
            Dispatch="read write",
            NilReturns="read",
            Overdue="read urge",
            Rosters="read",
            Slips="read",
            StaffingTable="read export",
        ),
    ),
)
CAPABILITIES: Mapping[str, Capability] = MappingProxyType({c.code: c for c in _VOCABULARY})
POST_CAPABILITIES: tuple[str, ...] = tuple(c.code for c in _VOCABULARY if c.source is Source.POST)
OFFICERS: tuple[str, ...] = tuple(c.code for c in _VOCABULARY if c.source is Source.OFFICER)
POST_SCOPES: tuple[Scope, ...] = (Scope.ALL, Scope.OWN_CLASS, Scope.OWN_UNIT, Scope.OWN_OFFICE)

# Who sees the coverage of every post and chain, and who was responsible for them; a leader sees the posts he leads.
COVERAGE_READERS: tuple[str, ...] = ("system", "supervise", "triage")

# Every signed-in person: his desk (empty without a grant), his inbox, his own account.
# Sending an intake form is everybody's, because a form opened while acting is kept when the shift has ended since;
# whether it is taken in is decided by the service.
# So is asking for leave: whoever holds something tells when he is away.
# Which sheet opens as a spreadsheet is decided by the sheet.
# And reading the roster of an office in which one sits, also between two shifts; which one decides the service.
EVERYBODY: frozenset[Pair] = _pairs(
    Account="read write",
    CalendarYear="read",
    Desk="read",
    Grid="read",
    Inbox="read write",
    Intake="write",
    Leave="read write",
) | {("can_read", "Rosters")}


@dataclass(frozen=True, slots=True)
class PostDuty:
    """What a post may do and where: its row of the staffing table."""

    post_id: int
    capabilities: tuple[str, ...]
    scope: Scope
    office_id: int
    channel_class: str | None = None


@dataclass(frozen=True, slots=True)
class ActingPost:
    """A post a person acts for now, as A or as B."""

    duty: PostDuty
    role: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a person is at this moment.

    `units` he handles for, `sections` he clerks for (unit ids), `portfolios` he leads as vice mayor or deputy
    secretary-general, `overseen` posts whose responsible leader he is, `officer` one of OFFICERS.
    """

    acting: tuple[ActingPost, ...] = ()
    units: tuple[int, ...] = ()
    sections: tuple[int, ...] = ()
    portfolios: tuple[int, ...] = ()
    overseen: tuple[PostDuty, ...] = ()
    officer: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One thing a person may do, to which rows, for which post, in which role (None outside the posts)."""

    capability: str
    scope: Scope
    value: str | int | None = None
    post_id: int | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What of an appeal decides whether a grant reaches it."""

    channel_class: str | None = None
    unit_id: int | None = None
    section_id: int | None = None
    portfolio_id: int | None = None
    co_unit_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """Which rows a person may see; the visibility clause is the union. Empty sees nothing."""

    everything: bool = False
    classes: frozenset[str] = frozenset()
    units: frozenset[int] = frozenset()
    sections: frozenset[int] = frozenset()
    portfolios: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.everything or self.classes or self.units or self.sections or self.portfolios)


@dataclass(frozen=True, slots=True)
class GrantSet:
    """The grants of one person for one request."""

    grants: tuple[Grant, ...] = ()

    @property
    def capabilities(self) -> frozenset[str]:
        """The codes of everything he may do somewhere."""
        return frozenset(grant.capability for grant in self.grants)

    @property
    def post_ids(self) -> tuple[int, ...]:
        """The posts he acts for, in order, each once. Overseeing a post is not acting for it."""
        return tuple(
            dict.fromkeys(
                g.post_id for g in self.grants if g.post_id is not None and g.capability != "oversee"
            )
        )

    def can(self, capability: str) -> bool:
        """Whether he has the capability anywhere at all; whether for this row asks `covering`."""
        return any(grant.capability == capability for grant in self.grants)

    def posts_for(self, capability: str) -> tuple[int, ...]:
        """The posts that give him the capability."""
        return tuple(
            dict.fromkeys(
                g.post_id for g in self.grants if g.capability == capability and g.post_id is not None
            )
        )

    def covering(self, capability: str, row: RowFacts) -> tuple[Grant, ...]:
        """The grants that let him use the capability on this row; the first is the default to act under."""
        return tuple(g for g in self.grants if g.capability == capability and reaches(g, row))

    def capabilities_on(self, row: RowFacts) -> frozenset[str]:
        """Everything he may do to this row."""
        return frozenset(g.capability for g in self.grants if reaches(g, row))

    def scopes_for_reading(self, capability: str | None = None) -> Reading:
        """The rows he may see; with a capability, those he may see because of it."""
        asked = [
            g
            for g in self.grants
            if CAPABILITIES[g.capability].source is not Source.OFFICER and capability in (None, g.capability)
        ]

        def values(scope: Scope) -> list[str | int]:
            return [g.value for g in asked if g.scope is scope and g.value is not None]

        return Reading(
            any(g.scope is Scope.ALL for g in asked),
            frozenset(v for v in values(Scope.OWN_CLASS) if isinstance(v, str)),
            *(
                frozenset(v for v in values(scope) if isinstance(v, int))
                for scope in (Scope.OWN_UNIT, Scope.OWN_OFFICE, Scope.OWN_PORTFOLIO)
            ),
        )

    def permission_pairs(self) -> frozenset[Pair]:
        """The page permissions of this person, those of every signed-in person included."""
        return EVERYBODY | permissions_of(self.capabilities)


def grants_for(facts: Facts) -> GrantSet:
    """Everything a person may do now.

    Raises Refused("officer.combined") when an officer also holds anything else: system, security and audit
    officers are persons apart; and Invalid for a post whose row of the staffing table makes no sense.
    """
    grants = [
        grant_of(acting.duty, code, acting.role)
        for acting in facts.acting
        for code in checked(acting.duty).capabilities
    ]
    grants += [Grant("answer", Scope.OWN_UNIT, unit) for unit in facts.units]
    grants += [Grant("deliver", Scope.OWN_OFFICE, section) for section in facts.sections]
    grants += [Grant("lead", Scope.OWN_PORTFOLIO, line) for line in facts.portfolios]
    grants += [_oversight(duty) for duty in facts.overseen]
    if facts.officer is not None:
        if facts.officer not in OFFICERS:
            raise Invalid("officer.unknown", {"officer": facts.officer}, field="officer")
        if grants or facts.acting or facts.overseen:
            raise Refused("officer.combined", {"officer": facts.officer})
        grants = [Grant(facts.officer, Scope.ALL)]
    return GrantSet(tuple(grants))


def grant_of(duty: PostDuty, capability: str, role: str | None = None) -> Grant:
    """What a post gives with one of its capabilities, as far as its scope goes."""
    return Grant(capability, duty.scope, _reach(duty), duty.post_id, role)


def reaches(grant: Grant, row: RowFacts) -> bool:
    """Whether the row lies within the grant; an officer's grant reaches no appeal."""
    if CAPABILITIES[grant.capability].source is Source.OFFICER:
        return False
    if grant.scope is Scope.ALL:
        return True
    if grant.scope is Scope.OWN_UNIT and grant.value in row.co_unit_ids:
        return True
    own = {
        Scope.OWN_CLASS: row.channel_class,
        Scope.OWN_UNIT: row.unit_id,
        Scope.OWN_OFFICE: row.section_id,
        Scope.OWN_PORTFOLIO: row.portfolio_id,
    }[grant.scope]
    return own is not None and own == grant.value


def permissions_of(capabilities: Iterable[str]) -> frozenset[Pair]:
    """The page permissions of these capabilities: what the role of a post is generated from."""
    return frozenset(pair for code in capabilities for pair in CAPABILITIES[code].pairs)


def all_permissions() -> frozenset[Pair]:
    """Every page permission the vocabulary knows, for generating the permission tables once."""
    return EVERYBODY | permissions_of(CAPABILITIES)


def checked(duty: PostDuty) -> PostDuty:
    """The same row, if a post may look like that.

    Raises Invalid "post.capability-unknown", "post.capability-foreign" (an officer's or a unit function's),
    "post.scope-unknown", "post.class-missing" (scope own_class, or collecting, without a channel class) or
    "post.scope-collect": what comes in has neither unit nor matching section yet.
    """
    for code in duty.capabilities:
        if code not in CAPABILITIES:
            raise Invalid("post.capability-unknown", {"capability": code}, field="capabilities")
        if CAPABILITIES[code].source is not Source.POST:
            raise Invalid("post.capability-foreign", {"capability": code}, field="capabilities")
    if duty.scope not in POST_SCOPES:
        raise Invalid("post.scope-unknown", {"scope": duty.scope.value}, field="scope")
    if duty.channel_class is None and (duty.scope is Scope.OWN_CLASS or "collect" in duty.capabilities):
        raise Invalid("post.class-missing", {"post": duty.post_id}, field="channel_class")
    if "collect" in duty.capabilities and duty.scope not in (Scope.ALL, Scope.OWN_CLASS):
        raise Invalid("post.scope-collect", {"post": duty.post_id}, field="scope")
    return duty


def _oversight(duty: PostDuty) -> Grant:
    """A leader sees what his post sees; a post that may do nothing sees nothing, whatever its scope says."""
    if not duty.capabilities:
        return Grant("oversee", Scope.OWN_CLASS, None, duty.post_id)
    return grant_of(duty, "oversee")


def _reach(duty: PostDuty) -> str | int | None:
    if duty.scope is Scope.ALL:
        return None
    return duty.channel_class if duty.scope is Scope.OWN_CLASS else duty.office_id
