"""The file itself: the same bytes every time, nothing live in it, nothing lost."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from app.reports import xlsx
from app.reports.table import Book, Cell, Chart, ChartPage, Column, Figure, ReportTable, Series, Wording
from app.rules.errors import Invalid
from tests.reports.opened import Opened, opened, rendered
from tests.reports.samples import AS_OF, ZONE

STARTS = ("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "'=", "{=")
BODIES = (
    "1+1", 'cmd|"/C calc"!A0', "SUM(A1:A9)", 'HYPERLINK("http://example.org","x")', 'DDE("a";"b";"c")',
    "'x'!A1",
    "Sheet1!$A$1", '"1"&"2"', "WEBSERVICE(A1)", "1e5", "TRUE", "A1}", "0x1F", "", "九江市", "@SUM(1,1)",
)
LINKS = (
    "http://example.org", "https://example.org/?a=b", "ftp://example.org", "mailto:a@example.org",
    "internal:Sheet1!A1", "external:\\\\host\\c$", "file:///etc/hosts", "Sheet1!A1",
)
PAYLOADS = (*(start + body for start in STARTS for body in BODIES),
            *LINKS, *(" " + link for link in LINKS),
            "1234", "110101199001011234", "1e5", "TRUE", "#REF!", "1/2", "2026-10-08", "0012", "-5", "50%",
            *(f"{number}{link}" for number, link in enumerate(LINKS)), *(f"={link}" for link in LINKS),
            "=", "@")
NAME = Column("name", "名称")


def table(
    *rows: tuple[Cell, ...], columns: tuple[Column, ...] = (NAME,), title: str = "示例表",
) -> ReportTable:
    return ReportTable(title, columns, rows)


def stream(count: int) -> Iterator[tuple[Cell, ...]]:
    for number in range(count):
        yield (f"第{number}件", number, Decimal("66.67"), AS_OF - timedelta(hours=number))


LONG = (NAME, Column("n", "件数", "int"), Column("rate", "比率", "percent"), Column("at", "时间", "moment"))


@pytest.mark.parametrize("rows", [40, xlsx.LARGE + 7])
def test_the_same_book_gives_the_same_bytes(rows: int) -> None:
    first, second = (
        rendered(Book("示例", (ReportTable("示例表", LONG, stream(rows)), chart_page()))) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("rows", [40, xlsx.LARGE + 7])
def test_nothing_in_the_file_remembers_when_it_was_made(rows: int) -> None:
    file = opened(ReportTable("示例表", LONG, stream(rows)))
    assert {info.date_time[0] for info in file.infos} == {1980}
    assert file.parts["docProps/core.xml"].count("2026-10-08T01:30:00Z") == 2


def test_the_moment_of_creation_is_written_in_utc() -> None:
    local = Opened(rendered(Book("示例", (table(),)), created_at=AS_OF.astimezone(ZONE)))
    assert local.parts["docProps/core.xml"].count("2026-10-08T01:30:00Z") == 2


def test_it_refuses_a_moment_without_a_zone() -> None:
    naive = datetime(2026, 10, 8)
    with pytest.raises(ValueError, match="time zone"):
        rendered(Book("示例", (table(),)), created_at=naive)
    with pytest.raises(ValueError, match="time zone"):
        opened(table((naive,), columns=(Column("at", "时间", "moment"),)))


@pytest.mark.parametrize("rows", [0, xlsx.LARGE])
def test_no_payload_becomes_a_formula_or_a_link(rows: int) -> None:
    assert len(PAYLOADS) >= 200
    live = ReportTable(
        "=1+1", (Column("a", "=1+1"), Column("b", "=HYPERLINK(1)", "int", band="=2")),
        [(payload, payload) for payload in PAYLOADS] + [("x", "y")] * rows,
        facts=PAYLOADS[:3], notes=PAYLOADS[:3], totals=("=SUM(A1)", "=1"),
    )
    name = "=Sheet1!$A$1"
    page = ChartPage(name, Chart("column", name, PAYLOADS[:2], (Series(name, (1, 2)),)))
    file = opened(live, page, footer="=1+1")
    for part in file.parts:
        assert "externalLink" not in part
        if part.startswith("xl/worksheets/sheet"):
            tags = {element.tag.rpartition("}")[2] for element in file.tree(part).iter()}
            assert not tags & {"f", "hyperlink", "hyperlinks", "oleObjects", "controls"}
        if part.endswith(".rels"):
            assert "hyperlink" not in file.parts[part]
            assert "External" not in file.parts[part]
    expected = [payload.replace("\r", "\n") for payload in PAYLOADS]
    first = 7  # under title, three facts, a gap and two rows of heads
    shown = file.cells("=1+1")
    for letter in "AB":
        assert [shown[f"{letter}{row}"] for row in range(first + 1, first + 1 + len(PAYLOADS))] == expected


@pytest.mark.parametrize("kind", ["text", "int"])
def test_every_text_keeps_the_format_of_text(kind: str) -> None:
    column = Column("id", "证件", "int" if kind == "int" else "text")
    file = opened(table(("110101199001011234",), ("=1+1",), columns=(column,)))
    assert file.column("示例表", "A")[-2:] == ["110101199001011234", "=1+1"]
    assert file.number_format("示例表", "A4") == file.number_format("示例表", "A5") == "@"
    assert 'numberStoredAsText="1"' in file.sheet("示例表")


def test_a_whole_number_too_long_for_a_spreadsheet_stays_exact() -> None:
    file = opened(table((110101199001011234,), (99_999_999_999,), columns=(Column("n", "数", "int"),)))
    assert file.column("示例表", "A")[-2:] == ["110101199001011234", "99999999999"]
    assert file.number_format("示例表", "A4") == "@"
    assert file.number_format("示例表", "A5") == "#,##0_ "


@pytest.mark.parametrize(("kind", "value", "stored", "number_format"), [
    ("int", 1234, "1234", "#,##0_ "),
    ("decimal", Decimal("6.42"), "6.42", "#,##0.00_ "),
    ("percent", Decimal("66.67"), "0.6667", "0.00%_ "),
    ("growth", Decimal("-5.14"), "-0.0514", "+0.00%_ ;-0.00%_ ;0.00%_ "),
    ("points", Decimal("-5.14"), "-5.14", '+0.00" pp"_ ;-0.00" pp"_ ;0.00" pp"_ '),
    ("moment", datetime(2026, 10, 8, 16, 30, tzinfo=UTC), "46304.0208333", "yyyy-mm-dd hh:mm"),
    ("date", datetime(2026, 10, 8, 16, 30, tzinfo=UTC), "46304", "yyyy-mm-dd"),
    ("date", date(2026, 10, 9), "46304", "yyyy-mm-dd"),
    ("moment", date(2026, 10, 9), "46304", "yyyy-mm-dd"),
    ("duration", timedelta(days=2, hours=12), "2.5", None),
    ("int", None, "—", "#,##0_ "),
    ("percent", None, "—", "0.00%_ "),
    ("moment", None, "—", "yyyy-mm-dd hh:mm"),
    ("text", None, "", "@"),
    ("int", "", "", "@"),
    ("date", date(1899, 12, 31), "1899-12-31", "@"),
    ("moment", datetime(1850, 1, 1, tzinfo=UTC), "1850-01-01 08:05:43", "@"),
])
def test_a_cell_by_kind(kind: str, value: Cell, stored: str, number_format: str | None) -> None:
    column = Column("x", "值", kind)  # type: ignore[arg-type]
    file = opened(table((value,), columns=(column,)))
    assert file.cells("示例表")["A4"] == stored
    if number_format:
        assert file.number_format("示例表", "A4") == number_format


@settings(deadline=None)
@given(st.lists(
    st.one_of(
        st.dates(date(1900, 1, 1), date(9998, 12, 31)), st.datetimes(datetime(1900, 1, 2), datetime(9998, 12, 31)),
    ),
    min_size=20, max_size=60,
))
@example([date(1900, 2, 28), date(1900, 3, 1), date(1901, 1, 1), datetime(2026, 11, 26, 23, 59, 59)])
def test_days_are_counted_as_the_library_counts_them(values: list[date]) -> None:
    """A date or moment is written as a number: the same one that XlsxWriter writes for it."""
    own = [value.replace(tzinfo=ZONE) if isinstance(value, datetime) else value for value in values]
    ours = opened(table(*((value,) for value in own), columns=(Column("at", "时间", "moment"),)))
    theirs = BytesIO()
    with xlsxwriter.Workbook(theirs) as book:
        sheet = book.add_worksheet("示例表")
        for row, value in enumerate(values, 3):
            sheet.write_datetime(row, 0, value)
    cells, said = ours.cells("示例表"), Opened(theirs.getvalue()).cells("示例表")
    assert [cells[f"A{row}"] for row in range(4, 4 + len(values))] == list(said.values())


def test_a_figure_reads_otherwise_than_its_column() -> None:
    figures = (Figure(Decimal("50.00"), "percent"), Figure(None, "percent"), Figure("x", "int"))
    file = opened(table(*((figure,) for figure in figures)))
    assert file.column("示例表", "A")[-3:] == ["0.5", "—", "x"]
    assert file.number_format("示例表", "A4") == "0.00%_ "


@pytest.mark.parametrize("more", [0, xlsx.LARGE])
def test_a_text_longer_than_a_cell_goes_on_on_the_last_sheet(more: int) -> None:
    whole = "".join(f"{number:06d}😀" for number in range(9_000))  # 72,000 units
    rows: list[tuple[Cell, ...]] = [("短",), (whole,), (whole[::-1],)]
    rows += [("x",)] * more
    out = BytesIO()
    written = xlsx.render(
        Book("示例", (ReportTable("示例表", (NAME,), rows),)), created_at=AS_OF, zone=ZONE, out=out,
    )
    assert written == xlsx.Written(rows=3 + more, long_texts=2)
    file = Opened(out.getvalue())
    assert file.sheets == ["示例表", "Long texts"]
    cell = file.cells("示例表")["A5"]
    mark = Wording().long_text_mark.format(number=1)
    assert cell.endswith(mark)
    assert len(cell.encode("utf-16-le")) // 2 <= 32_767
    numbers, parts = file.column("Long texts", "A"), file.column("Long texts", "F")
    rest = [part for number, part in zip(numbers[2:], parts, strict=True) if number == "1"]
    assert cell.removesuffix(mark) + "".join(rest) == whole
    assert file.row("Long texts", 5)[:5] == ["1", "示例表", "5", "名称", "2"]
    assert any("Long texts" in text and "2" in text for text in file.column("示例表", "A")[-2:])


def test_a_text_that_just_fits_stays_whole() -> None:
    assert opened(table(("长" * 32_767,))).cells("示例表")["A4"] == "长" * 32_767


def test_awkward_characters_survive_or_go() -> None:
    file = opened(table(("\x00a\x0bb\r\n_x000D_ <&> \ud83d 😀 ",)))
    assert file.cells("示例表")["A4"] == "ab\n_x000D_ <&> \ufffd 😀 "


def test_sheets_with_equal_titles_are_told_apart() -> None:
    file = opened(table(title="台账/总表"), table(title="台账/总表"), replace(table(), sheet="台账 总表"))
    assert file.sheets == ["台账 总表", "台账 总表 (2)", "台账 总表 (3)"]


def test_a_table_is_set_up_for_screen_and_paper() -> None:
    columns = (NAME, Column("n", "件数", "int", width=60), Column("link", "地址", width=30, screen_only=True))
    sheet = ReportTable("2026年", columns, [("甲", 1, "/a/1")], facts=("截至",), frozen=1, notes=("注",))
    file = opened(sheet, footer="示例 & 导出")
    xml, book = file.sheet("2026年"), file.parts["xl/workbook.xml"]
    assert '<pane xSplit="1" ySplit="4" topLeftCell="B5" activePane="bottomRight" state="frozen"/>' in xml
    assert '<autoFilter ref="A4:C5"/>' in xml
    assert 'paperSize="9"' in xml
    assert 'fitToHeight="0"' in xml
    assert "&amp;L&amp;8 2026年&amp;C&amp;8 示例 &amp;&amp; 导出&amp;R&amp;8 Page &amp;P of &amp;N" in xml
    assert "'2026年'!$4:$4</definedName>" in book
    assert "'2026年'!$A$1:$B$7</definedName>" in book


def test_a_long_footer_is_cut_where_no_code_breaks() -> None:
    file = opened(table(title="&" * 31), footer="&" * 300)
    footer = file.tree("xl/worksheets/sheet1.xml").findtext(".//{*}oddFooter") or ""
    assert 0 < len(footer) <= 255
    assert footer.endswith("Page &P of &N")


def test_columns_of_a_band_stand_under_one_heading() -> None:
    columns = (NAME, Column("a", "件数", "int", band="办结"), Column("b", "比率", "percent", band="办结"),
               Column("c", "备注", band="其他"))
    file = opened(table(("甲", 1, Decimal(50), ""), columns=columns))
    assert file.row("示例表", 3) == ["", "办结", "", "其他"]
    assert file.row("示例表", 4) == ["名称", "件数", "比率", "备注"]
    assert '<mergeCell ref="B3:C3"/>' in file.sheet("示例表")
    assert "示例表!$3:$4</definedName>" in file.parts["xl/workbook.xml"]


def test_totals_stand_under_the_rows_and_outside_the_filter() -> None:
    file = opened(replace(table(("甲",), ("乙",)), totals=("合计",)))
    assert file.cells("示例表")["A6"] == "合计"
    assert '<autoFilter ref="A3:A5"/>' in file.sheet("示例表")


def test_an_empty_table_says_so() -> None:
    file = opened(table(columns=(NAME, Column("n", "件数", "int"))))
    assert file.cells("示例表")["A4"] == "No rows."
    assert "autoFilter" not in file.sheet("示例表")


def test_a_row_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        opened(table(("甲", "乙")))


def test_the_font_is_the_one_we_name_in_every_book() -> None:
    for _ in range(2):  # the second book of a process must not inherit from the first
        styles = opened(table(("甲",))).parts["xl/styles.xml"]
        assert "<scheme" not in styles.partition("<cellXfs")[0]


def test_too_many_rows_are_refused_and_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "SHEET_ROWS", 20)
    target = tmp_path / "out.xlsx"
    book = Book("示例", (ReportTable("示例表", LONG, stream(30)),))
    with pytest.raises(Invalid) as caught:
        xlsx.render(book, created_at=AS_OF, zone=ZONE, out=target)
    assert caught.value.code == "report.too-many-rows"
    assert caught.value.data["title"] == "示例表"
    assert not target.exists()


@pytest.mark.filterwarnings("error::ResourceWarning")
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_generator_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[Cell, ...]]:
        yield from stream(xlsx.LARGE + 1)
        raise RuntimeError("connection lost")

    target = tmp_path / "out.xlsx"
    book = Book("示例", (ReportTable("示例表", LONG, failing()),))
    with pytest.raises(RuntimeError, match="connection lost"):
        xlsx.render(book, created_at=AS_OF, zone=ZONE, out=target)
    gc.collect()
    assert not target.exists()


@pytest.mark.parametrize("rows", [12, xlsx.LARGE + 3])
def test_another_reader_sees_every_row(tmp_path: Path, rows: int) -> None:
    target = tmp_path / "out.xlsx"
    written = xlsx.render(
        Book("示例", (ReportTable("示例表", LONG, stream(rows)),)), created_at=AS_OF, zone=ZONE, out=target,
    )
    assert written.rows == rows
    read = CalamineWorkbook.from_path(target).get_sheet_by_name("示例表").to_python()
    assert read[2] == ["名称", "件数", "比率", "时间"]
    assert [row[0] for row in read[3:]] == [f"第{number}件" for number in range(rows)]
    assert read[4][1:] == [1, 0.6667, datetime(2026, 10, 8, 8, 30)]


def chart_page(kind: str = "bar") -> ChartPage:
    return ChartPage("按时办结率", Chart(
        "bar" if kind == "bar" else "column", "单位", ("示例甲", "示例乙"),
        (
            Series("上季度", (Decimal("50.00"), Decimal("75.50"))),
            Series("本季度", (Decimal("100.00"), Decimal(0))),
        ),
        "percent",
    ))


@pytest.mark.parametrize("more", [0, xlsx.LARGE])
@pytest.mark.parametrize("kind", ["bar", "column"])
def test_a_chart_is_native_and_carries_its_numbers(kind: str, more: int) -> None:
    file = opened(chart_page(kind), ReportTable("示例表", (NAME,), [("x",)] * more))
    assert file.row("按时办结率", 3) == ["单位", "上季度", "本季度"]
    assert file.row("按时办结率", 5) == ["示例乙", "0.755", "0"]
    chart = file.parts["xl/charts/chart1.xml"]
    assert f'<c:barDir val="{"bar" if kind == "bar" else "col"}"/>' in chart
    assert "<c:f>按时办结率!$A$4:$A$5</c:f>" in chart
    assert "<c:f>按时办结率!$C$4:$C$5</c:f>" in chart
    for cached in ("按时办结率", "示例甲", "示例乙", "上季度", "本季度", "0.755"):
        assert f"<c:v>{cached}</c:v>" in chart  # shown by readers that do not calculate


def test_a_chart_without_categories_leaves_an_empty_page() -> None:
    file = opened(ChartPage("按时办结率", Chart("bar", "单位", (), (Series("比率", ()),))))
    assert not [name for name in file.parts if "chart" in name]
    assert file.row("按时办结率", 3) == ["单位", "比率"]


def test_a_chart_refuses_values_without_categories() -> None:
    with pytest.raises(ValueError, match="one value per category"):
        Chart("bar", "单位", ("甲",), (Series("比率", (1, 2)),))
