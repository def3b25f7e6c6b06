"""The trainer: one page a step, in the paper's order; it yields records and prints nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganimate.config import TrainConfig, from_dict, to_dict
from ganimate.data.dataset import FaceDataset, TrainingBatch, batches
from ganimate.data.pack import Pack
from ganimate.errors import ModelError, TrainingError
from ganimate.networks import AttentionGenerator, Critic, Edit, GeneratorNetwork, Verdict
from ganimate.networks.pictures import draw_shifts, shifted
from ganimate.system.devices import bf16_is_fast, channels_last, step_seed
from ganimate.system.share import Share
from ganimate.training import losses
from ganimate.training.averaging import averaged
from ganimate.training.held_out_check import HeldOutCheck
from ganimate.training.history import Stretch, went_on
from ganimate.training.learning_rate import linear_decay
from ganimate.training.objective import CriticTerms, GeneratorTerms, critic_terms, generator_terms
from ganimate.training.run_folder import MODEL_NAME, STATE_NAME, logged_seconds, open_log
from ganimate.training.step_record import StepRecord, mask_statistics, saturation
from ganimate.training.team import anyone, means, parallel
from ganimate.zoo.card import STATE_FORMAT, ModelCard
from ganimate.zoo.checkpoint import gather, read_tensors, save_model, scatter, write_tensors


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
        self.generator = channels_last(AttentionGenerator(config.generator, count).to(device))
        self.critic = channels_last(Critic(config.critic, count).to(device))
        self._averaging = averaged(self.generator, config.ema_decay)
        self._share = Share.own()
        self._generate: Callable[..., Edit] = parallel(self.generator)
        self._judge: Callable[..., Verdict] = parallel(self.critic)
        self.generator_optimizer = self._adam(self.generator, config.learning_rate)
        self.critic_optimizer = self._adam(self.critic, config.critic_learning_rate)
        self.step_index = 0
        self.seconds = 0.0  # of work in all, over all resumptions
        self.history = [Stretch(0, to_dict(config))]
        self.held_out: dict[str, float] = {}  # what was last measured of it
        self._held_out = HeldOutCheck(pack)
        self._schedule_rates()
        self._between_steps = True
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and bf16_is_fast(device))

    def _adam(self, network: nn.Module, rate: float) -> torch.optim.Adam:
        return torch.optim.Adam(network.parameters(), rate, (self.config.beta1, self.config.beta2), fused=True)

    def _schedule_rates(self) -> None:
        """Let both rates go from the next step on as the whole schedule says, each by its network's own steps."""
        config, done, n = self.config, self.step_index, self.config.critic_per_generator
        answers, answered = -(-config.steps // n), -(-done // n)
        share = config.decay_fraction
        self._generator_rate = linear_decay(self.generator_optimizer, config.learning_rate, answers, share, answered)
        self._critic_rate = linear_decay(self.critic_optimizer, config.critic_learning_rate, config.steps, share, done)

    @property
    def average(self) -> GeneratorNetwork:
        """The generator as users get it: its weights averaged over the last steps."""
        return cast(GeneratorNetwork, self._averaging.module)

    def step(self, batch: TrainingBatch) -> StepRecord:
        """Do one step on a batch; raises TrainingError, with the term's name, when a term is not finite.

        After any error the networks may be between two steps: they must not be saved, only restored.
        """
        began = time.perf_counter()
        self._between_steps = False
        torch.manual_seed(step_seed(self.config.seed, "noise", self.step_index))
        batch = batch.to(self.device)
        answers = self.step_index % self.config.critic_per_generator == 0
        # 1. The generator makes faces with the wanted AUs.
        with self._autocast(), torch.set_grad_enabled(answers):
            edit = self._generate(batch.source, batch.y_from, batch.y_to)
        made = time.perf_counter()
        # 2. The critic learns to tell them from photos, and to read AUs from photos (equations 1 and 3).
        terms = self._critic_step(batch, edit.image.detach())
        taught = time.perf_counter()
        # 3. Every n-th time the generator answers.
        if answers:
            terms |= self._generator_step(batch, edit) | means(mask_statistics(edit))
            self._averaging.update_parameters(self.generator)
            self._generator_rate.step()
        self._critic_rate.step()
        self.step_index += 1
        self._between_steps = True
        done = time.perf_counter()
        seconds = {"faces": made - began, "critic": taught - made, "generator": done - taught}
        rate = self.config.batch_images / (done - began)
        return StepRecord(self.step_index, terms, rate, saturation(terms), seconds)

    def _critic_step(self, batch: TrainingBatch, fake: Tensor) -> dict[str, float]:
        with self._autocast():
            photos, fakes = self._judge(self._jittered(batch.source)), self._judge(self._jittered(fake))
            mix = torch.rand(self.config.batch_images, 1, 1, 1, device=fake.device)[self._share.rows]
            penalty = losses.gradient_penalty(
                lambda x: self._judge(x).realism, losses.interpolate(batch.source, fake, mix)
            )
        return self._descend(critic_terms(photos, fakes, penalty, batch.y_from), self.critic_optimizer, "critic")

    def _generator_step(self, batch: TrainingBatch, edit: Edit) -> dict[str, float]:
        self.critic.requires_grad_(False)
        with self._autocast():
            verdict: Verdict = self.critic(self._jittered(edit.image))
            # There and back again: the cycle (equation 4).
            returned = self._generate(edit.image, batch.y_to, batch.y_from)
        parts = generator_terms(edit, verdict, batch.y_to, returned, batch.source)  # equation 5
        terms = self._descend(parts, self.generator_optimizer, "generator")
        self.critic.requires_grad_(True)
        return terms

    def _jittered(self, images: Tensor) -> Tensor:
        """Return images as a critic sees them; what is drawn for all processes' images is drawn by each."""
        return shifted(images, draw_shifts(self.config.batch_images, images.shape[-1])[self._share.rows])

    def _descend(
        self, parts: CriticTerms | GeneratorTerms, optimizer: torch.optim.Optimizer, side: str
    ) -> dict[str, float]:
        terms = means({f"{side}_{name}": float(value.detach()) for name, value in vars(parts).items()})
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
        began = clock = asked = time.monotonic()
        first, saved_at = self.step_index, -1
        with open_log(folder, self.step_index) as log:
            try:
                for batch in batches(self.dataset, range(self.step_index, len(self.dataset)), self.config.workers):
                    waited = time.monotonic() - asked
                    record = self.step(batch)
                    record = replace(record, seconds={"data": waited, **record.seconds})
                    now = time.monotonic()
                    self.seconds, clock = self.seconds + now - clock, now
                    seen = (self.step_index - first) * self.config.batch_images
                    late = minutes is not None and now - began >= 60 * minutes
                    over = anyone(late or (images is not None and seen >= images))
                    if over or self.step_index % self.config.check_steps == 0 or self.step_index == self.config.steps:
                        record = replace(record, terms={**record.terms, **self.check()})
                    log.write(record.to_json() + "\n")
                    log.flush()
                    if self.step_index % self.config.save_steps == 0:
                        self.save(folder)
                        saved_at = self.step_index
                    if on_sample is not None and self.step_index % self.config.sample_steps == 0:
                        on_sample(self)
                    yield record
                    if over or anyone(stop is not None and stop()):
                        break
                    asked = time.monotonic()
            finally:
                if self._between_steps and saved_at != self.step_index:
                    self.save(folder)

    def check(self) -> dict[str, float]:
        """Return what the averaged generator can do on held-out people now; nothing where there are none."""
        self.held_out = self._held_out.terms(self.average, self.critic, self.device)
        return self.held_out

    def card(self, name: str = "run") -> ModelCard:
        """Return what the model file says of this run."""
        facts: dict[str, Any] = {
            "config": to_dict(self.config),
            "history": [to_dict(stretch) for stretch in self.history],
            "steps": self.step_index,
            "hours": round(self.seconds / 3600, 3),
            "photos": len(self.pack),
            "training_photos": len(self.pack.indices(validation=False)),
        }
        if self.held_out:
            facts["held_out"] = {name: round(value, 4) for name, value in self.held_out.items()}
        return ModelCard(
            name, self.config.generator, self.config.critic, self.pack.spec, self.pack.au_numbers, training=facts
        )

    def save(self, folder: Path) -> None:
        """Write the state and the model into `folder`, each atomically, the state first; one process does."""
        if not self._share.first:
            return
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
        return {"generator": self.generator, "critic": self.critic, "average": self._averaging}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"generator_optimizer": self.generator_optimizer, "critic_optimizer": self.critic_optimizer}

    def restore(self, folder: Path) -> None:
        """Take up the state in `folder`; raises ModelError where it is missing, damaged or of another network.

        The config may differ from the state's in what does not shape the networks. Raises TrainingError where the
        state was trained on another pack.
        """
        tensors, facts = read_tensors(folder / STATE_NAME, STATE_FORMAT)
        if facts.get("pack", self.pack.fingerprint) != self.pack.fingerprint:
            raise TrainingError(
                f"the run in {folder} was trained on another pack than {self.pack.place}",
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
