"""Muscles: which way a mesh goes, and how far."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.face.mesh.topology import (
    ABOVE_LIP,
    BELOW_LIP,
    LEFT_LOWER_LID,
    LEFT_UPPER_LID,
    LOWER_LIP_EDGE,
    LOWER_LIP_ROWS,
    MIRROR,
    MOUTH_CORNERS,
    RIGHT_LOWER_LID,
    RIGHT_UPPER_LID,
    UPPER_LIP_EDGE,
    UPPER_LIP_ROWS,
    mean_face,
)
from ganimate.motion.head import turn
from ganimate.motion.muscles import BLINK, LOWEST_LID, Muscles

AUS = (12, 25, BLINK)


def muscles() -> Muscles:
    """Muscles made up: 12 raises the corners of the mouth, 25 presses the lips through each other."""
    ways = np.zeros((3, 478, 3))
    ways[0, MOUTH_CORNERS] = [[-0.05, -0.08, 0], [0.05, -0.08, 0]]
    ways[1, UPPER_LIP_EDGE, 1] = 0.1
    ways[1, LOWER_LIP_EDGE, 1] = -0.1
    return Muscles(AUS, ways, np.ones(3), np.zeros((478, 3)), np.full(478, 0.2))


def mesh(head: tuple[float, float, float] = (0, 0, 0)) -> NDArray[np.float32]:
    return np.float32(200 * mean_face() @ turn(*head).T + [256, 256, 0])


def show(**intensities: float) -> NDArray[np.float64]:
    return np.array([intensities.get(f"au{number}", 0.0) for number in AUS])


def test_equal_aus_give_the_mesh_itself() -> None:
    own = mesh((15, 5, 3))
    assert muscles().move(own, show(au12=0.4), show(au12=0.4)) is own


def test_lips_that_shut_keep_their_height_and_the_skin_beside_them_gives_half() -> None:
    own = mesh()
    moved = muscles().move(own, show(), show(au25=1))  # the edges alone would cross
    way = moved[:, 1] - own[:, 1]
    ways = muscles().ways[1] * 200  # what was asked
    for edge, rows, skin in (
        (UPPER_LIP_EDGE, UPPER_LIP_ROWS, ABOVE_LIP),
        (LOWER_LIP_EDGE, LOWER_LIP_ROWS, BELOW_LIP),
    ):
        held_back = way[edge] - ways[edge, 1]
        assert np.abs(held_back).min() > 5
        for row in rows:
            assert np.allclose(way[row], held_back, atol=2.5)
        assert np.allclose(way[skin], held_back / 2, atol=1.5)


def test_lower_lids_go_no_lower_than_those_of_people() -> None:
    ways = np.zeros((3, 478, 3))
    ways[0, RIGHT_LOWER_LID + LEFT_LOWER_LID, 1] = 0.08  # of the face: as far as an open eye is high
    pulled = replace(muscles(), ways=ways)
    for intensity in (0.05, 0.5, 1.0):
        moved = pulled.move(mesh(), show(), show(au12=intensity))
        for lower, corners in ((RIGHT_LOWER_LID, [33, 133]), (LEFT_LOWER_LID, [263, 362])):
            width = np.linalg.norm(moved[corners[0]] - moved[corners[1]])
            low, own = ((m[lower[2:5], 1].mean() - m[corners, 1].mean()) / width for m in (moved, mesh()))
            assert own < low < LOWEST_LID + 0.002


def test_a_way_and_back_is_the_identity() -> None:
    own = mesh((10, 0, 0))
    there = muscles().move(own, show(), show(au12=0.7))
    assert np.abs(there - own).max() > 5
    assert np.allclose(muscles().move(there, show(au12=0.7), show()), own, atol=0.02)


@pytest.mark.parametrize("head", [(0, 0, 0), (25, -10, 8)])
def test_one_side_leaves_the_other(head: tuple[float, float, float]) -> None:
    left = np.stack([show(au12=1), show()], 1)
    way = np.linalg.norm(muscles().move(mesh(head), show(), left) - mesh(head), axis=1)
    right_corner, left_corner = MOUTH_CORNERS
    assert way[left_corner] > 10
    assert way[right_corner] < 0.05 * way[left_corner]


def test_one_side_of_the_upper_face_leaves_the_lower_face() -> None:
    brows = replace(muscles(), aus=(1, 25, BLINK))
    left = np.stack([show(au12=1), show()], 1)
    moved = {one: brows.move(mesh(), show(), goal) for one, goal in (("one", left), ("both", show(au12=1)))}
    assert np.abs(moved["both"] - mesh())[MOUTH_CORNERS].max() > 10  # as people's photos had it
    assert np.abs(moved["one"] - mesh())[MOUTH_CORNERS].max() < 0.5


def test_both_sides_are_mirror_images() -> None:
    way = muscles().move(mesh(), show(), show(au12=1)) - mesh()
    assert np.allclose(way[MIRROR] * [-1, 1, 1], way, atol=1e-2)


def test_a_blink_shuts_any_eye_and_one_eye() -> None:
    wink = np.stack([show(au45=1), show()], 1)
    moved = muscles().move(mesh((12, 4, 0)), show(), wink)
    assert np.abs(moved[LEFT_UPPER_LID] - moved[LEFT_LOWER_LID]).max() < 0.01
    assert np.array_equal(moved[RIGHT_UPPER_LID], mesh((12, 4, 0))[RIGHT_UPPER_LID])
    half = muscles().move(mesh(), show(), show(au45=0.5))
    gap = mesh()[RIGHT_LOWER_LID, 1] - mesh()[RIGHT_UPPER_LID, 1]
    assert np.allclose(half[RIGHT_LOWER_LID, 1] - half[RIGHT_UPPER_LID, 1], gap / 2, atol=0.05)


def test_eyes_open_no_wider_than_people_do() -> None:
    own = mesh()
    width = np.linalg.norm(own[33] - own[133])

    def gap(face: NDArray[np.float32]) -> float:
        upper, lower = RIGHT_UPPER_LID, RIGHT_LOWER_LID
        return float(np.linalg.norm(face[lower] - face[upper], axis=1)[1:-1].mean() / width)

    raised = muscles()
    raised.ways[1] = 0
    raised.ways[1, RIGHT_UPPER_LID + LEFT_UPPER_LID, 1] = -0.1
    far = raised.move(own, show(), show(au25=1))
    assert gap(own) < 0.38 < gap(far) < 0.401
    steps = [gap(raised.move(own, show(), show(au25=y))) for y in np.linspace(0, 1, 21)]
    assert (np.diff(steps) > 0).all()
    # A lid that was lowered comes up as far as relaxed eyes are open.
    raised.ways[1] *= -1
    narrow = raised.move(own, show(), show(au25=0.2))
    back = raised.move(narrow, show(au25=1), show())
    assert gap(narrow) < gap(own) and gap(back) == pytest.approx(0.28, abs=0.005)


def test_eyes_that_stay_shut_are_opened_by_nothing_else() -> None:
    raised = muscles()
    raised.ways[1] = 0
    raised.ways[1, RIGHT_UPPER_LID + LEFT_UPPER_LID, 1] = -0.1
    shut = raised.move(mesh(), show(), show(au45=1))
    asked = raised.move(shut, show(au45=1), show(au45=1, au25=1))
    assert np.abs(asked[RIGHT_LOWER_LID, 1] - asked[RIGHT_UPPER_LID, 1]).max() < 0.1
    assert np.abs(raised.move(shut, show(au45=1), show(au25=1)) - asked).max() > 5  # with them opened it does


def test_shut_eyes_open() -> None:
    shut = muscles().move(mesh(), show(), show(au45=0.98))
    opened = muscles().move(shut, show(au45=1), show())
    assert (opened[RIGHT_LOWER_LID, 1] - opened[RIGHT_UPPER_LID, 1])[2:5].min() > 3


def test_lips_never_cross() -> None:
    moved = muscles().move(mesh(), show(), show(au25=1))
    assert (moved[LOWER_LIP_EDGE, 1] - moved[UPPER_LIP_EDGE, 1]).min() > -0.01


def test_no_point_goes_beyond_its_limit() -> None:
    strong = replace(muscles(), ways=muscles().ways * 50)
    way = np.linalg.norm(strong.move(mesh(), show(), show(au12=1)) - mesh(), axis=1) / 200
    assert way.max() == pytest.approx(0.2, rel=0.01)


def test_a_head_turns_to_its_left_and_up() -> None:
    way = muscles().move(mesh(), show(), show(), head=(10, 5, 0)) - mesh()
    assert way[1, 0] > 5 and way[1, 1] < 0  # the nose: to the picture's right, and up


def test_strong_intensities_go_further_than_the_regression_says() -> None:
    strong = replace(muscles(), gains=np.array([2.0, 1.0, 1.0]))
    ways = [np.abs(strong.move(mesh(), show(), show(au12=y)) - mesh()).max() for y in (0.2, 1.0)]
    plain = np.abs(muscles().move(mesh(), show(), show(au12=1.0)) - mesh()).max()
    assert ways[0] == pytest.approx(0.2 * plain, rel=0.06)
    assert ways[1] == pytest.approx(2 * plain, rel=0.06)


def test_what_a_photo_shows_is_taken_back_as_the_regression_says() -> None:
    strong = replace(muscles(), gains=np.array([2.0, 1.0, 1.0]))
    back = strong.move(mesh(), show(au12=0.9), show())
    assert np.allclose(back, muscles().move(mesh(), show(au12=0.9), show()), atol=1e-3)
    # Around what the photo shows nothing leaps.
    near = [strong.move(mesh(), show(au12=0.9), show(au12=0.9 + step)) - mesh() for step in (-0.01, 0.01)]
    assert max(np.abs(way).max() for way in near) < 2


def test_lids_go_with_eyes_that_turn_up_and_down() -> None:
    own = mesh()
    up, down = (muscles().move(own, show(), show(), gaze_up=turn) - own for turn in (0.2, -0.2))
    for upper, lower in ((LEFT_UPPER_LID, LEFT_LOWER_LID), (RIGHT_UPPER_LID, RIGHT_LOWER_LID)):
        assert (up[upper[2:-2], 1] < 0).all() and (down[upper[2:-2], 1] > 0).all()
        assert np.abs(up[lower, 1]).max() < 0.5 * np.abs(up[upper, 1]).max()
        assert np.abs(up[[upper[0], upper[-1]]]).max() < 0.5 * np.abs(up[upper]).max()  # corners rest
    assert muscles().move(own, show(), show(), gaze_up=0.0) is own


def test_shut_eyes_stay_shut_when_they_turn() -> None:
    shut = muscles().move(mesh(), show(), show(au45=1))
    turned = muscles().move(shut, show(au45=1), show(au45=1), gaze_up=0.3)
    gap = np.linalg.norm(turned[LEFT_UPPER_LID] - turned[LEFT_LOWER_LID], axis=1)
    assert gap.max() < 0.5
