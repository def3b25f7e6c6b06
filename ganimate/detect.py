"""Faces found in a photo, with 68 landmarks each, and told apart: the only user of face_recognition and dlib.

The libraries are imported when the first photo is searched, not before: they load 130 MB of weights.

How a face is found: the detector looks over a copy of the photo of bounded size, so that 24 megapixels cost what
three do. Each find is then turned upright, cut from the photo's own pixels, and looked at a second time. That look
tells patterns in the background from faces (its score is the mean of six detections), and it places the landmarks:
where one prediction on the detector's box scatters by 1.5 % of the distance of the eyes when the photo is turned or
scaled a little, the mean of seven on the upright face scatters by 0.3 %.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from ganimate.config import CropSpec
from ganimate.errors import ConfigError, DependencyError, FaceError
from ganimate.faces import Box, Face, Image, align, cut, transform

DetectorModel = Literal["hog", "cnn"]
Selection = Literal["largest", "all"] | int | Sequence[int]
Points = NDArray[np.float64]  # (68, 2), iBUG order

# How to get each module, in the order in which their absence must be noticed: face_recognition calls quit() when
# face_recognition_models cannot be imported, and that in turn needs pkg_resources.
REMEDIES = {
    "pkg_resources": 'pip install "setuptools<81"',
    "dlib": "pip install dlib-bin",
    "face_recognition_models": "pip install face_recognition_models",
    "face_recognition.api": "pip install --no-deps face_recognition",
}


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
class _Pass:
    """One search over the whole photo, on a copy of it."""

    pixels: float  # the most that the copy may have
    enlarge: float  # the most that a small photo is enlarged
    quarter_turns: int = 0  # anticlockwise


# Tried in this order until one finds a face. HOG sees faces from 80 px of the copy up and heads tilted by up to 40°.
PASSES: dict[DetectorModel, tuple[_Pass, ...]] = {
    "hog": (
        _Pass(3.4e6, 2),  # 0.4 s; faces from 40 px, or from a 28th of a big photo's width
        _Pass(8.0e6, 4),  # 0.9 s; still smaller ones
        _Pass(0.8e6, 2, 1),  # a camera held sideways whose EXIF was lost
        _Pass(0.8e6, 2, 3),
        _Pass(0.8e6, 2, 2),
    ),
    "cnn": (
        _Pass(0.5e6, 2),  # 3 s and 0.7 GB on a CPU
        _Pass(1.0e6, 4),  # 8 s and 1.2 GB
    ),
}
PROPOSAL_SCORE = -0.1  # below the detector's own 0: the second look decides
# Above SURE_SCORE a find is a face. Of 390 photos all but two faces were; a space suit with its hoses reached 0.41.
SURE_SCORE = 0.45
WEAK_SCORE = 0.2  # a face if nothing surer is found anywhere: half hidden, or seen from the side

UPRIGHT = CropSpec(size_px=512)  # finer than any model's crop
UPRIGHT_BOX = np.array([88.0, 75.0, 424.0, 411.0])  # where HOG's box lies in it on average (244 faces)
EMBEDDED = CropSpec(size_px=256)  # the embedding network itself takes a face of about 100 px
LOOK_WIDTHS_PX = (90, 108, 130)  # of the face: three samples of HOG's pyramid; each is also mirrored
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
            looked = (self._look_again(photo, rough, score) for rough, score in self._propose(photo, search))
            faces = _distinct(face for face in looked if face)
            if sure := [face for face in faces if face.score >= SURE_SCORE]:
                return _largest_first(sure)
            weak = weak or faces
        return _largest_first(weak)

    def _propose(self, photo: Image, search: _Pass) -> list[tuple[Points, float]]:
        """Return rough landmarks in pixels of the photo, with the score, of whatever may be a face."""
        copy, scale = _resized(photo, search)
        turned = np.ascontiguousarray(np.rot90(copy, search.quarter_turns))
        turned_to_copy = _quarter_turn_back(copy.shape, search.quarter_turns)
        finds = []
        for rectangle, score in self._search(turned):
            on_copy = transform(_predict(turned, rectangle), turned_to_copy)
            finds.append(((on_copy + 0.5) / scale - 0.5, score))  # pixel centres
        return finds

    def _search(self, image: Image) -> list[tuple[Any, float]]:
        """Return dlib's rectangles and scores."""
        if self.model == "cnn":
            return [(find.rect, find.confidence) for find in _api().cnn_face_detector(image, 0)]
        return _hog(image, PROPOSAL_SCORE)

    def _look_again(self, photo: Image, rough: Points, score: float) -> ScoredFace | None:
        """Return the face with its landmarks from the photo's own pixels, or None when it is no face after all."""
        try:
            upright = cut(photo, align(rough, UPRIGHT), UPRIGHT.size_px)
        except FaceError:  # landmarks in one point or far outside the photo: surely no face
            return None
        hog_score, box = _look(upright.image)
        if self.model == "hog":  # the network also sees what HOG does not, so its own score stays
            score = hog_score
        if score < WEAK_SCORE:
            return None
        points = np.mean([_predict(upright.image, _rectangle(box + shake)) for shake in SHAKES], axis=0)
        landmarks = transform(points, upright.crop_to_source).astype(np.float32)
        return ScoredFace(_box_in_photo(box, upright.crop_to_source, photo.shape), landmarks, score)


