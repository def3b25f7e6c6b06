"""Laws of the rate at which a clip is read: hardly a frame is lost, and none is made that was not there before."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganimate.media.rates import MOST_LOST, choose_rate, slower

THOUSAND = Fraction(1000)  # the clock's, of browsers


def times(gaps_ms: list[float]) -> np.ndarray:
    return np.cumsum([0.0, *gaps_ms]) / 1000


@pytest.mark.parametrize(
    "fps", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(1, 2)]
)
def test_a_constant_rate_is_what_the_file_says(fps: Fraction) -> None:
    rate = choose_rate(fps, np.round(np.arange(300) / float(fps), 3))  # in milliseconds, as Matroska has them
    assert (rate.fps, rate.lost, rate.uneven) == (fps, 0, False)


@pytest.mark.parametrize("late_ms", [5, 12, 22, 30])
@pytest.mark.parametrize("fps", [25, 30])
def test_a_recording_whose_frames_come_late_has_its_true_rate(fps: int, late_ms: int) -> None:
    late = np.random.default_rng(0).uniform(0, min(late_ms, 900 / fps), 300)
    shown = np.floor(np.arange(300) * 1000 / fps + late) / 1000
    assert choose_rate(THOUSAND, shown).fps == fps


@pytest.mark.parametrize("fps", [12, 15, 24, 30])
def test_the_rate_of_a_short_gif_is_what_was_meant(fps: int) -> None:
    shown = np.floor(np.arange(6) * 100 / fps + 0.5) / 100
    rate = choose_rate(Fraction(5, 1) / Fraction(float(shown[-1])).limit_denominator(100), shown, 0.01)
    assert (rate.fps, rate.lost) == (fps, 0)


def test_a_long_pause_does_not_thin_out_the_rest() -> None:
    assert choose_rate(Fraction(5), times([50] * 19)).fps == 20
    assert choose_rate(THOUSAND, times([50] * 10 + [3000] + [50] * 10)).fps == 20


def test_a_frame_that_is_never_seen_does_not_count() -> None:
    shown = np.sort(np.append(np.arange(60) / 30, np.arange(1, 60, 16) / 30 - 0.001))
    assert choose_rate(THOUSAND, shown).fps == 30


@given(st.lists(st.integers(20, 400), min_size=1, max_size=60))
def test_hardly_a_frame_is_lost(gaps_cs: list[int]) -> None:
    shown = times(gaps_cs)
    rate = choose_rate(THOUSAND, shown)
    assert rate.lost <= MOST_LOST * len(shown)
    assert rate.fps <= 75  # the densest gap is 20 ms


@pytest.mark.parametrize(
    ("fps", "most", "taken"), [(60, 50, 30), (120, 50, 40), (50, 50, 50), (240, 50, 48), (25, 50, 25)]
)
def test_what_is_too_fast_is_thinned_evenly(fps: int, most: int, taken: int) -> None:
    shown = np.arange(fps) / fps
    assert slower(choose_rate(Fraction(fps), shown), shown, most).fps == taken
