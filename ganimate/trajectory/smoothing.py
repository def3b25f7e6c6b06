"""Readings of single frames made steady in time, without lag.

A parabola is fitted to the frames around each one (Savitzky and Golay, Anal. Chem. 1964; weighted by the tricube as in
Cleveland's loess, JASA 1979): symmetric, so that nothing comes late, and what moves or accelerates evenly stays as it
was. Where a fast motion does not fit the parabola the reading itself counts more, as in the 1 € filter (Casiez et al.,
CHI 2012): there jitter is not seen, while lag would be.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.floating]


@cache
def fit_weights(before: int, after: int, reach: int) -> NDArray[np.float64]:
    """Return the weights (before+1+after,) whose sum over the rows around is the fitted value in the middle.

    `reach` frames on either side take part where they exist. The curve stays a parabola at the ends: a line there would
    lag behind what accelerates. Over one or two rows it goes through them.
    """
    times = np.arange(-before, after + 1) / (reach + 1)  # in (-1, 1)
    degree = min(2, before + after)
    tricube = np.sqrt((1 - np.abs(times) ** 3) ** 3)
    powers = np.vander(times, degree + 1, increasing=True)
    fitted: NDArray[np.float64] = (np.linalg.pinv(powers * tricube[:, None])[0]) * tricube
    return fitted


def steady(rows: Rows, middle: int, reach: int, tolerance: float) -> Rows:
    """Return the row (...) at `middle` of `rows` (T, …, d), made steady by its neighbours.

    A reading that is further than about `tolerance` from the curve, as a distance over the last axis, is kept.
    """
    first, last = max(0, middle - reach), min(len(rows) - 1, middle + reach)
    weights = fit_weights(middle - first, last - middle, reach)
    curve = np.tensordot(weights, rows[first : last + 1], 1)
    rest = rows[middle] - curve
    off = (rest**2).sum(-1, keepdims=True)
    kept: Rows = curve + rest * off / (off + tolerance**2)
    return kept
