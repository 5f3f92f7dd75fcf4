"""What can be done with several rows of a dictionary at once: change, retire, restore, and the workbook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from flask import request, send_file
from flask.typing import ResponseReturnValue
from flask_appbuilder.forms import DynamicForm
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import Select

from app import report_words, sheet_words, words
from app.consent import consent
from app.messages import sentences_of
from app.reports.table import Cell, Column
from app.reports.table import Kind as CellKind
from app.rules.entries import Kind, Place
from app.rules.errors import Invalid
from app.services import present, sheet_bulk, sheet_export
from app.services.actors import Actor
from app.services.sheet_bulk import Chosen, Outcome
from app.services.sheet_rows import Sheet
from app.sheet_filters import OfferedFilters, chips
from app.sheet_forms import form_field
from app.standing import current_standing

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SET = "set_"


@dataclass(frozen=True)
class Act:
    """Something that can be done to several rows: its name in the form, and how its button looks."""

    name: str
    label: Any
    icon: str
    tone: str = ""


def acts_of(sheet: Sheet) -> list[Act]:
    """What the rows of a sheet take together."""
    found = []
    if sheet.can_edit:
        found = [
            Act(f"{SET}{one.name}", _l("Change: %(field)s", field=one.label), "fa-pen")
            for one in sheet.fields
            if one.bulk
        ]
    if sheet.can_remove:
        found.append(Act("retire", _l("Take out of use"), "fa-box-archive", "danger"))
    if sheet.can_remove and sheet.has_switch:
        found.append(Act("restore", _l("Bring back into use"), "fa-rotate-left"))
    return [*found, Act("export", _l("Export"), "fa-file-excel")]


def form_for(sheet: Sheet, act: Act) -> Any:
    """The form of the field that an act changes, None for an act that asks for nothing."""
    if not act.name.startswith(SET):
        return None
    name = act.name.removeprefix(SET)
    return type("BulkForm", (DynamicForm,), {name: form_field(sheet.field(name))})()


def chosen_in(sent: Any, rows: Sequence[Any]) -> list[Chosen]:
    """The rows with the versions that the page of the question showed."""
    found = []
    for row in rows:
        text = sent.get(f"version_{row.id}", "")
        found.append(Chosen(row.id, int(text) if text.isdecimal() and len(text) < 10 else 0))
    return found


def perform(actor: Actor, sheet: Sheet, act: Act, rows: Sequence[Any], form: Any) -> list[Outcome]:
    """Do it to each row; what was refused is told with its reason."""
    chosen = chosen_in(request.form, rows)
    if act.name == "retire":
        return sheet_bulk.retire(actor, sheet, chosen, consent())
    if act.name == "restore":
        return sheet_bulk.restore(actor, sheet, chosen, consent())
    name = act.name.removeprefix(SET)
    return sheet_bulk.change(actor, sheet, chosen, {name: form[name].data}, consent())


def told(outcome: Outcome) -> str:
    """Why a row was refused, in one line."""
    return " ".join(sentences_of(outcome.error)) if outcome.error is not None else ""


# --- the workbook ------------------------------------------------------------------------------------------

_KINDS: dict[Kind, CellKind] = {Kind.INT: "int", Kind.DATE: "date", Kind.MOMENT: "moment"}


def workbook(
    actor: Actor, sheet: Sheet, query: Select[Any], filters: OfferedFilters, *, chosen: int = 0
) -> ResponseReturnValue:
    """The rows of the query as a workbook that the browser keeps; `chosen` rows were ticked one by one."""
    names = _columns(sheet, is_whole="whole" in request.form)
    now = report_words.moment(present.now())
    file = BytesIO()
    dress = sheet_export.Dress(
        t=_,
        title=str(sheet.label_plural),
        columns=tuple(_column(sheet, name) for name in names),
        cells=_cells(sheet, names),
        facts=(*_asked(filters, chosen), _("As of %(at)s", at=now)),
        footer=_("Exported by %(name)s on %(at)s", name=words.named(current_standing()), at=now),
        filtered=tuple(getattr(one, "column_name", "") for one in filters.filters),
    )
    sheet_export.export(actor, sheet, query, dress, reason=request.form.get("reason", ""), out=file)
    file.seek(0)
    name = f"{sheet.label_plural} {now.replace(':', '')}.xlsx"
    return send_file(file, XLSX, as_attachment=True, download_name=name)


def _columns(sheet: Sheet, *, is_whole: bool) -> list[str]:
    more = [one.name for one in sheet.fields if one.place is not Place.NOWHERE] if is_whole else []
    return list(dict.fromkeys([*sheet.columns, *more]))


def _column(sheet: Sheet, name: str) -> Column:
    field = next((one for one in sheet.fields if one.name == name), None)
    is_computed = (sheet.code, name) in sheet_words.COMPUTED
    kind: CellKind = "text" if field is None or is_computed else _KINDS.get(field.kind, "text")
    return Column(name, str(sheet_words.label_of(sheet, name)), kind)


def _asked(filters: OfferedFilters, chosen: int) -> Iterator[str]:
    """What the rows were narrowed by, in words."""
    if chosen:
        yield _("%(count)s chosen rows", count=chosen)
        return
    for chip in chips(filters):
        yield f"{chip.label} {chip.comparison} {chip.value}".strip()
    for one, value in zip(filters.filters, filters.values, strict=True):
        if not hasattr(one, "takes"):
            yield _("Search: %(term)s", term=value)
    if not filters.filters:
        yield _("All rows")


def _cells(sheet: Sheet, names: Sequence[str]) -> Callable[[Sequence[Any]], Iterator[list[Cell]]]:
    def rows(part: Sequence[Any]) -> Iterator[list[Cell]]:
        for cells in sheet_words.cells(sheet, part, names):
            yield [_plain(cells[name]) for name in names]

    return rows


def _plain(value: Any) -> Cell:
    """A cell of a list without its dress."""
    if isinstance(value, Markup):
        return value.striptags()
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, list | tuple):
        return words.listed(str(one) for one in value)
    return value if value is None or isinstance(value, int) or hasattr(value, "isoformat") else str(value)


def require_some(rows: Sequence[Any]) -> None:
    """Raises Invalid("sheet.nothing-chosen") or Invalid("sheet.too-many")."""
    if not rows:
        raise Invalid("sheet.nothing-chosen")
    if len(rows) > sheet_bulk.MOST:
        raise Invalid("sheet.too-many", {"most": sheet_bulk.MOST})
