"""A post's desk filled with fictional rows (示例), built in memory: no appeal is read, no row is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from app.models import Channel
from app.rules import grants as rules
from app.rules import workflow
from app.rules.quarters import Quarter
from app.services import desk, present
from app.services.capability_changes import Rights
from app.services.grants import ActingPost, Standing
from app.services.overdue import Entry, Named

UNIT = Named("示例责任单位", "Sample unit")
# Which clock runs while an appeal waits in a state.
CLOCKS: Mapping[str, str] = MappingProxyType(
    {
        "draft": "collection",
        "opinion": "carry",
        "slip_ready": "carry",
        "with_section": "delivery",
        "with_leader": "fetch_back",
        "self_handling": "unit_limit",
        "assigned": "sign_in",
        "in_progress": "unit_limit",
        "under_review": "review",
    }
)
_AT_A_UNIT = ("assigned", "in_progress", "under_review", "answered", "closed")


@dataclass(frozen=True, slots=True)
class Report:
    """A report that does not exist."""

    id: int
    year: int
    quarter: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FictionalDesk:
    """Everything the desk page shows of a post, and the steps it offers by state."""

    standing: Standing
    queues: tuple[desk.Queue, ...]
    days: tuple[desk.CollectorDay, ...]
    overdue: Mapping[str, int] | None
    longest: tuple[Entry, ...]
    reports: tuple[Report, ...] | None
    steps: tuple[tuple[str, tuple[str, ...]], ...]


def of(post: ActingPost, rights: Rights, subjects: Sequence[str]) -> FictionalDesk:
    """The desk of whoever acts as A for a post with these rights; `subjects` are two, in the reader's language."""
    duty = rights.duty(post.id)
    granted = rules.grants_for(rules.Facts(acting=(rules.ActingPost(duty, "A"),)))
    now, can = present.now(), granted.can
    return FictionalDesk(
        standing=_standing(post, granted),
        queues=tuple(queue for grant in granted.grants for queue in _queues(grant, rights, now, subjects)),
        days=(_day(post.id, rights.channel_class or "A", now),) if can("collect") else (),
        overdue={"unit_limit": 1, "collection": 0} if can("supervise") else None,
        longest=(_entry(now, subjects[0]),) if can("supervise") else (),
        reports=(_report(now),) if can("report") else None,
        steps=tuple(
            (state.value, tuple(action.name for action in found))
            for state in workflow.State
            if (found := workflow.actions_for(state, granted.capabilities))
        ),
    )


def _standing(post: ActingPost, granted: rules.GrantSet) -> Standing:
    return Standing(
        user_id=0,
        person_id=None,
        name="示例人员",
        name_en="Sample person",
        grants=granted,
        pairs=granted.permission_pairs(),
        posts=(post,),
        standby=(),
        overseen=(),
        units=(),
        sections=(),
        portfolios=(),
        officer=None,
    )


def _queues(grant: rules.Grant, rights: Rights, now: datetime, subjects: Sequence[str]) -> list[desk.Queue]:
    planned = [*desk.QUEUES.get(grant.capability, ())]
    if grant.capability == "record":
        planned.insert(0, ("without_note", ("in_progress",)))
    letter = rights.channel_class or "A"
    return [
        desk.Queue(
            f"{grant.capability}.{name}.{grant.post_id}",
            grant.capability,
            name,
            grant.post_id,
            count=2,
            late=1 if states[0] in CLOCKS else 0,
            rows=tuple(_row(number, subjects[number], states[0], letter, now) for number in (0, 1)),
        )
        for name, states in planned
    ]


def _row(number: int, subject: str, state: str, letter: str, now: datetime) -> desk.Row:
    """The first row of a queue is late, the second is not."""
    clock = CLOCKS.get(state)
    due_at = now + (timedelta(hours=-2), timedelta(days=1))[number]
    at_unit = state in _AT_A_UNIT
    return desk.Row(
        id=0,
        number=None if state in ("draft", "submitted") else f"示例-{number + 1:04d}",
        subject=subject,
        state=state,
        channel_class=letter,
        received_at=now - timedelta(days=1, hours=number),
        unit=UNIT.name if at_unit else None,
        unit_en=UNIT.name_en if at_unit else None,
        clock_kind=clock,
        started_at=now - timedelta(days=1) if clock else None,
        due_at=due_at if clock else None,
        late_when="after" if clock else None,
        status=("overdue", "open")[number] if clock else None,
        fictional=True,
    )


def _day(post_id: int, letter: str, now: datetime) -> desk.CollectorDay:
    has_cutoff = letter in ("C", "D", "E")
    # Rows that no session knows.
    channels = tuple(
        Channel(code=f"sample_{n}", name=f"示例渠道{n}", name_en=f"Sample channel {n}", address="") for n in (1, 2)
    )
    return desk.CollectorDay(
        post_id=post_id,
        channel_class=letter,
        channels=channels,
        taken_today=2,
        cutoff_at=now.astimezone(present.zone()).replace(hour=11, minute=0) if has_cutoff else None,
        nil_return_on=None,
        nil_return_wanted=has_cutoff,
    )


def _entry(now: datetime, subject: str) -> Entry:
    row = _row(0, subject, "in_progress", "A", now)
    return Entry(
        clock_id=0,
        appeal_id=0,
        number=row.number,
        subject=row.subject,
        fictional=True,
        kind="unit_limit",
        unit=UNIT,
        post=None,
        started_at=now - timedelta(days=8),
        due_at=row.due_at,
        stopped_at=None,
        state="open_overdue",
        age=timedelta(hours=2),
        urges=0,
        runs=True,
    )


def _report(now: datetime) -> Report:
    before = Quarter.of(now.astimezone(present.zone()).date()).previous
    return Report(0, before.year, before.number, now - timedelta(days=3))
