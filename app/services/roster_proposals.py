"""Many shifts at once: a pattern of the calendar repeated, teams in turn, a workbook read; first a dry run, then one
transaction through app/services/rosters.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from app.rules import rosters as rules
from app.rules.errors import Conflict, Invalid
from app.rules.rosters import Duty, Pattern, Period
from app.services import present, roster_names
from app.services.actors import Actor
from app.services.roster_checks import Finding, judge, reach
from app.services.roster_months import Office, bounds, duty_of, load
from app.services.rosters import Edit, Outcome, content, plan


@dataclass(frozen=True, slots=True)
class Proposal:
    """Shifts to be entered and shifts to be taken away, with what speaks against it. Nothing is written yet."""

    edits: tuple[Edit, ...]
    added: tuple[Duty, ...]
    removed: tuple[Duty, ...]
    findings: tuple[Finding, ...]
    past: int = 0
    left_out: int = 0
    unchanged: int = 0
    changed: int = 0


def pattern(office_id: int, first: date, last: date) -> Pattern:
    """The pattern that stands in the calendar on these days. Raises what `rules.pattern_of` raises."""
    zone = present.zone()
    if (last - first).days > rules.MOST_PATTERN_DAYS:
        raise Invalid("pattern.too-long", {"most": rules.MOST_PATTERN_DAYS}, field="last")
    end = max(first, last) + timedelta(days=1)
    window = Period(rules.moment(first, time(), zone), rules.moment(end, time(), zone))
    return rules.pattern_of([duty_of(row) for row in load(office_id, window)], first, last, zone)


def propose(
    office: Office, planned: Sequence[Duty], *, replaces: bool, leaves_out: bool, within: Period | None = None
) -> Proposal:
    """What it would mean to enter these shifts: a dry run.

    What begins in the past is left aside and counted, what stands there already as it is to be is left alone.
    `replaces` takes away the coming shifts that overlap with the planned ones (or lie `within` that period),
    `leaves_out` drops planned shifts against which something speaks.
    """
    now = present.now()
    wanted = [duty for duty in planned if duty.starts_at >= now]
    past = len(planned) - len(wanted)
    if not wanted and within is None:
        return Proposal((), (), (), (), past)
    span = _reach(wanted, within)
    rows = [row for row in load(office.id, span) if bounds(row)[0] > now]
    standing = {row.id: duty_of(row) for row in rows}
    versions = {row.id: row.version for row in rows}
    same = {content(duty): shift_id for shift_id, duty in standing.items()}
    fresh = [duty for duty in wanted if content(duty) not in same]
    kept = {same[content(duty)] for duty in wanted if content(duty) in same}
    removed = {}
    if replaces:
        removed = {
            shift_id: duty
            for shift_id, duty in standing.items()
            if shift_id not in kept and (within is not None or any(rules.overlap(duty, one) for one in fresh))
        }
    findings = judge(fresh, ignoring=removed.keys())
    left_out = 0
    if leaves_out and findings:
        bad = {finding.duty for finding in findings}
        left_out, fresh = len(bad), [duty for duty in fresh if duty not in bad]
        findings = judge(fresh, ignoring=removed.keys())
    same_time = {(duty.starts_at, duty.ends_at): shift_id for shift_id, duty in removed.items()}
    edits, changed = [], set()
    for duty in fresh:
        shift_id = same_time.get((duty.starts_at, duty.ends_at))
        edits.append(Edit(shift_id, duty, versions[shift_id] if shift_id else None))
        changed |= {shift_id} - {None}
    edits = [Edit(shift_id, None, versions[shift_id]) for shift_id in removed if shift_id not in changed] + edits
    gone = tuple(duty for shift_id, duty in removed.items() if shift_id not in changed)
    return Proposal(tuple(edits), tuple(fresh), gone, findings, past, left_out, len(kept), len(changed))


def accept(actor: Actor, office_id: int, proposal: Proposal, *, reason: str = "") -> Outcome:
    """Enter what was proposed, in one transaction.

    Raises Conflict("roster.conflicts") when something speaks against it, Invalid("roster.nothing-new").
    """
    if proposal.findings:
        raise Conflict("roster.conflicts", {"count": len(proposal.findings)})
    if not proposal.edits:
        raise Invalid("roster.nothing-new")
    return plan(actor, office_id, proposal.edits, reason=reason)



def _reach(duties: Sequence[Duty], within: Period | None) -> Period:
    spans = [reach(duties)] if duties else []
    spans += [within] if within else []
    return Period(min(span.starts_at for span in spans), max(span.ends_at for span in spans))


# --- teams typed in ------------------------------------------------------------------------------------------


def teams(office: Office, text: str) -> list[rules.Team]:
    """Teams as typed, one a line: the main seat, a slash, the second seat; several names divided by commas.

    Raises what `roster_names.seat` raises, at `teams` with the line's number.
    """
    directory = roster_names.directory(office.id)
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        main, _slash, second = line.replace("／", "/").partition("/")
        try:
            found.append(rules.Team(directory.seat(main), directory.seat(second)))
        except Invalid as error:
            raise Invalid(error.code, {**error.data, "line": number}, field="teams") from None
        if not found[-1].main:
            raise Invalid("shift.nobody", field="teams")
    return found
