"""Tables of what a face did over time: OpenFace, py-feat, LibreFace, blendshapes, saved trajectories."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import AnnotationError
from ganimate.trackers.clocks import TABLE_FPS, Clock, Reading
from ganimate.trackers.formats import Format, choose_format
from ganimate.trackers.people import (
    DAMAGED,
    LATE,
    NO_FACE,
    OUTSIDE,
    PERSON_COLUMNS,
    UNSURE,
    Person,
    choose_person,
    people_note,
)
from ganimate.trackers.photos import LOW_CONFIDENCE
from ganimate.trackers.rows import read_rows
from ganimate.trajectory import Performance

__all__ = ["TABLE_FPS", "read_performance"]

MAX_ROWS = 300_000  # nearly three hours at 30 a second
SLACK = 0.1  # of the scale: so far beyond its ends values are clipped, and further out the row is damaged

_APPROXIMATE = "AUs that are told by blendshapes are approximate; --relative is often nearer"

_SURE_COLUMNS = ("confidence", "facescore")
_SEEN_COLUMNS = ("success", "blendshapecount")  # 0 in rows without a face


def read_performance(
    path: str | Path, *, format: str | None = None, table_fps: float | None = None, person: str | None = None
) -> Performance:
    """Return what the face in a table of AUs or blendshapes did, intensities in [0, 1].

    `format` is one of FORMATS, by default told by the columns. `table_fps` is how many rows or frames are a second,
    for tables that tell no times (by default 30) or wrong ones. `person` is a label in the table's column of people, by
    default the one with most usable rows. Rows that cannot be used are skipped; the performance's notes count them, and
    tell what was assumed. Raises AnnotationError for a table that is unreadable, unknown, or has no usable row.
    """
    path = Path(path)
    if table_fps is not None and not 0.0 < table_fps <= 1000.0:
        raise AnnotationError(f"the table's frames a second must be above 0 and at most 1000, not {table_fps}")
    rows = read_rows(path)
    _, header = next(rows, (0, []))
    names = [name.strip() for name in header]
    if not any(names):
        raise AnnotationError(f"{path} is empty", "hand in a CSV file whose first line names the columns")
    kind, columns = choose_format(path.name, names, format)
    layout = _Layout(path.name, kind, columns, _Columns.of(names), Clock.of(names, table_fps))
    people, first = layout.collect(rows)
    label = choose_person(path.name, people, layout.columns.person is not None, person)
    performance = layout.performance(people[label], first)
    note = people_note(people, label)
    return replace(performance, notes=(*performance.notes, note)) if note else performance


@dataclass(frozen=True)
class _Columns:
    """Where the columns stand that say whether and whose face a row shows, or None."""

    person: int | None
    sure: int | None
    seen: int | None

    @staticmethod
    def of(header: Sequence[str]) -> _Columns:
        places = {name.lower(): place for place, name in enumerate(header)}
        kinds = (PERSON_COLUMNS, _SURE_COLUMNS, _SEEN_COLUMNS)
        return _Columns(*(next((places[name] for name in names if name in places), None) for names in kinds))


@dataclass(frozen=True)
class _Layout:
    """How the rows of one table are read."""

    table: str
    kind: Format
    aus: Mapping[str, int]
    columns: _Columns
    clock: Clock

    def collect(self, rows: Iterator[tuple[int, list[str]]]) -> tuple[dict[str, Person], Reading]:
        """Return the rows of each person by label, and the first time in the table, be its row usable or not."""
        people: dict[str, Person] = {}
        first: Reading | None = None
        for count, (line, row) in enumerate(rows):
            if count >= MAX_ROWS:
                raise AnnotationError(f"{self.table} has more than {MAX_ROWS} rows", "cut it into parts")
            label = "" if self.columns.person is None else _cell(row, self.columns.person)
            person = people.setdefault(label, Person())
            time = self.clock.read(row, person.count)
            first = first or time
            self._add(person, line, row, time)
        if not people:
            raise AnnotationError(f"{self.table} has no rows below its header", "hand in a table with a row a frame")
        return people, first or (0.0, 0.0)

    def _add(self, person: Person, line: int, row: Sequence[str], time: Reading | None) -> None:
        person.count += 1
        values = [_number(_cell(row, place)) for place in self.aus.values()]
        why = self._problem(row, values)
        if why is not None or time is None:
            person.skip(why or DAMAGED, line)
        else:
            person.add(line, time, [math.nan if value is None else value for value in values])

    def _problem(self, row: Sequence[str], values: Sequence[float | None]) -> str | None:
        """Return why a row cannot be used, or None; a value that is missing is NaN, and one that is no number None."""
        if all(value is not None and math.isnan(value) for value in values):
            return NO_FACE
        if self.columns.seen is not None and _number(_cell(row, self.columns.seen)) == 0.0:
            return NO_FACE
        sure = math.nan if self.columns.sure is None else _number(_cell(row, self.columns.sure))
        if sure is not None and sure < LOW_CONFIDENCE:
            return UNSURE
        if None in values:
            return DAMAGED
        low, high = -SLACK * self.kind.top, (1.0 + SLACK) * self.kind.top
        return OUTSIDE if any(value is not None and (value < low or value > high) for value in values) else None

    def performance(self, person: Person, first: Reading) -> Performance:
        """Return what a person did, in the table whose times begin with `first`; raises AnnotationError for nothing."""
        names = self._keep_whole_rows(person)
        times_s, clock_note = self._keep_rising_times(person, first)
        if not person.usable:
            raise self._nothing_usable(person)
        values = np.clip(np.array(person.values).reshape(-1, len(self.aus)), 0.0, self.kind.top)
        columns = {name: column for name, column in zip(self.aus, values.T, strict=True) if name in names}
        intensities = self.kind.aus(columns)
        if not intensities:
            raise AnnotationError(f"{self.table} has no blendshape that tells an AU, only {', '.join(names)}")
        rows = np.stack(list(intensities.values()), axis=1).astype(np.float32)
        notes = [self._count_note(person), clock_note, None if self.kind.pattern else _APPROXIMATE]
        return Performance(times_s, rows, tuple(intensities), tuple(note for note in notes if note))

    def _keep_whole_rows(self, person: Person) -> list[str]:
        """Keep the rows that have a value wherever any row has one, and return the names of these columns.

        A detector may leave whole columns empty.
        """
        missing = np.isnan(np.array(person.values).reshape(-1, len(self.aus)))  # (T, columns)
        filled = [n for n in range(len(self.aus)) if not missing[:, n].all()]
        if person.usable:
            person.keep(~missing[:, filled].any(axis=1), DAMAGED)
        return [name for n, name in enumerate(self.aus) if n in filled]

    def _keep_rising_times(self, person: Person, first: Reading) -> tuple[NDArray[np.float64], str | None]:
        """Keep the rows that are later than all before them; return their times (T,), and the clock's note."""
        if not person.usable:
            return np.zeros(0), None
        times_s, note = self.clock.seconds(np.array(person.times).reshape(-1, 2), first)
        rising = times_s > np.concatenate([[-np.inf], np.maximum.accumulate(times_s)[:-1]])
        person.keep(rising, LATE)
        return times_s[rising], note

    def _nothing_usable(self, person: Person) -> AnnotationError:
        hint = "hand in the table of a clip in which the face was found"
        if OUTSIDE in person.skipped:
            hint = f"{self.kind.title} goes from 0 to {self.kind.top:g}; --format says what else the table is"
        return AnnotationError(f"no row of {self.table} can be used: {person.reasons}", hint)

    def _count_note(self, person: Person) -> str:
        skipped = f"; skipped: {person.reasons}" if person.skipped else ""
        return f"{self.table} is read as {self.kind.title}: {person.usable} of {person.count} rows{skipped}"


def _cell(row: Sequence[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _number(cell: str) -> float | None:
    """Return the finite number in a cell, NaN when it is empty or says nan, and None when it holds something else."""
    if not cell:
        return math.nan
    try:
        number = float(cell)
    except ValueError:
        return None
    return None if math.isinf(number) else number
