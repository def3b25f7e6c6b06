"""The generator that moves a mesh: measured muscles, and the painter of what was not visible before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ganimate.config import GeneratorConfig, PainterConfig
from ganimate.face.mesh.topology import POINTS
from ganimate.motion.muscles import PARTS, Muscles
from ganimate.networks.painter import Painted, Painter


class MeshGenerator(nn.Module):
    """A painter, and beside it the muscles of its AUs, which nothing trains: they are measured (see `muscle_fit`)."""

    def __init__(self, config: GeneratorConfig, n_aus: int) -> None:
        super().__init__()
        self.painter = Painter(PainterConfig(channels=config.channels, blocks=config.blocks), n_aus)
        self.register_buffer("ways", torch.zeros(n_aus, POINTS, 3))
        self.register_buffer("gains", torch.ones(n_aus))
        self.register_buffer("lids", torch.zeros(POINTS, 3))
        self.register_buffer("limits", torch.ones(POINTS))

    def forward(self, moved: Tensor, hints: Tensor, y_from: Tensor, y_to: Tensor) -> Painted:
        """Paint a moved photo, see `Painter.forward`."""
        painted: Painted = self.painter(moved, hints, y_from, y_to)
        return painted

    def hold(self, muscles: Muscles) -> None:
        """Take over measured muscles, whose AUs are those of the model."""
        for name in PARTS:
            getattr(self, name).copy_(torch.from_numpy(np.asarray(getattr(muscles, name), np.float32)))

    def muscles(self, aus: Sequence[int]) -> Muscles:
        """Return the muscles, whose rows are the AUs of the model."""
        parts = (getattr(self, name).double().cpu().numpy() for name in PARTS)
        return Muscles(tuple(aus), *parts)
