"""Laws of learning rates: they fall to 0 at the end, and a break changes nothing."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from ganimate.training.learning_rate import linear_decay, pace, warm_cosine


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=9.0)


def rates(total: int, share: float, done: int = 0, warmup_steps: int = 0) -> list[float]:
    """Return the rates of the steps from `done` on, of 1 at first, and that after the last."""
    one = optimizer()
    schedule, found = linear_decay(one, 1.0, total, share, done, warmup_steps), []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(done, total):
            found.append(one.param_groups[0]["lr"])
            one.step()
            schedule.step()
    return [*found, one.param_groups[0]["lr"]]


def test_a_rate_falls_in_a_line_to_nothing() -> None:
    assert rates(8, 0.5) == pytest.approx([1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0])
    assert rates(4, 0.0) == pytest.approx([1, 1, 1, 1, 0])


def test_a_rate_is_warmed_up_in_a_line() -> None:
    assert rates(8, 0.25, warmup_steps=4) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 0.5, 0])


def test_a_break_changes_no_rate() -> None:
    for done in range(9):
        assert rates(8, 0.5, done) == rates(8, 0.5)[done:]
        assert rates(8, 0.5, done, 3) == rates(8, 0.5, 0, 3)[done:]


def test_a_warm_rate_rises_and_falls_by_what_is_told_of_the_progress() -> None:
    progress, one = [0.0], optimizer()
    schedule = warm_cosine(one, 2.0, 0.25, lambda: progress[0])
    assert one.param_groups[0]["lr"] == pytest.approx(2 * 0.01)
    one.step()
    for progress[0], rate in ((0.125, 1.0), (0.25, 2.0), (0.625, 1.0), (1.0, 0.0), (1.5, 0.0)):
        schedule.step()
        assert one.param_groups[0]["lr"] == pytest.approx(rate)


def test_the_pace_is_never_beyond_its_ends() -> None:
    assert pace(0.1, 0.1) == pytest.approx(1) and pace(1.0, 0.1) == pytest.approx(0)
    assert 0 <= pace(0.0, 1.0) <= pace(0.999, 1.0) <= 1