def choose_faces(faces: Sequence[Face], selection: Selection = "largest") -> list[Face]:
    """Return the chosen ones of `faces`: the largest, all, or by number as `ganimate faces` lists them, from 1.

    Numbers may come in any order; a face that is named twice is returned once. Raises FaceError when there is no
    face at all, or none of that number.
    """
    if not faces:
        raise FaceError(
            "no face was found in the photo",
            "use a photo that shows a face from the front, at least 40 px wide, or try the slower --detector cnn",
        )
    if selection == "all":
        return list(faces)
    if selection == "largest":
        return [max(faces, key=lambda face: face.box.area)]
    if isinstance(selection, str):
        raise FaceError(f"faces cannot be chosen by {selection!r}", "say largest, all, or a number")
    numbers = [selection] if isinstance(selection, int) else list(dict.fromkeys(selection))
    if not numbers:
        raise FaceError("no face was chosen", "say largest, all, or a number")
    for number in numbers:
        if not 1 <= number <= len(faces):
            there_are = "there is only 1 face" if len(faces) == 1 else f"there are only {len(faces)} faces"
            raise FaceError(
                f"face {number} was asked for, but {there_are}", "`ganimate faces PHOTO` lists and numbers them"
            )
    return [faces[number - 1] for number in numbers]


