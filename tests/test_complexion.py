"""Laws of complexion: paint on skin is light and shade; eyes and mouth are painted as they are."""

from __future__ import annotations

import pytest
import torch
from synthetic import mean_face
from torch import Tensor

from ganimate.motion.contours import between, height, rise
from ganimate.render.complexion import BRIGHTEST_SHADE, DARKEST_SHADE, WARMTH, eyeballs, relit, shaded

SIZE = 64


def flat(*color: float) -> Tensor:
    """A picture (1, 3, S, S) of one colour, given in [0, 1], in [-1, 1]."""
    return (2 * torch.tensor(color)[None, :, None, None] - 1).expand(1, 3, SIZE, SIZE)


def at(picture: Tensor, x: float, y: float) -> Tensor:
    return (picture[0, :, int(y * SIZE), int(x * SIZE)] + 1) / 2


def middle(rows: list[int]) -> tuple[float, float]:
    x, y = mean_face()[0, rows].mean(0).tolist()
    return x, y


FOREHEAD = (0.5, 0.08)
SKIN = (0.8, 0.6, 0.5)


def test_paint_like_the_photo_changes_nothing() -> None:
    photo = 2 * torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) - 1
    torch.testing.assert_close(shaded(photo, photo, mean_face()), photo, atol=1e-5, rtol=0)


def test_green_paint_on_skin_is_a_shade_of_skin_and_in_the_mouth_it_is_green() -> None:
    painted = shaded(flat(0.2, 0.7, 0.2), flat(*SKIN), mean_face())
    skin = at(painted, *FOREHEAD)
    assert skin[0] > skin[1] > skin[2]
    for part in ([61, 62, 63, 65, 66, 67], [*range(36, 42)], [*range(42, 48)]):
        assert torch.allclose(at(painted, *middle(part)), torch.tensor([0.2, 0.7, 0.2]), atol=1e-4)


def test_a_shade_on_skin_is_warm_and_on_a_grey_photo_grey() -> None:
    dark = at(shaded(flat(0.6, 0.45, 0.375), flat(*SKIN), mean_face()), *FOREHEAD)
    factor = dark / torch.tensor(SKIN)
    assert factor[0] > factor[1] > factor[2] and (factor < 1).all()
    grey = at(shaded(flat(0.4, 0.4, 0.4), flat(0.6, 0.6, 0.6), mean_face()), *FOREHEAD)
    assert torch.allclose(grey, grey[:1].expand(3)) and 0.35 < grey[0] < 0.45


@pytest.mark.parametrize(("paint", "limit"), [(0.0, DARKEST_SHADE), (1.0, BRIGHTEST_SHADE)])
def test_shades_have_limits(paint: float, limit: float) -> None:
    found = at(shaded(flat(paint, paint, paint), flat(0.5, 0.5, 0.5), mean_face()), *FOREHEAD)
    assert torch.allclose(found, torch.full((3,), 0.5 * limit), atol=1e-2)


@pytest.mark.parametrize("ratio", [0.6, 0.9, 1.0, 1.2])
def test_every_colour_of_skin_folds_by_its_own_power(ratio: float) -> None:
    skin = torch.tensor(SKIN)[None, :, None, None]
    lit = relit(skin, torch.full((1, 1, 1, 1), ratio)).flatten()
    assert torch.allclose(lit, torch.tensor(SKIN) * ratio ** torch.tensor(WARMTH))


def test_eyeballs_are_where_eyes_are_open() -> None:
    seen = eyeballs(mean_face(), 128)[0, 0]
    for eye in ([*range(36, 42)], [*range(42, 48)]):
        x, y = middle(eye)
        assert seen[int(y * 128), int(x * 128)] > 0.8
    brow, mouth = middle([*range(17, 22)]), middle([*range(60, 68)])
    assert all(seen[int(y * 128), int(x * 128)] == 0 for x, y in (brow, mouth))
    shut = mean_face()
    shut[:, [37, 38, 43, 44]] = shut[:, [41, 40, 47, 46]]
    assert eyeballs(shut, 128).max() < 0.5 * seen.max()


def test_lines_go_through_their_points_and_masks_lie_between_them() -> None:
    upper = torch.tensor([[[0.2, 0.5], [0.5, 0.3], [0.8, 0.5]]])
    lower = torch.tensor([[[0.2, 0.5], [0.5, 0.7], [0.8, 0.5]]])
    assert torch.allclose(height(upper[:, :, 0][:, None], upper), upper[:, :, 1][:, None])
    mask = between(upper, lower, SIZE, 0.0, 0.02)
    assert mask.shape == (1, 1, SIZE, SIZE) and mask.min() >= 0 and mask.max() <= 1
    assert abs(float(mask.mean()) - 0.12) < 0.005  # a diamond, 0.6 wide and 0.4 high
    wider = between(upper, lower, SIZE, 0.05, 0.02)
    assert (wider >= mask).all() and wider.mean() > mask.mean()


def test_a_step_rises_smoothly() -> None:
    assert rise(torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0]), 0, 1).tolist() == [0, 0, 0.5, 1, 1]
