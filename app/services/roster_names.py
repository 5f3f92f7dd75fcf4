"""Names typed or read from a workbook → people: unknown and ambiguous ones are told, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from app.models import Person, Unit, db
from app.rules.errors import Invalid

# Between names; a blank alone does not divide, since names in English have some.
_BETWEEN = re.compile(r"[、,，;；\n\t]+|\s{2,}")
_WITH_UNIT = re.compile(r"^(.*?)[(（](.+?)[)）]$")


@dataclass(frozen=True, slots=True)
class Known:
    """A person as names find him: where he belongs tells two of one name apart."""

    id: int
    name: str
    unit_id: int | None
    unit: str
    code: str


@dataclass(frozen=True)
class Directory:
    """Everybody in use by name; of several of one name the office's own is meant if there is just one."""

    office_id: int
    by_name: Mapping[str, tuple[Known, ...]]
    by_id: Mapping[int, Known]

    def seat(self, text: str) -> tuple[int, ...]:
        """The people of a seat as written in one cell, each once. Raises Invalid of `person`."""
        names = [name for part in _BETWEEN.split(text) if (name := part.strip())]
        return tuple(dict.fromkeys(self.person(name) for name in names))

    def person(self, name: str) -> int:
        """Who is meant. Raises Invalid "roster.name-unknown" or "roster.name-ambiguous"."""
        found = self.by_name.get(_key(name), ())
        if not found and (match := _WITH_UNIT.match(name)):
            mark = match[2].strip()
            found = tuple(one for one in self.by_name.get(_key(match[1]), ()) if mark in (one.unit, one.code))
        if not found:
            raise Invalid("roster.name-unknown", {"name": name[:40]})
        own = [one for one in found if one.unit_id == self.office_id]
        if len(found) == 1 or len(own) == 1:
            return (own or found)[0].id
        units = [one.unit or one.code for one in found]
        raise Invalid("roster.name-ambiguous", {"name": name[:40], "units": units})

    def written(self, person_id: int) -> str:
        """The name that means this person and nobody else here: with his code where several share it."""
        one = self.by_id[person_id]
        try:
            is_clear = self.person(one.name) == person_id
        except Invalid:
            is_clear = False
        return one.name if is_clear else f"{one.name}（{one.code}）"


def directory(office_id: int) -> Directory:
    """Everybody who may be put on duty; one statement."""
    query = (
        select(Person.id, Person.name, Person.name_en, Person.unit_id, Person.code, Unit.name.label("unit"))
        .outerjoin(Unit, Unit.id == Person.unit_id)
        .where(Person.active)
        .order_by(Person.id)
    )
    by_name: dict[str, tuple[Known, ...]] = {}
    by_id: dict[int, Known] = {}
    for row in db.session.execute(query):
        known = Known(row.id, row.name, row.unit_id, row.unit or "", row.code)
        by_id[row.id] = known
        for key in {_key(row.name), _key(row.name_en)} - {""}:
            by_name[key] = (*by_name.get(key, ()), known)
    return Directory(office_id, by_name, by_id)


def _key(name: str) -> str:
    """Names are the same whatever blanks stand in them (张 三) and however English ones are cased."""
    return "".join(name.split()).lower()
