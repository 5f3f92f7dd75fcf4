"""The words of a notice, made from its kind and ids in the reader's language; a notice never stores a
sentence.

No appellant is named and no text of an appeal quoted: the same words go out by mail (SECURITY §4 row 37).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app import words
from app.services import present

TITLES: Mapping[str, Any] = {
    "absence.acting": _l("You act or stand in while somebody is away"),
    "absence.cancelled": _l("An absence was taken back"),
    "absence.confirmed": _l("Your absence was confirmed"),
    "absence.entered": _l("An absence was entered for you"),
    "absence.hand-over": _l("Your absence begins soon and is not handed over yet"),
    "absence.refused": _l("Your absence was refused"),
    "absence.report": _l("A return report is to be filed"),
    "absence.requested": _l("An absence waits for your confirmation"),
    "absence.returned": _l("Somebody is back early"),
    "absence.uncovered": _l("Nobody acts during an absence any more: name who stands in"),
    "appeal.answered": _l("%(number)s was answered and is to be struck off"),
    "appeal.assigned": _l("%(number)s was assigned to your unit"),
    "appeal.co_answered": _l("%(number)s: a co-handling unit gave its feedback"),
    "appeal.co_assigned": _l("%(number)s was given to your unit for co-handling"),
    "appeal.dissatisfied": _l("%(number)s: the appellant says it is not solved or he is not satisfied"),
    "appeal.explained": _l("A situation explanation was filed for %(number)s"),
    "appeal.instructed": _l("%(number)s came back with an instruction"),
    "appeal.merged": _l("%(number)s was merged into an appeal of your unit: its appellant is to be told too"),
    "appeal.redo": _l("%(number)s: your feedback was sent back for redo"),
    "appeal.registered": _l("%(number)s is to be triaged"),
    "appeal.reopened": _l("%(number)s was reopened and is to be triaged"),
    "appeal.resumed": _l("%(number)s: the pause ended, the limit counts again"),
    "appeal.returned": _l("%(number)s was returned for correction"),
    "appeal.submitted": _l("A new appeal is to be numbered"),
    "appeal.to_review": _l("%(number)s was answered and is to be reviewed"),
    "appeal.withdrawn": _l("%(number)s is no longer with your unit"),
    "change.appointed": _l("Personnel change %(number)s gives you a place in the staffing table"),
    "change.filed": _l("Personnel change %(number)s was filed and is to be acknowledged"),
    "change.relieved": _l("Personnel change %(number)s ends a place of yours in the staffing table"),
    "coverage.gaps": _l("Posts or links of chains will have nobody who acts: see coverage"),
    "handover.given": _l("A handover sheet waits for your confirmation"),
    "handover.report": _l("A return report waits for your confirmation"),
    "handover.taken": _l("Your handover sheet was taken over"),
    "limits.moved": _l("The calendar or a limit was changed: due moments of your unit's appeals have moved"),
    "portfolio.changed": _l("Change of portfolio %(number)s concerns your line"),
    "post.taken_back": _l("A post you had taken over was taken back"),
    "post.taken_over": _l("A post of yours was taken over by B"),
    "reminder.due": _l("%(number)s: %(clock)s is due now"),
    "reminder.due_soon": _l("%(number)s: %(clock)s is due at %(due)s"),
    "reminder.overdue": _l("%(number)s: %(clock)s is overdue since %(due)s"),
    "request.extension": _l("%(number)s: a unit asks for an extension"),
    "request.granted": _l("%(number)s: your request was granted"),
    "request.objection": _l("%(number)s: a unit objects to the assignment"),
    "request.pause": _l("%(number)s: a unit asks for a pause"),
    "request.refused": _l("%(number)s: your request was refused"),
    "shift.changed": _l("Your duty was moved to another shift"),
    "shift.note_due": _l("Your shift ends soon: write the handover note"),
    "shift.off": _l("You were taken off a duty shift"),
    "shift.on": _l("You were put on a duty shift"),
    "shift.swapped": _l("Your duty was swapped with somebody else's"),
    "slip.fulfilled": _l("%(number)s: what you instructed has been done"),
    "slip.to_carry": _l("The processing slip of %(number)s is to be carried to the matching section"),
    "slip.to_deliver": _l("The processing slip of %(number)s is to be delivered to the leader today"),
    "slip.to_fetch": _l("The processing slip of %(number)s is to be fetched back"),
    "slip.to_read": _l("%(number)s was delivered to you for an instruction"),
    "slip.to_fill": _l("A processing slip is to be filled in for %(number)s"),
    "staffing_list.published": _l("A new staffing list was published"),
    "task.done": _l("%(task)s: finished"),
    "task.failed": _l("%(task)s: failed"),
    "upload.undone": _l("An applied staffing table was undone; its personnel changes are to be acknowledged"),
    "urge.phone": _l("%(number)s was urged by telephone: %(clock)s"),
}
TASKS: Mapping[str, Any] = {
    "field_change": _l("Change of kind of a field"),
    "import_apply": _l("Import"),
    "import_check": _l("Dry run of the import"),
    "own_sheet": _l("Sheet from a file"),
    "quarterly_report": _l("Quarterly report"),
    "sheet_export": _l("Export of a spreadsheet"),
    "sheet_import": _l("Import into a spreadsheet"),
}
# Where a notice leads that is about no appeal: kind → (endpoint, name of the id in its address, "" for none).
PLACES: Mapping[str, tuple[str, str]] = {
    "change.appointed": ("DeskView.index", ""),
    "change.filed": ("ChangesView.show", "change_id"),
    "change.relieved": ("DeskView.index", ""),
    "coverage.gaps": ("CoverageView.index", ""),
    "absence.acting": ("LeaveView.index", ""),
    "absence.cancelled": ("LeaveView.index", ""),
    "absence.confirmed": ("LeaveView.show", "absence_id"),
    "absence.entered": ("LeaveView.show", "absence_id"),
    "absence.hand-over": ("LeaveView.show", "absence_id"),
    "absence.refused": ("LeaveView.show", "absence_id"),
    "absence.report": ("LeaveView.index", ""),
    "absence.requested": ("LeaveView.show", "absence_id"),
    "absence.returned": ("LeaveView.index", ""),
    "absence.uncovered": ("LeaveView.show", "absence_id"),
    "handover.given": ("HandoverView.show", "sheet_id"),
    "handover.report": ("HandoverView.show", "sheet_id"),
    "handover.taken": ("HandoverView.show", "sheet_id"),
    "limits.moved": ("DeskView.index", ""),
    "staffing_list.published": ("StaffingTableView.index", ""),
    "upload.undone": ("ChangesView.index", ""),
    "shift.changed": ("RosterView.shift", "shift_id"),
    "shift.note_due": ("ShiftNoteView.write", "shift_id"),
    "shift.off": ("RosterView.shift", "shift_id"),
    "shift.on": ("RosterView.shift", "shift_id"),
    "shift.swapped": ("RosterView.shift", "shift_id"),
    "post.taken_back": ("LeaveView.index", ""),
    "post.taken_over": ("LeaveView.index", ""),
}
# Which shift it is about is said as well, as long as the roster has it.
SHIFTS = frozenset({"shift.changed", "shift.off", "shift.on", "shift.swapped"})
UNWORDED = _l("Notice about %(number)s")


def address(kind: str, data: Mapping[str, Any]) -> str:
    """Where it leads, "" for nowhere. `data` as in `title`."""
    endpoint, name = PLACES.get(kind, ("", ""))
    _table, row_id = data.get("subject") or ("", None)
    if not endpoint or (name and row_id is None):
        return ""
    return url_for(endpoint, **({name: row_id} if name else {}))


def title(kind: str, data: Mapping[str, Any]) -> str:
    """One line. `data`: number, clock (its kind), due_at, task (its kind), shift_at, as `inbox.Entry.data` has it."""
    sentence = TITLES.get(kind, UNWORDED)
    due_at = data.get("due_at")
    worded = str(sentence) % {
        "number": data.get("number") or gettext("An appeal without a number"),
        "clock": str(words.CLOCKS.get(data.get("clock") or "", gettext("Limit"))),
        "due": words.due_text(due_at, present.zone()) if isinstance(due_at, datetime) else "",
        "task": str(TASKS.get(data.get("task") or "", gettext("Task"))),
    }
    shift_at = data.get("shift_at")
    if kind not in SHIFTS or not isinstance(shift_at, datetime):
        return worded
    moment = f"{shift_at.astimezone(present.zone()):%Y-%m-%d %H:%M}"
    return gettext("%(notice)s: %(moment)s", notice=worded, moment=moment)
