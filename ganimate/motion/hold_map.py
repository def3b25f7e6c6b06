"""Keeping things on a face in their place: what moves and what is painted stays off them.

One law for numpy's arrays and torch's tensors: a generator holds them while it moves features, and the mesh's edits do
without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganimate.face.glasses import REACH

if TYPE_CHECKING:
    from torch import Tensor

ArrayT = TypeVar("ArrayT", NDArray[np.float32], "Tensor")
LEASH = 0.55  # at 1 skin folds, and not far below it is drawn out into stripes
PAINT_FREE = 0.03  # crop widths around what keeps its place


def leashed(flow: ArrayT, near: ArrayT) -> ArrayT:
    """Return a flow (B, 2, H, W), in units of `grid_sample`, that stays off what keeps its place.

    `near` (B, 1, H, W) is 1 there and falls linearly to 0 at a distance of REACH. Where the flow is longer than LEASH
    times the distance it is cut down to that: what is held does not move, nor is it seen a second time beside itself.
    """
    limit: Any = 2 * LEASH * REACH * (1 - near)  # the crop is 2 wide
    along, down = flow[:, :1], flow[:, 1:]
    pull: Any = (along * along + down * down) ** 0.5 * near * (2 - near) / (limit + 1e-6)
    held: ArrayT = flow * (1 + pull * pull * pull * pull) ** -0.25  # times exactly 1 where nothing is near
    return held


def unpainted(attention: ArrayT, hold_map: ArrayT) -> ArrayT:
    """Return the attention A (B, 1, H, W) with no paint on and just beside what keeps its place."""
    least: Any = 1 - (1 - hold_map) * (REACH / PAINT_FREE)
    kept: ArrayT = attention.clip(min=least)
    return kept
