"""Labels of photos: AUs as OpenFace writes them or as people coded them, and who is who."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import AnnotationError
from ganimate.trackers.rows import read_rows

_AU_COLUMN = re.compile(r"AU0*(\d+)_r")
_CODE_COLUMN = re.compile(r"AU0*(\d+)")
_NAME_COLUMNS = ("file", "filename", "image", "input", "name")
OPENFACE_TOP = 5.0  # OpenFace grades intensity from 0 to 5
FACS_TOP = 5.0  # human coders grade it from a to e
CODED_AS: Mapping[int, int] = MappingProxyType({45: 43})  # on a still photo a blink (45) is coded as closed eyes (43)
LOW_CONFIDENCE = 0.5
_CODE_HINT = "write 0 for absent and 1 to 5 for the intensities a to e"


@dataclass(frozen=True)
class Complaint:
    """Why a row cannot be used: its `kind`, by which rows are counted, and the whole `reason`."""

    kind: str
    reason: str


@dataclass(frozen=True)
class AnnotationTable:
    """AU rows of photos: `aus` (rows, N) float32, 0 to 1 where valid, in the order of `au_numbers`.

    `landmarks` (rows, 68, 2) float32 in pixels of the photo, or None where the table has none. `confidence` (rows)
    float32 is NaN where the table tells none.
    """

    names: Sequence[str]
    au_numbers: tuple[int, ...]
    aus: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None
    confidence: NDArray[np.float32]
    complaints: Mapping[int, str] = field(default_factory=dict)

    def problem(self, row: int) -> Complaint | None:
        """Return why row `row` cannot be used, or None."""
        if row in self.complaints:
            return Complaint("incomplete row", self.complaints[row])
        if self.confidence[row] < LOW_CONFIDENCE:
            return Complaint("low confidence", f"confidence {self.confidence[row]:.2f}, under {LOW_CONFIDENCE}")
        values = self.aus[row]
        for number, value in zip(self.au_numbers, values, strict=True):
            if not 0 <= value <= 1:
                reason = f"AU{number:02d} is {value * OPENFACE_TOP:g}, not 0 to {OPENFACE_TOP:g}"
                return Complaint("value out of range", reason)
        if self.landmarks is not None and not np.isfinite(self.landmarks[row]).all():
            return Complaint("incomplete row", "a landmark is not a number")
        return None


def read_openface(path: Path) -> AnnotationTable:
    """Return the rows of an OpenFace CSV (names may begin with a space); raises AnnotationError."""
    header, rows = _read_csv(path)
    columns = {name.strip(): index for index, name in enumerate(header)}
    aus = {int(match[1]): index for name, index in columns.items() if (match := _AU_COLUMN.fullmatch(name))}
    if not aus:
        found = ", ".join(list(columns)[:6])
        raise AnnotationError(
            f"{path.name} has no AU intensity columns (AU01_r …); it begins with {found}",
            "hand in the CSV that OpenFace writes",
        )
    name_column = next((columns[name] for name in _NAME_COLUMNS if name in columns), None)
    if name_column is None:
        raise AnnotationError(
            f"{path.name} does not name the photos of its rows", f"add a column called {_NAME_COLUMNS[0]!r}"
        )
    numbers = tuple(sorted(aus))
    points = [columns.get(f"{axis}_{i}") for axis in "xy" for i in range(68)]
    wanted = [aus[number] for number in numbers]
    complaints: dict[int, str] = {}
    values = np.full((len(rows), len(numbers)), np.nan, np.float32)
    landmarks = None if None in points else np.full((len(rows), 2, 68), np.nan, np.float32)
    confidence = np.full(len(rows), np.nan, np.float32)
    certain = columns.get("confidence")
    for i, row in enumerate(rows):
        try:
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which is told of the row
                values[i] = np.array([row[j] for j in wanted], np.float32) / OPENFACE_TOP
                if landmarks is not None:
                    landmarks[i] = np.array([row[j] for j in points if j is not None], np.float32).reshape(2, 68)
            if certain is not None:
                confidence[i] = float(row[certain])
        except (ValueError, IndexError):
            complaints[i] = "a field is missing or not a number"
    names = [row[name_column].strip() if len(row) > name_column else "" for row in rows]
    complaints |= {i: "the row names no photo" for i, name in enumerate(names) if not name}
    pixels = None if landmarks is None else np.ascontiguousarray(landmarks.transpose(0, 2, 1))
    return AnnotationTable(names, numbers, values, pixels, confidence, complaints)


def read_persons(path: Path) -> dict[str, str]:
    """Return photo name -> person from a CSV with the columns `file` and `identity`; raises AnnotationError.

    A photo whose identity is empty is nobody's.
    """
    header, rows = _read_csv(path)
    columns = [name.strip() for name in header]
    if "file" not in columns or "identity" not in columns:
        message = f"{path.name} lacks the columns 'file' and 'identity'; it has {', '.join(columns[:6])}"
        raise AnnotationError(message, "hand in a CSV of photos and who is on them: file,identity")
    file, identity = columns.index("file"), columns.index("identity")
    named = (row for row in rows if len(row) > max(file, identity) and row[identity].strip())
    return {row[file].strip(): row[identity].strip() for row in named}


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
