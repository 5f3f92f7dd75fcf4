"""Nil returns over HTTP: the form of the papers, the page of the days, strangers."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from app.models import Channel, NilReturn, db
from app.services import present
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"
MORNING = datetime(2026, 11, 23, 2, tzinfo=UTC)  # Monday 10:00 in Shanghai


def test_the_newspapers_collector_signs_paper_by_paper(make: Factory) -> None:
    with present.at(MORNING):
        browser, post = make.signed_in(make.holder("collector_d")), make.post("collector_d")
        codes = list(db.session.scalars(select(Channel.code).where(Channel.channel_class == "D")))
        page = browser.get(f"/nil-returns/{post.id}", base_url=URL)
        assert all(f'value="{code}"' in page.text for code in codes)
        refused = browser.post(f"/nil-returns/{post.id}", base_url=URL, data={})
        assert refused.status_code == 422
        assert 'aria-describedby="channels-error"' in refused.text
        assert 'id="channels-error"' in refused.text
        assert make.count(NilReturn) == 0
        answer = browser.post(f"/nil-returns/{post.id}", base_url=URL, data={"channels": codes[:2]})
        assert answer.status_code == 302
        assert make.count(NilReturn, post_id=post.id) == 2
        assert "今天6家报刊中2家已报齐" in browser.get("/desk/", base_url=URL).text
        browser.post(f"/nil-returns/{post.id}", base_url=URL, data={"channels": codes})
        assert make.count(NilReturn, post_id=post.id) == len(codes)


def test_a_day_is_signed_for_with_one_click_elsewhere(make: Factory) -> None:
    with present.at(MORNING):
        browser, post = make.signed_in(make.holder("collector_c")), make.post("collector_c")
        assert f'action="/nil-returns/{post.id}"' in browser.get("/desk/", base_url=URL).text
        for _twice in range(2):
            assert browser.post(f"/nil-returns/{post.id}", base_url=URL).status_code == 302
    assert make.count(NilReturn, post_id=post.id) == 1


def test_another_s_post_is_refused(make: Factory) -> None:
    with present.at(MORNING):
        browser, foreign = make.signed_in(make.holder("collector_c")), make.post("collector_e")
        assert browser.post(f"/nil-returns/{foreign.id}", base_url=URL).status_code == 403
        assert browser.get(f"/nil-returns/{foreign.id}", base_url=URL).status_code == 403
    assert make.count(NilReturn) == 0


def test_the_page_of_the_days_says_who_signed_and_costs_few_statements(make: Factory) -> None:
    with present.at(MORNING):
        person = make.holder("collector_c")
        make.signed_in(person).post(f"/nil-returns/{make.post('collector_c').id}", base_url=URL)
        browser = make.signed_in(make.holder("supervisor"))
        browser.get("/nil-returns/", base_url=URL)
        with counted() as statements:
            page = browser.get("/nil-returns/", base_url=URL)
    assert page.status_code == 200
    assert person.name in page.text
    assert "江西日报" in page.text
    assert len(statements) <= 10, "\n\n".join(statements)
