"""Pictures (uint8 HWC) as tensors (float32 NCHW in [-1, 1]) and back, see `face.planes`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ganimate.face import planes

JITTER_PX = 4  # a critic sees every image shifted by up to this: patterns that fool one alignment do not pay


def to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Return uint8 images (B, H, W, 3) as a float32 tensor (B, 3, H, W) in [-1, 1], channels-last in memory."""
    return torch.from_numpy(planes.to_planes(images))


def to_pictures(images: Tensor) -> NDArray[np.uint8]:
    """Return a tensor (B, 3, H, W) in [-1, 1] as uint8 images (B, H, W, 3), rounded and clipped."""
    return to_floats(images).round().clip(0, 255).astype(np.uint8)


def to_floats(images: Tensor) -> NDArray[np.float32]:
    """Return a tensor (B, 3, H, W) in [-1, 1] as float32 (B, H, W, 3) in [0, 255], for work at photo resolution."""
    return planes.to_floats(images.detach().float().cpu().numpy())


def draw_shifts(count: int, size_px: int) -> Tensor:
    """Return by how many pixels (count, 2), down and right, that many images of a size are to be shifted."""
    reach = JITTER_PX * size_px // 128
    return torch.randint(-reach, reach + 1, (count, 2))


def shifted(images: Tensor, shifts: Tensor) -> Tensor:
    """Return images (B, C, S, S) each shifted by its own whole number of pixels (B, 2), the edge repeated."""
    size, reach = images.shape[-1], int(shifts.abs().max())
    if reach == 0:
        return images
    padded = functional.pad(images, (reach,) * 4, mode="replicate")
    corners = (shifts + reach).tolist()
    return torch.stack([padded[i, :, y : y + size, x : x + size] for i, (y, x) in enumerate(corners)])
