"""Makes people, accounts, appeals and clients for tests: real rows on the real database, fictional names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import Range

from app.models import (
    Account,
    Appeal,
    Channel,
    DutySeat,
    DutyShift,
    Holding,
    Membership,
    Person,
    PortfolioPlace,
    Post,
    Unit,
    db,
)
from app.services import grants, intake, portfolio, present, sessions, workflow
from app.services.actors import Actor
from app.services.sessions import Origin

_numbers = count(1)


class Factory:
    """One thing per call; what is not said is filled in."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    # --- people -------------------------------------------------------------------------------------------

    def person(self, name: str = "", **columns: Any) -> Person:
        """Somebody without post or unit."""
        number = next(_numbers)
        person = Person(code=f"test_{number}", name=name or f"示例人员{number}", fictional=True, **columns)
        db.session.add(person)
        db.session.commit()
        return person

    def account(self, person: Person | None = None, *, officer: str | None = None) -> User:
        """An account that may enter at once."""
        number = next(_numbers)
        user = User(
            first_name=person.name if person else officer or "示例",
            last_name="",
            username=f"user{number}",
            email=f"user{number}@example.invalid",
            password="!",
            active=True,
        )
        db.session.add(user)
        db.session.flush()
        db.session.add(
            Account(
                user_id=user.id,
                person_id=person.id if person else None,
                officer=officer,
                must_change_password=False,
                password_changed_at=present.now(),
            )
        )
        db.session.commit()
        return user

    def user_of(self, person: Person | None, officer: str | None = None) -> User:
        """The person's (or officer's) account, made when there is none."""
        query = select(User).join(Account, Account.user_id == User.id)
        query = query.where(Account.officer == officer if person is None else Account.person_id == person.id)
        return db.session.scalars(query).first() or self.account(person, officer=officer)

    def actor(self, person: Person | None = None, *, officer: str | None = None) -> Actor:
        """The person as services see him now."""
        user = self.user_of(person, officer)
        standing = grants.standing_of(user.id)
        assert standing is not None
        return Actor(standing.user_id, standing.person_id, standing.grants, standing.name)

    def signed_in(self, person: Person | None = None, *, officer: str | None = None) -> FlaskClient:
        """A browser in which that person is signed in."""
        user = self.user_of(person, officer)
        token = sessions.begin(user.id, Origin())
        db.session.commit()
        client = self.app.test_client()
        with client.session_transaction(base_url="https://localhost") as cookie:
            cookie.update({"sid": token, "_user_id": str(user.id), "_fresh": True, "locale": "zh"})
        return client

    # --- the staffing table -------------------------------------------------------------------------------

    def post(self, code: str) -> Post:
        """A post of the seed."""
        return db.session.scalars(select(Post).where(Post.code == code)).one()

    def holder(self, code: str, role: str = "A") -> Person:
        """Who holds a post of the seed now; for a post filled by the duty roster, who sits the shift."""
        post = self.post(code)
        if post.filled_by_duty:
            return self.on_duty(post.office)
        query = select(Person).join(Holding, Holding.person_id == Person.id)
        held = query.where(
            Holding.post_id == post.id, Holding.role == role, Holding.valid.contains(present.now())
        )
        return db.session.scalars(held).one()

    def on_duty(self, office: Unit, seat: str = "main") -> Person:
        """Who sits the office's shift around now, made when the roster has a hole."""
        now = present.now()
        shift = db.session.scalars(
            select(DutyShift).where(DutyShift.office_id == office.id, DutyShift.valid.contains(now))
        ).first()
        if shift is None:
            shift = DutyShift(
                office_id=office.id, valid=Range(now - timedelta(days=400), now + timedelta(days=400))
            )
            db.session.add(shift)
        for taken in shift.seats:
            if taken.seat == seat:
                return taken.person
        person = self.person()
        shift.seats.append(DutySeat(person_id=person.id, seat=seat))
        db.session.commit()
        return person

    def running_shift(self, office: Unit) -> DutyShift:
        """The shift of the office that is under way."""
        self.on_duty(office)
        running = DutyShift.valid.contains(present.now())
        return db.session.scalars(select(DutyShift).where(DutyShift.office_id == office.id, running)).one()

    def unit(self, code: str) -> Unit:
        """A unit of the seed."""
        return db.session.scalars(select(Unit).where(Unit.code == code)).one()

    def a_unit(self, kind: str = "department", offset: int = 0) -> Unit:
        """Some unit of that kind."""
        under = select(PortfolioPlace.unit_id).where(PortfolioPlace.place == "unit")
        query = select(Unit).where(Unit.kind == kind, Unit.active, Unit.id.in_(under) | (kind != "department"))
        return db.session.scalars(query.order_by(Unit.id).offset(offset)).first()  # type: ignore[return-value]

    def line(self, unit: Unit) -> portfolio.Line:
        """The portfolio line a unit is under."""
        found = portfolio.line_of(unit.id)
        assert found is not None
        return found

    def stand(self, line: portfolio.Line, place: str, row: Person | Unit | None, at: datetime | None = None) -> None:
        """Who stands in a place of a line from `at` on (from the beginning by default), with nobody before or after."""
        own = (PortfolioPlace.portfolio_id == line.id, PortfolioPlace.place == place)
        if place == "unit":
            own = (PortfolioPlace.unit_id == (row.id if row else 0), PortfolioPlace.place == place)
        db.session.execute(delete(PortfolioPlace).where(*own))
        if row is not None:
            column = "person_id" if place in portfolio.LEADERS else "unit_id"
            valid = Range(at, None, bounds="[)")
            db.session.add(PortfolioPlace(portfolio_id=line.id, place=place, valid=valid, **{column: row.id}))
        db.session.commit()

    def member(self, unit: Unit, function: str = "handler") -> Person:
        """A handler of a unit, or the clerk of a section."""
        query = select(Person).join(Membership, Membership.person_id == Person.id)
        found = db.session.scalars(
            query.where(Membership.unit_id == unit.id, Membership.function == function)
        ).first()
        if found is not None:
            return found
        person = self.person()
        db.session.add(Membership(person_id=person.id, unit_id=unit.id, function=function))
        db.session.commit()
        return person

    # --- appeals ------------------------------------------------------------------------------------------

    def sheet(self, channel_class: str = "A", **fields: Any) -> dict[str, Any]:
        """A filled-in form of a channel class."""
        channel = db.session.scalars(select(Channel).where(Channel.channel_class == channel_class)).first()
        assert channel is not None
        specific = {
            "C": {"page_address": "https://example.invalid/1"},
            "D": {"published_on": present.today()},
        }.get(channel_class, {})
        return {
            "channel": channel.code,
            "received_at": present.now(),
            "subject": "示例诉求：路灯不亮",
            "body": "示例：小区门口的路灯已经三天不亮。",
            "appellant_name": "示例来电人",
            "appellant_phone": "13800000001",
            **specific,
            **fields,
        }

    def appeal(
        self, state: str = "submitted", *, channel_class: str = "A", unit: Unit | None = None, **fields: Any
    ) -> Appeal:
        """An appeal brought to `state` by its own posts, step by step; "*_late" is not a state: use present.at."""
        collector = self.actor(self.holder(f"collector_{channel_class.lower()}"))
        data = self.sheet(channel_class, **fields)
        outcome = intake.take_in(collector, channel_class, data, submit=state != "draft")
        for name, person, form in self._path(state, unit):
            workflow.act(self.actor(person), outcome.appeal_id, name, form, version=None)
        found = db.session.get(Appeal, outcome.appeal_id)
        assert found is not None
        db.session.refresh(found)
        return found

    def _path(self, state: str, unit: Unit | None) -> list[tuple[str, Person, Mapping[str, Any]]]:
        if state in ("draft", "submitted"):
            return []
        director, registrar, liaison = (self.holder(c) for c in ("duty_director", "registrar", "liaison"))
        steps: list[tuple[str, Person, Mapping[str, Any]]] = [("register", registrar, {"limit": "ordinary"})]
        informed = {"informed_at": present.now(), "informed_how": "phone"}
        target = unit or self.a_unit()
        handler = self.member(target)
        if state == "self_handling":
            return [*steps, ("handle_self", director, {})]
        if state in ("opinion", "slip_ready", "with_section", "with_leader", "fetched", "instructed"):
            section = self.line(target).section
            assert section is not None
            clerk = self.member(section, "section_clerk")
            path = [
                ("opinion", ("propose", director, {"opinion": "示例：拟请阅示。", "unit": target.code})),
                ("slip_ready", ("fill_slip", registrar, {})),
                ("with_section", ("carry", liaison, {})),
                ("with_leader", ("deliver", clerk, {"receiver": "示例收件人"})),
                ("fetched", ("fetch", liaison, {})),
                ("instructed", ("transcribe", liaison, self.instruction())),
            ]
        else:
            path = [
                ("registered", steps.pop()),
                ("assigned", ("forward", director, {"unit": target.code, "limit": "ordinary"})),
                ("in_progress", ("sign_in", handler, {})),
                ("under_review", ("answer", handler, {"feedback": "示例：已修复。", **informed})),
                ("answered", ("accept", director, {})),
                ("closed", ("strike_off", self.holder("ledger_admin"), {})),
                ("archived", ("archive", self.holder("ledger_admin"), {})),
            ]
        if state == "voided":
            return [*steps, path[0][1], ("void", registrar, {"reason": "示例：重复编号。"})]
        names = [name for name, _step in path]
        return [*steps, *(step for _name, step in path[: names.index(state) + 1])]

    def instruction(self) -> dict[str, Any]:
        """What the liaison transcribes."""
        return {
            "instruction": "示例：请尽快办理。",
            "leader_name": "示例副市长",
            "instructed_on": present.today(),
        }

    def count(self, model: Any, **columns: Any) -> int:
        """How many rows of a table have these values."""
        from sqlalchemy import func

        return db.session.scalar(select(func.count()).select_from(model).filter_by(**columns)) or 0


def moment(text: str) -> datetime:
    """An ISO text as an aware moment; without an offset it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
