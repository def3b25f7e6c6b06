"""Several edited faces in one photo: each is made from the photo alone, and where two overlap, one formula settles it.

The result does not depend on the order of the faces, and where only one of them changed anything it is bit-equal to
what that one alone would be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import Image, Matrix, Window, transform
from ganimate.render.paste import STRIP_PX

Change = Callable[[Image], None]  # writes one face's edit into a frame in place, inside the face's window

# Weights are whole numbers, summed in float64: sums of these are exact, and so the same in any order.
SOFTNESS = 0.03  # crop widths: over twice this one face gives way to its neighbour
LARGEST_LEAD = 5.5  # in units of SOFTNESS: deeper inside or further outside than this makes no difference
WHOLE = 256.0  # the weight at the outline; at the largest lead 1 or 62,600, which are both whole and above 0
BLUR_SHARE = 32  # of a window's side: over so much, what an edit changes is averaged
LARGEST_BLUR_PX = 255  # keeps the sums below 2^53, where float64 stops counting
BROWS = slice(17, 27)
FOREHEAD = 1 / 3  # of the landmarks' height, above the brows, where they have none


@dataclass(frozen=True)
class Territory:
    """Where one face may change the photo (`window`), and where it is at home: its 68 `landmarks` in photo pixels.

    `source_to_crop` and `size_px` are those of its crop.
    """

    window: Window
    landmarks: NDArray[np.float32]
    source_to_crop: Matrix
    size_px: int

    @cached_property
    def weight(self) -> NDArray[np.uint16]:
        """How much the pixels of the window (h, w) belong to this face: rises from outside of its outline to inside."""
        points = transform(self.landmarks, self.source_to_crop)
        brows = points[BROWS] - [0.0, FOREHEAD * np.ptp(points[:, 1])]
        outline = cv2.convexHull(np.rint(np.concatenate([points, brows])).astype(np.int32))
        inside = cv2.fillConvexPoly(np.zeros((self.size_px, self.size_px), np.uint8), outline, 1)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
        rows, columns = self.window
        window_to_crop = self.source_to_crop.copy()
        window_to_crop[:, 2] = transform(np.array([columns.start, rows.start]), self.source_to_crop)
        size, flags = (columns.stop - columns.start, rows.stop - rows.start), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        here = cv2.warpAffine(depth, window_to_crop, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        lead = np.clip(here / (SOFTNESS * self.size_px), -LARGEST_LEAD, LARGEST_LEAD)
        return np.asarray(np.rint(WHOLE * np.exp(lead)), np.uint16)


class Compositor:
    """Puts the edits of several faces into copies of one photo.

    Each edit is made on the untouched photo I, which gives R_k. Then I + Σ w_k·(R_k − I) / Σ w_k with w_k = (what edit
    k changes around the pixel) × (how much the pixel belongs to face k): a face has its own region to itself as soon
    as it does something there, and what does nothing has no say.
    """

    def __init__(self, photo: Image, territories: Sequence[Territory], lasting: bool = True) -> None:
        """Prepare for the faces of `photo` (H, W, 3), which stays as it is.

        What is composed is one array for all, if it need not be `lasting`: it changes with the next one. So a frame of
        a huge photo costs what its faces do.
        """
        self._photo, self._territories = photo, territories
        self._kept = None if lasting else photo.copy()
        self._desk = photo.copy() if len(territories) > 1 else photo
        windows = [territory.window for territory in territories]
        shared = [(pair, _common(*(windows[k] for k in pair))) for pair in combinations(range(len(windows)), 2)]
        self._shared = [part for _, part in shared if part is not None]
        self._crowded = {k for pair, part in shared if part is not None for k in pair}

    def compose(self, changes: Sequence[Change]) -> Image:
        """Return a copy of the photo with one change a face, in the order of the territories."""
        image = self._fresh()
        if len(changes) == 1:
            changes[0](image)
            return image
        windows = [territory.window for territory in self._territories]
        alone = [self._alone(window, change) for window, change in zip(windows, changes, strict=True)]
        for window, result in zip(windows, alone, strict=True):
            image[window] = result
        activities = {k: _activity(self._photo[windows[k]], alone[k]) for k in self._crowded}
        for part in self._shared:
            self._settle(part, image, alone, activities)
        return image

    def _fresh(self) -> Image:
        """Return the photo where it may be written into."""
        if self._kept is None:
            return self._photo.copy()
        for territory in self._territories:  # nothing else has changed
            self._kept[territory.window] = self._photo[territory.window]
        return self._kept

    def _alone(self, window: Window, change: Change) -> Image:
        """Return the window as it is when this is the only change."""
        change(self._desk)
        result = self._desk[window].copy()
        self._desk[window] = self._photo[window]
        return result

    def _settle(
        self, shared: Window, image: Image, alone: Sequence[Image], activities: Mapping[int, NDArray[np.int32]]
    ) -> None:
        """Write what all faces together make of a part of the photo."""
        rows, columns = shared
        step = max(1, STRIP_PX // (columns.stop - columns.start))
        for top in range(rows.start, rows.stop, step):
            strip = (slice(top, min(top + step, rows.stop)), columns)
            own = self._photo[strip]
            change, total = np.zeros(own.shape), np.zeros(own.shape[:2])
            for k, activity in activities.items():
                territory = self._territories[k]
                part = _common(strip, territory.window)
                if part is None:
                    continue
                here, there = _inside(part, strip), _inside(part, territory.window)
                weight = np.multiply(activity[there], territory.weight[there], dtype=np.float64)
                total[here] += weight
                change[here] += weight[..., None] * np.subtract(alone[k][there], self._photo[part], dtype=np.float64)
            image[strip] = own + np.rint(change / np.maximum(total, 1)[..., None]).astype(np.int16)


def _activity(photo: Image, result: Image) -> NDArray[np.int32]:
    """Return (h, w) how much was changed around each pixel; 0 only where nothing was."""
    side = min(LARGEST_BLUR_PX, max(photo.shape[:2]) // BLUR_SHARE) | 1
    changed = cv2.absdiff(photo, result).max(axis=2)
    return np.asarray(cv2.boxFilter(changed, cv2.CV_32S, (side, side), normalize=False), np.int32)


def _common(one: Window, other: Window) -> Window | None:
    """Return what two windows share, None where they are apart."""
    rows, columns = (
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )  # fmt: skip
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _inside(part: Window, window: Window) -> Window:
    """Return `part` counted from the corner of `window`."""
    rows, columns = (
        slice(p.start - w.start, p.stop - w.start) for p, w in zip(part, window, strict=True)
    )  # fmt: skip
    return rows, columns
