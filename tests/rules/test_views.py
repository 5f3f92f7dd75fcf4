"""A view is read for one reader: what he may not see is left out, a filter is never loosened."""

from __future__ import annotations

from typing import Any

import pytest

from app.rules import views
from app.rules.errors import Invalid
from app.rules.values import ValueKind

K = ValueKind
KINDS = {"number": K.TEXT, "state": K.CHOICE, "unit": K.UNIT, "amount": K.MONEY, "due": K.MOMENT}
FILTER = {"all": [{"field": "state", "op": "in", "value": ["open"]}, {"any": [{"field": "unit", "op": "my_unit"}]}]}
FULL: dict[str, Any] = {
    "query": {"filter": FILTER, "search": "路灯", "sort": [["due", "desc"], ["number", "asc"]]},
    "columns": [{"key": "number", "width": 120}, {"key": "state", "hidden": True}, {"key": "due"}],
    "frozen": 2,
    "group": {"by": ["unit", "state"], "figures": [["amount", "sum"]]},
    "figures": [["amount", "average"], ["unit", "distinct"]],
    "colours": [{"when": FILTER, "colour": "red", "scope": "row"}, {"when": FILTER, "colour": "blue", "scope": "due"}],
    "height": "tall",
}


def test_a_view_is_written_as_it_was_read() -> None:
    read = views.read(FULL, KINDS)
    assert views.write(read) == FULL
    assert read.left_out == 0
    assert views.read(views.write(read), KINDS) == read


def test_nothing_at_all_is_the_usual_view() -> None:
    for raw in (None, {}):
        assert views.read(raw, KINDS) == views.View()


@pytest.mark.parametrize(
    ("hidden", "left"),
    [("amount", 2), ("number", 2)],  # amount: a subtotal and a figure; number: an order and a column
)
def test_what_the_reader_may_not_see_is_left_out_and_counted(hidden: str, left: int) -> None:
    seen = {key: kind for key, kind in KINDS.items() if key != hidden}
    read = views.read(FULL, seen)
    assert read.left_out == left
    assert hidden not in str(views.write(read))


def test_a_colour_that_asks_for_what_he_may_not_see_is_left_out() -> None:
    rule = {"when": {"all": [{"field": "amount", "op": "more", "value": 5}]}, "colour": "red", "scope": "row"}
    seen = {key: kind for key, kind in KINDS.items() if key != "amount"}
    read = views.read({"colours": [rule, {**rule, "when": FILTER, "scope": "amount"}]}, seen)
    assert (read.colours, read.left_out) == ((), 2)


def test_a_filter_is_never_loosened() -> None:
    seen = {key: kind for key, kind in KINDS.items() if key != "unit"}
    with pytest.raises(Invalid) as refused:
        views.read(FULL, seen)
    assert refused.value.code == "query.unknown-field"


BAD: list[tuple[str, Any]] = [
    ("view.unreadable", []),
    ("view.unreadable", {"querty": {}}),
    ("view.unreadable", {"query": []}),
    ("view.unreadable", {"query": {"where": {}}}),
    ("view.unreadable", {"columns": {"key": "number"}}),
    ("view.unreadable", {"columns": ["number"]}),
    ("view.unreadable", {"columns": [{"key": "number", "width": "wide"}]}),
    ("view.unreadable", {"columns": [{"key": "number", "width": float("nan")}]}),
    ("view.unreadable", {"frozen": True}),
    ("view.unreadable", {"height": "huge"}),
    ("view.unreadable", {"colours": [{"when": FILTER, "colour": "#fff"}]}),
    ("query.operator", {"figures": [["number", "sum"]]}),
    ("query.operator", {"query": {"filter": {"all": [{"field": "amount", "op": "contains", "value": "1"}]}}}),
    ("query.too-large", {"colours": [{"when": FILTER, "colour": "red"}] * 21}),
    ("query.too-large", {"group": {"by": ["number", "state", "unit"]}}),
]


@pytest.mark.parametrize(("code", "raw"), BAD)
def test_what_is_no_view_is_refused_with_its_reason(code: str, raw: Any) -> None:
    with pytest.raises(Invalid) as refused:
        views.read(raw, KINDS)
    assert refused.value.code == code


def test_widths_and_frozen_columns_stay_in_bounds() -> None:
    read = views.read({"columns": [{"key": "number", "width": 5}, {"key": "due", "width": 9e6}], "frozen": -4}, KINDS)
    assert [one.width for one in read.columns] == [views.NARROWEST, views.WIDEST]
    assert read.frozen == 0


def test_a_name_is_one_line() -> None:
    assert views.name("  超期\n 未办结 ") == "超期 未办结"
    for raw, code in (("  ", "view.no-name"), (None, "view.no-name"), ("长" * 81, "view.name-too-long")):
        with pytest.raises(Invalid) as refused:
            views.name(raw)
        assert refused.value.code == code


def test_sharing_names_whom() -> None:
    assert views.share("all", [3]) == ("all", [])
    assert views.share("posts", [4, 3, 4]) == ("posts", [3, 4])
    assert _refused("posts", []) == "view.no-posts"
    assert _refused("posts", ["x"]) == _refused("team", []) == "view.unreadable"


def _refused(share: str, posts: list[Any]) -> str:
    with pytest.raises(Invalid) as refused:
        views.share(share, posts)
    return refused.value.code
