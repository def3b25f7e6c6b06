"""What a face is asked to do, before the face is known: a move between two expressions, or a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ganimate.config import Motion
from ganimate.errors import ExpressionError
from ganimate.facs import TURNS, Expression, Others, Reset, Word, combine
from ganimate.facs.words import au_numbers, bounds, fold, label, parts, place_of
from ganimate.trajectory import Performance, Trajectory, build_trajectory

Row = NDArray[np.float32]  # (N,), in the order of a model's words: AUs in [0, 1], and turns in degrees
WORTH_TELLING = 0.05  # AUs and changes below this are hardly seen; of turns a share of the furthest one
VISIBLE = 0.01  # AUs that change by less are as they were
SELF = Expression((Reset("self"),))


class Plan(Protocol):
    """What to do, for any face and any model; `own` is what it shows, y_r, in the order of a model's words, `aus`."""

    @property
    def fps(self) -> float:
        """Frames a second."""
        ...

    def trajectory(self, own: Row, aus: Sequence[Word]) -> Trajectory:
        """Return the AUs of each frame; raises ExpressionError when the model lacks one that is asked for."""
        ...

    def goal(self, own: Row, aus: Sequence[Word]) -> Row:
        """Return the expression that the plan leads to, y_g."""
        ...

    def left_out(self, aus: Sequence[Word]) -> tuple[Word, ...]:
        """Return the words of what is asked that a model of `aus` lacks, and that are left out for that."""
        ...


@runtime_checkable
class NamesPhotos(Protocol):
    """A plan that asks for what other photos show: the terms ``@other.jpg`` of its expressions."""

    def photos(self) -> tuple[str, ...]:
        """Return the paths of those photos."""
        ...

    def with_readings(self, readings: Mapping[str, Mapping[Word, float]]) -> Plan:
        """Return the plan with the AUs that were read from them, by path; before that it has no trajectory."""
        ...


@dataclass(frozen=True)
class Move:
    """From one expression to another, of which each by itself treats AUs that it does not name as `others` says."""

    to: Expression
    start: Expression = SELF
    others: Others = "auto"
    motion: Motion = field(default_factory=Motion)

    @property
    def fps(self) -> float:
        return self.motion.fps

    def trajectory(self, own: Row, aus: Sequence[Word]) -> Trajectory:
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

    def goal(self, own: Row, aus: Sequence[Word]) -> Row:
        return self.to.resolve(own, aus, self.others)

    def left_out(self, aus: Sequence[Word]) -> tuple[Word, ...]:
        return combine([self.start, self.to]).left_out(aus)

    def photos(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.start.photos() + self.to.photos()))

    def with_readings(self, readings: Mapping[str, Mapping[Word, float]]) -> Move:
        return replace(self, to=self.to.with_readings(readings), start=self.start.with_readings(readings))


@dataclass(frozen=True)
class Replay:
    """The frames of a recorded trajectory, whose words may be fewer than the model's: the others stay as they are."""

    recorded: Trajectory

    @property
    def fps(self) -> float:
        return self.recorded.fps

    def trajectory(self, own: Row, aus: Sequence[Word]) -> Trajectory:
        recorded = self.recorded
        unknown = [label(word) for word in recorded.aus if not place_of(word, aus)]
        if unknown:
            has = ", ".join(map(str, au_numbers(aus)))
            hint = f"its AUs are {has}" + ("" if _mesh(aus) else "; only models of the architecture mesh move sides")
            raise ExpressionError(f"the trajectory has {', '.join(unknown)}, which the model lacks", hint)
        values = np.tile(np.asarray(own, np.float32), (len(recorded), 1))  # (F, N)
        for column, word in enumerate(recorded.aus):
            values[:, place_of(word, aus)] = recorded.values[:, [column]]
        return Trajectory(values, recorded.fps, tuple(aus))

    def goal(self, own: Row, aus: Sequence[Word]) -> Row:
        """The row that is furthest from what the face shows."""
        path = self.trajectory(own, aus)
        goal: Row = path.values[furthest(path, own)]
        return goal

    def left_out(self, aus: Sequence[Word]) -> tuple[Word, ...]:
        """Nothing: what the model lacks of a recording is refused."""
        return ()


@dataclass(frozen=True)
class Perform:
    """A performance repeated by another face, at `fps` and smoothed by `smooth_s` (`Performance.resampled`).

    AUs that the performance lacks stay as the photo shows them; those that the model lacks are left out, and where it
    knows no sides it shows the mean of both. `relative` adds what changes since the performance's first frame to what
    the photo shows, clipped to what is possible: the animation then begins with the very face of the photo. The first
    frame is taken after smoothing, which also calms its noise.
    """

    performance: Performance
    fps: float
    smooth_s: float = 0.0
    relative: bool = False

    def left_out(self, aus: Sequence[Word]) -> tuple[Word, ...]:
        """Return the performance's words that a model of `aus` lacks."""
        return tuple(word for word in self.performance.aus if not _sources(word, aus))

    def evened(self, aus: Sequence[Word]) -> bool:
        """Say whether the performance has sides that a model of `aus` cannot tell apart."""
        return any(word not in aus and _sources(word, aus) for word in self.performance.aus if isinstance(word, str))

    def trajectory(self, own: Row, aus: Sequence[Word]) -> Trajectory:
        if turns := [str(word) for word in self.performance.aus if word in TURNS and word not in aus]:
            hint = "use a model of the architecture mesh, such as the default one, or leave out --head and --gaze"
            raise ExpressionError(
                f"this model turns neither head nor eyes, and the clip tells {', '.join(turns)}", hint
            )
        sources = {word: _sources(word, self.performance.aus) for word in aus}
        if not any(sources.values()):
            labels = ", ".join(map(label, self.performance.aus))
            raise ExpressionError(f"the model has none of the AUs {labels}", f"it has {', '.join(map(str, aus))}")
        moves = self.performance.resampled(self.fps, smooth_s=self.smooth_s)
        values = np.tile(np.asarray(own, np.float32), (len(moves), 1))  # (F, N)
        for place, columns in enumerate(sources.values()):
            if columns:
                played = moves.values[:, columns].mean(1)
                values[:, place] = values[:, place] + (played - played[0]) if self.relative else played
        return Trajectory(np.clip(values, *bounds(aus)), self.fps, tuple(aus))

    def goal(self, own: Row, aus: Sequence[Word]) -> Row:
        """The row that is furthest from what the face shows."""
        path = self.trajectory(own, aus)
        goal: Row = path.values[furthest(path, own)]
        return goal


