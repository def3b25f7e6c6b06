"""Performances: what a face did over time, as it was recorded, before it becomes the frames of an animation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ExpressionError
from ganimate.facs.words import Word, bounds
from ganimate.trajectory.frames import MAX_FPS, Floats, Trajectory
from ganimate.trajectory.moves import MAX_FRAMES

MAX_SMOOTH_S = 60.0
FINEST_S = 1e-9  # of a grid; rows may stand closer than numbers can be divided
REACH = 4.0  # standard deviations; beyond them a Gaussian weighs less than 0.0004 of its middle


@dataclass(frozen=True, eq=False)
class Performance:
    """The rows `values`, float32 (T, N), that a face had at `times_s`, float64 (T,) strictly rising.

    Column n is the word `aus[n]`, an AU in [0, 1] or a turn in degrees. The times need not be even, nor begin at 0:
    where nothing is known, there is no row.
    `notes` are sentences for people about how it was read. Arrays are copied and read-only. Raises ExpressionError
    when T or N is 0, the shapes do not fit, an AU comes twice, a time is not finite or not after the one before, or
    a value is beyond the word's limits (row and AU are named).
    """

    times_s: Floats
    values: NDArray[np.float32]
    aus: tuple[Word, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        times_s = np.array(self.times_s, dtype=np.float64, order="C")
        checked = Trajectory(self.values, 1.0, self.aus)  # the same laws; only the times are others
        times_s.setflags(write=False)
        object.__setattr__(self, "times_s", times_s)
        object.__setattr__(self, "values", checked.values)
        object.__setattr__(self, "aus", checked.aus)
        object.__setattr__(self, "notes", tuple(self.notes))
        self._check_times()

    def _check_times(self) -> None:
        if self.times_s.shape != (len(self.values),):
            message = f"a performance of {len(self.values)} rows cannot have times of the shape {self.times_s.shape}"
            raise ExpressionError(message)
        if not np.isfinite(self.times_s).all():
            row = int(np.argmin(np.isfinite(self.times_s)))
            raise ExpressionError(f"the time of row {row + 1} must be finite, not {self.times_s[row]}")
        late = np.diff(self.times_s) <= 0.0
        if late.any():
            row = int(np.argmax(late)) + 1
            before, time_s = self.times_s[row - 1 : row + 1]
            raise ExpressionError(f"row {row + 1} is at {time_s:g} s, which is not after {before:g} s, the row before")

    def __len__(self) -> int:
        return len(self.values)

    @property
    def duration_s(self) -> float:
        """Seconds from the first row to the last one."""
        return float(self.times_s[-1] - self.times_s[0])

    @property
    def fps(self) -> float | None:
        """The usual rate of the rows, to six digits; None where one row has none.

        It is told by the mean of the steps about as long as their median, so that neither gaps count nor the decimals
        that the times were rounded to.
        """
        if len(self) < 2:
            return None
        steps_s = np.diff(self.times_s)
        usual_s = float(np.sort(steps_s)[(len(steps_s) - 1) // 2])
        alike = steps_s[(steps_s > 0.5 * usual_s) & (steps_s < 1.5 * usual_s)]
        return float(f"{1.0 / float(np.mean(alike)):.6g}")

    def between(self, start_s: float | None = None, end_s: float | None = None) -> Performance:
        """The part from `start_s` to `end_s`, in seconds as in `times_s`; None is the first or last row.

        Where no row stands at an end, one is interpolated. Raises ExpressionError when nothing lies between.
        """
        first_s, last_s = float(self.times_s[0]), float(self.times_s[-1])
        start = first_s if start_s is None else max(float(start_s), first_s)
        end = last_s if end_s is None else min(float(end_s), last_s)
        if not start <= end or (start == end and len(self) > 1):
            asked = f"from {first_s if start_s is None else start_s:g} s " + (
                "on" if end_s is None else f"to {end_s:g} s"
            )
            message = f"the clip has nothing {asked}; it goes from {first_s:g} s to {last_s:g} s"
            raise ExpressionError(message, "choose a start and an end within it, the start first")
        inner = self.times_s[(self.times_s > start) & (self.times_s < end)]
        times_s = np.unique(np.concatenate([[start], inner, [end]]))
        return Performance(times_s, self._at(times_s).astype(np.float32), self.aus, self.notes)

    def held(self, times_s: Sequence[float] | Floats) -> Performance:
        """The same with rows also at those of `times_s`, rising, that lie before the first one or after the last.

        They hold its first and its last pose, and a note tells that.
        """
        grid_s = np.asarray(times_s, np.float64)
        first_s, last_s = float(self.times_s[0]), float(self.times_s[-1])
        before, after = grid_s[grid_s < first_s], grid_s[grid_s > last_s]
        told = [f"comes at {first_s:.6g} s"] * bool(len(before)) + [f"is there until {last_s:.6g} s"] * bool(len(after))
        if not told:
            return self
        note = (
            f"the face {' and '.join(told)} of {grid_s[0]:.6g} s to {grid_s[-1]:.6g} s: its pose is held there (--trim)"
        )
        ends = np.repeat(self.values[:1], len(before), axis=0), np.repeat(self.values[-1:], len(after), axis=0)
        return Performance(
            np.concatenate([before, self.times_s, after]),
            np.concatenate([ends[0], self.values, ends[1]]),
            self.aus,
            (*self.notes, note),
        )

    def resampled(self, fps: float, *, smooth_s: float = 0.0) -> Trajectory:
        """The frames at `fps` from the first row to the one nearest to the last, interpolated linearly in time.

        `smooth_s` is the standard deviation of a Gaussian that the values are smoothed with before: it looks as far
        back as ahead, so that nothing comes late, and at the ends weighs only what is there. Raises ExpressionError
        for an `fps` that is not above 0 and at most 1000, a `smooth_s` outside [0, 60], and more than 100,000 frames.
        """
        if not 0.0 < fps <= MAX_FPS:
            raise ExpressionError(f"fps must be above 0 and at most {MAX_FPS:g}, not {fps}")
        if not 0.0 <= smooth_s <= MAX_SMOOTH_S:
            raise ExpressionError(f"smoothing must be between 0 and {MAX_SMOOTH_S:g} seconds, not {smooth_s}")
        steps = self.duration_s * fps
        if not steps + 0.5 < MAX_FRAMES:
            message = f"{self.duration_s:g} s at {fps:g} frames a second are more than {MAX_FRAMES} frames"
            raise ExpressionError(message, "choose a lower frame rate or a part of the clip")
        # to the nearest frame: times are rounded, to milliseconds often, and that must not cost the last row
        times_s = self.times_s[0] + np.arange(math.floor(steps + 0.5) + 1) / fps
        values = self._at(times_s) if smooth_s == 0.0 else self._smoothed_at(times_s, fps, smooth_s)
        return Trajectory(np.clip(values, *bounds(self.aus)).astype(np.float32), fps, self.aus)

    def _at(self, times_s: Floats) -> Floats:
        """The values at `times_s` (F,), as (F, N), on straight lines between the rows."""
        columns = [np.interp(times_s, self.times_s, column) for column in self.values.T.astype(np.float64)]
        return np.stack(columns, axis=1)

    def _smoothed_at(self, times_s: Floats, fps: float, smooth_s: float) -> Floats:
        """The same of smoothed values.

        They are smoothed on an even grid, as rows that stand closer would count more otherwise; it is as fine as the
        finer of rows and frames, so that no row is missed.
        """
        finest_s = min(1.0 / fps, 1.0 / (self.fps or fps))
        step_s = max(finest_s, self.duration_s / MAX_FRAMES, FINEST_S)
        grid_s = self.times_s[0] + np.arange(math.ceil(self.duration_s / step_s) + 1) * step_s
        smooth = gaussian_smoothed(self._at(grid_s), smooth_s / step_s)
        return np.stack([np.interp(times_s, grid_s, column) for column in smooth.T], axis=1)


def gaussian_smoothed(values: Floats, sigma_rows: float) -> Floats:
    """The columns of `values` (T, N), each row a mean of its neighbours with Gaussian weights of `sigma_rows`.

    The weights of rows that exist sum to 1 also at the ends, so that a constant stays what it is. Written with
    numpy's Fourier transform, as scipy is no dependency and a direct sum takes long where many rows are smoothed far.
    """
    rows = len(values)
    reach = min(math.ceil(REACH * sigma_rows), rows - 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_rows) ** 2)
    length = rows + 2 * reach  # room for the weights, so that the end does not run into the beginning

    def spread(columns: Floats) -> Floats:
        product = np.fft.rfft(columns, length, axis=0) * np.fft.rfft(weights, length)[:, None]
        whole: Floats = np.fft.irfft(product, length, axis=0)
        return whole[reach : reach + rows]

    smooth: Floats = spread(values) / spread(np.ones((rows, 1)))
    return smooth
