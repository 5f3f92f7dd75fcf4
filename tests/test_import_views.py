"""The pages of an import over HTTP: from the empty page to the result, and what is said on the way."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Appeal, ImportBatch, db
from app.services import imports
from app.services.actors import software
from tests.books import workbook
from tests.factories import Factory
from tests.services.test_imports import TITLES, TREE, carry_out, row
from tests.test_desk import counted

URL = "https://localhost"


@pytest.fixture
def browser(make: Factory) -> FlaskClient:
    """The ledger administrator's."""
    return make.signed_in(make.holder("ledger_admin"))


def hand_in(browser: FlaskClient, content: bytes, name: str = "示例.xlsx") -> Any:
    return browser.post(
        "/imports/upload",
        base_url=URL,
        data={"workbook": (BytesIO(content), name)},
        content_type="multipart/form-data",
    )


def last() -> ImportBatch:
    found = db.session.scalars(select(ImportBatch).order_by(ImportBatch.id.desc())).first()
    assert found is not None
    return found


def settled(browser: FlaskClient, content: bytes, **changed: str) -> ImportBatch:
    """A batch handed in and settled through the pages as they suggest."""
    assert hand_in(browser, content).status_code == 302
    batch = last()
    shown = imports.preview(software("test"), batch.id)
    form = {f"column-{target}": key for target, key in shown.mapping.items()}
    form |= {"sheet": shown.sheet, "kind": shown.kind, "source": "示例网站", "channel_class": "C", **changed}
    answer = browser.post(f"/imports/{batch.id}/columns", base_url=URL, data=form)
    assert answer.status_code == 302, answer.text
    return batch


def test_the_empty_page_says_what_to_do_next(browser: FlaskClient) -> None:
    page = browser.get("/imports/", base_url=URL)
    assert page.status_code == 200
    assert "ImportView" not in page.text
    assert 'action="/imports/upload"' in page.text


def test_a_workbook_goes_in_page_by_page(browser: FlaskClient) -> None:
    batch = settled(browser, workbook(TITLES, row(1), row(2, 答复时间="2019/5/10"), row(3, 标题="", 内容="")))
    dry = browser.get(f"/imports/{batch.id}", base_url=URL)
    assert f"/imports/{batch.id}/apply" in dry.text
    assert "H 答复时间" in dry.text
    assert browser.post(f"/imports/{batch.id}/apply", base_url=URL).status_code == 302
    working = browser.get(f"/imports/{batch.id}", base_url=URL)
    assert f'data-task-url="/imports/{batch.id}/progress"' in working.text
    assert browser.get(f"/imports/{batch.id}/progress", base_url=URL).get_json()["state"] == "queued"
    db.session.expire_all()
    carry_out(last().task)
    done = browser.get(f"/imports/{batch.id}/progress", base_url=URL).get_json()
    assert (done["state"], done["done"]) == ("done", 3)
    for listed, text in (
        ("added", "示例：路灯不亮 1"),
        ("flagged", "示例：路灯不亮 2"),
        ("refused", ">4<"),
        ("here", ""),
    ):
        page = browser.get(f"/imports/{batch.id}?list={listed}", base_url=URL)
        assert page.status_code == 200
        assert text in page.text
    assert last().number in browser.get("/imports/", base_url=URL).text


def test_the_columns_page_shows_first_rows_with_masked_numbers(browser: FlaskClient) -> None:
    hand_in(browser, workbook(TITLES, row(1)))
    page = browser.get(f"/imports/{last().id}/columns", base_url=URL)
    assert page.status_code == 200
    assert "138****0001" in page.text
    assert "13800000001" not in page.text
    assert "G · 答复意见" in page.text


def test_what_is_wrong_with_the_choice_is_said_at_the_field(browser: FlaskClient) -> None:
    hand_in(browser, workbook(TITLES, row(1)))
    form = {"sheet": "示例表", "kind": "appeals", "column-body": "内容", "source": "", "channel_class": "X"}
    answer = browser.post(f"/imports/{last().id}/columns", base_url=URL, data=form)
    assert answer.status_code == 422
    assert 'id="f-column-received_at-error"' in answer.text
    assert 'id="f-source-error"' in answer.text
    assert 'id="f-channel_class-error"' in answer.text


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04" + b"\0" * 40, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600]
)
def test_what_is_no_workbook_is_refused_on_the_same_page(browser: FlaskClient, content: bytes) -> None:
    answer = hand_in(browser, content, "示例.xlsx")
    assert answer.status_code == 422
    assert 'id="f-workbook-error"' in answer.text
    assert db.session.scalars(select(ImportBatch)).first() is None


