"""The state table: its soundness, the checks of each action, and random walks through it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules import workflow
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.rules.workflow import (
    ACTIONS,
    CLOCK_KINDS,
    CODES,
    FINAL_STATES,
    GUARDS,
    Action,
    AppealFacts,
    AssignmentFacts,
    FieldSpec,
    FieldType,
    Part,
    State,
    actions_for,
    bulk_actions,
    check,
    flaws,
    next_step,
    states_for,
)

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
VALUES: dict[FieldType, object] = {
    FieldType.TEXT: "x",
    FieldType.LONG_TEXT: "已办",
    FieldType.CHOICE: 1,
    FieldType.MOMENT: NOW,
    FieldType.DATE: date(2026, 11, 23),
    FieldType.BOOLEAN: True,
    FieldType.FILES: (1,),
    FieldType.NUMBER: 3,
    FieldType.CHOICES: ("x",),
}


def filled(name: str, **changes: object) -> dict[str, object]:
    data = {spec.name: VALUES[spec.type] for spec in ACTIONS[name].fields}
    # The last value of a list of codes is the one that leaves things as they are.
    coded = {s.name: CODES[s.source][-1] for s in ACTIONS[name].fields if s.source in CODES}
    return data | coded | ({"kind": "cannot_finish"} if name == "explain" else {}) | NEEDED.get(name, {}) | changes


NEEDED: dict[str, dict[str, object]] = {"call_back": {"reached": "yes"}}


def facts(state: str, *, part: str | None = None, is_lead: bool = True, **more: Any) -> AppealFacts:
    """Facts under which nothing holds a step back; the lead unit's assignment stands as the appeal does."""
    parts = {"assigned": Part.ASSIGNED, "in_progress": Part.IN_PROGRESS, "under_review": Part.ANSWERED}
    own = Part(part) if part else parts.get(state)
    pending = frozenset(more.pop("pending", ()))
    return AppealFacts(
        State(state),
        has_result=more.pop("has_result", True),
        is_informed=more.pop("is_informed", True),
        has_lead=more.pop("has_lead", True),
        is_main_answered=more.pop("is_main_answered", True),
        is_main_closed=more.pop("is_main_closed", True),
        assignment=AssignmentFacts(own, is_lead, pending) if own else None,
        **more,
    )


def ready(name: str, state: str, **more: Any) -> AppealFacts:
    """The same with what this step's own guards want."""
    if name == "withdraw_request":
        more.setdefault("pending", ("extension",))
    if name == "release_hold":
        more.setdefault("is_held", True)
    return facts(state, **more)


def test_the_table_has_no_dead_end_and_no_orphan() -> None:
    assert flaws() == ()


def test_flaws_are_found_in_an_unsound_table() -> None:
    broken = [a for a in ACTIONS.values() if a.name not in ("archive", "propose", "reopen")]
    assert ("workflow.dead-end", State.CLOSED) in flaws(broken)
    assert ("workflow.orphan", State.OPINION) in flaws(broken)


def test_every_name_in_the_table_exists() -> None:
    for action in ACTIONS.values():
        assert set(action.guards) <= set(GUARDS)
        assert {*action.stops, *action.starts} <= set(CLOCK_KINDS)
        assert all(
            (spec.type in (FieldType.CHOICE, FieldType.CHOICES)) == (spec.source is not None) for spec in action.fields
        )
        assert not set(action.repeat_in) & set(action.sources)
        assert set(action.repeat_in) <= action.targets
        assert {kind for kinds in action.starts_if.values() for kind in kinds} <= set(CLOCK_KINDS)
        assert len({spec.name for spec in action.fields}) == len(action.fields)


@pytest.mark.parametrize("state", list(State))
def test_somebody_is_named_for_every_state_and_can_act_there(state: State) -> None:
    actor = next_step(state)
    if state in FINAL_STATES:
        assert actor.kind == "nobody"
    elif state is State.MERGED:
        assert actor.kind == "main"
    else:
        assert actor.capability
        assert actions_for(state, {actor.capability})
        assert state in states_for({actor.capability})


