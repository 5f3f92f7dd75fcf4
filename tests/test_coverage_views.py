"""Coverage over HTTP: the page and its filter, who was responsible, the badge, how many statements a page costs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import ChainLink, Holding, Post, Unit, db
from app.services import coverage, present
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"


@pytest.fixture
def system(make: Factory) -> FlaskClient:
    """A browser of the system officer."""
    return make.signed_in(officer="system")


def get(browser: FlaskClient, address: str) -> str:
    answer = browser.get(address, base_url=URL)
    assert answer.status_code == 200, answer.text[:500]
    return answer.text


def test_the_page_names_gap_cause_and_remedy(make: Factory, system: FlaskClient) -> None:
    post = make.post("registrar")
    for held in db.session.scalars(select(Holding).where(Holding.post_id == post.id)):
        db.session.delete(held)
    db.session.commit()
    page = get(system, "/coverage/")
    assert "A角、B角均空缺" in page
    assert f"/changes/new?place=holding:{post.id}:A" in page
    assert "无法联系到人：没有账号" in page
    assert 'href="/accounts/"' in page
    assert "补排值班表" in page
    supervisor = get(make.signed_in(make.holder("supervisor")), "/coverage/")
    assert "A角、B角均空缺" in supervisor
    assert "/changes/new" not in supervisor


def test_the_filter_keeps_to_an_office_a_unit_or_a_cause(make: Factory, system: FlaskClient) -> None:
    office = make.post("collector_c").office
    own = get(system, f"/coverage/?office={office.id}")
    assert "C类信息收集人</span>" in own
    assert "D类信息收集人</span>" not in own
    assert 'id="chains"' not in own
    unit = make.a_unit()
    chain = get(system, f"/coverage/?unit={unit.id}")
    assert f'<div class="coverage-unit">{unit.name}</div>' in chain
    assert chain.count('<div class="coverage-unit">') == 1
    assert "coverage-unit" not in get(system, "/coverage/?cause=roster_hole")
    assert get(system, "/coverage/?cause=nonsense&office=x&unit=y")


def test_a_leader_sees_his_own_posts_only(make: Factory) -> None:
    leader = make.person()
    post = make.post("collector_e")
    post.leader_id = leader.id
    db.session.commit()
    browser = make.signed_in(leader)
    page = get(browser, "/coverage/")
    assert "E类信息收集人" in page
    assert "D类信息收集人" not in page
    assert "coverage-unit" not in page
    assert "E类信息收集人" in get(browser, f"/coverage/responsible?post={post.id}")
    other = make.post("collector_d")
    assert browser.get(f"/coverage/responsible?post={other.id}", base_url=URL).status_code == 404
    unit = make.a_unit()
    assert browser.get(f"/coverage/responsible?unit={unit.id}&link=first", base_url=URL).status_code == 404


def test_the_page_costs_the_same_however_many_posts(make: Factory, system: FlaskClient) -> None:
    get(system, "/coverage/")
    with counted() as statements:
        get(system, "/coverage/")
    first = len(statements)
    template = make.post("registrar")
    for number in range(20):
        person = make.person()
        post = Post(
            code=f"extra_{number}",
            number=100 + number,
            name=f"示例岗位{number}",
            office_id=template.office_id,
            capabilities=[],
        )
        db.session.add(post)
        db.session.flush()
        db.session.add(Holding(post_id=post.id, person_id=person.id, role="A", valid=Range(present.now(), None)))
    db.session.commit()
    get(system, "/coverage/")  # who is signed in is computed anew once after a change of the staffing table
    with counted() as statements:
        assert "示例岗位19" in get(system, "/coverage/")
    assert len(statements) == first <= 15, "\n\n".join(statements)


def test_the_badge_counts_gaps_of_posts_and_costs_no_statement(make: Factory, app: Flask) -> None:
    supervisor = make.signed_in(make.holder("supervisor"))
    get(supervisor, "/inbox/")
    with counted() as before:
        get(supervisor, "/inbox/")
    gaps = coverage.refresh()
    assert gaps > 0
    get(supervisor, "/inbox/")  # computed anew once
    with counted() as statements:
        page = get(supervisor, "/inbox/")
    assert f'data-badge="Coverage">{gaps}</span>' in page
    assert len(statements) == len(before)
    assert supervisor.get("/api/v1/feed", base_url=URL).json["badges"]["Coverage"] == gaps


def test_who_was_responsible_is_one_sentence_with_its_evidence(make: Factory, system: FlaskClient) -> None:
    post = make.post("duty_director")
    page = get(system, f"/coverage/responsible?post={post.id}")
    assert make.holder("duty_director").name in page
    assert "任职" in page
    unit = make.a_unit()
    page = get(system, f"/coverage/responsible?unit={unit.id}&link=first")
    assert unit.name in page


@pytest.mark.parametrize("moment", ["yesterday", "0001-01-01", "9999-12-31T00:00"])
def test_an_unreadable_moment_is_said_at_the_field(make: Factory, system: FlaskClient, moment: str) -> None:
    post = make.post("registrar")
    answer = system.get(f"/coverage/responsible?post={post.id}&at={moment}", base_url=URL)
    assert answer.status_code == 422
    assert 'id="ask-post-at-error"' in answer.text


@pytest.mark.parametrize("query", ["post=99999999", "unit=99999999&link=first", "unit=1&link=second"])
def test_what_is_not_there_is_not_found(system: FlaskClient, query: str) -> None:
    assert system.get(f"/coverage/responsible?{query}", base_url=URL).status_code == 404


def test_a_moment_of_the_past_finds_who_held_it_then(make: Factory, system: FlaskClient) -> None:
    post = make.post("registrar")
    former = make.person("示例前任")
    now = present.now()
    (held,) = db.session.scalars(select(Holding).where(Holding.post_id == post.id, Holding.role == "A"))
    held.valid = Range(now - timedelta(days=890), None)
    former.active = False
    db.session.commit()
    before = Range(now - timedelta(days=900), now - timedelta(days=890))
    db.session.add(Holding(post_id=post.id, person_id=former.id, role="A", valid=before))
    db.session.commit()
    at = (now - timedelta(days=895)).strftime("%Y-%m-%dT%H:%M")
    page = get(system, f"/coverage/responsible?post={post.id}&at={at}")
    assert "示例前任" in page
    assert "已停用" in page


def test_a_beginning_is_written_as_midnight_of_the_new_day(make: Factory, system: FlaskClient) -> None:
    today = present.today()
    assert f"{today} 00:00至" in get(system, "/coverage/")
    post = make.post("registrar")
    assert f"{today} 00:00，" in get(system, f"/coverage/responsible?post={post.id}&at={today}T00:00")


def test_units_without_a_gap_are_shown_on_demand(make: Factory, system: FlaskClient) -> None:
    assert db.session.query(Unit).count() > 0
    assert len(get(system, "/coverage/?all=1")) >= len(get(system, "/coverage/"))


def test_a_link_that_one_role_holds_alone_is_shown_as_vacant_in_the_other(make: Factory, system: FlaskClient) -> None:
    unit, head = make.a_unit("local_government"), make.person()
    make.account(head)
    for link in ("first", "direct"):
        db.session.add(ChainLink(unit_id=unit.id, link=link, role="A", person_id=head.id, valid=Range(None, None)))
    db.session.commit()
    page = get(system, f"/coverage/?unit={unit.id}")
    assert page.count("B角空缺</a>") == 2
    assert f"/changes/new?place=chain:{unit.id}:first:B" in page


def test_the_post_and_the_timeline_of_an_appeal_lead_there(make: Factory, system: FlaskClient) -> None:
    post = make.post("registrar")
    assert f"/coverage/responsible?post={post.id}" in get(system, f"/dictionary/posts/show/{post.id}")
    appeal = make.appeal("registered")
    address = f"/appeals/{appeal.id}"
    assert f"/coverage/responsible?post={post.id}&amp;at=" in get(make.signed_in(make.holder("supervisor")), address)
    assert "/coverage/responsible" not in get(make.signed_in(make.holder("registrar")), address)


def test_the_change_history_is_offered_to_those_who_may_read_it(make: Factory, system: FlaskClient) -> None:
    post = make.post("registrar")
    held = db.session.scalars(select(Holding).where(Holding.post_id == post.id, Holding.role == "A")).one()
    address = f"/coverage/responsible?post={post.id}"
    page = get(system, address)
    assert f"/holdings/show/{held.id}" in page or f"/holdings/history/{held.id}" in page
    assert "/holdings/" not in get(make.signed_in(make.holder("supervisor")), address)


@pytest.mark.parametrize("query", ["post={post}", "unit={unit}&link=final"])
def test_the_answer_costs_few_statements(make: Factory, system: FlaskClient, query: str) -> None:
    address = "/coverage/responsible?" + query.format(post=make.post("registrar").id, unit=make.a_unit().id)
    get(system, address)
    with counted() as statements:
        get(system, address)
    assert len(statements) <= 13, "\n\n".join(statements)
