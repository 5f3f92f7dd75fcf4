"""The templates that come with the product, built in the language of an office: A4, bordered forms, page numbers.

They are templates like an administrator's own: what they print is named in document_kinds.py and nowhere else.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT as VERTICAL
from docx.enum.table import WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.oxml import OxmlElement
from docx.shared import Cm, Pt

from .document_kinds import KINDS
from .paper import BODY_FONT, HEAD_FONT, TITLE_FONT, everywhere, page_number, paragraph, timeless, with_fallbacks
from .table import N_, Translate

_LABEL, _WIDE = 2.8, 16.6  # cm: a label's column; the width between the margins of A4 upright
_ACROSS = 25.7  # cm: the same across
_CODE = 2.4  # cm: the column of a code to be scanned
_SIZE = 11.0
COLON = N_(": ")
OFFICE = "{{ office }}"  # stands where a signature would
_MADE_ON = datetime(2026, 1, 1)  # noqa: DTZ001 - a property of the file without a zone; always the same


@dataclass(frozen=True)
class Line:
    """One row of a form: pairs of label and what stands beside it; `height` in cm where somebody writes by hand."""

    pairs: tuple[tuple[str, str], ...]
    height: float = 0.9
    top: bool = False


@dataclass(frozen=True)
class Listed:
    """A table with a row for each row of a list; it is left out where the list is empty."""

    title: str
    over: str
    columns: tuple[tuple[str, str, float], ...]  # head, what stands below it, width as a share
    always: bool = False


@dataclass(frozen=True)
class When:
    """A paragraph that is left out where the record has nothing under that name."""

    name: str
    text: str


@dataclass(frozen=True)
class Layout:
    """A document: title, the line under it, its parts in order, the signatures at its end."""

    title: str
    meta: tuple[tuple[str, str], ...]
    parts: tuple[tuple[Line, ...] | Listed | When | str, ...]
    signs: tuple[str, ...] = ()
    across: bool = False
    code: bool = True


def pair(*texts: str) -> Line:
    """A row of a form: label, value, label, value …"""
    return Line(tuple(zip(texts[::2], texts[1::2], strict=True)))


def tall(label: str, value: str, height: float = 2.2) -> Line:
    """A row with room for a long text."""
    return Line(((label, value),), height, top=True)


# fmt: off
_APPELLANT = (
    pair(N_("Appellant"), "{{ appellant_name }}", N_("Telephone"), "{{ appellant_phone }}"),
    pair(N_("Identity number"), "{{ appellant_identity }}", N_("Address"), "{{ appellant_address }}"),
)
_TEXT = (
    pair(N_("Subject"), "{{ subject }}"),
    tall(N_("Text of the appeal"), "{{ body }}", 3.2),
)
_UNITS = Listed(N_("Responsible units"), "units", (
    (N_("Unit"), "{{ row.name }}\n{{ row.part }}", 24), (N_("Assigned at"), "{{ row.assigned_at }}", 18),
    (N_("Limit"), "{{ row.due_at }}", 18), (N_("Signed in at"), "{{ row.signed_in_at }}", 18),
    (N_("Answered at"), "{{ row.answered_at }}\n{{ row.finished }}", 22),
))
_CHAIN = Listed(N_("Responsibility chain as frozen at the assignment"), "chain", (
    (N_("Unit"), "{{ row.unit }}", 34), (N_("Link"), "{{ row.link }}", 24), (N_("Role"), "{{ row.role }}", 16),
    (N_("Person"), "{{ row.name }}", 26),
))
_INSTRUCTIONS = Listed(N_("Comments and instructions of leaders"), "instructions", (
    (N_("Kind"), "{{ row.kind }}", 14), (N_("Text"), "{{ row.text }}", 44),
    (N_("Leader"), "{{ row.by }}\n{{ row.acting_for }}", 18), (N_("Date"), "{{ row.on }}\n{{ row.how }}", 24),
))
_HANDOVERS = Listed(N_("Hand-overs"), "handovers", (
    (N_("Leg"), "{{ row.leg }}", 34), (N_("At"), "{{ row.at }}", 24), (N_("By"), "{{ row.by }} {{ row.role }}", 22),
    (N_("Handed to"), "{{ row.to }}", 20),
))
_EXPLANATIONS = Listed(N_("Situation explanations"), "explanations", (
    (N_("Kind of explanation"), "{{ row.kind }}", 24), (N_("Text"), "{{ row.text }}", 54),
    (N_("At"), "{{ row.at }}", 22),
))
_INFORMED = (
    pair(N_("Appellant informed at"), "{{ informed_at }}", N_("Informed by"), "{{ informed_how }}"),
    pair(N_("Appellant's reaction"), "{{ reaction }}", N_("Finished"), "{{ finished }}"),
)

LAYOUTS: Mapping[str, Layout] = {
    "registration_form": Layout(
        N_("Voice of the People Express: registration form"),
        ((N_("Number"), "{{ number }}"), (N_("Registered at"), "{{ registered_at }}")),
        (
            (
                pair(N_("Class"), "{{ channel_class }}", N_("Channel"), "{{ channel }}"),
                pair(N_("Received at"), "{{ received_at }}", N_("Submitted at"), "{{ submitted_at }}"),
                *_APPELLANT,
                pair(N_("Place"), "{{ place }}", N_("Category"), "{{ category }}"),
                pair(N_("Nature"), "{{ nature }}", N_("Urgency"), "{{ urgency }}"),
                *_TEXT,
                tall(N_("Details of the channel"), "{{ details }}", 1.2),
                pair(N_("Kind and limit"), "{{ limit }}", N_("Limit until"), "{{ due_at }}"),
                pair(N_("Lead unit"), "{{ unit }}", N_("Co-handling units"), "{{ co_units }}"),
                tall(N_("Proposed opinion"), "{{ opinion }}"),
                tall(N_("Result"), "{{ result }}", 2.8),
                *_INFORMED,
                tall(N_("Note"), "{{ note }}", 1.6),
                pair(N_("Merged with it"), "{{ merged_numbers }}", N_("Main appeal"), "{{ main_number }}"),
            ),
            _UNITS, _CHAIN, _INSTRUCTIONS, _HANDOVERS, _EXPLANATIONS,
        ),
        (N_("Registrar"), N_("Duty director"), N_("Date")),
    ),
    "slip": Layout(
        N_("Voice of the People Express: processing slip"),
        ((N_("Slip"), "{{ slip_number }}"), (N_("Appeal"), "{{ number }}")),
        (
            (
                pair(N_("Matching section"), "{{ section }}", N_("Portfolio line"), "{{ line }}"),
                pair(N_("Vice mayor in charge"), "{{ vice_mayor }}", N_("Deputy secretary-general"), "{{ deputy }}"),
                pair(N_("Channel"), "{{ channel }}", N_("Received at"), "{{ received_at }}"),
                *_TEXT,
                pair(N_("Place"), "{{ place }}", N_("Category"), "{{ category }}"),
                tall(N_("Proposed opinion"), "{{ opinion }}\n{{ opinion_by }}　{{ opinion_at }}", 2.6),
                tall(
                    N_("Instruction"),
                    "{%p for row in instructions %}\n{{ row.text }}\n{{ row.by }}　{{ row.on }}　{{ row.how }}"
                    "\n{%p endfor %}",
                    3.6,
                ),
                tall(N_("Remark"), "{{ remark }}", 1.2),
                pair(N_("Carried out at"), "{{ fulfilled_at }}", N_("Taken note of"), "{{ noted_by }} {{ noted_at }}"),
            ),
            _HANDOVERS,
        ),
        (N_("Matching section"), N_("Deputy secretary-general"), N_("Vice mayor in charge")),
    ),
    "hand_over_sheet": Layout(
        N_("Hand-over sheet of processing slips"),
        ((N_("Number"), "{{ sheet_number }}"), (N_("Matching section"), "{{ section }}"),
         (N_("Day"), "{{ made_on }}")),
        (
            Listed("", "slips", (
                (N_("No."), "{{ row.no }}", 5), (N_("Code"), "{{ row.qr }}", 12),
                (N_("Slip"), "{{ row.slip_number }}\n{{ row.number }}", 18), (N_("Subject"), "{{ row.subject }}", 20),
                (N_("Carried"), "{{ row.carried_by }}\n{{ row.carried_at }}\n{{ row.carried_to }}", 15),
                (N_("Delivered"), "{{ row.delivered_by }}\n{{ row.delivered_at }}\n{{ row.delivered_to }}", 15),
                (N_("Fetched back"), "{{ row.fetched_by }}\n{{ row.fetched_at }}", 15),
            ), always=True),
        ),
        (N_("Who hands over"), N_("Who takes over"), N_("Date")),
        across=True, code=False,
    ),
    "result": Layout(
        N_("Voice of the People Express: result of handling"),
        ((N_("Number"), "{{ number }}"), (N_("Day"), "{{ printed_on }}")),
        (
            (
                pair(N_("Lead unit"), "{{ unit }}", N_("Co-handling units"), "{{ co_units }}"),
                pair(N_("Received at"), "{{ received_at }}", N_("Limit until"), "{{ due_at }}"),
                *_TEXT,
                tall(N_("Result"), "{{ result }}", 5.0),
                *_INFORMED,
                tall(N_("Note"), "{{ note }}", 1.6),
            ),
            Listed(N_("Feedback of each unit"), "units", (
                (N_("Unit"), "{{ row.name }}\n{{ row.part }}", 24), (N_("Feedback"), "{{ row.feedback }}", 54),
                (N_("Answered at"), "{{ row.answered_at }}\n{{ row.finished }}", 22),
            )),
            _EXPLANATIONS,
            Listed(N_("Call-backs"), "call_backs", (
                (N_("At"), "{{ row.at }}", 22), (N_("Reached"), "{{ row.reached }}", 14),
                (N_("Solved"), "{{ row.solved }}", 14), (N_("Satisfied"), "{{ row.satisfied }}", 14),
                (N_("Remark"), "{{ row.remark }}", 36),
            )),
        ),
        (N_("Handled by"), N_("Head of the unit"), N_("Date")),
    ),
    "decision": Layout(
        N_("Voice of the People Express: decision on a request"),
        ((N_("Number"), "{{ number }}"), (N_("Day"), "{{ printed_on }}")),
        (
            (
                pair(N_("What was asked for"), "{{ asked_for }}", N_("Unit"), "{{ asking_unit }}"),
                pair(N_("Asked by"), "{{ asked_by }}", N_("Asked at"), "{{ asked_at }}"),
                pair(N_("Subject"), "{{ subject }}"),
                tall(N_("Reason"), "{{ reason }}", 3.0),
                tall(N_("Legal basis"), "{{ legal_basis }}", 1.4),
                pair(N_("Unit proposed instead"), "{{ proposed_unit }}",
                     N_("How much was asked for"), "{{ asked_amount }}"),
                pair(N_("Decision"), "{{ outcome }}", N_("How much was granted"), "{{ granted_amount }}"),
                tall(N_("Reason of the decision"), "{{ decision }}", 3.0),
                pair(N_("Decided by"), "{{ decided_by }}", N_("Decided at"), "{{ decided_at }}"),
                pair(N_("Limit until"), "{{ due_at }}"),
            ),
        ),
        (N_("Duty director"), N_("Date")),
    ),
    "non_acceptance": Layout(
        N_("Notice of non-acceptance"),
        ((N_("Number"), "{{ number }}"), (N_("Day"), "{{ printed_on }}")),
        (
            N_("{{ appellant_name }}:"),
            N_("Your appeal “{{ subject }}”, which reached us on {{ received_at }}, does not fall within what the "
               "Voice of the People Express handles and is not accepted."),
            N_("Reason: {{ result }}"),
            When("lawful_route", N_("You may pursue it by this lawful route: {{ lawful_route }}.")),
            When("informed_at", N_("You were told on {{ informed_at }} ({{ informed_how }}).")),
        ),
        (OFFICE, N_("Date")),
    ),
    "cover": Layout(
        N_("Voice of the People Express: file"),
        ((N_("Number"), "{{ number }}"), (N_("Retention class"), "{{ retention }}")),
        (
            (
                pair(N_("Subject"), "{{ subject }}"),
                pair(N_("Class"), "{{ channel_class }}", N_("Category"), "{{ category }}"),
                pair(N_("Received at"), "{{ received_at }}", N_("Registered at"), "{{ registered_at }}"),
                pair(N_("Lead unit"), "{{ unit }}", N_("Co-handling units"), "{{ co_units }}"),
                pair(N_("Way of handling"), "{{ handling }}", N_("Finished"), "{{ finished }}"),
                pair(N_("Struck off at"), "{{ closed_at }}", N_("Archived at"), "{{ archived_at }}"),
                pair(N_("Merged with it"), "{{ merged_numbers }}", N_("Main appeal"), "{{ main_number }}"),
                tall(N_("Result"), "{{ result }}", 4.0),
                tall(N_("Note"), "{{ note }}", 1.6),
                pair(N_("Digest of the file"), "{{ seal }}"),
            ),
        ),
        (N_("Ledger administrator"), N_("Date")),
    ),
}
# fmt: on


def built_in(kind: str, t: Translate) -> bytes:
    """The template of a kind that comes with the product, in the language of `t`; always the same bytes."""
    layout = LAYOUTS[kind]
    return _built(kind, tuple(text if text in ("", OFFICE) else t(text) for text in _texts(layout)))


def _texts(layout: Layout) -> list[str]:
    """Every text of a layout that is translated, in order."""
    found = [COLON, layout.title, *(label for label, _value in layout.meta), *layout.signs]
    for part in layout.parts:
        if isinstance(part, When):
            found.append(part.text)
        elif isinstance(part, str):
            found.append(part)
        elif isinstance(part, Listed):
            found += [part.title, *(head for head, _value, _width in part.columns)]
        else:
            found += [label for line in part for label, _value in line.pairs]
    return found


@lru_cache(maxsize=32)
def _built(kind: str, translated: tuple[str, ...]) -> bytes:
    layout = LAYOUTS[kind]
    words = dict(zip(_texts(layout), translated, strict=True))
    return _Builder(layout, lambda text: words[text] if text else "").content(KINDS[kind].title)


class _Builder:
    """One template on its way: paragraphs and tables in the look of an official form."""

    def __init__(self, layout: Layout, t: Callable[[str], str]) -> None:
        self.layout, self.t = layout, t
        self.made = docx.Document()
        self.width = _ACROSS if layout.across else _WIDE

    def content(self, title: str) -> bytes:
        """The finished template."""
        layout, made = self.layout, self.made
        self._page()
        core = made.core_properties
        core.title, core.author, core.comments, core.last_modified_by = title, "", "", ""
        core.created = core.modified = _MADE_ON
        core.revision = 1
        self._says("{{ sample_mark }}", size=9, align=ALIGN.RIGHT)
        self._says(self.t(layout.title), font=TITLE_FONT, size=20, align=ALIGN.CENTER, after=8)
        self._meta()
        for part in layout.parts:
            if isinstance(part, When):
                self._says(_tag("p if", part.name), size=2)
                self._says(self.t(part.text), size=15, after=6, indent=True, line=1.6)
                self._says(_tag("p endif"), size=2)
            elif isinstance(part, str):
                self._says(self.t(part), size=15, after=6, indent=part != layout.parts[0], line=1.6)
            elif isinstance(part, Listed):
                self._listed(part)
            else:
                self._form(part)
        self._signs()
        page_number(made.sections[0])
        with_fallbacks(made)
        out = io.BytesIO()
        made.save(out)
        return timeless(out.getvalue())

    def _page(self) -> None:
        section = self.made.sections[0]
        section.page_width, section.page_height = Cm(21.0), Cm(29.7)
        if self.layout.across:
            section.orientation = WD_ORIENT.LANDSCAPE
            section.page_width, section.page_height = Cm(29.7), Cm(21.0)
        section.left_margin, section.right_margin = (Cm(2.0), Cm(2.0)) if self.layout.across else (Cm(2.4), Cm(2.0))
        section.top_margin = section.bottom_margin = Cm(1.8)
        everywhere(self.made, _SIZE)

    def _says(
        self,
        said: str,
        *,
        font: str = BODY_FONT,
        size: float = _SIZE,
        align: Any = ALIGN.LEFT,
        after: float = 0,
        indent: bool = False,
        line: float = 0,
    ) -> Any:
        made = self.made.add_paragraph()
        paragraph(made, said, font, size, align, after=after)
        if indent:
            made.paragraph_format.first_line_indent = Pt(size * 2)
        if line:
            made.paragraph_format.line_spacing = line
        return made

    def _meta(self) -> None:
        """Number and date in a line, the code for the scanner at its end."""
        columns = [*self.layout.meta] + ([("", "{{ qr }}")] if self.layout.code else [])
        room = self.width - (_CODE if self.layout.code else 0)
        widths = [room / len(self.layout.meta)] * len(self.layout.meta) + ([_CODE] if self.layout.code else [])
        table = self._table(1, widths, "Normal Table")
        for number, (label, value) in enumerate(columns):
            cell = table.rows[0].cells[number]
            cell.vertical_alignment = VERTICAL.BOTTOM
            last = number == len(columns) - 1 and number > 0
            said = f"{self.t(label)}{self.t(COLON)}{value}" if label else value
            paragraph(cell.paragraphs[0], said, BODY_FONT, 12, ALIGN.RIGHT if last else ALIGN.LEFT, after=3)

    def _table(self, rows: int, widths: Sequence[float], style: str = "Table Grid") -> Any:
        table = self.made.add_table(rows=rows, cols=len(widths), style=style)
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Cm(width)
        for row in table.rows:
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = Cm(width)
        return table

    def _form(self, lines: tuple[Line, ...]) -> None:
        value = self.width / 2 - _LABEL
        table = self._table(len(lines), [_LABEL, value, _LABEL, value])
        for row, line in zip(table.rows, lines, strict=True):
            row.height, row.height_rule = Cm(line.height), WD_ROW_HEIGHT_RULE.AT_LEAST
            cells = row.cells
            if len(line.pairs) == 1:
                cells = [cells[0], cells[1].merge(cells[3])]
            for number, (label, said) in enumerate(line.pairs):
                self._cell(cells[2 * number], self.t(label), head=True)
                self._cell(cells[2 * number + 1], said, top=line.top)
        self._says("", size=4)

    def _listed(self, part: Listed) -> None:
        """Shown only with rows: a tag in a paragraph of its own leaves out all up to its end."""
        if not part.always:
            self._says(_tag("p if", part.over), size=2)
        if part.title:
            title = self._says(self.t(part.title), font=HEAD_FONT, size=12, after=3)
            title.paragraph_format.keep_with_next = True
        shares = sum(width for _head, _said, width in part.columns)
        table = self._table(4, [self.width * width / shares for _head, _said, width in part.columns])
        head, before, row, after = table.rows
        head._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
        paragraph(before.cells[0].paragraphs[0], _tag("tr for row in", part.over), BODY_FONT, 4)
        paragraph(after.cells[0].paragraphs[0], _tag("tr endfor"), BODY_FONT, 4)
        for number, (label, said, _width) in enumerate(part.columns):
            self._cell(head.cells[number], self.t(label), head=True)
            self._cell(row.cells[number], said, size=10)
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        self._says("", size=4)
        if not part.always:
            self._says(_tag("p endif"), size=2)

    def _cell(self, cell: Any, said: str, *, head: bool = False, top: bool = False, size: float = _SIZE) -> None:
        cell.vertical_alignment = VERTICAL.TOP if top else VERTICAL.CENTER
        first, *others = said.split("\n")
        font, align = (HEAD_FONT, ALIGN.CENTER) if head else (BODY_FONT, ALIGN.LEFT)
        paragraph(cell.paragraphs[0], first, font, size, align)
        for line in others:
            paragraph(cell.add_paragraph(), line, font, size, align)

    def _signs(self) -> None:
        if not self.layout.signs:
            return
        count = len(self.layout.signs)
        self._says("", size=6)
        table = self._table(1, [self.width / count] * count, "Normal Table")
        for cell, sign in zip(table.rows[0].cells, self.layout.signs, strict=True):
            said = OFFICE if sign == OFFICE else f"{self.t(sign)}{self.t(COLON)}____________"
            paragraph(cell.paragraphs[0], said, BODY_FONT, 11)
        table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _tag(*words: str) -> str:
    return "{%" + " ".join(words) + " %}"
