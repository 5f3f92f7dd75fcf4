"""Carrying out what an upload changes, step by step inside one transaction, and taking it back (R15, R16).

Posts, people and offices go through the write path of their sheets, who stands where through personnel changes. Each
step leaves a record of what it found, from which `take_back` restores exactly that, last step first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.dialects.postgresql import Range

from app.models import (
    Account,
    CapabilityChange,
    Holding,
    Membership,
    Person,
    Post,
    StaffingChange,
    StaffingUpload,
    Unit,
    UnitGroup,
    db,
)
from app.rules.errors import FieldErrors, FieldProblem, Refused
from app.rules.staffing_difference import Item, Ref
from app.rules.staffing_table import LEADER
from app.services import changes, journal, personal, present
from app.services import sheets as dictionary
from app.services.actors import Actor
from app.services.changes import Change
from app.services.sheet_checks import offices_of
from app.services.sheet_rows import Sheet

Step = dict[str, Any]
_CJK = re.compile("[\u3400-\u9fff]")
_SHEETS: Mapping[str, Any] = {"posts": Post, "people": Person, "units": Unit}
# Which field of a post an item writes; names and duties have an English twin.
_FIELDS = {"post-name": "name", "post-duty": "duty"}


def carry_out(
    actor: Actor, upload: StaffingUpload, items: Sequence[Item], at: datetime, sheets: Mapping[str, Sheet]
) -> list[Step]:
    """Do the items in their order; what was done, as `take_back` takes it. Raises what the write paths raise."""
    work = _Work(actor, upload, at, sheets)
    plain = [item for item in items if item.kind not in ("holding", "post-on-duty", "post-out")]
    for item in plain:
        work.do(item)
    for item in _in_turn([item for item in items if item.kind == "holding"]):
        work.do(item)
    for item in items:
        if item.kind in ("post-on-duty", "post-out"):
            work.do(item)
    return work.steps


def _in_turn(items: Iterable[Item]) -> list[Item]:
    """Holdings so that nobody is A and B of one post in between: who comes from the other role waits until it is free.

    Two who swap need one of the roles vacated first.
    """
    found: list[Item] = []
    by_post: dict[Ref, list[Item]] = {}
    for item in items:
        assert item.post is not None
        by_post.setdefault(item.post, []).append(item)
    for pair in by_post.values():
        if len(pair) == 2:
            first, second = pair
            if _comes_from(first, second) and _comes_from(second, first):
                vacated = Item("holding", second.line, second.post, before=second.before, role=second.role)
                second = Item("holding", second.line, second.post, person=second.person, role=second.role)
                pair = [vacated, first, second]
            elif _comes_from(first, second):
                pair = [second, first]
        found += pair
    return found


def _comes_from(item: Item, other: Item) -> bool:
    return item.person is not None and item.person == other.before


@dataclass
class _Work:
    actor: Actor
    upload: StaffingUpload
    at: datetime
    sheets: Mapping[str, Sheet]
    steps: list[Step] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)

    def do(self, item: Item) -> None:
        if item.kind in ("leader", "holding"):
            self._change(item)
        elif item.kind in ("office-new", "person-new", "post-new"):
            self._make(item)
        elif item.kind in ("phone", "person-again"):
            values = {"mobile": item.text} if item.kind == "phone" else {"active": True}
            self._edit("people", self._id(item.person), values)
        else:
            self._edit("posts", self._id(item.post), self._post_values(item))

    def _id(self, ref: Ref | None) -> int:
        assert ref is not None
        return self.made[ref] if isinstance(ref, str) else ref

    def _post_values(self, item: Item) -> dict[str, Any]:
        if item.kind in _FIELDS:
            name = _FIELDS[item.kind]
            return {name if _CJK.search(item.text) else f"{name}_en": item.text}
        values: Mapping[str, dict[str, Any]] = {
            "post-again": {"active": True},
            "post-out": {"active": False},
            "post-office": {"office": self._id(item.office) if item.office is not None else None},
            "post-on-duty": {"filled_by_duty": True},
            "post-off-duty": {"filled_by_duty": False},
        }
        return values[item.kind]

    def _make(self, item: Item) -> None:
        if item.kind == "office-new":
            group = db.session.scalar(select(UnitGroup.id).where(UnitGroup.code == "section"))
            ref, sheet, values = item.office, "units", {"name": item.text, "kind": "section", "group": group}
        elif item.kind == "person-new":
            unit = self._id(item.office) if item.office is not None else None
            ref, sheet, values = item.person, "people", {"name": item.text, "unit": unit}
        else:
            ref, sheet, values = item.post, "posts", self._new_post(item)
        row = dictionary.save_in(self.actor, self.sheets[sheet], None, values)
        self.made[str(ref)] = row.id
        self.steps.append({"do": "make", "sheet": sheet, "id": row.id})

    def _new_post(self, item: Item) -> dict[str, Any]:
        """No capabilities: what a post may do is given apart and waits for the security officer."""
        number = (db.session.scalar(select(func.max(Post.number))) or 0) + 1
        return {
            "number": number,
            "name": item.text,
            "duty": item.duty,
            "office": self._id(item.office),
            "filled_by_duty": item.on_duty,
            "scope": "all",
        }

    def _edit(self, sheet: str, row_id: int, values: Mapping[str, Any]) -> None:
        old = _now(sheet, row_id, values)
        dictionary.save_in(self.actor, self.sheets[sheet], row_id, values)
        step = {"do": "edit", "sheet": sheet, "id": row_id, "old": old, "new": dict(values)}
        self.steps.append(step)

    def _change(self, item: Item) -> None:
        post_id, role = self._id(item.post), item.role or None
        person = self._id(item.person) if item.person is not None else None
        until = _until(post_id, role, self.at) if item.kind == "holding" else None
        change = Change(item.kind, self.at, self.upload.reason, post_id=post_id, role=role, person_id=person)
        try:
            record = changes.apply_in(self.actor, change, upload_id=self.upload.id)
        except FieldErrors as error:
            raise _located(error, item) from error
        self.steps.append(
            {
                "do": "change",
                "id": record.id,
                "kind": item.kind,
                "post": post_id,
                "role": role,
                "before": item.before,
                "after": person,
                "until": until.isoformat() if until else None,
            }
        )


def _located(error: FieldErrors, item: Item) -> FieldErrors:
    """The same problems with the row and column of the table; a moment stays at its own field."""
    place = {"row": item.line, "column": item.role.lower() or LEADER}
    return FieldErrors(
        one if one.field == "at" else FieldProblem("table", one.code, {**one.data, **place}) for one in error.problems
    )


def _now(sheet: str, row_id: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields of a row hold; a mobile in plain, since the record is sealed."""
    row = db.session.get_one(_SHEETS[sheet], row_id)
    columns = {"office": "office_id", "unit": "unit_id"}
    return {
        name: personal.reveal_staff(row.mobile_sealed) if name == "mobile" else getattr(row, columns.get(name, name))
        for name in values
    }


