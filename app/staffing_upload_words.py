"""The words of uploaded staffing tables: what changes, what is asked, where an upload stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import words
from app.messages import sentence
from app.rules.errors import FieldProblem
from app.rules.fields import mask_phone
from app.rules.staffing_difference import KEEP, NEW, VACANT, Current, Item, Option, Question, Ref
from app.rules.staffing_table import Remark, Table

STATES: Mapping[str, Any] = {
    "read": _l("Waiting to be applied"),
    "applied": _l("Carried out"),
    "undone": _l("Undone"),
    "cancelled": _l("Dropped"),
}
TONES: Mapping[str, str] = {"read": "info", "applied": "ok", "undone": "warn", "cancelled": ""}
SOURCES: Mapping[str, Any] = {"xlsx": _l("Workbook"), "docx": _l("Document"), "text": _l("Pasted text")}
COLUMNS: Mapping[str, Any] = {
    "post": _l("Post"),
    "duty": _l("Duty"),
    "office": _l("Responsible office"),
    "leader": _l("Responsible leader"),
    "a": _l("A-role"),
    "b": _l("B-role"),
}
ITEMS: Mapping[str, Any] = {
    "office-new": _l("New office"),
    "person-new": _l("New person"),
    "person-again": _l("Person in use again"),
    "phone": _l("Mobile"),
    "post-new": _l("New post"),
    "post-again": _l("Post in use again"),
    "post-name": _l("Name of the post"),
    "post-office": _l("Responsible office"),
    "post-duty": _l("Duty"),
    "post-on-duty": _l("Filled by the duty roster"),
    "post-off-duty": _l("Filled by the duty roster"),
    "leader": _l("Responsible leader"),
    "holding": _l("Holding"),
    "post-out": _l("Post out of use"),
}
REMARKS: Mapping[str, Any] = {
    "above": _l("Empty, read as in the row above: %(text)s"),
    "left-out": _l("Left out, no post: %(text)s"),
    "bracket": _l("What stands in brackets was left out: %(text)s"),
}
WHYS: Mapping[str, Any] = {
    "namesake": _l("Who is meant by this name?"),
    "gone": _l("Somebody of this name is out of use. Is it the same person?"),
    "number": _l("The number belongs to somebody of another name. Is it the same person?"),
    "spelling": _l("One character differs from a known name. Is it the same person?"),
    "unknown": _l("No office has this name. Which one is it?"),
    "alike": _l("No post has this name, but one resembles it. Was it renamed?"),
    "out-of-use": _l("A post of this name is out of use."),
    "blank": _l("The cell is empty. What is meant?"),
}


def located(problem: FieldProblem) -> str:
    """A problem inside a table, with its row and column in front."""
    said = sentence(problem.code, problem.data)
    row, column = problem.data.get("row"), COLUMNS.get(str(problem.data.get("column", "")), "")
    if not row:
        return said
    return str(_("Row %(row)s, %(column)s: %(said)s", row=row, column=column, said=said))


def remark(one: Remark) -> str:
    """Something read although it does not stand there, or left out."""
    return str(
        _(
            "Row %(row)s, %(column)s: %(said)s",
            row=one.line,
            column=COLUMNS[one.column],
            said=str(REMARKS[one.code]) % {"text": one.text},
        )
    )


@dataclass(frozen=True)
class Names:
    """Names of everything a difference refers to, in the reader's language."""

    table: Table
    current: Current
    known: dict[tuple[str, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind, rows in (
            ("post", self.current.posts),
            ("person", self.current.people),
            ("office", self.current.offices),
        ):
            self.known.update({(kind, row.id): words.either(row.name, row.name_en) for row in rows})

    def of(self, kind: str, ref: Ref | None, items: tuple[Item, ...] = ()) -> str:
        """The name of a row, or of something new as the table has it."""
        if ref is None:
            return ""
        if isinstance(ref, int):
            return self.known.get((kind, ref), "")
        makes = {"post": "post-new", "person": "person-new", "office": "office-new"}[kind]
        return next((one.text for one in items if one.kind == makes and getattr(one, kind) == ref), "")

    def phone(self, person_id: Ref | None) -> str:
        """A person's number as a page may show it."""
        found = next((p.phone for p in self.current.people if p.id == person_id), "")
        return mask_phone(found) if found else ""

    def duty(self, post_id: Ref | None) -> str:
        """A post's duty as it is worded now."""
        found = next((one for one in self.current.posts if one.id == post_id), None)
        return words.either(found.duty, found.duty_en) if found else ""

    def line(self, item: Item, items: tuple[Item, ...]) -> tuple[str, str, str, str]:
        """(what, whose, before, after) of an item."""
        what = str(words.HELD_ROLES[item.role] if item.kind == "holding" else ITEMS[item.kind])
        if item.kind in ("person-again", "phone"):
            whose = self.of("person", item.person, items)
        elif item.kind.endswith("-new"):
            whose = item.text
        else:
            whose = self.of("post", item.post, items)
        return what, whose, *self._sides(item, items)

    def _sides(self, item: Item, items: tuple[Item, ...]) -> tuple[str, str]:
        """Before and after."""
        no, yes = str(_("no")), str(_("yes"))
        office, post = self.of("office", item.office, items), self.of("post", item.post, items)
        found: Mapping[str, tuple[str, str]] = {
            "office-new": ("", str(_("section of the General Office"))),
            "person-new": ("", office),
            "phone": (self.phone(item.person), mask_phone(item.text)),
            "post-new": ("", office),
            "post-name": (post, item.text),
            "post-office": (self.of("office", item.before), office),
            "post-duty": (self.duty(item.post), item.text),
            "post-on-duty": (no, yes),
            "post-off-duty": (yes, no),
        }
        if item.kind in ("leader", "holding"):
            return self.of("person", item.before), self.of("person", item.person, items) or str(_("Vacant"))
        return found.get(item.kind, ("", ""))

    def option(self, question: Question, option: Option) -> str:
        """An answer in words."""
        if option.value == NEW:
            return str(
                {
                    "person": _("A new person of this name"),
                    "office": _("A new section of this name"),
                    "post": _("A new post"),
                }[question.kind]
            )
        if option.value in (KEEP, VACANT):
            return str(_("Leave as it is") if option.value == KEEP else _("Vacant from then on"))
        row_id = int(option.value)
        name = self.of(question.kind, row_id)
        if question.kind == "person":
            person = next(one for one in self.current.people if one.id == row_id)
            about = [self.of("office", person.unit_id), self.phone(row_id)]
            if not person.active:
                about.append(str(_("out of use")))
            told = str(_(", ")).join(filter(None, about))
            name = str(_("%(name)s (%(about)s)", name=name, about=told)) if told else name
        elif question.kind == "post":
            post = next(one for one in self.current.posts if one.id == row_id)
            name = str(_("“%(name)s”, renamed", name=name) if post.active else _("“%(name)s”, in use again", name=name))
        return name

    def masked(self, question: Question) -> str:
        """What the table says at a question, its number masked."""
        return f"{question.text} {mask_phone(question.phone)}".strip() if question.phone else question.text


def options(names: Names, question: Question) -> list[dict[str, str]]:
    """The answers to a question; many of them become a list to choose from."""
    return [{"value": one.value, "label": names.option(question, one)} for one in question.options]


def standing(said: Mapping[str, Any]) -> str:
    """Who stands in a place, as a personnel change recorded it."""
    return words.either(said.get("name"), said.get("name_en")) or str(_("Vacant"))


def place(role: str | None) -> str:
    """Where a personnel change of an upload puts somebody: A, B or responsible leader."""
    return str(words.HELD_ROLES[role] if role else ITEMS["leader"])
