"""A list of names to people: header, units, ambiguity, repetition."""

from collections.abc import Sequence

import pytest

from app.rules.columns import Cell
from app.rules.errors import Invalid
from app.rules.invitations import Candidate, Line, Wanted, match, read

PEOPLE = (
    Candidate(1, "示例甲", "shilijia", ("示例局", "局")),
    Candidate(2, "示例乙", "shiliyi", ("示例局",)),
    Candidate(3, "示例乙", "shiliyi_2", ("示例处",)),
    Candidate(4, "示例丙", "shilibing", (), has_account=True),
)


def rows(*cells: Sequence[Cell]) -> list[tuple[int, Sequence[Cell]]]:
    return list(enumerate(cells, 1))


def test_it_reads_below_the_header_wherever_it_stands() -> None:
    head, empty = ["序号", "姓 名", "单位"], ["", "", ""]
    found = read(rows(["示例名单", ""], head, [1, " 示例甲\n", "示例局"], empty, [2, "示例 乙"]))
    assert found == (Line(3, "示例甲", "示例局"), Line(5, "示例 乙"))


def test_an_english_header_is_understood() -> None:
    assert read(rows(["Name", "User name"], ["示例甲", "jia"])) == (Line(2, "示例甲", "", "jia"),)


@pytest.mark.parametrize("sheet", [rows(), rows(["单位", "电话"], ["示例局", "1"])])
def test_without_a_column_of_names_nothing_is_read(sheet: list[tuple[int, Sequence[Cell]]]) -> None:
    with pytest.raises(Invalid, match=r"invitations\.no-header"):
        read(sheet)


@pytest.mark.parametrize(
    ("line", "wanted", "problem"),
    [
        (Line(2, "示例甲"), Wanted(1, "shilijia"), None),
        (Line(2, "示 例 甲", "局", "jia"), Wanted(1, "jia"), None),
        (Line(2, "示例乙", "示例处"), Wanted(3, "shiliyi_2"), None),
        (Line(2, "示例乙"), None, ("unit", "person.ambiguous-name")),
        (Line(2, "示例甲", "示例处"), None, ("unit", "person.not-in-unit")),
        (Line(2, "示例丁"), None, ("name", "person.unknown-name")),
        (Line(2, "", "示例局"), None, ("name", "person.name-missing")),
        (Line(2, "示例丙"), None, ("name", "account.has-one")),
    ],
)
def test_a_line_means_one_person_or_says_why_not(
    line: Line, wanted: Wanted | None, problem: tuple[str, str] | None
) -> None:
    pairs, problems = match([line], PEOPLE)
    assert [pair[1] for pair in pairs] == ([wanted] if wanted else [])
    assert [(one.column, one.code) for one in problems] == ([problem] if problem else [])


def test_nobody_is_invited_twice_by_one_list() -> None:
    pairs, problems = match([Line(2, "示例甲"), Line(3, "示例甲")], PEOPLE)
    assert [line.row for line, _ in pairs] == [2]
    assert [(one.row, one.code, one.data["row"]) for one in problems] == [(3, "invitations.twice", 2)]
