"""The writer for a path: GIF, MP4 or a folder of PNG frames."""

from __future__ import annotations

import math
import os

from ganimate.errors import OutputError
from ganimate.media.gif import FASTEST_GIF_FPS, GifWriter
from ganimate.media.mp4 import Mp4Writer
from ganimate.media.places import AnyPath, FolderPlace, place_for
from ganimate.media.provenance import Mark
from ganimate.media.sound import Sound
from ganimate.media.stills import encode_frame
from ganimate.media.streams import Frame, FrameWriter, PlacedWriter

SLOWEST_FPS, FASTEST_FPS = 0.1, 240.0


def open_writer(
    path: AnyPath,
    fps: float,
    *,
    loop: bool = True,
    overwrite: bool = False,
    mark: Mark | None = None,
    sound: Sound | None = None,
) -> FrameWriter:
    """Return the writer for `path`: `.gif`, `.mp4`, or a folder (no suffix, or a slash at the end) of PNG frames.

    `loop` makes a GIF repeat forever instead of playing once; the other kinds leave that to the player. Frames of a
    folder are lossless and named 00000.png, 00001.png, …; `overwrite` replaces a folder only if nothing else is in it.
    `mark` is what the result, and every frame of a folder, says of itself as XMP; it touches no pixel.
    `sound` goes under the frames of an MP4; the other kinds have none.

    Raises OutputError as `check_output` does, and for an `fps` outside of 0.1 to 240 (0.1 to 50 for a GIF).
    """
    place = place_for(path, overwrite, "animation")
    if not (math.isfinite(fps) and SLOWEST_FPS <= fps <= FASTEST_FPS):
        raise OutputError(
            f"cannot write '{place.shown}' at {fps:g} frames a second", f"use {SLOWEST_FPS:g} to {FASTEST_FPS:g}"
        )
    writer: PlacedWriter
    if isinstance(place, FolderPlace):
        writer = FolderWriter(place)
    elif place.path.suffix.lower() == ".gif":
        writer = GifWriter(place, fps, loop)
    else:
        writer = Mp4Writer(place, fps, sound)
    place.check()
    writer.mark = mark
    return writer


def fastest_fps(path: AnyPath) -> float:
    """Return the most frames a second that a result at `path` can show."""
    return FASTEST_GIF_FPS if os.fspath(path).lower().endswith(".gif") else FASTEST_FPS


class FolderWriter(PlacedWriter):
    """Streams frames to PNG files in a folder, which appears when it is complete."""

    def __init__(self, place: FolderPlace) -> None:
        super().__init__(place)
        self._frames = 0

    def _begin(self, height: int, width: int) -> None:
        self.place.temporary.mkdir()

    def _add(self, frame: Frame) -> None:
        (self.place.temporary / f"{self._frames:05d}.png").write_bytes(encode_frame(frame, self.mark, self.alpha))
        self._frames += 1

    def _finish(self) -> None:
        """Nothing is left to do: every frame is a complete file."""
