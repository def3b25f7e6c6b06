"""A painter's training from what is asked for to a model that animates, and what it tells of itself."""

from __future__ import annotations

import dataclasses
import io
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganimate.config import MeshTraining, PaintTraining, from_dict
from ganimate.config.resolve import resumed_config
from ganimate.data.mesh_photos import MeshPhotos, MeshSources, open_mesh_photos
from ganimate.data.paint_faces import PaintFaces, PaintSources
from ganimate.data.paint_motion import MeasuredMotion
from ganimate.errors import TrainingError
from ganimate.motion.muscles import PARTS, Muscles
from ganimate.system.files import write_file
from ganimate.system.progress import Progress
from ganimate.system.share import Share
from ganimate.training.machine import Machine
from ganimate.training.muscle_fit import CodedPhotos, explained, fit_muscles, to_canonical
from ganimate.training.run_folder import MODEL_NAME, STATE_NAME, create_run, read_config, write_config
from ganimate.training.skin_motion import skin_ways, spread_over_the_forehead

if TYPE_CHECKING:
    import torch

    from ganimate.training.paint_errors import PaintErrors
    from ganimate.training.paint_trainer import PaintRecord, PaintTrainer

PHOTOS_NAME, MOTION_NAME = "photos", "motion.npz"  # in the run's folder
TOLD_STEPS = 50  # from one word of how it goes to the next


@dataclass(frozen=True)
class PaintRun:
    """A planned training of a painter.

    `reader` is the file of the network that reads AUs in the model, `start` that of a model whose painter learns on,
    and whose reader it keeps where none is handed in: one of the two is needed.
    """

    photos: MeshSources
    tables: PaintSources
    reader: Path | None
    folder: Path
    training: PaintTraining
    resume: bool
    start: Path | None = None

    @classmethod
    def plan(
        cls,
        photos: MeshSources,
        tables: PaintSources,
        reader: Path | None,
        folder: Path,
        changes: Mapping[str, Any],
        resume: bool,
        start: Path | None = None,
    ) -> PaintRun:
        """Return the run with the settings `changes`; raises before anything is written."""
        if resume:
            training = resumed_config(read_config(folder, PaintTraining), changes)
        else:
            training = from_dict(PaintTraining, changes)
        Share.own().require_even(training.batch_images)
        return cls(photos, tables, reader, folder, training, resume, start)

    def train(self, machine: Machine, minutes: float | None, stop: Callable[[], bool], progress: Progress) -> Path:
        """Train until it is done, the minutes are over or `stop` says so; returns the model's path."""
        from ganimate.training.team import first_alone, leave

        device = machine.take()
        if self.resume:
            write_config(self.folder, self.training)
        else:
            self.photos.read_meshes()
            create_run(self.folder, self.training)
        with first_alone():
            photos = self._photos(progress)
            with progress.stage("measuring muscles"):
                faces = self.tables.read(photos, self.photos.photos)
                motion, told = self._motion(faces)
        if told is not None:
            progress.note(f"the muscles explain {told:.0%} of how the people who are held out move")
        with progress.stage("loading"):
            trainer = self._trainer(faces, motion, device)
        progress.note(f"{int((~faces.held_out).sum())} faces to train on, {int(faces.held_out.sum())} held out")
        self._train(trainer, minutes, stop, progress)
        leave()
        return self.folder / MODEL_NAME

    def _trainer(self, faces: PaintFaces, motion: MeasuredMotion, device: torch.device) -> PaintTrainer:
        from ganimate.training.frozen_reader import FrozenReader
        from ganimate.training.paint_trainer import PaintTrainer
        from ganimate.zoo.checkpoint import load_model
        from ganimate.zoo.judge_weights import load_judge

        start = None if self.start is None else load_model(self.start)
        if self.reader is not None:
            reader = FrozenReader.of_judge(load_judge(self.reader, device))
        elif start is not None:
            reader = FrozenReader.of_model(start, device)
        else:
            raise TrainingError("nothing reads AUs in this model", "hand in --reader, or a model with --from")
        trainer = PaintTrainer(faces, motion, reader, self.training, device)
        if self.resume and (self.folder / STATE_NAME).exists():
            trainer.restore(self.folder)
        elif start is not None:
            trainer.begin_with(start)
        return trainer

    def _motion(self, faces: PaintFaces) -> tuple[MeasuredMotion, float | None]:
        """Return how faces move, and the share that it explains; measured once a run, as it takes minutes."""
        path = self.folder / MOTION_NAME
        if not path.exists():
            motion, told = measured_motion(faces)
            parts = {name: getattr(motion.muscles, name) for name in PARTS}
            data = io.BytesIO()
            np.savez(data, beyond=motion.beyond, explained=np.array(np.nan if told is None else told), **parts)
            write_file(path, data.getvalue())
            return motion, told
        with np.load(path) as stored:
            muscles = Muscles(faces.au_numbers, *(stored[name] for name in PARTS))
            told = float(stored["explained"])
            return MeasuredMotion(muscles, stored["beyond"]), None if np.isnan(told) else told

    def _photos(self, progress: Progress) -> MeshPhotos:
        """Return the run's photos, made where they are not there yet."""
        folder, how = self.folder / PHOTOS_NAME, MeshTraining(validation_share=self.training.validation_share)
        if not folder.exists():
            return self.photos.make(folder, how, progress)
        photos = open_mesh_photos(folder)
        if photos.made_from != self.photos.digest(how):
            raise TrainingError(
                f"the run in {self.folder} was begun with other meshes, identities or held-out people",
                "hand in those, or train into a new folder",
            )
        return photos

    def _train(
        self, trainer: PaintTrainer, minutes: float | None, stop: Callable[[], bool], progress: Progress
    ) -> None:
        total = self.training.steps
        if self.resume:
            progress.note(f"going on from step {trainer.step_index} of {total}")
        records = trainer.run(self.folder, minutes=minutes, stop=stop)
        with progress.count("training the painter", total, "saved", done=trainer.step_index) as counted:
            for record in counted(records):
                if record.step % TOLD_STEPS == 0:
                    counted.describe(f"off by {record.terms['color']:.4f}", _line(record, total))
                if record.held_out is not None:
                    progress.note(_held_out_line(record.step, record.held_out, total))
        if trainer.step_index == total:
            with progress.stage("measuring how far AUs go"):
                trainer.read_gains()
            trainer.save(self.folder)
        else:
            command = (
                f"ganimate train-paint {shlex.quote(str(self.photos.photos))} --out {shlex.quote(str(self.folder))}"
            )
            progress.note(f"saved after step {trainer.step_index} of {total}; go on with: {command} … --resume")


