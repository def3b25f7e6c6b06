"""What a warp field is: for every pixel of a result, where the photo shows it, and what the photo does not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import Matrix

Floats = NDArray[np.float32]
SKIN, EYE, MOUTH = 0, 1, 2
EYE_PX, MOUTH_PX = 5, 9  # over which guesses are smoothed: irises keep their edge, in mouths nothing has one
AROUND_PX = 8


@dataclass(frozen=True)
class Rim:
    """Pixels `ys`, `xs` (n,) that the rim of a hole crosses, or the seam of one that is shut.

    `cover` (n,) in (0, 1) is how much of each the hole covers, or the skin below the seam, `kind` (n,) EYE, MOUTH or
    SKIN, `other` (n, 2) where the photo shows the other side: that which covers less of the pixel.
    """

    ys: NDArray[np.int64]
    xs: NDArray[np.int64]
    cover: Floats
    kind: NDArray[np.uint8]
    other: Floats

    @classmethod
    def joined(cls, rims: Sequence[Rim]) -> Rim:
        """Return several rims as one."""
        if not rims:
            nothing = np.zeros(0, np.int64)
            return cls(
                nothing, nothing, np.zeros(0, np.float32), nothing.astype(np.uint8), np.zeros((0, 2), np.float32)
            )
        return cls(
            *(np.concatenate([getattr(rim, name) for rim in rims]) for name in ("ys", "xs", "cover", "kind", "other"))
        )

    @property
    def share(self) -> Floats:
        """How much of each pixel (n,) is the other's."""
        return np.minimum(self.cover, 1 - self.cover)


@dataclass(frozen=True)
class WarpField:
    """Where the photo shows each pixel of the result, in a window of (H, W) pixels.

    `source` (H, W, 2) float32: x and y in pixels of the window, outside of the face the pixel itself. `part` (H, W)
    uint8: SKIN, EYE or MOUTH of the result. `unseen` (H, W) bool: what the photo does not show, as lids or lips cover
    it there, or as that skin was turned away; `source` is the nearest that it shows. `stretch` (H, W) float32: log2
    of how much the skin is drawn out (positive) or pressed together; 0 in eyes and at rest, in the mouth how far the
    jaw has dropped, in fifths of the face's width. `place` (H, W, 2) float32: which place of the mean face a pixel
    shows, in the canonical frame, in eyes which of its eyeballs, in the mouth which place of its skull; (0, 0) outside
    of rings and face. `rim`: the pixels that are partly hole and partly skin.
    """

    source: Floats
    part: NDArray[np.uint8]
    unseen: NDArray[np.bool_]
    stretch: Floats
    place: Floats
    rim: Rim = field(default_factory=lambda: Rim.joined([]))

    def apply(self, photo: NDArray[np.uint8], window_to_photo: Matrix | None = None) -> NDArray[np.uint8]:
        """Return W(photo) (H, W, 3), cubic.

        `photo` is what the window shows, beyond which its edge is repeated; or with a matrix (2, 3) a whole photo,
        mirrored at its edge.
        """
        moved: NDArray[np.uint8] = _shown(photo, self.source, window_to_photo)
        rim = self.rim
        if len(rim.ys):
            other = _shown(photo, rim.other[None], window_to_photo)[0].astype(np.float32)
            own = moved[rim.ys, rim.xs].astype(np.float32)
            moved[rim.ys, rim.xs] = np.rint(own + rim.share[:, None] * (other - own)).astype(np.uint8)
        self._calm(moved)
        return moved

    def _calm(self, moved: NDArray[np.uint8]) -> None:
        """Smooth what is but a guess, in holes of W(photo) (H, W, 3): paint takes specks and streaks for things."""
        for kind in (EYE, MOUTH):
            hidden = self.unseen & (self.part == kind)
            if not hidden.any():
                continue
            left, top, width, height = cv2.boundingRect(hidden.astype(np.uint8))
            part = (
                slice(max(0, top - AROUND_PX), top + height + AROUND_PX),
                slice(max(0, left - AROUND_PX), left + width + AROUND_PX),
            )
            guess = cv2.medianBlur(moved[part], EYE_PX) if kind == EYE else cv2.blur(moved[part], (MOUTH_PX, MOUTH_PX))
            moved[part][hidden[part]] = guess[hidden[part]]

    def holes(self, kind: int) -> Floats:
        """Return how much of each pixel (H, W) is eye, or mouth."""
        cover: Floats = (self.part == kind).astype(np.float32)
        own = self.rim.kind == kind
        cover[self.rim.ys[own], self.rim.xs[own]] = self.rim.cover[own]
        return cover

    @property
    def torn(self) -> Floats:
        """How far (H, W) hole and skin that meet in a pixel come from different places: 1 from a pixel's way on."""
        way = np.zeros(self.part.shape, np.float32)
        rim = self.rim
        way[rim.ys, rim.xs] = np.linalg.norm(rim.other - self.source[rim.ys, rim.xs], axis=1)
        return np.asarray(np.clip(way, 0, 1), np.float32)


def _shown(photo: NDArray[np.uint8], source: Floats, window_to_photo: Matrix | None) -> NDArray[np.uint8]:
    edge = cv2.BORDER_REPLICATE
    if window_to_photo is not None:
        to_photo = window_to_photo.astype(np.float32)
        source, edge = np.ascontiguousarray(source @ to_photo[:, :2].T + to_photo[:, 2]), cv2.BORDER_REFLECT_101
    moved = cv2.remap(photo, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=edge)
    return np.asarray(moved, np.uint8)
