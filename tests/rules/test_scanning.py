"""Codes of slips: what stands in one, and what was meant by what a scanner typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.scanning import Wanted, content, read, token

CODE = content(12, "处〔2026〕0012", "民〔2026〕A-000123")


def test_a_code_begins_with_digits_and_says_both_numbers() -> None:
    assert f"{token(12)} 处〔2026〕0012 民〔2026〕A-000123" == CODE
    assert token(12).isdigit()


@given(st.integers(1, 10**9))
def test_the_token_names_its_slip(slip_id: int) -> None:
    assert read(content(slip_id, "处", "民")) == Wanted(slip_id=slip_id)


@given(st.integers(1, 10**7), st.integers(0, 7), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(slip_id: int, place: int, by: int) -> None:
    digits = list(token(slip_id)[-8:])
    digits[place] = str((int(digits[place]) + by) % 10)
    wrong = token(slip_id)[:-8] + "".join(digits)
    assert read(wrong).slip_id is None


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (CODE.replace("处〔2026〕", "??2026?"), Wanted(slip_id=12)),  # a scanner that loses Chinese
        (f"  {token(12)}  ", Wanted(slip_id=12)),
        ("".join(chr(ord(digit) + 0xFEE0) for digit in token(12)), Wanted(slip_id=12)),  # full-width digits
        ("处〔2026〕0012", Wanted(number="处〔2026〕0012")),
        ("处[2026]0012", Wanted(number="处〔2026〕0012")),
        ("处（2026） 0012", Wanted(number="处〔2026〕0012")),
        ("12", Wanted(number="12", seq=12)),
        ("", Wanted()),
        ("x" * 5000, Wanted(number="x" * 200)),
    ],
)
def test_what_was_scanned_or_typed(typed: str, wanted: Wanted) -> None:
    assert read(typed) == wanted
