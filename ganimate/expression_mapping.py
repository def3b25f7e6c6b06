"""The change of expression between two photos of one person, mapped onto the face of somebody else.

After Liu, Shan and Zhang, "Expressive expression mapping with ratio images" (SIGGRAPH 2001): where skin folds it
darkens by a factor that hardly depends on whose skin it is. People seen in many expressions come from a studio; so
people seen once get photos of expressions that nobody took of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ganimate.faces import Image
from ganimate.geometry import LOWER_LIPS, UPPER_LIPS, foreshortening
from ganimate.likeness import face_region, gradient_energy, luminance
from ganimate.spline import spline_flow

Plane = NDArray[np.float32]

STEADY = [27, 28, 29, 30, 36, 39, 42, 45]  # landmarks that no expression moves: bridge of the nose, corners of the eyes
UPPER = [*range(17, 31), *range(36, 48)]  # landmarks of brows and eyes
HALVES_MEET = 29  # the landmark at whose height, on the bridge of the nose
SEAM = 0.015  # crop heights over which one half goes over into the other
# Parts of a face that are not skin, and how many pixels of 128 around them are not, either.
FEATURES = ((slice(17, 22), 2), (slice(22, 27), 2), (slice(31, 36), 1), (slice(36, 42), 2), (slice(42, 48), 2),
            (slice(48, 60), 2))  # fmt: skip
INNER_LIPS = slice(60, 68)
GRID = 64  # a spline's flow is smooth: computed at this size and enlarged
FINE = 0.009  # crop widths, deviation of the bell: finer than folds are noise, pores and what is not quite aligned
COARSE = 0.5  # coarser than folds and bulging cheeks is the light
DARK = 12  # of 255, added to brightness: of black, ratios say nothing
LEAST_RATIO, MOST_RATIO = 0.4, 1.35  # folds darken more than what bulges beside them shines
STRANGE_RATIO = 1.9  # hair that fell into the face, not a fold
EDGE = 60.0  # of 255 a pixel: where the calm photo has edges, the slightest shift looks like a fold
# For what bells and masks take away: mapped onto the person's own first photo, folds beside nose and mouth and on the
# chin then come out as strong as in the second, those of the brows at two thirds (250 pairs).
STRENGTH = 1.35
OPENED = 0.012  # crop widths between the lips, from which the inside of a mouth is seen
STILL_OPENED = 0.6  # of the opening, had before: more, and the host's own teeth stay
LEAST_LIGHT, MOST_LIGHT, LIGHT_ON_TEETH = 0.4, 1.5, 0.7  # teeth differ less than complexions do


@dataclass(frozen=True)
class Shown:
    """A photo of a face, uint8 (S, S, 3), and its landmarks (68, 2) in crop widths."""

    photo: Image
    points: NDArray[np.float32]


@dataclass(frozen=True)
class Mapped(Shown):
    """What came of a mapping, and where it tells how a face would look: `known` (S, S) in [0, 1]."""

    known: Plane


def map_expression(host: Shown, before: Shown, after: Shown, part: str = "all") -> Mapped:
    """Return the host's face with what changed between two photos of another person.

    `part` is "all" of the face, or "upper" or "lower": the other half then stays as it is. Eyes and lips are moved
    alone: what the change does to them besides, a lid's crease or an iris that comes out, is not known.
    """
    size = len(host.photo)
    way = (steadied(after.points, before.points) - before.points) * _landmark_share(part)[:, None]
    way[:, 0] *= foreshortening(torch.from_numpy(host.points)[None])[0].numpy()
    goal = (host.points + way).astype(np.float32)
    moved = _carried(host.photo.astype(np.float32), host.points, goal)
    calm = _carried(before.photo.astype(np.float32), before.points, after.points)
    shades = _carried(_shades(calm, after), after.points, goal) * _pixel_share(part, goal, size)
    face = moved * np.exp(shades)[..., None]
    if part != "upper":
        face = _with_inside_of_mouth(face, _carried(after.photo.astype(np.float32), after.points, goal), host, goal)
    return Mapped(np.clip(face, 0, 255).round().astype(np.uint8), goal, 1 - _only_moved(goal, part, size))


def steadied(points: NDArray[np.float32], onto: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return landmarks (68, 2) turned, scaled and shifted so that the steady ones come nearest to those of `onto`."""
    a, b = (part[STEADY].astype(np.float64) @ [1, 1j] for part in (points, onto))
    a0, b0 = a.mean(), b.mean()
    turn = np.vdot(a - a0, b - b0) / max(float(np.vdot(a - a0, a - a0).real), 1e-9)
    laid = (points.astype(np.float64) @ [1, 1j] - a0) * turn + b0
    return np.stack([laid.real, laid.imag], -1).astype(np.float32)


