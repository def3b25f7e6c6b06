"""What animations share: the model and the detector, loaded once, and the photos that are prepared with them.

Heavy libraries are imported where they are first needed, so that a wrong name is told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganimate.config import Setup
from ganimate.errors import FaceError, PhotoError
from ganimate.facs.words import TURNS, fold, label
from ganimate.system.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ganimate.animation.animator import Animator, PreparedFace
    from ganimate.face.crop import Face, Image
    from ganimate.face.detect import Detector, Embedder, Follower
    from ganimate.face.detect import Selection as Selection
    from ganimate.facs import Expression, Word
    from ganimate.media import Photo
    from ganimate.media.provenance import Mark
    from ganimate.trajectory import Trajectory
    from ganimate.trajectory.plan import Plan
    from ganimate.zoo.catalogue import ZooEntry
    from ganimate.zoo.running import RunningModel


def make_detector(name: str) -> Detector:
    """Return the face detector of that name; tests put another one in its place."""
    from ganimate.face.detect import DlibDetector

    return DlibDetector("cnn" if name == "cnn" else "hog")


def make_embedder() -> Embedder:
    """Return what tells people apart; tests put another one in its place."""
    from ganimate.face.detect import DlibEmbedder

    return DlibEmbedder()


def make_follower() -> Follower:
    """Return what follows faces through a clip; tests put another one in its place."""
    from ganimate.face.detect import DlibFollower

    return DlibFollower()


def read_photo(photo: Path | Image, progress: Progress) -> Image:
    """Return the photo (H, W, 3) uint8, which may be read already; raises PhotoError."""
    return open_photo(photo, progress).image


def open_photo(photo: Path | Image, progress: Progress) -> Photo:
    """Return the photo, which may be read already, and tell what is wrong with its file; raises PhotoError.

    Arrays have no alpha.
    """
    from ganimate import media

    if isinstance(photo, np.ndarray):
        return media.Photo(_checked(photo))
    with progress.stage(f"reading {photo.name}"):
        opened = media.open_photo(photo)
    for note in opened.notes:
        progress.warn(f"{photo.name}: {note}")
    return opened


def _checked(photo: Image) -> Image:
    from ganimate.media import SMALLEST_SIDE_PX

    shaped = photo.ndim == 3 and photo.shape[2] == 3 and photo.dtype == np.uint8
    if not shaped:
        message = f"a photo is an array (height, width, 3) of uint8, not {photo.shape} of {photo.dtype}"
        raise PhotoError(message, "hand in RGB, as ganimate.read_photo returns it")
    if min(photo.shape[:2]) < SMALLEST_SIDE_PX:
        hint = f"a photo needs {SMALLEST_SIDE_PX} px a side, a face about 100"
        raise PhotoError(f"the photo has only {photo.shape[1]}×{photo.shape[0]} px", hint)
    return photo


def find_model(name: str, progress: Progress) -> ZooEntry:
    """Return the model of that name; raises ModelError."""
    with progress.stage("looking for the model"):
        from ganimate.zoo import catalogue

        return catalogue.find_model(name)


def find_faces(photo: Image, detector: str, progress: Progress) -> list[Face]:
    """Return all faces of the photo, largest first; raises FaceError when there is none."""
    with progress.stage("looking for faces"):
        found = make_detector(detector).detect(photo)
    if not found:
        others = "a photo from the front in which the face is larger, upright and evenly lit often works"
        hint = others if detector == "cnn" else f"try --detector cnn, which is slower and finds more; {others}"
        raise FaceError("no face was found in the photo", hint)
    return found


def load_model(
    name: str | Path = Setup.model, device: str = Setup.device, backend: str = Setup.backend
) -> RunningModel:
    """Return the model of that name, or in that file, ready to be used on `device`.

    Raises ModelError, ConfigError and DependencyError.
    """
    from ganimate.zoo import backends, catalogue

    return backends.load_running_model(catalogue.find_model(str(name)).path, backend, device)


@dataclass(frozen=True)
class PreparedPhoto:
    """The chosen faces of a photo before the model: `numbers` are theirs in the listing of all `found` faces."""

    photo: Image
    entry: ZooEntry
    animator: Animator
    people: list[PreparedFace]
    numbers: list[int]
    found: int

    @property
    def aus(self) -> tuple[Word, ...]:
        """What can be asked of the model, in the order of its rows."""
        return self.entry.card.words

    def turned(self, place: int) -> dict[str, float]:
        """Return how head and eyes of the chosen face at `place` are turned from the camera, in degrees by their names.

        Empty for a model that moves no mesh. Expressions count from there.
        """
        degrees = self.animator.turned(self.photo, self.people[place].face)
        return {} if degrees is None else {name: round(float(d), 1) for name, d in zip(TURNS, degrees, strict=True)}

    def mark(self, paths: Sequence[Trajectory]) -> Mark:
        """Return what results say of themselves in which each chosen face follows its own of `paths`."""
        from ganimate.trajectory.plan import asked

        return self.mark_of(asked(path, person.source_aus) for path, person in zip(paths, self.people, strict=True))

    def mark_of(self, asked: Iterable[str]) -> Mark:
        """Return what results say of themselves in which each chosen face shows what was `asked`."""
        from ganimate.media.provenance import Mark

        return Mark(self.entry.card.name, self.entry.digest, tuple(asked))

    def corrected(self, seen_as: Sequence[Expression]) -> PreparedPhoto:
        """Return the same with `seen_as`, one a face, in place of what the model reads of the AUs that it names."""
        people = [
            replace(person, source_aus=correction.resolve(person.source_aus, self.aus, "keep"))
            for person, correction in zip(self.people, seen_as, strict=True)
        ]
        return replace(self, people=people)


@dataclass(frozen=True)
class Session:
    """A model for any number of photos, loaded while faces are sought in the first of them."""

    entry: ZooEntry
    setup: Setup

    @classmethod
    def of(cls, setup: Setup, progress: Progress) -> Session:
        """Return a session with the model that the setup names; raises ModelError."""
        return cls(find_model(setup.model, progress), setup)

    @cached_property
    def animator(self) -> Animator:
        """The model on its device; raises ModelError."""
        from ganimate.animation.animator import Animator
        from ganimate.zoo import backends

        return Animator(backends.load_running_model(self.entry.path, self.setup.backend, self.setup.device))

    def _check_means(self) -> None:
        """Raise ConfigError where there is no such device, or the backend does not run on it."""
        from ganimate.zoo import backends

        backends.check_means(self.entry.path, self.setup.backend, self.setup.device)

    def check(self, *plans: Plan) -> None:
        """Raise what is told before faces are sought: no such device, or an AU in a plan that the model lacks."""
        self._check_means()
        aus = self.entry.card.words
        for plan in plans:
            plan.trajectory(np.zeros(len(aus), np.float32), aus)

    def prepare(self, photo: Image, faces: Selection, progress: Progress) -> PreparedPhoto:
        """Return the chosen faces of `photo` with the AUs that the model reads from them."""
        from ganimate.face.detect import choose_faces

        self._check_means()  # a wrong name is told before faces are sought
        with ThreadPoolExecutor(1, "model") as beside:  # the detector lets others work while it searches
            loading = beside.submit(lambda: self.animator)
            found = find_faces(photo, self.setup.detector, progress)
            chosen = choose_faces(found, faces)
            animator = loading.result()
        numbers = [next(n for n, face in enumerate(found, 1) if face is one) for one in chosen]
        with progress.stage("reading the faces"):
            people = animator.prepare(photo, chosen)
        return PreparedPhoto(photo, self.entry, animator, people, numbers, len(found))


_OPEN: dict[tuple[Setup, Path, str], Session] = {}  # the session of the last call


def open_session(setup: Setup, progress: Progress) -> Session:
    """Return a session; that of the last call stays open, as loading a model takes as long as a short animation."""
    fresh = Session.of(setup, progress)
    key = setup, fresh.entry.path.resolve(), fresh.entry.digest
    if key not in _OPEN:
        _OPEN.clear()
        _OPEN[key] = fresh
    return _OPEN[key]


def model_facts(entry: ZooEntry) -> dict[str, str]:
    """Return which model this is, as plain data."""
    return {"name": entry.name, "path": str(entry.path)}


def face_facts(prepared: PreparedPhoto, place: int) -> dict[str, Any]:
    """Return number and box of the chosen face at `place`, as plain data."""
    return {"number": prepared.numbers[place], "box_px": box_facts(prepared.people[place].face)}


def found_facts(faces: Sequence[Face]) -> list[dict[str, Any]]:
    """Return number, box and, where the detector tells it, score of all faces of a photo, as plain data."""
    facts: list[dict[str, Any]] = []
    for number, face in enumerate(faces, 1):
        score = getattr(face, "score", None)  # of dlib's detector; others have none
        told = {} if score is None else {"score": round(score, 3)}
        facts.append({"number": number, "box_px": box_facts(face), **told})
    return facts


def box_facts(face: Face) -> dict[str, float]:
    """Return a face's box in pixels of the photo, as plain data."""
    return {side: round(getattr(face.box, side), 1) for side in ("left", "top", "right", "bottom")}


def au_facts(aus: Sequence[Word], row: NDArray[np.float32]) -> dict[str, float | None]:
    """Return a row (N,) by the names of its AUs, as plain data; None for those that are NaN: not known.

    Both sides of an AU are one where they are alike, and turns are told where there are any.
    """
    words, columns = fold(aus, row)
    return row_facts(words, row[columns])


def row_facts(words: Sequence[Word], row: NDArray[np.float32]) -> dict[str, float | None]:
    """Return a row (N,) by the names of its words, as plain data; None for NaN."""
    values = ((label(word), float(value)) for word, value in zip(words, row, strict=True))
    return {name: round(value, 4) if np.isfinite(value) else None for name, value in values}
