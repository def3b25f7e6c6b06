"""Blinks: natural, the same for the same seed, wholly inside of the frames, and over any plan."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganimate.config import Motion
from ganimate.facs import parse_expression
from ganimate.timeline import Blinking, BlinksAt, NaturalBlinks, Timeline, parse_timeline
from ganimate.timeline.blinks import blink_shape, overlay
from ganimate.trajectory import Trajectory
from ganimate.trajectory.plan import Move

AUS = (1, 5, 12, 45)
OWN = np.array([0.5, 0.25, 0.125, 0.1], np.float32)
QUIET = Trajectory(np.tile(OWN, (50, 1)), 25, AUS)


def test_a_blink_closes_fast_opens_slower_and_leaves_the_rest_alone() -> None:
    path = overlay(QUIET, BlinksAt((0.4,)))
    lids = path.values[:, 3]
    (closed,) = np.nonzero(lids == np.float32(0.8))
    (moved,) = np.nonzero(lids != OWN[3])
    assert (path.values[:, [0, 2]] == QUIET.values[:, [0, 2]]).all()
    assert moved[0] == 11  # the frame at 0.4 s is the last open one
    assert closed[0] - 10 == 3  # 0.1 s
    assert moved[-1] + 1 - closed[-1] == 5  # 0.2 s
    assert (np.diff(lids[10 : closed[0] + 1]) > 0).all()
    assert (np.diff(lids[closed[-1] : moved[-1] + 2]) < 0).all()


def test_the_raised_lid_lets_go_in_a_blink() -> None:
    path = overlay(QUIET, BlinksAt((0.4,)))
    assert path.values[13, 1] == 0.0
    assert path.values[10, 1] == OWN[1] == path.values[-1, 1]


def test_eyes_that_are_closed_stay_so() -> None:
    shut = Trajectory(np.tile(np.array([0, 0, 0, 1], np.float32), (50, 1)), 25, AUS)
    assert (overlay(shut, NaturalBlinks()).values == shut.values).all()


def test_natural_blinks_are_as_many_as_asked_for_and_more_often_short_apart() -> None:
    starts = np.concatenate([np.diff(NaturalBlinks(17, seed).starts(15_000, 25)) / 25 for seed in range(5)])
    assert len(starts) == pytest.approx(5 * 17 * 10, rel=0.1)
    assert np.median(starts) < starts.mean()
    assert starts.std() / starts.mean() == pytest.approx(0.5, abs=0.1)


@given(
    rate=st.floats(1, 60),
    seed=st.integers(0, 2**64),
    frames=st.integers(2, 3000),
    fps=st.sampled_from([1.0, 5.0, 12.5, 24.0, 25.0, 29.97, 60.0, 120.0]),
)
def test_natural_blinks_never_overlap_nor_touch_the_ends(rate: float, seed: int, frames: int, fps: float) -> None:
    blinks, length = NaturalBlinks(rate, seed), len(blink_shape(fps))
    starts = blinks.starts(frames, fps)
    assert starts == blinks.starts(frames, fps)
    assert all(after - before > length for before, after in pairwise(starts))
    if starts:
        assert starts[0] >= 0.5 * fps - 0.5
        assert starts[-1] + length <= frames - 1
    else:
        assert frames <= 0.5 * fps + length + 2, "there was room for one"


def test_another_seed_is_another_performance() -> None:
    assert len({tuple(NaturalBlinks(seed=seed).starts(500, 25)) for seed in range(20)}) == 20


def test_times_do_not_hang_on_the_frame_rate() -> None:
    slow, fast = (np.array(NaturalBlinks(seed=4).starts(int(20 * fps), fps)) / fps for fps in (10.0, 60.0))
    assert len(slow) == len(fast) > 2
    assert np.abs(slow - fast).max() < 0.06


def test_a_blinking_move_still_loops_without_a_seam() -> None:
    move = Move(parse_expression("12=1"), motion=Motion(loop="ping-pong"))
    plain = move.trajectory(OWN, AUS)
    for seed in range(20):
        blinking = Blinking(move, NaturalBlinks(seed=seed))
        path = blinking.trajectory(OWN, AUS)
        assert len(path) == len(plain)
        assert (path.values[:12] == plain.values[:12]).all()
        assert (path.values[:, 3] == np.float32(0.8)).any(), "who asks for blinks sees one"
        assert path.values[-1, 3] <= 0.2, "lids are as good as open where the loop begins again"
        assert (blinking.goal(OWN, AUS) == move.goal(OWN, AUS)).all()
    assert blinking.fps == move.fps


def test_faces_do_not_blink_in_step() -> None:
    blinking = Blinking(Timeline(duration_s=20, blinks=NaturalBlinks(seed=3)), NaturalBlinks(seed=3))
    assert blinking.for_face(0) == blinking
    assert blinking.for_face(1).blinks == NaturalBlinks(seed=4)
    timeline = parse_timeline("{blink: {seed: 3}, duration: 20}")
    assert timeline.for_face(0) == timeline
    assert timeline.for_face(1).blinks_s != timeline.blinks_s
    assert parse_timeline("blink: [1]").for_face(1).blinks_s == [1.0]


def test_blinks_of_a_loop_are_at_times_of_the_whole() -> None:
    text = "loop: ping-pong\nrepeat: 2\nblink: [0.2, 2.5]\nkeyframes: [{time: 1, expression: 12=1}]"
    lids = parse_timeline(text).trajectory(OWN, AUS).values[:, 3]
    assert len(lids) == 100
    assert np.nonzero(lids == np.float32(0.8))[0].tolist() == [8, 9, 66, 67]
