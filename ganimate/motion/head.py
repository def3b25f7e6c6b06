"""Turned heads: where the points of a mesh go when the head turns on its neck, without folds.

A head that turns hides some of its skin behind the rest: the far cheek behind the outline, what is below the nose
behind its tip. In a photo that is warped each such fold is a step in what the pixels next to it show. So skin that
would fold is pressed together instead, which at the few degrees that are asked for is not seen.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ganimate.face.mesh.pose import Pose
from ganimate.face.mesh.topology import SKIN_POINTS, triangles

Floats = NDArray[np.floating]
Degrees = tuple[float, float, float]  # yaw, pitch, roll
NECK = (0.0, 0.45, 0.55)  # about which a head turns, in the canonical frame: atlas, below the ears and behind them
LEAST_AREA = 0.15  # of a triangle that is pressed together; less of it is a line, which turns over as soon as it moves
EDGE_ON = 0.02  # of the usual area: triangles below it are seen from their edge, or from behind
MOST_ROUNDS = 60  # each spreads a fold by one triangle


def turn(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Return the rotation (3, 3) of a head in the canonical frame, in degrees: left, up, and tilted to the left."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def turned_way(mesh: Floats, pose: Pose, head: Degrees) -> NDArray[np.float64]:
    """Return how the points (478, 3) of a mesh in a photo move with the head that turns."""
    rest = pose.to_canonical(mesh)
    way = pose.way_to_photo((rest - NECK) @ turn(*head).T + NECK - rest)
    way[:SKIN_POINTS, :2] = _unfolded(np.asarray(mesh, np.float64)[:SKIN_POINTS, :2], way[:SKIN_POINTS, :2])
    return way


def _unfolded(rest: NDArray[np.float64], way: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ways (P, 2) of the skin evened out where they would fold what the photo shows, or unfold what it hides."""
    corners, near = triangles(), _near()
    before = _area(rest, corners)
    sign = np.sign(before.sum())  # as seen from the camera all triangles go one way round, but for hidden ones
    before = sign * before
    edge = EDGE_ON * np.median(before)
    for _ in range(MOST_ROUNDS):
        after = sign * _area(rest + way, corners)
        folded = np.where(before > edge, after < LEAST_AREA * before, after > 2 * edge)
        if not folded.any():
            break
        around = np.unique(near[np.unique(corners[folded])])
        around = around[around < SKIN_POINTS]
        known = near[around] < SKIN_POINTS  # (n, D)
        padded = np.concatenate([way, np.zeros((1, 2))])
        way = way.copy()
        way[around] = padded[near[around]].sum(1) / known.sum(1, keepdims=True)
    return way


def _area(points: NDArray[np.float64], corners: NDArray[np.int64]) -> NDArray[np.float64]:
    a, b, c = (points[corners[:, k]] for k in range(3))
    return np.asarray((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])


@cache
def _near() -> NDArray[np.int64]:
    """Return for each point of the skin (P, D) itself and those that share a triangle with it, then P for none."""
    joined = [{point} for point in range(SKIN_POINTS)]
    for triangle in triangles().tolist():
        for point in triangle:
            joined[point].update(triangle)
    near = np.full((SKIN_POINTS, max(map(len, joined))), SKIN_POINTS)
    for point, others in enumerate(joined):
        near[point, : len(others)] = sorted(others)
    return near
