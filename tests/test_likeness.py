"""Laws of pictures compared: equal ones are equal, regions cover faces, moved edges stay edges."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic import face_landmarks

from ganimate.face.crop import Face
from ganimate.face.likeness import energy_where_moved, face_region, gradient_energy, luminance, mean_change, ssim

SIZE_PX = 64
FACE = face_landmarks(np.zeros(17, np.float32)).astype(np.float32)


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(0, 256, (SIZE_PX, SIZE_PX, 3)).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5), np.uint8)


def kept() -> NDArray[np.float32]:
    return np.ones((SIZE_PX, SIZE_PX), np.float32)


def test_equal_pictures_are_alike(picture: NDArray[np.uint8]) -> None:
    assert ssim(picture, picture) == 1.0
    assert mean_change(picture, picture) == 0.0


def test_ssim_of_even_pictures_is_that_of_their_means() -> None:
    a, b = np.full((16, 16, 3), 60, np.uint8), np.full((16, 16, 3), 120, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(a, b) == pytest.approx((2 * 60 * 120 + c1) / (60**2 + 120**2 + c1))  # the contrast is equal: none


def test_ssim_is_symmetric_and_falls_with_noise(picture: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(1)
    little, much = (np.clip(picture + rng.normal(0, d, picture.shape), 0, 255).astype(np.uint8) for d in (5, 40))
    assert 1 > ssim(picture, little) > ssim(picture, much) > -1
    assert ssim(picture, much) == pytest.approx(ssim(much, picture))


def test_only_the_region_counts(picture: NDArray[np.uint8]) -> None:
    other, region = picture.copy(), np.zeros((SIZE_PX, SIZE_PX), bool)
    region[:32] = True
    other[40:] = 0
    assert mean_change(picture, other, region) == 0
    assert mean_change(picture, other) > 0
    assert ssim(picture, other, region) > 0.99 > ssim(picture, other)  # its window looks 5 px over the edge
    assert math.isnan(mean_change(picture, other, np.zeros_like(region)))


def test_the_region_holds_all_landmarks_and_the_forehead() -> None:
    region = face_region(FACE, SIZE_PX)
    ys, xs = np.round(FACE[:, 1] * SIZE_PX - 0.5).astype(int), np.round(FACE[:, 0] * SIZE_PX - 0.5).astype(int)
    assert region[ys, xs].all()
    assert region[ys[17:27] - 5, xs[17:27]].all()  # above the brows
    assert not region[0].any() and not region[:, 0].any()


def test_the_region_grows_on_all_sides() -> None:
    region, wider = face_region(FACE, SIZE_PX), face_region(FACE, SIZE_PX, 0.1)
    assert wider[region].all()
    rows, wider_rows = np.flatnonzero(region.any(1)), np.flatnonzero(wider.any(1))
    assert rows[0] - wider_rows[0] == pytest.approx(6, abs=1)
    assert wider_rows[-1] - rows[-1] == pytest.approx(6, abs=1)


def test_luminance_of_white_is_255() -> None:
    np.testing.assert_allclose(luminance(np.full((2, 2, 3), 255, np.uint8)), 255)


def test_gradient_energy_of_a_ramp() -> None:
    ramp = np.repeat(np.arange(0, 64, 2, dtype=np.uint8)[None, :, None], 32, 0).repeat(3, 2)
    np.testing.assert_allclose(gradient_energy(ramp)[:, :-1], 4)


def test_what_is_kept_is_as_sharp_as_before(picture: NDArray[np.uint8]) -> None:
    result, source = energy_where_moved(picture, picture, kept(), None)
    assert result == source > 0


def test_what_moves_by_whole_pixels_is_as_sharp_as_before(picture: NDArray[np.uint8]) -> None:
    shift = np.full((SIZE_PX, SIZE_PX, 2), 2, np.float32)
    result, source = energy_where_moved(picture, np.roll(picture, -2, (0, 1)), kept(), shift)
    assert result == pytest.approx(source)
    blurred = np.asarray(cv2.GaussianBlur(np.roll(picture, -2, (0, 1)), (0, 0), 1), np.uint8)
    result, source = energy_where_moved(picture, blurred, kept(), shift)
    assert result < 0.7 * source


def test_paint_and_what_stands_still_do_not_count(picture: NDArray[np.uint8]) -> None:
    still = np.zeros((SIZE_PX, SIZE_PX, 2), np.float32)
    assert energy_where_moved(picture, picture, kept(), still) == (0, 0)
    assert energy_where_moved(picture, picture, 0 * kept(), still + 2) == (0, 0)


def test_a_real_face_lies_in_its_region(astronaut_face: Face) -> None:
    region = face_region(astronaut_face.landmarks / 512, 512)
    assert 0.02 < region.mean() < 0.2
