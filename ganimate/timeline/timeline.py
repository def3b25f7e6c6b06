"""The plan of a timeline: keyframes, events of AUs on top of them, a loop, and blinks on top of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ganimate.config import Motion
from ganimate.facs import Expression, Others, Reset, Word, combine
from ganimate.facs.words import place_of
from ganimate.timeline.blinks import Blinking, Blinks, BlinksAt, NoBlinks, blink_frames, frame_at, overlay, shifted
from ganimate.timeline.contents import Event, Keyframe, Refusal, require_time
from ganimate.trajectory import EASINGS, LOOPS, Trajectory
from ganimate.trajectory.moves import MAX_FRAMES
from ganimate.trajectory.plan import SELF, Plan, Row, climax, moves

Floats: TypeAlias = NDArray[np.float64]

LOWEST_FPS, HIGHEST_FPS = 0.1, 240.0
NEUTRAL = Expression((Reset("neutral"),))


@dataclass(frozen=True)
class Timeline:
    """A performance for any face and any model, in seconds; a time means the frame nearest to it.

    The face begins as in the photo (with `others` "zero": with all AUs at 0), unless a keyframe at 0 says otherwise,
    and stays after the last keyframe. AUs that a keyframe does not name it treats, by itself, as `others` says. An
    event lifts its AU from what keyframes give to its intensity and never lowers it; of several at once the strongest
    counts. Without `duration_s` it ends with the last thing that is told.

    ``once`` shows the last moment too. ``ping-pong`` goes back the way it came. ``cycle`` begins again at the end, in
    whose place the start is shown. Both come `repeat` times; blinks are at times of the result.

    Raises Refusal for what cannot be played.
    """

    keyframes: tuple[Keyframe, ...] = ()
    events: tuple[Event, ...] = ()
    blinks: Blinks = NoBlinks()
    fps: float = Motion.fps
    duration_s: float | None = None
    loop: str = "once"
    repeat: int = 1
    others: Others = "auto"

    def __post_init__(self) -> None:
        self._check_settings()
        self._check_order()
        if not self.keyframes and not self.events and (isinstance(self.blinks, NoBlinks) or not self.end_s):
            hint = "add for example keyframes: [{time: 1, expression: happiness}]"
            raise Refusal((), "there are neither keyframes nor tracks, so there is nothing to play", hint)
        self._check_duration()
        self._check_blinks()

    def _check_settings(self) -> None:
        if not LOWEST_FPS <= self.fps <= HIGHEST_FPS:
            message = f"fps must be between {LOWEST_FPS:g} and {HIGHEST_FPS:g}, not {self.fps:g}"
            raise Refusal(("fps",), message, "25 frames a second are usual")
        if self.duration_s is not None:
            require_time("duration", self.duration_s)
        if self.loop not in LOOPS:
            raise Refusal(("loop",), f"there is no loop {self.loop!r}", f"choose one of {', '.join(LOOPS)}")
        if not 1 <= self.repeat <= MAX_FRAMES:
            raise Refusal(("repeat",), f"repeat must be between 1 and {MAX_FRAMES}, not {self.repeat}", "such as 2")
        if self.repeat > 1 and not LOOPS[self.loop].repeats:
            message = f"repeat is {self.repeat}, and the loop is {self.loop!r}, which plays one time"
            raise Refusal(("repeat",), message, "write loop: cycle or loop: ping-pong, or leave repeat out")

    def _check_order(self) -> None:
        for place, (before, after) in enumerate(pairwise(self.keyframes), start=1):
            path = ("keyframes", place, "time")
            if after.time_s <= before.time_s:
                message = f"time {after.time_s:g} s does not come after the keyframe before it, at {before.time_s:g} s"
                raise Refusal(path, message, "write keyframes in the order of their times")
            if after.time_s < before.end_s:
                message = f"time {after.time_s:g} s falls into the hold of the keyframe before it, until "
                raise Refusal(path, f"{message}{before.end_s:g} s", "shorten that hold, or begin later")

    def _check_duration(self) -> None:
        ends_s = {("keyframes", place): keyframe.end_s for place, keyframe in enumerate(self.keyframes)}
        ends_s |= {("tracks", place): event.end_s for place, event in enumerate(self.events)}
        for path, end_s in ends_s.items():
            if end_s > self.end_s:
                message = f"this lasts until {end_s:g} s, and duration is {self.end_s:g} s"
                raise Refusal(path, message, "make duration longer, or leave it out")
        if self.frames > MAX_FRAMES:
            message = f"{self.end_s * self.repeat:g} s at {self.fps:g} fps are more than {MAX_FRAMES} frames"
            raise Refusal(("duration",), message, "use a smaller duration, fps or repeat")
        if self.frames < 2:
            message = f"{self.end_s:g} s at {self.fps:g} fps are less than two frames"
            raise Refusal(("duration",), message, "add duration or a hold, in seconds, or keyframes at later times")

    def _check_blinks(self) -> None:
        if not isinstance(self.blinks, BlinksAt):
            return
        for place, start in enumerate(self.blinks.starts(self.frames, self.fps)):
            if start + blink_frames(self.fps) > self.frames:
                message = f"the blink at {self.blinks.times_s[place]:g} s is not over when the timeline ends, at "
                raise Refusal(("blink", place), f"{message}{self.frames / self.fps:g} s", "a blink takes 0.34 s")

    @property
    def end_s(self) -> float:
        """How long one round takes, one way."""
        return self._told_end_s if self.duration_s is None else self.duration_s

    @property
    def _told_end_s(self) -> float:
        """The end of the last thing that is told."""
        ends_s = [keyframe.end_s for keyframe in self.keyframes] + [event.end_s for event in self.events]
        if isinstance(self.blinks, BlinksAt) and self.duration_s is None and self.loop == "once":
            # in loops they are times of the whole result
            ends_s += [(start + blink_frames(self.fps)) / self.fps for start in self.blinks.starts(0, self.fps)]
        return max(ends_s, default=0.0)

    @property
    def _last(self) -> int:
        """The frame with which one round ends."""
        last = frame_at(self.end_s, self.fps)
        if self.loop == "once" and self.duration_s is not None:  # so many frames, but all that is told is shown
            return max(last - 1, frame_at(self._told_end_s, self.fps))
        return last

    @property
    def frames(self) -> int:
        """The frames of the result, with all rounds."""
        return {"once": self._last + 1, "ping-pong": 2 * self._last, "cycle": self._last}[self.loop] * self.repeat

    @property
    def blinks_s(self) -> list[float]:
        """When, in the result, eyes begin to close."""
        return [start / self.fps for start in self.blinks.starts(self.frames, self.fps)]

    def photos(self) -> tuple[str, ...]:
        """Return the paths of the photos that keyframes ask for."""
        return tuple(path for keyframe in self.keyframes for path in keyframe.expression.photos())

    def with_readings(self, readings: Mapping[str, Mapping[Word, float]]) -> Timeline:
        """Return the same with what was read from those photos."""
        keyframes = (replace(one, expression=one.expression.with_readings(readings)) for one in self.keyframes)
        return replace(self, keyframes=tuple(keyframes))

    def trajectory(self, own: Row, aus: Sequence[Word]) -> Trajectory:
        return overlay(self.unblinking(own, aus), self.blinks)

    def unblinking(self, own: Row, aus: Sequence[Word]) -> Trajectory:
        """Return the trajectory without the blinks."""
        last = self._last
        values = self._keyed(own, aus, last + 1)
        self._add_events(values, aus)
        there, back = np.arange(last + 1), np.arange(last, 0, -1)
        rounds = {"once": there, "ping-pong": np.concatenate([there[:-1], back]), "cycle": there[:-1]}
        order = np.tile(rounds[self.loop], self.repeat)
        return Trajectory(values.astype(np.float32)[order], self.fps, tuple(aus))

    def goal(self, own: Row, aus: Sequence[Word]) -> Row:
        """The row that differs most from how it begins, blinks apart unless nothing else is to be seen."""
        calm = self.unblinking(own, aus)
        return climax(calm if moves(calm, own).any() else self.trajectory(own, aus), own)

    def left_out(self, aus: Sequence[Word]) -> tuple[Word, ...]:
        return combine([SELF, *(keyframe.expression for keyframe in self.keyframes)]).left_out(aus)

    def for_face(self, place: int) -> Timeline:
        """Return the plan of the face at `place` (from 0): each face blinks at times of its own."""
        return replace(self, blinks=shifted(self.blinks, place))

    def _keyed(self, own: Row, aus: Sequence[Word], frames: int) -> Floats:
        """Return what the keyframes give, (frames, N)."""
        begin = NEUTRAL if self.others == "zero" else SELF
        before = begin.resolve(own, aus).astype(np.float64)
        values = np.tile(before, (frames, 1))
        left = 0  # the last frame that shows what was before
        for keyframe in self.keyframes:
            goal = keyframe.expression.resolve(own, aus, self.others).astype(np.float64)
            here, until = frame_at(keyframe.time_s, self.fps), frame_at(keyframe.end_s, self.fps)
            values[left:here] = before
            if here > left:
                alpha = EASINGS[keyframe.easing](np.linspace(0.0, 1.0, here - left + 1))[:, None]
                values[left : here + 1] = alpha * goal + (1.0 - alpha) * before
            values[here : until + 1] = goal
            before, left = goal, until
        values[left:] = before
        return values

    def _add_events(self, values: Floats, aus: Sequence[Word]) -> None:
        """Lift the AUs of `values` (F, N), in place, to where the events have them."""
        keyed = values.copy()
        for event in self.events:
            # raises ExpressionError for an AU that the model lacks
            Expression((event.term,)).resolve(values[0].astype(np.float32), aus)
            first, share = self._envelope(event, len(values))
            for column in place_of(event.au, aus):
                base = keyed[first : first + len(share), column]
                lifted = share * np.maximum(base, event.intensity) + (1.0 - share) * base
                here = values[first : first + len(share), column]
                here[:] = np.maximum(here, lifted)

    def _envelope(self, event: Event, frames: int) -> tuple[int, Floats]:
        """Return the first frame of an event, and the share in [0, 1] of its intensity from there on."""
        ease = EASINGS[event.easing]
        onset, apex = frame_at(event.onset_s, self.fps), frame_at(event.apex_s, self.fps)
        rise = ease(np.linspace(0.0, 1.0, apex - onset + 1)) if apex > onset else np.ones(1)
        if event.fall_s is None or event.offset_s is None:
            return onset, np.concatenate([rise, np.ones(frames - 1 - apex)])
        fall, offset = frame_at(event.fall_s, self.fps), frame_at(event.offset_s, self.fps)
        way_down = 1.0 - ease(np.linspace(0.0, 1.0, offset - fall + 1))[1:] if offset > fall else np.zeros(0)
        return onset, np.concatenate([rise, np.ones(fall - apex), way_down])


def with_blinks(plan: Plan, blinks: Blinks) -> Plan:
    """Return `plan` with `blinks`; those that a timeline has of its own give way to them."""
    return replace(plan, blinks=blinks) if isinstance(plan, Timeline) else Blinking(plan, blinks)


def for_face(plan: Plan, place: int) -> Plan:
    """Return what the face at `place` (from 0) of several does: the same, but faces do not blink in step."""
    return plan.for_face(place) if isinstance(plan, Timeline | Blinking) else plan
