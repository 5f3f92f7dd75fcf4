"""The fictional sample quarter: about 600 appeals over six months in every state, made by the product's own steps.

Deterministic for its date: the same date gives the same appeals with the same numbers. Everything is marked 示例;
no sample person exists.
"""

from __future__ import annotations

import csv
import heapq
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import Range

from app.models import (
    Account,
    Appeal,
    Channel,
    Delivery,
    DutySeat,
    DutyShift,
    HandlingRequest,
    Holding,
    Membership,
    Person,
    Portfolio,
    PortfolioPlace,
    Post,
    Unit,
    db,
)
from app.rules.errors import RuleError
from app.rules.grants import RowFacts
from app.services import (
    accounts,
    calendar,
    clocks,
    grants,
    intake,
    nil_returns,
    overdue,
    pinyin,
    portfolio,
    present,
    workflow,
)
from app.services.actors import Actor
from app.services.transaction import transaction
from app.words import either, named

PASSWORD = "Liulan-Shili-2010"  # noqa: S105 - printed at every start of the demonstration
DAYS = 183
MORNING = time(10, 20)
ROSTER_AHEAD = 95
APPEALS = 600
CASES = Path(__file__).with_name("sample_cases.csv")
PLACES = tuple(f"示例{kind}{number}" for kind in ("小区", "路", "街", "广场", "新村") for number in "一二三四五六")
CLASS_WEIGHTS = {"A": 18, "B": 40, "C": 12, "D": 5, "E": 14, "F": 11}
# The handlers whose accounts are printed; every other unit has a handler too, so that its appeals move.
SHOWN_HANDLERS = ("city_management", "xunyang_district")


@dataclass(frozen=True)
class DemoAccount:
    """One line of the table that the start of the demonstration prints."""

    username: str
    password: str
    name: str
    note: str


@dataclass(frozen=True)
class Case:
    """A kind of complaint: its words, the unit it goes to and the kind of limit it gets."""

    code: str
    category: str
    unit: str
    limit: str
    subject: str
    body: str
    answer: str


@dataclass(order=True)
class Event:
    """Something that happens to one sample appeal at one moment."""

    at: datetime
    turn: int
    course: Course = field(compare=False)
    action: str = field(compare=False)
    data: dict[str, Any] = field(compare=False)
    who: str = field(compare=False)


@dataclass
class Course:
    """One sample appeal on its way; `events` are the steps still to come, as (delay, action, who, data)."""

    case: Case
    channel_class: str
    unit: Unit
    received_at: datetime
    rest: list[tuple[timedelta, str, str, dict[str, Any]]]
    appeal_id: int = 0


def load_sample(today: date) -> Sequence[DemoAccount]:
    """Load the sample for `today` unless a sample is there, and return the demo accounts.

    Owns its transactions. Raises Refused("account.demo-off") outside the demonstration.
    """
    people = _people()
    table = _accounts(people)
    if db.session.scalar(select(Appeal.id).where(Appeal.fictional).limit(1)) is None:
        Sample(last_morning(today), people).run()
    return table


def last_morning(today: date) -> date:
    """The last day up to `today` whose morning is over: the sample ends there, so that nothing of it lies ahead."""
    day = min(today, present.today())
    is_over = present.now() >= datetime.combine(day, MORNING, present.zone())
    return day if is_over else day - timedelta(days=1)


# --- people and accounts -----------------------------------------------------------------------------------

_PEOPLE = (
    ("sample_duty_1", "示例值班员甲", "Sample duty officer 1", "duty_office"),
    ("sample_duty_2", "示例值班员乙", "Sample duty officer 2", "duty_office"),
    ("sample_hotline_1", "示例话务员甲", "Sample hotline operator 1", "hotline_center"),
    ("sample_hotline_2", "示例话务员乙", "Sample hotline operator 2", "hotline_center"),
    ("sample_clerk", "示例处室秘书", "Sample section clerk", "matching_3"),
    ("sample_vice_mayor", "示例副市长", "Sample vice mayor", None),
    ("sample_deputy", "示例副秘书长", "Sample deputy secretary-general", None),
)


