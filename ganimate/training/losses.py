"""The terms of the objective (paper, section 5), each a pure function, as means over batch and pixels.

Means, so that a weight means the same at every batch size and resolution. Terms are unweighted; the trainer applies
the weights in one visible sum.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def critic_adversarial(real: Tensor, fake: Tensor) -> Tensor:
    """Return the critic's Wasserstein loss from scores (B, P): E[D(fake)] − E[D(real)] (equation 1)."""
    return fake.mean() - real.mean()


def generator_adversarial(fake: Tensor) -> Tensor:
    """Return the generator's Wasserstein loss: −E[D(fake)] (equation 1)."""
    return -fake.mean()


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


def action_units(read: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean squared error of AUs (B, N) (equation 3)."""
    return (read - wanted).square().mean()


def reconstruction(image: Tensor, goal: Tensor) -> Tensor:
    """Return the mean absolute error of images (B, C, H, W) (equation 4)."""
    return (image - goal).abs().mean()
