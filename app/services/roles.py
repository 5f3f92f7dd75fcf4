"""The generated roles for reading: what each post, function and officer may do, who has it now, and whether it is as
generated. Nothing is granted here."""

from __future__ import annotations

from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from flask_appbuilder.security.sqla.models import assoc_permissionview_role as granted
from sqlalchemy import select

from app.models import CapabilityChange, Person, Post, db
from app.rules import grants as rules
from app.services import access, capability_changes, standings
from app.services.actors import Actor
from app.services.grants import FUNCTION, OFFICER, POST


@dataclass(frozen=True, slots=True)
class Has:
    """Somebody who has a role now, in which role of the post and by which rule."""

    person: Person
    role: str
    rule: str


@dataclass(frozen=True, slots=True)
class Line:
    """One role: its post (None for functions and officers), its capabilities, its page permissions by page.

    `acting` has it now; `gap` says why nobody does. `waits` is a change that waits for the security officer.
    `as_generated` is False when somebody changed the permission rows past the staffing table.
    """

    name: str
    post: Post | None
    capabilities: tuple[str, ...]
    pages: tuple[tuple[str, tuple[str, ...]], ...]
    as_generated: bool
    acting: tuple[Has, ...] = ()
    gap: str | None = None
    waits: CapabilityChange | None = None


def listed(actor: Actor) -> list[Line]:
    """Every generated role, for the three officers: posts in their order, then functions, then officers."""
    access.require_anywhere(actor, *capability_changes.READERS)
    found, known, waits = _pairs(), standings.everybody(), capability_changes.pending()
    lines = []
    for post in known.posts.values():
        now = known.acting[post.id]
        acting = tuple(Has(known.people[p.person_id], p.role, p.rule.value) for p in now.persons)
        gap = now.gap.value if now.gap else None
        codes = tuple(post.capabilities)
        lines.append(_line(POST + post.code, post, codes, found, acting, gap, waits.get(post.id)))
    for source, prefix in ((rules.Source.FUNCTION, FUNCTION), (rules.Source.OFFICER, OFFICER)):
        for capability in rules.CAPABILITIES.values():
            if capability.source is source:
                lines.append(_line(prefix + capability.code, None, (capability.code,), found))
    return lines


def _line(
    name: str,
    post: Post | None,
    codes: tuple[str, ...],
    found: dict[str, set[rules.Pair]],
    acting: tuple[Has, ...] = (),
    gap: str | None = None,
    waits: CapabilityChange | None = None,
) -> Line:
    pairs = found.get(name, set())
    return Line(name, post, codes, _pages(pairs), pairs == rules.permissions_of(codes), acting, gap, waits)


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
