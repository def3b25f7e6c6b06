"""How certain a measured number is: bootstrap over people (Efron, Annals of Statistics 1979)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ganimate.evaluation.bars import Metric

RESAMPLES = 400  # an end of an interval then scatters by a tenth of its width
COVERED = 0.95

Indices = NDArray[np.int64]


def with_intervals(measure: Callable[[Indices], Sequence[Metric]], owners: Indices) -> list[Metric]:
    """Return what `measure` says of all items, each number with its 95 % interval.

    `owners` (n,) are the people whom the items are of, as numbers; `measure` takes the places of items, some of them
    more than once. Whole people are drawn anew: photos of one person are not independent. One person has no interval.
    """
    people, whole = np.unique(owners), list(measure(np.arange(len(owners))))
    if len(people) < len(owners):
        whole = [replace(metric, people=len(people)) for metric in whole]
    if len(people) < 2:
        return whole
    rng, groups = np.random.default_rng(0), [np.flatnonzero(owners == person) for person in people]
    drawn: dict[tuple[str, int | None, int | None], list[float]] = defaultdict(list)
    for _ in range(RESAMPLES):
        places = np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))])
        for metric in measure(places):
            drawn[metric.key, metric.au, metric.read_au].append(metric.value)
    return [_told(metric, drawn[metric.key, metric.au, metric.read_au]) for metric in whole]


def _told(metric: Metric, drawn: Sequence[float]) -> Metric:
    if not drawn:
        return metric
    low, high = np.quantile(drawn, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return replace(metric, low=float(low), high=float(high))
