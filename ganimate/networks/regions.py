"""Critics of small regions, which say whether a mouth, or brows and eyes, are those of a photo with such AUs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from ganimate.config import RegionConfig
from ganimate.face.landmarks import BROWS, EYES, MOUTH, NOSE_ROOT


@dataclass(frozen=True)
class Region:
    """A window of fixed size, in crop widths, around the middle of some landmarks."""

    points: Sequence[int]
    width: float
    height: float

    def cut(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Return the window (B, C, h, w) of images (B, C, S, S) at landmarks (B, 68, 2), at the crop's resolution.

        h and w are multiples of 8. What lies outside of the crop is its border repeated.
        """
        size = images.shape[-1]
        height, width = (8 * max(1, round(extent * size / 8)) for extent in (self.height, self.width))
        rows, columns = (
            (torch.arange(n, device=images.device, dtype=torch.float32) - (n - 1) / 2) / size for n in (height, width)
        )
        window = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], -1)  # (h, w, 2), x first
        centre = landmarks[:, list(self.points)].float().mean(1)  # (B, 2)
        grid = 2 * (centre[:, None, None] + window) - 1
        return functional.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)


def detail(images: Tensor) -> Tensor:
    """Return what is finer than teeth and folds in images (B, 3, H, W), without colour: (B, 1, H, W), mean about 0.

    AUs and light go together in the photos: a critic that sees colour, or large shadows, teaches that who frowns is
    pink, as the studio's frowning people are.
    """
    grey = images.float().mean(1, keepdim=True)  # all channels alike, so that its gradient has no tint
    reach = round(FINEST_SHADE * images.shape[-1] / 2)
    smooth = grey
    for window, pad in (((2 * reach + 1, 1), (reach, 0)), ((1, 2 * reach + 1), (0, reach))) * 2:
        smooth = functional.avg_pool2d(smooth, window, 1, pad, count_include_pad=False)  # two boxes are nearly a bell
    return grey - smooth


FINEST_SHADE = 0.1  # crop widths, of the box

# Where what the AUs paint is to be seen: teeth and folds beside the mouth; lids and the folds between the brows.
REGIONS = (
    Region(MOUTH, 0.5, 0.4375),
    Region([*BROWS, NOSE_ROOT, *EYES], 0.6875, 0.375),
)


class RegionCritic(nn.Module):
    """A score for each patch of a region, given the AUs (projection; Miyato and Koyama, ICLR 2018).

    Small and spectrally normalised: it sees some forty pixels of a face, and must not win.
    """

    def __init__(self, config: RegionConfig, n_aus: int) -> None:
        super().__init__()
        widths = [1, config.channels, 2 * config.channels, 4 * config.channels]
        self.layers = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, 2, 1)) for a, b in itertools.pairwise(widths))
        self.mix = spectral_norm(nn.Conv2d(widths[-1], widths[-1], 3, 1, 1))
        self.score = spectral_norm(nn.Conv2d(widths[-1], 1, 1))
        self.embed = spectral_norm(nn.Linear(n_aus, widths[-1]))

    def forward(self, patch: Tensor, aus: Tensor) -> Tensor:
        """Return scores (B, P) of patches (B, 1, h, w) of the detail of faces that show AUs (B, N)."""
        h = patch
        for layer in self.layers:
            h = functional.leaky_relu(layer(h), 0.2)
        h = functional.leaky_relu(self.mix(h), 0.2)  # (B, C, h/8, w/8)
        fitting = (h * self.embed(2 * aus - 0.5)[:, :, None, None]).sum(1)
        scores: Tensor = (self.score(h)[:, 0] + fitting).flatten(1).float()
        return scores


class RegionCritics(nn.ModuleList):
    """One critic for each of REGIONS."""

    def __init__(self, config: RegionConfig, n_aus: int) -> None:
        super().__init__(RegionCritic(config, n_aus) for _ in REGIONS)

    def score(self, images: Tensor, landmarks: Tensor, aus: Tensor) -> Tensor:
        """Return all scores (B, P) of faces (B, 3, S, S) at landmarks (B, 68, 2), said to show AUs (B, N)."""
        fine, pairs = detail(images), zip(self, REGIONS, strict=True)
        return torch.cat([critic(region.cut(fine, landmarks), aus) for critic, region in pairs], 1)
