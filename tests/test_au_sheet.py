"""Sheets of one face: which rows, which AUs, and a close-up that shows what the photo would."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.animation.animator import Animator, PreparedFace
from ganimate.animation.au_sheet import AROUND, SheetRow, cells, close_up, layout, parse_rows, reduced, targets
from ganimate.errors import ExpressionError
from ganimate.face.crop import Face
from ganimate.facs import OPENFACE_AUS, Others, parse_expression
from ganimate.zoo.checkpoint import load_model

OWN = np.linspace(0.1, 0.5, len(OPENFACE_AUS)).astype(np.float32)
AU12 = OPENFACE_AUS.index(12)


@pytest.fixture(scope="module")
def animator(tiny_model: Path) -> Animator:
    return Animator(load_model(tiny_model))


@pytest.fixture(scope="module")
def person(animator: Animator, astronaut: NDArray[np.uint8], astronaut_face: Face) -> PreparedFace:
    return animator.prepare(astronaut, [astronaut_face])[0]


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        (["1,2, AU12"], [SheetRow(1), SheetRow(2), SheetRow(12)]),
        (["12", "happiness:0.8,45=0.2"], [SheetRow(12), SheetRow(expression="happiness:0.8,45=0.2")]),
        (["12=0.5"], [SheetRow(expression="12=0.5")]),
        ([], [SheetRow(au) for au in OPENFACE_AUS]),
    ],
)
def test_rows_are_aus_or_expressions(texts: list[str], rows: list[SheetRow]) -> None:
    assert parse_rows(texts, OPENFACE_AUS) == rows


@pytest.mark.parametrize("text", ["8", "999", "hapiness", "", " ", "1,,2", "12=2", "1,happiness:2"])
def test_what_cannot_be_a_row_is_told(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_rows([text], OPENFACE_AUS)
    assert caught.value.hint


def test_a_row_of_an_au_sets_it_and_leaves_the_others() -> None:
    path = targets([SheetRow(12)], OWN, OPENFACE_AUS, (0.0, 0.33, 1.0))
    np.testing.assert_allclose(path.values[:, AU12], (0, 0.33, 1), atol=1e-6)
    others = np.delete(np.arange(len(OWN)), AU12)
    assert (path.values[:, others] == OWN[others]).all()


def test_a_row_of_an_expression_leads_there_from_the_photo() -> None:
    path = targets([SheetRow(expression="12=0.9")], OWN, OPENFACE_AUS, (0.0, 0.5, 1.0))
    assert (path.values[0] == OWN).all()
    np.testing.assert_allclose(path.values[:, AU12], (OWN[AU12], (OWN[AU12] + 0.9) / 2, 0.9), atol=1e-6)


def test_a_row_of_an_emotion_takes_the_photos_own_expression_away() -> None:
    path = targets([SheetRow(expression="sadness")], OWN, OPENFACE_AUS, (0.0, 0.5, 1.0))
    assert (path.values[0] == OWN).all()
    np.testing.assert_allclose(path.values[1:, AU12], (OWN[AU12] / 2, 0), atol=1e-6)


@pytest.mark.parametrize("others", get_args(Others))
@pytest.mark.parametrize("text", ["sadness", "12=0.9", "blink"])
def test_a_row_of_an_expression_ends_where_an_animation_does(text: str, others: Others) -> None:
    rows = parse_rows([text], OPENFACE_AUS, others)
    path = targets(rows, OWN, OPENFACE_AUS, (0.0, 1.0))
    goal = parse_expression(text).resolve(OWN, OPENFACE_AUS, others)
    assert (path.values[0] == OWN).all()
    np.testing.assert_allclose(path.values[1], goal, atol=1e-6)


def test_others_at_zero_leave_one_au_alone_in_its_row() -> None:
    path = targets(parse_rows(["12"], OPENFACE_AUS, "zero"), OWN, OPENFACE_AUS, (0.0, 0.33, 1.0))
    np.testing.assert_allclose(path.values[:, AU12], (0, 0.33, 1), atol=1e-6)
    assert not np.delete(path.values, AU12, axis=1).any()


@pytest.mark.parametrize(
    ("others", "told"), [("auto", "as in the photo"), ("keep", "as in the photo"), ("zero", "at 0")]
)
def test_the_legend_tells_what_becomes_of_others(others: Others, told: str) -> None:
    made = layout(parse_rows(["12"], OPENFACE_AUS, others), OWN, OPENFACE_AUS, (0.0, 1.0), 64, masks=False)
    assert f"all others {told}." in made.legend[1]


@pytest.mark.parametrize("masks", [True, False])
def test_the_layout_does_not_depend_on_the_face(masks: bool) -> None:
    rows = [SheetRow(12), SheetRow(expression="happiness")]
    made = [layout(rows, own, OPENFACE_AUS, (0.0, 1.0), 64, masks) for own in (OWN, np.ones_like(OWN))]
    assert made[0].shape == made[1].shape
    assert made[0] != made[1]
    assert len(made[0].rows) == (6 if masks else 2)


def test_a_close_up_shows_the_crop_in_its_middle(astronaut: NDArray[np.uint8], person: PreparedFace) -> None:
    size = round(AROUND * 4 * 100)
    view, seen = close_up(astronaut, person, size)
    side, edge = round(size / AROUND), round(size * (1 - 1 / AROUND) / 2)
    crop = reduced(view[edge : edge + side, edge : edge + side], len(person.crop.image))
    difference, *shifted = (
        np.abs(np.roll(crop, shift, axis).astype(int) - person.crop.image).mean()
        for shift, axis in ((0, 0), (1, 0), (-1, 0), (1, 1), (-1, 1))
    )
    assert difference < 0.5 * min(shifted)
    matrix = seen.crop.source_to_crop
    corner = matrix[:, :2] @ [edge - 0.5, edge - 0.5] + matrix[:, 2]  # the crop's corner, between pixels
    np.testing.assert_allclose(corner, (-0.5, -0.5), atol=0.2)


def test_the_sitter_of_a_close_up_has_the_same_landmarks_in_its_crop(
    astronaut: NDArray[np.uint8], person: PreparedFace
) -> None:
    _, seen = close_up(astronaut, person, 300)
    places = []
    for one in (person, seen):
        matrix = one.crop.source_to_crop
        places.append(one.face.landmarks @ matrix[:, :2].T + matrix[:, 2])
    np.testing.assert_allclose(places[0], places[1], atol=0.01)


def test_cells_show_what_an_animation_would(
    animator: Animator, astronaut: NDArray[np.uint8], person: PreparedFace
) -> None:
    path = targets([SheetRow(12), SheetRow(45)], person.source_aus, OPENFACE_AUS, (0.0, 1.0))
    made = list(cells(animator, astronaut, person, path, 64))
    assert len(made) == 4
    for cell, frame in zip(made, animator.frames(astronaut, [person], [path]), strict=True):
        assert {part.shape for part in (cell.picture, cell.attention, cell.color)} == {(64, 64, 3)}
        pasted, _ = close_up(frame.image, person, 128)
        expected = cv2.resize(pasted, (64, 64), interpolation=cv2.INTER_AREA)
        untouched = reduced(close_up(astronaut, person, 128)[0], 64)
        difference = np.abs(cell.picture.astype(int) - expected).mean()
        assert difference < 0.25 * np.abs(cell.picture.astype(int) - untouched).mean()
