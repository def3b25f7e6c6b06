"""The average of weights over the last steps (EMA): what is kept of a training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Weights = tuple[Tensor, ...] | list[Tensor]


def averaged(network: nn.Module, decay: float, *, buffers: bool = False) -> AveragedModel:
    """Return the running average of a network's weights, and of its `buffers` if these are learned as well.

    At first the mean follows the weights more closely: a short run would otherwise keep what it began with.
    """

    def average(means: Weights, weights: Weights, count: Tensor | int) -> None:
        share = 1 - min(decay, (1 + float(count)) / (10 + float(count)))
        if means[0].is_floating_point():
            torch._foreach_lerp_(means, weights, share)
        else:  # how many batches a norm has seen
            torch._foreach_copy_(means, weights)

    average_model = AveragedModel(network, multi_avg_fn=average, use_buffers=buffers)
    return average_model.requires_grad_(False)
