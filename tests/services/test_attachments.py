"""Files of an appeal: chosen, claimed by a step, read by who sees the appeal, taken out, swept."""

from __future__ import annotations

import resource
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app import attachment_words
from app.models import Appeal, Attachment, Audit, Journal, db
from app.rules.errors import FieldErrors, Invalid, NotFound, Refused
from app.services import attachments, intake, present, workflow
from app.services.actors import Actor
from app.services.transaction import transaction
from tests.bad_files import GOOD, png
from tests.factories import Factory


def _received(actor: Actor, content: bytes = b"", *, form: str = "form", name: str = "示例照片.png") -> Attachment:
    return attachments.receive(actor, form_key=form, filename=name, stream_or_bytes=content or png())


@pytest.fixture
def collector(make: Factory) -> Actor:
    return make.actor(make.holder("collector_a"))


def test_a_file_is_kept_sealed_until_its_form_is_sent(collector: Actor, make: Factory) -> None:
    kept = _received(collector)
    assert kept.appeal_id is None
    assert (kept.content_type, kept.size, kept.scan) == ("image/png", len(png()), "unscanned")
    assert png() not in (kept.content_sealed or b"")
    assert attachments.content(collector, kept.id).bytes == png()
    assert attachments.staged(collector, [kept.id])[0].name == "示例照片.png"


def test_the_same_file_twice_is_one(collector: Actor) -> None:
    assert _received(collector).id == _received(collector).id
    assert _received(collector, form="another").id != _received(collector).id


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_type_of_the_table_is_taken(collector: Actor, name: str) -> None:
    kept = _received(collector, GOOD[name], name=name)
    assert attachments.staged(collector, [kept.id])[0].type.code == name.split(".")[0]


def test_intake_claims_its_files_and_the_journal_names_none(collector: Actor, make: Factory) -> None:
    kept = _received(collector)
    sheet = {**make.sheet("A"), "attachments": (kept.id,)}
    outcome = intake.take_in(collector, "A", sheet, submit=True, request_key="once")
    db.session.refresh(kept)
    assert (kept.appeal_id, kept.purpose) == (outcome.appeal_id, "take_in")
    assert kept.post_id is not None
    row = db.session.scalars(select(Journal).where(Journal.action == "take_in").order_by(Journal.id.desc())).first()
    assert row is not None
    assert row.new["attachments"] == [{"id": kept.id, "type": "image/png", "sha256": kept.sha256}]
    assert intake.take_in(collector, "A", sheet, submit=True, request_key="once").is_repeat


def test_an_answer_claims_its_evidence_for_the_assignment(make: Factory) -> None:
    unit = make.a_unit()
    appeal = make.appeal("in_progress", unit=unit)
    handler = make.actor(make.member(unit))
    kept = _received(handler)
    data = {"feedback": "示例", "informed_at": present.now(), "informed_how": "phone", "attachments": (kept.id,)}
    workflow.act(handler, appeal.id, "answer", data, version=None)
    db.session.refresh(kept)
    assert (kept.appeal_id, kept.assignment_id, kept.purpose) == (appeal.id, appeal.assignments[-1].id, "answer")
    assert [file.id for file in attachments.listed(handler, appeal.id)] == [kept.id]
    assert make.a_unit(offset=1).id != unit.id
    foreign = make.actor(make.member(make.a_unit(offset=1)))
    assert attachments.listed(foreign, appeal.id) == []
    with pytest.raises(NotFound):
        attachments.content(foreign, kept.id)
    with pytest.raises(NotFound):
        attachments.remove(foreign, kept.id, "示例")


def test_what_a_unit_asks_for_brings_its_evidence(make: Factory) -> None:
    unit = make.a_unit()
    appeal = make.appeal("in_progress", unit=unit)
    handler = make.actor(make.member(unit))
    kept = _received(handler)
    data = {"amount": 2, "reason": "示例：等待配件", "attachments": (kept.id,)}
    workflow.act(handler, appeal.id, "ask_extension", data, version=None)
    (file,) = attachments.listed(handler, appeal.id)
    assert (file.id, file.purpose) == (kept.id, "extension")
    assert attachment_words.purpose(file)


