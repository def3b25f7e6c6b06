"""Laws of intervals: they hold the number, narrow with people, and one person's photos count as one person."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.evaluation.bars import Metric
from ganimate.evaluation.intervals import with_intervals


def interval(values: NDArray[np.float64], owners: NDArray[np.int64]) -> Metric:
    (found,) = with_intervals(lambda places: [Metric("mean", float(values[places].mean()), len(places))], owners)
    return found


def width(metric: Metric) -> float:
    assert metric.low is not None and metric.high is not None
    return metric.high - metric.low


def test_an_interval_is_that_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.16, 64)
    found = interval(values, np.arange(64))
    assert found.value == values.mean() and found.n == 64 and found.people is None
    assert found.low is not None and found.high is not None and found.low < found.value < found.high
    assert width(found) == pytest.approx(2 * 1.96 * values.std() / 8, rel=0.2)


def test_photos_of_one_person_do_not_count_as_many() -> None:
    person = np.random.default_rng(0).normal(0.5, 0.16, 16)
    values, owners = person.repeat(4), np.arange(16).repeat(4)
    assert width(interval(values, owners)) == pytest.approx(width(interval(person, np.arange(16))), rel=0.2)
    assert interval(values, owners).people == 16
    assert width(interval(values, np.arange(64))) < 0.7 * width(interval(values, owners))


def test_one_person_has_no_interval() -> None:
    found = interval(np.array([1.0, 2.0]), np.array([3, 3]))
    assert (found.low, found.high, found.people) == (None, None, 1)


def test_the_same_people_give_the_same_interval() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.16, 8)
    one, again = (interval(values, np.arange(8)) for _ in range(2))
    assert (one.low, one.high) == (again.low, again.high)


def test_nothing_measured_is_nothing_told() -> None:
    assert with_intervals(lambda places: [], np.zeros(0, np.int64)) == []
