"""Laws of mouths that open: teeth that were seen stay, what opens is drawn, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from synthetic import mean_face
from torch import Tensor

from ganimate.face.landmarks import CORNERS, MIRROR
from ganimate.motion.contours import pixel_places
from ganimate.render.dentition import CROWN_MM, MM, WIDTHS_MM, draw_teeth
from ganimate.render.mouth import (
    LEAST_SHOWN,
    LOWER_EDGE,
    TEETH_LIMIT,
    UPPER_EDGE,
    Layer,
    Mouth,
    interior,
    look_at_mouth,
)
from ganimate.render.paste import Paster

SIZE = 96
SMILE = 0.05  # crop widths between the lips
HERE = pixel_places(SIZE, torch.device("cpu"))


def parted(points: Tensor, gap: float) -> Tensor:
    """The landmarks with the inner lips so far apart, and the corners of the mouth between them."""
    moved = points.clone()
    middle = points[:, UPPER_EDGE, 1].mean()
    moved[:, UPPER_EDGE + LOWER_EDGE, 1] = middle
    moved[:, UPPER_EDGE[1:4], 1] = middle - 0.2 * gap
    moved[:, LOWER_EDGE[1:4], 1] = middle + 0.8 * gap
    return moved


CLOSED, BARED, AGAPE = (parted(mean_face(), gap) for gap in (0.004, SMILE, 2.5 * SMILE))


def smiling(points: Tensor) -> Tensor:
    raised = points.clone()
    raised[:, CORNERS, 1] -= 0.05
    return raised


def face(points: Tensor, inside: float) -> Tensor:
    """A skin-coloured face, brightness 0.5 of 1, with this brightness between the lips."""
    image = torch.tensor([0.2, 0.0, -0.2])[None, :, None, None].repeat(1, 1, SIZE, SIZE)
    left, right = (points[0, corner, 0] * SIZE for corner in (60, 64))
    top, bottom = (points[0, edge[2], 1] * SIZE for edge in (UPPER_EDGE, LOWER_EDGE))
    image[..., int(top) : int(bottom) + 2, int(left) : int(right) + 1] = 2 * inside - 1
    return image


def shown(image: Tensor, points: Tensor, goal: Tensor) -> Layer:
    return interior(look_at_mouth(image, points, goal), HERE, 1 / SIZE)


def rows_at_middle(part: Tensor, goal: Tensor) -> list[float]:
    """What a map (1, H, W) says at seven heights between the lips, beside the middle of the mouth."""
    column = int(goal[0, [60, 64], 0].mean() * SIZE) + 2  # not between two teeth
    top, bottom = (float(goal[0, edge[2], 1]) * SIZE for edge in (UPPER_EDGE, LOWER_EDGE))
    return [float(part[0, int(top + (bottom - top) * share / 8), column]) for share in range(1, 8)]


def test_bared_teeth_are_seen_and_nothing_opens() -> None:
    mouth = shown(face(BARED, 0.6), BARED, BARED)
    assert min(rows_at_middle(mouth.teeth, BARED)) > 0.9
    assert mouth.gap.max() == 0
    assert mouth.teeth[:, : SIZE // 2].max() == 0  # nowhere else in the face
    assert shown(face(CLOSED, 0.6), CLOSED, CLOSED).gap.max() == 0


def test_what_opens_below_the_teeth_is_dark() -> None:
    mouth = shown(face(BARED, 0.6), BARED, AGAPE)
    teeth, gap = rows_at_middle(mouth.teeth, AGAPE), rows_at_middle(mouth.gap, AGAPE)
    assert min(teeth[:2]) > 0.9 > 0.1 > max(teeth[4:])
    assert max(gap[:2]) < 0.1 < 0.9 < min(gap[4:])
    assert (mouth.teeth + mouth.gap).max() <= 1 + 1e-6
    red, _, blue = (rows_at_middle(mouth.color[:, channel], AGAPE)[4] for channel in range(3))
    assert 0.5 * 0.6 > red > blue > 0


def test_closed_and_dark_mouths_have_no_teeth_of_their_own_and_what_opens_is_drawn() -> None:
    for start, inside in ((CLOSED, 0.6), (BARED, 0.15)):
        mouth = shown(face(start, inside), start, AGAPE)
        assert mouth.teeth.max() < 0.01
        assert min(rows_at_middle(mouth.gap, AGAPE)) > 0.9
        assert mouth.gap[:, : SIZE // 2].max() == 0
    assert shown(face(BARED, 0.15), BARED, parted(mean_face(), 1.2 * SMILE)).gap.max() < 0.01  # it was open already


def test_upper_teeth_are_bright_below_them_it_is_dark_and_the_tongue_is_red() -> None:
    mouth = shown(face(CLOSED, 0.5), CLOSED, AGAPE)
    light = rows_at_middle(mouth.color.mean(1), AGAPE)
    assert light[0] > 0.25 and min(light) < 0.15
    assert light[-1] > min(light)  # the tongue
    red, green, blue = (rows_at_middle(mouth.color[:, channel], AGAPE)[-1] for channel in range(3))
    assert red > green > blue


def test_a_smile_shows_more_of_the_teeth() -> None:
    quiet, smile = (shown(face(CLOSED, 0.5), CLOSED, goal) for goal in (AGAPE, smiling(AGAPE)))
    bright = [float(((layer.color.mean(1) > 0.35) * layer.gap).sum()) for layer in (quiet, smile)]
    assert bright[1] > 1.8 * bright[0] > 0
    longer, shorter = (shown(face(BARED, 0.6), BARED, goal) for goal in (smiling(AGAPE), AGAPE))
    assert longer.teeth.sum() > 1.3 * shorter.teeth.sum()
    assert longer.gap.sum() < shorter.gap.sum()


def test_closing_lips_come_over_the_teeth() -> None:
    shares = [
        float(shown(face(BARED, 0.6), BARED, parted(mean_face(), gap * SMILE)).teeth.max())
        for gap in (0.1, 0.4, 0.65, 1)
    ]
    assert shares[0] == shares[1] == 0
    assert 0.1 < shares[2] < 0.9 < shares[3]


def test_lips_that_met_over_teeth_show_a_dark_line() -> None:
    middle = float(CLOSED[0, [62, 66], 1].mean())
    rows = (HERE[:, 0, 1] - middle).abs()
    column = int(CLOSED[0, [60, 64], 0].mean() * SIZE)
    closing, half, closed = (
        shown(face(start, 0.6), start, goal)
        for start, goal in ((BARED, CLOSED), (BARED, parted(mean_face(), 0.6 * SMILE)), (CLOSED, CLOSED))
    )
    line = closing.gap[0, :, column]
    assert line[rows < 0.004].min() > 0.7 and line[rows > 0.03].max() < 0.01
    assert closing.color[0, :, int(middle * SIZE), column].max() < 0.5
    assert closed.gap.max() == 0 and half.gap.max() < 0.05


def test_every_face_of_a_batch_is_judged_alone() -> None:
    images, points = torch.cat([face(BARED, 0.6), face(CLOSED, 0.6)]), torch.cat([BARED, CLOSED])
    goals = torch.cat([AGAPE, AGAPE])
    both = look_at_mouth(images, points, goals)
    for place, (image, start) in enumerate(((images[:1], BARED), (images[1:], CLOSED))):
        alone = look_at_mouth(image, start, AGAPE)
        for name, value in vars(both.one(place)).items():
            torch.testing.assert_close(value, getattr(alone, name))
        for name, value in vars(interior(both, HERE, 1 / SIZE)).items():
            torch.testing.assert_close(value[place : place + 1], getattr(interior(alone, HERE, 1 / SIZE), name))


@pytest.mark.parametrize("skin", [(0.2, 0.9, 0.2), (0.2, 0.2, 0.9), (0.9, 0.7, 0.6), (0.25, 0.15, 0.1)])
def test_teeth_are_in_the_light_of_the_face_but_never_green_or_blue(skin: tuple[float, float, float]) -> None:
    image = (2 * torch.tensor(skin) - 1)[None, :, None, None].expand(1, 3, SIZE, SIZE)
    color = shown(image, CLOSED, smiling(AGAPE)).color
    red, green, blue = (float(max(rows_at_middle(color[:, channel], AGAPE)[:3])) for channel in range(3))
    assert max(TEETH_LIMIT, *skin) + 1e-6 >= red >= green >= blue > 0
    assert red <= 2 * max(skin)


def test_a_grey_photo_gets_a_grey_mouth() -> None:
    grey = torch.full((1, 3, SIZE, SIZE), 0.1)
    grey[:, 0] += 0.01  # as JPEG leaves it
    color = interior(look_at_mouth(grey, CLOSED, smiling(AGAPE)).greyed(), HERE, 1 / SIZE).color
    assert (color - color.mean(1, keepdim=True)).abs().max() < 1e-6


def drawn(mouth: Mouth, zoom: float, turn: bool = False) -> NDArray[np.uint8]:
    """A grey photo of the face, perhaps a quarter turned, with the mouth drawn into it."""
    side = int(SIZE * zoom)
    photo = np.full((side, side, 3), 128, np.uint8)
    shift = 0.5 / zoom - 0.5
    upright = np.array([[1 / zoom, 0, shift], [0, 1 / zoom, shift]])
    turned = np.array([[0, 1 / zoom, shift], [-1 / zoom, 0, SIZE - 1 - shift]])
    mouth.draw(photo, Paster(photo.shape, turned if turn else upright, SIZE))
    return photo


def test_mouths_are_drawn_at_the_photos_resolution() -> None:
    mouth = look_at_mouth(face(CLOSED, 0.5), CLOSED, smiling(AGAPE))
    once, large = drawn(mouth, 1), drawn(mouth, 5)
    layer = interior(mouth, HERE, 1 / SIZE)
    wanted = 128 + layer.gap[0, ..., None] * (255 * layer.color[0].permute(1, 2, 0) - 128)
    assert np.abs(once - wanted.numpy()).max() <= 1.5
    small = large.reshape(SIZE, 5, SIZE, 5, 3).mean((1, 3))
    assert np.abs(small - once).mean() < 1
    assert (large != 128).any(2).mean() == pytest.approx((once != 128).any(2).mean(), rel=0.15)


def test_a_turned_photo_gets_the_same_mouth() -> None:
    mouth = look_at_mouth(face(CLOSED, 0.5), CLOSED, smiling(AGAPE))
    upright, turned = drawn(mouth, 0.75), drawn(mouth, 0.75, turn=True)
    difference = np.abs(np.rot90(turned).astype(int) - upright)
    assert difference.max() <= 1


def test_strips_make_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    mouth = look_at_mouth(face(CLOSED, 0.5), CLOSED, smiling(AGAPE))
    whole = drawn(mouth, 2)
    monkeypatch.setattr("ganimate.render.mouth.STRIP_PX", 1)
    assert np.array_equal(drawn(mouth, 2), whole)


def test_a_weaker_mouth_opens_less_and_at_0_nothing_is_drawn() -> None:
    mouth = look_at_mouth(face(CLOSED, 0.5), CLOSED, smiling(AGAPE))
    touched = [(drawn(mouth.weakened(strength), 2) != 128).sum() for strength in (0.0, 0.5, 1.0)]
    assert touched[0] == 0 < touched[1] < touched[2]
    assert np.array_equal(drawn(mouth.weakened(1.0), 2), drawn(mouth, 2))


def test_of_a_mouth_at_the_photos_edge_the_part_inside_is_drawn() -> None:
    mouth = look_at_mouth(face(CLOSED, 0.5), CLOSED, smiling(AGAPE))
    photo, cut = np.full((SIZE, SIZE, 3), 128, np.uint8), SIZE // 2
    mouth.draw(photo, Paster(photo.shape, np.array([[1.0, 0, cut], [0, 1.0, 0]]), SIZE))
    assert np.array_equal(photo[:, : SIZE - cut], drawn(mouth, 1)[:, cut:])
    assert (photo[:, SIZE - cut :] == 128).all()
    photo[:] = 128
    mouth.draw(photo, Paster(photo.shape, np.array([[1.0, 0, 0], [0, 1.0, SIZE - 5]]), SIZE))  # far above the photo
    assert (photo == 128).all()


def teeth_of(middle: float, halves: tuple[float, float], shown: float, size: int = 400) -> tuple[Tensor, Tensor]:
    """Teeth below a straight upper lip at 0.4, and their brightness."""
    place = pixel_places(size, torch.device("cpu"))
    lip = torch.full((1, size, size), 0.4)
    along = ((place[..., 0] - 0.3) / 0.4).clamp(0, 1)[None]
    seen, shade, _ = draw_teeth(
        place, torch.tensor([middle]), torch.tensor([halves]), lip, lip[:, 0, 0], along, torch.tensor([shown]), 1 / size
    )
    return seen[0], shade[0]


def test_teeth_are_as_long_as_they_are_shown_and_alike_on_both_sides() -> None:
    for share in (LEAST_SHOWN, 1.0):
        seen, shade = teeth_of(0.5, (0.2, 0.2), share)
        assert torch.allclose(seen, seen.flip(1), atol=1e-4) and torch.allclose(shade, shade.flip(1), atol=1e-4)
        first = seen[160:, 200 + round(WIDTHS_MM[0] * MM * 200)]  # the middle of the first tooth, below the lip
        assert float(first.sum()) / 400 == pytest.approx(share * CROWN_MM * MM, rel=0.12)
    assert seen[:, 200 + round(sum(WIDTHS_MM) * MM * 400) + 3 :].max() == 0
    assert shade.min() > 0 and shade.max() <= 1


def test_between_two_teeth_it_is_darker() -> None:
    _, shade = teeth_of(0.5, (0.2, 0.2), 1.0)
    row = shade[170]
    edge, middle = (200 + round(way * MM * 400) for way in (WIDTHS_MM[0], WIDTHS_MM[0] / 2))
    assert row[edge] < 0.9 * row[middle]
    assert row[200] < 0.9 * row[middle]


def test_the_averted_side_of_a_turned_head_shows_narrower_teeth() -> None:
    _, shade = teeth_of(0.5, (0.12, 0.28), 1.0)
    row = shade[170]
    left = 200 - int(row[140:195].flip(0).argmin()) - 6
    right = 205 + int(row[205:260].argmin())
    assert 200 - left < right - 200


def test_the_landmarks_of_both_edges_mirror_each_other() -> None:
    for edge in (UPPER_EDGE, LOWER_EDGE):
        assert [int(MIRROR[point]) for point in edge] == edge[::-1]
