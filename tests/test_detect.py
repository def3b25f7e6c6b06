"""Detection on the example photo at any size and turn, and nothing found where nothing is; the choice of faces."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.errors import ConfigError, DependencyError, FaceError
from ganimate.face.crop import Box, Face
from ganimate.face.detect import (
    REMEDIES,
    Detector,
    DlibDetector,
    DlibEmbedder,
    Embedder,
    FixedDetector,
    GridEmbedder,
    ScoredFace,
    choose_faces,
    library,
)

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def detector() -> DlibDetector:
    return DlibDetector()


def scaled(photo: Image, scale: float) -> Image:
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=how), np.uint8)


def eye_distance(face: Face) -> float:
    return float(np.linalg.norm(face.landmarks[36:42].mean(0) - face.landmarks[42:48].mean(0)))


def error(face: Face, expected: NDArray[np.float32], unit: float) -> float:
    """Mean distance of the landmarks from where they should be, in distances of the eyes."""
    return float(np.linalg.norm(face.landmarks - expected, axis=1).mean() / unit)


def at(left: float, size: float = 10.0) -> Face:
    return Face(Box(left, 0.0, left + size, size), np.zeros((68, 2), np.float32))


def test_the_example_photo_has_one_face(detector: DlibDetector, astronaut: Image, astronaut_face: Face) -> None:
    faces = detector.detect(astronaut)
    assert len(faces) == 1  # and none in the space suit, where dlib alone sees some
    face = faces[0]
    assert isinstance(face, ScoredFace)
    assert face.score > 1.0
    assert face.landmarks.shape == (68, 2)
    assert face.landmarks.dtype == np.float32
    assert error(face, astronaut_face.landmarks, eye_distance(face)) < 0.005
    assert face.box.left < face.landmarks[36, 0] < face.landmarks[45, 0] < face.box.right
    assert face.box.top < face.landmarks[27, 1] < face.landmarks[57, 1] < face.box.bottom


@pytest.mark.parametrize("face_px", [24, 40, 97, 300, 700])
def test_landmarks_do_not_depend_on_the_size(
    detector: DlibDetector, astronaut: Image, astronaut_face: Face, face_px: int
) -> None:
    scale = face_px / 97
    faces = detector.detect(scaled(astronaut, scale))
    assert len(faces) == 1
    expected = (astronaut_face.landmarks + 0.5) * scale - 0.5
    assert error(faces[0], expected, eye_distance(astronaut_face) * scale) < (0.01 if face_px > 50 else 0.03)


@pytest.mark.parametrize("angle", [-30, -12, 20, 38])
def test_tilted_heads(detector: DlibDetector, astronaut: Image, astronaut_face: Face, angle: float) -> None:
    matrix = cv2.getRotationMatrix2D((225, 130), angle, 1.0)
    tilted = cv2.warpAffine(astronaut, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    face = detector.detect(np.asarray(tilted, np.uint8))[0]
    expected = astronaut_face.landmarks @ matrix[:, :2].T + matrix[:, 2]
    assert error(face, expected.astype(np.float32), eye_distance(astronaut_face)) < 0.015


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_photos_that_lie_on_their_side(
    detector: DlibDetector, astronaut: Image, astronaut_face: Face, quarter_turns: int
) -> None:
    wide = astronaut[:400]  # so that width and height cannot be mixed up
    face = detector.detect(np.rot90(wide, quarter_turns))[0]
    x, y = astronaut_face.landmarks.T
    turned = {1: (y, 511 - x), 2: (511 - x, 399 - y), 3: (399 - y, x)}[quarter_turns]
    assert error(face, np.stack(turned, axis=1), eye_distance(astronaut_face)) < 0.01


def test_24_megapixels_in_two_seconds(detector: DlibDetector, astronaut: Image, astronaut_face: Face) -> None:
    photo = np.full((4000, 6000, 3), 128, np.uint8)
    photo[1000:2700, 2000:3700] = cv2.resize(astronaut, (1700, 1700), interpolation=cv2.INTER_CUBIC)
    detector.detect(astronaut)  # loads the weights
    start = time.process_time()  # not wall time: the machine may be busy
    faces = detector.detect(photo)
    assert time.process_time() - start < 2.0
    scale = 1700 / 512
    expected = (astronaut_face.landmarks + 0.5) * scale - 0.5 + np.float32([2000, 1000])
    assert len(faces) == 1
    assert error(faces[0], expected, eye_distance(astronaut_face) * scale) < 0.01


def test_several_faces_come_largest_first(detector: DlibDetector, astronaut: Image) -> None:
    photo = np.full((700, 1700, 3), 90, np.uint8)
    for left, size in ((20, 400), (450, 640), (1130, 512)):
        photo[20 : 20 + size, left : left + size] = cv2.resize(astronaut, (size, size), interpolation=cv2.INTER_AREA)
    faces = detector.detect(photo)
    assert [450 < face.box.left < 1130 for face in faces] == [True, False, False]
    assert [face.box.area for face in faces] == sorted((face.box.area for face in faces), reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (32, 32), (3, 900), (900, 2), (480, 640)])
def test_no_face(detector: DlibDetector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.full((*shape, 3), 200, np.uint8)) == []


def test_boxes_stay_inside_the_photo(detector: DlibDetector, astronaut: Image) -> None:
    cut = astronaut[85:185, 180:270]
    (face,) = detector.detect(cut)
    assert face.box.left >= 0
    assert face.box.top >= 0
    assert face.box.right <= 90
    assert face.box.bottom <= 100


def test_the_photo_is_not_changed(detector: DlibDetector, astronaut: Image) -> None:
    mirrored = astronaut[:, ::-1]  # not contiguous, not writable
    before = mirrored.copy()
    assert len(detector.detect(mirrored)) == 1
    assert np.array_equal(mirrored, before)


def test_the_network_sees_the_same_face(astronaut: Image, astronaut_face: Face) -> None:
    (face,) = DlibDetector("cnn").detect(scaled(astronaut[:256, 100:356], 0.8))
    expected = (astronaut_face.landmarks - np.float32([100, 0]) + 0.5) * 0.8 - 0.5
    assert error(face, expected, eye_distance(astronaut_face) * 0.8) < 0.02


def test_unknown_model() -> None:
    with pytest.raises(ConfigError, match="hog, cnn"):
        DlibDetector("haar")  # type: ignore[arg-type]


def test_fixed_detector_is_a_detector(astronaut: Image) -> None:
    fake: Detector = FixedDetector((at(0, 5.0), at(20, 9.0)))
    assert [face.box.left for face in fake.detect(astronaut)] == [20, 0]
    assert FixedDetector().detect(astronaut) == []


def test_choose_faces() -> None:
    faces = [at(0, 9.0), at(20, 7.0), at(40, 5.0)]
    assert choose_faces(faces) == faces[:1]
    assert choose_faces(faces[::-1], "largest") == faces[:1]
    assert choose_faces(faces, "all") == faces
    assert choose_faces(faces, 2) == faces[1:2]
    assert choose_faces(faces, [3, 1, 3]) == [faces[2], faces[0]]


@pytest.mark.parametrize(
    ("count", "selection", "message"),
    [
        (0, "largest", "no face was found"),
        (0, 1, "no face was found"),
        (1, 2, "face 2 was asked for, but there is only 1 face"),
        (3, 4, "face 4 was asked for, but there are only 3 faces"),
        (3, 0, "face 0 was asked for"),
        (3, [1, -1], "face -1 was asked for"),
        (3, [], "no face was chosen"),
        (3, "biggest", "'biggest'"),
    ],
)
def test_faces_that_are_not_there(count: int, selection: object, message: str) -> None:
    with pytest.raises(FaceError, match=message) as caught:
        choose_faces([at(20.0 * i) for i in range(count)], selection)  # type: ignore[arg-type]
    assert caught.value.hint


@pytest.mark.parametrize("missing", REMEDIES)
def test_missing_libraries_are_told_with_the_remedy(missing: str, tmp_path: Path) -> None:
    """In a fresh interpreter: none of them may call quit(), print, or close stdin, as face_recognition does."""
    code = f"""
