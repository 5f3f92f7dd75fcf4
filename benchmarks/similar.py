"""What is like an appeal, and what is suggested for it, against one look into the index of letter pairs by hand."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select, text

from app.models import Appeal, db
from app.rules import similarity
from app.services import present, similar, suggestions
from benchmarks.office import BASE_URL, Office
from benchmarks.timing import ROUNDS, Times, measure

POST = "duty_director"
# The newest appeals that have all letter pairs of the subject's rarest words: no percentages, no reasons, no scope.
_RAW = """
    SELECT id, number, subject, left(body, 400) FROM appeal
    WHERE text_bigrams(appeal.subject || ' ' || appeal.body) @> CAST(:grams AS text[])
    ORDER BY id DESC LIMIT 200
"""


def compare(office: Office) -> dict[str, Times]:
    """Raw SQL, the panel beside the intake form, the chips of triage: each for another appeal every time."""
    with office.app.test_request_context(base_url=BASE_URL), present.at(present.now()):
        actor = office.actor(POST)
        query = select(Appeal).where(Appeal.state == "registered").order_by(Appeal.id).limit(3 * (ROUNDS + 2))
        waiting = iter(db.session.scalars(query).all())

        def raw() -> None:
            grams = sorted(similarity.grams(next(waiting).subject.removeprefix("示例：")))
            db.session.execute(text(_RAW), {"grams": grams}).all()

        def alike() -> None:
            found = next(waiting)
            typed = similar.Typed(subject=found.subject, body=found.body, appeal_id=found.id)
            if similar.look(actor, replace(typed, place="示例路")).is_partial:
                raise RuntimeError("the look-up ran out of time")

        def suggested() -> None:
            suggestions.for_appeal(actor, next(waiting).id)

        return measure({"raw SQL": raw, "similar": alike, "suggested": suggested})
