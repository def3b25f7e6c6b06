"""Mouths that open: bared teeth are shown as they are, and what opens below them, or between closed lips, is dark.

Paint is learnt from a studio's people, who draw their lips over the teeth when a jaw drops from a smile; on anybody
else it blackened and striped teeth, and left a reddish blur between lips that part. The photo's own teeth need no
paint; what is behind them is dark, and below lies the tongue. Only a smile is left to bare teeth: by paint, where none
were seen, and by letting those that were seen grow longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ganimate.contours import height, rise
from ganimate.landmarks import LOWER_LIPS, UPPER_LIPS
from ganimate.room import smiling

UPPER_EDGE, LOWER_EDGE = [60, 61, 62, 63, 64], [60, 67, 66, 65, 64]  # of the open mouth, left to right
CHEEKS = ([2, 14], [31, 35])  # between these landmarks
LOWER_LIP = ([65, 66, 67], [56, 57, 58])  # likewise
SEEN, SURE = 0.012, 0.024  # crop widths between the lips, from which teeth may be seen, and no doubt is left
DULL, BRIGHT = 0.55, 0.75  # of the cheeks' brightness: what is darker than the one, between the lips, is no teeth
CLOSING, STAYING = 0.5, 0.8  # of the gap, left in the goal: below the one lips come over the teeth, above they do not
TEETH_END, GAP_BEGINS = 0.75, 1.05  # of the opening in the photo: so far below the upper lip teeth are seen
BARED_MORE = 0.6  # of the opening: so much longer do a smile's teeth become before a gap opens below them
PARTED, WIDE = 1.3, 2.2  # times the gap that was, from which lips without teeth open a dark one, and are quite open
OPENED = 0.02  # crop widths that the mouth opens further, until all of the gap is dark
EDGE = 0.006  # crop widths over which a mouth begins, as soft as its lips
DARK, TINT = 0.3, (1.0, 0.62, 0.58)  # of the cheeks, behind the teeth; red is what is left of the colour
TONGUE = 0.62  # of the lower lip's brightness
TONGUE_BEGINS, TONGUE_END = 0.2, 1.1  # of the way through the gap, downwards
NARROW, ROOMY = 0.02, 0.06  # crop widths of a gap in which no tongue is seen, and in which all of it is
SIDES = 0.3  # of the height of a bow from corner to corner, below which there is no tongue


@dataclass(frozen=True)
class Bite:
    """Where the photo's own teeth are seen and where a dark gap opens, (B, 1, S, S) in [0, 1] each.

    `behind` (B, 3, S, S) in [-1, 1] is the colour of the gap.
    """

    teeth: Tensor
    gap: Tensor
    behind: Tensor


@dataclass(frozen=True)
class _Mouth:
    """The open mouth of landmarks (B, 68, 2): inside (B, S, S) in [0, 1], upper and lower edge, at each column.

    `along` (B, S, S) is the way from corner to corner, 0 to 1.
    """

    inside: Tensor
    upper: Tensor
    lower: Tensor
    along: Tensor


def bite(image: Tensor, points: Tensor, goal: Tensor) -> Bite:
    """Return what the mouth in photos (B, 3, S, S) in [-1, 1] shows when landmarks (B, 68, 2) go to `goal`.

    Landmarks are in crop widths. As much of the teeth as was seen stays in sight, and what opens further shows no more.
    """
    size = image.shape[-1]
    before, after, start = _mouth(points, points, size), _mouth(goal, goal, size), _mouth(points, goal, size)
    light = (image.float().mean(1, keepdim=True) + 1) / 2  # (B, 1, S, S)
    cheeks = _seen_at(light, points, CHEEKS)[:, 0]  # (B,)
    between = (light[:, 0] * before.inside).sum((1, 2)) / before.inside.sum((1, 2)).clamp_min(1)
    had, left = ((part[:, LOWER_LIPS] - part[:, UPPER_LIPS]).norm(dim=-1).mean(1) for part in (points, goal))
    grown, smile = left / had.clamp_min(1e-6), smiling(points, goal)
    teeth = rise(had, SEEN, SURE) * rise(between / cheeks.clamp_min(1e-3), DULL, BRIGHT)
    bared = (teeth * rise(grown, CLOSING, STAYING))[:, None, None]
    parted = ((1 - teeth) * (1 - smile) * rise(grown, PARTED, WIDE))[:, None, None]
    line = (torch.arange(size, device=image.device, dtype=torch.float32) + 0.5)[:, None] / size
    opening = (start.lower - start.upper).clamp_min(EDGE) * (1 + BARED_MORE * smile)[:, None, None]
    below = rise((line - after.upper) / opening, TEETH_END, GAP_BEGINS)
    below = below * rise(after.lower - after.upper - opening, 0, OPENED)
    lips = parted * rise(after.lower - after.upper, 0, OPENED)
    gap = after.inside * torch.maximum(bared * below, lips)
    behind = _behind(image.float(), points, after, cheeks, after.upper + GAP_BEGINS * opening * bared)
    return Bite((bared * after.inside * (1 - below))[:, None], gap[:, None], behind)


def _behind(image: Tensor, points: Tensor, mouth: _Mouth, cheeks: Tensor, top: Tensor) -> Tensor:
    """Return the colour (B, 3, S, S) in [-1, 1] of a gap below the height `top` (B, S, S): dark, then tongue."""
    size = image.shape[-1]
    line = (torch.arange(size, device=image.device, dtype=torch.float32) + 0.5)[:, None] / size
    deep = mouth.lower - top
    share = rise((line - top) / deep.clamp_min(EDGE), TONGUE_BEGINS, TONGUE_END)
    share = share * rise(4 * mouth.along * (1 - mouth.along), SIDES, 1) * rise(deep, NARROW, ROOMY)
    dark = DARK * cheeks[:, None, None, None] * image.new_tensor(TINT)[:, None, None]
    tongue = TONGUE * (_seen_at(image, points, LOWER_LIP)[..., None, None] + 1) / 2
    return 2 * torch.lerp(dark, torch.maximum(tongue, dark), share[:, None]) - 1


def _mouth(points: Tensor, columns_of: Tensor, size: int) -> _Mouth:
    """Return the open mouth of `points`, in columns that run from corner to corner as those of `columns_of` do."""
    line = (torch.arange(size, device=points.device, dtype=torch.float32) + 0.5) / size
    start, end = (columns_of[:, corner, 0, None, None] for corner in (60, 64))
    along = (line.expand(len(points), size, size) - start) / (end - start).clamp_min(EDGE)
    x = torch.lerp(points[:, 60, 0, None, None], points[:, 64, 0, None, None], along)
    upper, lower = (height(x, points[:, edge]) for edge in (UPPER_EDGE, LOWER_EDGE))
    y = line[:, None]
    inside = rise(y - upper, -EDGE / 2, EDGE / 2) * rise(lower - y, -EDGE / 2, EDGE / 2)
    return _Mouth(inside * ((along > 0) & (along < 1)), upper, lower, along.clamp(0, 1))


def _seen_at(planes: Tensor, points: Tensor, ends: tuple[list[int], list[int]]) -> Tensor:
    """Return what planes (B, C, S, S) show halfway between landmarks (B, 68, 2), in the mean (B, C)."""
    places = (points[:, ends[0]] + points[:, ends[1]]) / 2
    smooth = functional.avg_pool2d(planes, 5, 1, 2, count_include_pad=False)
    found = functional.grid_sample(smooth, places[:, None] * 2 - 1, padding_mode="border", align_corners=False)
    mean: Tensor = found.mean((2, 3))
    return mean
