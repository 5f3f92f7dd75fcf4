"""Which category and which unit an appeal may belong to, each with its reasons. Never applied by itself (R7, R8).

Three sources: the dispatch catalogue, past appeals that the reader may see, and what the installation's own appeals
teach about words (app/rules/categorising.py). Bounded everywhere, so that a million appeals change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, exists, func, select, text

from app.models import Appeal, Category, DispatchEntry, SuggestionModel, Task, Unit, db
from app.rules import categorising, dispatch
from app.rules.columns import CATEGORY_SEPARATOR
from app.rules.errors import NotFound
from app.services import access, assumptions, present, similar, tasks
from app.services import dispatch as catalogue
from app.services.actors import Actor
from app.services.similar import Past
from app.services.transaction import transaction

MOST = 3
KEPT_MODELS = 3
_NAMED = 3
_LOCK = 0x5066E57
_UNTAUGHT = ("draft", "submitted", "voided")
# The model in use, read once per process and version of it.
_loaded: dict[int, categorising.Model] = {}


@dataclass(frozen=True, slots=True)
class FromCatalogue:
    """An entry of the catalogue speaks for it; `is_likely`: if the category is what it seems to be."""

    entry: DispatchEntry
    is_place_named: bool
    words: tuple[str, ...]
    is_likely: bool = False


@dataclass(frozen=True, slots=True)
class FromPast:
    """So many of so many similar past appeals went there; the numbers of some of them."""

    count: int
    of: int
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FromWords:
    """These words speak for it, as so many appeals of the past have it."""

    words: tuple[str, ...]
    texts: int


Reason = FromCatalogue | FromPast | FromWords


@dataclass
class Suggestion:
    """A category or a unit, and why."""

    row: Any
    reasons: list[Reason] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What may be chosen, likeliest first."""

    categories: tuple[Suggestion, ...] = ()
    units: tuple[Suggestion, ...] = ()


def for_appeal(actor: Actor, appeal_id: int) -> Suggestions:
    """At most three categories and three units. Writes nothing.

    Raises NotFound("appeal.unknown") for what he does not see and Refused for who neither numbers nor triages it.
    """
    appeal = db.session.scalars(access.appeals_for(actor).where(Appeal.id == appeal_id)).one_or_none()
    if appeal is None:
        raise NotFound("appeal.unknown", {"id": appeal_id})
    access.require(actor, "number", "triage", appeal=appeal)
    tree = {row.id: row for row in db.session.scalars(select(Category))}
    past = similar.past(actor, appeal)
    categories = _categories(appeal, tree, past)
    return Suggestions(tuple(categories), tuple(_units(appeal, tree, past, categories)))


def _categories(appeal: Appeal, tree: Mapping[int, Category], past: Sequence[Past]) -> list[Suggestion]:
    found: dict[int, Suggestion] = {}
    votes = [one for one in past if one.category_id in tree]
    for category_id, reason in _voted(votes, [one.category_id for one in votes]):
        found.setdefault(category_id, Suggestion(tree[category_id])).reasons.append(reason)
    model = _model()
    if model is not None:
        roots = {row.code: row for row in tree.values() if row.level == 1}
        for guess in categorising.guesses(model, appeal.subject, appeal.body, most=MOST):
            root = roots.get(guess.label)
            if root is not None and guess.words:
                found.setdefault(root.id, Suggestion(root)).reasons.append(FromWords(guess.words, model.n))
    return [one for one in found.values() if one.row.active][:MOST]


def _units(
    appeal: Appeal, tree: Mapping[int, Category], past: Sequence[Past], likely: Sequence[Suggestion]
) -> list[Suggestion]:
    """The catalogue first, its places before its categories; then where similar appeals went."""
    entries = {entry.id: entry for entry in catalogue.active()}
    decided = appeal.category_id is not None
    category_id = appeal.category_id if decided else likely[0].row.id if likely else None
    matched = dispatch.matches(
        [catalogue.row_of(entry) for entry in entries.values()],
        categories=_upwards(tree, category_id),
        place=appeal.place,
        text=f"{appeal.subject} {appeal.body}",
        day=present.today(),
    )
    found: dict[int, Suggestion] = {}
    for one in matched:
        entry = entries[one.row.id]
        is_likely = not decided and one.row.category_id is not None
        reason = FromCatalogue(entry, one.is_place_named, one.words, is_likely)
        if entry.unit.active:
            found.setdefault(entry.unit_id, Suggestion(entry.unit)).reasons.append(reason)
    votes = [one for one in past if one.unit_id is not None]
    voted = _voted(votes, [one.unit_id for one in votes])
    units = {row.id: row for row in _responsible(unit_id for unit_id, _reason in voted)}
    for unit_id, vote in voted:
        if unit_id in units:
            found.setdefault(unit_id, Suggestion(units[unit_id])).reasons.append(vote)
    return list(found.values())[:MOST]


