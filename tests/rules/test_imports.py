"""Rows of a workbook: what is read, what is doubtful, what repeats. All people and places are made up."""

import hashlib
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.columns import checked_mapping, columns_of, name_key, suggest
from app.rules.errors import FieldErrors
from app.rules.fields import check_digit
from app.rules.imports import AppealReader, Known, Outcome, Reading, Severity, read_category, text_digest

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
TITLES = ["编号", "姓名", "标题", "时间", "内容", "答复意见", "答复时间"]
MORE = [
    "联系电话",
    "身份证号",
    "地点",
    "渠道类别",
    "渠道",
    "一级分类",
    "二级分类",
    "责任单位",
    "办理时限",
    "截止时间",
]
KNOWN = Known(
    units={name_key("示例局"): 7},
    channels={name_key("示例网站"): (3, "C"), name_key("示例热线"): (4, "B")},
    categories={"城乡建设": 1, "城乡建设/安全生产": 2},
    limits={name_key("一般件"): 5},
)


def reader(titles: list[str] | None = None, **options: Any) -> AppealReader:
    columns = columns_of(titles or TITLES)
    layout = checked_mapping(suggest(columns), columns)
    return AppealReader(layout, KNOWN, channel_class="C", now=NOW, zone=ZONE, **options)


def cells(**said: Any) -> list[Any]:
    """A row of TITLES and MORE with nothing doubtful in it, changed by column title."""
    row = {
        "编号": 2549.0,
        "姓名": "示例网友",
        "标题": "示例：路灯不亮",
        "时间": "2019/4/25 9:32:09",
        "内容": "\n\t\t\n\t示例小区的路灯\u3000已经三天不亮。",
        "答复意见": "示例：已修复。",
        "答复时间": "2019/5/10 14:56:53",
    }
    return [(row | said).get(title, "") for title in TITLES + MORE]


def read(**said: Any) -> Reading:
    return reader(TITLES + MORE).read(2, cells(**said))


def codes(reading: Reading) -> set[str]:
    return {problem.code for problem in reading.problems}


def test_a_plain_row_is_read_without_a_doubt() -> None:
    reading = read()
    row = reading.row
    assert (reading.outcome, reading.problems) == (Outcome.NEW, ())
    assert row is not None
    assert (row.number, row.subject, row.body) == ("2549", "示例：路灯不亮", "示例小区的路灯 已经三天不亮。")
    assert row.received_at == datetime(2019, 4, 25, 1, 32, 9, tzinfo=UTC)
    assert row.answered_at == datetime(2019, 5, 10, 6, 56, 53, tzinfo=UTC)
    assert (row.channel_class, row.appellant, row.flags, dict(row.kept)) == (
        "C",
        {"appellant_name": "示例网友"},
        (),
        {},
    )


@pytest.mark.parametrize(
    ("said", "flag"),
    [
        ({"时间": "2019/4/25"}, "received-time-missing"),
        ({"时间": date(2019, 4, 25)}, "received-time-missing"),
        ({"答复时间": "2019/5/10"}, "answered-time-missing"),
        ({"答复时间": "2019/4/25 9:32:08"}, "answered-before-received"),
        ({"时间": "2030/1/1 8:00:00", "答复时间": "2030/1/2 8:00:00"}, "received-in-future"),
        ({"答复时间": "2030/1/1 8:00:00"}, "answered-in-future"),
        ({"答复时间": ""}, "answered-unknown"),
        ({"答复时间": "五月"}, "answered-unreadable"),
        ({"时间": "04/05/2019"}, "received-unreadable"),
        ({"时间": ""}, "received-unknown"),
        ({"时间": 43580.397}, "received-is-a-number"),
        ({"答复意见": ""}, "reply-missing"),
        ({"编号": ""}, "number-missing"),
        ({"编号": 360402199001011234.0}, "number-imprecise"),
        ({"编号": "9" * 120}, "number-long"),
        ({"标题": ""}, "subject-missing"),
        ({"标题": "长" * 301}, "subject-long"),
        ({"内容": " \n"}, "text-missing"),
        ({"地点": "长" * 201}, "place-long"),
        ({"联系电话": "138****0001"}, "phone-unreadable"),
        ({"身份证号": "110101199001011"}, "identity-unreadable"),
        ({"责任单位": "示例无此局"}, "unit-unknown"),
        ({"一级分类": "示例无此类"}, "category-unknown"),
        ({"渠道": "示例无此渠道"}, "channel-unknown"),
        ({"渠道类别": "G"}, "class-unknown"),
        ({"渠道": "示例热线", "渠道类别": "C"}, "channel-of-other-class"),
        ({"办理时限": "示例无此时限"}, "limit-unknown"),
        ({"截止时间": "很快"}, "due-unreadable"),
    ],
)
def test_a_doubtful_row_is_kept_and_flagged(said: dict[str, Any], flag: str) -> None:
    reading = read(**said)
    assert reading.outcome is Outcome.NEW
    assert reading.row is not None
    assert flag in reading.row.flags
    assert len(flag) <= 40
    assert {problem.severity for problem in reading.problems} == {Severity.DOUBT}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"标题": "", "内容": ""}, "nothing-said"),
        ({"时间": "", "答复时间": ""}, "received-missing"),
        ({"时间": "不详", "答复意见": ""}, "received-missing"),
    ],
)
def test_a_row_without_words_or_moment_is_refused(said: dict[str, Any], code: str) -> None:
    reading = read(**said)
    assert (reading.outcome, reading.row) == (Outcome.REFUSED, None)
    assert code in codes(reading)


