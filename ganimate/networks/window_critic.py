"""The critic of windows: is this patch of a face real, and does it look as AUs have it that are asked there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganimate.config import WindowCriticConfig
from ganimate.motion.hints import HINTS

SLOPE = 0.2  # of LeakyReLU


class WindowCritic(nn.Module):
    """Three stride-2 convolutions, and scores of patches of 38 px, after pix2pix (Isola et al., CVPR 2017).

    What it is told of the warp lets it compare like with like, and AUs enter as a projection (Miyato & Koyama, ICLR
    2018): the features of each patch are weighed by what was asked. Spectral norm left it at chance.
    """

    def __init__(self, config: WindowCriticConfig, n_aus: int) -> None:
        super().__init__()
        widths = (config.channels, 2 * config.channels, 4 * config.channels)
        before = (3 + HINTS, *widths)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inner, width, 4, 2, 1), nn.LeakyReLU(SLOPE, inplace=True))
            for inner, width in zip(before, widths, strict=False)
        )
        self.body = nn.Sequential(nn.Conv2d(widths[-1], widths[-1], 3, 1, 1), nn.LeakyReLU(SLOPE))
        self.score = nn.Conv2d(widths[-1], 1, 1)
        self.asked = nn.Sequential(
            nn.Linear(2 * n_aus, config.condition), nn.SiLU(), nn.Linear(config.condition, widths[-1])
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, SLOPE)

    def forward(self, image: Tensor, hints: Tensor, y_from: Tensor, y_to: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return scores (B, 1, H/8, W/8), real near 1, and features, of images (B, 3, H, W) with hints (B, 6, H, W)."""
        h, features = torch.cat([image, hints], 1), []
        for layer in self.layers:
            h = layer(h)
            features.append(h)
        h = self.body(h)
        features.append(h)
        asked = self.asked(torch.cat([y_to, y_to - y_from], 1))[..., None, None]  # (B, C, 1, 1)
        return self.score(h) + (h * asked).mean(1, keepdim=True), features
