"""Reading a staffing table: every way in which offices write one. All names are made up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.staffing_table import ABOVE, Entry, Table, from_text, joined, person, read
from tests.staffing_texts import HEADS, ROWS, pasted


def table(*rows: Any, heads: tuple[str, ...] = HEADS) -> Table:
    return read(enumerate([heads, *rows], 1))


def row(**said: str | None) -> list[str | None]:
    usual: dict[str, str | None] = {
        "post": "示例岗", "duty": "示例职责", "office": "示例处", "leader": "示例甲", "a": "示例乙", "b": "示例丙",
    }  # fmt: skip
    return list((usual | said).values())


# --- a person's cell -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "phone"),
    [
        ("示例甲", "示例甲", ""),
        ("示 例", "示例", ""),
        ("示\u3000例", "示例", ""),
        ("示\n例", "示例", ""),
        ("示例甲\n13800000001", "示例甲", "13800000001"),
        ("示例甲 138-0000-0001", "示例甲", "13800000001"),
        ("示例甲\n138 0000 0001", "示例甲", "13800000001"),
        ("示例甲\n１３８００００００ ０１", "示例甲", "13800000001"),
        ("示例甲（13800000001）", "示例甲", "13800000001"),
        ("示例甲(女)\n13800000001", "示例甲", "13800000001"),
        ("示例甲\n电话：13800000001", "示例甲", "13800000001"),
        ("示例甲\n+86 13800000001", "示例甲", "13800000001"),
        ("13800000001\n示例甲", "示例甲", "13800000001"),
        ("欧阳\n示例", "欧阳示例", ""),
        ("Shili  Jia\n13800000001", "Shili Jia", "13800000001"),
        ("示例·甲乙", "示例·甲乙", ""),
    ],
)
def test_a_name_with_a_number_under_it(text: str, name: str, phone: str) -> None:
    entry = person(text)
    assert (entry.name, entry.phone) == (name, phone)


def test_what_stands_in_brackets_is_kept_for_whoever_knows_the_people() -> None:
    assert person("示例甲（示例区）\n13800000001") == Entry("示例甲", "13800000001", "示例甲(示例区)")
    assert person("示例甲").whole == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("示例甲、示例乙", "staffing-table.two-people"),
        ("示例\n甲乙", "staffing-table.two-people"),
        ("示例甲\n13800000001\n示例乙\n13800000002", "staffing-table.two-people"),
        ("示例甲\n13800000001\n13800000002", "staffing-table.two-phones"),
        ("示例甲\n1380000000", "phone.not-mobile"),
        ("示例甲\n8223172", "phone.not-mobile"),
        ("示例甲\n138000000011", "phone.not-mobile"),
        ("13800000001", "staffing-table.name-unreadable"),
        ("示例甲1", "staffing-table.name-unreadable"),
        ("？", "staffing-table.name-unreadable"),
    ],
)
def test_what_is_no_single_person_is_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        person(text)
    assert refused.value.code == code


# --- cells and rows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "heads",
    [
        HEADS,
        ("岗位", "职责", "责任处室", "责任领导", "A角", "B角"),
        ("岗位名称", "工作职责", "责任单位", "分管领导", "Ａ 角", "Ｂ 角"),
        ("岗\n位", "职\n责", "处室", "领导", "a角", "b角"),
        ("Post", "Duty", "Responsible office", "Responsible leader", "A-role", "B-role"),
        ("Post", "Duties", "Office", "Leader", "A", "B"),
    ],
)
def test_heads_in_every_dress(heads: tuple[str, ...]) -> None:
    assert [found.post for found in table(row(), heads=heads).rows] == ["示例岗"]


def test_columns_in_another_order_with_others_between() -> None:
    heads = ("序号", "责任处室", "岗位", "A角", "电话", "B角", "电话", "备注")
    found = table(["1", "示例处", "示例岗", "示例乙", "13800000001", "示例丙", "", "示例"], heads=heads)
    assert found.rows[0].a == Entry("示例乙", "13800000001")
    assert found.rows[0].b == Entry("示例丙")
    assert (found.rows[0].duty, found.rows[0].leader_known) == (None, False)


@pytest.mark.parametrize("said", ["当值人员", "当 值 人 员", "值班人员", "（当值人员）", "On-duty staff", "on duty"])
@pytest.mark.parametrize("b", ["", "当值人员", ABOVE])
def test_the_person_on_duty_fills_both_seats(said: str, b: str | None) -> None:
    found = table(row(a=said, b=b))
    assert (found.rows[0].on_duty, found.rows[0].a, found.rows[0].blank) == (True, None, ())


@pytest.mark.parametrize(("a", "b"), [("当值人员", "示例丙"), ("示例乙", "当值人员"), ("", "当值人员")])
def test_half_on_duty_is_a_problem_at_its_row(a: str, b: str) -> None:
    found = table(row(), row(post="示例岗二", a=a, b=b))
    assert [(problem.line, problem.code) for problem in found.problems] == [(3, "staffing-table.half-on-duty")]


@pytest.mark.parametrize("said", ["空缺", "（空缺）", "暂缺", "无", "—", "/", "Vacant"])
def test_a_vacancy_in_words_is_no_empty_cell(said: str) -> None:
    found = table(row(b=said)).rows[0]
    assert (found.b, found.blank) == (None, ())
    assert table(row(b=" ")).rows[0].blank == ("b",)


def test_merged_cells_say_what_stands_above() -> None:
    found = table(row(), row(post="示例岗二", office=ABOVE, leader=ABOVE, a="示例丁", b=ABOVE))
    second = found.rows[1]
    assert (second.office, second.leader, second.b) == ("示例处", Entry("示例甲"), Entry("示例丙"))
    assert not found.remarks


def test_an_empty_office_or_leader_means_the_one_above_and_that_is_said() -> None:
    found = table(row(), row(post="示例岗二", office="", leader="", a="示例丁", b="示例戊"))
    assert (found.rows[1].office, found.rows[1].leader) == ("示例处", Entry("示例甲"))
    assert [(remark.line, remark.column, remark.code) for remark in found.remarks] == [
        (3, "office", "above"),
        (3, "leader", "above"),
    ]


def test_a_row_torn_by_a_page_goes_on() -> None:
    found = table(row(duty="示例", a="示例乙", b="示例丙"), ["", "职责", "", "", "13800000001", ""])
    assert (found.rows[0].duty, found.rows[0].a) == ("示例职责", Entry("示例乙", "13800000001"))


def test_heads_in_the_middle_and_lines_of_text_are_no_posts() -> None:
    found = table(row(), HEADS, row(post="示例岗二", a="示例丁", b="示例戊"), ["注：示例说明", "", "", "", "", ""])
    assert [line.post for line in found.rows] == ["示例岗", "示例岗二"]
    assert [(remark.code, remark.text) for remark in found.remarks] == [("left-out", "注：示例说明")]


@pytest.mark.parametrize(
    ("said", "column", "code"),
    [
        ({"office": ""}, "office", "staffing-table.office-missing"),
        ({"post": "", "office": "x"}, "post", "staffing-table.post-missing"),
        ({"a": "示例乙\n1380000000"}, "a", "phone.not-mobile"),
        ({"leader": "示例甲、示例乙"}, "leader", "staffing-table.two-people"),
        ({"b": "示例乙"}, "b", "staffing-table.both-roles"),
        ({"post": "示" * 129}, "post", "field.too-long"),
        ({"duty": "示" * 2001}, "duty", "field.too-long"),
    ],
)
def test_a_problem_names_row_and_column(said: dict[str, str], column: str, code: str) -> None:
    found = table(row(**said))
    assert [(problem.line, problem.column, problem.code) for problem in found.problems] == [(2, column, code)]


def test_a_post_twice_is_a_problem() -> None:
    assert [p.code for p in table(row(), row(post="示 例 岗")).problems] == ["staffing-table.post-twice"]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "staffing-table.no-heads"),
        ([["示例", "示例"]], "staffing-table.no-heads"),
        ([HEADS], "staffing-table.no-rows"),
        ([HEADS, *[row(post=f"示例{n}") for n in range(501)]], "staffing-table.too-many-rows"),
    ],
)
def test_what_is_no_table_has_one_problem(rows: list[Any], code: str) -> None:
    found = read(enumerate(rows, 1))
    assert [problem.code for problem in found.problems] == [code]
    assert not found.rows


# --- text ------------------------------------------------------------------------------------------------------


def expected() -> list[tuple[str, str, str | None, bool]]:
    return [
        (cells[0], joined(cells[2]), None if cells[4] == "当值人员" else joined(cells[4]).split("1")[0], not cells[5])
        for cells in ROWS
    ]


def seen(found: Table) -> list[tuple[str, str, str | None, bool]]:
    assert not found.problems
    return [(line.post, line.office, line.a.name if line.a else None, line.on_duty) for line in found.rows]


def test_text_as_it_comes_out_of_a_notice() -> None:
    found = from_text(pasted())
    assert seen(found) == expected()
    assert found.rows[2].leader == Entry("示例曹", "13800000004")
    assert found.rows[2].office == "示例办公厅机关党委"
    assert found.rows[4].b == Entry("示例吴")


def test_the_whole_notice_may_stand_before_it() -> None:
    notice = "示例通知\n一、示例。\n" + pasted().replace("\n", "\r\n") + "\n示例市人民政府办公厅\n"
    assert seen(from_text(notice)) == expected()


def test_an_empty_cell_between_two_bars() -> None:
    rows = ["示例岗\n| 示例\n| 示例处\n|\n| 示例乙\n|\n|"]
    rows.append("示例岗二\n| 示例\n| 示例处\n| 示例甲\n| 示例丁\n| 示例戊\n|")
    text = "\n".join(["\n| ".join(HEADS) + "\n|", *rows])
    first, second = from_text(text).rows
    assert (first.leader, first.a, first.b) == (None, Entry("示例乙"), None)
    assert second.b == Entry("示例戊")


def test_one_line_a_row_with_bars() -> None:
    lines = ["| " + " | ".join(cell.replace("\n", "<br>") for cell in cells) + " |" for cells in (HEADS, *ROWS)]
    lines.insert(1, "|---|---|---|---|---|---|")
    assert seen(from_text("\n".join(lines))) == expected()


def test_tabs_with_quoted_cells_as_a_spreadsheet_pastes_them() -> None:
    lines = ["\t".join(f'"{cell}"' if "\n" in cell else cell for cell in cells) for cells in (HEADS, *ROWS)]
    assert seen(from_text("\n".join(lines))) == expected()


@pytest.mark.parametrize("stray", ['"', '"' + "示" * 150_000 + '"'])
def test_a_stray_or_endless_quotation_is_just_text(stray: str) -> None:
    lines = ["\t".join(cells) for cells in (HEADS, *ROWS)]
    assert seen(from_text("\n".join([*lines, stray + "\t\t\t\t\t"]))) == expected()


def test_tabs_with_torn_cells_as_a_text_program_pastes_them() -> None:
    assert seen(from_text("\n".join("\t".join(cells) for cells in (HEADS, *ROWS)))) == expected()


pieces = st.sampled_from(
    [*HEADS, *'|\t\n"（\u3000\x00', "\n|\n", "|---|", "示例", "示 例\n13800000001", "1380000000", "当值人员", "空缺"]
)


@given(st.lists(pieces, max_size=60).map("".join))
def test_no_text_is_too_odd_to_be_read_or_refused(text: str) -> None:
    found = from_text(text)
    assert found.rows or found.problems
    for line in found.rows:
        assert line.post
        assert line.office


@pytest.mark.parametrize("text", ["", "示例", "|", "||||||", "\t\t\t", "岗位|职责", "\x00" * 10])
def test_text_that_is_no_table(text: str) -> None:
    assert from_text(text).problems[0].code == "staffing-table.no-heads"
