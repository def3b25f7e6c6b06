"""One edited video, from the checked command line to the written file.

Loaded by the commands that do such a job, not for their help.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ganimate.animation.outputs import Outputs
from ganimate.cli import session, targets
from ganimate.cli.console import Display, plain_table, print_json
from ganimate.cli.errors import usage_error
from ganimate.cli.session import Means, Studio, au_facts
from ganimate.errors import FaceError
from ganimate.facs import ACTION_UNITS, Expression, Others, combine, parse_expression
from ganimate.media import FrameWriter, Sound, Video, fastest_fps, open_writer, read_video
from ganimate.media.naming import beside
from ganimate.media.provenance import Mark
from ganimate.trajectory.plan import WORTH_TELLING

if TYPE_CHECKING:
    from ganimate.animation.animator import Animator
    from ganimate.animation.clip_frames import Footage, Reading
    from ganimate.face.crop import Image
    from ganimate.face.detect import Follower

NO_FACE_HINT = "use a clip that shows a face from the front, at least 40 px wide, for a while"
# The parameters of `animate` that say something about a video; all others are for one photo's animation.
FOR_VIDEOS = (
    "photo", "expressions", "others", "ramp", "output", "mark", "force", "json", "quiet", "face", "model", "detector",
    "device",
)  # fmt: skip


def check_options(ctx: typer.Context) -> None:
    """Raise a usage error for an option that was given and says nothing about a video, or if nothing is asked for."""
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if source is None or source.name != "COMMANDLINE":
            continue
        if param.name not in FOR_VIDEOS:
            raise usage_error(f"{param.opts[0]} is for photos, and this is a video", ctx)
        if param.name == "face" and [name.strip().lower() for name in ctx.params["face"]] != ["largest"]:
            raise usage_error("of a video only --face largest can be animated", ctx)
        if param.name == "detector" and ctx.params["detector"].value != "hog":
            raise usage_error("--detector cnn is too slow for a video: it takes seconds a frame", ctx)
    if not ctx.params["expressions"]:
        raise usage_error("nothing to show: add for example --expression happiness or --au 12=+0.5", ctx)


def edit(
    clip: Path,
    expressions: Sequence[str],
    others: Others,
    ramp_s: float,
    means: Means,
    output: str | None,
    force: bool,
    mark: bool,
) -> VideoJob:
    """Return the job of editing every frame of `clip`; raises ExpressionError or OutputError."""
    path = str(beside(clip, ",".join(expressions), ".mp4")) if output is None else output
    outputs = Outputs(path, overwrite=force)
    outputs.check_distinct(clip, "video")
    goal = combine(parse_expression(text) for text in expressions)
    return VideoJob(clip, goal, others, ramp_s, means, outputs, mark)


def make_follower() -> Follower:
    """Return what follows faces through a clip; tests put another one in its place."""
    from ganimate.face.detect import DlibFollower

    return DlibFollower()


def read_clip(path: Path, output: str, display: Display) -> Video:
    """Return the video at `path`, at a rate that a result at `output` can show, told of; raises VideoError."""
    with display.stage(f"reading {path.name}"):
        video = read_video(path, fastest_fps(output))
    facts = video.facts
    told = f"{facts.width}×{facts.height} px, {float(facts.fps):.5g} fps, {facts.duration_s:.1f} s"
    display.note(f"{path.name}: {told}, {'with' if facts.audio else 'without'} sound")
    for note in video.notes:
        display.note(f"  {note}")
    return video


def sound_for(video: Video, output: str, display: Display) -> Sound | None:
    """Return the clip's sound where the result can hold it."""
    if video.facts.audio is None:
        return None
    if Path(output).suffix.lower() != ".mp4":
        display.note("  only an .mp4 can hold sound: it is left out")
        return None
    return Sound(video.path, video.facts.audio)


def tell_sound(writer: FrameWriter, display: Display) -> None:
    """Note that the sound, against what was expected, is missing."""
    if writer.sound_failure is not None:
        display.note(f"the sound could not be kept: {writer.sound_failure}")


def open_footage(animator: Animator, video: Video) -> Footage:
    """Return what reads and edits the clip."""
    from ganimate.animation.clip_frames import Footage

    return Footage(animator, make_follower(), float(video.facts.fps))


