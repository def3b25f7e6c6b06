"""What other photos show, as a part of expressions: ``@other.jpg``, opened before slow work, read with the model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganimate.animation import session
from ganimate.errors import FaceError
from ganimate.facs import Word
from ganimate.facs.words import au_numbers, fold
from ganimate.system.progress import Progress
from ganimate.trajectory.plan import NamesPhotos, Plan

if TYPE_CHECKING:
    from ganimate.animation.animator import Animator
    from ganimate.face.crop import Image
    from ganimate.face.detect import Detector

Readings = Mapping[str, Mapping[Word, float]]


def photos_of(plan: Plan) -> tuple[str, ...]:
    """Return the paths of the photos that a plan asks for."""
    return plan.photos() if isinstance(plan, NamesPhotos) else ()


def filled(plan: Plan, readings: Readings) -> Plan:
    """Return a plan with what was read from its photos."""
    return plan.with_readings(readings) if isinstance(plan, NamesPhotos) else plan


def blank(paths: Sequence[str], words: Sequence[Word]) -> Readings:
    """Return readings of photos that nobody has looked at yet, to check a plan with."""
    return {path: dict.fromkeys(au_numbers(words), 0.0) for path in paths}


def open_photos(paths: Sequence[str], progress: Progress) -> dict[str, Image]:
    """Return the photos by path, in which ``~`` is the user's folder; raises PhotoError, which names the photo."""
    return {path: session.read_photo(Path(os.path.expanduser(path)), progress) for path in paths}


def read_photos(photos: Mapping[str, Image], animator: Animator, detector: str, progress: Progress) -> Readings:
    """Return the AUs that the animator's model reads from the largest face of each photo; raises FaceError."""
    if not photos:
        return {}
    finder = session.make_detector(detector)
    with progress.stage("reading the faces of the other photos"):
        return {path: largest_face(path, photo, animator, finder) for path, photo in photos.items()}


def largest_face(path: str, photo: Image, animator: Animator, detector: Detector) -> dict[Word, float]:
    """Return the AUs of the largest face of `photo`, on the scale of the animator's model.

    Raises FaceError, naming `path`, when there is none.
    """
    from ganimate.face.detect import choose_faces

    found = detector.detect(photo)
    if not found:
        hint = "choose a photo that shows the face larger and from the front, or try the slower --detector cnn"
        raise FaceError(f"no face was found in the photo {path!r}", hint)
    (person,) = animator.prepare(photo, choose_faces(found))
    words, columns = fold(animator.model.card.words, person.source_aus)
    return {word: float(person.source_aus[column]) for word, column in zip(words, columns, strict=True)}
