"""Views of a sheet that people save: their own, shared with posts, with everybody who reads the sheet.

Whoever sees a shared view may change what it shows, unless it is locked or parts of it are hidden from him; name,
sharing and lock are its owner's. A view that came with the seed, or whose owner left, is kept by who keeps the system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.models import FirstView, Post, SavedView, db
from app.rules import views
from app.rules.errors import Conflict, Invalid, NotFound, Refused, RuleError
from app.services import journal
from app.services.actors import Actor
from app.services.grids import Grid
from app.services.transaction import transaction

MOST = 200  # views of one person on one sheet
OBJECT = "saved_view"


@dataclass(frozen=True, slots=True)
class Saved:
    """A view as one reader has it. `problem` says why he cannot open it; then `spec` is None."""

    id: int
    name: str
    name_en: str
    share: str
    post_ids: tuple[int, ...]
    posts_gone: int
    locked: bool
    version: int
    owner: str
    is_mine: bool
    can_change: bool
    can_keep: bool
    is_first: bool
    left_out: int
    spec: Mapping[str, Any] | None
    problem: RuleError | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be saved; None leaves a part as it is."""

    name: str | None = None
    spec: object = None
    share: str | None = None
    post_ids: object = None
    locked: bool | None = None


def visible(grid: Grid) -> list[Saved]:
    """Every view of the sheet that this reader may open, his own first, then by name."""
    rows = db.session.execute(_seen(grid).order_by(SavedView.sort, SavedView.name, SavedView.id)).all()
    return _told(grid, rows)


def access_view(grid: Grid, view_id: int) -> Saved:
    """One view. Raises NotFound("view.unknown"), also for one that is not shared with him (any more)."""
    return _told(grid, [_fetched(grid, view_id)])[0]


def save(grid: Grid, wanted: Wanted, *, request_key: str | None = None) -> Saved:
    """A new view of his own; the same `request_key` again returns the one it made.

    Raises Invalid for a name or a view that cannot be read, Refused("view.too-many").
    """
    actor = grid.actor
    with transaction():
        known = journal.made(actor, OBJECT, request_key)
        if known is None:
            mine = SavedView.sheet == grid.code, SavedView.owner_id == _user(actor)
            if (db.session.scalar(select(func.count()).select_from(SavedView).where(*mine)) or 0) >= MOST:
                raise Refused("view.too-many", {"most": MOST})
            shared, post_ids = _shared(wanted.share or "own", wanted.post_ids)
            row = SavedView(
                sheet=grid.code,
                name=views.name(wanted.name),
                owner_id=actor.user_id,
                share=shared,
                post_ids=post_ids,
                locked=bool(wanted.locked),
                spec=views.write(views.read(wanted.spec, grid.kinds)),
            )
            db.session.add(row)
            db.session.flush()
            journal.write(actor, "create", OBJECT, row.id, new=_facts(row), request_key=request_key)
            known = row.id
    return access_view(grid, known)


def change(
    grid: Grid, view_id: int, wanted: Wanted, *, version: int, request_key: str | None = None
) -> Saved:
    """Change a view.

    Raises NotFound("view.unknown"), Refused("view.locked"), Refused("view.partly-hidden") when parts of it are not
    his to see, Refused("view.not-yours") for name, sharing and lock, Conflict("row.stale").
    """
    with transaction():
        if journal.made(grid.actor, OBJECT, request_key) is None:
            row = _locked_row(grid, view_id, version)
            before = _facts(row)
            told = _told(grid, [_fetched(grid, view_id)])[0]
            if wanted.spec is not None:
                _may_change(told)
                row.spec = views.write(views.read(wanted.spec, grid.kinds))
            if any(one is not None for one in (wanted.name, wanted.share, wanted.locked)):
                _keep(row, told, wanted)
            db.session.flush()
            journal.write(
                grid.actor, "edit", OBJECT, row.id, old=before, new=_facts(row), request_key=request_key
            )
    return access_view(grid, view_id)


def remove(grid: Grid, view_id: int, *, version: int, request_key: str | None = None) -> None:
    """Delete a view, once. Raises NotFound("view.unknown"), Refused("view.not-yours"), Conflict("row.stale")."""
    with transaction():
        if journal.made(grid.actor, OBJECT, request_key) is not None:
            return
        row = _locked_row(grid, view_id, version)
        if not _told(grid, [_fetched(grid, view_id)])[0].can_keep:
            raise Refused("view.not-yours")
        journal.write(grid.actor, "delete", OBJECT, row.id, old=_facts(row), request_key=request_key)
        db.session.delete(row)


def open_first(grid: Grid, view_id: int | None) -> None:
    """Open the sheet with that view from now on; None: with all of it. Raises NotFound("view.unknown")."""
    user_id = _user(grid.actor)
    with transaction():
        if view_id is None:
            db.session.execute(
                delete(FirstView).where(FirstView.user_id == user_id, FirstView.sheet == grid.code)
            )
            return
        _fetched(grid, view_id)
        row = insert(FirstView).values(user_id=user_id, sheet=grid.code, view_id=view_id)
        db.session.execute(
            row.on_conflict_do_update(index_elements=["user_id", "sheet"], set_={"view_id": row.excluded.view_id})
        )


