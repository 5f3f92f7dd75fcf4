"""The staffing list as annex 3 has it: as of a moment, exported, and published on demand and half-yearly (R16).

The files hold mobiles: a published one is kept sealed, and whoever takes one away says why, which is audited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.models import Holding, Journal, Person, Post, StaffingChange, StaffingList, db
from app.reports import staffing_document, staffing_list
from app.reports.staffing_list import ListedPerson, ListedPost
from app.reports.table import Translate
from app.rules.errors import Invalid, NotFound
from app.rules.fields import clean_text, mask_phone
from app.services import access, audit, journal, numbers, outbox, personal, present, staffing
from app.services.actors import Actor, software
from app.services.transaction import transaction

READERS = ("system", "triage", "supervise", "report")
PUBLISHERS = ("system",)
SERIES = "staffing_list"
FORMATS = ("xlsx", "docx")
ROWS = 50
# How long after the half year began its list is still made up for: an older one nobody waits for any more.
GRACE = timedelta(days=31)
_REASON = 200


@dataclass(frozen=True)
class Reader:
    """The reader's language: texts, names of rows, duties of posts."""

    t: Translate
    named: Callable[[Any], str]
    duty: Callable[[Post], str]


# --- the list --------------------------------------------------------------------------------------------------


def listed(reader: Reader, at: datetime, *, number: str = "", masked: bool = False) -> staffing_list.StaffingList:
    """The posts in use with who stands there at `at`, in two statements; `masked` for pages."""
    query = select(Post).where(Post.active).options(joinedload(Post.office), joinedload(Post.leader))
    posts = db.session.scalars(query.order_by(Post.number)).unique().all()
    held = select(Holding).where(Holding.post_id.in_([post.id for post in posts]), Holding.valid.contains(at))
    holders = {
        (row.post_id, row.role): row.person for row in db.session.scalars(held.options(joinedload(Holding.person)))
    }

    def person(row: Person | None) -> ListedPerson | None:
        if row is None:
            return None
        phone = personal.reveal_staff(row.mobile_sealed)
        return ListedPerson(row.id, reader.named(row), mask_phone(phone) if masked and phone else phone)

    return staffing_list.StaffingList(
        tuple(
            ListedPost(
                reader.named(post),
                reader.duty(post),
                reader.named(post.office),
                person(post.leader),
                None if post.filled_by_duty else person(holders.get((post.id, "A"))),
                None if post.filled_by_duty else person(holders.get((post.id, "B"))),
                post.filled_by_duty,
            )
            for post in posts
        ),
        at,
        number,
    )


def preview(actor: Actor, reader: Reader) -> list[tuple[str, ...]]:
    """The cells of the list of this moment, numbers masked. Raises Refused."""
    access.require_anywhere(actor, *READERS)
    return staffing_list.rows(listed(reader, present.now(), masked=True), reader.t)


def rendered(found: staffing_list.StaffingList, reader: Reader, file_format: str) -> bytes:
    """The list as a file. Raises NotFound("staffing-list.format")."""
    if file_format == "docx":
        return staffing_document.document(found, zone=present.zone(), t=reader.t)
    if file_format == "xlsx":
        out = BytesIO()
        staffing_list.workbook(found, zone=present.zone(), t=reader.t, out=out)
        return out.getvalue()
    raise NotFound("staffing-list.format", {"format": file_format[:10]})


def export(actor: Actor, reader: Reader, file_format: str, *, reason: str) -> bytes:
    """The list of this moment as a file, in the reader's language; audited with its reason.

    The caller has asked for a fresh login. Raises Refused, NotFound, Invalid("export.reason-missing").
    """
    access.require_anywhere(actor, *READERS)
    said = _reason(reason)
    now = present.now()
    content = rendered(listed(reader, now), reader, file_format)
    with transaction():
        detail = {"format": file_format, "as_of": now.isoformat(), "reason": said}
        audit.record(actor, "staffing_list.export", object_type=SERIES, object_id="current", detail=detail)
    return content


def _reason(said: str) -> str:
    reason = clean_text(said).strip()[:_REASON]
    if not reason:
        raise Invalid("export.reason-missing", field="reason")
    return reason


# --- publication -----------------------------------------------------------------------------------------------


