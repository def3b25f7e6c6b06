"""What is measured of a model, as named numbers, and the bars that it must clear. Pure functions of arrays.

AU readings come from a judge, a network that took no part in training the model. n people are asked for each of the
model's N AUs at L intensities: `readings` (n, N asked, L, N read).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ganimate.face.detect.embedder import SAME_PERSON
from ganimate.zoo.checkpoint import READS_LABELS

LEVELS = (0.0, 0.33, 0.66, 1.0)  # at which every AU is asked
BAR_AUS = (1, 2, 4, 5, 9, 12, 15, 17, 25, 26, 45)  # whose response has a bar
PAINTED = 0.9  # attention below this is paint
# When the judge counts as able to read an AU. Human codes decide where there are any: on CFEE, OpenFace itself, from
# which the labels come, agrees with them by 0.12 (AU23) to 0.88 (AU12). By labels alone it must do better, as it
# shares their errors.
READS_CODES = 0.3
SEEN = {"seen_once": "people seen once", "seen_often": "people seen more than once"}  # in how many photos of the pack
LEAST_PEOPLE = 20  # to pass or miss: a mean over fewer is uncertain by 0.07 and more, as far as models lie apart
LEAST_SHOWN = 3  # photos that show an AU; with fewer a correlation is chance

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


@dataclass(frozen=True)
class JudgeWorth:
    """How well the judge reads: correlations on held-out photos, (N,) each, NaN where there is nothing to compare.

    `by_codes` with human FACS codes on `n_codes` photos, `labels_by_codes` the labels' own on the same photos,
    `by_labels` with the labels on `n_labels` photos. `slope` is what it reads of a label's change of 1: who is unsure
    reads less, and no model can make it read more.
    """

    aus: tuple[int, ...]
    by_codes: Floats
    labels_by_codes: Floats
    by_labels: Floats
    slope: Floats
    n_codes: int
    n_labels: int

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Which AUs the judge can read (N,): by the human codes where there are any, else by the labels."""
        coded = np.isfinite(self.by_codes)
        return np.where(coded, self.by_codes >= READS_CODES, self.by_labels >= READS_LABELS)

    @property
    def unreadable(self) -> tuple[int, ...]:
        """The AUs that it cannot read: no average counts them."""
        return tuple(au for au, can in zip(self.aus, self.readable, strict=True) if not can)

    def metrics(self) -> list[Metric]:
        """Return the correlations by AU, those that there are."""
        columns = (
            ("judge_correlation_with_codes", self.by_codes, self.n_codes),
            ("labels_correlation_with_codes", self.labels_by_codes, self.n_codes),
            ("judge_correlation_with_labels", self.by_labels, self.n_labels),
            ("judge_slope_of_labels", self.slope, self.n_labels),
        )
        return [metric for key, values, n in columns for metric in _by_au(key, values, n, self.aus)]


def judge_worth(aus: Sequence[int], read: Floats, labels: Floats, codes: Floats) -> JudgeWorth:
    """Return the judge's worth from its readings, the labels and the human codes of the same photos, (v, N) each.

    A code that is not known is NaN.
    """
    coded = np.isfinite(codes)
    enough = ((codes > 0) & coded).sum(0) >= LEAST_SHOWN
    by_codes = np.where(enough, correlation(read, codes), np.nan)
    own = np.where(enough, correlation(labels, codes), np.nan)
    slope = correlation(read, labels) * read.std(0) / np.maximum(labels.std(0), 1e-9)
    n_codes = int(coded.any(1).sum())
    return JudgeWorth(tuple(aus), by_codes, own, correlation(read, labels), slope, n_codes, len(labels))


def correlation(a: Floats, b: Floats) -> Floats:
    """Return Pearson's correlation of columns (v, N) over rows in which both are known; NaN for a constant."""
    return np.array([_correlation(x, y) for x, y in zip(a.T, b.T, strict=True)])


def _correlation(x: Floats, y: Floats) -> float:
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def change_matrix(readings: Floats) -> Floats:
    """Return the mean change of each reading (N asked, N read) from the lowest to the highest intensity asked."""
    changes: Floats = (readings[:, :, -1] - readings[:, :, 0]).mean(0)
    return changes


