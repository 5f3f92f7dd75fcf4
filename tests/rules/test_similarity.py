"""How alike texts are, which grams are looked up, what is worth saying."""

from __future__ import annotations

import pytest

from app.rules import similarity
from app.rules.similarity import Likeness, Probe, Weights


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("", set()),
        ("路", set()),
        ("路灯不亮", {"路灯", "灯不", "不亮"}),
        ("路灯，不亮。", {"路灯", "不亮"}),
        ("A座 b1", {"a座", "b1"}),
        ("亮亮亮", {"亮亮"}),
    ],
)
def test_grams_are_neighbouring_letters(text: str, grams: set[str]) -> None:
    assert similarity.grams(text) == grams


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ("小区门口路灯不亮", "小区门口路灯不亮", 100, 100),
        ("小区门口路灯不亮", "小区门口的路灯不亮了", 50, 80),
        ("小区门口路灯不亮", "学校门口乱停车", 1, 20),
        ("小区门口路灯不亮", "自来水浑浊发黄", 0, 0),
        ("路灯", "路灯", 0, 0),  # too short to say
        ("", "小区门口路灯不亮", 0, 0),
    ],
)
def test_percent(one: str, other: str, low: int, high: int) -> None:
    assert low <= similarity.percent(one, other) <= high
    assert similarity.percent(one, other) == similarity.percent(other, one)


@pytest.mark.parametrize(
    ("likeness", "is_likely"),
    [
        (Likeness(), False),
        (Likeness(petition=True), True),
        (Likeness(phone=True), False),
        (Likeness(phone=True, place=True), False),
        (Likeness(text_percent=44), False),
        (Likeness(text_percent=45), True),
        (Likeness(subject_percent=45), True),
        (Likeness(phone=True, text_percent=22), True),
        (Likeness(identity=True, subject_percent=22), True),
        (Likeness(place=True, text_percent=22), True),
        (Likeness(place=True, text_percent=21), False),
    ],
)
def test_what_is_likely_a_duplicate(likeness: Likeness, is_likely: bool) -> None:
    assert likeness.is_likely(Weights(percent=45)) is is_likely


def test_the_likeliest_comes_first() -> None:
    ordered = [
        Likeness(petition=True),
        Likeness(phone=True, place=True, text_percent=60),
        Likeness(text_percent=90),
        Likeness(phone=True, text_percent=50),
        Likeness(text_percent=70),
    ]
    assert sorted([*ordered[2:], *ordered[:2]], key=lambda one: one.rank, reverse=True) == ordered


COMMON = {"小区": 0.2, "门口": 0.1, "居民": 0.3, "不亮": 0.004}


@pytest.mark.parametrize(
    ("wanted", "rows", "expected"),
    [
        ("", 1_000_000, None),
        ("路灯", 1_000_000, Probe(("路灯",))),
        ("路灯 小区", 1_000_000, Probe(("路灯",))),
        ("路灯 小区", 1_000, Probe(("路灯", "小区"))),
        ("小区 门口 居民", 1_000_000, Probe(("门口", "小区", "居民"), wants_all=True)),
        ("甲乙 丙丁 戊己 庚辛 壬癸 子丑 寅卯", 100, Probe(("丙丁", "壬癸", "子丑", "寅卯", "庚辛", "戊己"))),
    ],
)
def test_the_rarest_grams_are_looked_up(wanted: str, rows: int, expected: Probe | None) -> None:
    assert similarity.probe(wanted.split(), COMMON, rows=rows) == expected
