"""What a measured number is, what its name means, and the bars that models must clear."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ganimate.face.detect.embedder import SAME_PERSON

PAINTED = 0.9  # attention below this is paint
LEAST_PEOPLE = 20  # to pass or miss: a mean over fewer is uncertain by 0.07 and more, as far as models lie apart

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """One number: `n` is how many people, pairs or photos it is of; `au` and `read_au` say of which AU, if of one.

    An average is of the AUs `of_aus`. `low` and `high` are the ends of its 95 % interval over people, where there are
    enough for one; `people` is how many these are where it is of something else.
    """

    key: str
    value: float
    n: int
    au: int | None = None
    read_au: int | None = None
    of_aus: tuple[int, ...] = ()
    people: int | None = None
    low: float | None = field(default=None, compare=False)
    high: float | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The name with the sample's size, such as ``identity_distance_mean_n64``."""
        return f"{self.key}_n{self.n}"


@dataclass(frozen=True)
class MetricKind:
    """What a metric of one key is, in words, and its bar, if it has one."""

    title: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def bar(self) -> str:
        """The bar in letters; "" where there is none."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "" if self.at_most is None else f"≤ {self.at_most:g}"

    def passes(self, metric: Metric) -> bool | None:
        """Say whether a metric clears the bar; None where there is none, or too few people. What is NaN does not."""
        if self.lacks_people(metric):
            return None
        if self.at_least is not None:
            return metric.value >= self.at_least
        return None if self.at_most is None else metric.value <= self.at_most

    def lacks_people(self, metric: Metric) -> bool:
        """Say whether there is a bar, and too few people to hold a metric against it."""
        return bool(self.bar) and (metric.n if metric.people is None else metric.people) < LEAST_PEOPLE

    def told(self, metric: Metric) -> str:
        """Return the title, with the AUs that an average is of."""
        return self.title.format(aus=" ".join(map(str, metric.of_aus)), count=len(metric.of_aus))


# In the order in which they are told. Intensities 0 to 1; pixels of 255.
SUMMARY: Mapping[str, MetricKind] = {
    "response_mean": MetricKind("asked AU from 0 to 1, mean of {aus}", at_least=0.40),
    "response_lowest": MetricKind("the same, the weakest of them", at_least=0.25),
    "response_relative_mean": MetricKind("the same beside what real faces do, mean of {aus}", at_least=0.9),
    "response_relative_lowest": MetricKind("the same, the weakest of them", at_least=0.6),
    "crosstalk_mean": MetricKind("the other AUs' change, person by person", at_most=0.06),
    "crosstalk_of_means_mean": MetricKind("the other AUs' mean change"),
    "monotone_share_lowest": MetricKind("people whose reading rises at every step, worst AU", at_least=0.85),
    "monotone_share_mean": MetricKind("the same, mean of {count} AUs"),
    "identity_distance_mean": MetricKind("identity: distance to the source", at_most=0.30),
    "identity_distance_p95": MetricKind("the same, 95th percentile", at_most=0.45),
    "identity_share_same": MetricKind(f"share under {SAME_PERSON:g}, who count as the same person"),
    "pair_l1_ratio": MetricKind("same person, other expression: L1 / not changing", at_most=0.75),
    "pair_dssim_ratio": MetricKind("the same by 1 − SSIM"),
    "pair_l1": MetricKind("L1 to the real photo, of 255"),
    "pair_ssim": MetricKind("SSIM with the real photo"),
    "untouched_change": MetricKind("the photo's own AUs asked: change, of 255", at_most=1.5),
    "outside_change": MetricKind("one AU at 1: change outside the face, of 255"),
    "attention_mean": MetricKind("the same: mean attention A"),
    "painted_share": MetricKind(f"the same: share of pixels with A < {PAINTED:g}"),
    "sharpness_moved": MetricKind("the same: gradient energy where only moved / source's", at_least=0.9),
    "frechet_judge_features": MetricKind("Fréchet distance of the judge's features (not FID)"),
}


def by_au(key: str, values: Floats, n: int, aus: Sequence[int]) -> list[Metric]:
    """Return the values (N,) of single AUs as metrics, those that are numbers."""
    pairs = zip(aus, values.tolist(), strict=True)
    return [Metric(key, value, n, au) for au, value in pairs if math.isfinite(value)]
