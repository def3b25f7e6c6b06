"""Laws of views: without augmentation they are the animator's crop; light is only light."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.config import Augmentation, CropSpec, JudgeTraining
from ganimate.data.augmentation import View, draw_view
from ganimate.data.pack import MARGIN, stored_size_px

SIZE = 64
STORED = stored_size_px(CropSpec(size_px=SIZE))
INSIDE = slice(round(SIZE * MARGIN), round(SIZE * MARGIN) + SIZE)
STILL = Augmentation(flip=False, **{name: 0.0 for name in vars(Augmentation()) if name not in ("flip", "jpeg_quality")})


def views(how: Augmentation, count: int = 20) -> list[View]:
    return [draw_view(np.random.default_rng(seed), how, SIZE) for seed in range(count)]


def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (STORED, STORED, 3)).astype(np.uint8)


def test_a_view_without_augmentation_is_the_middle_as_it_is() -> None:
    (view,) = views(STILL, 1)
    np.testing.assert_array_equal(view.expose(view.crop(noise())), noise()[INSIDE, INSIDE])


def test_a_mirrored_view_is_the_mirror_image() -> None:
    one, other = (view for view in (View(SIZE, views(STILL, 1)[0].to_crop, flip, *PLAIN) for flip in (False, True)))
    np.testing.assert_array_equal(other.crop(noise()), one.crop(noise())[:, ::-1])


PLAIN = (np.ones(3, np.float32), 0.0, 1.0, 0.0, None)


def test_a_black_and_white_view_has_no_colour() -> None:
    for view in views(Augmentation(grey_probability=1.0, tint=0.0, jpeg_probability=0.0)):
        assert np.ptp(view.expose(view.crop(noise())).astype(int), axis=2).max() <= 1


def test_a_view_shows_two_photos_alike() -> None:
    for view in views(JudgeTraining().augmentation):
        np.testing.assert_array_equal(view.expose(view.crop(noise())), view.expose(view.crop(noise())))


def test_blur_is_told_in_pixels_of_a_crop_of_128() -> None:
    how = Augmentation(blur_probability=1.0)
    for seed in range(5):
        small, large = (draw_view(np.random.default_rng(seed), how, size) for size in (64, 256))
        assert 4 * small.blur_px == pytest.approx(large.blur_px)
        assert 0.4 <= small.blur_px * 2 <= how.blur
