"""Number formats: what they render, and what they refuse."""


import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.numbering import next_number, parse, render

APPEALS = "民〔{year}〕{class}-{seq:06d}"


@pytest.mark.parametrize(
    ("template", "seq", "expected"),
    [
        (APPEALS, 1, "民〔2026〕A-000001"),
        (APPEALS, 1_234_567, "民〔2026〕A-1234567"),
        ("处〔{year}〕{seq:04d}", 12, "处〔2026〕0012"),
        ("民通〔{year}〕{seq}", 3, "民通〔2026〕3"),
        ("{seq}/{year}%s%%", 3, "3/2026%s%%"),
    ],
)
def test_rendering(template: str, seq: int, expected: str) -> None:
    assert render(template, year=2026, seq=seq, **{"class": "A"}) == expected


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("", "number.seq-missing"),
        ("民{year}", "number.seq-missing"),
        ("民{seq}", "number.year-missing"),
        ("{year}{seq}{seq}", "number.field-twice"),
        ("{year}{seq}{name}", "number.field-unknown"),
        ("{year}{seq.__class__}", "number.brace-open"),
        ("{year}{seq[0]}", "number.brace-open"),
        ("{year}{seq!r}", "number.brace-open"),
        ("{year}{seq:{year}}", "number.format-unknown"),
        ("{year}{seq:>9999999d}", "number.format-unknown"),
        ("{year}{seq:099d}", "number.format-unknown"),
        ("{year}{seq}{class:02d}", "number.format-unknown"),
        ("{year}{seq}{", "number.brace-open"),
        ("{{year}}{seq}", "number.brace-open"),
        ("{year}{seq}\n", "number.not-printable"),
        ("民" * 60 + "{year}{seq}", "number.too-long"),
    ],
)
def test_a_template_that_cannot_work_is_refused_at_its_field(template: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(template)
    assert (caught.value.code, caught.value.field) == (code, "template")


def test_a_field_the_template_names_must_be_given() -> None:
    with pytest.raises(Invalid) as caught:
        render(APPEALS, year=2026, seq=1)
    assert (caught.value.code, dict(caught.value.data)) == ("number.field-missing", {"field": "class"})


def test_numbers_start_at_one_and_have_no_gaps() -> None:
    assert [next_number(None), next_number(1), next_number(41)] == [1, 2, 42]


NUMBERS = st.tuples(st.integers(2000, 2199), st.integers(1, 10**9), st.sampled_from("ABCDEF"))


@given(
    st.sampled_from([APPEALS, "{year}{seq}", "{seq:03d}{year}", "{class}{year}{seq:01d}"]), NUMBERS, NUMBERS
)
def test_two_numbers_of_a_template_never_read_alike(
    template: str, one: tuple[int, int, str], two: tuple[int, int, str]
) -> None:
    def read(number: tuple[int, int, str]) -> str:
        return render(template, year=number[0], seq=number[1], **{"class": number[2]})

    named = [number if "{class}" in template else number[:2] for number in (one, two)]
    assert (read(one) == read(two)) == (named[0] == named[1])