@dataclass
class Tally:
    """What is worth telling of a clip's frames: how many, with a face, and sums of the AUs (N,) of these."""

    aus: tuple[int, ...]
    frames: int = 0
    faces: int = 0
    own: NDArray[np.float64] = field(init=False)
    asked: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.own, self.asked = np.zeros(len(self.aus)), np.zeros(len(self.aus))

    def add(self, reading: Reading, goal: NDArray[np.float32] | None = None) -> None:
        """Count one frame."""
        self.frames += 1
        if reading.own is not None:
            self.faces += 1
            self.own += reading.own
            self.asked += reading.own if goal is None else goal

    def means(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the mean AUs that were read and asked (N,), over the frames with a face."""
        count = max(self.faces, 1)
        return (self.own / count).astype(np.float32), (self.asked / count).astype(np.float32)


@dataclass(frozen=True)
class VideoJob:
    """What the command line asks for: an expression, in every frame of a clip."""

    clip: Path
    goal: Expression
    others: Others
    ramp_s: float
    means: Means
    outputs: Outputs
    mark: bool = True

    def run(self, *, quiet: bool, as_json: bool) -> None:
        """Do the job, and print where its result is."""
        display = Display(quiet)
        video = read_clip(self.clip, self.outputs.path, display)
        fps = float(video.facts.fps)
        sound = sound_for(video, self.outputs.path, display)
        writer = open_writer(self.outputs.path, fps, overwrite=self.outputs.overwrite, sound=sound)
        entry = session.find_model(self.means.model, display)
        aus = entry.card.aus
        photos = targets.open_photos(self.goal.photos(), display)
        blank = self.goal.with_readings(targets.blank(self.goal.photos(), aus))
        blank.resolve(np.zeros(len(aus), np.float32), aus, self.others)  # an AU that the model lacks is told now
        with display.stage("loading the model"):
            animator = Studio(entry, self.means).animator
        readings = targets.read_photos(photos, animator, self.means, display)
        footage, tally = open_footage(animator, video), Tally(aus)
        wanted = self.goal.with_readings(readings)
        if self.mark:
            writer.mark = Mark(entry.card.name, entry.digest, (str(wanted),))
        name = Path(self.outputs.path).name
        with (
            display.progress("editing frames", video.facts.frames, f"writing {name}") as counted,
            writer,
        ):
            for image in counted(self._images(video, footage, wanted, tally)):
                writer.append(image)
            if not tally.faces:
                raise FaceError(f"no face was found in '{self.clip}'", NO_FACE_HINT)
        tell_sound(writer, display)
        _tell(tally, display)
        if as_json:
            model = {"name": entry.name, "path": str(entry.path)}
            print_json(self._facts(video, tally, model, sound is not None and writer.sound_failure is None))
        else:
            typer.echo(self.outputs.path)

    def _images(self, video: Video, footage: Footage, wanted: Expression, tally: Tally) -> Iterator[Image]:
        def goal(own: NDArray[np.float32]) -> NDArray[np.float32]:
            return wanted.resolve(own, tally.aus, self.others)

        for reading, frame in footage.edit(footage.read(video.frames()), goal, self.ramp_s):
            tally.add(reading, None if reading.own is None else goal(reading.own))
            yield frame.image

    def _facts(self, video: Video, tally: Tally, model: dict[str, str], sound_kept: bool) -> dict[str, Any]:
        """Return the result as plain data; AUs are means over the frames with a face."""
        own, asked = tally.means()
        return {
            "path": self.outputs.path,
            "frames": tally.frames,
            "frames_with_face": tally.faces,
            "fps": float(video.facts.fps),
            "duration_s": round(tally.frames / float(video.facts.fps), 3),
            "width_px": video.facts.width,
            "height_px": video.facts.height,
            "audio": video.facts.audio if sound_kept else None,
            "model": model,
            "marked": self.mark,
            "y_r": au_facts(tally.aus, own),
            "y_g": au_facts(tally.aus, asked),
        }


def _tell(tally: Tally, display: Display) -> None:
    """Note in how many frames there was a face, and which AUs were moved."""
    without = tally.frames - tally.faces
    display.note(f"a face in {tally.faces} of {tally.frames} frames" + (", the others are unchanged" * bool(without)))
    own, asked = tally.means()
    moves = np.abs(asked - own) >= WORTH_TELLING
    if not moves.any():
        display.note("  already shows what is asked for, so hardly anything has moved")
        return
    table = plain_table("", "", "clip's mean", "to", numeric=(2, 3))
    for n in np.flatnonzero(moves):
        unit = ACTION_UNITS[tally.aus[n]]
        table.add_row(f"  {unit.label}", unit.name, f"{own[n]:.2f}", f"{asked[n]:.2f}")
    display.table(table)