def measured_motion(faces: PaintFaces) -> tuple[MeasuredMotion, float | None]:
    """Return muscles with what skin does beyond meshes, and the share of held-out motion that they explain, or None."""
    muscles, told = measured_muscles(faces)
    learnt = ~faces.held_out & (faces.persons != "")
    by_coders = learnt & np.asarray(faces.coded.any(1))
    beyond = skin_ways(faces, np.flatnonzero(by_coders if by_coders.any() else learnt))
    # Gains were measured on the meshes' part of the way; beyond it skin goes as far as the regression says.
    own, along = (muscles.ways**2).sum((1, 2)), (muscles.ways * beyond).sum((1, 2))
    gains = (muscles.gains * own + along) / np.where(own + along > 0, own + along, 1)
    gains = np.where(own + along > 0, gains, muscles.gains)
    ways = spread_over_the_forehead(muscles.ways + beyond)
    return MeasuredMotion(dataclasses.replace(muscles, ways=ways, gains=gains), ways - muscles.ways), told


def measured_muscles(faces: PaintFaces) -> tuple[Muscles, float | None]:
    """Return muscles of the faces' AUs, and the share of held-out people's motion that they explain, or None.

    Photos that coders saw tell of the AUs that they coded, the readings of all photos of the others.
    """
    persons = np.unique(np.where(faces.persons == "", "", faces.persons), return_inverse=True)[1].astype(np.int64)
    persons[faces.persons == ""] = -1
    canonical = to_canonical(faces.meshes)
    activity = faces.aus.sum(1).astype(np.float64)
    learnt = ~faces.held_out & (persons >= 0)
    known_persons = np.where(learnt, persons, -1)
    muscles = fit_muscles(canonical, known_persons, activity, _shown(faces, learnt, persons, activity))
    by_coders: NDArray[np.bool_] = np.asarray(faces.coded.any(1))
    if (learnt & by_coders).any():
        shown = _shown(faces, learnt & by_coders, persons, activity)
        coded, known = fit_muscles(canonical, known_persons, activity, shown), np.asarray(faces.coded.any(0))
        ways = np.where(known[:, None, None], coded.ways, muscles.ways)
        gains = np.where(known, coded.gains, muscles.gains)
        muscles = Muscles(muscles.aus, ways, gains, muscles.lids, muscles.limits)
    held = faces.held_out & (persons >= 0)
    if by_coders.any():
        held = held & by_coders
    if not held.any():
        return muscles, None
    return muscles, explained(canonical, persons, _shown(faces, held, persons, activity), muscles)


def _shown(
    faces: PaintFaces, chosen: NDArray[np.bool_], persons: NDArray[np.int64], activity: NDArray[np.float64]
) -> CodedPhotos:
    """Return chosen faces (n,) with what they show, each person's calmest as the calm one."""
    rows = np.flatnonzero(chosen)
    calm = np.zeros(len(rows), bool)
    for person in np.unique(persons[rows]):
        own = np.flatnonzero(persons[rows] == person)
        calm[own[activity[rows[own]].argmin()]] = True
    return CodedPhotos(rows, faces.au_numbers, faces.aus[rows].astype(np.float64), calm)


def _line(record: PaintRecord, total: int) -> str:
    told = ", ".join(f"{name} {value:.4f}" for name, value in record.terms.items())
    return f"step {record.step}/{total}: {told}, {record.images_per_s:.1f} windows/s"


def _held_out_line(step: int, held_out: PaintErrors, total: int) -> str:
    mouth = "" if held_out.mouth is None else f", in open mouths by {held_out.mouth:.0%}"
    return (
        f"step {step}/{total}: on {held_out.pairs} pairs of held-out people off by {held_out.face:.0%} of the warp's "
        f"error{mouth}"
    )
