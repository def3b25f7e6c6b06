"""Laws of reading a mesh: crops and their way back, whatever the photo's size, and the reader that ships."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.errors import FaceError
from ganimate.face.crop import Face, transform
from ganimate.face.landmarks import EYES, MOUTH, NOSE_TIP
from ganimate.face.mesh import topology
from ganimate.face.mesh.reading import (
    FIVE_IN_CROP,
    FaceMesh,
    five_of_landmarks,
    five_of_mesh,
    follow,
    mesh_crop,
    mesh_in_crop,
    mesh_in_photo,
    read_mesh,
)
from ganimate.zoo.catalogue import find_mesh_reader
from ganimate.zoo.mesh_weights import LoadedMeshReader, load_mesh_reader

SIZE = 64
Photo = NDArray[np.uint8]


def a_mesh(width: float = 150.0, x: float = 220.0, y: float = 130.0) -> NDArray[np.float32]:
    return (topology.mean_face() * width + [x, y, 0]).astype(np.float32)


class FakeReader:
    """Says always the same mesh, and keeps what it was shown."""

    size_px = SIZE

    def __init__(self, points: NDArray[np.float32], confidence: float = 0.9) -> None:
        self.points, self.confidence = points, confidence
        self.shown: list[NDArray[np.uint8]] = []

    def read(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.shown.extend(crops)
        return np.repeat(self.points[None], len(crops), 0), np.full(len(crops), self.confidence, np.float32)


@pytest.fixture
def fake() -> FakeReader:
    mesh = a_mesh()
    return FakeReader(mesh_in_crop(mesh, mesh_crop(five_of_mesh(mesh), SIZE), SIZE).astype(np.float32))


@pytest.fixture(scope="module")
def reader() -> LoadedMeshReader:
    return load_mesh_reader(find_mesh_reader())


# The crop


def test_a_face_like_the_mean_lies_where_the_network_expects_it() -> None:
    five = FIVE_IN_CROP * 300 + [40, 25]
    matrix = mesh_crop(five, SIZE)
    np.testing.assert_allclose(transform(five, matrix), FIVE_IN_CROP * SIZE, atol=1e-9)


@pytest.mark.parametrize("angle", [-170, -45, 0, 30, 90])
def test_the_crop_turns_with_the_face(angle: float) -> None:
    mesh = a_mesh()
    turn = cv2.getRotationMatrix2D((200, 150), angle, 1.3)
    moved = transform(five_of_mesh(mesh), turn)
    plain, turned = mesh_crop(five_of_mesh(mesh), SIZE), mesh_crop(moved, SIZE)
    np.testing.assert_allclose(transform(moved, turned), transform(five_of_mesh(mesh), plain), atol=1e-6)


def test_photo_to_crop_and_back_is_the_identity() -> None:
    mesh = a_mesh()
    matrix = mesh_crop(five_of_mesh(mesh) + np.array([3.0, -8.0]), SIZE)
    back = mesh_in_photo(mesh_in_crop(mesh, matrix, SIZE), matrix, SIZE)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, mesh, atol=1e-3)


def test_landmarks_and_mesh_cut_about_the_same_crop(astronaut_face: Face) -> None:
    five = five_of_landmarks(astronaut_face.landmarks)
    np.testing.assert_allclose(five[2], astronaut_face.landmarks[NOSE_TIP])
    assert (np.diff(five[[0, 1], 0]) > 0).all() and (np.diff(five[[3, 4], 0]) > 0).all()  # right side first


@pytest.mark.parametrize("value", [np.nan, np.inf, 5.0])
def test_points_that_are_no_face_are_refused(value: float) -> None:
    with pytest.raises(FaceError):
        mesh_crop(np.full((5, 2), value), SIZE)


def test_a_face_outside_of_the_photo_is_refused(fake: FakeReader, astronaut: Photo) -> None:
    with pytest.raises(FaceError, match="outside"):
        follow(astronaut, a_mesh(x=5000), fake)


# Looks


def test_a_photo_is_looked_at_twice_and_a_frame_once(fake: FakeReader, astronaut: Photo, astronaut_face: Face) -> None:
    read = read_mesh(astronaut, astronaut_face.landmarks, fake)
    assert len(fake.shown) == 2 and fake.shown[0].shape == (SIZE, SIZE, 3)
    assert read.mesh.shape == (478, 3) and read.mesh.dtype == np.float32
    assert read.confidence == pytest.approx(0.9)
    follow(astronaut, read.mesh, fake)
    assert len(fake.shown) == 3


def test_the_second_look_is_cut_by_the_first_mesh(fake: FakeReader, astronaut: Photo, astronaut_face: Face) -> None:
    first = follow(astronaut, a_mesh(), fake)
    np.testing.assert_allclose(first.mesh, a_mesh(), atol=0.02)  # the fake says that it lies so in any crop


# The reader that ships


def near(read: FaceMesh, landmarks: NDArray[np.float32]) -> None:
    """Assert that eyes, nose and mouth lie near dlib's, in the span of the outer eye corners."""
    span = float(np.linalg.norm(landmarks[45] - landmarks[36]))
    points = read.mesh[:, :2]
    for part, theirs in (
        ([33, 160, 158, 133, 153, 144], EYES[:6]),
        ([362, 385, 387, 263, 373, 380], EYES[6:]),
        ([61, 291, 0, 17], [MOUTH[0], MOUTH[6], MOUTH[3], MOUTH[9]]),
    ):
        distances = np.linalg.norm(points[part] - landmarks[theirs], axis=1) / span
        assert distances.mean() < 0.06 and distances.max() < 0.1, distances
    assert read.confidence > 0.9


