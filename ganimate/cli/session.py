"""The steps that commands share: a photo, a model, the faces that were chosen and what they show.

Heavy libraries are imported where they are first needed, so that a wrong name is told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganimate.cli.console import Display
from ganimate.errors import FaceError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from ganimate.animation.animator import Animator, PreparedFace
    from ganimate.face.crop import Face, Image
    from ganimate.face.detect import Detector, Embedder, Selection
    from ganimate.facs import Expression
    from ganimate.media import Photo
    from ganimate.media.provenance import Mark
    from ganimate.trajectory import Trajectory
    from ganimate.trajectory.plan import Plan
    from ganimate.zoo.catalogue import ZooEntry


@dataclass(frozen=True)
class Means:
    """What the options of the panel "Model and faces" ask for."""

    model: str
    selection: Selection = "largest"
    detector: str = "hog"
    device: str = "auto"


@dataclass(frozen=True)
class Sitting:
    """The chosen faces of a photo before the model: `numbers` are theirs in the listing of all `found` faces."""

    photo: Image
    entry: ZooEntry
    animator: Animator
    people: list[PreparedFace]
    numbers: list[int]
    found: int

    @property
    def aus(self) -> tuple[int, ...]:
        """The model's AUs, in its order."""
        return self.entry.card.aus

    @property
    def model(self) -> dict[str, str]:
        """Which model this is, as plain data."""
        return {"name": self.entry.name, "path": str(self.entry.path)}

    def mark(self, paths: Sequence[Trajectory]) -> Mark:
        """Return what results say of themselves in which each chosen face follows its own of `paths`."""
        from ganimate.trajectory.plan import asked

        return self.mark_of(asked(path, person.source_aus) for path, person in zip(paths, self.people, strict=True))

    def mark_of(self, asked: Iterable[str]) -> Mark:
        """Return what results say of themselves in which each chosen face shows what was `asked`."""
        from ganimate.media.provenance import Mark

        return Mark(self.entry.card.name, self.entry.digest, tuple(asked))

    def corrected(self, seen_as: Sequence[Expression]) -> Sitting:
        """Return the same with `seen_as`, one a face, in place of what the model reads from it."""
        people = [
            replace(person, source_aus=correction.resolve(person.source_aus, self.aus))
            for person, correction in zip(self.people, seen_as, strict=True)
        ]
        return replace(self, people=people)


def make_detector(name: str) -> Detector:
    """Return the face detector of that name; tests put another one in its place."""
    from ganimate.face.detect import DlibDetector

    return DlibDetector("cnn" if name == "cnn" else "hog")


def make_embedder() -> Embedder:
    """Return what tells people apart; tests put another one in its place."""
    from ganimate.face.detect import DlibEmbedder

    return DlibEmbedder()


def read_photo(path: Path, display: Display) -> Image:
    """Return the photo (H, W, 3) uint8; raises PhotoError."""
    return open_photo(path, display).image


def open_photo(path: Path, display: Display) -> Photo:
    """Return the photo with its alpha, and tell what is wrong with its file; raises PhotoError."""
    from ganimate.media import open_photo as read

    with display.stage(f"reading {path.name}"):
        photo = read(path)
    for note in photo.notes:
        display.note(f"{path.name}: {note}")
    return photo


def find_model(name: str, display: Display) -> ZooEntry:
    """Return the model of that name; raises ModelError."""
    with display.stage("looking for the model"):
        from ganimate.zoo import catalogue as zoo

        return zoo.find_model(name)


def find_faces(photo: Image, detector: str, display: Display) -> list[Face]:
    """Return all faces of the photo, largest first; raises FaceError when there is none."""
    with display.stage("looking for faces"):
        found = make_detector(detector).detect(photo)
    if not found:
        others = "a photo from the front in which the face is larger, upright and evenly lit often works"
        hint = others if detector == "cnn" else f"try --detector cnn, which is slower and finds more; {others}"
        raise FaceError("no face was found in the photo", hint)
    return found


@dataclass(frozen=True)
class Studio:
    """A model for any number of photos, loaded when the first of them has shown a face."""

    entry: ZooEntry
    means: Means

    @cached_property
    def animator(self) -> Animator:
        """The model on its device; raises ModelError."""
        from ganimate.animation.animator import Animator
        from ganimate.zoo.checkpoint import load_model

        device = self._device()
        return Animator(load_model(self.entry.path, device), device)

    def _device(self) -> torch.device:
        from ganimate.system.devices import choose_device

        return choose_device(self.means.device)

    def check(self, *plans: Plan) -> None:
        """Raise what is told before faces are sought: no such device, or an AU in a plan that the model lacks."""
        import numpy as np

        self._device()
        aus = self.entry.card.aus
        for plan in plans:
            plan.trajectory(np.zeros(len(aus), np.float32), aus)

    def prepare(self, photo: Image, display: Display) -> Sitting:
        """Return the chosen faces of `photo` with the AUs that the model reads from them."""
        from ganimate.face.detect import choose_faces

        self._device()  # a wrong name is told before faces are sought
        found = find_faces(photo, self.means.detector, display)
        chosen = choose_faces(found, self.means.selection)
        numbers = [next(n for n, face in enumerate(found, 1) if face is one) for one in chosen]
        with display.stage("reading the faces"):
            return Sitting(photo, self.entry, self.animator, self.animator.prepare(photo, chosen), numbers, len(found))


def prepare(photo: Image, entry: ZooEntry, means: Means, display: Display) -> Sitting:
    """Return the chosen faces of one `photo` with the AUs that the model reads from them."""
    return Studio(entry, means).prepare(photo, display)


def face_facts(sitting: Sitting, place: int) -> dict[str, Any]:
    """Return number and box of the chosen face at `place`, as plain data."""
    return {"number": sitting.numbers[place], "box_px": box_facts(sitting.people[place].face)}


def box_facts(face: Face) -> dict[str, float]:
    """Return a face's box in pixels of the photo, as plain data."""
    return {side: round(getattr(face.box, side), 1) for side in ("left", "top", "right", "bottom")}


def au_facts(aus: Sequence[int], row: NDArray[np.float32]) -> dict[str, float]:
    """Return intensities (N,) by the names of their AUs, as plain data."""
    return {f"AU{number}": round(float(value), 4) for number, value in zip(aus, row, strict=True)}
