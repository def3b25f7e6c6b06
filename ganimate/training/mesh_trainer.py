"""The mesh reader's training: 478 points as a teacher places them; it yields records and prints nothing."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganimate.config import MeshTraining, to_dict
from ganimate.data.dataset import batches
from ganimate.data.mesh_errors import MeshErrors, check_reader
from ganimate.data.mesh_photos import MeshPhotos
from ganimate.data.mesh_samples import MeshBatch, MeshSamples, point_weights
from ganimate.errors import ModelError, TrainingError
from ganimate.networks.mesh_reader import MeshReader, ReadMesh, prime
from ganimate.system.devices import channels_last, step_seed
from ganimate.system.share import Share
from ganimate.training.averaging import averaged
from ganimate.training.learning_rate import linear_decay
from ganimate.training.run_folder import STATE_NAME, open_log
from ganimate.training.team import anyone, mean, means, parallel
from ganimate.zoo.card import STATE_FORMAT
from ganimate.zoo.catalogue import MESH_PATH
from ganimate.zoo.checkpoint import gather, read_tensors, scatter, write_tensors
from ganimate.zoo.mesh_weights import LoadedMeshReader, MeshCard, save_mesh_reader

GRADIENT_LIMIT = 1.0
SOFT_BOTTOM_PX = 0.3  # below this an error counts by its square: less than a pixel shows


@dataclass(frozen=True)
class MeshTerms:
    """The unweighted terms: distances of the points before and after the second look, and the error about faces."""

    coarse: Tensor
    fine: Tensor
    face: Tensor

    def total(self, how: MeshTraining) -> Tensor:
        """Return the objective."""
        return how.coarse_weight * self.coarse + how.fine_weight * self.fine + how.face_weight * self.face


@dataclass(frozen=True)
class MeshRecord:
    """What one step did. Distances are in half crops, as the network tells places; `held_out` comes now and then."""

    step: int
    coarse: float
    fine: float
    face: float
    images_per_s: float
    held_out: MeshErrors | None = None

    def to_json(self) -> str:
        """Return one line for the log."""
        row = {name: value for name, value in asdict(self).items() if value is not None}
        row |= {name: round(row[name], 6) for name in ("coarse", "fine", "face")}
        return json.dumps(row | {"images_per_s": round(self.images_per_s, 2)})


def mesh_terms(read: ReadMesh, batch: MeshBatch, weights: Tensor, soft_bottom: float) -> MeshTerms:
    """Return the terms of a batch; `weights` (478, 3) say how much each coordinate counts. No face has no points."""
    faces = mean(batch.face.sum()).clamp_min(1)
    share = batch.face[:, None, None] * weights / (faces * len(weights))  # (B, 478, 3)
    coarse, fine = (
        (functional.smooth_l1_loss(points, batch.points, reduction="none", beta=soft_bottom) * share).sum()
        for points in (read.coarse, read.points)
    )
    return MeshTerms(coarse, fine, functional.binary_cross_entropy_with_logits(read.face, batch.face))


class MeshTrainer:
    """Trains a mesh reader on photos that are not held out.

    `step` does one step, `run` many; `save` and `restore` keep everything, so that a resumed run goes on exactly.
    """

    def __init__(self, photos: MeshPhotos, training: MeshTraining, device: torch.device) -> None:
        self.photos, self.training, self.device = photos, training, device
        self.samples = MeshSamples(photos, training)
        torch.manual_seed(step_seed(training.seed, "weights"))
        reader = MeshReader(training.network)
        prime(reader, torch.from_numpy(self.samples.mean))
        self.reader = channels_last(reader.to(device))
        self._read: Callable[..., ReadMesh] = parallel(self.reader)
        self._averaging = averaged(self.reader, training.ema_decay, buffers=True).eval()
        self._optimizer = torch.optim.AdamW(
            self.reader.parameters(),
            training.learning_rate,
            (training.beta1, training.beta2),
            weight_decay=training.weight_decay,
            fused=True,
        )
        weights = torch.from_numpy(point_weights()).float()[:, None] * torch.tensor([1, 1, training.depth_weight])
        self._weights = weights.to(device)  # (478, 3)
        self.step_index = 0
        self.seconds = 0.0  # of work in all, over all resumptions
        self._schedule_rate()
        self._between_steps = True

    def _schedule_rate(self) -> None:
        how = self.training
        self._rate = linear_decay(
            self._optimizer, how.learning_rate, how.steps, how.decay_fraction, self.step_index, how.warmup_steps
        )

    @property
    def average(self) -> MeshReader:
        """The reader as users get it: its weights averaged over the last steps."""
        return cast(MeshReader, self._averaging.module)

    def step(self, batch: MeshBatch) -> MeshRecord:
        """Do one step; raises TrainingError where a term is not finite."""
        began = time.perf_counter()
        self._between_steps = False
        # 1. The reader reads the crops.
        batch = MeshBatch(*(part.to(self.device) for part in (batch.image, batch.points, batch.face)))
        self.reader.train()
        read = self._read(batch.image.permute(0, 3, 1, 2).float() / 127.5 - 1)
        # 2. It learns by how far off its points were, lids and lips counting more, and whether it saw a face.
        terms = mesh_terms(read, batch, self._weights, SOFT_BOTTOM_PX / (self.training.network.size_px / 2))
        values = means({name: float(value.detach()) for name, value in vars(terms).items()})
        for name, value in values.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"the term {name} became {value} at step {self.step_index + 1}",
                    "go on from the last checkpoint with --resume and a lower --learning-rate",
                )
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(terms.total(self.training))
        nn.utils.clip_grad_norm_(self.reader.parameters(), GRADIENT_LIMIT)
        self._optimizer.step()
        self._rate.step()
        # 3. What is kept is the average over the last steps.
        self._averaging.update_parameters(self.reader)
        self.step_index += 1
        self._between_steps = True
        pace = self.training.batch_images / (time.perf_counter() - began)
        held_out = self.check() if self.step_index % self.training.check_steps == 0 else None
        return MeshRecord(self.step_index, **values, images_per_s=pace, held_out=held_out)

    def run(
        self, folder: Path, *, minutes: float | None = None, stop: Callable[[], bool] | None = None
    ) -> Iterator[MeshRecord]:
        """Train until the steps or the minutes are over, or until `stop` says so; yields a record a step.

        Writes the log, the state and the reader into `folder`, at last also when the caller turns away.
        """
        began = clock = time.monotonic()
        saved_at = -1
        steps = range(self.step_index, self.training.steps)
        with open_log(folder, self.step_index) as log:
            try:
                for batch in batches(self.samples, steps, self.training.workers):
                    record = self.step(batch)
                    now = time.monotonic()
                    self.seconds, clock = self.seconds + now - clock, now
                    log.write(record.to_json() + "\n")
                    log.flush()
                    if self.step_index % self.training.save_steps == 0:
                        self.save(folder)
                        saved_at = self.step_index
                    yield record
                    if anyone((minutes is not None and now - began >= 60 * minutes) or (stop is not None and stop())):
                        break
            finally:
                if self._between_steps and saved_at != self.step_index:
                    self.save(folder)

    def check(self) -> MeshErrors | None:
        """Return how well the average reads held-out people; None where nobody is held out."""
        held = self.photos.indices(validation=True)
        if not len(held):
            return None
        chosen = torch.randperm(len(held), generator=torch.Generator().manual_seed(0))[: self.training.check_images]
        return check_reader(LoadedMeshReader(self.card(), self.average, self.device), self.photos, held[chosen.numpy()])

    def card(self) -> MeshCard:
        """Return what the file says of this training."""
        facts = {
            "config": to_dict(self.training),
            "steps": self.step_index,
            "hours": round(self.seconds / 3600, 3),
            "training_photos": len(self.samples.photos),
            "held_out_photos": len(self.photos) - len(self.samples.photos),
        }
        return MeshCard(self.training.network, training=facts)

    def save(self, folder: Path) -> None:
        """Write the state and the reader into `folder`, each atomically, the state first; one process does."""
        if not Share.own().first:
            return
        facts = {
            "format": STATE_FORMAT,
            "step": self.step_index,
            "config": to_dict(self.training),
            "seconds": self.seconds,
            "photos": self.photos.made_from,
        }
        write_tensors(folder / STATE_NAME, gather(self._networks(), {"optimizer": self._optimizer}), facts)
        save_mesh_reader(folder / MESH_PATH.name, self.card(), self.average)

    def _networks(self) -> dict[str, nn.Module]:
        return {"reader": self.reader, "average": self._averaging}

    def restore(self, folder: Path) -> None:
        """Take up the state in `folder`; raises ModelError where it is missing, damaged or of another network.

        Raises TrainingError where the state was trained on other photos.
        """
        tensors, facts = read_tensors(folder / STATE_NAME, STATE_FORMAT)
        if facts.get("photos") != self.photos.made_from:
            raise TrainingError(
                f"the run in {folder} was trained on other photos than those in {self.photos.path}",
                "train into a new folder",
            )
        try:
            scatter(tensors, self._networks(), {"optimizer": self._optimizer})
            self.step_index, self.seconds = int(facts["step"]), float(facts["seconds"])
            self._schedule_rate()
        except (RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
            raise ModelError(f"the state in {folder} does not fit its config", "train into a new folder") from error
        self._between_steps = True
