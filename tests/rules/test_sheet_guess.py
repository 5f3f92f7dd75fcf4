"""What the columns of a table may become, and what must not be guessed."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.sheet_guess import columns, delimited, header_row
from app.rules.values import ValueKind as K


def kinds(rows: list[list[object]]) -> dict[str, K]:
    """The kind of each column by its label."""
    return {one.label: one.kind for one in columns(rows, header_row(rows))}


def test_each_column_gets_the_kind_of_what_it_holds() -> None:
    head: list[object] = ["名称", "长度（米）", "造价金额", "建成", "巡查时间", "完好", "状况"]
    head += ["联系电话", "证号", "说明"]
    body: list[list[object]] = [
        [
            f"示例{n}号桥", 12.5 + n, 100.0, date(2020, 1, 1 + n), datetime(2026, 1, 1, 8, n), "是" if n % 2 else "否",
            ("好", "中", "差")[n % 3], 8223172 + n, "110105194912310021", "一" * 200,
        ]
        for n in range(12)
    ]  # fmt: skip
    assert kinds([["示例桥梁台帐"], head, *body]) == {
        "名称": K.TEXT, "长度（米）": K.NUMBER, "造价金额": K.MONEY, "建成": K.DATE, "巡查时间": K.MOMENT,
        "完好": K.BOOL, "状况": K.CHOICE, "联系电话": K.TEXT, "证号": K.TEXT, "说明": K.LONG,
    }  # fmt: skip


def test_the_row_that_names_the_columns_is_found_below_titles() -> None:
    rows: list[list[object]] = [["示例标题", None, None], [None, None, None], ["甲", "乙", "丙"], [1, 2, 3]]
    assert header_row(rows) == 2


def test_a_name_that_stands_twice_makes_no_header_of_the_first_row_of_values() -> None:
    """A merged title, a line of who made it, an empty column, two columns of the same name, all cells texts."""
    rows: list[list[object]] = [
        ["示例街道路灯台账", None, None, None, None], ["单位：示例局", None, None, None, "制表：示例"],
        ["编号", "名称", None, "日期", "日期"], ["0001", "示例灯一", None, "2026年3月1日", "2026-3-2"],
        ["0002", "示例灯二", None, "3月5日", "2026/3/6"], ["合计", None, None, None, None],
    ]  # fmt: skip
    assert header_row(rows) == 2
    assert [one.label for one in columns(rows, 2)] == ["编号", "名称", "日期", "日期2"]
    assert header_row([["甲", "乙", "丙"], ["一", "一", "1"]]) == 0
    assert header_row([[None, None, "2026"], ["一", "一", "二"], ["3", "4", "5"]]) == 1


def test_labels_are_never_twice_and_empty_columns_are_left_out() -> None:
    found = columns([["名", "名", "", ""], ["a", "b", "", "c"]], 0)
    assert [one.label for one in found] == ["名", "名2", "列4"]


@pytest.mark.parametrize("written", ["0123", "3-4", "1.5.2", "2026-13-45"])
def test_what_only_looks_like_a_number_or_a_day_stays_text(written: str) -> None:
    assert kinds([["甲"], [written], [written + "x"]])["甲"] is K.TEXT
    assert kinds([["甲"], [written]])["甲"] is K.TEXT


def test_one_slip_among_many_numbers_makes_no_text_of_them() -> None:
    assert kinds([["长度"], *([str(n)] for n in range(30)), ["很长"]])["长度"] is K.NUMBER
    assert kinds([["长度"], *([str(n)] for n in range(9)), ["很长"]])["长度"] is K.TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_is_read_in_its_encoding_and_with_its_mark(encoding: str, mark: str) -> None:
    content = mark.join(["名称", "说明"]) + "\r\n" + mark.join(["示例桥", '"一\n二"']) + "\r\n"
    assert list(delimited(content.encode(encoding))) == [["名称", "说明"], ["示例桥", "一\n二"]]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00a", b"a\x00b"])
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        list(delimited(content))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.lists(st.one_of(st.none(), st.text(max_size=12), st.floats(), st.booleans(), st.dates()),
                         max_size=6), max_size=8))  # fmt: skip
def test_any_table_gets_a_proposal(rows: list[list[object]]) -> None:
    found = columns(rows, header_row(rows))
    assert len({one.label for one in found}) == len(found)
