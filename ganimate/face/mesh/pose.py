"""Where a head is and how it is turned: between a mesh in a photo and the canonical frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganimate.face.mesh.topology import LEFT_EYE, LEFT_IRIS, RIGHT_EYE, RIGHT_IRIS, RIGID, mean_face

Points = NDArray[np.floating]
EYEBALL = 0.42  # radius of an eyeball / width of an eye: 12.5 of 30 mm


@dataclass(frozen=True)
class Pose:
    """A similarity in 3-D: canonical = scale · rotation · mesh + translation.

    `rotation` (3, 3) is orthogonal with determinant 1; `scale` is canonical units a pixel.
    """

    scale: float
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    def to_canonical(self, mesh: Points) -> NDArray[np.float64]:
        """Return points (..., 3) of the photo in the canonical frame."""
        return np.asarray(self.scale * np.asarray(mesh, np.float64) @ self.rotation.T + self.translation)

    def to_photo(self, points: Points) -> NDArray[np.float64]:
        """Return points (..., 3) of the canonical frame in pixels of the photo."""
        return np.asarray((np.asarray(points, np.float64) - self.translation) @ self.rotation / self.scale)

    def way_to_photo(self, way: Points) -> NDArray[np.float64]:
        """Return displacements (..., 3) of the canonical frame in pixels of the photo."""
        return np.asarray(np.asarray(way, np.float64) @ self.rotation / self.scale)

    @property
    def degrees(self) -> tuple[float, float, float]:
        """Yaw and roll to the person's left, pitch up (AUs 51, 55 and 53 of FACS), in degrees; see `muscles.turn`."""
        turned = self.rotation.T  # from the canonical frame to the camera
        yaw = np.arctan2(turned[2, 0], turned[2, 2])
        pitch = -np.arcsin(np.clip(turned[2, 1], -1, 1))
        roll = np.arctan2(-turned[0, 1], turned[1, 1])
        return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def pose_of(mesh: Points, frame: Points | None = None) -> Pose:
    """Return the pose of a mesh (478, 3): least squares over the rigid points (Umeyama, PAMI 1991).

    `frame` is the face to which it is brought; by default the mean face.
    """
    goal = np.asarray(mean_face() if frame is None else frame, np.float64)[RIGID]
    own = np.asarray(mesh, np.float64)[RIGID]
    own_middle, goal_middle = own.mean(0), goal.mean(0)
    p, q = own - own_middle, goal - goal_middle
    u, strengths, v = np.linalg.svd(q.T @ p)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ v))])
    rotation = (u * signs) @ v
    scale = float((strengths * signs).sum() / (p * p).sum())
    return Pose(scale, rotation, goal_middle - scale * rotation @ own_middle)


def gaze_of(mesh: Points) -> tuple[float, float]:
    """Return how the eyes of a mesh (478, 3) are turned in the head: to the person's left, and up, in degrees.

    The mean of both, by where the irises are between the corners of the eyes, beside where the mean face has them.
    """
    left, up = _iris_angles(pose_of(mesh).to_canonical(mesh)) - _iris_angles(mean_face())
    return float(left), float(up)


def _iris_angles(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (2,): to the left and up, in degrees, of a mesh in the canonical frame."""
    angles = []
    for ring, iris in ((LEFT_EYE, LEFT_IRIS), (RIGHT_EYE, RIGHT_IRIS)):
        corners = points[[ring[0], ring[8]], :2]
        off = points[iris[0], :2] - corners.mean(0)
        angles.append(np.arcsin(np.clip(off / (EYEBALL * np.linalg.norm(corners[0] - corners[1])), -1, 1)))
    return np.asarray(np.degrees(np.mean(angles, 0)) * [1, -1])
