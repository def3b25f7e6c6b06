"""Figures: every picture is where its row and column are, and the words are beside it."""

from __future__ import annotations

import numpy as np
import pytest

from ganimate.figures.figure import Figure, FigureRow

ROWS = (FigureRow("AU12", ("lip corner puller",)), FigureRow("attention", attached=True), FigureRow("a very long " * 3))


def figure(cell_px: int = 96, rows: tuple[FigureRow, ...] = ROWS) -> Figure:
    return Figure(cell_px, ("0", "0.5", "1"), rows, ("Something is explained here. " * 4,))


def flat(colour: int, cell_px: int = 96) -> np.ndarray:
    return np.full((cell_px, cell_px, 3), colour, np.uint8)


def tinted(colour: int, cell_px: int = 96) -> np.ndarray:
    """A cell in a colour that no letter has."""
    cell = flat(colour, cell_px)
    cell[..., 2] = 0
    return cell


def places(drawn: np.ndarray, colour: int) -> np.ndarray:
    return np.argwhere((drawn == (colour, colour, 0)).all(axis=2))


@pytest.mark.parametrize("cell_px", [64, 96, 192, 400])
def test_the_shape_is_known_before_and_all_pictures_are_whole(cell_px: int) -> None:
    cells = [[tinted(100 + 10 * row + column, cell_px) for column in range(3)] for row in range(3)]
    drawn = figure(cell_px).draw(tinted(99, cell_px), cells)
    assert drawn.shape == figure(cell_px).shape
    line = 4 * cell_px - 4  # around what is attached
    assert len(places(drawn, 99)) == cell_px**2
    for row, lost in enumerate((0, line, 0)):
        for column in range(3):
            assert len(places(drawn, 100 + 10 * row + column)) == cell_px**2 - lost


def test_rows_and_columns_are_in_order() -> None:
    cells = [[tinted(100 + 10 * row + column) for column in range(3)] for row in range(3)]
    drawn = figure().draw(tinted(99), cells)
    first, right, below = (places(drawn, value).mean(0) for value in (100, 102, 120))
    assert first[1] + 2 * 96 < right[1]
    assert first[0] == right[0]
    assert first[0] + 2 * 96 < below[0]
    assert first[1] == below[1]


def test_words_stand_left_of_their_row_and_touch_no_picture() -> None:
    white = [[flat(255)] * 3] * 3
    drawn = figure().draw(flat(255), white)
    blank = figure(rows=(FigureRow(""), FigureRow("", attached=True), FigureRow(""))).draw(flat(255), white)
    rows, columns = np.nonzero((drawn != blank).any(axis=2))
    assert columns.max() < drawn.shape[1] - 3 * 96
    assert len(np.unique(rows)) > 40
    assert (drawn != blank).any(axis=2)[: 14 * 96 // 192 + 96].sum() == 0  # beside the photo is the legend only


def test_a_white_mask_is_told_from_the_page() -> None:
    drawn = figure().draw(flat(255), [[flat(255)] * 3] * 3)
    assert (drawn == 200).all(axis=2).sum() >= 3 * (4 * 96 - 4)
