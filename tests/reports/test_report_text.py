"""What a spreadsheet makes of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports import text


@pytest.mark.parametrize(("raw", "kept"), [
    ("平安\n无事\t!", "平安\n无事\t!"), ("a\r\nb\rc", "a\nb\nc"), ("\x00\x07bell\x1f\x7f\x85", "bell"),
    ("half \ud83d pair", "half \ufffd pair"), ("\ufffe\uffff", ""), ("😀", "😀"), ("_x000D_", "_x000D_"),
    ("", ""),
])
def test_control_characters_go_and_everything_else_stays(raw: str, kept: str) -> None:
    assert text.clean(raw) == kept


@pytest.mark.parametrize(("line", "wide"), [
    ("abc", 3), ("九江市", 6), ("ab\n九江市\nc", 6), ("", 0), ("\uff21\uff22", 4), ("e\u0301", 1), ("—", 2),
])
def test_a_chinese_character_is_two_wide(line: str, wide: int) -> None:
    assert text.width(line) == wide


@pytest.mark.parametrize(("words", "columns", "count"), [
    ("", 10, 1), ("九江市政府", 10, 1), ("九江市政府办", 10, 2), ("a\nb", 10, 2), ("abc", 0, 3),
])
def test_lines_when_wrapped(words: str, columns: int, count: int) -> None:
    assert text.lines(words, columns) == count


def test_length_counts_as_the_programs_do() -> None:
    assert text.length("abc") == 3
    assert text.length("九😀") == 3


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(2, 9), st.integers(2, 9))
def test_pieces_fit_and_join_to_the_whole(words: str, first: int, then: int) -> None:
    cut = list(text.pieces(words, first, then))
    assert "".join(cut) == words
    assert all(text.length(piece) <= (then if number else first) for number, piece in enumerate(cut))


@pytest.mark.parametrize(("wanted", "given_names"), [
    (["总体", "总体", "总体"], ["总体", "总体 (2)", "总体 (3)"]),
    (["Data", "DATA"], ["Data", "DATA (2)"]),
    (["a/b:c?*[d]\\e"], ["a b c d e"]),
    (["'quoted'"], ["quoted"]),
    (["", "[]"], ["Sheet", "Sheet (2)"]),
    (["History"], ["History_"]),
    (["超" * 40, "超" * 40], ["超" * 31, "超" * 27 + " (2)"]),
    (["😀" * 20], ["😀" * 15]),
])
def test_sheet_names_are_legal_short_and_unique(wanted: list[str], given_names: list[str]) -> None:
    assert text.sheet_names(wanted) == given_names


@given(st.lists(st.text(max_size=40), max_size=8))
def test_sheet_names_hold_for_any_titles(wanted: list[str]) -> None:
    names = text.sheet_names(wanted)
    assert len({name.casefold() for name in names}) == len(wanted)
    for name in names:
        assert 0 < text.length(name) <= 31
        assert not set(name) & set("[]:*?/\\")
        assert not name.startswith("'")
        assert not name.endswith("'")
