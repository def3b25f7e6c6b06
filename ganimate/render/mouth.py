"""Mouths that open: bared teeth are shown as they are, and what opens below them, or between closed lips, is drawn.

Paint is learnt from a studio's people, who draw their lips over the teeth when a jaw drops from a smile; on anybody
else it blackened and striped teeth, and left a pale blur between lips that part. The photo's own teeth need no paint;
where none were seen, upper teeth are drawn (see `dentition`), more of them in a smile; it is dark behind them, and
below lies the tongue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ganimate.face.crop import Image, Window, transform
from ganimate.face.landmarks import LOWER_LIPS, MOUTH, MOUTH_MIDDLE, OPENED, TEETH_SEEN, TEETH_SURE, UPPER_LIPS
from ganimate.motion.contours import pixel_places, rise, soft_height
from ganimate.motion.room import smiling
from ganimate.render.complexion import warmth
from ganimate.render.dentition import draw_teeth
from ganimate.render.paste import Paster

UPPER_EDGE, LOWER_EDGE = [60, 61, 62, 63, 64], [60, 67, 66, 65, 64]  # of the open mouth, left to right
CHEEKS = ([2, 14], [31, 35])  # between these landmarks
LOWER_LIP = ([65, 66, 67], [56, 57, 58])  # likewise
# Of the cheeks' brightness, the brighter half of what is between the lips: below the one there are no teeth. 95 % of
# 298 smiles are above 1.02, 90 % of 19 mouths open in surprise below .81.
DULL, BRIGHT = 0.75, 0.95
CLOSING, STAYING = 0.5, 0.8  # of the gap, left in the goal: below the one lips come over the teeth, above they do not
TEETH_END, GAP_BEGINS = 0.75, 1.05  # of the opening in the photo: so far below the upper lip teeth are seen
BARED_MORE = 0.6  # of the opening: so much longer do a smile's teeth become before a gap opens below them
PARTED, WIDE = 1.3, 2.2  # times the gap that was, from which lips without teeth open, and are quite open
ROUNDED = 0.02  # crop widths: lips have no corners
EDGE = 0.006  # crop widths over which a mouth begins, as soft as its lips
DARK, TINT = 0.22, (1.0, 0.62, 0.58)  # of the cheeks, behind the teeth; red is what is left of the colour
# Of the cheeks' red, green and blue: the brighter half of what 435 smiles show between the lips.
TEETH, TEETH_LIMIT = (1.12, 1.38, 1.50), 0.88
IVORY, PALE = (1.05, 1.0, 0.92), 0.2  # of the teeth's brightness; the share of ivory in their colour
LEAST_WARM = (0.04, 0.06)  # that green falls short of red, and blue of green, where cheeks have colour
LEAST_SHOWN = 0.3  # of the upper teeth, where nobody smiles
TONGUE = 0.62  # of the lower lip's brightness
TONGUE_BEGINS, TONGUE_END = 0.2, 1.1  # of the way through the gap, downwards
NARROW, ROOMY = 0.02, 0.06  # crop widths of a gap in which no tongue is seen, and in which all of it is
SIDES = 0.3  # of the height of a bow from corner to corner, below which there is no tongue
COLORS = ("cheeks", "lip")
CLOSES, SEALED = 0.5, 0.85  # of the gap that was: when so much is gone lips begin to meet, and have met
SEAM, SEAM_SHADE, SEAM_TINT = 0.008, 0.55, (1.0, 0.78, 0.75)  # crop widths; of the lower lip
WINDOW_REACH = 0.02  # crop widths around the mouth
STRIP_PX = 1 << 18  # pixels drawn at once: a huge face needs no more memory than a small one


@dataclass(frozen=True)
class Mouth:
    """What opening mouths show, B of them.

    `points` and `goal` (B, 68, 2) are the landmarks, in crop widths, before and after. Of (B,), in [0, 1], `bared` says
    how sure it is that the photo's own teeth stay in sight, `parted` how far lips open that showed none, `sealed` how
    far an open mouth closes, and `smile` how far it smiles more than it did. `cheeks` and `lip` (B, 3) are colours of
    the photo in [0, 1].
    """

    points: Tensor
    goal: Tensor
    bared: Tensor
    parted: Tensor
    sealed: Tensor
    smile: Tensor
    cheeks: Tensor
    lip: Tensor

    def one(self, place: int) -> Mouth:
        """Return one of the batch, on the CPU."""
        return Mouth(*(part[place : place + 1].float().cpu() for part in vars(self).values()))

    def greyed(self) -> Mouth:
        """Return the same mouth without colour, for photos that have none."""
        return replace(self, **{name: getattr(self, name).mean(1, keepdim=True).expand(-1, 3) for name in COLORS})

    def weakened(self, strength: float) -> Mouth:
        """Return the same mouth, opened by a share in [0, 1] of its way."""
        goal = torch.lerp(self.points, self.goal, strength)
        return replace(
            self,
            goal=goal,
            bared=self.bared * strength,
            parted=self.parted * strength,
            sealed=self.sealed * strength,
            smile=smiling(self.points, goal),
        )

    def draw(self, photo: Image, paster: Paster) -> None:
        """Draw what a mouth (B = 1) shows into a photo (H, W, 3) in place, at its own resolution."""
        rows, columns = self._window(paster)
        pixel = float(np.hypot(*paster.source_to_crop[:, 0])) / paster.size_px
        step = max(1, STRIP_PX // max(1, columns.stop - columns.start))
        for top in range(rows.start, rows.stop, step):
            strip = (slice(top, min(top + step, rows.stop)), columns)
            xs, ys = (np.arange(part.start, part.stop, dtype=np.float32) for part in strip[::-1])
            places = transform(np.stack(np.meshgrid(xs, ys), -1), paster.source_to_crop)
            layer = interior(self, torch.from_numpy((places + 0.5) / paster.size_px).float(), pixel)
            share, color = layer.gap[0, ..., None].numpy(), 255 * layer.color[0].permute(1, 2, 0).numpy()
            own = photo[strip]
            own[:] = (own + share * (color - own)).round().clip(0, 255)

    def _window(self, paster: Paster) -> Window:
        """Return rows and columns of the photo around the mouth, within the paster's."""
        source_to_crop, size_px = paster.source_to_crop, paster.size_px
        crop = self.goal[0, MOUTH].numpy()
        low, high = crop.min(0) - WINDOW_REACH, crop.max(0) + WINDOW_REACH
        corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]]) * size_px - 0.5
        linear = np.linalg.inv(source_to_crop[:, :2])
        found = (corners - source_to_crop[:, 2]) @ linear.T
        around = []
        for part, least, most in zip(paster.window, found.min(0)[::-1], found.max(0)[::-1], strict=True):
            start = min(max(math.floor(least), part.start), part.stop)
            around.append(slice(start, max(start, min(math.ceil(most) + 1, part.stop))))
        return around[0], around[1]


