"""One animation or still, from the checked command line to the written file.

Loaded by the commands that do such a job, not for their help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ganimate.animation.outputs import Outputs, Recorder, StillRecorder
from ganimate.cli import session, targets
from ganimate.cli.console import Display, plain_table, print_json
from ganimate.cli.session import Means, Sitting, Studio, au_facts, face_facts
from ganimate.config import Motion, Scrutiny
from ganimate.errors import FaceError
from ganimate.facs import ACTION_UNITS, Expression, Others, combine, parse_expression
from ganimate.media import Photo, Sound, keeps_alpha
from ganimate.media.naming import beside
from ganimate.media.places import FilePlace
from ganimate.timeline import NaturalBlinks, NoBlinks, Timeline, for_face, load_timeline, with_blinks
from ganimate.trajectory import LOOPS, Trajectory, format_trajectory, load_trajectory, save_trajectory
from ganimate.trajectory.plan import SELF, WORTH_TELLING, Move, Perform, Plan, Replay, Row, moves, nearest

if TYPE_CHECKING:
    from ganimate.animation.animator import PreparedFace
    from ganimate.cli.lookback import Lookback
    from ganimate.media.provenance import Mark

__all__ = ["Job", "Means", "Plan", "blinking", "move", "outputs", "replay", "timeline"]


def move(start: Sequence[str], to: Sequence[str], others: Others, motion: Motion) -> Plan:
    """Return the plan of a move between expressions, each in one or several texts; raises ExpressionError."""
    return Move(_expression(to), _expression(start), others, motion)


def replay(path: str) -> Plan:
    """Return the plan that is recorded in the CSV file `path`; raises ExpressionError."""
    return Replay(load_trajectory(path))


def correction(text: str | None) -> Expression:
    """Return what a face shows instead of what the model reads; without a `text`, just that; raises ExpressionError."""
    return SELF if text is None else parse_expression(text)


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
    photo: Path,
    words: str,
    suffix: str,
    path: str | None,
    attention: str | None,
    color: str | None,
    force: bool,
    strip: str | None = None,
    reports: Sequence[str] = (),
) -> Outputs:
    """Return where results go, by default beside the photo; raises OutputError where one is in another's way."""
    place = str(beside(photo, words, suffix)) if path is None else path
    found = Outputs(place, attention, color, force, strip, tuple(reports))
    found.check_distinct(photo)
    return found


@dataclass(frozen=True)
class Part:
    """What is asked of one face; `seen_as` is an expression that corrects what the model reads from it."""

    plan: Plan
    seen_as: Expression = SELF

    def photos(self) -> tuple[str, ...]:
        """Return the paths of the other photos that are asked for."""
        return targets.photos_of(self.plan) + self.seen_as.photos()

    def blinking(self, blink: str, seed: int) -> Part:
        """Return the same with blinks, as `blinking` says."""
        return replace(self, plan=blinking(self.plan, blink, seed))


@dataclass(frozen=True)
class Role:
    """What one face does: its trajectory, and the expression y_g (N,) that this leads to.

    It `wanders` where that is only one of many things that it shows on its way.
    """

    path: Trajectory
    goal: Row
    wanders: bool = False


@dataclass(frozen=True)
class Made:
    """What came of a job: the result as plain data, and who has looked at it."""

    facts: dict[str, Any]
    look: Lookback