def test_the_mesh_of_the_example_lies_on_its_face(
    reader: LoadedMeshReader, astronaut: Photo, astronaut_face: Face
) -> None:
    near(read_mesh(astronaut, astronaut_face.landmarks, reader), astronaut_face.landmarks)


def test_following_stays_where_it_is(reader: LoadedMeshReader, astronaut: Photo, astronaut_face: Face) -> None:
    read = read_mesh(astronaut, astronaut_face.landmarks, reader)
    span = np.linalg.norm(np.diff(read.mesh[[33, 263], :2], axis=0))
    for _ in range(5):
        again = follow(astronaut, read.mesh, reader)
        assert np.linalg.norm((again.mesh - read.mesh)[:, :2], axis=1).mean() < 0.01 * span
        read = again
    near(read, astronaut_face.landmarks)


@pytest.mark.parametrize(
    "change",
    [
        lambda photo: np.roll(photo, (3, 3), (0, 1)),
        lambda photo: cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA),
        lambda photo: cv2.resize(photo, (1536, 1536), interpolation=cv2.INTER_CUBIC),
    ],
)
def test_a_shifted_or_scaled_photo_has_the_same_mesh(
    reader: LoadedMeshReader, astronaut: Photo, astronaut_face: Face, change: Callable[[Photo], Photo]
) -> None:
    changed = np.ascontiguousarray(change(astronaut))
    factor = len(changed) / len(astronaut)
    shift = 3 if factor == 1 else 0
    landmarks = (astronaut_face.landmarks + 0.5 + shift) * factor - 0.5
    read = read_mesh(changed, landmarks.astype(np.float32), reader).mesh[:, :2]
    plain = read_mesh(astronaut, astronaut_face.landmarks, reader).mesh[:, :2]
    span = np.linalg.norm(np.diff(plain[[33, 263]], axis=0))
    assert np.linalg.norm((read + 0.5) / factor - 0.5 - shift - plain, axis=1).mean() < 0.015 * span


def test_where_no_face_is_it_says_so(reader: LoadedMeshReader) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3)).astype(np.uint8)
    assert follow(noise, a_mesh(150, 200, 200), reader).confidence < 0.5
