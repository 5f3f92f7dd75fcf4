"""The write path of dictionaries: fields, journal, audit, versions, periods, and every refusal at its field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from app import sheets as declared
from app.models import (
    Assumption,
    Audit,
    CalendarDay,
    Category,
    Channel,
    DutyShift,
    Journal,
    LimitRule,
    NumberSeries,
    Person,
    Portfolio,
    Post,
    StaffingChange,
    Unit,
    db,
)
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.services import calendar, capability_changes, changes, grants, personal, present, sheets
from app.services.actors import Actor
from app.services.changes import Change
from app.services.sheet_rows import Sheet, masked_mobile
from tests.factories import Factory, moment

BY_CODE = declared.BY_CODE


@pytest.fixture
def system(make: Factory) -> Actor:
    """The system officer."""
    return make.actor(officer="system")


def _problems(actor: Actor, sheet: Sheet, row_id: int | None, values: dict[str, Any]) -> set[tuple[str, str]]:
    with pytest.raises(FieldErrors) as refused:
        sheets.save(actor, sheet, row_id, values)
    return {(problem.field, problem.code) for problem in refused.value.problems}


def _trace(table: str, row_id: int) -> list[Journal]:
    query = select(Journal).where(Journal.object_type == table, Journal.object_id == row_id).order_by(Journal.id)
    return list(db.session.scalars(query))


def _post_values(make: Factory, **more: Any) -> dict[str, Any]:
    return {
        "number": "13",
        "name": "示例督查岗",
        "office": make.post("registrar").office_id,
        "capabilities": ["supervise", "report"],
        "scope": "all",
        **more,
    }


# --- posts: the staffing table is the program --------------------------------------------------------------


def test_a_thirteenth_post_has_its_role_when_its_rights_are_confirmed(make: Factory, system: Actor) -> None:
    post = sheets.save(system, BY_CODE["posts"], None, _post_values(make))
    _agree(make, post)
    assert post.code == "shi_li_du_cha_gang"
    assert post.name_pinyin.startswith("sldcg ")
    person = make.person()
    changes.file(system, Change("holding", present.now(), post_id=post.id, role="A", person_id=person.id))
    standing = grants.standing_of(make.user_of(person).id)
    assert standing is not None
    assert ("can_read", "Overdue") in standing.pairs
    assert ("can_write", "Imports") not in standing.pairs


def _agree(make: Factory, post: Post) -> None:
    """The security officer confirms what waits."""
    change = capability_changes.pending_of(post.id)
    assert change is not None
    capability_changes.confirm(make.actor(officer="security"), change.id, seen=post.version)
    db.session.refresh(post)


def test_a_capability_taken_away_is_gone_at_once(make: Factory, system: Actor) -> None:
    holder, post = make.holder("supervisor"), make.post("supervisor")
    user = make.user_of(holder)
    sheets.save(system, BY_CODE["posts"], post.id, {"capabilities": ["report"]})
    _agree(make, post)
    standing = grants.standing_of(user.id)
    assert standing is not None
    assert ("can_urge", "Overdue") not in standing.pairs
    trace = _trace("post", post.id)[-1]
    assert trace.action == "edit"
    assert trace.new == {"capabilities": ["report"]}
    assert "supervise" in trace.old["capabilities"]
    assert make.count(Audit, event="right.change", object_type="post", object_id=str(post.id)) == 1


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"office": ""}, ("office", "field.required")),
        ({"number": "0"}, ("number", "post.number-range")),
        ({"number": "1"}, ("number", "row.taken")),
        ({"capabilities": ["system"]}, ("capabilities", "field.choice")),
        ({"capabilities": ["answer"]}, ("capabilities", "field.choice")),
        ({"capabilities": ["collect"]}, ("channel_class", "post.class-missing")),
        ({"capabilities": ["collect"], "channel_class": "A", "scope": "own_office"}, ("scope", "post.scope-collect")),
        ({"scope": "own_portfolio"}, ("scope", "field.choice")),
        ({"leader": "999999"}, ("leader", "person.unknown")),
    ],
)
def test_a_post_that_makes_no_sense_is_refused_at_its_field(
    make: Factory, system: Actor, more: dict[str, Any], problem: tuple[str, str]
) -> None:
    assert problem in _problems(system, BY_CODE["posts"], None, _post_values(make, **more))
    assert make.count(Post, name="示例督查岗") == 0


def test_the_office_of_a_post_is_a_section(make: Factory, system: Actor) -> None:
    values = _post_values(make, office=make.a_unit("department").id)
    assert _problems(system, BY_CODE["posts"], None, values) == {("office", "field.choice")}


# --- who may, versions, repeats ------------------------------------------------------------------------------


@pytest.mark.parametrize("sheet", declared.SHEETS, ids=lambda sheet: sheet.code)
def test_nobody_but_the_system_officer_writes(make: Factory, sheet: Sheet) -> None:
    # The dispatch catalogue is kept by whoever triages, too.
    holder = make.holder("registrar" if sheet.code == "dispatch" else "duty_director")
    for actor in (make.actor(holder), make.actor(officer="security"), make.actor(make.person())):
        with pytest.raises(Refused, match=r"access.not-granted"):
            sheets.save(actor, sheet, None, {})
        with pytest.raises(Refused, match=r"access.not-granted"):
            sheets.remove(actor, sheet, 1)


def test_a_save_that_changes_nothing_writes_nothing(make: Factory, system: Actor) -> None:
    unit = make.a_unit()
    version, traces = unit.version, len(_trace("unit", unit.id))
    sheets.save(system, BY_CODE["units"], unit.id, {"name": f" {unit.name} ", "active": "y"})
    db.session.refresh(unit)
    assert unit.version == version
    assert len(_trace("unit", unit.id)) == traces


def test_somebody_elses_change_is_not_overwritten(make: Factory, system: Actor) -> None:
    unit = make.a_unit()
    version = unit.version
    sheets.save(system, BY_CODE["units"], unit.id, {"short_name": "示例简称"}, version=version)
    with pytest.raises(Conflict, match=r"row.stale"):
        sheets.save(system, BY_CODE["units"], unit.id, {"short_name": "示例别称"}, version=version)
    db.session.refresh(unit)
    assert unit.short_name == "示例简称"


def test_a_row_that_is_not_there_is_not_found(system: Actor) -> None:
    with pytest.raises(NotFound, match=r"row.unknown"):
        sheets.save(system, BY_CODE["units"], 999_999, {"name": "示例"})
    with pytest.raises(NotFound, match=r"row.unknown"):
        sheets.remove(system, BY_CODE["units"], 999_999)


@pytest.mark.parametrize("code", ["unit_groups", "number_formats", "assumptions"])
def test_what_the_software_refers_to_is_neither_added_nor_removed(system: Actor, code: str) -> None:
    sheet = BY_CODE[code]
    row = db.session.scalars(select(sheet.model)).first()
    with pytest.raises(Refused, match=r"sheet.fixed"):
        sheets.save(system, sheet, None, {"name": "示例"})
    with pytest.raises(Refused, match=r"sheet.fixed"):
        sheets.remove(system, sheet, row.id)


def test_taking_a_row_out_of_use_keeps_it(make: Factory, system: Actor) -> None:
    channel = db.session.scalars(select(Channel).where(Channel.active)).first()
    assert channel is not None
    for _twice in range(2):
        sheets.remove(system, BY_CODE["channels"], channel.id)
    db.session.refresh(channel)
    assert not channel.active
    assert [row.action for row in _trace("channel", channel.id)][-1] == "remove"
    assert make.count(Audit, event="setting.change", object_type="channel") == 1
    sheets.save(system, BY_CODE["channels"], channel.id, {"active": True})
    assert channel.active


# --- people ----------------------------------------------------------------------------------------------------


def test_a_mobile_number_is_sealed_and_leaves_no_plain_trace(system: Actor) -> None:
    values = {"name": "示例新人", "mobile": "138 0000 4321"}
    person = sheets.save(system, BY_CODE["people"], None, values)
    assert personal.reveal_staff(person.mobile_sealed) == "13800004321"
    assert masked_mobile(person) == "138****4321"
    assert _trace("person", person.id)[-1].new["mobile"] is True
    sheets.save(system, BY_CODE["people"], person.id, {"mobile": "", "position": "科员"})
    assert personal.reveal_staff(person.mobile_sealed) == "13800004321"
    assert _trace("person", person.id)[-1].new == {"position": "科员"}
    sheets.save(system, BY_CODE["people"], person.id, {"mobile": "13800004321"})
    assert _trace("person", person.id)[-1].new == {"position": "科员"}
    sheets.save(system, BY_CODE["people"], person.id, {"mobile": "-"})
    assert person.mobile_sealed is None
    for row in _trace("person", person.id):
        assert "4321" not in str(row.old) + str(row.new)


@pytest.mark.parametrize("number", ["1380000432", "12345", "abc", "23800004321"])
def test_a_number_that_is_no_mobile_is_refused(system: Actor, number: str) -> None:
    problems = _problems(system, BY_CODE["people"], None, {"name": "示例新人", "mobile": number})
    assert problems == {("mobile", "phone.not-mobile")}


def test_two_people_of_one_name_get_codes_of_their_own(system: Actor) -> None:
    first = sheets.save(system, BY_CODE["people"], None, {"name": "示例同名"})
    second = sheets.save(system, BY_CODE["people"], None, {"name": "示例同名"})
    assert second.code == f"{first.code}_2"


def test_somebody_in_office_is_not_switched_off(make: Factory, system: Actor) -> None:
    holder = make.holder("registrar")
    assert _problems(system, BY_CODE["people"], holder.id, {"active": ""}) == {("active", "person.in-office")}
    with pytest.raises(FieldErrors):
        sheets.remove(system, BY_CODE["people"], holder.id)
    assert make.count(Person, id=holder.id, active=True) == 1


# --- periods ---------------------------------------------------------------------------------------------------


def test_absences_have_no_second_way_in(make: Factory, system: Actor) -> None:
    """Both away together is checked where they are asked for (R15)."""
    with pytest.raises(Refused):
        sheets.save(system, BY_CODE["absences"], None, {"person": make.person().id, "starts_at": "2036-11-24"})


def test_holdings_are_filled_by_personnel_changes_alone(make: Factory, system: Actor) -> None:
    values = {"post": make.post("registrar").id, "person": make.person().id, "role": "A", "starts_at": present.now()}
    with pytest.raises(Refused):
        sheets.save(system, BY_CODE["holdings"], None, values)
    with pytest.raises(Refused):
        sheets.remove(system, BY_CODE["holdings"], 1)


def test_a_new_post_with_a_responsible_leader_files_that(make: Factory, system: Actor) -> None:
    leader = make.person()
    post = sheets.save(system, BY_CODE["posts"], None, _post_values(make, leader=leader.id))
    record = db.session.scalars(select(StaffingChange).where(StaffingChange.post_id == post.id)).one()
    assert (record.kind, record.before, record.after["person"]) == ("leader", {}, leader.code)


def test_the_leader_of_a_post_is_not_changed_by_its_form(make: Factory, system: Actor) -> None:
    post = make.post("registrar")
    before = post.leader_id
    sheets.save(system, BY_CODE["posts"], post.id, {"leader": make.person().id})
    assert make.post("registrar").leader_id == before


def test_shifts_are_planned_in_the_calendar_alone(make: Factory, system: Actor) -> None:
    office, one, sheet = make.unit("duty_office"), make.person(), BY_CODE["shifts"]
    values = {"office": office.id, "starts_at": "2031-01-01 08:00", "ends_at": "2031-01-01 18:00", "main": [one.id]}
    with pytest.raises(Refused, match=r"sheet\.fixed"):
        sheets.save(system, sheet, None, values)
    make.on_duty(office)
    shift = db.session.scalars(select(DutyShift)).one()
    with pytest.raises(Refused, match=r"sheet\.fixed"):
        sheets.save(system, sheet, shift.id, values)
    with pytest.raises(Refused, match=r"sheet\.fixed"):
        sheets.remove(system, sheet, shift.id)


# --- organisation ----------------------------------------------------------------------------------------------


def test_a_chain_changes_by_personnel_changes_alone(make: Factory, system: Actor) -> None:
    values = {"unit": make.a_unit().id, "link": "first", "role": "A", "person": make.person().id}
    with pytest.raises(Refused, match=r"sheet\.fixed"):
        sheets.save(system, BY_CODE["chains"], None, values)


def test_a_change_of_portfolio_changes_the_chains_under_it(make: Factory) -> None:
    from app.services import chains

    unit = make.a_unit("department")
    vice_mayor = make.person("示例副市长")
    make.stand(make.line(unit), "vice_mayor", vice_mayor)
    final = next(place for place in chains.places_of(unit) if (place.link, place.role) == ("final", "A"))
    assert final.person_id == vice_mayor.id


def test_a_clerk_belongs_to_a_section(make: Factory, system: Actor) -> None:
    values = {"person": make.person().id, "unit": make.a_unit("department").id, "function": "section_clerk"}
    assert _problems(system, BY_CODE["memberships"], None, values) == {("unit", "membership.no-section")}
    sheets.save(system, BY_CODE["memberships"], None, values | {"function": "handler"})
    again = values | {"function": "handler"}
    assert _problems(system, BY_CODE["memberships"], None, again) == {("person", "row.taken")}


def test_a_row_out_of_use_is_offered_nowhere_but_stays_where_it_is(make: Factory, system: Actor) -> None:
    channel, other = db.session.scalars(select(Channel).order_by(Channel.id).limit(2)).all()
    office = channel.office_id
    sheets.save(system, BY_CODE["channels"], other.id, {"office": None})
    sheets.remove(system, BY_CODE["units"], office)
    sheets.save(system, BY_CODE["channels"], channel.id, {"office": office, "address": "示例"})
    assert _problems(system, BY_CODE["channels"], other.id, {"office": office}) == {("office", "field.choice")}
    assert make.count(Unit, id=office, active=False) == 1


def test_a_line_goes_out_of_use_only_when_nothing_stands_in_it(make: Factory, system: Actor) -> None:
    line = make.line(make.a_unit("department"))
    with pytest.raises(FieldErrors) as refused:
        sheets.remove(system, BY_CODE["portfolio"], line.id)
    assert [(p.field, p.code) for p in refused.value.problems] == [("active", "portfolio.in-use")]
    fresh = sheets.save(system, BY_CODE["portfolio"], None, {"name": "示例分工", "active": True})
    sheets.remove(system, BY_CODE["portfolio"], fresh.id)
    assert make.count(Portfolio, id=fresh.id, active=False) == 1


# --- rules as data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"kind": "working_days", "amount": "0"}, ("amount", "limit.amount-missing")),
        ({"kind": "cutoff"}, ("at", "limit.time-missing")),
        ({"kind": "fixed"}, ("kind", "field.choice")),
        ({"kind": "working_days", "amount": "99999"}, ("amount", "limit.unreadable")),
        ({"kind": "working_days", "amount": "5", "is_default": "y"}, ("is_default", "limit.default-twice")),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(
    system: Actor, values: dict[str, Any], problem: tuple[str, str]
) -> None:
    values = {"name": "示例时限", "clock_kind": "unit_limit", **values}
    assert _problems(system, BY_CODE["limits"], None, values) == {problem}


def test_a_limit_keeps_its_parameters(system: Actor) -> None:
    values = {"name": "示例时限", "clock_kind": "collection", "kind": "cutoff", "at": "10:30", "classes": ["D", "C"]}
    limit = sheets.save(system, BY_CODE["limits"], None, values)
    assert (limit.parameters["at"], limit.parameters["classes"]) == ("10:30", ["C", "D"])
    sheets.save(system, BY_CODE["limits"], limit.id, {"classes": []})
    assert "classes" not in limit.parameters
    assert limit.parameters["at"] == "10:30"


def test_no_clock_loses_its_last_limit(system: Actor) -> None:
    sheet = BY_CODE["limits"]
    abf = db.session.scalars(select(LimitRule).where(LimitRule.code == "collection_abf")).one()
    with pytest.raises(FieldErrors) as refused:
        sheets.remove(system, sheet, abf.id)
    assert [(p.field, p.code, p.data["classes"]) for p in refused.value.problems] == [
        ("active", "limit.last-one", "A, B, F")
    ]
    assert _problems(system, sheet, abf.id, {"classes": ["A"]}) == {("classes", "limit.last-one")}
    values = {"name": "示例", "clock_kind": "collection", "kind": "wall_hours", "amount": "2", "classes": ["B", "F"]}
    sheets.save(system, sheet, None, values)
    sheets.save(system, sheet, abf.id, {"classes": ["A"]})
    assert abf.parameters["classes"] == ["A"]


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("民{year}", "number.seq-missing"),
        ("民{year}{seq", "number.brace-open"),
        ("{year}{seq}{owner}", "number.field-unknown"),
    ],
)
def test_a_number_format_must_give_numbers(system: Actor, template: str, code: str) -> None:
    series = db.session.scalars(select(NumberSeries).where(NumberSeries.code == "registration")).one()
    assert _problems(system, BY_CODE["number_formats"], series.id, {"template": template}) == {("template", code)}


def test_only_registrations_know_their_class(system: Actor) -> None:
    series = db.session.scalars(select(NumberSeries).where(NumberSeries.code == "slip")).one()
    template = {"template": "{class}{year}{seq}"}
    problems = _problems(system, BY_CODE["number_formats"], series.id, template)
    assert problems == {("template", "number.field-missing")}


def test_a_local_holiday_counts_at_once(system: Actor) -> None:
    day = moment("2026-11-24").date()
    assert calendar.current().is_working_day(day)
    row = sheets.save(system, BY_CODE["calendar"], None, {"day": "2026-11-24", "kind": "closure", "name": "示例停办"})
    assert not calendar.current().is_working_day(day)
    assert _problems(
        system, BY_CODE["calendar"], None, {"day": "2026-11-24", "kind": "holiday", "name": "示例"}
    ) == {("day", "row.taken")}
    sheets.remove(system, BY_CODE["calendar"], row.id)
    assert calendar.current().is_working_day(day)
    assert db.session.get(CalendarDay, row.id) is not None


def test_a_category_stands_under_its_parent(make: Factory, system: Actor) -> None:
    sheet = BY_CODE["categories"]
    top = sheets.save(system, sheet, None, {"name": "示例大类"})
    below = sheets.save(system, sheet, None, {"name": "示例/小类", "parent": top.id})
    assert (below.code, below.level) == ("示例大类/示例／小类", 2)
    lowest = sheets.save(system, sheet, None, {"name": "示例细类", "parent": below.id})
    assert lowest.level == 3
    problems = _problems(system, sheet, None, {"name": "示例更细", "parent": lowest.id})
    assert problems == {("parent", "field.choice")}
    assert _problems(system, sheet, None, {"name": "示例大类"}) == {("name", "row.taken")}
    sheets.save(system, sheet, below.id, {"name": "示例改名", "parent": ""})
    assert (below.code, below.parent_id) == ("示例大类/示例／小类", top.id)
    assert make.count(Category, parent_id=top.id) == 1


def test_an_assumption_keeps_the_shape_of_its_value(system: Actor) -> None:
    sheet = BY_CODE["assumptions"]
    quiet = db.session.scalars(select(Assumption).where(Assumption.code == "quiet_hours")).one()
    wrong = {"value": '{"from": "late", "until": "07:30", "except": []}'}
    assert _problems(system, sheet, quiet.id, wrong) == {("value", "assumption.shape")}
    sheets.save(system, sheet, quiet.id, {"value": '{"from": "22:00", "until": "07:00", "except": []}'})
    assert quiet.value["from"] == "22:00"
    elsewhere = db.session.scalars(select(Assumption).where(Assumption.code == "same_day")).one()
    moved = {"value": '{"see": "limit_rule", "code": "ordinary"}'}
    assert _problems(system, sheet, elsewhere.id, moved) == {("value", "assumption.elsewhere")}


# --- the declaration -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sheet", declared.SHEETS, ids=lambda sheet: sheet.code)
def test_every_declared_field_has_a_place_in_its_table(sheet: Sheet) -> None:
    from app.rules.entries import Kind, Place

    columns = sheet.model.__table__.columns
    for field in sheet.fields:
        if field.place is Place.COLUMN and field.kind is not Kind.MOBILE:
            assert field.column in columns, field.name
        if field.kind in (Kind.CHOICE, Kind.CHOICES):
            assert field.choices, field.name
    assert len({field.name for field in sheet.fields}) == len(sheet.fields)


def test_every_row_of_the_seed_passes_its_own_checks(system: Actor) -> None:
    """What an administrator opens and saves untouched changes nothing and is refused nowhere."""
    from app.services.sheet_rows import values_of

    for sheet in declared.SHEETS:
        if not sheet.can_edit:
            continue
        for row_id in db.session.scalars(select(sheet.model.id).filter_by(**sheet.only)).all():
            row = db.session.get(sheet.model, row_id)
            version, values = row.version, values_of(sheet, row)
            values.pop("mobile", None)
            if "value" in values:
                values["value"] = json.dumps(values["value"])
            sheets.save(system, sheet, row_id, values, version=version)
            db.session.refresh(row)
            assert row.version == version, (sheet.code, row_id)
