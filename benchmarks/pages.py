"""The desk and the overdue-case report against the same rows by hand-written SQL, on the same connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.models import db
from app.reports.overdue import OverdueCount
from app.rules.quarters import midnight
from app.services import desk, overdue, present
from app.services.actors import Actor
from benchmarks.office import BASE_URL, Office
from benchmarks.timing import Times, measure

HERE = Path(__file__).parent
# One person numbers and keeps the ledger: the desk with the most queues.
DESK, SUPERVISOR = "registrar", "supervisor"


@dataclass(frozen=True)
class Comparison:
    """One thing measured three ways, and the plans of the reference."""

    title: str
    reference: str
    times: Mapping[str, Times]
    plans: tuple[str, ...]

    def ratio(self, name: str) -> float:
        """How many times as long as the raw SQL."""
        return self.times[name].median / self.times["raw SQL"].median


class Reference:
    """The statements of a file of ours, run as they are on the session's connection."""

    def __init__(self, name: str, parameters: Mapping[str, Any]) -> None:
        self.name, self.parameters = name, dict(parameters)
        self.statements = re.split(r";\s*\n", (HERE / name).read_text("utf-8"))

    def rows(self) -> list[list[tuple[Any, ...]]]:
        """The rows of each statement."""
        cursor = db.session.connection().connection.cursor()
        return [cursor.execute(one, self.parameters).fetchall() for one in self.statements]

    def plans(self) -> tuple[str, ...]:
        """How PostgreSQL runs each of them."""
        cursor = db.session.connection().connection.cursor()
        explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) "
        found = [cursor.execute(explain + one, self.parameters).fetchall() for one in self.statements]
        return tuple("\n".join(line for (line,) in lines) for lines in found)


def compare(office: Office) -> list[Comparison]:
    """All three, in the order of the day: a desk, the report's figures, the rows behind the first of them."""
    with office.app.test_request_context(base_url=BASE_URL), present.at(present.now()):
        return [_desk(office), _figures(office), _rows(office)]


def _compared(
    title: str, reference: Reference, service: Callable[[], object], page: Callable[[], object]
) -> Comparison:
    times = measure({"raw SQL": reference.rows, "service": service, "page": page})
    return Comparison(title, reference.name, times, reference.plans())


def _page(office: Office, post: str, address: str) -> Callable[[], object]:
    browser = office.browser(post)

    def read() -> None:
        # A context of its own, as a server gives every request.
        with office.app.app_context():
            answer = browser.get(address, base_url=BASE_URL)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answers {answer.status_code}")

    return read


def _address(office: Office, endpoint: str, **values: Any) -> str:
    return office.app.url_map.bind("localhost").build(endpoint, values)


# --- the desk ----------------------------------------------------------------------------------------------


def _desk(office: Office) -> Comparison:
    actor = office.actor(DESK)
    reference = Reference("desk.sql", {"now": present.now(), "cap": desk.COUNT_CAP, "rows": desk.ROWS})
    _same(_desk_of(actor), _desk_by_hand(reference))
    page = _page(office, DESK, _address(office, "DeskView.index"))
    return _compared("desk: 5 queues with counts and first rows", reference, lambda: desk.queues(actor), page)


def _desk_of(actor: Actor) -> dict[str, Any]:
    found = {}
    for queue in desk.queues(actor):
        # Which rows are counted beyond the cap is left open, and so is how many of them are late.
        late = queue.late if queue.count <= desk.COUNT_CAP else None
        rows = [
            (
                *(r.id, r.number, r.subject, r.state, r.channel_class, r.received_at, r.fictional),
                *(r.unit, r.unit_en, r.clock_kind, r.started_at, r.due_at, r.late_when),
            )
            for r in queue.rows
        ]
        found[f"{queue.capability}.{queue.name}"] = (queue.count, late, rows)
    return found


def _desk_by_hand(reference: Reference) -> dict[str, Any]:
    counts, rows = reference.rows()
    return {
        key: (
            length,
            late if length <= desk.COUNT_CAP else None,
            [row[1:] for row in rows if row[0] == key],
        )
        for key, length, late in counts
    }


# --- the report --------------------------------------------------------------------------------------------


def _figures(office: Office) -> Comparison:
    actor, wanted = office.actor(SUPERVISOR), overdue.usual()
    zone = present.zone()
    parameters = {
        "as_of": wanted.as_of,
        "starts": midnight(wanted.late_from, zone),
        "ends": midnight(wanted.late_to + timedelta(days=1), zone),
    }
    reference = Reference("overdue.sql", parameters)
    _same(_figures_of(overdue.summary(actor, wanted)), _figures_by_hand(reference))
    page = _page(office, SUPERVISOR, _address(office, "OverdueView.index"))
    return _compared("overdue report: all figures", reference, lambda: overdue.summary(actor, wanted), page)


_STATES = ("open_overdue", "finished_late", "no_limit")


def _figures_of(summary: overdue.Summary) -> dict[tuple[str, str], Any]:
    found = {("total", ""): _count(summary.total)}
    for line in (*summary.by_clock, *summary.by_unit, *summary.by_post, *summary.by_age):
        found[line.axis, line.key] = _count(line.count)
    return found


def _count(count: OverdueCount) -> tuple[Any, ...]:
    return (
        (count.open_clocks, count.open_appeals),
        (count.late_clocks, count.late_appeals),
        (count.unlimited_clocks, count.unlimited_appeals),
        count.longest,
    )


def _figures_by_hand(reference: Reference) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], dict[str, tuple[Any, ...]]] = {}
    for axis, key, state, *count in reference.rows()[0]:
        found.setdefault((axis, key), {})[state] = tuple(count)
    return {
        key: (*(states.get(s, (0, 0))[:2] for s in _STATES), states.get("open_overdue", (0, 0, None))[2])
        for key, states in found.items()
    }


def _rows(office: Office) -> Comparison:
    actor, wanted = office.actor(SUPERVISOR), replace(overdue.usual(), state="open_overdue")
    reference = Reference("overdue_rows.sql", {"as_of": wanted.as_of, "rows": overdue.ROWS})
    rows, ((clocks, appeals),) = reference.rows()
    ours = overdue.page(actor, wanted)
    _same(
        ([_entry(entry) for entry in ours.entries], ours.clocks, ours.appeals),
        (rows[: overdue.ROWS], clocks, appeals),
    )
    address = _address(office, "OverdueView.rows", state="open_overdue")
    page = _page(office, SUPERVISOR, address)
    return _compared("overdue report: rows behind a figure", reference, lambda: overdue.page(actor, wanted), page)


def _entry(e: overdue.Entry) -> tuple[Any, ...]:
    unit, post = e.unit, e.post
    return (
        *(e.clock_id, e.appeal_id, e.number, e.subject, e.fictional, e.kind),
        *((unit.name, unit.name_en) if unit else (None, None)),
        *((post.name, post.name_en) if post else (None, None)),
        *(e.started_at, e.due_at, e.age, e.urges, e.runs),
    )


def _same(ours: object, by_hand: object) -> None:
    """Ratios between different answers say nothing: stop."""
    if isinstance(ours, dict) and isinstance(by_hand, dict):
        differing = {key for key in ours.keys() | by_hand.keys() if ours.get(key) != by_hand.get(key)}
        ours, by_hand = ({key: one.get(key) for key in differing} for one in (ours, by_hand))
    if ours != by_hand:
        raise AssertionError(f"the reference differs:\n{ours!r}\n{by_hand!r}")
