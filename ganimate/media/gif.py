"""GIF: one palette for all frames, still pixels stay still, and a clock that does not drift.

The palette needs all frames, which are not kept in memory: the first pass writes what changes from frame to frame to
an unnamed file beside the result and counts colours, the second reads it back, dithers and encodes.
"""

from __future__ import annotations

import contextlib
import struct
import tempfile
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.GifImagePlugin import getdata

from ganimate.errors import OutputError
from ganimate.media.dither import MOST_COLOURS, ColourCounts, Dither
from ganimate.media.packets import gif_extension
from ganimate.media.places import Place
from ganimate.media.streams import Frame, PlacedWriter

FASTEST_GIF_FPS = 50.0  # delays under 2/100 s are shown as 10/100 s by browsers
_LARGEST_SIDE_PX = 65_535
_LONGEST_DELAY_CS = 65_535
_STRIP_PX = 1_000_000
_UNCHANGED = MOST_COLOURS
_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"


class _Box(NamedTuple):
    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def strips(self) -> list[_Box]:
        """Return the box cut into bands of about a megapixel, for work that needs several times the memory."""
        rows = max(1, _STRIP_PX // self.width)
        bottom = self.top + self.height
        return [self._replace(top=y, height=min(rows, bottom - y)) for y in range(self.top, bottom, rows)]


class GifWriter(PlacedWriter):
    """Streams frames to a GIF. Frames that equal the one before only lengthen its delay."""

    def __init__(self, place: Place, fps: float, loop: bool) -> None:
        super().__init__(place)
        if fps > FASTEST_GIF_FPS:
            raise OutputError(
                f"a GIF cannot show {fps:g} frames a second", f"use at most {FASTEST_GIF_FPS:g}, or write an .mp4"
            )
        self._fps = fps
        self._loop = loop
        self._spool: IO[bytes] | None = None
        self._changes: list[tuple[_Box, int]] = []  # what changed, and when in 1/100 s
        self._frames = 0

    def _time_cs(self, frame: int) -> int:
        # Rounded from the start, not from frame to frame: 30 fps becomes 3, 4, 3, 3, 4, 3 … and does not drift.
        return int(frame * 100 / self._fps + 0.5)

    def _begin(self, height: int, width: int) -> None:
        if max(height, width) > _LARGEST_SIDE_PX:
            raise OutputError(
                f"'{self.place.shown}' would be {width}×{height} px, too large for a GIF", "write an .mp4"
            )
        # Beside the result, as /tmp is often small or in memory; it has no name, so that not even a kill leaves it.
        self._spool = tempfile.TemporaryFile(dir=self.place.path.parent)
        self._counts = ColourCounts()
        self._latest = np.empty((0, width, 3), np.uint8)

    def _add(self, frame: Frame) -> None:
        start_cs = self._time_cs(self._frames)
        self._frames += 1
        if not self._changes:
            self._latest = frame.copy()
            whole = _Box(0, 0, *frame.shape[:2])
            self._counts.add_first(frame[strip.slices] for strip in whole.strips())
            self._write_change(whole, start_cs)
            return
        box = _changed_box(self._latest, frame)
        if box is None:
            if self._time_cs(self._frames) - self._changes[-1][1] <= _LONGEST_DELAY_CS:
                return
            box = _Box(0, 0, 1, 1)
        self._latest[box.slices] = frame[box.slices]
        self._counts.add_change(frame[strip.slices] for strip in box.strips())
        self._write_change(box, start_cs)

    def _write_change(self, box: _Box, start_cs: int) -> None:
        assert self._spool is not None
        for strip in box.strips():
            self._spool.write(self._latest[strip.slices].tobytes())
        self._changes.append((box, start_cs))

    def _finish(self) -> None:
        assert self._spool is not None
        height, width = self._latest.shape[:2]
        del self._latest
        palette = self._counts.palette()
        dither = Dither(palette, self._counts.cells())
        shown = np.full((height, width), _UNCHANGED, np.uint8)
        self._spool.seek(0)
        ends = [start for _, start in self._changes[1:]] + [self._time_cs(self._frames)]
        with self.place.temporary.open("xb") as file:
            file.write(_header(height, width, palette, self._loop))
            if self.mark is not None:
                file.write(gif_extension(self.mark.packet()))
            for (box, start), end in zip(self._changes, ends, strict=True):
                patch = self._read_patch(box, dither)
                before = shown[box.slices]
                changed_only = np.where(patch == before, np.uint8(_UNCHANGED), patch)
                before[...] = patch
                file.writelines(_image_block(changed_only, box, end - start))
            file.write(b";")

    def _read_patch(self, box: _Box, dither: Dither) -> NDArray[np.uint8]:
        assert self._spool is not None
        patch = np.empty((box.height, box.width), np.uint8)
        for strip in box.strips():
            pixels = np.frombuffer(self._spool.read(strip.height * strip.width * 3), np.uint8)
            indices = dither.indices(pixels.reshape(strip.height, strip.width, 3), strip.top, strip.left)
            patch[strip.top - box.top :][: strip.height] = indices
        return patch

    def _release(self) -> None:
        if self._spool is not None:
            with contextlib.suppress(OSError):  # a full disk, told already
                self._spool.close()


def _changed_box(before: Frame, after: Frame) -> _Box | None:
    """Return the smallest box that holds all differing pixels; row by row, as masks of large frames cost memory."""
    rows: list[int] = []
    columns = np.zeros(before.shape[1], bool)
    for y, (old, new) in enumerate(zip(before, after, strict=True)):
        differs = old != new
        if differs.any():
            rows.append(y)
            columns |= differs.any(axis=1)
    if not rows:
        return None
    left, right = (int(edge) for edge in np.flatnonzero(columns)[[0, -1]])
    return _Box(rows[0], left, rows[-1] - rows[0] + 1, right - left + 1)


def _header(height: int, width: int, palette: NDArray[np.uint8], loop: bool) -> bytes:
    colours = palette.tobytes().ljust(3 * 256, b"\0")
    screen = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0xF7, 0, 0)  # F7: a global table of 256 colours
    return screen + colours + (_FOREVER if loop else b"")


def _image_block(indices: NDArray[np.uint8], box: _Box, delay_cs: int) -> list[bytes]:
    return getdata(
        Image.fromarray(indices), (box.left, box.top), duration=delay_cs * 10, transparency=_UNCHANGED, disposal=1
    )
