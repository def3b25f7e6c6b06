"""Room on a face: how far brows, lids and mouth go before they meet what is beside them.

Slopes are the same for every face, and several AUs at full intensity add up to more than a low brow or a short upper
lip can do.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganimate.face.landmarks import (
    BROW_LIDS,
    BROWS,
    BROWS_ABOVE,
    CLOSED,
    CORNERS,
    LOWER_LIDS,
    MOUTH,
    NOSE_BASE,
    UPPER_LIDS,
)
from ganimate.motion.contours import rise

# Of the way from brow to lid: brows come down by so much at most, as what lies beside them keeps its place, and lids
# rise by so much, less what brows come down times the third: their body fills the way before their edge does.
LOWERED_ROOM, LID_ROOM, BROW_FILLS = 0.45, 0.55, 1.8
# Brows rise by as much at most: of the fifth of people with the least room, nine in ten raise theirs less far (476
# photos of raised brows). Further, shade and brow hair are drawn out into bars.
RAISED_ROOM = 1.0
# Of an eye's opening, that its upper lid rises at most: what a narrow eye hides cannot be shown.
OPENED_ROOM = 0.75
SHARPNESS = 6
LIP_ROOM = 0.35  # of the way from the upper lip to the nose, that the mouth rises at most
_LIP, _NOSE = [50, 51, 52], [32, 33, 34]
SMILE = 0.03  # crop widths that the corners of the mouth rise, in a smile


def make_room(points: Tensor, step: Tensor) -> Tensor:
    """Return the steps (B, 68, 2) of landmarks (B, 68, 2), in crop widths, as far as there is room for them."""
    y = _brows_and_lids(points, step[..., 1])
    return torch.stack([step[..., 0], _below_nose(points, y)], -1)


def smiling(points: Tensor, goal: Tensor) -> Tensor:
    """Return how far, in [0, 1], mouths of landmarks (B, 68, 2) smile in `goal` more than they do: the corners rise."""
    before, after = (face[:, NOSE_BASE, 1] - face[:, CORNERS, 1].mean(1) for face in (points, goal))
    return rise(after - before, 0, SMILE)


def _brows_and_lids(points: Tensor, y: Tensor) -> Tensor:
    """Return steps downwards (B, 68) in which brows and upper lids keep apart.

    The lid yields: who stares with knit brows hides the lid below them, and does not bend the brows around it.
    """
    brows, lids = list(BROW_LIDS), list(BROW_LIDS.values())
    gap = (points[:, lids, 1] - points[:, brows, 1]).clamp_min(CLOSED)  # (B, 10)
    lowered, raised = y[:, brows].clamp_min(0), (-y[:, brows]).clamp_min(0)
    down = LOWERED_ROOM * gap * torch.tanh(lowered / (LOWERED_ROOM * gap))
    side = gap.reshape(-1, 2, len(BROWS) // 2).mean(2).repeat_interleave(len(BROWS) // 2, 1)
    up = _at_most(raised, RAISED_ROOM * side)  # all of a brow alike: it keeps its shape
    y = y.index_add(1, _rows(brows, y), down - up - y[:, brows])
    left = LID_ROOM * gap[:, [brows.index(brow) for brow in BROWS_ABOVE]] - BROW_FILLS * y[:, BROWS_ABOVE].clamp_min(0)
    opened = (-y[:, UPPER_LIDS]).clamp_min(0)
    opening = (points[:, LOWER_LIDS, 1] - points[:, UPPER_LIDS, 1]).clamp_min(CLOSED)
    wider = torch.minimum(_at_most(opened, OPENED_ROOM * opening), left.clamp_min(0))
    return y.index_add(1, _rows(UPPER_LIDS, y), opened - wider)


def _below_nose(points: Tensor, y: Tensor) -> Tensor:
    """Return steps downwards (B, 68) in which the whole mouth rises less where the lip would come up to the nose."""
    gap = (points[:, _LIP, 1] - points[:, _NOSE, 1]).mean(1, keepdim=True).clamp_min(CLOSED)
    risen = (y[:, _NOSE] - y[:, _LIP]).mean(1, keepdim=True).clamp_min(0)
    less = risen - _at_most(risen, LIP_ROOM * gap)
    return y.index_add(1, _rows(MOUTH, y), less.expand(-1, len(MOUTH)))


def _at_most(way: Tensor, limit: Tensor) -> Tensor:
    """Return ways, not negative, that level off at the limit, and are as they were up to half of it."""
    return way / (1 + (way / limit) ** SHARPNESS) ** (1 / SHARPNESS)


def _rows(landmarks: list[int], like: Tensor) -> Tensor:
    return torch.tensor(landmarks, device=like.device)
