"""Responsibility chains: links per kind, what the portfolio decides, vacancies, and the unit's ladder."""

import json

import pytest

from app.rules.chain import UNIT_KINDS, Line, Named, chain, check_named, climb, expected, links_of, vacancies
from app.rules.errors import Invalid

FIRST_A, FIRST_B, DIRECT_A, DIRECT_B, COORD_B, MAYOR, DEPUTY = range(1, 8)
NAMED = (
    Named("first", "A", FIRST_A),
    Named("first", "B", FIRST_B),
    Named("direct", "A", DIRECT_A),
    Named("direct", "B", DIRECT_B),
)
LINE = Line(MAYOR, DEPUTY)


@pytest.mark.parametrize(
    ("kind", "links"),
    [
        ("local_government", ("first", "direct")),  # R7
        ("administration", ("first", "direct")),
        ("department", ("first", "direct", "coordinating", "final")),  # R8
        ("stationed", ("first", "direct", "coordinating", "final")),
        ("section", ("first", "direct")),  # R15: no coordinating and no final person is named for it
    ],
)
def test_which_links_a_kind_of_unit_has(kind: str, links: tuple[str, ...]) -> None:
    assert links_of(kind) == links
    assert expected(kind) == tuple((link, role) for link in links for role in "AB")


@pytest.mark.parametrize(
    ("kind", "place", "position"),
    [
        ("local_government", ("first", "A"), "county_mayor"),
        ("local_government", ("first", "B"), "executive_deputy"),
        ("administration", ("first", "B"), "other_leader"),
        ("department", ("first", "B"), "other_head"),
        ("stationed", ("direct", "B"), "other_office_head"),
        ("section", ("first", "A"), "section_head"),
        ("section", ("direct", "B"), "section_post_b"),
    ],
)
def test_r15_which_position_stands_where(kind: str, place: tuple[str, str], position: str) -> None:
    assert next(p.position for p in chain(kind, ()) if (p.link, p.role) == place) == position


def test_r8_the_upper_links_derive_from_the_portfolio() -> None:
    found = {(p.link, p.role): p.person_id for p in chain("department", NAMED, LINE)}
    assert found == {
        ("first", "A"): FIRST_A,
        ("first", "B"): FIRST_B,
        ("direct", "A"): DIRECT_A,
        ("direct", "B"): DIRECT_B,
        ("coordinating", "A"): DEPUTY,
        ("coordinating", "B"): None,
        ("final", "A"): MAYOR,
        ("final", "B"): DEPUTY,
    }


def test_a_change_of_portfolio_wins_over_a_person_named_by_hand() -> None:
    places = chain("department", [Named("final", "A", 99)], LINE)
    assert next(p.person_id for p in places if (p.link, p.role) == ("final", "A")) == MAYOR


@pytest.mark.parametrize(
    ("kind", "named", "line", "vacant"),
    [
        ("local_government", NAMED, None, []),
        ("local_government", NAMED[:3], None, ["direct B"]),
        ("department", NAMED, LINE, ["coordinating B"]),
        ("department", (*NAMED, Named("coordinating", "B", COORD_B)), LINE, []),
        (
            "department",
            (),
            None,
            [f"{link} {role}" for link in ("first", "direct", "coordinating", "final") for role in "AB"],
        ),
        (
            "stationed",
            NAMED,
            Line(None, DEPUTY),
            ["coordinating B", "final A"],
        ),
        ("section", NAMED[:1], LINE, ["first B", "direct A", "direct B"]),
    ],
)
def test_what_is_vacant(kind: str, named: tuple[Named, ...], line: Line | None, vacant: list[str]) -> None:
    assert [f"{p.link} {p.role}" for p in vacancies(chain(kind, named, line))] == vacant


@pytest.mark.parametrize(
    ("kind", "row", "code"),
    [
        ("department", Named("final", "A", 9), "chain.derived"),
        ("department", Named("coordinating", "A", 9), "chain.derived"),
        ("administration", Named("final", "A", 9), "chain.no-such-place"),
        ("department", Named("direct", "C", 9), "chain.no-such-place"),
        ("department", Named("first", "B", FIRST_A), "chain.same-person"),
        ("club", Named("first", "A", 9), "unit.kind-unknown"),
    ],
)
def test_who_may_not_be_named(kind: str, row: Named, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_named(kind, row, NAMED)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "row", [Named("coordinating", "B", 9), Named("first", "A", FIRST_A), Named("first", "B", 9)]
)
def test_who_may_be_named(row: Named) -> None:
    places = chain("department", [row], LINE)
    check_named("department", row, NAMED)
    assert next(p.person_id for p in places if (p.link, p.role) == (row.link, row.role)) == row.person_id


def test_an_unknown_kind_of_unit_is_refused() -> None:
    with pytest.raises(Invalid, match=r"unit\.kind-unknown"):
        chain("club", ())
    assert {kind for kind in UNIT_KINDS if links_of(kind)} == set(UNIT_KINDS)


HANDLER = 50


@pytest.mark.parametrize(
    ("kind", "away", "rungs", "missing"),
    [
        (
            "department",
            (),
            ["handler:50", "direct:3", "first:1", "coordinating:7", "final:6"],
            [],
        ),
        (
            "department",
            (HANDLER, DIRECT_A),
            ["direct:4", "first:1", "coordinating:7", "final:6"],
            [("handler", "away")],
        ),
        (
            "department",
            (MAYOR,),
            ["handler:50", "direct:3", "first:1", "coordinating:7"],
            [("final", "same_person")],
        ),
        (
            "department",
            (DEPUTY,),
            ["handler:50", "direct:3", "first:1", "final:6"],
            [("coordinating", "away")],
        ),
        ("local_government", (FIRST_A, FIRST_B), ["handler:50", "direct:3"], [("first", "away")]),
    ],
)
def test_a_units_clocks_climb_its_chain(
    kind: str, away: tuple[int, ...], rungs: list[str], missing: list[tuple[str, str]]
) -> None:
    found = climb(chain(kind, NAMED, LINE), (HANDLER,), away)
    assert [f"{r.name}:{r.person_ids[0]}" for r in found.rungs] == rungs
    assert list(found.missing) == missing


def test_an_empty_chain_shows_every_rung_missing() -> None:
    found = climb(chain("local_government", ()))
    assert found.rungs == ()
    assert found.missing == (("handler", "vacant"), ("direct", "vacant"), ("first", "vacant"))


def test_a_chain_is_kept_as_json() -> None:
    kept = json.loads(json.dumps([place.to_json() for place in chain("local_government", NAMED)]))
    assert kept[0] == {"link": "first", "role": "A", "position": "county_mayor", "person_id": FIRST_A}