def test_nobody_claims_anothers_file(collector: Actor, make: Factory) -> None:
    mine = _received(make.actor(make.holder("registrar")))
    with pytest.raises(FieldErrors) as refused:
        intake.take_in(collector, "A", {**make.sheet("A"), "attachments": (mine.id,)}, submit=False)
    assert [(one.field, one.code) for one in refused.value.problems] == [("attachments", "attachment.gone")]
    assert make.count(Appeal) == 0
    with pytest.raises(NotFound):
        attachments.content(collector, mine.id)
    with pytest.raises(NotFound):
        attachments.discard(collector, mine.id)
    assert attachments.staged(collector, [mine.id]) == []


def test_claiming_twice_is_once_and_never_for_two_appeals(collector: Actor, make: Factory) -> None:
    first, second = make.appeal("submitted"), make.appeal("submitted")
    kept = _received(collector)
    with transaction():
        attachments.claim_in(collector, [kept.id, kept.id], first.id, purpose="attach")
    with transaction():
        assert len(attachments.claim_in(collector, [kept.id], first.id, purpose="attach")) == 1
    with pytest.raises(FieldErrors) as refused, transaction():
        attachments.claim_in(collector, [kept.id], second.id, purpose="attach")
    assert refused.value.problems[0].code == "attachment.gone"
    db.session.refresh(kept)
    assert kept.appeal_id == first.id


def test_a_file_of_yesterday_is_gone(collector: Actor, make: Factory) -> None:
    kept, appeal = _received(collector), make.appeal("submitted")
    later = present.now() + timedelta(hours=25)
    with present.at(later):
        with pytest.raises(FieldErrors), transaction():
            attachments.claim_in(collector, [kept.id], appeal.id, purpose="attach")
        assert attachments.sweep(later) == 1
        assert attachments.sweep(later) == 0


def test_the_sweep_leaves_what_is_fresh_or_claimed(collector: Actor, make: Factory) -> None:
    fresh, claimed, appeal = _received(collector), _received(collector, form="other"), make.appeal("submitted")
    with transaction():
        attachments.claim_in(collector, [claimed.id], appeal.id, purpose="attach")
    db.session.execute(update(Attachment).where(Attachment.id == claimed.id).values(created_at=_long_ago()))
    db.session.commit()
    assert attachments.sweep(present.now()) == 0
    assert set(db.session.scalars(select(Attachment.id))) >= {fresh.id, claimed.id}


def _long_ago() -> datetime:
    return present.now() - timedelta(days=400)


def test_a_form_and_a_person_hold_so_many(collector: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "limits", lambda: attachments.Limits(per_form=2, per_person=3))
    for number in range(2):
        _received(collector, png(number + 1))
    with pytest.raises(Invalid, match=r"attachment\.too-many$"):
        _received(collector, png(9))
    _received(collector, png(9), form="second")
    with pytest.raises(Invalid, match="too-many-unsent"):
        _received(collector, png(10), form="third")


def test_an_appeal_holds_so_much(app: Flask, collector: Actor, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "ATTACHMENT_APPEAL_BYTES", len(png()) + 10)
    appeal = make.appeal("submitted")
    attachments.add(collector, appeal.id, [_received(collector).id])
    with pytest.raises(FieldErrors) as refused:
        attachments.add(collector, appeal.id, [_received(collector, form="more").id])
    assert refused.value.problems[0].code == "attachment.appeal-full"


def test_the_largest_file_costs_bounded_memory(app: Flask, collector: Actor) -> None:
    most = app.config["ATTACHMENT_MAX_BYTES"]
    largest = b"%PDF-" + bytes(most - 10) + b"%%EOF"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = _received(collector, largest, name="示例.pdf")
    kept_id = kept.id
    db.session.expunge_all()
    assert attachments.content(collector, kept_id).bytes == largest
    with pytest.raises(Invalid, match="too-large"):
        _received(collector, largest + b"%%EOF" * 3)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 200


