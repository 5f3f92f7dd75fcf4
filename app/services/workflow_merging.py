"""Merging and splitting (并单, 拆单): one handling for several appellants, several handlings for one appeal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.models import Appeal, db
from app.rules.errors import FieldErrors, FieldProblem
from app.services import access, journal, merging, personal, sheet
from app.services.workflow_step import Step, acting, fulfil, handlers, inform, snapshot, tell


def _merge(step: Step) -> None:
    appeal = step.appeal
    query = access.appeals_for(step.actor).where(Appeal.number == str(step.data["main"]).strip())
    main = db.session.scalars(query.with_for_update(of=Appeal)).one_or_none()
    if main is not None and main.id == appeal.id:
        raise FieldErrors([FieldProblem("main", "merge.itself", {"number": main.number or ""})])
    if main is None:
        raise FieldErrors([FieldProblem("main", "merge.unknown", {"number": str(step.data["main"])})])
    if main.state not in merging.MAIN_STATES:
        raise FieldErrors([FieldProblem("main", "merge.closed", {"number": main.number or ""})])
    appeal.merged_into_id, appeal.unit_id = main.id, main.unit_id
    step.remembered["main"] = main.number
    if main.unit_id is not None:
        tell(step, "appeal.merged", handlers(main.unit_id))


def _unmerge(step: Step) -> None:
    step.remembered["main"] = step.appeal.merged_into.number if step.appeal.merged_into else None
    step.appeal.merged_into_id = None
    step.appeal.unit_id = None


def _split(step: Step) -> None:
    """A second appeal of the same appellant, with a key of its own, on its way to a number of its own (R4)."""
    appeal = step.appeal
    cut = Appeal(
        channel_class=appeal.channel_class,
        channel_id=appeal.channel_id,
        state="submitted",
        received_at=appeal.received_at,
        submitted_at=step.at,
        subject=step.data["subject"],
        body=step.data["body"],
        place=appeal.place,
        anonymous=appeal.anonymous,
        nature=appeal.nature,
        urgency=appeal.urgency,
        split_from_id=appeal.id,
        created_by_id=step.person_id,
        fictional=appeal.fictional,
        intake=dict(appeal.intake or {}),
    )
    _copy_appellant(appeal, cut)
    db.session.add(cut)
    db.session.flush()
    journal.write(
        step.actor,
        "take_in",
        "appeal",
        cut.id,
        appeal_id=cut.id,
        post_id=step.grant.post_id,
        role=step.grant.role,
        new=snapshot(cut),
    )
    step.remembered["split"] = cut.id
    tell(step, "appeal.submitted", acting("number", step), appeal=cut)


def _copy_appellant(appeal: Appeal, cut: Appeal) -> None:
    if appeal.data_key is None:
        return
    cut.data_key = personal.new_key()
    for name, plain in sheet.appellant(appeal).items():
        setattr(cut, f"{name}_sealed", personal.seal(cut.data_key, name, plain))
    for name in ("appellant_phone_bidx", "appellant_identity_bidx"):
        setattr(cut, name, getattr(appeal, name))


def _strike_off_merged(step: Step) -> None:
    appeal = step.appeal
    if appeal.merged_into is not None:
        appeal.result = appeal.result or appeal.merged_into.result
    appeal.closed_at = step.at
    fulfil(step)


EFFECTS: Mapping[str, Callable[[Step], None]] = MappingProxyType(
    {
        "merge": _merge,
        "unmerge": _unmerge,
        "split": _split,
        "inform": inform,
        "strike_off_merged": _strike_off_merged,
    }
)
