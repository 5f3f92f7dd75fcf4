"""The generated roles for reading: what each post, function and officer may do, and whether it is as generated."""

from __future__ import annotations

from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from flask_appbuilder.security.sqla.models import assoc_permissionview_role as granted
from sqlalchemy import select

from app.models import Post, db
from app.rules import grants as rules
from app.services import access
from app.services.actors import Actor
from app.services.grants import FUNCTION, OFFICER, POST


@dataclass(frozen=True, slots=True)
class Line:
    """One role: its post (None for functions and officers), its capabilities, its page permissions by page.

    `as_generated` is False when somebody changed the permission rows past the staffing table.
    """

    name: str
    post: Post | None
    capabilities: tuple[str, ...]
    pages: tuple[tuple[str, tuple[str, ...]], ...]
    as_generated: bool


def listed(actor: Actor) -> list[Line]:
    """Every generated role, as security officer: posts in their order, then functions, then officers."""
    access.require_anywhere(actor, "security")
    found = _pairs()
    posts = db.session.scalars(select(Post).where(Post.active).order_by(Post.sort, Post.number)).all()
    wanted: list[tuple[str, Post | None, tuple[str, ...]]] = [
        (POST + post.code, post, tuple(post.capabilities)) for post in posts
    ]
    for source, prefix in ((rules.Source.FUNCTION, FUNCTION), (rules.Source.OFFICER, OFFICER)):
        for capability in rules.CAPABILITIES.values():
            if capability.source is source:
                wanted.append((prefix + capability.code, None, (capability.code,)))
    return [
        Line(name, post, codes, _pages(found.get(name, set())), found.get(name, set()) == rules.permissions_of(codes))
        for name, post, codes in wanted
    ]


def _pairs() -> dict[str, set[rules.Pair]]:
    query = (
        select(Role.name, Permission.name, ViewMenu.name)
        .join(granted, granted.c.role_id == Role.id)
        .join(PermissionView, PermissionView.id == granted.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )
    found: dict[str, set[rules.Pair]] = {}
    for role, permission, view in db.session.execute(query):
        found.setdefault(role, set()).add((permission, view))
    return found


def _pages(pairs: set[rules.Pair]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    views: dict[str, list[str]] = {}
    for permission, view in sorted(pairs):
        if permission != "menu_access":
            views.setdefault(view, []).append(permission.removeprefix("can_"))
    return tuple((view, tuple(methods)) for view, methods in views.items())
