"""Coverage: gaps, who acts over the days ahead, who was responsible at a moment; parse → service → page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose, has_access
from werkzeug.datastructures import MultiDict

from app import coverage_chart, coverage_words
from app.messages import sentence
from app.rules.chain import LINKS
from app.rules.coverage import Cause
from app.rules.errors import NotFound
from app.services import coverage, present, responsible
from app.services.coverage import Gap, PostLine, Survey, UnitLine
from app.standing import current_actor


@dataclass(frozen=True, slots=True)
class Choice:
    """What the filter leaves: an office, a unit, a cause; `everything` shows units without a gap too."""

    office: int | None
    unit: int | None
    cause: str
    everything: bool

    @classmethod
    def of(cls, sent: MultiDict[str, str]) -> Choice:
        """As an address names it; what it does not name, or nobody can read, filters nothing."""
        cause = sent.get("cause", "")
        return cls(
            sent.get("office", type=int),
            sent.get("unit", type=int),
            cause if cause in set(Cause) else "",
            sent.get("all") == "1",
        )

    def takes_gap(self, gap: Gap) -> bool:
        """Whether the gap is one of those asked for."""
        return not self.cause or gap.cause == self.cause

    def posts(self, found: Survey) -> list[PostLine]:
        """The posts of the chart: those of the office, those with a gap of that cause."""
        if self.unit is not None:
            return []
        return [
            line
            for line in found.posts
            if self.office in (None, line.post.office.id) and (not self.cause or _has(line.covered.gaps, self.cause))
        ]

    def units(self, found: Survey) -> list[UnitLine]:
        """The units of the page: that one, or those that lack somebody."""
        if self.office is not None:
            return []
        return [
            line
            for line in found.units
            if self.unit in (None, line.unit.id)
            and (self.everything or self.unit is not None or line.is_lacking)
            and (not self.cause or any(_has(link.covered.gaps, self.cause) for link in line.links))
        ]


def _has(gaps: Any, cause: str) -> bool:
    return any(gap.cause == cause for gap in gaps)


class CoverageView(BaseView):
    """Who acts for every post and link over the days ahead, and who was responsible at any moment (R15)."""

    route_base = "/coverage"
    class_permission_name = "Coverage"
    method_permission_name = {"index": "read", "responsible": "read"}  # noqa: RUF012
    default_view = "index"

    @expose("/")
    @has_access
    def index(self) -> ResponseReturnValue:
        """The gaps with their causes, and the chart."""
        found, choice = coverage.survey(current_actor()), Choice.of(request.args)
        posts, units = choice.posts(found), choice.units(found)
        shown = {line.post.id for line in posts}, {line.unit.id for line in units}
        return str(
            self.render_template(
                "coverage/index.html",
                found=found,
                choice=choice,
                chart=coverage_chart.chart_of(found),
                offices=coverage_words.by_office(posts),
                kinds=coverage_words.by_kind(units, found, choice.takes_gap),
                gaps=[gap for gap in found.post_gaps if gap.post.id in shown[0] and choice.takes_gap(gap)],  # type: ignore[union-attr]
                spoken=coverage_words,
                choices=coverage_words.choices(found),
            )
        )

    @expose("/responsible")
    @has_access
    def responsible(self) -> ResponseReturnValue:
        """Who was responsible for a post, or stood in a link, at a moment."""
        actor, sent = current_actor(), request.args
        at, errors = _moment(sent.get("at", "").strip())
        place: Any = None
        answer: responsible.Answer | None = None
        if not errors and (post_id := sent.get("post", type=int)) is not None:
            place, answer = responsible.for_post(actor, post_id, at)
        elif not errors and (unit_id := sent.get("unit", type=int)) is not None:
            place, answer = responsible.for_link(actor, unit_id, _link(sent.get("link", "")), at)
        page = self.render_template(
            "coverage/responsible.html",
            sent=sent,
            errors=errors,
            place=place,
            answer=answer,
            spoken=coverage_words,
            choices=responsible.choices(actor),
            records=[coverage_words.record(row) for row in answer.evidence] if answer else [],
        )
        return page, 422 if errors else 200


def _moment(text: str) -> tuple[datetime | None, dict[str, str]]:
    """The moment an address names, None for now; or what is wrong with it."""
    if not text:
        return None, {}
    try:
        moment = datetime.fromisoformat(text)
        if not 1949 <= moment.year <= 9000:
            raise ValueError(text)
    except ValueError:
        return None, {"at": sentence("field.moment-unreadable", {"value": text[:40]})}
    return (moment if moment.tzinfo else moment.replace(tzinfo=present.zone())), {}


def _link(code: str) -> str:
    if code not in LINKS:
        raise NotFound("chain.no-such-place", {"link": code[:16]})
    return code
