"""Glasses: whether a face wears them, where their rims are, and the map of what therefore keeps its place.

Rims sit on the nose and the ears. A generator that moves skin would carry them along with the brows, and they would
melt. Numpy and OpenCV only.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.glasses_weights import BIAS, SCALE, WEIGHTS
from ganimate.face.landmarks import LEFT_EYE, LOWER_LID_LINES, NOSE_SKIN, RIGHT_EYE

Image = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float32]

# All is measured on the face turned upright, in steps of which there are EYE_SPAN between the middles of the eyes.
EYE_SPAN = 36.0

BAND_WIDTH, BAND_HEIGHT, BAND_EYE_LINE, CELL = 96, 56, 20, 4  # what the regression sees, around both eyes
# Log odds from which a face is taken to wear glasses. Of 1,177 photos of other people than those of the fit, 72 of them
# with glasses by eye, 68 are above it, 63 of these rightly; of 467 posed expressions, frowns and wrinkled noses, none.
LIKELY = -0.25
CLEAR = 0.25  # log odds on either side within which rims are held in part: a clip's face must not flip between frames

PATCH, PATCH_EYE = 64, (22.0, 26.0)  # around one eye, outward to the right, and where in it the eye is
POINTS = 32  # of a contour
DIRECTIONS = 16  # of its normals
RIM_STEPS = 2  # how thick a rim is: its outer edge counts as much as its inner one
# A lens is a superellipse |x/a|^n + |y/b|^n = 1; tried are all of these: roundness n, how far below the eye, half
# height b, half width a, how far outward of the eye.
ROUNDNESS = (2.0, 2.6, 3.6)
DROPS = np.arange(0, 8.1, 1.33)
HEIGHTS = np.arange(7.5, 17.1, 1.2)
WIDTHS = np.arange(11.5, 18.1, 1.3)
SHIFTS = np.arange(-0.5, 4.6, 1.25)
USUAL = (
    (3.0, 2.5),
    (10.5, 3.0),
    (14.7, 2.0),
    (1.5, 1.8),
)  # mean and spread of the last four, and how much they count: by
USUAL_WORTH = 0.03  # eye, for the contours of 64 pairs of glasses
# How much each eighth of a contour tells, from the temple downwards: above, brows are taken for rims.
WORTH = (1.0, 1.3, 1.3, 1.1, 1.0, 0.45, 0.45, 0.9)
REACH = 0.2  # crop widths from a rim within which skin is kept from moving far; more than it ever moves
# What is held, in steps: the rim itself, from its inner edge, and bars at the nose and the temples.
RIM_INSIDE, RIM_OUTSIDE = 2.2, 3.2
CORNERED = 4.0  # the roundness of what is held, at least: frames of rounder lenses may have corners, at the temples
BRIDGE = (0.5, 0.66)  # the part of a contour, from the temple downwards, between which the bridge is
TEMPLE_FROM = 0.92
LIDS_FREE, BAGS_FREE = 1.7, 0.5  # times as far as other skin what is behind a lens may go: lids close, bags keep still
DARK = 0.46  # of the nose's brightness: through darker lenses no eye is seen; of 400 clear ones none was below 0.479
GLASS = 0.8  # of a lens is looked through for that
TEMPLE = 9.0  # how far the temples are held, from the rim on
FINER = 2  # times the crop's resolution at which the map is drawn
FINE_BITS = 4  # of the fractions of pixels in OpenCV's drawing


@dataclass(frozen=True)
class Glasses:
    """A pair of glasses: the log odds that there are any, and its lenses (2, 5), the photo's left one first, if so.

    A lens is its roundness, how far it is below the eye, half its height, half its width and how far outward of the
    eye it is; lengths in steps of 1/36 of the distance of the eyes, so that they hold for this face in other frames.
    """

    evidence: float
    lenses: Floats | None = None
    light: float = 1.0  # that comes through the lenses, beside the nose's

    @property
    def hold(self) -> float:
        """How far the rims are to be held, in [0, 1]."""
        return float(np.clip((self.evidence - LIKELY) / (2 * CLEAR) + 0.5, 0, 1))


def look_for_glasses(face: Image, landmarks: NDArray[np.floating]) -> Glasses:
    """Return what is seen of glasses on an upright crop (S, S, 3), landmarks (68, 2) in its pixels, iBUG order."""
    grey = face.astype(np.float32).mean(2)
    glasses = Glasses(_evidence(grey, landmarks))
    if glasses.hold == 0:
        return glasses
    lenses = _fit_lenses(grey, landmarks)
    return Glasses(glasses.evidence, lenses, _light(grey, landmarks, lenses))


def average(seen: Sequence[Glasses]) -> Glasses:
    """Return what several frames of one face say together: a clip's rims neither tremble nor come and go."""
    evidence = float(np.mean([each.evidence for each in seen]))
    found = [(each.lenses, each.light) for each in seen if each.lenses is not None]
    if not found:
        return Glasses(evidence)
    lenses, light = zip(*found, strict=True)
    return Glasses(evidence, np.mean(lenses, axis=0, dtype=np.float32), float(np.mean(light)))


