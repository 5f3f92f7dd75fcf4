"""Leave and handover over HTTP: who sees what, where a refusal stands, how many statements a page costs."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import select

from app.models import Absence, Holding, Person, StandIn, db
from app.rules import absence_rows
from app.services import absence_workbook, absences, leave, present
from app.services.absences import Wish
from app.services.workbooks import Workbook
from tests.books import workbook
from tests.factories import Factory
from tests.services.test_absences import HEADER, Office
from tests.test_desk import counted

URL = "https://localhost"
DAY = timedelta(days=1)


@pytest.fixture
def office(make: Factory) -> Office:
    return Office(make)


def _local(ahead: timedelta) -> str:
    return (present.now() + ahead).astimezone(present.zone()).strftime("%Y-%m-%d %H:%M")


def _form(**more: str) -> dict[str, str]:
    return {"kind": "leave", "starts_at": _local(2 * DAY), "ends_at": _local(4 * DAY), "reason": "示例：休假", **more}


def test_a_request_is_sent_and_shown(office: Office) -> None:
    browser = office.make.signed_in(office.a)
    answer = browser.post("/leave/new", base_url=URL, data=_form())
    assert answer.status_code == 302
    page = browser.get(answer.location, base_url=URL).text
    assert "待确认" in page
    assert office.b.name in page  # who acts meanwhile
    assert "未交接" in page


def test_a_refusal_stands_at_its_field_and_what_was_typed_stays(office: Office) -> None:
    browser = office.make.signed_in(office.a)
    answer = browser.post("/leave/new", base_url=URL, data=_form(ends_at=_local(DAY)))
    assert answer.status_code == 422
    assert re.search(r'id="f-ends_at-error"', answer.text)
    assert "示例：休假" in answer.text
    answer = browser.post("/leave/new", base_url=URL, data=_form(starts_at="明天"))
    assert answer.status_code == 422
    assert re.search(r'id="f-starts_at-error"', answer.text)
    assert office.make.count(Absence, person_id=office.a.id) == 0


def test_both_away_offers_the_leader_at_once_and_takes_him(office: Office) -> None:
    office.request(office.a)
    browser, key = office.make.signed_in(office.b), f"stand_in-post-{office.post.id}"
    shown = browser.post("/leave/preview", base_url=URL, data=_form()).text
    assert f'name="{key}"' in shown
    assert office.leader.name in shown
    refused = browser.post("/leave/new", base_url=URL, data=_form())
    assert refused.status_code == 422
    assert f'id="f-{key}-error"' in refused.text
    assert browser.post("/leave/new", base_url=URL, data=_form(**{key: str(office.leader.id)})).status_code == 302
    assert office.make.count(StandIn, person_id=office.leader.id, kind="both_away") == 1


def test_a_preview_is_about_oneself(office: Office) -> None:
    stranger = office.make.signed_in(office.make.person())
    shown = stranger.post("/leave/preview", base_url=URL, data=_form(person=str(office.a.id))).text
    assert office.b.name not in shown


def test_the_leader_decides_on_the_page(office: Office) -> None:
    absence = office.request(office.a)
    browser = office.make.signed_in(office.leader)
    assert office.a.name in browser.get("/leave/", base_url=URL).text
    page = browser.get(f"/leave/{absence.id}", base_url=URL).text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    sent = {"decision": "confirm", "version": version[1]}
    assert browser.post(f"/absences/{absence.id}/decide", base_url=URL, data=sent).status_code == 302
    assert db.session.get_one(Absence, absence.id).state == "confirmed"


def test_reasons_are_for_those_who_decide(office: Office) -> None:
    """The supervisor sees who is away and whether it is handed over, not why."""
    system = office.make.actor(officer="system")
    wish = Wish("sick", present.now() - DAY, present.now() + DAY, "示例：住院")
    absence = absences.enter(system, office.a.id, wish)
    supervisor = office.make.signed_in(office.make.holder("supervisor"))
    page = supervisor.get("/leave/", base_url=URL).text
    assert office.a.name in page
    assert "未交接" in page
    assert "住院" not in page
    assert "病假" not in page
    assert supervisor.get(f"/leave/{absence.id}", base_url=URL).status_code == 404


def test_a_supervisor_who_leads_one_post_reads_the_reasons_of_that_post_alone(office: Office) -> None:
    system, supervisor = office.make.actor(officer="system"), office.make.holder("supervisor")
    office.post.leader_id = supervisor.id
    stranger = office.make.person("示例别处")
    for person, why in ((office.a, "示例：体检"), (stranger, "示例：家事")):
        absences.enter(system, person.id, Wish("sick", present.now() - DAY, present.now() + DAY, why))
    page = office.make.signed_in(supervisor).get("/leave/", base_url=URL).text
    assert stranger.name in page
    assert "体检" in page
    assert "家事" not in page


def test_a_post_is_taken_over_and_back(office: Office) -> None:
    browser = office.make.signed_in(office.b)
    address = f"/leave/take-over/{office.post.id}"
    assert f'href="{address}"' in browser.get("/leave/", base_url=URL).text
    assert browser.get(address, base_url=URL).status_code == 200
    assert browser.post(address, base_url=URL, data={"reason": ""}).status_code == 422
    assert browser.post(address, base_url=URL, data={"reason": "示例：A角开会"}).status_code == 302
    row = db.session.scalars(select(StandIn).where(StandIn.kind == "take_over")).one()
    other = office.make.signed_in(office.a)
    assert f"/leave/take-back/{row.id}" in other.get("/leave/", base_url=URL).text
    assert other.post(f"/leave/take-back/{row.id}", base_url=URL).status_code == 302
    assert f'href="{address}"' in browser.get("/leave/", base_url=URL).text


def test_a_workbook_is_handed_in_looked_through_and_entered(office: Office) -> None:
    browser = office.make.signed_in(officer="system")
    first = (present.today() + 5 * DAY).isoformat()
    content = workbook(HEADER, (office.a.name, "", first, first, "出差", "示例"))
    sent = {"workbook": (BytesIO(content), "示例.xlsx")}
    page = browser.post("/absences/workbook", base_url=URL, data=sent)
    assert page.status_code == 200
    form = {
        name: re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)"', page.text)
        for name in ("row", "person", "starts_at", "ends_at", "kind", "reason", "stand_in")
    }
    assert browser.post("/absences/enter-many", base_url=URL, data=form).status_code == 302
    again = browser.post("/absences/enter-many", base_url=URL, data=form)
    assert again.status_code == 422
    assert "第2行" in again.text or ">2<" in again.text
    assert office.make.count(Absence, person_id=office.a.id) == 1


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_template_is_understood_when_it_is_handed_in(office: Office, locale: str) -> None:
    browser = office.make.signed_in(officer="system")
    with browser.session_transaction(base_url=URL) as cookie:
        cookie["locale"] = locale
    template = browser.post("/absences/template", base_url=URL)
    assert template.status_code == 200
    rows = list(Workbook(template.data).rows(Workbook(template.data).sheets()[0].name))
    found = [found for _number, cells in rows if (found := absence_rows.header_of(cells))]
    assert [set(header) for header in found] == [set(absence_rows.COLUMNS)]
    # Only the line that shows how it is filled in is one, and it names nobody.
    reading = absence_workbook.read(office.make.actor(officer="system"), template.data)
    assert [(p.column, p.code) for p in reading.problems] == [("name", "person.unknown-name")]


def test_the_page_costs_the_same_however_many_are_away(office: Office) -> None:
    browser = office.make.signed_in(office.leader)
    system = office.make.actor(officer="system")

    def cost() -> int:
        browser.get("/leave/", base_url=URL)
        db.session.expire_all()
        with counted() as statements:
            assert browser.get("/leave/", base_url=URL).status_code == 200
        return len(statements)

    absences.enter(system, office.a.id, Wish("leave", present.now() - DAY, present.now() + DAY))
    few = cost()
    assert few <= 14
    for _each in range(4):
        person = office.make.person()
        db.session.add(Holding(post_id=office.post.id, person_id=person.id, role="A", valid=_past(office)))
        db.session.commit()
        absences.enter(system, person.id, Wish("leave", present.now() - DAY, present.now() + DAY))
    assert cost() <= few


def _past(office: Office) -> object:
    """A time before everybody else's in which nobody held the post."""
    from sqlalchemy.dialects.postgresql import Range

    count = office.make.count(Holding, post_id=office.post.id)
    start = present.now() - timedelta(days=20_000 - 10 * count)
    return Range(start, start + DAY, bounds="[)")


