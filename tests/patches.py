"""A generator and a judge whose answers are known in closed form: AUs are the brightness of patches in the middle."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from synthetic import SIZE_PX
from torch import Tensor, nn

from ganimate.config import CriticConfig, CropSpec, GeneratorConfig, JudgeConfig
from ganimate.networks import Edit, GeneratorNetwork
from ganimate.networks.judge import JudgeReading
from ganimate.zoo.card import ModelCard
from ganimate.zoo.checkpoint import Model
from ganimate.zoo.judge_weights import JudgeCard, LoadedJudge

AUS = (1, 12, 26)
PATCH_PX, TOP_PX = 8, 12  # three patches of 8 px side by side
OWN = 0.4  # what the head reads from every photo


def patch(place: int, inset: int = 0) -> tuple[slice, slice]:
    """Return rows and columns of one AU's patch."""
    left = 4 + place * PATCH_PX
    return slice(TOP_PX + inset, TOP_PX + PATCH_PX - inset), slice(left + inset, left + PATCH_PX - inset)


class Painter(GeneratorNetwork):
    """Paints each AU's wanted intensity as the brightness of its patch, black to white, and keeps all else."""

    def forward(self, image: Tensor, y_from: Tensor, y_to: Tensor, still: Tensor | None = None) -> Edit:
        color, attention = torch.zeros_like(image), torch.ones_like(image[:, :1])
        for place in range(y_to.shape[1]):
            rows, columns = patch(place)
            color[:, :, rows, columns] = 2 * y_to[:, place, None, None, None] - 1
            attention[:, :, rows, columns] = 0
        return Edit((1 - attention) * color + attention * image, attention, color, image)


class Idler(GeneratorNetwork):
    """Changes nothing, whatever is asked."""

    def forward(self, image: Tensor, y_from: Tensor, y_to: Tensor, still: Tensor | None = None) -> Edit:
        return Edit(image, torch.ones_like(image[:, :1]), image, image)


class Shifter(GeneratorNetwork):
    """Shows what was `pixels` to the right, and paints nothing."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.pixels = pixels

    def forward(self, image: Tensor, y_from: Tensor, y_to: Tensor, still: Tensor | None = None) -> Edit:
        flow = torch.zeros_like(image[:, :2])
        flow[:, 0] = 2 * self.pixels / image.shape[-1]
        moved = image.roll(-self.pixels, 3)
        return Edit(moved, torch.ones_like(image[:, :1]), image, moved, flow)


class PatchReader(nn.Module):
    """Reads the patches' brightness b and answers M b; the features are b itself."""

    def __init__(self, mixture: np.ndarray) -> None:
        super().__init__()
        self.mixture = torch.tensor(mixture.copy(), dtype=torch.float32)  # (N read, N shown)

    def forward(self, image: Tensor) -> JudgeReading:
        middles = (patch(place, inset=3) for place in range(len(self.mixture)))
        shown = [image[:, :, rows, columns].mean((1, 2, 3)) for rows, columns in middles]
        brightness = (torch.stack(shown, 1) + 1) / 2  # (B, N)
        return JudgeReading(brightness @ self.mixture.T, brightness)


class ConstantHead(nn.Module):
    """Reads OWN from every photo."""

    def forward(self, image: Tensor) -> SimpleNamespace:
        return SimpleNamespace(aus=torch.full((len(image), len(AUS)), OWN))


def make_model(generator: GeneratorNetwork, size_px: int = SIZE_PX) -> Model:
    """Return the generator as a loaded model of AUS."""
    networks = GeneratorConfig(size_px=size_px), CriticConfig(size_px=size_px, layers=3)
    card = ModelCard("fake", *networks, CropSpec(size_px=size_px), AUS)
    return Model(card, generator, ConstantHead())  # type: ignore[arg-type]


def make_judge(mixture: np.ndarray, aus: tuple[int, ...] = AUS, size_px: int = SIZE_PX) -> LoadedJudge:
    """Return the reader of the patches as a loaded judge."""
    card = JudgeCard(JudgeConfig(size_px=size_px), CropSpec(size_px=size_px), aus)
    return LoadedJudge(card, PatchReader(mixture))  # type: ignore[arg-type]
