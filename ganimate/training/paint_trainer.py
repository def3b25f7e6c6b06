"""The painter's training on windows that meshes align; it yields records and prints nothing."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganimate.config import MESH, GeneratorConfig, PaintTraining, to_dict
from ganimate.data.dataset import batches
from ganimate.data.paint_batch import PaintBatch
from ganimate.data.paint_faces import PaintFaces
from ganimate.data.paint_motion import MeasuredMotion
from ganimate.data.paint_samples import PaintSamples, validation_pairs
from ganimate.errors import ModelError, TrainingError
from ganimate.networks.mesh_generator import MeshGenerator
from ganimate.networks.painter import Painted, Painter
from ganimate.networks.window_critic import WindowCritic
from ganimate.system.devices import channels_last, step_seed
from ganimate.system.share import Share
from ganimate.training import paint_terms as terms
from ganimate.training.averaging import averaged
from ganimate.training.frozen_reader import FrozenReader
from ganimate.training.gain_fit import with_read_gains
from ganimate.training.learning_rate import linear_decay
from ganimate.training.paint_errors import PaintErrors, check_painter, flat, placed
from ganimate.training.run_folder import MODEL_NAME, STATE_NAME, open_log
from ganimate.training.team import anyone, means, parallel
from ganimate.zoo.cards import ModelCard
from ganimate.zoo.checkpoint import Model, save_model
from ganimate.zoo.tensors import gather, read_tensors, scatter, write_tensors
from ganimate.zoo.weight_files import STATE_FORMAT

GRADIENT_LIMIT = 5.0


@dataclass(frozen=True)
class PaintRecord:
    """What one step did: the unweighted terms by name, those of the critic once it plays; `held_out` now and then.

    `waited_s` is how long the windows took to come.
    """

    step: int
    terms: dict[str, float]
    images_per_s: float
    waited_s: float
    held_out: PaintErrors | None = None

    def to_json(self) -> str:
        """Return one line for the log."""
        row = {"step": self.step, **self.terms, "images_per_s": self.images_per_s, "waited_s": self.waited_s}
        held_out = {"held_out": asdict(self.held_out)} if self.held_out else {}
        return json.dumps({name: round(value, 5) for name, value in row.items()} | held_out)


class PaintTrainer:
    """Trains a painter on faces that are not held out.

    `step` does one step, `run` many; `save` and `restore` keep everything, so that a resumed run goes on exactly.
    """

    def __init__(
        self,
        faces: PaintFaces,
        motion: MeasuredMotion,
        reader: FrozenReader,
        training: PaintTraining,
        device: torch.device,
    ) -> None:
        if reader.aus != faces.au_numbers:
            raise TrainingError(
                f"the reader reads the AUs {', '.join(map(str, reader.aus))}, but the photos are labelled with "
                f"{', '.join(map(str, faces.au_numbers))}",
                "train one on the same labels with 'ganimate train-judge', and hand it in with --reader",
            )
        self.faces, self.motion, self.training, self.device = faces, motion, training, device
        self._reader, self.muscles = reader, motion.muscles
        self._worth = torch.from_numpy(reader.worth(faces, device)).to(device)
        self.samples = PaintSamples(faces, motion, training, reader.crop)
        n_aus = len(faces.au_numbers)
        torch.manual_seed(step_seed(training.seed, "weights"))
        self.painter = channels_last(Painter(training.network, n_aus).to(device))
        self.critic = channels_last(WindowCritic(training.critic, n_aus).to(device))
        self._averaging = averaged(self.painter, training.ema_decay)
        self._paint: Callable[..., Painted] = self._compiled(parallel(self.painter))
        self._taught: Callable[..., tuple[Tensor, list[Tensor]]] = self._compiled(parallel(self.critic))
        self._judge: Callable[..., tuple[Tensor, list[Tensor]]] = self._compiled(self.critic)
        betas = (training.beta1, training.beta2)
        self._optimizer = torch.optim.Adam(self.painter.parameters(), training.learning_rate, betas, fused=True)
        self._critic_optimizer = torch.optim.Adam(self.critic.parameters(), training.learning_rate, betas, fused=True)
        self.step_index = 0
        self.seconds = 0.0  # of work in all, over all resumptions
        self._schedule_rates()
        self._between_steps = True

    def _compiled(self, network: nn.Module) -> Callable[..., Any]:
        # Once for windows and once for whole faces: code for any size is slower.
        return torch.compile(network, dynamic=False) if self.training.compiled else network

    def _schedule_rates(self) -> None:
        how = self.training
        rate, steps = how.learning_rate, how.steps
        self._rate = linear_decay(self._optimizer, rate, steps, how.decay_fraction, self.step_index, how.warmup_steps)
        # The critic's goes by the steps that it has done itself.
        steps, done = max(1, steps - how.critic_start), max(0, self.step_index - how.critic_start)
        self._critic_rate = linear_decay(
            self._critic_optimizer, rate * how.critic_pace, steps, how.decay_fraction, done, how.warmup_steps
        )

    @property
    def average(self) -> Painter:
        """The painter as users get it: its weights averaged over the last steps."""
        return cast(Painter, self._averaging.module)

    def begin_with(self, model: Model) -> None:
        """Take over the painter of a trained model before the first step; raises TrainingError where it is another."""
        painter = getattr(model.generator, "painter", None)
        if not isinstance(painter, Painter) or model.card.aus != self.faces.au_numbers:
            raise TrainingError(
                f"the model {model.card.name!r} has no painter of these AUs", "begin without it, or with another model"
            )
        try:
            for own in (self.painter, self.average):
                own.load_state_dict(painter.state_dict())
        except RuntimeError as error:
            raise TrainingError(
                f"the painter of the model {model.card.name!r} has another size", "choose its --channels and --blocks"
            ) from error

    def step(self, batch: PaintBatch, waited_s: float = 0.0) -> PaintRecord:
        """Do one step; raises TrainingError where a term is not finite."""
        began, how = time.perf_counter(), self.training
        self._between_steps = False
        # 1. The painter paints over the moved photos.
        batch = placed(batch, self.device)
        with self._precision():
            painted = _full(self._paint(batch.moved, batch.hints, batch.y_from, batch.y_to))
        found = terms.paint_terms(painted, batch, self._reader)
        # 2. Whole faces are to be read as people are who show that.
        wholes = batch.wholes
        if wholes is not None:
            with self._precision():
                whole = _full(self._paint(wholes.moved, wholes.hints, wholes.y_from, wholes.y_to))
            told = terms.expression(whole, wholes, self._reader, self._worth)
            found = dataclasses.replace(found, expression=told)
        # 3. The critic learns what is real: the photo, and not the paint, nor what was only moved.
        playing = self.step_index - how.critic_start
        listening = min(1.0, max(0, playing - how.critic_lead) / how.critic_rise)
        critic = None
        if playing >= 0:
            critic, real = self._teach_critic(painted.color.detach(), batch)
            # 4. The painter hears what the critic says of its windows.
            self.critic.requires_grad_(False)
            shown = terms.on_the_photo(painted.color, batch)
            with self._precision():
                scores, own = self._judge(flat(shown), batch.hints, batch.y_from, batch.y_to)
            scores = scores.float()
            self.critic.requires_grad_(True)
            passing = terms.least_squares(scores, terms.REAL, terms.difference(shown, batch, scores))
            found = dataclasses.replace(found, adversarial=passing, features=terms.features(own, real))
        # 5. Its step, by one weighted sum.
        values = self._checked({**vars(found), "critic": critic})
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(found.total(how, listening))
        nn.utils.clip_grad_norm_(self.painter.parameters(), GRADIENT_LIMIT)
        self._optimizer.step()
        self._rate.step()
        # 6. What is kept is the average over the last steps.
        self._averaging.update_parameters(self.painter)
        self.step_index += 1
        self._between_steps = True
        pace = how.batch_images / (time.perf_counter() - began)
        held_out = self.check() if self.step_index % how.check_steps == 0 else None
        return PaintRecord(self.step_index, values, images_per_s=pace, waited_s=waited_s, held_out=held_out)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.training.bf16)

    def _teach_critic(self, color: Tensor, batch: PaintBatch) -> tuple[Tensor, list[Tensor]]:
        """Do the critic's step; returns its loss and its features of the real photos."""
        windows, share = len(color), self.training.unpainted_share
        some = slice(0, windows // 2 if share else 0)
        painted, moved = (terms.on_the_photo(image, batch) for image in (color, batch.moved))
        told = [torch.cat([part, part, part[some]]) for part in (batch.hints, batch.y_from, batch.y_to)]
        with self._precision():
            scores, seen = self._taught(flat(torch.cat([batch.real, painted, moved[some]])), *told)
        real, paint, rest = scores.float().tensor_split([windows, 2 * windows])
        weight = terms.difference(painted, batch, real)
        loss = terms.least_squares(real, terms.REAL, weight)
        loss = loss + (1 - share) * terms.least_squares(paint, terms.FALSE, weight)
        if len(rest):
            loss = loss + share * terms.least_squares(rest, terms.FALSE, terms.difference(moved, batch, real)[some])
        self._critic_optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._critic_optimizer.step()
        self._critic_rate.step()
        return loss.detach(), [layer[:windows].detach() for layer in seen]

    def _checked(self, found: dict[str, Tensor | None]) -> dict[str, float]:
        values = means({name: float(term.detach()) for name, term in found.items() if term is not None})
        for name, value in values.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"the term {name} became {value} at step {self.step_index + 1}",
                    "go on from the last checkpoint with --resume and a lower --learning-rate",
                )
        return values

    def run(
        self, folder: Path, *, minutes: float | None = None, stop: Callable[[], bool] | None = None
    ) -> Iterator[PaintRecord]:
        """Train until the steps or the minutes are over, or until `stop` says so; yields a record a step.

        Writes the log, the state and the model into `folder`, at last also when the caller turns away.
        """
        began = clock = time.monotonic()
        saved_at = -1
        steps = range(self.step_index, self.training.steps)
        with open_log(folder, self.step_index) as log:
            try:
                for batch in batches(self.samples, steps, self.training.workers):
                    waited = time.monotonic() - clock
                    record = self.step(batch, waited)
                    now = time.monotonic()
                    self.seconds, clock = self.seconds + waited + now - (clock + waited), now
                    log.write(record.to_json() + "\n")
                    log.flush()
                    if self.step_index % self.training.save_steps == 0:
                        self.save(folder)
                        saved_at = self.step_index
                    yield record
                    clock = time.monotonic()
                    if anyone((minutes is not None and now - began >= 60 * minutes) or (stop is not None and stop())):
                        break
            finally:
                if self._between_steps and saved_at != self.step_index:
                    self.save(folder)

    def check(self) -> PaintErrors | None:
        """Return how near the average comes to the real photos of held-out people; None where nobody is seen twice."""
        pairs = validation_pairs(self.faces, self.training.check_pairs, self.training.seed)
        return check_painter(self.average, self.faces, pairs, self.motion.beyond, self.device) if pairs else None

    def read_gains(self) -> None:
        """Let the AU reader tell how far AUs go at 1, in the models from now on; see `gain_fit`."""
        worth = self._worth.cpu().numpy()
        seed = self.training.seed
        self.muscles = with_read_gains(
            self.motion.muscles, self.average, self.faces, self._reader, worth, self.device, seed
        )

    def model(self) -> tuple[ModelCard, MeshGenerator]:
        """Return the model that the training has made so far: muscles, the average painter, and what it says."""
        network, crop = self.training.network, self._reader.crop
        kind = GeneratorConfig(MESH, crop.size_px, network.channels, network.blocks)
        generator = MeshGenerator(kind, len(self.faces.au_numbers))
        generator.painter.load_state_dict(self.average.state_dict())
        generator.hold(self.muscles)
        facts = {
            "config": to_dict(self.training),
            "steps": self.step_index,
            "hours": round(self.seconds / 3600, 3),
            "training_photos": int((~self.faces.held_out).sum()),
            "photos": len(self.faces),
        }
        aus, reader = self.faces.au_numbers, self._reader
        return ModelCard("painted", kind, reader.critic, crop, aus, training=facts, reader=reader.judge), generator

    def save(self, folder: Path) -> None:
        """Write the state and the model into `folder`, each atomically, the state first; one process does."""
        if not Share.own().first:
            return
        facts = {
            "format": STATE_FORMAT,
            "step": self.step_index,
            "config": to_dict(self.training),
            "seconds": self.seconds,
            "photos": self.faces.photos.made_from,
        }
        write_tensors(folder / STATE_NAME, gather(self._networks(), self._optimizers()), facts)
        card, generator = self.model()
        save_model(folder / MODEL_NAME, card, generator, self._reader.network)

    def _networks(self) -> dict[str, nn.Module]:
        return {"painter": self.painter, "critic": self.critic, "average": self._averaging}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"optimizer": self._optimizer, "critic_optimizer": self._critic_optimizer}

    def restore(self, folder: Path) -> None:
        """Take up the state in `folder`; raises ModelError where it is missing, damaged or of another network.

        Raises TrainingError where the state was trained on other photos.
        """
        tensors, facts = read_tensors(folder / STATE_NAME, STATE_FORMAT)
        if facts.get("photos") != self.faces.photos.made_from:
            raise TrainingError(
                f"the run in {folder} was trained on other photos than those in {self.faces.photos.path}",
                "train into a new folder",
            )
        try:
            scatter(tensors, self._networks(), self._optimizers())
            self.step_index, self.seconds = int(facts["step"]), float(facts["seconds"])
            self._schedule_rates()
        except (RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
            raise ModelError(f"the state in {folder} does not fit its config", "train into a new folder") from error
        self._between_steps = True


def _full(painted: Painted) -> Painted:
    """Return what was painted in 32 bits, in which terms are summed."""
    return Painted(painted.image.float(), painted.attention.float(), painted.color.float())
