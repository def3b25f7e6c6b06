from __future__ import annotations

import cv2
import numpy as np
import pytest
from synthetic import PHOTO_PX, show

from ganimate.expression_mapping import Mapped, Shown, map_expression, mouth_gap, steadied
from ganimate.likeness import face_region

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


def mean_at_furrow(shown: Shown) -> float:
    return float(shown.photo[place(FURROW[0]), place(FURROW[1])].mean())


@pytest.fixture(scope="module")
def host() -> Shown:
    return face(110, seed=5)


@pytest.mark.parametrize("part", ["all", "upper", "lower"])
def test_where_nothing_changes_the_hosts_photo_stays(host: Shown, part: str) -> None:
    calm = face(200, 1, au4=0.5, au25=0.3)
    same = map_expression(host, calm, calm, part)
    assert np.abs(same.photo.astype(int) - host.photo).max() <= 1
    assert np.array_equal(same.points, host.points)


@pytest.mark.parametrize("skin", [60, 110, 220])
def test_a_furrow_darkens_every_skin_by_the_same_factor(skin: int) -> None:
    host, calm = face(skin, 5), face(200, 1)
    mapped = map_expression(host, calm, furrowed(calm))
    factor = mean_at_furrow(mapped) / mean_at_furrow(host)
    wanted = mean_at_furrow(furrowed(calm)) / mean_at_furrow(calm)
    assert abs(factor - wanted) < 0.4 * (1 - wanted)
    far = ~face_region(host.points, PHOTO_PX, 0.05)
    assert np.abs(mapped.photo.astype(int) - host.photo)[far].max() <= 1


def test_landmarks_go_the_way_of_the_other_persons(host: Shown) -> None:
    calm, happy = face(200, 1), face(200, 1, au1=1.0, au12=1.0)
    mapped = map_expression(host, calm, happy)
    np.testing.assert_allclose(mapped.points - host.points, happy.points - calm.points, atol=1e-3)


def test_a_head_that_moved_moves_nothing(host: Shown) -> None:
    calm = face(200, 1)
    shifted = Shown(np.roll(calm.photo, (3, 4), (0, 1)), calm.points + np.float32([4, 3]) / PHOTO_PX)
    mapped = map_expression(host, calm, shifted)
    np.testing.assert_allclose(mapped.points, host.points, atol=1e-5)
    assert np.abs(mapped.photo.astype(int) - host.photo).mean() < 1


def test_landmarks_are_laid_upon_each_other() -> None:
    points = face(200, 1, au12=0.5).points
    angle, scale = 0.2, 1.2
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(steadied((points @ turn.T + 0.1).astype(np.float32), points), points, atol=1e-5)


def changed_rows(mapped: Mapped, host: Shown) -> tuple[bool, bool]:
    """Whether brows, and whether the mouth, look otherwise than the host's."""
    change = np.abs(mapped.photo.astype(int) - host.photo).max(2).max(1)
    brows, mouth = (int(host.points[part, 1].mean() * PHOTO_PX) for part in (slice(17, 27), slice(48, 68)))
    return bool(change[brows - 4 : brows + 4].max() > 15), bool(change[mouth - 4 : mouth + 4].max() > 15)


def test_a_half_stays_as_it_is(host: Shown) -> None:
    calm, surprised = face(200, 1), furrowed(face(200, 1, au1=1.0, au2=1.0, au25=1.0, au26=1.0))
    upper, lower, whole = (map_expression(host, calm, surprised, part) for part in ("upper", "lower", "all"))
    assert changed_rows(upper, host) == (True, False)
    assert changed_rows(lower, host) == (False, True)
    assert changed_rows(whole, host) == (True, True)
    assert np.array_equal(upper.points[48:], host.points[48:])
    assert np.array_equal(lower.points[17:27], host.points[17:27])


def test_an_opening_mouth_shows_teeth(host: Shown) -> None:
    def mouth(shown: Shown) -> float:
        column, row = shown.points[60:68].mean(0) * PHOTO_PX
        return float(shown.photo[int(row), int(column)].mean())

    closed = Shown(host.photo.copy(), host.points.copy())
    closed.points[60:68, 1] = closed.points[60:68, 1].mean()
    calm, agape = face(200, 1), face(200, 1, au25=1.0, au26=1.0)
    calm.points[60:68, 1] = calm.points[60:68, 1].mean()
    cv2.fillPoly(closed.photo, [np.round(host.points[48:60] * PHOTO_PX).astype(np.int32)], (150, 40, 40))
    opened = map_expression(closed, calm, agape)
    assert mouth_gap(opened.points) > mouth_gap(closed.points) + 0.03
    assert mouth(opened) > mouth(closed) + 50
    assert mouth(map_expression(closed, calm, calm)) == pytest.approx(mouth(closed), abs=2)


def test_eyes_and_lips_are_not_known(host: Shown) -> None:
    calm, happy = face(200, 1), face(200, 1, au12=1.0, au25=1.0)

    def known_at(part: str, landmarks: slice | list[int]) -> float:
        mapped = map_expression(host, calm, happy, part)
        column, row = np.round(mapped.points[landmarks].mean(0) * PHOTO_PX - 0.5).astype(int)
        return float(mapped.known[row, column])

    eye, lip, nose = slice(36, 42), [48, 60], [28]
    assert known_at("all", eye) < 0.1 > known_at("upper", eye)
    assert known_at("lower", eye) > 0.95
    assert known_at("all", lip) < 0.5 > known_at("lower", lip)
    assert known_at("upper", lip) > 0.95
    assert min(known_at(part, nose) for part in ("all", "upper", "lower")) > 0.95
