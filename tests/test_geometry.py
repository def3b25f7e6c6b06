"""Laws of landmark motion: the spline meets its points, the fitted response is the planted one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ganimate.geometry import MIRROR, REACH, LandmarkResponse, fit_response, spline_flow
from ganimate.networks.blocks import warp

NUMBERS = (1, 12, 26, 45)
SWAP = np.array([-1.0, 1.0])


def layout(count: int = 2) -> Tensor:
    """68 points in a crop, none nearer than a grid's step to another."""
    ys, xs = torch.meshgrid(torch.linspace(0.25, 0.75, 9), torch.linspace(0.25, 0.75, 8), indexing="ij")
    points = torch.stack([xs, ys], -1).reshape(-1, 2)[:68]
    return points + 0.02 * torch.rand(count, 68, 2, generator=torch.Generator().manual_seed(0))


def bent(points: Tensor, by: float = 0.04) -> Tensor:
    """The points moved smoothly, by up to `by` crop widths."""
    return points + by * torch.sin(5 * points.flip(2))


def look_up(flow: Tensor, points: Tensor) -> Tensor:
    """The flow at points in crop widths, (B, 68, 2) in crop widths."""
    return functional.grid_sample(flow, points[:, None] * 2 - 1, align_corners=False)[:, :, 0].transpose(1, 2) / 2


def test_the_mirror_is_its_own_inverse_and_swaps_sides() -> None:
    assert np.array_equal(MIRROR[MIRROR], np.arange(68))
    assert MIRROR[36] == 45 and MIRROR[48] == 54 and MIRROR[0] == 16 and MIRROR[17] == 26 and MIRROR[60] == 64
    assert [i for i in range(68) if MIRROR[i] == i] == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]


def test_every_reach_is_symmetric() -> None:
    for number, points in REACH.items():
        assert {int(MIRROR[point]) for point in points} == set(points), number


def test_the_flow_meets_the_landmarks() -> None:
    source, target = layout(), bent(layout())
    flow = spline_flow(source, target, 64)
    assert flow.shape == (2, 2, 64, 64)
    assert (look_up(flow, target) - (source - target)).abs().max() < 0.1 * (source - target).abs().max()


def test_the_flow_is_backward_it_brings_what_was_at_the_source_to_the_target() -> None:
    source, target = layout(1), layout(1) + torch.tensor([0.08, -0.05])
    size = 64
    line = (torch.arange(size) + 0.5) / size
    spot = [((line - float(place)) * 30).square().neg().exp() for place in source[0, 30]]  # at landmark 30
    moved = warp((spot[1][:, None] * spot[0])[None, None], spline_flow(source, target, size))[0, 0]
    y, x = divmod(int(moved.argmax()), size)
    assert float(line[x]) == pytest.approx(float(target[0, 30, 0]), abs=0.02)
    assert float(line[y]) == pytest.approx(float(target[0, 30, 1]), abs=0.02)


def test_the_flow_rests_at_the_border() -> None:
    flow = spline_flow(layout(), bent(layout()), 64)
    for border in (flow[..., 0, :], flow[..., -1, :], flow[..., 0], flow[..., -1]):
        assert border.abs().max() < 0.1 * flow.abs().max()


def test_landmarks_that_stay_give_no_flow() -> None:
    assert not spline_flow(layout(), layout(), 16).any()


def test_the_flow_is_linear_in_the_displacement() -> None:
    target, move = layout(), bent(layout()) - layout()
    once, twice = spline_flow(target + move, target, 16), spline_flow(target + 2 * move, target, 16)
    assert torch.allclose(twice, 2 * once, atol=1e-4)


def test_each_face_of_a_batch_has_its_own_flow() -> None:
    source, target = layout(3), bent(layout(3))
    alone = torch.cat([spline_flow(source[i : i + 1], target[i : i + 1], 16) for i in range(3)])
    assert torch.allclose(spline_flow(source, target, 16), alone, atol=1e-5)


def test_the_flow_is_the_same_at_every_size() -> None:
    source, target = layout(), bent(layout())
    fine = functional.avg_pool2d(spline_flow(source, target, 64), 4)
    assert torch.allclose(fine, spline_flow(source, target, 16), atol=0.002)


