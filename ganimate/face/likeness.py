"""How alike two pictures of a face are, and where: region of the face, change, SSIM, sharpness. Numpy and OpenCV only.

Pictures are (S, S, 3) RGB, uint8 or float32 in [0, 255]; regions are (S, S) bool.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import border_fade
from ganimate.face.landmarks import BROWS, NOSE_BASE

Picture = NDArray[np.uint8] | NDArray[np.float32]
Region = NDArray[np.bool_]
Plane = NDArray[np.float64]  # (S, S)

FOREHEAD = 0.5  # its height / distance from the brows to the base of the nose: up to about the hairline
KEPT = 0.99  # attention above this shows the source's own pixels
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in brightness (ITU-R BT.601)
MOVED_PX = 0.5  # a displacement under this is not counted as a move

# SSIM (Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", IEEE TIP 2004, section III-B)
WINDOW_PX, DEVIATION_PX = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def face_region(landmarks: NDArray[np.floating], size_px: int, grow: float = 0.0) -> Region:
    """Return where the face is: the hull of its landmarks (68, 2), in crop widths, and of the forehead above the brows.

    `grow` widens it on all sides, in crop widths.
    """
    brows = np.asarray(landmarks[BROWS], np.float64)
    forehead = brows + FOREHEAD * (brows.mean(0) - landmarks[NOSE_BASE])
    points = np.concatenate([landmarks, forehead]) * size_px - 0.5
    region = np.zeros((size_px, size_px), np.uint8)
    cv2.fillConvexPoly(region, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    reach = round(grow * size_px)
    if reach:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        region = np.asarray(cv2.dilate(region, disc), np.uint8)
    return region.astype(bool)


def mean_change(a: Picture, b: Picture, region: Region | None = None) -> float:
    """Return the mean absolute difference in a region, or everywhere, of 255; NaN in an empty region."""
    difference = np.abs(a.astype(np.float64) - b.astype(np.float64)).mean(2)  # (S, S)
    return _mean(difference, region)


def ssim(a: Picture, b: Picture, region: Region | None = None) -> float:
    """Return the structural similarity of the pictures' luminance, its map averaged over a region; 1 for equal ones."""
    return _mean(_ssim_map(luminance(a), luminance(b)), region)


def _mean(plane: Plane, region: Region | None) -> float:
    values = plane if region is None else plane[region]
    return float(values.mean()) if values.size else float("nan")


def _ssim_map(x: Plane, y: Plane) -> Plane:
    mean_x, mean_y = _blur(x), _blur(y)
    spread_x, spread_y = _blur(x * x) - mean_x * mean_x, _blur(y * y) - mean_y * mean_y
    together = _blur(x * y) - mean_x * mean_y
    top = (2 * mean_x * mean_y + C1) * (2 * together + C2)
    similarity: Plane = top / ((mean_x * mean_x + mean_y * mean_y + C1) * (spread_x + spread_y + C2))
    return similarity


def _blur(plane: Plane) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (WINDOW_PX, WINDOW_PX), DEVIATION_PX), np.float64)


def luminance(picture: Picture) -> Plane:
    """Return the picture's luminance (S, S) float64 in [0, 255] (ITU-R BT.601)."""
    plane: Plane = np.asarray(picture, np.float64) @ np.array(LUMA)
    return plane


def gradient_energy(picture: Picture) -> Plane:
    """Return the squared length of the luminance's gradient (S, S), by differences with the next pixel."""
    plane = luminance(picture)
    across = np.diff(plane, axis=1, append=plane[:, -1:])
    down = np.diff(plane, axis=0, append=plane[-1:])
    energy: Plane = across**2 + down**2
    return energy


def energy_where_moved(
    source: Picture, result: Picture, attention: NDArray[np.float32], displacement: NDArray[np.float32] | None
) -> tuple[float, float]:
    """Return the gradient energies, result's and source's, summed over what was only moved: as sharp if they are equal.

    `attention` (S, S), 1 keeps; `displacement` (S, S, 2) in pixels of the pictures: the result at p shows the source at
    p + displacement, where its energy is looked up. Without one, what was kept counts. Left out are edges of paint,
    and the border, where edits fade. Attention and displacement may be finer than the pictures.
    """
    size = (len(source), len(source))
    attention = np.asarray(cv2.resize(attention, size, interpolation=cv2.INTER_AREA), np.float32)
    if displacement is not None:
        displacement = np.asarray(cv2.resize(displacement, size, interpolation=cv2.INTER_AREA), np.float32)
    kept = (attention > KEPT) & (border_fade(len(attention)) == 1)
    kept = cv2.erode(kept.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    own = gradient_energy(source)
    if displacement is not None:
        kept &= np.hypot(displacement[..., 0], displacement[..., 1]) > MOVED_PX
        own = np.asarray(_moved(own.astype(np.float32), displacement), np.float64)
    return float(gradient_energy(result)[kept].sum()), float(own[kept].sum())


def _moved(plane: NDArray[np.float32], displacement: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a plane (S, S) that shows at each place what was `displacement` (S, S, 2) px from there."""
    ys, xs = np.mgrid[: plane.shape[0], : plane.shape[1]].astype(np.float32)
    xs, ys = xs + displacement[..., 0], ys + displacement[..., 1]
    return np.asarray(cv2.remap(plane, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
