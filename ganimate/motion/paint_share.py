"""Where paint shows over a moved face: within its outline, on rims, and in holes where the photo shows nothing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.mesh.topology import OVAL
from ganimate.motion.field import WarpField

Floats = NDArray[np.float32]
# Paint ends within the outline of the face, as nothing beyond it was learnt.
OUTLINE_PX, SOFT_PX = 6, 4.0
RIM_PX = 0.7  # over which paint on a rim comes in


def within_outline(goal: NDArray[np.floating], size_px: int) -> Floats:
    """Return (S, S): 1 within the outline of a mesh (478, 3), falling to 0 before it ends."""
    inside = np.zeros((size_px, size_px), np.uint8)
    outline = np.round(goal[OVAL, :2]).astype(np.int32)
    cv2.fillConvexPoly(inside, cv2.convexHull(outline), 1)
    inner = cv2.erode(inside, np.ones((2 * OUTLINE_PX + 1, 2 * OUTLINE_PX + 1), np.uint8))
    return np.asarray(cv2.GaussianBlur(inner.astype(np.float32), (0, 0), SOFT_PX), np.float32)


def new_share(field: WarpField) -> Floats:
    """Return how far each pixel is new (H, W): in eyes and mouth what the photo shows of them is kept, not invented."""
    return np.maximum(np.where(field.part > 0, unseen_share(field), 1), torn_share(field)).astype(np.float32)


def torn_share(field: WarpField) -> Floats:
    """Return how far each pixel (H, W) is on a rim where a field is torn: no photo can be sampled through it there."""
    torn = cv2.dilate(field.torn, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.GaussianBlur(torn, (0, 0), RIM_PX), np.float32)


def unseen_share(field: WarpField) -> Floats:
    """Return how far the photo does not show a pixel (H, W)."""
    unseen = cv2.dilate(field.unseen.astype(np.float32), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.GaussianBlur(unseen, (0, 0), 1.0), np.float32)
