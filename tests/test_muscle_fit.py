"""Muscles that are fitted find again those that made the faces."""

from __future__ import annotations

import numpy as np
import pytest

from ganimate.errors import TrainingError
from ganimate.face.mesh.topology import MOUTH_CORNERS, RIGHT_BROW, mean_face, mirrored
from ganimate.motion.head import turn
from ganimate.motion.muscles import BLINK, Muscles
from ganimate.training.muscle_fit import CodedPhotos, explained, fit_gain, fit_lids, fit_muscles, fit_ways, to_canonical

AUS = (4, 12, BLINK)
PEOPLE, PHOTOS = 12, 20


def made() -> tuple[Muscles, np.ndarray, np.ndarray, CodedPhotos]:
    """Faces of several people with known muscles, some of them with shut eyes; the first photo of each is calm."""
    rng = np.random.default_rng(0)
    ways = np.zeros((3, 478, 3))
    brows = RIGHT_BROW + mirrored(RIGHT_BROW)
    ways[0, brows, 1] = 0.05
    ways[1, MOUTH_CORNERS] = [[-0.05, -0.08, 0], [0.05, -0.08, 0]]
    muscles = Muscles(AUS, ways, np.array([1.0, 1.5, 1.0]), np.zeros((478, 3)), np.ones(478))
    faces, persons, aus = [], [], []
    for person in range(PEOPLE):
        own = mean_face() + rng.normal(0, 0.01, (478, 3))
        for photo in range(PHOTOS):
            y = np.zeros(3) if photo == 0 else rng.uniform(0, 1, 3) * [1, 1, 0]
            y[2] = float(photo % 7 == 3)
            faces.append(muscles.move(np.float32(own * 200), np.zeros(3), y) / 200)
            persons.append(person)
            aus.append(y)
    calm = np.arange(len(faces)) % PHOTOS == 0
    coded = CodedPhotos(np.arange(len(faces)), AUS, np.array(aus), calm)
    return muscles, np.float64(faces), np.array(persons), coded


def test_fitted_muscles_are_those_that_made_the_faces() -> None:
    muscles, faces, persons, coded = made()
    fitted = fit_muscles(faces, persons, coded.intensities.sum(1), coded)
    corner = MOUTH_CORNERS[0]
    full = fitted.way(np.array([0.0, 1.0, 0.0]))[corner]
    assert full == pytest.approx(muscles.way(np.array([0.0, 1.0, 0.0]))[corner], abs=0.025)
    assert np.abs(fitted.ways[np.array(AUS) == BLINK]).max() == 0
    assert explained(faces, persons, coded, fitted) > 0.8


def test_what_faces_do_that_show_nothing_is_no_gain() -> None:
    muscles, faces, persons, coded = made()
    rng = np.random.default_rng(1)
    noisy = faces + rng.normal(0, 1, (len(faces), 1, 1)) * muscles.ways[0]  # brows that go up and down by themselves
    assert fit_gain(noisy, persons, coded, muscles.ways, 0) < 1.4
    aloof = faces + rng.normal(0, 0.05, (len(faces), 1, 1)) * muscles.ways[0]
    assert fit_gain(aloof, persons, coded, muscles.ways, 1) > 1.2  # its gain is real


def test_codes_that_never_change_are_refused() -> None:
    _, faces, persons, coded = made()
    same = CodedPhotos(coded.rows, AUS, np.ones_like(coded.intensities), coded.calm)
    with pytest.raises(TrainingError, match="two photos"):
        fit_ways(faces, persons, same)


def test_nobody_who_blinks_is_refused() -> None:
    _, faces, persons, _ = made()
    with pytest.raises(TrainingError, match="shut eyes"):
        fit_lids(faces[::PHOTOS], persons[::PHOTOS])


def test_the_pose_is_taken_off() -> None:
    mesh = np.float32(150 * mean_face() @ turn(20, 10, 5).T + [300, 200, 10])
    assert np.allclose(to_canonical(mesh[None])[0], mean_face(), atol=1e-5)
