"""Writing the seed into the database: add what is absent, leave what an administrator changed or deleted.

`seed_row` remembers what the seed wrote last. A column is written again only while it still holds that value;
a row that the seed wrote once and no longer finds was deleted and is not brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from app.models import PortfolioPlace, SeedRow
from app.services import audit, journal, personal, pinyin, present
from app.services.actors import Actor, software
from seed.reading import FOLDER, Entry, SeedError, read_seed, seed_fingerprint
from seed.sheets import CHAIN, HOLDINGS, PEOPLE, SHEETS, Sheet

__all__ = ["HOLDINGS_FROM", "Counts", "SeedError", "Summary", "load_seed", "seed_fingerprint"]

# The annex names no date from which its people hold their posts; every appeal is younger than this one.
HOLDINGS_FROM = date(2010, 1, 1)
# The files whose rows others refer to by code.
REFERRED = tuple(sheet for sheet in SHEETS if any(sheet.file in other.references.values() for other in SHEETS))
# Files that say who stands somewhere, which is kept in time.
HELD = (HOLDINGS, CHAIN)
_LOCK = 0x5EED


@dataclass
class Counts:
    """What became of the rows of one file; a kept row differs from it because an administrator said so."""

    inserted: int = 0
    updated: int = 0
    kept: int = 0
    unchanged: int = 0


@dataclass
class Summary:
    """The outcome of one load, by file."""

    files: dict[str, Counts] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return any(counts.inserted or counts.updated for counts in self.files.values())

    def __str__(self) -> str:
        return "\n".join(
            f"{file}: {c.inserted} inserted, {c.updated} updated, {c.kept} kept, {c.unchanged} unchanged"
            for file, c in self.files.items()
        )


def load_seed(session: Session, *, today: date | None = None, folder: Path = FOLDER) -> Summary:
    """Bring the database up to the seed files, within the caller's transaction (the application's session).

    The caller commits. From `today` (local, the present day by default) a changed holder holds a post. Raises
    SeedError, naming file, row and field; nothing is to be committed then.
    """
    seed = read_seed(folder)
    # Two processes that start at once must not both find a row absent; the lock ends with the transaction.
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    load = _Load(session, software("seed"), today or present.today())
    for sheet in REFERRED:
        load.look_up(sheet)
    load.read_places()
    for sheet in SHEETS:
        load.sheet(sheet, seed[sheet.file])
    load.finish()
    return load.summary


@dataclass
class _Load:
    """One load: the ids and codes of what is referred to, and the references that have to wait."""

    session: Session
    actor: Actor
    today: date
    summary: Summary = field(default_factory=Summary)
    ids: dict[str, dict[str, int]] = field(default_factory=dict)
    codes: dict[str, dict[int, str]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    waiting: list[Callable[[], None]] = field(default_factory=list)
    placed: dict[tuple[str, int], list[PortfolioPlace]] = field(default_factory=dict)

    def sheet(self, sheet: Sheet, entries: tuple[Entry, ...]) -> None:
        """Write one file; what refers to a row of a later file is completed by `finish`."""
        counts = self.summary.files.setdefault(sheet.file, Counts())
        seeded = {row.key: row for row in self.session.scalars(select(SeedRow).where(SeedRow.file == sheet.file))}
        write = self._held if sheet in HELD else self._rows
        write(sheet, entries, seeded, counts)
        self.session.flush()
        self.written.add(sheet.file)
        if sheet in REFERRED:
            self.look_up(sheet)

    def look_up(self, sheet: Sheet) -> None:
        """Read the ids and codes of a table that others refer to, the administrator's rows included."""
        table = sheet.model.__table__
        rows = self.session.execute(select(table.c.code, table.c.id)).all()
        self.ids[sheet.file] = {row.code: row.id for row in rows}
        self.codes[sheet.file] = {row.id: row.code for row in rows}

    def finish(self) -> None:
        """Fill in references to rows that were written later, and leave a trace of the load."""
        for fill in self.waiting:
            fill()
        if self.summary.changed:
            detail = {
                file: {"inserted": counts.inserted, "updated": counts.updated, "kept": counts.kept}
                for file, counts in self.summary.files.items()
                if counts.inserted or counts.updated
            }
            audit.record(self.actor, "seed.loaded", detail=detail)
        self.session.flush()

    # --- rows with a natural key of their own ---

    def _rows(
        self, sheet: Sheet, entries: tuple[Entry, ...], seeded: dict[str, SeedRow], counts: Counts
    ) -> None:
        existing = self._existing(sheet)
        for entry in entries:
            row, last = existing.get(entry.key), seeded.get(entry.key)
            if row is None and last is None:
                self._insert(sheet, entry)
                counts.inserted += 1
            elif row is None or last is None:
                # Deleted by an administrator, or entered by one under the same code: his either way.
                counts.kept += 1
            else:
                self._update(sheet, entry, row, last, counts)
        self.session.flush()

    def _insert(self, sheet: Sheet, entry: Entry) -> None:
        row = sheet.model()
        for column, value in entry.values.items():
            self._put(sheet, entry, row, column, value)
        self.session.add(row)
        written = self._remembered(sheet, entry.values)
        self.session.add(SeedRow(file=sheet.file, key=entry.key, values=written))
        self.session.flush()
        self._journal("create", row, {}, written)

    def _update(self, sheet: Sheet, entry: Entry, row: Any, last: SeedRow, counts: Counts) -> None:
        wanted = self._remembered(sheet, entry.values)
        found = self._remembered(sheet, self._values_of(sheet, row, entry.values))
        stale = [column for column in wanted if found[column] != wanted[column]]
        ours = [column for column in stale if _is_ours(last, column, found[column])]
        if ours:
            for column in ours:
                self._put(sheet, entry, row, column, entry.values[column])
            last.values = {**last.values, **{column: wanted[column] for column in ours}}
            self._journal("edit", row, {c: found[c] for c in ours}, {c: wanted[c] for c in ours})
        counts.updated += bool(ours)
        counts.kept += bool(len(stale) > len(ours))
        counts.unchanged += not stale

    def _existing(self, sheet: Sheet) -> dict[str, Any]:
        rows = self.session.scalars(select(sheet.model)).all()
        return {sheet.key_of(self._values_of(sheet, row, sheet.key)): row for row in rows}

    def _values_of(self, sheet: Sheet, row: Any, columns: Any) -> dict[str, Any]:
        """The row as the file would write it."""
        return {column: self._get(sheet, row, column) for column in columns}

    def _get(self, sheet: Sheet, row: Any, column: str) -> Any:
        file = sheet.references.get(column)
        if column in sheet.places:
            stands = self._stands(sheet.places[column], row.id)
            return self.codes[sheet.references[column]].get(_placed_id(stands)) if stands else None
        if file is not None:
            return self.codes[file].get(getattr(row, f"{column}_id"))
        if sheet is PEOPLE and column == "mobile":
            return personal.reveal_staff(row.mobile_sealed)
        value = getattr(row, column)
        return value.isoformat() if isinstance(value, date) else value

    def _put(self, sheet: Sheet, entry: Entry, row: Any, column: str, value: Any) -> None:
        file = sheet.references.get(column)
        if column in sheet.places:
            # The row may not have its id yet, and what it names may stand in a later file.
            self.waiting.append(lambda: self._place(sheet, entry, row, column, value))
        elif file is not None:
            self._refer(sheet, entry, row, column, value)
        elif sheet is PEOPLE and column == "mobile":
            row.mobile_sealed = personal.seal_staff(value)
        else:
            stored = date.fromisoformat(value) if column == "day" else value
            setattr(row, column, stored)
            if column == "name" and hasattr(row, "name_pinyin"):
                row.name_pinyin = pinyin.sort_key(value)

    def _refer(self, sheet: Sheet, entry: Entry, row: Any, column: str, key: str | None) -> None:
        def fill() -> None:
            setattr(row, f"{column}_id", None if key is None else self._id(sheet, entry, column, key))

        # A row that names a row of a later file has to wait for its id.
        if key is None or sheet.references[column] in self.written:
            fill()
        else:
            self.waiting.append(fill)

    def _id(self, sheet: Sheet, entry: Entry, column: str, key: str) -> int:
        found = self.ids[sheet.references[column]].get(key)
        if found is None:
            raise SeedError(sheet.file, entry.row, column, f"{key!r} was deleted from the database")
        return found

    def _remembered(self, sheet: Sheet, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as `seed_row` and the journal keep them: of a phone only a keyed digest."""
        kept = dict(values)
        if sheet is PEOPLE and "mobile" in kept:
            digest = personal.blind_index("seed.mobile", kept["mobile"])
            kept["mobile"] = digest.hex() if digest else ""
        return kept

    def _journal(self, action: str, row: Any, old: dict[str, Any], new: dict[str, Any]) -> None:
        shown = [{name: value for name, value in values.items() if name != "mobile"} for values in (old, new)]
        journal.write(self.actor, action, row.__tablename__, row.id, old=shown[0], new=shown[1])

    # --- who holds which post, who stands in which link of a chain ---

    def _held(self, sheet: Sheet, entries: tuple[Entry, ...], seeded: dict[str, SeedRow], counts: Counts) -> None:
        """A holder who changed in the file takes over on `today`; the past stays as it was (R16)."""
        held: dict[str, list[Any]] = {}
        for row in self.session.scalars(select(sheet.model)):
            held.setdefault(sheet.key_of(self._values_of(sheet, row, sheet.key)), []).append(row)
        for entry in entries:
            values, last = entry.values, seeded.get(entry.key)
            rows = held.get(entry.key, [])
            ours = [row for row in rows if last and row.valid.upper is None and self._holds(row, last)]
            if last is None and not rows:
                self._hold(sheet, entry, self._midnight(HOLDINGS_FROM) if sheet is HOLDINGS else None)
                self.session.add(SeedRow(file=sheet.file, key=entry.key, values=dict(values)))
                counts.inserted += 1
            elif last is None or not ours:
                counts.kept += 1
            elif last.values["person"] == values["person"]:
                counts.unchanged += 1
            else:
                self._hand_over(sheet, entry, ours[0])
                last.values = dict(values)
                counts.updated += 1

    def _hold(self, sheet: Sheet, entry: Entry, since: datetime | None) -> None:
        row = sheet.model(valid=Range(since, None, bounds="[)"))
        for column in (*sheet.key, "person"):
            self._put(sheet, entry, row, column, entry.values[column])
        self.session.add(row)
        self.session.flush()
        self._journal("create", row, {}, {**entry.values, "since": since.isoformat() if since else None})

    def _hand_over(self, sheet: Sheet, entry: Entry, row: Any) -> None:
        since = self._midnight(self.today)
        if row.valid.lower is not None and row.valid.lower >= since:
            # The file changed twice in one day: the first change has no period of its own.
            row.person_id = self._id(sheet, entry, "person", entry.values["person"])
            self._journal("edit", row, {}, dict(entry.values))
            return
        row.valid = Range(row.valid.lower, since, bounds="[)")
        # The old period ends in the database before the new one begins: no two holders overlap.
        self.session.flush()
        self._journal("edit", row, {"until": None}, {"until": since.isoformat()})
        self._hold(sheet, entry, since)

    # --- who and what stands in the portfolio ---

    def read_places(self) -> None:
        """Read the places of the portfolio, each place's periods in their order."""
        for row in self.session.scalars(
            select(PortfolioPlace).order_by(func.lower(PortfolioPlace.valid).nulls_first())
        ):
            self.placed.setdefault(_place_key(row), []).append(row)

    def _stands(self, place: str, row_id: int) -> PortfolioPlace | None:
        """Who stands there for good: a change entered for a future moment is the administrator's word too."""
        periods = self.placed.get((place, row_id), ())
        return next((row for row in periods if row.valid.upper is None), None)

    def _place(self, sheet: Sheet, entry: Entry, row: Any, column: str, key: str | None) -> None:
        """From the beginning where nobody ever stood, otherwise from `today` on; the past stays as it was (R16)."""
        place, since = sheet.places[column], None
        periods = self.placed.get((place, row.id), [])
        if periods:
            since = max([self._midnight(self.today), *(one.valid.upper for one in periods if one.valid.upper)])
        stands = self._stands(place, row.id)
        if stands is not None and stands.valid.lower is not None and since is not None and stands.valid.lower >= since:
            self.session.delete(stands)
        elif stands is not None:
            stands.valid = Range(stands.valid.lower, since, bounds="[)")
        self.session.flush()
        if key is not None:
            named = {"unit": "portfolio_id", "section": "unit_id"}.get(place, "person_id")
            own = "unit_id" if place == "unit" else "portfolio_id"
            ids = {own: row.id, named: self._id(sheet, entry, column, key)}
            self.session.add(PortfolioPlace(place=place, valid=Range(since, None, bounds="[)"), **ids))

    def _midnight(self, on: date) -> datetime:
        return datetime.combine(on, time(), tzinfo=present.zone()).astimezone(UTC)

    def _holds(self, row: Any, last: SeedRow) -> bool:
        return self.codes[PEOPLE.file][row.person_id] == str(last.values["person"])


def _place_key(row: PortfolioPlace) -> tuple[str, int]:
    """Of units a line has many, so a unit's own id tells its place."""
    return row.place, (row.unit_id or 0) if row.place == "unit" else row.portfolio_id


def _placed_id(row: PortfolioPlace) -> int:
    """What the file names there: the line of a unit, the person or section of a line."""
    return row.portfolio_id if row.place == "unit" else row.person_id or row.unit_id or 0


def _is_ours(last: SeedRow, column: str, found: Any) -> bool:
    """Whether a column still holds what the seed wrote; a column newer than that is ours while empty."""
    return bool(found == last.values[column]) if column in last.values else not found
