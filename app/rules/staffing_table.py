"""Reading a staffing table in the layout of annex 3 (岗位 | 职责 | 责任处室 | 责任领导 | A角 | B角), R1, R17.

Rows come as cells: from a workbook, a document, or as text that was pasted. `ABOVE` stands for a cell that is
merged with the one above it. Nothing is guessed: what cannot be read for certain becomes a problem at its row and
column; what was left out or filled in from above is said in a remark.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .errors import Invalid
from .fields import clean_text, normalise_phone

ABOVE = None
Cells = Sequence[str | None]

POST, DUTY, OFFICE, LEADER, A, B = COLUMNS = ("post", "duty", "office", "leader", "a", "b")
PERSONS = (LEADER, A, B)
NEEDED = (POST, OFFICE, A, B)
# What stands in a cell of A or B when the duty roster fills it (R17), and what when nobody stands there.
ON_DUTY = frozenset(
    {
        *("当值人员", "当值", "值班人员", "值班员", "当班人员"),
        *("ondutystaff", "onduty", "persononduty", "personsonduty", "thepersononduty"),
    }
)
VACANT = frozenset(
    {*("空缺", "空", "缺", "暂缺", "暂无", "待定", "无"), *("vacant", "vacancy", "none", "tba"), *("-", "--", "/")}
)
_HEADS: Mapping[str, frozenset[str]] = {
    POST: frozenset({"岗位", "岗位名称", "工作岗位", "岗位设置", "岗名", "post", "posts", "position", "nameofpost"}),
    DUTY: frozenset({"职责", "岗位职责", "工作职责", "主要职责", "职责任务", "duty", "duties", "responsibilities"}),
    OFFICE: frozenset(
        {"责任处室", "责任科室", "责任单位", "责任部门", "处室", "科室", "responsibleoffice", "office", "section"}
    ),
    LEADER: frozenset({"责任领导", "分管领导", "主管领导", "领导", "responsibleleader", "leader"}),
    A: frozenset({"a角", "a角人员", "a岗", "角色a", "a", "arole", "rolea"}),
    B: frozenset({"b角", "b角人员", "b岗", "角色b", "b", "brole", "roleb"}),
    "phone": frozenset(
        {"电话", "手机", "联系电话", "手机号", "手机号码", "电话号码", "联系方式", "phone", "mobile", "telephone"}
    ),
}
_HEAD_OF: Mapping[str, str] = {word: column for column, words in _HEADS.items() for word in words}
# Two characters of these are one surname, so 欧阳 on the first line and the given name on the second are one person.
_LONG_SURNAMES = frozenset(
    {
        *("欧阳", "上官", "司马", "诸葛", "东方", "皇甫", "尉迟", "公孙"),
        *("慕容", "令狐", "司徒", "夏侯", "端木", "百里", "南宫", "长孙"),
        *("宇文", "钟离", "闻人", "澹台", "公冶", "呼延", "独孤", "西门"),
    }
)
_PHONE = re.compile(r"\+?[0-9](?:[0-9]|[ \t-](?=[0-9])){5,}[0-9]")
_LABEL = re.compile(r"(?:联系)?(?:电话|手机|号码)(?:号码?)?[:：]?|(?:tel|mobile|phone)[.:：]*", re.IGNORECASE)
_BRACKETS = re.compile(r"[(\[【〔][^()\[\]【】〔〕]*[)\]】〕]")
_SEVERAL = re.compile(r"[、,，;；/&]|(?<=\s)和(?=\s)")
_TITLE = re.compile(r"附\s*(?:件|表|录)?\s*[0-9一二三四五六七八九十]*\s*[:：]?|annex\s*[0-9]*:?", re.IGNORECASE)
_CJK = re.compile("[\u3400-\u9fff]")
_WORD = re.compile("[\u3400-\u9fffA-Za-z]")
LONGEST_NAME, LONGEST_POST, LONGEST_DUTY, LONGEST_OFFICE, MOST_ROWS = 64, 128, 2000, 128, 500


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody as a cell names him; `phone` is empty where none stands under the name.

    `whole` is the name with the brackets in or behind it, empty where there are none: whether they belong to the name
    is known to whoever knows the people.
    """

    name: str
    phone: str = ""
    whole: str = ""


