"""The columns of an appeal in the grid: declared once for the ledger, the list of appeals, export, import and API."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, String, and_, bindparam, case, cast, false, literal_column, or_

from app import words
from app.models import Appeal, Category, Channel, LimitRule, Person, RetentionClass, Unit
from app.rules.values import ValueKind
from app.services import present
from app.services.grid_columns import Column, name_of, pinyin_of

K = ValueKind
# Asked when the statement runs: the columns are made once.
NOW: Any = bindparam("present_moment", callable_=present.now)
HOW = {code: label for code, label in words.CHOICES["informed_how"].items() if code}
COLOURS = {
    "draft": "grey", "submitted": "grey", "registered": "yellow", "opinion": "purple", "slip_ready": "purple",
    "with_section": "purple", "with_leader": "purple", "fetched": "purple", "instructed": "purple",
    "self_handling": "blue", "assigned": "orange", "in_progress": "blue", "under_review": "teal", "answered": "teal",
    "closed": "green", "archived": "green", "merged": "grey", "voided": "grey", "history": "grey",
}  # fmt: skip
FINISHED_COLOURS = {"in_time": "green", "late": "orange", "overdue": "red", "running": "blue"}


@cache
def columns(*, english: bool, numbered: bool) -> tuple[Column, ...]:
    """Every column in its usual order; names of rows in one of the languages. `numbered`: every row has a number."""
    a = Appeal
    sure = partial(Column, nullable=False)

    def row(key: str, label: Any, model: Any, kind: ValueKind, refers: str, **more: Any) -> Column:
        own = getattr(a, key)
        named, by = name_of(model, own, english=english), pinyin_of(model, own)
        return Column(key.removesuffix("_id"), label, kind, own, named, by, refers=refers, **more)

    def moment(key: str, label: Any, **more: Any) -> Column:
        return Column(key, label, K.MOMENT, getattr(a, key), width=150, **more)

    return (
        Column(
            "number", _l("Number"), K.TEXT, a.number, order=a.number.collate("C"), width=190, nullable=not numbered
        ),
        sure("state", _l("State"), K.CHOICE, a.state, choices=words.STATES, colours=COLOURS, width=110),
        sure("subject", _l("Subject"), K.TEXT, a.subject, write="edit", width=300, finds=True),
        row("unit_id", _l("Responsible unit"), Unit, K.UNIT, "units", width=160),
        moment("limit_due_at", _l("Due")),
        Column(
            "finished", _l("Finished"), K.CHOICE, finished(), choices=words.FINISHED, colours=FINISHED_COLOURS,
            width=110, is_sortable=False, matches=stands_so,
        ),
        moment("received_at", _l("Received"), nullable=False),
        sure("channel_class", _l("Class"), K.CHOICE, a.channel_class, choices=words.CLASSES, width=120),
        row("channel_id", _l("Channel"), Channel, K.LINK, "channels", width=150),
        row("category_id", _l("Category"), Category, K.LINK, "categories", width=150),
        sure("place", _l("Place"), K.TEXT, a.place, write="edit", width=160),
        sure("body", _l("Text"), K.LONG, a.body, write="edit", width=320, is_sortable=False, finds=True),
        sure("note", _l("Note"), K.LONG, a.note, write="add_note", width=260, is_sortable=False),
        sure("result", _l("Result"), K.LONG, a.result, width=260, is_sortable=False),
        sure("urgency", _l("Urgency"), K.CHOICE, a.urgency, choices=words.CHOICES["urgencies"], width=90),
        sure("nature", _l("Nature"), K.CHOICE, a.nature, choices=words.CHOICES["natures"], width=100),
        Column("handling", _l("Handling"), K.CHOICE, a.handling, choices=words.HANDLING, width=100),
        row("limit_rule_id", _l("Limit"), LimitRule, K.LINK, "limits", width=120),
        moment("registered_at", _l("Registered at"), is_listed=False),
        moment("answered_at", _l("Answered at"), is_listed=False),
        moment("closed_at", _l("Struck off at"), is_listed=False),
        moment("archived_at", _l("Archived at"), is_listed=False),
        moment("informed_at", _l("Appellant informed"), is_listed=False),
        sure("informed_how", _l("Informed how"), K.CHOICE, a.informed_how, choices=HOW, is_listed=False),
        sure("reaction", _l("Reaction"), K.TEXT, a.reaction, is_listed=False),
        sure("impossible", _l("Not permitted"), K.BOOL, a.impossible, width=90, is_listed=False),
        row("retention_class_id", _l("Retention"), RetentionClass, K.LINK, "retention", is_listed=False),
        moment("held_at", _l("Legal hold since"), is_listed=False),
        row("created_by_id", _l("Taken in by"), Person, K.PERSON, "people", is_listed=False),
        sure("corrections", _l("Returned"), K.NUMBER, a.corrections, width=90, is_listed=False),
        sure("round", _l("Round"), K.NUMBER, a.round, width=80, is_listed=False),
        Column("source", _l("Source"), K.TEXT, a.source, is_listed=False),
        sure("fictional", _l("Fictional"), K.BOOL, a.fictional, width=80, is_listed=False),
    )


def stands_so(how: str) -> ColumnElement[bool]:
    """SQL: the same as `finished() == how`, written so that an index finds what is overdue."""
    a = Appeal
    return {
        "late": a.limit_state == "late",
        "overdue": and_(a.limit_state == "open", a.limit_open_at < NOW),
        "running": and_(a.limit_state == "open", or_(a.limit_open_at >= NOW, a.limit_open_at.is_(None))),
        "in_time": a.limit_state == "kept",
    }.get(how, false())


def finished() -> Any:
    """SQL: in time or not (R10), by what stands on the appeal; an open limit is overdue as of the moment of reading."""
    a = Appeal
    return case(
        (a.limit_state == "late", "late"),
        (and_(a.limit_state == "open", a.limit_open_at < NOW), "overdue"),
        (a.limit_state == "open", "running"),
        (a.limit_state == "kept", "in_time"),
        else_=cast(literal_column("NULL"), String),
    )


