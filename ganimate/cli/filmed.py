"""What a filmed face does, read by the model itself: the performance behind `ganimate drive --video`.

Loaded by the command that needs it, not for its help.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ganimate.animation.outputs import Outputs, Recorder
from ganimate.cli import clip as clips
from ganimate.cli import session
from ganimate.cli.console import Display
from ganimate.cli.session import Means, Studio
from ganimate.errors import FaceError, OutputError, VideoError
from ganimate.face.detect import choose_faces
from ganimate.media import Sound, Video
from ganimate.trajectory import Performance


def watch(
    path: Path, photo: Path, outputs: Outputs, start: float | None, end: float | None, means: Means, display: Display
) -> tuple[Performance, Sound | None]:
    """Return what the largest face of the video does from `start` to `end` seconds, and the sound of that part.

    As this is the slow part, what cannot work afterwards is told before: the places of results, the photo, its faces.
    Raises VideoError, OutputError, PhotoError, FaceError, ModelError.
    """
    if outputs.path and Path(outputs.path).resolve() == path.resolve():
        raise OutputError(f"'{outputs.path}' is the clip itself", "choose another name for the result")
    video = clips.read_clip(path, outputs.path, display)
    first, stop = _part(video, start, end)
    sound = clips.sound_for(video, outputs.path, display)
    Recorder(outputs, float(video.facts.fps), repeats=False)
    choose_faces(session.find_faces(session.read_photo(photo, display), means.detector, display), means.selection)
    performance = _perform(video, first, stop, means, display)
    return performance, None if sound is None else replace(sound, start_s=float(performance.times_s[0]))


def _part(video: Video, start: float | None, end: float | None) -> tuple[int, int | None]:
    """Return the first frame from `start` to `end` seconds and the one after the last, None for all that come."""
    fps, frames = float(video.facts.fps), video.facts.frames
    first = 0 if start is None else max(0, math.ceil(start * fps - 1e-6))
    last = frames - 1 if end is None else min(frames - 1, math.floor(end * fps + 1e-6))
    if first > last:
        asked = f"from {start or 0:g} s to {video.facts.duration_s if end is None else end:g} s"
        message = f"'{video.path}' has nothing {asked}; it takes {video.facts.duration_s:g} s"
        raise VideoError(message, "choose a start and an end within it, the start first")
    return first, None if end is None else last + 1


def _perform(video: Video, first: int, stop: int | None, means: Means, display: Display) -> Performance:
    from ganimate.animation.clip_frames import performance

    entry = session.find_model(means.model, display)
    with display.stage("loading the model"):
        footage = clips.open_footage(Studio(entry, means).animator, video)
    fps = float(video.facts.fps)
    with display.progress("reading the face", (stop or video.facts.frames) - first, "reading the face") as counted:
        readings = footage.read(islice(video.frames(), first, stop))
        try:
            told = performance(counted(readings), entry.card.aus, fps, first / fps)
        except FaceError as error:
            raise FaceError(f"no face was found in '{video.path}'", error.hint) from None
    for note in told.notes:
        display.note(note)
    return told
