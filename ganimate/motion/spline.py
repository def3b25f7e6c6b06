"""The smooth flow that carries skin, lids, lips and teeth along with a face's landmarks: a thin-plate spline.

Bookstein, "Principal warps", PAMI 1989.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganimate.face.landmarks import (
    BROW_LIDS,
    LOWER_LIDS,
    LOWER_LIPS,
    OPENED,
    TEETH_SEEN,
    TEETH_SURE,
    UPPER_LIDS,
    UPPER_LIPS,
)
from ganimate.motion.room import smiling

BORDER_POINTS = 6  # fixed points on each side of the crop
# The brows' landmarks lie on their upper edges and the lids' inside the lashes; what belongs to them moves with them.
# So do the bags below the eyes: a spline that bends down to the upper lid would swing cheeks up by twice its way.
# Each companion: a landmark, the one that it is next to, and how far it lies on the way there.
_LID_CHEEKS = {36: 48, 41: 48, 40: 31, 39: 31, 42: 35, 47: 35, 46: 54, 45: 54}
_LID_BROWS = {36: 17, 37: 19, 38: 20, 39: 21, 42: 22, 43: 23, 44: 24, 45: 26}
# Of the way from brow to lid: what is above the first goes with the brow, what is below the second with the lid.
BROW_BODY, LID_BODY = 0.45, 0.8
COMPANIONS = tuple(
    (point, other, share)
    for pairs, share in (
        (BROW_LIDS, 0.1),
        (BROW_LIDS, 0.25),
        (BROW_LIDS, BROW_BODY),
        (_LID_BROWS, 1 - LID_BODY),
        (_LID_CHEEKS, 0.1),
        (_LID_CHEEKS, 0.25),
    )
    for point, other in pairs.items()
)
BETWEEN = tuple((brow, lid, share) for brow, lid in BROW_LIDS.items() for share in (0.55, 0.65, 0.75))
TEETH = tuple(
    (upper, lower, share) for upper, lower in zip(UPPER_LIPS, LOWER_LIPS, strict=True) for share in (0.35, 0.8)
)
TEETH_WITH_LIP = 0.5  # teeth that stay as skulls do would kink the spline at the lip
PULLED_APART = 0.02  # crop widths that brow and lid both go, away from each other: as far as a raised brow
FREE = 1e-7
# Smoothing of the spline: landmarks scatter by about a pixel; but so much at the lids would keep a blink from closing.
STIFFNESS, LID_STIFFNESS = 2e-3, 1e-4


def _border() -> Tensor:
    """Return points (K, 2) around the crop in units of `grid_sample`."""
    line = torch.linspace(-1, 1, BORDER_POINTS)
    low, high = torch.full_like(line, -1.0), torch.full_like(line, 1.0)
    sides = [torch.stack(pair, 1) for pair in ((line, low), (line, high), (low, line), (high, line))]
    corners_once: Tensor = torch.unique(torch.cat(sides), dim=0)
    return corners_once


def _knots(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return where landmarks (B, 68, 2) and the skin beside them go, from where (B, P, 2), and how stiffly (B, P).

    Where a lid closes below a raised brow, the spline alone would swing so far that it shows the iris above the lid:
    there the skin in between goes as far as both let it. Where an open mouth opens further, the upper teeth would be
    drawn out long: they stay near the upper lip. Elsewhere these places are free (of huge stiffness).
    """
    rows, others, shares = (list(column) for column in zip(*COMPANIONS, strict=True))
    beside = source[:, rows].lerp(source[:, others], source.new_tensor(shares)[:, None])
    back = source - target
    brows, lids, ways = (list(column) for column in zip(*BETWEEN, strict=True))
    way = source.new_tensor(ways)[:, None]
    between = source[:, brows].lerp(source[:, lids], way)
    between_back = back[:, brows].lerp(back[:, lids], (way - BROW_BODY) / (LID_BODY - BROW_BODY))
    apart = torch.minimum(back[:, brows, 1], -back[:, lids, 1]).clamp_min(0) / PULLED_APART  # (B, len(BETWEEN))
    teeth, teeth_back, bared = upper_teeth(source, target)
    stiffness = source.new_full((len(source), 68 + len(rows)), STIFFNESS)
    stiffness[:, UPPER_LIDS + LOWER_LIDS] = LID_STIFFNESS
    return (
        torch.cat([target, beside - back[:, rows], between - between_back, teeth - teeth_back], 1),
        torch.cat([back, back[:, rows], between_back, teeth_back], 1),
        torch.cat([stiffness, LID_STIFFNESS / torch.cat([apart, bared], 1).clamp(FREE, 1)], 1),
    )


