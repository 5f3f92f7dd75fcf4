"""Other programs over HTTP: a token opens what its person may at that moment, on sheets alone; pages miss no row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from app.models import ApiToken, Appeal, Audit, ChangeSet, FeedRow, Holding, Membership, Person, Post, Task, db
from app.openapi import BODIES, addresses, description
from app.services import api_tokens, present
from app.services.actors import Actor
from app.services.api_tokens import Wanted
from app.services.grants import standing_of
from tests.factories import Factory
from tests.test_desk import counted

URL = "https://localhost"
Call = Callable[..., Any]


@pytest.fixture
def keeper(make: Factory) -> Person:
    """The ledger's administrator, before twelve appeals."""
    for number in range(12):
        appeal = make.appeal("registered")
        appeal.subject, appeal.received_at = f"示例第{number}件", present.now() - timedelta(minutes=number)
    db.session.commit()
    return make.holder("ledger_admin")


def token_of(make: Factory, person: Person, **more: Any) -> str:
    """A new token of this person."""
    standing = standing_of(make.user_of(person).id)
    assert standing is not None
    actor = Actor(standing.user_id, standing.person_id, standing.grants, standing.name)
    asked = {"name": "示例系统", "post_id": None, "can_write": False, "sheets": (), "days": 30} | more
    return api_tokens.make(actor, Wanted(**asked), ["ledger", "appeals", "people"])[1]


@pytest.fixture
def call(app: Flask) -> Call:
    """Requests of a program: no cookie, a token."""

    def asked(token: str, address: str = "/api/v1/sheets/ledger/rows", method: str = "GET", **more: Any) -> Any:
        client: FlaskClient = app.test_client()
        headers = {"Authorization": f"Bearer {token}"}
        return client.open(address, method=method, base_url=URL, headers=headers, **more)

    return asked


def test_a_token_reads_what_its_person_reads_and_sets_no_cookie(make: Factory, keeper: Person, call: Call) -> None:
    answer = call(token_of(make, keeper))
    assert (answer.status_code, len(answer.json["rows"]), answer.json["next"]) == (200, 12, None)
    assert "Set-Cookie" not in answer.headers
    assert make.count(Audit, event="token.read") == 1
    assert db.session.query(ApiToken).one().used_at is not None


@pytest.mark.parametrize(
    ("asked", "label", "message"),
    [
        (None, "台账", "没有您可查看的列“x_none”。"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "台账", "没有您可查看的列“x_none”。"),
        ("en-GB,en;q=0.9,zh;q=0.5", "Ledger", "There is no column “x_none” that you may see."),
        ("fr", "台账", "没有您可查看的列“x_none”。"),
    ],
)
def test_a_program_is_answered_in_the_language_it_asks_for(
    make: Factory, keeper: Person, app: Flask, asked: str | None, label: str, message: str
) -> None:
    """Whatever language a cookie names that came with it."""
    headers = {"Authorization": f"Bearer {token_of(make, keeper)}", **({"Accept-Language": asked} if asked else {})}
    client = app.test_client()
    client.get("/lang/en", base_url=URL)
    sheet = client.get("/api/v1/sheets/ledger", base_url=URL, headers=headers)
    assert sheet.json["label"] == label
    wrong = client.get("/api/v1/sheets/ledger/rows?sort=x_none", base_url=URL, headers=headers)
    assert wrong.json["error"]["message"] == message


def test_the_text_of_a_token_is_kept_nowhere(make: Factory, keeper: Person) -> None:
    text = token_of(make, keeper)
    row = db.session.query(ApiToken).one()
    secret = text.split("_", 2)[2]
    assert len(secret) >= 43
    assert secret.encode() not in row.digest
    assert secret not in json.dumps([one.detail for one in db.session.query(Audit)])


