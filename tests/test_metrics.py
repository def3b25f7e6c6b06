"""Laws of the numbers: known readings, known Gaussians and known bars give known matrices, distances and verdicts."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.evaluation.bars import LEAST_PEOPLE, SUMMARY, Metric, MetricKind
from ganimate.evaluation.judge_worth import JudgeWorth, correlation, judge_worth, reality
from ganimate.evaluation.metrics import (
    BAR_AUS,
    LEVELS,
    change_matrix,
    crosstalk,
    crosstalk_of_means,
    frechet_distance,
    identity_metrics,
    monotone_share,
    pair_metrics,
    response_metrics,
    seen_metrics,
    sharpness_metric,
)

AUS = (1, 12, 14)
ALL = np.ones(3, bool)
NOBODY = np.full(50, -1)
MIXTURE = np.array([[0.5, 0.1, 0.0], [-0.2, 0.8, 0.1], [0.0, 0.0, 0.3]])  # (N asked, N read)


def readings(people: int = 4, mixture: NDArray[np.float64] = MIXTURE) -> NDArray[np.float64]:
    """Return the readings (n, N, L, N) of a generator that answers linearly, on top of what each person shows."""
    own = np.random.default_rng(0).uniform(0, 0.2, (people, 1, 1, len(mixture)))
    return own + np.array(LEVELS)[None, None, :, None] * mixture[None, :, None, :]


def worth(readable: tuple[bool, ...] = (True, True, True)) -> JudgeWorth:
    by_codes = np.where(readable, 0.8, 0.1)
    return JudgeWorth(AUS, by_codes, by_codes, by_codes, by_codes, by_codes, 100, 200)


def by_key(metrics: list[Metric], key: str) -> list[float]:
    return [metric.value for metric in metrics if metric.key == key]


def test_names_tell_the_sample() -> None:
    assert Metric("identity_distance_mean", 0.2, 64).name == "identity_distance_mean_n64"


def test_a_linear_response_gives_its_own_matrix() -> None:
    np.testing.assert_allclose(change_matrix(readings()), MIXTURE)
    np.testing.assert_allclose(crosstalk(readings(), ALL), [0.05, 0.15, 0.0])
    np.testing.assert_allclose(monotone_share(readings()), 1)


def test_no_response_is_none() -> None:
    still = readings(mixture=np.zeros((3, 3)))
    assert (change_matrix(still) == 0).all()
    assert (crosstalk(still, ALL) == 0).all()
    assert (monotone_share(still) == 0).all()  # what stays does not rise


def test_crosstalk_counts_what_cancels_out_over_people() -> None:
    up, down = readings(1), readings(1, MIXTURE * [[1, -1, 1], [1, 1, 1], [1, 1, 1]])
    both = np.concatenate([up, down])
    assert crosstalk(both, ALL)[0] == pytest.approx(0.05)
    assert crosstalk_of_means(both, ALL)[0] == pytest.approx(0)


def test_crosstalk_does_not_count_what_cannot_be_read() -> None:
    np.testing.assert_allclose(crosstalk(readings(), np.array([True, True, False])), [0.1, 0.2, 0.0], atol=1e-12)
    assert np.isnan(crosstalk(readings(), np.array([True, False, False]))[0])  # no other is left


def test_rising_people_are_counted() -> None:
    four = readings(4)
    four[0, 0, 2, 0] = four[0, 0, 1, 0]  # AU 1 of the first person stops half way
    four[1, 1, 3, 1] = -1  # AU 12 of the second falls at the end
    np.testing.assert_allclose(monotone_share(four), [0.75, 0.75, 1])


def test_averages_are_of_what_can_be_read_and_has_a_bar() -> None:
    found = response_metrics(readings(5), worth())
    assert 14 not in BAR_AUS
    assert by_key(found, "response_mean") == [pytest.approx((0.5 + 0.8) / 2)]
    assert by_key(found, "response_lowest") == [pytest.approx(0.5)]
    assert by_key(found, "crosstalk_mean") == [pytest.approx((0.05 + 0.15) / 3)]
    assert {metric.n for metric in found} == {5}
    blind = response_metrics(readings(5), worth((False, True, True)))
    assert by_key(blind, "response_mean") == [pytest.approx(0.8)]
    assert by_key(blind, "response") == pytest.approx([0.5, 0.8, 0.3])  # told, and not counted
    assert len(by_key(blind, "read_change")) == 9


OFTEN = np.array([False, True, False, True, False, False])


def two_kinds() -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Return readings and distances of six people, of whom those seen often answer twice as strongly as AU 12."""
    found = readings(6)
    found[OFTEN] = readings(2, MIXTURE * [[1, 1, 1], [1, 2, 1], [1, 1, 1]])
    found[0, 1, 3, 1] = -1.0  # AU 12 of one who is seen once falls at the end
    return found, [np.full(2, 0.3 if often else 0.1) for often in OFTEN]


