"""The holes of a moved face: eyes, mouth, and the seams where lids and lips meet.

Eyeballs and upper teeth stay with the skull, lower teeth with the chin, and what the photo does not show of them is
told, for the paint. Pixels on the rim of a hole show both, by how much of them it covers: rims of one or the other only
are jagged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.mesh.pose import EYEBALL, Pose, pose_of
from ganimate.face.mesh.topology import (
    CHIN,
    LEFT_EYE,
    LEFT_IRIS,
    LIPS_INNER,
    LOWER_LIP_EDGE,
    RIGHT_EYE,
    RIGHT_IRIS,
    UPPER_LIP_EDGE,
    mean_face,
)
from ganimate.motion.field import EYE, MOUTH, SKIN, Rim, WarpField

Floats = NDArray[np.float32]
FIXED = 4  # bits after the point in which OpenCV takes polygons
FINE = 4  # steps across a pixel in which is counted how much of it a hole covers
SEAM_PX = 2  # on either side of where lids or lips meet
# Where on an eyeball is looked for what lids hide: so far around the pupil, and so much nearer to it.
AROUND_DEG, NEARER = (15, -15, 30, -30, 45, -45, 65, -65, 90, -90, 120, -120, 150, -150), (1.0, 0.85, 0.7)
WHITE = 1.25  # radii of an iris: so far out an eyeball is white
# Down the mean face, in its widths: in some 700 open mouths, from hardly to wide open, brightness is there half-way
# from that of teeth to the dark below them.
TEETH_END = 0.272
TEETH_SLACK = 0.006  # a pixel or so: by that much two readings of one place differ
JAW_STRETCH = 5.0  # of a jaw that drops by the face's width
NOSE_BASE = [0, 1, 2]


@dataclass(frozen=True)
class Meshes:
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


def fill_holes(meshes: Meshes, skin: WarpField, bare: NDArray[np.bool_], gaze: Floats | None) -> Rim:
    """Write eyes and mouth into the field of the skin, which has none where it is `bare` (H, W); return all rims.

    `gaze` (2,) turns both eyeballs, in radians to the picture's right and down.
    """
    rims = [_eye(meshes, number, gaze, skin, bare) for number in range(len(_EYES))]
    rims.append(_mouth(meshes, skin, bare))
    rims += [_seam(meshes.goal[line][:, :2], skin) for line in (RIGHT_EYE[:9], LEFT_EYE[:9], LIPS_INNER[:11])]
    return Rim.joined([rim for rim in rims if rim is not None])


def _window(points: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    low, high = np.floor(points.min(0)).astype(int) - 1, np.ceil(points.max(0)).astype(int) + 2
    left, top = max(0, low[0]), max(0, low[1])
    right, bottom = min(shape[1], high[0]), min(shape[0], high[1])
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def _inside(ring: NDArray[np.float64], window: tuple[slice, slice]) -> NDArray[np.bool_]:
    """Return which pixels of a window lie within a ring (P, 2), without its line: what is shut has nothing within."""
    rows, columns = window
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    polygon = np.round((ring - [columns.start, rows.start]) * (1 << FIXED)).astype(np.int32)
    cv2.fillPoly(mask, [polygon], 1, cv2.LINE_8, FIXED)
    cv2.polylines(mask, [polygon], True, 0, 1, cv2.LINE_8, FIXED)
    return mask > 0


def _cover(ring: NDArray[np.float64], window: tuple[slice, slice], bare: NDArray[np.bool_] | None = None) -> Floats:
    """Return how much of each pixel (h, w) of a window a ring (P, 2) covers; what is shut covers nothing.

    All of those that are `bare` (H, W) of skin, once the ring touches them.
    """
    rows, columns = window
    fine = np.zeros((FINE * (rows.stop - rows.start), FINE * (columns.stop - columns.start)), np.uint8)
    # Pixel centres: x_fine + 0.5 = FINE * (x + 0.5).
    polygon = FINE * (ring - [columns.start, rows.start]) + (FINE - 1) / 2
    polygon = np.round(polygon * (1 << FIXED)).astype(np.int32)
    cv2.fillPoly(fine, [polygon], 255, cv2.LINE_8, FIXED)
    touched = None if bare is None else (_reduced(fine) > 0) & bare[window]
    cv2.polylines(fine, [polygon], True, 0, 1, cv2.LINE_8, FIXED)
    cover = _reduced(fine)
    if touched is not None:
        cover[touched] = 1
    return cover


def _reduced(fine: NDArray[np.uint8]) -> Floats:
    height, width = fine.shape
    reduced = fine.reshape(height // FINE, FINE, width // FINE, FINE).mean((1, 3), dtype=np.float32)
    return np.asarray(reduced / 255, np.float32)


def _keep_within(
    source: Floats, ring: NDArray[np.float64], slack: bool, iris: NDArray[np.float64] | None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return places (n, 2) brought into a ring (P, 2) of the photo, each to the nearest pixel there, and which were.

    With `slack` those that are beside the ring by a pixel stay. What is hardly open shows nothing of what lies within:
    a line between lips is not to be drawn through a mouth that opens. Eyes are round: what lids hide is first looked
    for at the same distance from the pupil, which is the first point of the `iris` (5, 2).
    """
    window = _window(np.concatenate([ring, source]), (1 << 15, 1 << 15))
    if window is None:
        return source, np.zeros(len(source), bool)
    rows, columns = window
    hole = _inside(ring, window)
    core = cv2.erode(hole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # the edge itself shows lashes and lips
    if not core.any():
        return source, np.ones(len(source), bool)
    _, labels = cv2.distanceTransformWithLabels(
        (~core).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.zeros((labels.max() + 1, 2), np.float32)
    ys, xs = np.nonzero(core)
    places[labels[ys, xs]] = np.stack([xs, ys], 1)
    x = np.clip(np.round(source[:, 0] - columns.start).astype(int), 0, hole.shape[1] - 1)
    y = np.clip(np.round(source[:, 1] - rows.start).astype(int), 0, hole.shape[0] - 1)
    free = _cover(ring, window) > 0
    free = cv2.dilate(free.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0 if slack else free
    out = ~free[y, x]
    kept = source.copy()
    kept[out] = places[labels[y, x]][out] + [columns.start, rows.start]
    if iris is not None:
        pupil, radius = iris[0].astype(np.float32), float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        around = _around(source[out] - pupil, radius) + pupil  # (A, n, 2)
        x, y = (
            np.round(around[..., axis] - start).astype(int) for axis, start in ((0, columns.start), (1, rows.start))
        )
        within = (x >= 0) & (y >= 0) & (x < hole.shape[1]) & (y < hole.shape[0])
        seen = within & core[np.where(within, y, 0), np.where(within, x, 0)]
        first = seen.argmax(0)
        kept[out] = np.where(seen.any(0)[:, None], around[first, np.arange(len(first))], kept[out])
    return kept, out


def _around(offsets: Floats, iris: float) -> Floats:
    """Return offsets (n, 2) mirrored and turned about the origin (A, n, 2): up and down, then the nearest angles first.

    Where nothing is found so far out, nearer places follow, but of the white none that are within an `iris` so wide.
    """
    angles = np.radians(AROUND_DEG, dtype=np.float32)
    x, y = offsets.T
    turned = [np.stack([np.cos(a) * x - np.sin(a) * y, np.sin(a) * x + np.cos(a) * y], 1) for a in angles]
    ways = np.stack([np.stack([x, -y], 1), *turned])
    length = np.maximum(np.hypot(x, y), np.float32(1e-3))
    least = np.minimum(length, np.float32(WHITE * iris))
    return np.concatenate([ways * (np.maximum(nearer * length, least) / length)[:, None] for nearer in NEARER])


def _fill(
    own_ring: NDArray[np.float64],
    hole: _Hole,
    comes_from: NDArray[np.float64],
    place: NDArray[np.float64],
    stretch: float,
    skin: WarpField,
    slack: bool,
    iris: NDArray[np.float64] | None = None,
    hidden: NDArray[np.bool_] | None = None,
) -> Rim:
    """Write a hole into a field; `comes_from` and `place` (n, 2) are its pixels' sources and places. Return its rim.

    What is `hidden` (n,) is unseen, though there is something of the hole at its source.
    """
    kept, out = _keep_within(np.asarray(comes_from, np.float32), own_ring, slack, iris)
    out = out if hidden is None else out | hidden
    ys, xs, more = hole.ys, hole.xs, hole.cover >= 0.5
    other = kept.copy()
    other[more] = skin.source[ys[more], xs[more]]
    inner = ys[more], xs[more]
    skin.source[inner], skin.unseen[inner] = kept[more], out[more]
    skin.part[inner], skin.place[inner] = hole.kind, place[more]
    skin.stretch[inner] = stretch
    crossed = hole.cover < 1
    kinds = np.full(int(crossed.sum()), hole.kind, np.uint8)
    return Rim(ys[crossed], xs[crossed], hole.cover[crossed], kinds, other[crossed])


@dataclass(frozen=True)
class _Hole:
    """The pixels `ys`, `xs` (n,) of an eye or a mouth, and how much of each it covers, (n,) in (0, 1]."""

    ys: NDArray[np.int64]
    xs: NDArray[np.int64]
    cover: Floats
    kind: int

    @classmethod
    def of(cls, ring: NDArray[np.float64], kind: int, bare: NDArray[np.bool_]) -> _Hole | None:
        """Return the hole within a ring (P, 2); None where it is shut, or out of the window."""
        window = _window(ring, bare.shape)
        if window is None:
            return None
        cover = _cover(ring, window, bare)
        ys, xs = np.nonzero(cover)
        return cls(ys + window[0].start, xs + window[1].start, cover[ys, xs], kind) if len(ys) else None

    @property
    def pixels(self) -> NDArray[np.float64]:
        """Their x and y (n, 2)."""
        return np.stack([self.xs, self.ys], 1).astype(np.float64)


def _seam(line: NDArray[np.float64], skin: WarpField) -> Rim | None:
    """Mend a field along a line (P, 2) where lids or lips meet: skin of two places lies there side by side.

    The triangles' edges overlap by a pixel, so that both sides are taken from a little further off.
    """
    height, width = skin.part.shape
    line = line[np.argsort(line[:, 0])]
    xs = np.arange(max(0, math.ceil(line[0, 0])), min(width, math.floor(line[-1, 0]) + 1))
    at = np.interp(xs, line[:, 0], line[:, 1])
    ys = np.floor(at + 0.5).astype(np.int64)
    inside = (ys >= SEAM_PX) & (ys < height - SEAM_PX)
    xs, ys, at = xs[inside], ys[inside], at[inside]
    shut = np.all([skin.part[ys + step, xs] == SKIN for step in range(-SEAM_PX, SEAM_PX + 1)], axis=0)
    xs, ys, at = xs[shut], ys[shut], at[shut]
    down = np.array([0.0, 1.0], np.float32)
    above, below = (skin.source[ys + step, xs] - step * down for step in (-SEAM_PX, SEAM_PX))
    leaps = np.linalg.norm(above - below, axis=1) > 1
    xs, ys, at, above, below = (each[leaps] for each in (xs, ys, at, above, below))
    for step in range(1, SEAM_PX):
        skin.source[ys - step, xs], skin.source[ys + step, xs] = above - step * down, below + step * down
    cover = (ys + 0.5 - at).astype(np.float32)
    lower = (cover >= 0.5)[:, None]
    skin.source[ys, xs] = np.where(lower, below, above)
    crossed = (cover > 0) & (cover < 1)
    kinds = np.full(int(crossed.sum()), SKIN, np.uint8)
    return Rim(ys[crossed], xs[crossed], cover[crossed], kinds, np.where(lower, above, below)[crossed])


_EYES = ((RIGHT_EYE, RIGHT_IRIS), (LEFT_EYE, LEFT_IRIS))


def _eye(meshes: Meshes, number: int, gaze: Floats | None, skin: WarpField, bare: NDArray[np.bool_]) -> Rim | None:
    """Fill one eye: its ball goes with the corners of the eye, which no muscle moves, and turns with the gaze."""
    ring, iris = _EYES[number]
    hole = _Hole.of(meshes.goal[ring][:, :2], EYE, bare)
    if hole is None:
        return None
    way = meshes.way[[ring[0], ring[8]]].mean(0)[:2]
    places = meshes.turned_back(hole.pixels - way, ring)
    if gaze is not None:
        places = _turned(places, meshes.own, ring, gaze)
    pose = pose_of(meshes.own)
    off = np.column_stack([places - meshes.own[iris[0], :2], np.zeros(len(places))])
    place = mean_face()[iris[0], :2] + (pose.scale * off @ pose.rotation.T)[:, :2]
    shown = meshes.own[iris, :2]
    return _fill(meshes.own[ring][:, :2], hole, places, place, 0.0, skin, meshes.head_turns, shown)


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


def _mouth(meshes: Meshes, skin: WarpField, bare: NDArray[np.bool_]) -> Rim | None:
    """Fill the mouth: upper teeth go with the skull, what lies below their edges with the chin.

    Teeth stand just behind the lips: a head that turns takes them along as it does these. What a jaw that drops lays
    bare is not to show the upper teeth once more: where the photo shows those its lower part is unseen.
    """
    hole = _Hole.of(meshes.goal[LIPS_INNER][:, :2], MOUTH, bare)
    if hole is None:
        return None
    skull, chin = meshes.way[NOSE_BASE].mean(0)[:2], meshes.way[CHIN].mean(0)[:2]
    pose = pose_of(meshes.goal)
    place = _on_skull(meshes.goal, pose, hole.pixels)
    below = place[:, 1] >= TEETH_END
    places = meshes.turned_back(hole.pixels - np.where(below[:, None], chin, skull), LIPS_INNER)
    own_pose = pose_of(meshes.own)
    too_high = TEETH_END - _on_skull(meshes.own, own_pose, places)[:, 1]
    teeth = below & (too_high > TEETH_SLACK)
    places[teeth] += too_high[teeth, None] * own_pose.way_to_photo(np.array([0.0, 1.0, 0.0]))[:2]
    to_nose, to_chin = (_to_mean_face(meshes.goal, pose, part) for part in (NOSE_BASE, CHIN))
    dropped = float((to_nose - to_chin)[1])  # the jaw, below that of the mean face
    return _fill(
        meshes.own[LIPS_INNER][:, :2],
        hole,
        places,
        place,
        JAW_STRETCH * dropped,
        skin,
        meshes.head_turns,
        hidden=teeth,
    )


def _on_skull(mesh: NDArray[np.float64], pose: Pose, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which places (n, 2) of the mean face's skull pixels (n, 2) within the lips of a mesh show."""
    line = (mesh[UPPER_LIP_EDGE] + mesh[LOWER_LIP_EDGE]) / 2
    line = line[np.argsort(line[:, 0])]
    at = pose.to_canonical(np.column_stack([pixels, np.interp(pixels[:, 0], line[:, 0], line[:, 2])]))
    return np.asarray(at[:, :2] + _to_mean_face(mesh, pose, NOSE_BASE)[:2])


def _to_mean_face(mesh: NDArray[np.float64], pose: Pose, part: list[int]) -> NDArray[np.float64]:
    """Return the way (3,) from a part of a mesh to that of the mean face, in the canonical frame."""
    return np.asarray((mean_face()[part] - pose.to_canonical(mesh[part])).mean(0))
