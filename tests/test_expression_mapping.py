from __future__ import annotations

import cv2
import numpy as np
import pytest
from synthetic import PHOTO_PX, show

from ganimate.data.expression_mapping import Shaded, Shown, map_shading, steadied
from ganimate.face.likeness import face_region

FURROW = slice(0.51, 0.57), slice(0.34, 0.4)  # rows and columns in crop widths, on a cheek


def face(skin: int, seed: int, **aus: float) -> Shown:
    return Shown(*show(skin, seed, **aus))


def place(span: slice) -> slice:
    return slice(round(span.start * PHOTO_PX), round(span.stop * PHOTO_PX))


def furrowed(calm: Shown, factor: float = 0.6) -> Shown:
    """The same photo with a soft dark spot on a cheek."""
    spot = np.zeros(calm.photo.shape[:2], np.float32)
    spot[place(FURROW[0]), place(FURROW[1])] = 1
    shade = 1 - (1 - factor) * cv2.GaussianBlur(spot, (0, 0), 1.5)
    return Shown((calm.photo * shade[..., None]).astype(np.uint8), calm.points)


def mean_at_furrow(shown: Shown | Shaded) -> float:
    return float(shown.photo[place(FURROW[0]), place(FURROW[1])].mean())


@pytest.fixture(scope="module")
def host() -> Shown:
    return face(110, seed=5)


@pytest.mark.parametrize("part", ["all", "upper", "lower"])
def test_where_nothing_changes_the_hosts_photo_stays(host: Shown, part: str) -> None:
    calm = face(200, 1, au4=0.5, au25=0.3)
    same = map_shading(host, calm, calm, part)
    assert np.abs(same.photo.astype(int) - host.photo).max() <= 1


@pytest.mark.parametrize("skin", [60, 110, 220])
def test_a_furrow_darkens_every_skin_by_the_same_factor(skin: int) -> None:
    host, calm = face(skin, 5), face(200, 1)
    mapped = map_shading(host, calm, furrowed(calm))
    factor = mean_at_furrow(mapped) / mean_at_furrow(host)
    wanted = mean_at_furrow(furrowed(calm)) / mean_at_furrow(calm)
    assert abs(factor - wanted) < 0.4 * (1 - wanted)
    far = ~face_region(host.points, PHOTO_PX, 0.05)
    assert np.abs(mapped.photo.astype(int) - host.photo)[far].max() <= 1


def test_a_head_that_moved_moves_nothing(host: Shown) -> None:
    calm = face(200, 1)
    shifted = Shown(np.roll(calm.photo, (3, 4), (0, 1)), calm.points + np.float32([4, 3]) / PHOTO_PX)
    mapped = map_shading(host, calm, shifted)
    assert np.abs(mapped.photo.astype(int) - host.photo).mean() < 1


def test_landmarks_are_laid_upon_each_other() -> None:
    points = face(200, 1, au12=0.5).points
    angle, scale = 0.2, 1.2
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(steadied((points @ turn.T + 0.1).astype(np.float32), points), points, atol=1e-5)


def test_a_fold_lies_where_the_face_has_it_at_rest(host: Shown) -> None:
    smiling = face(200, 2, au12=1.0, au26=1.0)
    there = map_shading(host, face(200, 1), furrowed(smiling))
    without = map_shading(host, face(200, 1), smiling)
    assert mean_at_furrow(there) < 0.9 * mean_at_furrow(without)


def test_hair_that_fell_into_the_face_is_left_out(host: Shown) -> None:
    calm = face(200, 1)
    hairy = furrowed(calm, 0.15)
    assert abs(mean_at_furrow(map_shading(host, calm, hairy)) - mean_at_furrow(host)) < 0.1 * mean_at_furrow(host)


def test_a_half_stays_as_it_is(host: Shown) -> None:
    calm = face(200, 1)
    upper, lower = (map_shading(host, calm, furrowed(calm), part) for part in ("upper", "lower"))
    below, above = (mean_at_furrow(host) - mean_at_furrow(part) for part in (lower, upper))
    assert below > 0.1 * mean_at_furrow(host)
    assert abs(above) < 0.4 * below  # the halves go over into each other just above


def test_eyes_and_mouth_are_not_known(host: Shown) -> None:
    calm, happy = face(200, 1), face(200, 1, au12=1.0, au25=1.0)

    def known_at(part: str, landmarks: slice | list[int]) -> float:
        mapped = map_shading(host, calm, happy, part)
        column, row = np.round(host.points[landmarks].mean(0) * PHOTO_PX - 0.5).astype(int)
        return float(mapped.known[row, column])

    eye, lip, nose = slice(36, 42), slice(48, 68), [28]
    assert known_at("all", eye) < 0.1 > known_at("upper", eye)
    assert known_at("lower", eye) > 0.95
    assert known_at("all", lip) < 0.5 > known_at("lower", lip)
    assert known_at("upper", lip) > 0.95
    assert min(known_at(part, nose) for part in ("all", "upper", "lower")) > 0.95
