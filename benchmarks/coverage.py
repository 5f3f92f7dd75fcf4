"""Coverage of many posts over a long time: who acts and every gap, without a database."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter, process_time

from app.rules import coverage
from app.rules.roster import Absence, Holding, PostFacts, Shift, Staffing, StandIn

START = datetime(2027, 1, 1, tzinfo=UTC)
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Found:
    """What was covered and how long it took, in seconds; `cpu` leaves out what other processes took meanwhile."""

    posts: int
    days: int
    rows: int
    stretches: int
    gaps: int
    median: float
    slowest: float
    cpu: float


def staffing(posts: int, days: int) -> tuple[list[PostFacts], Staffing]:
    """A fictional town: every tenth post filled by the roster of one of ten offices, three shifts a day; the others
    held, with changes of holder, absences and stand-ins.
    """
    draw = random.Random(2010)

    def moment(least: int = 0) -> datetime:
        return START + timedelta(minutes=draw.randrange(least, days * 1440))

    facts = [PostFacts(n, n // 10 % 10, on_duty_filled=n % 10 == 0) for n in range(posts)]
    holdings, stand_ins = [], []
    for post in facts:
        for role, person in (("A", post.post_id * 4), ("B", post.post_id * 4 + 1)):
            change = moment()
            holdings.append(Holding(post.post_id, person, role, START - timedelta(days=400), change))
            holdings.append(Holding(post.post_id, person + 2, role, change + timedelta(hours=draw.choice((0, 0, 8)))))
        stand_ins += [
            StandIn(post.post_id, draw.randrange(posts * 4), at, at + timedelta(hours=8), takes_over=bool(n % 2))
            for n, at in enumerate(moment() for _ in range(3))
        ]
    absences = [
        Absence(person, at, at + timedelta(hours=draw.randrange(4, 200)))
        for person in range(posts * 4)
        for at in (moment() for _ in range(8))
    ]
    # Sixteen persons take turns in each office: two of them in every shift.
    shifts = [
        Shift(office, at, at + timedelta(hours=8), (_turn(office, n),), (_turn(office, n + 1),))
        for office in range(10)
        for n, at in enumerate(START + timedelta(hours=8 * n) for n in range(days * 3))
        if draw.random() > 0.01
    ]
    return facts, Staffing(holdings, shifts, absences, stand_ins)


def _turn(office: int, number: int) -> int:
    return office * 16 + number % 16


def measure(posts: int = 500, days: int = 365) -> Found:
    """Cover them a few times."""
    facts, known = staffing(posts, days)
    reach = coverage.Reach(dict.fromkeys(range(0, posts * 4, 50), "no_account"))
    end = START + timedelta(days=days)
    times, work = [], []
    for _round in range(ROUNDS):
        begun, worked = perf_counter(), process_time()
        found = coverage.cover_posts(facts, START, end, known, reach)
        times.append(perf_counter() - begun)
        work.append(process_time() - worked)
    rows = len(known.holdings) + len(known.shifts) + len(known.absences) + len(known.stand_ins)
    stretches = sum(len(one.stretches) for one in found)
    gaps = sum(len(one.gaps) for one in found)
    return Found(posts, days, rows, stretches, gaps, median(times), max(times), median(work))
