"""Several items from a sheet or a message: headers, merged cells, quotes, line breaks, numbered paragraphs."""

from __future__ import annotations

import pytest

from app.rules import pasting
from app.rules.errors import Invalid


def test_rows_with_a_header_in_any_order_with_a_foreign_column() -> None:
    text = "序号\t联系电话\t标题\t内容\n1\t13800000001\t示例：路灯\t示例：不亮。\n2\t\t示例：停水\t示例：两天。"
    assert pasting.read(text, "A") == [
        {"appellant_phone": "13800000001", "subject": "示例：路灯", "body": "示例：不亮。"},
        {"subject": "示例：停水", "body": "示例：两天。"},
    ]


def test_merged_cells_go_down_and_line_breaks_and_quotes_stay() -> None:
    text = '报刊\t日期\t版面\t标题\t内容\n示例日报\t2026-01-05\t3\t甲\t"第一行\n第二行，他说""好"""\n\t\t\t乙\t丙\n'
    first, second = pasting.read(text, "D")
    assert (first["body"], first["channel"], first["page_number"]) == ('第一行\n第二行，他说"好"', "示例日报", "3")
    assert (second["channel"], second["page_number"], second["subject"]) == ("示例日报", "3", "乙")


def test_another_paper_takes_no_page_from_the_one_above() -> None:
    text = "报刊\t版面\t标题\t内容\n示例日报\t3\t甲\t一\n\t\t乙\t二\n示例晚报\t\t丙\t三\n\t\t丁\t四"
    items = pasting.read(text, "D")
    assert [item.get("page_number") for item in items] == ["3", "3", None, None]
    assert [item["channel"] for item in items] == ["示例日报", "示例日报", "示例晚报", "示例晚报"]


def test_a_quote_that_never_ends_loses_no_row() -> None:
    assert len(pasting.read('标题\t内容\n"甲\t一\n乙\t二', "A")) == 2


def test_rows_without_a_header_are_read_by_their_look() -> None:
    text = "2026-01-05 09:30\t示例：路灯\t示例：小区门口的路灯已经三天不亮。\t13800000001"
    assert pasting.read(text, "A") == [
        {
            "received_at": "2026-01-05 09:30",
            "subject": "示例：路灯",
            "body": "示例：小区门口的路灯已经三天不亮。",
            "appellant_phone": "13800000001",
        }
    ]


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("1. 示例一。\n2. 示例二。", ["示例一。", "示例二。"]),
        ("1、示例一。\n接着说。\n2、示例二。", ["示例一。\n接着说。", "示例二。"]),
        ("（1）示例一\n（2）示例二", ["示例一", "示例二"]),
        ("一、示例一\n二、示例二\n三、示例三", ["示例一", "示例二", "示例三"]),
        ("示例一。\n还是一。\n\n示例二。", ["示例一。\n还是一。", "示例二。"]),
        ("示例：2026.1.5停水", ["示例：2026.1.5停水"]),
        ("只有一段。", ["只有一段。"]),
    ],
)
def test_paragraphs_of_a_message(text: str, bodies: list[str]) -> None:
    assert [item["body"] for item in pasting.read(text, "A")] == bodies


def test_the_first_sentence_becomes_the_subject() -> None:
    (item,) = pasting.read("示例：路灯不亮。已经三天了。", "A")
    assert item["subject"] == "示例：路灯不亮"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "paste.empty"),
        (" \n\t\n ", "paste.empty"),
        ("标题\t内容\n", "paste.empty"),
        ("示例\n\n" * 61, "paste.too-many"),
        ("长" * 200_001, "paste.too-long"),
    ],
)
def test_what_cannot_be_pasted(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        pasting.read(text, "A")
    assert refused.value.code == code