import sys
sys.modules[{missing!r}] = None
import numpy as np
from ganimate.face.detect import DlibDetector
from ganimate.errors import DependencyError
try:
    DlibDetector().detect(np.zeros((64, 64, 3), np.uint8))
except DependencyError as error:
    assert not sys.stdin.closed
    print(error.message, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    message, _, hint = done.stdout.strip().partition(" | ")
    assert missing.partition(".")[0] in message
    assert hint == REMEDIES[missing]
    assert done.stderr == ""


def test_damaged_weights_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> object:
        raise RuntimeError("Unable to open shape_predictor_68_face_landmarks.dat")

    library.api.cache_clear()
    monkeypatch.setattr(library.importlib, "import_module", broken)
    with pytest.raises(DependencyError, match="cannot be read"):
        DlibDetector().detect(np.zeros((64, 64, 3), np.uint8))
    monkeypatch.undo()


def test_the_detector_in_the_file_is_dlibs_own(tmp_path: Path) -> None:
    found = library.api()
    found.dlib.get_frontal_face_detector().save(str(tmp_path / "own.svm"))
    found.face_detector.save(str(tmp_path / "used.svm"))
    own = (tmp_path / "own.svm").read_bytes()
    assert own == (tmp_path / "used.svm").read_bytes() == library.HOG_PATH.read_bytes()


def test_loading_leaves_no_traces() -> None:
    """pkg_resources' warning is silenced, and Pillow goes on refusing truncated pictures."""
    code = """
import numpy as np
from PIL import ImageFile
from ganimate.face.detect import DlibDetector
DlibDetector().detect(np.zeros((64, 64, 3), np.uint8))
assert not ImageFile.LOAD_TRUNCATED_IMAGES
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("embedder", [DlibEmbedder(), GridEmbedder()], ids=["dlib", "grid"])
def test_embeddings_of_equal_pictures_are_equal(embedder: Embedder, astronaut: Image, astronaut_face: Face) -> None:
    own = embedder.embed(astronaut, astronaut_face.landmarks)
    assert own.shape == (128,)
    np.testing.assert_array_equal(embedder.embed(astronaut.copy(), astronaut_face.landmarks), own)
    assert np.linalg.norm(embedder.embed(255 - astronaut, astronaut_face.landmarks) - own) > 0.1


def test_small_and_tilted_faces_stay_who_they_are(astronaut: Image, astronaut_face: Face) -> None:
    embedder, points = DlibEmbedder(), astronaut_face.landmarks
    own = embedder.embed(astronaut, points)
    small = embedder.embed(scaled(astronaut, 0.6), (points + 0.5) * 0.6 - 0.5)  # a crop of 128 px
    assert np.linalg.norm(small - own) < 0.25
    side = np.stack([points[:, 1], astronaut.shape[1] - 1 - points[:, 0]], 1)  # a quarter turn anticlockwise
    assert np.linalg.norm(embedder.embed(np.ascontiguousarray(np.rot90(astronaut)), side) - own) < 0.15