def test_people_seen_once_and_often_are_told_apart_and_make_up_all() -> None:
    mixed, distances = two_kinds()
    found = {metric.name: metric.value for metric in seen_metrics(mixed, distances, OFTEN, worth()) if not metric.au}
    assert found["response_seen_often_mean_n2"] == pytest.approx((0.5 + 1.6) / 2)
    assert found["monotone_share_seen_once_mean_n4"] == pytest.approx((1 + 0.75 + 1) / 3)
    assert found["monotone_share_seen_often_mean_n2"] == 1
    assert found["identity_distance_seen_once_mean_n4"] == pytest.approx(0.1)
    assert found["identity_distance_seen_often_mean_n2"] == pytest.approx(0.3)
    for key, whole in (
        ("response", by_key(response_metrics(mixed, worth()), "response_mean")),
        ("monotone_share", by_key(response_metrics(mixed, worth()), "monotone_share_mean")),
        ("identity_distance", by_key(identity_metrics(np.concatenate(distances), 6), "identity_distance_mean")),
    ):
        parts = 4 * found[f"{key}_seen_once_mean_n4"] + 2 * found[f"{key}_seen_often_mean_n2"]
        assert whole == [pytest.approx(parts / 6)]


def test_each_au_is_told_apart_too_and_averages_are_of_what_can_be_read() -> None:
    mixed, distances = two_kinds()
    blind = seen_metrics(mixed, distances, OFTEN, worth((False, True, True)))
    assert by_key(blind, "response_seen_often_mean") == [pytest.approx(1.6)]
    assert by_key(blind, "response_seen_often") == pytest.approx([0.5, 1.6, 0.3])  # told, and not counted
    wholes = by_key(response_metrics(mixed, worth()), "response")
    for once, often, whole in zip(
        by_key(blind, "response_seen_once"), by_key(blind, "response_seen_often"), wholes, strict=True
    ):
        assert whole == pytest.approx((4 * once + 2 * often) / 6)


@pytest.mark.parametrize("often", [True, False])
def test_of_one_kind_of_people_nothing_is_told_of_the_other(often: bool) -> None:
    nobody, somebody = ("once", "often") if often else ("often", "once")
    none = [np.zeros(0)] * 5  # no embedder
    found = seen_metrics(readings(5), none, np.full(5, often), worth())
    assert not [metric.key for metric in found if f"seen_{nobody}" in metric.key or "identity" in metric.key]
    assert by_key(found, f"response_seen_{somebody}_mean") == by_key(
        response_metrics(readings(5), worth()), "response_mean"
    )
    assert {metric.n for metric in found} == {5}


def test_a_judge_that_can_read_nothing_gives_no_average() -> None:
    found = response_metrics(readings(), worth((False, False, False)))
    assert [metric.key for metric in found if metric.key in SUMMARY] == []


def test_correlation_in_closed_form() -> None:
    a = np.array([[0.0, 1.0, 5.0], [1.0, 0.0, 5.0], [2.0, 2.0, 5.0], [9.0, np.nan, 5.0]])
    b = np.array([[1.0, 1.0, 1.0], [3.0, 2.0, 2.0], [5.0, 0.0, 3.0], [19.0, 9.0, 4.0]])
    found = correlation(a, b)
    assert found[:2] == pytest.approx([1.0, -1.0])
    assert math.isnan(found[2])  # a constant goes with nothing


def test_the_judge_is_measured_by_codes_where_there_are_any() -> None:
    rng = np.random.default_rng(0)
    labels = rng.uniform(0, 1, (50, 3))
    read = labels * [0.5, 1.0, 1.0]
    read[:, 1] = rng.uniform(0, 1, 50)
    codes = np.full((50, 3), np.nan)
    codes[:20, 0], codes[:20, 1] = labels[:20, 0], labels[:20, 1]
    found = judge_worth(AUS, read, labels, codes, NOBODY[: len(read)])
    assert (found.n_codes, found.n_labels) == (20, 50)
    assert (found.by_codes[0], found.by_labels[0], found.labels_by_codes[0]) == pytest.approx((1, 1, 1))
    assert found.slope[0] == pytest.approx(0.5)
    assert math.isnan(found.by_codes[2])  # no codes: the labels decide
    assert found.readable.tolist() == [True, False, True]
    assert found.unreadable == (12,)
    names = {metric.name for metric in found.metrics() if metric.au == 14}
    assert names == {"judge_correlation_with_labels_n50", "judge_slope_of_labels_n50"}


def test_reality_is_what_is_read_of_a_code_alone() -> None:
    rng = np.random.default_rng(0)
    persons = np.repeat(np.arange(40), 5)
    codes = rng.integers(0, 6, (200, 3)) / 5.0
    codes[:, 1] = (codes[:, 0] + codes[:, 1]) / 2  # they come together
    own = rng.uniform(0, 0.3, (40, 3))[persons]  # faces that read so at rest
    read = own + codes * [0.6, 0.3, 0.01]
    assert reality(read, codes, persons)[:2] == pytest.approx([0.6, 0.3], abs=0.01)
    assert math.isnan(reality(read, codes, persons)[2])  # too little to divide by
    assert np.isnan(reality(read, codes, np.full(200, -1))).all()
    assert np.isnan(reality(read, np.full((200, 3), np.nan), persons)).all()
    unknown = codes.copy()
    unknown[:, 2] = np.nan
    assert reality(read, unknown, persons)[:2] == pytest.approx([0.6, 0.3], abs=0.01)


