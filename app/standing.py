"""What the signed-in account is and may do at this moment, computed once per request; the hooks FAB asks."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, has_request_context, request
from flask_login import current_user

from app import bearer
from app.rules.errors import Refused
from app.services import api_tokens, standing_memory
from app.services.actors import Actor
from app.services.grants import Standing


def current_standing() -> Standing | None:
    """The signed-in account's standing, None for a stranger; remembered while it holds."""
    if not has_request_context() or not current_user.is_authenticated:
        return None
    known: Standing | None = g.get("standing")
    if known is None or known.user_id != current_user.id:
        known = standing_memory.standing(current_user.id)
        if known is not None and (token := bearer.current()) is not None:
            known = api_tokens.restricted(known, token.post_id)
        g.standing = known
    return known


def badges(standing: Standing, unread: int) -> dict[str, int]:
    """What the menu counts, by entry. Changes of rights wait for who confirms them, in the demonstration for both."""
    confirms = standing.officer == "security" or (standing.officer == "system" and current_app.config.get("DEMO"))
    return {
        "Inbox": unread,
        "Coverage": standing.coverage_gaps,
        "Changes": standing.changes_filed,
        "Capabilities": standing.rights_waiting if confirms else 0,
    }


def current_actor() -> Actor:
    """The signed-in account as services see it. Raises Refused("access.signed-out")."""
    standing = current_standing()
    if standing is None:
        raise Refused("access.signed-out")
    return Actor(
        user_id=standing.user_id,
        person_id=standing.person_id,
        grants=standing.grants,
        name=standing.name,
        ip=request.remote_addr or "",
        request_id=g.get("request_id", ""),
        only_post=token.post_id if (token := bearer.current()) is not None else None,
    )


class GrantedAccess:
    """Mixin of the security manager: every permission question is answered from the grants of this request."""

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Whether the signed-in account has the pair now; a stranger has nothing."""
        standing = current_standing()
        return standing is not None and (permission_name, view_name) in standing.pairs

    def _has_view_access(self, user: Any, permission_name: str, view_name: str) -> bool:
        return self.has_access(permission_name, view_name)

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Nothing is public but the login page, which asks for no permission."""
        return False

    def get_user_roles(self, user: Any) -> list[Any]:
        """Roles are computed, never stored: the framework's own lookup has nothing to find."""
        return []

    def get_user_permissions(self, user: Any) -> set[tuple[str, str]]:
        """All pairs of the signed-in account."""
        standing = current_standing()
        return set(standing.pairs) if standing else set()

    def _get_user_permission_view_menus(
        self, user: Any, permission_name: str, view_menus_name: list[str]
    ) -> set[str]:
        standing = current_standing()
        pairs = standing.pairs if standing else frozenset()
        return {name for name in view_menus_name if (permission_name, name) in pairs}
