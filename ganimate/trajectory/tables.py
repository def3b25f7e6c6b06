"""Trajectories as tables: CSV files that give the same bits back, and text for people."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ExpressionError, OutputError
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
    yield ["time_s", *map(_column, trajectory.aus)]
    for time_s, row in zip(trajectory.times_s.tolist(), trajectory.values.tolist(), strict=True):
        yield [repr(time_s), *map(_shortest, row)]


def _column(number: int) -> str:
    return f"AU{number:02d}"


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
    such table: another header, a missing cell, no number, a value outside [0, 1], an uneven time, fewer than 2 frames.
    """
    rows = _read_rows(Path(path))
    if not rows:
        raise ExpressionError(f"the trajectory {str(path)!r} is empty", _HEADER_HINT)
    header, *frames = rows
    aus = _parse_header(header)
    if len(frames) < 2:
        raise header.refuse(f"a trajectory needs at least 2 frames, and {len(frames)} follow")
    table = [_parse_frame(row, header.cells) for row in frames]
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


def _parse_header(header: _Row) -> tuple[int, ...]:
    time, *columns = header.cells
    if time.lower() != "time_s" or not columns:
        raise header.refuse(f"the header begins with {time[:40]!r} instead of time_s and AUs", _OTHERS_HINT)
    aus: list[int] = []
    for column in columns:
        au = re.fullmatch(r"AU0*([1-9]\d{0,5})", column, re.ASCII | re.IGNORECASE)
        if au is None:
            raise header.refuse(f"the column {column[:40]!r} is not an AU", _HEADER_HINT)
        if int(au[1]) in aus:
            raise header.refuse(f"there are two columns of AU{au[1]}")
        aus.append(int(au[1]))
    return tuple(aus)


def _parse_frame(row: _Row, columns: Sequence[str]) -> list[float]:
    if len(row.cells) != len(columns):
        raise row.refuse(f"there are {len(row.cells)} cells under a header of {len(columns)}")
    numbers = [_parse_number(row, column, cell) for column, cell in zip(columns, row.cells, strict=True)]
    for column, number in zip(columns[1:], numbers[1:], strict=True):
        if not 0.0 <= number <= 1.0:
            raise row.refuse(f"{column} must be between 0 and 1, not {number}")
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
    moves = np.ptp(trajectory.values, axis=0) > 0.0  # (N,)
    moving = [number for number, moved in zip(trajectory.aus, moves, strict=True) if moved]
    lines = [
        f"{len(trajectory)} frames at {trajectory.fps:g} fps, {trajectory.duration_s:.2f} s",
        "frame  time_s" + "".join(f"  {_column(number)}" for number in moving),
    ]
    for frame in _shown_frames(len(trajectory), max_rows):
        lines.append("    …" if frame is None else _format_frame(trajectory, frame, moves))
    still = zip(trajectory.aus, trajectory.values[0], moves, strict=True)
    if unchanged := [f"{_column(number)} {value:.2f}" for number, value, moved in still if not moved]:
        lines.append(f"unchanged: {', '.join(unchanged)}")
    return "\n".join(lines)


def _shown_frames(count: int, max_rows: int | None) -> list[int | None]:
    """The frames to print; None stands for those left out between the first and the last of them."""
    if max_rows is None or count <= max_rows:
        return list(range(count))
    head, tail = (max_rows + 1) // 2, max_rows // 2
    return [*range(head), None, *range(count - tail, count)]


def _format_frame(trajectory: Trajectory, frame: int, moves: NDArray[np.bool_]) -> str:
    values = "".join(f"  {value:4.2f}" for value in trajectory.values[frame, moves])
    return f"{frame + 1:5d}  {trajectory.times_s[frame]:6.2f}{values}"
