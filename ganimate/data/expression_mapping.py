"""The folds that an expression makes, mapped from two photos of one person onto the face of somebody else.

After Liu, Shan and Zhang, "Expressive expression mapping with ratio images" (SIGGRAPH 2001): where skin folds it
darkens by a factor that hardly depends on whose skin it is. People seen in many expressions come from a studio; so
people seen once get the shading of expressions that nobody took of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ganimate.face.crop import Image
from ganimate.face.landmarks import (
    BROWS,
    HALVES_MEET,
    LEFT_BROW,
    LEFT_EYE,
    LOWER_LIPS,
    NOSTRILS,
    OUTER_LIPS,
    RIGHT_BROW,
    RIGHT_EYE,
    STEADY,
    UPPER_LIPS,
)
from ganimate.face.likeness import face_region, gradient_energy, luminance, moved
from ganimate.motion.spline import spline_flow
from ganimate.render.complexion import relit

Plane = NDArray[np.float32]

SEAM = 0.015  # crop heights over which one half goes over into the other
# Parts of a face that are not skin, and how many pixels of 128 around them are not, either.
NO_SKIN = ((LEFT_BROW, 1), (RIGHT_BROW, 1), (NOSTRILS, 1), (LEFT_EYE, 2), (RIGHT_EYE, 2), (OUTER_LIPS, 2))
GRID = 64  # a spline's flow is smooth: computed at this size and enlarged
FINE = 0.009  # crop widths, deviation of the bell: finer than folds are noise, pores and what is not quite aligned
COARSE = 0.5  # coarser than folds and bulging cheeks is the light
DARK = 12  # of 255, added to brightness: of black, ratios say nothing
LEAST_RATIO, MOST_RATIO = 0.4, 1.35  # folds darken more than what bulges beside them shines
STRANGE_RATIO, STRANGE_ABOVE_BROWS = 1.9, 1.3  # hair that fell into the face, not a fold
HAIR_PX = 7  # of 128 that are not trusted around it
EDGE = 60.0  # of 255 a pixel: where the calm photo has edges, the slightest shift looks like a fold
# For what bells and masks take away: mapped onto the person's own first photo, folds beside nose and mouth and on chin
# and cheeks then come out at .83 to .91 of the second's, those between the brows at .64 (250 pairs).
STRENGTH = 1.6


@dataclass(frozen=True)
class Shown:
    """A photo of a face, uint8 (S, S, 3), and its landmarks (68, 2) in crop widths."""

    photo: Image
    points: NDArray[np.float32]


@dataclass(frozen=True)
class Shaded:
    """A photo, uint8 (S, S, 3), with folds, unmoved; `known` (S, S) in [0, 1] is 0 in eyes and mouth: they are not."""

    photo: Image
    known: Plane


def map_shading(host: Shown, before: Shown, after: Shown, part: str = "all") -> Shaded:
    """Return the host's photo with the folds that came between two photos of another person.

    They lie where they would be on the host's face at rest: who moves the face moves them along. `part` is "all" of the
    face, or "upper" or "lower": the other half then stays as it is.
    """
    size = len(host.photo)
    calm = _carried(before.photo.astype(np.float32), before.points, after.points)
    shades = _carried(_shades(calm, after), after.points, host.points) * _pixel_share(part, host.points, size)
    calm_host = torch.from_numpy(host.photo).permute(2, 0, 1)[None].float() / 255
    face = 255 * relit(calm_host, torch.from_numpy(np.exp(shades))[None, None])[0].permute(1, 2, 0).numpy()
    return Shaded(face.round().astype(np.uint8), 1 - _unknown(host.points, part, size))


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
    return moved(picture, way, cv2.INTER_CUBIC)


def _shades(calm: Plane, after: Shown) -> Plane:
    """Return log(after / calm) of the skin's brightness (S, S), without what is finer or coarser than folds."""
    calm_grey, grey = (np.asarray(luminance(part), np.float32) for part in (calm, after.photo))
    ratio = np.log((_bell(grey, FINE) + DARK) / np.maximum(_bell(calm_grey, FINE) + DARK, 1))
    skin = _skin(after.points, len(calm))
    usual = _without_hair(ratio, after.points)
    weight = np.asarray(skin * usual + 1e-3, np.float32)
    fold = ratio - _bell(ratio * weight, COARSE) / _bell(weight, COARSE)
    edges = np.sqrt(np.asarray(gradient_energy(calm), np.float32))
    sure = np.exp(-((_bell(edges, 2 * FINE) / EDGE) ** 2)) * _bell(usual, FINE)
    shades: Plane = STRENGTH * skin * sure * np.clip(fold, np.log(LEAST_RATIO), np.log(MOST_RATIO))
    return shades


def _without_hair(ratio: Plane, points: NDArray[np.float32]) -> Plane:
    """Return 1 where a ratio (S, S), as a logarithm, can be a fold's, 0 in and beside hair: that moves by itself."""
    size = len(ratio)
    most = np.full((size, 1), np.log(STRANGE_RATIO))
    most[: int(points[BROWS, 1].min() * size)] = np.log(STRANGE_ABOVE_BROWS)
    wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, 2 * (round(HAIR_PX * size / 128),))
    return np.asarray(cv2.erode((np.abs(ratio) < most).astype(np.float32), wide), np.float32)


def _skin(points: NDArray[np.float32], size: int) -> Plane:
    """Return where a face shows skin (S, S) in [0, 1], softly: without brows, nostrils, eyes and mouth."""
    skin = cv2.erode(face_region(points, size).astype(np.uint8), np.ones((5, 5)))
    for part, reach in NO_SKIN:
        corners = np.round(points[part] * size - 0.5).astype(np.int32)
        closed = len(part) > 5  # brows and nostrils are lines
        if closed:
            cv2.fillPoly(skin, [corners], 0)
        cv2.polylines(skin, [corners], closed, 0, round((2 * reach + 1) * size / 128))
    return _bell(skin.astype(np.float32), 1.5 * FINE)


def _unknown(points: NDArray[np.float32], part: str, size: int) -> Plane:
    """Return where the eyes and the mouth are, if the part has them: (S, S) in [0, 1]."""
    hidden = np.zeros((size, size), np.uint8)
    corners = np.round(points * size - 0.5).astype(np.int32)
    parts = ([] if part == "upper" else [OUTER_LIPS]) + ([] if part == "lower" else [LEFT_EYE, RIGHT_EYE])
    for outline in parts:
        cv2.fillPoly(hidden, [corners[outline]], 1)
        cv2.polylines(hidden, [corners[outline]], True, 1, round(5 * size / 128))
    return _bell(hidden, FINE)


def _pixel_share(part: str, points: NDArray[np.float32], size: int) -> Plane:
    """Return (S, 1): 1 where the part is and 0 elsewhere."""
    if part == "all":
        return np.ones((size, 1), np.float32)
    rows = (np.arange(size) + 0.5) / size
    lower = 1 / (1 + np.exp((points[HALVES_MEET, 1] - rows) / SEAM))
    return np.asarray(lower if part == "lower" else 1 - lower, np.float32)[:, None]


def _bell(plane: NDArray[Any], deviation: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane.astype(np.float32), (0, 0), deviation * len(plane)), np.float32)
