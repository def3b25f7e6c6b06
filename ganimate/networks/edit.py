"""What a generator of crops is, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Edit:
    """One edited batch and the parts that it was composed of.

    `image` I_f (B, 3, H, W) in [-1, 1]; `attention` A (B, 1, H, W) in [0, 1], 1 keeps the source pixel; `color` C
    (B, 3, H, W) in [-1, 1]; `moved` W(I) (B, 3, H, W), the source where nothing moves; `flow` (B, 2, H, W) or None,
    in units of `grid_sample` (the crop is 2 wide): the result at p shows the source at p + flow(p).
    """

    image: Tensor
    attention: Tensor
    color: Tensor
    moved: Tensor
    flow: Tensor | None = None


class GeneratorNetwork(nn.Module):
    """What trainer and animator ask of a generator of crops, whatever paints them."""

    def forward(self, image: Tensor, y_from: Tensor, y_to: Tensor, hold_map: Tensor | None = None) -> Edit:
        """Return the edit of `image` (B, 3, S, S) in [-1, 1] from AUs `y_from` (B, N) to `y_to` (B, N), in [0, 1].

        `hold_map` (B, 1, S, S) in [0, 1] says what keeps its place and is not painted, the rims of glasses: 1 there,
        and less the farther from it (see `glasses.held`).
        """
        raise NotImplementedError
