"""The staffing list on the real database: exported, published on demand and half-yearly (R16). All names made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.models import Audit, Delivery, Journal, StaffingList, db
from app.rules.errors import Invalid, NotFound, Refused
from app.services import personal, present, staffing_files, staffing_lists
from app.services.staffing_lists import Reader
from tests.factories import Factory

READER = Reader(t=str, named=lambda row: row.name, duty=lambda post: post.duty)
NEW_YEAR = datetime(2026, 12, 31, 16, tzinfo=UTC)  # midnight of 1 January in Shanghai


def test_the_page_shows_numbers_masked(make: Factory) -> None:
    make.holder("registrar").mobile_sealed = personal.seal_staff("13800000001")
    db.session.commit()
    cells = staffing_lists.preview(make.actor(make.holder("supervisor")), READER)
    assert len(cells) == 12
    said = "\n".join("\n".join(row) for row in cells)
    assert "138****0001" in said
    assert "13800000001" not in said


@pytest.mark.parametrize("code", ["registrar", "liaison", "collector_c"])
def test_it_rejects_who_does_not_read_it(make: Factory, code: str) -> None:
    stranger = make.actor(make.holder(code))
    for call in (
        lambda: staffing_lists.preview(stranger, READER),
        lambda: staffing_lists.export(stranger, READER, "xlsx", reason="示例"),
        lambda: staffing_lists.download(stranger, 1, "xlsx", reason="示例"),
        lambda: staffing_lists.publish(stranger, READER),
    ):
        with pytest.raises(Refused):
            call()


def test_readers_do_not_publish(make: Factory) -> None:
    with pytest.raises(Refused):
        staffing_lists.publish(make.actor(make.holder("duty_director")), READER)


@pytest.mark.parametrize("file_format", ["xlsx", "docx"])
def test_an_export_is_audited_with_its_reason(make: Factory, file_format: str) -> None:
    content = staffing_lists.export(make.actor(officer="system"), READER, file_format, reason=" 示例：核对 ")
    assert len(staffing_files.read(content).table.rows) == 12
    event = db.session.scalars(select(Audit).where(Audit.event == "staffing_list.export")).one()
    assert (event.detail["reason"], event.detail["format"]) == ("示例：核对", file_format)


def test_an_export_wants_a_reason_and_a_known_format(make: Factory) -> None:
    system = make.actor(officer="system")
    with pytest.raises(Invalid):
        staffing_lists.export(system, READER, "xlsx", reason=" ")
    with pytest.raises(NotFound):
        staffing_lists.export(system, READER, "pdf", reason="示例")


def test_publishing_seals_both_files_under_a_number(make: Factory) -> None:
    system = make.actor(officer="system")
    row = staffing_lists.publish(system, READER)
    assert row.number == f"定岗〔{present.today().year}〕01"
    assert make.count(Journal, object_type="staffing_list", object_id=row.id, action="publish") == 1
    assert make.count(Audit, event="staffing_list.publish", object_id=str(row.id)) == 1
    told = db.session.scalars(select(Delivery).where(Delivery.kind == "staffing_list.published")).all()
    assert {delivery.recipient_id for delivery in told} == {make.holder("duty_director").id}
    assert b"PK" not in row.xlsx_sealed[:2]
    _row, content = staffing_lists.download(system, row.id, "docx", reason="示例")
    assert len(staffing_files.read(content).table.rows) == 12
    assert make.count(Audit, event="staffing_list.download", object_id=str(row.id)) == 1
    with pytest.raises(NotFound):
        staffing_lists.download(system, row.id, "pdf", reason="示例")
    with pytest.raises(NotFound):
        staffing_lists.download(system, row.id + 1, "docx", reason="示例")


def test_a_repeated_click_publishes_once(make: Factory) -> None:
    system = make.actor(officer="system")
    first = staffing_lists.publish(system, READER, request_key="示例")
    assert staffing_lists.publish(system, READER, request_key="示例").id == first.id
    assert make.count(StaffingList) == 1


@pytest.mark.parametrize(
    ("moment", "begins"),
    [
        (NEW_YEAR, NEW_YEAR),
        (NEW_YEAR - timedelta(seconds=1), datetime(2026, 6, 30, 16, tzinfo=UTC)),
        (datetime(2027, 6, 30, 15, 59, tzinfo=UTC), NEW_YEAR),
        (datetime(2027, 6, 30, 16, tzinfo=UTC), datetime(2027, 6, 30, 16, tzinfo=UTC)),
    ],
)
def test_when_a_half_year_begins(make: Factory, moment: datetime, begins: datetime) -> None:
    assert staffing_lists.half_year(moment) == begins


def test_half_yearly_once_whoever_wakes(make: Factory) -> None:
    with present.at(NEW_YEAR + timedelta(minutes=5)):
        assert staffing_lists.publish_half_yearly(READER)
        assert not staffing_lists.publish_half_yearly(READER)
    with present.at(NEW_YEAR + timedelta(days=3)):
        assert not staffing_lists.publish_half_yearly(READER)
    row = db.session.scalars(select(StaffingList)).one()
    assert (row.occasion, row.as_of, row.published_by_id) == ("half_yearly", NEW_YEAR, None)
    assert make.count(Delivery, kind="staffing_list.published") >= 1


def test_a_list_missed_for_long_is_not_made_up_for(make: Factory) -> None:
    with present.at(NEW_YEAR + timedelta(days=40)):
        assert not staffing_lists.publish_half_yearly(READER)
    with present.at(NEW_YEAR + timedelta(days=30)):
        assert staffing_lists.publish_half_yearly(READER)
