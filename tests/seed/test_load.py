"""The seed in a real database: loaded once, twice, after an administrator's edits, after a change of file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from app.models import (
    Assumption,
    Audit,
    CalendarDay,
    Category,
    Channel,
    DispatchEntry,
    Holding,
    Journal,
    LimitRule,
    NumberSeries,
    Person,
    Portfolio,
    PortfolioPlace,
    Post,
    ReminderRule,
    SeedRow,
    Unit,
    UnitGroup,
    db,
)
from app.services import personal, portfolio
from seed.load import SeedError, load_seed
from seed.reading import FOLDER
from seed.sample import usernames
from seed.sheets import SHEETS

TODAY = date(2026, 11, 23)
# 00:00 of the local day in Shanghai.
MIDNIGHT = datetime(2026, 11, 22, 16, tzinfo=UTC)


@pytest.fixture
def session(app: Flask) -> Session:
    """The application's session on a database that never saw the seed; undone with the test's transaction."""
    session: Session = db.session()
    session.execute(delete(PortfolioPlace))
    session.execute(update(Person).values(unit_id=None))
    for model in (SeedRow, *(sheet.model for sheet in reversed(SHEETS))):
        session.execute(delete(model))
    session.flush()
    return session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "seed"
    copy.mkdir()
    for sheet in SHEETS:
        shutil.copy(FOLDER / sheet.file, copy)
    return copy


@pytest.fixture
def change(folder: Path) -> Callable[[str, str, str], Path]:
    """Replace a text in a seed file and return the folder."""

    def replace(file: str, old: str, new: str) -> Path:
        path = folder / file
        content = path.read_text(encoding="utf-8")
        assert old in content
        path.write_text(content.replace(old, new, 1), encoding="utf-8")
        return folder

    return replace


def dump(session: Session) -> dict[str, list[Any]]:
    """Every row of every table the seed writes, with versions and moments of change."""
    tables = {sheet.model.__table__ for sheet in SHEETS} | {
        PortfolioPlace.__table__,
        SeedRow.__table__,
        Journal.__table__,
        Audit.__table__,
    }
    session.flush()
    return {
        table.name: sorted(map(repr, session.execute(select(table)).all()))
        for table in sorted(tables, key=lambda table: table.name)
    }


def by_code(session: Session, model: type[Any], code: str) -> Any:
    return session.scalars(select(model).where(model.code == code)).one()


def edit(session: Session, row: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()


def test_it_loads_the_whole_seed(session: Session) -> None:
    summary = load_seed(session, today=TODAY)
    counted = {
        model: session.scalar(select(func.count()).select_from(model))
        for model in (UnitGroup, Portfolio, Person, Post, Holding, Channel, LimitRule, NumberSeries)
    }
    assert counted == {
        UnitGroup: 3,
        Portfolio: 6,
        Person: 13,
        Post: 12,
        Holding: 18,
        Channel: 18,
        LimitRule: 14,
        NumberSeries: 9,
    }
    for model, file in (
        (Unit, "units.csv"),
        (ReminderRule, "reminder_rules.csv"),
        (Category, "categories.csv"),
        (DispatchEntry, "dispatch.csv"),
        (Assumption, "assumptions.yaml"),
        (CalendarDay, "calendar.csv"),
    ):
        assert session.scalar(select(func.count()).select_from(model)) == summary.files[file].inserted
    assert sum(counts.kept + counts.updated + counts.unchanged for counts in summary.files.values()) == 0


def test_references_lead_to_the_rows_named(session: Session) -> None:
    load_seed(session, today=TODAY)
    liaison = by_code(session, Post, "liaison")
    assert (liaison.office.name, liaison.leader.name) == ("市政府总值班室", "唐贵平")
    held = session.scalars(select(Holding).where(Holding.post_id == liaison.id).order_by(Holding.role)).all()
    assert [(row.role, row.person.name) for row in held] == [("A", "赵红奎"), ("B", "杨改云")]
    assert all(row.valid.lower == datetime(2009, 12, 31, 16, tzinfo=UTC) for row in held)
    education = by_code(session, Unit, "education")
    assert education.group.code == "department"
    line = portfolio.line_of(education.id)
    assert line is not None
    assert (line.row.code, line.section.code) == ("social", "matching_5")
    assert portfolio.line_of(line.section.id).id == line.id
    assert by_code(session, LimitRule, "collection_cde").parameters == {
        "at": "11:00",
        "classes": ["C", "D", "E"],
    }
    assert by_code(session, Assumption, "nil_return_classes").value == ["C", "D", "E"]


def test_nobody_is_invented(session: Session) -> None:
    load_seed(session, today=TODAY)
    lines = portfolio.lines_at()
    assert len(lines) == 6
    assert [line.leaders for line in lines] == [()] * 6
    on_duty = select(Holding).join(Post, Post.id == Holding.post_id).where(Post.filled_by_duty)
    assert session.scalars(on_duty).all() == []


def test_names_get_their_sort_key(session: Session) -> None:
    load_seed(session, today=TODAY)
    assert by_code(session, Unit, "public_security").name_pinyin == "sgaj shi gong an ju"
    assert by_code(session, Person, "info_center_1").name_pinyin == "gf gong fei"


def test_phones_are_sealed_and_stand_nowhere_in_plain(session: Session) -> None:
    load_seed(session, today=TODAY)
    person = by_code(session, Person, "duty_office_1")
    phone = personal.reveal_staff(person.mobile_sealed)
    assert phone[-4:] == "3687"
    assert b"3687" not in person.mobile_sealed
    written = repr(dump(session))
    for each in session.scalars(select(Person)):
        assert personal.reveal_staff(each.mobile_sealed) not in written


def test_loading_twice_changes_nothing(session: Session) -> None:
    load_seed(session, today=TODAY)
    before = dump(session)
    session.expire_all()
    summary = load_seed(session, today=date(2026, 12, 1))
    assert dump(session) == before
    assert not summary.changed
    assert all(counts.kept == 0 for counts in summary.files.values())


def test_each_row_written_is_one_line_of_the_journal(session: Session) -> None:
    last, events = (
        session.scalar(select(func.max(Journal.id))) or 0,
        session.scalar(select(func.max(Audit.id))) or 0,
    )
    summary = load_seed(session, today=TODAY)
    lines = session.scalars(select(Journal).where(Journal.id > last)).all()
    assert len(lines) == sum(counts.inserted for counts in summary.files.values())
    assert {(line.action, line.acted_as, line.person_id) for line in lines} == {("create", "seed", None)}
    assert list(session.scalars(select(Audit.event).where(Audit.id > events))) == ["seed.loaded"]


def test_an_administrators_edit_survives(session: Session) -> None:
    load_seed(session, today=TODAY)
    edit(session, by_code(session, Unit, "education"), name="市教体局", name_en="Education and Sports")
    edit(session, by_code(session, LimitRule, "ordinary"), amount=5)
    edit(session, by_code(session, Post, "liaison"), office_id=by_code(session, Unit, "secretariat").id)
    edit(session, by_code(session, Person, "duty_office_4"), mobile_sealed=personal.seal_staff("13000000000"))
    before = dump(session)
    session.expire_all()
    summary = load_seed(session, today=TODAY)
    assert dump(session) == before
    kept = {file: counts.kept for file, counts in summary.files.items() if counts.kept}
    assert kept == {"units.csv": 1, "limits.csv": 1, "posts.csv": 1, "people.csv": 1}


def test_a_row_deleted_by_the_administrator_stays_deleted(session: Session) -> None:
    load_seed(session, today=TODAY)
    edit(session, by_code(session, Channel, "paper_other"), active=False)
    session.delete(by_code(session, ReminderRule, "collection_director"))
    session.flush()
    summary = load_seed(session, today=TODAY)
    assert by_code(session, Channel, "paper_other").active is False
    gone = select(ReminderRule).where(ReminderRule.code == "collection_director")
    assert session.scalars(gone).all() == []
    assert summary.files["reminder_rules.csv"].kept == 1


def test_a_row_the_administrator_added_is_left_alone(
    session: Session, change: Callable[[str, str, str], Path]
) -> None:
    load_seed(session, today=TODAY)
    session.add(Channel(code="app", name="手机客户端", name_en="App", channel_class="C", kind="web"))
    session.flush()
    folder = change("channels.csv", "radio,广播", "app,客户端,Application,C,web,,info_center\nradio,广播")
    summary = load_seed(session, today=TODAY, folder=folder)
    assert by_code(session, Channel, "app").name == "手机客户端"
    assert summary.files["channels.csv"].kept == 1


def test_a_new_seed_changes_only_what_nobody_edited(
    session: Session, change: Callable[[str, str, str], Path]
) -> None:
    load_seed(session, today=TODAY)
    edit(session, by_code(session, Unit, "culture"), name="市文广局")
    folder = change(
        "units.csv",
        "culture,市文化局,市文化局,Municipal Culture Bureau",
        "culture,市文化新闻局,市文新局,Municipal Culture and Press Bureau",
    )
    summary = load_seed(session, today=TODAY, folder=folder)
    unit = by_code(session, Unit, "culture")
    assert (unit.name, unit.short_name, unit.name_en) == (
        "市文广局",
        "市文新局",
        "Municipal Culture and Press Bureau",
    )
    assert (summary.files["units.csv"].updated, summary.files["units.csv"].kept) == (1, 1)
    line = session.scalars(
        select(Journal).where(Journal.action == "edit", Journal.object_id == unit.id)
    ).one()
    assert (line.object_type, line.object_id) == ("unit", unit.id)
    assert line.new == {"short_name": "市文新局", "name_en": "Municipal Culture and Press Bureau"}
    before = dump(session)
    load_seed(session, today=TODAY, folder=folder)
    assert dump(session) == before


def test_the_people_are_replaced_by_one_file(
    session: Session, change: Callable[[str, str, str], Path]
) -> None:
    load_seed(session, today=TODAY)
    change("people.csv", "龚飞,Gong Fei,13970248967", "示例甲,Example A,13000000001")
    folder = change("people.csv", "江龙,Jiang Long,13870208660", "示例乙,Example B,")
    summary = load_seed(session, today=TODAY, folder=folder)
    first, second = by_code(session, Person, "info_center_1"), by_code(session, Person, "info_center_2")
    assert (first.name, first.name_pinyin) == ("示例甲", "slj shi li jia")
    assert personal.reveal_staff(first.mobile_sealed) == "13000000001"
    assert (second.name, second.mobile_sealed) == ("示例乙", None)
    assert summary.files["people.csv"].updated == 2


def test_a_new_holder_takes_over_today(session: Session, change: Callable[[str, str, str], Path]) -> None:
    load_seed(session, today=TODAY)
    folder = change("holdings.csv", "liaison,duty_office_5,A", "liaison,duty_office_4,A")
    summary = load_seed(session, today=TODAY, folder=folder)
    query = (
        select(Holding)
        .join(Post, Post.id == Holding.post_id)
        .where(Post.code == "liaison", Holding.role == "A")
    )
    old, new = session.scalars(query.order_by(func.lower(Holding.valid))).all()
    assert (old.person.code, old.valid.upper) == ("duty_office_5", MIDNIGHT)
    assert (new.person.code, new.valid.lower, new.valid.upper) == ("duty_office_4", MIDNIGHT, None)
    assert summary.files["holdings.csv"].updated == 1
    before = dump(session)
    load_seed(session, today=TODAY, folder=folder)
    assert dump(session) == before


def test_a_change_of_holder_made_in_the_product_stands(
    session: Session, change: Callable[[str, str, str], Path]
) -> None:
    load_seed(session, today=TODAY)
    query = (
        select(Holding)
        .join(Post, Post.id == Holding.post_id)
        .where(Post.code == "editor", Holding.role == "B")
    )
    edit(session, session.scalars(query).one(), person_id=by_code(session, Person, "duty_office_6").id)
    folder = change("holdings.csv", "editor,duty_office_2,B", "editor,duty_office_3,B")
    summary = load_seed(session, today=TODAY, folder=folder)
    assert session.scalars(query).one().person.code == "duty_office_6"
    assert summary.files["holdings.csv"].kept == 1


def test_the_portfolio_takes_leaders_from_the_file(
    session: Session, change: Callable[[str, str, str], Path]
) -> None:
    change("people.csv", "secretariat_3,", "vice_mayor_1,示例市长,Example Mayor,,secretariat\nsecretariat_3,")
    change(
        "portfolio.csv",
        'urban,城建国土环保,"Urban construction, land and environment",matching_3,,',
        'urban,城建国土环保,"Urban construction, land and environment",matching_3,vice_mayor_1,',
    )
    folder = change(
        "chain.csv", "unit,link,role,person\n", "unit,link,role,person\nplanning,first,A,vice_mayor_1\n"
    )
    load_seed(session, today=TODAY, folder=folder)
    urban = by_code(session, Portfolio, "urban")
    assert portfolio.line(urban.id).vice_mayor.name == "示例市长"
    before = dump(session)
    load_seed(session, today=TODAY, folder=folder)
    assert dump(session) == before


def test_a_changed_portfolio_counts_from_today_on(session: Session, change: Callable[[str, str, str], Path]) -> None:
    load_seed(session, today=TODAY)
    education = by_code(session, Unit, "education")
    own = "Municipal Education Bureau,department,department,"
    moved = change("units.csv", f"{own}social", f"{own}justice")
    summary = load_seed(session, today=TODAY, folder=moved)
    before = portfolio.line_of(education.id, MIDNIGHT - timedelta(seconds=1))
    after = portfolio.line_of(education.id, MIDNIGHT)
    assert (before.row.code, after.row.code) == ("social", "justice")
    assert summary.files["units.csv"].updated == 1
    state = dump(session)
    load_seed(session, today=TODAY, folder=moved)
    assert dump(session) == state


def test_a_portfolio_changed_in_the_product_stands(session: Session) -> None:
    load_seed(session, today=TODAY)
    education, urban = by_code(session, Unit, "education"), by_code(session, Portfolio, "urban")
    place = session.scalars(
        select(PortfolioPlace).where(PortfolioPlace.place == "unit", PortfolioPlace.unit_id == education.id)
    ).one()
    edit(session, place, valid=Range(None, MIDNIGHT, bounds="[)"))
    valid = Range(MIDNIGHT, None, bounds="[)")
    session.add(PortfolioPlace(portfolio_id=urban.id, place="unit", unit_id=education.id, valid=valid))
    before = dump(session)
    summary = load_seed(session, today=TODAY)
    assert dump(session) == before
    assert summary.files["units.csv"].kept == 1


def test_a_broken_file_writes_nothing(session: Session, change: Callable[[str, str, str], Path]) -> None:
    folder = change("posts.csv", "party_committee,party_committee_1", "nowhere,party_committee_1")
    with pytest.raises(
        SeedError, match=r"seed/posts\.csv, row 5, field office: 'nowhere' is not in units\.csv"
    ):
        load_seed(session, today=TODAY, folder=folder)
    assert session.scalar(select(func.count()).select_from(Unit)) == 0


def test_people_whose_names_sound_alike_get_logins_of_their_own() -> None:
    sounds = ["zw zhang wei", "lh li hong", "zw zhang wei", "zw zhang wei"]
    people = [Person(name_pinyin=sound) for sound in sounds]
    assert usernames(people) == ["zhangwei", "lihong", "zhangwei2", "zhangwei3"]
