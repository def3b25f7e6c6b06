"""The mesh of a face in a photo, by a network that reads upright crops: cut by what is known of the face, read, again.

In a photo the 68 landmarks of detection cut the first crop, and the mesh so read the second: it lies as those that the
network learned from, wherever the landmarks lay. In a clip the mesh of the frame before cuts the crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.errors import FaceError
from ganimate.face.crop import Image, Matrix, cut
from ganimate.face.landmarks import CORNERS, EYES
from ganimate.face.landmarks import NOSE_TIP as NOSE_TIP_68
from ganimate.face.mesh.topology import LEFT_EYE, MOUTH_CORNERS, NOSE_TIP, RIGHT_EYE, Mesh

Five = NDArray[np.float64]  # (5, 2): the middles of the right and the left eye, the nose's tip, the mouth's corners
# Where these lie in a crop, in its widths: those of the mean training photo whose face fills 70 % of the height.
FIVE_IN_CROP = np.array([[0.3565, 0.3626], [0.6435, 0.3626], [0.5, 0.5785], [0.3805, 0.6521], [0.6195, 0.6521]])
LEAST_CROP_PX = 8.0  # of the photo across the crop: in fewer there is no face to be seen


class MeshNetwork(Protocol):
    """Whatever reads meshes from crops."""

    @property
    def size_px(self) -> int:
        """Side of the crops."""
        ...

    def read(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return meshes (B, 478, 3), from -1 to 1 across the crop, and how sure it is, of crops (B, S, S, 3) RGB."""
        ...


@dataclass(frozen=True)
class FaceMesh:
    """The mesh of a face: (478, 3) float32 in pixels of the photo, and the confidence in [0, 1] that there is a face.

    z is in the same unit and smaller where it is nearer; where it is 0 means nothing.
    """

    mesh: Mesh
    confidence: float


def read_mesh(photo: Image, landmarks: NDArray[np.floating], network: MeshNetwork) -> FaceMesh:
    """Return the mesh of the face with these 68 landmarks (68, 2) in a photo (H, W, 3), looked at twice.

    Raises FaceError where the points are no face, or lie outside the photo.
    """
    return read_meshes([photo], [landmarks], network)[0]


def read_meshes(
    photos: Sequence[Image], landmarks: Sequence[NDArray[np.floating]], network: MeshNetwork
) -> list[FaceMesh]:
    """Return the mesh of one face a photo as `read_mesh` does, all in one batch: a third cheaper from four on."""
    first = _read(photos, [five_of_landmarks(each) for each in landmarks], network)
    return _read(photos, [five_of_mesh(each.mesh) for each in first], network)


def follow(photo: Image, before: NDArray[np.floating], network: MeshNetwork) -> FaceMesh:
    """Return the mesh of a face that lay about as the mesh `before` does (478, 3); raises FaceError."""
    return _read([photo], [five_of_mesh(before)], network)[0]


def _read(photos: Sequence[Image], fives: Sequence[Five], network: MeshNetwork) -> list[FaceMesh]:
    size_px = network.size_px
    matrices = [mesh_crop(five, size_px) for five in fives]
    crops = [cut(photo, matrix, size_px).image for photo, matrix in zip(photos, matrices, strict=True)]
    points, confidences = network.read(np.stack(crops))
    return [
        FaceMesh(mesh_in_photo(each, matrix, size_px), float(sure))
        for each, matrix, sure in zip(points, matrices, confidences, strict=True)
    ]


def five_of_landmarks(landmarks: NDArray[np.floating]) -> Five:
    """Return the five points by which a crop is cut, of 68 landmarks (68, 2) in iBUG order."""
    points = np.asarray(landmarks, np.float64)
    return np.stack([points[EYES[:6]].mean(0), points[EYES[6:]].mean(0), points[NOSE_TIP_68], *points[CORNERS]])


def five_of_mesh(mesh: NDArray[np.floating]) -> Five:
    """Return the five points by which a crop is cut, of a mesh (478, 3)."""
    points = np.asarray(mesh, np.float64)[:, :2]
    return np.stack([points[RIGHT_EYE].mean(0), points[LEFT_EYE].mean(0), points[NOSE_TIP], *points[MOUTH_CORNERS]])


def mesh_crop(five: Five, size_px: int) -> Matrix:
    """Return source_to_crop (2, 3): the similarity that lays the five points where the network expects them.

    Least squares in closed form (Umeyama, PAMI 1991, for 2-D). Raises FaceError where they do not span a face.
    """
    goal = FIVE_IN_CROP * size_px
    if not np.isfinite(five).all():
        raise FaceError("the points of this face are not numbers", "use a photo in which the face is larger")
    own_mean, goal_mean = five.mean(0), goal.mean(0)
    p, q = five - own_mean, goal - goal_mean
    spread = max(float((p**2).sum()), 1e-12)
    a = float((p * q).sum()) / spread
    b = float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum()) / spread
    scale = float(np.hypot(a, b))
    if not size_px / 1e5 < scale < size_px / LEAST_CROP_PX:
        raise FaceError("the points of this face do not lie as in a face", "use a photo in which the face is larger")
    linear = np.array([[a, -b], [b, a]])
    return np.column_stack([linear, goal_mean - linear @ own_mean])


def mesh_in_photo(points: NDArray[np.floating], source_to_crop: Matrix, size_px: int) -> Mesh:
    """Return a network's points (478, 3), from -1 to 1 across the crop, as a mesh in pixels of the photo."""
    back = np.asarray(cv2.invertAffineTransform(source_to_crop), np.float64)
    in_crop = np.asarray(points, np.float64) * (size_px / 2)
    flat = (in_crop[:, :2] + size_px / 2 - 0.5) @ back[:, :2].T + back[:, 2]
    return np.column_stack([flat, in_crop[:, 2:] * np.hypot(*back[:, 0])]).astype(np.float32)


def mesh_in_crop(mesh: NDArray[np.floating], source_to_crop: Matrix, size_px: int) -> NDArray[np.float64]:
    """Return a mesh in pixels of the photo as a network's points (478, 3), from -1 to 1 across the crop."""
    points = np.asarray(mesh, np.float64)
    flat = (points[:, :2] @ source_to_crop[:, :2].T + source_to_crop[:, 2] + 0.5) / (size_px / 2) - 1
    return np.column_stack([flat, points[:, 2:] * np.hypot(*source_to_crop[:, 0]) / (size_px / 2)])
