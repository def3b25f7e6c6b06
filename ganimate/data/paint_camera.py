"""The cameras through which a painter sees its photos: light, colours, sharpness, compression; one for both of a pair.

Photos go through them before they are moved. So what a camera does to dark or fine parts is drawn out with the skin, as
it is in users' photos, and teeth and lids are learnt in the colours and the sharpness of the photo around them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import Image

GAMMA, TINT, LIGHT, BRIGHTNESS = 0.22, 0.05, 0.1, 0.04  # deviations; the first three of logarithms
GREY, BLURRED, COMPRESSED, NOISY = 0.1, 0.25, 0.4, 0.15  # shares of the cameras
BLUR_PX, QUALITY, NOISE = (0.4, 2.2), (25, 90), (1.0, 7.0)  # of photos of 200 to 320 px; noise of 255


@dataclass(frozen=True)
class Camera:
    """What happens to a photo: `tones` (256, 3) maps each channel, `grey` mixes them; blur in pixels, JPEG quality."""

    tones: NDArray[np.uint8]
    grey: bool = False
    blur_px: float = 0.0
    quality: int | None = None
    noise: float = 0.0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Camera:
        """Return any camera, in any light."""
        gamma, bright = math.exp(rng.normal() * GAMMA), rng.normal() * BRIGHTNESS
        tint = np.exp(rng.normal(size=3) * TINT + rng.normal() * LIGHT)
        values = np.clip(np.arange(256) / 255, 0.002, 1)[:, None]
        tones = (np.clip(values**gamma * tint + bright, 0, 1) * 255).round().astype(np.uint8)
        grey, blurred, compressed, noisy = rng.random(4) < (GREY, BLURRED, COMPRESSED, NOISY)
        blur, quality, noise = rng.uniform(*BLUR_PX), int(rng.uniform(*QUALITY)), rng.uniform(*NOISE)
        return cls(
            tones, bool(grey), blur if blurred else 0.0, quality if compressed else None, noise if noisy else 0.0
        )

    def take(self, photo: Image, rng: np.random.Generator) -> Image:
        """Return a photo (H, W, 3) as this camera has it; only noise is drawn."""
        shown = np.asarray(cv2.LUT(photo, self.tones[None]), np.uint8)
        if self.grey:
            shown = np.asarray(cv2.cvtColor(cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)
        if self.blur_px:
            shown = np.asarray(cv2.GaussianBlur(shown, (0, 0), self.blur_px), np.uint8)
        if self.noise:
            noisy = shown + rng.normal(size=shown.shape).astype(np.float32) * np.float32(self.noise)
            shown = np.clip(noisy.round(), 0, 255).astype(np.uint8)
        if self.quality is not None:
            _, data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            shown = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
        return shown
