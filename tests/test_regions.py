"""Laws of the critics of regions: what they see, what they are asked, and whom they teach."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganimate.config import RegionConfig
from ganimate.networks import Edit, RegionCritics
from ganimate.networks.regions import REGIONS, Region, detail
from ganimate.training import losses

pytestmark = pytest.mark.usefixtures("one_thread")
N_AUS = 3


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def at(x: float, y: float) -> Tensor:
    """Landmarks (1, 68, 2) that all lie on one place."""
    return torch.tensor([x, y]).expand(1, 68, 2)


def critics() -> RegionCritics:
    torch.manual_seed(0)
    return RegionCritics(RegionConfig(channels=4), N_AUS)


def test_a_region_is_cut_at_its_landmarks_pixel_by_pixel() -> None:
    image = draw(1, 3, 64, 64)
    patch = Region([48], 0.25, 0.125).cut(image, at(0.5, 0.25))  # 16 x 8 px around (32, 16)
    torch.testing.assert_close(patch, image[:, :, 12:20, 24:40], atol=1e-5, rtol=0)


def test_a_region_at_the_border_repeats_it() -> None:
    patch = Region([48], 0.25, 0.25).cut(torch.ones(1, 3, 64, 64), at(0.0, 1.0))
    torch.testing.assert_close(patch, torch.ones_like(patch))


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_is_symmetric_and_has_a_size_that_can_be_halved_three_times(region: Region) -> None:
    from ganimate.face.landmarks import MIRROR

    assert set(MIRROR[list(region.points)]) == set(region.points)
    patch = region.cut(draw(2, 3, 128, 128), draw(2, 68, 2, seed=1))
    assert patch.shape[2] % 8 == patch.shape[3] % 8 == 0


def test_colour_and_broad_shadows_are_not_judged() -> None:
    skin = draw(1, 3, 128, 128)
    tint = torch.tensor([0.2, -0.1, -0.1])[:, None, None]
    shadow = 0.3 * torch.linspace(-1, 1, 128)
    torch.testing.assert_close(detail(skin + tint), detail(skin), atol=1e-5, rtol=0)
    inside = (..., slice(16, -16))  # at the border a box sees one side only
    torch.testing.assert_close(detail(skin + shadow)[inside], detail(skin)[inside], atol=1e-5, rtol=0)
    assert detail(skin).std() > 0.1


def test_each_face_is_judged_alone() -> None:
    judge, images, points, aus = critics().eval(), draw(4, 3, 64, 64), draw(4, 68, 2, seed=1), draw(4, N_AUS, seed=2)
    together = judge.score(images, points, aus)
    alone = torch.cat([judge.score(*(part[i : i + 1] for part in (images, points, aus))) for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_the_same_mouth_is_judged_by_the_aus_that_it_is_said_to_show() -> None:
    judge, image, points = critics().eval(), draw(1, 3, 64, 64), draw(1, 68, 2, seed=1)
    none, all_of_them = (judge.score(image, points, torch.full((1, N_AUS), value)) for value in (0.0, 1.0))
    assert (none - all_of_them).abs().max() > 1e-3


def test_paint_alone_is_taught_and_its_result_is_the_edit() -> None:
    moved, difference = (draw(1, 3, 8, 8, seed=seed).requires_grad_() for seed in (1, 2))
    attention = draw(1, 1, 8, 8, seed=3).requires_grad_()
    color = moved + difference
    edit = Edit((1 - attention) * color + attention * moved, attention, color, moved)
    torch.testing.assert_close(edit.painted, edit.image)
    edit.painted.square().sum().backward()
    assert moved.grad is not None and moved.grad.abs().max() < 1e-6
    assert difference.grad is not None and difference.grad.abs().min() > 0
    assert attention.grad is not None and attention.grad.any()


def test_the_hinge_is_two_for_a_guess_and_nothing_where_all_is_told_apart() -> None:
    guess, sure = torch.zeros(2, 5), torch.full((2, 5), 1.5)
    assert losses.hinge(guess, guess) == 2
    assert losses.hinge(sure, -sure) == 0


def test_they_learn_to_tell_stripes_from_skin() -> None:
    judge, points, aus = critics(), torch.full((4, 68, 2), 0.5), torch.zeros(4, N_AUS)
    skin = torch.zeros(4, 3, 64, 64)
    stripes = skin.clone()
    stripes[..., ::2] = 0.5
    optimizer = torch.optim.Adam(judge.parameters(), 1e-2)
    for _ in range(30):
        loss = losses.hinge(judge.score(skin, points, aus), judge.score(stripes, points, aus))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.5
