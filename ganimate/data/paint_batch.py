"""One window that a painter learns from, and batches of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganimate.data.paint_wholes import WholeBatch
from ganimate.face.crop import Image
from ganimate.motion.hints import mirrored_hints

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PaintSample:
    """`moved` W(I) and `real` (S, S, 3) uint8, `hints` (6, S, S), `face` (S, S) and AUs (N,) before and after."""

    moved: Image
    real: Image
    hints: Floats
    face: NDArray[np.uint8]
    y_from: Floats
    y_to: Floats


@dataclass(frozen=True)
class PaintBatch:
    """`moved` and `real` (B, 3, S, S) in [-1, 1], `hints` (B, 6, S, S), `face` (B, 1, S, S), AUs (B, N).

    `wholes` are faces of their own, for the AU reader.
    """

    moved: Tensor
    real: Tensor
    hints: Tensor
    face: Tensor
    y_from: Tensor
    y_to: Tensor
    wholes: WholeBatch | None = None


def batch_of(samples: Sequence[PaintSample]) -> PaintBatch:
    """Return samples as one batch."""
    moved, real = (
        torch.from_numpy(np.stack(images).astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)
        for images in ([sample.moved for sample in samples], [sample.real for sample in samples])
    )
    return PaintBatch(
        moved.contiguous(),
        real.contiguous(),
        torch.from_numpy(np.stack([sample.hints for sample in samples])),
        torch.from_numpy(np.stack([sample.face for sample in samples]).astype(np.float32))[:, None],
        torch.from_numpy(np.stack([sample.y_from for sample in samples])),
        torch.from_numpy(np.stack([sample.y_to for sample in samples])),
    )


def strengthened_sample(sample: PaintSample, rng: np.random.Generator) -> PaintSample:
    """Return a sample whose AUs are told stronger, up to 1 for its strongest.

    Coders gave hardly anybody more than .8, and users ask for 1: a painter that was never told of it makes violet
    tongues.
    """
    most = float(max(sample.y_from.max(), sample.y_to.max()))
    factor = np.float32(rng.uniform(1, 1 / most) if 0 < most < 1 else 1)
    return dataclasses.replace(sample, y_from=factor * sample.y_from, y_to=factor * sample.y_to)


def mirrored_sample(sample: PaintSample) -> PaintSample:
    """Return a sample seen in a mirror; its AUs have no sides."""
    moved, real, face = (np.ascontiguousarray(image[:, ::-1]) for image in (sample.moved, sample.real, sample.face))
    return PaintSample(moved, real, mirrored_hints(sample.hints), face, sample.y_from, sample.y_to)
