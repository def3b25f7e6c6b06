"""Faces as geometry: boxes, landmarks and upright crops.

Every matrix is named by its direction. A crop is made by one function, for training and for animation, and the
inverse of the same matrix pastes back. Numpy and OpenCV only.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.config import CropSpec
from ganimate.errors import FaceError
from ganimate.face.landmarks import ANCHORS
from ganimate.face.ramps import smoothstep

Image = NDArray[np.uint8]  # (H, W, 3) RGB
Matrix = NDArray[np.float64]  # (2, 3) affine
Window = tuple[slice, slice]  # rows and columns of a photo

# Where the anchors lie on a frontal face: origin between the eye centres, unit = distance of the eye centres.
# The means of 5,500 frontal photos, made symmetric.
ANCHOR_POINTS = np.array(
    [
        [-0.694, 0.006], [-0.294, 0.025], [0.294, 0.025], [0.694, 0.006],
        [0.0, -0.041], [0.0, 0.147], [0.0, 0.332], [0.0, 0.525], [0.0, 0.740],
    ]
)  # fmt: skip
FADE = 0.05  # width of the border, in crop widths, over which an edit fades into the photo


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the photo; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height


@dataclass(frozen=True)
class Face:
    """A found face: its box and its 68 landmarks (68, 2) float32 in pixels of the photo, iBUG order."""

    box: Box
    landmarks: NDArray[np.float32]


@dataclass(frozen=True)
class Crop:
    """An upright square face and the matrix that made it."""

    image: Image  # (S, S, 3)
    source_to_crop: Matrix  # (2, 3): pixels of the photo -> pixels of the crop

    @property
    def crop_to_source(self) -> Matrix:
        """The inverse matrix (2, 3): pixels of the crop -> pixels of the photo."""
        return np.asarray(cv2.invertAffineTransform(self.source_to_crop), np.float64)


def align(landmarks: NDArray[np.floating], spec: CropSpec) -> Matrix:
    """Return source_to_crop (2, 3): the similarity that lays a face's rigid landmarks on the canonical ones.

    `landmarks` is (68, 2) in pixels, iBUG order. Least squares in closed form (Umeyama, PAMI 1991, for 2-D).
    Raises FaceError when the points do not span a face.
    """
    source = np.asarray(landmarks, np.float64)[ANCHORS]
    goal = (ANCHOR_POINTS * spec.interocular + [0.5, spec.eye_line]) * spec.size_px
    if not np.isfinite(source).all():
        raise FaceError("the landmarks of this face are not numbers", "use a photo in which the face is larger")
    source_mean, goal_mean = source.mean(0), goal.mean(0)
    p, q = source - source_mean, goal - goal_mean
    spread = float((p**2).sum())
    if spread < 1.0:
        raise FaceError("the landmarks of this face lie in one point", "use a photo in which the face is larger")
    a = float((p * q).sum()) / spread
    b = float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum()) / spread
    if np.hypot(a, b) < 1e-6:
        raise FaceError("the landmarks do not lie as in a face", "use a photo in which the face is seen from the front")
    linear = np.array([[a, -b], [b, a]])
    return np.column_stack([linear, goal_mean - linear @ source_mean])


def transform(points: NDArray[np.number], matrix: Matrix) -> NDArray[np.float64]:
    """Return points (..., 2) mapped by an affine matrix (2, 3)."""
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def cut(photo: Image, source_to_crop: Matrix, size_px: int) -> Crop:
    """Return the crop (size_px, size_px, 3) of a photo; what lies outside the photo repeats its edge.

    Large faces are averaged down first, so that nothing aliases. Raises FaceError when the crop misses the photo.
    """
    step = max(1, int(1.0 / np.hypot(*source_to_crop[:, 0])))
    left, top, right, bottom = footprint(source_to_crop, size_px, photo.shape, margin_px=2 * step)
    if right - left < step or bottom - top < step:
        raise FaceError("the face lies outside the photo")
    region = photo[top:bottom, left:right]  # also keeps panoramas below OpenCV's limit of 32,766 pixels a side
    width, height = (right - left) // step, (bottom - top) // step
    small = region if step == 1 else cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA)
    fx, fy = (right - left) / width, (bottom - top) / height
    # pixel centres: x_photo + 0.5 = left + fx * (x_small + 0.5)
    small_to_photo = np.array([[fx, 0.0, left + 0.5 * fx - 0.5], [0.0, fy, top + 0.5 * fy - 0.5], [0.0, 0.0, 1.0]])
    return Crop(_warp_affine(np.asarray(small, np.uint8), source_to_crop @ small_to_photo, size_px), source_to_crop)


def crop_face(photo: Image, face: Face, spec: CropSpec) -> Crop:
    """Return the upright crop (S, S, 3) of a face, as every model of this `spec` expects it."""
    return cut(photo, align(face.landmarks, spec), spec.size_px)


def _warp_affine(image: Image, matrix: Matrix, size_px: int) -> Image:
    warped = cv2.warpAffine(image, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def footprint(
    source_to_crop: Matrix, size_px: int, shape: tuple[int, ...], margin_px: int = 0
) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the crop's bounding box in the photo, clipped to it."""
    corners = np.array([[0.0, 0.0], [size_px, 0.0], [size_px, size_px], [0.0, size_px]]) - 0.5
    points = transform(corners, np.asarray(cv2.invertAffineTransform(source_to_crop), np.float64))
    low, high = np.floor(points.min(0)) - margin_px, np.ceil(points.max(0)) + 1 + margin_px
    return (
        int(np.clip(low[0], 0, shape[1])),
        int(np.clip(low[1], 0, shape[0])),
        int(np.clip(high[0], 0, shape[1])),
        int(np.clip(high[1], 0, shape[0])),
    )


def border_fade(size_px: int) -> NDArray[np.float32]:
    """Return (S, S) float32: 1 inside the crop, falling smoothly to exactly 0 at its border."""
    place = np.arange(size_px)
    ramp = np.clip(np.minimum(place, size_px - 1 - place) / (size_px * FADE), 0.0, 1.0)
    smooth = smoothstep(ramp)
    return np.outer(smooth, smooth).astype(np.float32)
