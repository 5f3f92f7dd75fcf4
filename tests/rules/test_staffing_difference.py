"""What an uploaded staffing table changes, and what has to be asked. All names are made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.staffing_difference import (
    Current,
    Difference,
    Item,
    KnownOffice,
    KnownPerson,
    KnownPost,
    difference,
    differs_by_one,
)
from app.rules.staffing_table import Entry, PostRow, Table

OFFICE, OTHER = KnownOffice(1, "示例总值班室", "值班室", "Duty Office"), KnownOffice(2, "示例信息中心")
JIA = KnownPerson(11, "示例甲", "Shili Jia", "13800000001", 1)
YI = KnownPerson(12, "示例乙", "Shili Yi", "13800000002", 1)
BING = KnownPerson(13, "示例丙", "", "13800000003", 1)
FAR = KnownPerson(14, "示例远", "", "13800000004", 2)
DUTY = KnownPost(1, "示例值守员", "Watch", "值守。", "Watches.", 1, 11, on_duty=True)
CLERK = KnownPost(2, "示例登记员", "Registrar", "登记。", "Registers.", 1, 11, a_id=12, b_id=13)
NOW = Current((DUTY, CLERK), (JIA, YI, BING, FAR), (OFFICE, OTHER))

WATCH_ROW = PostRow(2, "示例值守员", "值守。", "示例总值班室", Entry("示例甲", "13800000001"), None, None, on_duty=True)
CLERK_ROW = PostRow(3, "示例登记员", "登记。", "值班室", Entry("示例甲"), Entry("示例乙"), Entry("示例丙"))


def compared(*rows: PostRow, current: Current = NOW, **answers: str) -> Difference:
    named = {key.replace("_", "-"): value for key, value in answers.items()}
    return difference(Table(rows), current, named)


def changed(answers: dict[str, str] | None = None, current: Current = NOW, **said: Any) -> Difference:
    return difference(Table((WATCH_ROW, replace(CLERK_ROW, **said))), current, answers)


def kinds(found: Difference) -> list[str]:
    return [item.kind for item in found.items]


def test_the_same_table_is_no_difference() -> None:
    assert compared(WATCH_ROW, CLERK_ROW) == Difference()


def test_brackets_belong_to_the_name_of_somebody_who_is_called_so() -> None:
    named = replace(YI, name="示例乙（示例区）")
    current = replace(NOW, people=(JIA, named, BING, FAR))
    read = Entry("示例乙", whole="示例乙(示例区)")
    assert changed(a=read, current=current) == Difference()
    # Nobody is called so: the brackets are a remark, and the name alone counts.
    assert changed(a=read) == Difference()


def test_english_names_are_the_same_posts_and_people() -> None:
    row = PostRow(3, "registrar", "Registers.", "Duty office", Entry("Shili Jia"), Entry("SHILI YI"), Entry("示例丙"))
    assert compared(WATCH_ROW, row) == Difference()


@pytest.mark.parametrize(
    ("said", "item"),
    [
        ({"a": Entry("示例远")}, Item("holding", 3, post=2, person=14, before=12, role="A")),
        ({"b": None}, Item("holding", 3, post=2, before=13, role="B")),
        ({"leader": Entry("示例丙"), "b": None}, Item("leader", 3, post=2, person=13, before=11)),
        ({"leader": None}, Item("leader", 3, post=2, before=11)),
        ({"office": "示例信息中心"}, Item("post-office", 3, post=2, office=2, before=1)),
        ({"a": Entry("示例乙", "13800000009")}, Item("phone", 3, person=12, text="13800000009")),
        ({"on_duty": True, "a": None, "b": None}, Item("post-on-duty", 3, post=2)),
    ],
)
def test_one_thing_changed(said: dict[str, Any], item: Item) -> None:
    found = changed(**said)
    assert item in found.items
    assert not found.questions
    assert found.is_ready


def test_a_post_that_leaves_the_duty_roster_gets_holders() -> None:
    found = compared(replace(WATCH_ROW, on_duty=False, a=Entry("示例乙"), b=Entry("示例丙")), CLERK_ROW)
    assert kinds(found) == ["post-off-duty", "holding", "holding"]


def test_a_post_that_goes_to_the_duty_roster_is_vacated_first() -> None:
    assert kinds(changed(on_duty=True, a=None, b=None)) == ["holding", "holding", "post-on-duty"]


def test_another_wording_of_a_duty_is_told_and_taken_over_only_when_ticked() -> None:
    found = changed(duty="登记信息。")
    assert not found.items
    assert [(one.key, one.new, one.taken) for one in found.wordings] == [("duty-1", "登记信息。", False)]
    taken = changed({"duty-1": "1"}, duty="登记信息。")
    assert taken.items == (Item("post-duty", 3, post=2, text="登记信息。"),)


def test_a_missing_post_stays_unless_somebody_says_so() -> None:
    found = compared(CLERK_ROW)
    assert (found.items, found.missing, found.out) == ((), (1,), ())
    assert compared(CLERK_ROW, missing_1="keep").items == ()
    assert compared(CLERK_ROW, missing_1="out").items == (Item("post-out", post=1),)


def test_a_column_that_is_not_there_changes_nothing() -> None:
    found = changed(leader=None, leader_known=False, duty=None)
    assert found == Difference()


# --- empty cells -----------------------------------------------------------------------------------------------


def test_an_empty_cell_where_somebody_stands_is_asked_about() -> None:
    asked = changed(b=None, blank=("b",))
    assert [(question.key, question.kind, question.answer) for question in asked.questions] == [
        ("blank-1-b", "blank", "")
    ]
    assert not asked.is_ready
    assert changed({"blank-1-b": "keep"}, b=None, blank=("b",)).items == ()
    assert kinds(changed({"blank-1-b": "vacant"}, b=None, blank=("b",))) == ["holding"]


def test_an_empty_cell_where_nobody_stands_is_no_question() -> None:
    current = replace(NOW, posts=(DUTY, replace(CLERK, b_id=None)))
    assert changed(current=current, b=None, blank=("b",)) == Difference()


# --- people ----------------------------------------------------------------------------------------------------


def test_an_unknown_person_is_made_with_number_and_office() -> None:
    found = changed(a=Entry("新人示例", "13800000008"))
    assert found.items == (
        Item("person-new", 3, person="person-1", office=1, text="新人示例"),
        Item("phone", 3, person="person-1", text="13800000008"),
        Item("holding", 3, post=2, person="person-1", before=12, role="A"),
    )


def question(found: Difference) -> tuple[str, str, list[str]]:
    (only,) = found.questions
    return only.kind, only.why, [option.value for option in only.options]


TWIN = replace(FAR, id=15, name="示例乙", phone="13800000005")


@pytest.mark.parametrize(
    ("people", "entry", "why", "options"),
    [
        ((TWIN, replace(TWIN, id=16)), Entry("示例乙", "13800000009"), "namesake", ["12", "15", "16", "new"]),
        ((), Entry("示例远", "13800000009"), "namesake", ["14", "new"]),
        ((replace(FAR, id=15, name="示例旧", active=False),), Entry("示例旧"), "gone", ["15", "new"]),
        ((), Entry("示例生", "13800000004"), "number", ["14", "new"]),
        ((replace(BING, id=15, name="示例戊己"),), Entry("示例戊巳"), "spelling", ["15", "new"]),
        ((replace(BING, id=15, name="示例戊己"),), Entry("示例戊"), "spelling", ["11", "12", "13", "15", "new"]),
    ],
)
def test_an_ambiguous_name_is_asked_about(
    people: tuple[KnownPerson, ...], entry: Entry, why: str, options: list[str]
) -> None:
    current = replace(NOW, people=(*NOW.people, *people))
    kind, because, given = question(changed(current=current, a=entry))
    assert (kind, because) == ("person", why)
    assert set(given) == set(options)


def test_answers_settle_who_is_meant() -> None:
    asked = changed(a=Entry("示例远", "13800000009"))
    key = asked.questions[0].key
    assert not asked.is_ready
    same = changed({key: "14"}, a=Entry("示例远", "13800000009"))
    assert kinds(same) == ["phone", "holding"]
    other = changed({key: "new"}, a=Entry("示例远", "13800000009"))
    assert kinds(other) == ["person-new", "phone", "holding"]
    assert not changed({key: "99"}, a=Entry("示例远", "13800000009")).is_ready


def test_a_namesake_elsewhere_is_no_question_where_one_stands_already() -> None:
    current = replace(NOW, people=(*NOW.people, TWIN))
    assert compared(WATCH_ROW, CLERK_ROW, current=current) == Difference()
    by_number = changed(current=current, a=Entry("示例乙", TWIN.phone))
    assert by_number.items == (Item("holding", 3, post=2, person=15, before=12, role="A"),)


def test_two_of_one_name_in_one_table_are_told_apart_by_number() -> None:
    current = replace(NOW, people=(*NOW.people, TWIN), posts=(DUTY, replace(CLERK, b_id=15)))
    row = replace(CLERK_ROW, a=Entry("示例乙", YI.phone), b=Entry("示例乙", TWIN.phone))
    assert compared(WATCH_ROW, row, current=current) == Difference()


def test_a_new_number_of_who_stands_there_is_no_question() -> None:
    assert changed(b=Entry("示例丙", "13800000009")).items == (Item("phone", 3, person=13, text="13800000009"),)


@pytest.mark.parametrize(
    ("one", "other", "by_one"),
    [
        ("示例", "示列", True),
        ("示例甲", "示例甲乙", True),
        ("示例甲", "示甲", True),
        ("示例甲", "示例甲", False),
        ("示例甲", "甲例示", False),
        ("示", "例", False),
        ("Shili Jia", "Shili Jiao", True),
        ("Li", "Lu", False),
    ],
)
def test_names_that_differ_by_one_character(one: str, other: str, *, by_one: bool) -> None:
    assert differs_by_one(one, other) is by_one


# --- offices and posts -----------------------------------------------------------------------------------------


def test_an_unknown_office_is_chosen_or_made() -> None:
    asked = changed(office="示例总值办")
    kind, why, options = question(asked)
    assert (kind, why, options) == ("office", "unknown", ["1", "2", "new"])
    key = asked.questions[0].key
    assert changed({key: "1"}, office="示例总值办").items == ()
    made = changed({key: "new"}, office="示例总值办")
    assert made.items == (
        Item("office-new", 3, office=key, text="示例总值办"),
        Item("post-office", 3, post=2, office=key, before=1),
    )


def test_a_new_post_comes_with_its_people_and_without_capabilities() -> None:
    extra = PostRow(4, "夜间巡查", "巡查。", "示例信息中心", Entry("示例甲"), Entry("示例远"), None)
    found = compared(WATCH_ROW, CLERK_ROW, extra)
    assert found.items == (
        Item("post-new", 4, post="row-2", office=2, text="夜间巡查", duty="巡查。"),
        Item("leader", 4, post="row-2", person=11),
        Item("holding", 4, post="row-2", person=14, role="A"),
    )


def test_a_post_that_resembles_a_known_one_may_have_been_renamed() -> None:
    asked = changed(post="示例编号登记员")
    assert question(asked) == ("post", "alike", ["2", "new"])
    assert kinds(changed({"post-1": "2"}, post="示例编号登记员")) == ["post-name"]
    new = changed({"post-1": "new"}, post="示例编号登记员")
    assert (kinds(new), new.missing) == (["post-new", "leader", "holding", "holding"], (2,))


def test_a_post_out_of_use_may_come_back() -> None:
    current = replace(NOW, posts=(DUTY, replace(CLERK, active=False)))
    assert question(changed(current=current)) == ("post", "out-of-use", ["2", "new"])
    assert kinds(changed({"post-1": "2"}, current=current)) == ["post-again"]


# --- properties ------------------------------------------------------------------------------------------------

people = st.sampled_from([None, JIA, YI, BING, FAR])


@st.composite
def tables(draw: st.DrawFn) -> Current:
    posts = []
    for number in range(draw(st.integers(1, 6))):
        a = draw(people)
        b = draw(people.filter(lambda one: one is None or one is not a))  # noqa: B023
        on_duty = draw(st.booleans())
        leader = draw(people)
        posts.append(
            KnownPost(
                number, f"示例岗位第{'一二三四五六七'[number] * 3}", "", "示例。", "", draw(st.sampled_from([1, 2])),
                leader and leader.id, on_duty, None if on_duty else a and a.id, None if on_duty else b and b.id,
            )
        )  # fmt: skip
    return replace(NOW, posts=tuple(posts))


def written(current: Current) -> Table:
    names = {person.id: Entry(person.name, person.phone) for person in current.people}
    offices = {office.id: office.name for office in current.offices}

    def entry(person_id: int | None) -> Entry | None:
        return names[person_id] if person_id is not None else None

    return Table(
        tuple(
            PostRow(
                number, post.name, post.duty, offices[post.office_id], entry(post.leader_id), entry(post.a_id),
                entry(post.b_id), post.on_duty,
            )
            for number, post in enumerate(current.posts, 1)
        )
    )  # fmt: skip


@given(tables())
def test_what_is_in_force_is_no_difference_to_itself(current: Current) -> None:
    assert difference(written(current), current) == Difference()


@given(tables(), tables())
def test_from_any_table_to_any_other_the_items_lead(before: Current, after: Current) -> None:
    """Applied in thought, the items make the one table of the other, as far as both have the posts."""
    wanted = written(after)
    found = difference(wanted, before)
    posts = {post.id: post for post in before.posts}
    for item in found.items:
        if item.kind == "holding" and isinstance(item.post, int):
            column = f"{item.role.lower()}_id"
            posts[item.post] = replace(posts[item.post], **{column: item.person})
        elif item.kind == "leader" and isinstance(item.post, int):
            posts[item.post] = replace(posts[item.post], leader_id=item.person)
        elif item.kind == "post-office" and isinstance(item.post, int):
            posts[item.post] = replace(posts[item.post], office_id=item.office)
        elif item.kind in ("post-on-duty", "post-off-duty") and isinstance(item.post, int):
            posts[item.post] = replace(posts[item.post], on_duty=item.kind == "post-on-duty")
    both = {post.id for post in after.posts}
    again = difference(
        Table(tuple(row for row in wanted.rows if any(p.id in both and p.name == row.post for p in before.posts))),
        replace(before, posts=tuple(posts.values())),
    )
    assert again.items == ()
