"""What another face did, for a photo to repeat: as a table tells it, or filmed and read by the model itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ganimate.animation import clip, session
from ganimate.animation.outputs import Outputs, Recorder
from ganimate.animation.session import Session
from ganimate.config import Driving, Setup
from ganimate.errors import ExpressionError, InputError, OutputError, VideoError
from ganimate.facs.words import GAZE, HEAD, Word
from ganimate.media import Sound, Video, is_video
from ganimate.system.progress import Progress
from ganimate.trajectory import Performance

if TYPE_CHECKING:
    from ganimate.face.detect import Selection
    from ganimate.media import Photo


def read_table(
    table: Path,
    format: str | None,
    table_fps: float | None,
    face: str | None,
    trim: bool,
    driving: Driving,
    progress: Progress,
) -> Performance:
    """Return what the face in a table did, and tell how it was read; raises AnnotationError."""
    from ganimate.trackers import read_performance

    if table.is_file() and is_video(table):
        raise InputError(f"'{table}' is a video, not a table", f"write --video {table}, and leave out --aus")
    with progress.stage(f"reading {table.name}"):
        performance = read_performance(
            table, format=format, table_fps=table_fps, face=face, trim=trim, head=driving.head, gaze=driving.gaze
        )
    for note in performance.notes:
        progress.note(note)
    return performance


def require_turns(words: Sequence[Word], driving: Driving) -> None:
    """Raise ExpressionError where a model of these words cannot turn what is to be taken along."""
    for option, turn in ((driving.head and "--head", HEAD[0]), (driving.gaze and "--gaze", GAZE[0])):
        if option and turn not in words:
            hint = f"use a model of the architecture mesh, such as the default one, or leave {option} out"
            raise ExpressionError(f"this model turns neither head nor eyes, as {option} asks", hint)


def without_turns(performance: Performance, driving: Driving) -> Performance:
    """Return a performance without the turns that are not taken along."""
    out = {*(HEAD if not driving.head else ()), *(GAZE if not driving.gaze else ())}
    kept = [n for n, word in enumerate(performance.aus) if word not in out]
    words = tuple(performance.aus[n] for n in kept)
    return Performance(performance.times_s, performance.values[:, kept], words, performance.notes)


@dataclass(frozen=True)
class Filmed:
    """What a filmed face did, the sound of that part of the clip, and the photo, as it was read on the way."""

    performance: Performance
    sound: Sound | None
    photo: Photo


@dataclass(frozen=True)
class FilmedPerformance:
    """A face of a clip from `start_s` to `end_s`, by default the largest and all of it, and who of a photo repeats it.

    `number` is the face's in the first frame of that part that shows one. Where it comes late or leaves early, its
    first and last pose are held, unless `trim` leaves that out.
    """

    clip: Path
    photo: Path
    start_s: float | None = None
    end_s: float | None = None
    setup: Setup = field(default_factory=Setup)
    faces: Selection = "largest"
    trim: bool = False
    number: int | None = None
    driving: Driving = field(default_factory=Driving)

    def read(self, outputs: Outputs, progress: Progress) -> Filmed:
        """Return what the face does, the sound, and the photo.

        As this is the slow part, what cannot work afterwards is told before: the places of results, the photo, its
        faces. Raises VideoError, OutputError, PhotoError, FaceError, ModelError.
        """
        from ganimate.face.detect import choose_faces

        outputs.check_distinct(self.photo)
        if outputs.path and Path(outputs.path).resolve() == self.clip.resolve():
            raise OutputError(f"'{outputs.path}' is the clip itself", "choose another name for the result")
        video = clip.read_clip(self.clip, outputs.path, progress)
        first, stop = self._part(video)
        sound = clip.sound_for(video, outputs.path, progress)
        Recorder(outputs, float(video.facts.fps), repeats=False)
        photo = session.open_photo(self.photo, progress)
        choose_faces(session.find_faces(photo.image, self.setup.detector, progress), self.faces)
        performance = self._perform(video, first, stop, progress)
        cut = None if sound is None else replace(sound, start_s=float(performance.times_s[0]))
        return Filmed(performance, cut, photo)

    def _part(self, video: Video) -> tuple[int, int | None]:
        """Return the first frame of the part and the one after its last, None for all that come."""
        fps, frames = float(video.facts.fps), video.facts.frames
        first = 0 if self.start_s is None else max(0, math.ceil(self.start_s * fps - 1e-6))
        last = frames - 1 if self.end_s is None else min(frames - 1, math.floor(self.end_s * fps + 1e-6))
        if first > last:
            end_s = video.facts.duration_s if self.end_s is None else self.end_s
            asked = f"from {self.start_s or 0:g} s to {end_s:g} s"
            message = f"'{video.path}' has nothing {asked}; it takes {video.facts.duration_s:g} s"
            raise VideoError(message, "choose a start and an end within it, the start first")
        return first, None if self.end_s is None else last + 1

    def _perform(self, video: Video, first: int, stop: int | None, progress: Progress) -> Performance:
        from ganimate.animation.clip_frames import performance

        open_session = Session.of(self.setup, progress)
        turning = self.driving.head or self.driving.gaze
        require_turns(open_session.entry.card.words, self.driving)
        with progress.stage("loading the model"):
            footage = clip.open_footage(open_session.animator, video, self.number or "largest", turning)
        fps = float(video.facts.fps)
        with progress.count("reading the face", (stop or video.facts.frames) - first) as counted:
            shown = (reading for (reading,) in counted(footage.read(islice(video.frames(), first, stop))))
            told = performance(shown, open_session.entry.card.words, fps, first / fps, self.trim)
        told = without_turns(told, self.driving)
        for note in told.notes:
            progress.note(note)
        return told
