"""The attention generator of GANimation (Pumarola et al., ECCV 2018, section 4.1), and what it may move first."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganimate.config import GeneratorConfig
from ganimate.motion.hold_map import leashed, unpainted
from ganimate.networks.blocks import ConvNorm, ResidualBlock, SoftGatedWarp, Upsample, init_weights, resize, warp
from ganimate.networks.edit import Edit, GeneratorNetwork
from ganimate.networks.matcher import SplineMatcher


class AttentionGenerator(GeneratorNetwork):
    """Repaints: I_f = (1−A)·C + A·W(I), with A and C regressed from the photo and the wanted AUs.

    In the paper W is the identity. With the matcher of Warping-GAN, photo and features are moved before the paint.
    """

    def __init__(self, config: GeneratorConfig, n_aus: int) -> None:
        super().__init__()
        c = config.channels
        self.encoder = nn.Sequential(
            ConvNorm(3 + n_aus, c, 7),  # (B, c, S, S)
            ConvNorm(c, 2 * c, 4, 2),
            ConvNorm(2 * c, 4 * c, 4, 2),  # (B, 4c, S/4, S/4)
        )
        self.decoder = nn.Sequential(
            *(ResidualBlock(4 * c) for _ in range(config.blocks)),
            Upsample(4 * c, 2 * c),
            Upsample(2 * c, c),  # (B, c, S, S)
        )
        self.to_color = nn.Conv2d(c, 3, 7, 1, 3, bias=False)
        self.to_attention = nn.Conv2d(c, 1, 7, 1, 3, bias=False)
        moves = config.matcher == "spline"
        self.matcher = SplineMatcher(4 * c, c, config.size_px, n_aus) if moves else None
        self.gated = SoftGatedWarp(4 * c) if moves else None
        init_weights(self)

    def forward(self, image: Tensor, y_from: Tensor, y_to: Tensor, hold_map: Tensor | None = None) -> Edit:
        """Return the edit of `image` (B, 3, S, S) towards `y_to` (B, N); `y_from` matters to what moves alone."""
        planes = y_to[:, :, None, None].expand(-1, -1, *image.shape[-2:])  # (B, N, S, S)
        h = self.encoder(torch.cat([image, planes.to(image.dtype)], 1))
        moved, flow = image, None
        if self.matcher is not None and self.gated is not None:
            flow = self.matcher(h, y_from, y_to)  # W (B, 2, S, S)
            if hold_map is not None:
                flow = leashed(flow, resize(hold_map, flow.shape[-1]))
            moved = warp(image, flow)  # W(I)
            h = self.gated(h, flow)  # T(Φ) = Φ + g ⊙ W(R(Φ))
        h = self.decoder(h)
        color = torch.tanh(self.to_color(h)).float()  # C
        attention = torch.sigmoid(self.to_attention(h)).float()  # A
        if hold_map is not None:
            attention = unpainted(attention, hold_map)
        return Edit((1 - attention) * color + attention * moved, attention, color, moved, flow)
