"""What a training tells of its steps: the pace, the time left, and warnings."""

from __future__ import annotations

import re
import time

import pytest
from synthetic import tiny_config

from ganimate.training.step_record import StepRecord
from ganimate.training.step_report import StepReport, duration


def paces(monkeypatch: pytest.MonkeyPatch, begin: int = 0, **budget: float | int | None) -> list[str]:
    """Return what is told after each step of a run of 250 steps of 4 photos, one a second."""
    clock_s = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock_s[0])
    report = StepReport(tiny_config(steps=250), begin, budget.get("minutes"), budget.get("images"))  # type: ignore[arg-type]
    told = []
    for step in range(begin, 250):
        clock_s[0] += 1.0
        told.append(report.told(StepRecord(step + 1, {}, 4.0))[0])
    return told


def test_the_time_left_is_that_of_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    told = paces(monkeypatch)
    assert told[9] == "4.0 images/s, 4 min left"
    assert told[-1] == "4.0 images/s, 0 s left"


def test_a_budget_ends_where_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    assert paces(monkeypatch, minutes=1)[9].endswith(", 50 s left")
    assert paces(monkeypatch, begin=240, minutes=60)[0].endswith(", 9 s left")
    assert paces(monkeypatch, images=4 * 60)[9].endswith(", 50 s left")


def test_a_step_is_told_with_its_pace_and_its_terms() -> None:
    report = StepReport(tiny_config(), 0, None, None)
    short, line = report.told(StepRecord(1, {"critic_au": 0.25}, 9.0))
    assert re.fullmatch(r"[\d.]+ images/s, .* left", short)
    assert line == f"step 1/7, {short}: critic_au 0.25"


def test_a_warning_is_told_once_and_again_much_later() -> None:
    report = StepReport(tiny_config(), 0, None, None)
    records = [StepRecord(step, {}, 9.0, "saturated; do this") for step in range(1, 1500)]
    warnings = [warning for warning in map(report.warning, records) if warning is not None]
    assert warnings == ["saturated; do this (step 1)", "saturated; do this (step 1001)"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3540, "59 min"), (3600, "1 h 00 min"), (11100, "3 h 05 min")],
)
def test_durations_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said