def _frame(landmarks: NDArray[np.floating]) -> tuple[Floats, Floats, Floats]:
    """Return the middles of the eyes (2, 2), and a step to the right and one down in the face's own directions (2,)."""
    eyes = np.stack([landmarks[LEFT_EYE].mean(0), landmarks[RIGHT_EYE].mean(0)]).astype(np.float32)
    right = (eyes[1] - eyes[0]) / np.float32(EYE_SPAN)
    if not np.hypot(*right) > 0:  # no face has such landmarks; keep the matrices regular
        right = np.array([1.0, 0.0], np.float32)
    return eyes, right, np.array([-right[1], right[0]], np.float32)


def _cut(grey: Floats, origin: Floats, right: Floats, down: Floats, size: tuple[int, int]) -> Floats:
    """Return what lies from `origin` on in steps to the right and down, of width and height `size`."""
    to_crop = np.column_stack([right, down, origin]).astype(np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(grey, to_crop, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _gradient(part: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the brightness gradient to the right and down (h, w) of a part, and how steep it is around each place."""
    calm = cv2.GaussianBlur(part, (0, 0), 0.8)
    x = np.asarray(cv2.Sobel(calm, cv2.CV_32F, 1, 0, scale=1 / 8), np.float32)
    y = np.asarray(cv2.Sobel(calm, cv2.CV_32F, 0, 1, scale=1 / 8), np.float32)
    return x, y, np.sqrt(np.asarray(cv2.GaussianBlur(x * x + y * y, (0, 0), 9), np.float32))


@lru_cache(maxsize=1)
def _weights() -> Floats:
    shape = (5, BAND_HEIGHT // CELL, BAND_WIDTH // CELL // 2)
    return np.frombuffer(base64.b85decode(WEIGHTS), np.int8).reshape(shape).astype(np.float32) * np.float32(SCALE)


def _evidence(grey: Floats, landmarks: NDArray[np.floating]) -> float:
    """Return the log odds that a face wears glasses: a logistic regression on edges around both eyes.

    Edges by direction and the brightness are averaged over cells and over both sides of the face.
    """
    eyes, right, down = _frame(landmarks)
    corner = eyes.mean(0) - (BAND_WIDTH / 2 - 0.5) * right - BAND_EYE_LINE * down
    band = _cut(grey, corner, right, down, (BAND_WIDTH, BAND_HEIGHT))
    x, y, around = _gradient(band)
    level = around + 0.3 * around.max() + 1
    x, y = x / level, y / level
    diagonal = np.float32(0.5**0.5)
    kinds = [np.abs(x), np.abs(y), np.abs(x + y) * diagonal, np.abs(x - y) * diagonal]
    steep = np.float32(0.7) * np.hypot(x, y)
    cells = (BAND_WIDTH // CELL, BAND_HEIGHT // CELL)
    seen = [cv2.resize(np.maximum(kind - steep, 0), cells, interpolation=cv2.INTER_AREA) for kind in kinds]
    light = cv2.resize(band, cells, interpolation=cv2.INTER_AREA)
    inner = light[:, CELL:-CELL]
    seen.append((light - inner.mean()) / (inner.std() + 8) * np.float32(0.3))
    both = np.stack(seen)
    both = (both + both[[0, 1, 3, 2, 4]][:, :, ::-1]) / 2
    return float((both[:, :, : cells[0] // 2] * _weights()).sum()) + BIAS


def _outline(lenses: Floats, count: int) -> tuple[Floats, Floats]:
    """Return contours (L, count, 2) of lenses (L, 5) from the eye's middle, outward and down, and their normals."""
    angle = ((np.arange(count, dtype=np.float32) + 0.5) / count * 2 * np.pi)[None]
    c, s = np.cos(angle), np.sin(angle)
    n, drop, b, a, shift = (np.asarray(column, np.float32)[:, None] for column in lenses.T)
    places = np.stack([a * np.sign(c) * np.abs(c) ** (2 / n) + shift, b * np.sign(s) * np.abs(s) ** (2 / n) + drop], -1)
    normals = np.stack([np.sign(c) * np.abs(c) ** (2 - 2 / n) / a, np.sign(s) * np.abs(s) ** (2 - 2 / n) / b], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return places.astype(np.float32), normals.astype(np.float32)


@dataclass(frozen=True)
class _Candidates:
    """All lenses (L, 5), their points as places in `_edge_maps` (L, POINTS), and how usual each is (L,)."""

    lenses: Floats
    places: NDArray[np.intp]
    usual: Floats


_SHARED = len(ROUNDNESS) * len(DROPS) * len(HEIGHTS)  # what both lenses of a pair have in common; a turned head's
# lenses differ in width and shift


@lru_cache(maxsize=1)
def _candidates() -> _Candidates:
    grid = np.meshgrid(ROUNDNESS, DROPS, HEIGHTS, WIDTHS, SHIFTS, indexing="ij")
    lenses = np.stack([axis.ravel() for axis in grid], 1).astype(np.float32)
    points, normals = _outline(lenses, POINTS)
    column, row = np.moveaxis(
        np.clip(np.rint(points + np.array(PATCH_EYE, np.float32)), 0, PATCH - 1).astype(np.intp), -1, 0
    )
    turn = np.rint(np.arctan2(normals[..., 1], normals[..., 0]) / (2 * np.pi) * DIRECTIONS).astype(np.intp) % DIRECTIONS
    unusual = sum(((lenses[:, 1 + k] - mean) / spread) ** 2 for k, (mean, spread) in enumerate(USUAL))
    usual = np.asarray(-USUAL_WORTH / 2 * unusual, np.float32)
    return _Candidates(lenses, (turn * PATCH + row) * PATCH + column, usual)


def _edge_maps(patch: Floats) -> Floats:
    """Return how strong an edge across each of the DIRECTIONS is, here or up to a rim's width on, flat float32."""
    x, y, around = _gradient(patch)
    level = np.maximum(around, 0.4 * around.max()) + 1
    maps = []
    for angle in np.arange(DIRECTIONS) / DIRECTIONS * 2 * np.pi:
        along = np.array([np.cos(angle), np.sin(angle)])
        edge = np.abs(x * np.float32(along[0]) + y * np.float32(along[1])) / level
        best = edge
        for step in range(1, RIM_STEPS + 1):
            further = np.column_stack([np.eye(2), step * along])
            flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
            best = np.maximum(best, cv2.warpAffine(edge, further, (PATCH, PATCH), flags=flags))
        maps.append(np.sqrt(np.minimum(best, 1.5)))  # a whole contour counts more than a part that is strong
    return np.concatenate([each.ravel() for each in maps])


def _fit_lenses(grey: Floats, landmarks: NDArray[np.floating]) -> Floats:
    """Return the two lenses (2, 5) whose contours have the most edge across."""
    all_, worth = _candidates(), np.repeat(np.asarray(WORTH, np.float32), POINTS // len(WORTH))
    eyes, right, down = _frame(landmarks)
    scores = []
    for eye, outward in zip(eyes, (-right, right), strict=True):
        patch = _cut(grey, eye - PATCH_EYE[0] * outward - PATCH_EYE[1] * down, outward, down, (PATCH, PATCH))
        scores.append(np.take(_edge_maps(patch), all_.places) @ (worth / worth.sum()) + all_.usual)
    pairs = np.stack(scores).reshape(2, _SHARED, -1)
    shared = int(pairs.max(2).sum(0).argmax())
    own = pairs[:, shared].argmax(1)
    return np.asarray(all_.lenses.reshape(_SHARED, -1, 5)[shared, own], np.float32)


def _place(lenses: Floats, landmarks: NDArray[np.floating]) -> list[Floats]:
    """Return the contours (2 * POINTS, 2) of the left and the right lens on the crop, in pixels."""
    eyes, right, down = _frame(landmarks)
    points = _outline(lenses, 2 * POINTS)[0] @ np.stack([[-right, down], [right, down]])  # (2, 2 * POINTS, 2)
    return list(points + eyes[:, None])


def _light(grey: Floats, landmarks: NDArray[np.floating], lenses: Floats) -> float:
    """Return how bright the brighter parts of the lenses are beside the nose."""
    rows, columns = (
        np.clip(np.rint(landmarks[NOSE_SKIN][:, axis]), 0, len(grey) - 1).astype(np.intp) for axis in (1, 0)
    )
    glass = np.zeros(grey.shape, np.uint8)
    for points in _place(lenses, landmarks):
        middle = points.mean(0)
        cv2.fillPoly(glass, [np.rint(middle + GLASS * (points - middle)).astype(np.int32)], 1)
    through = grey[glass > 0]
    return float(np.quantile(through, 0.75) / max(np.median(grey[rows, columns]), 1)) if through.size else 1.0


def held(glasses: Glasses, landmarks: NDArray[np.floating], size: int) -> Floats | None:
    """Return what keeps its place on a face, (size, size) in [0, 1]: 1 on the rims, 0 farther from them than REACH.

    It falls linearly with the distance, so that who moves pixels knows how far they may go. Landmarks (68, 2) are in
    pixels of the crop. Sunglasses are held as a whole. None where there are no glasses; where there may be some it is
    lower by the cube root, with which rims move about as far as they are not held.
    """
    if glasses.lenses is None or glasses.hold == 0:
        return None
    _, right, down = _frame(landmarks)
    step = float(np.hypot(*right)) * FINER  # in pixels of the drawing
    lens, cornered, rims, bags = np.zeros((4, size * FINER, size * FINER), np.uint8)
    cv2.fillPoly(lens, [_fine(points) for points in _place(glasses.lenses, landmarks)], 1, cv2.LINE_8, FINE_BITS)
    outlines = _place(np.maximum(glasses.lenses, [CORNERED, 0, 0, 0, -np.inf]), landmarks)
    cv2.fillPoly(cornered, [_fine(points) for points in outlines], 1, cv2.LINE_8, FINE_BITS)
    inside = RIM_INSIDE if glasses.light > DARK else np.inf
    rims[(_distance(cornered) <= RIM_OUTSIDE * step) & (_distance(1 - lens) <= inside * step)] = 1
    cv2.fillPoly(rims, [_fine(bar) for bar in _bars(outlines, right, down)], 1, cv2.LINE_8, FINE_BITS)
    cv2.fillPoly(bags, [_fine(below) for below in _below_lids(landmarks, right, down)], 1, cv2.LINE_8, FINE_BITS)
    free = np.where(lens > 0, np.where(bags > 0, BAGS_FREE, LIDS_FREE), 1).astype(np.float32)
    far = _distance(rims) * cv2.GaussianBlur(free, (0, 0), max(step, 0.1))
    share = cv2.resize(far, (size, size), interpolation=cv2.INTER_AREA) / np.float32(size * FINER * REACH)
    return np.asarray(np.maximum(1 - share, 0) * np.cbrt(np.float32(glasses.hold)), np.float32)


def _bars(outlines: Sequence[Floats], right: Floats, down: Floats) -> list[Floats]:
    """Return the outlines (P, 2) of what joins the lenses and of what leads on to the ears."""
    first, last = (round(2 * POINTS * share) for share in BRIDGE)
    bars = [np.concatenate([outlines[0][first:last], outlines[1][first:last][::-1]])]
    for points, outward in zip(outlines, (-right, right), strict=True):
        start = points[round(2 * POINTS * TEMPLE_FROM)]
        end = start + TEMPLE * outward
        bars.append(np.stack([start - down, end - down, end + down, start + down]))
    return bars


def _below_lids(landmarks: NDArray[np.floating], right: Floats, down: Floats) -> list[Floats]:
    """Return the outlines (P, 2) of all that is below the eyes' lower lids, as far as lenses may reach."""
    found = []
    for line in LOWER_LID_LINES:
        lids = landmarks[line].astype(np.float32)
        first, last = lids[0] - EYE_SPAN / 2 * right, lids[-1] + EYE_SPAN / 2 * right
        found.append(np.stack([first, *lids, last, last + EYE_SPAN * down, first + EYE_SPAN * down]))
    return found


def _fine(points: NDArray[np.floating]) -> NDArray[np.int32]:
    """Return points (P, 2) in pixels of the crop as OpenCV draws them on the finer canvas."""
    return np.asarray(np.rint(((points + 0.5) * FINER - 0.5) * (1 << FINE_BITS)), np.int32)


def _distance(shape: NDArray[np.uint8]) -> Floats:
    """Return how far each place (h, w) is from a shape, in pixels."""
    return np.asarray(cv2.distanceTransform((shape == 0).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
