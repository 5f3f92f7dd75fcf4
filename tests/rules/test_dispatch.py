"""Which rows of the dispatch catalogue speak for an appeal, and which contradict each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from app.rules.dispatch import Row, contradictions, matches, words_of

DAY = date(2026, 5, 4)
DISTRICT = Row(1, 10, place="示例区")
INNER = Row(2, 11, place="示例")
HEATING = Row(3, 12, category_id=5)
GAS = Row(4, 13, category_id=5, words=frozenset({"燃气", "煤气"}))


def found(*rows: Row, categories: tuple[int, ...] = (), place: str = "", text: str = "") -> list[int]:
    return [one.row.unit_id for one in matches(rows, categories=categories, place=place, text=text, day=DAY)]


def test_the_place_goes_before_the_category_and_the_narrower_row_before_the_wider() -> None:
    told = found(HEATING, GAS, DISTRICT, categories=(5,), place="示例区示例路", text="燃气没有了")
    assert told == [10, 13, 12]


def test_a_place_inside_a_longer_one_that_is_named_does_not_count() -> None:
    assert found(INNER, DISTRICT, place="示例区") == [10]
    assert found(INNER, DISTRICT, place="示例路") == [11]


def test_a_place_in_the_words_counts_and_is_told_apart() -> None:
    here, there = (
        matches([DISTRICT], categories=(), place=place, text=text, day=DAY)[0].is_place_named
        for place, text in (("示例区", ""), ("", "在示例区，路灯坏了"))
    )
    assert (here, there) == (False, True)


def test_words_are_needed_where_a_row_has_them_and_are_told() -> None:
    assert found(GAS, categories=(5,), text="停水") == []
    assert matches([GAS], categories=(5,), place="", text="煤气", day=DAY)[0].words == ("煤气",)


def test_a_row_of_another_category_says_nothing() -> None:
    assert found(HEATING, categories=(6,)) == []


def test_a_row_holds_from_its_first_to_its_last_day() -> None:
    assert found(replace(DISTRICT, valid_from=DAY, valid_until=DAY), place="示例区") == [10]
    assert found(replace(DISTRICT, valid_from=date(2026, 5, 5)), place="示例区") == []
    assert found(replace(DISTRICT, valid_until=date(2026, 5, 3)), place="示例区") == []


def test_two_units_for_the_same_contradict_each_other_while_both_are_in_force() -> None:
    other = replace(HEATING, id=9, unit_id=99)
    assert contradictions([HEATING, other]) == [(HEATING, other)]
    assert contradictions([HEATING, replace(other, unit_id=HEATING.unit_id)]) == []
    assert contradictions([replace(HEATING, valid_until=DAY), replace(other, valid_from=date(2026, 5, 5))]) == []
    assert len(contradictions([replace(HEATING, valid_until=DAY), replace(other, valid_from=DAY)])) == 1


def test_a_row_with_words_is_an_exception_and_no_contradiction() -> None:
    assert contradictions([HEATING, GAS]) == []
    assert len(contradictions([GAS, replace(GAS, id=9, unit_id=99, words=frozenset({"煤气"}))])) == 1


def test_words_may_be_separated_in_any_usual_way() -> None:
    assert words_of(" 停水、水压,水质；管网 ") == {"停水", "水压", "水质", "管网"}
