"""How near a painter comes to real photos: held-out people, moved onto their own other photos and painted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganimate.data.paint_batch import PaintBatch, batch_of
from ganimate.data.paint_faces import PaintFaces
from ganimate.data.paint_samples import held_out_sample
from ganimate.data.paint_wholes import WholeBatch
from ganimate.motion.hints import MOUTH
from ganimate.networks.painter import Painter
from ganimate.training.paint_terms import pixels

WHOLE_PX = 256  # of a face that is painted as a whole
LEAST_MOUTH_PX = 60  # pixels of an open mouth: fewer tell nothing of it


@dataclass(frozen=True)
class PaintErrors:
    """L1 to the real photos of pairs of held-out people, beside that of the moved photo alone: 1 is no better.

    `face` over the whole face; `mouth` within open mouths, None where none is.
    """

    pairs: int
    face: float
    mouth: float | None


@torch.no_grad()
def check_painter(
    painter: Painter,
    faces: PaintFaces,
    pairs: Sequence[tuple[int, int]],
    beyond: NDArray[np.float64],
    device: torch.device,
) -> PaintErrors:
    """Return how near a painter comes, over pairs of photos of one person, one at least.

    `beyond` (N, 478, 3) is how skin moves beyond meshes; what it is measured beside moved by the meshes alone.
    """
    rows = []
    for before, after in pairs:
        own, meshes = (held_out_sample(faces, before, after, WHOLE_PX, ways) for ways in (beyond, 0 * beyond))
        batch = placed(batch_of([own]), device)
        alone = placed(batch_of([meshes]), device).moved
        color = painter(batch.moved, batch.hints, batch.y_from, batch.y_to).color
        mouth = batch.face * batch.hints[:, MOUTH : MOUTH + 1]
        parts = [(part, image) for part in (batch.face, mouth) for image in (color, alone)]
        rows.append([*(float(pixels(image, batch.real, part)) for part, image in parts), float(mouth.sum())])
    table = np.array(rows)
    opened = table[:, 4] >= LEAST_MOUTH_PX
    mouth_ratio = float(table[opened, 2].mean() / table[opened, 3].mean()) if opened.any() else None
    return PaintErrors(len(pairs), float(table[:, 0].mean() / table[:, 1].mean()), mouth_ratio)


def placed(batch: PaintBatch, device: torch.device) -> PaintBatch:
    """Return a batch on a device, its images channels-last in memory, which CPUs convolve faster."""
    wholes = None if batch.wholes is None else dataclasses.replace(batch.wholes, **_moved(batch.wholes, device))
    return dataclasses.replace(batch, wholes=wholes, **_moved(batch, device))


def _moved(batch: PaintBatch | WholeBatch, device: torch.device) -> dict[str, Any]:
    tensors = {name: part.to(device) for name, part in vars(batch).items() if isinstance(part, Tensor)}
    return {name: flat(tensor) if tensor.ndim == 4 else tensor for name, tensor in tensors.items()}


def flat(image: Tensor) -> Tensor:
    """Return images (B, C, H, W) with their channels last in memory."""
    return image.contiguous(memory_format=torch.channels_last)
