"""Upper teeth, drawn where a closed mouth opens: a generator's 128 pixels have too few of them for teeth.

Sizes are those of an adult's (Wheeler's Dental Anatomy: crowns of 8.5, 6.5 and 7.5 mm), seen from the front.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganimate.motion.contours import rise

MM = 0.278 / 63  # crop widths: eyes are 63 mm apart in the mean
# From the midline outwards: how wide each tooth looks from the front, further ones being turned away, and how far down
# its edge comes beside that of the first.
WIDTHS_MM = (8.5, 6.3, 6.3, 5.0, 4.0, 3.5)
LENGTHS = (1.0, 0.88, 0.98, 0.86, 0.8, 0.76)
CROWN_MM = 10.5
FLAT = 0.5  # of the bend of the upper lip, that the row of teeth does without
ROUND, SQUARE = 0.13, 5  # of the crown: how far a tooth's corners are rounded, and how late
SPLIT, SPLIT_MM = 0.16, 0.35  # how much darker it is between two teeth, and how wide
BULGE, BULGE_POWER = 0.14, 3  # enamel bulges: how much darker a tooth is at its sides, and how late
SOFT_MM = 0.6  # lenses and wet enamel are softer than pixels
LIP_SHADE, LIP_SHADE_MM = 0.4, 6.0  # the upper lip's shadow
# Towards the corners it grows dark: brightness along the mouth of 435 smiles, .92 in the middle, .68 at a sixth, .32 at
# the end.
CORNER_SHADE, CORNER_POWER = 0.72, 4


def draw_teeth(
    place: Tensor,
    middle: Tensor,
    halves: Tensor,
    lip: Tensor,
    lip_middle: Tensor,
    along: Tensor,
    shown: Tensor,
    pixel: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return where upper teeth are (B, H, W) in [0, 1], their brightness (B, H, W), and their lower edge (B, H, W).

    `place` (H, W, 2) or (B, H, W, 2), in crop widths; `middle` (B,) is the midline, `halves` (B, 2) how wide the mouth
    is left and right of it; `lip` (B, H, W) is the height of the upper lip above each place and `lip_middle` (B,) that
    at the midline; `along` (B, H, W) the way from corner to corner, 0 to 1; `shown` (B,) the share of the crowns that
    lips leave free; `pixel` is the width of a pixel of the picture.
    """
    x, y = place[..., 0], place[..., 1]
    pixel = max(pixel, SOFT_MM * MM)
    u = x - middle[:, None, None]
    turned = (halves / halves.mean(1, keepdim=True).clamp_min(1e-3)).clamp(0.4, 1.4)[:, :, None, None]
    out = u.abs() / torch.where(u < 0, turned[:, 0], turned[:, 1])
    length, split, inner = torch.zeros_like(out), torch.ones_like(out), 0.0
    soft = max(pixel / 2, SPLIT_MM * MM)
    depth = SPLIT * SPLIT_MM * MM / soft
    for width, reach in zip(WIDTHS_MM, LENGTHS, strict=True):
        outer = inner + width * MM
        across = (2 * (out - inner) / (outer - inner) - 1).clamp(-1, 1)
        here = ((out >= inner) & (out < outer)).to(out)
        length = length + here * (reach - ROUND * across.abs() ** SQUARE)
        split = split - depth * torch.exp(-(((out - outer) / soft) ** 2)) - here * BULGE * across.abs() ** BULGE_POWER
        inner = outer
    split = split - depth * torch.exp(-((out / soft) ** 2))
    edge = torch.lerp(lip, lip_middle[:, None, None], FLAT) + CROWN_MM * MM * length * shown[:, None, None]
    shade = 1 - LIP_SHADE * (1 - rise(y - lip, 0, LIP_SHADE_MM * MM))
    shade = shade * (1 - CORNER_SHADE * (2 * along - 1).abs() ** CORNER_POWER) * split
    seen = ((edge - y) / pixel + 0.5).clamp(0, 1) * (length > 0)
    return seen, shade, edge
