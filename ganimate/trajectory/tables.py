"""Trajectories as tables: CSV files that give the same bits back, and text for people.

Columns are words: ``AU12``, one side ``AU12L``, a turn ``yaw`` in degrees. Sides that are alike in all frames are one
column, and turns that nobody makes have none.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ExpressionError, OutputError
from ganimate.facs import TURNS, Word, parse_au
from ganimate.facs.words import column_name, fold, label, limits, one_sided, parts, range_text, value_text
from ganimate.system.files import replace_file
from ganimate.trajectory.frames import Trajectory


def save_trajectory(trajectory: Trajectory, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a CSV file: ``time_s,AU01,AU02,…``, then a row per frame, from which `load_trajectory` gets the same bits.

    It is written under a temporary name and moved into place, so that `path` is never half a file. Raises OutputError
    when `path` exists (unless `overwrite`) or cannot be written, ExpressionError for a single frame, whose time does
    not tell the fps.
    """
    if len(trajectory) < 2:
        raise ExpressionError("a trajectory of one frame cannot be saved, as one time does not tell the fps")
    target = Path(path)
    try:
        _require_free(target, overwrite)
        replace_file(target, _to_csv(trajectory).encode())
    except OSError as error:
        message = f"the trajectory cannot be saved as {str(target)!r}: {error.strerror}"
        raise OutputError(message, "choose a folder that exists, may be written to and has space left") from error


def _require_free(target: Path, overwrite: bool) -> None:
    if target.is_dir():
        raise OutputError(f"the trajectory cannot be saved as {str(target)!r}: it is a folder", "name a file in it")
    if target.exists() and not overwrite:
        message = f"the trajectory cannot be saved as {str(target)!r}: the file exists"
        raise OutputError(message, "choose another name, or allow it to be overwritten")


def _to_csv(trajectory: Trajectory) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(_to_rows(trajectory))
    return stream.getvalue()


def _to_rows(trajectory: Trajectory) -> Iterator[Sequence[str]]:
    words, columns = fold(trajectory.aus, trajectory.values)
    yield ["time_s", *map(column_name, words)]
    for time_s, row in zip(trajectory.times_s.tolist(), trajectory.values[:, columns].tolist(), strict=True):
        yield [repr(time_s), *map(_shortest, row)]


def _shortest(value: float) -> str:
    """The fewest digits from which the loader reads the same float32; nine always do."""
    texts = (f"{value:.{digits}g}" for digits in range(1, 9))
    return next((text for text in texts if np.float32(float(text)) == value), f"{value:.9g}")


@dataclass(frozen=True)
class _Row:
    """One line of a CSV file that knows where it stands."""

    path: str
    line: int
    cells: list[str]

    def refuse(self, why: str, hint: str | None = None) -> ExpressionError:
        return ExpressionError(f"{self.path}, line {self.line}: {why}", hint or _VALUES_HINT)


def load_trajectory(path: str | os.PathLike[str]) -> Trajectory:
    """The trajectory in a CSV file with the columns ``time_s,AU01,AU02,…``, such as `save_trajectory` writes.

    The fps comes from the times, in seconds, which must be evenly spaced to a tenth of a step (so three decimals do),
    and is good to 12 digits. Raises ExpressionError, with the number of the line, for a file that is missing or no
    such table: another header, a missing cell, no number, a value out of range, an uneven time, fewer than 2 frames.
    """
    rows = _read_rows(Path(path))
    if not rows:
        raise ExpressionError(f"the trajectory {str(path)!r} is empty", _HEADER_HINT)
    header, *frames = rows
    aus = _parse_header(header)
    if len(frames) < 2:
        raise header.refuse(f"a trajectory needs at least 2 frames, and {len(frames)} follow")
    table = [_parse_frame(row, header.cells, aus) for row in frames]
    fps = _parse_fps(frames, [numbers[0] for numbers in table])
    return Trajectory(np.array([numbers[1:] for numbers in table], dtype=np.float32), fps, aus)


_VALUES_HINT = "a line has a time in seconds, and for each AU a number from 0 (absent) to 1 (full)"
_OTHERS_HINT = "what OpenFace, py-feat and other trackers write is for 'ganimate drive PHOTO --aus TABLE.csv'"
_HEADER_HINT = "the first line is time_s,AU01,AU02,… and each further line one frame, separated by commas"


