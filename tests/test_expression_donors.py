from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic import face_landmarks

from ganimate.data.expression_donors import ALIKE, MOST_CLOSED, UPPER_AUS, WHOLE_AUS, Donation, Donors
from ganimate.data.expression_mapping import mouth_gap
from ganimate.facs import OPENFACE_AUS

PEOPLE, PHOTOS = 10, 12
HOST = PEOPLE * PHOTOS  # the row behind those of the people seen often
ROWS = {number: row for row, number in enumerate(OPENFACE_AUS)}
Shots = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]


def shots(seed: int = 0) -> Shots:
    """AUs, landmarks and persons of people seen often, of each the first photo alone is calm, and of one calm host."""
    rng = np.random.default_rng(seed)
    aus = np.where(rng.random((HOST + 1, 17)) < 0.35, rng.uniform(0, 1, (HOST + 1, 17)), 0).astype(np.float32)
    aus[:, [ROWS[1], ROWS[12]]] = rng.uniform(0.6, 1, (HOST + 1, 2))
    aus[::PHOTOS] = 0
    points = np.stack([face_landmarks(row) for row in aus]).astype(np.float32)
    return aus, points, np.append(np.repeat(np.arange(PEOPLE), PHOTOS), -1)


def donors(aus: NDArray[np.float32], points: NDArray[np.float32], person: NDArray[np.int64]) -> Donors:
    return Donors(aus, points, person, np.arange(HOST), OPENFACE_AUS)


def draws(finder: Donors, count: int = 60) -> list[Donation]:
    rng = np.random.default_rng(1)
    return [one for one in (finder.draw(rng, HOST) for _ in range(count)) if one is not None]


def test_both_photos_are_of_one_person_and_the_first_is_in_the_hosts_state() -> None:
    aus, points, person = shots()
    found = draws(donors(aus, points, person))
    assert {one.part for one in found} == set(ALIKE)
    for one in found:
        assert person[one.before] == person[one.after] >= 0
        assert one.before != one.after
        used = [
            row for number, row in ROWS.items() if one.part == "all" or (number in UPPER_AUS) == (one.part == "upper")
        ]
        used = [row for row in used if one.part == "all" or OPENFACE_AUS[row] not in WHOLE_AUS]
        assert np.abs(aus[one.before, used] - aus[HOST, used]).sum() <= ALIKE[one.part]
        wanted = aus[HOST].copy()
        wanted[used] += aus[one.after, used] - aus[one.before, used]
        np.testing.assert_allclose(one.y_to, wanted.clip(0, 1), atol=1e-6)


def test_a_draw_follows_from_its_seed() -> None:
    finder = donors(*shots())
    first, second = (finder.draw(np.random.default_rng(3), HOST) for _ in range(2))
    assert first is not None and second is not None
    assert (first.before, first.after, first.part) == (second.before, second.after, second.part)


def test_nobody_in_the_hosts_state_gives_nothing() -> None:
    aus, points, person = shots()
    aus[HOST] = 1
    assert draws(donors(aus, points, person)) == []
    nobody = Donors(aus, points, person, np.zeros(0, np.int64), OPENFACE_AUS)
    assert nobody.draw(np.random.default_rng(0), HOST) is None


def test_a_head_held_otherwise_is_not_taken() -> None:
    aus, points, person = shots()
    rest = np.arange(HOST) % PHOTOS != 0
    points[:HOST][rest] = points[:HOST][rest] * np.float32([1, 1.2])  # nods: the bridge of the nose grows longer
    assert draws(donors(aus, points, person)) == []


def test_a_closing_mouth_and_a_blink_are_left_to_real_photos() -> None:
    aus, points, person = shots()
    aus[::PHOTOS, ROWS[25]] = 1.0  # all calm photos, and the host, show teeth
    points = np.stack([face_landmarks(row) for row in aus]).astype(np.float32)
    found = [one for one in draws(donors(aus, points, person), 200) if one.part != "upper"]
    assert found
    assert all(mouth_gap(points[one.before]) - mouth_gap(points[one.after]) < MOST_CLOSED for one in found)
    points[1:HOST:PHOTOS, 60:] = points[1:HOST:PHOTOS, 60:].mean(1, keepdims=True)
    closing = Donors(aus, points, person, np.flatnonzero(np.arange(HOST) % PHOTOS < 2), OPENFACE_AUS)
    assert {one.part for one in draws(closing, 200)} <= {"upper"}
    aus, points, person = shots()
    aus[:HOST, ROWS[45]] = np.where(np.arange(HOST) % PHOTOS, 1, 0)
    assert {one.part for one in draws(donors(aus, points, person))} == {"lower"}


@pytest.mark.parametrize("number", sorted(WHOLE_AUS))
def test_what_both_halves_show_comes_as_a_whole(number: int) -> None:
    aus, points, person = shots()
    aus[:HOST, ROWS[number]] = np.where(np.arange(HOST) % PHOTOS, 0.9, 0)
    assert {one.part for one in draws(donors(aus, points, person))} == {"all"}
