"""Trajectories: the AU intensities of an animation, frame by frame, as data that can be printed, saved and loaded."""

from __future__ import annotations

import contextlib
import csv
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganimate.aus import did_you_mean
from ganimate.errors import ExpressionError, OutputError

__all__ = [
    "EASINGS",
    "LOOPS",
    "Easing",
    "Loop",
    "Trajectory",
    "build_trajectory",
    "format_trajectory",
    "load_trajectory",
    "save_trajectory",
]

MAX_FPS = 1000.0
MAX_FRAMES = 100_000

Floats: TypeAlias = NDArray[np.float64]
Easing: TypeAlias = Callable[[Floats], Floats]
Choice = TypeVar("Choice")


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Intensities `values`, float32 (F, N) in [0, 1], shown at `fps`; column n is the AU `aus[n]`.

    `values` is copied and read-only. Raises ExpressionError when F or N is 0, the shape does not fit `aus`, an AU
    comes twice, a value is not in [0, 1] (frame and AU are named), or `fps` is not above 0 and at most 1000.
    """

    values: NDArray[np.float32]
    fps: float
    aus: tuple[int, ...]

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float32, order="C")
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "fps", float(self.fps))
        object.__setattr__(self, "aus", tuple(self.aus))
        self._check_shape()
        self._check_range()
        if not 0.0 < self.fps <= MAX_FPS:
            raise ExpressionError(f"fps must be above 0 and at most {MAX_FPS:g}, not {self.fps}")

    def _check_shape(self) -> None:
        shape = self.values.shape
        if len(shape) != 2 or 0 in shape or shape[1] != len(self.aus):
            raise ExpressionError(f"a trajectory of {len(self.aus)} AUs cannot have values of the shape {shape}")
        if len(set(self.aus)) < len(self.aus):
            raise ExpressionError(f"an AU comes twice in the trajectory's {', '.join(map(str, self.aus))}")

    def _check_range(self) -> None:
        bad = np.argwhere(~((self.values >= 0.0) & (self.values <= 1.0)))
        if len(bad):
            frame, column = bad[0]
            value = self.values[frame, column]
            raise ExpressionError(f"AU{self.aus[column]} of frame {frame + 1} must be between 0 and 1, not {value}")

    def __len__(self) -> int:
        return len(self.values)

    @property
    def duration_s(self) -> float:
        """Seconds that one showing takes; every frame, the last one too, stays for 1/fps."""
        return len(self) / self.fps

    @property
    def times_s(self) -> Floats:
        """When each frame appears, (F,) in seconds from 0."""
        return np.arange(len(self)) / self.fps


def _minimum_jerk(t: Floats) -> Floats:
    """The way of least jerk from rest to rest (Flash & Hogan 1985), as limbs and faces move."""
    return t**3 * (10.0 - 15.0 * t + 6.0 * t**2)


# Each maps time in [0, 1] to the share α of the way, rising from exactly 0 to exactly 1: nothing overshoots, because
# an AU cannot leave [0, 1].
EASINGS: Mapping[str, Easing] = MappingProxyType(
    {
        "linear": lambda t: t,
        "in": lambda t: t**2,
        "out": lambda t: t * (2.0 - t),
        "in-out": lambda t: t**2 * (3.0 - 2.0 * t),
        "min-jerk": _minimum_jerk,
    }
)


@dataclass(frozen=True)
class Loop:
    """What follows the goal: whether the frames come back to the start, and whether the player begins again."""

    comes_back: bool
    repeats: bool


# `cycle` has the frames of `once`; only the writer of the file, told by `repeats`, makes the difference.
LOOPS: Mapping[str, Loop] = MappingProxyType(
    {
        "once": Loop(comes_back=False, repeats=False),
        "ping-pong": Loop(comes_back=True, repeats=True),
        "cycle": Loop(comes_back=False, repeats=True),
    }
)


def build_trajectory(
    start: NDArray[np.float32],
    goal: NDArray[np.float32],
    aus: Sequence[int],
    *,
    frames: int,
    fps: float,
    easing: str = "in-out",
    hold_frames: int = 0,
    loop: str = "once",
) -> Trajectory:
    """The way y = α·y_g + (1−α)·y_r from `start` y_r to `goal` y_g, each (N,) in [0, 1] in the order of `aus`.

    The move takes `frames`, the first exactly `start`, the last exactly `goal`, which stays for `hold_frames` more.
    That is all of ``once`` and ``cycle``; ``ping-pong`` goes back the way it came and ends one frame before the
    start, so that it repeats without a stutter: 2·frames − 2 + hold_frames in all.

    Raises ExpressionError for an unknown `easing` (EASINGS) or `loop` (LOOPS), for fewer than 2 frames, and for what
    Trajectory refuses. Source of the interpolation: Pumarola et al., GANimation (ECCV 2018).
    """
    _require_count("frames", frames, at_least=2)
    _require_count("hold_frames", hold_frames, at_least=0)
    move = _choose("easing", easing, EASINGS)(np.linspace(0.0, 1.0, frames))
    way_back = move[-2:0:-1] if _choose("loop", loop, LOOPS).comes_back else move[:0]
    alpha = np.concatenate([move, np.ones(hold_frames), way_back])[:, None]  # (F, 1)
    y_r, y_g = _intensities("start", start, aus), _intensities("goal", goal, aus)
    values = alpha * y_g + (1.0 - alpha) * y_r
    return Trajectory(values.astype(np.float32), fps, tuple(aus))


def _require_count(name: str, count: int, *, at_least: int) -> None:
    if not at_least <= count <= MAX_FRAMES:
        raise ExpressionError(f"{name} must be between {at_least} and {MAX_FRAMES}, not {count}")


def _choose(what: str, name: str, choices: Mapping[str, Choice]) -> Choice:
    if name not in choices:
        hint = did_you_mean(name, choices) or f"choose one of {', '.join(choices)}"
        raise ExpressionError(f"there is no {what} {name!r}", hint)
    return choices[name]


def _intensities(what: str, row: NDArray[np.float32], aus: Sequence[int]) -> Floats:
    """The float32 `row` in double precision, so that a blend is rounded once and meets both ends exactly."""
    values = np.asarray(row, dtype=np.float32).astype(np.float64)
    if values.shape != (len(aus),):
        raise ExpressionError(f"the {what} of {len(aus)} AUs cannot have the shape {values.shape}")
    for number, value in zip(aus, values, strict=True):
        if not 0.0 <= value <= 1.0:
            raise ExpressionError(f"AU{number} of the {what} must be between 0 and 1, not {value}")
    return values


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
        _write_atomically(target, _to_rows(trajectory))
    except OSError as error:
        message = f"the trajectory cannot be saved as {str(target)!r}: {error.strerror}"
        raise OutputError(message, "choose a folder that exists, may be written to and has space left") from error


def _require_free(target: Path, overwrite: bool) -> None:
    if target.is_dir():
        raise OutputError(f"the trajectory cannot be saved as {str(target)!r}: it is a folder", "name a file in it")
    if target.exists() and not overwrite:
        message = f"the trajectory cannot be saved as {str(target)!r}: the file exists"
        raise OutputError(message, "choose another name, or allow it to be overwritten")


def _write_atomically(target: Path, rows: Iterable[Sequence[str]]) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)
        os.replace(partial, target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


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
        return ExpressionError(f"{self.path}, line {self.line}: {why}", hint)


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
        raise header.refuse(f"the header begins with {time[:40]!r} instead of time_s and AUs", _HEADER_HINT)
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