@pytest.mark.parametrize(
    ("name", "state", "target"),
    [
        ("edit", "draft", "draft"),
        ("submit", "draft", "submitted"),
        ("return_for_correction", "submitted", "draft"),
        ("register", "submitted", "registered"),
        ("handle_self", "registered", "self_handling"),
        ("handle_self", "instructed", "self_handling"),
        ("forward", "registered", "assigned"),
        ("forward", "instructed", "assigned"),
        ("propose", "registered", "opinion"),
        ("fill_slip", "opinion", "slip_ready"),
        ("carry", "slip_ready", "with_section"),
        ("deliver", "with_section", "with_leader"),
        ("fetch", "with_leader", "fetched"),
        ("transcribe", "fetched", "instructed"),
        ("sign_in", "assigned", "in_progress"),
        ("answer", "in_progress", "under_review"),
        ("accept", "under_review", "answered"),
        ("send_back", "under_review", "in_progress"),
        ("send_back", "answered", "in_progress"),
        ("discard", "draft", "voided"),
        ("void", "registered", "voided"),
        ("decline", "registered", "answered"),
        ("merge", "registered", "merged"),
        ("unmerge", "merged", "registered"),
        ("split", "in_progress", "in_progress"),
        ("comment", "with_leader", "with_leader"),
        ("instruct", "with_leader", "instructed"),
        ("object", "assigned", "assigned"),
        ("decide_objection", "assigned", "assigned"),
        ("ask_extension", "in_progress", "in_progress"),
        ("decide_extension", "in_progress", "in_progress"),
        ("ask_pause", "in_progress", "in_progress"),
        ("decide_pause", "in_progress", "in_progress"),
        ("resume", "in_progress", "in_progress"),
        ("withdraw_request", "in_progress", "in_progress"),
        ("transfer", "in_progress", "assigned"),
        ("add_co_unit", "assigned", "assigned"),
        ("withdraw_co_unit", "in_progress", "in_progress"),
        ("inform", "merged", "merged"),
        ("call_back", "answered", "answered"),
        ("strike_off_merged", "merged", "closed"),
        ("hold", "archived", "archived"),
        ("release_hold", "archived", "archived"),
        ("take_note", "closed", "closed"),
        ("reopen", "archived", "registered"),
        ("explain", "in_progress", "in_progress"),
        ("finish_self", "self_handling", "answered"),
        ("add_note", "assigned", "assigned"),
        ("add_note", "archived", "archived"),
        ("strike_off", "answered", "closed"),
        ("archive", "closed", "archived"),
    ],
)
def test_each_action_leads_where_the_table_says(name: str, state: str, target: str) -> None:
    step = check(name, ready(name, state), filled(name), now=NOW)
    assert (step.target, step.is_repeat) == (State(target), False)


@pytest.mark.parametrize("name", list(ACTIONS))
def test_an_action_is_refused_from_every_other_state(name: str) -> None:
    action = ACTIONS[name]
    for state in State:
        # Of the lead unit: a co-handling unit's steps follow its own assignment.
        if state not in action.sources and state not in action.repeat_in:
            with pytest.raises(Conflict) as caught:
                check(name, facts(state), filled(name), now=NOW)
            assert caught.value.code == "workflow.not-from-here"


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("submit", "submitted"),
        ("sign_in", "in_progress"),
        ("carry", "with_section"),
        ("deliver", "with_leader"),
        ("fetch", "fetched"),
        ("strike_off", "closed"),
        ("archive", "archived"),
        ("handle_self", "self_handling"),
    ],
)
def test_a_repeat_is_harmless_and_says_so(name: str, state: str) -> None:
    step = check(name, facts(state), {}, now=NOW)
    assert (step.target, step.is_repeat, step.stops, step.starts) == (State(state), True, (), ())


@pytest.mark.parametrize("name", [a.name for a in ACTIONS.values() if any(f.required for f in a.fields)])
@pytest.mark.parametrize("blank", [None, "", " \n "])
def test_each_required_field_is_asked_for(name: str, blank: str | None) -> None:
    required = {f.name for f in ACTIONS[name].fields if f.required}
    with pytest.raises(FieldErrors) as caught:
        check(name, facts(ACTIONS[name].sources[0]), dict.fromkeys(required, blank), now=NOW)
    assert {p.field for p in caught.value.problems if p.code == "field.required"} == required


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("answer", {"informed_at": NOW + timedelta(seconds=1)}, "field.in-future"),
        ("answer", {"informed_at": NOW.replace(tzinfo=None)}, "field.type"),
        ("answer", {"feedback": "长" * 20_001}, "field.too-long"),
        ("answer", {"feedback": 5}, "field.type"),
        ("transcribe", {"instructed_on": NOW}, "field.type"),
        ("deliver", {"receiver": "x" * 65}, "field.too-long"),
        ("explain", {"kind": "no_wish"}, "field.choice"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name: str, change: dict[str, object], code: str) -> None:
    with pytest.raises(FieldErrors) as caught:
        check(name, facts(ACTIONS[name].sources[0]), filled(name, **change), now=NOW)
    assert [(p.field, p.code) for p in caught.value.problems] == [(next(iter(change)), code)]


def test_what_policy_does_not_allow_is_answered_and_stops_the_limit() -> None:
    step = check("explain", facts("in_progress"), filled("explain", kind="not_permitted"), now=NOW)
    assert (step.target, step.stops) == (State.UNDER_REVIEW, ("unit_limit",))
    cannot = check("explain", facts("in_progress"), filled("explain"), now=NOW)
    assert (cannot.target, cannot.stops) == (State.IN_PROGRESS, ())


