"""Lids that shut: an eyeball is not squeezed between them, they slide over it.

A smooth warp presses the whole eye between lids that come together: irises become ovals, and the white of an eye stays
in the seam of a blink as a bright thread. So, before it is moved, the eye is drawn out as far as the warp will press
it: only its lower part stays in sight, and skin covers it where it is about to shut. The upper lid is edged with the
line of lashes that a shut eye shows: without it, fair people's eyes vanish.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ganimate.face.crop import Image
from ganimate.face.landmarks import CLOSED
from ganimate.motion.contours import rise

# Of each eye: corner, upper lid, corner, lower lid; left to right.
EYE_OUTLINES = ([36, 37, 38, 39, 41, 40], [42, 43, 44, 45, 47, 46])
COVERED_FROM, COVERED_AT = 0.75, 0.95  # share of the opening that is gone, from which skin covers what is left, and all
# In widths of the eye: landmarks lie on the lids' inner edges, and the wet rim and the lower lashes are just outside.
LOWER_RIM, UPPER_RIM = 0.09, 0.0
# The line of lashes: its height in widths of the eye, how bright it is beside the skin, and of which share of the
# opening must be gone until it begins to show, and shows.
LASHES, LASH_SHADE = 0.12, 0.62
LASHES_FROM, LASHES_AT = 0.3, 0.9
MIRRORED = 0.5  # skin that covers the eye is what lies below it, mirrored, at this height
LEAST_WIDTH_PX = 1.0
LEAST_GAP = 0.1  # widths between two landmarks of a lid, along the eye
WINDOW_REACH = 0.3  # of its width, around the eye


@dataclass(frozen=True)
class Lids:
    """How much, in [0, 1], both eyes (2,) of a face close, with landmarks (68, 2) in pixels of its photo."""

    landmarks: NDArray[np.float32]
    share: NDArray[np.float32]

    def cover(self, photo: Image) -> None:
        """Prepare the eyes in a photo (H, W, 3), in place, for the warp that closes them."""
        for number, eye in enumerate(EYE_OUTLINES):
            around = self._window(eye, photo.shape)
            part = photo[around]
            if not self.share[number] or not part.size:
                continue
            points = torch.from_numpy(self.landmarks - [around[1].start, around[0].start])[None].float()
            share = torch.zeros(1, 2)
            share[0, number] = float(self.share[number])
            image = torch.from_numpy(np.ascontiguousarray(part, np.float32)).permute(2, 0, 1)[None]
            photo[around] = (
                slide_lids(image, points, share, black=0)[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()
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


def closing(points: Tensor, goal: Tensor) -> Tensor:
    """Return how much of its opening each eye (B, 2) loses, in [0, 1], when landmarks (B, 68, 2) go to `goal`.

    In crop widths; a gap of CLOSED is none.
    """
    before, after = (torch.stack([_opening(face, eye) for eye in EYE_OUTLINES], 1) for face in (points, goal))
    return ((before - after) / (before - CLOSED).clamp_min(CLOSED)).clamp(0, 1)


def followed(flow: Tensor, wanted: Tensor, goal: Tensor) -> Tensor:
    """Return how far, in [0, 1], the lids of each eye (B, 2) go where a flow wants them if it is held back to another.

    Flows (B, 2, H, W) are backward; they are compared at the lids of `goal` (B, 68, 2), in crop widths. Lids that rims
    of glasses hold apart leave the eye open.
    """
    places = torch.stack([goal[:, eye[1:3]] for eye in EYE_OUTLINES], 1) * 2 - 1  # (B, 2, 2, 2)
    real, ideal = (functional.grid_sample(part.float(), places, align_corners=False) for part in (flow, wanted))
    share: Tensor = real.norm(dim=1).sum(-1) / ideal.norm(dim=1).sum(-1).clamp_min(1e-6)
    return share.clamp(0, 1)


def slide_lids(image: Tensor, points: Tensor, gone: Tensor, black: float = -1) -> Tensor:
    """Return images (B, 3, H, W) whose eyes show what they shall when lids close over a share `gone` (B, 2) of them.

    `points` (B, 68, 2) are landmarks in pixels: (0, 0) is the centre of the first. `black` is that of the images.
    """
    with torch.autocast(image.device.type, enabled=False):  # half precision would miss places by a third of a pixel
        return _slide(image, points.float(), gone.float(), black)


def _slide(image: Tensor, points: Tensor, gone: Tensor, black: float) -> Tensor:
    """See `slide_lids`."""
    height, width = image.shape[-2:]
    rows, columns = (torch.arange(count, device=image.device, dtype=torch.float32) for count in (height, width))
    place = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], -1)  # (H, W, 2)
    scale = 2 / place.new_tensor([width, height])
    for column, eye in enumerate(EYE_OUTLINES):
        share = gone[:, column, None, None]  # (B, 1, 1)
        if not share.any():
            continue
        part = _eye(place, points[:, eye], share)
        photo = image.float()
        left, skin = (
            functional.grid_sample(photo, (at + 0.5) * scale - 1, padding_mode="border", align_corners=False)
            for at in (part.left, part.below)
        )
        left = torch.lerp(left, skin, rise(share, COVERED_FROM, COVERED_AT)[:, None])
        photo = torch.lerp(photo, left, (part.inside * (share > 0))[:, None])
        dark = part.lashes * rise(share, LASHES_FROM, LASHES_AT)
        image = torch.lerp(photo, black + LASH_SHADE * (photo - black), dark[:, None]).to(image.dtype)
    return image


@dataclass(frozen=True)
class _Eye:
    """Of each place in a picture: whether it is in the open eye and in its line of lashes (B, H, W), in [0, 1].

    And where that lies in the picture, (B, H, W, 2), which the eye shall show there: of itself, and of the skin below.
    """

    inside: Tensor
    lashes: Tensor
    left: Tensor
    below: Tensor


def _opening(points: Tensor, eye: list[int]) -> Tensor:
    """Return how far an eye's lids are apart (B,)."""
    gap: Tensor = (points[:, eye[4:]] - points[:, eye[1:3]]).norm(dim=-1).mean(1)
    return gap


def _eye(place: Tensor, eye: Tensor, gone: Tensor) -> _Eye:
    """Return the eye at each place (H, W, 2), of which a share `gone` (B, 1, 1) is lost.

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
    lower = _line(u, corners[:, [0, 4, 5, 3]])
    rim = lower + LOWER_RIM * bow * rise(gone, COVERED_FROM, COVERED_AT)
    pixel = 1 / width
    within = (u >= 0) & (u <= 1)
    inside = ((v - upper) / pixel + 0.5).clamp(0, 1) * ((rim - v) / pixel + 0.5).clamp(0, 1) * within
    over = (v - upper + LASHES / 2) / (LASHES / 2)  # 0 in the middle of the line
    lashes = (1 - over.square()).clamp_min(0).square() * bow * within

    def in_picture(across: Tensor) -> Tensor:
        turned = torch.stack([u, across], -1) @ axes[:, None].transpose(-1, -2)
        found: Tensor = turned * width[:, :, None] + start[:, :, None]
        return found

    below = lower + LOWER_RIM * bow
    left = torch.where(v < lower, lower - (lower - v) * (1 - gone), v)
    return _Eye(inside, lashes, in_picture(left), in_picture(below + MIRRORED * (below - v).clamp_min(0)))


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
