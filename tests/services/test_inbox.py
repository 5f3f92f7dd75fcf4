"""The inbox: one's own notices alone, newest first, counted up to a hundred."""

from __future__ import annotations

import itertools

from flask import Flask
from sqlalchemy import insert

from app.models import Delivery, Notice, Person, db
from app.rules.grants import GrantSet
from app.services import inbox
from app.services.actors import Actor, software
from tests.services import making
from tests.services.making import HOUR, NOON

_keys = itertools.count(1)


def actor(person: Person) -> Actor:
    return Actor(user_id=None, person_id=person.id, grants=GrantSet(()))


def notices(person: Person, count: int, kind: str = "appeal.assigned", **about: int) -> list[int]:
    rows = [
        {
            "idem_key": f"making:{next(_keys)}",
            "channel": "inbox",
            "recipient_id": person.id,
            "kind": kind,
            "state": "sent",
            "due_at": NOON,
        }
        for _ in range(count)
    ]
    ids = db.session.scalars(insert(Delivery).returning(Delivery.id), rows).all()
    values = [{"delivery_id": key, "person_id": person.id, "kind": kind, "created_at": NOON, **about} for key in ids]
    return list(db.session.scalars(insert(Notice).returning(Notice.id), values))


def test_it_lists_the_newest_first_and_pages_by_key(app: Flask) -> None:
    person = making.person()
    ids = notices(person, 5)
    first = inbox.list_for(actor(person), limit=2)
    assert [entry.id for entry in first] == [ids[4], ids[3]]
    rest = inbox.list_for(actor(person), before_id=first[-1].id, limit=10)
    assert [entry.id for entry in rest] == [ids[2], ids[1], ids[0]]


def test_an_entry_names_its_appeal_and_clock_in_codes(app: Flask) -> None:
    person, clock = making.person(), making.clock(NOON + HOUR)
    notices(person, 1, "reminder.due_soon", appeal_id=clock.appeal_id, clock_id=clock.id)
    (entry,) = inbox.list_for(actor(person))
    assert entry.data == {
        "number": clock.appeal.number,
        "clock": "fetch_back",
        "due_at": NOON + HOUR,
        "task": None,
        "subject": ("", None),
        "shift_at": None,
    }


def test_nobody_reads_or_marks_the_notices_of_others(app: Flask) -> None:
    owner, stranger = making.person(), making.person()
    ids = notices(owner, 2)
    assert inbox.list_for(actor(stranger)) == []
    assert inbox.unread_count(actor(stranger)) == 0
    assert inbox.mark_read(actor(stranger), ids) == 0
    assert inbox.mark_read(actor(stranger), None) == 0
    assert inbox.unread_count(actor(owner)) == 2


def test_reading_one_and_reading_all(app: Flask) -> None:
    person = making.person()
    ids = notices(person, 3)
    assert inbox.mark_read(actor(person), ids[:1]) == 1
    assert inbox.unread_count(actor(person)) == 2
    assert inbox.mark_read(actor(person), None) == 2
    assert inbox.mark_read(actor(person), None) == 0
    assert inbox.unread_count(actor(person)) == 0


def test_counting_stops_at_a_hundred(app: Flask) -> None:
    person = making.person()
    notices(person, 130)
    assert inbox.unread_count(actor(person)) == 100


def test_the_software_itself_has_no_inbox(app: Flask) -> None:
    assert inbox.list_for(software("test")) == []
    assert inbox.unread_count(software("test")) == 0
    assert inbox.mark_read(software("test"), None) == 0
