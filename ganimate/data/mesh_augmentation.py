"""How a photo is disturbed before a mesh reader learns from it: turned, relit, hidden, blurred, sent around.

Harsher than what the painters see: a reader must find the face in whatever photo it is shown. Old photos,
small ones, lamps from a side, hands before the mouth: by strengths that still leave a face to be seen.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import Image, Matrix

BORDERS = (cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE)
SAMPLERS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA)
AVERAGED = 0.5  # of the photo's scale: below it photos are averaged down first, so that nothing aliases
FINGER = 0.06  # crop widths
OCCLUDER = (0.06, 0.38)  # crop widths: from a finger to a hand


def disturb(
    rng: np.random.Generator, matrix: Matrix, size_px: int, turn_deg: float, shift: float, zoom: float
) -> Matrix:
    """Return a matrix to a crop turned by `turn_deg`, shifted by `shift` widths and zoomed by a factor of e^`zoom`."""
    angle, factor = math.radians(turn_deg), math.exp(zoom * rng.normal())
    a, b = factor * math.cos(angle), factor * math.sin(angle)
    linear = np.array([[a, -b], [b, a]])
    middle = np.full(2, size_px / 2)
    place = linear @ (matrix[:, 2] - middle) + middle + rng.normal(size=2) * shift * size_px
    return np.column_stack([linear @ matrix[:, :2], place])


def cut_anyhow(rng: np.random.Generator, photo: Image, source_to_crop: Matrix, size_px: int) -> Image:
    """Return a crop (S, S, 3), sampled in one of the ways that there are; what lies outside is filled somehow."""
    scale = float(np.hypot(*source_to_crop[:, 0]))
    if scale < AVERAGED:
        height, width = photo.shape[:2]
        factor = max(1.6 * scale, 0.02)
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        photo = np.asarray(cv2.resize(photo, small, interpolation=cv2.INTER_AREA), np.uint8)
        fx, fy = width / small[0], height / small[1]
        back = np.array([[fx, 0.0, 0.5 * fx - 0.5], [0.0, fy, 0.5 * fy - 0.5], [0.0, 0.0, 1.0]])
        source_to_crop = source_to_crop @ back
    flags, border = int(rng.choice(SAMPLERS)), int(rng.choice(BORDERS))
    return np.asarray(cv2.warpAffine(photo, source_to_crop, (size_px, size_px), flags=flags, borderMode=border))


def photographed(rng: np.random.Generator, image: Image) -> Image:
    """Return an image (S, S, 3) in another light, through another camera, and sent around."""
    work = _relit(rng, image.astype(np.float32) / 255)
    if rng.random() < 0.25:
        work = np.asarray(cv2.GaussianBlur(work, (0, 0), rng.uniform(0.4, 1.8) * len(image) / 160))
    if rng.random() < 0.2:  # a small photo made large
        factor = rng.uniform(0.25, 0.8)
        small = cv2.resize(work, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        how = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
        work = np.asarray(cv2.resize(small, (image.shape[1], image.shape[0]), interpolation=how))
    if rng.random() < 0.25:
        channels = int(rng.choice([1, 3]))
        work = work + rng.normal(size=(*image.shape[:2], channels)) * rng.uniform(0, 0.08)
    shown: Image = (np.clip(work, 0, 1) * 255).round().astype(np.uint8)
    if rng.random() < 0.25:
        _, data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(15, 80))])
        shown = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return shown


def _relit(rng: np.random.Generator, work: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return colours (S, S, 3) in [0, 1] under another light: grey, gamma, tint, from a side, flat or hard."""
    if rng.random() < 0.12:
        work = np.repeat(work.mean(2, keepdims=True), 3, 2)
    work = np.power(np.clip(work, 0.003, 1), math.exp(rng.normal() * 0.28))
    work = work * np.exp(rng.normal(size=3) * 0.1) * math.exp(rng.normal() * 0.15)
    if rng.random() < 0.4:
        way = rng.normal(size=2)
        way /= np.linalg.norm(way)
        line = np.linspace(-1, 1, len(work))
        ramp = way[0] * line[None] + way[1] * line[:, None]
        work = work * np.exp(ramp * rng.uniform(0, 0.9))[..., None]
    mean = work.mean()
    lit = (work - mean) * math.exp(rng.normal() * 0.2) + mean + rng.normal() * 0.05
    return np.asarray(lit, np.float32)


def occluded(rng: np.random.Generator, image: Image, other: Image) -> Image:
    """Return a face (S, S, 3) behind one to three things: blobs, fingers, blocks, filled from the photo `other`."""
    for _ in range(rng.integers(1, 4)):
        mask = _thing(rng, len(image))
        soft = cv2.GaussianBlur(mask, (0, 0), 1)[..., None].astype(np.float32) / 255
        image = (image * (1 - soft) + _filling(rng, image, other) * soft).astype(np.uint8)
    return image


def _thing(rng: np.random.Generator, size_px: int) -> Image:
    """Return where something hides the face, as a picture (S, S) of 0 and 255."""
    mask = np.zeros((size_px, size_px), np.uint8)
    width, height = rng.uniform(*OCCLUDER, 2) * size_px
    x, y = rng.uniform(0.1, 0.9, 2) * size_px
    kind = rng.random()
    if kind < 0.4:
        axes = (int(width / 2) + 1, int(height / 2) + 1)
        cv2.ellipse(mask, (int(x), int(y)), axes, rng.uniform(0, 180), 0, 360, 255, -1)
    elif kind < 0.7:
        angle = rng.uniform(0, math.pi)
        along, across = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
        for finger in range(int(rng.integers(2, 5))):
            root = np.array([x, y]) + finger * (FINGER + 0.01) * size_px * across
            tip = root + 0.3 * size_px * along
            ends = [tuple(int(value) for value in end) for end in (root, tip)]
            cv2.line(mask, ends[0], ends[1], 255, max(1, int(size_px * FINGER)))
    else:
        low, high = (int(x - width / 2), int(y - height / 2)), (int(x + width / 2), int(y + height / 2))
        cv2.rectangle(mask, low, high, 255, -1)
    return mask


def _filling(rng: np.random.Generator, image: Image, other: Image) -> Image:
    """Return what a thing looks like (S, S, 3): a corner of another photo, skin of this one, or coloured squares."""
    size_px, kind = len(image), rng.random()
    if kind < 0.5:
        side = min(size_px, *other.shape[:2])
        corner = other[:side, :side] if rng.random() < 0.5 else other[-side:, -side:]
        return np.asarray(cv2.resize(corner, (size_px, size_px)), np.uint8)
    if kind < 0.8:
        y, x = rng.integers(0, size_px, 2)
        return np.broadcast_to(np.clip(image[y, x] * rng.uniform(0.5, 1.2), 0, 255).astype(np.uint8), image.shape)
    squares = rng.integers(0, 256, (size_px // 8, size_px // 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(squares, (size_px, size_px), interpolation=cv2.INTER_NEAREST), np.uint8)
