"""Personnel changes on pages: the form and its preview, records, acknowledgement, leaving; what they cost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Holding, Journal, Person, StaffingChange, Unit, db
from app.services import changes, present
from app.services.changes import Change
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"


@pytest.fixture
def system(make: Factory) -> FlaskClient:
    return make.signed_in(officer="system")


def _form(make: Factory, **more: object) -> dict[str, object]:
    return {
        "place": f"holding:{make.post('ledger_admin').id}:A",
        "person": str(make.person("示例接任人").id),
        "at": _local(),
        "reason": "示例：轮岗",
        "request_key": "form-1",
        **more,
    }


def _local(**ago: float) -> str:
    return (present.now() - timedelta(**ago)).astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")


def _send(browser: FlaskClient, form: dict[str, object]) -> object:
    return browser.post("/changes/new", base_url=URL, data=form)


def _record(make: Factory, **more: object) -> StaffingChange:
    """A change that the system officer filed."""
    wanted = {"post_id": make.post("ledger_admin").id, "role": "A", "person_id": make.person("示例接任人").id, **more}
    kind = "chain" if "unit_id" in more else "holding"
    if kind == "chain":
        wanted["post_id"] = None
    return changes.file(make.actor(officer="system"), Change(kind, present.now(), "示例：轮岗", **wanted))  # type: ignore[arg-type]


def _errors(page: str) -> set[str]:
    return set(re.findall(r'id="f-(\w+)-error"', page))


def test_a_change_is_filed_by_form_and_leads_to_its_record(system: FlaskClient, make: Factory) -> None:
    sent = _form(make)
    answer = system.post("/changes/new", base_url=URL, data=sent)
    assert answer.status_code == 302
    record = db.session.scalars(select(StaffingChange)).one()
    assert answer.location.endswith(f"/changes/{record.id}")
    page = system.get(answer.location, base_url=URL).text
    assert record.number in page
    assert "示例接任人" in page
    assert str(make.holder("ledger_admin").id) == sent["person"]


def test_sending_it_twice_acts_once(system: FlaskClient, make: Factory) -> None:
    sent = _form(make)
    first, again = _send(system, sent), _send(system, sent)
    assert first.location == again.location  # type: ignore[attr-defined]
    assert make.count(StaffingChange) == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"place": ""}, "place"),
        ({"place": "holding:999999:A"}, "place"),
        ({"person": ""}, "person"),
        ({"person": "999999"}, "person"),
        ({"person": "new"}, "newcomer"),
        ({"at": "昨天"}, "at"),
        ({"at": "2199-01-01 00:00"}, "at"),
        ({"reason": ""}, "reason"),
        ({"reason": "长" * 201}, "reason"),
    ],
)
def test_a_refusal_stands_at_its_field(
    system: FlaskClient, make: Factory, more: dict[str, str], field: str
) -> None:
    answer = system.post("/changes/new", base_url=URL, data=_form(make, **more))
    assert answer.status_code == 422
    assert _errors(answer.text) == {field}
    assert make.count(StaffingChange) == 0


def test_somebody_who_is_not_in_the_list_is_entered_with_the_change(system: FlaskClient, make: Factory) -> None:
    sent = _form(make, person="new", newcomer="示例新人", position="示例科长")
    assert system.post("/changes/new", base_url=URL, data=sent).status_code == 302
    person = db.session.scalars(select(Person).where(Person.name == "示例新人")).one()
    assert (person.position, person.unit_id) == ("示例科长", make.post("ledger_admin").office_id)
    assert make.holder("ledger_admin") is person
    again = _form(make, person="new", newcomer="示例新人", request_key="form-2")
    assert _errors(system.post("/changes/new", base_url=URL, data=again).text) == {"newcomer"}


def test_who_stands_there_by_now_is_noticed(system: FlaskClient, make: Factory) -> None:
    sent = _form(make)
    seen = f"{sent['place']}={make.holder('ledger_admin').id}"
    _record(make, person_id=make.person("示例先到").id)
    answer = system.post("/changes/new", base_url=URL, data={**sent, "seen": seen})
    assert answer.status_code == 422
    assert make.holder("ledger_admin").name == "示例先到"
    assert "示例先到" in answer.text


def test_the_form_says_in_one_sentence_what_will_happen(system: FlaskClient, make: Factory) -> None:
    old, sent = make.holder("ledger_admin"), _form(make)
    form = system.get(f"/changes/new?place={sent['place']}", base_url=URL).text
    assert f'value="{sent["place"]}={old.id}"' in form
    preview = system.post("/changes/preview", base_url=URL, data=sent)
    assert preview.status_code == 200
    assert "示例接任人" in preview.text
    assert "没有账号。在此之前按空缺计算。" in preview.text
    assert old.name in preview.text
    assert make.count(StaffingChange) == 0
    wrong = system.post("/changes/preview", base_url=URL, data={**sent, "person": str(old.id)})
    assert "is-danger" in wrong.text


def test_a_past_moment_is_marked(system: FlaskClient, make: Factory) -> None:
    answer = system.post("/changes/new", base_url=URL, data=_form(make, at=_local(days=3)))
    assert "补报" in system.get(answer.location, base_url=URL).text
    held = db.session.scalars(select(Holding).order_by(Holding.id.desc()).limit(1)).one()
    assert present.now() - held.valid.lower > timedelta(days=2)


def test_the_list_is_filtered(system: FlaskClient, make: Factory) -> None:
    unit = make.a_unit("local_government")
    post = _record(make)
    link = _record(make, unit_id=unit.id, link="first", role="B")
    for query, there, gone in (
        ("kind=chain", link, post),
        ("kind=holding", post, link),
        (f"unit={unit.id}", link, post),
        (f"post={make.post('ledger_admin').id}", post, link),
    ):
        page = system.get(f"/changes/?{query}", base_url=URL).text
        assert there.number in page
        assert gone.number not in page
    assert post.number not in system.get("/changes/?state=acknowledged", base_url=URL).text
    assert post.number not in system.get("/changes/?until=2020-01-01", base_url=URL).text
    assert post.number in system.get("/changes/?from=2020-01-01&state=nonsense&post=nonsense", base_url=URL).text


def test_the_duty_director_finds_it_on_his_desk_and_acknowledges(make: Factory) -> None:
    first, second = _record(make), _record(make, role="B", person_id=None)
    director = make.signed_in(make.holder("duty_director"))
    desk = director.get("/desk/", base_url=URL).text
    assert "/changes/?state=filed" in desk
    assert director.get("/api/v1/feed", base_url=URL).json["badges"]["Changes"] == 2  # type: ignore[index]
    sent = {"change": [str(first.id), str(second.id)]}
    assert director.post("/changes/acknowledge", base_url=URL, data=sent).status_code == 302
    assert director.post("/changes/acknowledge", base_url=URL, data=sent).status_code == 302
    assert make.count(StaffingChange, state="acknowledged") == 2
    assert make.count(Journal, action="acknowledge") == 2
    assert "/changes/?state=filed" not in director.get("/desk/", base_url=URL).text
    page = director.get(f"/changes/{first.id}/sheet", base_url=URL).text
    assert make.holder("duty_director").name in page


def test_a_units_handler_sees_and_reports_his_own_chain_only(make: Factory) -> None:
    own, foreign = make.a_unit("local_government"), make.a_unit("local_government", 1)
    theirs = _record(make, unit_id=foreign.id, link="first", role="B")
    browser, colleague = make.signed_in(make.member(own)), make.person("示例同事", unit_id=own.id)
    make.person("示例外人")
    form = browser.get("/changes/new", base_url=URL).text
    assert f'value="chain:{own.id}:direct:B"' in form
    assert f"chain:{foreign.id}:" not in form
    assert "holding:" not in form
    assert "示例同事" in form
    assert "示例外人" not in form
    sent = _form(make, place=f"chain:{own.id}:direct:B", person=str(colleague.id))
    assert browser.post("/changes/new", base_url=URL, data=sent).status_code == 302
    page = browser.get("/changes/", base_url=URL).text
    assert theirs.number not in page
    assert browser.get(f"/changes/{theirs.id}", base_url=URL).status_code == 404
    away = _form(make, place=f"chain:{foreign.id}:direct:B", person=str(colleague.id), request_key="form-2")
    assert _errors(browser.post("/changes/new", base_url=URL, data=away).text) == {"place"}


def test_every_place_leads_to_the_form(system: FlaskClient, make: Factory) -> None:
    post, person, unit = make.post("ledger_admin"), make.person(), make.a_unit()
    shown = system.get(f"/dictionary/posts/show/{post.id}", base_url=URL).text
    assert 'action="/changes/new"' in shown
    assert f'value="holding:{post.id}:A"' in shown
    for page, link in (
        (f"posts/show/{post.id}", f"/changes/new?place=leader:{post.id}"),
        (f"people/show/{person.id}", f"/changes/new?person={person.id}"),
        (f"people/show/{person.id}", f"/changes/leave/{person.id}"),
        (f"units/show/{unit.id}", f"/changes/new?place=chain:{unit.id}:first:A"),
        ("holdings/list/", "/changes/new"),
    ):
        assert f'href="{link}"' in system.get(f"/dictionary/{page}", base_url=URL).text


def test_somebody_leaves_by_form(system: FlaskClient, make: Factory) -> None:
    person = make.person("示例离岗人")
    _record(make, person_id=person.id)
    page = system.get(f"/changes/leave/{person.id}", base_url=URL).text
    assert make.post("ledger_admin").name in page
    empty = system.post(f"/changes/leave/{person.id}", base_url=URL, data={"at": "", "reason": ""})
    assert (empty.status_code, _errors(empty.text)) == (422, {"reason"})
    sent = {"at": _local(), "reason": "示例：退休", "request_key": "leave-1"}
    answer = system.post(f"/changes/leave/{person.id}", base_url=URL, data=sent)
    assert answer.status_code == 302
    record = system.get(answer.location, base_url=URL).text
    assert make.post("ledger_admin").name in record
    assert system.get(f"{answer.location}/sheet", base_url=URL).status_code == 200
    assert system.get(f"/changes/leave/{person.id}", base_url=URL).status_code == 404


def test_the_pages_cost_few_statements(system: FlaskClient, make: Factory) -> None:
    records = [_record(make) for _each in range(4)]
    for address, most in (
        ("/changes/", 6),
        (f"/changes/{records[0].id}", 4),
        (f"/changes/new?place=holding:{make.post('ledger_admin').id}:A", 10),
        (f"/changes/leave/{make.holder('ledger_admin').id}", 24),
    ):
        system.get(address, base_url=URL)
        db.session.expire_all()
        with counted() as statements:
            assert system.get(address, base_url=URL).status_code == 200
        assert len(statements) <= most, f"{address}: {len(statements)}\n" + "\n\n".join(statements)


def test_a_long_list_has_pages(system: FlaskClient, make: Factory) -> None:
    records = [_record(make) for _each in range(31)]
    page = system.get("/changes/?kind=holding", base_url=URL).text
    assert records[0].number not in page
    older = re.search(r'href="([^"]*before=[^"]*)"', page)
    assert older is not None
    assert "kind=holding" in older[1]
    assert records[0].number in system.get(older[1].replace("&amp;", "&"), base_url=URL).text


def test_units_are_offered_with_the_links_their_kind_has(system: FlaskClient, make: Factory) -> None:
    form = system.get("/changes/new", base_url=URL).text
    county: Unit = make.a_unit("local_government")
    department: Unit = make.a_unit("department")
    assert f"chain:{county.id}:coordinating:B" not in form
    assert f"chain:{department.id}:coordinating:B" in form
    assert f"chain:{department.id}:final:A" not in form
