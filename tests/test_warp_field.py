"""The warp field: identity at rest, what moves where, and what it says of holes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.face.mesh.topology import (
    CHIN,
    LEFT_EYE,
    LEFT_LID_SKIN,
    LIPS_INNER,
    LOWER_LIP_EDGE,
    RIGHT_EYE,
    RIGHT_LID_SKIN,
    RIGHT_UPPER_LID,
    SKIN_POINTS,
    mean_face,
    triangles,
)
from ganimate.motion.field import EYE, MOUTH, SKIN
from ganimate.motion.head import turn
from ganimate.motion.holes import TEETH_END
from ganimate.motion.lashes import HEIGHT, cut_above_lids, ends_of_lashes
from ganimate.motion.warp_field import warp_field

SIZE = 256


def mesh(head: tuple[float, float, float] = (0, 0, 0)) -> NDArray[np.float32]:
    return np.float32(130 * mean_face() @ turn(*head).T + [128, 128, 0])


def identity() -> NDArray[np.float32]:
    return np.dstack(np.meshgrid(np.arange(SIZE, dtype=np.float32), np.arange(SIZE, dtype=np.float32)))


def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


def test_at_rest_nothing_moves() -> None:
    field = warp_field(mesh(), mesh(), SIZE, SIZE)
    assert np.abs(field.source - identity()).max() < 1e-3
    assert not field.unseen.any()
    assert np.abs(field.stretch).max() < 1e-3
    assert np.array_equal(field.apply(picture()), picture())


def test_a_shift_of_the_face_is_found_in_the_field_and_fades_outside() -> None:
    small = np.float32(100 * mean_face() + [128, 128, 0])  # its rings lie within the picture
    way = warp_field(small, small + np.float32([4, 2, 0]), SIZE, SIZE).source - identity()
    assert np.allclose(way[110, 128], [-4, -2], atol=1e-2)  # the bridge of the nose shows what lay up left
    assert np.abs(way[0]).max() < 1e-3 and np.abs(way[:, 0]).max() < 1e-3


def test_holes_are_where_eyes_and_mouth_are() -> None:
    field = warp_field(mesh(), mesh(), SIZE, SIZE)
    for ring, kind in ((RIGHT_EYE, EYE), (LEFT_EYE, EYE), (LIPS_INNER, MOUTH)):
        x, y = mesh()[ring, :2].mean(0).round().astype(int)
        assert field.part[y, x] == kind
    assert 0 < (field.part > 0).mean() < 0.05


def test_a_jaw_that_drops_bares_what_was_not_seen() -> None:
    moved = mesh()
    moved[LOWER_LIP_EDGE, 1] += 15
    moved[CHIN, 1] += 15
    field = warp_field(mesh(), moved, SIZE, SIZE)
    inside = field.part == MOUTH
    assert inside.sum() > 2 * (warp_field(mesh(), mesh(), SIZE, SIZE).part == MOUTH).sum()
    assert field.unseen[inside].mean() > 0.3
    assert not field.unseen[field.part == EYE].any()


def test_upper_teeth_stay_and_are_not_shown_twice() -> None:
    smiling, moved = mesh(), mesh()
    moved[LOWER_LIP_EDGE, 1] += 30
    moved[CHIN, 1] += 30
    field = warp_field(smiling, moved, SIZE, SIZE)
    mouth = field.part == MOUTH
    ys = identity()[..., 1]
    edge = 128 + 130 * TEETH_END
    upper, below = mouth & (ys < edge - 1), mouth & (ys > edge + 1)
    assert np.abs((field.source - identity())[upper & ~field.unseen]).max() < 1e-3
    # What shows upper teeth in the photo is unseen below them.
    shown = below & ~field.unseen
    assert shown.any() and (field.source[shown][:, 1] > edge - 2).all()
    assert field.unseen[below].mean() > 0.5


def test_eyeballs_stay_while_lids_close() -> None:
    moved = mesh()
    ring = np.array(RIGHT_EYE)
    moved[ring[1:8], 1] += 0.5 * (mesh()[ring[15:8:-1], 1] - mesh()[ring[1:8], 1])
    field = warp_field(mesh(), moved, SIZE, SIZE)
    eye = (field.part == EYE) & (identity()[..., 0] < SIZE / 2)
    assert eye.any() and np.abs((field.source - identity())[eye]).max() < 1e-3


def test_what_lids_hide_of_an_iris_is_what_they_show_as_far_from_the_pupil() -> None:
    narrow, pupil = mesh(), mesh()[468, :2]
    narrow[RIGHT_EYE[9:], 1] -= 0.4 * (narrow[RIGHT_EYE[9:], 1] - pupil[1])  # the lower lid is raised
    ys, xs = np.mgrid[:SIZE, :SIZE]
    far = np.hypot(xs - pupil[0], ys - pupil[1])
    photo = np.repeat(np.where(far < 5, 40, 220).astype(np.uint8)[..., None], 3, 2)  # a dark iris in a bright world
    field = warp_field(narrow, mesh(), SIZE, SIZE)
    hidden = field.unseen & (xs < SIZE / 2) & (field.part == EYE)
    shown = field.apply(photo)[..., 0]
    assert (hidden & (far < 3.5)).sum() > 3 and (shown[hidden & (far < 3.5)] < 100).all()
    assert (shown[hidden & (far > 6.5)] > 150).mean() > 0.8  # but where nothing is seen that far out


def test_a_gaze_turns_the_ball() -> None:
    field = warp_field(mesh(), mesh(), SIZE, SIZE, gaze=np.float32([0.3, 0]))
    x, y = mesh()[468, :2].round().astype(int)
    assert field.source[y, x, 0] < x - 1  # shows what lay to the left, so the iris goes right


def test_a_head_that_turns_hides_its_cheek_and_tells_it() -> None:
    field = warp_field(mesh((35, 0, 0)), mesh((0, 0, 0)), SIZE, SIZE)
    assert field.unseen.mean() > 0.002


def test_shut_lips_have_nothing_between_them() -> None:
    shut = mesh()
    middle = (shut[LIPS_INNER[1:10], :] + shut[LIPS_INNER[19:10:-1], :]) / 2
    shut[LIPS_INNER[1:10]] = shut[LIPS_INNER[19:10:-1]] = middle
    assert not (warp_field(mesh(), shut, SIZE, SIZE).part == MOUTH).any()


def area(points: NDArray[np.floating]) -> float:
    return float(cv2.contourArea(points[:, :2].astype(np.float32)))


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5, 0.8])
def test_holes_cover_as_much_as_their_rings_wherever_they_lie(shift: float) -> None:
    placed = mesh() + np.float32([shift, shift / 2, 0])
    field = warp_field(placed, placed, SIZE, SIZE)
    eyes = field.holes(EYE)
    assert eyes.sum() == pytest.approx(area(placed[RIGHT_EYE]) + area(placed[LEFT_EYE]), rel=0.08)
    assert ((eyes > 0) & (eyes < 1)).sum() > 40 and np.array_equal(eyes >= 0.5, field.part == EYE)


def test_a_rim_shows_both_sides() -> None:
    moved = mesh()
    moved[LOWER_LIP_EDGE, 1] += 15
    moved[CHIN, 1] += 15
    # Skin is white, what lies between the lips black.
    photo = np.full((SIZE, SIZE, 3), 255, np.uint8)
    cv2.fillPoly(photo, [np.round(mesh()[LIPS_INNER, :2]).astype(np.int32)], (0, 0, 0))
    field = warp_field(mesh(), moved, SIZE, SIZE)
    shown = field.apply(photo)[..., 0].astype(float)
    rim = field.rim
    between = rim.kind == MOUTH
    assert 20 < shown[rim.ys[between], rim.xs[between]].mean() < 235
    assert field.torn.max() == 1 and not field.torn[field.holes(MOUTH) == 0].any()
    assert not warp_field(mesh(), mesh(), SIZE, SIZE).torn.max() > 1e-3


def test_lids_that_meet_have_a_smooth_seam_without_a_trace_of_the_eye() -> None:
    moved = mesh()
    ring = np.array(RIGHT_EYE)
    # Rims that meet on a slant.
    line = mesh()[ring[15:8:-1]] + np.float32([0, 0.3, 0]) * np.arange(7)[:, None]
    moved[ring[1:8]] = moved[ring[15:8:-1]] = line
    photo = np.full((SIZE, SIZE, 3), 90, np.uint8)
    photo[int(mesh()[RIGHT_EYE, 1].mean()) :] = 150  # the lower lid is brighter
    cv2.fillPoly(photo, [np.round(mesh()[RIGHT_EYE, :2]).astype(np.int32)], (255, 255, 255))
    field = warp_field(mesh(), moved, SIZE, SIZE)
    left, right = line[[2, 4], 0].astype(int)
    top, bottom = int(line[2:5, 1].min()) - 1, int(line[2:5, 1].max()) + 2
    assert not (field.part[top:bottom, left:right] == EYE).any()
    rim = field.rim
    seam = (rim.kind == SKIN) & (rim.xs >= left) & (rim.xs < right)
    assert seam.sum() >= (right - left) / 2 and (field.torn[rim.ys[seam], rim.xs[seam]] > 0.5).all()


def test_the_place_of_an_eye_is_told_from_its_iris_and_that_of_a_mouth_from_the_skull() -> None:
    moved = mesh()
    moved[LOWER_LIP_EDGE, 1] += 20
    moved[CHIN, 1] += 20
    field = warp_field(mesh(), moved, SIZE, SIZE, gaze=np.float32([0.3, 0]))
    x, y = mesh()[468, :2].round().astype(int)
    assert np.allclose(field.place[y, x] + [0.05, 0], mean_face()[468, :2], atol=0.03)  # the iris went right
    x, y = mesh()[LIPS_INNER, :2].mean(0).round().astype(int)
    assert np.allclose(field.place[y + 5, x], (np.array([x, y + 5]) - 128) / 130, atol=0.02)
    assert field.stretch[y + 5, x] == pytest.approx(5 * 20 / 130, abs=0.05)
    assert not field.stretch[field.part == EYE].any()


def test_no_pixel_of_the_skin_comes_from_farther_than_a_point_went() -> None:
    own, rng = mesh((20, 5, 0)), np.random.default_rng(0)
    pressed = own.copy()
    for lid, skin in ((RIGHT_EYE, RIGHT_LID_SKIN), (LEFT_EYE, LEFT_LID_SKIN)):  # as a reader sees lids pressed together
        pressed[skin] = pressed[lid] + rng.normal(size=(len(lid), 3)) * 0.02
    field = warp_field(own, pressed, SIZE, SIZE)
    way = np.linalg.norm(field.source - identity(), axis=2)[field.part == SKIN]
    assert way.max() < np.linalg.norm((pressed - own)[:, :2], axis=1).max() + 1.5
    assert np.abs(field.place).max() < 1.2  # the rings' own


def test_lashes_go_with_a_lid_that_shuts_as_they_are_and_the_lid_above_is_drawn_out() -> None:
    moved, ring = mesh(), np.array(RIGHT_EYE)
    way = mesh()[ring[15:8:-1]] - mesh()[ring[1:8]]
    moved[ring[1:8]] += way
    field = warp_field(mesh(), moved, SIZE, SIZE)
    width = np.linalg.norm(mesh()[ring[0], :2] - mesh()[ring[8], :2])
    x, y = moved[ring[4], :2].round().astype(int)  # the middle of the lid's edge
    rows = np.arange(y - 20, y + 1)
    source = field.source[rows, x, 1]
    above = moved[ring[4], 1] - rows  # px over the edge, which comes from as far over the open one
    lashes = (above > 0.3) & (above < HEIGHT * width - 0.7)
    assert lashes.any()
    assert np.abs(source - (rows - way[3, 1]))[lashes].max() < 0.6
    lid = (above > HEIGHT * width + 1) & (above < HEIGHT * width + 4)
    assert np.diff(source[lid]).max() < 0.6  # px of the photo to one that is shown


def test_triangles_that_are_cut_along_lashes_cover_what_they_covered() -> None:
    faces, edges = cut_above_lids(triangles(), SKIN_POINTS)
    points = mean_face()
    ends = ends_of_lashes(edges, points, points)
    assert not np.isin(edges[:, 1], RIGHT_UPPER_LID).any() and len(np.unique(edges, axis=0)) == len(edges)

    def sizes(corners: NDArray[np.int64], places: NDArray[np.float64]) -> NDArray[np.float64]:
        p, q = (places[corners[:, k], :2] - places[corners[:, 0], :2] for k in (1, 2))
        return np.abs(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])

    cut = sizes(faces, np.concatenate([points[:SKIN_POINTS], ends]))
    assert cut.sum() == pytest.approx(sizes(triangles(), points).sum())
    assert cut.min() > 0


def test_a_head_that_turns_shows_no_border_twice_and_keeps_its_eyes() -> None:
    own = mesh((-14, 0, 0))
    turned = np.float32((own - [128, 128, 0]) @ turn(-12, 0, 0).T + [128, 128, 0])
    field = warp_field(own, turned, SIZE, SIZE, carried=turned)
    cheek = np.zeros((SIZE, SIZE), np.uint8)
    for point in (234, 454, 127, 356, 93, 323):
        cv2.circle(cheek, tuple(int(c) for c in turned[point, :2]), 10, 1, -1)
    back = np.diff(field.source[..., 0], axis=1)
    leap = np.linalg.norm(np.diff(field.source - identity(), axis=1), axis=2)
    assert not ((back < -0.1) & (leap < 4) & (cheek[:, 1:] > 0)).any()
