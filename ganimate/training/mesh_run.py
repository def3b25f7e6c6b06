"""A mesh reader's training from what is asked for to its last checkpoint, and what it tells of itself."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganimate.config import MeshTraining, from_dict
from ganimate.config.resolve import resumed_config
from ganimate.data.mesh_photos import MeshPhotos, MeshSources, open_mesh_photos
from ganimate.errors import TrainingError
from ganimate.system.progress import Progress
from ganimate.system.share import Share
from ganimate.training.machine import Machine
from ganimate.training.run_folder import STATE_NAME, create_run, read_config, write_config
from ganimate.zoo.catalogue import MESH_PATH

if TYPE_CHECKING:
    from ganimate.training.mesh_trainer import MeshRecord, MeshTrainer

PHOTOS_NAME = "photos"  # in the run's folder
TOLD_STEPS = 50  # from one word of how it goes to the next


@dataclass(frozen=True)
class MeshRun:
    """A planned training of a mesh reader."""

    sources: MeshSources
    folder: Path
    training: MeshTraining
    resume: bool

    @classmethod
    def plan(cls, sources: MeshSources, folder: Path, changes: Mapping[str, Any], resume: bool) -> MeshRun:
        """Return the run with the settings `changes`; raises before anything is written."""
        begun = read_config(folder, MeshTraining) if resume else None
        training = from_dict(MeshTraining, changes) if begun is None else resumed_config(begun, changes)
        Share.own().require_even(training.batch_images)
        return cls(sources, folder, training, resume)

    def train(self, machine: Machine, minutes: float | None, stop: Callable[[], bool], progress: Progress) -> Path:
        """Train until it is done, the minutes are over or `stop` says so; returns the reader's path."""
        from ganimate.training.team import first_alone, leave

        device = machine.take()
        if self.resume:
            write_config(self.folder, self.training)
        else:
            self.sources.read_meshes()
            create_run(self.folder, self.training)
        with first_alone():
            photos = self._photos(progress)
        with progress.stage("loading"):
            from ganimate.training.mesh_trainer import MeshTrainer

            trainer = MeshTrainer(photos, self.training, device)
            if self.resume and (self.folder / STATE_NAME).exists():
                trainer.restore(self.folder)
        held = int(photos.validation.sum())
        progress.note(f"{len(photos) - held} photos to train on, {held} held out")
        self._train(trainer, minutes, stop, progress)
        leave()
        return self.folder / MESH_PATH.name

    def _photos(self, progress: Progress) -> MeshPhotos:
        """Return the run's photos, made where they are not there yet."""
        folder = self.folder / PHOTOS_NAME
        if not folder.exists():
            return self.sources.make(folder, self.training, progress)
        photos = open_mesh_photos(folder)
        if photos.made_from != self.sources.digest(self.training):
            raise TrainingError(
                f"the run in {self.folder} was begun with other meshes, identities or settings of the photos",
                "hand in those, or train into a new folder",
            )
        return photos

    def _train(self, trainer: MeshTrainer, minutes: float | None, stop: Callable[[], bool], progress: Progress) -> None:
        total = self.training.steps
        if self.resume:
            progress.note(f"going on from step {trainer.step_index} of {total}")
        records = trainer.run(self.folder, minutes=minutes, stop=stop)
        with progress.count("training the reader", total, "saved", done=trainer.step_index) as counted:
            for record in counted(records):
                if record.step % TOLD_STEPS == 0:
                    counted.describe(f"off by {record.fine:.4f}", _line(record, total))
                if record.held_out is not None:
                    progress.note(_held_out_line(record, total))
        if trainer.step_index < total:
            command = (
                f"ganimate train-mesh {shlex.quote(str(self.sources.photos))} --out {shlex.quote(str(self.folder))}"
            )
            progress.note(f"saved after step {trainer.step_index} of {total}; go on with: {command} … --resume")


def _line(record: MeshRecord, total: int) -> str:
    return (
        f"step {record.step}/{total}: off by {record.coarse:.4f}, after the second look {record.fine:.4f} half crops, "
        f"{record.images_per_s:.0f} images/s"
    )


def _held_out_line(record: MeshRecord, total: int) -> str:
    told = record.held_out
    assert told is not None
    return (
        f"step {record.step}/{total}: on {told.photos} held-out photos {told.mean:.2%} of the eyes' span off "
        f"(lids {told.lids:.2%}, lips {told.lips:.2%}, 95th percentile {told.p95:.2%}), {told.usable:.1%} usable"
    )
