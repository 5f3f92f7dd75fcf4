"""Lists of appeals and the ledger: who sees what, how it is searched and paged, what a page costs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.models import Appeal, Category, Clock, db
from app.services import access, ledger, present
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"
APPEALS, BOOK = "/ledger/appeals/list/", "/ledger/book/list/"


def _subjects(browser: FlaskClient, address: str = APPEALS, **query: object) -> list[str]:
    page = browser.get(address, base_url=URL, query_string=query)
    assert page.status_code == 200
    return re.findall(r'<a href="/appeals/\d+">([^<]+)</a>', page.text)


def test_a_collector_sees_his_class_only(make: Factory) -> None:
    make.appeal("submitted", channel_class="A", subject="示例甲")
    make.appeal("submitted", channel_class="C", subject="示例丙")
    assert _subjects(make.signed_in(make.holder("collector_c"))) == ["示例丙"]


def test_a_unit_handler_sees_what_was_assigned_to_his_unit(make: Factory) -> None:
    unit = make.a_unit()
    make.appeal("assigned", unit=unit, subject="示例本单位")
    make.appeal("assigned", unit=make.a_unit(offset=1), subject="示例别单位")
    assert _subjects(make.signed_in(make.member(unit))) == ["示例本单位"]


@pytest.mark.parametrize("officer", ["system", "security", "audit"])
def test_an_officer_reads_no_appeals(make: Factory, officer: str) -> None:
    browser = make.signed_in(officer=officer)
    assert browser.get(APPEALS, base_url=URL).status_code == 403
    assert browser.get(BOOK, base_url=URL).status_code == 403


def test_the_ledger_is_for_those_who_keep_it_or_supervise(make: Factory) -> None:
    make.appeal("registered", subject="示例已编号")
    make.appeal("submitted", subject="示例未编号")
    for code in ("ledger_admin", "supervisor"):
        assert _subjects(make.signed_in(make.holder(code)), BOOK) == ["示例已编号"]
    assert make.signed_in(make.holder("collector_c")).get(BOOK, base_url=URL).status_code == 403


def test_filters_of_the_address_narrow_the_list(make: Factory) -> None:
    first, second = make.a_unit(), make.a_unit(offset=1)
    make.appeal("assigned", unit=first, subject="示例一")
    make.appeal("in_progress", unit=second, subject="示例二")
    browser = make.signed_in(make.holder("duty_director"))
    assert _subjects(browser, _flt_0_state="assigned") == ["示例一"]
    assert _subjects(browser, _flt_0_unit=second.id) == ["示例二"]
    assert _subjects(browser, _flt_0_channel_class="F") == []
    assert _subjects(browser, _flt_0_unit="x") == []
    today = present.today()
    assert len(_subjects(browser, _flt_0_received_at=today, _flt_1_received_at=today)) == 2
    assert _subjects(browser, _flt_1_received_at=today - timedelta(days=1)) == []


def test_a_category_is_found_with_what_stands_below_it(make: Factory) -> None:
    top = Category(code="示例大类", name="示例大类", level=1)
    db.session.add(top)
    db.session.flush()
    below = Category(code="示例大类/示例小类", name="示例小类", level=2, parent_id=top.id)
    other = Category(code="示例大类外", name="示例大类外", level=1)
    db.session.add_all([below, other])
    db.session.flush()
    for subject, category in (("示例一", below), ("示例二", other)):
        appeal = make.appeal("registered", subject=subject)
        db.session.execute(update(Appeal).where(Appeal.id == appeal.id).values(category_id=category.id))
    browser = make.signed_in(make.holder("duty_director"))
    assert _subjects(browser, _flt_0_category=top.id) == ["示例一"]


@pytest.mark.parametrize("query", ["_flt_9_state", "_flt_0_appellant_name_sealed", "_oc_AppealModelView", "after"])
def test_a_mistyped_address_is_no_error(make: Factory, query: str) -> None:
    make.appeal("registered", subject="示例一")
    browser = make.signed_in(make.holder("duty_director"))
    assert _subjects(browser, **{query: "\x00~x", "_od_AppealModelView": "asc"}) == ["示例一"]


@pytest.mark.parametrize("day", ["gestern", "9999-12-31", "0001-01-01"])
def test_a_day_that_is_none_is_named(make: Factory, day: str) -> None:
    browser = make.signed_in(make.holder("duty_director"))
    page = browser.get(APPEALS, base_url=URL, query_string={"_flt_0_received_at": day, "_flt_1_received_at": day})
    assert page.status_code == 422


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("路灯", ["示例：路灯不亮"]),
        ("灯不", ["示例：路灯不亮"]),
        ("LED", ["示例：路灯不亮"]),
        ("100%", ["示例：路灯不亮"]),
        ("灯%亮", []),
        ("灯_亮", []),
        ("不亮路", []),
        ("灯", []),
    ],
)
def test_words_are_found_inside_subject_and_text(make: Factory, term: str, found: list[str]) -> None:
    make.appeal("registered", subject="示例：路灯不亮", body="示例：led灯100%不亮")
    make.appeal("registered", subject="示例：井盖丢失", body="示例")
    assert _subjects(make.signed_in(make.holder("duty_director")), q=term) == found


def test_a_number_is_found_whole_or_by_its_sequence(make: Factory) -> None:
    appeal = make.appeal("registered", subject="示例一")
    make.appeal("registered", subject="示例二")
    assert appeal.number is not None
    browser = make.signed_in(make.holder("duty_director"))
    sequence = appeal.number.rpartition("-")[2]
    for term in (appeal.number, sequence, sequence.lstrip("0"), f"A-{sequence}", f"a-{sequence.lstrip('0')}"):
        assert _subjects(browser, q=term) == ["示例一"], term
    assert _subjects(browser, q=f"B-{sequence}") == []


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("order", ["received_at", "number"])
def test_pages_follow_each_other_without_gap_or_repeat(
    make: Factory, monkeypatch: pytest.MonkeyPatch, order: str, direction: str
) -> None:
    monkeypatch.setattr(ledger, "SIZE", 2)
    moment = present.now() - timedelta(minutes=30)
    for number in range(5):
        # Two of them in the same second: the id decides.
        make.appeal("registered", subject=f"示例{number}", received_at=moment + timedelta(seconds=number // 2))
    actor = make.actor(make.holder("duty_director"))
    query = access.appeals_for(actor).where(Appeal.subject.like("示例_"))
    forwards, key = [], ""
    is_descending = direction == "desc"
    while True:
        page = ledger.page(query, order=order, is_descending=is_descending, key=key)
        forwards.append([line.appeal.subject for line in page.lines])
        if page.older is None:
            break
        key = page.older
    expected = [f"示例{number}" for number in (range(4, -1, -1) if is_descending else range(5))]
    assert [subject for subjects in forwards for subject in subjects] == expected
    assert page.newer is not None
    back = ledger.page(query, order=order, is_descending=is_descending, key=page.newer, is_backwards=True)
    assert [line.appeal.subject for line in back.lines] == forwards[1]
    assert back.older is not None
    assert back.newer is not None
    first = ledger.page(query, order=order, is_descending=is_descending, key=back.newer, is_backwards=True)
    assert [line.appeal.subject for line in first.lines] == forwards[0]
    assert first.newer is None


def test_counting_stops_at_its_cap(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "COUNT_CAP", 1)
    for _each in range(3):
        make.appeal("registered")
    assert ledger.page(access.appeals_for(make.actor(make.holder("duty_director")))).count == 2


@pytest.mark.parametrize(
    ("state", "minutes_due", "how"),
    [
        ("in_progress", 60, "running"),
        ("in_progress", -60, "overdue"),
        ("answered", 60, "in_time"),
        ("answered", -60, "late"),
    ],
)
def test_the_ledger_says_whether_it_was_finished_in_time(make: Factory, state: str, minutes_due: int, how: str) -> None:
    appeal = make.appeal(state, subject="示例一")
    db.session.execute(
        update(Clock)
        .where(Clock.appeal_id == appeal.id, Clock.kind == "unit_limit")
        .values(due_at=present.now() + timedelta(minutes=minutes_due))
    )
    actor = make.actor(make.holder("ledger_admin"))
    assert [line.finished for line in ledger.page(access.appeals_for(actor, "record")).lines] == [how]
    browser = make.signed_in(make.holder("ledger_admin"))
    for wanted in ledger.FINISHED:
        assert _subjects(browser, BOOK, _flt_0_clocks=wanted) == (["示例一"] if wanted == how else [])


@pytest.mark.parametrize("address", [APPEALS, BOOK])
def test_a_page_costs_few_statements_however_long(make: Factory, address: str) -> None:
    for _each in range(4):
        make.appeal("in_progress")
    browser = make.signed_in(make.holder("ledger_admin"))
    browser.get(address, base_url=URL)
    db.session.expire_all()
    with counted() as statements:
        assert len(_subjects(browser, address, q="示例", _flt_0_state="in_progress")) == 4
    assert len(statements) <= 9, "\n\n".join(statements)


def test_a_common_word_is_found_along_the_order(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """More hits than are counted: the other way of searching finds the same."""
    monkeypatch.setattr(ledger, "COUNT_CAP", 2)
    for number in range(4):
        make.appeal("registered", subject=f"示例路灯{number}", body="示例")
    make.appeal("registered", subject="示例井盖", body="示例")
    page = ledger.page(access.appeals_for(make.actor(make.holder("duty_director"))), term="路灯")
    assert [line.appeal.subject for line in page.lines] == [f"示例路灯{number}" for number in (3, 2, 1, 0)]
    assert page.count == 3


def test_the_search_can_use_the_bigram_index(make: Factory) -> None:
    """The condition is written as the index is; with sequential scans dear the planner takes it."""
    make.appeal("registered")
    db.session.execute(db.text("SET LOCAL enable_seqscan = off"))
    query = select(Appeal.id).where(ledger.matches("路灯"))
    compiled = query.compile(db.session.get_bind(), compile_kwargs={"literal_binds": True})
    plan = "\n".join(db.session.scalars(db.text(f"EXPLAIN {str(compiled).replace(':', chr(92) + ':')}")))
    assert "ix_appeal_bigrams" in plan


def test_a_voided_number_stands_struck_through_with_its_reason(make: Factory) -> None:
    make.appeal("voided")
    page = make.signed_in(make.holder("ledger_admin")).get("/ledger/book/list/", base_url="https://localhost").text
    assert '<tr class="is-voided">' in page
    assert "示例：重复编号。" in page
