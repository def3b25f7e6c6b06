from __future__ import annotations

import numpy as np
import pytest
import torch
from synthetic import mean_face
from torch import Tensor
from torch.nn import functional

from ganimate.face.landmarks import LOWER_LIDS, LOWER_LIPS, UPPER_LIDS, UPPER_LIPS
from ganimate.motion.spline import COMPANIONS, TEETH, TEETH_WITH_LIP, spline_flow, upper_teeth
from ganimate.networks.blocks import warp


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


def test_the_flow_meets_the_landmarks() -> None:
    source = layout()
    source[:, LOWER_LIPS] = source[:, UPPER_LIPS] + torch.tensor([0.0, 0.01])  # a shut mouth, in which are no teeth
    target = bent(source)
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


def test_the_flow_is_linear_in_the_displacement_of_what_has_no_companions() -> None:
    target, move = layout(), bent(layout()) - layout()
    move[:, [point for companion in COMPANIONS for point in companion[:2]]] = 0
    once, twice = spline_flow(target + move, target, 16), spline_flow(target + 2 * move, target, 16)
    assert torch.allclose(twice, 2 * once, atol=1e-4)


def test_the_skin_below_a_brow_goes_with_it() -> None:
    face = mean_face()
    raised = face.clone()
    raised[:, 17:27, 1] -= 0.05
    below = raised[:, [19]].lerp(raised[:, [19]] + face[:, [37]] - face[:, [19]], 0.2)  # a fifth of the way to the lid
    flow = spline_flow(face, raised, 128)
    assert look_up(flow, below)[0, 0, 1] == pytest.approx(0.05, abs=0.01)


def shut(face: Tensor) -> Tensor:
    """The face with both eyes closed, as a blink does it."""
    target = face.clone()
    gap = face[:, LOWER_LIDS] - face[:, UPPER_LIDS]
    target[:, UPPER_LIDS] += 0.85 * gap
    target[:, LOWER_LIDS] -= 0.15 * gap
    return target


def test_the_cheek_below_a_blink_keeps_its_place() -> None:
    face = mean_face()
    flow = spline_flow(face, shut(face), 128)
    way = (face[0, UPPER_LIDS] - face[0, LOWER_LIDS]).norm(dim=-1).mean()
    for lid in LOWER_LIDS:
        below = face[:, [lid]] + torch.tensor([0.0, 1.0]) * torch.linspace(0.02, 0.12, 11)[None, :, None]
        assert look_up(flow, below).norm(dim=-1).max() < 0.3 * way


def test_an_eye_that_closes_below_a_raised_brow_shows_nothing_twice() -> None:
    face = mean_face()
    target = shut(face)
    target[:, 17:27, 1] -= 0.066
    size = 128
    flow = spline_flow(face, target, size)
    for upper, brow in zip(UPPER_LIDS, (19, 20, 23, 24), strict=True):
        x = int(face[0, upper, 0] * size)
        rows = range(int(target[0, brow, 1] * size) + 1, int(target[0, upper, 1] * size) - 1)
        shown = np.array([(y + 0.5) / size + float(flow[0, 1, y, x]) / 2 for y in rows])  # from where in the photo
        assert np.diff(shown).min() > -2e-4, (upper, np.diff(shown))


def mouth(parted: float) -> Tensor:
    """The plain face with its inner lips so far apart, in crop widths, and the outer ones out of their way."""
    face = mean_face()
    middle = face[:, UPPER_LIPS + LOWER_LIPS, 1].mean()
    face[:, UPPER_LIPS, 1], face[:, LOWER_LIPS, 1] = middle - parted / 2, middle + parted / 2
    face[:, 49:54, 1] = middle - parted / 2 - 0.03
    face[:, 55:60, 1] = middle + parted / 2 + 0.04
    return face


def test_bared_teeth_are_not_drawn_out_when_the_jaw_drops() -> None:
    face = mouth(0.04)
    dropped = face.clone()
    dropped[:, [*range(5, 12), *LOWER_LIPS, *range(55, 60)], 1] += 0.08
    flow = spline_flow(face, dropped, 256)
    assert (look_up(flow, dropped) - (face - dropped)).abs().max() < 0.01  # lips and jaw go all the way
    row = torch.linspace(0.1, 0.75, 14)[None, :, None]  # down the teeth, of the gap that there was
    teeth = face[:, [62]].lerp(face[:, [66]], row)
    assert look_up(flow, teeth).norm(dim=-1).max() < 0.012  # of 0.08
    raised = face.clone()
    raised[:, [*UPPER_LIPS, *range(49, 54)], 1] -= 0.03
    shown = look_up(spline_flow(face, raised, 256), teeth - torch.tensor([0.0, 0.03 * TEETH_WITH_LIP]))
    assert shown[0, 5:, 1].mean() == pytest.approx(0.03 * TEETH_WITH_LIP, abs=0.005)


def test_teeth_are_expected_only_in_an_open_mouth_that_opens_further() -> None:
    ajar, wide, nearly_shut = mouth(0.03), mouth(0.08), mouth(0.005)
    for begin, end, sure in ((ajar, wide, 1.0), (nearly_shut, wide, 0.0), (wide, ajar, 0.0), (ajar, ajar, 0.0)):
        assert torch.equal(upper_teeth(begin, end)[2], torch.full((1, len(TEETH)), sure))


def test_each_face_of_a_batch_has_its_own_flow() -> None:
    source, target = layout(3), bent(layout(3))
    alone = torch.cat([spline_flow(source[i : i + 1], target[i : i + 1], 16) for i in range(3)])
    assert torch.allclose(spline_flow(source, target, 16), alone, atol=1e-5)


def test_the_flow_is_the_same_at_every_size() -> None:
    face = mean_face()
    fine = functional.avg_pool2d(spline_flow(face, bent(face), 128), 2)
    assert torch.allclose(fine, spline_flow(face, bent(face), 64), atol=0.005)


def test_landmarks_outside_the_crop_or_on_one_place_give_a_finite_flow() -> None:
    source, target = layout(), layout()
    target[:, :5] = torch.tensor([1.6, 0.5])
    target[:, 5:10] = target[:, 5:6]
    assert torch.isfinite(spline_flow(source, target, 16)).all()


def test_several_threads_solve_several_splines() -> None:
    points, threads = layout(8), torch.get_num_threads()
    alone = torch.cat([spline_flow(one[None], bent(one[None]), 16) for one in points])
    try:
        torch.set_num_threads(2)
        together = spline_flow(points, bent(points), 16)
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)
