"""The photo beside the result, and the film strip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from patches import Painter, make_model
from synthetic import shoot

from ganimate.animation.animator import AnimatedFrame, Animator
from ganimate.animation.comparison import (
    STRIP_GAP_PX,
    STRIP_HEIGHT_PX,
    FilmStrip,
    compared_width_px,
    faces_window,
    side_by_side,
)
from ganimate.face.crop import Box, Face
from ganimate.media import read_photo

Picture = NDArray[np.uint8]


def picture(value: int, height: int = 60, width: int = 80) -> Picture:
    return np.full((height, width, 3), value, np.uint8)


@pytest.mark.parametrize("width", [1, 80, 81, 1000])
def test_the_photo_is_on_the_left_and_the_result_on_the_right(width: int) -> None:
    (frame,) = side_by_side(picture(10, width=width), [AnimatedFrame(picture(20, width=width), ())])
    shown = frame.image
    assert shown.shape == (60, compared_width_px(width), 3)
    assert shown.shape[1] % 2 == 0
    assert (shown[:, :width] == 10).all()
    assert (shown[:, -width:] == 20).all()
    assert (shown[:, width:-width] == 255).all()


def test_a_strip_is_a_row_of_the_wanted_frames() -> None:
    window = slice(10, 42), slice(20, 68)  # 32 high, 48 wide: enlarged eight times
    strip = FilmStrip(window, [0, 2])
    frames = [AnimatedFrame(picture(value), ()) for value in (10, 20, 30)]
    for frame in frames:
        frame.image[: window[0].start] = 255  # nothing of what is outside is to be seen
    assert all(a is b for a, b in zip(strip.watch(frames), frames, strict=True))
    width = 48 * STRIP_HEIGHT_PX // 32
    assert strip.picture.shape == (STRIP_HEIGHT_PX, 2 * width + STRIP_GAP_PX, 3)
    assert (strip.picture[:, :width] == 10).all()
    assert (strip.picture[:, width : width + STRIP_GAP_PX] == 255).all()
    assert (strip.picture[:, -width:] == 30).all()


def test_a_strip_of_many_wide_frames_fits_webp(tmp_path: Path) -> None:
    strip = FilmStrip((slice(0, 40), slice(0, 160)), range(64))
    list(strip.watch(AnimatedFrame(picture(n, 40, 160), ()) for n in range(64)))
    assert strip.picture.shape[1] <= 16_383
    strip.write(f"{tmp_path}/strip.webp", False)
    assert read_photo(tmp_path / "strip.webp").shape == strip.picture.shape


def test_the_window_holds_all_that_can_change() -> None:
    shot = shoot(people=1, photos=1, strangers=0)[0]
    wide = np.concatenate([shot.image] * 3, 1)
    faces = [Face(Box(0, 0, 96, 96), shot.landmarks + np.float32([96 * n, 0])) for n in (0, 2)]
    animator = Animator(make_model(Painter()))
    people = animator.prepare(wide, faces)
    frame = animator.still(wide, people, [np.array([1, 0, 1], np.float32)] * 2)
    rows, columns = faces_window(wide, people)
    assert (frame.image != wide).any()
    left = frame.image.copy()
    left[rows, columns] = wide[rows, columns]
    assert (left == wide).all()
    assert columns.start < 96 < 192 < columns.stop
