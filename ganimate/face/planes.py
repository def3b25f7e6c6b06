"""The one conversion between pictures (uint8 HWC) and what networks take (float32 NCHW in [-1, 1])."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def to_planes(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return uint8 images (B, H, W, 3) as float32 planes (B, 3, H, W) in [-1, 1], channels-last in memory."""
    scaled = np.ascontiguousarray(images).astype(np.float32)
    scaled /= np.float32(127.5)
    scaled -= np.float32(1)
    return scaled.transpose(0, 3, 1, 2)


def to_floats(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return planes (B, 3, H, W) in [-1, 1] as float32 (B, H, W, 3) in [0, 255], for work at photo resolution."""
    scaled = np.array(planes.transpose(0, 2, 3, 1), np.float32, order="C")
    scaled += np.float32(1)
    scaled *= np.float32(127.5)
    return scaled
