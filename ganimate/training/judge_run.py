"""A judge's training from an opened pack to the written judge and what it tells of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganimate.config import JudgeConfig, JudgeTraining
from ganimate.data.pack import Pack
from ganimate.errors import OutputError
from ganimate.system.progress import Progress, Table
from ganimate.system.share import Share
from ganimate.training.machine import Machine
from ganimate.zoo.cards import READS_LABELS

if TYPE_CHECKING:
    from ganimate.training.judge_trainer import JudgeRecord, JudgeTrainer


@dataclass(frozen=True)
class JudgeRun:
    """The training of a judge, as wide as `network` says, on the faces of a pack; written to `out`."""

    pack: Pack
    network: JudgeConfig
    training: JudgeTraining
    out: Path
    overwrite: bool = False

    def train(self, machine: Machine, minutes: float | None, progress: Progress) -> dict[str, Any]:
        """Train and write the judge; returns what came of it as plain data. Raises OutputError before the work."""
        Share.own().require_alone("ganimate train-judge")
        config = replace(self.network, size_px=self.pack.spec.size_px)
        self._claim()
        trainer = self._trainer(config, machine, progress)
        self._train(trainer, minutes, progress)
        trainer.save(self.out)
        facts = self._facts(trainer)
        if facts["aus"]:
            progress.table(_agreement_table(facts))
            _warn_of_the_blind(facts, progress)
        else:
            progress.note("nobody is held out, so nothing tells how well it reads")
        return facts

    def _claim(self) -> None:
        """Raise OutputError before the work, not after it, where the judge could not be written."""
        out = self.out
        if out.is_dir():
            raise OutputError(f"{out} is a folder", f"name a file, such as {out / 'judge.safetensors'}")
        if out.exists() and not self.overwrite:
            raise OutputError(f"{out} exists already", "add --force, or choose another --out")
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{out} cannot be written: {error.strerror or error}") from error
        if not os.access(out.parent, os.W_OK):
            raise OutputError(f"{out} cannot be written: its folder is not writable", "choose another --out")

    def _trainer(self, config: JudgeConfig, machine: Machine, progress: Progress) -> JudgeTrainer:
        with progress.stage("loading"):
            from ganimate.training.judge_trainer import JudgeTrainer

            trainer = JudgeTrainer(self.pack, config, self.training, machine.take())
        held = int(self.pack.validation.sum())
        progress.note(f"pack: {self.pack.place}, {len(trainer.samples.photos)} photos to train on, {held} held out")
        for line in self.pack.notes:
            progress.note(line)
        return trainer

    def _train(self, trainer: JudgeTrainer, minutes: float | None, progress: Progress) -> None:
        total = self.training.steps
        with progress.count("training the judge", total, "reading held-out photos") as counted:
            for record in counted(trainer.run(minutes=minutes)):
                if record.held_out is not None:
                    progress.note(_line(record, total))
        if trainer.step_index < total:
            progress.note(f"{minutes:g} minutes are over after step {trainer.step_index} of {total}")

    def _facts(self, trainer: JudgeTrainer) -> dict[str, Any]:
        """Return what came of the training; an AU that no held-out photo shows has no correlation."""
        card = trainer.card()
        told = card.training
        correlations, slopes = told.get("held_out_correlation"), told.get("held_out_slope")
        numbers = self.pack.au_numbers
        rows = list(zip(numbers, correlations, slopes, strict=True)) if correlations and slopes else []
        return {
            "judge": str(self.out),
            "steps": trainer.step_index,
            "minutes": round(trainer.seconds / 60, 2),
            "training_photos": len(trainer.samples.photos),
            "held_out_photos": told.get("held_out_photos", 0),
            "reads": [str(number) for number in card.reads or ()],
            "aus": {str(number): {"correlation": r, "slope": slope} for number, r, slope in rows},
        }


def _line(record: JudgeRecord, total: int) -> str:
    assert record.held_out is not None
    return (
        f"step {record.step}/{total}: error {record.error:.3f}, {record.images_per_s:.0f} images/s, "
        f"mean correlation on {record.held_out.photos} held-out photos {record.held_out.mean_correlation:.3f}"
    )


def _warn_of_the_blind(facts: Mapping[str, Any], progress: Progress) -> None:
    """Warn of a judge that cannot read most of what it is to judge: no average of 'ganimate evaluate' counts that."""
    read, count = facts["reads"], len(facts["aus"])
    if len(read) < count / 2:
        which = f": {', '.join(read)}" if read else ""
        progress.warn(
            f"of {count} AUs the judge reads {len(read)} well enough to measure models{which} (correlation with the "
            f"labels {READS_LABELS:g} or more)",
            "train it longer, or on more people",
        )


def _agreement_table(facts: Mapping[str, Any]) -> Table:
    """Return how the judge's readings go with the labels, AU by AU."""
    rows = []
    for number, row in facts["aus"].items():
        values = (row["correlation"], row["slope"])
        rows.append((number, *("-" if value is None else f"{value:.2f}" for value in values)))
    headings = ("AU", "correlation with the label", "slope")
    return Table(headings, tuple(rows), (0, 1, 2), f"{facts['held_out_photos']} held-out photos")
