"""`make bench`: ratios against raw SQL and raw libraries with the milliseconds beside them; no time fails it.

    python -m benchmarks [desk] [action] [similar] [workbook] [import] [coverage] [numbering] [--appeals N] [--plans]
    python -m benchmarks sheet-export sheet-import [--rows N]
    python -m benchmarks grid --appeals 1000000 [--plans] [--office FOLDER]
    python -m benchmarks grid-frames
    python -m benchmarks field-change --appeals 1000000
    python -m benchmarks categories PATH.xlsx [--text COLUMN] [--category COLUMN] [--subject COLUMN]

`coverage` computes who acts for many posts over a year, without a database.
`grid` asks the spreadsheet of N appeals through gunicorn, beside raw SQL and a bare WSGI application; with `--office`
the folder stays, and is filled once.
`grid-frames` scrolls the ledger's page through a million rows in Chromium and prints script time per frame.
`field-change` makes a text of N appeals a number, with an index, while others read and write.
`sheet-export` writes a view of the ledger into a workbook, `sheet-import` a workbook into a sheet made at run time.
`numbering` lets 16 writers number 10,000 appeals at once and looks for gaps and doubles.
`action` does one step on an appeal among N, `similar` finds what is like one and what is suggested for it.
`desk` measures the desk and the overdue-case report in an office of its own with N appeals (100,000).
`--plans` keeps the plans of the reference SQL in files beside it.
`categories` cross-validates the suggestion of the first-level category on a labelled workbook; it needs no database.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

PARTS = ("desk", "action", "similar", "workbook", "import", "coverage", "numbering", "sheet-export",
         "sheet-import", "grid", "grid-frames", "field-change")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that were named, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="|".join((*PARTS, "categories PATH")))
    parser.add_argument("--text", default="留言详情", help="the column of the text (categories)")
    parser.add_argument("--category", default="一级分类", help="the column of the category (categories)")
    parser.add_argument("--subject", default="留言主题", help="the column of the subject, if there is one (categories)")
    parser.add_argument("--appeals", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the workbooks")
    parser.add_argument("--posts", type=int, default=500, help="posts whose coverage is computed")
    parser.add_argument("--days", type=int, default=365, help="and for how many days")
    parser.add_argument("--writers", type=int, default=16, help="who number at once")
    parser.add_argument("--numbers", type=int, default=10_000, help="appeals they number")
    parser.add_argument("--office", type=Path, help="a folder to keep the office of `grid` in")
    parser.add_argument("--plans", action="store_true", help="keep the plans in benchmarks/*.plan")
    chosen = parser.parse_args(arguments)
    workbook = chosen.parts[1] if chosen.parts[:1] == ["categories"] and len(chosen.parts) == 2 else None
    if workbook is None and (unknown := [part for part in chosen.parts if part not in PARTS]):
        parser.error(f"{unknown[0]} is none of {', '.join(PARTS)} and categories PATH.xlsx")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    if workbook is not None:
        bench_categories(Path(workbook), chosen)
        return 0
    run: dict[str, Callable[[argparse.Namespace], None]] = {
        "desk": bench_pages,
        "action": bench_action,
        "similar": bench_similar,
        "workbook": bench_workbook,
        "import": bench_import,
        "coverage": bench_coverage,
        "numbering": bench_numbering,
        "sheet-export": bench_sheet_export,
        "sheet-import": bench_sheet_import,
        "grid": bench_grid,
        "grid-frames": bench_grid_frames,
        "field-change": bench_field_change,
    }
    for part in chosen.parts or PARTS:
        run[part](chosen)
    return 0


def bench_pages(chosen: argparse.Namespace) -> None:
    """The desk and the overdue-case report; the plan of the reference beside each."""
    from benchmarks import office, pages

    with office.opened() as opened:
        seconds = opened.fill(chosen.appeals)
        print(f"\n{chosen.appeals:,} appeals with their clocks made in {seconds:.0f} s")
        for comparison in pages.compare(opened):
            print(f"\n{comparison.title}")
            for name, times in comparison.times.items():
                print(f"  {name:10} {times}   {comparison.ratio(name):6.2f} × raw SQL")
            for plan in comparison.plans:
                print("\n".join(f"    | {line}" for line in plan.splitlines()))
            if chosen.plans:
                path = Path(__file__).with_name(comparison.reference).with_suffix(".plan")
                head = f"-- {comparison.reference} at {chosen.appeals:,} appeals\n\n"
                path.write_text(head + "\n\n".join(comparison.plans) + "\n", "utf-8")


def bench_action(chosen: argparse.Namespace) -> None:
    """One step on an appeal against the same rows by hand."""
    from benchmarks import action, office

    with office.opened() as opened:
        seconds = opened.fill(chosen.appeals)
        print(f"\n{chosen.appeals:,} appeals with their clocks made in {seconds:.0f} s")
        times = action.compare(opened)
        print("\none step on one appeal, committed")
        for name, found in times.items():
            print(f"  {name:10} {found}   {found.median / times['raw SQL'].median:6.2f} × raw SQL")


def bench_similar(chosen: argparse.Namespace) -> None:
    """Likely duplicates and suggestions among many appeals."""
    from benchmarks import office, similar

    with office.opened() as opened:
        seconds = opened.fill(chosen.appeals)
        print(f"\n{chosen.appeals:,} appeals with their clocks made in {seconds:.0f} s")
        print("\nwhat is like an appeal, what is suggested for it")
        times = similar.compare(opened)
        for name, found in times.items():
            print(f"  {name:10} {found}   {found.median / times['raw SQL'].median:6.2f} × raw SQL")


def bench_field_change(chosen: argparse.Namespace) -> None:
    """A field of all appeals becomes of another kind while others work."""
    from benchmarks import field_change, office

    with office.opened() as opened:
        seconds = opened.fill(chosen.appeals)
        print(f"\n{chosen.appeals:,} appeals with their clocks made in {seconds:.0f} s")
        found = field_change.measure(opened, chosen.appeals)
        print(f"\ntext becomes number: {found.values:,} values, {found.lost:,} lost and kept beside, with an index")
        print(f"  asked for in {found.asked:.1f} s, changed in {found.changed:.1f} s")
        print(f"  {found.written:,} writes beside it, the longest {found.longest_write:.2f} s")
        print(f"  the first 50 of the ledger, the longest {found.longest_read:.2f} s")


def bench_workbook(chosen: argparse.Namespace) -> None:
    """A workbook of many rows against bare XlsxWriter."""
    from benchmarks import workbook

    found = workbook.compare(chosen.rows)
    print(f"\nworkbook of {found.rows:,} rows")
    print(f"  {'XlsxWriter':10} {found.raw * 1000:8,.0f} ms")
    print(f"  {'ours':10} {found.ours * 1000:8,.0f} ms   {found.ratio:6.2f} × XlsxWriter alone")
    print(f"  peak memory +{found.peak_growth_mb:.0f} MB")


def bench_import(chosen: argparse.Namespace) -> None:
    """An import against reading with python-calamine and a bare COPY."""
    from benchmarks import import_bench

    import_bench.main(chosen.rows)


def bench_coverage(chosen: argparse.Namespace) -> None:
    """Who acts for every post over a year, and every gap, beside the time this process itself worked."""
    from benchmarks import coverage

    found = coverage.measure(chosen.posts, chosen.days)
    print(f"\ncoverage of {found.posts:,} posts over {found.days:,} days, {found.rows:,} rows of the staffing table")
    median, slowest, work = (seconds * 1000 for seconds in (found.median, found.slowest, found.cpu))
    print(f"  {median:8,.0f} ms median {slowest:8,.0f} ms slowest, {work:,.0f} ms of work")
    print(f"  {found.stretches:,} stretches, {found.gaps:,} gaps")


def bench_numbering(chosen: argparse.Namespace) -> None:
    """Many writers at once; what counts is that nothing is missing and nothing exists twice."""
    from benchmarks import numbering, office

    with office.opened() as opened:
        found = numbering.measure(opened, chosen.numbers, chosen.writers)
    print(f"\n{found.writers} writers numbered {found.numbered:,} appeals in {found.seconds:.1f} s")
    for one in found.years:
        print(
            f"  {one.year}: 1 to {one.last:,}, {one.count:,} given, {len(one.missing)} missing, {len(one.twice)} twice"
        )


def bench_sheet_export(chosen: argparse.Namespace) -> None:
    """A view of the ledger as a workbook against bare XlsxWriter."""
    from benchmarks import office, sheet_files

    with office.opened() as opened:
        opened.fill(chosen.rows)
        sheet_files.show_export(opened, chosen.rows)


def bench_sheet_import(chosen: argparse.Namespace) -> None:
    """A workbook into an own sheet against reading it with python-calamine and a bare COPY."""
    from benchmarks import office, sheet_files

    with office.opened() as opened:
        sheet_files.show_import(opened, chosen.rows)


def bench_grid(chosen: argparse.Namespace) -> None:
    """Rows, groups and cells of the ledger's sheet, through the product's own server."""
    from benchmarks import grid, office

    is_new = chosen.office is None or not chosen.office.exists()
    with office.opened(chosen.office) as opened:
        if is_new:
            seconds = opened.fill(chosen.appeals)
            print(f"\n{chosen.appeals:,} appeals with their clocks made in {seconds:.0f} s")
        grid.show(opened, plans=chosen.plans)


def bench_grid_frames(_chosen: argparse.Namespace) -> None:
    """Frames of the spreadsheet while a million rows are scrolled."""
    from benchmarks import grid_frames

    grid_frames.show()


def bench_categories(path: Path, chosen: argparse.Namespace) -> None:
    """How often the first-level category of a labelled text is told right."""
    from benchmarks import categories

    categories.show(categories.validate(path, text=chosen.text, category=chosen.category, subject=chosen.subject))


if __name__ == "__main__":
    raise SystemExit(main())
