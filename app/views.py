"""Flask-AppBuilder classes over the dictionaries and the appeals; `register` is the menu as a list."""

from __future__ import annotations

from functools import partial

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import AppBuilder, IndexView, expose
from flask_babel import lazy_gettext as _l

from app.account_views import AccountsView
from app.appeal_field_views import AppealFieldsView
from app.attachment_views import AttachmentView
from app.audit_views import AuditView, JournalView
from app.capability_views import CapabilitiesView, PostsFormView
from app.chain_views import ChainView
from app.change_views import ChangesView
from app.checklist_views import ChecklistView
from app.clock_views import CalendarEntryView, CalendarYearView, RecountView
from app.contact_views import ContactView
from app.coverage_views import CoverageView
from app.desk_views import AppealView, DeskView, InboxView, SlipView
from app.dictionary import SheetView, view_of
from app.dispatch_views import DispatchSheetView
from app.document_views import AppealDocumentView, DocumentTemplateView, SlipDocumentView
from app.field_views import FieldsView
from app.file_views import FilesView
from app.grid_views import GridView
from app.handover_views import HandoverView
from app.import_views import ImportView
from app.intake_views import IntakeView, SimilarView
from app.leader_views import LeaderView
from app.leave_views import AbsenceEntryView, LeaveView
from app.ledger_views import AppealModelView, LedgerView
from app.merging_views import MergingView
from app.nil_return_views import NilReturnView, concerns_reader
from app.number_views import NumberFormatView
from app.own_row_views import OwnRowView
from app.own_sheet_views import OwnSheetsView
from app.paste_views import PasteView
from app.portfolio_views import PortfolioBoardView
from app.report_views import OverdueView, ReportView
from app.roster_file_views import RosterFileView, ShiftNoteView
from app.roster_views import RosterView
from app.services import sheet_access
from app.services.sheet_rows import Sheet
from app.sheet_import_views import SheetImportView
from app.sheets import SHEETS
from app.staffing_table_views import StaffingTableView
from app.staffing_upload_views import StaffingUploadView
from app.standing import current_actor, current_standing
from app.suggestion_views import SuggestionView
from app.token_views import TokensView


class HomeView(IndexView):
    """The front door: a stranger signs in, a leader without a post goes to his slips, everybody else to his desk."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Send the visitor on."""
        standing = current_standing()
        if standing is None:
            return redirect(url_for("SignInView.login"))
        leads = current_actor().grants.can("lead") and not standing.posts
        return redirect(url_for("LeaderView.index" if leads else "DeskView.index"))


WORK = {"category": "Work", "category_label": _l("Work")}
SECURITY = {"category": "Security", "category_label": _l("Security")}
FAMILIES = {"Staffing": _l("Staffing"), "Organisation": _l("Organisation"), "Rules": _l("Rules")}
# Sheets whose forms do more than write a row, or that have more pages than every sheet has.
BASES: dict[str, type[SheetView]] = {
    "contacts": ContactView,
    "dispatch": DispatchSheetView,
    "number_formats": NumberFormatView,
    "posts": PostsFormView,
}


def _has_rows(sheet: Sheet) -> bool:
    """Whether a part of the sheet is the reader's; elsewhere the permission word alone decides."""
    return current_standing() is None or sheet_access.reads(current_actor(), sheet)


