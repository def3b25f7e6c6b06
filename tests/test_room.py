"""Laws of room: what lies beside brows, lids and mouth is never run over, and where there is room nothing changes."""

from __future__ import annotations

import pytest
import torch
from synthetic import mean_face
from torch import Tensor

from ganimate.face.landmarks import BROW_LIDS, BROWS, BROWS_ABOVE, CORNERS, LOWER_LIDS, MOUTH, UPPER_LIDS
from ganimate.motion.room import LIP_ROOM, OPENED_ROOM, RAISED_ROOM, make_room, smiling


def step_down(**way: float) -> Tensor:
    """Steps (1, 68, 2): brows, lids and mouth go down by so much, in crop widths."""
    step = torch.zeros(1, 68, 2)
    for part, rows in (("brows", BROWS), ("lids", UPPER_LIDS), ("mouth", MOUTH)):
        step[:, rows, 1] = way.get(part, 0.0)
    return step


def room(points: Tensor) -> Tensor:
    """The way from each brow to the lid below it."""
    return points[:, list(BROW_LIDS.values()), 1] - points[:, list(BROW_LIDS), 1]


def test_small_steps_are_left_as_they_are() -> None:
    step = step_down(brows=-0.01, lids=-0.005, mouth=-0.004) + torch.tensor([0.02, 0.0])
    assert torch.allclose(make_room(mean_face(), step), step, atol=3e-4)
    assert torch.equal(make_room(mean_face(), torch.zeros(1, 68, 2)), torch.zeros(1, 68, 2))


def test_a_brow_rises_by_the_way_to_the_lid_at_most_and_keeps_its_shape() -> None:
    face = mean_face()
    risen = -make_room(face, step_down(brows=-10.0))[:, BROWS, 1]
    sides = room(face).reshape(2, 5).mean(1)
    assert torch.allclose(risen, RAISED_ROOM * sides.repeat_interleave(5)[None], rtol=1e-3)


def test_low_brows_rise_less_far_than_high_ones() -> None:
    low = mean_face()
    low[:, BROWS, 1] += 0.6 * room(mean_face())
    way = step_down(brows=-0.06)
    assert (make_room(low, way)[:, BROWS, 1] > make_room(mean_face(), way)[:, BROWS, 1] + 0.01).all()


def test_below_a_brow_that_comes_down_the_lid_rises_no_more() -> None:
    wide, knit = (make_room(mean_face(), step_down(brows=brows, lids=-0.02)) for brows in (0.0, 0.2))
    assert (wide[:, UPPER_LIDS, 1] < -0.015).all()
    assert knit[:, UPPER_LIDS, 1].abs().max() < 1e-6
    assert (knit[:, BROWS_ABOVE, 1] > 0).all()


def test_narrow_eyes_open_less_wide() -> None:
    narrow = mean_face()
    narrow[:, UPPER_LIDS, 1] = narrow[:, LOWER_LIDS, 1] - 0.02
    wide, little = (-make_room(face, step_down(lids=-0.025))[:, UPPER_LIDS, 1] for face in (mean_face(), narrow))
    assert (little <= OPENED_ROOM * 0.02 + 1e-6).all() and (little > 0.9 * OPENED_ROOM * 0.02).all()
    assert (wide > 1.3 * little).all()


@pytest.mark.parametrize("way", [-0.02, -0.1, -1.0])
def test_the_mouth_never_comes_up_to_the_nose(way: float) -> None:
    face = mean_face()
    gap = (face[:, [50, 51, 52], 1] - face[:, [32, 33, 34], 1]).mean()
    moved = make_room(face, step_down(mouth=way))[:, MOUTH, 1]
    assert (moved == moved[:, :1]).all()  # as one
    assert 0 < -moved[0, 0] <= LIP_ROOM * gap + 1e-6
    assert -moved[0, 0] < -way


def test_a_mouth_may_sink_as_far_as_it_likes() -> None:
    step = step_down(mouth=0.3)
    assert torch.equal(make_room(mean_face(), step), step)


def test_corners_that_rise_are_a_smile_and_a_dropped_jaw_is_none() -> None:
    face, smile, agape = mean_face(), mean_face(), mean_face()
    smile[:, CORNERS, 1] -= 0.04
    agape[:, MOUTH, 1] += 0.05
    assert smiling(face, smile) == 1 and smiling(face, agape) == 0 and smiling(face, face) == 0
    assert smiling(smile, smile) == 0  # who smiles already does not smile more
    halfway = (face + smile) / 2
    assert 0 < float(smiling(face, halfway)) < 1
