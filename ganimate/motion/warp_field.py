"""From a mesh and where it goes to a backward warp field: for every pixel of the result, where the photo shows it.

The skin is drawn triangle by triangle, the nearest last, each with its own affine map; rings of points around the
face fade to rest, so that hair and neck go along. Eyes and mouth are holes in the skin: eyeballs and upper teeth stay
with the skull, lower teeth with the chin, and what the photo does not show of them is told, for the paint.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.mesh.pose import EYEBALL
from ganimate.face.mesh.topology import (
    CHIN,
    LEFT_EYE,
    LIPS_INNER,
    LOWER_LIP_EDGE,
    OVAL,
    RIGHT_EYE,
    SKIN_POINTS,
    UPPER_LIP_EDGE,
    mean_face,
    triangles,
)

Floats = NDArray[np.float32]
SKIN, EYE, MOUTH = 0, 1, 2
# Rings around the face: how far out (of the way from the middle of the face to its outline), and the share of the
# outline's motion that is left there: of what muscles do, and of a head that turns, which takes hair and neck along.
# With fewer the border of the face is seen to swim on hair.
RINGS = ((1.12, 0.55, 0.65), (1.35, 0.2, 0.28), (1.7, 0.0, 0.0))
RING_DEPTH = 0.05  # of the face's width behind the outline, for each unit outwards
FIXED = 4  # bits after the point in which OpenCV takes polygons
NOSE_BASE = [0, 1, 2]
THIN_PX = 0.5  # a triangle that is lower is a line: no pixel lies inside, and rounding decides which ones it touches


@dataclass(frozen=True)
class WarpField:
    """Where the photo shows each pixel of the result, in a window of (H, W) pixels.

    `source` (H, W, 2) float32: x and y in pixels of the window, outside of the face the pixel itself. `part` (H, W)
    uint8: SKIN, EYE or MOUTH of the result. `unseen` (H, W) bool: what the photo does not show, as lids or lips cover
    it there, or as that skin was turned away; `source` is the nearest that it shows. `stretch` (H, W) float32: log2
    of how much the skin is drawn out (positive) or pressed together; 0 in the holes and at rest. `place` (H, W, 2)
    float32: which place of the mean face a pixel shows, in the canonical frame; (0, 0) outside of rings and face.
    """

    source: Floats
    part: NDArray[np.uint8]
    unseen: NDArray[np.bool_]
    stretch: Floats
    place: Floats

    def apply(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return W(photo) for the window's photo (H, W, 3); cubic, the edge repeated."""
        moved = cv2.remap(
            photo, self.source[..., 0], self.source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(moved, np.uint8)


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
    field, uncovered = _skin(own, goal, turned, height, width)
    meshes = _Meshes(own, turned, goal)
    bare = uncovered if meshes.head_turns else None
    for ring in (RIGHT_EYE, LEFT_EYE):
        _eye(meshes, ring, gaze, field, bare)
    _mouth(meshes, field, bare)
    field.stretch[field.part != SKIN] = 0
    return field


@cache
def _all_triangles() -> NDArray[np.int64]:
    """Return the triangles (T, 3) of skin and rings, all one way round; the rings' points follow those of the skin."""
    rings = [np.array(OVAL)] + [SKIN_POINTS + k * len(OVAL) + np.arange(len(OVAL)) for k in range(len(RINGS))]
    found = [triangles()]
    for inner, outer in pairwise(rings):
        found.append(np.stack([inner, np.roll(inner, -1), outer], 1))
        found.append(np.stack([np.roll(inner, -1), np.roll(outer, -1), outer], 1))
    corners = np.concatenate(found)
    a, b, c = (_mean_with_rings()[corners[:, k], :2] for k in range(3))
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


def _skin(
    mesh: NDArray[np.float64], moved: NDArray[np.float64], turned: NDArray[np.float64], height: int, width: int
) -> tuple[WarpField, NDArray[np.bool_]]:
    """Return the field of the skin alone, and where (H, W) there is none."""
    rest, there = with_rings(mesh, moved - mesh, turned - mesh)
    corners = _all_triangles()
    maps, area, turned_away = _affine(there[corners][..., :2], rest[corners][..., :2])
    index = np.full((height, width), -1, np.int32)
    polygons = np.round(there[corners][..., :2] * (1 << FIXED)).astype(np.int32)
    for number in np.argsort(-there[corners][..., 2].mean(1)):
        cv2.fillConvexPoly(index, polygons[number], int(number), cv2.LINE_8, FIXED)
    named, _, _ = _affine(there[corners][..., :2], _mean_with_rings()[corners][..., :2], 0.0)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    source = _mapped(index, maps, [1, 0, 0, 0, 1, 0], x, y)
    place = _mapped(index, named, [0, 0, 0, 0, 0, 0], x, y)
    stretch = np.take(np.append(area, 0).astype(np.float32), index, mode="wrap")
    unseen = np.take(np.append(turned_away, False), index, mode="wrap")
    return WarpField(source, np.zeros((height, width), np.uint8), unseen, stretch, place), index < 0


def _mapped(index: NDArray[np.int32], maps: NDArray[np.float64], rest: list[float], x: Floats, y: Floats) -> Floats:
    """Return (H, W, 2): each pixel under the map (6,) of its triangle, and under `rest` where it has none."""
    terms = np.concatenate([maps, [rest]]).astype(np.float32)  # the last is found at index -1
    a, b, c, d, e, f = (np.take(column, index, mode="wrap") for column in np.ascontiguousarray(terms.T))
    return np.ascontiguousarray(np.stack([a * x + b * y + c, d * x + e * y + f], -1), np.float32)


@cache
def _mean_with_rings() -> NDArray[np.float64]:
    return with_rings(mean_face(), np.zeros_like(mean_face()))[0]


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


def _window(points: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    low, high = np.floor(points.min(0)).astype(int) - 1, np.ceil(points.max(0)).astype(int) + 2
    left, top = max(0, low[0]), max(0, low[1])
    right, bottom = min(shape[1], high[0]), min(shape[0], high[1])
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def _inside(
    ring: NDArray[np.float64], window: tuple[slice, slice], bare: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Return which pixels of a window lie within a ring (P, 2), without its line: what is shut has nothing within.

    Of the line those belong to it that are `bare` (H, W) of skin.
    """
    rows, columns = window
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    polygon = np.round((ring - [columns.start, rows.start]) * (1 << FIXED)).astype(np.int32)
    cv2.fillPoly(mask, [polygon], 1, cv2.LINE_8, FIXED)
    filled = mask > 0
    cv2.polylines(mask, [polygon], True, 0, 1, cv2.LINE_8, FIXED)
    return (mask > 0) if bare is None else (mask > 0) | (filled & bare[window])


def _keep_within(source: Floats, ring: NDArray[np.float64], slack: bool) -> tuple[Floats, NDArray[np.bool_]]:
    """Return places (n, 2) brought into a ring (P, 2) of the photo, each to the nearest pixel there, and which were.

    With `slack` those that are beside the ring by a pixel stay.
    """
    window = _window(np.concatenate([ring, source]), (1 << 15, 1 << 15))
    if window is None:
        return source, np.zeros(len(source), bool)
    rows, columns = window
    hole = _inside(ring, window)
    if not hole.any():
        return source, np.ones(len(source), bool)
    core = cv2.erode(hole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # the edge itself shows lashes and lips
    core = core if core.any() else hole
    _, labels = cv2.distanceTransformWithLabels(
        (~core).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.zeros((labels.max() + 1, 2), np.float32)
    ys, xs = np.nonzero(core)
    places[labels[ys, xs]] = np.stack([xs, ys], 1)
    x = np.clip(np.round(source[:, 0] - columns.start).astype(int), 0, hole.shape[1] - 1)
    y = np.clip(np.round(source[:, 1] - rows.start).astype(int), 0, hole.shape[0] - 1)
    free = cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0 if slack else hole
    out = ~free[y, x]
    kept = source.copy()
    kept[out] = places[labels[y, x]][out] + [columns.start, rows.start]
    return kept, out


def _fill(
    ring: NDArray[np.float64],
    own_ring: NDArray[np.float64],
    comes_from: NDArray[np.float64],
    window: tuple[slice, slice],
    inside: NDArray[np.bool_],
    kind: int,
    field: WarpField,
    slack: bool,
) -> None:
    """Write a hole into a field; `comes_from` (n, 2) are the sources of its pixels."""
    kept, out = _keep_within(np.asarray(comes_from, np.float32), own_ring, slack)
    field.source[window][inside] = kept
    field.part[window][inside] = kind
    field.unseen[window][inside] = out


def _pixels(window: tuple[slice, slice], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    rows, columns = window
    ys, xs = np.nonzero(inside)
    return np.stack([xs + columns.start, ys + rows.start], 1).astype(np.float64)


@dataclass(frozen=True)
class _Meshes:
    """A mesh in the photo, where the head alone takes it, and where it goes, (478, 3) each."""

    own: NDArray[np.float64]
    turned: NDArray[np.float64]
    goal: NDArray[np.float64]

    @property
    def head_turns(self) -> bool:
        """Whether the head turns: what fits the rings of eyes and mouth is then good to a pixel."""
        return self.turned is not self.own

    @property
    def way(self) -> NDArray[np.float64]:
        """What is no turn of the head, (478, 3)."""
        return self.goal - self.turned

    def turned_back(self, places: NDArray[np.float64], ring: list[int]) -> NDArray[np.float64]:
        """Return where the photo shows what the head takes to `places` (n, 2) in a ring: the affine map that fits."""
        if not self.head_turns:
            return places
        there = np.column_stack([self.turned[ring][:, :2], np.ones(len(ring))])
        back = np.linalg.lstsq(there, self.own[ring][:, :2], rcond=None)[0]  # (3, 2)
        return np.asarray(np.column_stack([places, np.ones(len(places))]) @ back)


def _eye(
    meshes: _Meshes, ring: list[int], gaze: Floats | None, field: WarpField, bare: NDArray[np.bool_] | None
) -> None:
    """Fill one eye: its ball goes with the corners of the eye, which no muscle moves, and turns with the gaze."""
    there, own = meshes.goal[ring][:, :2], meshes.own[ring][:, :2]
    window = _window(there, field.part.shape)
    if window is None:
        return
    inside = _inside(there, window, bare)
    if not inside.any():
        return
    way = meshes.way[[ring[0], ring[8]]].mean(0)[:2]
    places = meshes.turned_back(_pixels(window, inside) - way, ring)
    if gaze is not None:
        places = _turned(places, meshes.own, ring, gaze)
    _fill(there, own, places, window, inside, EYE, field, meshes.head_turns)


def _turned(
    places: NDArray[np.float64], mesh: NDArray[np.float64], ring: list[int], gaze: Floats
) -> NDArray[np.float64]:
    """Return where an eyeball that turns by `gaze` showed at rest what it shows at `places` (n, 2)."""
    corners = mesh[[ring[0], ring[8]]][:, :2]
    middle, radius = corners.mean(0), EYEBALL * float(np.linalg.norm(corners[0] - corners[1]))
    out = (places - middle) / radius
    length = np.linalg.norm(out, axis=1, keepdims=True)
    out = np.where(length > 0.98, out * 0.98 / np.maximum(length, 1e-9), out)
    depth = np.sqrt(1 - (out**2).sum(1))
    angle = np.arctan2(out[:, 0], depth) - gaze[0]
    level = np.hypot(out[:, 0], depth)
    x, z = level * np.sin(angle), level * np.cos(angle)
    tilt, reach = np.arctan2(out[:, 1], z) - gaze[1], np.hypot(out[:, 1], z)
    return np.asarray(middle + radius * np.stack([x, reach * np.sin(tilt)], 1))


def _mouth(meshes: _Meshes, field: WarpField, bare: NDArray[np.bool_] | None) -> None:
    """Fill the mouth: above the middle of the gap it goes with the skull, below it with the chin.

    Teeth stand just behind the lips: a head that turns takes them along as it does these.
    """
    there, own = meshes.goal[LIPS_INNER][:, :2], meshes.own[LIPS_INNER][:, :2]
    window = _window(there, field.part.shape)
    if window is None:
        return
    inside = _inside(there, window, bare)
    if not inside.any():
        return
    places = _pixels(window, inside)
    skull, chin = meshes.way[NOSE_BASE].mean(0)[:2], meshes.way[CHIN].mean(0)[:2]
    upper, lower = meshes.goal[UPPER_LIP_EDGE][:, :2], meshes.goal[LOWER_LIP_EDGE][:, :2]
    line = (upper + lower) / 2
    order = np.argsort(line[:, 0])
    middle = np.interp(places[:, 0], line[order, 0], line[order, 1])
    above = places[:, 1] < middle
    places = meshes.turned_back(places - np.where(above[:, None], skull, chin), LIPS_INNER)
    _fill(there, own, places, window, inside, MOUTH, field, meshes.head_turns)