def register(appbuilder: AppBuilder) -> None:
    """The menu, in reading order. An entry is called by its permission word, so that its post sees it."""
    appbuilder.add_view(DeskView, "Desk", icon="fa-inbox", label=_l("My desk"), **WORK)
    appbuilder.add_view(LeaderView, "Leaders", icon="fa-user-tie", label=_l("Slips for me"), **WORK)
    appbuilder.add_view_no_menu(AppealView)
    appbuilder.add_view_no_menu(AppealFieldsView)
    appbuilder.add_view_no_menu(AttachmentView)
    appbuilder.add_view_no_menu(IntakeView)
    appbuilder.add_view_no_menu(SimilarView)
    appbuilder.add_view_no_menu(SuggestionView)
    appbuilder.add_view_no_menu(PasteView)
    appbuilder.add_view_no_menu(MergingView)
    staffing = {"category": "Staffing", "category_label": FAMILIES["Staffing"]}
    appbuilder.add_view(RosterView, "Rosters", icon="fa-calendar-days", label=_l("Duty rosters"), **staffing)
    appbuilder.add_view_no_menu(SlipView)
    appbuilder.add_view_no_menu(AppealDocumentView)
    appbuilder.add_view_no_menu(SlipDocumentView)
    appbuilder.add_view_no_menu(RosterFileView)
    appbuilder.add_view_no_menu(ShiftNoteView)
    appbuilder.add_view_no_menu(HandoverView)
    appbuilder.add_view_no_menu(AbsenceEntryView)
    appbuilder.add_view(AppealModelView, "Appeals", icon="fa-comments", label=_l("Appeals"), **WORK)
    appbuilder.add_view(LedgerView, "Ledger", icon="fa-book", label=_l("Ledger"), **WORK)
    appbuilder.add_view(
        NilReturnView,
        "NilReturns",
        icon="fa-clipboard-check",
        label=_l("Nil returns"),
        menu_cond=concerns_reader,
        **WORK,
    )
    appbuilder.add_view(OverdueView, "Overdue", icon="fa-hourglass-end", label=_l("Overdue-case report"), **WORK)
    appbuilder.add_view(ReportView, "Reports", icon="fa-chart-column", label=_l("Quarterly reports"), **WORK)
    appbuilder.add_view(ImportView, "Imports", icon="fa-file-import", label=_l("Imports"), **WORK)
    appbuilder.add_view(ChecklistView, "Checklist", icon="fa-list-check", label=_l("First steps"), **WORK)
    appbuilder.add_view(LeaveView, "Leave", icon="fa-plane-departure", label=_l("Leave and handover"), **WORK)
    appbuilder.add_view(
        CalendarYearView, "CalendarYear", icon="fa-calendar-days", label=_l("Working calendar"), **WORK
    )
    appbuilder.add_view(GridView, "Grid", icon="fa-table-cells", label=_l("Spreadsheets"), **WORK)
    appbuilder.add_view_no_menu(OwnRowView)
    appbuilder.add_view_no_menu(FilesView)
    appbuilder.add_view_no_menu(SheetImportView)
    appbuilder.add_view_no_menu(TokensView)
    appbuilder.add_view_no_menu(CalendarEntryView)
    appbuilder.add_view_no_menu(RecountView)
    appbuilder.add_view(InboxView, "Inbox", icon="fa-bell", label=_l("Inbox"), **WORK)
    appbuilder.add_view(
        CoverageView,
        "Coverage",
        icon="fa-calendar-check",
        label=_l("Coverage"),
        category="Staffing",
        category_label=FAMILIES["Staffing"],
    )
    appbuilder.add_view(
        ChangesView,
        "Changes",
        icon="fa-people-arrows",
        label=_l("Personnel changes"),
        category="Staffing",
        category_label=FAMILIES["Staffing"],
    )
    organisation = {"category": "Organisation", "category_label": FAMILIES["Organisation"]}
    appbuilder.add_view(
        PortfolioBoardView, "Portfolio", icon="fa-diagram-project", label=_l("Portfolio"), **organisation
    )
    appbuilder.add_view(ChainView, "Chains", icon="fa-link", label=_l("Responsibility chains"), **organisation)
    for sheet in SHEETS:
        appbuilder.add_view(
            view_of(sheet, BASES.get(sheet.code, SheetView)),
            sheet.name,
            icon=sheet.icon,
            label=sheet.label_plural,
            category=sheet.family,
            category_label=FAMILIES[sheet.family],
            menu_cond=partial(_has_rows, sheet),
        )
    appbuilder.add_view(
        OwnSheetsView,
        "OwnSheets",
        icon="fa-table-cells-large",
        label=_l("Own sheets"),
        category="Rules",
        category_label=FAMILIES["Rules"],
    )
    appbuilder.add_view(
        FieldsView,
        "Fields",
        icon="fa-table-columns",
        label=_l("Fields"),
        category="Rules",
        category_label=FAMILIES["Rules"],
    )
    appbuilder.add_view(
        DocumentTemplateView,
        "DocumentTemplates",
        icon="fa-file-word",
        label=_l("Document templates"),
        category="Rules",
        category_label=FAMILIES["Rules"],
    )
    appbuilder.add_view(
        StaffingTableView,
        "StaffingTable",
        icon="fa-table-list",
        label=_l("Staffing list"),
        category="Staffing",
        category_label=FAMILIES["Staffing"],
    )
    appbuilder.add_view_no_menu(StaffingUploadView)
    appbuilder.add_view(AccountsView, "Accounts", icon="fa-users-gear", label=_l("Accounts"), **SECURITY)
    appbuilder.add_view(
        CapabilitiesView, "Capabilities", icon="fa-shield-halved", label=_l("Capabilities"), **SECURITY
    )
    appbuilder.add_view(AuditView, "Audit", icon="fa-eye", label=_l("Audit trail"), **SECURITY)
    appbuilder.add_view(JournalView, "Journal", icon="fa-link", label=_l("Journal"), **SECURITY)
