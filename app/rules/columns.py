"""The columns of a workbook: where the header stands and what each title means; a person confirms it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from .errors import FieldErrors, FieldProblem, Invalid
from .fields import clean_text

Cell = int | float | str | bool | date | datetime | time | timedelta

# What a column can be, and the titles under which editions know it, best first: suggestions, no decisions.
_APPEAL_TITLES = {
    "number": (
        "留言编号 信息编号 诉求编号 工单编号 受理编号 登记编号 信访编号 来信编号 事项编号 编号 "
        "工单号 受理号 number id no"
    ),
    "received_at": (
        "留言时间 收件时间 接收时间 来电时间 来信时间 来访时间 受理时间 诉求时间 反映时间 登记时间 "
        "提交时间 收到时间 时间 日期 received receivedat"
    ),
    "subject": "留言主题 诉求主题 诉求标题 信息标题 主题 标题 事由 subject title",
    "body": (
        "留言详情 留言内容 诉求内容 反映内容 信息内容 来电内容 来信内容 详情 详细内容 内容 正文 text body content"
    ),
    "reply": ("答复意见 答复内容 回复意见 回复内容 办理结果 处理结果 办理情况 反馈内容 答复 回复 reply answer result"),
    "answered_at": "答复时间 回复时间 办结时间 反馈时间 办理时间 销号时间 answered answeredat closed",
    "appellant_name": ("留言用户 诉求人 反映人 来电人 来信人 来访人 投诉人 联系人 姓名 用户 网友 appellant name"),
    "appellant_phone": "联系电话 来电号码 手机号码 手机号 联系方式 电话号码 电话 手机 phone mobile tel",
    "appellant_identity": "身份证号码 身份证号 身份证 证件号码 identity idcard",
    "appellant_address": "联系地址 家庭住址 住址 地址 address",
    "place": "事发地点 问题地点 事发地址 发生地点 地点 所属区域 区域 place location",
    "channel_class": "渠道类别 信息类别 收集类别 channelclass class",
    "channel": "渠道名称 信息来源 来源渠道 诉求渠道 受理渠道 渠道 来源 channel",
    "category": "一级分类 一级标签 一级类别 诉求类别 诉求分类 分类 类别 标签 category category1",
    "category2": "二级分类 二级标签 二级类别 category2",
    "category3": "三级分类 三级标签 三级类别 category3",
    "unit": "责任单位 承办单位 主办单位 办理单位 答复单位 回复单位 单位 unit",
    "limit": "办理时限 时限类别 办件类型 时限 limit",
    "due_at": "截止时间 办结期限 应办结时间 到期时间 due dueat deadline",
}
_ENGLISH_TITLES = {
    "category_en": "一级分类英文 一级英文 category1english english1",
    "category2_en": "二级分类英文 二级英文 category2english english2",
    "category3_en": "三级分类英文 三级英文 category3english english3",
}
LEVELS = ("category", "category2", "category3")


def _split(titles: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({target: tuple(names.split()) for target, names in titles.items()})


TARGETS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "appeals": _split(_APPEAL_TITLES),
        "categories": _split({level: _APPEAL_TITLES[level] for level in LEVELS} | _ENGLISH_TITLES),
    }
)
# A word in the headers that tells how the appeals came in (R2); shown as a suggestion, never applied unseen.
_CLASS_WORDS = (
    ("留言", "C"),
    ("网友", "C"),
    ("来信", "E"),
    ("信访", "E"),
    ("来访", "F"),
    ("热线", "B"),
    ("来电", "B"),
)
CHANNEL_CLASSES = "ABCDEF"

CATEGORY_SEPARATOR = "/"
_HEADER_SEARCH = 20


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the header row; `key` names it wherever it stands: its title, numbered when it repeats."""

    index: int
    letter: str
    title: str
    key: str


