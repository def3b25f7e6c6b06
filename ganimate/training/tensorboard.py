"""A run's log for TensorBoard, by torch's own writer; Weights & Biases reads it, too."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ganimate.errors import DependencyError
from ganimate.training.step_record import StepRecord

FOLDER = "tensorboard"
SIDES = ("critic", "generator", "held_out")


def require_tensorboard() -> None:
    """Raise DependencyError where TensorBoard is missing, before any work."""
    if find_spec("tensorboard") is None:
        hint = "pip install 'ganimate[tensorboard]', or leave out --tensorboard"
        raise DependencyError("TensorBoard is not installed", hint)


class Events:
    """Writes what each step tells into the folder `tensorboard` of a run."""

    def __init__(self, run: Path, step: int) -> None:
        """Begin, or go on after `step`: what an earlier run has written of later ones counts no more."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(run / FOLDER), purge_step=step + 1)

    def write(self, record: StepRecord) -> None:
        """Write one step: terms by their side, such as critic/au, and where its time went."""
        for name, value in record.terms.items():
            side = next((side for side in SIDES if name.startswith(f"{side}_")), "masks")
            self._writer.add_scalar(f"{side}/{name.removeprefix(f'{side}_')}", value, record.step)
        for name, seconds in record.seconds.items():
            self._writer.add_scalar(f"seconds/{name}", seconds, record.step)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