def _read_rows(path: Path) -> list[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:  # -sig: spreadsheets put a byte order mark first
            reader = csv.reader(stream)
            rows = [_Row(str(path), reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except OSError as error:
        message = f"the trajectory {str(path)!r} cannot be read: {error.strerror}"
        raise ExpressionError(message, "check the spelling and the folder") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ExpressionError(f"the trajectory {str(path)!r} is not a CSV file of text", _HEADER_HINT) from error
    return [row for row in rows if any(row.cells)]


def _parse_header(header: _Row) -> tuple[Word, ...]:
    time, *columns = header.cells
    if time.lower() != "time_s" or not columns:
        raise header.refuse(f"the header begins with {time[:40]!r} instead of time_s and AUs", _OTHERS_HINT)
    words: list[Word] = []
    for column in columns:
        word = word_of_column(column)
        if word is None:
            raise header.refuse(f"the column {column[:40]!r} is neither an AU nor a turn of head or eyes", _HEADER_HINT)
        if word in words:
            raise header.refuse(f"there are two columns of {label(word)}")
        words.append(word)
    return tuple(words)


def word_of_column(column: str) -> Word | None:
    """Return the word that a column is of, such as ``AU12``, ``AU12L`` or ``yaw``; None of another column."""
    name = column.strip()
    if name.lower() in TURNS:
        return name.lower()
    au = parse_au(name) if name[:2].upper() == "AU" else None
    if au is None or not au[0]:
        return None
    return one_sided(*au) if au[1] else au[0]


def _parse_frame(row: _Row, columns: Sequence[str], words: Sequence[Word]) -> list[float]:
    if len(row.cells) != len(columns):
        raise row.refuse(f"there are {len(row.cells)} cells under a header of {len(columns)}")
    numbers = [_parse_number(row, column, cell) for column, cell in zip(columns, row.cells, strict=True)]
    for column, word, number in zip(columns[1:], words, numbers[1:], strict=True):
        least, most = limits(word)
        if not least <= number <= most:
            raise row.refuse(f"{column} must be {range_text(word)}, not {number}")
    return numbers


def _parse_number(row: _Row, column: str, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        raise row.refuse(f"{column} is {cell[:40]!r}, which is not a number") from None
    if not math.isfinite(number):
        raise row.refuse(f"{column} must be finite, not {number}")
    return number


def _parse_fps(frames: Sequence[_Row], times_s: Sequence[float]) -> float:
    steps_s = np.diff(times_s)
    usual_s = float(np.median(steps_s))
    even = (steps_s > 0.0) & (np.abs(steps_s - usual_s) <= 0.1 * usual_s)
    if not even.all():
        first = int(np.argmin(even))
        message = f"time_s is {steps_s[first]:.6g} s after the frame before, where {usual_s:.6g} s is usual"
        raise frames[first + 1].refuse(message, "frames are evenly spaced in time, in rising order")
    return float(f"{(len(times_s) - 1) / (times_s[-1] - times_s[0]):.12g}")  # 12 digits: 24.0, not 24.000000000000004


def format_trajectory(trajectory: Trajectory, *, max_rows: int | None = None) -> str:
    """A text table for people: a row per frame, a column per AU that moves, and a line for those that do not.

    Frames count from 1, values have two decimals. Of more frames than `max_rows` the middle ones are left out.
    """
    words, columns = fold(trajectory.aus, trajectory.values)
    trajectory = Trajectory(trajectory.values[:, columns], trajectory.fps, words)
    moves = np.ptp(trajectory.values, axis=0) > 0.0  # (N,)
    moving = [word for word, moved in zip(words, moves, strict=True) if moved]
    lines = [
        f"{len(trajectory)} frames at {trajectory.fps:g} fps, {trajectory.duration_s:.2f} s",
        "frame  time_s" + "".join(f"  {column_name(word):>{_width(word)}}" for word in moving),
    ]
    for frame in _shown_frames(len(trajectory), max_rows):
        lines.append("    …" if frame is None else _format_frame(trajectory, frame, moves))
    still = zip(trajectory.aus, trajectory.values[0], moves, strict=True)
    if unchanged := [f"{column_name(word)} {value_text(word, value)}" for word, value, moved in still if not moved]:
        lines.append(f"unchanged: {', '.join(unchanged)}")
    return "\n".join(lines)


def _width(word: Word) -> int:
    return max(len(column_name(word)), 4 if parts(word) else 6)


def _shown_frames(count: int, max_rows: int | None) -> list[int | None]:
    """The frames to print; None stands for those left out between the first and the last of them."""
    if max_rows is None or count <= max_rows:
        return list(range(count))
    head, tail = (max_rows + 1) // 2, max_rows // 2
    return [*range(head), None, *range(count - tail, count)]


def _format_frame(trajectory: Trajectory, frame: int, moves: NDArray[np.bool_]) -> str:
    moving = [word for word, moved in zip(trajectory.aus, moves, strict=True) if moved]
    shown = zip(moving, trajectory.values[frame, moves], strict=True)
    values = "".join(f"  {value_text(word, value):>{_width(word)}}" for word, value in shown)
    return f"{frame + 1:5d}  {trajectory.times_s[frame]:6.2f}{values}"
