"""Samples for training: which photo, which wanted AUs, and what is known of the result.

A batch is a pure function of the pack, the config and the step, so a resumed run sees the very batches that an
uninterrupted one would have seen.
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
from ganimate.data.augmentation import View, draw_view
from ganimate.data.expression_donors import Donation, Donors
from ganimate.data.expression_mapping import Shown, map_shading
from ganimate.data.pack import MARGIN, Pack
from ganimate.data.samples import TrainingBatch
from ganimate.data.transplant import transplant
from ganimate.errors import PackError
from ganimate.face.crop import Image
from ganimate.face.landmarks import EYES
from ganimate.motion.landmark_response import LandmarkResponse, fit_response
from ganimate.networks.pictures import to_tensor
from ganimate.system.devices import step_seed

BatchT = TypeVar("BatchT")
RARE_BOOST = 2.0  # how much more often a photo with a rare, strong AU is drawn
# Of a person's photos the target is drawn by how much changes; an opened mouth counts more: there most is painted.
CALM_SHARE = 0.1
MOUTH_AUS, MOUTH_WORTH = (25, 26), 3.0
DONOR_PHOTOS = 8  # of a person: fewer are from a film, where head and light change with the expression
PADDED_SHARE = 0.35  # how often a photo is drawn that does not fill its crop


@dataclass(frozen=True)
class _Sample:
    """A photo and the AUs (N,) that it is to get; in pairs also a photo of them, or whose expression makes it."""

    index: int
    y_to: NDArray[np.float32]
    other: int | None = None
    donation: Donation | None = None


@dataclass(frozen=True)
class _Shot:
    """One sample's part of a batch; of wishes there is no target."""

    source: Image
    points_from: NDArray[np.float32]
    points_to: NDArray[np.float32]
    target: Image | None
    known: NDArray[np.float32]


