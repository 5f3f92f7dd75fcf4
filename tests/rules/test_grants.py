"""From the staffing table to permissions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules import workflow
from app.rules.errors import Invalid, Refused
from app.rules.grants import (
    CAPABILITIES,
    EVERYBODY,
    OFFICERS,
    POST_CAPABILITIES,
    ActingPost,
    Facts,
    Grant,
    GrantSet,
    PostDuty,
    Reading,
    RowFacts,
    Scope,
    all_permissions,
    checked,
    grants_for,
    permissions_of,
    reaches,
)

COLLECTOR = PostDuty(1, ("collect", "see_phone"), Scope.OWN_CLASS, 10, "A")
DIRECTOR = PostDuty(8, ("triage",), Scope.ALL, 10)
SECTION_POST = PostDuty(13, ("supervise",), Scope.OWN_OFFICE, 30)


def acting(*duties: PostDuty, role: str = "A") -> Facts:
    return Facts(acting=tuple(ActingPost(duty, role) for duty in duties))


def test_the_vocabulary_is_alphabetical() -> None:
    assert list(CAPABILITIES) == sorted(CAPABILITIES)
    assert POST_CAPABILITIES == (
        "carry",
        "collect",
        "number",
        "record",
        "report",
        "see_phone",
        "supervise",
        "triage",
    )


def test_every_capability_the_workflow_asks_for_is_in_the_vocabulary() -> None:
    assert {action.capability for action in workflow.ACTIONS.values()} <= set(CAPABILITIES)


@pytest.mark.parametrize(
    ("facts", "reading"),
    [
        (Facts(), Reading()),
        (acting(COLLECTOR), Reading(classes=frozenset("A"))),
        (acting(COLLECTOR, DIRECTOR), Reading(everything=True, classes=frozenset("A"))),
        (acting(SECTION_POST), Reading(sections=frozenset({30}))),
        (Facts(units=(5, 6)), Reading(units=frozenset({5, 6}))),
        (Facts(sections=(30,)), Reading(sections=frozenset({30}))),
        (Facts(portfolios=(2,)), Reading(portfolios=frozenset({2}))),
        (Facts(overseen=(COLLECTOR,)), Reading(classes=frozenset("A"))),
        (Facts(officer="system"), Reading()),
        (Facts(officer="audit"), Reading()),
    ],
)
def test_who_sees_which_rows(facts: Facts, reading: Reading) -> None:
    assert grants_for(facts).scopes_for_reading() == reading


def test_an_empty_reading_is_false() -> None:
    assert not Reading()
    assert Reading(units=frozenset({1}))


def test_a_grant_names_its_post_and_role() -> None:
    found = grants_for(acting(COLLECTOR, DIRECTOR, role="B"))
    assert Grant("collect", Scope.OWN_CLASS, "A", 1, "B") in found.grants
    assert found.posts_for("triage") == (8,)
    assert found.post_ids == (1, 8)
    assert found.can("collect")
    assert not found.can("record")


def test_overseeing_a_post_is_not_acting_for_it() -> None:
    found = grants_for(Facts(overseen=(DIRECTOR,)))
    assert not found.can("triage")
    assert (found.post_ids, found.posts_for("oversee")) == ((), (8,))


@pytest.mark.parametrize(
    ("capability", "row", "posts"),
    [
        ("collect", RowFacts("A"), [1]),
        ("collect", RowFacts("B"), []),
        ("triage", RowFacts("B"), [8]),
        ("see_phone", RowFacts("B"), []),
        ("supervise", RowFacts("B", section_id=30), [13]),
        ("supervise", RowFacts("B", unit_id=30), []),
        ("supervise", RowFacts(), []),
    ],
)
def test_a_capability_ends_where_its_scope_ends(capability: str, row: RowFacts, posts: list[int]) -> None:
    found = grants_for(acting(COLLECTOR, DIRECTOR, SECTION_POST))
    assert [grant.post_id for grant in found.covering(capability, row)] == posts


def test_everything_one_may_do_to_a_row() -> None:
    found = grants_for(Facts(acting=(ActingPost(COLLECTOR, "A"),), units=(5,)))
    assert found.capabilities_on(RowFacts("A", unit_id=5)) == {"collect", "see_phone", "answer"}
    assert found.capabilities_on(RowFacts("C", unit_id=6)) == frozenset()


@pytest.mark.parametrize("officer", OFFICERS)
@pytest.mark.parametrize(
    "business",
    [
        acting(COLLECTOR),
        Facts(units=(1,)),
        Facts(sections=(1,)),
        Facts(portfolios=(1,)),
        Facts(overseen=(DIRECTOR,)),
        acting(PostDuty(3, (), Scope.ALL, 1)),
    ],
)
def test_an_officer_is_never_anything_else(officer: str, business: Facts) -> None:
    with pytest.raises(Refused, match=r"officer\.combined"):
        grants_for(
            Facts(
                business.acting,
                business.units,
                business.sections,
                business.portfolios,
                business.overseen,
                officer,
            )
        )


@pytest.mark.parametrize("officer", OFFICERS)
def test_an_officer_reaches_no_appeal(officer: str) -> None:
    found = grants_for(Facts(officer=officer))
    assert found.can(officer)
    assert not found.capabilities_on(RowFacts("A", 1, 1, 1))
    assert "Appeals" not in {view for _, view in found.permission_pairs()}


def test_an_unknown_officer_is_refused() -> None:
    with pytest.raises(Invalid, match=r"officer\.unknown"):
        grants_for(Facts(officer="boss"))


@pytest.mark.parametrize(
    ("duty", "code"),
    [
        (PostDuty(1, ("fly",), Scope.ALL, 1), "post.capability-unknown"),
        (PostDuty(1, ("system",), Scope.ALL, 1), "post.capability-foreign"),
        (PostDuty(1, ("answer",), Scope.ALL, 1), "post.capability-foreign"),
        (PostDuty(1, (), Scope.OWN_PORTFOLIO, 1), "post.scope-unknown"),
        (PostDuty(1, ("triage",), Scope.OWN_CLASS, 1), "post.class-missing"),
        (PostDuty(1, ("collect",), Scope.ALL, 1), "post.class-missing"),
    ],
)
def test_a_post_that_makes_no_sense_is_refused(duty: PostDuty, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked(duty)
    assert caught.value.code == code
    with pytest.raises(Invalid):
        grants_for(acting(duty))


def test_everybody_has_desk_inbox_and_account() -> None:
    assert GrantSet().permission_pairs() == EVERYBODY
    # Sending an intake form too: one that was opened while acting is kept after the shift has ended.
    assert {view for _, view in EVERYBODY} == {
        "Account",
        "CalendarYear",
        "Desk",
        "Grid",
        "Inbox",
        "Intake",
        "Leave",
        "Rosters",
    }
    assert ("can_read", "Intake") not in EVERYBODY


def test_permissions_grow_with_the_capabilities() -> None:
    assert ("can_compile", "Reports") in permissions_of(["report"])
    assert ("menu_access", "Reports") in permissions_of(["report"])
    assert ("can_compile", "Reports") not in permissions_of(["supervise"])
    assert permissions_of(["collect"]) < all_permissions()


@given(
    st.lists(
        st.builds(
            ActingPost,
            st.builds(
                PostDuty,
                st.integers(1, 5),
                st.lists(st.sampled_from(POST_CAPABILITIES), max_size=4).map(tuple),
                st.sampled_from([Scope.ALL, Scope.OWN_CLASS, Scope.OWN_UNIT, Scope.OWN_OFFICE]),
                st.integers(1, 3),
                st.sampled_from("ABC"),
            ).filter(lambda duty: "collect" not in duty.capabilities or duty.scope in (Scope.ALL, Scope.OWN_CLASS)),
            st.sampled_from("AB"),
        ),
        max_size=3,
    ).map(tuple),
    st.builds(RowFacts, st.sampled_from("ABC"), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
)
def test_what_may_be_done_to_a_row_may_be_read(posts: tuple[ActingPost, ...], row: RowFacts) -> None:
    found = grants_for(Facts(acting=posts, units=(2,)))
    reading = found.scopes_for_reading()
    readable = (
        reading.everything
        or row.channel_class in reading.classes
        or row.unit_id in reading.units
        or row.section_id in reading.sections
    )
    assert bool(found.capabilities_on(row)) == readable
    assert any(reaches(grant, row) for grant in found.grants) == readable
