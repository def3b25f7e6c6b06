"""Recorders: an animation and its masks appear together, complete, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganimate.animation.animator import Frame
from ganimate.animation.outputs import Outputs, Recorder, StillRecorder
from ganimate.errors import OutputError
from ganimate.render.compose import FaceEdit


def frame(value: float) -> Frame:
    """A frame of two faces: attention `value`, and 1 - `value`."""
    edits = tuple(
        FaceEdit(
            np.full((8, 8), a, np.float32),
            np.full((8, 8, 3), 255 * value, np.float32),
            None,
            np.zeros((8, 8, 3), np.float32),
        )
        for a in (value, 1 - value)
    )
    return Frame(np.full((40, 60, 3), round(255 * value), np.uint8), edits)


def frames() -> Iterator[Frame]:
    yield from (frame(value) for value in (0.0, 1.0, 0.2))


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def test_masks_are_written_in_step_or_at_the_peak(tmp_path: Path) -> None:
    outputs = Outputs(f"{tmp_path}/frames/", f"{tmp_path}/attention.png", f"{tmp_path}/color/")
    assert Recorder(outputs, 25, repeats=True).record(frames(), peak=1) == 3
    assert len(list((tmp_path / "frames").iterdir())) == len(list((tmp_path / "color").iterdir())) == 3
    attention = read(tmp_path / "attention.png")
    assert attention.shape == (8, 16)
    assert (attention[:, :8] == 255).all()
    assert (attention[:, 8:] == 0).all()
    assert (read(tmp_path / "color" / "00002.png") == 51).all()


def test_nothing_is_left_when_frames_fail(tmp_path: Path) -> None:
    def failing() -> Iterator[Frame]:
        yield frame(0.0)
        raise KeyboardInterrupt

    recorder = Recorder(Outputs(f"{tmp_path}/a.mp4", f"{tmp_path}/b.gif", f"{tmp_path}/c/"), 25, repeats=True)
    with pytest.raises(KeyboardInterrupt):
        recorder.record(failing(), peak=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("loop", [True, False])
def test_a_gif_repeats_only_if_asked(tmp_path: Path, loop: bool) -> None:
    Recorder(Outputs(f"{tmp_path}/a.gif"), 25, repeats=loop).record(frames(), peak=0)
    with Image.open(tmp_path / "a.gif") as image:
        assert ("loop" in image.info) == loop


def test_a_still_and_its_masks(tmp_path: Path) -> None:
    outputs = Outputs(f"{tmp_path}/a.png", f"{tmp_path}/b.png", f"{tmp_path}/c.png")
    assert StillRecorder(outputs).record([frame(1.0)]) == 1
    assert (read(tmp_path / "a.png") == 255).all()
    assert read(tmp_path / "c.png").shape == (8, 16, 3)


@pytest.mark.parametrize("name", ["attention", "color"])
def test_bad_places_are_told_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        Recorder(Outputs(f"{tmp_path}/a.gif", **{name: f"{tmp_path}/nowhere/b.png"}), 25, repeats=True)
    with pytest.raises(OutputError, match="nowhere"):
        StillRecorder(Outputs(f"{tmp_path}/a.png", **{name: f"{tmp_path}/nowhere/b.png"}))


def test_results_do_not_share_a_name_nor_take_the_photos(tmp_path: Path) -> None:
    photo = tmp_path / "me.gif"
    photo.touch()
    with pytest.raises(OutputError, match="photo itself"):
        Outputs(f"{tmp_path}/./me.gif", overwrite=True).check_distinct(photo)
    with pytest.raises(OutputError, match="two results"):
        Outputs(f"{tmp_path}/a.gif", f"{tmp_path}/a.gif").check_distinct(photo)
    with pytest.raises(OutputError, match="is the video itself"):
        Outputs(str(photo), overwrite=True).check_distinct(photo, "video")
    Outputs(f"{tmp_path}/a.gif", f"{tmp_path}/b.gif").check_distinct(photo)
