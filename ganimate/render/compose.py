"""One generated face, and how it is written into a photo."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import Image
from ganimate.render.lids import Lids
from ganimate.render.mouth import Mouth
from ganimate.render.paste import Paster


@dataclass(frozen=True)
class OpenMouth:
    """A mouth that opens, and where that is in the crop: `gap` (S, S) in [0, 1]."""

    mouth: Mouth
    gap: NDArray[np.float32]


@dataclass(frozen=True)
class FaceEdit:
    """One generated face at crop size S, as numpy, ready to be pasted.

    `attention` (S, S) in [0, 1], 1 keeps the photo; `color` (S, S, 3) in [0, 255]; `displacement` (S, S, 2) in pixels
    of the crop, or None where the model does not move the photo; `moved` (S, S, 3) in [0, 255] is the crop so moved.
    S may be a multiple of the crop's size.
    `lids` is what covers the eyes before the photo moves, None where they do not shut, and `mouth` what is drawn
    between lips that open, None where they do not.
    """

    attention: NDArray[np.float32]
    color: NDArray[np.float32]
    displacement: NDArray[np.float32] | None
    moved: NDArray[np.float32]
    lids: Lids | None = None
    mouth: OpenMouth | None = None

    def paste(self, paster: Paster, frame: Image) -> None:
        """Write this edit into `frame` (H, W, 3) in place."""
        if self.lids is not None:
            self.lids.cover(frame)
        # What is drawn between the lips is left to the photo's own resolution.
        attention = self.attention if self.mouth is None else np.maximum(self.attention, self.mouth.gap)
        paster.paste(frame, self.color, attention, self.displacement, self.moved)
        if self.mouth is not None:
            self.mouth.mouth.draw(frame, paster)

    def greyed(self) -> FaceEdit:
        """Return the edit for a black and white photo, in which the network's colours would show."""
        color = self.moved + (self.color - self.moved).mean(2, keepdims=True)
        mouth = None if self.mouth is None else replace(self.mouth, mouth=self.mouth.mouth.greyed())
        return replace(self, color=color, mouth=mouth)

    def weakened(self, strength: float) -> FaceEdit:
        """Return the edit at a `strength` in [0, 1]: 0 leaves the photo as it is, 1 is the edit itself."""
        shift = None if self.displacement is None else self.displacement * np.float32(strength)
        lids = None if self.lids is None else self.lids.weakened(strength)
        mouth = None if self.mouth is None else replace(self.mouth, mouth=self.mouth.mouth.weakened(strength))
        attention = 1 - np.float32(strength) * (1 - self.attention)
        return replace(self, attention=attention, displacement=shift, lids=lids, mouth=mouth)
