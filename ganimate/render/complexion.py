"""Skin keeps its colour: what is painted on it is light and shade.

Paint is learnt from a studio's faces. On other complexions its own colour showed as grey smudges beside the mouth. A
fold darkens skin by a factor (ratio images; Liu, Shan and Zhang, SIGGRAPH 2001), the red of it less than the rest.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganimate.face.likeness import LUMA
from ganimate.motion.contours import between

# Of other colours than skin, left to right, upper line and lower line: the eyes with their lashes, and the mouth with
# its lips; and how far beyond these lines, in crop widths.
FEATURES = (
    ([36, 37, 38, 39], [36, 41, 40, 39], 0.03),
    ([42, 43, 44, 45], [42, 47, 46, 45], 0.03),
    ([48, 49, 50, 51, 52, 53, 54], [48, 59, 58, 57, 56, 55, 54], 0.008),
)
EDGE = 0.016  # crop widths over which they end
INSIDE = -0.002  # crop widths that eyeballs reach beyond the lids
# log(fold / calm) of red, green and blue, beside that of brightness: 150 people of the studio, one pair of photos each
# (deciles of red .71 to .88; of the palest third .76, of the darkest .83). Grey pictures have no warm folds.
WARMTH = (0.79, 1.09, 1.10)
WARM = 0.04  # red less blue, as a share of red, from which on a pixel is fully of skin
DARKEST_SHADE, BRIGHTEST_SHADE = 0.6, 1.35  # times as bright as the skin was, reached softly
FLOOR = 0.04  # of white, added: below it, ratios of brightness are noise


def shaded(color: Tensor, moved: Tensor, goal: Tensor) -> Tensor:
    """Return paint (B, 3, S, S) in [-1, 1] that on skin differs from the moved photo only as light and shade do.

    `goal` (B, 68, 2) are the landmarks, in crop widths, of the face that is painted. Eyes and mouth stay as painted.
    """
    paint, skin = (color.float() + 1) / 2, (moved.float() + 1) / 2
    weight = skin.new_tensor(LUMA)[:, None, None]
    now, was = ((part * weight).sum(1, keepdim=True) + FLOOR for part in (paint, skin))
    light = (now / was).log()
    limit = torch.where(light < 0, math.log(DARKEST_SHADE), math.log(BRIGHTEST_SHADE))
    shade = relit(skin, (limit * torch.tanh(light / limit)).exp())  # a hard limit left flat patches, like strokes
    free = torch.zeros_like(now)
    for upper, lower, reach in FEATURES:
        free = torch.maximum(free, between(goal[:, upper], goal[:, lower], skin.shape[-1], reach, EDGE))
    return 2 * torch.lerp(shade, paint, free) - 1


def eyeballs(goal: Tensor, size: int) -> Tensor:
    """Return where eyes are open, (B, 1, size, size) in [0, 1], of landmarks (B, 68, 2) in crop widths.

    They are moved, not painted: white paint had spread over irises of strangers whose lids rose.
    """
    left, right = (between(goal[:, upper], goal[:, lower], size, INSIDE, EDGE) for upper, lower, _ in FEATURES[:2])
    return torch.maximum(left, right)


def relit(skin: Tensor, ratio: Tensor) -> Tensor:
    """Return skin (B, 3, S, S) in [0, 1], `ratio` (B, 1, S, S) times as bright, in the colours of a fold."""
    power = 1 + warmth(skin) * (skin.new_tensor(WARMTH)[:, None, None] - 1)
    return (skin * ratio**power).clamp(0, 1)


def warmth(skin: Tensor) -> Tensor:
    """Return how much colour skin (B, 3, ...) in [0, 1] has, (B, 1, ...) in [0, 1]: 0 in a grey picture."""
    return ((skin[:, :1] - skin[:, 2:]) / (skin[:, :1] + FLOOR) / WARM).clamp(0, 1)
