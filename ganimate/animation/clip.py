"""One edited video, from what is asked to the written file; prints nothing, and returns what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganimate.animation import other_photos, session
from ganimate.animation.job import Result
from ganimate.animation.outputs import Outputs
from ganimate.animation.request import left_out_note
from ganimate.animation.session import Session, au_facts, model_facts
from ganimate.config import Setup
from ganimate.errors import FaceError, VideoError
from ganimate.facs import Expression, Others, Word
from ganimate.facs.words import bounds, fold, label, title, value_text
from ganimate.media import FrameWriter, Sound, Video, fastest_fps, open_writer, read_video
from ganimate.media.provenance import Mark
from ganimate.system.progress import Progress, Table
from ganimate.trajectory.plan import WORTH_TELLING, Row

if TYPE_CHECKING:
    from ganimate.animation.animator import Animator
    from ganimate.animation.clip_frames import Footage, Readings, TargetOf
    from ganimate.face.crop import Face, Image
    from ganimate.face.detect import Selection

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


def open_footage(animator: Animator, video: Video, faces: Selection = "largest", turning: bool = False) -> Footage:
    """Return what reads and edits these faces of the clip; numbers are those in the first frame that shows a face.

    With `turning` it also reads how head and eyes turn.
    """
    from ganimate.animation.clip_frames import Footage
    from ganimate.face.tracking import Tracker

    fps = float(video.facts.fps)
    return Footage(animator, Tracker(session.make_follower(), fps, faces, session.make_embedder()), fps, turning)


def first_faces(path: Path, progress: Progress) -> tuple[Image, list[Face]]:
    """Return the first frame of the clip that shows faces, and these, largest first; raises VideoError, FaceError."""
    from ganimate.face.tracking import Tracker

    video = read_clip(path, "", progress)
    fps = float(video.facts.fps)
    with progress.stage("looking for faces"):
        met = Tracker(session.make_follower(), fps).meet(video.frames())
    if met is None:
        raise FaceError(f"no face was found in '{path}'", NO_FACE_HINT)
    number, image, found = met
    progress.note(f"faces in frame {number + 1}, at {number / fps:.2f} s")
    return image, found


@dataclass
class ClipSums:
    """What is worth telling of a clip: how many frames, with a face, most at once, and sums of the faces' AUs (N,)."""

    aus: tuple[Word, ...]
    frames: int = 0
    with_face: int = 0
    faces: int = 0
    most: int = 0
    source: NDArray[np.float64] = field(init=False)
    target: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.source, self.target = np.zeros(len(self.aus)), np.zeros(len(self.aus))

    def add(self, frame: Readings, target: TargetOf) -> None:
        """Count one frame, whose faces are to show their `target`."""
        shown = [reading.source_aus for reading in frame if reading.source_aus is not None]
        self.frames += 1
        self.with_face += bool(shown)
        self.faces += len(shown)
        self.most = max(self.most, len(shown))
        for source_aus in shown:
            self.source += source_aus
            self.target += target(source_aus)

    def means(self) -> tuple[Row, Row]:
        """Return the mean AUs that were read and asked (N,), over the frames with a face."""
        count = max(self.faces, 1)
        return (self.source / count).astype(np.float32), (self.target / count).astype(np.float32)


@dataclass(frozen=True)
class Stretch:
    """The frames of a clip from `first` to before `end`, edited by themselves.

    For that frames `reads_from` to before `reads_to` are read, in `video`, a part of the clip. It is stretch `number`
    `of` so many.
    """

    first: int
    end: int
    reads_from: int
    reads_to: int
    number: int = 0
    of: int = 1
    video: Video | None = None


