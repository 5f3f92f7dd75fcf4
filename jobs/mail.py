"""One mail through Apprise: composed in the recipient's language, named so that a repetition can be
recognised.

Apprise reads MAIL_URL, composes the message and holds the connection; its own `notify` answers yes or no,
which does not tell a refusal (send again later) from a broken end (never send again), so the last step is
ours.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import smtplib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import force_locale, gettext
from sqlalchemy import func, select

from app import notices
from app.models import Account, Appeal, Clock, DutyShift, Person, StaffingChange, Task, db
from app.services import outbox


class DeclinedError(Exception):
    """The gateway certainly did not take the mail, and may take it later."""


class RefusedError(Exception):
    """The gateway will never take this mail."""


class UnclearError(Exception):
    """The connection broke after the mail was handed over: nobody knows."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to go. `message_id` is the same for every attempt at one delivery."""

    recipient: str
    subject: str
    body: str
    message_id: str


def compose(lease: outbox.Lease) -> Letter:
    """The words of a delivery in its recipient's language; only numbers of appeals and records, no names, no texts."""
    named = func.coalesce(Appeal.number, StaffingChange.number)
    query = (
        select(Person.email, Account.locale, named, Clock.kind, Clock.due_at, Task.kind, func.lower(DutyShift.valid))
        .select_from(Person)
        .outerjoin(Account, Account.person_id == Person.id)
        .outerjoin(Appeal, Appeal.id == lease.appeal_id)
        .outerjoin(Clock, Clock.id == lease.clock_id)
        .outerjoin(Task, Task.id == lease.task_id)
        .outerjoin(
            StaffingChange,
            (StaffingChange.id == lease.subject_id) & (lease.subject_type == StaffingChange.__tablename__),
        )
        .outerjoin(
            DutyShift, (DutyShift.id == lease.subject_id) & (lease.subject_type == DutyShift.__tablename__)
        )
        .where(Person.id == lease.recipient_id)
    )
    address, locale, number, clock, due_at, task, shift_at = db.session.execute(query).one()
    db.session.rollback()
    if not address:
        raise RefusedError("no-address")
    with force_locale(locale or current_app.config["BABEL_DEFAULT_LOCALE"]):
        known = {"number": number, "clock": clock, "due_at": due_at, "task": task, "shift_at": shift_at}
        subject = notices.title(lease.kind, known)
        body = "\n\n".join((subject, gettext("Details are in the system; please do not answer this mail.")))
    return Letter(address, subject, body, message_id(lease.idem_key))


def message_id(idem_key: str) -> str:
    """The Message-ID of a delivery: derived from its key, so that mail systems recognise a repetition."""
    host = (urlsplit(current_app.config["MAIL_URL"]).hostname or "localhost").lower()
    return f"<{hashlib.sha256(idem_key.encode()).hexdigest()[:40]}@{host}>"


def post(letter: Letter) -> None:
    """Hand the letter to the gateway of MAIL_URL. Raises DeclinedError, RefusedError or UnclearError."""
    from apprise.exception import AppriseException
    from apprise.plugins.email.base import NotifyEmail
    from apprise.plugins.email.smtp import AppriseSMTPController

    plugin = _plugin(letter.recipient)
    messages = list(
        NotifyEmail.prepare_emails(
            subject=letter.subject,
            body=letter.body,
            from_addr=plugin.from_addr,
            to=[(False, letter.recipient)],
            smtp_host=plugin.smtp_host,
            notify_format="text",
            names=plugin.names,
            headers={"X-Auto-Response-Suppress": "All", "Auto-Submitted": "auto-generated"},
        )
    )
    text = _named(messages[0].body, letter.message_id)
    controller = AppriseSMTPController(
        host=plugin.smtp_host,
        port=plugin.port,
        secure_mode=plugin.secure_mode,
        user=plugin.user,
        password=plugin.password,
        verify_certificate=plugin.verify_certificate,
        socket_connect_timeout=plugin.socket_connect_timeout,
    )
    try:
        controller.__enter__()
    except (OSError, smtplib.SMTPException, RuntimeError, AppriseException) as error:
        raise DeclinedError(f"connection: {type(error).__name__}") from None
    try:
        _hand_over(controller._socket, plugin.from_addr[1], letter.recipient, text)
    finally:
        controller.__exit__(None, None, None)


def _plugin(recipient: str) -> Any:
    from apprise.plugins.email import base

    plugin: Any = base.NotifyEmail
    settings = plugin.parse_url(current_app.config["MAIL_URL"])
    if settings is None:
        raise DeclinedError("MAIL_URL is not a mailto:// or mailtos:// address of Apprise")
    try:
        return plugin(**{**settings, "targets": [recipient], "cc": None, "bcc": None})
    except TypeError:
        raise DeclinedError("MAIL_URL cannot be used") from None


def _named(raw: str, message_id: str) -> str:
    message = email.message_from_string(raw, policy=email.policy.SMTP)
    del message["Message-ID"]
    message["Message-ID"] = message_id
    return message.as_string()


def _hand_over(connection: Any, sender: str, recipient: str, text: str) -> None:
    """The SMTP dialogue. An answer of the server is certain whatever it says; a silence is not."""
    try:
        connection.sendmail(sender, [recipient], text.encode())
    except smtplib.SMTPRecipientsRefused as error:
        _sort_out(next(iter(error.recipients.values()))[0])
    except smtplib.SMTPResponseException as error:
        _sort_out(error.smtp_code)
    except (OSError, smtplib.SMTPException) as error:
        raise UnclearError(type(error).__name__) from None


def _sort_out(code: int) -> None:
    if 400 <= code < 500:
        raise DeclinedError(f"smtp {code}")
    raise RefusedError(f"smtp {code}")