def test_an_absence_page_costs_few_statements(office: Office) -> None:
    absence = office.away(office.a)
    leave.make_sheets(office.make.actor(office.a), absence.id)
    browser = office.make.signed_in(office.a)
    browser.get(f"/leave/{absence.id}", base_url=URL)
    db.session.expire_all()
    with counted() as statements:
        assert browser.get(f"/leave/{absence.id}", base_url=URL).status_code == 200
    assert len(statements) <= 24, "\n\n".join(statements)


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_every_page_opens_in_both_languages(office: Office, locale: str) -> None:
    absence = office.away(office.a)
    for person, pages in (
        (office.a, ("/leave/", "/leave/new", f"/leave/{absence.id}")),
        (office.leader, ("/leave/", f"/leave/{absence.id}")),
        (None, ("/leave/", "/absences/enter", "/absences/workbook", f"/leave/{absence.id}")),
    ):
        browser = office.make.signed_in(person, officer=None if person else "system")
        with browser.session_transaction(base_url=URL) as cookie:
            cookie["locale"] = locale
        for page in pages:
            assert browser.get(page, base_url=URL).status_code == 200, page


def test_nobody_without_a_person_asks_for_leave(make: Factory) -> None:
    browser = make.signed_in(officer="audit")
    assert browser.post("/leave/new", base_url=URL, data=_form()).status_code == 403
    assert make.count(Person, code="audit") == 0