def _mesh(aus: Sequence[Word]) -> bool:
    return any(isinstance(word, str) for word in aus)


def _sources(word: Word, told: Sequence[Word]) -> list[int]:
    """Return in which columns of `told` it stands what `word` does: itself, both of its sides, or the whole of it."""
    au = parts(word)
    return place_of(word, told) or (place_of(au[0], told) if au and au[1] else [])


def folded(trajectory: Trajectory, *rows: Row) -> tuple[Trajectory, list[int]]:
    """Return a trajectory in words for people, beside `rows` (N,), and the columns where these stand: see `fold`."""
    words, columns = fold(trajectory.aus, trajectory.values, *rows)
    return Trajectory(trajectory.values[:, columns], trajectory.fps, words), columns


def asked(trajectory: Trajectory, own: Row) -> str:
    """Return what a trajectory asks of a face that shows `own` (N,), such as ``6=1,12=0.25..0.75``; "" for nothing.

    It names the AUs that are moved visibly, each with the value that is furthest from the face's own; those that go to
    both sides of that, with their least and their most.
    """
    shown, columns = folded(trajectory, own)
    least, most = shown.values.min(axis=0), shown.values.max(axis=0)  # (N,)
    little = VISIBLE * bounds(shown.aus)[1]
    falls, rises = own[columns] - least >= little, most - own[columns] >= little

    def span(n: np.intp) -> str:
        ends = [end[n] for end, goes in ((least, falls), (most, rises)) if goes[n]]
        return "..".join(f"{round(float(end), 2):g}" for end in ends)

    return ",".join(f"{shown.aus[n]}={span(n)}" for n in np.flatnonzero(falls | rises))


def moves(trajectory: Trajectory, own: Row) -> NDArray[np.bool_]:
    """Return which words (N,) are anywhere moved from `own` (N,) so far that it is seen."""
    return np.asarray(_away(trajectory, own).max(axis=0) >= WORTH_TELLING)


def climax(trajectory: Trajectory, own: Row) -> Row:
    """Return the row (N,) that differs most from how it begins; from `own` (N,) where it leads back to just that."""
    row: Row = trajectory.values[furthest(trajectory, trajectory.values[0])]
    if _alike(row, own, trajectory.aus):
        row = trajectory.values[furthest(trajectory, own)]
    return row


def peak(trajectory: Trajectory, own: Row, goal: Row) -> int:
    """Return the index of the first row nearest to `goal` (N,); where that is just `own` (N,), furthest from it."""
    if _alike(goal, own, trajectory.aus):
        return furthest(trajectory, own)
    return nearest([trajectory], [goal])


def _away(trajectory: Trajectory, row: Row) -> NDArray[np.float64]:
    """Return how far each value (F, N) is from a row (N,): of turns as a share of the furthest one."""
    return np.asarray(np.abs(trajectory.values - row) / bounds(trajectory.aus)[1])


def _alike(row: Row, own: Row, aus: Sequence[Word]) -> bool:
    return bool((np.abs(row - own) < WORTH_TELLING * bounds(aus)[1]).all())


def furthest(trajectory: Trajectory, own: Row) -> int:
    """Return the index of the first row that differs most from `own` (N,)."""
    return int(_away(trajectory, own).sum(axis=1).argmax())


def nearest(trajectories: Sequence[Trajectory], goals: Sequence[Row]) -> int:
    """Return the index of the first frame in which all faces together differ least from their `goals`, (N,) each."""
    far = [_away(path, goal).sum(axis=1) for path, goal in zip(trajectories, goals, strict=True)]
    return int(np.sum(far, axis=0).argmin())


def distinct_frames(trajectories: Sequence[Trajectory]) -> list[int]:
    """Return the frames, in order, whose rows were not shown before: the move without its holds and its way back."""
    first: dict[bytes, int] = {}
    for frame, row in enumerate(np.concatenate([path.values for path in trajectories], axis=1)):  # (F, faces·N)
        first.setdefault(row.tobytes(), frame)
    return list(first.values())


def evenly(frames: Sequence[int], count: int) -> list[int]:
    """Return `count` of the frames, evenly spaced from the first to the last, or all where there are fewer."""
    places = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    return [frames[place] for place in places]
