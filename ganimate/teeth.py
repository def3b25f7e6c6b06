"""Bared teeth: they are shown as they are, and what opens below them is dark.

Paint is learnt from a studio's people, who draw their lips over the teeth when a jaw drops from a smile; on anybody
else it blackened and striped them. The photo's own teeth, moved, need no paint.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ganimate.geometry import LOWER_LIPS, UPPER_LIPS

UPPER_EDGE, LOWER_EDGE = [60, 61, 62, 63, 64], [60, 67, 66, 65, 64]  # of the open mouth, left to right
CHEEKS = ([2, 14], [31, 35])  # between these landmarks
SEEN, SURE = 0.012, 0.024  # crop widths between the lips, from which teeth may be seen, and no doubt is left
DULL, BRIGHT = 0.55, 0.75  # of the cheeks' brightness: what is darker than the one, between the lips, is no teeth
CLOSING, STAYING = 0.5, 0.8  # of the gap, left in the goal: below the one lips come over the teeth, above they do not
TEETH_END, GAP_BEGINS = 0.75, 1.05  # of the opening in the photo: so far below the upper lip teeth are seen
OPENED = 0.02  # crop widths that the mouth opens further, until all of the gap is dark
EDGE = 0.006  # crop widths over which a mouth begins, as soft as its lips
DARK, TINT = 0.3, (1.0, 0.62, 0.58)  # of what is seen between the lips, behind teeth; red is what is left of the colour


@dataclass(frozen=True)
class Bite:
    """Where the photo's own teeth are seen and where a gap opens below them, (B, 1, S, S) in [0, 1] each.

    `behind` (B, 3, 1, 1) in [-1, 1] is the colour of the gap.
    """

    teeth: Tensor
    gap: Tensor
    behind: Tensor


@dataclass(frozen=True)
class _Mouth:
    """The open mouth of landmarks (B, 68, 2): inside (B, S, S) in [0, 1], upper and lower edge, at each column."""

    inside: Tensor
    upper: Tensor
    lower: Tensor


def bite(image: Tensor, points: Tensor, goal: Tensor) -> Bite:
    """Return what the teeth in photos (B, 3, S, S) in [-1, 1] are to do when landmarks (B, 68, 2) go to `goal`.

    Landmarks are in crop widths. As much of the teeth as was seen stays in sight, and what opens further shows no more.
    """
    size = image.shape[-1]
    before, after = _mouth(points, points, size), _mouth(goal, goal, size)
    light = (image.float().mean(1, keepdim=True) + 1) / 2  # (B, 1, S, S)
    seen = (light * before.inside[:, None]).sum((2, 3)) / before.inside.sum((1, 2))[:, None].clamp_min(1)  # (B, 1)
    had, left = ((part[:, LOWER_LIPS] - part[:, UPPER_LIPS]).norm(dim=-1).mean(1) for part in (points, goal))
    bared = _rise(had, SEEN, SURE) * _rise(left / had.clamp_min(1e-6), CLOSING, STAYING)
    bared = bared * _rise(seen[:, 0] / _cheeks(light, points).clamp_min(1e-3), DULL, BRIGHT)
    start = _mouth(points, goal, size)
    opening = (start.lower - start.upper).clamp_min(EDGE)
    line = (torch.arange(size, device=image.device, dtype=torch.float32) + 0.5)[:, None] / size
    further = _rise(after.lower - after.upper - opening, 0, OPENED)
    gap = (_rise((line - after.upper) / opening, TEETH_END, GAP_BEGINS) * further)[:, None]
    shown = (bared[:, None, None] * after.inside)[:, None]
    behind = 2 * DARK * seen[:, :, None, None] * image.new_tensor(TINT)[:, None, None] - 1
    return Bite(shown * (1 - gap), shown * gap, behind)


def _mouth(points: Tensor, columns_of: Tensor, size: int) -> _Mouth:
    """Return the open mouth of `points`, in columns that run from corner to corner as those of `columns_of` do."""
    line = (torch.arange(size, device=points.device, dtype=torch.float32) + 0.5) / size
    start, end = (columns_of[:, corner, 0, None, None] for corner in (60, 64))
    along = (line.expand(len(points), size, size) - start) / (end - start).clamp_min(EDGE)
    x = torch.lerp(points[:, 60, 0, None, None], points[:, 64, 0, None, None], along)
    upper, lower = (_height(x, points[:, edge]) for edge in (UPPER_EDGE, LOWER_EDGE))
    y = line[:, None]
    inside = _rise(y - upper, -EDGE / 2, EDGE / 2) * _rise(lower - y, -EDGE / 2, EDGE / 2)
    return _Mouth(inside * ((along > 0) & (along < 1)), upper, lower)


def _cheeks(light: Tensor, points: Tensor) -> Tensor:
    """Return the brightness (B,) of the cheeks in planes (B, 1, S, S)."""
    places = (points[:, CHEEKS[0]] + points[:, CHEEKS[1]]) / 2
    smooth = functional.avg_pool2d(light, 5, 1, 2, count_include_pad=False)
    found = functional.grid_sample(smooth, places[:, None] * 2 - 1, padding_mode="border", align_corners=False)
    mean: Tensor = found.mean((1, 2, 3))
    return mean


def _rise(value: Tensor, low: float, high: float) -> Tensor:
    """Return a smooth step from 0 at `low` to 1 at `high`."""
    share = ((value - low) / (high - low)).clamp(0, 1)
    return share.square() * (3 - 2 * share)


def _height(x: Tensor, corners: Tensor) -> Tensor:
    """Return the height (B, H, W) at `x` of the line through points (B, P, 2), level beyond its ends."""
    height = corners[:, 0, 1, None, None].expand_as(x)
    for a, b in zip(corners[:, :-1].unbind(1), corners[:, 1:].unbind(1), strict=True):
        way = (b - a)[..., None, None]  # (B, 2, 1, 1)
        height = height + way[:, 1] * ((x - a[:, 0, None, None]) / way[:, 0].clamp_min(1e-3)).clamp(0, 1)
    return height