def test_nothing_of_a_doubtful_value_is_lost() -> None:
    subject = "长" * 301
    row = read(标题=subject, 责任单位="示例无此局", 截止时间="2019/5/1 0:00", 时间="四月底").row
    assert row is not None
    assert len(row.subject) == 300
    assert row.kept["subject"] == subject
    assert row.kept["unit"] == "示例无此局"
    assert row.kept["due_at"] == "2019-04-30T16:00:00+00:00"
    assert row.kept["received_at"] == "四月底"
    assert row.received_at == row.answered_at


def test_dictionary_rows_are_found_by_name_only() -> None:
    row = read(责任单位="示例 局", 渠道="示例热线", 一级分类="城乡建设", 二级分类="安全生产", 办理时限="一般件").row
    assert row is not None
    assert (row.unit_id, row.channel_id, row.channel_class, row.category_id, row.limit_rule_id) == (
        7,
        4,
        "B",
        2,
        5,
    )
    assert row.flags == ()


@pytest.mark.parametrize("given", ["B", "b类", "Ｂ", " B 类"])
def test_a_row_may_name_its_channel_class(given: str) -> None:
    row = read(渠道类别=given).row
    assert row is not None
    assert row.channel_class == "B"


def test_phone_and_identity_number_are_searched_only_in_their_one_form() -> None:
    identity = "11010119900307109"
    identity += check_digit(identity)
    normal = read(联系电话="138 0000 0001", 身份证号=identity.lower()).row
    odd = read(联系电话="138****0001", 身份证号=identity[:15]).row
    assert normal is not None
    assert odd is not None
    assert (normal.appellant["appellant_phone"], normal.appellant["appellant_identity"]) == (
        "13800000001",
        identity,
    )
    assert (normal.phone_is_normal, normal.identity_is_normal) == (True, True)
    assert (odd.phone_is_normal, odd.identity_is_normal) == (False, False)
    assert odd.appellant["appellant_phone"] == "138****0001"


def test_a_missing_subject_is_the_beginning_of_the_text_and_says_so() -> None:
    columns = ["编号", "时间", "内容"]
    with_column, without = read(标题=""), reader(columns).read(2, ["1", "2019/4/25 9:00", "长" * 80 + "\n尾"])
    assert with_column.row is not None
    assert without.row is not None
    assert with_column.row.flags == ("subject-missing",)
    assert (without.row.subject, without.row.flags) == ("长" * 60 + "…", ())


@pytest.mark.parametrize(
    "cell", ["2019/4/25 9:32:09", datetime(2019, 4, 25, 9, 32, 8, 999_600), datetime(2019, 4, 25, 9, 32, 9)]
)
def test_text_and_true_dates_of_one_column_are_the_same_moment(cell: object) -> None:
    row = read(时间=cell).row
    assert row is not None
    assert row.received_at == datetime(2019, 4, 25, 1, 32, 9, tzinfo=UTC)


@pytest.mark.parametrize("cell", [2549, 2549.0, "2549", " ２５４９\u3000"])
def test_a_resaved_number_is_the_same_number(cell: object) -> None:
    row = read(编号=cell).row
    assert row is not None
    assert row.number == "2549"


def test_long_texts_escapes_emoji_and_marks_survive() -> None:
    body = "示例_x000D_\n" + "很长的来信😀。" * 5_000
    row = read(内容=body, 答复意见="a\x00b\xa0c").row
    assert row is not None
    assert row.body.startswith("示例\n很长的来信😀。")
    assert len(row.body) > 35_000
    assert row.reply == "ab c"


# --- repeats -----------------------------------------------------------------------------------------------


def test_the_same_text_under_another_number_is_kept_and_flagged() -> None:
    given = reader()
    first = given.read(2, cells()[:7])
    second = given.read(3, cells(编号="2550", 内容="示例小区的路灯已经\n三天不亮。")[:7])
    assert (first.outcome, second.outcome) == (Outcome.NEW, Outcome.NEW)
    assert second.row is not None
    assert second.row.flags == ("repeats",)
    assert second.problems[0].data == {"row": 2, "number": "2549"}


def test_short_texts_repeat_nothing() -> None:
    given = reader()
    given.read(2, cells(内容="同上")[:7])
    assert given.read(3, cells(编号="2550", 内容="同上")[:7]).problems == ()


def test_the_same_row_twice_is_one_appeal() -> None:
    given = reader()
    given.read(2, cells()[:7])
    again = given.read(3, cells()[:7])
    assert (again.outcome, codes(again)) == (Outcome.AGAIN, {"row-again"})


