"""The critic: is this face real, and which AUs does it show (paper, section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganimate.config import CriticConfig
from ganimate.networks.blocks import init_weights


@dataclass(frozen=True)
class Verdict:
    """`realism` (B, P): one score for each patch, of no fixed scale; `aus` (B, N); `features`: maps, fine to coarse."""

    realism: Tensor
    aus: Tensor
    features: tuple[Tensor, ...]


class Critic(nn.Module):
    """Stride-2 convolutions with LeakyReLU and no norm; patch maps for realism, a linear head for the AUs.

    Realism is judged twice: on the last map (the whole face) and two layers earlier (patches of 46 px, which see
    skin, teeth and lids).
    """

    def __init__(self, config: CriticConfig, n_aus: int) -> None:
        super().__init__()
        widths = [min(config.channels * 2**i, config.max_channels) for i in range(config.layers)]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(3 if i == 0 else widths[i - 1], width, 4, 2, 1), nn.LeakyReLU(0.01))
            for i, width in enumerate(widths)
        )
        self._patch_layer = max(0, config.layers - 3)
        self.patch = nn.Conv2d(widths[self._patch_layer], 1, 3, 1, 1)
        self.whole = nn.Conv2d(widths[-1], 1, 3, 1, 1)
        self.au_head = nn.Conv2d(widths[-1], n_aus, config.size_px // 2**config.layers)
        init_weights(self)

    def maps(self, image: Tensor) -> list[Tensor]:
        """Return the features of images (B, 3, H, W) of any size, fine to coarse, at 1/2 to 1/16."""
        found = [image]
        for layer in self.layers[:4]:
            found.append(layer(found[-1]))
        return found[1:]

    def forward(self, image: Tensor) -> Verdict:
        """Return the verdict on images (B, 3, S, S)."""
        h, features = image, []
        for layer in self.layers:
            h = layer(h)
            features.append(h)
        realism = torch.cat([self.patch(features[self._patch_layer]).flatten(1), self.whole(h).flatten(1)], 1)
        return Verdict(realism.float(), self.au_head(h).flatten(1).float(), tuple(features))
