"""The first steps from the founding document's people to one's own office: what is done, what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

# In the order in which an office takes them. Nothing tells the software that a backup was tried: a person says so.
STEPS: tuple[str, ...] = (
    "people",
    "posts",
    "accounts",
    "rosters",
    "portfolio",
    "chains",
    "handlers",
    "calendar",
    "mail",
    "backup",
)
UNSEEN = frozenset({"backup"})
ROSTER_DAYS = 30
CALENDAR_DAYS = 90


@dataclass(frozen=True, slots=True)
class Mark:
    """A person settled a step by hand, and why."""

    at: datetime
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how many things are left of it, and whether a person settled it."""

    code: str
    left: int
    mark: Mark | None = None

    @property
    def is_done(self) -> bool:
        """Nothing is left, or a person settled it."""
        return self.left == 0 or self.mark is not None


def steps(left: Mapping[str, int], marks: Mapping[str, Mark]) -> tuple[Step, ...]:
    """Every step in order. What the software cannot see is left until a person settles it."""
    return tuple(Step(code, 1 if code in UNSEEN else left[code], marks.get(code)) for code in STEPS)


def percent(found: Sequence[Step]) -> int:
    """How much is done, in whole per cent, rounded down: 100 means everything."""
    return 100 * sum(step.is_done for step in found) // len(found) if found else 100


def calendar_ends_early(known_until: date, today: date) -> bool:
    """Whether the limits of the next CALENDAR_DAYS days reach past every year whose notice is known."""
    return known_until < today + timedelta(days=CALENDAR_DAYS)
