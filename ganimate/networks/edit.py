"""What every generator is, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ganimate.motion.landmark_response import LandmarkResponse
from ganimate.render.mouth import Mouth


@dataclass(frozen=True)
class Edit:
    """One edited batch and the parts that it was composed of.

    `image` I_f (B, 3, H, W) in [-1, 1]; `attention` A (B, 1, H, W) in [0, 1], 1 keeps the source pixel; `color` C
    (B, 3, H, W) in [-1, 1]; `moved` W(I) (B, 3, H, W), the source where nothing moves; `flow` (B, 2, H, W) or None,
    in units of `grid_sample` (the crop is 2 wide): the result at p shows the source at p + flow(p); `coarse_flow` is
    the same at the resolution at which it was regressed. `steerable` is W(I) again, made in training: of all that the
    network learns, only how far each AU moves the landmarks has a gradient in it. `shut` (B, 2) in [0, 1] says how
    much of the left and the right eye closes (see `lids`). `mouth` is what is drawn where mouths open, and `gap`
    (B, 1, H, W) in [0, 1] where that is in the image.
    """

    image: Tensor
    attention: Tensor
    color: Tensor
    moved: Tensor
    flow: Tensor | None = None
    coarse_flow: Tensor | None = None
    steerable: Tensor | None = None
    shut: Tensor | None = None
    mouth: Mouth | None = None
    gap: Tensor | None = None

    @property
    def steered(self) -> Tensor:
        """I_f again, (B, 3, H, W), with a gradient only in what the critic's AU head may steer: the motion's gains.

        Through the paint, and through a free flow, it teaches what it alone takes for an AU: striped teeth, bars at the
        lip corners, swollen noses. A network that does not move has nothing but paint to steer.
        """
        if self.steerable is None:
            return self.image
        keep = self.attention.detach()
        return (1 - keep) * self.color.detach() + keep * self.steerable

    @property
    def painted(self) -> Tensor:
        """I_f again, (B, 3, H, W), with a gradient in paint and mask only: critics of regions must not bend faces."""
        moved = self.moved.detach()
        return moved + (1 - self.attention) * (self.color - self.moved)


class GeneratorNetwork(nn.Module):
    """What trainer and animator ask of a generator, whatever its architecture."""

    def forward(
        self, image: Tensor, y_from: Tensor, y_to: Tensor, landmarks: Tensor, hold_map: Tensor | None = None
    ) -> Edit:
        """Return the edit of `image` (B, 3, S, S) in [-1, 1] from AUs `y_from` (B, N) to `y_to` (B, N), in [0, 1].

        `landmarks` (B, 68, 2) are the face's own, in crop widths (iBUG order): who moves pixels wants to know where the
        lids and the lips are; who paints may leave them unread. `hold_map` (B, 1, S, S) in [0, 1] says what keeps its
        place and is not painted, the rims of glasses: 1 there, and less the farther from it (see `glasses.held`).
        """
        raise NotImplementedError

    def prime(self, response: LandmarkResponse) -> None:
        """Take up, before training, how AUs move landmarks. A network that does not move has no use for it."""
