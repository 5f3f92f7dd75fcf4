"""Sealed personal fields: readable with the key, bound to their column, gone with the key."""

from __future__ import annotations

import pytest
from flask import Flask

from app.services import personal


def test_what_is_sealed_is_read_back(app: Flask) -> None:
    key = personal.new_key()
    sealed = personal.seal(key, "appellant_phone", "13800001111")
    assert sealed is not None
    assert b"13800001111" not in sealed
    assert personal.reveal(key, "appellant_phone", sealed) == "13800001111"


def test_an_empty_text_stays_empty(app: Flask) -> None:
    assert personal.seal(personal.new_key(), "appellant_name", "") is None
    assert personal.reveal(None, "appellant_name", None) == ""


def test_a_value_moved_to_another_column_does_not_open(app: Flask) -> None:
    key = personal.new_key()
    sealed = personal.seal(key, "appellant_phone", "13800001111")
    with pytest.raises(personal.Unreadable):
        personal.reveal(key, "appellant_name", sealed)


def test_a_changed_bit_is_noticed(app: Flask) -> None:
    key = personal.new_key()
    sealed = bytearray(personal.seal(key, "appellant_name", "示例") or b"")
    sealed[-1] ^= 1
    with pytest.raises(personal.Unreadable):
        personal.reveal(key, "appellant_name", bytes(sealed))


def test_destroying_the_key_anonymises(app: Flask) -> None:
    sealed = personal.seal(personal.new_key(), "appellant_name", "示例")
    assert personal.reveal(None, "appellant_name", sealed) == ""


def test_equal_values_have_equal_blind_indexes_and_columns_differ(app: Flask) -> None:
    one = personal.blind_index("appellant_phone", "13800001111")
    assert one == personal.blind_index("appellant_phone", "13800001111")
    assert one != personal.blind_index("appellant_identity", "13800001111")
    assert personal.blind_index("appellant_phone", "") is None


def test_a_staff_number_is_sealed_too(app: Flask) -> None:
    sealed = personal.seal_staff("13800002222")
    assert b"13800002222" not in (sealed or b"")
    assert personal.reveal_staff(sealed) == "13800002222"
