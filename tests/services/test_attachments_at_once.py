"""Two forms claim one file at once, or it is dropped meanwhile, on connections of their own: it has one end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User

import config
from app.models import Appeal, Attachment, db
from app.rules.errors import RuleError
from app.rules.grants import GrantSet
from app.services import attachments, personal, present
from app.services.actors import Actor
from app.services.transaction import transaction


@dataclass(frozen=True)
class Committed:
    """Whose file it is, which, and two appeals that want it."""

    actor: Actor
    file_id: int
    appeals: tuple[int, int]


@pytest.fixture
def committed(built_app: Flask, settings: config.Settings) -> Iterator[Committed]:
    """Rows that other connections see too, taken away afterwards."""
    mark = f"shili{uuid4().hex[:8]}"
    with built_app.app_context():
        user = User(first_name="示例", last_name="", username=mark, email=f"{mark}@example.invalid", password="!")
        drafts = [Appeal(state="draft", channel_class="A", received_at=present.now(), subject=mark) for _two in "ab"]
        db.session.add_all([user, *drafts])
        db.session.flush()
        key = personal.new_key()
        file = Attachment(
            form_key=mark,
            data_key=key,
            filename_sealed=personal.seal(key, "filename", "示例.png"),
            content_sealed=personal.seal_bytes(key, "content", b"x"),
            content_type="image/png",
            size=1,
            sha256="0" * 64,
            created_at=present.now(),
            user_id=user.id,
        )
        db.session.add(file)
        db.session.commit()
        made = Committed(Actor(user.id, None, GrantSet()), file.id, (drafts[0].id, drafts[1].id))
        db.session.remove()
        yield made
    with psycopg.connect(settings.database_url) as owner:
        owner.execute("DELETE FROM attachment WHERE form_key = %s", [mark])
        owner.execute("DELETE FROM appeal WHERE subject = %s", [mark])
        owner.execute("DELETE FROM ab_user WHERE username = %s", [mark])


def _at_once(app: Flask, calls: list[Callable[[], object]]) -> list[bool]:
    """All calls in threads of their own, let go by a barrier; which of them were made."""
    made = [False] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(place: int, call: Callable[[], object]) -> None:
        with app.app_context():
            barrier.wait(30)
            try:
                call()
                made[place] = True
            except RuleError:
                pass

    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return made


def _claims(rows: Committed, appeal_id: int) -> None:
    with transaction():
        attachments.claim_in(rows.actor, [rows.file_id], appeal_id, purpose="attach")


def test_one_of_two_appeals_gets_the_file(built_app: Flask, committed: Committed) -> None:
    first, second = committed.appeals
    made = _at_once(built_app, [lambda: _claims(committed, first), lambda: _claims(committed, second)] * 4)
    with built_app.app_context():
        owner = db.session.get_one(Attachment, committed.file_id).appeal_id
    assert owner in (first, second)
    # Whoever named the appeal that got it is right, however often; the others were told.
    assert made == [owner == first, owner == second] * 4


def test_a_file_is_claimed_or_dropped_never_both(built_app: Flask, committed: Committed) -> None:
    claims, drops = _at_once(
        built_app,
        [
            lambda: _claims(committed, committed.appeals[0]),
            lambda: attachments.discard(committed.actor, committed.file_id),
        ],
    )
    with built_app.app_context():
        left = db.session.get(Attachment, committed.file_id)
        assert claims is (left is not None)
        assert drops is (left is None)
