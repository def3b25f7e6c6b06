"""The trainer: three phases, one page a step; it yields records and prints nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ganimate.config import TrainConfig, from_dict, to_dict
from ganimate.data.dataset import FaceDataset, batches
from ganimate.data.pack import Pack
from ganimate.data.samples import TrainingBatch
from ganimate.errors import ModelError, TrainingError
from ganimate.networks import GENERATORS, Critic, Edit, GeneratorNetwork, RegionCritics, Verdict
from ganimate.networks.pictures import jitter
from ganimate.system.devices import bf16_is_fast, channels_last, step_seed
from ganimate.training import losses
from ganimate.training.averaging import averaged
from ganimate.training.history import Stretch, went_on
from ganimate.training.learning_rate import linear_decay
from ganimate.training.objective import (
    CriticReading,
    CriticTerms,
    GeneratorTerms,
    RegionTerms,
    adversarial_terms,
    geometry_terms,
)
from ganimate.training.run_folder import (
    LOG_NAME,
    MODEL_NAME,
    STATE_NAME,
    cut_log,
    logged_seconds,
    remove_leftovers,
)
from ganimate.training.step_record import StepRecord, mask_statistics, saturation
from ganimate.zoo.checkpoint import STATE_FORMAT, ModelCard, gather, read_tensors, save_model, scatter, write_tensors

STEERED_IMAGES = 6  # of a batch: enough to learn one gain an AU
FEATURE_LAYERS = slice(1, 5)  # of the critic: neither pixels nor the whole face


class Trainer:
    """Trains a generator and its critic on a pack.

    `step` does one step, `run` many; `save` and `restore` keep everything, so that a resumed run goes on exactly.
    """

    def __init__(self, pack: Pack, config: TrainConfig, device: torch.device) -> None:
        pack.require_size(config.generator.size_px)
        self.pack, self.config, self.device = pack, config, device
        self.dataset = FaceDataset(pack, config)
        count = len(pack.au_numbers)
        torch.manual_seed(step_seed(config.seed, "weights"))
        generator = GENERATORS[config.generator.architecture](config.generator, count)
        generator.prime(self.dataset.response)
        self.generator = channels_last(generator.to(device))
        self.critic = channels_last(Critic(config.critic, count).to(device))
        self.regions = RegionCritics(config.regions, count).to(device)
        self._averaging = averaged(self.generator, config.ema_decay)
        self.generator_optimizer = self._adam(self.generator, config.learning_rate)
        self.critic_optimizer = self._adam(self.critic, config.critic_learning_rate)
        self.region_optimizer = self._adam(self.regions, config.region_learning_rate)
        self.step_index = 0
        self.seconds = 0.0  # of work in all, over all resumptions
        self.history = [Stretch(0, to_dict(config))]
        self._schedule_rates()
        self._between_steps = True
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and bf16_is_fast(device))

    def _adam(self, network: nn.Module, rate: float) -> torch.optim.Adam:
        return torch.optim.Adam(network.parameters(), rate, (self.config.beta1, self.config.beta2), fused=True)

    def _schedule_rates(self) -> None:
        """Let the rates of the generator and the critic go from the next step on as the whole schedule says."""
        config, first = self.config, self.config.schedule.critic_steps
        total, done = config.schedule.total_steps - first, max(0, self.step_index - first)
        share = config.decay_fraction
        self._generator_rate = linear_decay(self.generator_optimizer, config.learning_rate, total, share, done)
        self._critic_rate = linear_decay(self.critic_optimizer, config.critic_learning_rate, total, share, done)

    @property
    def average(self) -> GeneratorNetwork:
        """The generator as users get it: its weights averaged over the last steps."""
        return cast(GeneratorNetwork, self._averaging.module)

    @property
    def phase(self) -> str:
        """The phase of the next step: critic, geometry or adversarial."""
        return self.config.schedule.phase_of(self.step_index)

    def step(self, batch: TrainingBatch) -> StepRecord:
        """Do one step on a batch; raises TrainingError, with the term's name, when a term is not finite.

        After any error the networks may be between two steps: they must not be saved, only restored.
        """
        began = time.perf_counter()
        phase = self.phase
        terms: dict[str, float] = {}
        self._between_steps = False
        torch.manual_seed(step_seed(self.config.seed, "noise", self.step_index))
        batch = batch.to(self.device)
        if phase == "critic":
            terms |= self._critic_step(batch, None)
        elif phase == "geometry":
            if not self.config.schedule.critic_rests:
                terms |= self._critic_step(batch, None)
            terms |= self._geometry_step(batch)
        else:
            terms |= self._adversarial_step(batch)
        if phase != "critic":
            self._averaging.update_parameters(self.generator)
            self._generator_rate.step()
            if not self.config.schedule.critic_rests:
                self._critic_rate.step()
        self.step_index += 1
        self._between_steps = True
        elapsed = time.perf_counter() - began
        return StepRecord(self.step_index, phase, terms, len(batch.source) / elapsed, saturation(phase, terms))

    def _adversarial_step(self, batch: TrainingBatch) -> dict[str, float]:
        # 1. The generator makes faces with the wanted AUs.
        with self._autocast():
            edit: Edit = self.generator(batch.source, batch.y_from, batch.y_to, batch.landmarks_from)
        batch = batch.moved_along(edit.flow)
        # 2. The critic learns to tell them from photos, and to read AUs from photos (equations 1 and 3).
        terms = self._critic_step(batch, edit.image.detach())
        # 3. Every n-th time the generator answers.
        first = self.config.schedule.end_of("geometry")
        if (self.step_index - first) % self.config.schedule.critic_per_generator:
            return terms
        # 4. There and back again, for a quarter of the batch: the cycle (equation 4).
        back = slice(batch.pairs, batch.pairs + max(1, len(batch.source) // 4))
        self.critic.requires_grad_(False)
        reading = self._read(edit, batch)
        with self._autocast():
            verdict: Verdict = self.critic(jitter(edit.image))
            returned: Edit | None = None
            if batch.pairs < len(batch.source):
                returned = self.generator(
                    edit.image[back], batch.y_to[back], batch.y_from[back], batch.landmarks_to[back]
                )
        # 5. The full objective (equation 5).
        parts = adversarial_terms(edit, batch, reading, verdict.realism, None if returned is None else returned.image)
        terms |= self._descend(parts, self.generator_optimizer)
        self.critic.requires_grad_(True)
        return terms | self._region_step(edit, batch) | mask_statistics(edit)

    def _geometry_step(self, batch: TrainingBatch) -> dict[str, float]:
        with self._autocast():
            edit: Edit = self.generator(batch.source, batch.y_from, batch.y_to, batch.landmarks_from)
        batch = batch.moved_along(edit.flow)
        self.critic.requires_grad_(False)
        # Paint that nobody judges must not be steered: it would learn patterns that read as an AU. The gains of motion
        # are steered, until the critic rests: then they have long found their values.
        steers = edit.flow is not None and not self.config.schedule.critic_rests
        parts = geometry_terms(edit, batch, self._read(edit, batch, aus=steers))
        terms = self._descend(parts, self.generator_optimizer)
        self.critic.requires_grad_(True)
        return terms | self._region_step(edit, batch) | mask_statistics(edit)

    def _read(self, edit: Edit, batch: TrainingBatch, *, aus: bool = True) -> CriticReading:
        """Return what the critic, whose weights rest, reads in the edits."""
        with self._autocast():
            shown = edit.steered if edit.steerable is None else edit.steered[-STEERED_IMAGES:]
            steered: Verdict | None = self.critic(jitter(shown)) if aus else None
            matched = real = ()
            if batch.pairs:
                told = torch.lerp(batch.target, edit.image[: batch.pairs], batch.known)
                matched = self.critic(told).features[FEATURE_LAYERS]
                real = self.critic(batch.target).features[FEATURE_LAYERS]
        return CriticReading(None if steered is None else steered.aus, matched, real, self._score(edit, batch))

    def _score(self, edit: Edit, batch: TrainingBatch) -> Tensor | None:
        """Return what the critics of regions, whose weights rest, make of the pairs' paint; None where none counts.

        Not of the wishes: of AUs that photos hardly show they know nothing, and what they say of them makes blotches.
        """
        if not self.config.weights.regions or not batch.pairs:
            return None
        pairs = slice(batch.pairs)
        self.regions.requires_grad_(False)
        scores = self.regions.score(edit.painted[pairs], batch.landmarks_to[pairs], batch.y_to[pairs])
        self.regions.requires_grad_(True)
        return scores

    def _region_step(self, edit: Edit, batch: TrainingBatch) -> dict[str, float]:
        """Let the critics of regions learn to tell the pairs' paint from photos."""
        if not self.config.weights.regions or not batch.pairs:
            return {}
        pairs = slice(batch.pairs)
        photos = torch.cat([batch.source, batch.target[batch.taken]])
        landmarks = torch.cat([batch.landmarks_from, batch.landmarks_to[pairs][batch.taken]])
        real = self.regions.score(photos, landmarks, torch.cat([batch.y_from, batch.y_to[pairs][batch.taken]]))
        fake = self.regions.score(edit.painted[pairs].detach(), batch.landmarks_to[pairs], batch.y_to[pairs])
        return self._descend(RegionTerms(losses.hinge(real, fake)), self.region_optimizer)

    def _critic_step(self, batch: TrainingBatch, fake: Tensor | None) -> dict[str, float]:
        with self._autocast():
            real: Verdict = self.critic(jitter(batch.source))
            judged: Verdict | None = None if fake is None else self.critic(jitter(fake))
        au = losses.action_units(real.aus, batch.y_from)
        if fake is None or judged is None:
            parts = CriticTerms(au)
        else:
            penalty, interval = None, self.config.schedule.penalty_interval
            if self.step_index % interval == 0:
                mix = torch.rand(len(fake), 1, 1, 1, device=fake.device)
                with self._autocast():
                    penalty = interval * losses.gradient_penalty(
                        lambda x: self.critic(x).realism, losses.interpolate(batch.source, fake, mix)
                    )
            parts = CriticTerms(au, losses.critic_adversarial(real.realism, judged.realism), penalty)
        return self._descend(parts, self.critic_optimizer)

    def _descend(
        self, parts: CriticTerms | GeneratorTerms | RegionTerms, optimizer: torch.optim.Optimizer
    ) -> dict[str, float]:
        side = next(name for name, one in self._optimizers().items() if one is optimizer).removesuffix("_optimizer")
        terms = {
            f"{side}_{name}": float(value.detach()) for name, value in vars(parts).items() if isinstance(value, Tensor)
        }
        for name, value in terms.items():
            self._require_finite(f"term {name}", value)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(parts.total(self.config.weights))
        self._require_finite(f"gradient of the {side}", _gradient_norm(optimizer))
        optimizer.step()
        return terms

    def _require_finite(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise TrainingError(
                f"the {what} became {value} at step {self.step_index + 1}",
                "go on from the last checkpoint with --resume and a lower --learning-rate, or with --precision fp32",
            )

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def run(
        self,
        folder: Path,
        *,
        minutes: float | None = None,
        images: int | None = None,
        stop: Callable[[], bool] | None = None,
        on_sample: Callable[[Trainer], None] | None = None,
    ) -> Iterator[StepRecord]:
        """Train until the schedule or a budget is over, or until `stop` says so; yields a record a step.

        `minutes` and `images` count from here. Writes the log, the state and the model into `folder`, at last also
        when the caller turns away or an error comes from elsewhere than a step.
        """
        began = clock = time.monotonic()
        first, saved_at = self.step_index, -1
        remove_leftovers(folder)
        cut_log(folder, self.step_index)
        with open(folder / LOG_NAME, "a", encoding="utf-8") as log:
            try:
                for batch in batches(self.dataset, range(self.step_index, len(self.dataset)), self.config.workers):
                    record = self.step(batch)
                    now = time.monotonic()
                    self.seconds, clock = self.seconds + now - clock, now
                    log.write(record.to_json() + "\n")
                    log.flush()
                    if self.step_index % self.config.save_steps == 0:
                        self.save(folder)
                        saved_at = self.step_index
                    if on_sample is not None and self.step_index % self.config.sample_steps == 0:
                        on_sample(self)
                    yield record
                    seen = (self.step_index - first) * self.config.batch_images
                    over = (minutes is not None and now - began >= 60 * minutes) or (
                        images is not None and seen >= images
                    )
                    if over or (stop is not None and stop()):
                        break
            finally:
                if self._between_steps and saved_at != self.step_index:
                    self.save(folder)

    def card(self, name: str = "run") -> ModelCard:
        """Return what the model file says of this run."""
        facts = {
            "config": to_dict(self.config),
            "history": [to_dict(stretch) for stretch in self.history],
            "steps": self.step_index,
            "hours": round(self.seconds / 3600, 3),
            "photos": len(self.pack),
            "training_photos": len(self.pack.indices(validation=False)),
        }
        return ModelCard(
            name, self.config.generator, self.config.critic, self.pack.spec, self.pack.au_numbers, training=facts
        )

    def save(self, folder: Path) -> None:
        """Write the state and the model into `folder`, each atomically, the state first."""
        facts = {
            "format": STATE_FORMAT,
            "step": self.step_index,
            "config": to_dict(self.config),
            "history": [to_dict(stretch) for stretch in self.history],
            "seconds": self.seconds,
            "pack": self.pack.fingerprint,
        }
        write_tensors(folder / STATE_NAME, gather(self._networks(), self._optimizers()), facts)
        save_model(folder / MODEL_NAME, self.card(folder.resolve().name), self.average, self.critic)

    def _networks(self) -> dict[str, nn.Module]:
        return {
            "generator": self.generator, "critic": self.critic, "regions": self.regions,
            "average": self._averaging,
        }  # fmt: skip

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "generator_optimizer": self.generator_optimizer,
            "critic_optimizer": self.critic_optimizer,
            "region_optimizer": self.region_optimizer,
        }

    def restore(self, folder: Path) -> None:
        """Take up the state in `folder`; raises ModelError where it is missing, damaged or of another network.

        The config may differ from the state's in what does not shape the networks. Raises TrainingError where the
        state was trained on another pack.
        """
        tensors, facts = read_tensors(folder / STATE_NAME, STATE_FORMAT)
        if facts.get("pack", self.pack.fingerprint) != self.pack.fingerprint:
            raise TrainingError(
                f"the run in {folder} was trained on another pack than {self.pack.path}",
                "hand in that pack, or train into a new folder",
            )
        try:
            scatter(tensors, self._networks(), self._optimizers())
            self.step_index = int(facts["step"])
            self._schedule_rates()
            before = [from_dict(Stretch, one) for one in facts["history"]]
            self.history = went_on(before, self.step_index, self.config)
            logged = logged_seconds(folder, self.config.batch_images, self.step_index)
            self.seconds = float(facts.get("seconds", logged))
        except (RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
            raise ModelError(f"the state in {folder} does not fit its config", "train into a new folder") from error
        self._between_steps = True


def _gradient_norm(optimizer: torch.optim.Optimizer) -> float:
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    return float(torch.stack([weight.grad.norm() for weight in weights if weight.grad is not None]).norm())
