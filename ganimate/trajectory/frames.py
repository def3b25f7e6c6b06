"""The AU intensities of an animation, frame by frame, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ExpressionError
from ganimate.facs.words import Word, bounds, label, range_text

MAX_FPS = 1000.0

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Rows `values`, float32 (F, N), shown at `fps`; column n is the word `aus[n]`: an AU, or a turn (`facs.words`).

    `values` is copied and read-only. Raises ExpressionError when F or N is 0, the shape does not fit `aus`, an AU
    comes twice, a value is beyond the word's limits, [0, 1] for AUs (frame and AU are named), or `fps` is not above 0
    and at most 1000.
    """

    values: NDArray[np.float32]
    fps: float
    aus: tuple[Word, ...]

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
        least, most = bounds(self.aus)
        bad = np.argwhere(~((self.values >= least) & (self.values <= most)))
        if len(bad):
            frame, column = bad[0]
            value, word = self.values[frame, column], self.aus[column]
            raise ExpressionError(f"{label(word)} of frame {frame + 1} must be {range_text(word)}, not {value}")

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
