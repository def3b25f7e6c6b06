"""The parts that the networks are built of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def init_weights(network: nn.Module, deviation: float = 0.02) -> None:
    """Draw all convolution weights from N(0, deviation²), biases 0 (paper, section 6).

    Linear layers, which the paper does not have, keep PyTorch's wider default: through three layers of 0.02 the AUs
    would arrive a thousandfold too faint to steer anything.
    """
    for module in network.modules():
        # On the meta device there is nothing to draw, and normal_ loads torch's compiler there, which takes a second.
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            nn.init.normal_(module.weight, 0.0, deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def instance_norm(channels: int, affine: bool = True) -> nn.InstanceNorm2d:
    """Return instance norm without running statistics, so that batch 1 equals batch 8."""
    return nn.InstanceNorm2d(channels, affine=affine, track_running_stats=False)


def identity_grid(flow: Tensor) -> Tensor:
    """Return the grid (1, H, W, 2) of `grid_sample` that leaves an image of the flow's size as it is."""
    height, width = flow.shape[-2:]
    ys = (torch.arange(height, device=flow.device, dtype=torch.float32) * 2 + 1) / height - 1
    xs = (torch.arange(width, device=flow.device, dtype=torch.float32) * 2 + 1) / width - 1
    return torch.stack(torch.meshgrid(ys, xs, indexing="ij")[::-1], -1)[None]


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Return W(image): at p the image (B, C, H, W) at p + flow(p), bilinear, the edge repeated; flow (B, 2, H, W)."""
    with torch.autocast(image.device.type, enabled=False):
        grid = identity_grid(flow) + flow.float().permute(0, 2, 3, 1)
        warped = functional.grid_sample(image.float(), grid, padding_mode="border", align_corners=False)
    return warped.to(image.dtype)


def resize(image: Tensor, size: int) -> Tensor:
    """Return an image or a flow (B, C, H, W) at size × size, bilinear."""
    if image.shape[-1] == size:
        return image
    return functional.interpolate(image, size=(size, size), mode="bilinear", align_corners=False)


class ConvNorm(nn.Sequential):
    """Convolution, instance norm, ReLU: (B, in, H, W) -> (B, out, H/stride, W/stride)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, stride, (kernel - 1) // 2, bias=False),
            instance_norm(out_channels),
            nn.ReLU(inplace=True),
        )


class Upsample(nn.Module):
    """Twice the size by bilinear resampling, then ConvNorm: no checkerboard, unlike pixel shuffle."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvNorm(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, 2H, 2W)."""
        y: Tensor = self.conv(functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))
        return y


class ResidualBlock(nn.Module):
    """x + F(x) with two 3×3 convolutions (paper, section 6; after Johnson et al., ECCV 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvNorm(channels, channels),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            instance_norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        y: Tensor = x + self.body(x)
        return y


class ModulatedBlock(nn.Module):
    """A residual block whose norms are scaled and shifted by a condition e (B, E): how AUs steer it."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm = instance_norm(channels, affine=False)
        self.modulation = nn.Linear(condition, 4 * channels)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        """(B, C, H, W), (B, E) -> (B, C, H, W)."""
        scale1, shift1, scale2, shift2 = self.modulation(e)[:, :, None, None].chunk(4, 1)
        h = functional.relu(self.norm(self.first(x)) * (1 + scale1) + shift1)
        y: Tensor = x + self.norm(self.second(h)) * (1 + scale2) + shift2
        return y


class SoftGatedWarp(nn.Module):
    """T(Φ) = Φ + g ⊙ W(R(Φ)): warps deep features and gates how far (Dong et al., NeurIPS 2018, section 3.3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.refine = ConvNorm(channels, channels)
        self.gate = nn.Conv2d(channels + 2, 1, 3, 1, 1)

    def forward(self, features: Tensor, flow: Tensor) -> Tensor:
        """(B, C, H, W), flow (B, 2, h, w) -> (B, C, H, W)."""
        flow = resize(flow, features.shape[-1])
        gate = torch.sigmoid(self.gate(torch.cat([features, flow.to(features.dtype)], 1)))  # (B, 1, H, W)
        return features + gate * warp(self.refine(features), flow)