def mouth_gap(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how far the lips of landmarks (..., 68, 2) are apart, in the landmarks' unit."""
    return np.asarray((points[..., LOWER_LIPS, 1] - points[..., UPPER_LIPS, 1]).mean(-1), np.float64)


def _carried(picture: Plane, points: NDArray[np.float32], goal: NDArray[np.float32]) -> Plane:
    """Return a picture (S, S) or (S, S, C), whose landmarks are at `points`, with these at `goal`."""
    size = len(picture)
    flow = spline_flow(torch.from_numpy(points)[None], torch.from_numpy(goal)[None], GRID)[0].permute(1, 2, 0)
    way = cv2.resize(flow.numpy(), (size, size), interpolation=cv2.INTER_CUBIC) * (size / 2)
    place = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1) + way
    across, down = (np.ascontiguousarray(place[..., axis], np.float32) for axis in (0, 1))
    return np.asarray(cv2.remap(picture, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _shades(calm: Plane, after: Shown) -> Plane:
    """Return log(after / calm) of the skin's brightness (S, S), without what is finer or coarser than folds."""
    calm_grey, grey = (np.asarray(luminance(part), np.float32) for part in (calm, after.photo))
    ratio = np.log((_bell(grey, FINE) + DARK) / np.maximum(_bell(calm_grey, FINE) + DARK, 1))
    skin = _skin(after.points, len(calm))
    usual: Plane = np.asarray(np.abs(ratio) < np.log(STRANGE_RATIO), np.float32)
    weight = np.asarray(skin * usual + 1e-3, np.float32)
    fold = ratio - _bell(ratio * weight, COARSE) / _bell(weight, COARSE)
    edges = np.sqrt(np.asarray(gradient_energy(calm), np.float32))
    sure = np.exp(-((_bell(edges, 2 * FINE) / EDGE) ** 2)) * usual
    sure = _bell(cv2.erode(np.asarray(sure, np.float32), np.ones((3, 3))), FINE)
    shades: Plane = STRENGTH * skin * sure * np.clip(fold, np.log(LEAST_RATIO), np.log(MOST_RATIO))
    return shades


def _skin(points: NDArray[np.float32], size: int) -> Plane:
    """Return where a face shows skin (S, S) in [0, 1], softly: without brows, nostrils, eyes and mouth."""
    skin = cv2.erode(face_region(points, size).astype(np.uint8), np.ones((5, 5)))
    for part, reach in FEATURES:
        corners = np.round(points[part] * size - 0.5).astype(np.int32)
        closed = part.stop - part.start > 5  # brows and nostrils are lines
        if closed:
            cv2.fillPoly(skin, [corners], 0)
        cv2.polylines(skin, [corners], closed, 0, round((2 * reach + 1) * size / 128))
    return _bell(skin.astype(np.float32), 1.5 * FINE)


def _with_inside_of_mouth(face: Plane, other: Plane, host: Shown, goal: NDArray[np.float32]) -> Plane:
    """Return the face with what an opening mouth lets see: the inside of the other person's, in this face's light."""
    size = len(face)
    had, opened = float(mouth_gap(host.points)), float(mouth_gap(goal))
    share = np.clip((opened - max(had, OPENED)) / OPENED, 0, 1) * np.clip((STILL_OPENED * opened - had) / OPENED, 0, 1)
    if share == 0:
        return face
    inside = np.zeros((size, size), np.float32)
    cv2.fillPoly(inside, [np.round((goal[INNER_LIPS] * size - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_AA, 4)
    around = _skin(goal, size) * cv2.dilate(inside, np.ones((25, 25)))
    light, color = (_ratio(face, other, around, measure) for measure in (_brightness, _colorfulness))
    grey = other.mean(2, keepdims=True)
    teeth = grey + min(color, 1.0) * (other - grey)
    inside = np.float32(share) * _bell(inside, FINE)[..., None]
    light = float(np.clip(light, LEAST_LIGHT, MOST_LIGHT)) ** LIGHT_ON_TEETH
    return np.asarray(inside * light * teeth + (1 - inside) * face, np.float32)


def _ratio(face: Plane, other: Plane, where: Plane, measure: Callable[[Plane], Plane]) -> float:
    return float((measure(face) * where).sum() / max(float((measure(other) * where).sum()), 1e-3))


def _brightness(face: Plane) -> Plane:
    return np.asarray(face.mean(2), np.float32)


def _colorfulness(face: Plane) -> Plane:
    return np.asarray(face.max(2) - face.min(2), np.float32)


def _only_moved(points: NDArray[np.float32], part: str, size: int) -> Plane:
    """Return where the eyes are, and the lips without what is between them, if the part has them: (S, S) in [0, 1]."""
    hidden = np.zeros((size, size), np.uint8)
    corners = np.round(points * size - 0.5).astype(np.int32)
    if part != "upper":
        cv2.fillPoly(hidden, [corners[48:60]], 1)
        cv2.fillPoly(hidden, [corners[INNER_LIPS]], 0)
    if part != "lower":
        for eye in (slice(36, 42), slice(42, 48)):
            cv2.fillPoly(hidden, [corners[eye]], 1)
            cv2.polylines(hidden, [corners[eye]], True, 1, round(5 * size / 128))
    return _bell(hidden, FINE)


def _landmark_share(part: str) -> NDArray[np.float32]:
    share = np.full(68, part != "upper", np.float32)
    share[UPPER] = part != "lower"
    return share


def _pixel_share(part: str, points: NDArray[np.float32], size: int) -> Plane:
    """Return (S, 1): 1 where the part is and 0 elsewhere."""
    if part == "all":
        return np.ones((size, 1), np.float32)
    rows = (np.arange(size) + 0.5) / size
    lower = 1 / (1 + np.exp((points[HALVES_MEET, 1] - rows) / SEAM))
    return np.asarray(lower if part == "lower" else 1 - lower, np.float32)[:, None]


def _bell(plane: NDArray[Any], deviation: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane.astype(np.float32), (0, 0), deviation * len(plane)), np.float32)
