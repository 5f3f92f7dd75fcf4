"""Hand-over sheets: what is open for a post, both confirmations, who may see them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.models import Delivery, HandoverSheet, Journal, Person, db
from app.rules.errors import Conflict, NotFound, Refused
from app.services import handovers, present
from app.services.transaction import transaction
from tests.factories import Factory
from tests.test_desk import counted


def _items(make: Factory, code: str, *, later: timedelta = timedelta()) -> list[handovers.Item]:
    return handovers.open_items([make.post(code).id], present.now() + later)


def _sheet(make: Factory, items: list[handovers.Item] | None = None) -> HandoverSheet:
    """From the registrar's A to his B."""
    a, b, post = make.holder("registrar"), make.holder("registrar", "B"), make.post("registrar")
    with transaction():
        return handovers.make_in(make.actor(a), "absence", items=items or [], post_id=post.id, from_id=a.id, to_id=b.id)


def test_the_queues_of_a_post_are_its_open_work(make: Factory) -> None:
    to_number, to_fill = make.appeal("submitted"), make.appeal("opinion")
    make.appeal("archived")
    items = {item["appeal_id"]: item for item in _items(make, "registrar")}
    assert set(items) == {to_number.id, to_fill.id}
    assert items[to_number.id] | {"due_at": None} == {
        "appeal_id": to_number.id,
        "number": None,
        "subject": to_number.subject,
        "state": "submitted",
        "channel_class": "A",
        "what": "to_number",
        "clock": items[to_number.id]["clock"],
        "due_at": None,
        "late": False,
        "slip": None,
        "post_id": make.post("registrar").id,
        "fictional": False,
    }
    assert items[to_fill.id]["what"] == "to_fill"


def test_a_collector_hands_over_drafts_of_his_class_with_their_clock(make: Factory) -> None:
    draft = make.appeal("draft", channel_class="C")
    make.appeal("draft", channel_class="D")
    (item,) = _items(make, "collector_c")
    assert (item["appeal_id"], item["what"], item["clock"]) == (draft.id, "to_submit", "collection")
    assert item["due_at"] is not None
    (late,) = _items(make, "collector_c", later=timedelta(days=10))
    assert late["late"] is True


@pytest.mark.parametrize(
    ("state", "what"),
    [("slip_ready", "to_carry"), ("with_section", "slip_under_way"), ("with_leader", "to_fetch")],
)
def test_slips_under_way_are_on_the_liaisons_sheet(make: Factory, state: str, what: str) -> None:
    appeal = make.appeal(state)
    (item,) = _items(make, "liaison")
    assert (item["appeal_id"], item["what"], item["slip"]) == (appeal.id, what, appeal.slips[0].number)


def test_the_supervisor_hands_over_what_is_overdue(make: Factory) -> None:
    appeal = make.appeal("in_progress")
    assert _items(make, "supervisor") == []
    (item,) = _items(make, "supervisor", later=timedelta(days=40))
    assert (item["appeal_id"], item["what"], item["late"]) == (appeal.id, "overdue", True)


def test_an_appeal_stands_once_whatever_the_number_of_posts(make: Factory) -> None:
    appeal = make.appeal("answered")
    posts = [make.post(code).id for code in ("ledger_admin", "registrar", "duty_director")]
    found = handovers.open_items(posts, present.now())
    assert [item["appeal_id"] for item in found] == [appeal.id]


def test_open_work_costs_two_statements(make: Factory) -> None:
    make.appeal("submitted")
    posts = [make.post(code).id for code in ("ledger_admin", "registrar", "duty_director", "liaison", "supervisor")]
    with counted() as statements:
        handovers.open_items(posts, present.now())
    assert len(statements) == 2, "\n\n".join(statements)


def test_a_sheet_lists_the_most_urgent_and_says_how_many_are_left_out(
    make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handovers, "MOST", 2)
    for _number in range(3):
        make.appeal("submitted")
    items = _items(make, "registrar")
    assert [item.get("rest") for item in items] == [None, None, 1]
    assert handovers.count(items) == 3


def test_a_sheet_keeps_no_subject(make: Factory) -> None:
    make.appeal("submitted")
    sheet = _sheet(make, _items(make, "registrar"))
    assert sheet.number
    assert len(sheet.items) == 1
    assert "subject" not in sheet.items[0]
    row = db.session.query(Journal).filter_by(object_type="handover_sheet", object_id=sheet.id).one()
    assert (row.action, row.post_id, row.role, row.new["items"]) == ("create", sheet.post_id, "A", 1)


