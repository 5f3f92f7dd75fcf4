"""Every dictionary sheet, declared once: list, form, filters, write path and later grid and workbook read this.

`name` is the permission word, `code` the address. What a row must satisfy stands in app/services/sheet_checks.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask_babel import lazy_gettext as _l

from app import clock_words, leave_words, words
from app.dispatch_sheet import DISPATCH
from app.models import (
    Absence,
    Assumption,
    CalendarDay,
    Category,
    ChainLink,
    Channel,
    Contact,
    DutyShift,
    Holding,
    LimitRule,
    Membership,
    NumberSeries,
    Person,
    Portfolio,
    Post,
    ReminderRule,
    RetentionClass,
    Unit,
    UnitGroup,
)
from app.rules.entries import Field, Kind, Place
from app.rules.grants import POST_CAPABILITIES
from app.services.sheet_access import CONTACT_CLASSES
from app.services.sheet_rows import Sheet

Fields = tuple[Field, ...]

NAMES: Fields = (
    Field("name", _l("Name"), required=True, searchable=True, orderable=True),
    Field("name_en", _l("Name in English"), searchable=True),
)
ACTIVE = Field(
    "active",
    _l("Active"),
    Kind.BOOL,
    default=True,
    searchable=True,
    orderable=True,
    help=_l("What is not in use stays in the records and is offered nowhere."),
)
SORT = Field("sort", _l("Place in lists"), Kind.INT, orderable=True, help=_l("Small numbers come first."))
PERIOD: Fields = (
    Field("starts_at", _l("From"), Kind.MOMENT, required=True, place=Place.LOWER),
    Field("ends_at", _l("Until"), Kind.MOMENT, place=Place.UPPER, help=_l("Not included. Empty: open end.")),
)
REASON = Field("reason", _l("Reason"))
PERSON = Field("person", _l("Person"), Kind.ROW, required=True, to="person", searchable=True)
CLASS = Field("channel_class", _l("Class"), Kind.CHOICE, choices=words.CLASSES, searchable=True, orderable=True)
CLOCK = Field(
    "clock_kind", _l("Clock"), Kind.CHOICE, required=True, choices=words.CLOCKS, searchable=True, orderable=True
)
ROLE = Field(
    "role", _l("Role"), Kind.CHOICE, required=True, choices=words.HELD_ROLES, searchable=True, orderable=True
)
POST_WORDS: Mapping[str, Any] = {code: words.CAPABILITIES[code] for code in POST_CAPABILITIES}


def _row(name: str, label: Any, to: str, **more: Any) -> Field:
    return Field(name, label, Kind.ROW, to=to, searchable=True, **more)


POSTS = Sheet(
    "Posts",
    "posts",
    Post,
    _l("Post"),
    _l("Posts"),
    (
        Field("number", _l("Number"), Kind.INT, required=True, orderable=True),
        *NAMES,
        Field("duty", _l("Duty"), Kind.LONG, limit=2000),
        Field("duty_en", _l("Duty in English"), Kind.LONG, limit=2000),
        _row("office", _l("Responsible office"), "section", required=True, bulk=True),
        replace(_row("leader", _l("Responsible leader"), "person"), fixed=True),
        Field(
            "filled_by_duty",
            _l("Filled by the duty roster"),
            Kind.BOOL,
            help=_l("Main and second seat of the office's shift act as A and B."),
        ),
        CLASS,
        Field(
            "capabilities",
            _l("What the post may do"),
            Kind.CHOICES,
            choices=POST_WORDS,
            help=_l("Other rights are shown to their consequence first, then wait for the security officer."),
        ),
        Field(
            "scope", _l("For which appeals"), Kind.CHOICE, required=True, choices=words.SCOPES, default="all"
        ),
        Field(
            "export_cap",
            _l("Rows exported at once"),
            Kind.INT,
            help=_l("At most so many rows of a spreadsheet; empty: as the rule readings say."),
        ),
        ACTIVE,
    ),
    ("name", "number", "holders", "office", "leader", "capabilities", "active"),
    ("number", "asc"),
    "Staffing",
    "fa-sitemap",
    _l("The staffing table: desk, menu and permissions follow from it. Other rights wait for the security officer."),
    children={"holdings": "post"},
)

PEOPLE = Sheet(
    "People",
    "people",
    Person,
    _l("Person"),
    _l("People"),
    (
        *NAMES,
        _row("unit", _l("Unit"), "unit", bulk=True),
        Field("position", _l("Position"), searchable=True),
        Field(
            "mobile",
            _l("Mobile"),
            Kind.MOBILE,
            help=_l("Never shown in full. Leave empty to keep the number on file, type - to remove it."),
        ),
        Field("email", _l("E-mail"), Kind.EMAIL),
        ACTIVE,
    ),
    ("name", "unit", "position", "mobile", "active"),
    ("name", "asc"),
    "Staffing",
    "fa-users",
    _l("Everybody who may hold a post, sit a shift, lead a unit or handle its appeals. An account is given apart."),
    children={"holdings": "person", "memberships": "person", "chains": "person", "absences": "person"},
)

HOLDINGS = Sheet(
    "Holdings",
    "holdings",
    Holding,
    _l("Holding"),
    _l("Holdings"),
    (
        _row("post", _l("Post"), "post", required=True),
        PERSON,
        ROLE,
        *PERIOD,
        REASON,
    ),
    ("post", "role", "person", "starts_at", "ends_at", "period"),
    ("post", "asc"),
    "Staffing",
    "fa-user-tie",
    _l("Who holds a post as A or B, from when until when. Filled by personnel changes alone (R15, R16)."),
    can_add=False,
    can_edit=False,
    can_remove=False,
    filled_by="ChangesView.new",
)

SHIFTS = Sheet(
    "Shifts",
    "shifts",
    DutyShift,
    _l("Duty shift"),
    _l("Duty shifts"),
    (
        _row("office", _l("Office"), "section", required=True),
        PERIOD[0],
        replace(PERIOD[1], required=True, help=_l("Not included: the next shift begins here.")),
        Field("main", _l("Main seat (A)"), Kind.ROWS, to="person", place=Place.MAIN),
        Field("second", _l("Second seat (B)"), Kind.ROWS, to="person", place=Place.SECOND),
    ),
    ("office", "starts_at", "ends_at", "main", "second", "period"),
    ("starts_at", "desc"),
    "Staffing",
    "fa-calendar-check",
    _l("Every shift that was or will be. They are planned in the calendar under “Duty rosters” (R17)."),
    can_add=False,
    can_edit=False,
    can_remove=False,
)

ABSENCES = Sheet(
    "Absences",
    "absences",
    Absence,
    _l("Absence"),
    _l("Absences"),
    (
        PERSON,
        *PERIOD,
        Field("kind", _l("Kind"), Kind.CHOICE, choices=leave_words.KINDS, searchable=True, orderable=True),
        Field("state", _l("State"), Kind.CHOICE, choices=leave_words.STATES, searchable=True, orderable=True),
        Field("late_notice", _l("Late notice"), Kind.BOOL, searchable=True),
        REASON,
    ),
    ("person", "starts_at", "ends_at", "kind", "state", "late_notice", "reason"),
    ("starts_at", "desc"),
    "Staffing",
    "fa-plane-departure",
    _l("While A is away, B acts (R15). Asked for, confirmed and entered under Leave and handover."),
    # Both away together is refused there: no second way around that check.
    can_add=False,
    can_edit=False,
    can_remove=False,
    filled_by="AbsenceEntryView.enter",
)

UNITS = Sheet(
    "Units",
    "units",
    Unit,
    _l("Unit"),
    _l("Units"),
    (
        *NAMES,
        Field("short_name", _l("Short name"), searchable=True),
        Field(
            "kind", _l("Kind"), Kind.CHOICE, required=True, choices=words.UNIT_KINDS, searchable=True, orderable=True
        ),
        _row("group", _l("Group of the circular"), "unit_group", required=True, bulk=True),
        SORT,
        ACTIVE,
    ),
    ("name", "kind", "group", "portfolio", "vacancies", "active"),
    ("sort", "asc"),
    "Organisation",
    "fa-building-columns",
    _l("Responsible units; the General Office's sections are units too."),
    children={"memberships": "unit", "chains": "unit"},
)

OFFICES = Sheet(
    "Units",
    "offices",
    Unit,
    _l("Office"),
    _l("Offices"),
    (
        *NAMES,
        Field("short_name", _l("Short name"), searchable=True),
        _row("group", _l("Group of the circular"), "unit_group", required=True, bulk=True),
        SORT,
        ACTIVE,
    ),
    ("name", "posts", "group", "active"),
    ("sort", "asc"),
    "Organisation",
    "fa-door-open",
    _l("The General Office's sections: their posts, rosters, handlers and clerks."),
    only={"kind": "section"},
    children={"memberships": "unit"},
)

UNIT_GROUPS = Sheet(
    "Units",
    "unit_groups",
    UnitGroup,
    _l("Unit group"),
    _l("Unit groups"),
    (*NAMES, SORT, ACTIVE),
    ("name", "active"),
    ("sort", "asc"),
    "Organisation",
    "fa-layer-group",
    _l("The groups that a circular compares (R13)."),
    can_add=False,
    can_edit=False,
    can_remove=False,
)

MEMBERSHIPS = Sheet(
    "Units",
    "memberships",
    Membership,
    _l("Membership"),
    _l("Handlers and clerks"),
    (
        PERSON,
        _row("unit", _l("Unit"), "unit", required=True),
        Field("function", _l("Function"), Kind.CHOICE, required=True, choices=words.FUNCTIONS, searchable=True),
        ACTIVE,
    ),
    ("person", "unit", "function", "active"),
    ("unit", "asc"),
    "Organisation",
    "fa-people-arrows",
    _l("Who handles a unit's appeals, who delivers slips to the leaders."),
)

CHAINS = Sheet(
    "Chains",
    "chains",
    ChainLink,
    _l("Chain link"),
    _l("Periods of the chains"),
    (
        _row("unit", _l("Unit"), "unit", required=True),
        Field("link", _l("Link"), Kind.CHOICE, required=True, choices=words.LINKS, searchable=True),
        ROLE,
        PERSON,
        *PERIOD,
    ),
    ("unit", "link", "role", "person", "starts_at", "ends_at", "period"),
    ("unit", "asc"),
    "Organisation",
    "fa-link",
    _l("Who stood, stands and will stand in a unit's chain. Filled by personnel changes alone (R15, R16)."),
    can_add=False,
    can_edit=False,
    can_remove=False,
)

PORTFOLIO = Sheet(
    "Portfolio",
    "portfolio",
    Portfolio,
    _l("Portfolio line"),
    _l("Names of the lines"),
    (
        *NAMES,
        SORT,
        ACTIVE,
    ),
    ("name", "vice_mayor", "deputy", "section", "active"),
    ("sort", "asc"),
    "Organisation",
    "fa-signature",
    _l("What the lines are called. Who leads them and which units are under them is changed under Portfolio."),
)

CHANNELS = Sheet(
    "Channels",
    "channels",
    Channel,
    _l("Channel"),
    _l("Channels"),
    (
        *NAMES,
        replace(CLASS, required=True),
        Field("kind", _l("Kind of channel"), Kind.CHOICE, required=True, choices=words.CHANNEL_KINDS, searchable=True),
        Field("address", _l("Number or address"), searchable=True),
        _row("office", _l("Office"), "section", bulk=True),
        SORT,
        ACTIVE,
    ),
    ("name", "channel_class", "kind", "address", "office", "active"),
    ("sort", "asc"),
    "Organisation",
    "fa-tower-broadcast",
    _l("Where appeals arrive, by class (R2)."),
)

# For which appeals a handling limit is proposed (app/rules/limits.py).
PROPOSED_FOR: Fields = (
    Field(
        "urgencies",
        _l("Proposed for the urgency"),
        Kind.CHOICES,
        choices=clock_words.URGENCIES,
        place=Place.PARAMETER,
        help=_l("Handling limits only. The most particular limit that fits is proposed; with none, the usual one."),
    ),
    Field(
        "natures", _l("Proposed for the nature"), Kind.CHOICES, choices=clock_words.NATURES, place=Place.PARAMETER
    ),
    Field(
        "categories",
        _l("Proposed for the categories"),
        Kind.ROWS,
        to="any_category",
        place=Place.PARAMETER,
        help=_l("A category takes in everything under it."),
    ),
)

LIMITS = Sheet(
    "Limits",
    "limits",
    LimitRule,
    _l("Limit"),
    _l("Limits"),
    (
        *NAMES,
        CLOCK,
        Field("kind", _l("Counted in"), Kind.CHOICE, required=True, choices=words.LIMIT_KINDS, searchable=True),
        Field("amount", _l("How many"), Kind.INT, default=0, help=_l("Hours or days; 0 where nothing is counted.")),
        Field("at", _l("Time of day"), Kind.TIME, place=Place.PARAMETER, help=_l("For a time of day, like 11:00.")),
        Field(
            "until",
            _l("The last day ends"),
            Kind.CHOICE,
            choices=words.DAY_ENDS,
            place=Place.PARAMETER,
            default="midnight",
            help=_l("With working hours, what comes after them on the same day has until the next working day."),
        ),
        Field(
            "roll",
            _l("A last day of rest moves to the next working day"),
            Kind.BOOL,
            place=Place.PARAMETER,
            default=True,
        ),
        Field(
            "classes",
            _l("Only for the classes"),
            Kind.CHOICES,
            choices=words.CLASSES,
            place=Place.PARAMETER,
            help=_l("None chosen: for all."),
        ),
        *PROPOSED_FOR,
        Field("is_default", _l("Usual limit of this clock"), Kind.BOOL),
        SORT,
        ACTIVE,
    ),
    ("name", "clock_kind", "kind", "amount", "at", "is_default", "active"),
    ("sort", "asc"),
    "Rules",
    "fa-hourglass-half",
    _l("Before a change is saved, the open appeals that it moves are shown; finished ones never move."),
)

CALENDAR = Sheet(
    "Calendar",
    "calendar",
    CalendarDay,
    _l("Calendar day"),
    _l("Working calendar"),
    (
        Field("day", _l("Day"), Kind.DATE, required=True, searchable=True, orderable=True),
        Field("kind", _l("Kind"), Kind.CHOICE, required=True, choices=words.DAY_KINDS, searchable=True, bulk=True),
        *NAMES,
        ACTIVE,
    ),
    ("day", "kind", "name", "active"),
    ("day", "desc"),
    "Rules",
    "fa-calendar-days",
    _l("Local exceptions; the published holidays and make-up days are in force without being entered."),
)

CONTACTS = Sheet(
    "Contacts",
    "contacts",
    Contact,
    _l("Contact"),
    _l("Contact book"),
    (
        Field("name", _l("Outlet"), required=True, searchable=True, orderable=True),
        Field("name_en", _l("Name in English"), searchable=True),
        Field(
            "channel_class",
            _l("Class"),
            Kind.CHOICE,
            required=True,
            choices={code: words.CLASSES[code] for code in CONTACT_CLASSES},
            searchable=True,
            orderable=True,
            help=_l("C: broadcasters and the web; D: newspapers."),
        ),
        Field("person_name", _l("Contact person"), searchable=True, orderable=True),
        Field("position", _l("Position"), searchable=True),
        Field(
            "mobile",
            _l("Mobile"),
            Kind.MOBILE,
            help=_l("Never shown in full. Leave empty to keep the number on file, type - to remove it."),
        ),
        Field("telephone", _l("Telephone"), help=_l("The office's telephone. A mobile number has its own field.")),
        Field("last_contact_on", _l("Last contact on"), Kind.DATE, orderable=True),
        Field("remark", _l("Remark"), Kind.LONG, limit=500),
        ACTIVE,
    ),
    ("name", "channel_class", "person_name", "position", "mobile", "telephone", "last_contact_on", "active"),
    ("last_contact_on", "asc"),
    "Organisation",
    "fa-address-book",
    _l("Provincial broadcasters and papers with which the collectors of classes C and D keep contact (R2)."),
    keepers=("collect",),
    presets=((_l("No contact for 90 days"), {"_flt_2_last_contact_on": "90"}),),
)

NUMBER_FORMATS = Sheet(
    "NumberFormats",
    "number_formats",
    NumberSeries,
    _l("Number format"),
    _l("Number formats"),
    (
        *NAMES,
        Field(
            "template",
            _l("Format"),
            required=True,
            help=_l("{year}, {seq} and, for registrations, {class}; {seq:06d} fills up with zeros to six digits."),
        ),
    ),
    ("name", "template", "example"),
    ("sort", "asc"),
    "Rules",
    "fa-hashtag",
    _l("Numbers are given without gaps and begin anew each year (R4)."),
    can_add=False,
    can_remove=False,
)

REMINDERS = Sheet(
    "Reminders",
    "reminders",
    ReminderRule,
    _l("Reminder rule"),
    _l("Reminder rules"),
    (
        *NAMES,
        CLOCK,
        Field(
            "offset_minutes",
            _l("Minutes after the limit"),
            Kind.INT,
            required=True,
            orderable=True,
            help=_l("Negative: before the limit. One day has 1440 minutes."),
        ),
        Field("rung", _l("Who is told"), Kind.CHOICE, required=True, choices=words.RUNGS, searchable=True, bulk=True),
        SORT,
        ACTIVE,
    ),
    ("name", "clock_kind", "offset_minutes", "rung", "active"),
    ("sort", "asc"),
    "Rules",
    "fa-bell",
    _l("Each rule is one rung of a ladder; vacant rungs are skipped and shown."),
)

CATEGORIES = Sheet(
    "Categories",
    "categories",
    Category,
    _l("Category"),
    _l("Categories"),
    (
        replace(_row("parent", _l("Under"), "category"), fixed=True),
        *NAMES,
        SORT,
        ACTIVE,
    ),
    ("name", "parent", "active"),
    ("sort", "asc"),
    "Rules",
    "fa-tags",
    _l("A tree of at most three levels; whole trees come in by import."),
    children={"categories": "parent"},
)

RETENTION = Sheet(
    "Retention",
    "retention",
    RetentionClass,
    _l("Retention class"),
    _l("Retention classes"),
    (
        *NAMES,
        Field(
            "years", _l("Years"), Kind.INT, orderable=True, help=_l("After the year of striking off. Empty: for ever.")
        ),
        Field("is_default", _l("Usual class"), Kind.BOOL),
        SORT,
        ACTIVE,
    ),
    ("name", "years", "is_default", "active"),
    ("sort", "asc"),
    "Rules",
    "fa-box-archive",
    _l("How long an archived appeal is kept (R11); archiving without a class takes the usual one."),
)

ASSUMPTIONS = Sheet(
    "Assumptions",
    "assumptions",
    Assumption,
    _l("Assumption"),
    _l("Assumptions"),
    (
        Field("rule", _l("Rule"), fixed=True, searchable=True, orderable=True),
        Field("title", _l("Our reading"), required=True, searchable=True),
        Field("title_en", _l("Our reading in English"), searchable=True),
        Field("explanation", _l("Explanation"), Kind.LONG, limit=2000),
        Field("explanation_en", _l("Explanation in English"), Kind.LONG, limit=2000),
        Field("value", _l("Value"), Kind.JSON, help=_l("Written as JSON, in the shape it has now.")),
    ),
    ("title", "rule", "value"),
    ("rule", "asc"),
    "Rules",
    "fa-scale-balanced",
    _l("What the founding document leaves open and how it is read until somebody decides otherwise."),
    can_add=False,
    can_remove=False,
)


def _measured(sheet: Sheet) -> Sheet:
    """The sheet with the longest text of each field as its column has it."""
    columns = sheet.model.__table__.columns
    lengths = {column.name: getattr(column.type, "length", None) or 0 for column in columns}
    return replace(
        sheet,
        fields=tuple(one if one.limit else replace(one, limit=lengths.get(one.name, 0)) for one in sheet.fields),
    )


# In the order of the menu.
SHEETS: tuple[Sheet, ...] = tuple(
    _measured(sheet)
    for sheet in (
        POSTS,
        PEOPLE,
        HOLDINGS,
        SHIFTS,
        ABSENCES,
        UNITS,
        OFFICES,
        UNIT_GROUPS,
        MEMBERSHIPS,
        CHAINS,
        PORTFOLIO,
        CHANNELS,
        CONTACTS,
        LIMITS,
        CALENDAR,
        NUMBER_FORMATS,
        REMINDERS,
        CATEGORIES,
        RETENTION,
        DISPATCH,
        ASSUMPTIONS,
    )
)
BY_CODE: Mapping[str, Sheet] = {sheet.code: sheet for sheet in SHEETS}


def view_name(sheet: Sheet) -> str:
    """The name of a sheet's view, which is its endpoint: unit_groups → UnitGroupsView."""
    return "".join(part.capitalize() for part in sheet.code.split("_")) + "View"
