"""The terms of the painter's objective, each a pure function, as means over windows and pixels of faces.

Of several processes each divides by what all of theirs weigh on the mean, so that the mean of their terms is the term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class PaintTerms:
    """The unweighted terms of the painter; those of the critic are None before it plays.

    `color` and `gradients`: how far C and its edges are from the real photo. `attention`: how far I_f is, which only A
    learns from: one term for both would close A before C is worth anything. `reading`: how far the windows' features
    are from the real ones, as the AU reader sees them: pixels punish a furrow that is a little beside its place more
    than none. `expression`: how far the AUs that are read of whole faces are from what they should be (paper, L_y).
    """

    color: Tensor
    gradients: Tensor
    attention: Tensor
    reading: Tensor
    expression: Tensor | None = None
    adversarial: Tensor | None = None
    features: Tensor | None = None

    def total(self, how: PaintTraining, listening: float) -> Tensor:
        """Return the weighted sum; `listening`, 0 to 1, is how far the critic is listened to."""
        total = how.pixel_weight * self.color + how.gradient_weight * self.gradients
        total = total + how.attention_weight * self.attention + how.reading_weight * self.reading
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
    )


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