WRONG: dict[str, Callable[[str], str]] = {
    "another secret": lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
    "no secret": lambda text: text.rsplit("_", 1)[0],
    "another mark": lambda text: "x" + text,
    "another prefix": lambda text: text.replace(text.split("_")[1], "0" * 12),
    "nothing of a token": lambda _text: "示例".encode().hex(),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_token_opens_nothing(make: Factory, keeper: Person, call: Call, wrong: str) -> None:
    answer = call(WRONG[wrong](token_of(make, keeper)))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


ENDED: dict[str, Callable[[Person], Any]] = {
    "revoked": lambda _person: update(ApiToken).values(revoked_at=present.now()),
    "over": lambda _person: update(ApiToken).values(expires_at=present.now()),
    "its person is gone": lambda person: update(Person).where(Person.id == person.id).values(active=False),
    "its post is lost": lambda person: delete(Holding).where(Holding.person_id == person.id),
}


@pytest.mark.parametrize("ended", ENDED)
def test_a_token_ends_with_what_it_rests_on(make: Factory, keeper: Person, call: Call, ended: str) -> None:
    text = token_of(make, keeper, post_id=make.post("ledger_admin").id)
    assert call(text).status_code == 200
    db.session.execute(ENDED[ended](keeper))
    db.session.commit()
    assert call(text).status_code == 401


def test_a_token_of_one_post_has_nothing_of_the_others(make: Factory, call: Call) -> None:
    person = make.holder("ledger_admin")
    unit = make.a_unit()
    db.session.add(Membership(person_id=person.id, unit_id=unit.id, function="handler"))
    db.session.commit()
    whole, part = token_of(make, person), token_of(make, person, post_id=make.post("ledger_admin").id)
    standing = standing_of(make.user_of(person).id)
    assert standing is not None
    narrowed = api_tokens.restricted(standing, make.post("ledger_admin").id)
    assert narrowed is not None
    assert {one.post_id for one in narrowed.grants.grants} == {make.post("ledger_admin").id}
    assert not narrowed.grants.can("answer")
    assert narrowed.pairs < standing.pairs
    assert call(whole).status_code == call(part).status_code == 200


def test_a_token_goes_no_further_than_its_sheets(make: Factory, keeper: Person, call: Call) -> None:
    text = token_of(make, keeper, sheets=("ledger",))
    assert [one["code"] for one in call(text, "/api/v1/sheets/").json["sheets"]] == ["ledger"]
    assert call(text, "/api/v1/sheets/appeals").status_code == 404
    assert call(text, "/api/v1/sheets/ledger").status_code == 200


@pytest.mark.parametrize("address", ["/api/v1/files", "/api/v1/feed", "/api/v1/sheets/ledger/views"])
def test_a_token_opens_sheets_alone(make: Factory, keeper: Person, call: Call, address: str) -> None:
    answer = call(token_of(make, keeper), address)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "token.not-here")


def test_pages_know_no_token_and_an_address_is_no_place_for_one(make: Factory, keeper: Person, call: Call) -> None:
    text = token_of(make, keeper)
    assert call(text, "/desk/").status_code == 302
    assert call("", f"/api/v1/sheets/ledger/rows?access_token={text}").status_code == 401


def test_a_token_in_the_header_goes_before_a_cookie(make: Factory, keeper: Person) -> None:
    client = make.signed_in(make.holder("supervisor"))
    bad = {"Authorization": "Bearer mszt_000000000000_x"}
    assert client.get("/api/v1/sheets/ledger/rows", base_url=URL).status_code == 200
    assert client.get("/api/v1/sheets/ledger/rows", base_url=URL, headers=bad).status_code == 401
    assert client.get("/api/v1/sheets/ledger/rows", base_url=URL).status_code == 200  # the session lives on


def test_a_reading_token_asks_and_writes_nothing(make: Factory, keeper: Person, call: Call) -> None:
    appeal = db.session.query(Appeal).first()
    assert appeal is not None
    address = f"/api/v1/sheets/ledger/rows/{appeal.id}"
    body = {"version": appeal.version, "values": {"note": "示例附注"}, "request_key": "k"}
    reading = token_of(make, keeper)
    assert call(reading, "/api/v1/sheets/ledger/rows", "POST", json={"query": {}}).status_code == 200
    assert make.count(Audit, event="token.read") == 1
    refused = call(reading, address, "PATCH", json=body)
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "token.reads-only")
    assert call(reading, "/api/v1/sheets/ledger/edits", "POST", json={}).status_code == 403


