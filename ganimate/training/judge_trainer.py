"""The judge's training: an AU regressor for measuring generators; it yields records and prints nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganimate.config import JudgeConfig, JudgeTraining, to_dict
from ganimate.data.judge_samples import JudgeBatch, JudgeSamples
from ganimate.data.pack import MARGIN, Pack
from ganimate.errors import TrainingError
from ganimate.networks.judge import Judge
from ganimate.networks.pictures import to_tensor
from ganimate.system.devices import bf16_is_fast, step_seed
from ganimate.training.averaging import averaged
from ganimate.training.learning_rate import warm_cosine
from ganimate.zoo.cards import JudgeCard
from ganimate.zoo.judge_weights import save_judge

READ_IMAGES = 64  # at a time, when photos are read without being learned from
GRADIENT_LIMIT = 5.0  # a rare batch of mislabelled extremes must not undo a hundred others


@dataclass(frozen=True)
class Agreement:
    """How readings go with labels, by AU (N,): correlation, and slope of the reading on the label; NaN if constant."""

    photos: int
    correlation: NDArray[np.float64]
    slope: NDArray[np.float64]

    @property
    def mean_correlation(self) -> float:
        """The mean over the AUs that the photos show; NaN where they show none."""
        known = self.correlation[np.isfinite(self.correlation)]
        return float(known.mean()) if len(known) else math.nan


@dataclass(frozen=True)
class JudgeRecord:
    """What one step did. `error` is 1 for a judge that always says the mean; `held_out` comes now and then."""

    step: int
    error: float
    images_per_s: float
    held_out: Agreement | None = None


class JudgeTrainer:
    """Trains a judge on the photos of a pack that are not held out."""

    def __init__(self, pack: Pack, config: JudgeConfig, training: JudgeTraining, device: torch.device) -> None:
        pack.require_size(config.size_px)
        self.pack, self.config, self.training, self.device = pack, config, training, device
        self.samples = JudgeSamples(pack, training)
        torch.manual_seed(step_seed(training.seed, "judge"))
        judge = Judge(config, len(pack.au_numbers))
        nn.init.zeros_(judge.au_head.weight)  # it begins by saying the mean
        with torch.no_grad():
            judge.au_head.bias.copy_(torch.from_numpy(self.samples.means))
        self.judge: Judge = judge.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._averaging = averaged(self.judge, training.ema_decay, buffers=True).eval()
        self._optimizer = torch.optim.AdamW(_groups(self.judge, training.weight_decay), lr=0.0, fused=True)
        self._progress = 0.0
        self._rate = warm_cosine(self._optimizer, training.learning_rate, training.warmup_share, lambda: self._progress)
        self._scale = torch.from_numpy(1 / self.samples.deviations**2).to(device)  # (N,)
        self._bf16 = training.precision == "bf16" or (training.precision == "auto" and bf16_is_fast(device))
        self.step_index = 0
        self.seconds = 0.0

    def run(self, *, minutes: float | None = None, stop: Callable[[], bool] | None = None) -> Iterator[JudgeRecord]:
        """Train to the last step, or until `stop` says so; yields a record a step.

        With `minutes` the learning rate falls to 0 by the clock where the steps would take longer; only without it
        does a seed give the same judge again.
        """
        began = time.monotonic()
        budget_s = math.inf if minutes is None else max(60 * minutes, 1e-9)
        while self.step_index < self.training.steps:
            spent = (time.monotonic() - began) / budget_s
            if spent >= 1 or (stop is not None and stop()):
                break
            yield self.step(max(spent, self.step_index / self.training.steps))
            self.seconds = time.monotonic() - began

    def step(self, progress: float) -> JudgeRecord:
        """Do one step at `progress` in [0, 1] of the course; raises TrainingError where the error is not finite."""
        began = time.perf_counter()
        # 1. Photos, some of them recombined, and their labels.
        batch = self.samples.at(self.step_index)
        torch.manual_seed(step_seed(self.training.seed, "dropout", self.step_index))
        # 2. The judge reads them and learns by how far it was off, strong AUs counting more.
        self._progress = progress
        if self.step_index:
            self._rate.step()
        self.judge.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16):
            aus = self.judge(batch.image.to(self.device)).aus
        error = self._error(aus, batch)
        value = float(error.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"the judge's error became {value} at step {self.step_index + 1}",
                "lower --learning-rate, or train with --precision fp32",
            )
        self._optimizer.zero_grad(set_to_none=True)
        error.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.judge.parameters(), GRADIENT_LIMIT)
        self._optimizer.step()
        # 3. What is kept is the average over the last steps.
        self._averaging.update_parameters(self.judge)
        self.step_index += 1
        check = self.step_index % self.training.check_steps == 0
        held_out = self.agreement() if check else None
        elapsed = time.perf_counter() - began
        return JudgeRecord(self.step_index, value, len(aus) / elapsed, held_out)

    def _error(self, aus: Tensor, batch: JudgeBatch) -> Tensor:
        """Return the mean squared error in units of each AU's variance, strong labels weighted up."""
        label, known = batch.aus.to(self.device), batch.known.to(self.device)
        weight = known * (1 + self.training.strong_boost * label)
        return (weight * self._scale * (aus - label).square()).mean()

    @property
    def average(self) -> Judge:
        """The judge as it is written: its weights averaged over the last steps."""
        return cast(Judge, self._averaging.module)

    def agreement(self) -> Agreement | None:
        """Return how the judge's readings of the held-out photos go with their labels; None where nobody is."""
        held = self.pack.indices(validation=True)
        if len(held) < 2:
            return None
        return agree(read_photos(self.average, self.pack, held), self.pack.aus[held])

    def save(self, path: Path) -> None:
        """Write the judge, atomically."""
        save_judge(path, self.card(), self.average)

    def card(self) -> JudgeCard:
        """Return what the file says of this training."""
        facts = {
            "config": to_dict(self.training),
            "steps": self.step_index,
            "hours": round(self.seconds / 3600, 3),
            "training_photos": len(self.samples.photos),
        }
        held_out = self.agreement()
        if held_out is not None:
            facts["held_out_photos"] = held_out.photos
            facts["held_out_correlation"] = [_plain(value) for value in held_out.correlation]
            facts["held_out_slope"] = [_plain(value) for value in held_out.slope]
        return JudgeCard(self.config, self.pack.spec, self.pack.au_numbers, training=facts)


