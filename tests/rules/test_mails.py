"""Reading mails: plain, HTML, Chinese charsets, things that hang on it, and what is none."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from app.rules import mails
from app.rules.errors import Invalid

HEAD = (
    "From: =?utf-8?b?56S65L6L5p2l5L+h5Lq6?= <someone@example.invalid>\r\n"
    "To: mayor@example.invalid\r\nDate: Mon, 05 Jan 2026 09:30:00 +0800\r\n"
    "Message-ID: <7@example.invalid>\r\n"
)


def plain(subject: str = "示例：路灯不亮", text: str = "示例：三天不亮。\n请修复。") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "示例来信人 <someone@example.invalid>"
    message["Date"] = "Mon, 05 Jan 2026 09:30:00 +0800"
    message["Subject"] = subject
    message.set_content(text)
    return message


def test_a_plain_mail() -> None:
    found = mails.read(plain().as_bytes())
    assert (found.sender_name, found.sender_address) == ("示例来信人", "someone@example.invalid")
    assert found.arrived_at == datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
    assert (found.subject, found.text) == ("示例：路灯不亮", "示例：三天不亮。\n请修复。")
    assert (found.enclosures, found.is_cut) == ((), False)


def test_a_mail_has_arrived_when_the_last_server_took_it() -> None:
    received = (
        "Received: from a.example.invalid by b.example.invalid; Mon, 05 Jan 2026 10:00:00 +0800\r\n"
        "Received: from c.example.invalid by a.example.invalid; Mon, 05 Jan 2026 09:31:00 +0800\r\n"
    )
    found = mails.read((received + HEAD + "Subject: x\r\n\r\nx").encode())
    assert found.arrived_at == datetime(2026, 1, 5, 2, 0, tzinfo=UTC)


def test_a_mail_of_html_only_becomes_text_and_no_script() -> None:
    html = (
        "<html><head><title>no</title><style>p{}</style></head><body><p>示例：<b>路灯</b>不亮&nbsp;&amp;&lt;</p>"
        "<script>alert('no')</script><table><tr><td>一</td><td>二</td></tr></table>末行<br>"
        "<img src='https://example.invalid/track'></body></html>"
    )
    kind = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    assert mails.read((HEAD + "Subject: x\r\n" + kind + html).encode()).text == "示例：路灯不亮 &<\n\n一 二\n\n末行"


@pytest.mark.parametrize(
    ("label", "charset"),
    [
        ("gb2312", "gb18030"),
        ("gbk", "gb18030"),
        ("GB18030", "gb18030"),
        ("big5", "big5"),
        ("utf-8", "utf-8"),
        ("no-such-charset", "gb18030"),
        ("", "gb18030"),
    ],
)
def test_chinese_charsets_and_their_wrong_labels(label: str, charset: str) -> None:
    text = "示例：路燈不亮" if charset == "big5" else "示例：镕镕小区路灯不亮"
    kind = f"Content-Type: text/plain; charset={label}\r\n" if label else "Content-Type: text/plain\r\n"
    head = HEAD + "Subject: =?gb2312?B?yr7A/Q==?=\r\n" + kind + "Content-Transfer-Encoding: 8bit\r\n\r\n"
    found = mails.read(head.encode() + text.encode(charset))
    assert (found.subject, found.text) == ("示例", text)


def test_a_subject_in_bare_bytes() -> None:
    raw = HEAD.encode() + "Subject: 示例：路灯\r\n\r\n示例".encode("gb18030")
    assert mails.read(raw).subject == "示例：路灯"


def test_what_hangs_on_a_mail_is_listed_and_not_opened() -> None:
    message = plain()
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="示例照片.png")
    message.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="..\\..\\evil.exe")
    message.add_attachment(plain("内附"), filename="inner.eml")
    found = mails.read(message.as_bytes())
    assert found.text.startswith("示例：三天不亮")
    assert [(one.name, one.media_type) for one in found.enclosures] == [
        ("示例照片.png", "image/png"),
        ("evil.exe", "application/octet-stream"),
        ("inner.eml", "message/rfc822"),
    ]
    assert [one.size for one in found.enclosures][:2] == [4, 2]


def test_text_beats_html_and_a_long_text_is_cut_and_says_so() -> None:
    message = plain(text="长" * 30_000)
    message.add_alternative("<p>html</p>", subtype="html")
    found = mails.read(message.as_bytes())
    assert (len(found.text), found.is_cut) == (20_000, True)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "mail.empty"),
        (b" \r\n\r\n ", "mail.empty"),
        (b"PK\x03\x04 a workbook", "mail.not-a-mail"),
        ("只是一段文字，没有信头。".encode(), "mail.not-a-mail"),
        (b"\xff\xfe\x00\x00" * 100, "mail.not-a-mail"),
        (b"Subject: x\r\n\r\n" + b"x" * 2000, "mail.too-large"),
    ],
)
def test_what_is_no_mail_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        mails.read(content, limit=1000)
    assert refused.value.code == code


def test_a_mail_of_too_many_parts_is_refused() -> None:
    message = plain()
    for number in range(300):
        message.add_attachment(b"x", maintype="image", subtype="png", filename=f"{number}.png")
    with pytest.raises(Invalid) as refused:
        mails.read(message.as_bytes())
    assert refused.value.code == "mail.too-many-parts"


@pytest.mark.parametrize(
    "head",
    [
        "Date: yesterday\r\n",
        "Date: Mon, 05 Jan 2026 09:30:00 -0000\r\n",
        "Date:\r\n",
        "From: <<>>\r\n",
        "From: \"unclosed <a@b\r\n",
        "From: a@b, c@d\r\nFrom: e@f\r\n",
        "Content-Type: multipart/mixed; boundary=\r\n",
        "Content-Type: multipart/mixed; boundary=x\r\n",
        "Subject: =?utf-8?b?////?= =?xx?q?=\r\n",
    ],
)
def test_damaged_heads_are_read_as_far_as_they_go(head: str) -> None:
    raw = (head + "To: x@example.invalid\r\n\r\n示例").encode()
    found = mails.read(raw)
    assert (found.text, found.enclosures) == ("示例", ())
    assert found.arrived_at is None or found.arrived_at.tzinfo is not None


@pytest.mark.parametrize(
    ("head", "enclosures"),
    [
        ("Content-Type: text/plain; charset*=x''y; name*0*=z\r\n", ["z"]),
        ("Content-Transfer-Encoding: base64\r\n", []),
    ],
)
def test_a_body_that_its_head_makes_unreadable_is_no_text(head: str, enclosures: list[str]) -> None:
    found = mails.read((head + "To: x@example.invalid\r\n\r\n示例").encode())
    assert (found.text, [one.name for one in found.enclosures]) == ("", enclosures)


def test_random_damage_is_read_or_refused_and_nothing_else() -> None:
    dice = random.Random(7)
    message = plain()
    message.add_attachment(b"\x89PNG" * 9, maintype="image", subtype="png", filename="示例.png")
    whole = message.as_bytes()
    for _round in range(400):
        raw = bytearray(whole)
        for _change in range(dice.randint(1, 12)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        try:
            mails.read(bytes(raw[: dice.randint(1, len(raw))]))
        except Invalid:
            continue
