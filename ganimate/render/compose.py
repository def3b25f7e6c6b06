"""One generated face, and how it is written into a photo."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import Image
from ganimate.render.paste import Paster


@dataclass(frozen=True)
class FaceEdit:
    """One generated face at crop size S, as numpy, ready to be pasted.

    `attention` (S, S) in [0, 1], 1 keeps the photo; `color` (S, S, 3) in [0, 255]; `displacement` (S, S, 2) in pixels
    of the crop, or None where the model does not move the photo; `moved` (S, S, 3) in [0, 255] is the crop so moved.
    S may be a multiple of the crop's size. `torn` (S, S) in [0, 1] is how far the displacement leaps at a pixel, where
    no photo can be sampled: the colour stands there alone.
    """

    attention: NDArray[np.float32]
    color: NDArray[np.float32]
    displacement: NDArray[np.float32] | None
    moved: NDArray[np.float32]
    torn: NDArray[np.float32] | None = None

    def paste(self, paster: Paster, frame: Image) -> None:
        """Write this edit into `frame` (H, W, 3) in place."""
        paster.paste(frame, self.color, self.attention, self.displacement, self.moved, self.torn)

    def greyed(self) -> FaceEdit:
        """Return the edit for a black and white photo, in which the network's colours would show."""
        return replace(self, color=self.moved + (self.color - self.moved).mean(2, keepdims=True))

    def weakened(self, strength: float) -> FaceEdit:
        """Return the edit at a `strength` in [0, 1]: 0 leaves the photo as it is, 1 is the edit itself."""
        shift = None if self.displacement is None else self.displacement * np.float32(strength)
        torn = None if self.torn is None else self.torn * np.float32(strength)
        return replace(self, attention=1 - np.float32(strength) * (1 - self.attention), displacement=shift, torn=torn)
