"""Lashes go along with the upper lid's edge, as they are: lids are skin that is drawn out, lashes are not.

Above the edge of an open lid a photo is dark: lashes, their shade, make-up. The mesh has no points there before the
fold. So a lid that shuts, or that a raised brow lays bare, would draw that dark line out over all of the lid. Here each
edge of the mesh that leaves a lid's edge upwards is cut where the dark ends, at a distance that does not change.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ganimate.face.mesh.topology import LEFT_EYE, LEFT_UPPER_LID, RIGHT_EYE, RIGHT_UPPER_LID

# Of the eye's width. In some 4,000 open eyes of training photos brightness is darkest .02 above the lid's edge; from
# there it has come half-way to that of the lid's skin .075 above the edge, and three quarters of the way .11 above it.
# What is darker still would be drawn out threefold.
HEIGHT = 0.11
MOST = 0.6  # of an edge of the mesh, where lids fold: the triangle above must not vanish
_LIDS = ((RIGHT_UPPER_LID, (RIGHT_EYE[0], RIGHT_EYE[8])), (LEFT_UPPER_LID, (LEFT_EYE[0], LEFT_EYE[8])))


@cache
def _lid_of_point() -> dict[int, tuple[int, int]]:
    """Return, by the points of both lids' edges, the corners of their eyes."""
    return {point: corners for lid, corners in _LIDS for point in lid}


def cut_above_lids(triangles: NDArray[np.int64], first: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return triangles (T, 3) cut along the lashes, and the edges (E, 2) whose cuts are the new points.

    Edges go from the lid upwards; their cuts are numbered on from `first`, see `ends_of_lashes`.
    """
    lid = _lid_of_point()
    cuts: dict[tuple[int, int], int] = {}

    def cut(near: int, far: int) -> int:
        return cuts.setdefault((near, far), first + len(cuts))

    found: list[tuple[int, int, int]] = []
    for corners in triangles.tolist():
        on_lid = [point in lid for point in corners]
        if sum(on_lid) == 1:
            a, b, c = _turned(corners, on_lid.index(True))
            ab, ac = cut(a, b), cut(a, c)
            found += [(a, ab, ac), (ab, b, ac), (b, c, ac)]
        elif sum(on_lid) == 2:
            c, a, b = _turned(corners, on_lid.index(False))
            ac, bc = cut(a, c), cut(b, c)
            found += [(a, b, bc), (a, bc, ac), (ac, bc, c)]
        else:
            found.append(tuple(corners))
    return np.array(found, np.int64), np.array(list(cuts), np.int64)


def _turned(corners: list[int], start: int) -> list[int]:
    return corners[start:] + corners[:start]


def ends_of_lashes(
    edges: NDArray[np.int64], points: NDArray[np.float64], rest: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where the edges (E, 2) between `points` (P, 3) are cut (E, 3), by the width of the eyes at `rest`."""
    corners = np.array([_lid_of_point()[near] for near in edges[:, 0].tolist()])
    height = HEIGHT * np.linalg.norm(rest[corners[:, 0]] - rest[corners[:, 1]], axis=1)
    near, way = points[edges[:, 0]], points[edges[:, 1]] - points[edges[:, 0]]
    share = np.minimum(height / np.maximum(np.linalg.norm(way, axis=1), 1e-9), MOST)
    return np.asarray(near + share[:, None] * way)
