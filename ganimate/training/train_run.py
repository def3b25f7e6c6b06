"""A training run from what is asked for to its last checkpoint. Torch is loaded after the config has been checked."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganimate.config import TrainConfig, to_dict
from ganimate.config.resolve import flat, merged, new_config, read_changes, resumed_config
from ganimate.data.joined_packs import open_packs
from ganimate.data.pack import Pack
from ganimate.errors import OutputError
from ganimate.system.progress import Progress
from ganimate.system.share import Share
from ganimate.training.machine import Machine
from ganimate.training.run_folder import MODEL_NAME, STATE_NAME, create_run, is_run, read_config, write_config
from ganimate.training.step_report import StepReport
from ganimate.training.tensorboard import Events, require_tensorboard

if TYPE_CHECKING:
    from ganimate.training.trainer import Trainer


@dataclass(frozen=True)
class Budget:
    """After how much a training stops, though its schedule is not over; None does not limit it."""

    minutes: float | None = None
    images: int | None = None


@dataclass(frozen=True)
class TrainRun:
    """A planned training run; `changes` are what a run that goes on does otherwise than before, by dotted name."""

    pack: Pack
    folder: Path
    config: TrainConfig
    resume: bool
    changes: Mapping[str, Any]
    events: bool = False  # also for TensorBoard

    @classmethod
    def plan(
        cls,
        packs: Sequence[Path],
        folder: Path,
        given: Mapping[str, Any],
        file: Path | None,
        resume: bool,
        events: bool = False,
    ) -> TrainRun:
        """Return the run with the settings in `file` and `given`, which win; raises before anything is written.

        `events` also writes the log for TensorBoard.
        """
        if events:
            require_tensorboard()
        opened = open_packs(packs)
        settings = merged(read_changes(file) if file else {}, given)
        changes: dict[str, Any] = {}
        if resume:
            own = read_config(folder, TrainConfig)
            config = resumed_config(own, settings)
            before = flat(to_dict(own))
            changes = {name: value for name, value in flat(to_dict(config)).items() if value != before[name]}
        else:
            config = new_config(settings, opened.spec.size_px)
            if Share.own().first and is_run(folder):
                raise OutputError(
                    f"{folder} holds a training run already", "add --resume to go on with it, or choose a new --out"
                )
        opened.require_size(config.generator.size_px)
        Share.own().require_even(config.batch_images)
        return cls(opened, folder, config, resume, changes, events)

    def train(self, machine: Machine, budget: Budget, stop: Callable[[], bool], progress: Progress) -> Path:
        """Train until it is done, the budget is used up or `stop` says so; returns the model's path."""
        from ganimate.training.team import leave

        trainer = self._trainer(machine, progress)
        if not self.resume:
            create_run(self.folder, self.config)
        elif self.changes:
            write_config(self.folder, self.config)
        self._tell_begin(trainer, progress)
        self._train(trainer, budget, stop, progress)
        self._tell_end(trainer, stop(), progress)
        leave()
        return self.folder / MODEL_NAME

    def _trainer(self, machine: Machine, progress: Progress) -> Trainer:
        with progress.stage("loading"):
            from ganimate.training.trainer import Trainer

            trainer = Trainer(self.pack, self.config, machine.take())
            if self.resume and (self.folder / STATE_NAME).exists():
                trainer.restore(self.folder)
        return trainer

    def _train(self, trainer: Trainer, budget: Budget, stop: Callable[[], bool], progress: Progress) -> None:
        from ganimate.training.sample_sheets import write_sample

        def show(at_work: Trainer) -> None:
            progress.note(f"sample sheet: {write_sample(at_work, self.folder)}")

        report = StepReport(self.config, trainer.step_index, budget.minutes, budget.images)
        first = Share.own().first
        sheets = show if first else None
        records = trainer.run(self.folder, minutes=budget.minutes, images=budget.images, stop=stop, on_sample=sheets)
        total, events = self.config.steps, Events(self.folder, trainer.step_index) if self.events and first else None
        with (
            contextlib.closing(events) if events else contextlib.nullcontext(),
            progress.count("training", total, "saved", done=trainer.step_index) as counted,
        ):
            for record in counted(records):
                counted.describe(*report.told(record))
                if events is not None:
                    events.write(record)
                if warning := report.warning(record):
                    progress.warn(warning)

    def _tell_begin(self, trainer: Trainer, progress: Progress) -> None:
        import torch

        for line in config_lines(self.config):
            progress.note(line)
        held = self.pack.validation
        progress.note(f"pack: {self.pack.place}, {int((~held).sum())} photos to train on, {int(held.sum())} held out")
        for line in self.pack.notes:
            progress.note(line)
        precision = "bf16" if trainer.bf16 else "fp32"
        threads = f", {torch.get_num_threads()} threads" if trainer.device.type == "cpu" else ""
        size = Share.own().size
        together = f", {size} processes share every batch" if size > 1 else ""
        progress.note(f"device: {trainer.device}, {precision}{threads}, workers: {self.config.workers}{together}")
        for name, value in self.changes.items():
            progress.note(f"changed from here on: {name} = {value}")
        if self.resume:
            progress.note(f"going on from step {trainer.step_index} of {self.config.steps}")

    def _tell_end(self, trainer: Trainer, stopped: bool, progress: Progress) -> None:
        from ganimate.training.held_out_check import warning as weakness

        if hardly := weakness(trainer.held_out):
            progress.warn(*hardly)
        done, total = trainer.step_index, self.config.steps
        folder = shlex.quote(str(self.folder))
        if done >= total:
            progress.note(f"finished after {done} steps; next: ganimate export {folder} --out models/NAME")
            return
        packs = " ".join(shlex.quote(str(path)) for path in self.pack.paths)
        again = f"ganimate train {packs} --out {folder} --resume"
        why = "stopped" if stopped else "budget used up"
        progress.note(f"{why} and saved after step {done} of {total}; go on with: {again}")


def config_lines(config: TrainConfig) -> list[str]:
    """Return the whole config, a line a table; what differs from the defaults has a star."""
    defaults = flat(to_dict(TrainConfig()))
    tables: dict[str, list[str]] = {}
    for name, value in flat(to_dict(config)).items():
        table, _, field = name.rpartition(".")
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        tables.setdefault(table or "train", []).append(f"{field} {shown}{'' if value == defaults[name] else '*'}")
    lines = [f"{table:13} {', '.join(fields)}" for table, fields in tables.items()]
    return [*lines, "* differs from the default"]
