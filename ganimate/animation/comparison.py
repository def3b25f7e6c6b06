"""Other views of an animation, made from its frames as they pass: the photo beside the result, and a film strip."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from ganimate.animation.animator import AnimatedFrame, PreparedFace
from ganimate.face.crop import Image, Window
from ganimate.media import write_image
from ganimate.media.provenance import Mark
from ganimate.render.paste import Paster

STRIP_HEIGHT_PX = 256  # a row of eight then fits the width of a large screen
STRIP_GAP_PX = 4
LARGEST_STRIP_PX = 16_000  # wide: WebP allows 16,383, and few programs show more
WHITE = 255


def side_by_side(photo: Image, frames: Iterable[AnimatedFrame]) -> Iterator[AnimatedFrame]:
    """Yield the frames with `photo` (H, W, 3) at the left of each, (H, 2·W + gap, 3), and a narrow white gap between.

    The gap is even and about a hundredth of the width, so that the result's width is even too.
    """
    height, width = photo.shape[:2]
    gap = np.full((height, compared_width_px(width) - 2 * width, 3), WHITE, np.uint8)
    left = np.hstack([photo, gap])
    for frame in frames:
        yield replace(frame, image=np.hstack([left, frame.image]))


def compared_width_px(width_px: int) -> int:
    """Return the width of a photo of that width side by side with its result."""
    return 2 * width_px + 2 * max(1, round(width_px / 200))


def faces_window(photo: Image, people: Sequence[PreparedFace]) -> Window:
    """Return rows and columns of `photo` that hold the crops of all people: nothing changes outside."""
    windows = [Paster(photo.shape, person.crop.source_to_crop, len(person.crop.image)).window for person in people]
    rows, columns = zip(*windows, strict=True)
    return _hull(rows), _hull(columns)


def _hull(slices: Sequence[slice]) -> slice:
    return slice(min(each.start for each in slices), max(each.stop for each in slices))


class FilmStrip:
    """A film strip: some frames, cut to a window of the photo, in one row. Only the small cuts are kept."""

    def __init__(self, window: Window, frames: Collection[int]) -> None:
        """Prepare to keep the frames of these numbers, from 0, cut to `window`."""
        self._window, self._wanted = window, frozenset(frames)
        rows, columns = window
        shape = columns.stop - columns.start, rows.stop - rows.start
        room = LARGEST_STRIP_PX / len(self._wanted) - STRIP_GAP_PX
        scale = min(STRIP_HEIGHT_PX / shape[1], room / shape[0])
        self._size = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
        self._cuts: list[Image] = []

    def watch(self, frames: Iterable[AnimatedFrame]) -> Iterator[AnimatedFrame]:
        """Yield the frames as they are, keeping cuts of those that are wanted."""
        for index, frame in enumerate(frames):
            if index in self._wanted:
                self._cuts.append(self._fit(frame.image[self._window]))
            yield frame

    def _fit(self, cut: Image) -> Image:
        how = cv2.INTER_AREA if self._size[1] < len(cut) else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(cut, self._size, interpolation=how), np.uint8)

    def write(self, path: str, overwrite: bool, mark: Mark | None = None) -> None:
        """Write the strip as a picture, with a `mark` in it; raises OutputError."""
        write_image(path, self.picture, overwrite, mark=mark)

    @property
    def picture(self) -> Image:
        """The strip (h, w, 3), h at most 256 px, when the frames have passed."""
        gap = np.full((self._size[1], STRIP_GAP_PX, 3), WHITE, np.uint8)
        parts = [part for cut in self._cuts for part in (gap, cut)]
        return np.hstack(parts[1:])
