"""Fields made at run time in reports and documents: columns, counts, sums, names of templates, and who sees them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app import document_words
from app.models import Appeal, Clock, Report, db
from app.reports import quarterly as book_of
from app.reports import xlsx
from app.rules.errors import FieldErrors
from app.rules.quarters import Quarter
from app.services import (
    appeal_fields,
    document_templates,
    documents,
    field_definitions,
    present,
    quarterly,
    tasks,
)
from app.services.field_definitions import Place
from jobs.reports import compile_quarterly
from tests.factories import Factory
from tests.reports.opened import Opened
from tests.reports.test_documents import own, texts
from tests.services import reporting
from tests.services.reporting import DAY, NOW
from tests.services.test_quarterly import READER

URL = "https://localhost"
THIS = Quarter(2026, 4)
OPTIONS = {"options": [{"code": "red", "label": "示例红"}, {"code": "blue", "label": "示例蓝"}]}


def add(make: Factory, code: str, kind: str, **more: Any) -> int:
    """A field of the appeals in reports."""
    raw = {"label": f"示例{code}", "code": code, "kind": kind, "in_reports": True, **more}
    return int(field_definitions.add(make.actor(officer="system"), Place("appeal"), raw).id)


@pytest.fixture
def fields(make: Factory) -> Iterator[None]:
    """One field of each sort, over four appeals of this quarter and one of the last, each with a late clock."""
    add(make, "tint", "choice", parameters=OPTIONS)
    add(make, "tags", "choices", parameters=OPTIONS)
    add(make, "round", "bool")
    add(make, "cost", "money")
    add(make, "boss", "person")
    add(make, "secret", "choice", parameters=OPTIONS, reader_post_ids=[make.post("editor").id])
    person = make.person("示例责任人")
    held: list[dict[str, Any]] = [
        {"tint": "red", "tags": ["red", "blue"], "round": True, "cost": 12.5, "boss": person.id, "secret": "blue"},
        {"tint": "red", "tags": ["red"], "round": False, "cost": 100},
        {"tint": "blue"},
        {},
    ]
    for number, extra in enumerate(held):
        of = reporting.appeal(number, extra=extra, registered_at=NOW - 10 * DAY)
        reporting.clock(of, due_at=NOW - timedelta(days=number + 1), unit_id=make.a_unit().id)
    reporting.appeal(9, extra={"tint": "red", "cost": 50}, registered_at=NOW - 60 * DAY)
    db.session.commit()
    with present.at(NOW):
        yield


def test_the_quarter_gets_a_table_for_each_field_that_everybody_sees(fields: None) -> None:
    found = quarterly.figures(db.session, THIS, NOW, READER)
    tables = {one.name: one for one in found.fields}
    out = BytesIO()
    xlsx.render(book_of.book(found, zone=reporting.ZONE, t=str), created_at=NOW, zone=reporting.ZONE, out=out)
    assert list(tables) == ["示例tint", "示例tags", "示例round", "示例cost", "示例boss"]
    shares = {name: [(one.name, one.count, one.previous) for one in table.shares] for name, table in tables.items()}
    assert shares["示例tint"] == [("示例红", 2, 1), ("示例蓝", 1, 0), ("Not filled in", 1, 0)]
    assert shares["示例tags"] == [("示例红", 2, 0), ("示例蓝", 1, 0), ("Not filled in", 2, 1)]
    assert shares["示例round"] == [("No", 1, 0), ("Yes", 1, 0), ("Not filled in", 2, 1)]
    assert shares["示例boss"] == [("示例责任人", 1, 0), ("Not filled in", 3, 1)]
    sums = {one.name: (str(one.value), str(one.previous)) for one in tables["示例cost"].sums}
    assert sums["Sum"] == ("112.50", "50.00")
    assert sums["Appeals with a value"] == ("2", "1")
    book = Opened(out.getvalue())
    assert "示例tint" in str(book.parts)
    assert "示例secret" not in str(book.parts)


def test_the_same_data_give_the_same_bytes_and_a_value_moves_the_moment(fields: None, make: Factory) -> None:
    editor = make.signed_in(make.holder("editor"))
    first, second = _compiled(editor), _compiled(editor)
    assert first.sha256 == second.sha256
    appeal = db.session.scalars(select(Appeal).where(Appeal.number == "示例-3")).one()
    with present.at(NOW + timedelta(minutes=1)):
        appeal_fields.write(make.actor(make.holder("registrar")), appeal.id, {"x_tint": "blue"}, version=None)
    with present.at(NOW + timedelta(minutes=2)):
        third = _compiled(editor)
    assert third.sha256 != first.sha256
    assert third.data_moment == NOW + timedelta(minutes=1)


def _compiled(browser: FlaskClient) -> Report:
    answer = browser.post("/reports/compile", base_url=URL, data={"quarter": "2026-4", "locale": "zh"})
    assert answer.status_code == 302, answer.text
    report = db.session.scalars(select(Report).order_by(Report.id.desc())).first()
    assert report is not None
    if report.state != "ready":
        assert report.task_id is not None
        run = tasks.claim(report.task_id)
        assert run is not None
        compile_quarterly(run)
        tasks.finish(run)
    db.session.refresh(report)
    return report


def test_the_overdue_report_shows_each_reader_his_fields(fields: None, make: Factory) -> None:
    for code, sees in (("supervisor", False), ("editor", True)):
        browser = make.signed_in(make.holder(code))
        page = browser.get("/overdue/rows?state=open_overdue", base_url=URL).text
        for said in ("示例tint", "示例红", "示例责任人", "12.5", "示例红、示例蓝"):
            assert said in page
        assert ("示例secret" in page) is sees
        book = browser.post("/overdue/export", base_url=URL, data={"reason": "示例"})
        assert book.status_code == 200, book.text
        said = str(Opened(book.data).parts)
        assert "示例责任人" in said
        assert ("示例secret" in said) is sees


def test_a_document_names_fields_and_prints_what_its_reader_sees(app: Flask, make: Factory) -> None:
    add(make, "tint", "choice", parameters=OPTIONS)
    old = add(make, "old", "text")
    add(make, "secret", "text", reader_post_ids=[make.post("editor").id])
    appeal = make.appeal("registered")
    db.session.execute(
        update(Appeal).where(Appeal.id == appeal.id).values(extra={"tint": "red", "old": "示例旧", "secret": "示例密"})
    )
    db.session.commit()
    system = make.actor(officer="system")
    kind = document_templates.access_kind(system, "registration_form")
    assert [part.name for part in kind.names["field"].parts] == ["tint", "old", "secret"]
    printed = "色：{{ field.tint }}。旧：{{ field.old }}。密：{{ field.secret }}。"
    template = own(printed, "{%p if field.tint %}", "有", "{%p endif %}")
    with app.test_request_context(base_url=URL):
        row = document_templates.hand_in(system, "registration_form", "form.docx", template, str)
        document_templates.use(system, "registration_form", row.id, str)
        with pytest.raises(FieldErrors) as refused:
            document_templates.hand_in(system, "registration_form", "x.docx", own("{{ field.none }}{{ field }}"), str)
        assert [one.code for one in refused.value.problems] == ["template.unknown-placeholder", "template.list-printed"]
        reader = document_words.reader()
        registrar = make.actor(make.holder("registrar"))
        _filled, content = documents.download(registrar, "registration_form", appeal.id, reader)
        assert "色：示例红。旧：示例旧。密：。" in texts(content)
        field_definitions.retire(system, Place("appeal"), old)
        _filled, content = documents.download(registrar, "registration_form", appeal.id, reader)
        assert "色：示例红。旧：。密：。" in texts(content)
    page = make.signed_in(officer="system").get("/document-templates/registration_form", base_url=URL).text
    assert "field.tint" in page


def test_only_appeals_and_kinds_that_are_counted_go_into_reports(make: Factory) -> None:
    system = make.actor(officer="system")
    raw = {"label": "示例", "kind": "text", "in_reports": True}
    assert field_definitions.add(system, Place("appeal"), raw).in_reports is False
    assert field_definitions.add(system, Place("unit"), raw | {"kind": "number"}).in_reports is False
    assert db.session.scalars(select(Clock)).first() is None
