"""Taking in: the collection clock of each class (R3), what a sheet must hold, nil returns."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.models import Clock, db
from app.rules.errors import FieldErrors, Refused
from app.services import clocks, intake, present, workflow
from tests.factories import Factory, moment

MONDAY = moment("2026-11-23T02:00:00")  # 10:00 in Shanghai


@pytest.mark.parametrize(
    ("letter", "received_at", "due_at"),
    [
        ("A", "2026-11-23T01:00:00", "2026-11-23T02:00:00"),
        ("B", "2026-11-22T18:30:00", "2026-11-22T19:30:00"),
        ("C", "2026-11-23T02:59:59", "2026-11-23T03:00:00"),
        ("C", "2026-11-23T03:00:00", "2026-11-24T03:00:00"),
        ("E", "2026-11-20T07:00:00", "2026-11-23T03:00:00"),
        ("D", "2026-10-01T01:00:00", "2026-10-08T03:00:00"),
    ],
)
def test_the_collection_clock_follows_the_class(make: Factory, letter: str, received_at: str, due_at: str) -> None:
    with present.at(moment("2026-11-23T03:30:00")):
        appeal = make.appeal("draft", channel_class=letter, received_at=moment(received_at))
    assert appeal.clocks[0].due_at == moment(due_at)


def test_a_submission_at_eleven_sharp_is_late(make: Factory) -> None:
    with present.at(MONDAY):
        appeal = make.appeal("draft", channel_class="E")
    with present.at(moment("2026-11-23T03:00:00")):
        collector = make.actor(make.holder("collector_e"))
        workflow.act(collector, appeal.id, "submit", {}, version=None)
        late = db.session.scalars(select(Clock).where(Clock.appeal_id == appeal.id, clocks.is_broken())).all()
    assert [clock.kind for clock in late] == ["collection"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"subject": ""}, "subject"),
        ({"channel": ""}, "channel"),
        ({"channel": "no such channel"}, "channel"),
        ({"appellant_name": ""}, "appellant_name"),
        ({"appellant_phone": "1380000"}, "appellant_phone"),
        ({"received_at": moment("2036-01-01T00:00:00")}, "received_at"),
        ({"subject": "长" * 400}, "subject"),
    ],
)
def test_a_bad_sheet_is_refused_at_its_field(make: Factory, fields: dict[str, Any], wrong: str) -> None:
    collector = make.actor(make.holder("collector_a"))
    with pytest.raises(FieldErrors) as refused:
        intake.take_in(collector, "A", make.sheet("A", **fields), submit=True)
    assert wrong in refused.value.by_field()


def test_an_anonymous_caller_needs_no_name(make: Factory) -> None:
    collector = make.actor(make.holder("collector_a"))
    data = make.sheet("A", appellant_name="", anonymous=True)
    assert intake.take_in(collector, "A", data, submit=True).state == "submitted"


def test_a_draft_may_be_incomplete(make: Factory) -> None:
    collector = make.actor(make.holder("collector_a"))
    outcome = intake.take_in(collector, "A", make.sheet("A", subject="", appellant_name=""), submit=False)
    assert outcome.state == "draft"


def test_a_returned_item_keeps_the_moment_of_its_first_submission(make: Factory) -> None:
    appeal = make.appeal("submitted")
    first = appeal.submitted_at
    registrar, collector = make.actor(make.holder("registrar")), make.actor(make.holder("collector_a"))
    workflow.act(registrar, appeal.id, "return_for_correction", {"reason": "示例：地址不清"}, version=None)
    workflow.act(collector, appeal.id, "submit", {"place": "示例路"}, version=None)
    db.session.refresh(appeal)
    assert (appeal.submitted_at, appeal.corrections, appeal.place) == (first, 1, "示例路")


def test_a_collector_takes_in_his_own_class_only(make: Factory) -> None:
    with pytest.raises(Refused):
        intake.take_in(make.actor(make.holder("collector_c")), "D", make.sheet("D"), submit=True)
