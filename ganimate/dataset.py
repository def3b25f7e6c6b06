"""Samples for training: which photo, which wanted AUs, and what is known of the result.

A batch is a pure function of the pack, the config and the step, so a resumed run sees the very batches that an
uninterrupted one would have seen.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ganimate.config import Augmentation, TrainConfig
from ganimate.errors import PackError
from ganimate.faces import Image, transform
from ganimate.geometry import MIRROR, LandmarkResponse, fit_response
from ganimate.pack import MARGIN, Pack
from ganimate.tensors import step_seed, to_tensor
from ganimate.transplant import transplant

RARE_BOOST = 2.0  # how much more often a photo with a rare, strong AU is drawn
# Of a person's photos the target is drawn by how much changes; an opened mouth counts more: there most is painted.
CALM_SHARE = 0.1
EYES = slice(36, 48)  # of the landmarks
MOUTH_AUS, MOUTH_WORTH = (25, 26), 3.0
PADDED_SHARE = 0.35  # how often a photo is drawn that does not fill its crop


@dataclass(frozen=True)
class Batch:
    """One step's samples; the first `pairs` of them show one person twice.

    `source` (B, 3, S, S) in [-1, 1]; `y_from`, `y_to` (B, N) in [0, 1]; `landmarks_from`, `landmarks_to` (B, 68, 2)
    in crop widths, the latter seen (pairs) or predicted from the change of AUs; `target` (pairs, 3, S, S) is the real
    photo with the wanted expression.
    """

    source: Tensor
    y_from: Tensor
    y_to: Tensor
    landmarks_from: Tensor
    landmarks_to: Tensor
    target: Tensor
    pairs: int

    def to(self, device: torch.device) -> Batch:
        """Return the batch on `device`."""
        return Batch(
            self.source.to(device),
            self.y_from.to(device),
            self.y_to.to(device),
            self.landmarks_from.to(device),
            self.landmarks_to.to(device),
            self.target.to(device),
            self.pairs,
        )


@dataclass(frozen=True)
class _View:
    """One random view of a face: geometry and light, the same for both photos of a pair."""

    to_crop: NDArray[np.float64]  # (2, 3): pixels of the stored image -> pixels of the crop
    flip: bool
    gain: NDArray[np.float32]  # (3,)
    offset: float
    saturation: float
    blur: float
    jpeg_quality: int | None


class FaceDataset(Dataset[Batch]):
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

    def _fit_response(self) -> LandmarkResponse:
        """Return how AUs move landmarks, from people seen more than once.

        Where nobody is, all photos count as one person's: crops are aligned, so shapes are noise that averages out.
        """
        known = np.concatenate(self._persons) if self._persons else self._train
        person = self._pack.person[known] if self._persons else np.zeros(len(known), np.int32)
        points = plain_landmarks(self._pack, known).numpy()
        return fit_response(points, self._pack.aus[known], person, self._pack.au_numbers)

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng(step_seed(self._config.seed, "batch", step))
        count = self._config.batch_images
        pairs = round(count * self._config.pair_share) if self._persons else 0
        chosen = [self._pair(rng) for _ in range(pairs)] + [self._single(rng) for _ in range(count - pairs)]
        sources, targets, points_from, points_to = [], [], [], []
        for index, other, y_to in chosen:
            view = _draw_view(rng, self._config.augmentation, self._pack.spec.size_px)
            image, points = self._look(index, view)
            predicted = self.response.move(points[None], self._pack.aus[index][None], y_to[None])[0]
            if other is not None:
                real, goal = self._look(other, view)
                image, real = self._elsewhere(rng, view, [image, real], [points, goal])
                targets.append(_relight(real, view))
                goal[EYES] = predicted[EYES]  # landmarks of closed lids float: they never meet
            else:
                goal = predicted
            sources.append(_relight(image, view))
            points_from.append(points)
            points_to.append(goal)
        empty = np.zeros((0, *sources[0].shape), np.uint8)
        return Batch(
            to_tensor(np.stack(sources)),
            torch.from_numpy(self._pack.aus[[index for index, _, _ in chosen]]),
            torch.from_numpy(np.stack([y_to for _, _, y_to in chosen])),
            torch.from_numpy(np.stack(points_from)),
            torch.from_numpy(np.stack(points_to)),
            to_tensor(np.stack(targets) if targets else empty),
            pairs,
        )

    def _pair(self, rng: np.random.Generator) -> tuple[int, int | None, NDArray[np.float32]]:
        group = self._persons[rng.integers(len(self._persons))]
        index = rng.choice(group)
        change = np.abs(self._pack.aus[group] - self._pack.aus[index]) @ self._worth  # (photos,)
        weights = np.where(group == index, 0.0, CALM_SHARE + change)
        other = rng.choice(group, p=weights / weights.sum())
        return int(index), int(other), self._pack.aus[other]

    def _single(self, rng: np.random.Generator) -> tuple[int, int | None, NDArray[np.float32]]:
        """Return a photo and a wish: another photo's AUs, or its own with one to three AUs changed, as users do."""
        index, other = rng.choice(self._train, 2, p=self._draw)
        if rng.random() < 0.4:
            noise = rng.uniform(-1, 1, self._pack.aus.shape[1]) * self._config.target_noise
            wish = np.clip(self._pack.aus[other] + noise, 0, 1)
        else:
            wish = self._pack.aus[index].copy()
            changed = rng.choice(len(wish), rng.integers(1, 4), replace=False)
            wish[changed] = rng.uniform(0, 1, len(changed))  # users ask for 1, however rarely photos show it
        return int(index), None, wish.astype(np.float32)

    def _look(self, index: int, view: _View) -> tuple[Image, NDArray[np.float32]]:
        """Return one view of a photo (S, S, 3), in its own light, and its landmarks (68, 2) in crop widths."""
        size = self._pack.spec.size_px
        stored = self._pack.image(index)
        image = cv2.warpAffine(stored, view.to_crop, (size, size), borderMode=cv2.BORDER_REPLICATE)
        points = ((transform(self._pack.landmarks[index], view.to_crop) + 0.5) / size).astype(np.float32)
        if view.flip:
            image = np.ascontiguousarray(image[:, ::-1])
            points = (points[MIRROR] - [1, 0]) * np.array([-1, 1], np.float32)
        return np.asarray(image, np.uint8), points.astype(np.float32)

    def _elsewhere(
        self, rng: np.random.Generator, view: _View, images: list[Image], points: list[NDArray[np.float32]]
    ) -> list[Image]:
        """Return a pair's photos, some of them moved into the photo of a person who is seen once."""
        if not len(self._hosts) or rng.random() >= self._config.transplant_share:
            return images
        host = int(rng.choice(self._hosts, p=self._host_shares))
        return transplant(images, points, *self._look(host, view))


