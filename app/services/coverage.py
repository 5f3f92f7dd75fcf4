"""Coverage, proved (R15, R17): who acts for every post and every link over the days ahead, and where nobody does.

The horizon is the assumption `coverage_days`. What the badge counts stands in one row, `coverage_state`, which the
timetable keeps: reading a page writes nothing. The badge counts gaps of posts; links of chains stand on the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range, insert

from app.models import CoverageState, Journal, Post, db
from app.rules import coverage as rules
from app.rules.grants import COVERAGE_READERS
from app.services import assumptions, coverage_rows, outbox, present, staffing
from app.services.access import require_anywhere
from app.services.actors import Actor
from app.services.coverage_rows import Named, PostRow, UnitRow
from app.services.transaction import transaction

DAYS = 90
MOST_DAYS = 730
# A journal row about one of these may change who acts.
_MATTERS = (
    "absence",
    "account",
    "assumption",
    "chain_link",
    "duty_shift",
    "holding",
    "person",
    "portfolio",
    "portfolio_place",
    "post",
    "staffing_change",
    "stand_in",
    "unit",
)
_OLD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a unit's chain over the window."""

    link: str
    covered: rules.Covered


@dataclass(frozen=True, slots=True)
class PostLine:
    """A post over the window."""

    post: PostRow
    covered: rules.Covered


@dataclass(frozen=True, slots=True)
class UnitLine:
    """A unit's chain over the window."""

    unit: UnitRow
    links: tuple[Link, ...]

    @property
    def is_lacking(self) -> bool:
        """Whether any link has a gap, or one role of it vacant."""
        return any(link.covered.gaps or link.covered.thin for link in self.links)


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap of a post, or of a link of a unit, that has not ended yet. `is_open`: it lasts beyond the window."""

    stretch: rules.Stretch
    is_now: bool
    is_open: bool
    post: PostRow | None = None
    unit: UnitRow | None = None
    link: str = ""

    @property
    def cause(self) -> rules.Cause:
        """Why."""
        assert self.stretch.cause is not None
        return self.stretch.cause


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything over one window, from the beginning of today. `people` has the name of everybody in it."""

    now: datetime
    start: datetime
    end: datetime
    days: int
    posts: tuple[PostLine, ...]
    units: tuple[UnitLine, ...]
    people: dict[int, Named]

    @property
    def post_gaps(self) -> list[Gap]:
        """Gaps of posts that have not ended, by their beginning."""
        found = [gap for line in self.posts for gap in self._gaps(line.covered, post=line.post)]
        return sorted(found, key=lambda gap: (gap.stretch.starts_at, gap.post.number if gap.post else 0))

    @property
    def link_gaps(self) -> list[Gap]:
        """Gaps of links that have not ended, unit by unit in their order."""
        return [
            gap
            for line in self.units
            for link in line.links
            for gap in self._gaps(link.covered, unit=line.unit, link=link.link)
        ]

    def _gaps(self, covered: rules.Covered, **what: Any) -> Iterator[Gap]:
        for stretch in covered.gaps:
            if stretch.ends_at > self.now:
                yield Gap(stretch, stretch.starts_at <= self.now, stretch.ends_at == self.end, **what)


def horizon_days() -> int:
    """How many days ahead count: the assumption `coverage_days`, else 90; at least 1, at most 730."""
    return max(1, min(assumptions.whole(assumptions.value("coverage_days"), DAYS, least=0), MOST_DAYS))


def survey(actor: Actor) -> Survey:
    """Coverage as this person may see it. Raises Refused("access.not-granted")."""
    require_anywhere(actor, *COVERAGE_READERS, "oversee")
    if any(actor.grants.can(capability) for capability in COVERAGE_READERS):
        return _survey()
    return _survey(actor.grants.posts_for("oversee"))


def _survey(only: tuple[int, ...] | None = None) -> Survey:
    now, days = present.now(), horizon_days()
    today = present.today()
    start, end = (_midnight(today + timedelta(days=n)) for n in (0, days))
    window = Range(start, end)
    posts = coverage_rows.posts(only)
    units = coverage_rows.units() if only is None else []
    known = coverage_rows.staffing(posts, window)
    places = [*rules.posts((post.facts for post in posts), known), *coverage_rows.link_places(units, window)]
    ids = {row.person_id for place in places for row in (*place.rows, *place.out_of_turn)}
    people, reach = coverage_rows.people(ids)
    covered = {one.key: one for one in rules.cover(places, start, end, known.absences, reach)}
    chains: dict[int, list[Link]] = {}
    for key, one in covered.items():
        if isinstance(key, rules.Link):
            chains.setdefault(key.unit_id, []).append(Link(key.link, one))
    return Survey(
        now,
        start,
        end,
        days,
        tuple(PostLine(post, covered[post.id]) for post in posts),
        tuple(UnitLine(unit, tuple(chains[unit.id])) for unit in units),
        people,
    )


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time(), present.zone())


# --- what the timetable does ---------------------------------------------------------------------------------


def refresh() -> int:
    """Compute coverage and keep what the badge counts; the number of gaps of posts."""
    with transaction():
        seen = db.session.scalar(select(func.max(Journal.id))) or 0
        found = _survey()
        by_post: dict[str, int] = {}
        for gap in found.post_gaps:
            assert gap.post is not None
            by_post[str(gap.post.id)] = by_post.get(str(gap.post.id), 0) + 1
        values = {
            "computed_at": present.now(),
            "horizon_days": found.days,
            "gaps": sum(by_post.values()),
            "by_post": by_post,
            "journal_id": seen,
        }
        row = insert(CoverageState).values(id=1, **values)
        db.session.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))
    return sum(by_post.values())


def refresh_if_stale() -> bool:
    """Refresh when something that matters was written since, or five minutes have passed; whether it was done."""
    state = db.session.execute(select(CoverageState.computed_at, CoverageState.journal_id)).one_or_none()
    stale = state is None or state.computed_at <= present.now() - _OLD
    if state is not None and not stale:
        written = select(Journal.id).where(Journal.id > state.journal_id, Journal.object_type.in_(_MATTERS)).limit(1)
        stale = db.session.scalar(written) is not None
    if stale:
        refresh()
    return stale


def notify() -> int:
    """Tell who acts as duty director, once a day, that there are gaps; how many notices are new.

    When nobody acts there either, the responsible leader of that post is told.
    """
    with transaction():
        found = _survey()
        if not found.post_gaps and not found.link_gaps:
            return 0
        day = present.today().isoformat()
        told = staffing.acting_with("triage") or _leaders_of("triage")
        return outbox.enqueue("coverage.gaps", told, key=f"coverage|day:{day}")


def _leaders_of(capability: str) -> tuple[int, ...]:
    posts = select(Post.leader_id).where(
        Post.active, Post.capabilities.contains([capability]), Post.leader_id.is_not(None)
    )
    return tuple(leader for leader in db.session.scalars(posts) if leader is not None)
