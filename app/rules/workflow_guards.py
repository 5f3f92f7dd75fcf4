"""What holds a step back although its state and form allow it: facts of the appeal, and one guard per code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from .errors import Conflict, FieldErrors, FieldProblem, Refused


class State(StrEnum):
    """Where an appeal stands."""

    DRAFT = "draft"  # 待提交
    SUBMITTED = "submitted"  # 待编号
    REGISTERED = "registered"  # 待批办
    SELF_HANDLING = "self_handling"  # 自办中
    OPINION = "opinion"  # 待填单
    SLIP_READY = "slip_ready"  # 待送达
    WITH_SECTION = "with_section"  # 待呈送
    WITH_LEADER = "with_leader"  # 待取回
    FETCHED = "fetched"  # 待转录
    INSTRUCTED = "instructed"  # 待交办
    ASSIGNED = "assigned"  # 待签收
    IN_PROGRESS = "in_progress"  # 办理中
    UNDER_REVIEW = "under_review"  # 待审核
    ANSWERED = "answered"  # 待销号
    CLOSED = "closed"  # 已销号
    ARCHIVED = "archived"  # 已归档
    MERGED = "merged"  # 已并单: goes with its main appeal
    VOIDED = "voided"  # 已作废
    HISTORY = "history"  # 历史件: imported, closed


class Part(StrEnum):
    """How far one unit has come with its assignment."""

    ASSIGNED = "assigned"  # 待签收
    IN_PROGRESS = "in_progress"  # 办理中
    ANSWERED = "answered"  # 已反馈
    ENDED = "ended"  # gone elsewhere, withdrawn


@dataclass(frozen=True, slots=True)
class AssignmentFacts:
    """The assignment of the unit that acts: its state, whether it leads, which of its requests wait for a decision.

    `objections`: how often this unit objected to it. `is_past_limit`: its limit has passed unfinished.
    `is_paused`: its limit does not count now.
    """

    state: Part
    is_lead: bool = True
    pending: frozenset[str] = frozenset()
    objections: int = 0
    is_past_limit: bool = False
    has_limit: bool = True
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class AppealFacts:
    """What the guards look at. `missing`: required fields of the sheet still empty.

    `is_overdue`: a limit has passed unfinished, or the item was finished late; `is_impossible`: policy
    forbids it, or the unit explained that it cannot finish; `has_note`: a note (附注) is recorded (R11).
    `bounces`: upheld objections so far, of `most_bounces` allowed. `co_open`: co-handling units that have not
    answered. `merged_open`: appellants merged into this appeal who were not informed yet.
    """

    state: State
    missing: tuple[str, ...] = ()
    has_result: bool = False
    is_informed: bool = False
    is_overdue: bool = False
    is_impossible: bool = False
    has_note: bool = False
    is_instructed: bool = False
    assignment: AssignmentFacts | None = None
    has_lead: bool = False
    bounces: int = 0
    most_bounces: int = 1
    co_open: int = 0
    merged_open: int = 0
    is_main: bool = False
    is_main_answered: bool = False
    is_main_closed: bool = False
    is_held: bool = False
    call_back_missing: bool = False
    reopen_days: int = 30
    closed_days: int = 0


Guard = Callable[[str, AppealFacts, Mapping[str, object]], None]


def _complete(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if facts.missing:
        raise FieldErrors(FieldProblem(name, "field.required") for name in facts.missing)


def _line_named(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if not data.get("unit") and not data.get("line"):
        raise FieldErrors([FieldProblem("line", code)])


def _leader_named(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """A leader the portfolio leaves vacant has no entry to choose, only a name."""
    if not data.get("leader") and not str(data.get("leader_name") or "").strip():
        raise FieldErrors([FieldProblem("leader", code)])


def _limit_named(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """A limit of the table, or a date somebody set; never both."""
    if not data.get("limit") and not data.get("due_on"):
        raise FieldErrors([FieldProblem("limit", code)])


def _result_present(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if not facts.has_result and not str(data.get("result") or "").strip():
        raise FieldErrors([FieldProblem("result", code)])


def _informed(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if not facts.is_informed:
        raise Refused(code)


def _lead_informs(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """R9: the lead unit tells the appellant; what it asks of the form a co-handling unit leaves empty."""
    needed = [name for name in ("informed_at", "informed_how") if not data.get(name)]
    if needed and facts.assignment is not None and facts.assignment.is_lead:
        raise FieldErrors(FieldProblem(name, "field.required") for name in needed)


def _note_if_due(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """R11: an overdue or impossible item is not archived without its note."""
    if (facts.is_overdue or facts.is_impossible) and not facts.has_note:
        raise Refused(code, {"overdue": facts.is_overdue, "impossible": facts.is_impossible})


def _merged_informed(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if facts.merged_open:
        raise Refused(code, {"count": facts.merged_open})


def _called_back(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if facts.call_back_missing:
        raise Refused(code)


def _no_main(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """Two levels of merging would leave an appellant behind: the others are merged into the new main one first."""
    if facts.is_main:
        raise Refused(code)


def _main_answered(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """Every appellant is told the result; before there is one there is nothing to tell."""
    if not facts.is_main_answered:
        raise Refused(code)


def _main_closed(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if not facts.is_main_closed:
        raise Refused(code)


def _not_pending(kind: str) -> Guard:
    def guard(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
        if facts.assignment is not None and kind in facts.assignment.pending:
            raise Conflict(code)

    return guard


def _may_object(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """A unit objects once; and an appeal that went back once stays with the next unit."""
    if facts.assignment is not None and facts.assignment.objections:
        raise Refused("object.twice")
    if facts.bounces >= facts.most_bounces:
        raise Refused(code, {"most": facts.most_bounces})


def _before_limit(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if facts.assignment is not None and (facts.assignment.is_past_limit or not facts.assignment.has_limit):
        raise Refused(code)


def _not_paused(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if facts.assignment is not None and facts.assignment.is_paused:
        raise Conflict(code)


def _something_pending(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if facts.assignment is None or not facts.assignment.pending:
        raise Conflict(code)


def _co_answered(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if facts.co_open:
        raise Refused(code, {"count": facts.co_open})


def _has_lead(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """Work goes back to a unit; what the duty office handled itself is reopened instead."""
    if not facts.has_lead:
        raise Refused(code)


def _call_back_whole(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    """Who was reached says whether it is solved and whether he is satisfied; who was not says nothing."""
    wanted = data.get("reached") == "yes"
    wrong = [name for name in ("solved", "satisfied") if bool(data.get(name)) != wanted]
    if wrong:
        raise FieldErrors(FieldProblem(name, "field.required" if wanted else code) for name in wrong)


def _not_held(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if facts.is_held:
        raise Conflict(code)


def _held(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if not facts.is_held:
        raise Conflict(code)


def _within_reopen_days(code: str, facts: AppealFacts, data: Mapping[str, object]) -> None:
    if facts.closed_days > facts.reopen_days:
        raise Refused(code, {"days": facts.reopen_days})


GUARDS: Mapping[str, Guard] = MappingProxyType(
    {
        "submit.incomplete": _complete,
        "propose.line-missing": _line_named,
        "transcribe.leader-missing": _leader_named,
        "limit.unnamed": _limit_named,
        "strike-off.result-missing": _result_present,
        "strike-off.not-informed": _informed,
        "strike-off.merged-not-informed": _merged_informed,
        "strike-off.call-back-missing": _called_back,
        "strike-off.main-open": _main_closed,
        "archive.note-missing": _note_if_due,
        "inform.main-unanswered": _main_answered,
        "merge.is-main": _no_main,
        "request.objection-pending": _not_pending("objection"),
        "request.extension-pending": _not_pending("extension"),
        "request.pause-pending": _not_pending("pause"),
        "request.none-pending": _something_pending,
        "object.bounced": _may_object,
        "extension.too-late": _before_limit,
        "pause.too-late": _before_limit,
        "pause.running": _not_paused,
        "answer.not-informed": _lead_informs,
        "accept.co-handling-open": _co_answered,
        "send-back.no-unit": _has_lead,
        "call-back.not-reached": _call_back_whole,
        "hold.held": _not_held,
        "hold.not-held": _held,
        "reopen.too-late": _within_reopen_days,
    }
)