def test_landmarks_outside_the_crop_or_on_one_place_give_a_finite_flow() -> None:
    source, target = layout(), layout()
    target[:, :5] = torch.tensor([1.6, 0.5])
    target[:, 5:10] = target[:, 5:6]
    assert torch.isfinite(spline_flow(source, target, 16)).all()


def symmetric(slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    return (slopes + slopes[:, MIRROR] * SWAP) / 2


def planted(seed: int = 0) -> NDArray[np.float64]:
    """A symmetric response that stays in the AUs' reach."""
    slopes = 0.05 * np.random.default_rng(seed).normal(size=(len(NUMBERS), 68, 2))
    reach = np.zeros((len(NUMBERS), 68, 1))
    for row, number in enumerate(NUMBERS):
        reach[row, REACH.get(number, [*range(17), *range(27, 36), *range(48, 68)])] = 1
    return symmetric(slopes) * reach


def people(
    slopes: NDArray[np.float64], photos_each: int = 8, count: int = 12
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Photos of people of very different shapes, all of whom respond alike."""
    rng = np.random.default_rng(1)
    persons = np.repeat(np.arange(count), photos_each).astype(np.int32)
    aus = rng.uniform(0, 1, (len(persons), len(NUMBERS))).astype(np.float32)
    shapes = rng.uniform(0, 1, (count, 68, 2))
    return (shapes[persons] + np.tensordot(aus, slopes, 1)).astype(np.float32), aus, persons


def test_a_planted_response_is_recovered() -> None:
    fitted = fit_response(*people(planted()), NUMBERS, ridge=1e-6)
    assert fitted.slopes.shape == (len(NUMBERS), 68, 2) and fitted.slopes.dtype == np.float32
    assert np.allclose(fitted.slopes, planted(), atol=1e-4)


def test_ridge_shrinks_but_does_not_turn_a_response() -> None:
    slopes = fit_response(*people(planted()), NUMBERS, ridge=1.0).slopes
    assert np.corrcoef(slopes.ravel(), planted().ravel())[0, 1] > 0.99
    assert np.abs(slopes).sum() < np.abs(planted()).sum()


def test_no_au_moves_what_its_muscle_does_not_reach() -> None:
    everywhere = symmetric(0.05 * np.random.default_rng(2).normal(size=(len(NUMBERS), 68, 2)))
    slopes = fit_response(*people(everywhere), NUMBERS).slopes
    for row, number in enumerate(NUMBERS):
        if number in REACH:
            assert not slopes[row, [i for i in range(68) if i not in REACH[number]]].any()
            assert slopes[row, REACH[number]].any()


def test_a_response_has_no_side() -> None:
    lopsided = 0.05 * np.random.default_rng(3).normal(size=(len(NUMBERS), 68, 2))
    slopes = fit_response(*people(lopsided), NUMBERS).slopes
    assert np.allclose(slopes, slopes[:, MIRROR] * SWAP, atol=1e-7)


def test_photos_of_nobody_known_do_not_count() -> None:
    points, aus, persons = people(planted())
    strangers = np.random.default_rng(4).uniform(0, 1, (5, 68, 2)).astype(np.float32)
    fitted = fit_response(
        np.concatenate([points, strangers]), np.concatenate([aus, aus[:5]]), np.append(persons, [-1] * 5), NUMBERS
    )
    assert np.array_equal(fitted.slopes, fit_response(points, aus, persons, NUMBERS).slopes)


def test_where_nobody_is_known_nothing_moves() -> None:
    points, aus, persons = people(planted())
    assert not fit_response(points, aus, 0 * persons - 1, NUMBERS).slopes.any()


def test_a_displacement_is_linear_in_the_change() -> None:
    response = LandmarkResponse(planted().astype(np.float32))
    y_from, y_to = np.array([0.1, 0.2, 0.3, 0.4], np.float32), np.array([0.9, 0.2, 0.3, 0.4], np.float32)
    assert not response.displacement(y_from, y_from).any()
    assert np.allclose(response.displacement(y_from, y_to), 0.8 * response.slopes[0], atol=1e-6)
    assert np.allclose(response.displacement(y_to, y_from), -response.displacement(y_from, y_to))
    assert response.displacement(np.stack([y_from, y_to]), np.stack([y_to, y_to])).shape == (2, 68, 2)
