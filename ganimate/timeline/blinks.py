"""Blinks, laid over the finished frames of any plan: AU45 closes and opens, now and then, as eyes do by themselves.

Blinks lie wholly inside of the frames, and none is near the start, so that a loop has no seam.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ganimate.facs import Expression, SetAU, Word
from ganimate.facs.words import place_of
from ganimate.timeline.contents import Refusal, require_time
from ganimate.trajectory import Trajectory
from ganimate.trajectory.plan import NamesPhotos, Plan, Row, climax, moves

BLINK_AU, LID_RAISER_AU = 45, 5
# Lids that meet. At 1 they are pressed shut, which no spontaneous blink does, and the default model's look swollen.
CLOSED = 0.8
# Lids close faster than they open (VanderWerf et al., J. Neurophysiol. 89, 2003); in round numbers.
CLOSING_S, CLOSED_S, OPENING_S = 0.1, 0.04, 0.2
# At rest, a mean of 17 blinks a minute: Bentivoglio et al., Analysis of blink rate patterns, Mov. Disord. 12, 1997.
RATE_PER_MIN = 17.0
LOWEST_RATE, HIGHEST_RATE = 1.0, 60.0
# Intervals have many short and few long ones (Garcia et al., IOVS 52, 2011): a log-normal law of this width.
SPREAD = 0.5
QUIET_S = 0.5  # at the start, where a blink would look like part of the move
PAUSE_S = 0.2  # at least, between two blinks


def frame_at(time_s: float, fps: float) -> int:
    """Return the frame nearest to a time; of two equally near, the later."""
    return math.floor(time_s * fps + 0.5)


class Blinks(Protocol):
    """When eyes close."""

    def starts(self, frames: int, fps: float) -> list[int]:
        """Return the frames, of `frames`, in which lids begin to close, in rising order; blinks do not overlap."""
        ...


@dataclass(frozen=True)
class NoBlinks:
    """Never."""

    def starts(self, frames: int, fps: float) -> list[int]:
        return []


@dataclass(frozen=True)
class BlinksAt:
    """At the given times, in seconds; raises Refusal for times that are no times, or so near that blinks overlap."""

    times_s: tuple[float, ...]

    def __post_init__(self) -> None:
        for place, time_s in enumerate(self.times_s):
            try:
                require_time("blink", time_s)
            except Refusal as refusal:
                raise Refusal((place,), refusal.message, refusal.hint) from None
            if place and time_s < self.times_s[place - 1] + CLOSING_S + CLOSED_S + OPENING_S:
                message = f"the blink at {time_s:g} s begins before the one at {self.times_s[place - 1]:g} s is over"
                raise Refusal((place,), message, "name blinks in rising order, at least 0.34 s apart")

    def starts(self, frames: int, fps: float) -> list[int]:
        return [frame_at(time_s, fps) for time_s in self.times_s]


@dataclass(frozen=True)
class NaturalBlinks:
    """At natural intervals, the same for the same `seed`; raises Refusal for a rate beyond 1 to 60 a minute.

    None begins in the first half second. There is at least one wherever there is room for it.
    """

    rate_per_min: float = RATE_PER_MIN
    seed: int = 0

    def __post_init__(self) -> None:
        if not LOWEST_RATE <= self.rate_per_min <= HIGHEST_RATE:
            message = f"rate_per_min must be between {LOWEST_RATE:g} and {HIGHEST_RATE:g}, not {self.rate_per_min:g}"
            raise Refusal(("rate_per_min",), message, "at rest 17 are usual, in conversation 26")
        if self.seed < 0:
            raise Refusal(("seed",), f"seed must be 0 or more, not {self.seed}", "any whole number gives other times")

    def starts(self, frames: int, fps: float) -> list[int]:
        length = blink_frames(fps)
        earliest, latest = math.ceil(QUIET_S * fps), frames - length
        chosen: list[int] = []
        for time_s in self._times_s(frames / fps):
            start = frame_at(time_s, fps)
            if start <= latest and (not chosen or start >= chosen[-1] + length):
                chosen.append(start)
        if not chosen and latest >= earliest:
            chosen.append(earliest + int(random.Random(self.seed).random() * (latest - earliest + 1)))
        return chosen

    def _times_s(self, until_s: float) -> Iterator[float]:
        draw = random.Random(self.seed)
        # The start of the frames falls anywhere into an interval.
        time_s = QUIET_S + draw.random() * self._interval_s(draw)
        while time_s < until_s:
            yield time_s
            time_s += self._interval_s(draw)

    def _interval_s(self, draw: random.Random) -> float:
        middle = math.log(60.0 / self.rate_per_min) - SPREAD**2 / 2.0  # so that the mean is that of the rate
        return max(draw.lognormvariate(middle, SPREAD), CLOSING_S + CLOSED_S + OPENING_S + PAUSE_S)


def blink_shape(fps: float) -> list[float]:
    """Return the share of the way, in (0, 1], that lids are down in each frame of a blink; before and after it is 0."""
    closing, opening = max(1, frame_at(CLOSING_S, fps)), max(1, frame_at(OPENING_S, fps))
    down = [step / closing for step in range(1, closing + 1)]
    up = [(1.0 - step / opening) ** 2 for step in range(1, opening)]  # fast at first, then settling
    return down + [1.0] * frame_at(CLOSED_S, fps) + up


def blink_frames(fps: float) -> int:
    """Return the frames from the last open one before a blink to its last closing one."""
    return 1 + len(blink_shape(fps))


def overlay(path: Trajectory, blinks: Blinks) -> Trajectory:
    """Return `path` with `blinks`: AU45 rises to 0.8 and falls back to what it was, while AU5 lets go of the lids.

    Raises ExpressionError when there is no AU45, even if no blink falls into the frames.
    """
    if isinstance(blinks, NoBlinks):
        return path
    Expression((SetAU(BLINK_AU, 1.0),)).resolve(path.values[0], path.aus)  # raises for a model without it
    down = np.zeros(len(path))  # (F,) in [0, 1]
    shape = blink_shape(path.fps)
    for start in blinks.starts(len(path), path.fps):
        room = down[start + 1 : start + 1 + len(shape)]
        room[:] = np.maximum(room, shape[: len(room)])
    values = path.values.astype(np.float64)
    lids = place_of(BLINK_AU, path.aus)
    values[:, lids] += down[:, None] * np.maximum(CLOSED - values[:, lids], 0.0)
    # One muscle, the levator, raises lids and relaxes in a blink.
    values[:, place_of(LID_RAISER_AU, path.aus)] *= 1.0 - down[:, None]
    return Trajectory(values.astype(np.float32), path.fps, path.aus)


@dataclass(frozen=True)
class Blinking:
    """Another plan, with blinks."""

    plan: Plan
    blinks: Blinks

    @property
    def fps(self) -> float:
        return self.plan.fps

    def trajectory(self, own: Row, aus: Sequence[Word]) -> Trajectory:
        return overlay(self.plan.trajectory(own, aus), self.blinks)

    def goal(self, own: Row, aus: Sequence[Word]) -> Row:
        """That of the other plan, or closed eyes where nothing else is to be seen."""
        calm = self.plan.trajectory(own, aus)
        return self.plan.goal(own, aus) if moves(calm, own).any() else climax(self.trajectory(own, aus), own)

    def left_out(self, aus: Sequence[Word]) -> tuple[Word, ...]:
        return self.plan.left_out(aus)

    def photos(self) -> tuple[str, ...]:
        """Return the paths of the photos that the other plan asks for."""
        return self.plan.photos() if isinstance(self.plan, NamesPhotos) else ()

    def with_readings(self, readings: Mapping[str, Mapping[Word, float]]) -> Blinking:
        """Return the same with what was read from those photos."""
        return replace(self, plan=self.plan.with_readings(readings)) if isinstance(self.plan, NamesPhotos) else self

    def for_face(self, place: int) -> Blinking:
        """Return the plan of the face at `place` (from 0): each face blinks at times of its own."""
        return replace(self, blinks=shifted(self.blinks, place))


def shifted(blinks: Blinks, place: int) -> Blinks:
    """Return natural blinks at other times, by the seed that is `place` further; others as they are."""
    return replace(blinks, seed=blinks.seed + place) if isinstance(blinks, NaturalBlinks) else blinks