@torch.no_grad()
def read_photos(judge: Judge, pack: Pack, indices: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the AUs (n, N) that a judge reads from photos of a pack, cropped as the animator would."""
    size = pack.spec.size_px
    inside = slice(round(size * MARGIN), round(size * MARGIN) + size)
    device = next(judge.parameters()).device
    rows = []
    for start in range(0, len(indices), READ_IMAGES):
        crops = [pack.image(int(i))[inside, inside] for i in indices[start : start + READ_IMAGES]]
        rows.append(judge(to_tensor(np.stack(crops)).to(device)).aus.cpu().numpy())
    return np.concatenate(rows)


def agree(readings: NDArray[np.float32], labels: NDArray[np.float32]) -> Agreement:
    """Return how readings (n, N) go with labels (n, N)."""
    x, y = labels - labels.mean(0, dtype=np.float64), readings - readings.mean(0, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Agreement(
            len(labels), (x * y).sum(0) / np.sqrt((x * x).sum(0) * (y * y).sum(0)), (x * y).sum(0) / (x * x).sum(0)
        )


def _groups(judge: Judge, decay: float) -> list[dict[str, object]]:
    """Return the weights with and without decay: norms and biases have none to lose."""
    matrices = [weight for weight in judge.parameters() if weight.ndim > 1]
    vectors = [weight for weight in judge.parameters() if weight.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def _plain(value: float) -> float | None:
    return round(float(value), 3) if math.isfinite(value) else None
