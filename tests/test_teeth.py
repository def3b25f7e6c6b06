"""Laws of mouths that open: teeth stay, gaps are dark, and smiles are left to bare teeth."""

from __future__ import annotations

import torch
from synthetic import mean_face
from torch import Tensor

from ganimate.landmarks import CORNERS
from ganimate.teeth import LOWER_EDGE, UPPER_EDGE, bite

SIZE = 96
SMILE = 0.05  # crop widths between the lips


def parted(points: Tensor, gap: float) -> Tensor:
    """The landmarks with the inner lips so far apart, and the corners of the mouth between them."""
    moved = points.clone()
    middle = points[:, UPPER_EDGE, 1].mean()
    moved[:, UPPER_EDGE + LOWER_EDGE, 1] = middle
    moved[:, UPPER_EDGE[1:4], 1] = middle - 0.2 * gap
    moved[:, LOWER_EDGE[1:4], 1] = middle + 0.8 * gap
    return moved


def face(points: Tensor, inside: float) -> Tensor:
    """A grey face, brightness 0.5 of 1, with this brightness between the lips."""
    image = torch.zeros(1, 3, SIZE, SIZE)
    left, right = (points[0, corner, 0] * SIZE for corner in (60, 64))
    top, bottom = (points[0, edge[2], 1] * SIZE for edge in (UPPER_EDGE, LOWER_EDGE))
    image[..., int(top) : int(bottom) + 2, int(left) : int(right) + 1] = 2 * inside - 1
    return image


def rows_at_middle(part: Tensor, goal: Tensor) -> list[float]:
    """What a map says at seven heights between the lips, in the middle of the mouth."""
    column = int(goal[0, [60, 64], 0].mean() * SIZE)
    top, bottom = (float(goal[0, edge[2], 1]) * SIZE for edge in (UPPER_EDGE, LOWER_EDGE))
    return [float(part[0, 0, int(top + (bottom - top) * share / 8), column]) for share in range(1, 8)]


def test_bared_teeth_are_seen_and_nothing_opens() -> None:
    smile = parted(mean_face(), SMILE)
    mouth = bite(face(smile, 0.6), smile, smile)
    assert min(rows_at_middle(mouth.teeth, smile)) > 0.9
    assert mouth.gap.max() == 0
    assert mouth.teeth[..., : SIZE // 2, :].max() == 0  # nowhere else in the face


def test_what_opens_below_the_teeth_is_dark() -> None:
    smile, agape = parted(mean_face(), SMILE), parted(mean_face(), 2.5 * SMILE)
    mouth = bite(face(smile, 0.6), smile, agape)
    teeth, gap = rows_at_middle(mouth.teeth, agape), rows_at_middle(mouth.gap, agape)
    assert min(teeth[:2]) > 0.9 > 0.1 > max(teeth[4:])
    assert max(gap[:2]) < 0.1 < 0.9 < min(gap[4:])
    assert (mouth.teeth + mouth.gap).max() <= 1 + 1e-6
    column = int(agape[0, [60, 64], 0].mean() * SIZE)
    brightness = (mouth.behind[0, :, int(agape[0, LOWER_EDGE[2], 1] * SIZE) - 8, column] + 1) / 2
    assert brightness[0] > brightness[1] > 0
    assert brightness.max() < 0.5 * 0.6


def test_closed_and_dark_mouths_have_no_teeth_and_what_opens_in_them_is_dark() -> None:
    closed, open_, agape = (parted(mean_face(), gap) for gap in (0.004, SMILE, 2.5 * SMILE))
    for start, inside in ((closed, 0.6), (open_, 0.15)):
        mouth = bite(face(start, inside), start, agape)
        assert mouth.teeth.max() < 0.01
        assert min(rows_at_middle(mouth.gap, agape)) > 0.9
        assert mouth.gap[..., : SIZE // 2, :].max() == 0
    assert bite(face(open_, 0.15), open_, parted(mean_face(), 1.2 * SMILE)).gap.max() < 0.01  # it was open already


def test_the_tongue_lies_low_in_the_gap_and_has_the_colour_of_lips() -> None:
    closed, agape = parted(mean_face(), 0.004), parted(mean_face(), 2.5 * SMILE)
    red = face(closed, 0.5)
    red[:, 0] = 0.6
    column = int(agape[0, [60, 64], 0].mean() * SIZE)
    top, bottom = (int(agape[0, edge[2], 1] * SIZE) for edge in (UPPER_EDGE, LOWER_EDGE))
    seen = (bite(red, closed, agape).behind[0, :, top:bottom, column] + 1) / 2  # (3, rows)
    assert (seen.diff(dim=1) >= -1e-6).all()
    assert seen[:, 0].max() < 0.3 < seen[0, -1] < 0.8
    assert (seen[0] > seen[1]).all()


def test_a_smile_opens_nothing_between_closed_lips_and_bares_teeth_longer() -> None:
    closed, agape = parted(mean_face(), 0.004), parted(mean_face(), 2 * SMILE)
    smile = agape.clone()
    smile[:, CORNERS, 1] -= 0.05
    assert bite(face(closed, 0.6), closed, smile).gap.max() < 0.01
    bared = parted(mean_face(), SMILE)
    longer, shorter = (bite(face(bared, 0.6), bared, goal) for goal in (smile, agape))
    assert longer.teeth.sum() > 1.3 * shorter.teeth.sum() and longer.gap.sum() < shorter.gap.sum()


def test_closing_lips_come_over_the_teeth() -> None:
    smile = parted(mean_face(), SMILE)
    shares = [
        float(bite(face(smile, 0.6), smile, parted(mean_face(), gap * SMILE)).teeth.max())
        for gap in (0.1, 0.4, 0.65, 1)
    ]
    assert shares[0] == shares[1] == 0
    assert 0.1 < shares[2] < 0.9 < shares[3]


def test_every_face_of_a_batch_is_judged_alone() -> None:
    smile, closed = parted(mean_face(), SMILE), parted(mean_face(), 0.004)
    images, points = torch.cat([face(smile, 0.6), face(closed, 0.6)]), torch.cat([smile, closed])
    both = bite(images, points, points)
    first, second = (bite(images[i : i + 1], points[i : i + 1], points[i : i + 1]) for i in (0, 1))
    torch.testing.assert_close(both.teeth, torch.cat([first.teeth, second.teeth]))
    torch.testing.assert_close(both.behind, torch.cat([first.behind, second.behind]))
