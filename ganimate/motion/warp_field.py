"""From a mesh and where it goes to a backward warp field: for every pixel of the result, where the photo shows it.

The skin is drawn triangle by triangle, the nearest last, each with its own affine map; rings of points around the
face fade to rest, so that hair and neck go along. Lashes go with the lids as they are, see `lashes`; eyes and mouth are
holes in the skin, see `holes`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.mesh.topology import OVAL, SKIN_POINTS, mean_face, triangles
from ganimate.motion.field import WarpField
from ganimate.motion.holes import Meshes, fill_holes
from ganimate.motion.lashes import cut_above_lids, ends_of_lashes

Floats = NDArray[np.float32]
# Rings around the face: how far out (of the way from the middle of the face to its outline), and the share of the
# outline's motion that is left there: of what muscles do, and of a head that turns, which takes hair and neck along.
# With fewer the border of the face is seen to swim on hair.
RINGS = ((1.12, 0.55, 0.65), (1.35, 0.2, 0.28), (1.7, 0.0, 0.0))
RING_DEPTH = 0.05  # of the face's width behind the outline, for each unit outwards
FIXED = 4  # bits after the point in which OpenCV takes polygons
FOLD_PX, MEND_PX = 4.0, 3  # folds that show so much twice at the most are smoothed, over so many pixels around; by eye
THIN_PX = 0.5  # a triangle that is lower is a line: no pixel lies inside, and rounding decides which ones it touches


def warp_field(
    mesh: Floats,
    moved: Floats,
    height: int,
    width: int,
    *,
    carried: Floats | None = None,
    gaze: Floats | None = None,
) -> WarpField:
    """Return the field that carries a photo from `mesh` to `moved`, both (478, 3) in pixels of the window.

    `carried` (478, 3) is where the head alone takes the mesh, if it turns. `gaze` (2,) turns both eyeballs, in radians
    to the picture's right and down.
    """
    own, goal = np.asarray(mesh, np.float64), np.asarray(moved, np.float64)
    turned = own if carried is None else np.asarray(carried, np.float64)
    skin, bare = _skin(own, goal, turned, height, width)
    return replace(skin, rim=fill_holes(Meshes(own, turned, goal), skin, bare, gaze))


@cache
def _all_triangles() -> NDArray[np.int64]:
    """Return the triangles (T, 3) of skin, rings and lashes, all one way round; see `_all_points`."""
    return cut_above_lids(_skin_and_rings(), SKIN_POINTS + len(RINGS) * len(OVAL))[0]


@cache
def _lashes() -> NDArray[np.int64]:
    return cut_above_lids(_skin_and_rings(), 0)[1]


@cache
def _skin_and_rings() -> NDArray[np.int64]:
    """Return the triangles (T, 3) of skin and rings, all one way round; the rings' points follow those of the skin."""
    rings = [np.array(OVAL)] + [SKIN_POINTS + k * len(OVAL) + np.arange(len(OVAL)) for k in range(len(RINGS))]
    found = [triangles()]
    for inner, outer in pairwise(rings):
        found.append(np.stack([inner, np.roll(inner, -1), outer], 1))
        found.append(np.stack([np.roll(inner, -1), np.roll(outer, -1), outer], 1))
    corners = np.concatenate(found)
    mean = with_rings(mean_face(), np.zeros_like(mean_face()))[0]
    a, b, c = (mean[corners[:, k], :2] for k in range(3))
    around = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    return np.where(around[:, None] < 0, corners[:, ::-1], corners)


