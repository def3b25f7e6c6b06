"""Laws of landmark motion: the spline meets its points, the fitted response is the planted one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ganimate.config import CropSpec
from ganimate.faces import align, transform
from ganimate.geometry import (
    BLINK,
    BROW_ROOM,
    CLOSED,
    COMPANIONS,
    LABEL_GAIN,
    LEAST_LIMIT,
    LEAST_TURNED,
    LOWER_LIDS,
    LOWER_LIPS,
    MIRROR,
    MOST_TURNED,
    REACH,
    REST_CLOSURE,
    UPPER_LIDS,
    UPPER_LIPS,
    LandmarkResponse,
    expressive_weight,
    eyelid_closure,
    eyes_shut,
    fit_response,
    foreshortening,
    move_landmarks,
    spline_flow,
)
from ganimate.networks.blocks import warp

NUMBERS = (1, 12, 26, 45)
FAR = torch.full((68,), 1e3)  # no limit
DATA = Path(__file__).parent / "data"
SWAP = np.array([-1.0, 1.0])


def layout(count: int = 2) -> Tensor:
    """68 points in a crop, none nearer than a grid's step to another."""
    ys, xs = torch.meshgrid(torch.linspace(0.25, 0.75, 9), torch.linspace(0.25, 0.75, 8), indexing="ij")
    points = torch.stack([xs, ys], -1).reshape(-1, 2)[:68]
    return points + 0.02 * torch.rand(count, 68, 2, generator=torch.Generator().manual_seed(0))


def mean_face() -> Tensor:
    """A plain frontal face (1, 68, 2) in crop widths: the example photo's, upright in its crop."""
    points = np.loadtxt(DATA / "astronaut_landmarks.csv", np.float32, delimiter=",")
    aligned = (transform(points, align(points, CropSpec())) + 0.5) / CropSpec().size_px
    return torch.from_numpy(aligned.astype(np.float32))[None]


def turned(by: float) -> Tensor:
    """The plain face with its nose tip `by` eye spans off the middle."""
    face = mean_face().clone()
    span = face[:, 45, 0] - face[:, 36, 0]
    face[:, 30, 0] = (face[:, 36, 0] + face[:, 45, 0]) / 2 + by * span
    return face


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


