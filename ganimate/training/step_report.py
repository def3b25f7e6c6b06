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
        self._batch, self._total = config.batch_images, config.steps
        self._last = self._total if images is None else min(self._total, step - (-images // self._batch))
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._moments: deque[tuple[int, float]] = deque([(step, time.monotonic())], maxlen=PACE_STEPS)
        self._warned: dict[str, int] = {}

    def told(self, record: StepRecord) -> tuple[str, str]:
        """Return what is told of one step, shortly, and in a line with all of its terms."""
        self._moments.append((record.step, time.monotonic()))
        text = self._pace()
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
        """Return the speed of the last steps, data included, and the time left."""
        (first, began), (last, now) = self._moments[0], self._moments[-1]
        seconds_a_step = (now - began) / (last - first)
        left_s = max(0, self._last - last) * seconds_a_step
        if self._end is not None:
            left_s = min(left_s, max(0.0, self._end - now))
        return f"{self._batch / max(seconds_a_step, 1e-9):.1f} images/s, {duration(left_s)} left"


def duration(seconds: float) -> str:
    """Return seconds as people say them: 42 s, 17 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
