"""The terms of the objective (paper, section 5), each a pure function, as means over batch and pixels.

Means, so that a weight means the same at every batch size and resolution. Terms are unweighted; the trainer applies
the weights in one visible sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

PAINT_LEAD = 0.04  # in units of [-1, 1]: how much nearer the paint must be, 5 of 255: folds of the skin are hardly more
FOLD_LEAD = 0.014  # where the target is the moved photo but for its folds, so that nothing else can differ
ASKED_WORTH = 6.0  # without it an AU that others answer to, 4 or 9, is better not moved at all
PAINT_PATCH_PX = 5
PAINT_WORTH = 2.0  # such places are few; to miss one costs this much more than to paint in vain


def critic_adversarial(real: Tensor, fake: Tensor) -> Tensor:
    """Return the critic's Wasserstein loss from scores (B, P): E[D(fake)] − E[D(real)] (equation 1)."""
    return fake.mean() - real.mean()


def generator_adversarial(fake: Tensor) -> Tensor:
    """Return the generator's Wasserstein loss: −E[D(fake)] (equation 1)."""
    return -fake.mean()


def hinge(real: Tensor, fake: Tensor) -> Tensor:
    """Return the hinge loss of a region's critic from scores (B, P): sure beyond ±1, it learns no more."""
    return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()


def interpolate(real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Return mix·real + (1−mix)·fake, `mix` (B, 1, 1, 1) in [0, 1]: where the penalty is taken."""
    return mix * real + (1 - mix) * fake


def gradient_penalty(realism: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Return E[(‖∇D(x)‖₂ − 1)²] at `images` (B, 3, H, W) (equation 1; Gulrajani et al., NeurIPS 2017).

    `realism` maps images to scores (B, P); D is their mean. Differentiable with respect to the critic's weights.
    """
    images = images.detach().requires_grad_(True)
    scores = realism(images).mean(1).sum()
    (gradient,) = torch.autograd.grad(scores, images, create_graph=True)
    norm: Tensor = gradient.flatten(1).float().norm(dim=1)  # (B,)
    return (norm - 1).square().mean()


def total_variation(image: Tensor) -> Tensor:
    """Return mean |Δ| between neighbours, summed over both axes, of maps (B, C, H, W) (equation 2)."""
    down = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    right = (image[..., 1:] - image[..., :-1]).abs().mean()
    return down + right


def attention_size(attention: Tensor) -> Tensor:
    """Return how much is repainted, mean (1−A), of masks (B, 1, H, W) in which 1 keeps the source pixel.

    The paper writes the norm of A for a mask in which 0 keeps (equation 2 with its text); this is the same term.
    """
    return (1 - attention).mean()


def action_units(read: Tensor, wanted: Tensor, own: Tensor | None = None) -> Tensor:
    """Return the mean squared error of AUs (B, N) (equation 3).

    With the photo's `own` AUs (B, N), what was asked to change counts more than what was to stay.
    """
    error = (read - wanted).square()
    if own is None:
        return error.mean()
    weight = 1 + ASKED_WORTH * (wanted - own).abs()
    return (weight * error).sum() / weight.sum()


def reconstruction(image: Tensor, goal: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean absolute error of images (B, C, H, W), in the cycle (equation 4) and of paint.

    `weight` (B, 1, H, W), of mean 1, says how much each pixel counts.
    """
    error = (image - goal).abs()
    return (error if weight is None else weight * error).mean()


def two_scale_reconstruction(image: Tensor, goal: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted mean absolute error at full and at quarter size: sharp, and right where it is a pixel off."""
    coarse = reconstruction(*(functional.avg_pool2d(part, 4) for part in (image, goal, weight)))
    return (reconstruction(image, goal, weight) + coarse) / 2


def feature_matching(read: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Return the mean over layers of |φ(result) − φ(real)| / mean |φ(real)| of the critic's features."""
    terms = [
        (a.float() - b.float()).abs().mean() / b.float().abs().mean().clamp_min(1e-4)
        for a, b in zip(read, wanted, strict=True)
    ]
    return torch.stack(terms).mean()


def flow_error(flow: Tensor, goal: Tensor, scale: float = 0.02) -> Tensor:
    """Return the Huber error of flows (B, 2, h, w): squares below `scale` grid units, so that outliers count once."""
    return functional.huber_loss(flow, goal, delta=scale) / scale


def flow_bending(flow: Tensor) -> Tensor:
    """Return the mean absolute second difference of a flow (B, 2, h, w): 0 for affine motion, large at a fold."""
    down = flow[..., 2:, :] - 2 * flow[..., 1:-1, :] + flow[..., :-2, :]
    right = flow[..., 2:] - 2 * flow[..., 1:-1] + flow[..., :-2]
    return down.abs().mean() + right.abs().mean()


def plausible_color(color: Tensor, target: Tensor, moved: Tensor, weight: Tensor, hold: Tensor) -> Tensor:
    """Return how far the paint C (B, 3, H, W) is from a face: the real photo for the first len(target) samples.

    `weight` (len(target), 1, H, W) says how much each of their pixels counts. For the others, of which there is no
    photo, the distance from the moved source counts by `hold` (B − len(target), 1, H, W).
    """
    pairs = len(target)
    terms = []
    if pairs:
        terms.append(two_scale_reconstruction(color[:pairs], target, weight))
    if pairs < len(color):
        terms.append(reconstruction(color[pairs:], moved[pairs:].detach(), hold))
    return torch.stack(terms).sum()


def responsibility(
    attention: Tensor,
    color: Tensor,
    moved: Tensor,
    target: Tensor,
    weight: Tensor,
    least_lead: float | Tensor = PAINT_LEAD,
) -> Tensor:
    """Return the cross-entropy of A (B, 1, H, W) against where the paint C is nearer to the photo than W(I) is.

    All images (B, 3, H, W) in [-1, 1]. Compared over patches, and with a lead (a number, or (B, 1, 1, 1)) for the moved
    photo, which is sharp. Its gradient does not vanish where A is 0 or 1, so a mask that closed can open again.
    """
    with torch.no_grad():
        lead = (moved - target).abs().mean(1, keepdim=True) - (color - target).abs().mean(1, keepdim=True)
        patches = functional.avg_pool2d(lead, PAINT_PATCH_PX, 1, PAINT_PATCH_PX // 2, count_include_pad=False)
        paint = torch.sigmoid((patches - least_lead) / (PAINT_LEAD / 8))
    keep = attention.clamp(1e-3, 1 - 1e-3)
    return -(weight * (PAINT_WORTH * paint * torch.log(1 - keep) + (1 - paint) * torch.log(keep))).mean()