@dataclass(frozen=True, slots=True)
class PostRow:
    """A post as the table has it. A person is None where nobody stands; `blank` names the columns left empty.

    `duty` and `leader_known` are None and False where the table has no such column.
    """

    line: int
    post: str
    duty: str | None
    office: str
    leader: Entry | None
    a: Entry | None
    b: Entry | None
    on_duty: bool = False
    blank: tuple[str, ...] = ()
    leader_known: bool = True

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """(column, person) of every person that the row names."""
        for column in PERSONS:
            found: Entry | None = getattr(self, column)
            if found is not None:
                yield column, found


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be read: at which row (counted as in the file) and column, as a code with its data."""

    line: int
    column: str
    code: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remark:
    """What was read although it does not stand there, or left out: "above", "left-out", "bracket"."""

    line: int
    column: str
    code: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A staffing table as it was read."""

    rows: tuple[PostRow, ...] = ()
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Remark, ...] = ()


def plain(text: str) -> str:
    """A text for comparing: half-width forms, no spaces or line ends, no case. `岗 位` and `Ａ角` are read so."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


def joined(text: str) -> str:
    """A cell as one line: Chinese runs on over line ends and inner spaces, other words keep one space."""
    text = unicodedata.normalize("NFKC", text) if not _CJK.search(text) else text
    return re.sub(r"(?<=[^\x00-\xff]) | (?=[^\x00-\xff])", "", clean_text(text))


# --- rows ------------------------------------------------------------------------------------------------------


def read(lines: Iterable[tuple[int, Cells]]) -> Table:
    """The posts of a table whose rows are (number, cells); heads may be repeated in the middle.

    Without a row of heads, or without a post, there is one problem at row 0.
    """
    reader = _Reader()
    for number, cells in lines:
        reader.feed(number, cells)
    return reader.finish()


@dataclass
class _Draft:
    """A row on its way in: the texts of its columns, and which of them are merged with the row above."""

    line: int
    texts: dict[str, str]
    merged: set[str]


class _Reader:
    def __init__(self) -> None:
        self.columns: dict[int, str] = {}
        self.drafts: list[_Draft] = []
        self.problems: list[Problem] = []
        self.remarks: list[Remark] = []

    def feed(self, number: int, cells: Cells) -> None:
        heads = _heads(cells)
        if heads:
            self.columns = heads
            return
        texts: dict[str, str] = {}
        merged: set[str] = set()
        for index, column in self.columns.items():
            cell = cells[index] if index < len(cells) else ""
            if cell is ABOVE:
                merged.add(column)
            elif column == "phone":
                owner = self._owner(index)
                texts[owner] = f"{texts.get(owner, '')}\n{cell}"
            else:
                texts[column] = cell.strip()
        if self.columns and (merged or any(text.strip() for text in texts.values())):
            self._add(_Draft(number, texts, merged))

    def _owner(self, index: int) -> str:
        """Whose number a column of telephones holds: the nearest person to its left."""
        return next((self.columns[i] for i in range(index - 1, -1, -1) if self.columns.get(i) in PERSONS), A)

    def _add(self, draft: _Draft) -> None:
        post = draft.texts.get(POST, "")
        others = [text for column, text in draft.texts.items() if column != POST and text.strip()]
        if not post and self.drafts and (others or POST in draft.merged):
            self._go_on(draft)
        elif not others and not draft.merged - {POST}:
            self.remarks.append(Remark(draft.line, POST, "left-out", joined(post)[:60]))
        elif not post:
            self.problems.append(Problem(draft.line, POST, "staffing-table.post-missing"))
        else:
            self.drafts.append(draft)

    def _go_on(self, draft: _Draft) -> None:
        """A row without a post of its own is the rest of the one above, torn apart by a page or a split cell."""
        last = self.drafts[-1].texts
        for column, text in draft.texts.items():
            if text.strip():
                last[column] = f"{last.get(column, '')}\n{text}".strip()

    def finish(self) -> Table:
        if not self.columns:
            return Table(problems=(Problem(0, POST, "staffing-table.no-heads"),))
        if not self.drafts and not self.problems:
            return Table(problems=(Problem(0, POST, "staffing-table.no-rows"),))
        if len(self.drafts) > MOST_ROWS:
            return Table(problems=(Problem(0, POST, "staffing-table.too-many-rows", {"most": MOST_ROWS}),))
        rows: list[PostRow] = []
        before: _Draft | None = None
        for draft in self.drafts:
            self._fill(draft, before)
            if (row := self._row(draft)) is not None:
                rows.append(row)
            before = draft
        self._once(rows)
        return Table(tuple(rows), tuple(self.problems), tuple(self.remarks))

    def _fill(self, draft: _Draft, before: _Draft | None) -> None:
        """Merged cells say what stands above; so does an empty office or leader, which every post has."""
        for column in self._known():
            empty = column in (OFFICE, LEADER) and not draft.texts.get(column, "").strip()
            if (column in draft.merged or empty) and before is not None and before.texts.get(column, "").strip():
                draft.texts[column] = before.texts[column]
                if column not in draft.merged:
                    self.remarks.append(Remark(draft.line, column, "above", joined(before.texts[column])[:60]))

    def _known(self) -> list[str]:
        return [column for column in COLUMNS if column in self.columns.values()]

    def _row(self, draft: _Draft) -> PostRow | None:
        texts = draft.texts
        found = len(self.problems)
        post, office = joined(texts[POST]), joined(texts.get(OFFICE, ""))
        if not office:
            self._wrong(draft, OFFICE, "staffing-table.office-missing", post=post)
        for column, text, limit in ((POST, post, LONGEST_POST), (OFFICE, office, LONGEST_OFFICE)):
            if len(text) > limit:
                self._wrong(draft, column, "field.too-long", length=len(text), limit=limit)
        duty = joined(texts.get(DUTY, "")) if DUTY in self._known() else None
        if duty and len(duty) > LONGEST_DUTY:
            self._wrong(draft, DUTY, "field.too-long", length=len(duty), limit=LONGEST_DUTY)
        on_duty = self._on_duty(draft)
        people = {column: self._entry(draft, column) for column in PERSONS if column == LEADER or not on_duty}
        a, b = people.get(A), people.get(B)
        one = a and b and plain(a.whole or a.name) == plain(b.whole or b.name)
        if a and b and one and (a.phone == b.phone or not a.phone or not b.phone):
            self._wrong(draft, B, "staffing-table.both-roles", name=a.name)
        if len(self.problems) > found:
            return None
        known = self._known()
        empty = [column for column in PERSONS if column in known and not texts.get(column, "").strip()]
        blank = tuple(column for column in empty if column == LEADER or not on_duty)
        return PostRow(draft.line, post, duty, office, people[LEADER], a, b, on_duty, blank, LEADER in known)

    def _on_duty(self, draft: _Draft) -> bool:
        """Whether the duty roster fills the row: A says so, and B is empty or says so too (R17)."""
        roles = [_bare(draft.texts.get(role, "")) for role in (A, B)]
        if not any(role in ON_DUTY for role in roles):
            return False
        if any(role and role not in ON_DUTY and role not in VACANT for role in roles) or roles[0] not in ON_DUTY:
            self._wrong(draft, B, "staffing-table.half-on-duty", post=joined(draft.texts[POST]))
        return True

    def _entry(self, draft: _Draft, column: str) -> Entry | None:
        text = draft.texts.get(column, "")
        if not text.strip() or _bare(text) in VACANT:
            return None
        try:
            entry = person(text)
        except Invalid as error:
            self._wrong(draft, column, error.code, **error.data)
            return None
        if _BRACKETS.search(unicodedata.normalize("NFKC", _PHONE.sub("", text))):
            self.remarks.append(Remark(draft.line, column, "bracket", entry.name))
        return entry

    def _once(self, rows: Sequence[PostRow]) -> None:
        seen: dict[str, int] = {}
        for row in rows:
            first = seen.setdefault(plain(row.post), row.line)
            if first != row.line:
                data = {"post": row.post, "line": first}
                self.problems.append(Problem(row.line, POST, "staffing-table.post-twice", data))

    def _wrong(self, draft: _Draft, column: str, code: str, **data: object) -> None:
        self.problems.append(Problem(draft.line, column, code, data))


def _bare(text: str) -> str:
    """A cell that may be one of our words, without hyphens and the brackets somebody put around it."""
    bare = re.sub("[\u2010-\u2015\u2212\u2500]", "-", plain(text).strip("()[]【】〔〕「」:*"))
    return bare.replace("-", "") or bare


def _heads(cells: Cells) -> dict[int, str]:
    """Column by index, when the row is one of heads; what was pasted before the first head may stand above it."""
    found: dict[int, str] = {}
    for index, cell in enumerate(cells):
        lines = [line for line in (cell or "").split("\n") if line.strip()]
        for start in range(len(lines)) if index == 0 else (0,):
            column = _HEAD_OF.get(_bare("".join(lines[start:])))
            if column is not None and (column == "phone" or column not in found.values()):
                found[index] = column
                break
    return found if set(NEEDED) <= set(found.values()) else {}


# --- people ----------------------------------------------------------------------------------------------------


def person(text: str) -> Entry:
    """Who stands in a cell: a name with line ends or spaces inside it, perhaps a number under it.

    Raises Invalid "staffing-table.two-people", "staffing-table.two-phones", "phone.not-mobile",
    "staffing-table.name-unreadable".
    """
    text = unicodedata.normalize("NFKC", clean_text(text, multiline=True))
    phones = list(dict.fromkeys(_phone(found) for found in _PHONE.findall(text)))
    said = _LABEL.sub(" ", _PHONE.sub("\n\n", text))
    names = _names(_BRACKETS.sub(" ", said))
    if len(names) > 1:
        raise Invalid("staffing-table.two-people", {"names": "、".join(names)[:80]})
    if len(phones) > 1:
        raise Invalid("staffing-table.two-phones", {"name": names[0] if names else ""})
    name = names[0] if names else ""
    if not name or len(name) > LONGEST_NAME or not _WORD.search(name) or any(sign.isdigit() for sign in name):
        raise Invalid("staffing-table.name-unreadable", {"name": name[:40]})
    whole = joined(said) if _BRACKETS.search(said) else ""
    return Entry(name, phones[0] if phones else "", whole if len(whole) <= LONGEST_NAME else "")


def _phone(found: str) -> str:
    try:
        number = normalise_phone(found)
    except Invalid:
        number = ""
    if not re.fullmatch(r"1[3-9][0-9]{9}", number):
        raise Invalid("phone.not-mobile")
    return number


def _names(text: str) -> list[str]:
    """The names in a cell. Numbers left empty lines: whoever stands after one is somebody else."""
    found: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text):
        for piece in _SEVERAL.split(block):
            words = [word for word in re.split(r"\s+", piece) if word]
            if not words:
                continue
            if not _CJK.search(piece):
                found.append(" ".join(words))
            elif len(words) > 1 and all(len(word) > 1 for word in words) and words[0] not in _LONG_SURNAMES:
                found.extend(words)
            else:
                found.append("".join(words))
    return found


# --- text that was pasted --------------------------------------------------------------------------------------


def from_text(text: str) -> Table:
    """A table pasted as text: a row a line with `|` or tabs between its cells, or each cell on lines of its own.

    The last is how a notice's annex comes out of a document: a cell begins at a line with `|`, and a line with
    nothing but `|` ends the row unless another cell follows it.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("｜", "|")
    if any(line.count("|") >= len(NEEDED) - 1 for line in text.split("\n")):
        return read(_barred(text))
    if "\t" in text:
        return read(_tabbed(text))
    return read(_celled(text))


