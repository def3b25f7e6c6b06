"""Labels of photos: AUs as trackers write them or as people coded them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import AnnotationError
from ganimate.facs import OPENFACE_AUS
from ganimate.facs.words import au_numbers, parts
from ganimate.trackers.formats import CODED_AS, Format, choose_format
from ganimate.trackers.rows import cell_at, number, read_rows
from ganimate.trackers.scales import outside, told_scale

_CODE_COLUMN = re.compile(r"AU0*(\d+)")
_NAME_COLUMNS = ("file", "filename", "image", "input", "name")
_POINTS = tuple(f"{axis}_{i}" for axis in "xy" for i in range(68))
FACS_TOP = 5.0  # human coders grade intensity from a to e
LOW_CONFIDENCE = 0.5
MOST_MISSING = 0.5  # of the rows: a column that has no value in more of them is left out
_CODE_HINT = "write 0 for absent and 1 to 5 for the intensities a to e"
_SURE_COLUMNS = ("confidence", "facescore")


@dataclass(frozen=True)
class Complaint:
    """Why a row cannot be used: its `kind`, by which rows are counted, and the whole `reason`."""

    kind: str
    reason: str


@dataclass(frozen=True)
class AnnotationTable:
    """AU rows of photos: `aus` (rows, N) float32, 0 to 1 where valid, in the order of `au_numbers`.

    `landmarks` (rows, 68, 2) float32 in pixels of the photo, or None where the table has none. `confidence` (rows)
    float32 is NaN where the table tells none. In the file intensities go to `top`. `notes` are sentences for people
    about what the table lacks, and how it was read.
    """

    names: Sequence[str]
    au_numbers: tuple[int, ...]
    aus: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None
    confidence: NDArray[np.float32]
    complaints: Mapping[int, Complaint] = field(default_factory=dict)
    top: float = 5.0
    notes: tuple[str, ...] = ()

    def problem(self, row: int) -> Complaint | None:
        """Return why row `row` cannot be used, or None."""
        if row in self.complaints:
            return self.complaints[row]
        if self.confidence[row] < LOW_CONFIDENCE:
            return Complaint("low confidence", f"confidence {self.confidence[row]:.2f}, under {LOW_CONFIDENCE}")
        values = self.aus[row]
        for au, value in zip(self.au_numbers, values, strict=True):
            if not 0 <= value <= 1:
                reason = f"AU{au:02d} is {value * self.top:g}, not 0 to {self.top:g}"
                return Complaint("value out of range", reason)
        if self.landmarks is not None and not np.isfinite(self.landmarks[row]).all():
            return Complaint("incomplete row", "a landmark is not a number")
        return None


def read_labels(path: Path) -> AnnotationTable:
    """Return the rows of a table of photos in any of FORMATS, as OpenFace and py-feat write it; raises AnnotationError.

    The table's notes tell what it lacks. A row that cannot be used has a complaint; so has one that is there again.
    """
    header, rows = _read_csv(path)
    names = [name.strip() for name in header]
    kind, columns = choose_format(path.name, names)
    places = {name.lower(): place for place, name in enumerate(names)}
    name_column = next((places[name] for name in _NAME_COLUMNS if name in places), None)
    if name_column is None:
        raise AnnotationError(
            f"{path.name} does not name the photos of its rows", f"add a column called {_NAME_COLUMNS[0]!r}"
        )
    photos = [_photo(cell_at(row, name_column)) for row in rows]
    points, points_note = _landmark_columns(places)
    sure = next((places[name] for name in _SURE_COLUMNS if name in places), None)
    wanted = [*columns.values(), *points, *(() if sure is None else (sure,))]
    numbers, complaints = _numbers(rows, photos, wanted)
    count = len(columns)
    kind, kept, notes = _checked(path.name, kind, columns, numbers[:, :count])
    told = kind.aus({name: numbers[:, place].astype(np.float64) for place, name in enumerate(columns) if name in kept})
    # Labels know no sides.
    found = {n: np.mean([told[word] for word in told if (parts(word) or (0,))[0] == n], 0) for n in au_numbers(told)}
    aus = np.stack([np.asarray(column, np.float32) for column in found.values()], axis=1)
    pixels = numbers[:, count : count + len(points)].reshape(-1, 2, 68).transpose(0, 2, 1) if points else None
    return AnnotationTable(
        photos,
        tuple(found),
        aus,
        None if pixels is None else np.ascontiguousarray(pixels),
        np.full(len(rows), np.nan, np.float32) if sure is None else numbers[:, -1],
        complaints,
        kind.top,
        tuple(note for note in (*notes, points_note) if note),
    )


def _photo(name: str) -> str:
    """Return the name of a photo in its folder: py-feat writes where it was on the machine that read it."""
    return PurePath(name).name if PurePath(name).is_absolute() else name


def _landmark_columns(places: Mapping[str, int]) -> tuple[list[int], str | None]:
    """Return where the landmarks stand, none unless all are there, and a note where some are."""
    missing = [name for name in _POINTS if name not in places]
    if not missing:
        return [places[name] for name in _POINTS], None
    if len(missing) == len(_POINTS):
        return [], None
    told = ", ".join(missing[:4]) + (" …" if len(missing) > 4 else "")
    return [], f"{len(missing)} of the {len(_POINTS)} columns of landmarks are missing ({told}): none is used"


def _numbers(
    rows: Sequence[Sequence[str]], photos: Sequence[str], wanted: Sequence[int]
) -> tuple[NDArray[np.float32], dict[int, Complaint]]:
    """Return the numbers (rows, columns) in the `wanted` columns, and the complaints about rows."""
    numbers = np.full((len(rows), len(wanted)), np.nan, np.float32)
    complaints: dict[int, Complaint] = {}
    seen: dict[tuple[str, bytes], int] = {}
    for place, (row, photo) in enumerate(zip(rows, photos, strict=True)):
        cells = [number(cell_at(row, column)) for column in wanted]
        if None in cells or any(column >= len(row) for column in wanted):
            complaints[place] = Complaint("incomplete row", "a field is missing or not a number")
            continue
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which is told of the row
            numbers[place] = np.array(cells, np.float32)
        first = seen.setdefault((photo, numbers[place].tobytes()), place)
        if not photo:
            complaints[place] = Complaint("incomplete row", "the row names no photo")
        elif first != place:
            complaints[place] = Complaint("duplicate row", f"the same as row {first + 1}")
    return numbers, complaints


def _checked(
    table: str, kind: Format, columns: Mapping[str, int], values: NDArray[np.float32]
) -> tuple[Format, list[str], list[str | None]]:
    """Return the format with the scale of `values` (rows, columns), the columns that count, and notes."""
    missing = np.isnan(values).mean(axis=0)
    kept = [name for place, name in enumerate(columns) if missing[place] <= max(MOST_MISSING, missing.min())]
    left_out = [kind.label(name) for name in columns if name not in kept]
    notes = [f"left out, as most rows have no number there: {', '.join(left_out)}" if left_out else None]
    lacking = [f"AU{number:02d}" for number in OPENFACE_AUS if str(number) not in kept]
    if kind.name == "openface" and lacking:
        notes.append(f"{table} has no labels of {', '.join(lacking)}, which OpenFace writes: the pack is without them")
    try:
        kind, scale_note = told_scale(table, kind, values.astype(np.float64))
        notes.append(scale_note)
    except AnnotationError:
        if outside(values.astype(np.float64), kind.top).mean() > 0.5:  # else each row tells for itself
            raise
    return kind, kept, notes


def read_facs(path: Path, au_numbers: Sequence[int]) -> dict[str, NDArray[np.float32]]:
    """Return photo name -> human FACS codes (N,) in [0, 1], NaN for AUs of `au_numbers` that the table lacks.

    The table is a CSV with a column `file` and columns such as AU01, 0 for absent and 1 to 5 for the intensities a to
    e. Raises AnnotationError.
    """
    header, rows = _read_csv(path)
    columns = {name.strip(): index for index, name in enumerate(header)}
    codes = {int(match[1]): index for name, index in columns.items() if (match := _CODE_COLUMN.fullmatch(name))}
    places = [codes.get(number, codes.get(CODED_AS.get(number, number))) for number in au_numbers]
    if "file" not in columns or not any(place is not None for place in places):
        raise AnnotationError(
            f"{path.name} is not a table of FACS codes: it begins with {', '.join(list(columns)[:6])}",
            "it needs a column 'file' and columns such as AU01, AU02",
        )
    try:
        with np.errstate(over="ignore"):
            return _codes(rows, columns["file"], places)
    except (ValueError, IndexError) as error:
        raise AnnotationError(
            f"{path.name} has a row in which a code is missing or not a number", _CODE_HINT
        ) from error


def _codes(rows: Sequence[Sequence[str]], file: int, places: Sequence[int | None]) -> dict[str, NDArray[np.float32]]:
    return {
        row[file].strip(): np.array(
            [np.nan if place is None else float(row[place]) / FACS_TOP for place in places], np.float32
        )
        for row in rows
    }


def _read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    rows = [cells for _, cells in read_rows(path)]
    if len(rows) < 2:
        raise AnnotationError(
            f"{path} has no rows", "its first line names the columns, and each further one is a photo"
        )
    return rows[0], rows[1:]
