"""What reads AUs in a model, while its painter learns: it does not learn, but it tells how far a face shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ganimate.config import CriticConfig, CropSpec, JudgeConfig
from ganimate.data.paint_faces import PaintFaces
from ganimate.data.paint_wholes import crop_window
from ganimate.data.within_persons import slopes_within_persons
from ganimate.motion.hints import FINER
from ganimate.networks import Critic, Judge
from ganimate.networks.pictures import to_tensor
from ganimate.zoo.checkpoint import Model
from ganimate.zoo.judge_weights import LoadedJudge

MOST_PHOTOS = 1500  # from which it is measured what a change is worth
BATCH_IMAGES = 32
RIDGE = 1.0  # photos' worth of doubt


@dataclass(frozen=True)
class FrozenReader:
    """A critic's or a judge's network, the crops it takes and the AUs it reads; its weights get no gradients."""

    network: Critic | Judge
    crop: CropSpec
    aus: tuple[int, ...]
    critic: CriticConfig | None = None
    judge: JudgeConfig | None = None

    @classmethod
    def of_model(cls, model: Model, device: torch.device) -> FrozenReader:
        """Return what reads AUs in a model."""
        network = model.reader.to(device).eval().requires_grad_(False)
        assert isinstance(network, Critic | Judge)
        return cls(network, model.card.crop, model.card.aus, model.card.critic, model.card.reader)

    @classmethod
    def of_judge(cls, judge: LoadedJudge) -> FrozenReader:
        """Return a network that 'ganimate train-judge' made."""
        network = judge.network.eval().requires_grad_(False)
        return cls(network, judge.card.crop, judge.card.aus, judge=judge.card.judge)

    def read(self, image: Tensor) -> Tensor:
        """Return the AUs (B, N), not clamped, of crops (B, 3, 2S, 2S) in [-1, 1], finer than the reader's own."""
        read: Tensor = self.network(functional.avg_pool2d(image, FINER)).aus
        return read

    def maps(self, windows: Tensor) -> list[Tensor]:
        """Return feature maps, fine to coarse, of windows (B, 3, H, W) in [-1, 1] as the painter sees them."""
        return self.network.maps(functional.avg_pool2d(windows, FINER))

    @torch.inference_mode()
    def worth(self, faces: PaintFaces, device: torch.device) -> NDArray[np.float32]:
        """Return (N, N): how much more it reads of each AU (columns) per unit of an AU (rows) that real people show.

        Of photos of people who are not held out, those that coders saw where there are any, as deviations from each
        person's mean: readers read less than is there, and some AUs along with others.
        """
        learnt = ~faces.held_out & (faces.persons != "")
        by_coders = learnt & np.asarray(faces.coded.any(1))
        rows = np.flatnonzero(by_coders if by_coders.any() else learnt)
        # Whole people: a person's photos stand side by side.
        rows = rows[np.argsort(faces.persons[rows], kind="stable")][:MOST_PHOTOS]
        if len(rows) < 2:
            return np.eye(len(self.aus), dtype=np.float32)
        read = []
        for start in range(0, len(rows), BATCH_IMAGES):
            crops = [
                crop_window(faces.mesh(face), self.crop).view(faces.image(face)) for face in rows[start:][:BATCH_IMAGES]
            ]
            read.append(self.read(to_tensor(np.stack(crops)).to(device)).cpu().numpy())
        slopes = slopes_within_persons(faces.aus[rows], np.concatenate(read), faces.persons[rows], RIDGE)
        return slopes.astype(np.float32)
