"""Reports of what was read back: JSON, CSV, a plot."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from patches import AUS, OWN, Idler, Painter, make_judge, make_model
from synthetic import shoot

from ganimate.animation.animator import Animator
from ganimate.animation.read_back import ReadBack, judge_reader
from ganimate.animation.report import ReadBackReport
from ganimate.errors import OutputError
from ganimate.face.crop import Box, Face
from ganimate.face.detect import GridEmbedder
from ganimate.figures.plots import Curve, readback_plot
from ganimate.media import read_photo
from ganimate.networks import GeneratorNetwork
from ganimate.trajectory import Trajectory

PHOTO = shoot(people=1, photos=1, strangers=0)[0]
UP = np.array([[OWN, OWN, OWN], [OWN, 0.7, OWN], [OWN, 0.9, OWN], [OWN, 0.7, OWN]], np.float32)


def make_report(
    generator: GeneratorNetwork | None = None,
    values: np.ndarray = UP,
    *,
    fps: float | None = 25.0,
    judged: tuple[int, ...] = AUS,
) -> ReadBackReport:
    animator = Animator(make_model(generator or Painter()))
    people = animator.prepare(PHOTO.image, [Face(Box(0, 0, 96, 96), PHOTO.landmarks)])
    paths = [Trajectory(values, fps or 1.0, AUS)]
    reader = judge_reader(make_judge(np.eye(len(judged)), judged))
    readback = ReadBack(
        PHOTO.image, people, paths, reader, every_frame=True, embedder=GridEmbedder(), identity_frames=1
    )
    list(readback.watch(animator.frames(PHOTO.image, people, paths)))
    return ReadBackReport(
        readback, {"photo": "me.png", "result": "me.gif", "model": {"name": "fake"}}, [{"number": 3}], fps
    )


def test_json_tells_every_frame() -> None:
    told = json.loads(make_report().to_json())
    assert (told["photo"], told["result"], told["frames"], told["fps"]) == ("me.png", "me.gif", 4, 25.0)
    assert told["reader"] == {"name": "the judge", "independent": True}
    assert not any("hardly changed" in warning for warning in told["warnings"])
    (face,) = told["faces"]
    assert (face["number"], face["moved"], face["peak_frame"], face["identity_frames"]) == (3, ["AU12"], 2, [0, 2])
    assert face["photo"]["asked"] == dict.fromkeys(("AU1", "AU12", "AU26"), 0.4)
    assert [frame["frame"] for frame in face["frames"]] == [0, 1, 2, 3]
    assert [frame["time_s"] for frame in face["frames"]] == [0.0, 0.04, 0.08, 0.12]
    assert [frame["asked"]["AU12"] for frame in face["frames"]] == [0.4, 0.7, 0.9, 0.7]
    assert [frame["read"]["AU12"] for frame in face["frames"]] == pytest.approx([0.4, 0.7, 0.9, 0.7], abs=0.06)
    assert [frame["identity_distance"] is None for frame in face["frames"]] == [False, True, False, True]


def test_json_tells_doubts_and_what_is_not_known() -> None:
    told = json.loads(make_report(Idler(), judged=(1, 26)).to_json())
    assert len(told["warnings"]) == 1
    (face,) = told["faces"]
    assert face["photo"]["read"]["AU12"] is None
    assert all(frame["read"]["AU12"] is None for frame in face["frames"])


def test_csv_has_a_row_a_frame_and_an_empty_cell_for_what_was_not_measured() -> None:
    report = make_report(judged=(1, 26))
    rows = list(csv.DictReader(io.StringIO(report.to_csv())))
    told = json.loads(report.to_json())["faces"][0]["frames"]
    assert len(rows) == 4
    assert list(rows[0])[:3] == ["frame", "time_s", "face"]
    for row, frame in zip(rows, told, strict=True):
        assert (int(row["frame"]), float(row["time_s"]), row["face"]) == (frame["frame"], frame["time_s"], "3")
        assert float(row["AU12_asked"]) == frame["asked"]["AU12"]
        assert float(row["AU01_read"]) == frame["read"]["AU1"]
        assert row["AU12_read"] == ""
        assert float(row["crop_changed_share"]) == frame["crop_changed_share"]
    assert [row["identity_distance"] == "" for row in rows] == [False, True, False, True]


@pytest.mark.parametrize(("values", "fps"), [(UP, 25.0), (UP[2:3], None)])
def test_the_plot_shows_the_moved_aus_and_the_identity(tmp_path: Path, values: np.ndarray, fps: float | None) -> None:
    make_report(values=values, fps=fps).write(f"{tmp_path}/a.png", False)
    two = read_photo(tmp_path / "a.png")
    both = values.copy()
    both[-1, 0] = 1.0
    make_report(values=both, fps=fps).write(f"{tmp_path}/b.png", False)
    assert read_photo(tmp_path / "b.png").shape[1] > two.shape[1]  # a panel more


def test_a_plot_of_nothing_says_so() -> None:
    bare = readback_plot([], 0.6, "the judge", still=False)
    assert bare.dtype == np.uint8
    assert (bare < 128).any()


def test_a_plot_draws_asked_and_read() -> None:
    times, low, high = np.arange(3.0), np.full(3, 0.2), np.full(3, 0.8)
    plots = [readback_plot([Curve("AU1", times, low, read)], 0.6, "x", still=False) for read in (low, high)]
    assert (plots[0] != plots[1]).any()


@pytest.mark.parametrize("suffix", ["json", "csv", "png"])
def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"report.{suffix}"
    path.write_text("mine")
    report = make_report()
    with pytest.raises(OutputError, match="already exists"):
        report.write(str(path), False)
    assert path.read_text() == "mine"
    report.write(str(path), True)
    assert path.stat().st_size > 100
    assert list(tmp_path.iterdir()) == [path]
