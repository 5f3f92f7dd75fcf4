"""The hash chain: it grows behind the journal and finds what the owner of the tables changes, removes or
moves.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import ProgrammingError

import config
from app.models import Journal, JournalSeal, db
from app.services import journal, present, sealing
from app.services.actors import software
from app.services.transaction import transaction
from tests.services.making import NOON


@pytest.fixture
def owner(built_app: Flask, settings: config.Settings) -> Iterator[Flask]:
    """The application with the rights of the tables' owner, in one transaction that is rolled back."""
    engine = create_engine(settings.database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with built_app.app_context(), engine.connect() as connection:
        outer = connection.begin()
        usual, db.engines[None] = db.engine, connection
        db.session.configure(join_transaction_mode="create_savepoint")
        try:
            yield built_app
        finally:
            db.session.remove()
            outer.rollback()
            db.engines[None] = usual
            db.session.configure(join_transaction_mode="conditional_savepoint")
    engine.dispose()


def written(count: int) -> list[int]:
    with present.at(NOON), transaction():
        rows = [
            journal.write(software("test"), "test.act", "appeal", n, new={"名": f"示例{n}", "n": n, "x": None})
            for n in range(count)
        ]
        db.session.flush()
        return [row.id for row in rows]


def sealed(count: int) -> list[int]:
    """So many journal rows at the end of a sealed chain; their ids."""
    ids = written(count)
    sealing.seal(10_000, everything=True)
    assert sealing.tail().unsealed == 0
    return ids


def test_every_column_of_the_journal_is_part_of_the_hash() -> None:
    assert set(sealing.FIELDS) == {column.name for column in Journal.__table__.columns}


def test_an_empty_chain_holds(app: Flask) -> None:
    assert sealing.verify() is None
    assert sealing.head() is None


def test_it_links_what_was_written_and_nothing_twice(app: Flask) -> None:
    sealed(12)
    before = sealing.head()
    assert before is not None
    assert sealing.seal() == 0
    written(3)
    assert sealing.tail() == sealing.Tail(3, NOON)
    assert sealing.seal(limit=2) == 2
    assert sealing.seal() == 1
    after = sealing.head()
    assert after is not None
    assert after.seq == before.seq + 3
    assert sealing.verify() is None
    assert sealing.verify(start=before.seq - 2, anchor=before) is None


def test_it_verifies_page_by_page(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed(12)
    monkeypatch.setattr(sealing, "MOST", 5)
    assert sealing.verify() is None


def test_a_row_that_appears_late_is_sealed_behind_the_others(app: Flask) -> None:
    late = sealed(1)[-1] + 500
    for key in (late + 500, late):
        db.session.add(Journal(id=key, at=NOON, action="test.late", object_type="appeal", object_id=1))
        db.session.commit()
        assert sealing.seal() == 1
    assert sealing.verify() is None
    last = db.session.scalars(select(JournalSeal.journal_id).order_by(JournalSeal.seq.desc())).first()
    assert last == late


def test_a_row_that_appears_very_late_is_found_by_the_hourly_look(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "LOOK_BACK", 10)
    late = sealed(1)[-1] + 500
    for key in (late + 500, late):
        db.session.add(Journal(id=key, at=NOON, action="test.late", object_type="appeal", object_id=1))
    db.session.commit()
    sealing.seal()
    db.session.add(Journal(id=late + 1, at=NOON, action="test.late", object_type="appeal", object_id=1))
    db.session.commit()
    assert sealing.seal() == 0
    assert sealing.seal(everything=True) == 1
    assert sealing.verify() is None


def test_the_application_itself_cannot_touch_journal_or_seals(app: Flask) -> None:
    sealed(1)
    for statement in ("UPDATE journal SET reason = 'x'", "DELETE FROM journal", "DELETE FROM journal_seal"):
        with pytest.raises(ProgrammingError, match="permission denied"), db.session.begin_nested():
            db.session.execute(text(statement))


EDITS = {
    "reason": "'x'",
    "action": "'test.other'",
    "at": "at + interval '1 microsecond'",
    "object_id": "object_id + 1",
    "acted_as": "'somebody'",
    "new": """'{"n": 99}'""",
    "old": """'{"n": 99}'""",
    "role": "'B'",
    "user_id": "1",
}


@pytest.mark.parametrize("column", EDITS)
@pytest.mark.parametrize("place", [0, 5, 11])
def test_it_finds_a_changed_row(owner: Flask, column: str, place: int) -> None:
    changed = sealed(12)[place]
    db.session.execute(text(f"UPDATE journal SET {column} = {EDITS[column]} WHERE id = :id"), {"id": changed})
    broken = sealing.verify()
    assert broken is not None
    assert (broken.journal_id, broken.reason) == (changed, "altered")


@pytest.mark.parametrize("place", [0, 5, 11])
def test_it_finds_a_removed_row(owner: Flask, place: int) -> None:
    gone = sealed(12)[place]
    db.session.execute(text("DELETE FROM journal WHERE id = :id"), {"id": gone})
    broken = sealing.verify()
    assert broken is not None
    assert (broken.journal_id, broken.reason) == (gone, "removed")


def test_it_finds_two_rows_that_changed_places(owner: Flask) -> None:
    first, second = sealed(12)[4:6]
    swap = "UPDATE journal SET id = CASE id WHEN :first THEN -1 ELSE :to END WHERE id = :id"
    db.session.execute(text(swap), {"first": first, "to": first, "id": first})
    db.session.execute(text(swap), {"first": first, "to": first, "id": second})
    db.session.execute(text("UPDATE journal SET id = :to WHERE id = -1"), {"to": second})
    broken = sealing.verify()
    assert broken is not None
    assert (broken.journal_id, broken.reason) == (first, "altered")


def test_it_finds_a_row_removed_together_with_its_seal(owner: Flask) -> None:
    gone = sealed(12)[5]
    seq = db.session.scalar(select(JournalSeal.seq).where(JournalSeal.journal_id == gone))
    assert seq is not None
    db.session.execute(text("DELETE FROM journal WHERE id = :id"), {"id": gone})
    db.session.execute(text("DELETE FROM journal_seal WHERE journal_id = :id"), {"id": gone})
    assert sealing.verify() == sealing.Broken(seq, None, "gap")
    db.session.execute(text("UPDATE journal_seal SET seq = seq - 1 WHERE seq > :seq"), {"seq": seq})
    broken = sealing.verify()
    assert broken is not None
    assert (broken.seq, broken.reason) == (seq, "relinked")


def test_a_copy_of_the_head_finds_an_end_that_was_cut_off(owner: Flask) -> None:
    cut = sealed(12)[6]
    anchor = sealing.head()
    assert anchor is not None
    db.session.execute(text("DELETE FROM journal_seal WHERE journal_id >= :id"), {"id": cut})
    db.session.execute(text("DELETE FROM journal WHERE id >= :id"), {"id": cut})
    assert sealing.verify() is None
    broken = sealing.verify(anchor=anchor)
    assert broken is not None
    assert broken.reason == "cut"
    sealed(12)
    broken = sealing.verify(anchor=anchor)
    assert broken is not None
    assert broken.reason == "cut"


def test_a_forged_link_does_not_fit(owner: Flask) -> None:
    changed = sealed(12)[5]
    db.session.execute(text("UPDATE journal SET reason = 'x' WHERE id = :id"), {"id": changed})
    link = db.session.scalars(select(JournalSeal).where(JournalSeal.journal_id == changed)).one()
    row = db.session.execute(
        select(*(getattr(Journal, name) for name in sealing.FIELDS)).where(Journal.id == changed)
    ).one()
    link.hash = sealing.digest(link.previous_hash, row)
    db.session.flush()
    broken = sealing.verify()
    assert broken is not None
    assert (broken.seq, broken.reason) == (link.seq + 1, "relinked")


def test_numbers_and_texts_read_back_as_they_were_hashed(app: Flask) -> None:
    values = {
        "a": 1.5,
        "b": 10**15,
        "c": "\u3000\U0001f600",
        "d": [None, True],
        "e": 0.1,
        "f": "12345678901234567X",
    }
    with transaction():
        journal.write(software("test"), "test.act", "appeal", 1, new=values)
    sealed(0)
    assert sealing.verify() is None
    assert db.session.scalar(select(func.count()).select_from(JournalSeal)) == db.session.scalar(
        select(func.count()).select_from(Journal)
    )