def test_one_appeal_under_two_categories_is_one_appeal_with_a_second_category() -> None:
    given = reader(TITLES + MORE)
    given.read(2, cells(一级分类="城乡建设"))
    again = given.read(3, cells(一级分类="劳动和社会保障"))
    assert again.outcome is Outcome.AGAIN
    assert {"row": 2, "value": "劳动和社会保障"} in [problem.data for problem in again.problems]


def test_one_number_on_two_different_appeals_keeps_both() -> None:
    given = reader()
    given.read(2, cells()[:7])
    second = given.read(3, cells(内容="示例：完全是另外一件事情。")[:7])
    third = given.read(4, cells(内容="示例：又是另外一件别的事情。")[:7])
    assert second.row is not None
    assert third.row is not None
    assert (second.row.number, third.row.number) == ("2549#2", "2549#3")
    assert "number-repeated" in second.row.flags


def test_rows_without_number_are_known_by_what_they_say() -> None:
    first, again = reader(), reader()
    one = first.read(2, cells(编号="")[:7]).row
    twin = first.read(3, cells(编号="")[:7]).row
    other = again.read(9, cells(编号="", 姓名="示例他人")[:7]).row
    assert one is not None
    assert twin is not None
    assert other is not None
    assert one.number == other.number
    assert twin.number == f"{one.number}#2"
    assert set(twin.flags) == {"number-missing", "repeats"}


def test_blank_rows_headers_again_and_unmapped_rows_are_skipped() -> None:
    given = reader()
    assert given.read(2, [""] * 7).problems == ()
    assert codes(given.read(3, list(TITLES))) == {"header-again"}
    assert codes(given.read(4, [*[""] * 7, "合计"])) == {"row-unmapped"}


def test_a_row_merged_with_the_one_above_is_flagged() -> None:
    row = reader().read(3, cells()[:7], is_merged=True).row
    assert row is not None
    assert row.flags == ("merged-cells",)


def test_numbers_of_days_count_from_where_the_workbook_says() -> None:
    row = reader(is_1904=True).read(2, cells(时间=42118.0)[:7]).row
    assert row is not None
    assert row.received_at == datetime(2019, 4, 24, 16, 0, tzinfo=UTC)


def test_no_channel_class_is_guessed() -> None:
    columns = columns_of(TITLES)
    with pytest.raises(FieldErrors):
        AppealReader(checked_mapping(suggest(columns), columns), KNOWN, channel_class="", now=NOW, zone=ZONE)


def test_problems_tell_no_phone_name_or_words_of_a_misread_column() -> None:
    reading = read(时间="示例网友 13800000001", 联系电话="示例电话一三八", 姓名="示例网友")
    shown = repr([dict(problem.data) for problem in reading.problems])
    assert "13800000001" not in shown
    assert "示例" not in shown


def test_a_text_has_the_digest_that_the_database_computes() -> None:
    assert text_digest("示例 小区的\n路灯不亮") == hashlib.md5("示例小区的路灯不亮".encode()).hexdigest()
    assert text_digest("同上") == ""


_CELL = st.one_of(
    st.text(max_size=40), st.floats(allow_nan=True), st.booleans(), st.datetimes(), st.dates(), st.times(),
    st.timedeltas(), st.integers(),
)  # fmt: skip


@given(st.lists(st.lists(_CELL, max_size=18), max_size=4))
def test_whatever_the_cells_hold_each_row_comes_to_something(rows: list[list[Any]]) -> None:
    given_reader = reader(TITLES + MORE)
    for number, row in enumerate(rows, 2):
        reading = given_reader.read(number, row)
        assert (reading.row is not None) == (reading.outcome in (Outcome.NEW, Outcome.AGAIN))
        assert reading.outcome is not Outcome.REFUSED or any(p.severity is Severity.ERROR for p in reading.problems)


# --- the tree ----------------------------------------------------------------------------------------------


def tree_row(*names: object) -> tuple[object, object]:
    columns = columns_of(["一级分类", "二级分类", "三级分类", "三级分类英文"])
    layout = checked_mapping(suggest(columns, "categories"), columns, "categories")
    return read_category(layout, 2, list(names))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "path"),
    [
        (["城乡建设", "安全生产", "事故处理", "Accidents"], ("城乡建设", "安全生产", "事故处理")),
        (["城乡建设", " 安全\n生产 ", ""], ("城乡建设", "安全 生产")),
        (["城乡建设"], ("城乡建设",)),
    ],
)
def test_a_row_names_a_node(names: list[str], path: tuple[str, ...]) -> None:
    found, problem = tree_row(*names)
    assert problem is None
    assert found.names == path  # type: ignore[attr-defined]
    assert len(found.names_en) == len(path)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["", "安全生产", ""], "category-gap"),
        (["城乡建设", "", "事故处理"], "category-gap"),
        (["长" * 91], "category-name-long"),
    ],
)
def test_a_row_that_names_no_node_says_why(names: list[str], code: str) -> None:
    found, problem = tree_row(*names)
    assert found is None
    assert problem.code == code  # type: ignore[attr-defined]


def test_blank_rows_and_headers_name_nothing() -> None:
    assert tree_row("", "", "") == (None, None)
    assert tree_row("一级分类", "二级分类", "三级分类", "三级分类英文") == (None, None)
