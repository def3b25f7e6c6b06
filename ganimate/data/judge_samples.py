"""What a judge learns from: photos of a pack, drawn, turned, lit and recombined by rules of their own.

Kept apart from the samples of generators on purpose. A lesson is a pure function of the pack, the training's config
and the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganimate.config import Augmentation, JudgeTraining
from ganimate.data.pack import MARGIN, Pack
from ganimate.data.transplant import transplant
from ganimate.errors import PackError
from ganimate.face.crop import Image
from ganimate.motion.contours import pixel_line
from ganimate.networks.pictures import to_tensor
from ganimate.system.devices import step_seed

BROWS_AND_EYES = frozenset({1, 2, 4, 5, 7, 41, 42, 43, 44, 45, 46})
BETWEEN = frozenset({6, 9})  # cheeks and nose: a face cut there shows neither of two
CUT_HEIGHT = 0.5  # of the crop: just above the nostrils
CUT_SCATTER = 0.03
CUT_SOFTNESS = 0.02  # crop heights over which one half goes over into the other


@dataclass(frozen=True)
class Lesson:
    """`image` (B, 3, S, S) in [-1, 1], `aus` (B, N) in [0, 1], `known` (B, N): 0 where a chimera hides it, else 1."""

    image: Tensor
    aus: Tensor
    known: Tensor


class Lessons:
    """The lessons of a training on the photos that are not held out; `at` returns that of a step."""

    def __init__(self, pack: Pack, training: JudgeTraining) -> None:
        self._pack, self._training = pack, training
        self.photos = pack.indices(validation=False)
        if len(self.photos) < 2:
            raise PackError(f"{pack.path} has {len(self.photos)} photos for training", "prepare more photos")
        self.means = pack.aus[self.photos].mean(0)  # (N,)
        self.deviations = np.maximum(pack.aus[self.photos].std(0), 0.02)  # (N,); an AU that nobody shows has none
        self._shares = self._sampling_shares()
        self._hosts = self.photos[pack.person[self.photos] < 0]
        regions = [_region(number) for number in pack.au_numbers]
        self._upper = torch.tensor([region == "upper" for region in regions])
        self._between = torch.tensor([region == "between" for region in regions])

    def _sampling_shares(self) -> NDArray[np.float64]:
        """Return how often each photo is drawn: strong AUs more often, measured by how rare their strength is."""
        strongest = (self._pack.aus[self.photos] / self.deviations).max(1).astype(np.float64)
        weights = 1 + self._training.rare_boost * np.maximum(strongest - 1, 0)
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares

    def at(self, step: int) -> Lesson:
        """Return the lesson of a step."""
        how = self._training
        rng = np.random.default_rng(step_seed(how.seed, "lesson", step))
        chosen = rng.choice(self.photos, how.batch_images, p=self._shares)
        size = self._pack.spec.size_px
        image = to_tensor(np.stack([_look(self._photo(int(i), rng), rng, how.augmentation, size) for i in chosen]))
        aus = torch.from_numpy(self._pack.aus[chosen])
        lesson = self._chimeras(Lesson(image, aus, torch.ones_like(aus)), rng)
        return Lesson(_relight(lesson.image, rng, how.augmentation), lesson.aus, lesson.known)

    def _photo(self, index: int, rng: np.random.Generator) -> Image:
        """Return a stored photo, or its face in the photo of somebody seen once, if it is of a person seen often.

        Those are photos of a studio, where most of the strong AUs are: a judge would read these in studios alone.
        """
        photo = self._pack.image(index)
        if self._pack.person[index] < 0 or not len(self._hosts) or rng.random() >= self._training.transplant_share:
            return photo
        host = int(rng.choice(self._hosts))
        points, host_points = (((self._pack.landmarks[i] + 0.5) / len(photo)).astype(np.float32) for i in (index, host))
        return transplant([photo], [points], self._pack.image(host), host_points)[0]

    def _chimeras(self, lesson: Lesson, rng: np.random.Generator) -> Lesson:
        """Return the lesson with the first faces recombined: brows and eyes their own, the rest their neighbour's.

        In photos AUs come in company: smiles with narrow eyes. A network that guesses one from the other would report
        what a generator did not do.
        """
        count = round(len(lesson.image) * self._training.chimera_share)
        if count < 2:
            return lesson
        size = lesson.image.shape[-1]
        height = CUT_HEIGHT + rng.uniform(-CUT_SCATTER, CUT_SCATTER)
        rows = pixel_line(size, lesson.image.device)
        lower = torch.sigmoid((rows - height) / CUT_SOFTNESS * 4)[:, None]  # (S, 1)
        image, aus, known = lesson.image.clone(), lesson.aus.clone(), lesson.known.clone()
        image[:count] = torch.lerp(image[:count], image[:count].roll(1, 0), lower)
        aus[:count] = torch.where(self._upper, aus[:count], aus[:count].roll(1, 0))
        known[:count] = (~self._between).to(known)
        return Lesson(image, aus, known)


def _region(number: int) -> str:
    if number in BROWS_AND_EYES:
        return "upper"
    return "between" if number in BETWEEN else "lower"


def _look(stored: Image, rng: np.random.Generator, how: Augmentation, size_px: int) -> Image:
    """Return a stored image turned, scaled, shifted, mirrored, blurred and compressed at random (S, S, 3)."""
    angle = np.deg2rad(rng.uniform(-how.rotate_deg, how.rotate_deg))
    zoom = np.exp(rng.uniform(-how.scale, how.scale))
    a, b = zoom * np.cos(angle), zoom * np.sin(angle)
    linear = np.array([[a, -b], [b, a]])
    if how.flip and rng.random() < 0.5:
        linear[:, 0] *= -1
    middle = np.full(2, size_px * (0.5 + MARGIN) - 0.5)
    centre = size_px * (0.5 + rng.uniform(-how.shift, how.shift, 2)) - 0.5
    to_crop = np.column_stack([linear, centre - linear @ middle])
    view = cv2.warpAffine(stored, to_crop, (size_px, size_px), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < how.blur_probability:
        view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.4, 1.6) * size_px / 128)
    if rng.random() < how.jpeg_probability:
        _, data = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(view, np.uint8)


def _relight(image: Tensor, rng: np.random.Generator, how: Augmentation) -> Tensor:
    """Return images (B, 3, S, S) in [-1, 1], each under a light of its own."""

    def draw(reach: float, *shape: int) -> Tensor:
        return torch.from_numpy(rng.uniform(-reach, reach, (len(image), *shape)).astype(np.float32))

    saturation, contrast, brightness = (
        1 + draw(how.saturation, 1, 1, 1), 1 + draw(how.contrast, 1, 1, 1), draw(how.brightness, 1, 1, 1)
    )  # fmt: skip
    tint = 1 + draw(how.tint, 3, 1, 1)
    grey = image.mean(1, keepdim=True)
    return ((grey + (image - grey) * saturation) * (contrast * tint) + brightness).clamp(-1, 1)
