"""The painter: what a face that moved shows and the photo did not, learnt from photos that the mesh aligns.

I_f = (1−A)·C + A·W(I). It is fully convolutional: a whole crop and a window of a mouth at twice the scale are painted
by the same weights. Where it is on the face it is told by places of the mean face, not by its own position. AUs
modulate its body (FiLM; Perez et al., AAAI 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ganimate.config import PainterConfig
from ganimate.motion.warp_field import EYE as EYE_PART
from ganimate.motion.warp_field import MOUTH as MOUTH_PART
from ganimate.motion.warp_field import WarpField

EYE, MOUTH, UNSEEN, STRETCH, PLACE = 0, 1, 2, 3, slice(4, 6)  # channels of the hints
HINTS = 6
TOLD = 96  # numbers that the AUs are told as
GROUPS = 8  # of a group norm: batch 1 equals batch 8, and a window knows nothing of its neighbours
HOLE_FREEDOM = 0.85  # of the moved photo in holes, that paint starts without: teeth are no change of lips
PAINT_STEP, MASK_STEP, MASK_START = 2.0, 4.0, -1.0  # the mask is open by three quarters before it has learnt anything


@dataclass(frozen=True)
class Painted:
    """`image` I_f (B, 3, H, W) in [-1, 1], `attention` A (B, 1, H, W), 1 keeps W(I), and `color` C (B, 3, H, W)."""

    image: Tensor
    attention: Tensor
    color: Tensor


def hints_of(field: WarpField) -> NDArray[np.float32]:
    """Return what the painter is told of a field (6, H, W), see `Painter.forward`."""
    layers = (
        field.part == EYE_PART,
        field.part == MOUTH_PART,
        field.unseen,
        field.stretch / 2,
        *(2 * field.place.transpose(2, 0, 1)),
    )
    return np.stack(layers).astype(np.float32)


class Painter(nn.Module):
    """A U-Net at half the resolution, whose body knows the AUs."""

    def __init__(self, config: PainterConfig, n_aus: int) -> None:
        super().__init__()
        width, told = config.channels, TOLD
        self.embed = nn.Sequential(nn.Linear(2 * n_aus, told), nn.SiLU(), nn.Linear(told, told), nn.SiLU())
        self.enter = _conv(4 * (3 + HINTS), width)
        self.down1, self.down2 = _conv(width, 2 * width, 4, 2), _conv(2 * width, 4 * width, 4, 2)
        self.body = nn.ModuleList(_Modulated(4 * width, told) for _ in range(config.blocks))
        self.up1, self.merge1 = _conv(4 * width, 2 * width), _conv(4 * width, 2 * width)
        self.up2, self.merge2 = _conv(2 * width, width), _ModulatedConv(2 * width, width, told)
        self.leave = nn.Conv2d(width, 16, 3, 1, 1)
        if not self.leave.weight.is_meta:  # there normal_ loads torch's compiler, see `init_weights`
            nn.init.normal_(self.leave.weight, 0.0, 0.01)
        self.leave.bias = nn.Parameter(torch.zeros(16))

    def forward(self, moved: Tensor, hints: Tensor, y_from: Tensor, y_to: Tensor) -> Painted:
        """Return what is painted over W(I) `moved` (B, 3, H, W) in [-1, 1]; H and W are multiples of 8.

        `hints` (B, 6, H, W) tells of the warp: eyes, mouth, what the photo does not show (0 or 1), half of the
        stretch, and twice the place on the mean face. The AUs are (B, N).
        """
        told = self.embed(torch.cat([y_to, y_to - y_from], 1))
        h0 = self.enter(functional.pixel_unshuffle(torch.cat([moved, hints], 1), 2))  # (B, c, H/2, W/2)
        h1 = self.down1(h0)  # (B, 2c, H/4, W/4)
        h = self.down2(h1)  # (B, 4c, H/8, W/8)
        for block in self.body:
            h = block(h, told)
        h = self.merge1(torch.cat([self.up1(_twice(h)), h1], 1))
        h = self.merge2(torch.cat([self.up2(_twice(h)), h0], 1), told)
        out = functional.pixel_shuffle(self.leave(h), 2)  # (B, 4, H, W)
        hole = hints[:, EYE : MOUTH + 1].amax(1, keepdim=True)
        # A change of the moved photo on the skin, free in the holes.
        own = torch.atanh(moved.clamp(-0.98, 0.98)) * (1 - HOLE_FREEDOM * hole)
        color = torch.tanh(own + PAINT_STEP * out[:, :3])  # C
        attention = torch.sigmoid(MASK_STEP * out[:, 3:] + MASK_START)  # A
        return Painted((1 - attention) * color + attention * moved, attention, color)


class _Modulated(nn.Module):
    """x + F(x), its norm scaled and shifted by a condition."""

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        self.norm = nn.GroupNorm(GROUPS, width, affine=False)
        self.modulation = nn.Linear(told, 2 * width)
        nn.init.zeros_(self.second.weight)
        self.second.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """(B, C, H, W), (B, E) -> (B, C, H, W)."""
        y: Tensor = x + self.second(_film(self.norm(self.first(x)), self.modulation(told)))
        return y


class _ModulatedConv(nn.Module):
    """Convolution, norm, condition, SiLU."""

    def __init__(self, before: int, width: int, told: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, width, 3, 1, 1)
        self.norm = nn.GroupNorm(GROUPS, width, affine=False)
        self.modulation = nn.Linear(told, 2 * width)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """(B, before, H, W), (B, E) -> (B, width, H, W)."""
        return _film(self.norm(self.conv(x)), self.modulation(told))


def _film(h: Tensor, modulation: Tensor) -> Tensor:
    scale, shift = modulation[..., None, None].chunk(2, 1)
    return functional.silu(h * (1 + scale) + shift)


def _twice(h: Tensor) -> Tensor:
    return functional.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)


def _conv(before: int, width: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, width, kernel, stride, 1), nn.GroupNorm(GROUPS, width), nn.SiLU(inplace=True)
    )
