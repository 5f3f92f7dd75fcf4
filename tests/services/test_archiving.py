"""The seal of the archive: made on archiving, broken by whoever touches the file, renewed by an addendum (R11)."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from app.models import Appeal, ArchiveSeal, Journal, db
from app.services import archiving, attachments, journal, present, workflow
from app.services.actors import software
from app.services.archiving import Touched
from app.services.transaction import transaction
from tests.bad_files import png
from tests.factories import Factory


@pytest.fixture
def archived(make: Factory) -> Appeal:
    """An appeal with a file, on its way through a leader and a unit into the archive."""
    unit = make.a_unit()
    appeal = make.appeal("instructed", unit=unit)
    director, handler = make.actor(make.holder("duty_director")), make.actor(make.member(unit))
    ledger = make.actor(make.holder("ledger_admin"))
    workflow.act(director, appeal.id, "forward", {"unit": unit.code, "limit": "ordinary"}, version=None)
    workflow.act(handler, appeal.id, "sign_in", {}, version=None)
    kept = attachments.receive(handler, form_key="form", filename="示例.png", stream_or_bytes=png())
    answer = {"feedback": "示例：已修复。", "informed_at": present.now(), "informed_how": "phone"}
    workflow.act(handler, appeal.id, "answer", {**answer, "attachments": (kept.id,)}, version=None)
    workflow.act(director, appeal.id, "accept", {}, version=None)
    workflow.act(ledger, appeal.id, "strike_off", {}, version=None)
    workflow.act(ledger, appeal.id, "archive", {"retention": "ten_years"}, version=None)
    db.session.refresh(appeal)
    return appeal


def seals(appeal: Appeal) -> list[ArchiveSeal]:
    query = select(ArchiveSeal).where(ArchiveSeal.appeal_id == appeal.id).order_by(ArchiveSeal.id)
    return list(db.session.scalars(query))


def touched(appeal: Appeal) -> list[Touched]:
    return list(archiving.verify(appeal.number))


def test_an_archived_file_is_sealed_and_the_journal_remembers_the_seal(archived: Appeal) -> None:
    (one,) = seals(archived)
    own = select(Journal).where(Journal.appeal_id == archived.id)
    row = db.session.scalars(own.order_by(Journal.id.desc())).first()
    assert row is not None
    assert (row.action, row.new["seal"]) == ("archive", one.sha256)
    assert set(one.manifest["parts"]["attachments"])
    assert touched(archived) == []
    assert archiving.count(archived.number) == 1


def test_the_manifest_holds_digests_only(archived: Appeal) -> None:
    written = str(seals(archived)[0].manifest["parts"])
    assert archived.subject not in written
    assert "示例" not in written


@pytest.mark.parametrize(
    ("part", "statement"),
    [
        ("appeal", "UPDATE appeal SET result = '示例：改过' WHERE id = :id"),
        ("appeal", "UPDATE appeal SET appellant_name_sealed = 'x' WHERE id = :id"),
        ("clocks", "UPDATE clock SET due_at = due_at + interval '1 day' WHERE appeal_id = :id AND kind = 'unit_limit'"),
        ("assignments", "UPDATE assignment SET feedback = '示例：改过' WHERE appeal_id = :id"),
        ("hand_overs", "DELETE FROM slip_handover WHERE slip_id IN (SELECT id FROM slip WHERE appeal_id = :id)"),
        ("instructions", "UPDATE instruction SET text = '' FROM slip WHERE slip_id = slip.id AND appeal_id = :id"),
        ("attachments", "UPDATE attachment SET content_sealed = 'x' WHERE appeal_id = :id"),
        ("reviews", "DELETE FROM review WHERE appeal_id = :id"),
    ],
)
def test_whoever_touches_the_file_breaks_its_seal(archived: Appeal, part: str, statement: str) -> None:
    db.session.execute(text(statement), {"id": archived.id})
    assert touched(archived) == [Touched(archived.id, archived.number, (part,))]


def test_a_row_slipped_in_breaks_the_seal(archived: Appeal) -> None:
    with transaction():
        db.session.execute(
            text("INSERT INTO review (appeal_id, at, by_id, outcome) SELECT :id, now(), min(id), 'redo' FROM person"),
            {"id": archived.id},
        )
    assert touched(archived) == [Touched(archived.id, archived.number, ("reviews",))]


def test_a_seal_that_is_not_the_journals_is_no_seal(archived: Appeal) -> None:
    """Whoever touches the file and seals it anew is found all the same: the journal knows no such seal."""
    db.session.execute(text("UPDATE appeal SET result = '示例：改过' WHERE id = :id"), {"id": archived.id})
    db.session.refresh(archived)
    archiving.seal(archived, person_id=seals(archived)[0].by_id, at=present.now())
    db.session.flush()
    assert touched(archived) == [Touched(archived.id, archived.number, ("seal",))]


def test_a_file_without_a_seal_is_named(make: Factory) -> None:
    appeal = make.appeal("closed")
    db.session.execute(text("UPDATE appeal SET state = 'archived' WHERE id = :id"), {"id": appeal.id})
    db.session.refresh(appeal)
    assert touched(appeal) == [Touched(appeal.id, appeal.number, ("seal",))]


def test_an_addendum_seals_anew_and_the_old_seal_is_kept(make: Factory, archived: Appeal) -> None:
    ledger = make.actor(make.holder("ledger_admin"))
    workflow.act(ledger, archived.id, "add_note", {"note": "示例：补记。"}, version=None)
    workflow.act(ledger, archived.id, "hold", {"reason": "示例：诉讼。"}, version=None)
    assert len({one.sha256 for one in seals(archived)}) == 3
    assert touched(archived) == []


def test_looking_at_the_appellant_touches_nothing(archived: Appeal) -> None:
    with transaction():
        journal.write(software("test"), "unmask", "appeal", archived.id, appeal_id=archived.id, reason="示例")
    assert touched(archived) == []


def test_reopening_breaks_the_seal_and_says_when(make: Factory, archived: Appeal) -> None:
    director = make.actor(make.holder("duty_director"))
    workflow.act(director, archived.id, "reopen", {"reason": "示例：又坏了。"}, version=None)
    (one,) = seals(archived)
    db.session.refresh(one)
    assert one.broken_at is not None
    assert archiving.standing(archived.id) is None


def test_a_file_is_kept_until_the_end_of_a_year(archived: Appeal) -> None:
    assert archived.closed_at is not None
    year = archived.closed_at.astimezone(present.zone()).year
    assert archiving.retained_until(archived) == date(year + 10, 12, 31)
    archived.retention_class = None
    assert archiving.retained_until(archived) is None


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM archive_seal", "UPDATE archive_seal SET sha256 = ''", "UPDATE archive_seal SET manifest = '{}'"],
)
def test_the_application_changes_no_seal(app: Flask, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(statement))
    db.session.rollback()


def test_the_command_names_what_was_touched(app: Flask, archived: Appeal) -> None:
    runner = app.test_cli_runner()
    whole = runner.invoke(args=["archive", "verify", "--number", archived.number])
    assert "1 archived files are as they were sealed" in whole.output
    db.session.execute(text("UPDATE appeal SET result = '' WHERE id = :id"), {"id": archived.id})
    found = runner.invoke(args=["archive", "verify", "--number", archived.number])
    assert found.exit_code == 1
    assert f"{archived.number}: appeal" in found.output
