"""How action units move a face: landmarks of one person in several expressions, and the smooth flow between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# The mirror image of each of the 68 landmarks (iBUG order).
MIRROR = np.array(
    [
        *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1),
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
        *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
    ]
)  # fmt: skip
# Where each action unit's muscle can move the skin; elsewhere its slope is chance correlation and is set to 0.
_BROWS, _EYES = [*range(17, 27)], [*range(36, 48)]
_JAW, _NOSE, _MOUTH = [*range(0, 17)], [*range(27, 36)], [*range(48, 68)]
REACH = {
    1: _BROWS + _EYES, 2: _BROWS + _EYES, 4: _BROWS + _EYES, 5: _EYES, 6: _EYES, 7: _EYES, 45: _EYES,
    9: _BROWS + _EYES + _NOSE + _MOUTH, 26: _JAW + _MOUTH,
}  # fmt: skip
_LOWER_FACE = _JAW + _NOSE + _MOUTH
BORDER_POINTS = 6  # fixed points on each side of the crop
# The brows' landmarks lie on their upper edges and the lids' inside the lashes; what belongs to them moves with them.
COMPANIONS = ((_BROWS, 0.022), ([37, 38, 43, 44], -0.015))  # crop widths further down
STIFFNESS = 2e-3  # smoothing of the spline: landmarks scatter by about a pixel


@dataclass(frozen=True)
class LandmarkResponse:
    """A linear map from a change of AUs to a displacement of the landmarks, in crop widths.

    `slopes` is (N, 68, 2). It is fitted within persons, so that faces of different shape do not enter, and it
    disentangles: the slope of AU 12 is what 12 does while the other AUs stay.
    """

    slopes: NDArray[np.float32]

    def displacement(self, y_from: NDArray[np.float32], y_to: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the displacement (..., 68, 2) in crop widths for a change of AUs (..., N)."""
        return np.tensordot(y_to - y_from, self.slopes, axes=1).astype(np.float32)


def fit_response(
    landmarks: NDArray[np.floating],
    aus: NDArray[np.floating],
    persons: NDArray[np.integer],
    numbers: Sequence[int],
    ridge: float = 1.0,
) -> LandmarkResponse:
    """Return the response fitted on photos (n) of several persons: landmarks (n, 68, 2) in crop widths, aus (n, N).

    `numbers` are the AUs of the N columns: an AU moves only what its muscle reaches. Ridge regression on deviations
    from each person's mean; photos of nobody known (person < 0) are left out, and where all are, nothing moves. Left
    and right are made symmetric, as AUs of this table have no side.
    """
    points = landmarks.reshape(len(landmarks), -1).astype(np.float64)
    rows = [np.zeros((0, aus.shape[1]))]
    moves = [np.zeros((0, points.shape[1]))]
    for person in np.unique(persons[persons >= 0]):
        own = persons == person
        rows.append((aus[own] - aus[own].mean(0)).astype(np.float64))
        moves.append(points[own] - points[own].mean(0))
    x, d = np.concatenate(rows), np.concatenate(moves)
    slopes = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ d).reshape(-1, 68, 2)
    mirrored = slopes[:, MIRROR] * np.array([-1.0, 1.0])
    reach = np.zeros((len(numbers), 68, 1))
    for row, number in enumerate(numbers):
        reach[row, REACH.get(number, _LOWER_FACE)] = 1
    return LandmarkResponse((reach * (slopes + mirrored) / 2).astype(np.float32))


def _border() -> Tensor:
    """Return points (K, 2) around the crop in units of `grid_sample`."""
    line = torch.linspace(-1, 1, BORDER_POINTS)
    low, high = torch.full_like(line, -1.0), torch.full_like(line, 1.0)
    sides = [torch.stack(pair, 1) for pair in ((line, low), (line, high), (low, line), (high, line))]
    corners_once: Tensor = torch.unique(torch.cat(sides), dim=0)
    return corners_once


def _with_companions(landmarks: Tensor) -> Tensor:
    """Return landmarks (B, 68, 2) and the points that move as they do (B, 82, 2)."""
    extra = [landmarks[:, rows] + landmarks.new_tensor([0.0, down]) for rows, down in COMPANIONS]
    return torch.cat([landmarks, *extra], 1)


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    """Return the thin-plate kernel r² log r² (B, P, Q) between points (B, P, 2) and (B, Q, 2)."""
    squares: Tensor = (a[:, :, None] - b[:, None]).square().sum(-1)
    return squares * torch.log(squares + 1e-9)


def spline_flow(source: Tensor, target: Tensor, size: int) -> Tensor:
    """Return the backward flow (B, 2, size, size), in units of `grid_sample`, that moves `source` onto `target`.

    Both are landmarks (B, 68, 2) in crop widths. A thin-plate spline (Bookstein, PAMI 1989), smoothed a little,
    takes the value source − target at the target's place and 0 around the border of the crop.
    """
    source, target = _with_companions(source), _with_companions(target)
    border = _border().to(target)[None].expand(len(target), -1, -1)
    places = torch.cat([(target * 2 - 1).clamp(-1.2, 1.2), border], 1)  # (B, P, 2)
    values = torch.cat([(source - target) * 2, torch.zeros_like(border)], 1)
    count = places.shape[1]
    affine = torch.cat([torch.ones_like(places[..., :1]), places], -1)  # (B, P, 3)
    system = places.new_zeros(len(places), count + 3, count + 3)
    system[:, :count, :count] = _kernel(places, places) + STIFFNESS * torch.eye(count).to(places)
    system[:, :count, count:] = affine
    system[:, count:, :count] = affine.transpose(1, 2)
    right = torch.cat([values, values.new_zeros(len(values), 3, 2)], 1)
    solver = torch.device("cpu") if target.device.type == "mps" else target.device  # MPS has no double precision
    weights = torch.linalg.solve(system.to(solver).double(), right.to(solver).double()).to(target)  # (B, P+3, 2)
    line = (torch.arange(size) * 2 + 1).to(target) / size - 1
    grid = torch.stack(torch.meshgrid(line, line, indexing="ij")[::-1], -1).reshape(1, -1, 2)
    grid = grid.expand(len(places), -1, -1)  # (B, size², 2)
    flow: Tensor = _kernel(grid, places) @ weights[:, :count]
    flow = flow + torch.cat([torch.ones_like(grid[..., :1]), grid], -1) @ weights[:, count:]
    return flow.transpose(1, 2).reshape(-1, 2, size, size)