def _people() -> dict[str, Person]:
    """The sample people with their seats, memberships and portfolio lines, made once."""
    with transaction():
        found = {p.code: p for p in db.session.scalars(select(Person).where(Person.code.like("sample_%")))}
        units = {unit.code: unit for unit in db.session.scalars(select(Unit))}
        wanted = [(code, name, name_en, units.get(unit or "")) for code, name, name_en, unit in _PEOPLE]
        wanted += [
            (
                f"sample_handler_{unit.code}",
                f"示例经办人（{unit.short_name or unit.name}）",
                f"Sample handler, {unit.code.replace('_', ' ')}",
                unit,
            )
            for unit in units.values()
            if unit.kind != "section"
        ]
        for code, name, name_en, unit in wanted:
            if code not in found:
                found[code] = _person(code, name, name_en, unit)
        db.session.flush()
        _memberships(found, units)
        _lead(found)
    return found


def _lead(people: dict[str, Person]) -> None:
    """Every line of the portfolio gets the sample leaders where nobody was ever named."""
    led = set(db.session.execute(select(PortfolioPlace.portfolio_id, PortfolioPlace.place)).all())
    for line_id in db.session.scalars(select(Portfolio.id)):
        for place in ("vice_mayor", "deputy"):
            if (line_id, place) not in led:
                person = people[f"sample_{place}"]
                row = PortfolioPlace(portfolio_id=line_id, place=place, person_id=person.id, valid=Range(None, None))
                db.session.add(row)


def _person(code: str, name: str, name_en: str, unit: Unit | None) -> Person:
    row = Person(code=code, name=name, name_en=name_en, name_pinyin=pinyin.sort_key(name), unit=unit, fictional=True)
    db.session.add(row)
    return row


def _memberships(people: dict[str, Person], units: dict[str, Unit]) -> None:
    have = set(db.session.execute(select(Membership.person_id, Membership.unit_id)).all())
    wanted = [
        (people[f"sample_handler_{code}"], unit, "handler") for code, unit in units.items() if unit.kind != "section"
    ]
    wanted += [
        (people["sample_clerk"], unit, "section_clerk") for code, unit in units.items() if code.startswith("matching")
    ]
    for person, unit, function in wanted:
        if (person.id, unit.id) not in have:
            db.session.add(Membership(person_id=person.id, unit_id=unit.id, function=function))


def _accounts(people: dict[str, Person]) -> list[DemoAccount]:
    table = []
    duties = {
        "system": _("maintains posts, people, units, limits and calendar"),
        "security": _("watches capabilities, accounts and sessions"),
        "audit": _("reads the audit trail"),
    }
    for officer, (username, name, name_en) in accounts.OFFICER_LOGINS.items():
        accounts.ensure_demo(None, username, PASSWORD, officer=officer)
        table.append(DemoAccount(username, PASSWORD, either(name, name_en), duties[officer]))
    roster = db.session.scalars(select(Person).where(~Person.fictional).order_by(Person.id)).all()
    for person, username in zip(roster, usernames(roster), strict=True):
        accounts.ensure_demo(person, username, PASSWORD)
        table.append(DemoAccount(username, PASSWORD, named(person), _note(person)))
    shown = [code for code, *_rest in _PEOPLE] + [f"sample_handler_{code}" for code in SHOWN_HANDLERS]
    notes = dict(zip(shown, _sample_notes(), strict=True))
    for code in shown:
        username = code.removeprefix("sample_").replace("_", "")
        accounts.ensure_demo(people[code], username, PASSWORD)
        table.append(DemoAccount(username, PASSWORD, named(people[code]), notes[code]))
    return table


def usernames(roster: Sequence[Person]) -> list[str]:
    """A login for each, by the sound of the name; whoever was entered later and sounds alike is numbered."""
    heard: Counter[str] = Counter()
    found = []
    for person in roster:
        sound = person.name_pinyin.split(" ", 1)[1].replace(" ", "")
        heard[sound] += 1
        found.append(sound if heard[sound] == 1 else f"{sound}{heard[sound]}")
    return found


def _sample_notes() -> list[str]:
    return [
        _("on duty, main seat, classes A and F"),
        _("on duty, second seat, classes A and F"),
        _("on duty, main seat, class B"),
        _("on duty, second seat, class B"),
        _("delivers slips to the leaders"),
        _("reads slips, final link of the chain"),
        _("reads slips, coordinating link of the chain"),
        _("answers for a department"),
        _("answers for a district"),
    ]


