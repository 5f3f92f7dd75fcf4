"""Several items pasted at once: rows of a sheet, or paragraphs of a message, as the fields of intake forms.

Nothing is guessed that could be wrong unseen: what is read is shown in a table and corrected there before it is
taken in. Pure: text in, texts by field out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from types import MappingProxyType

from .columns import name_key
from .errors import Invalid
from .fields import clean_text, normalise_phone, parse_moment
from .intake import fields_of

MOST = 60
LIMIT = 200_000  # characters
_SUBJECT = 60
Item = dict[str, str]

# The titles under which a sheet has a field; the first that stands in a header is taken.
_TITLES = {
    "channel": "渠道 报刊 报纸 来源 channel paper",
    "received_at": "收到时间 收件时间 接收时间 来电时间 来信时间 来访时间 时间 日期 received receivedat date",
    "subject": "标题 主题 事由 题目 subject title",
    "body": "内容 诉求内容 反映内容 正文 详情 摘要 text body content",
    "place": "地点 事发地点 区域 place",
    "appellant_name": "姓名 诉求人 反映人 来电人 来信人 来访人 联系人 name appellant",
    "appellant_phone": "电话 联系电话 手机 手机号 联系方式 telephone phone mobile",
    "appellant_address": "地址 住址 address",
    "appellant_identity": "身份证号 身份证 身份证号码 identity",
    "letter_reference": "来信编号 来电编号 编号 reference",
    "page_address": "网址 链接 网页地址 url link",
    "programme": "节目 栏目 programme program",
    "minute": "时点 播出时点 minute",
    "paper_name": "报刊名称",
    "published_on": "见报日期 刊发日期 发表日期 日期 published",
    "page_number": "版面 版次 page",
    "petition_number": "信访编号 信访局编号 转办编号 编号",
    "written_on": "写信日期 落款日期",
    "received_by": "接收人 接待人 接听人",
    "visitors": "人数 来访人数 visitors",
}
TITLES: Mapping[str, tuple[str, ...]] = MappingProxyType({name: tuple(t.split()) for name, t in _TITLES.items()})
# What a sheet says once for several rows: merged cells arrive as one full and many empty ones.
_FILLED_DOWN = ("channel", "received_at", "published_on", "page_number", "paper_name", "programme", "received_by")
_NUMBERED = re.compile(
    r"^\s*(?:[0-9]{1,3}\s*[.、．)）]|[(（][0-9]{1,3}[)）]|[一二三四五六七八九十]{1,3}\s*[、.．])\s*(?=\D)", re.MULTILINE
)
_SENTENCE = re.compile(r"[。！？!?;；\n]")


def read(text: str, channel_class: str) -> list[Item]:
    """The items of a pasted text, each with the fields of the class it gives.

    Raises Invalid: "paste.empty", "paste.too-long", "paste.too-many".
    """
    if len(text) > LIMIT:
        raise Invalid("paste.too-long", {"limit": LIMIT})
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    items = _from_rows(text, channel_class) if "\t" in text else _from_paragraphs(text)
    items = [_completed(item) for item in items if any(item.values())]
    if not items:
        raise Invalid("paste.empty")
    if len(items) > MOST:
        raise Invalid("paste.too-many", {"count": len(items), "most": MOST})
    return items


# --- rows --------------------------------------------------------------------------------------------------


def _from_rows(text: str, channel_class: str) -> list[Item]:
    rows = [row for row in _rows(text) if any(cell.strip() for cell in row)]
    if not rows:
        return []
    allowed = [spec.name for spec in fields_of(channel_class) if spec.name in TITLES]
    columns = _header(rows[0], allowed)
    if columns:
        rows = rows[1:]
    else:
        columns = _guessed(rows)
    items: list[Item] = []
    above: Item = {}
    for row in rows:
        item = {name: row[at] for at, name in columns.items() if at < len(row)}
        said = {name: item[name].strip() for name in _FILLED_DOWN if item.get(name, "").strip()}
        # Another paper or another day begins anew: its empty cells are its own.
        is_new = any(above.get(name) != value for name, value in said.items())
        above = said if is_new else {**above, **said}
        items.append({**item, **{name: value for name, value in above.items() if value}})
    return items


def _rows(text: str) -> list[list[str]]:
    # Cells with line breaks come in quotes; a single quote that never ends is a character like others.
    is_quoted = text.count('"') % 2 == 0
    # The limit is the whole process's: others rely on theirs.
    usual = csv.field_size_limit(LIMIT + 1)
    try:
        if is_quoted:
            return list(csv.reader(io.StringIO(text), delimiter="\t"))
        return list(csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
    finally:
        csv.field_size_limit(usual)


def _header(row: Sequence[str], allowed: Sequence[str]) -> dict[int, str]:
    """Column → field, when the row is a header: most of its titles are known."""
    found: dict[int, str] = {}
    for at, cell in enumerate(row):
        title = name_key(re.sub(r"[(（][^)）]*[)）]", "", cell))
        for name in allowed:
            if title in TITLES[name] and name not in found.values():
                found[at] = name
                break
    titled = sum(bool(cell.strip()) for cell in row)
    return found if len(found) >= 2 and 2 * len(found) >= titled else {}


def _guessed(rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """Column → field of rows without a header: moments and telephones by their look, then the longest text."""
    width = max(len(row) for row in rows)
    cells = {at: [row[at].strip() for row in rows if at < len(row) and row[at].strip()] for at in range(width)}
    cells = {at: texts for at, texts in cells.items() if texts}
    found: dict[int, str] = {}
    for at, texts in cells.items():
        if "received_at" not in found.values() and all(_is_moment(one) for one in texts):
            found[at] = "received_at"
        elif "appellant_phone" not in found.values() and all(_is_phone(one) for one in texts):
            found[at] = "appellant_phone"
    rest = [at for at in cells if at not in found and not all(one.isdecimal() for one in cells[at])]
    rest.sort(key=lambda at: -sum(map(len, cells[at])) / len(cells[at]))
    return found | dict(zip(rest, ("body", "subject", "place"), strict=False))


def _is_moment(text: str) -> bool:
    try:
        parse_moment(text, UTC)
    except Invalid:
        return False
    return True


def _is_phone(text: str) -> bool:
    try:
        normalise_phone(text)
    except Invalid:
        return False
    return True


# --- paragraphs --------------------------------------------------------------------------------------------


def _from_paragraphs(text: str) -> list[Item]:
    marks = list(_NUMBERED.finditer(text))
    if len(marks) >= 2:
        ends = [mark.start() for mark in marks[1:]] + [len(text)]
        bodies = [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    else:
        bodies = re.split(r"\n\s*\n", text)
    return [{"body": body.strip()} for body in bodies if body.strip()]


def _completed(item: Item) -> Item:
    """Clean, and never without a subject or a text where the other one is given."""
    clean = {name: clean_text(value, multiline=name == "body") for name, value in item.items()}
    subject, body = clean.get("subject", ""), clean.get("body", "")
    if body and not subject:
        clean["subject"] = _SENTENCE.split(body, maxsplit=1)[0].strip()[:_SUBJECT] or body[:_SUBJECT]
    if subject and not body:
        clean["body"] = subject
    return {name: value for name, value in clean.items() if value}
