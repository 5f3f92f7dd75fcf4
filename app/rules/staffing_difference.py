"""The difference between a staffing table that was read and the one in force (R1, R15, R16).

Nothing ambiguous is decided here: it becomes a question, and until every question is answered nothing is applied.
What an upload does not mention stays: a post is taken out of use only when somebody says so, and another wording of
a duty is told, not taken over. New posts get no capabilities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

from .staffing_table import LEADER, PERSONS, Entry, PostRow, Table, plain

# An id of a row that exists, or the name of something that the upload makes: "person-0", "office-1", "row-12".
Ref = int | str
NEW, KEEP, VACANT, OUT = "new", "keep", "vacant", "out"
_CJK = re.compile("[\u3400-\u9fff]")
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody in the directory. `phone` is plain, for comparing only."""

    id: int
    name: str
    name_en: str = ""
    phone: str = ""
    unit_id: int | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class KnownOffice:
    """A section that posts can belong to."""

    id: int
    name: str
    short_name: str = ""
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class KnownPost:
    """A post with who stands there at the moment of comparison."""

    id: int
    name: str
    name_en: str
    duty: str
    duty_en: str
    office_id: int
    leader_id: int | None = None
    on_duty: bool = False
    a_id: int | None = None
    b_id: int | None = None
    active: bool = True

    def holder(self, column: str) -> int | None:
        """Who stands in "leader", "a" or "b"."""
        return {LEADER: self.leader_id, "a": self.a_id, "b": self.b_id}[column]


