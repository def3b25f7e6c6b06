"""What lies where among the 478 points of a mesh: parts, mirror images, the mean face, the triangles between them.

The order of the points is that of MediaPipe Face Mesh with irises (Kartynnik et al., 2019; Apache 2.0): 468 of the
skin, then five of each iris. "Left" and "right" are the person's own; the right side is on the left of the picture.
The mean face and its triangles are ours: the mean of 17,002 meshes of the training photos in the canonical frame
(frontal, as a camera before the face sees it, 1 wide, x to the picture's right, y down, z away from the camera).
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

POINTS, SKIN_POINTS = 478, 468
Mesh = NDArray[np.float32]  # (478, 3): x and y in pixels, z in the same unit, smaller is nearer


def mirrored(points: list[int]) -> list[int]:
    """Return the same part of the other half of the face."""
    return [int(MIRROR[point]) for point in points]


@cache
def mean_face() -> NDArray[np.float64]:
    """Return the mean face (478, 3) in the canonical frame; symmetric. Not to be written to."""
    text = resources.files(__package__).joinpath("mean_face.csv").read_text("utf-8")
    points = np.array([[float(cell) for cell in line.split(",")] for line in text.splitlines()])
    points.flags.writeable = False
    return points


def _mirror() -> NDArray[np.int64]:
    """Return the mirror image of each point: of a symmetric face the one that lies where the mirror shows it."""
    skin = mean_face()[:SKIN_POINTS]
    distances = ((skin[:, None] - skin[None] * [-1, 1, 1]) ** 2).sum(-1)
    irises = [473, 476, 475, 474, 477, 468, 471, 470, 469, 472]  # centre, then around: right, top, left, bottom
    return np.concatenate([distances.argmin(1), irises])


MIRROR = _mirror()

# Rings are closed and start at the outer corner; lids go over the upper one first.
RIGHT_EYE = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
RIGHT_LID_SKIN = [130, 247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25]
RIGHT_BROW = [70, 63, 105, 66, 107, 46, 53, 52, 65, 55]
RIGHT_IRIS = [468, 469, 470, 471, 472]
LEFT_EYE, LEFT_LID_SKIN = mirrored(RIGHT_EYE), mirrored(RIGHT_LID_SKIN)
LEFT_BROW, LEFT_IRIS = mirrored(RIGHT_BROW), mirrored(RIGHT_IRIS)
# The lids' edges from the outer corner to the inner one, without the corners, upper and lower point by point.
RIGHT_UPPER_LID, RIGHT_LOWER_LID = [246, 161, 160, 159, 158, 157, 173], [7, 163, 144, 145, 153, 154, 155]
LEFT_UPPER_LID, LEFT_LOWER_LID = mirrored(RIGHT_UPPER_LID), mirrored(RIGHT_LOWER_LID)

LIPS_OUTER = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146]
LIPS_INNER = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95]
UPPER_LIP_EDGE, LOWER_LIP_EDGE = [191, 80, 81, 82, 13, 312, 311, 310, 415], [95, 88, 178, 87, 14, 317, 402, 318, 324]
# The lips from edge to skin: rows of points beside those of the edges, and the skin's next row.
UPPER_LIP_ROWS = (
    [183, 42, 41, 38, 12, 268, 271, 272, 407],
    [184, 74, 73, 72, 11, 302, 303, 304, 408],
    [185, 40, 39, 37, 0, 267, 269, 270, 409],
)
LOWER_LIP_ROWS = (
    [96, 89, 179, 86, 15, 316, 403, 319, 325],
    [77, 90, 180, 85, 16, 315, 404, 320, 307],
    [146, 91, 181, 84, 17, 314, 405, 321, 375],
)
ABOVE_LIP = [186, 92, 165, 167, 164, 393, 391, 322, 410]
BELOW_LIP = [43, 106, 182, 83, 18, 313, 406, 335, 273]
LIPS_BETWEEN = [
    62, 76, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292, 306, 325, 307, 320, 404, 315, 16, 85, 180, 90, 96, 77,
]  # fmt: skip
NOSE = [1, 2, 4, 5, 6, 168, 197, 195, 98, 97, 326, 327, 48, 278, 64, 294, 129, 358, 49, 279]
NOSE_TIP = 1
MOUTH_CORNERS = [61, 291]
CHIN = [152, 175, 199, 200, 148, 377, 176, 400]
OVAL = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
]  # fmt: skip
# What the skull carries: no muscle of expression moves these far. By them a pose is told.
RIGID = [
    10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 127, 356, 234, 454, 33, 263, 133, 362, 21, 251, 54, 284, 103, 332, 67,
    297, 109, 338,
]  # fmt: skip
# The parts, by name, as the painter is told of them.
PARTS: dict[str, list[int]] = {
    "brows": RIGHT_BROW + LEFT_BROW,
    "lids": RIGHT_LID_SKIN + LEFT_LID_SKIN,
    "eyes": RIGHT_EYE + LEFT_EYE,
    "irises": RIGHT_IRIS + LEFT_IRIS,
    "nose": NOSE,
    "lips": LIPS_OUTER + LIPS_BETWEEN + LIPS_INNER,
    "mouth": LIPS_INNER,
    "cheeks": [50, 101, 36, 205, 187, 123, 117, 118, 280, 330, 266, 425, 411, 352, 346, 347],
    "jaw": [58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 200, 199, 175],
    "forehead": [10, 109, 67, 103, 338, 297, 332, 151, 108, 337, 69, 299],
}
HOLES = (RIGHT_EYE, LEFT_EYE, LIPS_INNER)  # there is no skin within these rings


@cache
def triangles() -> NDArray[np.int64]:
    """Return the triangles (T, 3) of the skin: Delaunay on the mean face, seen from the front, without the holes."""
    places = mean_face()[:SKIN_POINTS, :2] * 1000
    low, high = places.min(0) - 10, places.max(0) + 10
    division = cv2.Subdiv2D((0, 0, int(np.ptp([low[0], high[0]])) + 1, int(np.ptp([low[1], high[1]])) + 1))
    for place in places - low:
        division.insert((float(place[0]), float(place[1])))
    corners = np.asarray(division.getTriangleList()).reshape(-1, 3, 2) + low
    nearest = np.abs(corners[:, :, None] - places[None, None].astype(np.float32)).max(-1)  # (T, 3, P)
    found = nearest.argmin(-1)[nearest.min(-1).max(-1) < 0.01]  # the others touch the outer triangle
    rings = [np.array(ring) for ring in HOLES]
    skin = ~np.any([np.isin(found, ring).all(1) for ring in rings], axis=0)
    outside = _outside_the_oval(places[found].mean(1), places[OVAL])
    return np.asarray(found[skin & ~outside], np.int64)


def _outside_the_oval(centres: NDArray[np.float64], oval: NDArray[np.float64]) -> NDArray[np.bool_]:
    outline = oval.astype(np.float32).reshape(-1, 1, 2)
    return np.array([cv2.pointPolygonTest(outline, (float(x), float(y)), False) < 0 for x, y in centres])