def upper_teeth(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return places of upper teeth (B, T, 2), from where they go, and how sure it is that more is seen below (B, T)."""
    upper, lower, shares = (list(column) for column in zip(*TEETH, strict=True))
    gap, opened = ((face[:, lower] - face[:, upper]).norm(dim=-1) for face in (source, target))
    seen = ((gap - TEETH_SEEN) / (TEETH_SURE - TEETH_SEEN)).clamp(0, 1) * ((opened - gap) / OPENED).clamp(0, 1)
    seen = seen * (1 - smiling(source, target))[:, None]  # a smile bares more of them: they are drawn out
    places = source[:, upper].lerp(source[:, lower], source.new_tensor(shares)[:, None])
    return places, TEETH_WITH_LIP * (source - target)[:, upper], seen


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    """Return the thin-plate kernel r² log r² (B, P, Q) between points (B, P, 2) and (B, Q, 2).

    r² = |a|² − 2a·b + |b|² as one product of matrices: a third of the time of the differences.
    """
    ones_a, ones_b = torch.ones_like(a[..., :1]), torch.ones_like(b[..., :1])
    left = torch.cat([-2 * a, a.square().sum(-1, keepdim=True), ones_a], -1)  # (B, P, 4)
    right = torch.cat([b, ones_b, b.square().sum(-1, keepdim=True)], -1)  # (B, Q, 4)
    squares = (left @ right.transpose(1, 2)).clamp_min(1e-9)
    kernel: Tensor = squares * squares.log()
    return kernel


def _solve(system: Tensor, right: Tensor) -> Tensor:
    """Return the solutions (B, P, C) of systems (B, P, P) for right sides (B, P, C), found in double precision."""
    solver = torch.device("cpu") if system.device.type == "mps" else system.device  # MPS has no double precision
    a, b = system.to(solver).double(), right.to(solver).double()
    # One by one: several at once, after torch.set_num_threads, end in MKL's errors (pytorch/pytorch#142815).
    apart = solver.type == "cpu"
    found: Tensor = torch.stack(list(map(torch.linalg.solve, a, b))) if apart else torch.linalg.solve(a, b)
    return found.to(right)


def spline_flow(source: Tensor, target: Tensor, size: int) -> Tensor:
    """Return the backward flow (B, 2, size, size), in units of `grid_sample`, that moves `source` onto `target`.

    Both are landmarks (B, 68, 2) in crop widths. A thin-plate spline (Bookstein, PAMI 1989), smoothed a little,
    takes the value source − target at the target's place and 0 around the border of the crop.
    """
    points, back, stiffness = _knots(source, target)
    border = _border().to(target)[None].expand(len(target), -1, -1)
    places = torch.cat([(points * 2 - 1).clamp(-1.2, 1.2), border], 1)  # (B, P, 2)
    values = torch.cat([back * 2, torch.zeros_like(border)], 1)
    count = places.shape[1]
    affine = torch.cat([torch.ones_like(places[..., :1]), places], -1)  # (B, P, 3)
    system = places.new_zeros(len(places), count + 3, count + 3)
    stiffness = torch.cat([stiffness, stiffness.new_full(border.shape[:2], STIFFNESS)], 1)
    system[:, :count, :count] = _kernel(places, places) + torch.diag_embed(stiffness)
    system[:, :count, count:] = affine
    system[:, count:, :count] = affine.transpose(1, 2)
    right = torch.cat([values, values.new_zeros(len(values), 3, 2)], 1)
    weights = _solve(system, right)  # (B, P+3, 2)
    line = (torch.arange(size) * 2 + 1).to(target) / size - 1
    grid = torch.stack(torch.meshgrid(line, line, indexing="ij")[::-1], -1).reshape(1, -1, 2)
    grid = grid.expand(len(places), -1, -1)  # (B, size², 2)
    flow: Tensor = _kernel(grid, places) @ weights[:, :count]
    flow = flow + torch.cat([torch.ones_like(grid[..., :1]), grid], -1) @ weights[:, count:]
    return flow.transpose(1, 2).reshape(-1, 2, size, size)
