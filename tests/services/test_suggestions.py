"""Suggestions: their reasons, what they never show, what they never do, and how they learn."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from app.models import Category, DispatchEntry, SuggestionModel, Task, Unit, db
from app.rules.errors import NotFound, Refused
from app.services import suggestions
from app.services.suggestions import FromCatalogue, FromPast, FromWords
from tests.factories import Factory

TEXT = {"subject": "示例：自来水连续停水", "body": "示例小区自来水连续停水三天，居民生活很不方便，请尽快恢复。"}


def _entry(unit: Unit, **columns: Any) -> DispatchEntry:
    entry = DispatchEntry(unit_id=unit.id, basis="示例依据", **columns)
    db.session.add(entry)
    db.session.commit()
    return entry


def _of(make: Factory, appeal_id: int, post: str = "duty_director") -> suggestions.Suggestions:
    return suggestions.for_appeal(make.actor(make.holder(post)), appeal_id)


def test_the_catalogue_gives_its_reason_and_the_place_goes_first(make: Factory) -> None:
    by_words, by_place = make.a_unit(), make.a_unit(offset=1)
    _entry(by_words, keywords="停水")
    entry = _entry(by_place, place="示例新区")
    appeal = make.appeal("registered", place="示例新区大道", **TEXT)
    first, second, *_others = _of(make, appeal.id).units
    assert (first.row.id, second.row.id) == (by_place.id, by_words.id)
    assert first.reasons == [FromCatalogue(entry, False, ())]
    db.session.refresh(appeal)
    assert (appeal.unit_id, appeal.category_id, appeal.state) == (None, None, "registered")


def test_past_appeals_speak_with_their_numbers_as_far_as_the_reader_sees_them(make: Factory) -> None:
    unit = make.a_unit()
    past = make.appeal("assigned", unit=unit, **TEXT)
    appeal = make.appeal("registered", **TEXT)
    found = next(one for one in _of(make, appeal.id).units if one.row.id == unit.id)
    assert FromPast(1, 1, (past.number or "",)) in found.reasons
    past.state = "voided"
    db.session.commit()
    assert not any(isinstance(why, FromPast) for one in _of(make, appeal.id).units for why in one.reasons)


def test_nobody_gets_suggestions_for_what_he_does_not_see_or_does_not_decide(make: Factory) -> None:
    appeal = make.appeal("registered", **TEXT)
    with pytest.raises(NotFound):
        _of(make, appeal.id, "collector_c")
    with pytest.raises(Refused):
        _of(make, appeal.id, "supervisor")


def _teach(make: Factory) -> tuple[Category, Category]:
    water, roads = db.session.scalars(select(Category).where(Category.level == 1).order_by(Category.id).limit(2)).all()
    for number in range(6):
        for row, words in ((water, "自来水停水水压"), (roads, "路灯路面公交")):
            appeal = make.appeal("registered", subject=f"示例{words}", body=f"示例{words}，第{number}次反映。")
            appeal.category_id = row.id
    db.session.commit()
    return water, roads


def test_it_learns_from_the_installations_own_appeals_and_twice_changes_nothing(make: Factory) -> None:
    water, _roads = _teach(make)
    first = suggestions.train()
    again = suggestions.train()
    assert first is not None
    assert again is not None
    assert (first.id, first.n, first.labels) == (again.id, 12, 2)
    assert db.session.scalar(select(func.count()).select_from(SuggestionModel)) == 1
    appeal = make.appeal("registered", **TEXT)
    reasons = next(one for one in _of(make, appeal.id).categories if one.row.id == water.id).reasons
    assert any(isinstance(one, FromWords) and one.texts == 12 and one.words for one in reasons)


def test_without_appeals_nothing_is_learnt_and_by_night_only_when_enough_are_new(make: Factory) -> None:
    assert suggestions.train() is None
    assert not suggestions.train_when_due()
    _teach(make)
    suggestions.bounds()
    assert not suggestions.train_when_due()  # twelve are not a hundred
    assert db.session.scalar(select(func.count()).select_from(Task).where(Task.kind == "suggestions")) == 0


def test_the_statements_of_a_suggestion_are_few(app: Flask, make: Factory) -> None:
    make.appeal("assigned", **TEXT)
    appeal = make.appeal("registered", **TEXT)
    actor = make.actor(make.holder("duty_director"))
    said: list[str] = []

    def note(*given: Any) -> None:
        said.append(given[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        suggestions.for_appeal(actor, appeal.id)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(said) <= 16, "\n".join(said)
