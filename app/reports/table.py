"""What a workbook says, before anybody decides how it looks: tables, charts and the words around them.

Everything here is already in the reader's language; `xlsx.render` turns a `Book` into bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

Translate = Callable[[str], str]
"""English text → the reader's language (gettext). Called with literals or with texts marked by N_."""

Kind = Literal[
    "text", "ordinal", "int", "decimal", "percent", "growth", "points", "moment", "date", "duration",
]
"""How a cell reads. percent, growth, points take percent (66.67, not 0.6667), the last two signed;
moment takes aware datetimes, duration timedeltas. A string is written as text under every kind."""

def N_(message: str) -> str:  # noqa: N802  (the name message extractors look for)
    """Marks an English text for translation where it is used, not here."""
    return message


Value = str | int | Decimal | date | datetime | timedelta | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A value that reads otherwise than its column, in a table whose rows are different measures."""

    value: Value
    kind: Kind


Cell = Value | Figure


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `width` is in half-width characters (a Chinese character takes two); without it the renderer
    measures the label and the first rows. Neighbours with the same `band` stand under one common heading.
    Columns after the first `screen_only` one are not printed."""

    key: str
    label: str
    kind: Kind = "text"
    width: int | None = None
    band: str = ""
    screen_only: bool = False


@dataclass(frozen=True, slots=True)
class ReportTable:
    """One sheet with one table. `rows` is read once, in order, and may be a generator of any length.

    `facts` stand under the title, `notes` under the table; `totals` has one cell per column, computed by the
    caller (workbooks carry no formulas). The first `frozen` columns stay when the sheet is scrolled sideways.
    """

    title: str
    columns: tuple[Column, ...]
    rows: Iterable[Sequence[Cell]]
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    totals: Sequence[Cell] | None = None
    sheet: str = ""
    frozen: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """One run of values of a chart, one per category."""

    label: str
    values: tuple[Decimal | int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A native chart and its data, which is written beside it so that every bar can be read as a number.

    bar: horizontal, for many long names, the first category on top. column: vertical, for few.
    """

    kind: Literal["bar", "column"]
    category_label: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    value_kind: Literal["int", "percent"] = "int"

    def __post_init__(self) -> None:
        for series in self.series:
            if len(series.values) != len(self.categories):
                raise ValueError(f"{series.label}: not one value per category")


@dataclass(frozen=True, slots=True)
class ChartPage:
    """One sheet with one chart, printed on one page; the title is the chart's too."""

    title: str
    chart: Chart
    facts: tuple[str, ...] = ()
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Wording:
    """The renderer's own words. Defaults are the English msgids; `wording(t)` translates them."""

    page: str = N_("Page {page} of {pages}")
    empty: str = N_("No rows.")
    day: str = N_("days")
    hour: str = N_("h")
    minute: str = N_("min")
    point: str = N_("pp")
    long_texts: str = N_("Long texts")
    long_text_rule: str = N_("Texts too long for a cell; the table has the beginning, this sheet the rest.")
    long_text_mark: str = N_("… (continued: long text {number})")
    long_text_note: str = N_("Texts continued on the sheet “{sheet}”: {count}.")
    number: str = N_("No.")
    sheet: str = N_("Sheet")
    row: str = N_("Row")
    column: str = N_("Column")
    part: str = N_("Part")
    text: str = N_("Text")


def wording(t: Translate) -> Wording:
    """The renderer's words in the language of `t`."""
    english = Wording()
    return Wording(**{field.name: t(getattr(english, field.name)) for field in fields(Wording)})


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook. `footer` is printed on every page (who exported it), `author` is one of its properties."""

    title: str
    sheets: tuple[ReportTable | ChartPage, ...]
    wording: Wording = Wording()
    footer: str = ""
    author: str = ""
