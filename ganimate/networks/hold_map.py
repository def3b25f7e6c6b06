"""Keeping things on a face in their place: what moves and what is painted stays off them."""

from __future__ import annotations

import torch
from torch import Tensor

from ganimate.face.glasses import REACH
from ganimate.networks.blocks import resize

LEASH = 0.55  # at 1 skin folds, and not far below it is drawn out into stripes
PAINT_FREE = 0.03  # crop widths around what keeps its place


def leashed(flow: Tensor, hold_map: Tensor | None) -> Tensor:
    """Return a flow (B, 2, H, W), in units of `grid_sample`, that stays off what keeps its place.

    `hold_map` (B, 1, S, S) is 1 there and falls linearly to 0 at a distance of REACH. Where the flow is longer than
    LEASH times the distance it is cut down to that: what is held does not move, nor is it seen a second time beside
    itself.
    """
    if hold_map is None:
        return flow
    near = resize(hold_map, flow.shape[-1])
    limit = 2 * LEASH * REACH * (1 - near)  # the crop is 2 wide
    pull = flow.square().sum(1, keepdim=True).sqrt() * near * (2 - near) / (limit + 1e-6)
    return flow * (1 + pull.square().square()).pow(-0.25)  # times exactly 1 where nothing is near


def unpainted(attention: Tensor, hold_map: Tensor | None) -> Tensor:
    """Return the attention A (B, 1, H, W) with no paint on and just beside what keeps its place."""
    if hold_map is None:
        return attention
    return torch.maximum(attention, 1 - (1 - hold_map) * (REACH / PAINT_FREE))
