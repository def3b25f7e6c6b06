"""Faces found in a photo, with 68 landmarks each.

How a face is found: the detector looks over a copy of the photo of bounded size, so that 24 megapixels cost what
three do. Each find is then turned upright, cut from the photo's own pixels, and looked at a second time. That look
tells patterns in the background from faces (its score is the mean of six detections), and it places the landmarks:
where one prediction on the detector's box scatters by 1.5 % of the distance of the eyes when the photo is turned or
scaled a little, the mean of seven on the upright face scatters by 0.3 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ConfigError, FaceError
from ganimate.face.crop import Box, Face, Image, align, cut, transform
from ganimate.face.detect.library import Points, api, hog, predict, to_rectangle
from ganimate.face.detect.upright import LOOK_WIDTHS_PX, UPRIGHT, box_in_photo, look

DetectorModel = Literal["hog", "cnn"]


class Detector(Protocol):
    """Whatever finds faces."""

    def detect(self, photo: Image) -> list[Face]:
        """Return the faces of a photo (H, W, 3) uint8 RGB, largest first; an empty list when there is none."""
        ...


@dataclass(frozen=True)
class ScoredFace(Face):
    """A face and dlib's detection score: above 0 for a find, 1 to 2 for a clear frontal face."""

    score: float


@dataclass(frozen=True)
class FixedDetector:
    """A detector that finds the same faces in every photo: for tests, and for faces that are known already."""

    faces: tuple[Face, ...] = ()

    def detect(self, photo: Image) -> list[Face]:
        """Return the fixed faces, largest first."""
        return _largest_first(self.faces)


@dataclass(frozen=True)
class Pass:
    """One search over the whole photo, on a copy of it."""

    pixels: float  # the most that the copy may have
    enlarge: float  # the most that a small photo is enlarged
    quarter_turns: int = 0  # anticlockwise


# Tried in this order until one finds a face. HOG sees faces from 80 px of the copy up and heads tilted by up to 40°.
PASSES: dict[DetectorModel, tuple[Pass, ...]] = {
    "hog": (
        Pass(3.4e6, 2),  # 0.4 s; faces from 40 px, or from a 28th of a big photo's width
        Pass(8.0e6, 4),  # 0.9 s; still smaller ones
        Pass(0.8e6, 2, 1),  # a camera held sideways whose EXIF was lost
        Pass(0.8e6, 2, 3),
        Pass(0.8e6, 2, 2),
    ),
    "cnn": (
        Pass(0.5e6, 2),  # 3 s and 0.7 GB on a CPU
        Pass(1.0e6, 4),  # 8 s and 1.2 GB
    ),
}
PROPOSAL_SCORE = -0.1  # below the detector's own 0: the second look decides
# Above SURE_SCORE a find is a face. Of 390 photos all but two faces were; a space suit with its hoses reached 0.41.
SURE_SCORE = 0.45
WEAK_SCORE = 0.2  # a face if nothing surer is found anywhere: half hidden, or seen from the side
# Boxes of the landmark predictor, as shifts of the four sides: seven whose errors average out.
SHAKES = np.array(
    [
        [0, 0, 0, 0], [10, 0, 10, 0], [-10, 0, -10, 0], [0, 10, 0, 10], [0, -10, 0, -10],
        [-12, -12, 12, 12], [12, 12, -12, -12],
    ]
)  # fmt: skip
SAME_FACE_OVERLAP = 0.4  # intersection over union