def publish(actor: Actor, reader: Reader, *, request_key: str | None = None) -> StaffingList:
    """Publish the list of this moment under the next number; the same key again returns what it published.

    Raises Refused.
    """
    access.require_anywhere(actor, *PUBLISHERS)
    with transaction():
        _queue()
        if (known := _published_before(request_key)) is not None:
            return known
        return _publish(actor, reader, "on_demand", present.now(), request_key)


def publish_half_yearly(reader: Reader) -> bool:
    """Publish the list of the half year that began, once; whether it was done now."""
    begins = half_year(present.now())
    if present.now() - begins > GRACE:
        return False
    with transaction():
        _queue()
        taken = select(StaffingList.id).where(StaffingList.occasion == "half_yearly", StaffingList.as_of == begins)
        if db.session.scalars(taken).first() is not None:
            return False
        _publish(software("timetable"), reader, "half_yearly", begins, None)
    return True


def _queue() -> None:
    """Whoever comes second waits for the first one's row and then finds it."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(SERIES, 0))))


def _published_before(request_key: str | None) -> StaffingList | None:
    if request_key is None:
        return None
    query = select(Journal.object_id).where(Journal.request_key == request_key, Journal.object_type == SERIES)
    found = db.session.scalar(query)
    return db.session.get(StaffingList, found) if found is not None else None


def half_year(moment: datetime) -> datetime:
    """When the half year of a moment began: local midnight of 1 January or 1 July."""
    local = moment.astimezone(present.zone())
    return local.replace(month=1 if local.month < 7 else 7, day=1, hour=0, minute=0, second=0, microsecond=0)


def _publish(actor: Actor, reader: Reader, occasion: str, as_of: datetime, request_key: str | None) -> StaffingList:
    number = numbers.take(SERIES)[0]
    found = listed(reader, as_of, number=number)
    key = personal.new_key()
    sealed = {
        f"{name}_sealed": personal.seal_bytes(key, _field(name), rendered(found, reader, name)) for name in FORMATS
    }
    row = StaffingList(
        number=number,
        occasion=occasion,
        as_of=as_of,
        published_at=present.now(),
        published_by_id=actor.user_id,
        data_key=key,
        **sealed,
    )
    db.session.add(row)
    db.session.flush()
    new = {"number": number, "occasion": occasion, "as_of": as_of.isoformat(), "posts": len(found.posts)}
    journal.write(actor, "publish", SERIES, row.id, new=new, request_key=request_key)
    audit.record(actor, "staffing_list.publish", object_type=SERIES, object_id=row.id, detail={"number": number})
    told = [person for person in staffing.acting_with("triage") if person != actor.person_id]
    outbox.enqueue("staffing_list.published", told, key=f"staffing_list:{row.id}", subject=(SERIES, row.id))
    return row


def _field(file_format: str) -> str:
    return f"staffing_list.{file_format}"


def published(actor: Actor, *, before_id: int | None = None, limit: int = ROWS) -> Sequence[StaffingList]:
    """The published lists, latest first, without their files. Raises Refused."""
    access.require_anywhere(actor, *READERS)
    query = select(StaffingList).order_by(StaffingList.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(StaffingList.id < before_id)
    return db.session.scalars(query).all()


def changes_since(last: StaffingList | None) -> int:
    """How many personnel changes were filed since a list was published."""
    query = select(func.count()).select_from(StaffingChange)
    if last is not None:
        query = query.where(StaffingChange.filed_at > last.published_at)
    return db.session.scalar(query) or 0


def download(actor: Actor, list_id: int, file_format: str, *, reason: str) -> tuple[StaffingList, bytes]:
    """A published list and its file, exactly as published; audited with its reason.

    The caller has asked for a fresh login. Raises Refused, NotFound, Invalid("export.reason-missing").
    """
    access.require_anywhere(actor, *READERS)
    row = db.session.get(StaffingList, list_id)
    if row is None or file_format not in FORMATS:
        raise NotFound("staffing-list.unknown", {"id": list_id})
    said = _reason(reason)
    content = personal.reveal_bytes(row.data_key, _field(file_format), getattr(row, f"{file_format}_sealed"))
    with transaction():
        detail = {"number": row.number, "format": file_format, "reason": said}
        audit.record(actor, "staffing_list.download", object_type=SERIES, object_id=row.id, detail=detail)
    return row, content