def posts() -> list[Post]:
    """The posts a view can be shared with, in their order."""
    return list(db.session.scalars(select(Post).where(Post.active).order_by(Post.number)))


# --- what he sees -----------------------------------------------------------------------------------------------


def _seen(grid: Grid) -> Any:
    """The views of the sheet in his sight, with their owner's name and whether the sheet opens with it for him."""
    first = and_(FirstView.view_id == SavedView.id, FirstView.user_id == grid.actor.user_id)
    return (
        select(SavedView, User.first_name, FirstView.view_id)
        .outerjoin(User, User.id == SavedView.owner_id)
        .outerjoin(FirstView, first)
        .where(SavedView.sheet == grid.code, _in_sight(grid.actor))
    )


def _in_sight(actor: Actor) -> ColumnElement[bool]:
    shared = or_(
        SavedView.share == "all",
        and_(SavedView.share == "posts", SavedView.post_ids.overlap(list(actor.grants.post_ids))),
    )
    own = SavedView.owner_id == actor.user_id
    if actor.grants.can("system"):
        return or_(own, SavedView.share != "own")
    return or_(own, shared)


def _fetched(grid: Grid, view_id: int) -> Any:
    found = db.session.execute(_seen(grid).where(SavedView.id == view_id)).first()
    if found is None:
        raise NotFound("view.unknown", {"id": view_id})
    return found


def _told(grid: Grid, rows: Iterable[Any]) -> list[Saved]:
    listed = list(rows)
    named = {one for row, _owner, _first in listed for one in row.post_ids}
    known = set(db.session.scalars(select(Post.id).where(Post.id.in_(named), Post.active))) if named else set()
    found = [_saved(grid, row, owner or "", bool(first), known) for row, owner, first in listed]
    return sorted(found, key=lambda one: not one.is_mine)


def _saved(grid: Grid, row: SavedView, owner: str, is_first: bool, known: set[int]) -> Saved:
    mine = row.owner_id is not None and row.owner_id == grid.actor.user_id
    keeps = mine or (row.share != "own" and grid.actor.grants.can("system"))
    problem: RuleError | None = None
    spec: Mapping[str, Any] | None = None
    left_out = 0
    try:
        read = views.read(row.spec, grid.kinds)
        spec, left_out = views.write(read), read.left_out
    except Invalid as error:
        hidden = error.code == "query.unknown-field"
        problem = Refused("view.asks-for-hidden" if hidden else "view.outdated", {"name": row.name})
    whole = problem is None and not left_out
    return Saved(
        id=row.id,
        name=row.name,
        name_en=row.name_en,
        share=row.share,
        post_ids=tuple(one for one in row.post_ids if one in known),
        posts_gone=sum(one not in known for one in row.post_ids),
        locked=row.locked,
        version=row.version,
        owner=owner,
        is_mine=mine,
        can_change=keeps or (whole and not row.locked and row.owner_id is not None),
        can_keep=keeps,
        is_first=is_first,
        left_out=left_out,
        spec=spec,
        problem=problem,
    )


# --- what he changes --------------------------------------------------------------------------------------------


def _may_change(told: Saved) -> None:
    if told.can_change:
        return
    if told.locked or not told.owner:
        raise Refused("view.locked", {"name": told.name, "owner": told.owner})
    raise Refused("view.partly-hidden", {"name": told.name})


def _keep(row: SavedView, told: Saved, wanted: Wanted) -> None:
    if not told.can_keep:
        raise Refused("view.not-yours", {"name": told.name})
    if wanted.name is not None:
        row.name = views.name(wanted.name)
        row.name_en = ""
    if wanted.share is not None:
        row.share, row.post_ids = _shared(wanted.share, wanted.post_ids)
    if wanted.locked is not None:
        row.locked = wanted.locked


def _shared(share: str, post_ids: object) -> tuple[str, list[int]]:
    shared, wanted = views.share(share, post_ids)
    known = {one.id for one in posts()} if wanted else set()
    if any(one not in known for one in wanted):
        raise Invalid("view.post-gone", field="post_ids")
    return shared, wanted


def _locked_row(grid: Grid, view_id: int, version: int) -> SavedView:
    _fetched(grid, view_id)
    row = db.session.get(SavedView, view_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("view.unknown", {"id": view_id})
    if row.version != version:
        raise Conflict("row.stale")
    return row


def _facts(row: SavedView) -> dict[str, Any]:
    """What the journal says of a view: not its filter, which may hold a name."""
    return {
        "sheet": row.sheet, "name": row.name, "share": row.share, "post_ids": list(row.post_ids), "locked": row.locked
    }  # fmt: skip


def _user(actor: Actor) -> int:
    if actor.user_id is None:
        raise Refused("access.not-granted")
    return actor.user_id