def crosstalk(readings: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Return, for each asked AU (N,), how much the others change, from the lowest to the highest intensity.

    For each other AU that is `counted` (N,): the mean over people of the absolute change; then the mean over these
    AUs. So what rises in one person and falls in the next is not lost, and the judge's own scatter is in it. NaN where
    no other AU is counted.
    """
    return _mean_of_others(np.abs(readings[:, :, -1] - readings[:, :, 0]).mean(0), counted)


def crosstalk_of_means(readings: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Return the same with the mean over people taken before the absolute value: what others do on average."""
    return _mean_of_others(np.abs(change_matrix(readings)), counted)


def _mean_of_others(changes: Floats, counted: NDArray[np.bool_]) -> Floats:
    others = counted[None] & ~np.eye(len(counted), dtype=bool)
    totals, numbers = np.where(others, changes, 0.0).sum(1), others.sum(1)
    return np.where(numbers > 0, totals / np.maximum(numbers, 1), np.nan)


def monotone_share(readings: Floats) -> Floats:
    """Return, for each asked AU (N,), the share of people whose reading of it rises from each level to the next."""
    own = np.einsum("nklk->nkl", readings)  # (n, N, L)
    share: Floats = (np.diff(own, axis=2) > 0).all(2).mean(0)
    return share


def response_metrics(readings: Floats, worth: JudgeWorth) -> list[Metric]:
    """Return the AU response: by AU, the whole matrix, and averages over the AUs that the judge can read."""
    n, aus, can = len(readings), worth.aus, worth.readable
    matrix, rising = change_matrix(readings), monotone_share(readings)
    others, of_means = crosstalk(readings, can), crosstalk_of_means(readings, can)
    barred = can & np.isin(aus, BAR_AUS)
    return [
        *_averages("response", n, np.diag(matrix), worth, barred, lowest=True),
        *_averages("crosstalk", n, others, worth, can),
        *_averages("crosstalk_of_means", n, of_means, worth, can),
        *_averages("monotone_share", n, rising, worth, can, lowest=True),
        *_by_au("response", np.diag(matrix), n, aus),
        *_by_au("crosstalk", others, n, aus),
        *_by_au("crosstalk_of_means", of_means, n, aus),
        *_by_au("monotone_share", rising, n, aus),
        *(
            Metric("read_change", float(matrix[i, j]), n, asked, read)
            for i, asked in enumerate(aus)
            for j, read in enumerate(aus)
        ),
    ]


def seen_metrics(
    readings: Floats, distances: Sequence[Floats], often: NDArray[np.bool_], worth: JudgeWorth
) -> list[Metric]:
    """Return response, rising and identity of the people seen once and of those seen more than once, apart.

    `distances` are those of each person's results, none or more; `often` (n,) says who is seen more than once: mostly
    in a studio, whereas users' photos are as those of people seen once. Of whom there is nobody, nothing is told.
    """
    found = []
    for seen, who in zip(SEEN, (~often, often), strict=True):
        n = int(who.sum())
        if not n:
            continue
        answers, rising = np.diag(change_matrix(readings[who])), monotone_share(readings[who])
        apart = np.concatenate([each for each, one in zip(distances, who, strict=True) if one])
        found += [
            *_averages(f"response_{seen}", n, answers, worth, worth.readable & np.isin(worth.aus, BAR_AUS)),
            *_averages(f"monotone_share_{seen}", n, rising, worth, worth.readable),
            *([Metric(f"identity_distance_{seen}_mean", float(apart.mean()), n)] if apart.size else []),
            *_by_au(f"response_{seen}", answers, n, worth.aus),
        ]
    return found


def identity_metrics(distances: Floats, people: int) -> list[Metric]:
    """Return what the distances (m,) of face embeddings, from the sources to the results of `people`, say."""
    if not distances.size:
        return []
    return [
        Metric("identity_distance_mean", float(distances.mean()), people),
        Metric("identity_distance_p95", float(np.quantile(distances, 0.95)), people),
        Metric("identity_share_same", float((distances < SAME_PERSON).mean()), people),
    ]


def pair_metrics(changed: Floats, unchanged: Floats) -> list[Metric]:
    """Return how near generated photos come to the real ones of the same expression, and as a ratio to no change.

    `changed` (m, 2) are L1, of 255, and SSIM of the generated with the real photo; `unchanged` those of the photo that
    was begun with. A ratio is that of the sums over the pairs: a generator that does nothing has exactly 1.
    """
    if not len(changed):
        return []
    (l1, similar), (l1_before, similar_before) = changed.mean(0), unchanged.mean(0)
    return [
        Metric("pair_l1_ratio", _ratio(l1, l1_before), len(changed)),
        Metric("pair_dssim_ratio", _ratio(1 - similar, 1 - similar_before), len(changed)),
        Metric("pair_l1", float(l1), len(changed)),
        Metric("pair_ssim", float(similar), len(changed)),
    ]


def sharpness_metric(result: float, source: float, people: int) -> list[Metric]:
    """Return the ratio of the gradient energies of what was only moved; nothing where nothing moved."""
    return [Metric("sharpness_moved", result / source, people)] if source > 0 else []


def frechet_distance(a: Floats, b: Floats) -> float:
    """Return the Fréchet distance of Gaussians that are fitted to two sets of features, (n, F) and (m, F).

    |μ_a − μ_b|² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) (Dowson, Landau, J. Multivariate Analysis 1982). Small sets bend it
    upwards: compare distances of sets of one size only.
    """
    cov_a, cov_b = (np.atleast_2d(np.cov(each, rowvar=False)) for each in (a, b))
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(0)).sum()  # tr (Σ_a Σ_b)^½
    apart = float(((a.mean(0) - b.mean(0)) ** 2).sum())
    return max(0.0, apart + float(np.trace(cov_a) + np.trace(cov_b) - 2 * shared))


def _ratio(value: float, reference: float) -> float:
    return float(value / reference) if reference else math.nan


def _averages(
    key: str, n: int, values: Floats, worth: JudgeWorth, counted: NDArray[np.bool_], *, lowest: bool = False
) -> list[Metric]:
    """Return the mean, and the lowest, of the values (N,) of AUs that are `counted`; nothing where there are none."""
    values, aus = values[counted], tuple(np.array(worth.aus)[counted].tolist())
    if not values.size or not np.isfinite(values).all():
        return []
    mean = [Metric(f"{key}_mean", float(values.mean()), n, of_aus=aus)]
    return [*mean, Metric(f"{key}_lowest", float(values.min()), n, of_aus=aus)] if lowest else mean


def _by_au(key: str, values: Floats, n: int, aus: Sequence[int]) -> list[Metric]:
    pairs = zip(aus, values.tolist(), strict=True)
    return [Metric(key, value, n, au) for au, value in pairs if math.isfinite(value)]
