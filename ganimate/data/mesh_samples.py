"""What a mesh reader learns from: faces of photos as anybody might cut them, and crops without a face.

A sample is a pure function of the photos, the training's config, the step and its place in the batch: several
processes, each with a share of it, see what one alone would.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ganimate.config import MeshTraining
from ganimate.data.mesh_augmentation import cut_anyhow, disturb, occluded, photographed
from ganimate.data.mesh_photos import MeshPhotos
from ganimate.errors import PackError
from ganimate.face.crop import Image, Matrix
from ganimate.face.mesh import topology
from ganimate.face.mesh.reading import five_of_mesh, mesh_crop, mesh_in_crop
from ganimate.face.mesh.topology import MIRROR, POINTS
from ganimate.system.devices import step_seed
from ganimate.system.share import Share

# Of these the mean has depth 0: corners of the eyes, nose's tip, corners of the mouth.
DEPTH_ANCHORS = [33, 133, 263, 362, 1, 61, 291]
# How much more than others the points of a part weigh: by them expressions are read, and lids and lips are moved.
PART_WEIGHTS = (
    (topology.RIGHT_EYE + topology.LEFT_EYE, 4.0),
    (topology.LIPS_INNER, 4.0),
    (topology.LIPS_OUTER, 2.5),
    (topology.RIGHT_IRIS + topology.LEFT_IRIS, 3.0),
    (topology.RIGHT_BROW + topology.LEFT_BROW, 2.0),
    (topology.RIGHT_LID_SKIN + topology.LEFT_LID_SKIN, 2.0),
    (topology.OVAL, 1.5),
)


def point_weights() -> NDArray[np.float64]:
    """Return how much each point (478,) weighs, 1 on the mean."""
    weights = np.ones(POINTS)
    for part, weight in PART_WEIGHTS:
        weights[part] = weight
    return np.asarray(weights / weights.mean())


@dataclass(frozen=True)
class MeshBatch:
    """`image` (B, S, S, 3) uint8, `points` (B, 478, 3) from -1 to 1 across the crop, `face` (B,): 0 where none is."""

    image: Tensor
    points: Tensor
    face: Tensor


class MeshSamples(Dataset[MeshBatch]):
    """Item `step` is the batch of that step, of photos that are not held out."""

    def __init__(self, photos: MeshPhotos, training: MeshTraining) -> None:
        self._photos, self._training = photos, training
        self._places = Share.own().places(training.batch_images)
        self._size_px = training.network.size_px
        self.photos = photos.indices(validation=False)
        if len(self.photos) < 2:
            raise PackError(f"{photos.path} has {len(self.photos)} photos for training", "hand in more photos")
        plain = np.stack([self._points(photos.meshes[i], self._upright(photos.meshes[i])) for i in self.photos])
        self.mean = plain.mean(0)  # (478, 3)
        self._shares = self._sampling_shares(plain)

    def __len__(self) -> int:
        return self._training.steps

    def _upright(self, mesh: NDArray[np.float32]) -> Matrix:
        return mesh_crop(five_of_mesh(mesh), self._size_px)

    def _points(self, mesh: NDArray[np.float32], source_to_crop: Matrix) -> NDArray[np.float32]:
        points = mesh_in_crop(mesh, source_to_crop, self._size_px)
        points[:, 2] -= points[DEPTH_ANCHORS, 2].mean()
        return points.astype(np.float32)

    def _sampling_shares(self, plain: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return how often each photo is drawn: unusual faces more, and those of small folders."""
        distances = np.sqrt(((plain - self.mean) ** 2 * point_weights()[:, None]).sum((1, 2)))
        _, folder, counts = np.unique(self._photos.folders[self.photos], return_inverse=True, return_counts=True)
        shares = counts[folder] ** -self._training.balance
        unusual = distances / max(float(distances.mean()), 1e-12)
        weights = shares / shares.sum() * (0.5 + unusual) ** self._training.rare_power
        return np.asarray(weights / weights.sum())

    def __getitem__(self, step: int) -> MeshBatch:
        seeds = [step_seed(self._training.seed, "batch", step, place) for place in self._places]
        images, points, faces = zip(*(self._sample(np.random.default_rng(seed)) for seed in seeds), strict=True)
        return MeshBatch(
            torch.from_numpy(np.stack(images)),
            torch.from_numpy(np.stack(points)),
            torch.tensor(faces, dtype=torch.float32),
        )

    def _sample(self, rng: np.random.Generator) -> tuple[Image, NDArray[np.float32], float]:
        """Return a crop (S, S, 3), its points and whether there is a face."""
        if rng.random() < self._training.negative_share:
            return self._negative(rng), np.zeros((POINTS, 3), np.float32), 0.0
        index = int(rng.choice(self.photos, p=self._shares))
        photo, mesh = self._photos.image(index), self._photos.meshes[index]
        if rng.random() < 0.5:
            photo, mesh = np.ascontiguousarray(photo[:, ::-1]), mesh[MIRROR] * np.array([-1, 1, 1], np.float32)
            mesh[:, 0] += photo.shape[1] - 1
        matrix = self._view(rng, self._upright(mesh))
        crop = cut_anyhow(rng, photo, matrix, self._size_px)
        if rng.random() < self._training.occluded_share:
            crop = occluded(rng, crop, self._photos.image(int(rng.choice(self.photos))))
        return photographed(rng, crop), self._points(mesh, matrix), 1.0

    def _view(self, rng: np.random.Generator, upright: Matrix) -> Matrix:
        """Return how a face is cut: as by its own mesh, as by the landmarks of detection, or turned by 45 degrees."""
        kind, how = rng.random(), self._training
        if kind < how.close_share:
            return disturb(rng, upright, self._size_px, rng.normal() * 4, 0.015, 0.04)
        if kind < how.close_share + how.near_share:
            return disturb(rng, upright, self._size_px, rng.normal() * 9, 0.05, 0.1)
        return disturb(rng, upright, self._size_px, rng.uniform(-45, 45), 0.08, 0.16)

    def _negative(self, rng: np.random.Generator) -> Image:
        """Return a crop without a face: beside one, much too near, or of nothing at all."""
        index, size, kind = int(rng.choice(self.photos)), self._size_px, rng.random()
        shift, zoom = (0.0, 0.4) if kind < 0.55 else (0.05, 0.1)
        matrix = disturb(rng, self._upright(self._photos.meshes[index]), size, rng.uniform(-180, 180), shift, zoom)
        if kind < 0.55:
            angle = rng.uniform(0, 2 * math.pi)
            matrix[:, 2] += np.array([math.cos(angle), math.sin(angle)]) * size * rng.uniform(0.55, 1.1)
        elif kind < 0.75:
            nearer = rng.uniform(2.5, 5)
            matrix[:, :2] *= nearer
            matrix[:, 2] = (matrix[:, 2] - size / 2) * nearer + size / 2 + rng.normal(size=2) * size * 0.8
        else:
            blobs = rng.integers(0, 256, (*rng.integers(2, 40, 2), 3), dtype=np.uint8)
            cubic = cv2.resize(blobs, (size, size), interpolation=cv2.INTER_CUBIC)
            return photographed(rng, np.asarray(cubic, np.uint8))
        return photographed(rng, cut_anyhow(rng, self._photos.image(index), matrix, size))
