"""Windows of faces, and how a photo is carried into one by meshes: what the painter's samples are cut by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import Image, Matrix
from ganimate.face.mesh.topology import (
    LEFT_BROW,
    LEFT_EYE,
    LIPS_INNER,
    LIPS_OUTER,
    OVAL,
    RIGHT_BROW,
    RIGHT_EYE,
    SKIN_POINTS,
)
from ganimate.motion.field import WarpField

Floats = NDArray[np.float32]
Mesh = NDArray[np.float64]
EYE_SPAN_PX = 92  # of the outer corners in the crop that the model paints; scales are told beside it
SCALES = (0.6, 1.9)  # of that crop: small faces to windows of a mouth in a large one
FINEST = 1.6  # pixels of a window to one of the photo: beyond it there is nothing to learn from
TURN_DEG = 6.0
SCATTER = 0.12  # of a window's side: where its middle lies
# Where windows lie: of what is painted most, and of the furrows, which are small and which pixels hardly tell of.
MOUTH, EYES, BROWS, NOSE, CHEEKS, ANYWHERE = range(6)
SHARES = (0.34, 0.18, 0.22, 0.11, 0.10, 0.05)
PLACES = {
    EYES: (468, 473),
    BROWS: (9, 9, 107, 336, 151, 70, 300),
    NOSE: (1, 168, 6, 195),
    CHEEKS: (50, 205, 280, 425, 199),
}
# How far a reader's meshes are off at run time: all of it, and parts of their own (pixels of the window, deviation).
READER_SCATTER, STRETCHED = 0.5, 0.006
SCATTERED_PARTS = (RIGHT_EYE, LEFT_EYE, LIPS_INNER + LIPS_OUTER, RIGHT_BROW, LEFT_BROW)


@dataclass(frozen=True)
class Window:
    """`photo_to_window` (2, 3) and the side in pixels."""

    photo_to_window: Matrix
    size_px: int

    @property
    def scale(self) -> float:
        """Pixels of the window to one of the photo."""
        return float(np.sqrt(abs(np.linalg.det(self.photo_to_window[:, :2]))))

    def mesh(self, mesh: Mesh) -> Mesh:
        """Return a mesh (478, 3) of the photo in pixels of the window."""
        flat = mesh[:, :2] @ self.photo_to_window[:, :2].T + self.photo_to_window[:, 2]
        return np.column_stack([flat, mesh[:, 2] * self.scale])

    def view(self, photo: Image) -> Image:
        """Return what the window shows of the photo (S, S, 3)."""
        how = cv2.INTER_CUBIC if self.scale > 0.8 else cv2.INTER_AREA
        size = (self.size_px, self.size_px)
        return np.asarray(
            cv2.warpAffine(photo, self.photo_to_window, size, flags=how, borderMode=cv2.BORDER_REFLECT_101), np.uint8
        )

    def carried(self, photo: Image, field: WarpField) -> Image:
        """Return W(photo) (S, S, 3), sampled from the photo itself, for a field in pixels of this window."""
        return field.apply(photo, np.asarray(cv2.invertAffineTransform(self.photo_to_window), np.float64))

    def like(self, own: Mesh, other: Mesh) -> Window:
        """Return the window of another photo that shows its mesh `other` as large and where this one shows `own`."""
        larger = eye_span(own) / eye_span(other)
        linear = self.photo_to_window[:, :2] * larger
        bridge = self.photo_to_window @ np.append(own[168, :2], 1)
        return Window(np.column_stack([linear, bridge - linear @ other[168, :2]]), self.size_px)


def draw_window(rng: np.random.Generator, mesh: Mesh, size_px: int, kind: int | None = None) -> Window:
    """Return a window of a photo whose face is `mesh` (478, 3): of a part of it, at some scale, a little turned."""
    scale = EYE_SPAN_PX / eye_span(mesh) * math.exp(rng.uniform(*np.log(SCALES)))
    scale = min(scale, FINEST)
    kind = int(rng.choice(len(SHARES), p=SHARES)) if kind is None else kind
    middle = _middle(rng, mesh, kind) + rng.normal(size=2) * size_px * SCATTER / scale
    return Window(_matrix(scale, math.radians(rng.normal() * TURN_DEG), middle, size_px), size_px)


def whole_window(mesh: Mesh, size_px: int) -> Window:
    """Return the window that shows the whole face upright, as large as the model paints it."""
    middle = mesh[168, :2] * 0.6 + mesh[17, :2] * 0.4
    return Window(_matrix(EYE_SPAN_PX / eye_span(mesh), 0.0, middle, size_px), size_px)


def eye_span(mesh: Mesh) -> float:
    """Return how far the outer corners of the eyes are apart, in 3-D: as a turned head has it, too."""
    return float(np.linalg.norm(mesh[33] - mesh[263]))


def _middle(rng: np.random.Generator, mesh: Mesh, kind: int) -> NDArray[np.float64]:
    if kind == MOUTH:
        return np.asarray(mesh[LIPS_INNER, :2].mean(0))
    if kind == ANYWHERE:
        return np.asarray(mesh[rng.integers(SKIN_POINTS), :2])
    return np.asarray(mesh[int(rng.choice(PLACES[kind])), :2])


def _matrix(scale: float, angle: float, middle: NDArray[np.float64], size_px: int) -> Matrix:
    a, b = scale * math.cos(angle), scale * math.sin(angle)
    linear = np.array([[a, -b], [b, a]])
    return np.column_stack([linear, size_px / 2 - linear @ middle])


def misread(rng: np.random.Generator, mesh: Mesh, scale: float) -> Mesh:
    """Return a mesh (478, 3) with errors such as a reader makes, `scale` times as large: the paint has to bear them."""
    read = mesh.copy()
    shift, growth = rng.normal(size=2) * scale * READER_SCATTER, rng.normal(size=(2, 2)) * scale * STRETCHED
    read[:, :2] += shift + (mesh[:, :2] - mesh[:, :2].mean(0)) @ growth
    for part in SCATTERED_PARTS:
        read[part, :2] += rng.normal(size=2) * scale * READER_SCATTER
    return read


def face_mask(mesh: Mesh, size_px: int) -> NDArray[np.uint8]:
    """Return (S, S): 1 within the outline of the face, else 0."""
    return polygon_mask(mesh[OVAL], size_px)


def polygon_mask(points: Mesh, size_px: int) -> NDArray[np.uint8]:
    """Return (S, S): 1 within the convex outline of points (P, 3) of the window, else 0."""
    mask = np.zeros((size_px, size_px), np.uint8)
    outline = cv2.convexHull(points[:, :2].astype(np.float32))
    cv2.fillConvexPoly(mask, np.round(outline * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    return mask


def box_mask(box: Floats, window: Window) -> NDArray[np.uint8]:
    """Return (S, S): 1 where the window shows what lies in a box (4,) of the photo, else 0."""
    corners = np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]], np.float64)
    placed = corners @ window.photo_to_window[:, :2].T + window.photo_to_window[:, 2]
    mask = np.zeros((window.size_px, window.size_px), np.uint8)
    cv2.fillConvexPoly(mask, np.round(placed).astype(np.int32), 1)
    return mask
