"""The overdue report and the quarterly reports over HTTP: figures that open, exports that ask, files that stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.models import Audit, Clock, LoginSession, Report, Urge, db
from app.services import present, tasks
from jobs.reports import compile_quarterly
from tests.factories import Factory
from tests.reports.opened import Opened
from tests.services import reporting
from tests.services.reporting import DAY, HOUR, NOW
from tests.test_desk import counted

URL = "https://localhost"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def office(make: Factory) -> Iterator[None]:
    reporting.office(seed=5, appeals=14)
    with present.at(NOW):
        yield


@pytest.fixture
def supervisor(make: Factory) -> Iterator[FlaskClient]:
    with present.at(NOW):
        yield make.signed_in(make.holder("supervisor"))


@pytest.fixture
def editor(make: Factory) -> Iterator[FlaskClient]:
    with present.at(NOW):
        yield make.signed_in(make.holder("editor"))


def _get(browser: FlaskClient, address: str, status: int = 200, **query: str) -> str:
    page = browser.get(address, base_url=URL, query_string=query or None)
    assert page.status_code == status, page.text
    return str(page.text)


def _counts(rows: str) -> list[int]:
    """Clocks and appeals as the line under the title of a drill-down says them."""
    subtitle = re.search(r'class="page-subtitle">(.*?)</p>', rows)
    assert subtitle is not None
    return [int(number) for number in re.findall(r"\d+", subtitle[1].partition(" · ")[2])]


# --- the overdue report -------------------------------------------------------------------------------------


def test_every_figure_on_the_page_is_a_link_to_as_many_rows(office: None, supervisor: FlaskClient) -> None:
    page = _get(supervisor, "/overdue/")
    figures = re.findall(r'data-label="[^"]*· ([^"]*)"><a href="([^"]+)">(\d+)</a>', page)
    assert len(figures) > 40
    opened = {address: _get(supervisor, unescape(address)) for _label, address, _figure in figures}
    for label, address, figure in figures:
        rows = opened[address]
        assert _counts(rows)[label == "诉求件数"] == int(figure)


def test_the_figures_stand_at_the_moment_their_links_name(office: None, supervisor: FlaskClient) -> None:
    page = _get(supervisor, "/overdue/")
    addresses = re.findall(r'href="(/overdue/rows[^"]+)"', page)
    moments = {parse_qs(urlsplit(unescape(address)).query)["as_of"][0] for address in addresses}
    assert moments == {NOW.isoformat()}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"as_of": "gestern"}, "as_of"),
        ({"as_of": "2999-01-01"}, "as_of"),
        ({"from": "x"}, "from"),
        ({"to": "0001-01-01"}, "to"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "to"),
        ({"clock": "coffee"}, "clock"),
        ({"class": "G"}, "class"),
        ({"group": "\x00"}, "group"),
    ],
    ids=str,
)
def test_a_filter_that_makes_no_sense_is_named_at_its_field(
    supervisor: FlaskClient, query: dict[str, str], field: str
) -> None:
    assert f'id="f-{field}-error"' in _get(supervisor, "/overdue/", 422, **query)
    _get(supervisor, "/overdue/rows", 422, **query)


@pytest.mark.parametrize("query", [{"group": "none"}, {"unit": "none"}, {"post": "-"}, {"state": "no_limit"}], ids=str)
def test_a_filter_without_rows_says_so(supervisor: FlaskClient, query: dict[str, str]) -> None:
    assert 'class="empty"' in _get(supervisor, "/overdue/rows", **query)


def test_an_empty_report_says_what_to_do(supervisor: FlaskClient) -> None:
    assert 'class="empty"' in _get(supervisor, "/overdue/")


def test_pages_of_rows_lead_on(office: None, supervisor: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.overdue.page.__kwdefaults__", {"after": None, "limit": 5})
    first = _get(supervisor, "/overdue/rows", state="open_overdue")
    seen = re.findall(r'<a href="/appeals/(\d+)">', first)
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = _get(supervisor, unescape(following[1]))
    assert len(seen) == 5
    assert "page.key" not in second
    assert re.findall(r'<a href="/appeals/(\d+)">', second) != seen


@pytest.mark.parametrize("code", ["collector_c", "registrar", "liaison", "ledger_admin"])
def test_other_posts_find_no_report(make: Factory, code: str) -> None:
    browser = make.signed_in(make.holder(code))
    for address in ("/overdue/", "/overdue/rows", "/reports/"):
        _get(browser, address, 403)


def test_a_unit_handler_finds_no_report(make: Factory) -> None:
    handler = make.signed_in(make.member(make.a_unit()))
    for address in ("/overdue/", "/overdue/rows", "/reports/", "/reports/1", "/reports/1/download"):
        _get(handler, address, 403)


@pytest.mark.parametrize(
    ("address", "most"), [("/overdue/", 12), ("/overdue/rows?state=open_overdue", 7), ("/reports/", 7)]
)
def test_a_page_costs_few_statements(office: None, supervisor: FlaskClient, address: str, most: int) -> None:
    _get(supervisor, address)
    db.session.expire_all()
    with counted() as statements:
        _get(supervisor, address)
    assert len(statements) <= most, "\n\n".join(statements)


# --- the workbook -------------------------------------------------------------------------------------------


def test_the_export_is_a_workbook_of_the_filtered_report(office: None, supervisor: FlaskClient) -> None:
    answer = supervisor.post("/overdue/export?clock=unit_limit", base_url=URL, data={"reason": "示例用途"})
    assert (answer.status_code, answer.mimetype) == (200, XLSX)
    assert "attachment" in answer.headers["Content-Disposition"]
    book = Opened(answer.data)
    rows = _get(supervisor, "/overdue/rows", state="open_overdue", clock="unit_limit")
    assert len([cell for cell in book.column(book.sheets[4], "B") if cell.startswith("示例-")]) == _counts(rows)[0] > 0
    assert db.session.scalars(select(Audit.event).where(Audit.event == "overdue.export")).all()


def test_an_export_without_a_reason_is_refused(supervisor: FlaskClient) -> None:
    assert supervisor.post("/overdue/export", base_url=URL, data={"reason": " "}).status_code == 422


def test_an_export_asks_for_the_password_again(supervisor: FlaskClient) -> None:
    db.session.execute(update(LoginSession).values(fresh_at=NOW - timedelta(hours=2)))
    db.session.commit()
    answer = supervisor.post("/overdue/export", base_url=URL, data={"reason": "示例用途"})
    assert answer.status_code == 403
    assert 'type="password"' in answer.text
    assert not db.session.scalars(select(Audit.event).where(Audit.event == "overdue.export")).all()


def test_an_export_is_no_link(supervisor: FlaskClient) -> None:
    assert supervisor.get("/overdue/export", base_url=URL).status_code == 405


def test_the_duty_director_reads_but_does_not_export(make: Factory) -> None:
    person = make.person()
    _hold(make, "duty_director", person.id)
    browser = make.signed_in(person)
    assert "data-download" not in _get(browser, "/overdue/")
    assert browser.post("/overdue/export", base_url=URL, data={"reason": "示例"}).status_code == 403


def _hold(make: Factory, code: str, person_id: int) -> None:
    from app.models import Holding

    query = update(Holding).where(Holding.post_id == make.post(code).id, Holding.role == "A")
    db.session.execute(query.values(person_id=person_id))
    db.session.commit()


_LATE = {"started_at": Clock.started_at - DAY, "due_at": Clock.started_at - HOUR}


# --- the urge -----------------------------------------------------------------------------------------------


def test_a_row_is_urged_in_two_clicks(make: Factory) -> None:
    appeal = make.appeal("in_progress")
    clock = next(clock for clock in appeal.clocks if clock.kind == "unit_limit")
    browser = make.signed_in(make.holder("supervisor"))
    db.session.execute(update(Clock).where(Clock.id == clock.id).values(**_LATE))
    db.session.commit()
    rows = _get(browser, "/overdue/rows", state="open_overdue", clock="unit_limit")
    # The first click opens the row's menu; its form is complete without a word typed.
    form = rows[rows.index(f'action="/overdue/{clock.id}/urge"') :]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form>")]))
    sent = {name: unescape(value) for name, value in fields.items()}
    for _click in range(2):
        answer = browser.post(f"/overdue/{clock.id}/urge", base_url=URL, data=sent)
        assert answer.status_code == 302
        assert answer.location == sent["next"]
    assert make.count(Urge, clock_id=clock.id) == 1
    again = _get(browser, sent["next"])
    assert re.search(r'data-label="(催办次数|Number of urges)">1<', again)


def test_an_urge_leads_to_no_other_site(make: Factory) -> None:
    appeal = make.appeal("in_progress")
    browser = make.signed_in(make.holder("supervisor"))
    clock = appeal.clocks[-1]
    answer = browser.post(f"/overdue/{clock.id}/urge", base_url=URL, data={"next": "https://example.invalid/"})
    assert answer.location == "/"


def test_a_reader_who_may_not_urge_sees_no_button(make: Factory) -> None:
    appeal = make.appeal("in_progress")
    db.session.execute(update(Clock).where(Clock.appeal_id == appeal.id).values(**_LATE))
    person = make.person()
    _hold(make, "editor", person.id)
    browser = make.signed_in(person)
    assert "/urge" not in _get(browser, "/overdue/rows")
    assert browser.post(f"/overdue/{appeal.clocks[-1].id}/urge", base_url=URL).status_code == 403


# --- the quarterly reports ----------------------------------------------------------------------------------


def _compile(browser: FlaskClient, **form: str) -> int:
    answer = browser.post("/reports/compile", base_url=URL, data={"quarter": "2026-4", "locale": "zh", **form})
    assert answer.status_code == 302
    return int(answer.location.rpartition("/")[2])


def _run(report_id: int) -> None:
    task_id = db.session.scalars(select(Report.task_id).where(Report.id == report_id)).one()
    run = tasks.claim(task_id or 0)
    assert run is not None
    tasks.finish(run, compile_quarterly(run) or "")


def test_a_report_is_asked_for_followed_and_downloaded(office: None, make: Factory, editor: FlaskClient) -> None:
    report_id = _compile(editor, request_key="form-1")
    assert _compile(editor, request_key="form-1") == report_id
    waiting = _get(editor, f"/reports/{report_id}")
    assert "data-task-url" in waiting
    assert "/download" not in waiting
    _run(report_id)
    assert f"/reports/{report_id}/download" in _get(editor, f"/reports/{report_id}")
    assert f"/reports/{report_id}/download" in _get(editor, "/reports/")
    answer = editor.get(f"/reports/{report_id}/download", base_url=URL)
    assert (answer.status_code, answer.mimetype) == (200, XLSX)
    content = db.session.scalars(select(Report.content).where(Report.id == report_id)).one()
    assert answer.data == content


def test_a_report_that_is_the_same_says_so(office: None, editor: FlaskClient) -> None:
    first, again = _compile(editor), _compile(editor)
    for report_id in (first, again):
        _run(report_id)
    assert f'href="/reports/{first}"' in _get(editor, f"/reports/{again}")
    assert f'href="/reports/{again}"' not in _get(editor, f"/reports/{first}")


def test_who_only_reads_compiles_nothing(office: None, make: Factory, editor: FlaskClient) -> None:
    report_id = _compile(editor)
    person = make.person()
    _hold(make, "supervisor", person.id)
    reader = make.signed_in(person)
    assert "/reports/compile" not in _get(reader, "/reports/")
    # The progress belongs to who asked; others see the state.
    assert "data-task-url" not in _get(reader, f"/reports/{report_id}")
    assert reader.post("/reports/compile", base_url=URL, data={"quarter": "2026-4", "locale": "zh"}).status_code == 403
    _run(report_id)
    assert reader.get(f"/reports/{report_id}/download", base_url=URL).status_code == 200


@pytest.mark.parametrize("quarter", ["", "2026", "2026-0", "2026-5", "2026-x", "x-1", "2027-1", "²⁰²⁶-1"])
def test_a_quarter_that_is_none_is_refused(make: Factory, editor: FlaskClient, quarter: str) -> None:
    answer = editor.post("/reports/compile", base_url=URL, data={"quarter": quarter, "locale": "zh"})
    assert answer.status_code == 422
    assert make.count(Report) == 0


def test_a_report_without_its_file_is_a_conflict(editor: FlaskClient) -> None:
    _get(editor, f"/reports/{_compile(editor)}/download", 409)


def test_an_empty_list_says_what_to_do(editor: FlaskClient) -> None:
    assert 'class="empty"' in _get(editor, "/reports/")


def test_the_list_is_paged_by_key(office: None, editor: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.reports.ROWS", 2)
    ids = [_compile(editor) for _each in range(3)]
    first = _get(editor, "/reports/")
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    assert f'href="/reports/{ids[0]}"' not in first
    assert f'href="/reports/{ids[0]}"' in _get(editor, unescape(following[1]))