def test_a_response_is_told_beside_reality() -> None:
    half = dataclasses.replace(worth(), reality=np.array([0.25, 0.8, np.nan]))
    found = response_metrics(readings(), half)
    assert by_key(found, "response_relative") == pytest.approx([2.0, 1.0])
    assert by_key(found, "response_relative_mean") == [pytest.approx(1.5)]
    assert by_key(found, "response_relative_lowest") == [pytest.approx(1.0)]
    once = seen_metrics(readings(), [np.zeros(1)] * 4, np.zeros(4, bool), half)
    assert by_key(once, "response_relative_seen_once_mean") == [pytest.approx(1.5)]


def test_codes_of_what_hardly_anybody_shows_do_not_count() -> None:
    labels = np.random.default_rng(0).uniform(0, 1, (50, 3))
    codes = np.zeros((50, 3))
    codes[:2] = 1.0
    assert np.isnan(judge_worth(AUS, labels, labels, codes, NOBODY[: len(labels)]).by_codes).all()
    assert judge_worth(AUS, labels, labels, codes, NOBODY[: len(labels)]).readable.all()


def test_identity_in_numbers() -> None:
    mean, top, share = identity_metrics(np.array([0.1, 0.2, 0.3, 0.7]), 2)
    assert (mean.value, share.value) == (pytest.approx(0.325), 0.75)
    assert 0.3 < top.value < 0.7
    assert mean.name == "identity_distance_mean_n2"
    assert identity_metrics(np.array([]), 2) == []


def test_doing_nothing_has_the_ratio_one() -> None:
    unchanged = np.array([[12.3, 0.7], [4.5, 0.81]])
    l1, dssim, *_ = pair_metrics(unchanged, unchanged)
    assert (l1.value, dssim.value) == (1.0, 1.0)
    better = pair_metrics(unchanged * [0.5, 1.1], unchanged)
    assert better[0].value == 0.5 and better[1].value < 1
    assert pair_metrics(np.array([]), np.array([])) == []


def test_sharpness_needs_something_that_moved() -> None:
    (found,) = sharpness_metric(3.0, 4.0, 7)
    assert (found.value, found.name) == (0.75, "sharpness_moved_n7")
    assert sharpness_metric(0.0, 0.0, 7) == []


def test_frechet_distance_of_a_set_and_itself_is_zero() -> None:
    features = np.random.default_rng(0).normal(size=(40, 8))
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(features, features + 1) == pytest.approx(8)  # |μ_a − μ_b|²


def test_frechet_distance_of_gaussians_in_closed_form() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(5000, 3))
    a = (a - a.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(a, rowvar=False))).T  # covariance exactly I
    b = a * [2.0, 3.0, 0.5] + [1.0, 0.0, 0.0]
    expected = 1 + sum((1 - s) ** 2 for s in (2.0, 3.0, 0.5))
    assert frechet_distance(a, b) == pytest.approx(expected)
    assert frechet_distance(b, a) == pytest.approx(expected)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(expected)


@pytest.mark.parametrize(("value", "least", "most"), [(0.4, True, True), (0.41, True, False), (0.39, False, True)])
def test_bars_are_met_at_their_value(value: float, least: bool, most: bool) -> None:
    metric = Metric("", value, LEAST_PEOPLE)
    assert MetricKind("", at_least=0.4).passes(metric) is least
    assert MetricKind("", at_most=0.4).passes(metric) is most
    assert MetricKind("").passes(metric) is None


def test_what_could_not_be_measured_clears_no_bar() -> None:
    assert MetricKind("", at_least=0.4).passes(Metric("", math.nan, LEAST_PEOPLE)) is False


def test_on_too_few_people_nothing_passes_or_misses() -> None:
    kind = MetricKind("", at_least=0.4)
    assert kind.passes(Metric("", 0.9, LEAST_PEOPLE - 1)) is None
    assert kind.lacks_people(Metric("", 0.9, LEAST_PEOPLE - 1)) and not MetricKind("").lacks_people(Metric("", 0.9, 1))
    many_pairs = Metric("", 0.9, 1000, people=3)
    assert kind.passes(many_pairs) is None


def test_an_average_names_what_it_is_of() -> None:
    (mean,) = [m for m in response_metrics(readings(5), worth((True, False, True))) if m.key == "response_mean"]
    assert mean.of_aus == tuple(au for au, can in zip(AUS, (True, False, True), strict=True) if can and au in BAR_AUS)
    assert SUMMARY["response_mean"].told(mean).endswith(f"mean of {' '.join(map(str, mean.of_aus))}")
    (rising,) = [m for m in response_metrics(readings(5), worth()) if m.key == "monotone_share_mean"]
    assert SUMMARY["monotone_share_mean"].told(rising) == "the same, mean of 3 AUs"
    assert (MetricKind("", at_least=0.4).bar, MetricKind("", at_most=1.5).bar, MetricKind("").bar) == (
        "≥ 0.4",
        "≤ 1.5",
        "",
    )
