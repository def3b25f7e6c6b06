"""One animation or still, from the checked command line to the written file.

Loaded by the commands that do such a job, not for their help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ganimate.aus import ACTION_UNITS, Expression, Others, combine, parse_expression
from ganimate.cli import session
from ganimate.cli.console import Display, plain_table, print_json
from ganimate.cli.session import Means, Sitting, au_facts, face_facts
from ganimate.config import Motion
from ganimate.errors import FaceError
from ganimate.media.places import FilePlace
from ganimate.naming import beside
from ganimate.plan import Move, Plan, Replay, Row, nearest
from ganimate.recording import Outputs, Recorder, StillRecorder
from ganimate.timeline import NaturalBlinks, NoBlinks, Timeline, for_face, load_timeline, with_blinks
from ganimate.trajectory import LOOPS, Trajectory, format_trajectory, load_trajectory, save_trajectory

if TYPE_CHECKING:
    from ganimate.animator import Sitter

__all__ = ["Job", "Means", "Plan", "blinking", "move", "outputs", "replay", "timeline"]

WORTH_TELLING = 0.05  # AUs and changes below this are hardly seen


def move(start: Sequence[str], to: Sequence[str], others: Others, motion: Motion) -> Plan:
    """Return the plan of a move between expressions, each in one or several texts; raises ExpressionError."""
    return Move(_expression(to), _expression(start), others, motion)


def replay(path: str) -> Plan:
    """Return the plan that is recorded in the CSV file `path`; raises ExpressionError."""
    return Replay(load_trajectory(path))


def timeline(path: str, fps: float | None) -> Timeline:
    """Return the plan in the YAML file `path`, at `fps` if that is not None; raises TimelineError."""
    told = load_timeline(path)
    return told if fps is None else replace(told, fps=fps)


def blinking(plan: Plan, blink: str, seed: int) -> Plan:
    """Return the plan with blinks at natural intervals ("auto"), or without any ("off")."""
    return with_blinks(plan, NaturalBlinks(seed=seed) if blink == "auto" else NoBlinks())


def _expression(texts: Sequence[str]) -> Expression:
    return combine(parse_expression(text) for text in texts)


def outputs(
    photo: Path, words: str, suffix: str, path: str | None, attention: str | None, color: str | None, force: bool
) -> Outputs:
    """Return where results go, by default beside the photo; raises OutputError where one is in another's way."""
    found = Outputs(str(beside(photo, words, suffix)) if path is None else path, attention, color, force)
    found.check_distinct(photo)
    return found


@dataclass(frozen=True)
class Role:
    """What one face does: its trajectory, and the expression y_g (N,) that this leads to."""

    path: Trajectory
    goal: Row