@dataclass(frozen=True)
class Job:
    """What the command line asks for; `seen_as` is an expression that corrects what the model reads from the photo.

    `apart` has the faces, by their numbers, that have a part of their own; its plans have the frames of `plan`.
    """

    photo: Path
    plan: Plan
    means: Means
    outputs: Outputs
    still: bool = False
    loop: str = "ping-pong"
    seen_as: str | None = None
    apart: Mapping[int, Part] = field(default_factory=dict)
    save_trajectory: str | None = None
    print_trajectory: bool = False
    scrutiny: Scrutiny = field(default_factory=Scrutiny)
    mark: bool = True
    sound: Sound | None = None

    def run(self, *, quiet: bool, as_json: bool) -> None:
        """Do the job, and print where its result is."""
        made = self.make(Display(quiet))
        if as_json:
            print_json(made.facts)
        else:
            typer.echo(self.outputs.path)
        made.look.conclude()

    def make(self, display: Display, studio: Studio | None = None) -> Made:
        """Do the job, in a `studio` that may be ready from another job, and return what came of it."""
        recorder = self._recorder()
        photo = session.open_photo(self.photo, display)
        sitting, plans = self._sitting(photo.image, display, studio)
        roles = [
            self._role(for_face(plan, place), person, sitting.aus)
            for place, (plan, person) in enumerate(zip(plans, sitting.people, strict=True))
        ]
        for place, role in enumerate(roles):
            _tell_role(sitting, place, role, display)
            if self.print_trajectory:
                typer.echo(format_trajectory(role.path), err=True)
        look = self._lookback(sitting, roles, display)
        count = self._record(sitting, roles, recorder, look, self._alpha(photo, display), display)
        if self.save_trajectory is not None:
            save_trajectory(roles[0].path, self.save_trajectory, overwrite=self.outputs.overwrite)
        look.write(str(self.photo), self._mark(sitting, roles))
        look.tell(display)
        return Made(self._facts(sitting, roles, count, look), look)

    def _recorder(self) -> Recorder | StillRecorder:
        """Return what will write the result; raises OutputError, before any slow work, where it could not."""
        if self.save_trajectory is not None:
            FilePlace(self.save_trajectory, self.outputs.overwrite).check()
        if self.still:
            return StillRecorder(self.outputs)
        return Recorder(self.outputs, self.plan.fps, repeats=LOOPS[self.loop].repeats, sound=self.sound)

    def _alpha(self, photo: Photo, display: Display) -> NDArray[np.uint8] | None:
        """Return what is transparent in the result, and note where it shows nothing of what is so in the photo."""
        if photo.alpha is None:
            return None
        if self.scrutiny.compare or not keeps_alpha(self.outputs.path):
            keepers = "PNG frames and stills in PNG or WebP keep it, without --compare"
            display.note(f"what is transparent becomes white: {keepers}")
            return None
        return photo.alpha

    def _sitting(self, photo: NDArray[np.uint8], display: Display, studio: Studio | None) -> tuple[Sitting, list[Plan]]:
        """Return the chosen faces, ready to be animated, and each one's plan with what other photos show in it."""
        everyone = Part(self.plan, correction(self.seen_as))
        parts = (everyone, *self.apart.values())
        names = [name for part in parts for name in part.photos()]
        others = targets.open_photos(names, display)
        for name in names:
            self.outputs.check_distinct(Path(name))
        studio = studio or Studio(session.find_model(self.means.model, display), self.means)
        aus = studio.entry.card.aus
        studio.check(*(targets.filled(part.plan, targets.blank(names, aus)) for part in parts))
        if isinstance(self.plan, Perform) and (missing := self.plan.left_out(aus)):
            display.note(f"the model lacks {', '.join(f'AU{number}' for number in missing)} of the clip: left out")
        sitting = studio.prepare(photo, display)
        if self.save_trajectory is not None and len(sitting.people) > 1:
            message = f"a trajectory is that of one face, and {len(sitting.people)} were chosen"
            raise FaceError(message, "choose one with --face, or leave out --save-trajectory")
        readings = targets.read_photos(others, sitting.animator, self.means, display)
        mine = [self.apart.get(number, everyone) for number in sitting.numbers]
        sitting = sitting.corrected([part.seen_as.with_readings(readings) for part in mine])
        return sitting, [targets.filled(part.plan, readings) for part in mine]

    def _role(self, plan: Plan, person: PreparedFace, aus: tuple[int, ...]) -> Role:
        goal = plan.goal(person.source_aus, aus)
        path = Trajectory(goal[None], 1.0, aus) if self.still else plan.trajectory(person.source_aus, aus)
        return Role(path, goal, wanders=isinstance(plan, Perform) and not self.still)

    def _lookback(self, sitting: Sitting, roles: Sequence[Role], display: Display) -> Lookback:
        """Return what will look at the frames on their way."""
        from ganimate.cli.lookback import Lookback

        with display.stage("reading the faces"):
            paths, goals = [role.path for role in roles], [role.goal for role in roles]
            return Lookback(sitting, paths, goals, self.outputs, self.scrutiny)

    def _record(
        self,
        sitting: Sitting,
        roles: Sequence[Role],
        recorder: Recorder | StillRecorder,
        look: Lookback,
        alpha: NDArray[np.uint8] | None,
        display: Display,
    ) -> int:
        """Generate and write all frames; return their number."""
        paths = [role.path for role in roles]
        frames = look.watch(sitting.animator.frames(sitting.photo, sitting.people, paths))
        with display.progress("making frames", len(paths[0]), f"writing {Path(self.outputs.path).name}") as counted:
            shown = nearest(paths, [role.goal for role in roles])
            count = recorder.record(counted(frames), shown, self._mark(sitting, roles), alpha)
        if isinstance(recorder, Recorder) and recorder.sound_failure is not None:
            display.note(f"the sound could not be kept: {recorder.sound_failure}")
        return count

    def _mark(self, sitting: Sitting, roles: Sequence[Role]) -> Mark | None:
        return sitting.mark([role.path for role in roles]) if self.mark else None

    def _facts(self, sitting: Sitting, roles: Sequence[Role], count: int, look: Lookback) -> dict[str, Any]:
        """Return the result as plain data."""
        extra = {
            "attention": self.outputs.attention, "color": self.outputs.color, "trajectory": self.save_trajectory,
        }  # fmt: skip
        return {
            "path": self.outputs.path,
            "frames": count,
            **({} if self.still else {"fps": roles[0].path.fps, "duration_s": round(roles[0].path.duration_s, 3)}),
            "width_px": look.width_px,
            "height_px": sitting.photo.shape[0],
            "model": sitting.model,
            "marked": self.mark,
            "faces": [
                face_facts(sitting, place)
                | {
                    "y_r": au_facts(sitting.aus, sitting.people[place].source_aus),
                    "y_g": au_facts(sitting.aus, role.goal),
                }
                | look.peak_facts(place)
                for place, role in enumerate(roles)
            ],
            **{name: path for name, path in extra.items() if path is not None},
            **look.facts(),
        }


