"""Random people do random steps on real appeals: whatever they try, what must always hold holds (Hypothesis)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, inspect, select

from app.models import Appeal, Assignment, Clock, Delivery, HandlingRequest, Journal, Slip, db
from app.rules import workflow as rules
from app.rules.errors import RuleError
from app.rules.workflow import ACTIONS, CODES, FieldSpec, FieldType
from app.services import present, workflow
from app.services.actors import Actor
from tests.factories import Factory

# Where nothing is owed any more, no clock runs.
AT_REST = ("closed", "archived", "merged", "voided")
# Optional fields that are left out at times.
LEFT_OUT = ("due_on", "co_units", "nature", "urgency", "category", "right_unit")
# Steps that go almost anywhere and change no course: left to chance, or they crowd out the others.
BESIDE = ("add_note", "call_back", "hold", "release_hold", "split")
# Where a course begins, so that few random steps come far.
STARTS = ("draft", "submitted", "registered", "instructed", "assigned", "in_progress", "under_review", "closed")
SETTINGS = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def image(appeal_id: int) -> dict[str, Any]:
    """Everything a step may write about an appeal, as it stands in the database."""
    db.session.expire_all()
    found: dict[str, Any] = {"all": db.session.scalar(select(func.count(Appeal.id)))}
    found["told"] = db.session.scalar(select(func.count(Delivery.id)).where(Delivery.appeal_id == appeal_id))
    for model in (Journal, Clock, Assignment, HandlingRequest, Slip):
        rows = db.session.scalars(select(model).where(model.appeal_id == appeal_id).order_by(model.id))
        found[model.__tablename__] = [_columns(row) for row in rows]
    return found | {"appeal": _columns(db.session.get_one(Appeal, appeal_id))}


def _columns(row: Any) -> dict[str, Any]:
    return {attribute.key: getattr(row, attribute.key) for attribute in inspect(row).mapper.column_attrs}


class Office:
    """The people of the office and two units, made once; a main appeal to merge into."""

    def __init__(self, make: Factory) -> None:
        self.make, self.now = make, present.now()
        self.units = [make.a_unit(), make.a_unit(offset=1)]
        line = make.line(self.units[0])
        assert line.section is not None
        vice_mayor = make.person()
        make.stand(line, "vice_mayor", vice_mayor)
        posts = ("collector_a", "registrar", "duty_director", "liaison", "ledger_admin", "supervisor")
        people = [make.holder(code) for code in posts]
        people += [make.member(unit) for unit in self.units]
        people += [make.member(line.section, "section_clerk"), vice_mayor, make.person()]
        self.actors = [make.actor(person) for person in people]
        self.main = make.appeal("in_progress", unit=self.units[0]).number

    def value(self, draw: Callable[..., Any], spec: FieldSpec, appeal: Appeal, now: datetime) -> Any:
        """A plausible value of a field; an optional one is left out at times."""
        if spec.type is FieldType.FILES or (spec.name in LEFT_OUT and draw(st.booleans())):
            return None
        if spec.name == "main":
            return self.main
        if spec.type is FieldType.CHOICE or spec.type is FieldType.CHOICES:
            offered = self.offered(spec.source or "", appeal)
            chosen = draw(st.sampled_from(offered)) if offered else None
            return (chosen,) if spec.type is FieldType.CHOICES and chosen else chosen
        return {
            FieldType.MOMENT: now,
            FieldType.DATE: now.date() + timedelta(days=draw(st.integers(0, 20))),
            FieldType.BOOLEAN: False,
            FieldType.NUMBER: draw(st.integers(1, 5)),
        }.get(spec.type, "示例：说明。")

    def offered(self, source: str, appeal: Appeal) -> list[str]:
        if source in CODES:
            return list(CODES[source])
        pending = [r for one in appeal.assignments for r in one.requests if r.state == "pending"]
        return {
            "units": [unit.code for unit in self.units],
            "limits": ["ordinary"],
            "retention_classes": ["ten_years"],
            "co_assignments": [str(one.id) for one in appeal.assignments],
            "paused_assignments": [str(one.id) for one in appeal.assignments],
        }.get(source, [str(request.id) for request in pending] if source in _REQUESTS else [])


_REQUESTS = ("objections", "extensions", "pauses", "own_requests")


class Course(RuleBasedStateMachine):
    """One appeal in the hands of everybody."""

    office: Office

    @initialize(state=st.sampled_from(STARTS))
    def take_in(self, state: str) -> None:
        self.now = self.office.now
        self.id = self.office.make.appeal(state, unit=self.office.units[0]).id

    @rule(data=st.data())
    def do(self, data: st.DataObject) -> None:
        """Time passes, then somebody does what he may do here; at times anybody anything at all."""
        draw = data.draw
        self.now += timedelta(days=draw(st.integers(0, 4)), hours=1)
        with present.at(self.now):
            before = image(self.id)
            appeal = db.session.get_one(Appeal, self.id)
            offered = [
                (actor, action.name)
                for actor in self.office.actors
                for action in workflow.actions_on(actor, appeal)
                if action.name not in BESIDE
            ]
            anything = [(draw(st.sampled_from(self.office.actors)), draw(st.sampled_from(sorted(ACTIONS))))]
            actor, name = draw(st.sampled_from(offered if offered and draw(st.integers(0, 5)) else anything))
            form = {s.name: self.office.value(draw, s, appeal, self.now) for s in ACTIONS[name].fields}
            if ACTIONS[name].sheet:
                form = self.office.make.sheet("A", received_at=self.office.now)
            self._judge(actor, name, form, before)

    def _judge(self, actor: Actor, name: str, form: dict[str, Any], before: dict[str, Any]) -> None:
        key = uuid4().hex
        try:
            outcome = workflow.act(actor, self.id, name, form, version=before["appeal"]["version"], request_key=key)
        except RuleError:
            assert image(self.id) == before, f"{name} was refused and changed something"
            return
        after = image(self.id)
        if outcome.is_repeat:
            assert after == before, f"{name} was a repetition and changed something"
            return
        written = after["journal"][len(before["journal"]) :]
        assert [row["action"] for row in written] == [name]
        old, new, action = before["appeal"]["state"], after["appeal"]["state"], ACTIONS[name]
        reached = {state.value for state in action.targets} | ({old} if action.parts else set())
        assert rules.State(old) in action.sources or action.parts
        assert new in reached, f"{name}: {old} → {new}"
        again = workflow.act(actor, self.id, name, form, version=before["appeal"]["version"], request_key=key)
        assert again.is_repeat
        assert image(self.id) == after, f"{name} acted twice"

    @invariant()
    def clocks_are_whole(self) -> None:
        appeal = db.session.get_one(Appeal, self.id)
        running = [clock for clock in appeal.clocks if clock.stopped_at is None]
        if appeal.state in AT_REST:
            assert not running, f"{[clock.kind for clock in running]} run on in {appeal.state}"
        assert all(clock.due_at is not None for clock in appeal.clocks)
        kinds = [(clock.kind, clock.assignment_id, clock.request_id) for clock in running]
        assert len(kinds) == len(set(kinds))

    @invariant()
    def assignments_are_whole(self) -> None:
        appeal = db.session.get_one(Appeal, self.id)
        standing = [one for one in appeal.assignments if one.state != "ended"]
        leads = [one for one in standing if one.part == "lead"]
        assert len(leads) <= 1
        assert appeal.co_unit_ids == sorted(one.unit_id for one in standing if one.part == "co")
        if appeal.state in ("assigned", "in_progress", "under_review"):
            assert [one.unit_id for one in leads] == [appeal.unit_id]

    @invariant()
    def what_is_registered_has_its_number(self) -> None:
        appeal = db.session.get_one(Appeal, self.id)
        assert (appeal.number is None) == (appeal.registered_at is None)
        assert (appeal.state == "archived") == (appeal.archived_at is not None)


def test_whatever_people_try_the_course_of_an_appeal_holds(make: Factory) -> None:
    class Here(Course):
        office = Office(make)

    run_state_machine_as_test(Here, settings=SETTINGS)
    assert_no_gap()


def assert_no_gap() -> None:
    """R4: the numbers given are 1 to n, each once."""
    numbers = db.session.scalars(select(Appeal.number).where(Appeal.number.is_not(None), Appeal.source.is_(None)))
    sequence = sorted(int(str(number).rpartition("-")[2]) for number in numbers)
    assert sequence == list(range(1, len(sequence) + 1))
    assert len(sequence) > 1
