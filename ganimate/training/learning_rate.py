"""How learning rates go over a training."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def linear_decay(
    optimizer: Optimizer, rate: float, total: int, share: float, done: int = 0, warmup_steps: int = 0
) -> LambdaLR:
    """Return the schedule of a `rate` that goes down to 0 in a line over the last `share` of `total` steps.

    It is reached in a line over the first `warmup_steps`. `done` steps came before: what comes is the same as without
    the break.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = rate
    length = max(1.0, total * share)
    warmup = max(1, warmup_steps)

    def factor(step: int) -> float:
        return min(1.0, (step + 1) / warmup, max(total - step, 0) / length)

    return LambdaLR(optimizer, factor, last_epoch=done - 1)


def warm_cosine(optimizer: Optimizer, rate: float, warmup_share: float, progress: Callable[[], float]) -> LambdaLR:
    """Return the schedule of a `rate` that is reached in a line and goes down to 0 along a cosine.

    `progress` tells how far the training is, from 0 to 1: by steps or by the clock.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
    return LambdaLR(optimizer, lambda _: pace(progress(), warmup_share))


def pace(progress: float, warmup_share: float) -> float:
    """Return the learning rate's factor: up in a straight line, down to 0 along a cosine."""
    if progress < warmup_share:
        return max(progress / warmup_share, 0.01)
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (progress - warmup_share) / max(1 - warmup_share, 1e-9)))
