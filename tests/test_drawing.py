"""Marked and fitted copies of photos."""

from __future__ import annotations

import numpy as np

from ganimate.figures.drawing import COLOURS, LINE_PX, contact_sheet, draw_faces, fit_into


def test_boxes_are_drawn_on_a_copy_and_nowhere_else() -> None:
    photo = np.full((200, 300, 3), 128, np.uint8)
    drawn = draw_faces(photo, [(100, 50, 200, 150)])
    assert (photo == 128).all()
    assert (drawn[149, 150] == COLOURS[0]).all()  # the lower edge
    assert (drawn[40, 102] == COLOURS[0]).all()  # the label is above the box
    assert (drawn[:20] == 128).all()
    assert (drawn[:, 205:] == 128).all()
    assert (drawn[55:145, 105:195] == 128).all()  # inside


def test_faces_at_the_very_edge_are_drawn_too() -> None:
    photo = np.zeros((60, 60, 3), np.uint8)
    assert draw_faces(photo, [(40, 50, 60, 60)] * 8).shape == photo.shape


def test_a_photo_is_fitted_whole_into_the_middle() -> None:
    photo = np.full((100, 100, 3), 200, np.uint8)
    frame = fit_into(photo, 320, 180)
    assert frame.shape == (180, 320, 3)
    assert (frame[:, 70:250] == 200).all()
    assert (frame[:, :70] == 0).all()
    assert (frame[:, 250:] == 0).all()


def test_a_sheet_has_every_picture_under_its_title() -> None:
    rows = [[np.full((40, 30, 3), 10 * row + column, np.uint8) for column in range(3)] for row in range(2)]
    sheet = contact_sheet(rows, ["first", "second"], ["photo", "AU1", "AU12"])
    assert sheet.shape == (LINE_PX + 2 * (LINE_PX + 40), 90, 3)
    for row in range(2):
        top = 2 * LINE_PX + row * (LINE_PX + 40)
        assert (sheet[top - LINE_PX : top] < 100).any()  # the title
        for column in range(3):
            cell = sheet[top : top + 40, column * 30 : column * 30 + 30]
            np.testing.assert_array_equal(cell, rows[row][column])
    assert all((sheet[:LINE_PX, left : left + 30] < 100).any() for left in (0, 30, 60))