class DlibDetector:
    """Faces by dlib's HOG detector, or by its slower network ("cnn"), through face_recognition."""

    def __init__(self, model: DetectorModel = "hog") -> None:
        """Choose the model; the libraries are loaded by the first `detect`."""
        if model not in get_args(DetectorModel):
            raise ConfigError(f"detector must be one of {', '.join(get_args(DetectorModel))}, not {model!r}")
        self.model: DetectorModel = model

    def detect(self, photo: Image) -> list[Face]:
        """Return the faces of a photo (H, W, 3) uint8 RGB as `ScoredFace`, largest first; [] when there is none.

        Small faces are searched for on a larger copy, and sideways ones on turned copies, only when nothing surer was
        found. Raises DependencyError when face_recognition or what it needs is missing.
        """
        weak: list[ScoredFace] = []
        for search in PASSES[self.model]:
            faces = self.search(photo, search)
            if sure := [face for face in faces if face.score >= SURE_SCORE]:
                return _largest_first(sure)
            weak = weak or faces
        return _largest_first(weak)

    def search(self, photo: Image, search: Pass) -> list[ScoredFace]:
        """Return what one search over the photo finds, surest first, from WEAK_SCORE up."""
        looked = (self.look_again(photo, rough, score) for rough, score in self._propose(photo, search))
        return _distinct(face for face in looked if face)

    def _propose(self, photo: Image, search: Pass) -> list[tuple[Points, float]]:
        """Return rough landmarks in pixels of the photo, with the score, of whatever may be a face."""
        copy, scale = _resized(photo, search)
        turned = np.ascontiguousarray(np.rot90(copy, search.quarter_turns))
        turned_to_copy = _quarter_turn_back(copy.shape, search.quarter_turns)
        finds = []
        for rectangle, score in self._search(turned):
            on_copy = transform(predict(turned, rectangle), turned_to_copy)
            finds.append(((on_copy + 0.5) / scale - 0.5, score))  # pixel centres
        return finds

    def _search(self, image: Image) -> list[tuple[Any, float]]:
        """Return dlib's rectangles and scores."""
        if self.model == "cnn":
            return [(find.rect, find.confidence) for find in api().cnn_face_detector(image, 0)]
        return hog(image, PROPOSAL_SCORE)

    def look_again(
        self, photo: Image, rough: Points, score: float, widths_px: Sequence[int] = LOOK_WIDTHS_PX
    ) -> ScoredFace | None:
        """Return the face near `rough` landmarks with its own from the photo's own pixels, or None when it is none."""
        try:
            upright = cut(photo, align(rough, UPRIGHT), UPRIGHT.size_px)
        except FaceError:  # landmarks in one point or far outside the photo: surely no face
            return None
        hog_score, box = look(upright.image, widths_px)
        if self.model == "hog":  # the network also sees what HOG does not, so its own score stays
            score = hog_score
        if score < WEAK_SCORE:
            return None
        points = np.mean([predict(upright.image, to_rectangle(box + shake)) for shake in SHAKES], axis=0)
        landmarks = transform(points, upright.crop_to_source).astype(np.float32)
        return ScoredFace(box_in_photo(box, upright.crop_to_source, photo.shape), landmarks, score)


def _resized(photo: Image, search: Pass) -> tuple[Image, float]:
    """Return the copy that is searched and its scale, copy / photo."""
    height, width = photo.shape[:2]
    scale = min(search.enlarge, float(np.sqrt(search.pixels / (height * width))))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, size, interpolation=interpolation), np.uint8), scale


def _quarter_turn_back(shape: tuple[int, ...], quarter_turns: int) -> NDArray[np.float64]:
    """Return the matrix (2, 3) from pixels of np.rot90(image, quarter_turns) to pixels of the image of `shape`."""
    right, bottom = shape[1] - 1, shape[0] - 1
    matrices = (
        [[1, 0, 0], [0, 1, 0]],
        [[0, -1, right], [1, 0, 0]],
        [[-1, 0, right], [0, -1, bottom]],
        [[0, 1, 0], [-1, 0, bottom]],
    )
    return np.array(matrices[quarter_turns % 4], float)


def _largest_first(faces: Iterable[Face]) -> list[Face]:
    return sorted(faces, key=lambda face: face.box.area, reverse=True)


def _distinct(faces: Iterable[ScoredFace]) -> list[ScoredFace]:
    """Return the faces without those that overlap a surer one."""
    kept: list[ScoredFace] = []
    for face in sorted(faces, key=lambda face: face.score, reverse=True):
        if all(_overlap(face.box, other.box) < SAME_FACE_OVERLAP for other in kept):
            kept.append(face)
    return kept


def _overlap(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    both = max(0.0, width) * max(0.0, height)
    return both / max(a.area + b.area - both, 1e-9)
