from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.rules import passwords
from app.rules.errors import FieldErrors
from tests.vectors import BAD, GOOD, LOGIN, NAME

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def codes(password: str) -> list[str]:
    return [problem.code for problem in passwords.problems(password, names=(LOGIN, NAME))]


def test_there_are_forty_bad_and_ten_good_vectors():
    assert len(BAD) >= 40
    assert len(GOOD) >= 10


@pytest.mark.parametrize("password", GOOD)
def test_it_takes_a_good_password(password):
    assert codes(password) == []


@pytest.mark.parametrize(("password", "why"), BAD)
def test_it_refuses_a_bad_password_and_says_why(password, why):
    assert f"password.{why}" in codes(password)


def test_all_problems_come_at_once_and_belong_to_the_password_field():
    with pytest.raises(FieldErrors) as caught:
        passwords.check("admin123", names=())
    assert set(caught.value.by_field()) == {"password"}
    assert len(caught.value.problems) == 3


def test_a_short_login_does_not_forbid_its_letters():
    assert passwords.problems("Lantern.River.42", names=("an",)) == ()


@pytest.mark.parametrize(
    ("age", "expired"),
    [(timedelta(days=89, hours=23), False), (timedelta(days=90), True), (timedelta(0), False), (None, True)],
)
def test_a_password_ends_after_ninety_days(age, expired):
    changed_at = None if age is None else NOW - age
    assert passwords.expired(changed_at, NOW, 90) is expired


def test_a_code_is_long_readable_and_never_the_same():
    made = {passwords.new_code() for _ in range(500)}
    assert len(made) == 500
    assert all(len(code) == 23 and not set(code) & set("01ILOU") for code in made)
