"""The attention generator of GANimation (Pumarola et al., ECCV 2018, section 4.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganimate.config import GeneratorConfig
from ganimate.networks.blocks import ConvNorm, ResidualBlock, Upsample, init_weights
from ganimate.networks.edit import Edit, GeneratorNetwork
from ganimate.networks.hold_map import unpainted


class AttentionGenerator(GeneratorNetwork):
    """Repaints: I_f = (1−A)·C + A·I_o, with A and C regressed from the photo and the wanted AUs."""

    def __init__(self, config: GeneratorConfig, n_aus: int) -> None:
        super().__init__()
        c = config.channels
        self.body = nn.Sequential(
            ConvNorm(3 + n_aus, c, 7),  # (B, c, S, S)
            ConvNorm(c, 2 * c, 4, 2),
            ConvNorm(2 * c, 4 * c, 4, 2),  # (B, 4c, S/4, S/4)
            *(ResidualBlock(4 * c) for _ in range(config.blocks)),
            Upsample(4 * c, 2 * c),
            Upsample(2 * c, c),  # (B, c, S, S)
        )
        self.to_color = nn.Conv2d(c, 3, 7, 1, 3, bias=False)
        self.to_attention = nn.Conv2d(c, 1, 7, 1, 3, bias=False)
        init_weights(self)

    def forward(
        self, image: Tensor, y_from: Tensor, y_to: Tensor, landmarks: Tensor, hold_map: Tensor | None = None
    ) -> Edit:
        """Return the edit of `image` (B, 3, S, S) towards `y_to` (B, N), all that the paper's network sees."""
        planes = y_to[:, :, None, None].expand(-1, -1, *image.shape[-2:])  # (B, N, S, S)
        h = self.body(torch.cat([image, planes.to(image.dtype)], 1))
        color = torch.tanh(self.to_color(h)).float()  # C
        attention = unpainted(torch.sigmoid(self.to_attention(h)).float(), hold_map)  # A
        return Edit((1 - attention) * color + attention * image, attention, color, image)
