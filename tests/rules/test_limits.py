"""Which limit is proposed for an appeal: the most particular one that fits, else the usual one."""

import pytest

from app.rules.limits import LimitFor, rule_for


def made(code: str, is_default: bool = False, **parts: list[str]) -> LimitFor:
    return LimitFor.of(code, parts, is_default=is_default)


TABLE = (
    made("emergency", urgencies=["emergency"]),
    made("utilities", categories=["水电气热"]),
    made("heating", categories=["水电气热/供热"]),
    made("urgent_water", urgencies=["urgent"], categories=["水电气热/供水"]),
    made("advice", natures=["consultation", "suggestion"]),
    made("ordinary", is_default=True),
    made("complex"),
)


@pytest.mark.parametrize(
    ("nature", "urgency", "category", "code"),
    [
        ("", "ordinary", None, "ordinary"),
        ("request", "ordinary", "城市建设", "ordinary"),
        ("", "emergency", None, "emergency"),
        ("", "ordinary", "水电气热", "utilities"),
        ("", "ordinary", "水电气热/供气/停气", "utilities"),
        ("", "ordinary", "水电气热/供热/不热", "heating"),  # the nearer category
        ("", "emergency", "水电气热/供热", "emergency"),  # urgency before category
        ("consultation", "ordinary", "水电气热", "utilities"),  # category before nature
        ("consultation", "ordinary", None, "advice"),
        ("", "urgent", "水电气热/供水", "urgent_water"),  # two parts before one
        ("", "urgent", "水电气热/供气", "utilities"),
        ("", "ordinary", "水电气热二", "ordinary"),  # a name that begins alike is another category
    ],
)
def test_the_most_particular_limit_is_proposed(nature: str, urgency: str, category: str | None, code: str) -> None:
    assert rule_for(TABLE, nature=nature, urgency=urgency, category=category) == code


def test_among_equals_the_order_of_the_table_decides() -> None:
    twins = (made("first", urgencies=["urgent"]), made("second", urgencies=["urgent"]))
    assert rule_for(twins, nature="", urgency="urgent", category=None) == "first"


def test_without_a_usual_limit_nothing_is_proposed() -> None:
    assert rule_for(TABLE[:5], nature="", urgency="ordinary", category=None) is None