def test_no_file_is_told(browser: FlaskClient) -> None:
    assert browser.post("/imports/upload", base_url=URL, data={}).status_code == 422


def test_the_name_of_a_file_is_only_a_name(browser: FlaskClient) -> None:
    hand_in(browser, workbook(TITLES, row(1)), "../../etc/<b>示例</b>.xlsx")
    assert "/" not in last().filename
    assert "<b>示例" not in browser.get("/imports/", base_url=URL).text


def test_a_tree_is_recognised_and_loaded(browser: FlaskClient) -> None:
    batch = settled(browser, workbook(*TREE))
    assert browser.post(f"/imports/{batch.id}/apply", base_url=URL).status_code == 302
    db.session.expire_all()
    carry_out(last().task)
    page = browser.get(f"/imports/{batch.id}", base_url=URL)
    assert page.status_code == 200
    assert last().summary["nodes"] == 4


def test_a_cancelled_import_can_be_applied_again(browser: FlaskClient) -> None:
    batch = settled(browser, workbook(TITLES, row(1)))
    browser.post(f"/imports/{batch.id}/apply", base_url=URL)
    assert browser.post(f"/imports/{batch.id}/cancel", base_url=URL).get_json()["state"] == "cancelled"
    page = browser.get(f"/imports/{batch.id}", base_url=URL)
    assert f"/imports/{batch.id}/apply" in page.text
    assert browser.post(f"/imports/{batch.id}/apply", base_url=URL).status_code == 302
    db.session.expire_all()
    carry_out(last().task)
    assert db.session.scalars(select(Appeal).where(Appeal.source == "示例网站")).one().state == "history"


def test_a_discarded_import_is_only_a_line_in_the_list(browser: FlaskClient) -> None:
    batch = settled(browser, workbook(TITLES, row(1)))
    assert browser.post(f"/imports/{batch.id}/discard", base_url=URL).status_code == 302
    page = browser.get(f"/imports/{batch.id}", base_url=URL)
    assert page.status_code == 200
    assert f"/imports/{batch.id}/apply" not in page.text


def test_findings_are_paged_by_key(browser: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.import_views.PAGE", 2)
    batch = settled(browser, workbook(TITLES, *[row(number, 答复时间="2019/5/10") for number in range(5)]))
    first = browser.get(f"/imports/{batch.id}?list=doubts", base_url=URL).text
    after = imports.problems(software("test"), batch.id)[1].id
    assert f"list=doubts&amp;after={after}" in first
    second = browser.get(f"/imports/{batch.id}?list=doubts&after={after}", base_url=URL).text
    assert ">4<" in second
    assert ">2</td>" not in second


@pytest.mark.parametrize("path", ["/imports/", "/imports/{id}", "/imports/{id}/columns", "/imports/{id}/progress"])
def test_it_refuses_a_stranger_and_a_post_without_the_right(make: Factory, browser: FlaskClient, path: str) -> None:
    hand_in(browser, workbook(TITLES, row(1)))
    address = path.format(id=last().id)
    assert make.app.test_client().get(address, base_url=URL).status_code in (302, 401, 403)
    other = make.signed_in(make.member(make.a_unit()))
    assert other.get(address, base_url=URL).status_code in (302, 403, 404)
    assert "示例表" not in other.get(address, base_url=URL).text


def test_an_unknown_batch_is_not_found(browser: FlaskClient) -> None:
    assert browser.get("/imports/2000000000", base_url=URL).status_code == 404


def test_a_page_costs_few_statements(browser: FlaskClient) -> None:
    batch = settled(browser, workbook(TITLES, *[row(number) for number in range(30)]))
    browser.get("/imports/", base_url=URL)
    for path, most in (("/imports/", 5), (f"/imports/{batch.id}", 6), (f"/imports/{batch.id}/progress", 4)):
        db.session.expire_all()
        with counted() as statements:
            assert browser.get(path, base_url=URL).status_code == 200
        assert len(statements) <= most, "\n\n".join(statements)
        assert not any("content_sealed" in statement for statement in statements)


def test_progress_of_a_finished_dry_run_is_done(browser: FlaskClient) -> None:
    batch = settled(browser, workbook(TITLES, row(1)))
    assert browser.get(f"/imports/{batch.id}/progress", base_url=URL).get_json()["state"] == "done"
