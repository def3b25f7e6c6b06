"""What the judge's word is worth: how its readings go with human codes and with the labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganimate.data.within_persons import slopes_within_persons
from ganimate.evaluation.bars import Floats, Metric, by_au
from ganimate.zoo.cards import READS_LABELS

# When the judge counts as able to read an AU. Human codes decide where there are any: on CFEE, OpenFace itself, from
# which the labels come, agrees with them by 0.12 (AU23) to 0.88 (AU12). By labels alone it must do better, as it
# shares their errors.
READS_CODES = 0.3
LEAST_SHOWN = 3  # photos that show an AU; with fewer a correlation is chance
LEAST_REAL = 0.05  # that a judge reads of a real full AU: beside less a model's answer is a ratio of noise
RIDGE = 0.05  # photos' worth of doubt: two codes that always come together share what they do


@dataclass(frozen=True)
class JudgeWorth:
    """How well the judge reads: correlations on held-out photos, (N,) each, NaN where there is nothing to compare.

    `by_codes` with human FACS codes on `n_codes` photos, `labels_by_codes` the labels' own on the same photos,
    `by_labels` with the labels on `n_labels` photos. `slope` is what it reads of a label's change of 1: who is unsure
    reads less, and no model can make it read more. `reality` is what it reads of a change of 1 in the human code, from
    photo to photo of one person while the other codes stay: as much as real faces do.
    """

    aus: tuple[int, ...]
    by_codes: Floats
    labels_by_codes: Floats
    by_labels: Floats
    slope: Floats
    reality: Floats
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
            ("judge_reality", self.reality, self.n_codes),
        )
        return [metric for key, values, n in columns for metric in by_au(key, values, n, self.aus)]


def judge_worth(
    aus: Sequence[int], read: Floats, labels: Floats, codes: Floats, persons: NDArray[np.integer]
) -> JudgeWorth:
    """Return the judge's worth from its readings, the labels and the human codes of the same photos, (v, N) each.

    A code that is not known is NaN. `persons` (v,) says who is on the photos, -1 where nobody knows.
    """
    coded = np.isfinite(codes)
    enough = ((codes > 0) & coded).sum(0) >= LEAST_SHOWN
    by_codes = np.where(enough, correlation(read, codes), np.nan)
    own = np.where(enough, correlation(labels, codes), np.nan)
    slope = correlation(read, labels) * read.std(0) / np.maximum(labels.std(0), 1e-9)
    n_codes = int(coded.any(1).sum())
    real = np.where(enough, reality(read, codes, persons), np.nan)
    return JudgeWorth(tuple(aus), by_codes, own, correlation(read, labels), slope, real, n_codes, len(labels))


def reality(read: Floats, codes: Floats, persons: NDArray[np.integer]) -> Floats:
    """Return what is read of each AU (N,) when a person's code of it changes by 1 and the others do not; NaN: unknown.

    Ridge regression of readings on codes (v, N), both as deviations from the person's mean.
    """
    known = np.isfinite(codes).any(0)
    rows = np.isfinite(codes[:, known]).all(1) & (persons >= 0) if known.any() else np.zeros(len(codes), bool)
    told = np.full(codes.shape[1], np.nan)
    if rows.any():
        x = codes[rows][:, known]
        slopes = np.diag(slopes_within_persons(x, read[rows][:, known], persons[rows], RIDGE))
        # An AU that no person shows more here than there has no slope.
        told[known] = np.where(slopes != 0, slopes, np.nan)
    return np.where(told >= LEAST_REAL, told, np.nan)


def correlation(a: Floats, b: Floats) -> Floats:
    """Return Pearson's correlation of columns (v, N) over rows in which both are known; NaN for a constant."""
    return np.array([_correlation(x, y) for x, y in zip(a.T, b.T, strict=True)])


def _correlation(x: Floats, y: Floats) -> float:
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])
