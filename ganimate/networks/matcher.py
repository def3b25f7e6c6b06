"""The matcher of Soft-Gated Warping-GAN (Dong et al., NeurIPS 2018), from persons and poses to faces and AUs.

Where the skin goes is regressed from features of the photo and from the wanted AUs, without landmarks: an affine map
first, then a thin-plate spline (Bookstein, PAMI 1989) of what that has moved, as by Rocco, Arandjelović and Sivic
(CVPR 2017).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ganimate.face.crop import border_fade
from ganimate.networks.blocks import ConvNorm, ModulatedBlock, identity_grid, warp

KNOTS = 9  # of the spline, a side: an eighth of the crop apart, so that brow and lid go different ways
FARTHEST = 0.2  # half crops: nothing on a face goes farther than a jaw that drops, by a tenth of the crop
REGIONS = 4  # a side, of what the regressions see of the features


class SplineMatcher(nn.Module):
    """Gives the flow W for a wanted change of AUs: an affine map, then a spline on a fixed grid of knots.

    Both are what the regression says of `y_to` beyond what it says of `y_from`, so that W is the identity where
    nothing is asked for, and fade to rest at the crop's border.
    """

    def __init__(self, channels: int, width: int, size_px: int, n_aus: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(n_aus, 2 * width), nn.ReLU(inplace=True), nn.Linear(2 * width, 2 * width))
        self.affine = Regression(channels, width, 6)
        self.spline = Regression(channels, width, 2 * KNOTS**2)
        self.register_buffer("_basis", torch.from_numpy(spline_basis(size_px, KNOTS)), persistent=False)
        self.register_buffer("_fade", torch.from_numpy(border_fade(size_px)), persistent=False)

    def forward(self, features: Tensor, y_from: Tensor, y_to: Tensor) -> Tensor:
        """Return the flow (B, 2, S, S) in units of `grid_sample` for features (B, C, H, W) and AUs (B, N)."""
        e_from, e_to = self.embed(y_from), self.embed(y_to)
        turned = self.affine(features, e_from, e_to)  # (B, 6)
        size = int(self.get_buffer("_fade").shape[-1])
        moved = warp(features, affine_flow(turned, identity_grid(features)))
        knots = self.spline(moved, e_from, e_to).unflatten(1, (2, -1))  # (B, 2, K²)
        with torch.autocast(features.device.type, enabled=False):
            bent = (knots @ self.get_buffer("_basis").T).unflatten(2, (size, size))  # (B, 2, S, S)
            flow = bent + affine_flow(turned, identity_grid(bent) + bent.permute(0, 2, 3, 1))
            faded: Tensor = flow * self.get_buffer("_fade")
            return faded


class Regression(nn.Module):
    """Numbers within ±FARTHEST from features and two conditions: what the second says beyond the first."""

    def __init__(self, channels: int, width: int, numbers: int) -> None:
        super().__init__()
        self.reduce = ConvNorm(channels, width, 3, 2)
        self.block = ModulatedBlock(width, 2 * width)
        self.head = nn.Linear(width * REGIONS**2, numbers, bias=False)  # a bias would fall out of the difference
        nn.init.zeros_(self.head.weight)  # begin with no motion

    def forward(self, features: Tensor, e_from: Tensor, e_to: Tensor) -> Tensor:
        """(B, C, H, W), (B, E), (B, E) -> (B, numbers) float32."""
        h = self.reduce(features)
        said = [self.head(functional.adaptive_avg_pool2d(self.block(h, e), REGIONS).flatten(1)) for e in (e_from, e_to)]
        return FARTHEST * torch.tanh(said[1].float() - said[0].float())


def affine_flow(numbers: Tensor, grid: Tensor) -> Tensor:
    """Return the flow (B, 2, H, W) of affine maps (B, 6), less the identity, at places (B or 1, H, W, 2)."""
    linear, shift = numbers[:, :4].view(-1, 2, 2), numbers[:, 4:]
    return torch.einsum("bij,bhwj->bihw", linear, grid.expand(len(numbers), -1, -1, -1)) + shift[..., None, None]


def spline_basis(size_px: int, knots: int) -> NDArray[np.float32]:
    """Return (size_px², knots²): how far each pixel goes along with each knot of a square grid over [-1, 1]².

    The thin-plate spline through the knots' ways is linear in these, as the knots themselves stay where they are.
    """
    line = np.linspace(-1, 1, knots)
    places = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    pixels = (np.arange(size_px) * 2 + 1) / size_px - 1
    grid = np.stack(np.meshgrid(pixels, pixels), -1).reshape(-1, 2)
    count = len(places)
    affine = np.column_stack([np.ones(count), places])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count], system[:count, count:], system[count:, :count] = _kernel(places, places), affine, affine.T
    weights = np.linalg.solve(system, np.eye(count + 3, count))  # (K² + 3, K²)
    return np.asarray(np.column_stack([_kernel(grid, places), np.ones(len(grid)), grid]) @ weights, np.float32)


def _kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the thin-plate kernel r² log r² (P, Q) between points (P, 2) and (Q, 2)."""
    squares = np.square(a[:, None] - b).sum(-1)
    kernel: NDArray[np.float64] = squares * np.log(np.maximum(squares, 1e-12))
    return kernel
