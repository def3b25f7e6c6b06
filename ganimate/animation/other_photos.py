"""What other photos show, as the target of an expression: the term ``@other.jpg``."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ganimate.animation.animator import Animator
from ganimate.errors import FaceError
from ganimate.face.crop import Image
from ganimate.face.detect import Detector, choose_faces
from ganimate.facs import Expression
from ganimate.media import read_photo


def open_target(path: str) -> Image:
    """Return the photo that a term ``@path`` means, (H, W, 3) uint8; ``~`` is the user's folder. Raises PhotoError."""
    return read_photo(os.path.expanduser(path))


@dataclass(frozen=True)
class TargetReader:
    """Reads AUs from other photos with the model's own AU head, so that they are on its scale."""

    animator: Animator
    detector: Detector

    def read(self, path: str, photo: Image) -> dict[int, float]:
        """Return the AUs of the largest face of `photo`; raises FaceError, naming `path`, when there is none."""
        found = self.detector.detect(photo)
        if not found:
            hint = "choose a photo that shows the face larger and from the front, or try the slower --detector cnn"
            raise FaceError(f"no face was found in the photo {path!r}", hint)
        (person,) = self.animator.prepare(photo, choose_faces(found))
        return {n: float(value) for n, value in zip(self.animator.model.card.aus, person.source_aus, strict=True)}

    def fill(self, expression: Expression) -> Expression:
        """Return `expression` with what its photos show in the place of their terms; raises PhotoError, FaceError."""
        return expression.with_readings({path: self.read(path, open_target(path)) for path in expression.photos()})