class FaceDataset(Dataset[TrainingBatch]):
    """Item `step` is the batch of that step."""

    def __init__(self, pack: Pack, config: TrainConfig, steps: int | None = None) -> None:
        self._pack, self._config = pack, config
        self._steps = config.schedule.total_steps if steps is None else steps
        self._train = pack.indices(validation=False)
        if len(self._train) < 2:
            raise PackError(f"{pack.path} has {len(self._train)} photos for training", "prepare more photos")
        self._draw = self._sampling_weights()
        self._persons = self._photos_by_person()
        self._hosts, self._host_shares = self._photos_of_others()
        self._donors = self._find_donors()
        self._worth = np.array([MOUTH_WORTH if n in MOUTH_AUS else 1.0 for n in pack.au_numbers])
        self.response = self._fit_response()

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

    def _photos_by_person(self) -> list[NDArray[np.int64]]:
        person = self._pack.person[self._train]
        groups = [self._train[person == one] for one in np.unique(person[person >= 0])]
        return [group for group in groups if len(group) > 1]

    def _photos_of_others(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the training photos that pairs can be moved into, of people without pairs, and how often each is."""
        hosts = ~np.isin(self._train, np.concatenate([*self._persons, np.zeros(0, np.int64)]))
        return self._train[hosts], self._draw[hosts] / max(self._draw[hosts].sum(), 1e-12)

    def _find_donors(self) -> Donors:
        """Return whose changes of expression can be mapped onto the photos of others: people seen often enough."""
        groups = [group for group in self._persons if len(group) >= DONOR_PHOTOS]
        photos = np.concatenate([*groups, np.zeros(0, np.int64)])
        points = ((self._pack.landmarks + 0.5) / self._pack.spec.size_px).astype(np.float32)
        return Donors(self._pack.aus, points, self._pack.person, photos, self._pack.au_numbers)

    def _fit_response(self) -> LandmarkResponse:
        """Return how AUs move landmarks, from people seen more than once.

        Where nobody is, all photos count as one person's: crops are aligned, so shapes are noise that averages out.
        """
        known = np.concatenate(self._persons) if self._persons else self._train
        person = self._pack.person[known] if self._persons else np.zeros(len(known), np.int32)
        points = plain_landmarks(self._pack, known).numpy()
        return fit_response(points, self._pack.aus[known], person, self._pack.au_numbers)

    def __getitem__(self, step: int) -> TrainingBatch:
        rng = np.random.default_rng(step_seed(self._config.seed, "batch", step))
        count = self._config.batch_images
        pairs = round(count * self._config.pair_share) if self._persons else 0
        samples = [self._pair(rng) for _ in range(pairs)] + [self._single(rng) for _ in range(count - pairs)]
        size = self._pack.spec.size_px
        shots = [self._shoot(rng, sample, draw_view(rng, self._config.augmentation, size)) for sample in samples]
        targets = [shot.target for shot in shots if shot.target is not None]
        known = [shot.known for shot in shots[:pairs]]
        return TrainingBatch(
            to_tensor(np.stack([shot.source for shot in shots])),
            torch.from_numpy(self._pack.aus[[sample.index for sample in samples]]),
            torch.from_numpy(np.stack([sample.y_to for sample in samples])),
            torch.from_numpy(np.stack([shot.points_from for shot in shots])),
            torch.from_numpy(np.stack([shot.points_to for shot in shots])),
            to_tensor(np.stack(targets) if targets else np.zeros((0, size, size, 3), np.uint8)),
            torch.from_numpy(np.stack(known) if known else np.zeros((0, size, size), np.float32))[:, None],
            pairs,
        )

    def _shoot(self, rng: np.random.Generator, sample: _Sample, view: View) -> _Shot:
        """Return a sample as one view shows it."""
        image, points = self._look(sample.index, view)
        predicted = self.response.move(points[None], self._pack.aus[sample.index][None], sample.y_to[None])[0]
        known = np.ones(image.shape[:2], np.float32)
        if sample.donation is not None:
            donation = sample.donation
            before, after = (Shown(*self._look(index, view)) for index in (donation.before, donation.after))
            made = map_shading(Shown(image, points), before, after, donation.part)
            return _Shot(view.expose(image), points, predicted, view.expose(made.photo), made.known)
        if sample.other is None:
            return _Shot(view.expose(image), points, predicted, None, known)
        real, goal = self._look(sample.other, view)
        image, real = self._elsewhere(rng, view, [image, real], [points, goal])
        goal[EYES] = predicted[EYES]  # landmarks of closed lids float: they never meet
        return _Shot(view.expose(image), points, goal, view.expose(real), known)

    def _pair(self, rng: np.random.Generator) -> _Sample:
        """Return two photos of one person, or one of somebody seen once to whom another's expression is to be given."""
        if len(self._hosts) and rng.random() < self._config.mapped_share:
            host = int(rng.choice(self._hosts, p=self._host_shares))
            donation = self._donors.draw(rng, host)
            if donation is not None:
                return _Sample(host, donation.y_to, donation=donation)
        group = self._persons[rng.integers(len(self._persons))]
        index = rng.choice(group)
        change = np.abs(self._pack.aus[group] - self._pack.aus[index]) @ self._worth  # (photos,)
        weights = np.where(group == index, 0.0, CALM_SHARE + change)
        other = rng.choice(group, p=weights / weights.sum())
        return _Sample(int(index), self._pack.aus[other], other=int(other))

    def _single(self, rng: np.random.Generator) -> _Sample:
        """Return a photo and a wish: another photo's AUs, or its own with one to three AUs changed, as users do."""
        index, other = rng.choice(self._train, 2, p=self._draw)
        if rng.random() < 0.4:
            noise = rng.uniform(-1, 1, self._pack.aus.shape[1]) * self._config.target_noise
            wish = np.clip(self._pack.aus[other] + noise, 0, 1)
        else:
            wish = self._pack.aus[index].copy()
            changed = rng.choice(len(wish), rng.integers(1, 4), replace=False)
            wish[changed] = rng.uniform(0, 1, len(changed))  # users ask for 1, however rarely photos show it
        return _Sample(int(index), wish.astype(np.float32))

    def _look(self, index: int, view: View) -> tuple[Image, NDArray[np.float32]]:
        """Return one view of a photo (S, S, 3), in its own light, and its landmarks (68, 2) in crop widths."""
        return view.crop(self._pack.image(index)), view.landmarks(self._pack.landmarks[index])

    def _elsewhere(
        self, rng: np.random.Generator, view: View, images: list[Image], points: list[NDArray[np.float32]]
    ) -> list[Image]:
        """Return a pair's photos, some of them moved into the photo of a person who is seen once."""
        if not len(self._hosts) or rng.random() >= self._config.transplant_share:
            return images
        host = int(rng.choice(self._hosts, p=self._host_shares))
        return transplant(images, points, *self._look(host, view))


def plain_views(pack: Pack, indices: NDArray[np.int64]) -> Tensor:
    """Return photos (n, 3, S, S) exactly as the animator would crop them."""
    size = pack.spec.size_px
    start = round(size * MARGIN)
    images = [pack.image(int(i))[start : start + size, start : start + size] for i in indices]
    return to_tensor(np.stack(images))


def plain_landmarks(pack: Pack, indices: NDArray[np.int64]) -> Tensor:
    """Return the landmarks (n, 68, 2) of `plain_views`, in crop widths."""
    size = pack.spec.size_px
    points = (pack.landmarks[indices] + 0.5 - round(size * MARGIN)) / size
    return torch.from_numpy(points.astype(np.float32))


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
