"""What a judge learns from: photos of a pack, drawn and recombined by rules of their own.

Kept apart from the samples of generators on purpose. A batch is a pure function of the pack, the training's config
and the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganimate.config import JudgeTraining
from ganimate.data.augmentation import draw_view
from ganimate.data.pack import Pack
from ganimate.data.transplant import transplant
from ganimate.errors import PackError
from ganimate.face.crop import Image
from ganimate.networks.pictures import to_tensor
from ganimate.system.devices import step_seed

BROWS_AND_EYES = frozenset({1, 2, 4, 5, 7, 41, 42, 43, 44, 45, 46})
BETWEEN = frozenset({6, 9})  # cheeks and nose: a face cut there shows neither of two
CUT_HEIGHT = 0.5  # of the crop: just above the nostrils
CUT_SCATTER = 0.03
CUT_SOFTNESS = 0.02  # crop heights over which one half goes over into the other


@dataclass(frozen=True)
class JudgeBatch:
    """`image` (B, 3, S, S) in [-1, 1], `aus` (B, N) in [0, 1], `known` (B, N): 0 where a chimera hides it, else 1."""

    image: Tensor
    aus: Tensor
    known: Tensor


class JudgeSamples:
    """The batches of a training on the photos that are not held out; `at` returns that of a step."""

    def __init__(self, pack: Pack, training: JudgeTraining) -> None:
        self._pack, self._training = pack, training
        self.photos = pack.indices(validation=False)
        if len(self.photos) < 2:
            raise PackError(f"{pack.place} has {len(self.photos)} photos for training", "prepare more photos")
        self.means = pack.aus[self.photos].mean(0)  # (N,)
        self.deviations = np.maximum(pack.aus[self.photos].std(0), 0.02)  # (N,); an AU that nobody shows has none
        self._shares = self._sampling_shares()
        self._hosts = self.photos[pack.person[self.photos] < 0]
        regions = [_region(number) for number in pack.au_numbers]
        self._upper = np.array([region == "upper" for region in regions])
        self._between = np.array([region == "between" for region in regions])

    def _sampling_shares(self) -> NDArray[np.float64]:
        """Return how often each photo is drawn: strong AUs more often, measured by how rare their strength is."""
        strongest = (self._pack.aus[self.photos] / self.deviations).max(1).astype(np.float64)
        weights = 1 + self._training.rare_boost * np.maximum(strongest - 1, 0)
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares

    def at(self, step: int) -> JudgeBatch:
        """Return the batch of a step."""
        how = self._training
        rng = np.random.default_rng(step_seed(how.seed, "lesson", step))
        chosen = rng.choice(self.photos, how.batch_images, p=self._shares)
        photos = [self._photo(int(index), rng) for index in chosen]
        views = [draw_view(rng, how.augmentation, self._pack.spec.size_px) for _ in chosen]
        faces = np.stack([view.crop(photo) for view, photo in zip(views, photos, strict=True)])
        faces, aus, known = self._chimeras(faces, self._pack.aus[chosen], rng)
        image = to_tensor(np.stack([view.expose(face) for view, face in zip(views, faces, strict=True)]))
        return JudgeBatch(image, torch.from_numpy(aus), torch.from_numpy(known))

    def _photo(self, index: int, rng: np.random.Generator) -> Image:
        """Return a stored photo, or its face in the photo of somebody seen once, if it is of a person seen often.

        Those are photos of a studio, where most of the strong AUs are: a judge would read these in studios alone.
        """
        photo = self._pack.image(index)
        if self._pack.person[index] < 0 or not len(self._hosts) or rng.random() >= self._training.transplant_share:
            return photo
        host = int(rng.choice(self._hosts))
        points, host_points = (((self._pack.landmarks[i] + 0.5) / len(photo)).astype(np.float32) for i in (index, host))
        return transplant(photo, points, self._pack.image(host), host_points)

    def _chimeras(
        self, faces: NDArray[np.uint8], aus: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
        """Return faces (B, S, S, 3) and AUs (B, N) with the first recombined, and which of these AUs are known.

        Brows and eyes are their own, the rest their neighbour's. In photos AUs come in company: smiles with narrow
        eyes. A network that guesses one from the other would report what a generator did not do.
        """
        known = np.ones_like(aus)
        count = round(len(faces) * self._training.chimera_share)
        if count < 2:
            return faces, aus, known
        height = CUT_HEIGHT + rng.uniform(-CUT_SCATTER, CUT_SCATTER)
        rows = (np.arange(faces.shape[1], dtype=np.float32) + np.float32(0.5)) / np.float32(faces.shape[1])
        lower = 1 / (1 + np.exp((height - rows) / CUT_SOFTNESS * 4))[:, None, None]  # (S, 1, 1)
        first, neighbour = faces[:count].astype(np.float32), np.roll(faces[:count], 1, 0)
        faces, aus = faces.copy(), aus.copy()
        faces[:count] = (first + (neighbour - first) * lower).round()
        aus[:count] = np.where(self._upper, aus[:count], np.roll(aus[:count], 1, 0))
        known[:count] = ~self._between
        return faces, aus, known


def _region(number: int) -> str:
    if number in BROWS_AND_EYES:
        return "upper"
    return "between" if number in BETWEEN else "lower"