def _until(post_id: int, role: str | None, at: datetime) -> datetime | None:
    """Until when whoever stands there at `at` was to stay; None without end or when nobody does."""
    row = _holding(post_id, role, at)
    end: datetime | None = row.valid.upper if row is not None else None
    return end


def _holding(post_id: int, role: str | None, at: datetime) -> Holding | None:
    query = select(Holding).where(Holding.post_id == post_id, Holding.role == role, Holding.valid.contains(at))
    found: Holding | None = db.session.scalars(query).one_or_none()
    return found


# --- taking back -----------------------------------------------------------------------------------------------


def take_back(actor: Actor, upload: StaffingUpload, steps: Sequence[Step], sheets: Mapping[str, Sheet]) -> None:
    """Undo the steps, last one first, after everything that could build on them was looked at. Raises Refused."""
    assert upload.effective_at is not None
    at = max(upload.effective_at, present.now())
    own = [step["id"] for step in steps if step["do"] == "change"]
    for step in _last_words(steps):
        _CHECKS[step["do"]](step, at, own)
    for step in reversed(steps):
        _BACK[step["do"]](actor, upload, step, at, sheets)
    for row in db.session.scalars(select(StaffingChange).where(StaffingChange.id.in_(own))):
        row.state = "undone"


def _last_words(steps: Sequence[Step]) -> list[Step]:
    """The steps without those that a later one of the same upload overtook: a role vacated before two swap."""
    found = {}
    for step in steps:
        place = (step["do"], step.get("post"), step.get("role"), step.get("kind"))
        fields = tuple(sorted(step.get("new", ())))
        found[place if step["do"] == "change" else (step["do"], step["sheet"], step["id"], fields)] = step
    return list(found.values())


def _check_change(step: Step, at: datetime, own: Sequence[int]) -> None:
    post = db.session.get_one(Post, step["post"])
    later = select(StaffingChange.number).where(
        StaffingChange.post_id == post.id,
        StaffingChange.kind == step["kind"],
        StaffingChange.role.is_not_distinct_from(step["role"]),
        StaffingChange.id > step["id"],
        StaffingChange.id.not_in(own),
        StaffingChange.state != "undone",
    )
    if number := db.session.scalar(later.order_by(StaffingChange.id).limit(1)):
        raise Refused("staffing-upload.built-on", {"post": post.name, "number": number})
    if step["kind"] == "leader":
        standing = post.leader_id
    else:
        row = _holding(post.id, step["role"], at)
        standing = row.person_id if row is not None else None
    if standing != step["after"]:
        raise Refused("staffing-upload.place-changed", {"post": post.name})


