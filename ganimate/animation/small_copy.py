"""A small copy of a photo, or of the surroundings of one face, into which edits are pasted as into the photo itself."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ganimate.animation.animator import PreparedFace
from ganimate.face.crop import Crop, Image, Matrix, footprint, transform
from ganimate.render.composite import Compositor, Territory
from ganimate.render.paste import Paster

AROUND = 0.15  # of the crop, on each side of a close-up: hair and neck, by which people know each other


class SmallCopy:
    """The copy, and where it lies in the photo; of faces that are edited in it one after another all is kept."""

    def __init__(self, photo: Image, near: Crop | None, size_px: int) -> None:
        """Copy the photo, or what the crop `near` covers, so that no side is longer than `size_px`; never enlarge."""
        window = (0, 0, photo.shape[1], photo.shape[0])
        if near is not None:
            around = round(AROUND * len(near.image) / float(np.hypot(*near.source_to_crop[:, 0])))
            window = footprint(near.source_to_crop, len(near.image), photo.shape, margin_px=around)
        left, top, right, bottom = window
        region = photo[top:bottom, left:right]
        share = min(1.0, size_px / max(region.shape[:2]))
        width, height = (max(1, round(side * share)) for side in (right - left, bottom - top))
        small = region.copy() if share == 1 else cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA)
        self.image = np.asarray(small, np.uint8)
        fx, fy = (right - left) / width, (bottom - top) / height
        # pixel centres: x_photo + 0.5 = left + fx * (x_small + 0.5)
        self._to_photo = np.array([[fx, 0, left + 0.5 * fx - 0.5], [0, fy, top + 0.5 * fy - 0.5], [0, 0, 1]])
        self._ready: tuple[tuple[int, ...], list[Paster], Compositor] | None = None

    def ready_for(self, people: Sequence[PreparedFace]) -> tuple[list[Paster], Compositor]:
        """Return what pastes the edits of these faces into the copy, and what puts them together."""
        who = tuple(id(person) for person in people)
        if self._ready is None or self._ready[0] != who:
            pasters = [self._paster(person) for person in people]
            territories = [self._territory(person, paster) for person, paster in zip(people, pasters, strict=True)]
            self._ready = who, pasters, Compositor(self.image, territories)
        return self._ready[1], self._ready[2]

    def _matrix(self, person: PreparedFace) -> Matrix:
        """Return small_to_crop (2, 3) of a face."""
        return np.asarray(person.crop.source_to_crop @ self._to_photo, np.float64)

    def _paster(self, person: PreparedFace) -> Paster:
        return Paster(self.image.shape, self._matrix(person), len(person.crop.image))

    def _territory(self, person: PreparedFace, paster: Paster) -> Territory:
        points = transform(person.face.landmarks, np.linalg.inv(self._to_photo)[:2])
        return Territory(paster.window, np.asarray(points, np.float32), self._matrix(person), len(person.crop.image))
