"""The warp field: identity at rest, what moves where, and what it says of holes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganimate.face.mesh.topology import (
    CHIN,
    LEFT_EYE,
    LEFT_LID_SKIN,
    LIPS_INNER,
    LOWER_LIP_EDGE,
    RIGHT_EYE,
    RIGHT_LID_SKIN,
    mean_face,
)
from ganimate.motion.head import turn
from ganimate.motion.warp_field import EYE, MOUTH, SKIN, warp_field

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


def test_eyeballs_stay_while_lids_close() -> None:
    moved = mesh()
    ring = np.array(RIGHT_EYE)
    moved[ring[1:8], 1] += 0.5 * (mesh()[ring[15:8:-1], 1] - mesh()[ring[1:8], 1])
    field = warp_field(mesh(), moved, SIZE, SIZE)
    eye = (field.part == EYE) & (identity()[..., 0] < SIZE / 2)
    assert eye.any() and np.abs((field.source - identity())[eye]).max() < 1e-3


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


def test_no_pixel_of_the_skin_comes_from_farther_than_a_point_went() -> None:
    own, rng = mesh((20, 5, 0)), np.random.default_rng(0)
    pressed = own.copy()
    for lid, skin in ((RIGHT_EYE, RIGHT_LID_SKIN), (LEFT_EYE, LEFT_LID_SKIN)):  # as a reader sees lids pressed together
        pressed[skin] = pressed[lid] + rng.normal(size=(len(lid), 3)) * 0.02
    field = warp_field(own, pressed, SIZE, SIZE)
    way = np.linalg.norm(field.source - identity(), axis=2)[field.part == SKIN]
    assert way.max() < np.linalg.norm((pressed - own)[:, :2], axis=1).max() + 1.5
    assert np.abs(field.place).max() < 1.2  # the rings' own
