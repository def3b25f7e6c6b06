"""One step's samples, as a trainer gets them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from ganimate.networks.blocks import warp


@dataclass(frozen=True)
class TrainingBatch:
    """One step's samples; the first `pairs` of them show one person twice.

    `source` (B, 3, S, S) in [-1, 1]; `y_from`, `y_to` (B, N) in [0, 1]; `landmarks_from`, `landmarks_to` (B, 68, 2)
    in crop widths, the latter seen (pairs) or predicted from the change of AUs; `target` (pairs, 3, S, S) is the photo
    with the wanted expression, or a photo with its folds alone, which has yet to move. `known` (pairs, 1, S, S) in
    [0, 1] is 0 where that does not tell how the face would look; a photo that somebody took is known all over.
    """

    source: Tensor
    y_from: Tensor
    y_to: Tensor
    landmarks_from: Tensor
    landmarks_to: Tensor
    target: Tensor
    known: Tensor
    pairs: int

    @property
    def taken(self) -> Tensor:
        """Which targets (pairs,) are photos that somebody took; the others were made."""
        return self.known.flatten(1).amin(1).eq(1)

    def moved_along(self, flow: Tensor | None) -> TrainingBatch:
        """Return the batch with the targets that have yet to move moved by `flow` (B, 2, S, S).

        So their folds lie to the pixel where a generator puts the skin. What does not move cannot learn from them:
        without a flow nothing of them is known.
        """
        made = ~self.taken[:, None, None, None]
        if flow is None:
            return dataclasses.replace(self, known=torch.where(made, 0, self.known))
        way = flow[: self.pairs].detach()
        target, known = (torch.where(made, warp(part, way), part) for part in (self.target, self.known))
        return dataclasses.replace(self, target=target, known=known)

    def to(self, device: torch.device) -> TrainingBatch:
        """Return the batch on `device`."""
        return TrainingBatch(
            self.source.to(device),
            self.y_from.to(device),
            self.y_to.to(device),
            self.landmarks_from.to(device),
            self.landmarks_to.to(device),
            self.target.to(device),
            self.known.to(device),
            self.pairs,
        )
