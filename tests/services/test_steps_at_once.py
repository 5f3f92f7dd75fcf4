"""Two people, or two windows of one, do a step on one appeal at the same moment, on connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select

import config
from app.models import Appeal, Journal, Person, db
from app.rules.errors import RuleError
from app.rules.grants import Grant, GrantSet, Scope
from app.services import present, workflow
from app.services.actors import Actor
from tests.logins import scrubbed

OFFICE = GrantSet(tuple(Grant(one, Scope.ALL) for one in ("number", "triage", "record")))


@pytest.fixture
def committed(built_app: Flask, settings: config.Settings) -> Iterator[tuple[int, list[Actor]]]:
    """A registered appeal and two people that other connections see too, taken away afterwards."""
    with built_app.app_context(), scrubbed(settings):
        people = [Person(code=f"shili_at_once_{n}", name=f"示例人员{n}", fictional=True) for n in range(2)]
        appeal = Appeal(
            number="示例〔2026〕同时",
            state="registered",
            channel_class="A",
            received_at=present.now(),
            registered_at=present.now(),
            subject="示例：同时办理",
            fictional=True,
        )
        db.session.add_all([appeal, *people])
        db.session.commit()
        made = appeal.id, [Actor(None, person.id, OFFICE) for person in people]
        db.session.remove()
        yield made
        db.session.remove()
    with psycopg.connect(settings.database_url) as owner:
        owner.execute("DELETE FROM delivery WHERE appeal_id = %s", [made[0]])
        owner.execute("DELETE FROM clock WHERE appeal_id = %s", [made[0]])
        owner.execute("DELETE FROM appeal WHERE id = %s", [made[0]])
        owner.execute("DELETE FROM person WHERE id = ANY(%s)", [[actor.person_id for actor in made[1]]])


def at_once(app: Flask, calls: list[Callable[[], workflow.Outcome]]) -> list[str]:
    """What each was told: "done", "repeat", or the code of its refusal."""
    told = ["unanswered"] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(place: int, call: Callable[[], workflow.Outcome]) -> None:
        with app.app_context():
            barrier.wait(30)
            try:
                told[place] = "repeat" if call().is_repeat else "done"
            except RuleError as error:
                told[place] = error.code

    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(told)


def rows(app: Flask, appeal_id: int) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Journal.action).where(Journal.appeal_id == appeal_id)))


def test_of_two_people_who_save_one_is_told_to_look_again(
    built_app: Flask, committed: tuple[int, list[Actor]]
) -> None:
    appeal_id, actors = committed
    calls = [_noting(actor, appeal_id, f"示例：附注{n}。", None) for n, actor in enumerate(actors)]
    assert at_once(built_app, calls) == ["appeal.stale", "done"]
    assert rows(built_app, appeal_id) == ["add_note"]


def test_a_double_click_acts_once(built_app: Flask, committed: tuple[int, list[Actor]]) -> None:
    appeal_id, (actor, _other) = committed
    calls = [_noting(actor, appeal_id, "示例：附注。", "double-click")] * 4
    assert at_once(built_app, calls) == ["done", "repeat", "repeat", "repeat"]
    assert rows(built_app, appeal_id) == ["add_note"]


def test_two_ways_of_handling_at_once_leave_one(built_app: Flask, committed: tuple[int, list[Actor]]) -> None:
    appeal_id, (one, other) = committed
    told_by = {"informed_at": present.now(), "informed_how": "phone"}
    decline = {"ground": "示例：属诉讼事项。", "route": "litigation", **told_by}
    calls = [
        lambda: workflow.act(one, appeal_id, "handle_self", {}, version=1),
        lambda: workflow.act(other, appeal_id, "decline", decline, version=1),
    ]
    assert at_once(built_app, calls) == ["done", "workflow.not-from-here"]
    assert len(rows(built_app, appeal_id)) == 1


def _noting(actor: Actor, appeal_id: int, note: str, key: str | None) -> Callable[[], workflow.Outcome]:
    return lambda: workflow.act(actor, appeal_id, "add_note", {"note": note}, version=1, request_key=key)
