"""The paste back: edits of one face written into the untouched photo, at its own resolution. Numpy and OpenCV only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.errors import FaceError
from ganimate.face.crop import Image, Matrix, Window, border_fade, footprint, transform

SHADE = 40.0  # of 255: a difference of paint and photo that is shadow rather than another thing
STRIP_PX = (
    1 << 16
)  # pixels pasted at once: they stay in the cache, and a huge face needs no more memory than a small one
WINDOW_LIMIT_PX = 16_000  # OpenCV's warps count pixels in 16 bits; half of that leaves room for what moves in


class Paster:
    """Pastes edits of one face into frames at the photo's own resolution.

    The paper's equation on the original pixels: I_f = (1−A)·C + A·W(I), with C, A and the displacement resampled
    through the inverse of the crop's matrix. All work stays around the crop's bounding box.
    """

    def __init__(self, shape: tuple[int, ...], source_to_crop: Matrix, size_px: int) -> None:
        """Prepare for photos of `shape` (H, W, 3); raises FaceError when the crop misses the photo."""
        left, top, right, bottom = footprint(source_to_crop, size_px, shape)
        if left >= right or top >= bottom:
            raise FaceError("the face lies outside the photo")
        if max(right - left, bottom - top) > WINDOW_LIMIT_PX:
            raise FaceError(
                f"the face covers {right - left} x {bottom - top} pixels, more than {WINDOW_LIMIT_PX}",
                "use a smaller copy of the photo",
            )
        self.window = (slice(top, bottom), slice(left, right))
        # Edits are enlarged smoothly (cubic) to about twice the photo's resolution and at most four times the crop's;
        # from that sheet linear sampling is enough.
        crop_to_source = np.linalg.inv(source_to_crop[:, :2])
        octave = np.floor(np.log2(np.hypot(*crop_to_source[:, 0]))) + 1
        self._sheet_px = round(size_px * 2.0 ** float(np.clip(octave, -2, 2)))
        ratio = self._sheet_px / size_px
        self._source_to_sheet = source_to_crop * ratio
        self._source_to_sheet[:, 2] += 0.5 * ratio - 0.5  # pixel centres: x_sheet + 0.5 = ratio * (x_crop + 0.5)
        self._crop_to_source = crop_to_source  # of displacements: without the shift
        self.source_to_crop, self.size_px = source_to_crop, size_px

    def paste(
        self,
        frame: Image,
        color: NDArray[np.float32],
        attention: NDArray[np.float32],
        displacement: NDArray[np.float32] | None = None,
        moved: NDArray[np.float32] | None = None,
        torn: NDArray[np.float32] | None = None,
    ) -> None:
        """Write one edit into `frame` (H, W, 3) uint8 in place.

        `color` (S, S, 3) in [0, 255]; `attention` (S, S) in [0, 1], 1 keeps the photo; `displacement` (S, S, 2) in
        pixels of the crop: the result at p shows the photo at p + displacement. Pixels that neither move nor are
        repainted stay bit-equal. `moved` (S, S, 3) is W(I) at the crop's size: where C differs from it but little, as
        in a fold or a shadow, the difference is added to the photo, whose fine detail so stays.
        """
        rows, columns = self.window
        painted, shade = 1 - attention, None
        if moved is not None:
            difference, kept = _kept_detail(color, moved)
            if torn is not None:
                kept *= 1 - torn
            shade = self._faded_sheet(_times(difference, painted * kept))
            painted = painted * (1 - kept)
        paint = self._sheet(color)
        repaint = self._sheet(painted)
        np.clip(repaint, 0, 1, out=repaint)
        repaint *= _fade(self._sheet_px, 1)
        shift = None if displacement is None else self._shift(displacement)
        around = None if shift is None else _surroundings(frame, self.window, float(np.abs(shift).max()))
        step = max(1, STRIP_PX // (columns.stop - columns.start))
        for top in range(rows.start, rows.stop, step):
            strip = (slice(top, min(top + step, rows.stop)), columns)
            own = frame[strip]
            photo = own if shift is None or around is None else self._move(around, strip, shift)
            added = None if shade is None else self._sample(shade, strip)
            self._blend(own, photo, self._sample(paint, strip), self._sample(repaint, strip), added)

    def _sheet(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return crop-sized values (S, S[, c]) at the size of the sheet."""
        size = (self._sheet_px, self._sheet_px)
        way = cv2.INTER_CUBIC if self._sheet_px > len(values) else cv2.INTER_AREA
        return np.asarray(cv2.resize(np.asarray(values, np.float32), size, interpolation=way), np.float32)

    def _shift(self, displacement: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the displacement at the sheet's size, in pixels of the photo, faded at the border."""
        return self._faded_sheet(np.asarray(displacement, np.float32) @ self._crop_to_source.T.astype(np.float32))

    def _faded_sheet(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return crop-sized values (S, S, c) at the size of the sheet, falling to 0 at its border."""
        sheet = self._sheet(values)
        return np.asarray(cv2.multiply(sheet, _fade(self._sheet_px, sheet.shape[2]), dst=sheet), np.float32)

    def _sample(self, sheet: NDArray[np.float32], strip: Window) -> NDArray[np.float32]:
        """Return a sheet's values at the photo's pixels in a strip (h, w[, c]); 0 outside the crop."""
        rows, columns = strip
        strip_to_sheet = self._source_to_sheet.copy()
        strip_to_sheet[:, 2] = transform(np.array([columns.start, rows.start]), self._source_to_sheet)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (columns.stop - columns.start, rows.stop - rows.start)
        return np.asarray(cv2.warpAffine(sheet, strip_to_sheet, size, flags=flags), np.float32)

    def _move(self, around: Region, strip: Window, shift: NDArray[np.float32]) -> Image:
        """Return W(I) in a strip (h, w, 3): the photo's pixels from where the shift says."""
        rows, columns = strip
        shift_x, shift_y = cv2.split(self._sample(shift, strip))
        xs = shift_x + (np.arange(columns.start, columns.stop, dtype=np.float32) - around.left)
        ys = shift_y + (np.arange(rows.start, rows.stop, dtype=np.float32) - around.top)[:, None]
        moved = cv2.remap(around.image, xs, ys, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.uint8)

    @staticmethod
    def _blend(
        own: Image,
        moved: Image,
        paint: NDArray[np.float32],
        repaint: NDArray[np.float32],
        shade: NDArray[np.float32] | None,
    ) -> None:
        """Write I_f = W(I) + (1−A)·(C − W(I)) into `own`: in this form A = 1 gives exactly W(I)."""
        change = _times(cv2.subtract(paint, moved, dtype=cv2.CV_32F), repaint)
        if shade is not None:
            change = np.asarray(cv2.add(change, shade, dst=change), np.float32)
        own[:] = cv2.add(moved, change, dtype=cv2.CV_8U)


def _times(values: NDArray[Any], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return colours (H, W, 3), which may be overwritten, times a share (H, W); numpy takes five times as long."""
    return np.asarray(cv2.multiply(values, cv2.merge([share] * 3), dst=values), np.float32)


@lru_cache(maxsize=8)
def _fade(size_px: int, channels: int) -> NDArray[np.float32]:
    """Return `border_fade` for so many channels (S, S, c); it is not to be changed."""
    return np.asarray(cv2.merge([border_fade(size_px)] * channels), np.float32)


def _kept_detail(
    color: NDArray[np.float32], moved: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return C − W(I), and (S, S) in [0, 1]: 1 where it is but a shade, 0 where the paint shows something else."""
    difference = cv2.subtract(color, moved)
    mean = cv2.transform(np.abs(difference), np.full((1, 3), 1 / 3))  # numpy takes ten times as long for it
    return np.asarray(difference, np.float32), np.asarray(np.exp(-((cv2.blur(mean, (3, 3)) / SHADE) ** 2)), np.float32)


@dataclass(frozen=True)
class Region:
    """A copied part of a photo, and where its corner was."""

    image: Image
    left: int
    top: int


def _surroundings(frame: Image, window: Window, reach_px: float) -> Region:
    """Return a copy of all that may move into the window: strips are written while later ones still look there."""
    rows, columns = window
    reach = math.ceil(min(reach_px, WINDOW_LIMIT_PX / 2)) + 2  # the cubic kernel looks 2 pixels further
    top, left = max(0, rows.start - reach), max(0, columns.start - reach)
    return Region(frame[top : rows.stop + reach, left : columns.stop + reach].copy(), left, top)
