"""The mesh reader: 478 points in 3-D from an upright crop of a face.

The points are those of MediaPipe Face Mesh (Kartynnik et al., 2019), whose reader taught this one. A trunk of
bottleneck blocks (He et al., CVPR 2016) regresses all points from its last map; then eyes with brows, lips, and outline
with nose look again, each at the features under its own points (as in Attention Mesh; Grishchenko et al., 2020), and
correct them together.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ganimate.config import MeshReaderConfig
from ganimate.face.mesh.topology import (
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    LEFT_LID_SKIN,
    LIPS_BETWEEN,
    LIPS_INNER,
    LIPS_OUTER,
    NOSE,
    OVAL,
    POINTS,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
    RIGHT_LID_SKIN,
)

# What looks again, and is corrected as a whole.
CORRECTED = (
    RIGHT_EYE + RIGHT_LID_SKIN + RIGHT_BROW + RIGHT_IRIS,
    LEFT_EYE + LEFT_LID_SKIN + LEFT_BROW + LEFT_IRIS,
    LIPS_OUTER + LIPS_INNER + LIPS_BETWEEN,
    OVAL + NOSE,
)
DETAIL, CONTEXT, HIDDEN = 24, 64, 96  # features under a point, of the whole face, and between
CORRECTION_STEP = 0.1  # of what a correction says: it begins small beside the points themselves


@dataclass(frozen=True)
class ReadMesh:
    """What a mesh reader says of B crops.

    `points` (B, 478, 3) float32: x and y from -1 to 1 across the crop, z in the same unit, smaller is nearer. `coarse`
    (B, 478, 3) is the same before the second look. `face` (B,) is the logit of there being a face at all.
    """

    points: Tensor
    coarse: Tensor
    face: Tensor


class MeshReader(nn.Module):
    """Reads the mesh of an upright face, or of one turned by up to 45 degrees."""

    def __init__(self, config: MeshReaderConfig) -> None:
        super().__init__()
        fine, middle, coarse = config.width, 2 * config.width, 4 * config.width
        self.stem = nn.Sequential(_conv(3, 24, 5, 2), nn.SiLU(), _conv(24, fine, 3, 2), nn.SiLU())
        self.fine = nn.Sequential(*(_Bottleneck(fine) for _ in range(2)))
        self.middle = nn.Sequential(_conv(fine, middle, 3, 2), nn.SiLU(), *(_Bottleneck(middle) for _ in range(3)))
        self.coarse = nn.Sequential(_conv(middle, coarse, 3, 2), nn.SiLU(), *(_Bottleneck(coarse) for _ in range(4)))
        self.gather = nn.Sequential(
            _conv(coarse, middle, 3, 2),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(middle * (config.size_px // 32) ** 2, 256),
            nn.SiLU(),
        )
        self.points = nn.Linear(256, POINTS * 3)
        self.certainty = nn.Linear(256, 1)
        self.lateral = nn.Conv2d(middle, DETAIL, 1)
        self.detail = nn.Conv2d(fine, DETAIL, 1)
        self.corrections = nn.ModuleList(
            nn.Sequential(
                nn.Linear(len(part) * (DETAIL + 3) + CONTEXT, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, len(part) * 3)
            )
            for part in CORRECTED
        )
        self.context = nn.Linear(256, CONTEXT)

    def forward(self, image: Tensor) -> ReadMesh:
        """Return the meshes of crops (B, 3, S, S) in [-1, 1], S as in the config."""
        fine = self.fine(self.stem(image))  # (B, C, S/4, S/4)
        middle = self.middle(fine)  # (B, 2C, S/8, S/8)
        whole = self.gather(self.coarse(middle))  # (B, 256)
        coarse = self.points(whole).view(-1, POINTS, 3).float()
        wide = functional.interpolate(self.lateral(middle), scale_factor=2, mode="bilinear", align_corners=False)
        features = (self.detail(fine) + wide).float()  # (B, 24, S/4, S/4)
        context = self.context(whole)
        points = coarse.clone()
        for part, correction in zip(CORRECTED, self.corrections, strict=True):
            own = coarse[:, part]  # (B, P, 3)
            places = own[:, None, :, :2].detach()
            seen = functional.grid_sample(features, places, align_corners=False, padding_mode="border")[:, :, 0]
            told = torch.cat([seen.transpose(1, 2), own.detach()], -1).flatten(1)  # (B, P·27)
            change = correction(torch.cat([told, context], 1)).view(own.shape).float()
            points[:, part] = own + CORRECTION_STEP * change
        return ReadMesh(points, coarse, self.certainty(whole)[:, 0].float())


class _Bottleneck(nn.Module):
    """x + F(x) through half the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.mix = nn.Sequential(
            _conv(width, half, 1, 1),
            nn.SiLU(inplace=True),
            _conv(half, half, 3, 1),
            nn.SiLU(inplace=True),
            _conv(half, width, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) -> the same shape."""
        return functional.silu(x + self.mix(x))


def _conv(before: int, width: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, width, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(width))


@torch.no_grad()
def prime(reader: MeshReader, mean: Tensor) -> None:
    """Let a fresh reader begin with the mean face (478, 3) whatever it sees, no correction, and nearly plain blocks."""
    nn.init.zeros_(reader.points.weight)
    reader.points.bias.copy_(mean.reshape(-1))
    for correction in reader.corrections:
        last = cast(nn.Linear, cast(nn.Sequential, correction)[-1])
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    for block in reader.modules():
        if isinstance(block, _Bottleneck):
            norm = cast(nn.Sequential, block.mix[-1])[1]
            nn.init.constant_(cast(Tensor, norm.weight), 0.2)


def folded(reader: MeshReader) -> MeshReader:
    """Return a copy that only reads: its norms are folded into the convolutions before them, which saves their time."""
    reader = copy.deepcopy(reader).eval()
    for module in list(reader.modules()):
        if isinstance(module, nn.Sequential) and len(module) == 2 and isinstance(module[1], nn.BatchNorm2d):
            convolution = module[0]
            assert isinstance(convolution, nn.Conv2d)
            module[0], module[1] = fuse_conv_bn_eval(convolution, module[1]), nn.Identity()
    return reader