def symmetric(slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    return (slopes + slopes[:, MIRROR] * SWAP) / 2


def planted(seed: int = 0) -> NDArray[np.float64]:
    """A symmetric response that stays in the AUs' reach."""
    slopes = 0.05 * np.random.default_rng(seed).normal(size=(len(NUMBERS), 68, 2))
    reach = np.zeros((len(NUMBERS), 68, 1))
    for row, number in enumerate(NUMBERS):
        if number != BLINK:
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
    gain = np.array([LABEL_GAIN.get(number, 1) for number in NUMBERS])[:, None, None]
    assert np.allclose(fitted.slopes, gain * planted(), atol=1e-4)
    assert fitted.closing.tolist() == [number == BLINK for number in NUMBERS]


def test_ridge_shrinks_but_does_not_turn_a_response() -> None:
    slopes = fit_response(*people(planted()), NUMBERS, ridge=1.0).slopes
    slopes = slopes / np.array([LABEL_GAIN.get(number, 1) for number in NUMBERS])[:, None, None]
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


def test_an_au_moves_the_landmarks_by_its_slope_and_back() -> None:
    slopes = torch.zeros(2, 68, 2)
    slopes[0, 48:] = 0.02
    face, none = turned(0.0), torch.zeros(1, 2)
    smile = torch.tensor([[0.8, 0.0]])
    there = move_landmarks(face, none, smile, slopes, torch.zeros(2), FAR)
    assert torch.allclose(there - face, 0.8 * slopes[:1], atol=1e-5)
    assert torch.allclose(move_landmarks(there, smile, none, slopes, torch.zeros(2), FAR), face, atol=1e-5)
    assert torch.equal(move_landmarks(face, smile, smile, slopes, torch.zeros(2), FAR), face)


def test_a_response_moves_many_faces_each_by_its_own_wish() -> None:
    response = LandmarkResponse(planted().astype(np.float32), np.array([0, 0, 0, 1], np.float32), FAR.numpy())
    faces, y_from = np.concatenate([mean_face().numpy()] * 2), np.zeros((2, 4), np.float32)
    both = response.move(faces, y_from, np.eye(4, dtype=np.float32)[:2])
    for row in range(2):
        alone = response.move(faces[:1], y_from[:1], np.eye(4, dtype=np.float32)[row : row + 1])
        assert np.allclose(alone[0], both[row])


@pytest.mark.parametrize("openness", [0.5, 1.0, 1.5])
def test_a_full_blink_closes_every_eye_and_half_a_blink_half(openness: float) -> None:
    face, closing = mean_face(), torch.tensor([1.0])
    middle = (face[:, UPPER_LIDS] + face[:, LOWER_LIDS]) / 2
    face[:, UPPER_LIDS] = middle + openness * (face[:, UPPER_LIDS] - middle)
    face[:, LOWER_LIDS] = middle + openness * (face[:, LOWER_LIDS] - middle)
    gap = face[:, LOWER_LIDS, 1] - face[:, UPPER_LIDS, 1]
    for intensity, share in ((1.0, 0.0), (0.5, 0.5)):
        moved = move_landmarks(
            face, torch.zeros(1, 1), torch.tensor([[intensity]]), torch.zeros(1, 68, 2), closing, FAR
        )
        left = moved[:, LOWER_LIDS, 1] - moved[:, UPPER_LIDS, 1]
        assert torch.allclose(left, torch.maximum(share * gap, gap.clamp(0, CLOSED)), atol=1e-5)
        assert (moved[:, UPPER_LIDS, 1] - face[:, UPPER_LIDS, 1] >= 0).all()


def test_motions_level_off_at_what_faces_were_seen_to_do() -> None:
    slopes, limits = torch.zeros(2, 68, 2), torch.full((68,), 0.06)
    slopes[:, 17:27, 1] = -0.2  # up
    face = mean_face()
    both = face - move_landmarks(face, torch.zeros(1, 2), torch.ones(1, 2), slopes, torch.zeros(2), limits)
    assert (both[:, 17:27, 1] <= 0.06).all() and (both[:, 17:27, 1] > 0.9 * 0.06).all()
    little = face - move_landmarks(face, torch.zeros(1, 2), torch.full((1, 2), 0.01), slopes, torch.zeros(2), limits)
    assert torch.allclose(little[:, 17:27, 1], torch.tensor(0.004), atol=1e-4)


def test_a_frown_leaves_room_between_brow_and_lid() -> None:
    slopes, face = torch.zeros(1, 68, 2), mean_face()
    slopes[:, 17:27, 1] = 0.3
    moved = move_landmarks(face, torch.zeros(1, 1), torch.ones(1, 1), slopes, torch.zeros(1), FAR)
    before, after = (points[:, [37, 44], 1] - points[:, [19, 24], 1] for points in (face, moved))
    assert (after > (0.99 - BROW_ROOM) * before).all() and (after < before).all()


def test_the_limits_are_what_landmarks_did_at_most() -> None:
    points, aus, persons = people(planted())
    aus[::8] = 0  # everybody has a calm photo
    points[::8] -= np.tensordot(aus[::8], planted(), 1)
    far = fit_response(points, aus, persons, NUMBERS).limits
    calm = np.repeat(points[::8], 8, axis=0)
    seen = np.linalg.norm(points - calm, axis=-1).max(0)
    assert (far <= np.maximum(seen, seen[MIRROR]).clip(LEAST_LIMIT) + 1e-6).all() and (far >= LEAST_LIMIT).all()
    assert np.allclose(far, far[MIRROR])


def test_lips_that_close_do_not_cross() -> None:
    slopes = torch.zeros(1, 68, 2)
    slopes[:, LOWER_LIPS, 1] = -0.3
    moved = move_landmarks(mean_face(), torch.zeros(1, 1), torch.ones(1, 1), slopes, torch.zeros(1), FAR)
    assert (moved[:, LOWER_LIPS, 1] >= moved[:, UPPER_LIPS, 1] - 1e-6).all()


def test_narrow_eyes_are_not_shut() -> None:
    shut, previous = [], -1.0
    for openness in (1.0, 0.5, 0.35, 0.2, 0.0):
        face = mean_face()[0].numpy().copy()
        middle = (face[UPPER_LIDS] + face[LOWER_LIDS]) / 2
        for lids in (UPPER_LIDS, LOWER_LIDS):
            face[lids] = middle + openness * (face[lids] - middle)
        assert eyelid_closure(face) >= previous
        previous = float(eyelid_closure(face))
        shut.append(float(eyes_shut(face)))
        if previous <= REST_CLOSURE:
            assert shut[-1] == 0
    assert shut[0] == 0 and shut[-1] == 1


@pytest.mark.parametrize(("ratio", "closure"), [(0.4, 0.0), (0.27, 0.0), (0.195, 0.5), (0.12, 1.0), (0.0, 1.0)])
def test_the_closure_of_eyelids_follows_height_over_width(ratio: float, closure: float) -> None:
    face = mean_face().numpy()[0]
    for corner, other, upper, lower in ((36, 39, [37, 38], [41, 40]), (42, 45, [43, 44], [47, 46])):
        width = np.linalg.norm(face[corner] - face[other])
        face[upper] = face[corner] + [width / 2, -ratio * width / 2]
        face[lower] = face[corner] + [width / 2, ratio * width / 2]
    assert eyelid_closure(face) == pytest.approx(closure, abs=1e-4)
    assert eyelid_closure(np.stack([face, 3 * face + 7])).tolist() == pytest.approx([closure] * 2, abs=1e-4)


def test_the_mouth_and_the_eyes_count_more_and_a_face_as_much_as_another() -> None:
    faces = torch.cat([mean_face(), mean_face() + 0.1])
    weight = expressive_weight(faces, 64)
    assert weight.shape == (2, 1, 64, 64) and weight.min() > 0
    assert torch.allclose(weight.mean((1, 2, 3)), torch.ones(2))
    for face, values in zip(faces, weight[:, 0], strict=True):
        mouth, eye, chin = (face[points].mean(0) for points in ([62, 66], [37, 38, 40, 41], [8]))
        at = [float(values[int(64 * y), int(64 * x)]) for x, y in (mouth, eye, chin)]
        assert at[0] > 2 * at[1] > 4 * at[2]


def test_a_face_that_looks_into_the_camera_is_not_foreshortened() -> None:
    assert (foreshortening(turned(0.0)) == 1).all()


def test_the_averted_side_moves_less_and_the_near_side_more() -> None:
    share = foreshortening(turned(0.1))  # the nose points to the right of the picture, where the left lip corner is
    assert share[0, 54] < 0.95 < 1.05 < share[0, 48]
    assert share[0, 26] < share[0, 22] and share[0, 17] > share[0, 21]


def test_a_mirrored_face_is_foreshortened_as_its_image() -> None:
    face = turned(0.15)
    image = torch.tensor([1.0, 0.0]) + face[:, MIRROR] * torch.tensor([-1.0, 1.0])
    torch.testing.assert_close(foreshortening(image), foreshortening(face)[:, MIRROR], atol=1e-5, rtol=0)


def test_not_even_a_profile_stands_still_or_leaps() -> None:
    share = foreshortening(turned(0.9))
    assert share.min() == LEAST_TURNED and share.max() == MOST_TURNED


def test_a_turned_head_moves_up_and_down_as_any() -> None:
    slopes = torch.zeros(1, 68, 2)
    slopes[0, 48:60] = torch.tensor([0.02, 0.02])
    off, on = torch.zeros(1, 1), torch.ones(1, 1)
    face = turned(0.15)
    step = move_landmarks(face, off, on, slopes, torch.zeros(1), FAR) - face
    torch.testing.assert_close(step[0, 48:60, 1], torch.full((12,), 0.02), atol=1e-4, rtol=0)
    assert step[0, 54, 0] < 0.018 < 0.022 < step[0, 48, 0]
