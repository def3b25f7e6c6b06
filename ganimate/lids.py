"""Lids that shut: an eyeball is not squeezed between them, they slide over it.

A smooth warp presses the whole eye into the seam of a blink, where its white shows as a bright thread. So, before it is
moved, the open eye is covered by the skin below it, as far as the eye is about to shut, and the upper lid is edged with
the line of lashes that a shut eye shows: without it, fair people's eyes vanish.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ganimate.contours import rise
from ganimate.faces import Image

EYES = ([36, 37, 38, 39, 41, 40], [42, 43, 44, 45, 47, 46])  # corner, upper lid, corner, lower lid: left to right
COVERED_FROM, COVERED_AT = 0.5, 0.9  # share of the opening that is gone, from which skin begins to cover it, and all
# In widths of the eye: landmarks lie on the lids' inner edges, and the wet rim and the lower lashes are just outside.
LOWER_RIM, UPPER_RIM = 0.09, 0.0
LASHES, LASH_SHADE = (
    0.08,
    0.5,
)  # widths of the eye that the line of lashes is high, and how bright it is beside the skin
LEAST_WIDTH_PX = 1.0
LEAST_FOLLOWED = 0.6  # of the way, below which nothing is covered
LEAST_GAP = 0.1  # widths between two landmarks of a lid, along the eye
WINDOW_REACH = 0.3  # of its width, around the eye


@dataclass(frozen=True)
class Lids:
    """How far, in [0, 1], skin covers both eyes (2,) of a face with landmarks (68, 2) in pixels of its photo."""

    landmarks: NDArray[np.float32]
    share: NDArray[np.float32]

    def cover(self, photo: Image) -> None:
        """Cover the eyes in a photo (H, W, 3) in place."""
        for number, eye in enumerate(EYES):
            around = self._window(eye, photo.shape)
            part = photo[around]
            if not self.share[number] or not part.size:
                continue
            points = torch.from_numpy(self.landmarks - [around[1].start, around[0].start])[None].float()
            share = torch.zeros(1, 2)
            share[0, number] = float(self.share[number])
            image = torch.from_numpy(np.ascontiguousarray(part, np.float32)).permute(2, 0, 1)[None]
            photo[around] = (
                cover_eyes(image, points, share, black=0)[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()
            )

    def weakened(self, strength: float) -> Lids:
        """Return the same, as far as `strength` in [0, 1]."""
        return Lids(self.landmarks, self.share * np.float32(strength))

    def _window(self, eye: list[int], shape: tuple[int, ...]) -> tuple[slice, slice]:
        points = self.landmarks[eye]
        reach = np.ptp(points, axis=0).max() * WINDOW_REACH + 2
        low, high = np.floor(points.min(0) - reach), np.ceil(points.max(0) + reach) + 1
        left, top, right, bottom = (int(v) for v in (*np.maximum(low, 0), *np.minimum(high, [shape[1], shape[0]])))
        return slice(top, max(top, bottom)), slice(left, max(left, right))


def covered(points: Tensor, goal: Tensor) -> Tensor:
    """Return how far each eye (B, 2) is covered, in [0, 1], when landmarks (B, 68, 2) go to `goal`."""
    gone = torch.stack([1 - _opening(goal, eye) / _opening(points, eye).clamp_min(1e-6) for eye in EYES], 1)
    return rise(gone, COVERED_FROM, COVERED_AT)


def followed(flow: Tensor, wanted: Tensor, goal: Tensor) -> Tensor:
    """Return how far, in [0, 1], the lids of each eye (B, 2) go where a flow wants them if it is held back to another.

    Flows (B, 2, H, W) are backward; they are compared at the lids of `goal` (B, 68, 2), in crop widths. Lids that rims
    of glasses hold apart leave the eye open: skin must not cover it.
    """
    places = torch.stack([goal[:, eye[1:3]] for eye in EYES], 1) * 2 - 1  # (B, 2, 2, 2)
    real, ideal = (functional.grid_sample(part.float(), places, align_corners=False) for part in (flow, wanted))
    share: Tensor = real.norm(dim=1).sum(-1) / ideal.norm(dim=1).sum(-1).clamp_min(1e-6)
    return ((share - LEAST_FOLLOWED) / (1 - LEAST_FOLLOWED)).clamp(0, 1)


def cover_eyes(image: Tensor, points: Tensor, share: Tensor, black: float = -1) -> Tensor:
    """Return images (B, 3, H, W) with their eyes covered by skin, as far as `share` (B, 2) says, and lashes above.

    `points` (B, 68, 2) are landmarks in pixels: (0, 0) is the centre of the first. `black` is that of the images.
    """
    height, width = image.shape[-2:]
    rows, columns = (torch.arange(count, device=image.device, dtype=torch.float32) for count in (height, width))
    place = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], -1)  # (H, W, 2)
    scale = 2 / place.new_tensor([width, height])
    for column, eye in enumerate(EYES):
        if not share[:, column].any():
            continue
        below, inside, lashes = _cover(place, points[:, eye].float())
        skin = functional.grid_sample(
            image.float(), (below + 0.5) * scale - 1, mode="bilinear", padding_mode="border", align_corners=False
        )
        strength = share[:, column, None, None, None]
        image = torch.lerp(image.float(), skin, inside[:, None] * strength)
        image = torch.lerp(image, black + LASH_SHADE * (image - black), lashes[:, None] * strength).to(image.dtype)
    return image


def _opening(points: Tensor, eye: list[int]) -> Tensor:
    """Return how far an eye's lids are apart (B,)."""
    gap: Tensor = (points[:, eye[4:]] - points[:, eye[1:3]]).norm(dim=-1).mean(1)
    return gap


