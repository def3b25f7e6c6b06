"""The stretches of a run: it may go on with another config than it began with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganimate.config import TrainConfig, to_dict

HOUSEKEEPING = ("save_steps", "sample_steps", "check_steps", "workers")  # change nothing of what is learnt


@dataclass(frozen=True)
class Stretch:
    """The steps of a run from `from_step` on, done with one `config`, as plain data."""

    from_step: int
    config: dict[str, Any]

    def learns_as(self, config: dict[str, Any]) -> bool:
        """Say whether another config would have taught the same."""
        return all(config.get(name) == value for name, value in self.config.items() if name not in HOUSEKEEPING)


def went_on(history: Sequence[Stretch], step: int, config: TrainConfig) -> list[Stretch]:
    """Return the history of a run that goes on from `step` with `config`."""
    before = [stretch for stretch in history if stretch.from_step < step]
    now = to_dict(config)
    return before if before and before[-1].learns_as(now) else [*before, Stretch(step, now)]
