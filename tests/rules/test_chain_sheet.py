"""Chains as a workbook says them: which columns, which unit, whose name, and what is wrong in which cell."""

from __future__ import annotations

import pytest

from app.rules.chain_sheet import Candidate, Difference, Line, UnitFacts, compare, person_text, read
from app.rules.errors import Invalid

PEOPLE = (
    Candidate(1, "示例甲", "jia", ("市教育局", "教育局")),
    Candidate(2, "示例乙", "yi", ("市教育局",)),
    Candidate(3, "示例丙", "bing_1", ("市教育局", "教育局", "市教育局 副局长", "副局长")),
    Candidate(4, "示例丙", "bing_2", ("市财政局", "市财政局 局长", "局长")),
    Candidate(5, "示例丁（教育局）", "ding", ()),
    Candidate(6, "示例戊", "wu_1", ("市教育局",)),
    Candidate(7, "示例戊", "wu_2", ("市教育局",)),
)
EDUCATION = UnitFacts(
    10,
    "education",
    "department",
    ("市教育局", "教育局", "Municipal Education Bureau"),
    {
        ("first", "A"): 1,
        ("first", "B"): None,
        ("direct", "A"): 2,
        ("direct", "B"): None,
        ("coordinating", "A"): 4,
        ("coordinating", "B"): None,
        ("final", "A"): None,
        ("final", "B"): 4,
    },
)
COUNTY = UnitFacts(
    20,
    "county",
    "local_government",
    ("示例县政府", "示例县", ""),
    {("first", "A"): None, ("first", "B"): None, ("direct", "A"): None, ("direct", "B"): None},
)
HEADER = ["单位代码", "单位", "第一责任人A角", "第一责任人 B角", "最终责任人A角"]


def line(unit: str = "", **cells: str) -> Line:
    spots = {tuple(name.split("_")): text for name, text in cells.items()}
    return Line(5, "", unit, {(link, role): text for (link, role), text in spots.items()})  # type: ignore[misc]


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        ["Unit code", "Unit", "First responsible, A-role", "First responsible, B-role", "Finally responsible, A-role"],
        ["代码", "责任单位", "第一A角", "第一责任B角", "最终A角"],
    ],
)
def test_it_finds_its_columns_in_both_languages(header: list[str]) -> None:
    rows = [["责任链"], [""], header, ["education", "市教育局", "示例甲", "", ""], ["", "", "", "", ""]]
    (found,) = read(enumerate(rows, 1))
    assert (found.row, found.code, found.unit) == (4, "education", "市教育局")
    assert found.cells == {("first", "A"): "示例甲", ("first", "B"): "", ("final", "A"): ""}


def test_without_a_header_there_is_nothing_to_read() -> None:
    with pytest.raises(Invalid, match=r"chain-sheet\.no-header"):
        read(enumerate([["示例", "示例"]] * 50, 1))


def test_what_differs_is_told_with_its_row() -> None:
    changed = line("教育局", first_A="示例乙", first_B="示例丙（副局长）", direct_A="")
    found, problems = compare([changed], [EDUCATION], PEOPLE)
    assert not problems
    assert found == (
        Difference(5, 10, "first", "A", 1, 2),
        Difference(5, 10, "first", "B", None, 3),
        Difference(5, 10, "direct", "A", 2, None),
    )


@pytest.mark.parametrize(
    ("cells", "spot", "code"),
    [
        ({"first_A": "示例无"}, ("first", "A"), "person.unknown-name"),
        ({"first_A": "示例丙"}, ("first", "A"), "person.ambiguous-name"),
        ({"first_A": "示例戊（市教育局）"}, ("first", "A"), "person.ambiguous-name"),
        ({"first_A": "示例甲（市财政局）"}, ("first", "A"), "person.not-in-unit"),
        ({"final_A": "示例甲"}, ("final", "A"), "chain.derived"),
        ({"final_B": ""}, ("final", "B"), "chain.derived"),
        ({"first_B": "示例甲"}, ("first", "B"), "chain.same-person"),
        ({"coordinating_B": "示例丙（局长）"}, ("coordinating", "B"), "chain.same-person"),
    ],
)
def test_what_is_wrong_stands_at_its_cell(cells: dict[str, str], spot: tuple[str, str], code: str) -> None:
    found, problems = compare([line("市教育局", **cells)], [EDUCATION], PEOPLE)
    assert found == ()
    assert [(problem.row, problem.spot, problem.code) for problem in problems] == [(5, spot, code)]


@pytest.mark.parametrize("mark", ["", "—", "-"])
def test_a_place_the_kind_does_not_have_stays_empty(mark: str) -> None:
    assert compare([line("示例县", final_A=mark)], [COUNTY], PEOPLE) == ((), ())
    _found, problems = compare([line("示例县", final_A="示例甲")], [COUNTY], PEOPLE)
    assert [(problem.spot, problem.code) for problem in problems] == [(("final", "A"), "chain.no-such-place")]


def test_a_and_b_may_swap() -> None:
    unit = UnitFacts(10, "e", "local_government", ("示例",), {**COUNTY.stands, ("first", "A"): 1, ("first", "B"): 2})
    found, problems = compare([line("示例", first_A="示例乙", first_B="示例甲")], [unit], PEOPLE)
    assert not problems
    assert [(one.role, one.before, one.after) for one in found] == [("A", 1, 2), ("B", 2, 1)]


def test_a_unit_is_known_by_code_or_name_and_stands_once() -> None:
    called = [("education", ""), ("", "市教育局"), ("", "示例无"), ("x", "教育局")]
    lines = [Line(row, code, unit, {}) for row, (code, unit) in enumerate(called, 5)]
    _found, problems = compare(lines, [EDUCATION, COUNTY], PEOPLE)
    assert [(problem.row, problem.code) for problem in problems] == [
        (6, "chain-sheet.unit-twice"),
        (7, "chain-sheet.unknown-unit"),
        (8, "chain-sheet.unknown-unit"),
    ]


def test_what_is_written_is_read_again_as_the_same_person() -> None:
    written = {person.person_id: person_text(person, PEOPLE) for person in PEOPLE}
    assert written == {
        1: "示例甲",
        2: "示例乙",
        3: "示例丙（市教育局）",
        4: "示例丙（市财政局）",
        5: "示例丁（教育局）",
        6: "示例戊（wu_1）",
        7: "示例戊（wu_2）",
    }
    for person_id, text in written.items():
        found, problems = compare([line("示例县", first_A=text)], [COUNTY], PEOPLE)
        assert not problems
        assert [one.after for one in found] == [person_id]
