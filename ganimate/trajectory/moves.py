"""Moves from one expression to another: how they start and stop, and what follows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ExpressionError
from ganimate.facs import did_you_mean
from ganimate.facs.words import Word, label, limits, range_text
from ganimate.trajectory.frames import Floats, Trajectory

MAX_FRAMES = 100_000

Easing: TypeAlias = Callable[[Floats], Floats]
Choice = TypeVar("Choice")


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
    aus: Sequence[Word],
    *,
    frames: int,
    fps: float,
    easing: str = "in-out",
    hold_frames: int = 0,
    loop: str = "once",
) -> Trajectory:
    """The way y = α·y_g + (1−α)·y_r from `start` y_r to `goal` y_g, each (N,) in the order of `aus`.

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


def _intensities(what: str, row: NDArray[np.float32], aus: Sequence[Word]) -> Floats:
    """The float32 `row` in double precision, so that a blend is rounded once and meets both ends exactly."""
    values = np.asarray(row, dtype=np.float32).astype(np.float64)
    if values.shape != (len(aus),):
        raise ExpressionError(f"the {what} of {len(aus)} AUs cannot have the shape {values.shape}")
    for word, value in zip(aus, values, strict=True):
        least, most = limits(word)
        if not least <= value <= most:
            raise ExpressionError(f"{label(word)} of the {what} must be {range_text(word)}, not {value}")
    return values
