"""Plans: what a face is asked to do, resolved for one face and one model."""

from __future__ import annotations

import numpy as np
import pytest

from ganimate.config import Motion
from ganimate.errors import ConfigError, ExpressionError
from ganimate.facs import parse_expression
from ganimate.timeline import Blinking, Keyframe, NaturalBlinks, Timeline
from ganimate.trajectory import Performance, Trajectory
from ganimate.trajectory.plan import (
    Move,
    Perform,
    Replay,
    asked,
    climax,
    distinct_frames,
    evenly,
    furthest,
    nearest,
    peak,
)

AUS = (1, 6, 12)
OWN = np.array([0.5, 0.25, 0.125], np.float32)


def test_a_move_begins_with_the_photo_and_leads_to_the_goal() -> None:
    move = Move(parse_expression("12=1.0"), motion=Motion(frames=3, hold_s=0.08, fps=25, loop="once"))
    path = move.trajectory(OWN, AUS)
    assert (path.values[0] == OWN).all()
    assert (path.values[-1] == move.goal(OWN, AUS)).all()
    assert move.goal(OWN, AUS).tolist() == [0.5, 0.25, 1.0]
    assert len(path) == 3 + 2
    assert path.fps == move.fps == 25


def test_a_move_may_begin_elsewhere() -> None:
    move = Move(parse_expression("neutral"), parse_expression("6=1"))
    assert move.trajectory(OWN, AUS).values[0].tolist() == [0.5, 1.0, 0.125]
    assert move.goal(OWN, AUS).tolist() == [0, 0, 0]


def test_others_may_be_zero_but_the_photo_stays_the_start() -> None:
    move = Move(parse_expression("12=1.0"), others="zero")
    assert (move.trajectory(OWN, AUS).values[0] == OWN).all()
    assert move.goal(OWN, AUS).tolist() == [0, 0, 1]


def test_each_end_of_a_move_decides_what_becomes_of_the_others() -> None:
    move = Move(parse_expression("12=1"), parse_expression("sadness"))
    assert move.trajectory(OWN, AUS).values[0].tolist() == [np.float32(0.4), np.float32(0.35), 0]
    assert move.goal(OWN, AUS).tolist() == [0.5, 0.25, 1]
    assert (Move(parse_expression("happiness")).trajectory(OWN, AUS).values[0] == OWN).all()


def test_what_the_model_lacks_of_either_end_is_told() -> None:
    move = Move(parse_expression("fear"), parse_expression("happiness"))
    assert move.left_out(AUS) == Blinking(move, NaturalBlinks()).left_out(AUS) == (2, 4, 5, 20, 25, 26)
    timeline = Timeline((Keyframe(1, parse_expression("fear")), Keyframe(2, parse_expression("happiness"))))
    assert timeline.left_out(AUS) == move.left_out(AUS)


def test_a_move_towards_other_photos_waits_for_what_they_show() -> None:
    move = Move(parse_expression("@b.jpg,6=1"), parse_expression("@a.jpg,@b.jpg"))
    assert move.photos() == ("a.jpg", "b.jpg")
    read = move.with_readings({"a.jpg": {12: 0.25}, "b.jpg": {1: 0.75}})
    assert read.photos() == ()
    assert read.goal(OWN, AUS).tolist() == [0.75, 1, 0.125]
    assert read.trajectory(OWN, AUS).values[0].tolist() == [0.75, 0.25, 0.25]
    with pytest.raises(ExpressionError, match="has not been read"):
        move.goal(OWN, AUS)


def test_a_replay_finds_its_columns_and_keeps_the_other_aus() -> None:
    recorded = Trajectory(np.array([[0, 0.2], [1, 0.4]], np.float32), 10, (12, 1))
    path = Replay(recorded).trajectory(OWN, AUS)
    assert path.aus == AUS
    assert path.fps == 10
    np.testing.assert_array_equal(path.values, np.array([[0.2, 0.25, 0], [0.4, 0.25, 1]], np.float32))
    assert (Replay(recorded).goal(OWN, AUS) == path.values[1]).all()


def test_a_replay_of_aus_that_the_model_lacks_is_refused() -> None:
    recorded = Trajectory(np.zeros((2, 1), np.float32), 10, (45,))
    with pytest.raises(ExpressionError, match="AU45"):
        Replay(recorded).trajectory(OWN, AUS)


CLIP = Performance(np.array([0.0, 0.1, 0.2]), np.array([[0.5, 0.2], [0.9, 0.2], [0.1, 0.6]], np.float32), (12, 45))


def test_a_performance_is_repeated_with_the_aus_that_model_and_clip_share() -> None:
    plan = Perform(CLIP, 10)
    path = plan.trajectory(OWN, AUS)
    assert (path.fps, path.aus, plan.left_out(AUS)) == (10, AUS, (45,))
    np.testing.assert_allclose(path.values, [[0.5, 0.25, 0.5], [0.5, 0.25, 0.9], [0.5, 0.25, 0.1]])
    assert (plan.goal(OWN, AUS) == path.values[1]).all()