@pytest.mark.parametrize(
    ("has_result", "given", "is_informed", "code"),
    [
        (True, "", True, None),
        (False, "已修复", True, None),
        (False, " ", True, "strike-off.result-missing"),
        (True, "", False, "strike-off.not-informed"),
    ],
)
def test_r11_strike_off_wants_a_result_and_an_informed_appellant(
    has_result: bool, given: str, is_informed: bool, code: str | None
) -> None:
    item = facts("answered", has_result=has_result, is_informed=is_informed)
    if code is None:
        assert check("strike_off", item, {"result": given}, now=NOW).target is State.CLOSED
        return
    with pytest.raises((Refused, FieldErrors)) as caught:
        check("strike_off", item, {"result": given}, now=NOW)
    error = caught.value
    assert code in (error.code, *(p.code for p in getattr(error, "problems", ())))


@pytest.mark.parametrize(
    ("is_overdue", "is_impossible", "has_note", "allowed"),
    [
        (False, False, False, True),
        (True, False, False, False),
        (False, True, False, False),
        (True, True, True, True),
        (True, False, True, True),
    ],
)
def test_r11_nothing_overdue_or_impossible_is_archived_without_a_note(
    is_overdue: bool, is_impossible: bool, has_note: bool, allowed: bool
) -> None:
    item = facts("closed", is_overdue=is_overdue, is_impossible=is_impossible, has_note=has_note)
    if allowed:
        assert check("archive", item, {}, now=NOW).target is State.ARCHIVED
    else:
        with pytest.raises(Refused, match=r"archive\.note-missing"):
            check("archive", item, {}, now=NOW)


def test_submitting_an_incomplete_sheet_names_the_empty_fields() -> None:
    with pytest.raises(FieldErrors) as caught:
        check("submit", AppealFacts(State.DRAFT, missing=("title", "text")), {}, now=NOW)
    assert list(caught.value.by_field()) == ["title", "text"]


@pytest.mark.parametrize(
    ("data", "allowed"),
    [({"unit": 3}, True), ({"line": 2}, True), ({}, False), ({"unit": None, "line": ""}, False)],
)
def test_an_opinion_needs_a_leader_to_go_to(data: dict[str, object], allowed: bool) -> None:
    data = {"opinion": "请阅示"} | data
    if allowed:
        assert check("propose", facts("registered"), data, now=NOW).starts == ("carry",)
    else:
        with pytest.raises(FieldErrors):
            check("propose", facts("registered"), data, now=NOW)


@pytest.mark.parametrize(
    ("data", "allowed"),
    [({"leader": 3}, True), ({"leader_name": "示例市长"}, True), ({}, False), ({"leader_name": " "}, False)],
)
def test_an_instruction_names_who_gave_it(data: dict[str, object], allowed: bool) -> None:
    data = {"instruction": "请阅办", "instructed_on": date(2026, 11, 23)} | data
    if allowed:
        assert check("transcribe", facts("fetched"), data, now=NOW).target is State.INSTRUCTED
    else:
        with pytest.raises(FieldErrors):
            check("transcribe", facts("fetched"), data, now=NOW)


def test_data_the_form_does_not_have_is_dropped() -> None:
    step = check("add_note", facts("closed"), {"note": "x", "state": "archived"}, now=NOW)
    assert dict(step.data) == {"note": "x"}


def test_an_unknown_action_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"workflow\.unknown-action"):
        check("destroy", facts("draft"), {}, now=NOW)


def test_actions_for_shows_only_what_the_capabilities_allow() -> None:
    names = [a.name for a in actions_for(State.REGISTERED, {"triage", "record"})]
    assert names == [
        "handle_self",
        "forward",
        "propose",
        "decline",
        "merge",
        "split",
        "add_note",
        "hold",
        "release_hold",
    ]
    assert actions_for(State.REGISTERED, {"collect"}) == ()


def test_what_may_be_done_to_several_at_once() -> None:
    everything = {a.capability for a in ACTIONS.values()}
    assert {a.name for a in bulk_actions(everything)} == {
        "forward",
        "handle_self",
        "register",
        "carry",
        "deliver",
        "fetch",
        "archive",
        "strike_off",
        "accept",
        "inform",
    }


@given(st.lists(st.tuples(st.sampled_from(list(ACTIONS)), st.booleans(), st.booleans()), max_size=40))
def test_a_random_walk_never_leaves_the_table_and_a_repeat_changes_nothing(
    walk: list[tuple[str, bool, bool]],
) -> None:
    state = State.DRAFT
    for name, overdue, noted in walk:
        before = state
        try:
            step = check(name, ready(name, state, is_overdue=overdue, has_note=noted), filled(name), now=NOW)
        except (Conflict, Refused):
            continue
        state = step.target
        assert (state in ACTIONS[name].targets) if not step.is_repeat else state is before
        if state is State.ARCHIVED and before is State.CLOSED:
            assert noted or not overdue


def test_a_state_only_reached_by_a_field_value_counts_as_reached() -> None:
    assert State.UNDER_REVIEW in ACTIONS["explain"].targets
    assert (
        workflow.flaws(
            [
                *ACTIONS.values(),
                Action("x", (State.CLOSED,), None, "record", (FieldSpec("a", FieldType.TEXT),)),
            ]
        )
        == ()
    )
