"""Forms that name a person hold the first of them; the others are found by typing, as far as one may name them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app import extra_forms
from app.models import Membership, Person, db
from app.rules.errors import Invalid
from app.services import portfolio
from tests.factories import Factory

URL = "https://localhost"
MOST = 5


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page holds five people."""
    monkeypatch.setattr(extra_forms, "MOST_OPTIONS", MOST)


def found(client: FlaskClient, typed: str) -> list[str]:
    """Whom the search of the forms finds."""
    answer = client.post("/api/v1/people", base_url=URL, json={"q": typed})
    assert answer.status_code == 200, answer.text
    return [one["label"] for one in (answer.json or {})["options"]]


def last(make: Factory) -> Person:
    """Somebody who stands behind everybody else."""
    person = make.person("示例钟末位", name_pinyin="zzzmw zzz mo wei")
    db.session.commit()
    return person


PAGES: dict[str, Callable[[Factory], str]] = {
    "absence": lambda _make: "/absences/enter",
    "membership": lambda _make: "/dictionary/memberships/add",
    "unit": lambda make: f"/dictionary/units/show/{make.a_unit().id}",
    "post": lambda make: f"/dictionary/posts/show/{make.post('registrar').id}",
    "chain": lambda make: f"/chains/{make.a_unit().id}/change",
    "portfolio": lambda make: f"/portfolio/{portfolio.lines_at()[0].id}/change",
    "roster": lambda make: f"/rosters/{make.post('duty_director').office.id}/add",
    "change": lambda _make: "/changes/new",
}


@pytest.mark.parametrize("page", list(PAGES))
def test_a_form_holds_the_first_people_and_asks_for_the_others(make: Factory, page: str) -> None:
    name, address = last(make).name, PAGES[page](make)
    answer = make.signed_in(officer="system").get(address, base_url=URL)
    assert answer.status_code == 200, address
    assert 'data-options="/api/v1/people"' in answer.text
    assert name not in answer.text


def test_somebody_is_found_by_name_and_sound_and_stays_chosen_in_a_refused_form(make: Factory) -> None:
    person, unit = last(make), make.a_unit()
    officer = make.signed_in(officer="system")
    assert found(officer, "钟末") == found(officer, "zzzmw") == [person.name]
    form = {"person": person.id, "unit": unit.id, "function": "", "active": "y"}
    address = "/dictionary/memberships/add"
    refused = officer.post(address, base_url=URL, data=form)
    assert refused.status_code == 422
    assert f'<option data-pinyin="zzzmw zzz mo wei" selected value="{person.id}">' in refused.text
    assert officer.post(address, base_url=URL, data=form | {"function": "handler"}).status_code == 302
    assert make.count(Membership, person_id=person.id, unit_id=unit.id) == 1


def test_a_handler_finds_the_people_of_his_unit_alone(make: Factory) -> None:
    unit, stranger = make.a_unit(), last(make)
    handler = make.member(unit)
    client = make.signed_in(handler)
    assert found(client, handler.name) == [handler.name]
    assert found(client, stranger.name) == []


@pytest.mark.parametrize("body", [{}, {"q": 5}, []])
def test_what_cannot_be_read_is_refused(make: Factory, body: object) -> None:
    answer = make.signed_in(officer="system").post("/api/v1/people", base_url=URL, json=body)
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == Invalid("query.unreadable").code
