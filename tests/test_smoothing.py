"""Laws of smoothing: noise goes, motion stays and is not late."""

from __future__ import annotations

import numpy as np
import pytest

from ganimate.trajectory.smoothing import fit_weights, steady

REACH = 4


def filtered(rows: np.ndarray, tolerance: float = 1e9) -> np.ndarray:  # type: ignore[type-arg]
    return np.stack([steady(rows, k, REACH, tolerance) for k in range(len(rows))])


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 30])
def test_what_accelerates_evenly_stays_as_it_is(frames: int) -> None:
    t = np.arange(frames, dtype=float)
    rows = np.stack([3 + 2 * t, 1 - t + 0.3 * t**2], 1)
    assert filtered(rows) == pytest.approx(rows, abs=1e-8)


def test_weights_are_symmetric_so_nothing_is_late() -> None:
    weights = fit_weights(REACH, REACH, REACH)
    assert weights == pytest.approx(weights[::-1])
    assert weights.sum() == pytest.approx(1)
    assert fit_weights(2, REACH, REACH) == pytest.approx(fit_weights(REACH, 2, REACH)[::-1])


def test_noise_is_reduced() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (400, 2))
    kept = filtered(noise)
    assert kept.std() < 0.6
    assert np.diff(kept, 2, axis=0).std() < 0.25 * np.diff(noise, 2, axis=0).std()


def test_a_jump_beyond_the_tolerance_is_kept() -> None:
    rows = np.zeros((20, 1))
    rows[10:] = 100.0
    assert np.abs(filtered(rows, tolerance=1.0) - rows).max() < 0.5
    assert np.abs(filtered(rows) - rows).max() > 10
