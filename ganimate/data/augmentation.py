"""Random views of a stored face: turned, shifted, mirrored, in another light, through another camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.config import Augmentation
from ganimate.data.pack import MARGIN
from ganimate.face.crop import Image

LEAST_BLUR = 0.4  # pixels of a crop of 128, deviation of the bell: less is not seen
BEST_JPEG = 90  # above it the blocks are not seen


@dataclass(frozen=True)
class View:
    """One random view: geometry, light and camera. The same for all photos of a sample: they stay comparable."""

    size_px: int
    to_crop: NDArray[np.float64]  # (2, 3): pixels of the stored image -> pixels of the crop
    flip: bool
    gain: NDArray[np.float32]  # (3,)
    offset: float
    saturation: float
    blur_px: float
    jpeg_quality: int | None

    def crop(self, stored: Image) -> Image:
        """Return the view of a stored image (S, S, 3), in its own light."""
        size = (self.size_px, self.size_px)
        image = cv2.warpAffine(stored, self.to_crop, size, borderMode=cv2.BORDER_REPLICATE)
        return np.ascontiguousarray(image[:, ::-1] if self.flip else image, np.uint8)

    def expose(self, image: Image) -> Image:
        """Return an image (S, S, 3) under the view's light and through its camera."""
        work = image.astype(np.float32)
        grey = work.mean(2, keepdims=True)
        work = (grey + (work - grey) * self.saturation - 128) * self.gain + 128 + self.offset
        if self.blur_px:
            work = cv2.GaussianBlur(work, (0, 0), self.blur_px)
        lit: Image = np.clip(work, 0, 255).astype(np.uint8)
        if self.jpeg_quality is None:
            return lit
        _, data = cv2.imencode(".jpg", lit, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg_quality])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def draw_view(rng: np.random.Generator, how: Augmentation, size_px: int) -> View:
    """Return a random view of `size_px`, drawn as `how` says."""
    angle = np.deg2rad(rng.uniform(-how.rotate_deg, how.rotate_deg))
    zoom = 1 + rng.uniform(-how.scale, how.scale)
    a, b = zoom * np.cos(angle), zoom * np.sin(angle)
    middle = size_px * (0.5 + MARGIN) - 0.5
    centre = size_px * (0.5 + rng.uniform(-how.shift, how.shift, 2)) - 0.5
    linear = np.array([[a, -b], [b, a]])
    to_crop = np.column_stack([linear, centre - linear @ [middle, middle]])
    contrast = 1 + rng.uniform(-how.contrast, how.contrast)
    return View(
        size_px,
        to_crop,
        bool(how.flip and rng.random() < 0.5),
        (contrast * (1 + rng.uniform(-how.tint, how.tint, 3))).astype(np.float32),
        float(rng.uniform(-how.brightness, how.brightness)) * 128,
        0.0 if rng.random() < how.grey_probability else 1 + float(rng.uniform(-how.saturation, how.saturation)),
        _blur_px(rng, how, size_px) if rng.random() < how.blur_probability else 0.0,
        int(rng.integers(how.jpeg_quality, BEST_JPEG)) if rng.random() < how.jpeg_probability else None,
    )


def _blur_px(rng: np.random.Generator, how: Augmentation, size_px: int) -> float:
    return float(rng.uniform(min(LEAST_BLUR, how.blur), how.blur)) * size_px / 128
