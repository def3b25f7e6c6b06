"""Performances: what a face did over time, and how it becomes frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ganimate.config import Driving
from ganimate.errors import ExpressionError
from ganimate.trajectory import Performance
from ganimate.trajectory.performances import gaussian_smoothed

RAMP = Performance(np.array([0.0, 1.0, 3.0]), np.array([[0, 1], [0.5, 1], [1, 0]], np.float32), (1, 12), ("a note",))


def noise(rows: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0, 1, (rows, 3)).astype(np.float32)


def even(rows: int, fps: float) -> Performance:
    return Performance(np.arange(rows) / fps, noise(rows), (1, 4, 12))


@pytest.mark.parametrize(
    ("times_s", "values", "aus", "message"),
    [
        ([0.0, 1.0], [[0.5], [1.5]], (1,), "AU1 of frame 2 must be between 0 and 1"),
        ([0.0, 1.0], [[0.5], [float("nan")]], (1,), "AU1 of frame 2 must be between 0 and 1"),
        ([0.0, 0.0], [[0.5], [0.5]], (1,), "row 2 is at 0 s, which is not after 0 s"),
        ([0.0, 2.0, 1.0], [[0.5]] * 3, (1,), "row 3 is at 1 s, which is not after 2 s"),
        ([0.0, float("inf")], [[0.5]] * 2, (1,), "the time of row 2 must be finite, not inf"),
        ([0.0], [[0.5]] * 2, (1,), "cannot have times of the shape"),
        ([0.0], [[0.5, 0.5]], (1,), "cannot have values of the shape"),
        ([0.0], [[0.5, 0.5]], (1, 1), "an AU comes twice"),
        ([], np.zeros((0, 1)), (1,), "cannot have values of the shape"),
    ],
)
def test_a_performance_checks_itself(times_s: object, values: object, aus: tuple[int, ...], message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        Performance(np.array(times_s, float), np.array(values, np.float32), aus)


def test_its_arrays_cannot_be_changed_from_outside() -> None:
    values = np.zeros((2, 1), np.float32)
    performance = Performance(np.array([0.0, 1.0]), values, (1,))
    values[:] = 1
    assert performance.values.max() == 0
    with pytest.raises(ValueError, match="read-only"):
        performance.values[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        performance.times_s[0] = 1


def test_gaps_are_straight_lines_in_time() -> None:
    path = RAMP.resampled(2.0)
    np.testing.assert_allclose(path.values[:, 0], [0, 0.25, 0.5, 0.625, 0.75, 0.875, 1])
    np.testing.assert_allclose(path.values[:, 1], [1, 1, 1, 0.75, 0.5, 0.25, 0])
    assert (path.fps, path.aus) == (2.0, (1, 12))


@given(st.integers(1, 40), st.floats(1, 120))
def test_at_its_own_rate_the_rows_come_back(rows: int, fps: float) -> None:
    performance = even(rows, fps)
    np.testing.assert_allclose(performance.resampled(fps).values, performance.values, atol=1e-5)


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 50.0, 60.0])
@pytest.mark.parametrize("decimals", [2, 3])
def test_rounded_times_cost_no_row(fps: float, decimals: int) -> None:
    for rows in (2, 3, 5, 17, 90, 91, 92, 300):
        if decimals == 2 and (rows < 17 or fps > 50):  # too coarse to tell the rate
            continue
        performance = Performance(np.round(np.arange(rows) / fps, decimals), noise(rows), (1, 4, 12))
        frames = performance.resampled(Driving().fps_for(performance.fps))
        assert len(frames) == rows
        np.testing.assert_allclose(frames.values[-1], performance.values[-1], atol=0.05 if decimals == 3 else 0.4)


def test_the_rate_is_the_usual_one_beside_gaps() -> None:
    times_s = np.concatenate([np.arange(10) / 25, 4 + np.arange(10) / 25])
    assert Performance(times_s, noise(20), (1, 4, 12)).fps == 25
    assert Performance(np.zeros(1), noise(1), (1, 4, 12)).fps is None


def test_one_row_is_one_frame() -> None:
    one = Performance(np.array([7.0]), noise(1), (1, 4, 12))
    for smooth_s in (0.0, 0.5):
        np.testing.assert_allclose(one.resampled(25, smooth_s=smooth_s).values, noise(1), atol=1e-6)


@given(st.floats(1e-4, 60), st.floats(0, 1))
def test_smoothing_keeps_what_stands_still(smooth_s: float, level: float) -> None:
    still = Performance(np.array([0.0, 0.1, 0.2, 1.5]), np.full((4, 1), level, np.float32), (1,))
    np.testing.assert_allclose(still.resampled(25, smooth_s=smooth_s).values, np.float32(level), atol=1e-6)


def test_smoothing_brings_nothing_early_or_late() -> None:
    values = np.zeros((101, 1), np.float32)
    values[50] = 1
    bump = Performance(np.arange(101) / 50, values, (1,)).resampled(50, smooth_s=0.1).values[:, 0]
    np.testing.assert_allclose(bump, bump[::-1], atol=1e-6)
    assert bump.argmax() == 50
    assert 0 < bump[50] < 0.2
    # the width is the one that was asked for: a standard deviation of 0.1 s
    spread_s = np.sqrt(np.sum(bump * (np.arange(101) / 50 - 1) ** 2) / bump.sum())
    assert spread_s == pytest.approx(0.1, rel=0.02)


def test_rows_that_stand_closer_do_not_count_more() -> None:
    dense = np.concatenate([np.linspace(0, 1, 100, endpoint=False), np.linspace(1, 2, 11)])
    line = Performance(dense, (dense[:, None] / 2).astype(np.float32), (1,))
    middle = line.resampled(10, smooth_s=0.05).values[5:16, 0]
    np.testing.assert_allclose(middle, np.linspace(0.25, 0.75, 11), atol=1e-3)


def test_smoothing_is_the_plain_sum_of_weighted_neighbours() -> None:
    values, sigma = noise(30).astype(np.float64), 3.3
    apart = np.arange(30)[:, None] - np.arange(30)
    weights = np.exp(-0.5 * (apart / sigma) ** 2) * (np.abs(apart) <= np.ceil(4 * sigma))
    expected = weights @ values / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(gaussian_smoothed(values, sigma), expected, atol=1e-9)


def test_a_part_has_its_exact_ends() -> None:
    part = RAMP.between(0.5, 2.0)
    assert part.times_s.tolist() == [0.5, 1.0, 2.0]
    np.testing.assert_allclose(part.values, [[0.25, 1], [0.5, 1], [0.75, 0.5]])
    assert part.notes == RAMP.notes
    assert RAMP.between().times_s.tolist() == RAMP.between(-1, 9).times_s.tolist() == [0, 1, 3]


@pytest.mark.parametrize(("start_s", "end_s"), [(4, None), (None, -1), (2, 1), (1, 1), (float("nan"), None)])
def test_a_part_outside_says_where_the_clip_is(start_s: float | None, end_s: float | None) -> None:
    with pytest.raises(ExpressionError, match="it goes from 0 s to 3 s"):
        RAMP.between(start_s, end_s)


@pytest.mark.parametrize(
    ("fps", "smooth_s", "message"),
    [
        (0, 0, "fps must be above 0"),
        (float("nan"), 0, "fps must be above 0"),
        (25, -1, "smoothing must be between 0 and 60"),
        (25, float("nan"), "smoothing must be between 0 and 60"),
    ],
)
def test_what_no_frames_can_be_made_of_is_refused(fps: float, smooth_s: float, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        RAMP.resampled(fps, smooth_s=smooth_s)


def test_a_clip_of_days_is_refused() -> None:
    days = Performance(np.array([0.0, 0.04, 1e6]), noise(3), (1, 4, 12))
    with pytest.raises(ExpressionError, match="more than 100000 frames"):
        days.resampled(25)
    assert len(days.resampled(0.01, smooth_s=10)) == 10_001


def test_rows_that_stand_closer_than_numbers_can_tell() -> None:
    clip = Performance(np.array([0.0, 1e-320]), noise(2), (1, 4, 12))
    assert len(clip.resampled(25.0, smooth_s=0.1)) == 1


def test_poses_are_held_to_the_ends_that_are_told() -> None:
    clip = Performance(np.array([1.0, 2.0]), np.array([[0.25], [0.75]], np.float32), (12,), ("read",))
    assert clip.held([1.0, 1.5, 2.0]) is clip
    held = clip.held([0.0, 0.5, 1.0, 3.0])
    assert held.times_s.tolist() == [0, 0.5, 1, 2, 3]
    assert held.values[:, 0].tolist() == [0.25, 0.25, 0.25, 0.75, 0.75]
    assert held.notes == (
        "read", "the face comes at 1 s and is there until 2 s of 0 s to 3 s: its pose is held there (--trim)"
    )  # fmt: skip
    assert clip.held([1.5, 4.0]).times_s.tolist() == [1, 2, 4]
