"""Laws of trajectories: where they start and end, how they loop, and that a CSV file gives the same bits back."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from ganimate import trajectory as trajectory_module
from ganimate.errors import ExpressionError, OutputError
from ganimate.trajectory import (
    EASINGS,
    LOOPS,
    Trajectory,
    build_trajectory,
    format_trajectory,
    load_trajectory,
    save_trajectory,
)

AUS = (1, 12, 45)
Row = NDArray[np.float32]
rows = arrays(np.float32, 3, elements=st.floats(0.0, 1.0, width=32))
easings = st.sampled_from(sorted(EASINGS))
START = np.array([0.25, 0.0, 1.0], dtype=np.float32)
GOAL = np.array([0.25, 1.0, 0.1], dtype=np.float32)


def build(
    frames: int = 5, fps: float = 24.0, easing: str = "linear", hold_frames: int = 0, loop: str = "once"
) -> Trajectory:
    return build_trajectory(START, GOAL, AUS, frames=frames, fps=fps, easing=easing, hold_frames=hold_frames, loop=loop)


def test_all_is_defined() -> None:
    assert all(hasattr(trajectory_module, name) for name in trajectory_module.__all__)


def test_a_trajectory_knows_its_length_in_frames_and_seconds() -> None:
    trajectory = Trajectory(np.zeros((48, 3), np.float32), 24, AUS)
    assert len(trajectory) == 48 and trajectory.duration_s == 2.0
    assert trajectory.times_s[:2].tolist() == [0.0, 1 / 24]


def test_the_values_of_a_trajectory_cannot_be_changed_from_anywhere() -> None:
    source = np.zeros((2, 3), np.float32)
    trajectory = Trajectory(source, 24, AUS)
    source[0, 0] = 7.0
    assert trajectory.values[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        trajectory.values[0, 0] = 0.5


@pytest.mark.parametrize(
    ("values", "fps", "aus", "message"),
    [
        (np.zeros((2, 2)), 24, AUS, r"3 AUs cannot have values of the shape \(2, 2\)"),
        (np.zeros(3), 24, AUS, r"shape \(3,\)"),
        (np.zeros((0, 3)), 24, AUS, r"shape \(0, 3\)"),
        (np.zeros((2, 0)), 24, (), r"0 AUs cannot have values of the shape \(2, 0\)"),
        (np.zeros((2, 2)), 24, (1, 1), "an AU comes twice in the trajectory's 1, 1"),
        (np.array([[0, 0, 0], [0, 1.5, 0]]), 24, AUS, "AU12 of frame 2 must be between 0 and 1, not 1.5"),
        (np.array([[0, 0, np.nan]]), 24, AUS, "AU45 of frame 1 must be between 0 and 1, not nan"),
        (np.zeros((2, 3)), 0, AUS, "fps must be above 0 and at most 1000, not 0"),
        (np.zeros((2, 3)), -1, AUS, "fps must be above 0"),
        (np.zeros((2, 3)), float("nan"), AUS, "fps must be above 0"),
        (np.zeros((2, 3)), float("inf"), AUS, "fps must be above 0"),
    ],
)
def test_a_trajectory_that_cannot_be_is_refused(
    values: NDArray[np.float32], fps: float, aus: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ExpressionError, match=message):
        Trajectory(values, fps, aus)


@pytest.mark.parametrize("easing", EASINGS)
def test_an_easing_rises_from_exactly_0_to_exactly_1(easing: str) -> None:
    alpha = EASINGS[easing](np.linspace(0.0, 1.0, 1001))
    assert alpha[0] == 0.0 and alpha[-1] == 1.0
    assert np.all(np.diff(alpha) >= -1e-12)
    assert alpha.min() >= 0.0 and alpha.max() <= 1.0 + 1e-12


@pytest.mark.parametrize("easing", ["linear", "in-out", "min-jerk"])
def test_a_symmetric_easing_is_half_way_at_half_time(easing: str) -> None:
    assert EASINGS[easing](np.array([0.5])) == 0.5


def test_in_starts_slowly_and_out_ends_slowly() -> None:
    early = np.array([0.1])
    assert EASINGS["in"](early) < early < EASINGS["out"](early)


@given(rows, rows, easings, st.integers(2, 30), st.integers(0, 5))
def test_a_move_goes_from_start_to_goal_to_the_bit_and_holds(
    start: Row, goal: Row, easing: str, frames: int, hold_frames: int
) -> None:
    once = build_trajectory(start, goal, AUS, frames=frames, fps=24, easing=easing, hold_frames=hold_frames)
    assert once.values.dtype == np.float32 and len(once) == frames + hold_frames
    assert np.array_equal(once.values[0], start)
    assert np.all(once.values[frames - 1 :] == goal)
    assert np.all((once.values >= np.minimum(start, goal)) & (once.values <= np.maximum(start, goal)))


@given(rows, rows, easings, st.integers(2, 30), st.integers(0, 5))
def test_ping_pong_repeats_without_a_stutter(start: Row, goal: Row, easing: str, frames: int, hold_frames: int) -> None:
    there = build_trajectory(start, goal, AUS, frames=frames, fps=24, easing=easing)
    both = build_trajectory(
        start, goal, AUS, frames=frames, fps=24, easing=easing, hold_frames=hold_frames, loop="ping-pong"
    )
    assert len(both) == 2 * frames - 2 + hold_frames
    assert np.array_equal(both.values[:frames], there.values)
    back = np.concatenate([both.values[frames - 1 + hold_frames :], both.values[:1]])  # the next round's first frame
    assert np.array_equal(back, there.values[::-1])


def test_cycle_has_the_frames_of_once_and_only_differs_in_that_the_player_begins_again() -> None:
    once, cycle = build(hold_frames=2, loop="once"), build(hold_frames=2, loop="cycle")
    assert np.array_equal(once.values, cycle.values)
    assert [LOOPS[name].repeats for name in ("once", "cycle", "ping-pong")] == [False, True, True]


def test_a_linear_move_is_the_papers_interpolation() -> None:
    alpha = np.array([0.0, 0.25, 0.5, 0.75, 1.0])[:, None]
    np.testing.assert_allclose(build().values, alpha * GOAL + (1 - alpha) * START, atol=1e-7)


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"frames": 1}, "frames must be between 2 and 100000, not 1", None),
        ({"frames": 10**9}, "frames must be between 2 and 100000", None),
        ({"hold_frames": -1}, "hold_frames must be between 0", None),
        ({"fps": 0.0}, "fps must be above 0", None),
        ({"easing": "ease-in-out"}, "there is no easing 'ease-in-out'", "did you mean 'in-out'"),
        ({"easing": "xyz"}, "there is no easing 'xyz'", "linear, in, out, in-out, min-jerk"),
        ({"loop": "pingpong"}, "there is no loop 'pingpong'", "did you mean 'ping-pong'?"),
    ],
)
def test_a_move_that_cannot_be_is_refused(changes: dict[str, object], message: str, hint: str | None) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        build(**changes)  # type: ignore[arg-type]
    assert hint is None or hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("start", "goal", "message"),
    [
        ([0, 0], [0, 0, 0], r"the start of 3 AUs cannot have the shape \(2,\)"),
        ([0, 0, 0], [[0, 0, 0]], r"the goal of 3 AUs cannot have the shape \(1, 3\)"),
        ([0, -0.1, 0], [0, 0, 0], "AU12 of the start must be between 0 and 1, not -0.1"),
        ([0, 0, 0], [0, 0, np.nan], "AU45 of the goal must be between 0 and 1, not nan"),
    ],
)
def test_ends_that_cannot_be_are_refused(start: list[float], goal: list[float], message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        build_trajectory(np.array(start, np.float32), np.array(goal, np.float32), AUS, frames=2, fps=24)


def test_csv_is_readable_text_under_the_names_of_openface(tmp_path: Path) -> None:
    save_trajectory(build(frames=2, fps=10), tmp_path / "move.csv")
    assert (tmp_path / "move.csv").read_text() == "time_s,AU01,AU12,AU45\n0.0,0.25,0,1\n0.1,0.25,1,0.1\n"
    assert os.listdir(tmp_path) == ["move.csv"]


finite_rates = st.decimals("0.01", "1000", places=3).map(float)
tables = arrays(np.float32, st.tuples(st.integers(2, 6), st.just(3)), elements=st.floats(0.0, 1.0, width=32))


@given(tables, finite_rates, st.permutations([1, 12, 45]))
def test_a_csv_round_trip_is_exact_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, values: NDArray[np.float32], fps: float, aus: list[int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "roundtrip.csv"
    save_trajectory(Trajectory(values, fps, tuple(aus)), path, overwrite=True)
    loaded = load_trajectory(path)
    assert loaded.values.tobytes() == values.tobytes()
    assert loaded.aus == tuple(aus) and loaded.fps == fps


@pytest.mark.parametrize("fps", [24.0, 25.0, 29.97, 30.0, 23.976, 59.94, 1000.0, 0.5])
def test_the_fps_of_a_long_trajectory_comes_back_exactly(tmp_path: Path, fps: float) -> None:
    save_trajectory(Trajectory(np.zeros((997, 1), np.float32), fps, (12,)), tmp_path / "long.csv")
    assert load_trajectory(tmp_path / "long.csv").fps == fps


def test_a_table_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(b"\xef\xbb\xbfTime_s, au1 ,AU012\r\n0.000,0,1e-3\r\n\r\n0.042, 0.5 ,1\r\n0.083,1,1\r\n,,\r\n")
    loaded = load_trajectory(path)
    assert loaded.aus == (1, 12) and loaded.values[1].tolist() == [0.5, 1.0]
    assert loaded.fps == pytest.approx(24, rel=0.01)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("frame,AU01\n0,0\n1,0\n", "line 1: the header begins with 'frame' instead of time_s"),
        ("time_s\n0\n1\n", "line 1: the header begins with 'time_s' instead of time_s and AUs"),
        ("time_s;AU01\n0;0\n", "line 1: the header begins with 'time_s;AU01'"),
        ("time_s,smile\n0,0\n1,0\n", "line 1: the column 'smile' is neither an AU nor a turn"),
        ("time_s,AU0\n0,0\n1,0\n", "line 1: the column 'AU0' is neither an AU nor a turn"),
        ("time_s,AU01,AU1\n0,0,0\n1,0,0\n", "line 1: there are two columns of AU1"),
        ("time_s,AU01\n", "line 1: a trajectory needs at least 2 frames, and 0 follow"),
        ("time_s,AU01\n0,0\n", "line 1: a trajectory needs at least 2 frames, and 1 follow"),
        ("time_s,AU01\n0,0\n1\n", "line 3: there are 1 cells under a header of 2"),
        ("time_s,AU01\n0,0\n\n1,0,0\n", "line 4: there are 3 cells under a header of 2"),
        ("time_s,AU01\n0,0\n1,much\n", "line 3: AU01 is 'much', which is not a number"),
        ("time_s,AU01\n0,0\n1,\n", "line 3: AU01 is '', which is not a number"),
        ("time_s,AU01\n0,0\n1,1.5\n", "line 3: AU01 must be between 0 and 1, not 1.5"),
        ("time_s,AU01\n0,-0.1\n1,0\n", "line 2: AU01 must be between 0 and 1, not -0.1"),
        ("time_s,AU01\n0,nan\n1,0\n", "line 2: AU01 must be finite, not nan"),
        ("time_s,AU01\ninf,0\n1,0\n", "line 2: time_s must be finite, not inf"),
        ("time_s,AU01\n0,0\n1,0\n2,0\n4,0\n5,0\n", "line 5: time_s is 2 s after the frame before, where 1 s is usual"),
        ("time_s,AU01\n0,0\n0,0\n", "line 3: time_s is 0 s after the frame before"),
        ("time_s,AU01\n1,0\n0,0\n", "line 3: time_s is -1 s after the frame before"),
        ("time_s,AU01\n0,0\n0.0001,0\n", "fps must be above 0 and at most 1000, not 10000"),
    ],
)
def test_a_bad_table_is_refused_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ExpressionError) as caught:
        load_trajectory(path)
    assert message in caught.value.message and "\n" not in caught.value.message


def test_what_is_no_table_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.csv").write_bytes(b"\x89PNG\r\n\xff\xfe" * 9)
    (tmp_path / "long.csv").write_text("x" * 200_000)
    with pytest.raises(ExpressionError, match="is not a CSV file"):
        load_trajectory(tmp_path / "photo.csv")
    with pytest.raises(ExpressionError, match="is not a CSV file"):
        load_trajectory(tmp_path / "long.csv")
    with pytest.raises(ExpressionError, match="cannot be read: No such file"):
        load_trajectory(tmp_path / "missing.csv")
    with pytest.raises(ExpressionError, match="cannot be read: Is a directory"):
        load_trajectory(tmp_path)


def test_a_file_is_only_overwritten_when_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "move.csv"
    save_trajectory(build(frames=2), path)
    with pytest.raises(OutputError, match="the file exists"):
        save_trajectory(build(frames=3), path)
    assert len(load_trajectory(path)) == 2
    save_trajectory(build(frames=3), path, overwrite=True)
    assert len(load_trajectory(path)) == 3


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file or directory"):
        save_trajectory(build(), tmp_path / "no" / "move.csv")
    with pytest.raises(OutputError, match="it is a folder"):
        save_trajectory(build(), tmp_path, overwrite=True)
    with pytest.raises(OutputError, match="name too long"):
        save_trajectory(build(), tmp_path / ("x" * 300))
    with pytest.raises(ExpressionError, match="one frame"):
        save_trajectory(Trajectory(np.zeros((1, 3), np.float32), 24, AUS), tmp_path / "one.csv")
    assert os.listdir(tmp_path) == []


def test_a_write_that_breaks_off_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "move.csv"
    save_trajectory(build(frames=2), path)

    def full_disk(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OutputError, match="No space left on device"):
        save_trajectory(build(frames=3), path, overwrite=True)
    assert os.listdir(tmp_path) == ["move.csv"] and len(load_trajectory(path)) == 2


def test_the_printed_table_shows_what_moves() -> None:
    assert format_trajectory(build(frames=3, fps=10)).splitlines() == [
        "3 frames at 10 fps, 0.30 s",
        "frame  time_s  AU12  AU45",
        "    1    0.00  0.00  1.00",
        "    2    0.10  0.50  0.55",
        "    3    0.20  1.00  0.10",
        "unchanged: AU01 0.25",
    ]


def test_the_printed_table_of_a_long_trajectory_leaves_out_the_middle() -> None:
    lines = format_trajectory(build(frames=100), max_rows=3).splitlines()
    assert [line.split()[0] for line in lines[2:-1]] == ["1", "2", "…", "100"]