def _draw_view(rng: np.random.Generator, how: Augmentation, size_px: int) -> _View:
    angle = np.deg2rad(rng.uniform(-how.rotate_deg, how.rotate_deg))
    zoom = 1 + rng.uniform(-how.scale, how.scale)
    a, b = zoom * np.cos(angle), zoom * np.sin(angle)
    middle = size_px * (0.5 + MARGIN) - 0.5
    centre = size_px * (0.5 + rng.uniform(-how.shift, how.shift, 2)) - 0.5
    linear = np.array([[a, -b], [b, a]])
    to_crop = np.column_stack([linear, centre - linear @ [middle, middle]])
    contrast = 1 + rng.uniform(-how.contrast, how.contrast)
    return _View(
        to_crop,
        bool(how.flip and rng.random() < 0.5),
        (contrast * (1 + rng.uniform(-how.tint, how.tint, 3))).astype(np.float32),
        float(rng.uniform(-how.brightness, how.brightness)) * 128,
        0.0 if rng.random() < how.grey_probability else 1 + float(rng.uniform(-how.saturation, how.saturation)),
        float(rng.uniform(0.4, 1.2)) if rng.random() < how.blur_probability else 0.0,
        int(rng.integers(40, 90)) if rng.random() < how.jpeg_probability else None,
    )


def _relight(image: Image, view: _View) -> Image:
    """Return the image under the view's light and through its camera."""
    work = image.astype(np.float32)
    grey = work.mean(2, keepdims=True)
    work = (grey + (work - grey) * view.saturation - 128) * view.gain + 128 + view.offset
    if view.blur:
        work = cv2.GaussianBlur(work, (0, 0), view.blur)
    lit: Image = np.clip(work, 0, 255).astype(np.uint8)
    if view.jpeg_quality is None:
        return lit
    _, data = cv2.imencode(".jpg", lit, [cv2.IMWRITE_JPEG_QUALITY, view.jpeg_quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


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


def batches(dataset: FaceDataset, start: int, workers: int) -> DataLoader[Batch]:
    """Return an iterable of the batches from step `start` on, decoded by `workers` processes."""
    return DataLoader(
        dataset,
        batch_size=None,
        sampler=range(start, len(dataset)),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_begin_worker,
    )


def _begin_worker(_: int) -> None:
    """Leave Ctrl-C and the like to the trainer, which ends its workers itself after it has saved."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    cv2.setNumThreads(0)  # the processes are the threads
