"""What a painter is told of a warp, beside the moved photo itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganimate.motion.field import EYE as EYE_PART
from ganimate.motion.field import MOUTH as MOUTH_PART
from ganimate.motion.field import WarpField

EYE, MOUTH, UNSEEN, STRETCH, PLACE = 0, 1, 2, 3, slice(4, 6)  # channels of the hints
HINTS = 6
FINER = 2  # pixels of the crop that is painted to one of the crop in which AUs are read


def hints_of(field: WarpField) -> NDArray[np.float32]:
    """Return what the painter is told of a field (6, H, W), see `Painter.forward`."""
    layers = (
        field.holes(EYE_PART),
        field.holes(MOUTH_PART),
        field.unseen,
        field.stretch / 2,
        *(2 * field.place.transpose(2, 0, 1)),
    )
    return np.stack(layers).astype(np.float32)


def mirrored_hints(hints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return hints (6, H, W) as the warp in a mirror has them."""
    mirrored = hints[..., ::-1].copy()
    mirrored[PLACE.start] *= -1  # x on the mean face
    return mirrored
