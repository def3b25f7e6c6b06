"""The AU intensities of an animation, frame by frame, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ExpressionError

MAX_FPS = 1000.0

Floats: TypeAlias = NDArray[np.float64]


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
