"""Laws of glasses: worn or not, where the rims are, and what is held, on the example photo with rims drawn on it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.config import CropSpec
from ganimate.face.crop import Crop, Face, align, crop_face, cut, transform
from ganimate.face.glasses import EYE_SPAN, Glasses, average, held, look_for_glasses

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]
MIRROR = [  # the mirror image of each landmark
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
]  # fmt: skip
BLACK = (25, 20, 20)
HALF_WIDTH, HALF_HEIGHT = 14.0, 10.0  # of the drawn lenses, in steps of 1/36 of the distance of the eyes


def points_on(crop: Crop, face: Face) -> Points:
    return transform(face.landmarks, crop.source_to_crop)


def eyes_on(points: Points) -> Points:
    return np.stack([points[36:42].mean(0), points[42:48].mean(0)])


def put_on(photo: Picture, landmarks: NDArray[np.floating], thick: float = 2.0, lens: bool = False) -> Picture:
    """Return the photo of somebody upright with oval glasses, drawn three times as large, and scaled down."""
    eyes, large = eyes_on(landmarks), cv2.resize(photo, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    step = 3 * float(np.hypot(*(eyes[1] - eyes[0]))) / EYE_SPAN
    width = max(1, round(thick * step))
    middles = [(eye + 0.5) * 3 + np.array([side * 1.0, 3.0]) * step for eye, side in zip(eyes, (-1, 1), strict=True)]
    for middle, side in zip(middles, (-1, 1), strict=True):
        place, axes = np.rint(middle).astype(int).tolist(), [round(HALF_WIDTH * step), round(HALF_HEIGHT * step)]
        cv2.ellipse(large, place, axes, 0, 0, 360, BLACK, -1 if lens else width, cv2.LINE_AA)
        hinge = np.rint(middle + np.array([side * HALF_WIDTH, -3]) * step).astype(int)
        end = hinge + np.array([round(side * 16 * step), 0])
        cv2.line(large, hinge.tolist(), end.tolist(), BLACK, width, cv2.LINE_AA)
    bridge = [np.rint(middle + np.array([-s * HALF_WIDTH, -3]) * step).astype(int).tolist() for middle, s in
              zip(middles, (-1, 1), strict=True)]  # fmt: skip
    cv2.line(large, *bridge, BLACK, width, cv2.LINE_AA)
    return np.asarray(cv2.resize(large, photo.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def bare(astronaut: Picture, astronaut_face: Face) -> Crop:
    return crop_face(astronaut, astronaut_face, CropSpec())


@pytest.fixture(scope="module")
def worn(astronaut: Picture, astronaut_face: Face) -> Crop:
    return crop_face(put_on(astronaut, astronaut_face.landmarks), astronaut_face, CropSpec())


def test_glasses_are_seen_where_they_are_worn_and_not_elsewhere(bare: Crop, worn: Crop, astronaut_face: Face) -> None:
    assert look_for_glasses(bare.image, points_on(bare, astronaut_face)).hold == 0
    assert look_for_glasses(worn.image, points_on(worn, astronaut_face)).hold == 1


@pytest.mark.parametrize("thick", [1.2, 3.5])
def test_thin_and_thick_rims_are_seen(thick: float, astronaut: Picture, astronaut_face: Face) -> None:
    photo = put_on(astronaut, astronaut_face.landmarks, thick)
    crop = crop_face(photo, astronaut_face, CropSpec())
    assert look_for_glasses(crop.image, points_on(crop, astronaut_face)).hold == 1


def test_rims_are_found_where_they_were_drawn(worn: Crop, astronaut_face: Face) -> None:
    points = points_on(worn, astronaut_face)
    map_ = held(look_for_glasses(worn.image, points), points, 128)
    assert map_ is not None
    step = float(np.hypot(*np.diff(eyes_on(points), axis=0)[0])) / EYE_SPAN
    for eye, side in zip(eyes_on(points), (-1, 1), strict=True):
        angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        ellipse = np.stack([HALF_WIDTH * np.cos(angles) + side, HALF_HEIGHT * np.sin(angles) + 3], 1) * step
        x, y = np.rint(eye + ellipse).astype(int).T
        assert map_[y, x].min() > 0.85  # within 4 px
        assert np.median(map_[y, x]) > 0.98


def test_nothing_is_held_without_glasses(bare: Crop, astronaut_face: Face) -> None:
    points = points_on(bare, astronaut_face)
    assert held(look_for_glasses(bare.image, points), points, 128) is None
    assert held(Glasses(5.0), points, 128) is None


def test_what_is_held_falls_with_the_distance_and_leaves_eyes_and_mouth_free(worn: Crop, astronaut_face: Face) -> None:
    points = points_on(worn, astronaut_face)
    map_ = held(look_for_glasses(worn.image, points), points, 128)
    assert map_ is not None and map_.dtype == np.float32
    assert map_.min() >= 0 and map_.max() == 1
    assert np.abs(np.diff(map_, axis=0)).max() < 0.25  # no jump, also where lids end and bags begin
    for place in [*eyes_on(points), points[48:68].mean(0)]:
        assert map_[round(place[1]), round(place[0])] < 0.7
    assert map_[round(points[57, 1]), round(points[57, 0])] == 0


def test_through_dark_lenses_no_eye_blinks(astronaut: Picture, astronaut_face: Face) -> None:
    crop = crop_face(put_on(astronaut, astronaut_face.landmarks, lens=True), astronaut_face, CropSpec())
    points = points_on(crop, astronaut_face)
    map_ = held(Glasses(5.0, *_fitted(crop, points)), points, 128)
    assert map_ is not None
    for place in eyes_on(points):
        assert map_[round(place[1]), round(place[0])] == 1


def _fitted(crop: Crop, points: Points) -> tuple[NDArray[np.float32], float]:
    seen = look_for_glasses(crop.image, points)
    assert seen.lenses is not None
    return seen.lenses, seen.light


def test_a_mirrored_face_wears_mirrored_glasses(worn: Crop, astronaut_face: Face) -> None:
    points = points_on(worn, astronaut_face)
    mirrored = points[MIRROR] * [-1, 1] + [127, 0]
    one = look_for_glasses(worn.image, points)
    other = look_for_glasses(np.ascontiguousarray(worn.image[:, ::-1]), mirrored)
    assert other.evidence == pytest.approx(one.evidence, abs=0.1)
    assert one.lenses is not None and other.lenses is not None
    assert np.allclose(one.lenses, other.lenses[::-1], atol=1.5)


def test_glasses_are_measured_in_the_faces_own_size(worn: Crop, astronaut: Picture, astronaut_face: Face) -> None:
    spec = CropSpec(size_px=256)
    large = cut(put_on(astronaut, astronaut_face.landmarks), align(astronaut_face.landmarks, spec), 256)
    small = look_for_glasses(worn.image, points_on(worn, astronaut_face)).lenses
    seen = look_for_glasses(large.image, points_on(large, astronaut_face)).lenses
    assert small is not None and seen is not None
    assert np.abs(small - seen).max() < 3


def test_frames_of_a_clip_speak_together() -> None:
    lenses = np.array([[2, 3, 10, 15, 1]] * 2, np.float32)
    sure, unsure, none = Glasses(3.0, lenses, 0.9), Glasses(1.0, lenses + 2, 0.7), Glasses(-4.0)
    both = average([sure, unsure])
    assert both.evidence == 2.0 and both.light == pytest.approx(0.8)
    assert both.lenses is not None and np.allclose(both.lenses, lenses + 1)
    seen = average([sure, none]).lenses
    assert seen is not None and np.array_equal(seen, lenses)
    assert average([none, none]) == none


def test_who_may_wear_glasses_has_them_held_in_part() -> None:
    holds = [Glasses(evidence).hold for evidence in np.linspace(-2, 2, 81)]
    assert holds[0] == 0 and holds[-1] == 1
    assert np.diff(holds).min() >= 0 and np.diff(holds).max() < 0.2


def test_a_face_without_extent_is_no_error() -> None:
    points = np.full((68, 2), 10.0)
    glasses = look_for_glasses(np.zeros((32, 32, 3), np.uint8), points)
    assert np.isfinite(glasses.evidence)
    assert np.isfinite(held(Glasses(5.0, np.array([[2, 3, 10, 15, 1]] * 2, np.float32)), points, 32)).all()