def test_a_writing_token_needs_no_form_token_and_a_browser_does(make: Factory, keeper: Person, app: Flask) -> None:
    text = token_of(make, keeper, can_write=True)
    appeal = db.session.query(Appeal).first()
    assert appeal is not None
    address = f"/api/v1/sheets/ledger/rows/{appeal.id}"
    body = {"version": 0, "values": {"note": "示例附注"}, "request_key": "k"}
    browser = make.signed_in(make.holder("supervisor"))
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        headers = {"Authorization": f"Bearer {text}"}
        written = app.test_client().patch(address, base_url=URL, headers=headers, json=body)
        assert (written.status_code, written.json["error"]["code"]) == (409, "row.stale")
        assert browser.patch(address, base_url=URL, json=body).status_code == 400
        for kind in ("Basic", "Token"):
            unknown = {"Authorization": f"{kind} {text}"}
            assert browser.patch(address, base_url=URL, headers=unknown, json=body).status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_pages_have_every_row_once_whatever_is_added_meanwhile(make: Factory, keeper: Person, call: Call) -> None:
    text = token_of(make, keeper)
    before = {one["id"] for one in call(text).json["rows"]}
    seen: list[int] = []
    address = "/api/v1/sheets/ledger/rows?limit=5&sort=-received_at&columns=number,subject"
    after, pages = "", 0
    while True:
        answer = call(text, f"{address}&after={after}").json
        seen += [one["id"] for one in answer["rows"]]
        pages += 1
        newest = make.appeal("registered")
        newest.received_at = present.now() + timedelta(minutes=pages)
        db.session.commit()
        if answer["next"] is None:
            break
        after = answer["next"]
    assert pages == 3
    assert len(seen) == len(set(seen))
    assert set(seen) == before


@pytest.mark.parametrize(
    "asked",
    ["limit=0", "limit=501", "limit=x", "filter={", 'filter={"all":[{"field":"nothing","op":"is","value":1}]}',
     "columns=number,nothing", "sort=nothing", "after=nothing"],
)  # fmt: skip
def test_what_cannot_be_read_is_said(make: Factory, keeper: Person, call: Call, asked: str) -> None:
    answer = call(token_of(make, keeper), f"/api/v1/sheets/ledger/rows?{asked}")
    assert answer.status_code == 422
    assert answer.json["error"]["message"]


def test_a_filter_of_the_address_is_that_of_the_body(make: Factory, keeper: Person, call: Call) -> None:
    text = token_of(make, keeper)
    condition = {"all": [{"field": "subject", "op": "contains", "value": "第7件"}]}
    by_address = call(text, "/api/v1/sheets/ledger/rows", query_string={"filter": json.dumps(condition)}).json
    by_body = call(text, "/api/v1/sheets/ledger/rows", "POST", json={"query": {"filter": condition}}).json
    assert by_address["rows"] == by_body["rows"]
    assert len(by_body["rows"]) == 1


READS: dict[str, tuple[str, str, dict[str, Any] | None, str, int]] = {
    "rows": ("rows", "GET", None, "rows", 12),
    "rows by POST": ("rows", "POST", {"query": {}}, "rows", 12),
    "one row": ("rows/{row}", "GET", None, "rows", 1),
    "groups": ("groups", "POST", {"group": {"by": ["state"]}}, "groups", 1),
    "figures": ("figures", "POST", {"figures": [["round", "sum"]]}, "figures", 1),
    "history": ("rows/{row}/history?field=state", "GET", None, "history", 3),
    "the poll": ("changes", "POST", {"since": 0}, "rows", 12),
}


@pytest.mark.parametrize("read", READS)
def test_what_a_token_reads_is_written_down_and_costs_few_statements(
    make: Factory, keeper: Person, call: Call, read: str
) -> None:
    path, method, body, what, count = READS[read]
    text, appeal = token_of(make, keeper), db.session.query(Appeal).order_by(Appeal.id.desc()).first()
    assert appeal is not None
    address = f"/api/v1/sheets/ledger/{path.format(row=appeal.id)}"
    more = {"json": body} if body is not None else {}
    assert call(text, address, method, **more).status_code == 200
    assert make.count(Audit, event="token.read") == 1
    detail = db.session.query(Audit).filter_by(event="token.read").one().detail
    assert (detail[what], detail.get("row")) == (count, appeal.id if "{row}" in path else None)
    with counted() as statements:
        assert call(text, address, method, **more).status_code == 200
    # The token, the rows, the audit trail; the poll writes who is there first, a history asks for row and change sets.
    most = {"the poll": 5, "history": 4}.get(read, 3)
    assert len(statements) <= most, "\n\n".join(statements)