@dataclass(frozen=True)
class Layer:
    """What is seen between lips: `teeth` (B, H, W) in [0, 1] are the photo's own; `gap` (B, H, W) in [0, 1] is drawn.

    `color` (B, 3, H, W) in [0, 1] is that of the gap.
    """

    teeth: Tensor
    gap: Tensor
    color: Tensor


@dataclass(frozen=True)
class _Opening:
    """An open mouth at each place (B, H, W): how far inside in [0, 1], the height of both lips, the way along it."""

    inside: Tensor
    upper: Tensor
    lower: Tensor
    along: Tensor


def look_at_mouth(image: Tensor, points: Tensor, goal: Tensor) -> Mouth:
    """Return what mouths in photos (B, 3, S, S) in [-1, 1] are to show when landmarks (B, 68, 2) go to `goal`."""
    size = image.shape[-1]
    photo = (image.float() + 1) / 2
    inside = _opening(points, points, pixel_places(size, image.device)).inside
    cheeks, lip = (_seen_at(photo, points, ends) for ends in (CHEEKS, LOWER_LIP))
    bright = _bright_half(photo.mean(1), inside) / cheeks.mean(1).clamp_min(1e-3)
    had, left = ((part[:, LOWER_LIPS, 1] - part[:, UPPER_LIPS, 1]).mean(1).clamp_min(0) for part in (points, goal))
    grown = left / had.clamp_min(1e-6)
    teeth = rise(had, TEETH_SEEN, TEETH_SURE) * rise(bright, DULL, BRIGHT)
    bared, parted = teeth * rise(grown, CLOSING, STAYING), (1 - teeth) * rise(grown, PARTED, WIDE)
    sealed = rise(had, TEETH_SEEN, TEETH_SURE) * rise(1 - grown, CLOSES, SEALED)
    return Mouth(points, goal, bared, parted, sealed, smiling(points, goal), cheeks, lip)


def interior(mouth: Mouth, places: Tensor, pixel: float) -> Layer:
    """Return what is seen between the lips at places (H, W, 2), pixels of this width, all in crop widths.

    As much of the photo's own teeth as was seen stays in sight, and what opens further is drawn.
    """
    y = places[..., 1]
    after, start = (_opening(points, mouth.goal, places) for points in (mouth.goal, mouth.points))
    bared, parted, smile = (part[:, None, None] for part in (mouth.bared, mouth.parted, mouth.smile))
    deep = after.lower - after.upper
    opening = (start.lower - start.upper).clamp_min(EDGE) * (1 + BARED_MORE * smile)
    below = rise((y - after.upper) / opening, TEETH_END, GAP_BEGINS) * rise(deep - opening, 0, OPENED)
    below_teeth, between_lips = bared * below, parted * rise(deep, 0, OPENED)
    gap = after.inside * torch.maximum(below_teeth, between_lips)
    middle = mouth.goal[:, MOUTH_MIDDLE, 0].mean(1)
    halves = torch.stack([middle - mouth.goal[:, 60, 0], mouth.goal[:, 64, 0] - middle], 1)
    shown = LEAST_SHOWN + (1 - LEAST_SHOWN) * mouth.smile
    drawn, shade, edge = draw_teeth(
        places, middle, halves, after.upper, mouth.goal[:, UPPER_EDGE[2], 1], after.along, shown, pixel
    )
    drawn = drawn * between_lips / (below_teeth + between_lips).clamp_min(1e-6)
    behind = _behind(mouth, after, y, torch.lerp(edge, after.upper + GAP_BEGINS * opening, bared))
    color = torch.lerp(behind, _enamel(mouth.cheeks)[:, :, None, None] * shade[:, None], drawn[:, None])
    seam = mouth.sealed[:, None, None] * _seam(after, y)
    gap = torch.maximum(gap, seam)
    line = (SEAM_SHADE * mouth.lip * _tinted(SEAM_TINT, mouth.cheeks))[:, :, None, None]
    color = torch.lerp(color, line, (seam / gap.clamp_min(1e-6))[:, None])
    return Layer(bared * after.inside * (1 - below), gap, color)


