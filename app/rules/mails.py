"""Reading a mail (.eml) for the form of class B: sender, moment, subject, text, what hangs on it. Nothing is executed.

A mail is somebody else's bytes: it may claim a charset that does not exist, lie about its date, have no text or
never end. What can be read is read, what cannot is left empty, and what is no mail is refused.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from html.parser import HTMLParser

from .errors import Invalid
from .fields import clean_text

LIMIT = 25 * 1024 * 1024
_MOST_PARTS = 200
_TEXT = 20_000
_HTML = 2_000_000
_SUBJECT = 200
# Chinese mails are often labelled with a charset that knows fewer characters than they use.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "x-gbk": "gb18030", "hz-gb-2312": "hz"}
_GUESSES = ("utf-8", "gb18030")
_HEADERS = ("from", "to", "subject", "date", "message-id", "received", "mime-version", "content-type")


@dataclass(frozen=True, slots=True)
class Enclosure:
    """Something that hangs on a mail, named and measured, never opened."""

    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says. `arrived_at` is when the last server took it, else when it
    was sent, aware or None; `is_cut`: its text was longer than an appeal's may be."""

    sender_name: str
    sender_address: str
    arrived_at: datetime | None
    subject: str
    text: str
    message_id: str
    enclosures: tuple[Enclosure, ...] = ()
    is_cut: bool = False


def read(content: bytes, *, limit: int = LIMIT) -> Mail:
    """The mail in these bytes.

    Raises Invalid: "mail.too-large", "mail.empty", "mail.not-a-mail", "mail.too-many-parts".
    """
    if len(content) > limit:
        raise Invalid("mail.too-large", {"limit": limit // 1024 // 1024})
    if not content.strip():
        raise Invalid("mail.empty")
    try:
        message = email.message_from_bytes(content, policy=email.policy.default)
        if not isinstance(message, EmailMessage) or not any(message.get(name) for name in _HEADERS[:5]):
            raise Invalid("mail.not-a-mail")
        return _mail(message)
    except Invalid:
        raise
    except (LookupError, ValueError, TypeError, AttributeError, IndexError, AssertionError, RecursionError) as error:
        # The standard parser gives up on some damaged mails with whatever its innards raise.
        raise Invalid("mail.not-a-mail") from error


def _mail(message: EmailMessage) -> Mail:
    name, address = parseaddr(_header(message, "from"))
    plain, html, enclosures = "", "", []
    for part in _parts(message):
        if part.get_content_disposition() == "attachment" or part.get_filename():
            enclosures.append(_enclosure(part))
        elif _is_plain(part) and not plain:
            plain = _decoded(part)
        elif part.get_content_type() == "text/html" and not html:
            html = _decoded(part)
        elif part.get_content_maintype() != "text":
            enclosures.append(_enclosure(part))
    whole = clean_text(plain, multiline=True) or html_text(html)
    return Mail(
        sender_name=clean_text(name)[:64],
        sender_address=clean_text(address)[:200] if "@" in address else "",
        arrived_at=_moment(_header(message, "received").rpartition(";")[2]) or _moment(_header(message, "date")),
        subject=clean_text(_header(message, "subject"))[:_SUBJECT],
        text=whole[:_TEXT],
        message_id=clean_text(_header(message, "message-id")).strip("<>")[:200],
        enclosures=tuple(enclosures),
        is_cut=len(whole) > _TEXT,
    )


def _is_plain(part: EmailMessage) -> bool:
    """Plain text; so is a leaf that calls itself a multipart, for its boundary is lost."""
    return part.get_content_type() == "text/plain" or part.get_content_maintype() == "multipart"


def _parts(message: EmailMessage) -> Iterator[EmailMessage]:
    """The leaves of the mail in order; a mail that hangs on it counts as one."""
    waiting: list[EmailMessage] = [message]
    seen = 0
    while waiting:
        part = waiting.pop(0)
        if (seen := seen + 1) > _MOST_PARTS:
            raise Invalid("mail.too-many-parts", {"most": _MOST_PARTS})
        payload = part.get_payload()
        if part.is_multipart() and part.get_content_type() != "message/rfc822" and isinstance(payload, list):
            waiting[:0] = [one for one in payload if isinstance(one, EmailMessage)]
        else:
            yield part


def _header(message: EmailMessage, name: str) -> str:
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")
    if any("\udc80" <= char <= "\udcff" for char in raw):
        # Bytes outside ASCII in a header that declares no charset.
        return _guessed(raw.encode("ascii", "surrogateescape"))
    try:
        return str(message.get(name) or "")
    except (ValueError, TypeError, AttributeError, IndexError, LookupError):
        return ""


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return moment if moment.tzinfo else None


def _enclosure(part: EmailMessage) -> Enclosure:
    if part.get_content_type() == "message/rfc822":
        size = len(part.as_bytes())
    else:
        payload = part.get_payload(decode=True)
        size = len(payload) if isinstance(payload, bytes) else 0
    name = clean_text(part.get_filename() or "") or part.get_content_type()
    return Enclosure(re.split(r"[\\/]", name)[-1][:200], part.get_content_type(), size)


def _decoded(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = (part.get_content_charset() or "").lower()
    for name in (_WIDER.get(charset, charset), *_GUESSES):
        try:
            return payload.decode(name) if name else _guessed(payload)
        except (LookupError, UnicodeDecodeError):
            continue
    return payload.decode("utf-8", "replace")


def _guessed(raw: bytes) -> str:
    for name in _GUESSES:
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")


# --- HTML to text ------------------------------------------------------------------------------------------

_SILENT = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "iframe", "svg"})
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "blockquote", "hr"})
_CELLS = frozenset({"td", "th"})


class _Words(HTMLParser):
    """Collects the words of a page; markup is read past, nothing is fetched."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BREAKS:
            self.words.append("\n")
        elif tag in _CELLS:
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BREAKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(re.sub(r"\s+", " ", data))


def html_text(html: str) -> str:
    """The words of an HTML mail, a line for each paragraph."""
    reader = _Words()
    reader.feed(html[:_HTML])
    reader.close()
    return clean_text("".join(reader.words), multiline=True)
