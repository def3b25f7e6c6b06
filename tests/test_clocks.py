"""When the rows of a table were seen: units, timecodes over midnight, and py-feat's own column of times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ganimate.trackers import read_performance
from ganimate.trackers.blendshapes import shape_of


def table(tmp_path: Path, header: str, lines: list[str]) -> Path:
    path = tmp_path / "clip.csv"
    path.write_text("\n".join([header, *lines]), "utf-8")
    return path


@pytest.mark.parametrize(("unit", "per_second"), [("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9)])
@pytest.mark.parametrize("begin_s", [0, 1_700_000_000])
@pytest.mark.parametrize("fps", [24, 30, 60, 120])
def test_units_are_told_by_the_steps(tmp_path: Path, unit: str, per_second: float, begin_s: int, fps: int) -> None:
    lines = [f"{round((begin_s + n / fps) * per_second)},0.5" for n in range(9)]
    clip = read_performance(table(tmp_path, "timestamp,AU12", lines))
    assert clip.duration_s == pytest.approx(8 / fps, abs=2e-3)
    assert any(f"'timestamp' is taken to be in {unit}" in note for note in clip.notes)


@pytest.mark.parametrize(("column", "per_second"), [("timestamp_ms", 1e3), ("timestamp_us", 1e6), ("time_ns", 1e9)])
def test_units_are_told_by_the_name(tmp_path: Path, column: str, per_second: float) -> None:
    lines = [f"{round(n * per_second)},0.5" for n in range(3)]  # a frame a second
    assert read_performance(table(tmp_path, f"{column},jawOpen", lines)).times_s.tolist() == [0, 1, 2]


def test_a_recording_of_live_link_goes_on_after_midnight(tmp_path: Path) -> None:
    stamps = ["23:59:59:00.0", "23:59:59:59.0", "00:00:00:00.0", "00:00:00:30.0", "00:00:01:00.0"]
    clip = read_performance(table(tmp_path, "Timecode,BlendShapeCount,JawOpen", [f"{s},61,0.5" for s in stamps]))
    assert clip.times_s.tolist() == pytest.approx([0, 59 / 60, 1, 1.5, 2])


@pytest.mark.parametrize("fps", [15, 24, 25, 30, 50, 60])
def test_pyfeats_own_times_tell_the_rate_of_its_frames(tmp_path: Path, fps: int) -> None:
    lines = [f"0.5,{n},00:{n // fps:02d}" for n in range(0, 5 * fps, 2)]
    clip = read_performance(table(tmp_path, "AU12,frame,approx_time", lines))
    np.testing.assert_allclose(clip.times_s, np.arange(0, 5 * fps, 2) / fps)
    expected = f"by the whole seconds that it tells the column 'frame' counts {fps} frames a second (--table-fps)"
    assert expected in clip.notes


@pytest.mark.parametrize("cell", ["", "soon", "00:99", "00:00"])
def test_times_that_tell_no_rate_are_not_used(tmp_path: Path, cell: str) -> None:
    lines = [f"0.5,{n},{cell}" for n in range(5)]
    np.testing.assert_allclose(
        read_performance(table(tmp_path, "AU12,frame,approx_time", lines)).times_s, np.arange(5) / 30
    )


@pytest.mark.parametrize(
    ("column", "shape"),
    [
        ("jaw_open", "jawopen"),
        ("JawOpen", "jawopen"),
        ("mouthSmile_L", "mouthsmileleft"),
        ("mouth_smile_right", "mouthsmileright"),
        ("eyeBlink_R", "eyeblinkright"),
        ("eyeBlinkL", "eyeblinkleft"),
        ("blendshape_jawOpen", "jawopen"),
        ("blendshapes.mouth_close", "mouthclose"),
        ("face_blendshapes/browInnerUp", "browinnerup"),
        ("_neutral", None),
        ("BlendShapeCount", None),
        ("blendshape_", None),
        ("mouthLeft", None),
        ("jawForward", None),
    ],
)
def test_blendshapes_are_known_in_every_spelling(column: str, shape: str | None) -> None:
    assert shape_of(column) == shape