def _cover(place: Tensor, eye: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return where the skin lies that comes over each place (H, W, 2), (B, H, W, 2), what is open, and the lashes.

    The latter are (B, H, W) in [0, 1].

    `eye` (B, 6, 2) are corner, two of the upper lid, corner, two of the lower lid. All is reckoned in the eye's own
    axes: along it, from corner to corner, and across it, downwards.
    """
    start, along = eye[:, :1], eye[:, 3:4] - eye[:, :1]  # (B, 1, 2)
    width = along.norm(dim=-1, keepdim=True).clamp_min(LEAST_WIDTH_PX)
    along = along / width
    axes = torch.stack([along, torch.stack([-along[..., 1], along[..., 0]], -1)], -1)[:, 0]  # (B, 2, 2), columns
    corners = ((eye - start) / width) @ axes  # (B, 6, 2)
    own = ((place[None] - start[:, :, None]) / width[:, :, None]) @ axes[:, None]  # (B, H, W, 2)
    u, v = own[..., 0], own[..., 1]
    bow = (4 * u * (1 - u)).clamp_min(0).sqrt()
    upper = _line(u, corners[:, [0, 1, 2, 3]]) - UPPER_RIM * bow
    lower = _line(u, corners[:, [0, 4, 5, 3]]) + LOWER_RIM * bow
    pixel = 1 / width
    inside = ((v - upper) / pixel + 0.5).clamp(0, 1) * ((lower - v) / pixel + 0.5).clamp(0, 1)
    inside = inside * ((u >= 0) & (u <= 1))
    over = (v - upper + LASHES / 2) / (LASHES / 2)  # 0 in the middle of the line
    lashes = (1 - over.square()).clamp_min(0) * bow * ((u >= 0) & (u <= 1))
    below = torch.stack([u, lower], -1) @ axes[:, None].transpose(-1, -2) * width[:, :, None] + start[:, :, None]
    return below, inside, lashes


def _line(u: Tensor, corners: Tensor) -> Tensor:
    """Return the height (B, H, W) at `u` of the cubic through four points (B, 4, 2) of a lid: lids have no corners."""
    inside = u.clamp(0, 1)
    height = torch.zeros_like(u)
    for here in range(4):
        basis = torch.ones_like(u)
        for other in range(4):
            if other != here:
                gap = (corners[:, here, 0] - corners[:, other, 0])[:, None, None]
                gap = torch.where(gap.abs() < LEAST_GAP, torch.full_like(gap, LEAST_GAP), gap)
                basis = basis * (inside - corners[:, other, 0, None, None]) / gap
        height = height + corners[:, here, 1, None, None] * basis
    return height
