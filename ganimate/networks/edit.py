"""What every generator is, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Edit:
    """One edited batch and the parts that it was composed of.

    `image` I_f (B, 3, H, W) in [-1, 1]; `attention` A (B, 1, H, W) in [0, 1], 1 keeps the source pixel; `color` C
    (B, 3, H, W) in [-1, 1]; `moved` W(I) (B, 3, H, W), the source where nothing moves; `flow` (B, 2, H, W) or None,
    in units of `grid_sample` (the crop is 2 wide): the result at p shows the source at p + flow(p); `coarse_flow` is
    the same at the resolution at which it was regressed.
    """

    image: Tensor
    attention: Tensor
    color: Tensor
    moved: Tensor
    flow: Tensor | None = None
    coarse_flow: Tensor | None = None

    @property
    def steered(self) -> Tensor:
        """I_f again, (B, 3, H, W), of which only the motion has a gradient: what the critic's AU head may steer.

        Through the paint it teaches patterns that it alone takes for an AU: striped teeth, bars at the lip corners. A
        network that does not move has nothing but paint to steer.
        """
        if self.flow is None:
            return self.image
        keep = self.attention.detach()
        return (1 - keep) * self.color.detach() + keep * self.moved


class GeneratorNetwork(nn.Module):
    """What trainer and animator ask of a generator, whatever its architecture."""

    def forward(self, image: Tensor, y_from: Tensor, y_to: Tensor) -> Edit:
        """Return the edit of `image` (B, 3, S, S) in [-1, 1] from AUs `y_from` (B, N) to `y_to` (B, N), in [0, 1]."""
        raise NotImplementedError

    def prime(self, landmarks: Tensor, slopes: Tensor) -> None:
        """Take up, before training, how AUs move the mean face: its `landmarks` (68, 2) and their `slopes` (N, 68, 2).

        Both in crop widths. A network that does not move has no use for it.
        """
