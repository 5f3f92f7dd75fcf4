"""What every page is rendered with: the reader's standing, his badges, the words of codes, the proxy's hops."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask, current_app, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.middleware.proxy_fix import ProxyFix

from app import attachment_words, handling_forms, handling_words, leader_words, own_row_words, people_choices, words
from app.clock_card import card, paused_until
from app.grids import is_english
from app.import_words import FLAGS
from app.linked_rows import linked_rows, row_url
from app.reports import documents
from app.rules.fields import mask_phone
from app.services import clocks, inbox, present
from app.standing import badges, current_actor, current_standing
from app.timeline import timeline_items


def init_pages(app: Flask) -> None:
    """Register template globals, the context of every page and the trusted proxy."""
    hops = app.config.get("TRUSTED_PROXY_HOPS", 0)
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.jinja_env.globals.update(
        words=words,
        file_words=attachment_words,
        leader_words=leader_words,
        handling_words=handling_words,
        handling_forms=handling_forms,
        named=words.named,
        people_search=people_choices.searched,
        titled=words.titled,
        mask_phone=mask_phone,
        clock_view=clock_view,
        timeline_items=timeline_items,
        flag_words=FLAGS,
        clock_card=card,
        linked_rows=linked_rows,
        row_url=row_url,
        qr=lambda code: Markup(documents.drawing(code)),  # noqa: S704 - drawn by us, numbers and lines only
    )
    app.jinja_env.filters["named"] = words.named
    # The framework's own keep one value of each name only; a filter may have several.
    app.jinja_env.filters["link_page"] = lambda page, view: _same_address(f"page_{view}", page)
    app.jinja_env.filters["link_page_size"] = lambda size, view: _same_address(f"psize_{view}", size)
    app.jinja_env.filters["due_text"] = lambda moment: words.due_text(moment, present.zone())
    app.context_processor(_context)


def clock_view(clock: Any, now: datetime | None = None) -> dict[str, Any]:
    """A clock as the page macros want it: status, due moment, seconds left (negative when late)."""
    moment = now or present.now()
    status = clocks.state_of(clock, moment).value
    shown = {"due_soon": "soon", "broken": "late", "no_limit": "none"}.get(status, status)
    if shown in ("open", "soon") and paused_until(clock):
        shown = "paused"
    end = clock.stopped_at or moment
    seconds = None
    if clock.due_at is not None:
        late = clock.stopped_at is not None
        seconds = int(((end - clock.due_at) if late else (clock.due_at - moment)).total_seconds())
    return {
        "status": shown,
        "due_at": clock.due_at,
        "seconds": seconds,
        "provisional": bool((clock.inputs or {}).get("provisional")),
    }


def _same_address(name: str, value: object) -> str:
    """This page's address with one argument changed."""
    args = request.args.copy()
    args[name] = str(value)
    return url_for(request.endpoint or "", **(request.view_args or {}), **args.to_dict(flat=False))  # type: ignore[arg-type]


def _context() -> dict[str, Any]:
    standing = current_standing()
    appbuilder = current_app.extensions["appbuilder"]
    context: dict[str, Any] = {
        "standing": standing,
        "logout_by_post": True,
        # Pages rendered outside a framework view (errors) stand in the same frame.
        "appbuilder": appbuilder,
        "base_template": appbuilder.base_template,
    }
    if current_app.config.get("DEMO"):
        context["environment_note"] = _("Demonstration with sample data (示例): nothing here happened")
    if standing is not None:
        context |= {
            "user_name": words.named(standing),
            "inbox_url": url_for("InboxView.index"),
            "inbox_count": (unread := inbox.unread_count(current_actor())),
            "nav_counts": badges(standing, unread),
            "desk_url": url_for("DeskView.index"),
            # Officers read no appeals: the search box is not theirs.
            "search_url": url_for("AppealModelView.list") if ("can_read", "Appeals") in standing.pairs else "",
            "feed_url": url_for("api.feed"),
            "own_sheets": own_row_words.menu(),
            "is_english": is_english(),
            "acting_posts": [{"name": words.named(post), "role": post.role} for post in standing.posts],
        }
    return context
