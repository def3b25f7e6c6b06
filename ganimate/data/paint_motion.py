"""How faces moved between photos, and how mouths of single photos are shut to be opened again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganimate.data.paint_windows import Mesh
from ganimate.face.mesh.pose import pose_of
from ganimate.face.mesh.topology import (
    CHIN,
    LEFT_LOWER_LID,
    LEFT_UPPER_LID,
    LOWER_LIP_EDGE,
    RIGHT_LOWER_LID,
    RIGHT_UPPER_LID,
    UPPER_LIP_EDGE,
)
from ganimate.motion.field import WarpField
from ganimate.motion.muscles import Muscles
from ganimate.motion.warp_field import warp_field

Floats = NDArray[np.float32]
UPPER_LIP_SHARE = 0.15  # of an opened mouth: the rest is the jaw's
LOWER_LIP = [
    17, 16, 15, 84, 85, 86, 181, 180, 179, 91, 90, 89, 314, 315, 316, 405, 404, 403, 321, 320, 319,
]  # fmt: skip
BELOW_LIP = [*CHIN, 18, 83, 313, 201, 421, 208, 428, 171, 396, 194, 418, 32, 262, 140, 369]
CHIN_SHARE = 0.8  # of the way of the lip


@dataclass(frozen=True)
class MeasuredMotion:
    """The `muscles` of faces, and the part of their ways that meshes do not tell: `beyond` (N, 478, 3)."""

    muscles: Muscles
    beyond: NDArray[np.float64]


def beyond_mesh(mesh: Mesh, ways: NDArray[np.float64], y_from: Floats, y_to: Floats) -> Mesh:
    """Return the mesh (478, 3) of a photo moved by what skin does beyond meshes, `ways` (N, 478, 3)."""
    way = np.tensordot((y_to - y_from).astype(np.float64), ways, 1)
    return np.asarray(mesh + pose_of(mesh.astype(np.float32)).way_to_photo(way))


def moved_field(
    mesh: NDArray[np.floating], moved: NDArray[np.floating], size_px: int, gaze: Floats | None = None
) -> WarpField:
    """Return the field of a window that carries what lies on a mesh onto the moved one; eyes turn by `gaze`."""
    return warp_field(mesh.astype(np.float32), moved.astype(np.float32), size_px, size_px, gaze=gaze)


def lips_shut(mesh: Mesh, share: float) -> Mesh:
    """Return a mesh (478, 3) whose lips are nearer to each other by `share` of their gap, the chin with them."""
    shut = mesh.copy()
    way = (mesh[LOWER_LIP_EDGE] - mesh[UPPER_LIP_EDGE]) * share
    lift = (mesh[14] - mesh[13]) * share * (1 - UPPER_LIP_SHARE)
    shut[UPPER_LIP_EDGE] += UPPER_LIP_SHARE * way
    shut[LOWER_LIP] -= lift
    below = sorted(set(BELOW_LIP) - set(LOWER_LIP))
    shut[below] -= CHIN_SHARE * lift
    shut[LOWER_LIP_EDGE] = mesh[LOWER_LIP_EDGE] - (1 - UPPER_LIP_SHARE) * way
    return shut


def lower_lids_raised(mesh: Mesh, share: float) -> Mesh:
    """Return a mesh (478, 3) whose lower lids are nearer to the upper ones by `share` of their gap."""
    raised = mesh.copy()
    for upper, lower in ((LEFT_UPPER_LID, LEFT_LOWER_LID), (RIGHT_UPPER_LID, RIGHT_LOWER_LID)):
        raised[lower] += share * (mesh[upper] - mesh[lower])
    return raised
