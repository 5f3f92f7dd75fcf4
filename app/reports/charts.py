"""Native charts of a workbook, each beside the numbers it draws."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from . import text
from .styles import ACCENT, FONT, INK, LINE, QUIET, SECOND, Styles
from .table import Chart, ChartPage, Kind

_COLOURS = (ACCENT, SECOND, "#7F8C99", "#D0A85C")
_WIDTH, _BAR = 640, 24  # pixels
_ROW_HEIGHT = 18  # points, which are 24 pixels


def place(workbook: Any, sheet: Any, page: ChartPage, *, row: int, styles: Styles) -> None:
    """Writes the chart's numbers at `row` in the first columns and the chart to their right."""
    chart = page.chart
    _numbers(sheet, chart, row, styles)
    if not chart.categories:
        return
    drawn = workbook.add_chart({"type": chart.kind})
    first, last = row + 1, row + len(chart.categories)
    for number, series in enumerate(chart.series, 1):
        colour = _COLOURS[(len(chart.series) - number) % len(_COLOURS)]  # the last series is the present one
        drawn.add_series({
            # Names by reference: a name that looks like a formula would otherwise be taken for one.
            "name": [sheet.name, row, number], "name_data": [series.label],
            "categories": [sheet.name, first, 0, last, 0],
            "categories_data": [text.clean(category) for category in chart.categories],
            "values": [sheet.name, first, number, last, number],
            "values_data": [_number(value, chart) for value in series.values],
            "fill": {"color": colour}, "border": {"none": True}, "gap": 60,
            "data_labels": {"value": True, "num_format": _label_format(chart), "font": _font(9)},
        })
    _axes(drawn, chart)
    drawn.set_title({
        "name": [sheet.name, 0, 0], "data": [text.clean(page.title)], "name_font": _font(12, bold=True),
    })
    drawn.set_legend({"none": True} if len(chart.series) == 1 else {"position": "top", "font": _font(9)})
    drawn.set_chartarea({"border": {"color": LINE}})
    drawn.set_size({"width": _WIDTH, "height": height(chart)})
    sheet.insert_chart(row, len(chart.series) + 2, drawn, {"object_position": 3})


def _numbers(sheet: Any, chart: Chart, row: int, styles: Styles) -> None:
    widest = max((text.width(category) for category in chart.categories), default=0)
    sheet.set_column(0, 0, min(max(widest, text.width(chart.category_label), 10) + 2, 40))
    sheet.set_column(1, len(chart.series), 16)
    sheet.set_column(len(chart.series) + 1, len(chart.series) + 1, 2)
    sheet.set_row(row, _ROW_HEIGHT)
    heads = (chart.category_label, *(series.label for series in chart.series))
    for number, label in enumerate(heads):
        sheet.write_string(row, number, text.clean(label), styles.of("header"))
    kind: Kind = chart.value_kind
    for offset, category in enumerate(chart.categories):
        sheet.set_row(row + 1 + offset, _ROW_HEIGHT)
        sheet.write_string(row + 1 + offset, 0, text.clean(category), styles.of("body", "text"))
        for number, series in enumerate(chart.series, 1):
            value = _number(series.values[offset], chart)
            sheet.write_number(row + 1 + offset, number, value, styles.of("body", kind))


def _axes(drawn: Any, chart: Chart) -> None:
    percent = chart.value_kind == "percent"
    names = {"num_font": _font(9), "line": {"color": QUIET}, "major_tick_mark": "none"}
    values = {
        "num_font": _font(9), "line": {"none": True}, "num_format": "0%" if percent else "#,##0",
        "major_gridlines": {"visible": True, "line": {"color": LINE}},
        "min": 0, **({"max": 1} if percent else {}),
    }
    if chart.kind == "bar":
        # Categories go up from the origin unless reversed, which would carry the values to the top.
        drawn.set_y_axis(names | {"reverse": True})
        drawn.set_x_axis(values | {"label_position": "high"})
    else:
        drawn.set_x_axis(names)
        drawn.set_y_axis(values)


def height(chart: Chart) -> int:
    """How tall the chart is, in pixels."""
    if chart.kind == "column":
        return 360
    return max(300, 110 + _BAR * len(chart.categories) * max(1, len(chart.series)))


def _number(value: Decimal | int, chart: Chart) -> float:
    return float(Decimal(value) / 100) if chart.value_kind == "percent" else float(value)


def _label_format(chart: Chart) -> str:
    return "0.00%" if chart.value_kind == "percent" else "#,##0"


def _font(size: int, *, bold: bool = False) -> dict[str, Any]:
    return {"name": FONT, "size": size, "bold": bold, "color": INK}
