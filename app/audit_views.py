"""What the audit officer reads: the audit trail and the journal's chain."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _

from app import words
from app.rules.errors import Invalid
from app.services import trail
from app.standing import current_actor


class AuditView(BaseView):
    """Security events, newest first."""

    route_base = "/audit"
    default_view = "index"
    class_permission_name = "Audit"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> ResponseReturnValue:
        """One page of the trail, filtered by the address."""
        given = {name: request.args.get(name, "").strip()[:80] for name in ("event", "result", "user", "from", "until")}
        page = trail.events(
            current_actor(),
            event=given["event"],
            result=given["result"],
            username=given["user"].replace("\x00", ""),
            first_day=_day(given["from"], "from"),
            last_day=_day(given["until"], "until"),
            before=_key(),
        )
        older = url_for("AuditView.index", before=page.older, **_kept(given)) if page.older else ""
        first = url_for("AuditView.index", **_kept(given)) if _key() else ""
        return self.render_template(
            "audit/events.html", page=page, given=given, older=older, first=first, events=words.EVENTS
        )


class JournalView(BaseView):
    """That and by whom something was changed, and whether the chain over it holds; never what the rows say."""

    route_base = "/journal"
    default_view = "index"
    class_permission_name = "Journal"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> ResponseReturnValue:
        """The state of the chain and one page of entries."""
        actor, before = current_actor(), _key()
        wanted = request.args.get("object", "").replace("\x00", "")[:40]
        page = trail.journal(actor, object_type=wanted, before=before)
        older = url_for("JournalView.index", before=page.older, **_kept({"object": wanted})) if page.older else ""
        first = url_for("JournalView.index", **_kept({"object": wanted})) if before else ""
        return self.render_template(
            "audit/journal.html",
            page=page,
            chain=trail.chain(actor),
            wanted=wanted,
            older=older,
            first=first,
            objects=words.OBJECTS,
            longest=trail.CHECKED_ON_PAGE,
        )

    @expose("/verify", methods=["POST"])
    @has_access
    @permission_name("read")
    def verify(self) -> ResponseReturnValue:
        """Check every link of the chain."""
        chain = trail.chain(current_actor(), whole=True)
        if chain.broken is None:
            flash(_("Every link of the chain holds."), "success")
        else:
            broken = words.BROKEN.get(chain.broken.reason, chain.broken.reason)
            flash(_("Link %(seq)s does not hold: %(reason)s", seq=chain.broken.seq, reason=broken), "danger")
        return redirect(url_for("JournalView.index"))


def _day(text: str, name: str) -> date | None:
    try:
        found = date.fromisoformat(text) if text else None
        if found is not None and not date(1900, 1, 1) <= found <= date(2200, 1, 1):
            raise ValueError(text)
    except ValueError:
        raise Invalid("field.date-unreadable", {"value": text[:20]}, field=name) from None
    return found


def _key() -> int | None:
    text = request.args.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _kept(given: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if value}