def test_who_takes_no_step_hands_nothing_in(make: Factory) -> None:
    with pytest.raises(Refused):
        _received(make.actor(make.person()))
    with pytest.raises(Refused):
        _received(make.actor(officer="system"))


def test_reading_is_audited_once_in_a_while(collector: Actor, make: Factory) -> None:
    appeal, kept = make.appeal("submitted"), _received(collector)
    attachments.content(collector, kept.id)
    attachments.add(collector, appeal.id, [kept.id])
    for _again in range(3):
        attachments.content(collector, kept.id)
    with present.at(present.now() + timedelta(minutes=16)):
        attachments.content(collector, kept.id)
    rows = db.session.scalars(select(Audit).where(Audit.event == "attachment.read")).all()
    assert [(row.object_id, row.detail["appeal"]) for row in rows] == [(str(kept.id), appeal.id)] * 2


def test_adding_writes_one_journal_row_however_often_it_is_sent(collector: Actor, make: Factory) -> None:
    appeal, kept = make.appeal("submitted"), _received(collector)
    for _twice in range(2):
        attachments.add(collector, appeal.id, [kept.id], remark="示例")
    rows = db.session.scalars(select(Journal).where(Journal.action == "attach", Journal.appeal_id == appeal.id)).all()
    assert [row.new["attachments"][0]["id"] for row in rows] == [kept.id]


def test_taking_out_is_for_the_post_the_registrar_and_the_ledger(make: Factory) -> None:
    unit = make.a_unit()
    appeal = make.appeal("in_progress", unit=unit)
    handler, liaison = make.actor(make.member(unit)), make.actor(make.holder("liaison"))
    kept = _received(handler)
    attachments.add(handler, appeal.id, [kept.id])
    with pytest.raises(Refused):
        attachments.remove(liaison, kept.id, "示例")
    with pytest.raises(Invalid):
        attachments.remove(handler, kept.id, "  ")
    attachments.remove(handler, kept.id, "示例：附错了")
    attachments.remove(handler, kept.id, "再来一次")
    with pytest.raises(NotFound):
        attachments.content(handler, kept.id)
    shown = attachments.listed(handler, appeal.id)[0]
    assert (shown.remove_reason, shown.may_remove) == ("示例：附错了", False)
    rows = db.session.scalars(select(Journal).where(Journal.action == "detach")).all()
    assert len(rows) == 1
    second = _received(handler, form="more")
    attachments.add(handler, appeal.id, [second.id])
    attachments.remove(make.actor(make.holder("registrar")), second.id, "示例")


def test_an_archived_or_held_appeal_keeps_its_files(make: Factory) -> None:
    registrar, appeal = make.actor(make.holder("registrar")), make.appeal("registered")
    kept, second = _received(registrar), _received(registrar, form="b")
    attachments.add(registrar, appeal.id, [kept.id])
    for columns, code in (({"held_at": present.now()}, "held"), ({"held_at": None, "state": "archived"}, "archived")):
        db.session.execute(update(Appeal).where(Appeal.id == appeal.id).values(**columns))
        db.session.commit()
        with pytest.raises(Refused, match=code):
            attachments.remove(registrar, kept.id, "示例")
    with pytest.raises(Refused, match="archived"):
        attachments.add(registrar, appeal.id, [second.id])


def test_a_destroyed_key_leaves_nothing_to_read(collector: Actor, make: Factory) -> None:
    appeal, kept = make.appeal("submitted"), _received(collector, name="示例诉求人的信.png")
    attachments.add(collector, appeal.id, [kept.id])
    with transaction():
        assert attachments.destroy_in(appeal.id) == 1
    with pytest.raises(NotFound):
        attachments.content(collector, kept.id)
    shown = attachments.listed(collector, appeal.id)[0]
    assert (shown.name, shown.shown_name) == ("", "file.png")