@dataclass(frozen=True, slots=True)
class Current:
    """The table in force: posts in order (those out of use too), everybody, all sections."""

    posts: tuple[KnownPost, ...]
    people: tuple[KnownPerson, ...]
    offices: tuple[KnownOffice, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One answer: the id of a row, or "new", "keep", "vacant". `likely` ones come first."""

    value: str
    likely: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What a person must decide. `kind`: "person", "office", "post", "blank"; `answer` is empty until he has.

    `text` is what the table says, `why` a code for what makes it ambiguous.
    """

    key: str
    kind: str
    why: str
    line: int
    text: str
    options: tuple[Option, ...]
    answer: str = ""
    column: str = ""
    post: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be done. Kinds, in the order in which they are done:

    "office-new", "person-new", "person-again", "phone", "post-new", "post-again", "post-name", "post-office",
    "post-duty", "post-off-duty", "leader", "holding", "post-on-duty", "post-out".
    `person` is who is to stand there, None for a vacancy, and `before` who stands there now.
    """

    kind: str
    line: int = 0
    post: Ref | None = None
    office: Ref | None = None
    person: Ref | None = None
    before: int | None = None
    role: str = ""
    text: str = ""
    duty: str = ""
    on_duty: bool = False


# Who stands where comes before a post goes to the duty roster and after one comes from it.
ORDER = (
    "office-new",
    "person-new",
    "person-again",
    "phone",
    "post-new",
    "post-again",
    "post-name",
    "post-office",
    "post-duty",
    "post-off-duty",
    "leader",
    "holding",
    "post-on-duty",
    "post-out",
)


@dataclass(frozen=True, slots=True)
class Wording:
    """A duty that the table words differently; `key` is the answer that takes it over."""

    key: str
    post_id: int
    new: str
    taken: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything a person is shown before anything is applied."""

    items: tuple[Item, ...] = ()
    questions: tuple[Question, ...] = ()
    wordings: tuple[Wording, ...] = ()
    missing: tuple[int, ...] = ()
    out: tuple[int, ...] = ()

    @property
    def open(self) -> int:
        """How many questions wait for an answer."""
        return sum(not question.answer for question in self.questions)

    @property
    def is_ready(self) -> bool:
        """Whether there is something to apply and nothing to ask."""
        return bool(self.items) and not self.open


def difference(table: Table, current: Current, answers: Mapping[str, str] | None = None) -> Difference:
    """What changes when `table` is applied with these answers; an answer that does not fit any more is none."""
    return _Comparison(_named_whole(table, current.people), current, answers or {}).run()


@dataclass(frozen=True, slots=True)
class _Mention:
    """Somebody the table names: one name with at most one number, and every cell in which he stands."""

    index: int
    entry: Entry
    cells: tuple[tuple[int, str], ...]  # (row, column)

    @property
    def key(self) -> str:
        return f"person-{self.index}"


@dataclass
class _Comparison:
    table: Table
    current: Current
    answers: Mapping[str, str]
    items: list[Item] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    wordings: list[Wording] = field(default_factory=list)
    posts: dict[int, KnownPost | None] = field(default_factory=dict)  # by row; None is a new post
    offices: dict[int, Ref | None] = field(default_factory=dict)
    people: dict[tuple[int, str], Ref | None] = field(default_factory=dict)

    def run(self) -> Difference:
        self._match_posts()
        self._match_offices()
        for mention in _mentions(self.table.rows):
            self._match_person(mention)
        for index, row in enumerate(self.table.rows):
            self._compare(index, row)
        missing = [
            post.id
            for post in self.current.posts
            if post.active and all(found is None or found.id != post.id for found in self.posts.values())
        ]
        out = [post_id for post_id in missing if self.answers.get(f"missing-{post_id}") == OUT]
        self.items += [Item("post-out", post=post_id) for post_id in out]
        self.items.sort(key=lambda item: ORDER.index(item.kind))
        return Difference(tuple(self.items), tuple(self.questions), tuple(self.wordings), tuple(missing), tuple(out))

    # --- which row of ours is meant -----------------------------------------------------------------------

    def _ask(self, question: Question) -> str:
        """The answer to a question, "" when there is none that fits."""
        answer = self.answers.get(question.key, "")
        if answer not in {option.value for option in question.options}:
            answer = ""
        self.questions.append(replace(question, answer=answer))
        return answer

    def _match_posts(self) -> None:
        rows = self.table.rows
        taken: set[int] = set()
        for index, row in enumerate(rows):
            same = [post for post in self.current.posts if _is_called(row.post, post.name, post.name_en)]
            found = next((post for post in same if post.active and post.id not in taken), None)
            if found is not None:
                self.posts[index] = found
                taken.add(found.id)
        for index, row in enumerate(rows):
            if index not in self.posts:
                self.posts[index] = self._asked_post(index, row, taken)

    def _asked_post(self, index: int, row: PostRow, taken: set[int]) -> KnownPost | None:
        again = [p for p in self.current.posts if not p.active and _is_called(row.post, p.name, p.name_en)]
        alike = [p for p in self.current.posts if p.active and p.id not in taken and self._resembles(row, p)]
        if not again and not alike:
            return None
        options = (*(Option(str(post.id), likely=True) for post in (*again, *alike)), Option(NEW))
        why = "out-of-use" if again else "alike"
        answer = self._ask(Question(f"post-{index}", "post", why, row.line, row.post, options))
        chosen = next((post for post in self.current.posts if str(post.id) == answer), None)
        if chosen is not None:
            taken.add(chosen.id)
        return chosen

    def _resembles(self, row: PostRow, post: KnownPost) -> bool:
        """Whether the post may be the same under another name."""
        names = [plain(name) for name in (post.name, post.name_en) if name]
        wanted = plain(row.post)
        return any(SequenceMatcher(None, wanted, name, autojunk=False).ratio() >= _ALIKE for name in names)

    def _match_offices(self) -> None:
        found: dict[str, Ref | None] = {}
        for index, row in enumerate(self.table.rows):
            wanted = plain(row.office)
            if wanted not in found:
                same = [
                    office
                    for office in self.current.offices
                    if _is_called(row.office, office.name, office.short_name, office.name_en)
                ]
                found[wanted] = same[0].id if same else self._asked_office(len(found), row)
            self.offices[index] = found[wanted]

    def _asked_office(self, number: int, row: PostRow) -> Ref | None:
        wanted = plain(row.office)

        def likeness(office: KnownOffice) -> float:
            names = [plain(name) for name in (office.name, office.short_name, office.name_en) if name]
            return max(SequenceMatcher(None, wanted, name, autojunk=False).ratio() for name in names)

        known = sorted(self.current.offices, key=lambda office: (-likeness(office), office.id))
        options = (
            *(Option(str(office.id), likely=likeness(office) >= _ALIKE) for office in known),
            Option(NEW),
        )
        question = Question(f"office-{number}", "office", "unknown", row.line, row.office, options)
        answer = self._ask(question)
        if answer == NEW:
            self.items.append(Item("office-new", row.line, office=question.key, text=row.office))
            return question.key
        return int(answer) if answer else None

    # --- people -------------------------------------------------------------------------------------------

    def _match_person(self, mention: _Mention) -> None:
        name = mention.entry.name
        same = [p for p in self.current.people if _is_called(name, p.name, p.name_en)]
        active = [person for person in same if person.active]
        left = mention.cells
        found: Ref | None = self._certain(mention, active)
        if found is None and len(active) > 1 and not mention.entry.phone:
            # Whoever of that name stands there already is meant there.
            left = tuple(cell for cell in mention.cells if not self._stays(cell, active))
            if not left:
                return
        if found is None:
            found = self._asked_person(mention, same, left)
        for cell in left:
            self.people[cell] = found
        if isinstance(found, int):
            self._renew(mention, next(p for p in self.current.people if p.id == found))

    def _stays(self, cell: tuple[int, str], active: Sequence[KnownPerson]) -> bool:
        standing = self._standing(cell)
        if standing is None or standing not in {person.id for person in active}:
            return False
        self.people[cell] = standing
        return True

    def _standing(self, cell: tuple[int, str]) -> int | None:
        post = self.posts[cell[0]]
        return post.holder(cell[1]) if post is not None else None

    def _certain(self, mention: _Mention, active: Sequence[KnownPerson]) -> int | None:
        """The one person who can be meant: by name and number, or by name alone and near."""
        phone = mention.entry.phone
        with_phone = [person.id for person in active if phone and person.phone == phone]
        if len(with_phone) == 1:
            return with_phone[0]
        if len(active) != 1 or self._has_namesake(mention):
            return None
        only = active[0]
        near = any(self._standing(cell) == only.id or self.offices[cell[0]] == only.unit_id for cell in mention.cells)
        return only.id if not phone or not only.phone or near else None

    def _has_namesake(self, mention: _Mention) -> bool:
        """Whether the table has the name with another number too."""
        phones = {
            entry.phone
            for row in self.table.rows
            for _column, entry in row.entries()
            if plain(entry.name) == plain(mention.entry.name) and entry.phone
        }
        return len(phones) > 1

    def _asked_person(
        self, mention: _Mention, same: Sequence[KnownPerson], cells: Sequence[tuple[int, str]]
    ) -> Ref | None:
        entry, phone = mention.entry, mention.entry.phone
        others = [p for p in self.current.people if p.active and p not in same]
        owner = [person for person in others if phone and person.phone == phone]
        near = [] if same or owner else [person for person in others if self._is_near(mention, person)]
        candidates = [*same, *owner, *near]
        if not candidates:
            return self._new_person(mention)
        row = self.table.rows[cells[0][0]]
        why = "namesake" if any(p.active for p in same) else "gone" if same else "number" if owner else "spelling"
        options = (*(Option(str(person.id), likely=True) for person in candidates), Option(NEW))
        answer = self._ask(
            Question(
                mention.key, "person", why, row.line, entry.name, options,
                column=cells[0][1], post=row.post, phone=phone,
            )
        )  # fmt: skip
        if answer == NEW:
            return self._new_person(mention)
        return int(answer) if answer else None

    def _is_near(self, mention: _Mention, person: KnownPerson) -> bool:
        """Whether the name differs by one character from somebody's of the same office or place."""
        by_one = any(differs_by_one(mention.entry.name, name) for name in (person.name, person.name_en) if name)
        return by_one and any(
            self._standing(cell) == person.id or self.offices[cell[0]] == person.unit_id for cell in mention.cells
        )

    def _new_person(self, mention: _Mention) -> Ref:
        row = mention.cells[0][0]
        # A leader answers for posts of several offices; whoever holds a post belongs to its office.
        held = next((cell[0] for cell in mention.cells if cell[1] != LEADER), row)
        self.items.append(
            Item(
                "person-new",
                self.table.rows[row].line,
                person=mention.key,
                office=self.offices[held],
                text=mention.entry.name,
            )
        )
        if mention.entry.phone:
            self.items.append(Item("phone", self.table.rows[row].line, person=mention.key, text=mention.entry.phone))
        return mention.key

    def _renew(self, mention: _Mention, person: KnownPerson) -> None:
        line, phone = self.table.rows[mention.cells[0][0]].line, mention.entry.phone
        told = {(item.kind, item.person) for item in self.items}
        if not person.active and ("person-again", person.id) not in told:
            self.items.append(Item("person-again", line, person=person.id))
        if phone and phone != person.phone and ("phone", person.id) not in told:
            self.items.append(Item("phone", line, person=person.id, text=phone))

    # --- one row ------------------------------------------------------------------------------------------

    def _compare(self, index: int, row: PostRow) -> None:
        post = self.posts[index]
        if post is None:
            if not self._is_undecided(f"post-{index}"):
                self._new_post(index, row)
            return
        if not post.active:
            self.items.append(Item("post-again", row.line, post=post.id))
        if not _is_called(row.post, post.name, post.name_en):
            self.items.append(Item("post-name", row.line, post=post.id, text=row.post))
        office = self.offices[index]
        if office is not None and office != post.office_id:
            self.items.append(Item("post-office", row.line, post=post.id, office=office, before=post.office_id))
        self._compare_duty(index, row, post)
        if row.on_duty != post.on_duty:
            kind = "post-on-duty" if row.on_duty else "post-off-duty"
            self.items.append(Item(kind, row.line, post=post.id))
        for column in PERSONS:
            is_roster_s = column != LEADER and row.on_duty and post.on_duty
            if not is_roster_s and (column != LEADER or row.leader_known):
                self._compare_person(index, row, post, column)

    def _is_undecided(self, key: str) -> bool:
        return any(question.key == key and not question.answer for question in self.questions)

    def _compare_duty(self, index: int, row: PostRow, post: KnownPost) -> None:
        if not row.duty or _is_called(row.duty, post.duty, post.duty_en):
            return
        key = f"duty-{index}"
        taken = self.answers.get(key) == "1"
        self.wordings.append(Wording(key, post.id, row.duty, taken))
        if taken:
            self.items.append(Item("post-duty", row.line, post=post.id, text=row.duty))

    def _compare_person(self, index: int, row: PostRow, post: KnownPost, column: str) -> None:
        standing = post.holder(column)
        if column in row.blank and standing is not None:
            question = Question(
                f"blank-{index}-{column}", "blank", "blank", row.line, "",
                (Option(KEEP, likely=True), Option(VACANT)), column=column, post=row.post,
            )  # fmt: skip
            if self._ask(question) != VACANT:
                return
        wanted = self.people.get((index, column))
        named = dict(row.entries()).get(column)
        if named is not None and wanted is None:
            return  # asked about, not answered yet
        if wanted != standing:
            kind = "leader" if column == LEADER else "holding"
            role = "" if column == LEADER else column.upper()
            self.items.append(Item(kind, row.line, post=post.id, person=wanted, before=standing, role=role))

    def _new_post(self, index: int, row: PostRow) -> None:
        key = f"row-{index}"
        self.items.append(
            Item(
                "post-new",
                row.line,
                post=key,
                office=self.offices[index],
                text=row.post,
                duty=row.duty or "",
                on_duty=row.on_duty,
            )
        )
        for column in PERSONS:
            wanted = self.people.get((index, column))
            if wanted is not None:
                kind, role = ("leader", "") if column == LEADER else ("holding", column.upper())
                self.items.append(Item(kind, row.line, post=key, person=wanted, role=role))


def _named_whole(table: Table, people: Sequence[KnownPerson]) -> Table:
    """The table with brackets kept in the names of people who are called so."""
    known = {plain(name) for person in people for name in (person.name, person.name_en) if name}

    def named(entry: Entry | None) -> Entry | None:
        return replace(entry, name=entry.whole) if entry and entry.whole and plain(entry.whole) in known else entry

    rows = (replace(row, leader=named(row.leader), a=named(row.a), b=named(row.b)) for row in table.rows)
    return replace(table, rows=tuple(rows))


def _mentions(rows: Sequence[PostRow]) -> Iterator[_Mention]:
    """Everybody the table names, in order of appearance. A number told once counts for the name wherever it stands."""
    phones: dict[str, list[str]] = {}
    for row in rows:
        for _column, entry in row.entries():
            known = phones.setdefault(plain(entry.name), [])
            if entry.phone and entry.phone not in known:
                known.append(entry.phone)
    cells: dict[tuple[str, str], list[tuple[int, str]]] = {}
    entries: dict[tuple[str, str], Entry] = {}
    for index, row in enumerate(rows):
        for column, entry in row.entries():
            told = phones[plain(entry.name)]
            phone = entry.phone or (told[0] if len(told) == 1 else "")
            key = (plain(entry.name), phone)
            cells.setdefault(key, []).append((index, column))
            entries.setdefault(key, Entry(entry.name, phone))
    for index, (key, entry) in enumerate(entries.items()):
        yield _Mention(index, entry, tuple(cells[key]))


def _is_called(text: str, *names: str) -> bool:
    return plain(text) in {plain(name) for name in names if name}


def differs_by_one(one: str, other: str) -> bool:
    """Whether one character was mistyped, left out or added; names in letters need five of them to be compared."""
    one, other = plain(one), plain(other)
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    if min(len(one), len(other)) < (2 if _CJK.search(one) else 5):
        return False
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1
    short, long = sorted((one, other), key=len)
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
