"""What a training tells of its steps: how fast it goes, how long it will take, and what speaks against it."""

from __future__ import annotations

import time
from collections import deque

from ganimate.config import TrainConfig
from ganimate.training.step_record import StepRecord

WARN_AGAIN_STEPS = 1000
PACE_STEPS = 40  # over which speed is measured


class StepReport:
    """The pace of a run that begins at `step`, and stops after so many minutes or images, if they are given."""

    def __init__(self, config: TrainConfig, step: int, minutes: float | None, images: int | None) -> None:
        self._batch, self._schedule = config.batch_images, config.schedule
        self._total = self._schedule.total_steps
        self._last = self._total if images is None else min(self._total, step - (-images // self._batch))
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._phase = ""
        self._moments: deque[tuple[int, float]] = deque([(step, time.monotonic())], maxlen=PACE_STEPS)
        self._warned: dict[str, int] = {}

    def told(self, record: StepRecord) -> tuple[str, str]:
        """Return what is told of one step, shortly, and in a line with all of its terms."""
        if record.phase != self._phase:  # each has a pace of its own
            self._phase = record.phase
            self._moments = deque([self._moments[-1]], maxlen=PACE_STEPS)
        self._moments.append((record.step, time.monotonic()))
        text = f"{record.phase}, {self._pace()}"
        terms = " ".join(f"{name} {value:.4g}" for name, value in record.terms.items())
        return text, f"step {record.step}/{self._total}, {text}: {terms}"

    def warning(self, record: StepRecord) -> str | None:
        """Return what speaks against a step, if anything, and has not been said for many steps."""
        step, text = record.step, record.warning
        if text is None or step - self._warned.get(text, -WARN_AGAIN_STEPS) < WARN_AGAIN_STEPS:
            return None
        self._warned[text] = step
        return f"{text} (step {step})"

    def _pace(self) -> str:
        """Return the speed of the phase's last steps, data included, and the time left as far as it is known."""
        (first, began), (last, now) = self._moments[0], self._moments[-1]
        seconds_a_step = (now - began) / (last - first)
        speed = f"{self._batch / max(seconds_a_step, 1e-9):.1f} images/s"
        phase_end = self._schedule.end_of(self._phase)
        left_s = max(0, min(self._last, phase_end) - last) * seconds_a_step
        is_all = self._last <= phase_end  # nobody knows yet how long the steps of later phases take
        if self._end is None:
            return f"{speed}, {duration(left_s)} left{'' if is_all else ' of this phase'}"
        budget_s = max(0.0, self._end - now)
        most = "" if is_all or left_s >= budget_s else "at most "
        return f"{speed}, {most}{duration(min(left_s, budget_s) if is_all else budget_s)} left"


def duration(seconds: float) -> str:
    """Return seconds as people say them: 42 s, 17 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