@pytest.mark.parametrize("smooth_s", [0, 0.1])
def test_a_relative_performance_begins_with_the_photo(smooth_s: float) -> None:
    path = Perform(CLIP, 10, smooth_s, relative=True).trajectory(OWN, AUS)
    assert (path.values[0] == OWN).all()


def test_a_relative_performance_adds_what_changes() -> None:
    path = Perform(CLIP, 10, relative=True).trajectory(OWN, AUS)
    np.testing.assert_allclose(path.values[:, 2], [0.125, 0.525, 0])  # 0.125 - 0.4 is clipped


def test_a_performance_of_none_of_the_models_aus_is_refused() -> None:
    with pytest.raises(ExpressionError, match="none of the AUs AU12, AU45"):
        Perform(CLIP, 10).trajectory(OWN[:1], (1,))


def test_the_furthest_row_is_the_first_of_the_hold() -> None:
    path = Move(parse_expression("12=1.0"), motion=Motion(frames=4)).trajectory(OWN, AUS)
    assert furthest(path, OWN) == 3


def test_the_nearest_frame_to_the_goal_is_the_first_of_the_hold() -> None:
    move = Move(parse_expression("12=0.5"), parse_expression("6=1,12=1"), motion=Motion(frames=4))
    path = move.trajectory(OWN, AUS)
    assert furthest(path, OWN) == 0, "it begins further away than it ends"
    assert nearest([path], [move.goal(OWN, AUS)]) == 3


def test_the_nearest_frame_of_several_faces_is_where_all_together_are() -> None:
    values = [np.array([[0, 0, 0], [0, 0, 0.4], [0, 0, 0.6]]), np.array([[0, 0, 0], [0.9, 0, 0], [0.5, 0, 0]])]
    paths = [Trajectory(rows.astype(np.float32), 25, AUS) for rows in values]
    goals = [path.values[furthest(path, np.zeros(3, np.float32))] for path in paths]
    assert [nearest([path], [goal]) for path, goal in zip(paths, goals, strict=True)] == [2, 1]
    assert nearest(paths, goals) == 1


def test_the_peak_is_nearest_to_the_goal_or_furthest_where_the_goal_is_the_face_itself() -> None:
    move = Move(parse_expression("12=0.5"), parse_expression("6=1,12=1"), motion=Motion(frames=4))
    assert peak(move.trajectory(OWN, AUS), OWN, move.goal(OWN, AUS)) == 3
    back = Move(parse_expression("self"), parse_expression("6=1,12=1"), motion=Motion(frames=4))
    assert peak(back.trajectory(OWN, AUS), OWN, back.goal(OWN, AUS)) == 0, "at its end there is nothing to be seen"


def test_a_climax_differs_most_from_the_beginning_or_from_the_face_itself() -> None:
    own = np.array([0.5, 0, 0.6], np.float32)
    rest_and_smile = Trajectory(np.float32([[0.5, 0, 0], [0.5, 0, 0.7], [0.5, 0, 0.2]]), 25, AUS)
    assert furthest(rest_and_smile, own) == 0, "this face smiles already"
    assert climax(rest_and_smile, own).tolist() == rest_and_smile.values[1].tolist()
    back = Trajectory(np.float32([[0.5, 1, 0.6], own]), 25, AUS)
    assert climax(back, own).tolist() == back.values[0].tolist()


@pytest.mark.parametrize("wrong", [{"frames": 1}, {"fps": float("nan")}, {"fps": 0}, {"hold_s": -1}])
def test_a_motion_checks_itself(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Motion(**wrong)  # type: ignore[arg-type]


def test_distinct_frames_are_the_move_without_its_holds_and_its_way_back() -> None:
    up_and_back = Trajectory(np.float32([[0.1], [0.5], [0.9], [0.9], [0.5]]), 25, (12,))
    assert distinct_frames([up_and_back]) == [0, 1, 2]
    later = Trajectory(np.float32([[0], [0], [0], [1], [0]]), 25, (12,))
    assert distinct_frames([up_and_back, later]) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("count", "chosen"), [(1, [3]), (2, [3, 11]), (3, [3, 7, 11]), (5, [3, 5, 7, 9, 11]), (9, [3, 5, 7, 9, 11])]
)
def test_evenly_goes_from_the_first_to_the_last(count: int, chosen: list[int]) -> None:
    assert evenly([3, 5, 7, 9, 11], count) == chosen


def test_what_is_asked_are_the_aus_that_move_each_at_its_furthest_or_from_end_to_end() -> None:
    own = np.array([0.5, 0.2, 0.0], np.float32)
    path = Trajectory(np.array([[0.5, 0.2, 0.3], [0.505, 0.9, 0.1], [0.5, 0.0, 0.0]], np.float32), 25, (1, 4, 12))
    assert asked(path, own) == "4=0..0.9,12=0.3"
    assert asked(Trajectory(own[None], 25, (1, 4, 12)), own) == ""