def _tell_role(sitting: Sitting, place: int, role: Role, display: Display) -> None:
    """Note what a face shows, and of the AUs that move where they go."""
    own = sitting.people[place].source_aus
    moved = moves(role.path, own)
    columns = {"photo": own} | _told_columns(role, moved, own)
    display.note(f"face {sitting.numbers[place]} of {sitting.found}")
    if moved.any():
        table = plain_table("", "", *columns, numeric=(2, 3, 4))
        for n in np.flatnonzero(moved):
            unit = ACTION_UNITS[sitting.aus[n]]
            table.add_row(f"  {unit.label}", unit.name, *(f"{row[n]:.2f}" for row in columns.values()))
        display.table(table)
    else:
        display.note("  already shows what is asked for, so nothing will move")
    kept = [
        f"{ACTION_UNITS[sitting.aus[n]].label} {own[n]:.2f}" for n in np.flatnonzero(~moved & (own >= WORTH_TELLING))
    ]
    if kept:
        display.note(f"  as in the photo: {', '.join(kept)}")


def _told_columns(role: Role, moved: NDArray[np.bool_], own: Row) -> dict[str, Row]:
    """Return what is told of the AUs that move: whence and where to, or how far down and up where they do both."""
    start, goal, values = role.path.values[0], role.goal, role.path.values
    beyond = np.maximum(values.max(axis=0) - np.maximum(start, goal), np.minimum(start, goal) - values.min(axis=0))
    if role.wanders or (beyond[moved] >= WORTH_TELLING).any():  # they blink, or a timeline has them come and go
        return {"least": values.min(axis=0), "most": values.max(axis=0)}
    from_elsewhere = len(values) > 1 and float(np.abs(start - own).max()) >= WORTH_TELLING
    return {"from": start, "to": goal} if from_elsewhere else {"to": goal}
