"""Laws of several faces in one photo: no order, nobody undoes or drags along what another one does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.config import CropSpec
from ganimate.face.crop import Face, Image, align
from ganimate.render.composite import Change, Compositor, Territory
from ganimate.render.paste import Paster

SPEC = CropSpec()
SIZE = SPEC.size_px
LEFT, RIGHT = (-120.0, 0.0), (-6.0, 0.0)  # where the astronaut's face went in `pair`


@pytest.fixture(scope="module")
def pair(astronaut: Image) -> Image:
    """The astronaut twice, cheek to cheek: the two crops overlap by a third."""
    return np.hstack([astronaut[:300, 120:282], astronaut[:300, 168:330]])


@pytest.fixture(scope="module")
def territory(pair: Image, astronaut_face: Face) -> Callable[[tuple[float, float]], Territory]:
    def make(shift: tuple[float, float]) -> Territory:
        landmarks = (astronaut_face.landmarks + np.array(shift)).astype(np.float32)
        matrix = align(landmarks, SPEC)
        return Territory(Paster(pair.shape, matrix, SIZE).window, landmarks, matrix, SIZE)

    return make


@pytest.fixture
def two(territory: Callable[[tuple[float, float]], Territory]) -> list[Territory]:
    return [territory(LEFT), territory(RIGHT)]


def paste(photo: Image, territory: Territory, strength: float, color: float = 255.0) -> Change:
    """An edit that moves the whole face sideways and paints a little; `strength` 0 changes nothing."""
    paster = Paster(photo.shape, territory.source_to_crop, SIZE)
    shift = np.zeros((SIZE, SIZE, 2), np.float32)
    shift[..., 0] = 8 * strength
    attention = np.full((SIZE, SIZE), 1 - 0.3 * abs(strength), np.float32)
    paint = np.full((SIZE, SIZE, 3), color, np.float32)
    return lambda frame: paster.paste(frame, paint, attention, shift)


def alone(photo: Image, change: Change) -> Image:
    image = photo.copy()
    change(image)
    return image


def shared(two: list[Territory], photo: Image) -> NDArray[np.bool_]:
    """Which pixels lie in both windows."""
    counts = np.zeros(photo.shape[:2], int)
    for territory in two:
        counts[territory.window] += 1
    return counts > 1


def test_the_crops_overlap(two: list[Territory], pair: Image) -> None:
    assert shared(two, pair).sum() > 5000


def test_one_face_is_pasted_as_ever(two: list[Territory], pair: Image) -> None:
    change = paste(pair, two[0], 1.0)
    assert np.array_equal(Compositor(pair, two[:1]).compose([change]), alone(pair, change))


@pytest.mark.parametrize("mover", [0, 1])
def test_beside_a_face_at_rest_the_other_is_as_if_alone(two: list[Territory], pair: Image, mover: int) -> None:
    changes = [paste(pair, territory, float(k == mover)) for k, territory in enumerate(two)]
    result = Compositor(pair, two).compose(changes)
    assert np.array_equal(result, alone(pair, changes[mover]))
    assert (result != pair).any(-1)[shared(two, pair)].any()


def test_the_order_of_faces_does_not_matter(pair: Image, territory: Callable[[tuple[float, float]], Territory]) -> None:
    cast = [(territory((-6.0 - 57 * k, 10.0 * k)), strength) for k, strength in enumerate((1.0, -0.7, 0.4))]
    results = []
    for order in permutations(cast):
        changes = [paste(pair, place, strength, 90.0) for place, strength in order]
        results.append(Compositor(pair, [place for place, _ in order]).compose(changes))
    assert all(np.array_equal(results[0], other) for other in results[1:])


def test_each_face_has_its_own_region_to_itself(two: list[Territory], pair: Image) -> None:
    changes = [paste(pair, two[0], 1.0, 255.0), paste(pair, two[1], 1.0, 0.0)]
    result = Compositor(pair, two).compose(changes)
    for territory, change in zip(two, changes, strict=True):
        wanted = alone(pair, change)
        eyes = np.rint(territory.landmarks[36:60].mean(0)).astype(int)
        middle = (slice(eyes[1] - 20, eyes[1] + 20), slice(eyes[0] - 25, eyes[0] + 25))
        assert np.abs(result[middle].astype(int) - wanted[middle]).max() <= 1
    free = ~shared(two, pair)
    both = np.where((alone(pair, changes[0]) != pair), alone(pair, changes[0]), alone(pair, changes[1]))
    assert np.array_equal(result[free], both[free])


def test_where_faces_meet_nothing_goes_beyond_what_either_makes(two: list[Territory], pair: Image) -> None:
    changes = [paste(pair, two[0], 1.0, 255.0), paste(pair, two[1], -1.0, 0.0)]
    result = Compositor(pair, two).compose(changes)
    made = np.stack([alone(pair, change) for change in changes])
    assert (result >= made.min(0)).all() and (result <= made.max(0)).all()


def test_one_faces_edit_is_not_moved_along_by_the_other(two: list[Territory], pair: Image) -> None:
    """The left one only paints, in a pure green that the photo lacks; the right one only moves."""
    green = np.zeros((SIZE, SIZE, 3), np.float32)
    green[..., 1] = 255
    paster = Paster(pair.shape, two[0].source_to_crop, SIZE)
    painted = lambda frame: paster.paste(frame, green, np.zeros((SIZE, SIZE), np.float32))  # noqa: E731
    changes = [painted, paste(pair, two[1], -1.0, 128.0)]
    result = Compositor(pair, two).compose(changes)
    bright = (result[..., 1] > 150) & (result[..., 0] < 60) & (result[..., 2] < 60)
    where_painted = (alone(pair, painted) != pair).any(-1)
    assert bright.sum() > 1000
    assert not (bright & ~where_painted).any()


def test_the_photo_is_not_changed_and_a_compositor_serves_many_frames(two: list[Territory], pair: Image) -> None:
    before = pair.copy()
    compositor = Compositor(pair, two)
    changes = [paste(pair, territory, 1.0) for territory in two]
    first = compositor.compose(changes)
    compositor.compose([paste(pair, territory, -0.5) for territory in two])
    assert np.array_equal(compositor.compose(changes), first)
    assert np.array_equal(pair, before)


@pytest.mark.parametrize("faces", [1, 2])
def test_a_frame_that_need_not_last_is_the_same_and_one_array_for_all(
    two: list[Territory], pair: Image, faces: int
) -> None:
    before, places = pair.copy(), two[:faces]
    lasting, passing = Compositor(pair, places), Compositor(pair, places, lasting=False)
    arrays = set()
    for strength in (1.0, -0.5, 0.0):
        changes = [paste(pair, territory, strength) for territory in places]
        frame = passing.compose(changes)
        arrays.add(id(frame))
        assert np.array_equal(frame, lasting.compose(changes))
    assert len(arrays) == 1
    assert np.array_equal(pair, before)


def test_what_no_face_touches_is_the_photos_to_the_last_bit(two: list[Territory], pair: Image) -> None:
    result = Compositor(pair, two).compose([paste(pair, territory, 1.0) for territory in two])
    outside = np.ones(pair.shape[:2], bool)
    for territory in two:
        outside[territory.window] = False
    assert outside.any() and np.array_equal(result[outside], pair[outside])


def test_windows_that_reach_over_the_photos_edge(pair: Image, territory: Callable[..., Territory]) -> None:
    edge = [territory((-200.0, -60.0)), territory((-150.0, -40.0))]
    changes = [paste(pair, place, 1.0) for place in edge]
    assert not np.array_equal(Compositor(pair, edge).compose(changes), pair)


def test_a_territory_is_heaviest_inside_the_face(two: list[Territory]) -> None:
    for territory in two:
        rows, columns = territory.window
        weight = territory.weight
        assert weight.shape == (rows.stop - rows.start, columns.stop - columns.start)
        nose = np.rint(territory.landmarks[30] - [columns.start, rows.start]).astype(int)
        assert weight[nose[1], nose[0]] == weight.max() > 10_000
        assert weight.min() == weight[0, 0] >= 1
