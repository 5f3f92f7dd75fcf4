"""For which post somebody changes a sheet: those from which he may choose, and his choice held to.

A sheet of appeals asks row by row (app/services/appeal_fields.py, workflow.py); who keeps any other sheet keeps all of
its rows, so there the choice narrows what he may do before anything is written.
"""

from __future__ import annotations

from dataclasses import replace

from app.rules.errors import Refused
from app.rules.grants import GrantSet
from app.services import appeal_fields, definitions
from app.services.grids import Grid


def acting(grid: Grid) -> tuple[int, ...]:
    """The posts for which the reader may change cells of the sheet, the one that is taken unasked first."""
    grants = grid.actor.grants
    if not grid.can_edit:
        return ()
    if grid.family == "own":
        return tuple(one for one in grants.post_ids if one in grid.source.writers)
    if grid.family == "dictionary":
        may = {post for code in grid.source.keepers for post in grants.posts_for(code)}
        return tuple(one for one in grants.post_ids if one in may)
    usual = [post for code in appeal_fields.WRITING for post in grants.posts_for(code)]
    writers = frozenset.union(frozenset(), *(one.writers for one in definitions.current().of(grid.table)))
    return tuple(dict.fromkeys([*usual, *(one for one in grants.post_ids if one in writers)]))


def signed(grid: Grid, post_id: int | None) -> Grid:
    """The sheet as who acts for that post alone keeps it; what he reads of it stays. Without a post as it is.

    Raises Refused("access.other-post") for a post that may not change it.
    """
    if post_id is None or grid.family == "appeals":
        return grid
    if post_id not in acting(grid):
        raise Refused("access.other-post")
    own = tuple(one for one in grid.actor.grants.grants if one.post_id == post_id)
    return replace(grid, actor=replace(grid.actor, grants=GrantSet(own)))


def still(grid: Grid, post_id: int | None) -> int | None:
    """The post of an earlier change where he may still choose it, else none."""
    return post_id if post_id in acting(grid) else None
