"""One edited video, from what is asked to the written file; prints nothing, and returns what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganimate.animation import other_photos, session
from ganimate.animation.job import Result
from ganimate.animation.outputs import Outputs
from ganimate.animation.session import Session, au_facts, model_facts
from ganimate.config import Setup
from ganimate.errors import FaceError
from ganimate.facs import Expression, Others, Word
from ganimate.facs.words import bounds, fold, label, title, value_text
from ganimate.media import FrameWriter, Sound, Video, fastest_fps, open_writer, read_video
from ganimate.media.provenance import Mark
from ganimate.system.progress import Progress, Table
from ganimate.trajectory.plan import WORTH_TELLING, Row

if TYPE_CHECKING:
    from ganimate.animation.animator import Animator
    from ganimate.animation.clip_frames import ClipFrame, Footage
    from ganimate.face.crop import Image

NO_FACE_HINT = "use a clip that shows a face from the front, at least 40 px wide, for a while"


def read_clip(path: Path, output: str, progress: Progress) -> Video:
    """Return the video at `path`, at a rate that a result at `output` can show, told of; raises VideoError."""
    with progress.stage(f"reading {path.name}"):
        video = read_video(path, fastest_fps(output))
    facts = video.facts
    told = f"{facts.width}×{facts.height} px, {float(facts.fps):.5g} fps, {facts.duration_s:.1f} s"
    progress.note(f"{path.name}: {told}, {'with' if facts.audio else 'without'} sound")
    for note in video.notes:
        progress.note(f"  {note}")
    return video


def sound_for(video: Video, output: str, progress: Progress) -> Sound | None:
    """Return the clip's sound where the result can hold it."""
    if video.facts.audio is None:
        return None
    if Path(output).suffix.lower() != ".mp4":
        progress.note("  only an .mp4 can hold sound: it is left out")
        return None
    return Sound(video.path, video.facts.audio)


def open_footage(animator: Animator, video: Video) -> Footage:
    """Return what reads and edits the clip."""
    from ganimate.animation.clip_frames import Footage

    return Footage(animator, session.make_follower(), float(video.facts.fps))


@dataclass
class ClipSums:
    """What is worth telling of a clip's frames: how many, with a face, and sums of the AUs (N,) of these."""

    aus: tuple[Word, ...]
    frames: int = 0
    faces: int = 0
    source: NDArray[np.float64] = field(init=False)
    target: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.source, self.target = np.zeros(len(self.aus)), np.zeros(len(self.aus))

    def add(self, frame: ClipFrame, target_aus: Row | None) -> None:
        """Count one frame, whose face, if it has one, is to show `target_aus` (N,)."""
        self.frames += 1
        if frame.source_aus is not None and target_aus is not None:
            self.faces += 1
            self.source += frame.source_aus
            self.target += target_aus

    def means(self) -> tuple[Row, Row]:
        """Return the mean AUs that were read and asked (N,), over the frames with a face."""
        count = max(self.faces, 1)
        return (self.source / count).astype(np.float32), (self.target / count).astype(np.float32)


@dataclass(frozen=True)
class ClipJob:
    """An expression in every frame of a clip; AUs that it does not name are treated as `others` says."""

    clip: Path
    expression: Expression
    outputs: Outputs
    others: Others = "keep"
    ramp_s: float = 0.0
    setup: Setup = field(default_factory=Setup)
    mark: bool = True

    def make(self, progress: Progress) -> Result:
        """Edit and write all frames, and return what came of it; AUs in its facts are means.

        Raises VideoError, OutputError, ModelError, ExpressionError, PhotoError and FaceError.
        """
        self.outputs.check_distinct(self.clip, "video")
        video = read_clip(self.clip, self.outputs.path, progress)
        sound = sound_for(video, self.outputs.path, progress)
        fps = float(video.facts.fps)
        writer = open_writer(self.outputs.path, fps, overwrite=self.outputs.overwrite, sound=sound)
        open_session = Session.of(self.setup, progress)
        aus, entry = open_session.entry.card.words, open_session.entry
        expression = self._filled(open_session, progress)
        if self.mark:
            writer.mark = Mark(entry.card.name, entry.digest, (str(expression),))
        sums = ClipSums(aus)
        self._write(video, open_footage(open_session.animator, video), expression, writer, sums, progress)
        _tell(sums, progress)
        kept = sound is not None and writer.sound_failure is None
        return Result(self.outputs.path, self._facts(video, sums, kept, model_facts(entry)))

    def _filled(self, open_session: Session, progress: Progress) -> Expression:
        """Return the expression with what other photos show in it; an AU that the model lacks is told early."""
        aus, names = open_session.entry.card.words, self.expression.photos()
        photos = other_photos.open_photos(names, progress)
        blank = self.expression.with_readings(other_photos.blank(names, aus))
        blank.resolve(np.zeros(len(aus), np.float32), aus, self.others)
        with progress.stage("loading the model"):
            animator = open_session.animator
        return self.expression.with_readings(other_photos.read_photos(photos, animator, self.setup.detector, progress))

    def _write(
        self,
        video: Video,
        footage: Footage,
        expression: Expression,
        writer: FrameWriter,
        sums: ClipSums,
        progress: Progress,
    ) -> None:
        name = Path(self.outputs.path).name
        with progress.count("editing frames", video.facts.frames, f"writing {name}") as counted, writer:
            for image in counted(self._images(video, footage, expression, sums)):
                writer.append(image)
            if not sums.faces:
                raise FaceError(f"no face was found in '{self.clip}'", NO_FACE_HINT)
        if writer.sound_failure is not None:
            progress.note(f"the sound could not be kept: {writer.sound_failure}")

    def _images(self, video: Video, footage: Footage, expression: Expression, sums: ClipSums) -> Iterator[Image]:
        def target(source_aus: Row) -> Row:
            return expression.resolve(source_aus, sums.aus, self.others)

        for shown, frame in footage.edit(footage.read(video.frames()), target, self.ramp_s):
            sums.add(shown, None if shown.source_aus is None else target(shown.source_aus))
            yield frame.image

    def _facts(self, video: Video, sums: ClipSums, sound_kept: bool, model: dict[str, str]) -> dict[str, Any]:
        source_aus, target_aus = sums.means()
        fps = float(video.facts.fps)
        return {
            "path": self.outputs.path,
            "frames": sums.frames,
            "frames_with_face": sums.faces,
            "fps": fps,
            "duration_s": round(sums.frames / fps, 3),
            "width_px": video.facts.width,
            "height_px": video.facts.height,
            "audio": video.facts.audio if sound_kept else None,
            "model": model,
            "marked": self.mark,
            "y_r": au_facts(sums.aus, source_aus),
            "y_g": au_facts(sums.aus, target_aus),
        }


def _tell(sums: ClipSums, progress: Progress) -> None:
    """Note in how many frames there was a face, and which AUs were moved."""
    without = sums.frames - sums.faces
    progress.note(f"a face in {sums.faces} of {sums.frames} frames" + (", the others are unchanged" * bool(without)))
    words, columns = fold(sums.aus, *sums.means())
    source_aus, target_aus = (row[columns] for row in sums.means())
    moves = np.flatnonzero(np.abs(target_aus - source_aus) >= WORTH_TELLING * bounds(words)[1])
    if not len(moves):
        progress.note("  already shows what is asked for, so hardly anything has moved")
        return
    rows = tuple(
        (f"  {label(words[n])}", title(words[n]), *(value_text(words[n], row[n]) for row in (source_aus, target_aus)))
        for n in moves
    )
    progress.table(Table(("", "", "clip's mean", "to"), rows, numeric=(2, 3)))
