"""Lines through landmarks, and soft masks of what lies between them."""

from __future__ import annotations

import torch
from torch import Tensor

from ganimate.face.ramps import smoothstep


def pixel_line(size: int, device: torch.device) -> Tensor:
    """Return where the middles of a crop's columns, or rows, are, (size,), in crop widths."""
    return (torch.arange(size, device=device, dtype=torch.float32) + 0.5) / size


def pixel_places(size: int, device: torch.device) -> Tensor:
    """Return where the pixels of a square crop are, (size, size, 2), in crop widths."""
    line = pixel_line(size, device)
    return torch.stack(torch.meshgrid(line, line, indexing="ij")[::-1], -1)


def rise(value: Tensor, low: float, high: float) -> Tensor:
    """Return a smooth step from 0 at `low` to 1 at `high`."""
    return smoothstep(((value - low) / (high - low)).clamp(0, 1))


def height(x: Tensor, corners: Tensor) -> Tensor:
    """Return the height (B, H, W) at `x` of the line through points (B, P, 2), left to right; level beyond its ends."""
    found = corners[:, 0, 1, None, None].expand_as(x)
    for a, b in zip(corners[:, :-1].unbind(1), corners[:, 1:].unbind(1), strict=True):
        way = (b - a)[..., None, None]  # (B, 2, 1, 1)
        found = found + way[:, 1] * ((x - a[:, 0, None, None]) / way[:, 0].clamp_min(1e-3)).clamp(0, 1)
    return found


def soft_height(x: Tensor, corners: Tensor, reach: float) -> Tensor:
    """Return the same of the line with its corners rounded, over `reach` to both sides."""
    return (height(x - reach, corners) + 2 * height(x, corners) + height(x + reach, corners)) / 4


def between(upper: Tensor, lower: Tensor, size: int, reach: float, edge: float) -> Tensor:
    """Return what lies between two lines (B, P, 2), in crop widths, as a mask (B, 1, size, size) in [0, 1].

    The lines go from left to right and share their ends. The mask goes on by `reach` beyond them, and its edge is as
    wide as `edge` says, both in crop widths.
    """
    places = pixel_line(size, upper.device)
    x, y = places.expand(len(upper), 1, size), places[:, None]
    start, end = (upper[:, at, 0, None, None] for at in (0, -1))
    across = torch.minimum(y - height(x, upper), height(x, lower) - y)
    along = torch.minimum(x - start, end - x)
    inside = rise(across + reach, -edge / 2, edge / 2) * rise(along + reach, -edge / 2, edge / 2)
    return inside[:, None]