@dataclass(frozen=True)
class ClipJob:
    """An expression in every frame of a clip, on the chosen `faces`.

    `others` is what becomes of AUs that it does not name. "auto" means "keep" here: a photo shows one expression, which
    an emotion replaces, but whoever speaks in a clip would fall silent.

    `clip` may be the file of a `stretch` alone: it is edited as in the whole, without sound, and need not show a face.
    """

    clip: Path
    expression: Expression
    outputs: Outputs
    others: Others = "auto"
    ramp_s: float = 0.0
    setup: Setup = field(default_factory=Setup)
    mark: bool = True
    faces: Selection = "largest"
    stretch: Stretch | None = None

    def make(self, progress: Progress, ready: Session | None = None) -> Result:
        """Edit and write all frames, in a session that may be `ready`; AUs in the facts of what came of it are means.

        Raises VideoError, OutputError, ModelError, ExpressionError, PhotoError and FaceError.
        """
        self.outputs.check_distinct(self.clip, "video")
        video, sound = self._opened(progress)
        fps = float(video.facts.fps)
        writer = open_writer(self.outputs.path, fps, overwrite=self.outputs.overwrite, sound=sound)
        open_session = ready or Session.of(self.setup, progress)
        aus, entry = open_session.entry.card.words, open_session.entry
        expression = self._filled(open_session, progress)
        if self.mark:
            writer.mark = Mark(entry.card.name, entry.digest, (str(expression),))
        sums = ClipSums(aus)
        footage = open_footage(open_session.animator, video, self.faces)
        self._write(video, footage, expression, writer, sums, progress)
        _tell(sums, progress)
        kept = sound is not None and writer.sound_failure is None
        return Result(self.outputs.path, self._facts(video, sums, kept, model_facts(entry)))

    def _opened(self, progress: Progress) -> tuple[Video, Sound | None]:
        if self.stretch is not None and self.stretch.video is not None:
            return replace(self.stretch.video, path=self.clip), None
        video = read_clip(self.clip, self.outputs.path, progress)
        return video, sound_for(video, self.outputs.path, progress)

    def _filled(self, open_session: Session, progress: Progress) -> Expression:
        """Return the expression with what other photos show in it; an AU that the model lacks is told early."""
        aus, names = open_session.entry.card.words, self.expression.photos()
        photos = other_photos.open_photos(names, progress)
        if missing := self.expression.left_out(aus):
            progress.note(left_out_note(missing, "expression"))
        blank = self.expression.with_readings(other_photos.blank(names, aus))
        self._target(blank, np.zeros(len(aus), np.float32), aus)
        with progress.stage("loading the model"):
            animator = open_session.animator
        return self.expression.with_readings(other_photos.read_photos(photos, animator, self.setup.detector, progress))

    def _target(self, expression: Expression, source_aus: Row, aus: Sequence[Word]) -> Row:
        """Return the AUs that a face is to show."""
        return expression.resolve(source_aus, aus, "keep" if self.others == "auto" else self.others)

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
            if not sums.faces and self.stretch is None:
                raise FaceError(f"no face was found in '{self.clip}'", NO_FACE_HINT)
        if writer.sound_failure is not None:
            progress.note(f"the sound could not be kept: {writer.sound_failure}")

    def _images(self, video: Video, footage: Footage, expression: Expression, sums: ClipSums) -> Iterator[Image]:
        def target(source_aus: Row) -> Row:
            return self._target(expression, source_aus, sums.aus)

        number = before = 0 if self.stretch is None else self.stretch.reads_from
        edited = footage.edit(footage.read(video.frames()), target, self.ramp_s, before)
        for number, (shown, frame) in enumerate(edited, before):
            if self.stretch is None or self.stretch.first <= number < self.stretch.end:
                sums.add(shown, target)
                yield frame.image
        if self.stretch is not None and number + 1 != self.stretch.reads_to:
            read, wanted = number + 1 - before, self.stretch.reads_to - before
            raise VideoError(f"a stretch of the clip has {read} frames, not {wanted}", "do it without --cluster")

    def _facts(self, video: Video, sums: ClipSums, sound_kept: bool, model: dict[str, str]) -> dict[str, Any]:
        source_aus, target_aus = sums.means()
        fps = float(video.facts.fps)
        return {
            "path": self.outputs.path,
            "frames": sums.frames,
            "frames_with_face": sums.with_face,
            "most_faces": sums.most,
            "fps": fps,
            "duration_s": round(sums.frames / fps, 3),
            "width_px": video.facts.width,
            "height_px": video.facts.height,
            "audio": video.facts.audio if sound_kept else None,
            "model": model,
            "marked": self.mark,
            "y_r": au_facts(sums.aus, source_aus),
            "y_g": au_facts(sums.aus, target_aus),
            "left_out": [label(word) for word in self.expression.left_out(sums.aus)],
        }


def _tell(sums: ClipSums, progress: Progress) -> None:
    """Note in how many frames there was a face, and which AUs were moved."""
    at_once = f", up to {sums.most} at once" if sums.most > 1 else ""
    unchanged = ", the others are unchanged" if sums.with_face < sums.frames else ""
    progress.note(f"a face in {sums.with_face} of {sums.frames} frames{at_once}{unchanged}")
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
