"""One delivery from the job's point of view: inbox, mail and every way a gateway can answer."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select

from app import notices
from app.models import Account, Delivery, Notice, db
from app.services import outbox, present
from app.services.transaction import transaction
from jobs import mail, runtime
from jobs.outbox import send_delivery
from tests.factories import Factory
from tests.services import making
from tests.services.making import HOUR, NOON


@pytest.fixture(autouse=True)
def one_application(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Jobs run in the test's application, at a fixed moment."""
    monkeypatch.setattr(runtime, "_application", app)
    with present.at(NOON):
        yield


def enqueued(kind: str = "appeal.assigned", *, address: str = "") -> list[int]:
    """One notice to a new person; the ids of its deliveries, inbox first."""
    person, appeal = making.person(email=address), making.appeal()
    with transaction():
        outbox.enqueue(kind, [person.id], key=f"appeal:{appeal.id}|{kind}", appeal_id=appeal.id)
    return [row.id for row in making.deliveries() if row.recipient_id == person.id]


def found(delivery_id: int) -> Delivery:
    query = select(Delivery).where(Delivery.id == delivery_id).execution_options(populate_existing=True)
    row: Delivery = db.session.scalars(query).one()
    return row


def test_it_writes_one_notice_however_often_it_is_woken(app: Flask) -> None:
    (delivery,) = enqueued()
    for _ in range(3):
        send_delivery(delivery)
    assert len(db.session.scalars(select(Notice)).all()) == 1
    assert (found(delivery).state, found(delivery).attempts) == ("sent", 1)


def test_an_unknown_delivery_is_nothing_to_do(app: Flask) -> None:
    send_delivery(987654321)
    assert db.session.scalars(select(Notice)).all() == []


def test_what_is_not_wanted_any_more_is_cancelled(app: Flask) -> None:
    from app.services import reminders

    clock = making.clock(NOON + 10 * HOUR)
    db.session.commit()
    reminders.plan(NOON)
    clock.stopped_at = NOON
    db.session.commit()
    (delivery,) = making.deliveries(clock)
    send_delivery(delivery.id)
    assert (found(delivery.id).state, found(delivery.id).last_error) == ("cancelled", "clock-stopped")
    assert db.session.scalars(select(Notice)).all() == []


# --- mail ---------------------------------------------------------------------------------------------------


@dataclass
class Gateway:
    """A small SMTP server: what it answers to RCPT and DATA, and what it received."""

    port: int = 0
    rcpt: str = "250 ok"
    data: str = "250 ok"
    silent: bool = False
    received: list[str] = field(default_factory=list)


@pytest.fixture
def gateway(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    state = Gateway()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 gateway")
            for raw in self.rfile:
                word = raw.decode().strip().split(" ")[0].split(":")[0].upper()
                if word == "RCPT":
                    self.say(state.rcpt)
                elif word == "DATA":
                    self.say("354 go on")
                    if not self.take_message():
                        return
                elif word == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def take_message(self) -> bool:
            lines = []
            for raw in self.rfile:
                if raw == b".\r\n":
                    break
                lines.append(raw.decode())
            state.received.append("".join(lines))
            if not state.silent:
                self.say(state.data)
            return not state.silent

        def say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        address = f"mailto://127.0.0.1:{state.port}?from=office@example.invalid&mode=insecure"
        monkeypatch.setitem(app.config, "MAIL_URL", address)
        yield state
        server.shutdown()


def mailed(address: str = "somebody@example.invalid") -> Delivery:
    inbox, letter = enqueued(address=address)
    send_delivery(letter)
    assert found(inbox).state == "pending"
    return found(letter)


def test_a_mail_goes_out_once_and_names_itself(app: Flask, gateway: Gateway) -> None:
    row = mailed()
    send_delivery(row.id)
    assert row.state == "sent"
    (text,) = gateway.received
    message = email.message_from_string(text)
    assert message["To"] == "somebody@example.invalid"
    assert message.get_all("Message-ID") == [mail.message_id(row.idem_key)]
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(("locale", "spoken"), [(None, "zh"), ("zh", "zh"), ("en", "en")])
def test_a_mail_speaks_its_readers_language_and_quotes_no_appeal(
    app: Flask, make: Factory, gateway: Gateway, locale: str | None, spoken: str
) -> None:
    person = make.person(email="somebody@example.invalid")
    make.account(person)
    db.session.query(Account).filter(Account.person_id == person.id).update({"locale": locale})
    appeal = making.appeal()
    with transaction():
        outbox.enqueue("appeal.assigned", [person.id], key=f"appeal:{appeal.id}|x", appeal_id=appeal.id)
    letter = next(row for row in making.deliveries() if row.channel == "mail")
    lease = outbox.claim(letter.id, NOON)
    assert lease is not None
    composed = mail.compose(lease)
    with force_locale(spoken):
        assert composed.subject == notices.title("appeal.assigned", {"number": appeal.number})
    assert appeal.subject not in composed.subject + composed.body


@pytest.mark.parametrize(
    ("rcpt", "data", "state", "error"),
    [
        ("450 busy", "250 ok", "pending", "smtp 450"),
        ("550 no such user", "250 ok", "dead", "smtp 550"),
        ("250 ok", "451 try later", "pending", "smtp 451"),
        ("250 ok", "554 refused", "dead", "smtp 554"),
    ],
)
def test_an_answer_is_certain(app: Flask, gateway: Gateway, rcpt: str, data: str, state: str, error: str) -> None:
    gateway.rcpt, gateway.data = rcpt, data
    row = mailed()
    assert (row.state, row.last_error) == (state, error)


def test_a_connection_that_breaks_after_the_text_is_uncertain_and_never_repeated(app: Flask, gateway: Gateway) -> None:
    gateway.silent = True
    row = mailed()
    assert (row.state, row.last_error) == ("uncertain", "SMTPServerDisconnected")
    send_delivery(row.id)
    assert len(gateway.received) == 1


def test_a_gateway_that_is_not_there_is_tried_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", "mailto://127.0.0.1:9?from=office@example.invalid&mode=insecure")
    row = mailed()
    assert (row.state, row.last_error) == ("pending", "connection: ConnectionRefusedError")
    assert row.due_at > NOON


def test_a_useless_mail_url_loses_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", "mailto://?nothing")
    row = mailed()
    assert row.state == "pending"
    assert "MAIL_URL" in row.last_error
