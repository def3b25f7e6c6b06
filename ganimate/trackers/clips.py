"""Tables of what a face did over time: OpenFace, py-feat, LibreFace, blendshapes, saved trajectories."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import AnnotationError
from ganimate.facs import Word
from ganimate.trackers.clocks import FRAME_COLUMNS, TABLE_FPS, Clock, Ends, Reading
from ganimate.trackers.following import BoxColumns, follow, not_told_apart, repeats
from ganimate.trackers.formats import Format, choose_format
from ganimate.trackers.people import (
    AGAIN,
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
from ganimate.trackers.photos import LOW_CONFIDENCE, MOST_MISSING
from ganimate.trackers.rows import Rows, cell_at, number, read_rows
from ganimate.trackers.scales import FEW_ROWS, FEW_SHARE, outside, told_scale
from ganimate.trackers.turns import centred, turn_columns, turns_of
from ganimate.trajectory import Performance

__all__ = ["TABLE_FPS", "read_performance"]

MAX_ROWS = 300_000  # nearly three hours at 30 a second

_APPROXIMATE = "AUs that are told by blendshapes are approximate; --relative is often nearer"

_SURE_COLUMNS = ("confidence", "facescore")
_SEEN_COLUMNS = ("success", "blendshapecount")  # 0 in rows without a face


def read_performance(
    path: str | Path,
    *,
    format: str | None = None,
    table_fps: float | None = None,
    face: str | None = None,
    trim: bool = False,
    head: bool = False,
    gaze: bool = False,
) -> Performance:
    """Return what the face in a table of AUs or blendshapes did, intensities in [0, 1].

    `head` and `gaze` take turns of head and eyes along, in degrees from their usual pose in the clip.

    `format` is one of FORMATS, by default told by the columns. `table_fps` is how many rows or frames are a second,
    for tables that tell no times (by default 30) or wrong ones. `face` is a label in the table's column of people, or
    the number of a face that is followed by its box, by default the one with most usable rows. Where it comes late or
    leaves early, its first and last pose are held, unless `trim` leaves that out. Rows that cannot be used are skipped;
    the performance's notes count them, and tell what was assumed. Raises AnnotationError for a table that is
    unreadable, unknown, or has no usable row.
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
    wanted = _Turning(head, gaze, turn_columns(names) if head or gaze else {})
    layout = _Layout(path.name, kind, columns, _Columns.of(names), Clock.of(names, table_fps), wanted)
    told = layout.collect(rows)
    people = layout.told_apart(told.people)
    label = choose_person(path.name, people, face)
    performance = layout.performance(people[label], told, trim)
    note = people_note(people, label)
    return replace(performance, notes=(*performance.notes, note)) if note else performance


@dataclass(frozen=True)
class _Turning:
    """Which turns are taken along, and where the columns that tell any stand."""

    head: bool = False
    gaze: bool = False
    columns: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Columns:
    """Where the columns stand that say whether, where and whose face a row shows, and in which frame; or None."""

    person: int | None
    sure: int | None
    seen: int | None
    frame: int | None
    box: BoxColumns | None

    @staticmethod
    def of(header: Sequence[str]) -> _Columns:
        places = {name.lower(): place for place, name in enumerate(header)}

        def place(names: Sequence[str]) -> int | None:
            return next((places[name] for name in names if name in places), None)

        kinds = (place(PERSON_COLUMNS), place(_SURE_COLUMNS), place(_SEEN_COLUMNS), place(FRAME_COLUMNS))
        return _Columns(*kinds, BoxColumns.of(header))


@dataclass
class _Told:
    """What the rows of a table tell: people by label, and the first and the last time at which somebody looked."""

    people: dict[str, Person] = field(default_factory=dict)
    first: Reading | None = None  # of the table, be the row usable or not
    ends: list[Reading] = field(default_factory=list)