class Embedder(Protocol):
    """Whatever tells people apart."""

    def embed(self, photo: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the embedding (128,) of the face with these landmarks (68, 2), in pixels of the photo."""
        ...


@dataclass(frozen=True)
class GridEmbedder:
    """An embedder that looks at the colours of a coarse grid: for tests. Equal pictures are at distance 0."""

    def embed(self, photo: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the grey levels of 8×16 fields of the whole photo, in [0, 1]."""
        grid = cv2.resize(photo, (16, 8), interpolation=cv2.INTER_AREA)
        levels: NDArray[np.float64] = grid.mean(2).ravel() / 255
        return levels


class DlibEmbedder:
    """Embeddings by dlib's network, through face_recognition: under 0.6 apart is one person. 0.1 s on a CPU."""

    def load(self) -> None:
        """Load the libraries now; raises DependencyError when face_recognition or what it needs is missing."""
        _api()

    def embed(self, photo: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the embedding (128,) of the face with these landmarks (68, 2), in pixels of the photo.

        As face_recognition does with a known location: five points are looked for in the box, the face is turned by
        them and encoded once. The box is HOG's usual one on the upright face, so no detection is needed, and a small
        crop is enlarged on the way. Raises FaceError when the landmarks lie far outside the photo.
        """
        upright = cut(photo, align(landmarks, EMBEDDED), EMBEDDED.size_px).image
        box = _rectangle(UPRIGHT_BOX * (EMBEDDED.size_px / UPRIGHT.size_px))
        points = _api().pose_predictor_5_point(upright, box)
        return np.array(_api().face_encoder.compute_face_descriptor(upright, points, 1), np.float64)


@cache
def _api() -> Any:
    """Return face_recognition.api, imported without its side effects; raises DependencyError with the remedy.

    Its module-level dlib objects are used, not its functions: `face_landmarks` regroups the 68 points and repeats
    some, and `face_locations` drops the scores.
    """
    with _no_side_effects():
        for name, remedy in REMEDIES.items():
            try:
                module = importlib.import_module(name)
            except ImportError as error:
                package = name.partition(".")[0]
                raise DependencyError(f"faces cannot be found without {package}: {error}", remedy) from error
            except RuntimeError as error:  # dlib cannot read the weights
                remedy = "pip install --force-reinstall --no-deps --no-cache-dir face_recognition_models"
                raise DependencyError(f"the weights of face_recognition cannot be read: {error}", remedy) from error
    return module


@contextmanager
def _no_side_effects() -> Iterator[None]:
    """Undo what importing face_recognition does besides.

    pkg_resources warns of its own deprecation, and face_recognition tells Pillow to accept truncated pictures, for
    the whole process: they would then be animated half grey.
    """
    accept_truncated = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = accept_truncated


def _hog(image: Image, least_score: float) -> list[tuple[Any, float]]:
    rectangles, scores, _ = _api().face_detector.run(image, 0, least_score)
    return list(zip(rectangles, scores, strict=True))


def _predict(image: Image, rectangle: Any) -> Points:
    """Return the 68 landmarks in pixels of the image; dlib rounds them to whole pixels."""
    return np.array([(point.x, point.y) for point in _api().pose_predictor_68_point(image, rectangle).parts()], float)


def _rectangle(box: NDArray[np.float64]) -> Any:
    """Return dlib's rectangle, whose right and bottom are inclusive."""
    left, top, right, bottom = (round(value) for value in box)
    return _api().dlib.rectangle(left, top, right - 1, bottom - 1)


def _resized(photo: Image, search: _Pass) -> tuple[Image, float]:
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


def _look(upright: Image) -> tuple[float, NDArray[np.float64]]:
    """Return the mean score and the mean box (4,) of HOG on an upright face at three sizes, each also mirrored.

    Where HOG sees nothing the score counts as -0.5, and the box is the usual one.
    """
    scores, boxes = [], []
    for width_px in LOOK_WIDTHS_PX:
        size = round(UPRIGHT.size_px * width_px / float(UPRIGHT_BOX[2] - UPRIGHT_BOX[0]))
        small = np.asarray(cv2.resize(upright, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
        for mirrored in (False, True):
            box, score = _central_find(np.ascontiguousarray(small[:, ::-1]) if mirrored else small)
            scores.append(score)
            if box is not None:
                left, top, right, bottom = box
                own = np.array([size - right, top, size - left, bottom]) if mirrored else box
                boxes.append(own * UPRIGHT.size_px / size)
    return float(np.mean(scores)), np.mean(boxes, axis=0) if boxes else UPRIGHT_BOX


def _central_find(image: Image, least_score: float = -0.5) -> tuple[NDArray[np.float64] | None, float]:
    """Return HOG's best box (4,) in the middle of a square upright image, and its score."""
    middle = (UPRIGHT_BOX[:2] + UPRIGHT_BOX[2:]) / 2 * image.shape[0] / UPRIGHT.size_px
    best: tuple[NDArray[np.float64] | None, float] = (None, least_score)
    for rectangle, score in _hog(image, least_score):
        box = np.array([rectangle.left(), rectangle.top(), rectangle.right() + 1, rectangle.bottom() + 1], float)
        off_centre = float(np.abs((box[:2] + box[2:]) / 2 - middle).max()) / image.shape[0]
        if off_centre < 0.2 and score > best[1]:
            best = (box, score)
    return best


def _box_in_photo(box: NDArray[np.float64], crop_to_source: NDArray[np.float64], shape: tuple[int, ...]) -> Box:
    """Return the box of an upright crop as a square around the same centre in the photo, clipped to it."""
    x, y = transform((box[:2] + box[2:]) / 2 - 0.5, crop_to_source) + 0.5
    half = float(box[2] - box[0]) / 2 * float(np.hypot(*crop_to_source[:, 0]))
    left, right = np.clip([x - half, x + half], 0, shape[1])
    top, bottom = np.clip([y - half, y + half], 0, shape[0])
    return Box(float(left), float(top), float(right), float(bottom))


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
