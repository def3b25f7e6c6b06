"""Laws of lids: they slide over the eye, and lashes mark where they meet."""

from __future__ import annotations

import numpy as np
import torch
from synthetic import PHOTO_PX, mean_face, show
from torch import Tensor

from ganimate.render.lids import EYE_OUTLINES, Lids, closing, followed, slide_lids

SIZE = 96
OPEN = torch.zeros(1, 2)
SHUT = torch.ones(1, 2)


def pixels(points: Tensor) -> Tensor:
    return points * SIZE - 0.5


def shut(points: Tensor, share: float) -> Tensor:
    """Landmarks whose upper lids came down by a share of the way."""
    goal = points.clone()
    for eye in EYE_OUTLINES:
        goal[:, eye[1:3]] = torch.lerp(points[:, eye[1:3]], points[:, eye[4:]], share)
    return goal


def scene(points: Tensor) -> Tensor:
    """White eyes in a dark face."""
    image = torch.full((1, 3, SIZE, SIZE), -0.5)
    for eye in EYE_OUTLINES:
        low, high = pixels(points)[0, eye].amin(0).ceil().int(), pixels(points)[0, eye].amax(0).floor().int()
        image[..., low[1] : high[1] + 1, low[0] : high[0] + 1] = 1
    return image


def test_eyes_close_by_what_their_opening_loses() -> None:
    points = mean_face()
    for share in (0.0, 0.4, 0.8, 1.0):
        torch.testing.assert_close(closing(points, shut(points, share)), torch.full((1, 2), share), atol=0.1, rtol=0)
    assert not closing(points, shut(points, -0.5)).any()  # eyes that open wide


def test_eyes_that_do_not_move_do_not_close_however_narrow_they_are() -> None:
    for opening in (0.0, 0.003, 0.0041, 0.03):
        narrow = mean_face()
        for eye in EYE_OUTLINES:
            narrow[:, eye[1:3]] = narrow[:, eye[4:]] - torch.tensor([0.0, opening])
        assert not closing(narrow, narrow).any()


def test_a_lid_that_comes_down_leaves_the_lower_part_of_the_eye_as_it_was() -> None:
    size = 320
    points = mean_face() * size
    rows = torch.linspace(0, 1, size)[:, None].expand(1, 3, size, size)  # every row is of its own brightness
    half = slide_lids(rows, points, OPEN + 0.5)
    for eye in EYE_OUTLINES:
        x = int(points[0, eye[1:3], 0].mean())
        top, bottom = (float(points[0, eye[lid], 1].mean()) for lid in (slice(1, 3), slice(4, 6)))
        for share in (0.3, 0.6, 0.9):  # of the way down the open eye: half of it is pressed away afterwards
            y = top + share * (bottom - top)
            wanted = (bottom - (bottom - y) / 2) / size
            assert abs(float(half[0, 0, round(y), x]) - wanted) < 2 / size
    assert torch.equal(slide_lids(rows, points, OPEN), rows)


def test_one_eye_shuts_alone() -> None:
    points = mean_face()
    goal = torch.where(torch.isin(torch.arange(68), torch.tensor(EYE_OUTLINES[0]))[:, None], shut(points, 1.0), points)
    torch.testing.assert_close(closing(points, goal), torch.tensor([[1.0, 0.0]]), atol=0.01, rtol=0)
    image = scene(points)
    winked = slide_lids(image, pixels(points), closing(points, goal))
    middle = SIZE // 2
    assert torch.equal(winked[..., middle:], image[..., middle:])
    assert not torch.equal(winked[..., :middle], image[..., :middle])


def test_lids_that_are_held_back_leave_the_eye_open() -> None:
    wanted = torch.full((1, 2, 8, 8), 0.1)
    held = wanted.clone()
    held[..., :4] *= 0.3  # the left half
    torch.testing.assert_close(followed(wanted, wanted, mean_face()), torch.ones(1, 2))
    torch.testing.assert_close(followed(held, wanted, mean_face()), torch.tensor([[0.3, 1.0]]))


def test_skin_from_below_covers_the_white() -> None:
    points = mean_face()
    image = scene(points)
    image[..., SIZE // 2 :, :] = -0.2  # the cheeks
    for column, row in pixels(points)[0, [36, 39, 42, 45]].view(2, 2, 2).mean(1).round().int().tolist():
        assert image[0, 0, row, column] == 1
        skin = slide_lids(image, pixels(points), SHUT)[0, 0, row, column]
        assert skin < -0.15
    assert torch.equal(slide_lids(image, pixels(points), OPEN), image)


def test_lashes_are_a_dark_line_on_the_lid_that_comes_down() -> None:
    size = 320
    points = mean_face() * size
    image = torch.full((1, 3, size, size), 0.5)
    shut_eyes = slide_lids(image, points, SHUT)
    for eye in EYE_OUTLINES:
        column, row = points[0, eye[1:3]].mean(0).round().int().tolist()  # the middle of the upper lid
        line = shut_eyes[0, 0, row - 12 : row + 13, column]
        assert line.min() < 0 and line[-1] == 0.5 and line[0] == 0.5
        assert 5 <= int(line.argmin()) < 12  # above the seam
    brighter = slide_lids((image + 1) / 2, points, SHUT, black=0)
    torch.testing.assert_close(2 * brighter - 1, shut_eyes)  # in both ranges alike


def test_a_tilted_head_is_covered_along_its_own_axes() -> None:
    points = pixels(mean_face())
    image, middle = scene(mean_face()), (SIZE - 1) / 2
    turned = torch.stack([2 * middle - points[..., 1], points[..., 0]], -1)  # a quarter turn, clockwise
    upright = slide_lids(image, points, SHUT)
    tilted = slide_lids(image.rot90(-1, (2, 3)), turned, SHUT)
    torch.testing.assert_close(tilted.rot90(1, (2, 3)), upright, rtol=0, atol=1e-4)


def test_photos_are_covered_in_place_and_nowhere_else() -> None:
    photo, points = show(200, 1)
    before = photo.copy()
    lids = Lids(points * PHOTO_PX - 0.5, np.array([1.0, 0.0], np.float32))
    lids.weakened(0.0).cover(photo)
    assert np.array_equal(photo, before)
    lids.cover(photo)
    rows, columns = np.nonzero((photo != before).any(2))
    left, top = np.floor(lids.landmarks[EYE_OUTLINES[0]].min(0)) - 1
    right, bottom = np.ceil(lids.landmarks[EYE_OUTLINES[0]].max(0)) + 3
    assert len(rows) > 10
    assert (rows >= top).all() and (rows <= bottom).all() and (columns >= left).all() and (columns <= right).all()
    column, row = lids.landmarks[EYE_OUTLINES[0]].mean(0).round().astype(int)
    assert abs(photo[row, column].astype(int) - 200).max() < abs(before[row, column].astype(int) - 200).min() - 10


def test_eyes_beyond_the_photos_edge_are_no_error() -> None:
    photo, points = show(200, 1)
    before = photo.copy()
    Lids(points * PHOTO_PX - 2 * PHOTO_PX, np.ones(2, np.float32)).cover(photo)
    assert np.array_equal(photo, before)
    Lids((points - points[36]) * PHOTO_PX, np.ones(2, np.float32)).cover(photo)
    assert photo.shape == before.shape
