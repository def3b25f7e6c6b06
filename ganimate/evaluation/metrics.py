"""What is measured of a model, as named numbers. Pure functions of arrays.

AU readings come from a judge, a network that took no part in training the model. n people are asked for each of the
model's N AUs at L intensities: `readings` (n, N asked, L, N read).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganimate.evaluation.bars import Floats, Metric, by_au
from ganimate.evaluation.judge_worth import JudgeWorth
from ganimate.face.detect.embedder import SAME_PERSON

LEVELS = (0.0, 0.33, 0.66, 1.0)  # at which every AU is asked
BAR_AUS = (1, 2, 4, 5, 9, 12, 15, 17, 25, 26, 45)  # whose response has a bar
SEEN = {"seen_once": "people seen once", "seen_often": "people seen more than once"}  # in how many photos of the pack


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
    barred, relative = can & np.isin(aus, BAR_AUS), np.diag(matrix) / worth.reality
    return [
        *_averages("response", n, np.diag(matrix), worth, barred, lowest=True),
        *_averages("response_relative", n, relative, worth, barred & np.isfinite(relative), lowest=True),
        *_averages("crosstalk", n, others, worth, can),
        *_averages("crosstalk_of_means", n, of_means, worth, can),
        *_averages("monotone_share", n, rising, worth, can, lowest=True),
        *by_au("response", np.diag(matrix), n, aus),
        *by_au("response_relative", relative, n, aus),
        *by_au("crosstalk", others, n, aus),
        *by_au("crosstalk_of_means", of_means, n, aus),
        *by_au("monotone_share", rising, n, aus),
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
        barred, relative = worth.readable & np.isin(worth.aus, BAR_AUS), answers / worth.reality
        found += [
            *_averages(f"response_{seen}", n, answers, worth, barred),
            *_averages(f"response_relative_{seen}", n, relative, worth, barred & np.isfinite(relative)),
            *_averages(f"monotone_share_{seen}", n, rising, worth, worth.readable),
            *([Metric(f"identity_distance_{seen}_mean", float(apart.mean()), n)] if apart.size else []),
            *by_au(f"response_{seen}", answers, n, worth.aus),
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
