"""Lists of appeals: what a post may see, and the ledger (R10). Filters → one query → a page by key."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import ModelView, expose, has_access
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.models.filters import BaseFilter, BaseFilterConverter, Filters
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.urltools import get_filter_args, get_order_args
from sqlalchemy import false, select

from app import words
from app.models import Appeal
from app.rules.errors import Invalid
from app.services import access, desk, ledger, present
from app.sheet_filters import OfferedFilters
from app.standing import current_actor


class VisibleAppeals(BaseFilter):
    """The one visibility clause, for the reader of this request."""

    def apply(self, query: Any, value: Any) -> Any:
        return query.where(access.visible_to(current_actor()))


class LedgerAppeals(BaseFilter):
    """What has a number, as far as the reader keeps the ledger or supervises."""

    def apply(self, query: Any, value: Any) -> Any:
        actor = current_actor()
        reached = access.visible_to(actor, "record") | access.visible_to(actor, "supervise")
        return query.where(ledger.kept(), reached)


class IsEqual(BaseFilter):
    """A column of the appeal equals a code."""

    def apply(self, query: Any, value: Any) -> Any:
        return query.where(getattr(Appeal, self.column_name) == value) if value else query


class IsUnit(BaseFilter):
    """The responsible unit, by id."""

    def apply(self, query: Any, value: Any) -> Any:
        return query.where(Appeal.unit_id == _id(value) if _id(value) else false()) if value else query


class IsUnderCategory(BaseFilter):
    """A node of the category tree, by id, with everything below it."""

    def apply(self, query: Any, value: Any) -> Any:
        return query.where(ledger.under_category(_id(value)) if _id(value) else false()) if value else query


class IsReceivedFrom(BaseFilter):
    """Received on a local day or later."""

    def apply(self, query: Any, value: Any) -> Any:
        return query.where(_on_day(ledger.received_from, value)) if value else query


class IsReceivedUntil(BaseFilter):
    """Received on a local day or earlier."""

    def apply(self, query: Any, value: Any) -> Any:
        return query.where(_on_day(ledger.received_until, value)) if value else query


class IsFinished(BaseFilter):
    """Finished in time or not (R10), or late without the note that R11 asks for."""

    def apply(self, query: Any, value: Any) -> Any:
        if value == "without_note":
            return query.where(desk.without_note())
        return query.where(ledger.finished(value)) if value else query


def _id(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0


def _on_day(condition: Any, value: str) -> Any:
    try:
        return condition(date.fromisoformat(value.strip()))
    except (ValueError, OverflowError):
        raise Invalid("field.date-unreadable", {"value": value[:20]}, field="received_at") from None


class AppealFilters(BaseFilterConverter):
    """What an appeal can be filtered by; the place in a tuple is the digit of the address (`_flt_1_received_at`)."""

    offered = {  # noqa: RUF012 - read only
        "state": (IsEqual,),
        "channel_class": (IsEqual,),
        "unit": (IsUnit,),
        "category": (IsUnderCategory,),
        "received_at": (IsReceivedFrom, IsReceivedUntil),
        "clocks": (IsFinished,),
    }

    def convert(self, col_name: str) -> list[BaseFilter]:
        """The filters of a column; none for a column that is not offered."""
        return [kind(col_name, self.datamodel) for kind in self.offered.get(col_name, ())]


class AppealInterface(SQLAInterface):
    """Appeals for reading; there is no form that writes an appeal past the workflow."""

    filter_converter_class = AppealFilters

    def get_filters(self, search_columns: Any = None, search_filters: Any = None) -> Filters:
        """Filters that know what is offered."""
        return OfferedFilters(self.filter_converter_class, self, search_columns, search_filters)


class AppealModelView(ModelView):
    """Every appeal the reader's posts let him see; the global search ends here."""

    datamodel = AppealInterface(Appeal)
    route_base = "/ledger/appeals"
    class_permission_name = "Appeals"
    method_permission_name = {"list": "read"}  # noqa: RUF012
    include_route_methods = {"list"}  # noqa: RUF012
    base_filters = [["id", VisibleAppeals, None]]  # noqa: RUF012
    list_columns = ["number", "subject", "state", "channel_class", "unit", "received_at", "clocks"]  # noqa: RUF012
    search_columns = ["state", "channel_class", "unit", "category", "received_at"]  # noqa: RUF012
    order_columns = ["received_at", "number"]  # noqa: RUF012
    # No generated form: the list has a bar of its own, and nothing is added or edited here.
    search_form = add_form = edit_form = DynamicForm
    list_template = "ledger/appeals.html"
    states = tuple(words.STATES)
    is_ledger = False

    @expose("/list/")
    @has_access
    def list(self) -> ResponseReturnValue:
        """One page, ordered and filtered as the address says."""
        order, direction = self._order()
        term = request.args.get("q", "").strip()
        get_filter_args(self._filters)
        query = self._filters.get_joined_filters(self._base_filters).apply_all(select(Appeal))
        before = request.args.get("before", "")
        page = ledger.page(
            query,
            term=term,
            order=order,
            is_descending=direction == "desc",
            key=before or request.args.get("after", ""),
            is_backwards=bool(before),
            is_ledger=self.is_ledger,
        )
        return self.render_template(
            self.list_template,
            view=self,
            page=page,
            term=term,
            order=order,
            direction=direction,
            units=ledger.units(),
            categories=ledger.categories(),
            count_cap=ledger.COUNT_CAP,
            now=present.now(),
        )

    def _order(self) -> tuple[str, str]:
        order, direction = get_order_args().get(self.endpoint, ("received_at", "desc"))
        return (order, direction) if order in self.order_columns else ("received_at", "desc")

    def address(self, **changes: Any) -> str:
        """This list with some arguments changed, back at its first page; None takes one out."""
        kept = {
            name: value
            for name, value in request.args.items()
            if value and (name == "q" or name.startswith(("_flt_", "_oc_", "_od_")))
        }
        wanted = {name: value for name, value in (kept | changes).items() if value is not None}
        return url_for(f"{self.endpoint}.list", **wanted)

    def order_address(self, column: str) -> str:
        """This list ordered by a column, the other way round when it already is."""
        order, direction = self._order()
        turned = "asc" if order == column and direction == "desc" else "desc"
        return self.address(**{f"_oc_{self.endpoint}": column, f"_od_{self.endpoint}": turned})


class LedgerView(AppealModelView):
    """The ledger: registration, responsible unit, handling note, finished in time or not, result (R10)."""

    datamodel = AppealInterface(Appeal)
    route_base = "/ledger/book"
    class_permission_name = "Ledger"
    base_filters = [["id", LedgerAppeals, None]]  # noqa: RUF012
    list_columns = [  # noqa: RUF012
        "number",
        "subject",
        "unit",
        "received_at",
        "registered_at",
        "clocks",
        "note",
        "result",
        "state",
    ]
    search_columns = ["state", "channel_class", "unit", "category", "received_at", "clocks"]  # noqa: RUF012
    list_template = "ledger/book.html"
    states = tuple(state for state in words.STATES if state not in ("draft", "submitted"))
    is_ledger = True
