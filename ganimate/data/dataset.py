"""Samples for training: which photo, and which AUs it is to get.

A sample is a pure function of the pack, the config, the step and its place in the batch. So a resumed run sees the very
batches that an uninterrupted one would have seen, and several processes together see those that one alone would.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ganimate.config import TrainConfig
from ganimate.data.augmentation import draw_view
from ganimate.data.pack import MARGIN, Pack
from ganimate.errors import PackError
from ganimate.face.crop import Image
from ganimate.networks.pictures import to_tensor
from ganimate.system.devices import step_seed
from ganimate.system.share import Share

BatchT = TypeVar("BatchT")
RARE_BOOST = 2.0  # how much more often a photo with a rare, strong AU is drawn
PADDED_SHARE = 0.35  # how often a photo is drawn that does not fill its crop
BORROWED_SHARE = 0.4  # of the wishes: all AUs of another photo, as in the paper; the others are a few changes


@dataclass(frozen=True)
class TrainingBatch:
    """One step's samples: `source` (B, 3, S, S) in [-1, 1], its AUs `y_from` and the wanted `y_to` (B, N) in [0, 1]."""

    source: Tensor
    y_from: Tensor
    y_to: Tensor

    def to(self, device: torch.device) -> TrainingBatch:
        """Return the batch on `device`."""
        return TrainingBatch(self.source.to(device), self.y_from.to(device), self.y_to.to(device))


class FaceDataset(Dataset[TrainingBatch]):
    """Item `step` is the batch of that step, of several processes this one's share of it."""

    def __init__(self, pack: Pack, config: TrainConfig, steps: int | None = None) -> None:
        self._pack, self._config = pack, config
        self._places = Share.own().places(config.batch_images)
        self._steps = config.steps if steps is None else steps
        self._train = pack.indices(validation=False)
        if len(self._train) < 2:
            raise PackError(f"{pack.place} has {len(self._train)} photos for training", "prepare more photos")
        self._draw = self._sampling_weights()

    def __len__(self) -> int:
        return self._steps

    def _sampling_weights(self) -> NDArray[np.float64]:
        """Return how often each training photo is drawn: rare AUs more, padded crops less."""
        aus = self._pack.aus[self._train].astype(np.float64)
        share = (aus > 0.3).mean(0) + 0.01  # (N,)
        rarity = (aus / np.sqrt(share)).max(1)
        weights = 1 + RARE_BOOST * rarity / max(rarity.mean(), 1e-6)
        weights *= np.where(self._pack.outside[self._train] > 0.02, PADDED_SHARE, 1.0)
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares

    def __getitem__(self, step: int) -> TrainingBatch:
        draws = [np.random.default_rng(step_seed(self._config.seed, "batch", step, place)) for place in self._places]
        chosen, wishes = zip(*(self._sample(rng) for rng in draws), strict=True)
        photos = [self._look(rng, index) for rng, index in zip(draws, chosen, strict=True)]
        return TrainingBatch(
            to_tensor(np.stack(photos)),
            torch.from_numpy(self._pack.aus[list(chosen)]),
            torch.from_numpy(np.stack(wishes)),
        )

    def _sample(self, rng: np.random.Generator) -> tuple[int, NDArray[np.float32]]:
        """Return a photo and the AUs (N,) that it is to get.

        They are another photo's, with noise, or its own with one to three of them changed, as users do.
        """
        index, other = rng.choice(self._train, 2, p=self._draw)
        if rng.random() < BORROWED_SHARE:
            noise = rng.uniform(-1, 1, self._pack.aus.shape[1]) * self._config.target_noise
            wish = np.clip(self._pack.aus[other] + noise, 0, 1)
        else:
            wish = self._pack.aus[index].copy()
            changed = rng.choice(len(wish), rng.integers(1, min(3, len(wish)) + 1), replace=False)
            wish[changed] = rng.uniform(0, 1, len(changed))  # users ask for 1, however rarely photos show it
        return int(index), wish.astype(np.float32)

    def _look(self, rng: np.random.Generator, index: int) -> Image:
        """Return a random view of a photo (S, S, 3)."""
        view = draw_view(rng, self._config.augmentation, self._pack.spec.size_px)
        return view.expose(view.crop(self._pack.image(index)))


def plain_views(pack: Pack, indices: NDArray[np.int64]) -> Tensor:
    """Return photos (n, 3, S, S) exactly as the animator would crop them."""
    size = pack.spec.size_px
    start = round(size * MARGIN)
    images = [pack.image(int(i))[start : start + size, start : start + size] for i in indices]
    return to_tensor(np.stack(images))


def batches(dataset: Dataset[BatchT], steps: range, workers: int) -> DataLoader[BatchT]:
    """Return an iterable of the batches of `steps`, which are the items of `dataset`, made by `workers` processes."""
    return DataLoader(
        dataset,
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_begin_worker,
    )


def _begin_worker(_: int) -> None:
    """Leave Ctrl-C and the like to the trainer, which ends its workers itself after it has saved."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    cv2.setNumThreads(0)  # the processes are the threads