def test_both_confirm_with_their_own_accounts(make: Factory) -> None:
    sheet = _sheet(make)
    a, b = db.session.get_one(Person, sheet.from_id), db.session.get_one(Person, sheet.to_id)
    with pytest.raises(Conflict, match="not-given"):
        handovers.take(make.actor(b), sheet.id)
    handovers.give(make.actor(a), sheet.id, version=sheet.version)
    handovers.take(make.actor(b), sheet.id)
    db.session.refresh(sheet)
    assert sheet.given_at is not None
    assert sheet.taken_at is not None
    rows = db.session.query(Journal).filter_by(object_type="handover_sheet", object_id=sheet.id).order_by(Journal.id)
    assert [(row.action, row.person_id, row.role) for row in rows] == [
        ("create", a.id, "A"),
        ("give", a.id, "A"),
        ("take", b.id, "B"),
    ]
    told = {(d.kind, d.recipient_id) for d in db.session.query(Delivery).filter_by(subject_id=sheet.id)}
    assert told == {("handover.given", b.id), ("handover.taken", a.id)}


def test_confirming_twice_changes_nothing(make: Factory) -> None:
    sheet = _sheet(make)
    a, b = db.session.get_one(Person, sheet.from_id), db.session.get_one(Person, sheet.to_id)
    for _again in range(2):
        handovers.give(make.actor(a), sheet.id)
    for _again in range(2):
        handovers.take(make.actor(b), sheet.id)
    assert make.count(Journal, object_type="handover_sheet", object_id=sheet.id) == 3
    assert make.count(Delivery, subject_id=sheet.id) == 2


def test_a_stale_version_is_refused(make: Factory) -> None:
    sheet = _sheet(make)
    a = db.session.get_one(Person, sheet.from_id)
    seen = sheet.version
    make.appeal("submitted")
    handovers.refresh(make.actor(a), sheet.id, version=seen)
    assert len(sheet.items) == 1
    with pytest.raises(Conflict, match=r"row\.stale"):
        handovers.give(make.actor(a), sheet.id, version=seen)


def test_a_confirmed_sheet_stays_as_it_was_confirmed(make: Factory) -> None:
    sheet = _sheet(make)
    a = make.actor(db.session.get_one(Person, sheet.from_id))
    handovers.give(a, sheet.id)
    with pytest.raises(Conflict, match=r"handover\.given"):
        handovers.refresh(a, sheet.id)


def test_each_confirms_for_himself(make: Factory) -> None:
    sheet = _sheet(make)
    a, b = (make.actor(db.session.get_one(Person, person)) for person in (sheet.from_id, sheet.to_id))
    with pytest.raises(Refused, match="not-giver"):
        handovers.give(b, sheet.id)
    with pytest.raises(Refused, match="not-taker"):
        handovers.take(a, sheet.id)


@pytest.mark.parametrize("code", ["collector_c", "liaison"])
def test_it_hides_from_strangers(make: Factory, code: str) -> None:
    sheet = _sheet(make)
    stranger = make.actor(make.holder(code))
    for call in (handovers.page, handovers.give, handovers.take, handovers.refresh):
        with pytest.raises(NotFound):
            call(stranger, sheet.id)  # type: ignore[operator]


def test_who_leads_or_supervises_sees_it(make: Factory) -> None:
    sheet = _sheet(make)
    leader = make.person()
    make.post("registrar").leader_id = leader.id
    db.session.commit()
    for person in (leader, make.holder("duty_director"), make.holder("supervisor")):
        assert handovers.page(make.actor(person), sheet.id).sheet.id == sheet.id


def test_a_subject_is_shown_to_whoever_may_see_the_appeal(make: Factory) -> None:
    appeal = make.appeal("submitted")
    sheet = _sheet(make, _items(make, "registrar"))
    outsider = make.person()
    sheet.to_id = outsider.id
    db.session.commit()
    a = db.session.get_one(Person, sheet.from_id)
    assert [item["subject"] for item in handovers.page(make.actor(a), sheet.id).items] == [appeal.subject]
    assert [item["subject"] for item in handovers.page(make.actor(outsider), sheet.id).items] == [None]


def test_a_shifts_open_sheet_is_taken_by_whoever_is_on_duty(make: Factory) -> None:
    office = make.post("collector_b").office
    giver, taker = make.person(), make.on_duty(office)
    with transaction():
        sheet = handovers.make_in(make.actor(giver), "shift", items=[], office_id=office.id, from_id=giver.id)
    handovers.give(make.actor(giver), sheet.id)
    handovers.take(make.actor(taker), sheet.id)
    assert sheet.to_id == taker.id


def test_the_page_tells_open_work_from_what_was_done_and_left_out(make: Factory) -> None:
    make.appeal("submitted")
    sheet = _sheet(make, [*_items(make, "registrar"), {"rest": 7}, {"appeal_id": 0, "number": "1", "done": {"x": 2}}])
    page = handovers.page(make.actor(db.session.get_one(Person, sheet.from_id)), sheet.id)
    assert (len(page.items), page.rest, len(page.done)) == (1, 7, 1)


def test_the_page_is_printed(make: Factory) -> None:
    make.appeal("with_section")
    sheet = _sheet(make, [*_items(make, "liaison"), *_items(make, "registrar")])
    browser = make.signed_in(db.session.get_one(Person, sheet.from_id))
    answer = browser.get(f"/handovers/{sheet.id}", base_url="https://localhost")
    assert answer.status_code == 200
    assert sheet.number in answer.text
    assert "处理单在对口处室" in answer.text