def from_address(app: Flask, token: str, address: str, path: str = "/api/v1/sheets/") -> Any:
    """A request from that address of the network."""
    headers = {"Authorization": f"Bearer {token}"}
    return app.test_client().get(path, base_url=URL, headers=headers, environ_overrides={"REMOTE_ADDR": address})


@pytest.fixture
def strict(app: Flask) -> Iterator[None]:
    """Three requests an hour."""
    usual = app.config["API_RATE_LIMIT"]
    app.config["API_RATE_LIMIT"] = "3 per hour"
    yield
    app.config["API_RATE_LIMIT"] = usual


def test_a_token_that_asks_too_often_is_told_when_it_may_again(
    make: Factory, keeper: Person, app: Flask, strict: None
) -> None:
    first, second = token_of(make, keeper), token_of(make, keeper)
    paths = ["/api/v1/sheets/", "/api/v1/sheets/ledger", "/api/v1/sheets/ledger/rows", "/api/v1/sheets/"]
    # One count over all addresses, wherever the token is sent from.
    answers = [from_address(app, first, f"203.0.113.{n}", path) for n, path in enumerate(paths)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert 3_500 < int(answers[-1].headers["Retry-After"]) <= 3_601
    assert answers[-1].json["error"]["code"] == "http.429"
    assert from_address(app, second, "203.0.113.1").status_code == 200


def test_who_does_not_know_the_secret_uses_up_no_token(make: Factory, keeper: Person, app: Flask, strict: None) -> None:
    text = token_of(make, keeper)
    wrong = text.rsplit("_", 1)[0] + "_" + "A" * 43
    tries = [from_address(app, wrong, "203.0.113.77").status_code for _try in range(4)]
    tries.append(from_address(app, "mszt_000000000000_x", "203.0.113.77").status_code)
    assert tries == [401, 401, 401, 429, 429]
    assert from_address(app, wrong, "203.0.113.78").status_code == 401  # somebody else's tries count for himself
    assert [from_address(app, text, "203.0.113.77").status_code for _ask in range(4)] == [200, 200, 200, 429]


def work_on(make: Factory, person: Person, sheet: str, only_post: int | None = None) -> int:
    """A task that writes a sheet for that person."""
    user_id = make.user_of(person).id
    found = ChangeSet(sheet=sheet, kind="bulk", user_id=user_id, request_key=sheet + str(only_post), state="pending",
                      spec={"only_post": only_post})  # fmt: skip
    db.session.add(found)
    db.session.flush()
    task = Task(kind="bulk_edit", queue="imports", subject_id=found.id, total=9, requested_by_id=user_id)
    db.session.add(task)
    db.session.commit()
    return task.id


def test_a_token_sees_and_stops_work_on_its_sheets_under_its_post_alone(
    make: Factory, keeper: Person, call: Call
) -> None:
    post = make.post("ledger_admin").id
    ledger, appeals = work_on(make, keeper, "ledger"), work_on(make, keeper, "appeals")
    own = work_on(make, keeper, "ledger", post)
    foreign = work_on(make, make.holder("supervisor"), "ledger")
    report = Task(kind="quarterly_report", queue="reports", subject_id=0, requested_by_id=make.user_of(keeper).id)
    db.session.add(report)
    db.session.commit()
    every = [ledger, appeals, own, foreign, report.id]
    reached = {
        "all": (token_of(make, keeper, can_write=True), [200, 200, 200, 404, 404]),
        "sheets": (token_of(make, keeper, can_write=True, sheets=("ledger",)), [200, 404, 200, 404, 404]),
        "post": (token_of(make, keeper, can_write=True, post_id=post), [404, 404, 200, 404, 404]),
    }
    for token, answers in reached.values():
        assert [call(token, f"/api/v1/tasks/{one}").status_code for one in every] == answers
    narrow = reached["sheets"][0]
    assert call(narrow, f"/api/v1/tasks/{appeals}/cancel", "POST").status_code == 404
    assert db.session.get_one(Task, appeals).state == "pending"
    assert call(narrow, f"/api/v1/tasks/{ledger}/cancel", "POST").json["state"] == "cancelled"
    reading = call(token_of(make, keeper), f"/api/v1/tasks/{appeals}/cancel", "POST")
    assert (reading.status_code, reading.json["error"]["code"]) == (403, "token.reads-only")


def test_the_feed_tells_every_change_page_by_page(make: Factory, keeper: Person, built_app: Flask, call: Call) -> None:
    text = token_of(make, keeper)
    address = "/api/v1/sheets/ledger/changes?columns=number"
    begun = call(text, address).json
    assert (begun["rows"], begun["more"]) == ([], False)
    table = Appeal.__tablename__
    # Rows of transactions that are over, as others committed them.
    ids = sorted(one.id for one in db.session.query(Appeal))[:7]
    low = int(begun["next"].split(".")[0]) - 100
    for number, row_id in enumerate([*ids, ids[0], 0]):
        db.session.add(FeedRow(table_name=table, row_id=row_id, xid=low + number // 3))
    db.session.commit()
    at = begun["next"].split(".")[2]
    told, gone, since, pages = [], [], f"{low - 1}.0.{at}", 0
    while True:
        part = call(text, f"{address}&limit=2&since={since}").json
        told += [one["id"] for one in part["rows"]]
        gone += part["gone"]
        since, pages = part["next"], pages + 1
        if not part["more"]:
            break
    assert (set(told), set(gone), pages) == (set(ids), {0}, 5)
    old = f"{low}.0.{int(at) - 2 * 86_400}"
    refused = call(text, f"{address}&since={old}")
    assert (refused.status_code, refused.json["error"]["code"]) == (410, "feed.read-again")
    assert call(text, f"{address}&since=x").status_code == 422


def test_a_page_makes_shows_and_ends_tokens(make: Factory, keeper: Person) -> None:
    client = make.signed_in(keeper)
    post = str(make.post("ledger_admin").id)
    form = {"name": "示例系统", "post": post, "write": "1", "days": "30", "sheets": "ledger"}
    made = client.post("/account/tokens/make", base_url=URL, data=form).text
    row = db.session.query(ApiToken).one()
    assert f"mszt_{row.prefix}_" in made
    assert (row.can_write, row.sheets) == (True, ["ledger"])
    page = client.get("/account/tokens/", base_url=URL).text
    assert f"mszt_{row.prefix}" in page
    assert f"mszt_{row.prefix}_" not in page
    for wrong in ({"days": "9999"}, {"days": "0"}, {"days": "x"}, {"name": " "}, {"sheets": "nothing"}):
        assert client.post("/account/tokens/make", base_url=URL, data=form | wrong).status_code == 422
    other = make.signed_in(make.holder("supervisor"))
    assert other.post(f"/account/tokens/{row.id}/revoke", base_url=URL).status_code == 404
    officer = make.signed_in(officer="security")
    assert "示例系统" in officer.get("/account/tokens/all", base_url=URL).text
    assert officer.post(f"/account/tokens/{row.id}/revoke", base_url=URL, data={"all": "1"}).status_code == 302
    db.session.refresh(row)
    assert row.revoked_at is not None
    assert make.count(Audit, event="token.revoke") == 1


def test_a_post_one_does_not_hold_gives_no_token(make: Factory, keeper: Person) -> None:
    client = make.signed_in(keeper)
    foreign = db.session.query(Post).filter(Post.code == "supervisor").one()
    form = {"name": "示例系统", "post": str(foreign.id), "days": "30"}
    assert client.post("/account/tokens/make", base_url=URL, data=form).status_code == 422
    assert make.count(ApiToken) == 0


def test_the_description_has_every_address_and_no_other(app: Flask) -> None:
    known = {(endpoint, method) for _address, endpoint, method in addresses(app)}
    assert known == set(BODIES)
    made = description(app)
    assert all(one["summary"] for path in made["paths"].values() for one in path.values())
    text = json.dumps(made)
    for name in (part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]):
        assert name in made["components"]["schemas"]
