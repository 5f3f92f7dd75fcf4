"""Whether a sent form was sent with the reader's consent to what it moves, and what followed from it."""

from __future__ import annotations

from flask import g, request

from app.services.clock_recounts import Consent

FIELD = "consent"


def consent() -> Consent:
    """That of this request; afterwards it names the recount that applies the change."""
    found: Consent | None = g.get("moving_consent")
    if found is None:
        found = g.moving_consent = Consent(is_given=FIELD in request.form)
    return found
