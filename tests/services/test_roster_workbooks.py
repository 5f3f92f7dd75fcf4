"""A month out as a workbook and in again: nothing changes, and what is wrong is told by row and column (R17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from io import BytesIO
from typing import Any

import pytest

from app.models import DutyShift
from app.rules.errors import Conflict, Invalid
from app.services import present, roster_months, roster_workbooks, rosters
from app.services.actors import Actor
from app.services.roster_workbooks import Dress
from tests.books import workbook
from tests.factories import Factory
from tests.services.test_rosters import NOW, at, shift

MARCH = date(2031, 3, 1)
HEAD = ("日期", "星期", "开始", "结束", "主班", "副班")


@pytest.fixture
def system(make: Factory) -> Actor:
    return make.actor(officer="system")


@pytest.fixture
def office(system: Actor, make: Factory) -> roster_months.Office:
    return roster_months.access_office(system, make.unit("duty_office").id, to_write=True)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with present.at(NOW):
        yield


def exported(actor: Actor, office: roster_months.Office) -> bytes:
    out = BytesIO()
    month = roster_months.month(actor, office.id, MARCH)
    dress = Dress(
        t=str,
        office=office.name,
        month="2031-03",
        weekday=lambda day: "一二三四五六日"[day.weekday()],
        until=lambda end, day: f"{end.astimezone(present.zone()):%Y-%m-%d %H:%M}",
        dated=lambda start, end: f"{start:%d}–{end:%d}",
        mark=lambda _cell: "",
        exported="示例",
    )
    roster_workbooks.export(actor, month, dress, out)
    return out.getvalue()


def book(*rows: Sequence[Any]) -> bytes:
    return workbook(HEAD, *rows)


def codes(reading: roster_workbooks.Reading) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.code) for fault in reading.faults]


def test_exporting_and_handing_in_again_changes_nothing(
    make: Factory, system: Actor, office: roster_months.Office
) -> None:
    one, two, three = make.person("示例同名"), make.person("示例同名"), make.person("示例 空格")
    with present.at(at("03-04 07:00")):
        shift(system, office.id, "03-04 08:00", "03-05 08:00", three)
        shift(system, office.id, "03-05 08:00", "03-06 08:00", three)
    shift(system, office.id, "03-06 08:00", "03-06 20:00", one, three, second=(two,))
    shift(system, office.id, "03-06 20:00", "03-07 08:00", two)
    content = exported(system, office)
    reading = roster_workbooks.read(office, content, MARCH, removes_others=True)
    assert codes(reading) == []
    assert (reading.proposal.edits, reading.proposal.unchanged, reading.proposal.past) == ((), 2, 2)
    assert not reading.can_be_applied
    with pytest.raises(Invalid, match=r"roster\.nothing-new"):
        roster_workbooks.apply(system, office.id, reading.planned, MARCH, removes_others=True)


def test_a_list_is_entered_in_one_transaction(make: Factory, system: Actor, office: roster_months.Office) -> None:
    one, two = make.person("示例甲某"), make.person("示例乙某")
    old = shift(system, office.id, "03-08 08:00", "03-08 20:00", one)
    gone = shift(system, office.id, "03-20 08:00", "03-20 20:00", one)
    content = book(
        ("2031-03-08", "六", "08:00", "20:00", "示例乙某", "示例甲某"),
        ("2031-03-08", "", "20:00", "次日08:00", "示例甲某", ""),
    )
    reading = roster_workbooks.read(office, content, MARCH, removes_others=True)
    assert (codes(reading), reading.can_be_applied) == ([], True)
    assert (len(reading.proposal.added), reading.proposal.changed, len(reading.proposal.removed)) == (2, 1, 1)
    assert reading.gaps[0].ends_at == at("03-08 08:00")
    planned = roster_workbooks.unpacked(office.id, roster_workbooks.packed(reading.planned))
    assert tuple(planned) == reading.planned
    roster_workbooks.apply(system, office.id, planned, MARCH, removes_others=True)
    assert make.count(DutyShift, id=gone.id) == 0
    assert {(s.person_id, s.seat) for s in old.seats} == {(two.id, "main"), (one.id, "second")}
    assert make.count(DutyShift, office_id=office.id) == 2


def test_every_problem_names_its_row_and_column(make: Factory, system: Actor, office: roster_months.Office) -> None:
    one = make.person("示例甲某")
    make.person("示例双")
    make.person("示例双")
    shift(system, make.unit("hotline_center").id, "03-11 08:00", "03-11 20:00", one)
    content = book(
        ("2031-03-08", "", "08:00", "20:00", "示例没有", ""),
        ("2031-03-09", "", "08:00", "20:00", "示例甲某", "示例双"),
        ("2031-03-10", "", "08:00", "xx", "示例甲某", ""),
        ("2031-03-11", "", "08:00", "20:00", "示例甲某", ""),
        ("2031-03-12", "", "08:00", "20:00", "示例甲某", ""),
        ("2031-03-12", "", "19:00", "23:00", "示例甲某", ""),
    )
    reading = roster_workbooks.read(office, content, MARCH, removes_others=False)
    assert codes(reading) == [
        (2, "E", "roster.name-unknown"),
        (3, "F", "roster.name-ambiguous"),
        (4, "D", "field.time-unreadable"),
        (5, "E", "shift.elsewhere"),
        (7, "C", "shift.overlap"),
    ]
    with pytest.raises(Conflict, match=r"roster\.conflicts"):
        roster_workbooks.apply(system, office.id, reading.planned, MARCH, removes_others=False)
    assert make.count(DutyShift, office_id=office.id) == 0


@pytest.mark.parametrize("rows", [None, [1], [["x", "y", [], [], ""]], [["2031-03-01", "2031-03-02", [1], [], ""]]])
def test_what_was_tampered_with_is_refused(office: roster_months.Office, rows: Any) -> None:
    with pytest.raises(Invalid, match=r"roster\.unreadable"):
        roster_workbooks.unpacked(office.id, rows)


def test_no_roster_in_the_workbook(office: roster_months.Office) -> None:
    with pytest.raises(Invalid, match=r"roster\.no-head"):
        roster_workbooks.read(office, workbook(("示例", "别的")), MARCH, removes_others=False)
    with pytest.raises(Invalid, match=r"workbook\.not-a-workbook"):
        roster_workbooks.read(office, b"PDF", MARCH, removes_others=False)


def test_undo_takes_a_handed_in_workbook_back(make: Factory, system: Actor, office: roster_months.Office) -> None:
    make.person("示例甲某")
    content = book(("2031-03-08", "", "08:00", "20:00", "示例甲某", ""), ("", "", "20:00", "08:00", "示例甲某", ""))
    reading = roster_workbooks.read(office, content, MARCH, removes_others=False)
    _proposal, outcome = roster_workbooks.apply(system, office.id, reading.planned, MARCH, removes_others=False)
    assert outcome.undo is not None
    rosters.undo(system, office.id, *outcome.undo)
    assert make.count(DutyShift, office_id=office.id) == 0
