"""Laws of landmark motion: the fitted response is the planted one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from synthetic import mean_face
from torch import Tensor

from ganimate.face.landmarks import BROWS, BROWS_ABOVE, CLOSED, LOWER_LIDS, LOWER_LIPS, MIRROR, UPPER_LIDS, UPPER_LIPS
from ganimate.motion.landmark_response import (
    BLINK,
    JAW_LIMIT,
    LABEL_GAIN,
    LEAST_LIMIT,
    LEAST_TURNED,
    MOST_TURNED,
    REACH,
    REST_CLOSURE,
    LandmarkResponse,
    expressive_weight,
    eyelid_closure,
    eyes_shut,
    fit_response,
    foreshortening,
    move_landmarks,
)
from ganimate.motion.room import LOWERED_ROOM

NUMBERS = (1, 12, 26, 45)
FAR = torch.full((68,), 1e3)  # no limit
SWAP = np.array([-1.0, 1.0])


def turned(by: float) -> Tensor:
    """The plain face with its nose tip `by` eye spans off the middle."""
    face = mean_face().clone()
    span = face[:, 45, 0] - face[:, 36, 0]
    face[:, 30, 0] = (face[:, 36, 0] + face[:, 45, 0]) / 2 + by * span
    return face


def test_the_mirror_is_its_own_inverse_and_swaps_sides() -> None:
    assert np.array_equal(MIRROR[MIRROR], np.arange(68))
    assert MIRROR[36] == 45 and MIRROR[48] == 54 and MIRROR[0] == 16 and MIRROR[17] == 26 and MIRROR[60] == 64
    assert [i for i in range(68) if MIRROR[i] == i] == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]


def test_every_reach_is_symmetric() -> None:
    for number, points in REACH.items():
        assert {int(MIRROR[point]) for point in points} == set(points), number


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


def test_the_corners_of_the_eyes_rest_and_what_goes_with_them_does_not_move() -> None:
    apart = np.zeros((len(NUMBERS), 68, 2))
    apart[:, [*range(17, 22), *range(36, 42)]] = [-0.01, 0.02]  # as where crops are aligned by a wrinkled nose
    apart = apart + apart[:, MIRROR] * SWAP
    wrinkle = np.zeros_like(apart)
    wrinkle[:, BROWS, 1] = 0.03
    both, alone = (
        fit_response(*people(planted), (9, *NUMBERS[1:]), ridge=1e-6).slopes for planted in (apart + wrinkle, wrinkle)
    )
    assert np.allclose(both, alone, atol=1e-4)
    assert not both[:, [36, 39, 42, 45]].any()
    assert np.allclose(both[0, BROWS], [0, 0.03], atol=1e-4)


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
    slopes[0, 48:] = torch.tensor([0.02, 0.01])
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
    slopes, limits = torch.zeros(2, 68, 2), torch.full((68,), 0.04)
    slopes[:, 17:27, 1] = -0.2  # up
    face = mean_face()
    both = face - move_landmarks(face, torch.zeros(1, 2), torch.ones(1, 2), slopes, torch.zeros(2), limits)
    assert (both[:, 17:27, 1] <= 0.04).all() and (both[:, 17:27, 1] > 0.9 * 0.04).all()
    little = face - move_landmarks(face, torch.zeros(1, 2), torch.full((1, 2), 0.01), slopes, torch.zeros(2), limits)
    assert torch.allclose(little[:, 17:27, 1], torch.tensor(0.004), atol=1e-4)


def test_a_frown_leaves_room_between_brow_and_lid() -> None:
    slopes, face = torch.zeros(1, 68, 2), mean_face()
    slopes[:, 17:27, 1] = 0.3
    moved = move_landmarks(face, torch.zeros(1, 1), torch.ones(1, 1), slopes, torch.zeros(1), FAR)
    before, after = (points[:, [37, 44], 1] - points[:, [19, 24], 1] for points in (face, moved))
    assert (after > (0.99 - LOWERED_ROOM) * before).all() and (after < before).all()


def test_who_stares_with_knit_brows_hides_the_lid_and_does_not_bend_the_brow() -> None:
    frown, stare, face = torch.zeros(1, 68, 2), torch.zeros(1, 68, 2), mean_face()
    frown[:, 17:27, 1], stare[:, UPPER_LIDS, 1] = 0.3, -0.03
    knit, wide, both = (
        move_landmarks(face, torch.zeros(1, 1), torch.ones(1, 1), slopes, torch.zeros(1), FAR)
        for slopes in (frown, stare, frown + stare)
    )
    assert torch.equal(both[:, 17:27], knit[:, 17:27])
    assert (face[:, UPPER_LIDS, 1] - wide[:, UPPER_LIDS, 1] > 0.02).all()
    raised = face[:, UPPER_LIDS, 1] - both[:, UPPER_LIDS, 1]
    assert (raised >= 0).all() and (raised < 0.01).all()
    assert (both[:, UPPER_LIDS, 1] > both[:, BROWS_ABOVE, 1]).all()


def test_the_limits_are_what_landmarks_did_at_most() -> None:
    points, aus, persons = people(planted())
    aus[::8] = 0  # everybody has a calm photo
    points[::8] -= np.tensordot(aus[::8], planted(), 1)
    far = fit_response(points, aus, persons, NUMBERS).limits
    calm = np.repeat(points[::8], 8, axis=0)
    seen = np.linalg.norm(points - calm, axis=-1).max(0)
    assert (far <= np.maximum(seen, seen[MIRROR]).clip(LEAST_LIMIT) + 1e-6).all() and (far >= LEAST_LIMIT).all()
    assert np.allclose(far, far[MIRROR])


def test_a_head_that_nods_gives_no_long_chin() -> None:
    points, aus, persons = people(planted())
    aus[::8] = 0
    nod = np.zeros((68, 2))
    nod[:17, 1], nod[48:, 1] = 0.3, 0.2
    points[4::8] += nod
    limits = fit_response(points, aus, persons, NUMBERS).limits
    assert limits[:17].max() <= JAW_LIMIT < 0.15 < limits[48:].min()


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
