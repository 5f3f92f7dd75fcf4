"""The intake forms: what each class asks, what is missing, what cannot be right (R2)."""

from __future__ import annotations

from typing import Any

import pytest

from app.rules import intake
from app.rules.errors import Invalid

JOINT = intake.JointVisit(persons=5, representatives=5)


@pytest.mark.parametrize(
    ("letter", "own"),
    [
        ("A", "received_by call_back_wanted visitors"),
        ("B", "letter_reference"),
        ("C", "page_address programme minute"),
        ("D", "paper_name published_on page_number"),
        ("E", "petition_number written_on scan_reference scan_pages"),
        ("F", "received_by visitors"),
    ],
)
def test_each_class_has_its_own_fields(letter: str, own: str) -> None:
    assert [spec.name for spec in intake.SPECIFIC[letter]] == own.split()


@pytest.mark.parametrize("letter", "ABCDEF")
def test_every_form_asks_for_the_common_fields_once(letter: str) -> None:
    names = [spec.name for spec in intake.fields_of(letter)]
    assert len(names) == len(set(names))
    assert set(names) >= intake.COMMON
    assert set(intake.REPEATED[letter]) <= set(names)
    assert not set(intake.REPEATED[letter]) & {*intake.SEALED, "subject", "body"}


FILLED: dict[str, Any] = {"channel": "x", "received_at": "x", "subject": "x", "body": "x", "appellant_name": "x"}


@pytest.mark.parametrize(
    ("letter", "values", "missing"),
    [
        ("A", {}, ()),
        ("A", {"appellant_name": ""}, ("appellant_name",)),
        ("A", {"appellant_name": "", "anonymous": True}, ()),
        ("C", {"appellant_name": ""}, ("page_address",)),
        ("C", {"programme": "示例台晚间新闻"}, ()),
        ("D", {}, ("published_on",)),
        ("E", {}, ()),
        ("E", {"channel_kind": "letter"}, ()),
        ("E", {"channel_kind": "referral"}, ("petition_number",)),
        ("E", {"channel_kind": "referral", "petition_number": "示例7"}, ()),
        ("F", {"visitors": 5}, ()),
        ("F", {"visitors": 6}, ("appellant_representatives",)),
        ("F", {"visitors": 6, "appellant_representatives": "示例甲"}, ()),
        ("F", {"visitors": "six"}, ()),  # from before it was a number
    ],
)
def test_what_is_missing(letter: str, values: dict[str, Any], missing: tuple[str, ...]) -> None:
    kind = values.pop("channel_kind", "")
    assert intake.missing(letter, {**FILLED, **values}, channel_kind=kind, joint=JOINT) == missing


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, {}),
        ({"visitors": 1}, {}),
        ({"visitors": 0}, {"visitors": "joint.number"}),
        ({"visitors": 3, "appellant_others": "示例乙\n示例丙"}, {}),
        ({"visitors": 2, "appellant_others": "示例乙\n\n示例丙\n"}, {"visitors": "joint.more-names"}),
        ({"appellant_others": "示例乙"}, {"visitors": "joint.more-names"}),
        ({"visitors": 20, "appellant_representatives": "1\n2\n3\n4"}, {}),
        (
            {"visitors": 20, "appellant_representatives": "1\n2\n3\n4\n5"},
            {"appellant_representatives": "joint.representatives"},
        ),
        ({"minute": "12:30", "programme": "示例"}, {}),
        ({"minute": "12:30"}, {"programme": "field.required"}),
        ({"minute": "half", "programme": "示例"}, {"minute": "field.minute"}),
        ({"page_address": "javascript:alert(1)"}, {"page_address": "field.web-address"}),
    ],
)
def test_what_cannot_be_right(values: dict[str, Any], wrong: dict[str, str]) -> None:
    assert {one.field: one.code for one in intake.problems(values, JOINT)} == wrong


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("12:30", "12:30"),
        ("2：5", "02:05"),
        ("12分30秒", "12:30"),
        ("12'30\"", "12:30"),
        ("1:02:03", "1:02:03"),
        ("1时2分3秒", "1:02:03"),
        ("75:00", "75:00"),
        ("12", None),
        ("12:60", None),
        ("1:75:00", None),
        ("", None),
    ],
)
def test_a_minute_of_a_programme(typed: str, stored: str | None) -> None:
    if stored is None:
        with pytest.raises(Invalid):
            intake.normal_minute(typed)
    else:
        assert intake.normal_minute(typed) == stored


@pytest.mark.parametrize(
    ("typed", "fits"),
    [
        ("https://example.invalid/forum/1?a=2#b", True),
        ("http://example.invalid:8080/论坛/一", True),
        ("example.invalid/1", True),
        ("//example.invalid/1", False),
        ("ftp://example.invalid", False),
        ("javascript:alert(1)", False),
        ("https://example.invalid/<script>", False),
        ("示例论坛", False),
        ("https://exam ple.invalid", False),
    ],
)
def test_the_address_of_a_page(typed: str, fits: bool) -> None:
    if fits:
        assert intake.web_address(typed) == typed
    else:
        with pytest.raises(Invalid):
            intake.web_address(typed)
