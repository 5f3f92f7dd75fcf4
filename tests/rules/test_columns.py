"""Columns of a workbook: finding the header, knowing its titles, the mapping a person confirms."""

from datetime import datetime

import pytest

from app.rules.columns import (
    cell_text,
    checked_mapping,
    column_letter,
    columns_of,
    find_header,
    header_hash,
    looks_like,
    masked,
    name_key,
    suggest,
    suggest_class,
)
from app.rules.errors import FieldErrors, Invalid

EDITION_ONE = ["留言编号", "留言用户", "留言主题", "留言时间", "留言详情", "答复意见", "答复时间"]
EDITION_TWO = ["编号", "联系人", "标题", "提交时间", "内容", "一级标签", "二级标签"]


@pytest.mark.parametrize(
    ("titles", "found"),
    [
        (
            EDITION_ONE,
            {
                "number": "留言编号",
                "appellant_name": "留言用户",
                "subject": "留言主题",
                "received_at": "留言时间",
                "body": "留言详情",
                "reply": "答复意见",
                "answered_at": "答复时间",
            },
        ),
        (
            EDITION_TWO,
            {
                "number": "编号",
                "appellant_name": "联系人",
                "subject": "标题",
                "received_at": "提交时间",
                "body": "内容",
                "category": "一级标签",
                "category2": "二级标签",
            },
        ),
        (
            ["一级分类", "来信内容", "来信时间"],
            {"category": "一级分类", "body": "来信内容", "received_at": "来信时间"},
        ),
        (
            ["ID", "Received at", "Subject", "Text"],
            {"number": "id", "received_at": "receivedat", "subject": "subject", "body": "text"},
        ),
        (
            ["联系电话（必填）", "市民反映内容", "网站收到时间"],
            {"appellant_phone": "联系电话", "body": "市民反映内容", "received_at": "网站收到时间"},
        ),
        (
            ["责任单位", "办理时限", "截止时间", "渠道"],
            {"unit": "责任单位", "limit": "办理时限", "due_at": "截止时间", "channel": "渠道"},
        ),
        (["甲", "乙"], {}),
    ],
)
def test_editions_are_known_by_their_titles(titles: list[str], found: dict[str, str]) -> None:
    assert suggest(columns_of(titles)) == found


def test_a_column_serves_one_target_and_the_exact_title_wins() -> None:
    found = suggest(columns_of(["答复时间", "留言时间", "时间"]))
    assert found == {"answered_at": "答复时间", "received_at": "留言时间"}


def test_the_header_is_found_below_a_title_and_blank_rows() -> None:
    rows = [
        (1, ["市长信箱2019年汇总", "", ""]),
        (2, ["", "", ""]),
        (3, ["编号", "标题", "时间"]),
        (4, ["1", "路灯", "2019/1/1"]),
    ]
    number, columns = find_header(rows)
    assert number == 3
    assert [column.letter for column in columns] == ["A", "B", "C"]


def test_a_sheet_without_header_is_refused() -> None:
    with pytest.raises(Invalid, match=r"import\.no-header"):
        find_header([(1, ["", "x"]), (2, [])])


def test_titles_that_repeat_are_numbered_and_untitled_columns_left_out() -> None:
    columns = columns_of(["时间", "", " 时 间\n", 2019.0])
    assert [(column.index, column.key) for column in columns] == [(0, "时间"), (2, "时间#2"), (3, "2019")]


def test_a_header_is_recognised_in_any_order_and_dress() -> None:
    first, second = columns_of(EDITION_ONE), columns_of([" 答复时间", *EDITION_ONE[:-1]])
    assert header_hash(first) == header_hash(second)
    assert header_hash(first) != header_hash(columns_of(EDITION_TWO))


@pytest.mark.parametrize(
    ("titles", "kind"),
    [
        (["一级分类", "二级分类", "三级分类"], "categories"),
        (["一级标签", "二级标签"], "categories"),
        (EDITION_ONE, "appeals"),
        ([*EDITION_TWO], "appeals"),
        (["编号", "一级分类"], "appeals"),
    ],
)
def test_a_tree_is_told_from_appeals(titles: list[str], kind: str) -> None:
    assert looks_like(columns_of(titles)) == kind


@pytest.mark.parametrize(
    ("titles", "channel_class"),
    [
        (EDITION_ONE, "C"),
        (["来信编号", "内容"], "E"),
        (["来电时间"], "B"),
        (["来访人"], "F"),
        (["编号", "内容"], ""),
    ],
)
def test_the_titles_suggest_a_channel_class_or_none(titles: list[str], channel_class: str) -> None:
    assert suggest_class(columns_of(titles)) == channel_class


@pytest.mark.parametrize(
    ("mapping", "kind", "problems"),
    [
        ({"received_at": "时间", "body": "内容"}, "appeals", {}),
        ({"received_at": "时间", "subject": "标题", "number": ""}, "appeals", {}),
        ({}, "appeals", {"received_at": "import.column-needed", "body": "import.column-needed"}),
        ({"received_at": "时间", "body": "时间"}, "appeals", {"body": "import.column-twice"}),
        ({"received_at": "时间", "body": "正文"}, "appeals", {"body": "import.unknown-column"}),
        ({"category2": "内容"}, "categories", {"category": "import.column-needed"}),
    ],
)
def test_a_mapping_is_checked_at_each_field(mapping: dict[str, str], kind: str, problems: dict[str, str]) -> None:
    columns = columns_of(["时间", "标题", "内容"])
    if not problems:
        assert set(checked_mapping(mapping, columns, kind)) == {target for target, key in mapping.items() if key}
        return
    with pytest.raises(FieldErrors) as refused:
        checked_mapping(mapping, columns, kind)
    assert {problem.field: problem.code for problem in refused.value.problems} == problems


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (2549.0, "2549"),
        (12.5, "12.5"),
        ("0012", "0012"),
        (True, "TRUE"),
        (datetime(2019, 4, 8, 8, 37, 20), "2019-04-08 08:37:20"),
    ],
)
def test_a_cell_reads_as_its_author_sees_it(cell: object, text: str) -> None:
    assert cell_text(cell) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(("index", "letter"), [(0, "A"), (25, "Z"), (26, "AA"), (255, "IV"), (701, "ZZ"), (702, "AAA")])
def test_columns_are_named_as_on_the_sheet(index: int, letter: str) -> None:
    assert column_letter(index) == letter


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("请回电13800001234谢谢", "请回电138****1234谢谢"),
        ("11010119900101123X", "110****123X"),
        ("2019/4/25 第123456号", "2019/4/25 第123456号"),
    ],
)
def test_a_preview_hides_long_numbers(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("one", "other"), [("市 公安局", "市公安局"), ("ＡＢＣ", "abc"), ("供电公司（城区）", "供电公司(城区)")]
)
def test_names_are_compared_without_dress(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_a_part_in_parentheses_belongs_to_a_name() -> None:
    assert name_key("公安局(交警支队)") != name_key("公安局")