def _barred(text: str) -> Iterator[tuple[int, Cells]]:
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip().removeprefix("|").removesuffix("|")
        if line and not re.fullmatch(r"[\s|:=-]+", line):
            yield number, [re.sub(r"<br\s*/?>", "\n", cell) for cell in line.split("|")]


def _celled(text: str) -> Iterator[tuple[int, Cells]]:
    lines = text.split("\n")
    start, cells = 1, [""]
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if bare == "|" and not next((later for later in lines[number:] if later.strip()), "").lstrip().startswith("|"):
            yield start, cells
            start, cells = number + 1, [""]
        elif bare.startswith("|"):
            cells.append(bare.removeprefix("|").removesuffix("|").strip())
        elif bare:
            cells[-1] = f"{cells[-1]}\n{bare}".strip()
    if any(cells):
        yield start, cells


def _tabbed(text: str) -> Iterator[tuple[int, Cells]]:
    """Cells between tabs; one that was quoted keeps its line ends, another goes on where a line ends too early."""
    if '"' in text and text.count('"') % 2 == 0:
        try:
            quoted = list(csv.reader(io.StringIO(text), delimiter="\t"))
        except csv.Error:  # a cell longer than any cell is no quotation
            quoted = []
        if quoted:
            yield from enumerate(quoted, 1)
            return
    width, start, cells = 0, 1, [""]
    for number, line in enumerate(text.split("\n"), 1):
        pieces = line.split("\t")
        torn = len(cells) > 1 and (len(cells) < width or len(pieces) == 1) and len(cells) + len(pieces) - 1 <= width
        if torn and (len(cells) < width or _PHONE.fullmatch(line.strip())):
            cells = [*cells[:-1], f"{cells[-1]}\n{pieces[0]}".strip(), *pieces[1:]]
            continue
        if any(cells):
            yield start, cells
        start, cells = number, pieces
        if _heads(pieces):
            width = len(pieces)
    if any(cells):
        yield start, cells
