"""Regression within persons: what goes with a change of a person, whoever that is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def slopes_within_persons(
    causes: NDArray[np.floating], effects: NDArray[np.floating], persons: NDArray[Any], ridge: float
) -> Floats:
    """Return slopes (N, M) of effects (n, M) on causes (n, N), both as deviations from the mean of the person (n,).

    `ridge` is how many rows' worth of doubt there is: a cause that hardly varies has small slopes.
    """
    x, y = np.array(causes, np.float64), np.array(effects, np.float64)
    for person in np.unique(persons):
        own = persons == person
        x[own] -= x[own].mean(0)
        y[own] -= y[own].mean(0)
    return np.asarray(np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y), np.float64)
