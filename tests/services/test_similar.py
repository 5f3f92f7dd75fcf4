"""The caller's earlier appeals and likely duplicates: by number, text and place, never out of sight (R2)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.models import Audit, db
from app.rules.errors import Refused
from app.services import present, similar
from app.services.similar import Found, Typed
from tests.factories import Factory
from tests.test_desk import counted as statements_in

PHONE, IDENTITY = "13800000007", "11010519491231002X"
SUBJECT, BODY = "示例：浔阳路西段路灯不亮", "示例：浔阳路西段三盏路灯已经坏了一个星期，晚上走路看不见。"


def ids(found: tuple[Found, ...]) -> list[int]:
    return [one.id for one in found]


def test_a_caller_is_found_by_his_number_in_another_class_too(make: Factory) -> None:
    """The duty office's person collects A and F, the registrar's sees every class."""
    visit = make.appeal(
        "submitted", channel_class="F", appellant_phone=PHONE, subject="示例：别的事", body="示例：欠薪"
    )
    collector = make.actor(make.holder("collector_a"))
    found = similar.find(collector, Typed(phone=" 138-0000-0007 "))
    assert ids(found.earlier) == [visit.id]
    assert (found.likely, found.earlier[0].likeness.phone) == ((), True)


def test_what_is_out_of_sight_is_neither_shown_nor_counted(make: Factory) -> None:
    make.appeal("submitted", channel_class="E", appellant_phone=PHONE, subject=SUBJECT, body=BODY)
    collector = make.actor(make.holder("collector_a"))
    assert similar.find(collector, Typed(phone=PHONE, subject=SUBJECT, body=BODY)) == similar.Similar()
    registrar = make.actor(make.holder("registrar"))
    assert len(similar.find(registrar, Typed(phone=PHONE, subject=SUBJECT, body=BODY)).likely) == 1


def test_a_visitor_is_found_by_his_identity_number(make: Factory) -> None:
    known = make.appeal("submitted", channel_class="F", appellant_identity=IDENTITY, subject="示例：别的事")
    found = similar.find(make.actor(make.holder("collector_f")), Typed(identity=IDENTITY.lower()))
    assert ids(found.earlier) == [known.id]


@pytest.mark.parametrize("half", ["138000000", "not a number", ""])
def test_half_a_number_finds_nobody(make: Factory, half: str) -> None:
    make.appeal("submitted", appellant_phone=PHONE)
    assert similar.find(make.actor(make.holder("collector_a")), Typed(phone=half)).earlier == ()


def test_similar_text_is_found_with_its_percent(make: Factory) -> None:
    known = make.appeal("registered", subject=SUBJECT, body=BODY)
    make.appeal("registered", subject="示例：自来水浑浊", body="示例：自来水发黄，有泥沙。")
    collector = make.actor(make.holder("collector_a"))
    found = similar.find(collector, Typed(subject="示例：浔阳路西段的路灯坏了", body=BODY))
    assert ids(found.likely) == [known.id]
    assert found.likely[0].likeness.text_percent > 60
    assert found.likely[0].number == known.number


def test_the_same_place_makes_half_a_likeness_enough(make: Factory) -> None:
    known = make.appeal(
        "submitted", subject="示例：路灯问题", body="示例：路灯坏了无人修理，请处理。", place="示例路18号"
    )
    collector = make.actor(make.holder("collector_a"))
    typed = Typed(subject="示例：路灯坏了很久", body="示例：这里的路灯坏了很久没有人来修理。")
    assert similar.find(collector, typed).likely == ()
    near = similar.find(collector, Typed(subject=typed.subject, body=typed.body, place="示例路18号 "))
    assert ids(near.likely) == [known.id]
    assert near.likely[0].likeness.place


def test_what_is_long_ago_is_no_duplicate_but_an_earlier_appeal(make: Factory) -> None:
    with present.at(present.now() - timedelta(days=200)):
        known = make.appeal("submitted", subject=SUBJECT, body=BODY, appellant_phone=PHONE)
    collector = make.actor(make.holder("collector_a"))
    assert similar.find(collector, Typed(subject=SUBJECT, body=BODY)).likely == ()
    assert known.id in ids(similar.find(collector, Typed(phone=PHONE, subject=SUBJECT, body=BODY)).likely)


def test_a_draft_is_not_like_itself(make: Factory) -> None:
    draft = make.appeal("draft", subject=SUBJECT, body=BODY, appellant_phone=PHONE)
    typed = Typed(phone=PHONE, subject=SUBJECT, body=BODY, appeal_id=draft.id)
    assert similar.find(make.actor(make.holder("collector_a")), typed) == similar.Similar()


def test_a_number_of_the_petition_office_is_found(make: Factory) -> None:
    known = make.appeal("submitted", channel_class="E", petition_number="示例-2026-7")
    found = similar.find(make.actor(make.holder("collector_e")), Typed(petition_number="示例-2026-7"))
    assert ids(found.likely) == [known.id]


def test_looking_a_person_up_is_audited_once(make: Factory) -> None:
    known = make.appeal("submitted", appellant_phone=PHONE)
    collector = make.actor(make.holder("collector_a"))
    for _twice in range(2):
        similar.find(collector, Typed(phone=PHONE))
    row = db.session.query(Audit).filter_by(event="appellant.lookup").one()
    assert (row.object_id, row.detail) == (str(known.id), {})


def test_a_stranger_is_refused(make: Factory) -> None:
    for stranger in (make.actor(make.person()), make.actor(make.member(make.a_unit()))):
        with pytest.raises(Refused):
            similar.find(stranger, Typed(phone=PHONE))


def test_what_takes_too_long_is_left_and_said(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    known = make.appeal("submitted", appellant_phone=PHONE, subject=SUBJECT, body=BODY)

    def slow(*_args: object) -> list[object]:
        db.session.execute(text("SELECT pg_sleep(5)"))
        return []

    monkeypatch.setattr(similar, "MILLISECONDS", 50)
    monkeypatch.setattr(similar, "_by_text", slow)
    found = similar.find(make.actor(make.holder("collector_a")), Typed(phone=PHONE, subject="示例：别的诉求内容"))
    assert found.is_partial
    assert ids((*found.likely, *found.earlier)) == [known.id]
    assert db.session.scalar(text("SELECT current_setting('statement_timeout')")) != "50ms"


def test_it_costs_a_fixed_number_of_statements(make: Factory) -> None:
    for _each in range(3):
        make.appeal("submitted", subject=SUBJECT, body=BODY, place="示例路", appellant_phone=PHONE)
    collector = make.actor(make.holder("collector_a"))
    typed = Typed(PHONE, IDENTITY, SUBJECT, BODY, "示例路", "7")
    with statements_in() as seen:
        similar.look(collector, typed)
    # The weights; five places to look, each with three settings of its time limit; two for the rarest grams.
    assert len(seen) <= 1 + 5 * 4 + 2