def _responsible(ids: Iterable[int]) -> Sequence[Unit]:
    wanted = list(ids)
    query = select(Unit).where(Unit.id.in_(wanted), Unit.active, Unit.kind != "section")
    return db.session.scalars(query).all() if wanted else []


def _upwards(tree: Mapping[int, Category], category_id: int | None) -> list[int]:
    """A category and those above it."""
    found: list[int] = []
    while category_id is not None and category_id in tree and category_id not in found:
        found.append(category_id)
        category_id = tree[category_id].parent_id
    return found


def _voted(votes: Sequence[Past], chosen: Sequence[Any]) -> list[tuple[int, FromPast]]:
    """What the similar appeals were given, commonest first; of equals what the likest was given."""
    counted = Counter(chosen)
    return [
        (
            row_id,
            FromPast(
                count,
                len(votes),
                tuple(v.number for v, c in zip(votes, chosen, strict=True) if c == row_id and v.number)[:_NAMED],
            ),
        )
        for row_id, count in counted.most_common(MOST)
    ]


# --- the model ---------------------------------------------------------------------------------------------


def _model() -> categorising.Model | None:
    """The newest model; what cannot be read is as good as none."""
    newest = db.session.scalar(select(func.max(SuggestionModel.id)))
    if newest is None:
        return None
    if newest not in _loaded:
        content = db.session.scalar(select(SuggestionModel.content).where(SuggestionModel.id == newest))
        try:
            model = categorising.unpacked(content or b"")
        except ValueError:
            return None
        _loaded.clear()
        _loaded[newest] = model
    return _loaded[newest]


def bounds() -> tuple[int, int]:
    """How many of the newest appeals teach, and after how many new ones: the assumption `suggestions`."""
    said = assumptions.named("suggestions")
    return assumptions.whole(said.get("texts"), 5_000), assumptions.whole(said.get("new"), 100)


def train() -> SuggestionModel | None:
    """Learn from the newest appeals that have a category. The same appeals again change nothing; None without any.

    Two that train at the same time do so one after the other.
    """
    with transaction():
        db.session.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=_LOCK))
        through, examples = _examples(bounds()[0])
        model = categorising.train(examples)
        if not model.labels:
            return None
        content = categorising.packed(model)
        digest = categorising.digest(content)
        newest = db.session.scalars(select(SuggestionModel).order_by(SuggestionModel.id.desc()).limit(1)).first()
        if newest is None or newest.digest != digest:
            newest = SuggestionModel(
                built_at=present.now(),
                n=model.n,
                labels=len(model.labels),
                through_id=through,
                digest=digest,
                content=content,
            )
            db.session.add(newest)
            db.session.flush()
            kept = select(SuggestionModel.id).order_by(SuggestionModel.id.desc()).limit(KEPT_MODELS)
            db.session.execute(delete(SuggestionModel).where(SuggestionModel.id.not_in(kept)))
        newest.through_id = through
    return newest


def _examples(most: int) -> tuple[int, list[categorising.Example]]:
    """The newest appeal that was read, and the texts with their first-level category."""
    query = (
        select(Appeal.id, Appeal.subject, func.left(Appeal.body, categorising.READ), Category.code)
        .join(Category, Category.id == Appeal.category_id)
        .where(Appeal.state.not_in(_UNTAUGHT))
        .order_by(Appeal.id.desc())
        .limit(most)
    )
    rows = db.session.execute(query).all()
    taught = [categorising.Example(row[1], row[2], row[3].split(CATEGORY_SEPARATOR)[0]) for row in rows]
    return (rows[0][0] if rows else 0), taught


def train_when_due() -> bool:
    """File the training for a worker when enough new appeals have a category and none is on its way."""
    with transaction():
        waits = exists().where(Task.kind == "suggestions", Task.state.in_(("pending", "running")))
        if db.session.scalar(select(waits)):
            return False
        through = db.session.scalar(select(func.max(SuggestionModel.through_id))) or 0
        new = bounds()[1]
        fresh = select(Appeal.id).where(
            Appeal.id > through, Appeal.category_id.is_not(None), Appeal.state.not_in(_UNTAUGHT)
        )
        if len(db.session.scalars(fresh.limit(new)).all()) < new:
            return False
        tasks.create("suggestions", queue="imports", subject_id=0, requested_by=None)
    return True
