"""One step of the workflow on an appeal, committed, against the same rows written by hand on the same connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import select

from app.models import Appeal, Clock, Post, db
from app.services import present, workflow
from benchmarks.office import BASE_URL, Office
from benchmarks.pages import HERE
from benchmarks.timing import ROUNDS, Times, measure

POST, STEP = "duty_director", "handle_self"


def compare(office: Office) -> dict[str, Times]:
    """Raw SQL, the service and the posted form, each on an appeal of its own every time."""
    with office.app.test_request_context(base_url=BASE_URL):
        waiting = _waiting(office)
        raw = _Raw(office, waiting)
        raw()
        sample = db.session.scalars(select(Clock).where(Clock.kind == "unit_limit").limit(1)).one()
        raw.inputs = sample.inputs
        actor = office.actor(POST)

        def service() -> None:
            workflow.act(actor, next(waiting), STEP, {}, version=None, request_key=uuid4().hex)

        return measure({"raw SQL": raw, "service": service, "form": _form(office, waiting)})


def _waiting(office: Office) -> Iterator[int]:
    """Fictional appeals that wait for triage, as many as the rounds need, among all the others."""
    with psycopg.connect(office.owner_url, autocommit=True) as connection:
        made = connection.execute(
            "INSERT INTO appeal (number, state, channel_class, received_at, registered_at, subject, limit_rule_id,"
            " fictional) SELECT '示例-' || n, 'registered', 'A', now(), now(), '示例：路灯不亮',"
            " (SELECT id FROM limit_rule WHERE code = 'ordinary'), true FROM generate_series(1, 4 * %s) n RETURNING id",
            [ROUNDS + 3],
        ).fetchall()
    return iter([appeal_id for (appeal_id,) in made])


class _Raw:
    """The statements of action.sql and a commit."""

    def __init__(self, office: Office, waiting: Iterator[int]) -> None:
        self.waiting, self.inputs = waiting, dict[str, Any]()
        self.statements = re.split(r";\s*\n", (HERE / "action.sql").read_text("utf-8"))
        self.person = office.actor(POST).person_id
        self.post = db.session.scalars(select(Post.id).where(Post.code == POST)).one()

    def __call__(self) -> None:
        now = present.now()
        parameters = {
            "appeal": next(self.waiting),
            "person": self.person,
            "post": self.post,
            "now": now,
            "due": now + timedelta(days=9),
            "inputs": Jsonb(self.inputs),
            "old": Jsonb({"state": "registered", "handling": None}),
            "new": Jsonb({"state": "self_handling", "handling": "self"}),
        }
        cursor = db.session.connection().connection.cursor()
        for one in self.statements:
            if not cursor.execute(one, parameters).fetchall():
                raise RuntimeError("the reference wrote nothing")
        db.session.commit()


def _form(office: Office, waiting: Iterator[int]) -> Callable[[], None]:
    browser = office.browser(POST)
    with office.app.app_context():
        page = browser.get(f"/appeals/{next(waiting)}/{STEP}", base_url=BASE_URL).text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    if found is None:
        raise RuntimeError("the form has no token")
    token = found[1]

    def send() -> None:
        form = {"csrf_token": token, "request_key": uuid4().hex, "version": ""}
        with office.app.app_context():
            appeal_id = next(waiting)
            form["version"] = str(db.session.scalar(select(Appeal.version).where(Appeal.id == appeal_id)))
            sent = browser.post(
                f"/appeals/{appeal_id}/{STEP}",
                data=form,
                base_url=BASE_URL,
                headers={"Origin": BASE_URL, "Referer": f"{BASE_URL}/"},
            )
        if sent.status_code != 302:
            raise RuntimeError(f"the form answers {sent.status_code}")

    return send