@dataclass(frozen=True)
class _Layout:
    """How the rows of one table are read."""

    table: str
    kind: Format
    aus: Mapping[str, int]
    columns: _Columns
    clock: Clock
    turning: _Turning

    def _table(self, person: Person) -> NDArray[np.float64]:
        """Return the usable rows: the values of `aus`, then those of turns."""
        return np.array(person.values).reshape(-1, len(self.aus) + len(self.turning.columns))

    def _values(self, person: Person) -> NDArray[np.float64]:
        """Return the values of `aus` in the usable rows."""
        return self._table(person)[:, : len(self.aus)]

    def collect(self, rows: Rows) -> _Told:
        """Return what the rows tell."""
        told = _Told()
        for count, (line, row) in enumerate(rows):
            if count >= MAX_ROWS:
                raise AnnotationError(f"{self.table} has more than {MAX_ROWS} rows", "cut it into parts")
            person = told.people.setdefault(cell_at(row, self.columns.person), Person())
            time = self.clock.read(row, person.count)
            told.first = told.first or time
            why = self._add(person, line, row, time)
            if time is not None and why in (None, NO_FACE, UNSURE):
                told.ends = [told.ends[0], time] if told.ends else [time, time]
        if not told.people:
            raise AnnotationError(f"{self.table} has no rows below its header", "hand in a table with a row a frame")
        return told

    def _add(self, person: Person, line: int, row: Sequence[str], time: Reading | None) -> str | None:
        """Count a row and keep it if it can be used; returns why not."""
        person.count += 1
        values = [number(cell_at(row, place)) for place in self.aus.values()]
        why = self._problem(row, values)
        if why is None and time is None:
            why = DAMAGED
        if why is not None or time is None:
            person.skip(why or DAMAGED, line)
            return why
        frame = number(cell_at(row, self.columns.frame))
        box = (math.nan, math.nan, math.nan) if self.columns.box is None else self.columns.box.read(row)
        known = time[0] * 1000.0 + time[1] if frame is None or math.isnan(frame) else frame
        values += [number(cell_at(row, place)) for place in self.turning.columns.values()]
        person.add(line, known, time, [math.nan if value is None else value for value in values], box)
        return None

    def _problem(self, row: Sequence[str], values: Sequence[float | None]) -> str | None:
        """Return why a row cannot be used, or None; a value that is missing is NaN, and one that is no number None."""
        if all(value is not None and math.isnan(value) for value in values):
            return NO_FACE
        if number(cell_at(row, self.columns.seen)) == 0.0:
            return NO_FACE
        sure = number(cell_at(row, self.columns.sure))
        if sure is not None and sure < LOW_CONFIDENCE:
            return UNSURE
        return DAMAGED if None in values else None

    def told_apart(self, people: Mapping[str, Person]) -> dict[str, Person]:
        """Return the people with those apart who have one label, or none, and stand in one frame.

        Raises AnnotationError where that cannot be told.
        """
        found: dict[str, Person] = {}
        for label, person in people.items():
            frames, boxes = np.array(person.frames), np.array(person.boxes).reshape(-1, 3)
            again = repeats(frames)
            if not np.isfinite(boxes[:, :2]).all():
                # times may be rounded so that neighbours are alike; numbers of frames are not
                few = max(FEW_ROWS, FEW_SHARE * len(frames)) if self.columns.frame is not None else len(frames) / 3
                if len(again) > few:
                    raise not_told_apart(self.table, person.lines[int(again[0])])
                again = again[:0]
            if not len(again):
                found[label] = person
                continue
            owner = follow(self.table, frames, boxes, person.lines)
            person.keep(owner >= 0, AGAIN)
            owner = owner[owner >= 0]
            for face in range(owner.max() + 1):
                name = f"{face + 1}" if len(people) == 1 else f"{label}-{face + 1}"
                found[name] = person.part(owner == face)
        return found

    def performance(self, person: Person, told: _Told, trim: bool) -> Performance:
        """Return what a person did; raises AnnotationError for nothing."""
        values = self._values(person)
        kind, scale_note = told_scale(self.table, self.kind, values) if person.usable else (self.kind, None)
        if person.usable:
            person.keep(~outside(values, kind.top), OUTSIDE)
        names, missing_note = self._keep_whole_rows(person)
        times_s, ends_s, clock_note = self._keep_rising_times(person, told)
        if not person.usable:
            raise self._nothing_usable(person)
        values = np.clip(self._values(person), 0.0, kind.top)
        columns = {name: column for name, column in zip(self.aus, values.T, strict=True) if name in names}
        intensities = kind.aus(columns)
        if not intensities:
            raise AnnotationError(f"{self.table} has no blendshape that tells an AU, only {', '.join(names)}")
        turns, turn_note = self._turns(person)
        words = intensities | turns
        rows = np.stack(list(words.values()), axis=1).astype(np.float32)
        approximate = None if self.kind.pattern else _APPROXIMATE
        notes = [self._count_note(person), scale_note, missing_note, clock_note, turn_note, approximate]
        told_of = Performance(times_s, rows, tuple(words), tuple(note for note in notes if note))
        return told_of if trim else told_of.held(ends_s)

    def _turns(self, person: Person) -> tuple[dict[Word, NDArray[np.float64]], str | None]:
        """Return the turns that are taken along, and a note; raises AnnotationError where there are none."""
        if not (self.turning.head or self.turning.gaze):
            return {}, None
        columns = dict(zip(self.turning.columns, self._table(person)[:, len(self.aus) :].T, strict=True))
        turns, from_the_photo = turns_of(self.table, columns, self.turning.head, self.turning.gaze)
        return centred(turns) if not from_the_photo else (turns, None)

    def _keep_whole_rows(self, person: Person) -> tuple[list[str], str | None]:
        """Keep the rows with a value in every column that counts; return the names of these, and a note on the others.

        A detector may leave whole columns empty, or write that there is no number in them.
        """
        missing = np.isnan(self._values(person))  # (T, columns)
        shares = missing.mean(axis=0) if person.usable else np.zeros(len(self.aus))
        filled = [n for n in range(len(self.aus)) if shares[n] <= max(MOST_MISSING, shares.min())]
        if person.usable:
            person.keep(~np.asarray(missing[:, filled].any(axis=1)), DAMAGED)
        left_out = [self.kind.label(name) for n, name in enumerate(self.aus) if n not in filled]
        note = f"left out, as most rows have no number there: {', '.join(left_out)}" if left_out else None
        return [name for n, name in enumerate(self.aus) if n in filled], note

    def _keep_rising_times(self, person: Person, told: _Told) -> tuple[NDArray[np.float64], Ends, str | None]:
        """Keep the rows later than all before them; return their times (T,), those of the table's ends, and a note."""
        if not person.usable:
            return np.zeros(0), (0.0, 0.0), None
        times_s, ends_s, note = self.clock.seconds(
            np.array(person.times).reshape(-1, 2), told.first or (0.0, 0.0), told.ends
        )
        rising = times_s > np.concatenate([[-np.inf], np.maximum.accumulate(times_s)[:-1]])
        person.keep(rising, LATE)
        return times_s[rising], ends_s, note

    def _nothing_usable(self, person: Person) -> AnnotationError:
        hint = "hand in the table of a clip in which the face was found"
        return AnnotationError(f"no row of {self.table} can be used: {person.reasons}", hint)

    def _count_note(self, person: Person) -> str:
        skipped = f"; skipped: {person.reasons}" if person.skipped else ""
        return f"{self.table} is read as {self.kind.title}: {person.usable} of {person.count} rows{skipped}"
