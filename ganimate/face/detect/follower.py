"""Faces followed from frame to frame of a clip, which is far cheaper than finding them anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ganimate.face.crop import Face, Image
from ganimate.face.detect.detector import SURE_SCORE, DlibDetector, Pass

# 0.1 s; faces from 40 px of a small clip, from a 20th of a large one's width.
_SEARCH_PX, _ENLARGE = 1.5e6, 2
_TURNED_PX = 0.8e6  # of turned frames, which are searched only until an upright face is found
_FOLLOW_WIDTHS_PX = (108,)  # one look, also mirrored: that it was a face is known already
BLACK = 8.0  # of 255


class Follower(Protocol):
    """Whatever finds faces in the frames of a clip, (H, W, 3) uint8 RGB, and follows one of them."""

    def search(self, frame: Image) -> list[Face]:
        """Return the faces of a frame, largest first."""
        ...

    def follow(self, frame: Image, face: Face) -> Face | None:
        """Return where `face` of a frame just before or after is in this one, None where it is lost."""
        ...


@dataclass(frozen=True)
class FixedFollower:
    """A follower that finds the same faces in every frame that is not black: for tests."""

    faces: tuple[Face, ...] = ()

    def search(self, frame: Image) -> list[Face]:
        """Return the fixed faces, largest first."""
        return [] if frame.mean() < BLACK else sorted(self.faces, key=lambda face: -face.box.area)

    def follow(self, frame: Image, face: Face) -> Face | None:
        """Return the face itself."""
        return None if frame.mean() < BLACK else face


class DlibFollower:
    """Faces by dlib: HOG over the whole frame to find them, over the turned and cut face alone to follow them.

    Following is the second look of `DlibDetector`, which needs only rough landmarks, here those of the frame before:
    the face may move by a fifth of the crop, a third of its own width, and every landmark is still the mean of seven
    predictions.
    """

    def __init__(self) -> None:
        """Prepare; the libraries are loaded by the first frame."""
        self._detector = DlibDetector("hog")
        self._turns: tuple[int, ...] = (0, 1, 3, 2)  # quarter ones, of the frame, by which faces may stand upright

    def search(self, frame: Image) -> list[Face]:
        """Return the sure faces of a frame, largest first. Raises DependencyError.

        Until one is found the frame is turned, too; from then on upright faces are looked for, and such as the first.
        """
        for turns in self._turns:
            found = self._detector.search(frame, Pass(_TURNED_PX if turns else _SEARCH_PX, _ENLARGE, turns))
            sure = [face for face in found if face.score >= SURE_SCORE]
            if sure:
                self._turns = (turns, 0) if turns else (0,)
                return sorted(sure, key=lambda face: -face.box.area)
        return []

    def follow(self, frame: Image, face: Face) -> Face | None:
        """Return the face in this frame, None where nothing there looks like one."""
        return self._detector.look_again(frame, face.landmarks.astype(float), 0.0, _FOLLOW_WIDTHS_PX)