def cell_text(cell: Cell) -> str:
    """A cell as the text its author sees: a whole number without ".0", a moment as 2019-04-25 09:32:09."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    return str(cell)


def masked(text: str) -> str:
    """Text for a preview: every run of seven digits or more (phone, identity number) loses its middle."""
    return re.sub(r"\d{7,}X?", lambda found: f"{found[0][:3]}****{found[0][-4:]}", text)


def name_key(text: str) -> str:
    """How names (units, channels, categories, limits) are compared: width, case, spaces and marks aside."""
    folded = unicodedata.normalize("NFKC", clean_text(text)).casefold()
    return "".join(char for char in folded if char.isalnum())


def category_key(names: Iterable[str]) -> str:
    """How paths of categories are compared."""
    return CATEGORY_SEPARATOR.join(name_key(name) for name in names)


def column_letter(index: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def columns_of(header: Sequence[Cell]) -> tuple[Column, ...]:
    """The columns of a header row that have a title."""
    seen: dict[str, int] = {}
    found: list[Column] = []
    for index, cell in enumerate(header):
        title = clean_text(cell_text(cell))[:100]
        key = name_key(re.sub(r"[(（][^)）]*[)）]", "", title)) or name_key(title) or title
        if not key:
            continue
        seen[key] = seen.get(key, 0) + 1
        numbered = key if seen[key] == 1 else f"{key}#{seen[key]}"
        found.append(Column(index, column_letter(index), title, numbered))
    return tuple(found)


def find_header(rows: Sequence[tuple[int, Sequence[Cell]]], kind: str = "appeals") -> tuple[int, tuple[Column, ...]]:
    """(row number, columns) of the header: among the first rows the one with most titles we know.

    Raises Invalid("import.no-header") when there is nothing like one.
    """
    best: tuple[int, int, tuple[Column, ...]] | None = None
    for number, cells in rows[:_HEADER_SEARCH]:
        columns = columns_of(cells)
        score = len(suggest(columns, kind))
        if len(columns) >= (1 if score else 2) and (best is None or score > best[0]):
            best = (score, number, columns)
    if best is None:
        raise Invalid("import.no-header")
    return best[1], best[2]


def suggest(columns: Sequence[Column], kind: str = "appeals") -> dict[str, str]:
    """Target → key of the column that looks like it: exact titles first, then endings, each column once."""
    targets = TARGETS[kind]
    chosen: dict[str, str] = {}
    free = {column.key: column for column in columns}
    ranks = [(rank, target, name) for target, names in targets.items() for rank, name in enumerate(names)]
    for _rank, target, name in sorted(ranks, key=lambda entry: entry[0]):
        if target not in chosen and name in free:
            chosen[target] = name
            del free[name]
    for target, names in targets.items():
        endings = tuple(name for name in names if len(name) >= 2 and not name.isascii())
        for key in list(free):
            if target not in chosen and key.partition("#")[0].endswith(endings):
                chosen[target] = key
                del free[key]
    return chosen


def looks_like(columns: Sequence[Column]) -> str:
    """ "categories" when the header names a tree and no appeals, else "appeals"."""
    appeals = suggest(columns)
    is_tree = "category2" in appeals and not {"subject", "body", "received_at"} & appeals.keys()
    return "categories" if is_tree else "appeals"


def suggest_class(columns: Sequence[Column]) -> str:
    """The channel class that the titles speak of, or "" (R2)."""
    titles = " ".join(column.title for column in columns)
    return next((channel_class for word, channel_class in _CLASS_WORDS if word in titles), "")


def header_hash(columns: Sequence[Column]) -> str:
    """What a header row is recognised by: its titles in any order."""
    return hashlib.sha256("\n".join(sorted(column.key for column in columns)).encode()).hexdigest()


def checked_mapping(mapping: Mapping[str, str], columns: Sequence[Column], kind: str = "appeals") -> dict[str, Column]:
    """Target → column, in the order of the targets.

    Raises FieldErrors: "import.unknown-column", "import.column-twice", "import.column-needed".
    """
    by_key = {column.key: column for column in columns}
    problems: list[FieldProblem] = []
    chosen: dict[str, Column] = {}
    users: dict[str, str] = {}
    for target in TARGETS[kind]:
        key = mapping.get(target)
        if not key:
            continue
        if key not in by_key:
            problems.append(FieldProblem(target, "import.unknown-column", {"column": key[:100]}))
        elif key in users:
            problems.append(FieldProblem(target, "import.column-twice", {"column": by_key[key].title}))
        else:
            users[key] = target
            chosen[target] = by_key[key]
    problems += [FieldProblem(target, "import.column-needed") for target in _missing(mapping, kind)]
    if problems:
        raise FieldErrors(problems)
    return chosen


def _missing(mapping: Mapping[str, str], kind: str) -> list[str]:
    if kind == "categories":
        return [] if mapping.get("category") else ["category"]
    missing = [] if mapping.get("received_at") else ["received_at"]
    return missing if mapping.get("subject") or mapping.get("body") else [*missing, "body"]


def category_code(names: Iterable[str]) -> str:
    """The code of a category: the path of its names."""
    return CATEGORY_SEPARATOR.join(name.replace(CATEGORY_SEPARATOR, "／") for name in names)
