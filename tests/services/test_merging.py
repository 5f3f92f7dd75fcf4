"""Merging and splitting (并单, 拆单): one handling, every appellant answered, counted once and each in heat."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.models import Appeal, HandlingRequest, Journal, db
from app.rules.errors import FieldErrors, Refused
from app.services import closing, desk, mains, merging, present, workflow
from tests.factories import Factory

URL = "https://localhost"
TOLD = {"informed_how": "phone"}


def merged(make: Factory, main: Appeal, **fields: str) -> Appeal:
    """Another appeal, merged into the main one."""
    appeal = make.appeal("registered", **fields)
    director = make.actor(make.holder("duty_director"))
    workflow.act(director, appeal.id, "merge", {"main": main.number}, version=None)
    db.session.refresh(appeal)
    return appeal


def tell(make: Factory, appeal: Appeal) -> None:
    data = TOLD | {"informed_at": present.now()}
    workflow.act(make.actor(make.holder("duty_director")), appeal.id, "inform", data, version=None)


def ending_of(make: Factory, appeal: Appeal) -> closing.Ending:
    actor = make.actor(make.holder("duty_director"))
    return closing.ending(actor, appeal, workflow.timeline(actor, appeal.id))


def test_the_main_appeal_counts_its_heat_and_who_is_to_be_told(make: Factory) -> None:
    main = make.appeal("under_review")
    first, second = merged(make, main), merged(make, main)
    tell(make, first)
    found = ending_of(make, main)
    assert [one.id for one in found.merged] == [first.id, second.id]
    assert found.heat == merging.heat(main.id) == 3
    assert [one.id for one in found.waiting] == [second.id]
    assert ending_of(make, first).main is not None


def test_the_unit_sees_what_is_merged_into_its_appeal(make: Factory) -> None:
    unit = make.a_unit()
    main = make.appeal("in_progress", unit=unit)
    one = merged(make, main)
    handler = make.actor(make.member(unit))
    found = closing.ending(handler, main, [])
    assert [relative.number for relative in found.waiting] == [one.number]
    stranger = closing.ending(make.actor(make.person()), main, [])
    assert [(relative.number, relative.subject) for relative in stranger.merged] == [(None, "")]


def test_a_unit_that_the_main_appeal_left_sees_nothing_of_it(make: Factory) -> None:
    unit, right = make.a_unit(), make.a_unit(offset=1)
    main = make.appeal("assigned", unit=unit)
    one, director = merged(make, main), make.actor(make.holder("duty_director"))
    asked = {"reason": "示例：不属本单位职责。", "legal_basis": "示例条例第三条"}
    workflow.act(make.actor(make.member(unit)), main.id, "object", asked, version=None)
    request = db.session.scalars(select(HandlingRequest)).one()
    decided = {"request": str(request.id), "decision": "upheld", "reason": "示例", "right_unit": right.code}
    workflow.act(director, main.id, "decide_objection", decided, version=None)
    db.session.refresh(one)
    assert one.unit_id == right.id
    workflow.act(director, main.id, "handle_self", {}, version=None)
    db.session.refresh(one)
    assert one.unit_id is None


def test_with_the_main_appeal_every_merged_one_is_struck_off(make: Factory) -> None:
    main = make.appeal("answered")
    one = merged(make, main)
    ledger = make.actor(make.holder("ledger_admin"))
    with pytest.raises(Refused, match=r"strike-off\.merged-not-informed"):
        workflow.act(ledger, main.id, "strike_off", {}, version=None)
    tell(make, one)
    workflow.act(ledger, main.id, "strike_off", {}, version=None)
    db.session.refresh(one)
    assert (one.state, one.result) == ("closed", main.result)
    assert make.count(Journal, appeal_id=one.id, action="strike_off_merged") == 1


def test_an_appellant_is_told_once_there_is_something_to_tell(make: Factory) -> None:
    unit = make.a_unit()
    main = make.appeal("in_progress", unit=unit)
    one = merged(make, main)
    handler = make.actor(make.member(unit))
    with pytest.raises(Refused, match=r"inform\.main-unanswered"):
        tell(make, one)
    assert "inform" not in {action.name for action in workflow.actions_on(handler, one)}
    assert {q.name: len(q.rows) for q in desk.queues(handler)}["to_inform"] == 0
    answer = {"feedback": "示例：已修复。", "informed_at": present.now(), "informed_how": "phone"}
    workflow.act(handler, main.id, "answer", answer, version=None)
    assert {q.name: len(q.rows) for q in desk.queues(handler)}["to_inform"] == 1
    tell(make, one)
    db.session.refresh(one)
    assert one.informed_at is not None
    # A redo takes back what he was told.
    back = {"reason": "示例：补充说明。", "limit": "ordinary"}
    workflow.act(make.actor(make.holder("duty_director")), main.id, "send_back", back, version=None)
    db.session.refresh(one)
    assert (one.informed_at, one.informed_how, one.informed_by_id) == (None, "", None)


def test_an_appeal_is_not_merged_into_itself_or_a_finished_one(make: Factory) -> None:
    director = make.actor(make.holder("duty_director"))
    appeal, closed = make.appeal("registered"), make.appeal("closed")
    follower = merged(make, make.appeal("in_progress"))
    for number, code in (
        (appeal.number, "merge.itself"),
        (closed.number, "merge.closed"),
        (follower.number, "merge.closed"),
        ("示例", "merge.unknown"),
    ):
        with pytest.raises(FieldErrors) as refused:
            workflow.act(director, appeal.id, "merge", {"main": number}, version=None)
        assert [(one.field, one.code) for one in refused.value.problems] == [("main", code)]
    db.session.refresh(appeal)
    assert (appeal.state, appeal.merged_into_id) == ("registered", None)


def test_likely_mains_are_suggested_and_others_searched(make: Factory) -> None:
    like = make.appeal("in_progress", subject="示例：东湖小区停水三天", body="示例：东湖小区停水三天，居民无水可用。")
    make.appeal("closed", subject="示例：东湖小区停水三天", body="示例：东湖小区停水三天，居民无水可用。")
    other = make.appeal("in_progress", subject="示例：西山路口信号灯故障", body="示例：信号灯不亮。")
    appeal = make.appeal("registered", subject="示例：东湖小区停水", body="示例：东湖小区停水三天，没有人来修。")
    director = make.actor(make.holder("duty_director"))
    assert [one.id for one in mains.suggested(director, appeal)] == [like.id]
    assert [one.id for one in mains.searched(director, appeal, "信号灯")] == [other.id]
    assert [one.id for one in mains.searched(director, appeal, other.number or "")] == [other.id]
    assert mains.searched(make.actor(make.person()), appeal, other.number or "") == []


def test_the_field_is_told_number_subject_and_state(make: Factory) -> None:
    main, appeal = make.appeal("in_progress"), make.appeal("registered")
    client = make.signed_in(make.holder("duty_director"))
    answer = client.get(f"/merging/{appeal.id}/mains?q={main.number}", base_url=URL)
    (found,) = answer.get_json()
    assert (found["value"], found["label"]) == (main.number, main.subject)
    assert "办理中" in found["note"]
    assert f'data-mains="/merging/{appeal.id}/mains"' in client.get(f"/appeals/{appeal.id}/merge", base_url=URL).text


def test_several_appellants_are_told_with_one_form(make: Factory) -> None:
    main = make.appeal("under_review")
    both = [merged(make, main), merged(make, main)]
    client = make.signed_in(make.holder("duty_director"))
    page = client.get(f"/appeals/{main.id}", base_url=URL).text
    assert "热度3" in page
    chosen = {"action": "inform", "appeal": [str(one.id) for one in both], "back": str(main.id)}
    asked = client.post("/desk/bulk", base_url=URL, data=chosen)
    assert f'name="back" value="{main.id}"' in asked.text
    said = TOLD | {"informed_at": present.now().isoformat(), "confirmed": "1", "request_key": "k" * 24}
    answer = client.post("/desk/bulk", base_url=URL, data=chosen | said)
    assert answer.headers["Location"].endswith(f"/appeals/{main.id}")
    for one in both:
        db.session.refresh(one)
        assert one.informed_how == "phone"


def test_a_split_off_appeal_and_its_origin_lead_to_each_other(make: Factory) -> None:
    appeal = make.appeal("registered")
    client = make.signed_in(make.holder("duty_director"))
    assert appeal.body in client.get(f"/appeals/{appeal.id}/split", base_url=URL).text
    data = {"subject": "示例：另一件事", "body": "示例：还有噪声。"}
    workflow.act(make.actor(make.holder("duty_director")), appeal.id, "split", data, version=None)
    (cut,) = ending_of(make, appeal).splits
    second = db.session.get_one(Appeal, cut.id)
    assert make.count(Journal, appeal_id=second.id, action="take_in") == 1
    found = ending_of(make, second).split_from
    assert found is not None
    assert found.id == appeal.id
    assert f'href="/appeals/{appeal.id}"' in client.get(f"/appeals/{second.id}", base_url=URL).text


def test_what_was_not_accepted_shows_the_lawful_way(make: Factory) -> None:
    appeal = make.appeal("registered")
    data = {"ground": "示例：不在受理范围。", "route": "litigation", "informed_at": present.now(), **TOLD}
    workflow.act(make.actor(make.holder("duty_director")), appeal.id, "decline", data, version=None)
    client = make.signed_in(make.holder("ledger_admin"))
    page = client.get(f"/appeals/{appeal.id}", base_url=URL).text
    assert re.search(r"告知的法定途径[:：]\s*诉讼", page)


def test_each_note_keeps_its_author_and_moment(make: Factory) -> None:
    appeal = make.appeal("registered")
    ledger = make.holder("ledger_admin")
    for text in ("示例：第一条。", "示例：第二条。"):
        workflow.act(make.actor(ledger), appeal.id, "add_note", {"note": text}, version=None)
    db.session.refresh(appeal)
    found = ending_of(make, appeal).notes
    assert [one.text for one in found] == ["示例：第一条。", "示例：第二条。"]
    assert {one.person.id for one in found if one.person} == {ledger.id}