@dataclass(frozen=True)
class Job:
    """What the command line asks for; `seen_as` is an expression that corrects what the model reads from the photo."""

    photo: Path
    plan: Plan
    means: Means
    outputs: Outputs
    still: bool = False
    loop: str = "ping-pong"
    seen_as: str | None = None
    save_trajectory: str | None = None
    print_trajectory: bool = False

    def run(self, *, quiet: bool, as_json: bool) -> None:
        """Do the job, and print where its result is."""
        display = Display(quiet)
        recorder = self._recorder()
        sitting = self._sitting(display)
        roles = [
            self._role(for_face(self.plan, place), sitter, sitting.aus) for place, sitter in enumerate(sitting.sitters)
        ]
        for place, role in enumerate(roles):
            _tell_role(sitting, place, role, display)
            if self.print_trajectory:
                typer.echo(format_trajectory(role.path), err=True)
        count = self._record(sitting, roles, recorder, display)
        if self.save_trajectory is not None:
            save_trajectory(roles[0].path, self.save_trajectory, overwrite=self.outputs.overwrite)
        if as_json:
            print_json(self._facts(sitting, roles, count))
        else:
            typer.echo(self.outputs.path)

    def _recorder(self) -> Recorder | StillRecorder:
        """Return what will write the result; raises OutputError, before any slow work, where it could not."""
        if self.save_trajectory is not None:
            FilePlace(self.save_trajectory, self.outputs.overwrite).check()
        if self.still:
            return StillRecorder(self.outputs)
        return Recorder(self.outputs, self.plan.fps, repeats=LOOPS[self.loop].repeats)

    def _sitting(self, display: Display) -> Sitting:
        """Return the chosen faces, ready to be animated."""
        seen_as = None if self.seen_as is None else parse_expression(self.seen_as)
        photo = session.read_photo(self.photo, display)
        entry = session.find_model(self.means.model, display)
        aus, nothing = entry.card.aus, np.zeros(len(entry.card.aus), np.float32)
        self.plan.trajectory(nothing, aus)  # an AU that the model lacks is told before faces are sought
        sitting = session.sit(photo, entry, self.means, display)
        if self.save_trajectory is not None and len(sitting.sitters) > 1:
            message = f"a trajectory is that of one face, and {len(sitting.sitters)} were chosen"
            raise FaceError(message, "choose one with --face, or leave out --save-trajectory")
        return sitting if seen_as is None else sitting.corrected(seen_as)

    def _role(self, plan: Plan, sitter: Sitter, aus: tuple[int, ...]) -> Role:
        goal = plan.goal(sitter.own, aus)
        path = Trajectory(goal[None], 1.0, aus) if self.still else plan.trajectory(sitter.own, aus)
        return Role(path, goal)

    def _record(
        self, sitting: Sitting, roles: Sequence[Role], recorder: Recorder | StillRecorder, display: Display
    ) -> int:
        """Generate and write all frames; return their number."""
        paths = [role.path for role in roles]
        frames = sitting.animator.frames(sitting.photo, sitting.sitters, paths)
        with display.progress("making frames", len(paths[0]), f"writing {Path(self.outputs.path).name}") as counted:
            return recorder.record(counted(frames), nearest(paths[0], roles[0].goal))

    def _facts(self, sitting: Sitting, roles: Sequence[Role], count: int) -> dict[str, Any]:
        """Return the result as plain data."""
        extra = {
            "attention": self.outputs.attention, "color": self.outputs.color, "trajectory": self.save_trajectory,
        }  # fmt: skip
        return {
            "path": self.outputs.path,
            "frames": count,
            **({} if self.still else {"fps": roles[0].path.fps, "duration_s": round(roles[0].path.duration_s, 3)}),
            "width_px": sitting.photo.shape[1],
            "height_px": sitting.photo.shape[0],
            "model": sitting.model,
            "faces": [
                face_facts(sitting, place)
                | {"y_r": au_facts(sitting.aus, sitting.sitters[place].own), "y_g": au_facts(sitting.aus, role.goal)}
                for place, role in enumerate(roles)
            ],
            **{name: path for name, path in extra.items() if path is not None},
        }


def _tell_role(sitting: Sitting, place: int, role: Role, display: Display) -> None:
    """Note what a face shows, and of the AUs that move where they go."""
    own = sitting.sitters[place].own
    moves = np.abs(role.path.values - own).max(axis=0) >= WORTH_TELLING  # (N,)
    columns = {"photo": own} | _told_columns(role, moves, own)
    display.note(f"face {sitting.numbers[place]} of {sitting.found}")
    if moves.any():
        table = plain_table("", "", *columns, numeric=(2, 3, 4))
        for n in np.flatnonzero(moves):
            unit = ACTION_UNITS[sitting.aus[n]]
            table.add_row(f"  {unit.label}", unit.name, *(f"{row[n]:.2f}" for row in columns.values()))
        display.table(table)
    else:
        display.note("  already shows what is asked for, so nothing will move")
    kept = [
        f"{ACTION_UNITS[sitting.aus[n]].label} {own[n]:.2f}" for n in np.flatnonzero(~moves & (own >= WORTH_TELLING))
    ]
    if kept:
        display.note(f"  as in the photo: {', '.join(kept)}")


def _told_columns(role: Role, moves: NDArray[np.bool_], own: Row) -> dict[str, Row]:
    """Return what is told of the AUs that move: whence and where to, or how far down and up where they do both."""
    start, goal, values = role.path.values[0], role.goal, role.path.values
    beyond = np.maximum(values.max(axis=0) - np.maximum(start, goal), np.minimum(start, goal) - values.min(axis=0))
    if (beyond[moves] >= WORTH_TELLING).any():  # they blink, or a timeline has them come and go
        return {"least": values.min(axis=0), "most": values.max(axis=0)}
    from_elsewhere = len(values) > 1 and float(np.abs(start - own).max()) >= WORTH_TELLING
    return {"from": start, "to": goal} if from_elsewhere else {"to": goal}