def _note(person: Person) -> str:
    rows = db.session.execute(
        select(Holding.role, Post)
        .join(Post, Post.id == Holding.post_id)
        .where(Holding.person_id == person.id)
        .order_by(Post.number)
    ).all()
    held = [f"{named(post)} {role}" for role, post in rows]
    led = db.session.scalars(select(Post).where(Post.leader_id == person.id).order_by(Post.number)).all()
    if not held and led:
        held = [_("responsible leader of %(posts)s", posts="、".join(named(post) for post in led))]
    return " · ".join(held)


# --- the six months ----------------------------------------------------------------------------------------


class Sample:
    """Plans every course from one random source, then lets all steps happen in the order of time."""

    def __init__(self, today: date, people: dict[str, Person]) -> None:
        self.today, self.people = today, people
        self.random = random.Random(f"sample {today.isoformat()}")  # noqa: S311 - not a secret, it must repeat
        self.zone = present.zone()
        self.end = datetime.combine(today, MORNING, self.zone)
        self.cases = [Case(**row) for row in csv.DictReader(CASES.read_text("utf-8").splitlines())]
        self.units = {unit.code: unit for unit in db.session.scalars(select(Unit))}
        self.lines = portfolio.lines_of([unit.id for unit in self.units.values()])
        self.channels: dict[str, list[Channel]] = {}
        for channel in db.session.scalars(select(Channel).where(Channel.active).order_by(Channel.id)):
            self.channels.setdefault(channel.channel_class, []).append(channel)

    def run(self) -> None:
        """Shifts, appeals, nil returns and urges, up to the morning of the sample's day."""
        self._shifts()
        happening: list[Event] = []
        for turn, course in enumerate([*self._courses(), *self._one_in_every_state()]):
            heapq.heappush(happening, Event(course.received_at, turn, course, "take_in", {}, "collector"))
        while happening and happening[0].at <= self.end:
            day = happening[0].at.date()
            with transaction():
                while happening and happening[0].at.date() == day and happening[0].at <= self.end:
                    event = heapq.heappop(happening)
                    following = self._happen(event)
                    if following is not None:
                        heapq.heappush(happening, following)
        self._nil_returns()
        self._urges()
        self._settle_notices()

    def _shifts(self) -> None:
        """One shift a day from eight to eight for both offices, main and second seat (R17)."""
        pairs = {
            "duty_office": ("sample_duty_1", "sample_duty_2"),
            "hotline_center": ("sample_hotline_1", "sample_hotline_2"),
        }
        with transaction():
            for office, seats in pairs.items():
                for offset in range(-DAYS - 2, ROSTER_AHEAD):
                    start = datetime.combine(self.today + timedelta(days=offset), time(8), self.zone)
                    shift = DutyShift(
                        office_id=self.units[office].id,
                        valid=Range(start, start + timedelta(days=1)),
                        fictional=True,
                    )
                    shift.seats = [
                        DutySeat(person_id=self.people[code].id, seat=seat)
                        for code, seat in zip(seats, ("main", "second"), strict=True)
                    ]
                    db.session.add(shift)

    def _courses(self) -> Iterator[Course]:
        letters, weights = list(CLASS_WEIGHTS), list(CLASS_WEIGHTS.values())
        for _number in range(APPEALS):
            letter = self.random.choices(letters, weights)[0]
            day = self.today - timedelta(days=self.random.randrange(DAYS))
            round_the_clock = letter in "AB"
            hour = (
                self.random.choices(range(24), [2] * 7 + [8] * 12 + [4] * 5)[0]
                if round_the_clock
                else self.random.randrange(8, 18)
            )
            at = datetime.combine(day, time(hour, self.random.randrange(60), self.random.randrange(60)), self.zone)
            yield self._course(letter, at)

    def _one_in_every_state(self) -> Iterator[Course]:
        """A few appeals of the last days that stop just short of each state, so that every queue has work."""
        morning = datetime.combine(self.today, time(8, 30), self.zone)
        for index, steps in enumerate((0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 3, 4, 5, 6, 7, 8)):
            at = morning - timedelta(minutes=self.random.randrange(1, 50), days=0 if index < 12 else 1)
            course = self._course("AB"[index % 2], at, way="leader" if steps >= 3 else "forward")
            course.rest = [(timedelta(minutes=7), *step[1:]) for step in course.rest[:steps]]
            yield course

    def _course(self, letter: str, at: datetime, way: str = "") -> Course:
        case = self.random.choice(self.cases)
        unit = self.units[case.unit]
        ways = ["forward", "self", "leader", "declined"]
        chosen = way or self.random.choices(ways, [71, 12, 14, 3])[0]
        if chosen == "leader" and unit.id not in self.lines:
            case = next(c for c in self.cases if self.units[c.unit].id in self.lines)
            unit = self.units[case.unit]
        return Course(case, letter, unit, at, list(self._rest(letter, case, chosen, at)))

    def _rest(
        self, letter: str, case: Case, way: str, at: datetime
    ) -> Iterator[tuple[timedelta, str, str, dict[str, Any]]]:
        draw = self.random
        yield self._collection_delay(letter, at), "submit", "collector", {}
        if draw.random() < 0.03:
            yield (
                timedelta(minutes=draw.randrange(5, 60)),
                "return_for_correction",
                "registrar",
                {"reason": "示例：地址不清，请补充。"},
            )
            yield timedelta(minutes=draw.randrange(10, 90)), "submit", "collector", {}
        yield (
            timedelta(minutes=draw.randrange(5, 180)),
            "register",
            "registrar",
            {"limit": case.limit, "category": case.category},
        )
        triage = timedelta(minutes=draw.randrange(10, 300 if case.limit in ("ordinary", "complex") else 30))
        if way == "declined":
            ground = "示例：此事已由人民法院受理，依法不属政府办理范围，已向诉求人说明。"
            told = {"ground": ground, "route": "litigation", "informed_how": "phone"}
            yield triage, "decline", "duty_director", told
        elif way == "self":
            yield triage, "handle_self", "duty_director", {"remark": "示例：电话协调。"}
            yield (
                timedelta(hours=draw.randrange(2, 160)),
                "finish_self",
                "duty_director",
                {"result": self._answer(case)},
            )
        else:
            if way == "leader":
                yield from self._leaders_way(triage, case)
                triage = timedelta(minutes=draw.randrange(20, 200))
            yield from self._forwarded(triage, case)
            yield from self._unit_way(case)
            if draw.random() < 0.04:
                redo = {"reason": "示例：未说明现场情况。", "limit": case.limit}
                yield timedelta(hours=3), "send_back", "duty_director", redo
                again = {"feedback": self._answer(case), "informed_how": "phone", "reaction": "accepting"}
                yield timedelta(hours=1.2), "answer", "handler", again
            yield timedelta(hours=draw.randrange(1, 20)), "accept", "duty_director", {}
            if way == "leader" and draw.random() < 0.9:
                yield timedelta(hours=draw.randrange(1, 12)), "take_note", "leader", {}
        if draw.random() < 0.35:
            yield timedelta(hours=draw.randrange(1, 20)), "call_back", "supervisor", self._called_back()
        yield timedelta(hours=draw.randrange(1, 40)), "strike_off", "ledger_admin", {}
        yield timedelta(hours=draw.randrange(2, 90)), "archive", "ledger_admin", {}

    def _forwarded(self, triage: timedelta, case: Case) -> Iterator[tuple[timedelta, str, str, dict[str, Any]]]:
        """To the unit; now and then to a wrong one first, which objects, or with another unit beside it."""
        draw = self.random
        given: dict[str, Any] = {"unit": case.unit, "limit": case.limit, "remark": ""}
        other = draw.choice([one.unit for one in self.cases if one.unit != case.unit])
        fate = draw.random()
        if fate < 0.03:
            yield triage, "forward", "duty_director", given | {"unit": other}
            basis = {"reason": "示例：不属本单位职责。", "legal_basis": "示例：本单位职能配置规定"}
            yield timedelta(minutes=50), "object", f"handler:{other}", basis | {"proposed_unit": case.unit}
            ruling = {"decision": "upheld", "reason": "示例：异议成立。", "right_unit": case.unit, "learn": True}
            yield timedelta(minutes=40), "decide_objection", "duty_director", ruling
            yield timedelta(minutes=10), "forward", "duty_director", given
            return
        if fate < 0.09:
            given |= {"co_units": (other,), "task": "示例：配合现场核查。"}
        yield triage, "forward", "duty_director", given
        if fate < 0.09:
            yield timedelta(minutes=20), "sign_in", f"handler:{other}", {}
            yield timedelta(minutes=20), "answer", f"handler:{other}", {"feedback": "示例：已配合核查现场。"}

    def _called_back(self) -> dict[str, Any]:
        draw = self.random
        if draw.random() < 0.15:
            return {"reached": "no", "remark": "示例：三次无人接听。"}
        solved = draw.choice(("yes", "yes", "yes", "partly", "no"))
        satisfied = "no" if solved == "no" else draw.choice(("yes", "yes", "mostly"))
        return {"reached": "yes", "solved": solved, "satisfied": satisfied}

    def _collection_delay(self, letter: str, at: datetime) -> timedelta:
        limit = clocks.as_rule(clocks.limit_for("collection", channel_class=letter))
        from app.rules.clocks import deadline

        due = deadline(limit, at, calendar.current(), self.zone).due_at
        span = (due - at).total_seconds()
        share = self.random.uniform(0.1, 0.95) if self.random.random() < 0.93 else self.random.uniform(1.05, 1.6)
        return timedelta(seconds=span * share)

    def _leaders_way(self, triage: timedelta, case: Case) -> Iterator[tuple[timedelta, str, str, dict[str, Any]]]:
        draw = self.random
        opinion = "示例：此件涉及面较广，拟请分管领导阅示，并由责任单位牵头办理。"
        yield triage, "propose", "duty_director", {"opinion": opinion, "unit": case.unit}
        yield timedelta(minutes=draw.randrange(5, 30)), "fill_slip", "registrar", {}
        yield timedelta(minutes=draw.randrange(10, 60)), "carry", "liaison", {"remark": "示例处室秘书"}
        late = draw.random() < 0.12
        delay = timedelta(hours=draw.randrange(16, 26)) if late else timedelta(minutes=draw.randrange(15, 60))
        yield delay, "deliver", "clerk", {"receiver": "示例副市长"}
        if draw.random() < 0.4:
            words = "示例：请责任单位抓紧办理，并将结果反馈诉求人。"
            yield timedelta(hours=draw.choice((3, 6, 22))), "instruct", "leader", {"instruction": words}
            return
        yield timedelta(hours=draw.choice((5, 20, 26, 30, 44, 90))), "fetch", "liaison", {}
        yield (
            timedelta(minutes=draw.randrange(10, 60)),
            "transcribe",
            "liaison",
            {
                "instruction": "示例：请责任单位抓紧办理，并将结果反馈诉求人。",
                "leader": "sample_vice_mayor",
            },
        )

    def _unit_way(self, case: Case) -> Iterator[tuple[timedelta, str, str, dict[str, Any]]]:
        draw = self.random
        quick = case.limit in ("emergency", "utilities")
        sign = draw.randrange(5, 60) if quick else draw.randrange(20, 1200)
        yield timedelta(minutes=sign if draw.random() < 0.93 else sign + 3000), "sign_in", "handler", {}
        if not quick and draw.random() < 0.05:
            yield timedelta(hours=5), "ask_extension", "handler", {"amount": 5, "reason": "示例：需等待材料到货。"}
            granted = {"decision": draw.choice(("granted", "granted", "refused")), "reason": "示例：已核。"}
            yield timedelta(hours=2), "decide_extension", "duty_director", granted
        hours = {"emergency": 1.6, "utilities": 20.0, "ordinary": 170.0, "complex": 400.0}[case.limit]
        late = draw.random() < 0.14
        share = draw.uniform(1.4, 2.2) if late else draw.uniform(0.15, 0.85)
        fate = draw.random()
        reached = {"informed_how": draw.choice(("phone", "phone", "visit", "letter", "message"))}
        if late and fate < 0.6:
            excuse = {
                "kind": "cannot_finish",
                "explanation": "示例：因雨天无法施工，预计延后完成。",
                **reached,
            }
            yield timedelta(hours=hours * 0.8), "explain", "handler", excuse
        if fate > 0.96:
            refusal = {
                "kind": "not_permitted",
                "explanation": "示例：经核查，该诉求不符合现行政策规定，已作解释。",
                **reached,
            }
            yield timedelta(hours=hours * share), "explain", "handler", refusal
            yield (
                timedelta(minutes=30),
                "add_note",
                "ledger_admin",
                {"note": "示例：政策不允许，已向诉求人说明。"},
            )
        elif draw.random() < 0.05:
            yield timedelta(days=400), "answer", "handler", {"feedback": self._answer(case), **reached}
        else:
            reaction = draw.choice(("satisfied", "satisfied", "accepting", "dissatisfied", "none"))
            answer = {"feedback": self._answer(case), "reaction": reaction, **reached}
            yield timedelta(hours=hours * share), "answer", "handler", answer
        if late and draw.random() < 0.8:
            yield (
                timedelta(hours=1),
                "add_note",
                "ledger_admin",
                {"note": "示例：受施工条件影响逾期，已说明情况。"},
            )

    def _answer(self, case: Case) -> str:
        return "示例：" + case.answer.format(n=self.random.randrange(2, 30))

    # --- letting it happen --------------------------------------------------------------------------------

    def _happen(self, event: Event) -> Event | None:
        """One step at its moment; the next step of that appeal, if any is left."""
        course = event.course
        with present.at(event.at):
            actor = self._actor(event.who, course)
            if event.action == "take_in":
                course.appeal_id = self._take_in(actor, course)
            else:
                data = self._timed(event)
                try:
                    workflow.step(actor, course.appeal_id, event.action, data, version=None)
                except RuleError as error:
                    # R11 holds for the sample too: without its note the item waits in the ledger's queue.
                    if error.code != "archive.note-missing":
                        raise
                    return None
        if not course.rest:
            return None
        delay, action, who, data = course.rest.pop(0)
        return Event(self._office_hours(event.at + delay, who, course), event.turn, course, action, data, who)

    def _timed(self, event: Event) -> dict[str, Any]:
        data = dict(event.data)
        if "informed_how" in data or event.action in ("finish_self", "decline"):
            data.setdefault("informed_how", "phone")
            data["informed_at"] = event.at
        if event.action.startswith("decide_"):
            asked = select(HandlingRequest.id).where(
                HandlingRequest.appeal_id == event.course.appeal_id, HandlingRequest.state == "pending"
            )
            data["request"] = str(db.session.scalar(asked))
        if event.action == "transcribe":
            data["instructed_on"] = event.at.astimezone(self.zone).date()
            line = self.lines.get(event.course.unit.id)
            data["leader"] = line.vice_mayor.code if line and line.vice_mayor else None
        return data

    def _office_hours(self, at: datetime, who: str, course: Course) -> datetime:
        """Clerks work by day on working days; collectors, and whoever has hours only, work round the clock."""
        if who == "collector" or course.case.limit in ("emergency", "utilities"):
            return at
        local = at.astimezone(self.zone)
        works = calendar.current()
        if not works.is_working_day(local.date()) or local.hour >= 18:
            day = works.next_working_day(local.date())
            return datetime.combine(day, time(8, 40), self.zone) + timedelta(minutes=self.random.randrange(120))
        if local.hour < 8:
            return local.replace(hour=8, minute=30) + timedelta(minutes=self.random.randrange(90))
        return at

    def _take_in(self, actor: Actor, course: Course) -> int:
        draw, letter = self.random, course.channel_class
        place = draw.choice(PLACES)
        channel = draw.choice(self.channels[letter])
        local = course.received_at.astimezone(self.zone)
        data: dict[str, Any] = {
            "channel": channel.code,
            "received_at": course.received_at,
            "subject": "示例：" + course.case.subject.format(place=place, n=3),
            "body": "【示例】" + course.case.body.format(place=place, n=draw.randrange(3, 20)),
            "place": place,
            "appellant_name": "示例" + draw.choice("赵钱孙李周吴郑王"),
            "appellant_phone": f"1990000{draw.randrange(10000):04d}",
            "page_address": "https://example.invalid/forum/1" if letter == "C" else None,
            "published_on": local.date() if letter == "D" else None,
            "petition_number": f"示例{draw.randrange(100, 999)}" if letter == "E" else None,
        }
        grant = actor.grants.covering("collect", RowFacts(letter))[0]
        return intake.begin(actor, grant, letter, data, submit=False, fictional=True).appeal_id

    def _actor(self, who: str, course: Course) -> Actor:
        if who == "collector":
            return self._holder(f"collector_{course.channel_class.lower()}")
        if who.startswith("handler"):
            return self._handlers[who.partition(":")[2] or course.case.unit]
        if who == "leader":
            return self._known(self._leader_of(course))
        if who == "clerk":
            return self._known(self.people["sample_clerk"])
        return self._holder(who)

    def _leader_of(self, course: Course) -> Person:
        line = self.lines.get(course.unit.id)
        return line.vice_mayor if line and line.vice_mayor else self.people["sample_vice_mayor"]

    def _holder(self, code: str) -> Actor:
        if code not in self._holders:
            post = db.session.scalars(select(Post).where(Post.code == code)).one()
            if post.filled_by_duty:
                main = {"duty_office": "sample_duty_1", "hotline_center": "sample_hotline_1"}[post.office.code]
                person = self.people[main]
            else:
                held = next(holding for holding in post.holdings if holding.role == "A")
                person = held.person
            self._holders[code] = self._known(person)
        return self._holders[code]

    @cached_property
    def _holders(self) -> dict[str, Actor]:
        return {}

    @cached_property
    def _handlers(self) -> dict[str, Actor]:
        """Handlers without an account act too; the grants are those they would have."""
        from app.rules.grants import Facts, grants_for

        return {
            code: Actor(None, self.people[f"sample_handler_{code}"].id, grants_for(Facts(units=(unit.id,))))
            for code, unit in self.units.items()
            if unit.kind != "section"
        }

    def _known(self, person: Person) -> Actor:
        user_id = db.session.scalar(select(Account.user_id).where(Account.person_id == person.id))
        standing = grants.standing_of(user_id or 0, self.end)
        if standing is None:
            raise RuntimeError(f"{person.code} has no account")
        return Actor(standing.user_id, standing.person_id, standing.grants, standing.name)

    def _nil_returns(self) -> None:
        """Collectors of C, D and E sign for most days that brought nothing; a few days stay unsigned."""
        works = calendar.current()
        for letter in "CDE":
            actor = self._holder(f"collector_{letter.lower()}")
            post_id = actor.grants.covering("collect", RowFacts(letter))[0].post_id or 0
            by_paper = letter in nil_returns.by_channel()
            taken = select(Appeal.received_at, Appeal.channel_id).where(Appeal.channel_class == letter)
            busy = {
                (moment.astimezone(self.zone).date(), channel_id if by_paper else None)
                for moment, channel_id in db.session.execute(taken)
            }
            for offset in range(-DAYS, 0):
                day = self.today + timedelta(days=offset)
                if not works.is_working_day(day) or self.random.random() < 0.04:
                    continue
                silent = [paper.code for paper in self.channels[letter] if (day, paper.id) not in busy]
                if (day, None) in busy or (by_paper and not silent):
                    continue
                with present.at(datetime.combine(day, time(10, self.random.randrange(60)), self.zone)):
                    nil_returns.sign(actor, post_id, silent if by_paper else ())

    def _urges(self) -> None:
        """The supervisor telephoned about some of what is overdue."""
        from app.models import Clock

        supervisor = self._holder("supervisor")
        with present.at(self.end):
            late = db.session.scalars(
                select(Clock.id)
                .where(clocks.is_overdue(self.end), Clock.kind == "unit_limit")
                .order_by(Clock.id)
                .limit(12)
            ).all()
            for clock_id in late:
                overdue.urge(supervisor, clock_id, spoke_with="示例经办人", remark="示例：已催，承诺三日内反馈。")

    def _settle_notices(self) -> None:
        """What the product would have told people months ago is not told now; only the last two days are."""
        with transaction():
            old = Delivery.due_at < self.end - timedelta(days=2)
            db.session.execute(update(Delivery).where(old, Delivery.state == "pending").values(state="cancelled"))
