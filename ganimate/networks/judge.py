"""The judge: which AUs does a face show, asked of a network that no generator was ever trained against.

Kept unlike the critic on purpose (residual blocks, batch norm, SiLU, a head that knows places): whatever fools the
critic has no reason to fool this one. Residual blocks after He et al., CVPR 2016.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from ganimate.config import JudgeConfig


@dataclass(frozen=True)
class JudgeReading:
    """`aus` (B, N) float32, about 0 to 1 but not clamped; `features` (B, F) float32, what the AUs were read from."""

    aus: Tensor
    features: Tensor


class Judge(nn.Module):
    """A stem of stride 4, stages of residual blocks at 1/4, 1/8, 1/16 and 1/32, and a linear head.

    Crops are aligned, so the last map is read place by place: a wrinkle between the brows is none at the chin.
    """

    def __init__(self, config: JudgeConfig, n_aus: int) -> None:
        super().__init__()
        widths = config.widths
        self.stem = nn.Sequential(_conv(3, widths[0] // 2, 5, 2), nn.SiLU(), _conv(widths[0] // 2, widths[0], 3, 2))
        stages = [_Residual(widths[0], widths[0])]
        for before, width in pairwise(widths):
            stages += [_Residual(before, width, 2), _Residual(width, width)]
        self.stages = nn.Sequential(*stages)
        self.gather = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(widths[-1], config.features, config.size_px // 32, bias=False),
            nn.BatchNorm2d(config.features),
        )
        self.dropout = nn.Dropout(config.dropout)
        self.au_head = nn.Linear(config.features, n_aus)

    def maps(self, image: Tensor) -> list[Tensor]:
        """Return the features of images (B, 3, H, W) of any size, fine to coarse, at 1/4 to 1/16."""
        found = [self.stem(image)]
        for stage in list(self.stages)[:-2]:
            found.append(stage(found[-1]))
        return found[1::2]

    def forward(self, image: Tensor) -> JudgeReading:
        """Return the reading of images (B, 3, S, S) in [-1, 1], S as in the config."""
        h = self.stages(self.stem(image))  # (B, C, S/32, S/32)
        features = functional.silu(self.gather(h).flatten(1))  # (B, F)
        return JudgeReading(self.au_head(self.dropout(features)).float(), features.float())


class _Residual(nn.Module):
    """x + F(x), both activated first; the first convolution may halve the size."""

    def __init__(self, before: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _conv(before, width, 3, stride)
        self.second = _conv(width, width, 3, 1)
        self.skip = nn.Sequential(nn.AvgPool2d(stride), _conv(before, width, 1, 1)) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, H, W) -> (B, width, H/stride, W/stride)."""
        x = functional.silu(x)
        y: Tensor = self.skip(x) + self.second(functional.silu(self.first(x)))
        return y


def _conv(before: int, width: int, kernel: int, stride: int) -> nn.Sequential:
    """Return a convolution and its batch norm."""
    return nn.Sequential(nn.Conv2d(before, width, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(width))
