"""Fields made at run time: added, changed with a preview of what is lost, ordered, retired and brought back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from app.models import Audit, FieldDefinition, Journal, OwnRow, OwnSheet, Task, db
from app.rules.definitions import Around
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.rules.values import ValueKind
from app.services import definitions, field_definitions, tasks
from app.services.actors import Actor
from app.services.definitions import OWN
from app.services.field_definitions import LosesValues, Place
from jobs import field_changes
from tests.factories import Factory


@pytest.fixture
def officer(make: Factory) -> Actor:
    """Who keeps the system."""
    return make.actor(officer="system")


@pytest.fixture
def place() -> Place:
    """An own sheet without a field."""
    row = OwnSheet(code="bridges", name="示例桥梁")
    db.session.add(row)
    db.session.commit()
    return Place(OWN, row.id, Around(columns={"x_a": ValueKind.NUMBER}))


def rows(place: Place, *extras: dict[str, Any]) -> None:
    for extra in extras:
        db.session.add(OwnRow(sheet_id=place.own_sheet_id, extra=extra))
    db.session.commit()


def kept(place: Place, name: str) -> list[Any]:
    fields = definitions.current().of(OWN, place.own_sheet_id)
    code = next((one.code for one in fields if one.name == name), name)
    query = select(OwnRow.extra).where(OwnRow.sheet_id == place.own_sheet_id).order_by(OwnRow.id)
    return [extra.get(code) for extra in db.session.scalars(query)]


def finish_jobs() -> None:
    """An index of numbers is built by a job."""
    for task_id in db.session.scalars(select(Task.id).where(Task.kind == "field_change", Task.state == "pending")):
        run = tasks.claim(task_id)
        assert run is not None
        field_changes.apply(run)
        assert tasks.finish(run)


def field(kind: str = "text", label: str = "示例字段", **more: Any) -> dict[str, Any]:
    return {"label": label, "kind": kind, **more}


def test_a_field_is_added_with_a_code_in_pinyin_told_and_read_at_once(officer: Actor, place: Place) -> None:
    before = definitions.current().version
    row = field_definitions.add(officer, place, field(label="桥名", kind="number", parameters={"least": "0"}))
    again = field_definitions.add(officer, place, field(label="桥名"))
    assert (row.code, again.code) == ("qiao_ming", "qiao_ming_2")
    assert row.parameters == {"least": "0"}
    assert definitions.current().version > before
    assert [one.code for one in definitions.current().of(OWN, place.own_sheet_id)] == ["qiao_ming", "qiao_ming_2"]
    journal = db.session.scalars(select(Journal).where(Journal.object_type == "field_definition")).all()
    assert [one.action for one in journal] == ["create", "create"]
    assert db.session.scalar(select(Audit.event).where(Audit.object_type == "field_definition")) == "setting.change"


def test_only_who_keeps_the_system_changes_fields(make: Factory, place: Place) -> None:
    with pytest.raises(Refused):
        field_definitions.add(make.actor(make.holder("supervisor")), place, field())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (field(label=""), ("label", "field.required")),
        (field(kind="choice"), ("options", "definition.no-options")),
        (field(mask="", parameters={"mask": "*" * 3}), ("mask", "field.mask-unreadable")),
        (field("number", parameters={"least": "5", "most": "1"}), ("most", "field.too-small")),
        (field("link", parameters={"to": "nowhere"}), ("to", "field.choice")),
        (field("formula", parameters={"formula": "{a} +"}), ("formula", "formula.unexpected")),
        (field("formula", parameters={"formula": "{zz}"}), ("formula", "formula.unknown-field")),
        (field(states=["draft"]), ("states", "field.choice")),
        (field(code="Bad Code"), ("code", "field.code")),
    ],
)
def test_nonsense_is_said_at_its_field(
    officer: Actor, place: Place, raw: dict[str, Any], expected: tuple[str, str]
) -> None:
    with pytest.raises(FieldErrors) as refused:
        field_definitions.add(officer, place, raw)
    first = refused.value.problems[0]
    assert (first.field, first.code) == expected


def test_computed_fields_do_not_go_in_circles(officer: Actor, place: Place) -> None:
    around = Around(
        columns={"x_a": ValueKind.NUMBER, "x_b": ValueKind.NUMBER},
        chains={"x_a": frozenset({"x_b"}), "x_b": frozenset()},
    )
    row = field_definitions.add(officer, Place(OWN, place.own_sheet_id, around), field("formula", code="b",
                                parameters={"formula": "1 + 1"}))  # fmt: skip
    with pytest.raises(FieldErrors) as refused:
        field_definitions.change(
            officer, Place(OWN, place.own_sheet_id, around), row.id, field("formula", parameters={"formula": "{a} + 1"})
        )
    assert refused.value.problems[0].code == "formula.cycle"


@pytest.mark.parametrize(
    ("old", "new", "before", "after", "lost"),
    [
        ("text", "number", ["1,200.5", "12", "twelve"], [1200.5, 12, None], 1),
        ("text", "date", ["2026-02-28", "2026-02-30", "0000-01-01"], ["2026-02-28", None, None], 2),
        ("text", "moment", ["2026-02-28 08:00"], ["2026-02-28T00:00:00.000000Z"], 0),
        ("text", "bool", ["是", "no", "?"], [True, False, None], 1),
        ("text", "choice", ["好", "bad", "?"], ["good", "bad", None], 1),
        ("long", "text", ["a\nb", "x" * 501], ["a b", None], 1),
        ("number", "text", [1.5, 3], ["1.5", "3"], 0),
        ("date", "moment", ["2026-02-28"], ["2026-02-27T16:00:00.000000Z"], 0),
        ("bool", "text", [True, False], ["是", "否"], 0),
        ("choice", "choices", ["good"], [["good"]], 0),
        ("choices", "choice", [["good"], ["good", "bad"]], ["good", None], 1),
        ("choices", "text", [["good", "bad"]], ["好、差"], 0),
        ("choice", "text", ["bad"], ["差"], 0),
    ],
)
def test_a_change_of_kind_says_what_it_loses_and_then_does_it(
    officer: Actor, place: Place, old: str, new: str, before: list[Any], after: list[Any], lost: int
) -> None:
    options = {"options": [{"code": "good", "label": "好"}, {"code": "bad", "label": "差"}]}
    made = {kind: options if kind.startswith("choice") else {} for kind in (old, new)}
    indexed = {"is_indexed": True}
    row = field_definitions.add(officer, place, field(old, code="f", parameters=made[old], **indexed))
    rows(place, *({"f": value, "other": 1} for value in before), {"other": 2})
    wish = field(new, parameters=made[new], **indexed)
    found = field_definitions.preview(place, row.id, wish)
    assert (found.values, found.lost) == (len(before), lost)
    if lost:
        with pytest.raises(LosesValues) as refused:
            field_definitions.change(officer, place, row.id, wish)
        assert refused.value.losses.lost == lost
        assert kept(place, "f")[:-1] == before
    field_definitions.change(officer, place, row.id, wish, agreed=found.lost + found.coarser)
    finish_jobs()
    assert kept(place, "f") == [*after, None]
    assert kept(place, "other") == [1] * len(before) + [2]


def test_what_becomes_coarser_counts_too(officer: Actor, place: Place) -> None:
    row = field_definitions.add(officer, place, field("number", code="f"))
    rows(place, {"f": 1.234}, {"f": 2})
    with pytest.raises(LosesValues) as refused:
        field_definitions.change(officer, place, row.id, field("money"))
    assert (refused.value.losses.lost, refused.value.losses.coarser) == (0, 1)
    field_definitions.change(officer, place, row.id, field("money"), agreed=1)
    assert kept(place, "f") == [1.23, 2]


def test_a_kind_that_cannot_turn_is_refused(officer: Actor, place: Place) -> None:
    row = field_definitions.add(officer, place, field("person", code="f"))
    with pytest.raises(FieldErrors) as refused:
        field_definitions.change(officer, place, row.id, field("number"))
    assert refused.value.problems[0].code == "definition.kind"


def test_unique_refuses_while_rows_share_a_value_and_holds_afterwards(officer: Actor, place: Place) -> None:
    row = field_definitions.add(officer, place, field(code="f"))
    rows(place, {"f": "示例甲"}, {"f": "示例甲"})
    with pytest.raises(FieldErrors) as refused:
        field_definitions.change(officer, place, row.id, field(is_unique=True))
    assert refused.value.problems[0].data == {"values": "示例甲"}
    db.session.execute(text("DELETE FROM own_row"))
    db.session.commit()
    field_definitions.change(officer, place, row.id, field(is_unique=True))
    assert db.session.scalar(text("SELECT count(*) FROM pg_indexes WHERE indexname = :n"), {"n": f"fu_{row.id}"}) == 1


def test_a_choice_that_was_taken_away_stays_for_rows_that_hold_it(officer: Actor, place: Place) -> None:
    options = [{"code": "good", "label": "好", "colour": "green"}, {"label": "差"}]
    row = field_definitions.add(officer, place, field("choice", code="f", parameters={"options": options}))
    field_definitions.change(officer, place, row.id, field("choice", parameters={"options": options[1:]}))
    found = definitions.current().of(OWN, place.own_sheet_id)[0].options
    assert [(one.label, one.active) for one in found][-1] == ("好", False)
    assert [one.label for one in found if one.active] == ["差"]


def test_retired_hides_keeps_and_comes_back(officer: Actor, place: Place) -> None:
    row = field_definitions.add(officer, place, field(code="f"))
    rows(place, {"f": "示例"})
    field_definitions.retire(officer, place, row.id)
    field_definitions.retire(officer, place, row.id)
    assert definitions.current().of(OWN, place.own_sheet_id) == ()
    assert kept(place, "f") == ["示例"]
    field_definitions.restore(officer, place, row.id)
    assert [one.code for one in definitions.current().of(OWN, place.own_sheet_id)] == ["f"]


def test_a_field_that_a_formula_names_is_not_retired(officer: Actor, place: Place) -> None:
    row = field_definitions.add(officer, place, field("number", code="a"))
    around = Around(columns={"x_a": ValueKind.NUMBER}, chains={"x_b": frozenset({"a"})})
    here = Place(OWN, place.own_sheet_id, around)
    field_definitions.add(officer, here, field("formula", code="b", parameters={"formula": "{a} * 2"}))
    with pytest.raises(Refused) as refused:
        field_definitions.retire(officer, here, row.id)
    assert refused.value.code == "definition.used"


def test_fields_are_put_in_order_and_a_stale_page_is_told(officer: Actor, place: Place) -> None:
    first = field_definitions.add(officer, place, field(code="a"))
    second = field_definitions.add(officer, place, field(code="b"))
    field_definitions.reorder(officer, place, [second.id, first.id])
    assert [one.code for one in definitions.current().of(OWN, place.own_sheet_id)] == ["b", "a"]
    with pytest.raises(Conflict):
        field_definitions.change(officer, place, first.id, field(), version=first.version - 1)


def test_a_field_of_another_sheet_is_not_found(officer: Actor, place: Place) -> None:
    row = field_definitions.add(officer, Place("unit"), field(code="f"))
    with pytest.raises(NotFound):
        field_definitions.change(officer, place, row.id, field())
    assert db.session.get(FieldDefinition, row.id) is not None


def test_a_repeated_request_adds_one_field(officer: Actor, place: Place) -> None:
    field_definitions.add(officer, place, field(), request_key="k1")
    with pytest.raises(Conflict):
        field_definitions.add(officer, place, field(), request_key="k1")
    assert len(field_definitions.listed(place)) == 1
