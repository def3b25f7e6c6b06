"""What a training tells of its steps: the pace of each phase, the time left as far as it is known, and warnings."""

from __future__ import annotations

import re
import time

import pytest
from synthetic import tiny_config

from ganimate.config import Schedule
from ganimate.training.step_record import StepRecord
from ganimate.training.step_report import StepReport, duration

SCHEDULE = Schedule(critic_steps=100, geometry_steps=100, adversarial_steps=50)
SECONDS = {"critic": 1.0, "geometry": 60.0, "adversarial": 90.0}  # that a step takes


def paces(monkeypatch: pytest.MonkeyPatch, begin: int = 0, **budget: float | int | None) -> list[str]:
    """Return what is told of the time left after each step of a run whose phases are slower and slower."""
    clock_s = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock_s[0])
    config = tiny_config(schedule=SCHEDULE, batch_images=4)
    report = StepReport(config, begin, budget.get("minutes"), budget.get("images"))  # type: ignore[arg-type]
    told = []
    for step in range(begin, SCHEDULE.total_steps):
        phase = SCHEDULE.phase_of(step)
        clock_s[0] += SECONDS[phase]
        short, _ = report.told(StepRecord(step + 1, phase, {}, 4.0))
        told.append(short)
    return told


def test_the_time_left_is_that_of_the_phase_until_the_later_ones_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    told = paces(monkeypatch)
    assert told[9] == "critic, 4.0 images/s, 2 min left of this phase"
    assert told[100] == "geometry, 0.1 images/s, 1 h 39 min left of this phase"
    assert told[201] == "adversarial, 0.0 images/s, 1 h 12 min left"
    assert told[-1].endswith(", 0 s left")


def test_a_budget_in_minutes_bounds_what_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    told = paces(monkeypatch, minutes=30)
    assert told[9].endswith(", at most 30 min left")
    assert told[100].endswith(" images/s, 27 min left")  # the phase alone takes longer
    assert paces(monkeypatch, begin=248, minutes=60)[0].endswith(", 2 min left")


def test_a_budget_in_images_ends_where_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    told = paces(monkeypatch, images=4 * 60)
    assert told[9].endswith(" images/s, 50 s left")
    told = paces(monkeypatch, images=4 * 110)
    assert told[9].endswith(" left of this phase")
    assert told[100].endswith(" images/s, 9 min left")


def test_a_step_is_told_with_its_pace_and_its_terms() -> None:
    report = StepReport(tiny_config(), 0, None, None)
    short, line = report.told(StepRecord(1, "critic", {"critic_au": 0.25}, 9.0))
    assert re.fullmatch(r"critic, [\d.]+ images/s, .* left of this phase", short)
    assert line == f"step 1/9, {short}: critic_au 0.25"


def test_a_warning_is_told_once_and_again_much_later() -> None:
    report = StepReport(tiny_config(), 0, None, None)
    records = [StepRecord(step, "adversarial", {}, 9.0, "saturated; do this") for step in range(1, 1500)]
    warnings = [warning for warning in map(report.warning, records) if warning is not None]
    assert warnings == ["saturated; do this (step 1)", "saturated; do this (step 1001)"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3540, "59 min"), (3600, "1 h 00 min"), (11100, "3 h 05 min")],
)
def test_durations_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said
