"""The soft-gated warping generator: moves the photo's own pixels and paints only what was not visible.

After Soft-Gated Warping-GAN (Dong et al., NeurIPS 2018), from persons and poses to faces and action units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganimate.config import GeneratorConfig
from ganimate.geometry import spline_flow
from ganimate.networks.blocks import (
    ConvNorm,
    ModulatedBlock,
    SoftGatedWarp,
    Upsample,
    init_weights,
    invert,
    resize,
    warp,
)
from ganimate.networks.edit import Edit, GeneratorNetwork

BORDER = 0.06  # width of the rim, in crop widths, over which the flow falls to 0
FULL_CHANGE = 0.1  # length of an AU change above which the edit is fully open


def rim(size: int, device: torch.device) -> Tensor:
    """Return (1, 1, size, size): 1 inside, falling smoothly to 0 at the border, where the warp is the identity."""
    place = torch.arange(size, device=device, dtype=torch.float32)
    ramp = (torch.minimum(place, size - 1 - place) / size).clamp(0, BORDER) / BORDER  # exactly 0 at both ends
    smooth = ramp * ramp * (3 - 2 * ramp)
    return smooth[None, None, :, None] * smooth[None, None, None, :]


def change_strength(y_from: Tensor, y_to: Tensor) -> Tensor:
    """Return (B, 1, 1, 1) in [0, 1): 0 where nothing is asked for, near 1 above a change of FULL_CHANGE."""
    squares = (y_to - y_from).float().square().sum(1)[:, None, None, None]
    return torch.tanh((squares + 1e-12).sqrt() / FULL_CHANGE - 1e-6 / FULL_CHANGE).clamp_min(0)


class GeometricMatcher(nn.Module):
    """Regresses a smooth displacement from the photo's features and the wanted change of AUs.

    The mean face's answer, `basis`, one forward displacement field an AU, comes first: crops are aligned, so it is
    nearly right for everybody. The fields of several AUs add up and are inverted; the network adds what this face asks.
    """

    def __init__(self, channels: int, condition: int, blocks: int, limit: float, basis: Tensor) -> None:
        super().__init__()
        self.basis = nn.Parameter(basis)  # (N, 2, 2H, 2W), in units of `grid_sample` for a change of 1
        self.blocks = nn.ModuleList(ModulatedBlock(channels, condition) for _ in range(blocks))
        self.up = Upsample(channels, channels // 2)
        self.to_flow = nn.Conv2d(channels // 2, 2, 3, 1, 1)
        self._limit = 2 * limit  # the crop is 2 wide
        kernel = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])
        self.register_buffer("_smooth", (kernel[:, None] * kernel / 256)[None, None], persistent=False)

    def forward(self, features: Tensor, e: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W), (B, E), (B, N) -> flow (B, 2, 2H, 2W) and the features that gave it (B, C, H, W)."""
        for block in self.blocks:
            features = block(features, e)
        with torch.autocast(e.device.type, enabled=False):
            mean = invert((change.float() @ self.basis.flatten(1)).view(-1, *self.basis.shape[1:]))
        raw = torch.tanh(self.to_flow(self.up(features)).float() + mean / self._limit) * self._limit
        padded = functional.pad(raw, (2, 2, 2, 2), mode="replicate")
        flow = functional.conv2d(padded.transpose(0, 1).reshape(-1, 1, *padded.shape[-2:]), self.smooth_kernel())
        flow = flow.reshape(2, raw.shape[0], *raw.shape[-2:]).transpose(0, 1)
        return flow, features

    def smooth_kernel(self) -> Tensor:
        """Return the binomial kernel (1, 1, 5, 5) that keeps the flow free of kinks."""
        kernel = self._smooth
        assert isinstance(kernel, Tensor)
        return kernel


class WarpingGenerator(GeneratorNetwork):
    """Moves and repaints: I_f = (1−A)·C + A·W(I), W a smooth warp, identity at the rim and for y_f = y_o."""

    def __init__(self, config: GeneratorConfig, n_aus: int) -> None:
        super().__init__()
        c, e = config.channels, 4 * config.channels
        matcher_blocks = max(1, config.blocks // 2)
        self.embed = nn.Sequential(nn.Linear(2 * n_aus, e), nn.ReLU(inplace=True), nn.Linear(e, e))
        self.stem = ConvNorm(3, c, 7, 2)  # (B, c, S/2, S/2)
        self.down1 = ConvNorm(c, 3 * c, 4, 2)  # (B, 3c, S/4, S/4)
        self.down2 = ConvNorm(3 * c, 6 * c, 4, 2)  # (B, 6c, S/8, S/8)
        basis = torch.zeros(n_aus, 2, config.size_px // 4, config.size_px // 4)
        self.matcher = GeometricMatcher(6 * c, e, matcher_blocks, config.flow_limit, basis)
        self.warp_deep = SoftGatedWarp(6 * c)
        self.blocks = nn.ModuleList(ModulatedBlock(6 * c, e) for _ in range(config.blocks - matcher_blocks))
        self.up1 = Upsample(6 * c, 3 * c)
        self.modulate = ModulatedBlock(3 * c, e)
        self.up2 = Upsample(3 * c, 2 * c)
        self.merge = ConvNorm(3 * c, 2 * c)
        self.up3 = Upsample(2 * c, c)
        self.to_color = nn.Conv2d(c + 3, 3, 5, 1, 2)
        self.to_attention = nn.Conv2d(c + 3, 1, 5, 1, 2)
        init_weights(self)
        nn.init.zeros_(self.matcher.to_flow.weight)

    @torch.no_grad()
    def prime(self, landmarks: Tensor, slopes: Tensor) -> None:
        """Begin with the mean face's motion: `landmarks` (68, 2) and their `slopes` (N, 68, 2), in crop widths."""
        basis = self.matcher.basis
        start = landmarks.to(basis)[None].expand(len(slopes), -1, -1)
        basis.copy_(spline_flow(start + slopes.to(basis), start, basis.shape[-1]))

    def forward(self, image: Tensor, y_from: Tensor, y_to: Tensor) -> Edit:
        """Return the edit of `image` (B, 3, S, S) from its own AUs `y_from` (B, N) to `y_to` (B, N)."""
        size = image.shape[-1]
        strength = change_strength(y_from, y_to)  # (B, 1, 1, 1)
        e = self.embed(torch.cat([y_to, y_to - y_from], 1) * 2)  # (B, E)
        fine = self.stem(image)  # (B, c, S/2, S/2)
        middle = self.down1(fine)  # (B, 3c, S/4, S/4)
        flow, h = self.matcher(self.down2(middle), e, y_to - y_from)
        coarse = flow * strength * rim(flow.shape[-1], flow.device)  # (B, 2, S/4, S/4)
        flow = functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)
        flow = flow * rim(size, flow.device).gt(0)  # (B, 2, S, S)
        h = self.warp_deep(h, coarse)
        for block in self.blocks:
            h = block(h, e)
        h = self.modulate(self.up1(h) + warp(middle, coarse), e)
        h = self.merge(torch.cat([self.up2(h), warp(fine, resize(coarse, fine.shape[-1]))], 1))
        moved = warp(image, flow)  # W(I)
        h = torch.cat([self.up3(h), moved.to(h.dtype)], 1)  # (B, c+3, S, S)
        color = torch.tanh(self.to_color(h).float())  # C
        attention = 1 - strength * torch.sigmoid(self.to_attention(h).float())  # A
        return Edit((1 - attention) * color + attention * moved, attention, color, moved, flow, coarse)
