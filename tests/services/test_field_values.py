"""Fields made at run time and rows of own sheets: read at once, cleaned, required, referred to, unique."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from app.models import FieldDefinition, Journal, OwnSheet, db
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.services import definitions, field_values, own_rows
from app.services.actors import Actor
from app.services.definitions import OWN, Own
from app.sheets import BY_CODE
from tests.factories import Factory

OPTIONS = [{"code": "good", "label": "好", "label_en": "Good"}, {"code": "bad", "label": "差", "label_en": "Bad"}]


@pytest.fixture
def own(make: Factory) -> Own:
    """An own sheet that the supervisor's post writes and the editor's reads."""
    readers, writers = [make.post("editor").id], [make.post("supervisor").id]
    row = OwnSheet(
        code="bridges", name="示例桥梁", title_field="name", reader_post_ids=readers, writer_post_ids=writers
    )
    db.session.add(row)
    db.session.flush()
    for sort, (code, kind, more) in enumerate(
        [
            ("name", "text", {"required": True, "is_unique": True}),
            ("length", "number", {"parameters": {"least": 0}}),
            ("state", "choice", {"parameters": {"options": OPTIONS, "default": "good"}}),
            ("unit", "unit", {}),
            ("twin", "link", {"parameters": {"to": "own_bridges"}}),
        ]
    ):
        db.session.add(
            FieldDefinition(
                table_name=OWN, own_sheet_id=row.id, code=code, label=f"示例{code}", kind=kind, sort=sort, **more
            )
        )
    db.session.flush()
    definitions.moved()
    for one in definitions.current().of(OWN, row.id):
        db.session.execute(text("SELECT settle_field_index(:id)"), {"id": one.id})
    db.session.commit()
    return definitions.current().sheets["bridges"]


@pytest.fixture
def writer(make: Factory) -> Actor:
    """Who writes its rows."""
    return make.actor(make.holder("supervisor"))


def problems(call: Any) -> list[tuple[str, str]]:
    """What a refused call says, field by field."""
    with pytest.raises(FieldErrors) as refused:
        call()
    return [(one.field, one.code) for one in refused.value.problems]


def test_links_lead_to_sheets_that_are_declared() -> None:
    for code, model in field_values.LINKS.items():
        assert code == "appeals" or BY_CODE[code].model is model


def test_a_row_is_written_with_defaults_changed_and_told_in_the_journal(own: Own, writer: Actor) -> None:
    row = own_rows.write(writer, own, None, {"x_name": " 示例一桥 ", "x_length": "1,200.5"})
    assert row.extra == {"name": "示例一桥", "length": 1200.5, "state": "good"}
    other = own_rows.write(writer, own, None, {"x_name": "示例二桥", "x_twin": row.id, "x_state": "差"})
    assert other.extra["state"] == "bad"
    version = row.version
    own_rows.write(writer, own, row.id, {"x_length": "", "x_state": "bad"}, version=version)
    assert row.extra == {"name": "示例一桥", "state": "bad"}
    last = db.session.scalars(select(Journal).where(Journal.object_type == OWN).order_by(Journal.id.desc())).first()
    assert last is not None
    assert (last.action, last.old, last.new) == (
        "edit", {"length": 1200.5, "state": "good"}, {"length": None, "state": "bad"},
    )  # fmt: skip
    with pytest.raises(Conflict):
        own_rows.write(writer, own, row.id, {"x_length": 3}, version=version)


def test_what_does_not_fit_is_said_at_its_field(own: Own, writer: Actor) -> None:
    sent = {"x_name": "", "x_length": "-1", "x_state": "mittel", "x_unit": 999_999_999, "x_other": 1}
    assert sorted(problems(lambda: own_rows.write(writer, own, None, sent))) == [
        ("x_length", "field.too-small"),
        ("x_name", "field.required"),
        ("x_other", "field.unknown"),
        ("x_state", "field.choice"),
        ("x_unit", "field.choice"),
    ]
    assert problems(lambda: own_rows.write(writer, own, None, {"x_length": 1})) == [("x_name", "field.required")]


def test_a_value_that_another_row_has_is_said_at_its_field(own: Own, writer: Actor) -> None:
    own_rows.write(writer, own, None, {"x_name": "示例一桥"})
    assert problems(lambda: own_rows.write(writer, own, None, {"x_name": "示例一桥"})) == [("x_name", "row.taken")]


def test_a_removed_row_lies_in_the_trash_and_frees_its_name(own: Own, writer: Actor) -> None:
    row = own_rows.write(writer, own, None, {"x_name": "示例一桥"})
    own_rows.remove(writer, own, row.id, version=row.version)
    with pytest.raises(NotFound):
        own_rows.write(writer, own, row.id, {"x_length": 1})
    again = own_rows.write(writer, own, None, {"x_name": "示例一桥"})
    assert problems(lambda: own_rows.restore(writer, own, row.id)) == [("x_name", "row.taken")]
    own_rows.remove(writer, own, again.id)
    own_rows.restore(writer, own, row.id)
    assert row.deleted_at is None


def test_who_reads_does_not_write_and_for_others_there_is_no_sheet(own: Own, make: Factory) -> None:
    reader, stranger = make.actor(make.holder("editor")), make.actor(make.holder("registrar"))
    with pytest.raises(Refused):
        own_rows.write(reader, own, None, {"x_name": "示例"})
    with pytest.raises(NotFound):
        own_rows.write(stranger, own, None, {"x_name": "示例"})


def test_a_field_asks_for_states_classes_and_posts(make: Factory) -> None:
    post = make.post("supervisor")
    db.session.add(
        FieldDefinition(
            table_name="appeal", code="cause", label="示例原因", kind="text", states=["assigned", "answered"],
            required_states=["answered"], classes=["A"], writer_post_ids=[post.id],
        )
    )  # fmt: skip
    db.session.flush()
    definitions.moved()
    fields = definitions.current().of("appeal")
    mine, other = make.actor(make.holder("supervisor")), make.actor(make.holder("registrar"))
    sent = {"x_cause": "示例"}
    assert field_values.clean(fields, sent, actor=mine, state="assigned", channel_class="A") == {"cause": "示例"}
    at = {"state": "assigned", "channel_class": "A"}
    assert problems(lambda: field_values.clean(fields, sent, actor=other, **at)) == [("x_cause", "field.not-yours")]
    at["channel_class"] = "B"
    assert problems(lambda: field_values.clean(fields, sent, actor=mine, **at)) == [("x_cause", "field.not-asked")]
    assert field_values.missing(fields, {}, state="answered", channel_class="A") == ("x_cause",)
    assert field_values.missing(fields, {}, state="assigned", channel_class="A") == ()
    assert field_values.missing(fields, {}, state="answered", channel_class="B") == ()


def test_many_rows_look_their_references_up_once(own: Own, writer: Actor, make: Factory) -> None:
    unit = make.a_unit()
    fields = definitions.current().of(OWN, own.id)
    raws = [{"x_name": f"示例{n}", "x_unit": unit.id if n % 2 else 999_999_999} for n in range(40)]
    statements: list[str] = []
    from sqlalchemy import event

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    engine = db.session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        found = field_values.clean_many(fields, raws, actor=writer, is_new=True)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(statements) == 1
    assert sum(isinstance(one, FieldErrors) for one in found) == 20


def test_values_are_shown_in_words(own: Own, writer: Actor, make: Factory) -> None:
    unit = make.a_unit()
    first = own_rows.write(writer, own, None, {"x_name": "示例一桥"})
    row = own_rows.write(writer, own, None, {"x_name": "示例二桥", "x_unit": unit.id, "x_twin": first.id})
    fields = definitions.current().of(OWN, own.id)
    known = field_values.names(fields, [row.extra], english=False)
    words = {
        one.code: field_values.worded(one, row.extra.get(one.code), known, english=False) for one in fields
    }
    assert words == {"name": "示例二桥", "length": None, "state": "好", "unit": unit.name, "twin": "示例一桥"}


def test_a_change_that_is_rolled_back_is_forgotten(make: Factory) -> None:
    before = definitions.current()
    with db.session.begin_nested() as inside:
        db.session.add(FieldDefinition(table_name="unit", code="rolled", label="示例", kind="text"))
        db.session.flush()
        definitions.moved()
        assert [one.code for one in definitions.current().of("unit")] == ["rolled"]
        inside.rollback()
    assert definitions.current() == before
