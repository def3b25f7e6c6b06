"""What a face is asked to do, before the face is known: a move between two expressions, or a recorded trajectory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ganimate.aus import Expression, Others, Reset
from ganimate.config import Motion
from ganimate.errors import ExpressionError
from ganimate.trajectory import Trajectory, build_trajectory

Row = NDArray[np.float32]  # (N,) in [0, 1]
SELF = Expression((Reset("self"),))


class Plan(Protocol):
    """What to do, for any face and any model; `own` is what the face shows, y_r, in the order of the model's `aus`."""

    @property
    def fps(self) -> float:
        """Frames a second."""
        ...

    def trajectory(self, own: Row, aus: Sequence[int]) -> Trajectory:
        """Return the AUs of each frame; raises ExpressionError when the model lacks one that is asked for."""
        ...

    def goal(self, own: Row, aus: Sequence[int]) -> Row:
        """Return the expression that the plan leads to, y_g."""
        ...


@dataclass(frozen=True)
class Move:
    """From one expression to another; AUs that an expression does not name are treated as `others` says."""

    to: Expression
    start: Expression = SELF
    others: Others = "keep"
    motion: Motion = field(default_factory=Motion)

    @property
    def fps(self) -> float:
        return self.motion.fps

    def trajectory(self, own: Row, aus: Sequence[int]) -> Trajectory:
        motion = self.motion
        return build_trajectory(
            self.start.resolve(own, aus, self.others),
            self.goal(own, aus),
            aus,
            frames=motion.frames,
            fps=motion.fps,
            easing=motion.easing,
            hold_frames=motion.hold_frames,
            loop=motion.loop,
        )

    def goal(self, own: Row, aus: Sequence[int]) -> Row:
        return self.to.resolve(own, aus, self.others)


@dataclass(frozen=True)
class Replay:
    """The frames of a recorded trajectory, whose AUs may be fewer than the model's: the others stay as they are."""

    recorded: Trajectory

    @property
    def fps(self) -> float:
        return self.recorded.fps

    def trajectory(self, own: Row, aus: Sequence[int]) -> Trajectory:
        recorded = self.recorded
        unknown = [f"AU{number}" for number in recorded.aus if number not in aus]
        if unknown:
            has = ", ".join(map(str, aus))
            raise ExpressionError(f"the trajectory has {', '.join(unknown)}, which the model lacks", f"it has {has}")
        values = np.tile(np.asarray(own, np.float32), (len(recorded), 1))  # (F, N)
        values[:, [list(aus).index(number) for number in recorded.aus]] = recorded.values
        return Trajectory(values, recorded.fps, tuple(aus))

    def goal(self, own: Row, aus: Sequence[int]) -> Row:
        """The row that is furthest from what the face shows."""
        path = self.trajectory(own, aus)
        goal: Row = path.values[furthest(path, own)]
        return goal


def furthest(trajectory: Trajectory, own: Row) -> int:
    """Return the index of the first row that differs most from `own` (N,)."""
    return int(np.abs(trajectory.values - own).sum(axis=1).argmax())


def nearest(trajectory: Trajectory, goal: Row) -> int:
    """Return the index of the first row that differs least from `goal` (N,)."""
    return int(np.abs(trajectory.values - goal).sum(axis=1).argmin())