def with_rings(
    mesh: NDArray[np.float64], way: NDArray[np.float64], turned: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return skin and rings (P, 3) of a mesh at rest, and moved by `way` (478, 3), of which the head did `turned`."""
    head = np.zeros_like(way) if turned is None else turned
    outline = mesh[OVAL]
    middle = outline.mean(0)
    behind = np.array([0.0, 0.0, RING_DEPTH * np.ptp(mesh[:SKIN_POINTS, 0])])
    rest, moved = [mesh[:SKIN_POINTS]], [mesh[:SKIN_POINTS] + way[:SKIN_POINTS]]
    for out, share, head_share in RINGS:
        ring = middle + (outline - middle) * out + behind * out
        rest.append(ring)
        moved.append(ring + share * (way - head)[OVAL] + head_share * head[OVAL])
    return np.concatenate(rest), np.concatenate(moved)


def _all_points(
    mesh: NDArray[np.float64], way: NDArray[np.float64], turned: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the same with the ends of the lashes as the last points."""
    rest, moved = with_rings(mesh, way, turned)
    ends = [ends_of_lashes(_lashes(), points, rest) for points in (rest, moved)]
    return np.concatenate([rest, ends[0]]), np.concatenate([moved, ends[1]])


def _skin(
    mesh: NDArray[np.float64], moved: NDArray[np.float64], turned: NDArray[np.float64], height: int, width: int
) -> tuple[WarpField, NDArray[np.bool_]]:
    """Return the field of the skin alone, and where (H, W) there is none."""
    rest, there = _all_points(mesh, moved - mesh, turned - mesh)
    corners = _all_triangles()
    maps, area, turned_away = _affine(there[corners][..., :2], rest[corners][..., :2])
    index = np.full((height, width), -1, np.int32)
    polygons = np.round(there[corners][..., :2] * (1 << FIXED)).astype(np.int32)
    for number in np.argsort(-there[corners][..., 2].mean(1)):
        cv2.fillConvexPoly(index, polygons[number], int(number), cv2.LINE_8, FIXED)
    named, _, _ = _affine(there[corners][..., :2], _mean_points()[corners][..., :2], 0.0)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    source = _mapped(index, maps, [1, 0, 0, 0, 1, 0], x, y)
    if turned is not mesh:
        source = _without_small_folds(source, index < 0)
    place = _mapped(index, named, [0, 0, 0, 0, 0, 0], x, y)
    stretch = np.take(np.append(area, 0).astype(np.float32), index, mode="wrap")
    unseen = np.take(np.append(turned_away, False), index, mode="wrap")
    return WarpField(source, np.zeros((height, width), np.uint8), unseen, stretch, place), index < 0


def _without_small_folds(source: Floats, bare: NDArray[np.bool_]) -> Floats:
    """Return a field (H, W, 2) that shows nothing twice where skin folds by a pixel or so.

    The mesh's outline lies within that of the face. So where a head turns a cheek away, the ring behind it shows the
    face's border once more: a row of dashes. Nearer skin that hides much, as a nose does, keeps its edge, and so do
    holes, which are `bare` (H, W) of skin.
    """
    x, y = np.arange(source.shape[1], dtype=np.float32), np.arange(source.shape[0], dtype=np.float32)[:, None]
    way = source - np.dstack(np.broadcast_arrays(x, y))
    folds = np.zeros(source.shape[:2], np.uint8)
    for axis, coordinate in ((1, 0), (0, 1)):
        back = np.diff(source[..., coordinate], axis=axis)
        leap = np.linalg.norm(np.diff(way, axis=axis), axis=2)
        rows, columns = np.nonzero((back < 0) & (leap < FOLD_PX))
        folds[rows, columns] = 1
        folds[rows + (axis == 0), columns + (axis == 1)] = 1
    folds[cv2.dilate(bare.astype(np.uint8), np.ones((6 * MEND_PX + 1, 6 * MEND_PX + 1), np.uint8)) > 0] = 0
    if not folds.any():
        return source
    near = cv2.dilate(folds, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * MEND_PX + 1, 2 * MEND_PX + 1)))
    share = cv2.GaussianBlur(near.astype(np.float32), (0, 0), 1.0)[..., None]
    smooth = cv2.GaussianBlur(way, (0, 0), MEND_PX)
    return np.asarray(source + share * (smooth - way), np.float32)


def _mapped(index: NDArray[np.int32], maps: NDArray[np.float64], rest: list[float], x: Floats, y: Floats) -> Floats:
    """Return (H, W, 2): each pixel under the map (6,) of its triangle, and under `rest` where it has none."""
    terms = np.concatenate([maps, [rest]]).astype(np.float32)  # the last is found at index -1
    a, b, c, d, e, f = (np.take(column, index, mode="wrap") for column in np.ascontiguousarray(terms.T))
    return np.ascontiguousarray(np.stack([a * x + b * y + c, d * x + e * y + f], -1), np.float32)


@cache
def _mean_points() -> NDArray[np.float64]:
    return _all_points(mean_face(), np.zeros_like(mean_face()))[0]


def _affine(
    there: NDArray[np.float64], rest: NDArray[np.float64], across: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return maps (T, 6) from triangles (T, 3, 2) to others, log2 of the growth of area, and which were turned away.

    A step `across` a triangle that is hardly wider than a line is as long in the other.
    """
    p, q = there[:, 1:] - there[:, :1], rest[:, 1:] - rest[:, :1]  # (T, 2, 2), rows are edges
    size_p, size_q = (e[:, 0, 0] * e[:, 1, 1] - e[:, 0, 1] * e[:, 1, 0] for e in (p, q))
    edges = np.linalg.norm(np.concatenate([p, p[:, 1:] - p[:, :1]], 1), axis=2)  # (T, 3)
    flat = np.abs(size_p) < THIN_PX * edges.max(1)
    linear = np.empty_like(p)  # rows: where a step in x, and in y, leads to
    linear[~flat] = np.linalg.solve(p[~flat], q[~flat])
    linear[flat] = _along(p[flat], q[flat], across)
    offset = rest[:, 0] - np.einsum("ti,tij->tj", there[:, 0], linear)
    maps = np.stack([linear[:, 0, 0], linear[:, 1, 0], offset[:, 0], linear[:, 0, 1], linear[:, 1, 1], offset[:, 1]], 1)
    growth = np.log2(np.clip(np.abs(size_p), 1e-3, None) / np.clip(np.abs(size_q), 1e-3, None)).clip(-3, 3)
    return maps, growth, (size_q <= 0) & ~flat  # those that turn the other way round are seen from behind


def _along(p: NDArray[np.float64], q: NDArray[np.float64], across: float) -> NDArray[np.float64]:
    """Return linear maps (T, 2, 2) of triangles that are hardly wider than a line, a step across them `across` long.

    The exact map would throw the pixels that such a triangle touches far out of the other one: specks in shut eyes.
    """
    u, strengths, v = np.linalg.svd(p)
    thin = strengths <= THIN_PX
    inverse = np.where(thin, 0, 1 / np.maximum(strengths, THIN_PX))
    back = v.transpose(0, 2, 1)
    return np.asarray(back @ (inverse[..., None] * u.transpose(0, 2, 1)) @ q + across * back @ (thin[..., None] * v))
