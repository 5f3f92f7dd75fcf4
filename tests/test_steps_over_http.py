"""Steps over HTTP that a crafted address or form must not turn into a leak, a poisoned row or a failure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Appeal, LimitRule, db
from app.rules.workflow import CODES
from app.services import present
from app.words import CHOICES
from tests.factories import Factory

URL = "https://localhost"
PHONE = "13800000001"


def filled(make: Factory, **fields: Any) -> dict[str, str]:
    """The form of class A as a browser sends it."""
    return {name: value for name, value in make.sheet("A", **fields).items() if isinstance(value, str)}


@pytest.mark.parametrize("step", ["edit", "submit"])
def test_the_form_of_a_draft_does_not_open_later(make: Factory, step: str) -> None:
    """It shows the appellant's particulars unmasked: after the draft they are shown for a reason alone."""
    client = make.signed_in(make.holder("collector_a"))
    draft, answered = make.appeal("draft"), make.appeal("answered")
    assert PHONE in client.get(f"/appeals/{draft.id}/{step}", base_url=URL).text
    page = client.get(f"/appeals/{answered.id}/{step}", base_url=URL)
    assert page.status_code == 409
    assert PHONE not in page.text


def test_a_corrected_receipt_moves_the_collection_clock(make: Factory) -> None:
    draft = make.appeal("draft")
    earlier = present.now().replace(second=0, microsecond=0) - timedelta(hours=5)
    form = filled(make) | {"received_at": earlier.isoformat(), "version": str(draft.version)}
    client = make.signed_in(make.holder("collector_a"))
    assert client.post(f"/appeals/{draft.id}/edit", base_url=URL, data=form).status_code == 302
    db.session.refresh(draft)
    (clock,) = draft.clocks
    assert (clock.started_at, clock.due_at) == (earlier, earlier + timedelta(hours=1))
    assert clock.inputs["trace"]


def test_a_measured_collection_clock_stays(make: Factory) -> None:
    """R3 measures the first submission: what was measured is not written over after a return."""
    appeal = make.appeal("submitted")
    (clock,) = appeal.clocks
    measured = (clock.started_at, clock.due_at, clock.stopped_at)
    registrar = make.signed_in(make.holder("registrar"))
    back = {"reason": "示例：缺少地址", "version": str(appeal.version)}
    answer = registrar.post(f"/appeals/{appeal.id}/return_for_correction", base_url=URL, data=back)
    assert answer.status_code == 302
    db.session.refresh(appeal)
    earlier = (present.now() - timedelta(hours=5)).isoformat()
    form = filled(make) | {"received_at": earlier, "version": str(appeal.version)}
    client = make.signed_in(make.holder("collector_a"))
    assert client.post(f"/appeals/{appeal.id}/edit", base_url=URL, data=form).status_code == 302
    db.session.refresh(clock)
    assert (clock.started_at, clock.due_at, clock.stopped_at) == measured


@pytest.mark.parametrize(
    "moment", ["0001-01-01 00:00", "0001-01-01T00:00+14:00", "1948-12-31 23:59", "9999-12-31 00:00"]
)
def test_no_moment_that_cannot_be_read_back_is_kept(make: Factory, moment: str) -> None:
    client = make.signed_in(make.holder("collector_a"))
    before = make.count(Appeal)
    form = filled(make) | {"received_at": moment, "then": "draft"}
    assert client.post("/intake/A", base_url=URL, data=form).status_code == 422
    assert make.count(Appeal) == before


@pytest.mark.parametrize("key", ["k" * 500, "a\x00b", "钥匙"])
def test_a_key_that_no_form_of_ours_wrote_is_ignored(make: Factory, key: str) -> None:
    client = make.signed_in(make.holder("collector_a"))
    form = filled(make) | {"received_at": present.now().isoformat(), "then": "draft", "request_key": key}
    assert client.post("/intake/A", base_url=URL, data=form).status_code == 302


def test_a_choice_with_a_nul_is_no_choice(make: Factory) -> None:
    client = make.signed_in(make.holder("collector_a"))
    form = filled(make) | {"received_at": present.now().isoformat(), "channel": "a\x00b"}
    assert client.post("/intake/A", base_url=URL, data=form).status_code == 422


def test_no_instruction_is_dated_tomorrow(make: Factory) -> None:
    fetched = make.appeal("fetched")
    tomorrow = (present.today() + timedelta(days=1)).isoformat()
    form = make.instruction() | {"instructed_on": tomorrow, "version": str(fetched.version)}
    client = make.signed_in(make.holder("liaison"))
    page = client.post(f"/appeals/{fetched.id}/transcribe", base_url=URL, data=form)
    assert page.status_code == 422
    db.session.refresh(fetched)
    assert fetched.state == "fetched"


@pytest.mark.parametrize("how", ["by-pigeon", "x" * 150])
def test_an_appellant_is_told_in_one_of_the_known_ways(make: Factory, how: str) -> None:
    appeal = make.appeal("in_progress")
    form = {"feedback": "示例", "informed_at": present.now().isoformat(), "informed_how": how}
    client = make.signed_in(make.member(make.a_unit()))
    page = client.post(f"/appeals/{appeal.id}/answer", base_url=URL, data=form | {"version": str(appeal.version)})
    assert page.status_code == 422
    db.session.refresh(appeal)
    assert appeal.state == "in_progress"


def test_every_code_of_a_fixed_list_has_its_word() -> None:
    assert {name: tuple(CHOICES[name]) for name in CODES} == CODES


def test_no_appeal_is_forwarded_to_a_section_or_under_another_clocks_limit(make: Factory) -> None:
    unit = make.a_unit()
    section = make.line(unit).section
    assert section is not None
    other = db.session.scalars(select(LimitRule.code).where(LimitRule.clock_kind == "collection")).first()
    appeal = make.appeal("registered")
    client = make.signed_in(make.holder("duty_director"))
    for form in ({"unit": section.code, "limit": "ordinary"}, {"unit": unit.code, "limit": other}):
        sent = form | {"version": str(appeal.version)}
        assert client.post(f"/appeals/{appeal.id}/forward", base_url=URL, data=sent).status_code == 422
    db.session.refresh(appeal)
    assert (appeal.state, appeal.unit_id) == ("registered", None)
