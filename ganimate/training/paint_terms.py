"""The terms of the painter's objective, each a pure function, as means over windows and pixels of faces.

Of several processes each divides by what all of theirs weigh on the mean, so that the mean of their terms is the term.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from ganimate.config import PaintTraining
from ganimate.data.paint_batch import PaintBatch
from ganimate.data.paint_wholes import WholeBatch
from ganimate.motion.hints import EYE, MOUTH, STRETCH, UNSEEN
from ganimate.networks.painter import Painted
from ganimate.training.frozen_reader import FrozenReader
from ganimate.training.team import mean

# How much more than skin: there most is painted, and they are small.
MOUTH_WORTH, EYE_WORTH, UNSEEN_WORTH = 1.5, 1.5, 1.0
STRETCH_WORTH = 2.0  # of skin that is drawn out to twice its area: lids that come down
REAL, FALSE = 1.0, 0.0  # what the critic is to say
MOST_WORTH = 10.0  # of a patch, beside the mean one
# Furrows: lines of so many pixels' width, each with its own of LINE_DIRECTIONS, counted within FURROW_PX of them.
FURROW_SCALES, LINE_DIRECTIONS, FURROW_PX = (1, 2, 4), 4, 9
LINE_WIDTH, LINE_LENGTH, LINE_RADIUS = 1.0, 2.0, 3  # deviations across and along a line, and where its filter ends
FAINT_LINE = 0.01  # of 2: lines that are fainter are grain


@dataclass(frozen=True)
class PaintTerms:
    """The unweighted terms of the painter; those of the critic are None before it plays.

    `color` and `gradients`: how far C and its edges are from the real photo. `attention`: how far I_f is, which only A
    learns from: one term for both would close A before C is worth anything. `reading`: how far the windows' features
    are from the real ones, as the AU reader sees them: pixels punish a furrow that is a little beside its place more
    than none. `furrows`: how much stronger or fainter lines are, but for those in mouths: there they were crumbs of
    teeth. `expression`: how far the AUs that are read of whole faces are from what they should be (paper, L_y).
    """

    color: Tensor
    gradients: Tensor
    attention: Tensor
    reading: Tensor
    furrows: Tensor
    expression: Tensor | None = None
    adversarial: Tensor | None = None
    features: Tensor | None = None

    def total(self, how: PaintTraining, listening: float) -> Tensor:
        """Return the weighted sum; `listening`, 0 to 1, is how far the critic is listened to."""
        total = how.pixel_weight * self.color + how.gradient_weight * self.gradients
        total = total + how.attention_weight * self.attention + how.reading_weight * self.reading
        total = total + how.furrows_weight * self.furrows
        if self.expression is not None:
            total = total + how.expression_weight * self.expression
        if self.adversarial is not None and self.features is not None:
            critic = how.adversarial_weight * self.adversarial + how.features_weight * self.features
            total = total + listening * critic
        return total


def worth(batch: PaintBatch) -> Tensor:
    """Return how much each pixel counts (B, 1, H, W): nothing off the face, most in mouth and eyes."""
    eye, mouth, unseen, stretch = (batch.hints[:, channel : channel + 1] for channel in (EYE, MOUTH, UNSEEN, STRETCH))
    skin = 2 * STRETCH_WORTH * stretch.clamp(0, 1) * (1 - mouth)
    weight: Tensor = batch.face * (1 + MOUTH_WORTH * mouth + EYE_WORTH * eye + UNSEEN_WORTH * unseen + skin)
    return weight


def pixels(image: Tensor, real: Tensor, weight: Tensor) -> Tensor:
    """Return the mean absolute difference of images (B, 3, H, W), weighed by (B, 1, H, W)."""
    return ((image - real).abs() * weight).sum() / (3 * mean(weight.sum()).clamp_min(1))


def edges(image: Tensor, real: Tensor, weight: Tensor) -> Tensor:
    """Return the same of the differences between neighbours, summed over both axes."""
    down = (torch.diff(image, dim=2) - torch.diff(real, dim=2)).abs() * weight[:, :, 1:]
    right = (torch.diff(image, dim=3) - torch.diff(real, dim=3)).abs() * weight[..., 1:]
    return (down.sum() + right.sum()) / (3 * mean(weight.sum()).clamp_min(1))


def paint_terms(painted: Painted, batch: PaintBatch, reader: FrozenReader) -> PaintTerms:
    """Return the terms that need neither a critic nor whole faces."""
    weight = worth(batch)
    kept = painted.attention
    shown = (1 - kept) * painted.color.detach() + kept * batch.moved
    return PaintTerms(
        pixels(painted.color, batch.real, weight),
        edges(painted.color, batch.real, weight),
        pixels(shown, batch.real, weight),
        reading(painted.color, batch, reader),
        furrows(painted.color, batch.real, weight * (1 - batch.hints[:, MOUTH : MOUTH + 1])),
    )


def furrows(image: Tensor, real: Tensor, weight: Tensor) -> Tensor:
    """Return by how much images (B, 3, H, W) have stronger or fainter lines than real ones, weighed by (B, 1, H, W).

    Lines of each width and direction are summed around a pixel, squared, so that it does not matter where just they
    run: nobody can know that beforehand, and pixels would punish a furrow a little beside its place more than none.
    """
    parts = []
    for scale in FURROW_SCALES:
        own, goal = (
            _lines(
                functional.avg_pool2d(each.mean(1, keepdim=True), scale) if scale > 1 else each.mean(1, keepdim=True)
            )
            for each in (image, real)
        )
        counts = functional.avg_pool2d(weight, scale) if scale > 1 else weight
        counts = functional.avg_pool2d(counts, FURROW_PX, FURROW_PX // 2, FURROW_PX // 2, count_include_pad=False)
        parts.append(((own - goal).abs() * counts).sum() / (own.shape[1] * mean(counts.sum()).clamp_min(1)))
    return torch.stack(parts).mean()


def _lines(grey: Tensor) -> Tensor:
    """Return how strong lines of each direction are (B, D, h, w) around some pixels of (B, 1, H, W)."""
    kernels = _line_filters().to(grey.device, grey.dtype)
    padded = functional.pad(grey, (LINE_RADIUS,) * 4, mode="replicate")
    found = functional.conv2d(padded, kernels).square()
    around = functional.avg_pool2d(found, FURROW_PX, FURROW_PX // 2, FURROW_PX // 2, count_include_pad=False)
    return torch.sqrt(around + FAINT_LINE**2)


@cache
def _line_filters() -> Tensor:
    """Return (D, 1, K, K): second derivatives of Gaussians drawn out along each direction, 1 on a bright line."""
    y, x = torch.meshgrid(*[torch.arange(-LINE_RADIUS, LINE_RADIUS + 1.0)] * 2, indexing="ij")
    kernels = []
    for direction in range(LINE_DIRECTIONS):
        angle = math.pi * direction / LINE_DIRECTIONS
        along = x * math.cos(angle) + y * math.sin(angle)
        across = y * math.cos(angle) - x * math.sin(angle)
        bell = torch.exp(-(across**2) / (2 * LINE_WIDTH**2) - along**2 / (2 * LINE_LENGTH**2))
        kernel = (1 - across**2 / LINE_WIDTH**2) * bell
        kernel = kernel - bell * kernel.sum() / bell.sum()  # nothing on plain skin
        kernels.append(kernel / kernel.clamp_min(0).sum())
    return torch.stack(kernels)[:, None]


def reading(color: Tensor, batch: PaintBatch, reader: FrozenReader) -> Tensor:
    """Return the mean difference of the reader's features of painted and real windows, in those of the real ones."""
    with torch.no_grad():
        real = reader.maps(batch.real)
    parts = []
    for own, goal in zip(reader.maps(on_the_photo(color, batch)), real, strict=True):
        share = functional.adaptive_avg_pool2d(batch.face, (own.shape[2], own.shape[3]))
        parts.append(((own - goal).abs() * share).mean() / mean((goal.abs() * share).mean()).clamp_min(1e-4))
    return torch.stack(parts).mean()


