"""How well the first-level category is told from the words: a labelled workbook, cross-validated. Nothing is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from python_calamine import CalamineWorkbook

from app.rules.categorising import Example, Measured, cross_validate

FOLDS = 5


@dataclass(frozen=True)
class Validated:
    """A measurement and the time it took."""

    measured: Measured
    rows: int
    seconds: float


def examples(path: Path, text: str, category: str, subject: str) -> list[Example]:
    """The labelled rows of the first sheet. Exits with the columns there are when one named is missing."""
    head, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    names = [str(name).strip() for name in head]
    for wanted in (text, category):
        if wanted not in names:
            raise SystemExit(f"no column {wanted!r}; there are: {', '.join(names)}")
    found = []
    for row in rows:
        cells = dict(zip(names, (" ".join(str(cell).split()) for cell in row), strict=True))
        if cells[category] and cells[text]:
            found.append(Example(cells.get(subject, ""), cells[text], cells[category]))
    return found


def validate(path: Path, *, text: str, category: str, subject: str) -> Validated:
    """Five folds, the same every time; a text that stands twice is judged once."""
    known = examples(path, text, category, subject)
    start = time.perf_counter()
    return Validated(cross_validate(known, FOLDS), len(known), time.perf_counter() - start)


def show(found: Validated) -> None:
    """Print the figures."""
    measured = found.measured
    counted = f"{found.rows:,} labelled rows, {measured.n:,} different texts, {len(measured.rows)} categories"
    print(f"\n{counted}, {FOLDS} folds")
    print(f"  top-1 {measured.top_1:6.1%}   top-3 {measured.top_3:6.1%}   n {measured.n:,}   {found.seconds:.1f} s")
    print("       n  top-1   top-3   precision")
    for label, row in sorted(measured.rows.items(), key=lambda one: -one[1].n):
        share = [part / row.n if row.n else 0.0 for part in (row.first, row.third)]
        precision = f"{row.first / row.guessed:6.1%}" if row.guessed else "     –"
        print(f"  {row.n:6} {share[0]:6.1%}  {share[1]:6.1%}  {precision}     {label}")