def _check_edit(step: Step, _at: datetime, _own: Sequence[int]) -> None:
    if _now(step["sheet"], step["id"], step["new"]) != step["new"]:
        row = db.session.get_one(_SHEETS[step["sheet"]], step["id"])
        raise Refused("staffing-upload.row-changed", {"name": row.name})


def _check_made(step: Step, _at: datetime, _own: Sequence[int]) -> None:
    if step["sheet"] != "posts":
        return
    post = db.session.get_one(Post, step["id"])
    pending = exists().where(CapabilityChange.post_id == post.id, CapabilityChange.state == "pending")
    if post.capabilities or db.session.scalar(select(pending)):
        raise Refused("staffing-upload.post-in-use", {"post": post.name})


def _restore_change(
    actor: Actor, upload: StaffingUpload, step: Step, at: datetime, _sheets: Mapping[str, Sheet]
) -> None:
    until = datetime.fromisoformat(step["until"]) if step["until"] else None
    person = step["before"] if until is None or until > at else None
    if person == step["after"]:
        return
    change = Change(step["kind"], at, upload.reason, post_id=step["post"], role=step["role"], person_id=person)
    changes.apply_in(actor, change, upload_id=upload.id)
    if step["kind"] == "holding" and person is not None:
        _fit(actor, step, at, until)


def _fit(actor: Actor, step: Step, at: datetime, until: datetime | None) -> None:
    """The restored row as it was: joined to the part before `at`, and ending when it was to end."""
    row = _holding(step["post"], step["role"], at)
    assert row is not None
    old = _period(row.valid)
    earlier = select(Holding).where(
        Holding.post_id == row.post_id,
        Holding.role == row.role,
        Holding.person_id == row.person_id,
        func.upper(Holding.valid) == at,
    )
    before = db.session.scalars(earlier.with_for_update()).one_or_none()
    upper = row.valid.upper if until is None else until
    if before is None:
        if upper != row.valid.upper:
            row.valid = Range(row.valid.lower, upper, bounds="[)")
            journal.write(actor, "edit", "holding", row.id, old=old, new=_period(row.valid))
            db.session.flush()
        return
    journal.write(actor, "remove", "holding", row.id, old=old)
    db.session.delete(row)
    db.session.flush()
    was = _period(before.valid)
    before.valid = Range(before.valid.lower, upper, bounds="[)")
    journal.write(actor, "edit", "holding", before.id, old=was, new=_period(before.valid))
    db.session.flush()


def _period(valid: Range[datetime]) -> dict[str, str | None]:
    return {
        "starts_at": valid.lower.isoformat() if valid.lower else None,
        "ends_at": valid.upper.isoformat() if valid.upper else None,
    }


def _restore_edit(
    actor: Actor, _upload: StaffingUpload, step: Step, _at: datetime, sheets: Mapping[str, Sheet]
) -> None:
    # An empty field of a number means "leave it": taking the number away is written as a dash.
    values = {name: "-" if name == "mobile" and not old else old for name, old in step["old"].items()}
    dictionary.save_in(actor, sheets[step["sheet"]], step["id"], values)


def _unmake(actor: Actor, _upload: StaffingUpload, step: Step, _at: datetime, sheets: Mapping[str, Sheet]) -> None:
    """What the upload made goes out of use, unless somebody needs it by now."""
    if not _is_used(step["sheet"], step["id"]):
        dictionary.save_in(actor, sheets[step["sheet"]], step["id"], {"active": False})


def _is_used(sheet: str, row_id: int) -> bool:
    if sheet == "posts":
        return False
    if sheet == "people":
        account = select(Account.id).where(Account.person_id == row_id)
        member = select(Membership.id).where(Membership.person_id == row_id, Membership.active)
        needed = any(db.session.scalars(query).first() is not None for query in (account, member))
        return needed or bool(offices_of(row_id))
    unit = (
        exists().where(Post.office_id == row_id, Post.active),
        exists().where(Person.unit_id == row_id, Person.active),
        exists().where(Membership.unit_id == row_id, Membership.active),
    )
    return bool(db.session.scalar(select(or_(*unit))))


_CHECKS = {"change": _check_change, "edit": _check_edit, "make": _check_made}
_BACK = {"change": _restore_change, "edit": _restore_edit, "make": _unmake}