def expression(painted: Painted, wholes: WholeBatch, reader: FrozenReader, worth: Tensor) -> Tensor:
    """Return how far the AUs read of whole faces are from those of their photos and the wishes' worth (mean square).

    `worth` (N, N) is how much more of each AU is read per unit that real people show.
    """
    image = whole_image(painted, wholes)
    with torch.no_grad():
        goal = reader.read(wholes.photo) + wholes.rise @ worth
    return functional.mse_loss(reader.read(image), goal)


def whole_image(painted: Painted, wholes: WholeBatch) -> Tensor:
    """Return whole faces (B, 3, H, W) as animations show them."""
    return (1 - wholes.share) * wholes.moved + wholes.share * painted.color


def on_the_photo(image: Tensor, batch: PaintBatch) -> Tensor:
    """Return an image within the face and the real photo around it: only the face tells a critic what is false."""
    return image * batch.face + batch.real * (1 - batch.face)


def difference(image: Tensor, batch: PaintBatch, scores: Tensor) -> Tensor:
    """Return how much each patch of an image (B, 3, H, W) counts for scores (B, 1, h, w), 1 on the mean.

    By how far it is from the real photo there, and most in holes and on lids that come down. Most of a painted face is
    its photo: where nothing tells the two apart, a critic that has to look there stays at chance.
    """
    far = (image.detach() - batch.real).abs().mean(1, keepdim=True) * worth(batch).square()
    share = functional.adaptive_avg_pool2d(far, (scores.shape[2], scores.shape[3]))
    share = functional.avg_pool2d(share, 3, 1, 1)
    return (share / mean(share.mean()).clamp_min(1e-4)).clamp(max=MOST_WORTH)


def least_squares(scores: Tensor, goal: float, weight: Tensor) -> Tensor:
    """Return how far scores (B, 1, h, w) are from a goal (Mao et al., ICCV 2017), patches weighed."""
    return ((scores - goal).square() * weight).sum() / mean(weight.sum()).clamp_min(1e-6)


def features(own: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Return the mean absolute difference of the critic's features (feature matching; Wang et al., CVPR 2018)."""
    return torch.stack([(a - b.detach()).abs().mean() for a, b in zip(own, real, strict=True)]).sum()