def _behind(mouth: Mouth, after: _Opening, y: Tensor, top: Tensor) -> Tensor:
    """Return the colour (B, 3, H, W) in [0, 1] of a gap below the height `top` (B, H, W): dark, then tongue."""
    deep = after.lower - top
    share = rise((y - top) / deep.clamp_min(EDGE), TONGUE_BEGINS, TONGUE_END) * rise(deep, NARROW, ROOMY)
    share = share * rise(4 * after.along * (1 - after.along), SIDES, 1)
    dark = DARK * mouth.cheeks.mean(1, keepdim=True) * _tinted(TINT, mouth.cheeks)
    tongue = torch.maximum(TONGUE * mouth.lip, dark)
    return torch.lerp(dark[:, :, None, None], tongue[:, :, None, None], share[:, None])


def _enamel(cheeks: Tensor) -> Tensor:
    """Return the colour (B, 3) in [0, 1] of teeth beside cheeks (B, 3): in their light, never bluish or greenish."""
    lit = cheeks * _tinted(TEETH, cheeks)
    ivory = lit.mean(1, keepdim=True) * _tinted(IVORY, cheeks)
    red, green, blue = torch.lerp(lit, ivory, PALE).unbind(1)
    warm = warmth(cheeks)[:, 0]
    green = torch.minimum(green, red * (1 - LEAST_WARM[0] * warm))
    blue = torch.minimum(blue, green * (1 - LEAST_WARM[1] * warm))
    most = cheeks.amax(1).clamp_min(TEETH_LIMIT)  # on a face that a flash has bleached, darker teeth look grey
    return torch.stack([red, green, blue], 1) * (most / torch.maximum(red, most))[:, None]


def _seam(after: _Opening, y: Tensor) -> Tensor:
    """Return the dark line (B, H, W) in [0, 1] where lips meet: teeth that they were drawn over show through else."""
    line = torch.exp(-(((y - (after.upper + after.lower) / 2) / SEAM) ** 2))
    return line * rise(4 * after.along * (1 - after.along), 0, SIDES)


def _tinted(factors: tuple[float, ...], cheeks: Tensor) -> Tensor:
    """Return factors of red, green and blue (B, 3), all alike where cheeks (B, 3) have no colour."""
    colored = cheeks.new_tensor(factors)
    return torch.lerp(colored.mean().expand_as(cheeks), colored.expand_as(cheeks), warmth(cheeks))


def _opening(points: Tensor, columns_of: Tensor, places: Tensor) -> _Opening:
    """Return the open mouth of `points`, in columns that run from corner to corner as those of `columns_of` do."""
    start, end = (columns_of[:, corner, 0, None, None] for corner in (60, 64))
    along = (places[..., 0] - start) / (end - start).clamp_min(EDGE)
    x = torch.lerp(points[:, 60, 0, None, None], points[:, 64, 0, None, None], along)
    upper, lower = (soft_height(x, points[:, edge], ROUNDED) for edge in (UPPER_EDGE, LOWER_EDGE))
    y = places[..., 1]
    inside = rise(y - upper, -EDGE / 2, EDGE / 2) * rise(lower - y, -EDGE / 2, EDGE / 2)
    return _Opening(inside * ((along > 0) & (along < 1)), upper, lower, along.clamp(0, 1))


def _bright_half(light: Tensor, inside: Tensor) -> Tensor:
    """Return the mean (B,) of what is brighter than the mean, of planes (B, H, W), inside of masks (B, H, W)."""
    mean = (light * inside).sum((1, 2)) / inside.sum((1, 2)).clamp_min(1)
    above = inside * (light > mean[:, None, None] - 1e-3)
    return (light * above).sum((1, 2)) / above.sum((1, 2)).clamp_min(1)


def _seen_at(photo: Tensor, points: Tensor, ends: tuple[list[int], list[int]]) -> Tensor:
    """Return the mean colour (B, 3) that a photo (B, 3, S, S) shows halfway between landmarks (B, 68, 2)."""
    places = (points[:, ends[0]] + points[:, ends[1]]) / 2
    smooth = functional.avg_pool2d(photo, 5, 1, 2, count_include_pad=False)
    found = functional.grid_sample(smooth, places[:, None] * 2 - 1, padding_mode="border", align_corners=False)
    mean: Tensor = found.mean((2, 3))
    return mean
