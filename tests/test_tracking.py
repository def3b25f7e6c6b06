"""Laws of tracking: one face without a break, found again, never across a cut. The faces are a script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from clips import moved_face, paths, sway
from numpy.typing import NDArray

from ganimate.errors import FaceError
from ganimate.face.crop import Box, Face, Image
from ganimate.face.detect import DlibFollower, FixedFollower, Selection
from ganimate.face.detect.detector import DlibDetector, Pass
from ganimate.face.tracking import MOST_FACES, Tracked, Tracker, between, distance

FPS = 25.0
GAP = 5  # frames: 0.2 s


def face_at(x: float, width: float = 40.0) -> Face:
    return Face(Box(x, 10, x + width, 10 + width), np.full((68, 2), x, np.float32))


def frames(count: int, scenes: Sequence[int] = ()) -> Iterator[Image]:
    """Yield frames whose number stands in the corner; at `scenes` the backdrop changes."""
    for k in range(count):
        image = np.full((36, 64, 3), 60 + 100 * (sum(k >= start for start in scenes) % 2), np.uint8)
        image[0, 0] = k
        yield image


@dataclass
class Script:
    """A follower by a script: the faces of each frame; `missed` are frames where following fails."""

    faces: dict[int, list[Face]]
    missed: frozenset[int] = frozenset()
    searches: int = 0

    def search(self, frame: Image) -> list[Face]:
        self.searches += 1
        return sorted(self.faces.get(int(frame[0, 0, 0]), []), key=lambda face: -face.box.area)

    def follow(self, frame: Image, face: Face) -> Face | None:
        number = int(frame[0, 0, 0])
        near = [each for each in self.faces.get(number, []) if distance(each, face) < 0.5]
        return None if number in self.missed or not near else near[0]


def track(script: Script, count: int, scenes: Sequence[int] = ()) -> list[Tracked]:
    tracked = [each for (each,) in Tracker(script, FPS).track(frames(count, scenes))]
    assert [int(each.image[0, 0, 0]) for each in tracked] == list(range(count))  # every frame once, in order
    return tracked


def runs(tracked: Sequence[Tracked]) -> list[tuple[int, int]]:
    """Return first and last frame of each take with a face."""
    takes: dict[int, list[int]] = {}
    for k, each in enumerate(tracked):
        if each.face is not None:
            takes.setdefault(each.take, []).append(k)
    assert all(ks == list(range(ks[0], ks[-1] + 1)) for ks in takes.values())
    return [(ks[0], ks[-1]) for ks in takes.values()]


def test_a_face_is_searched_once_and_then_followed() -> None:
    script = Script({k: [face_at(2.0 * k)] for k in range(30)})
    tracked = track(script, 30)
    assert runs(tracked) == [(0, 29)]
    assert [each.face.box.left for each in tracked if each.face] == [2.0 * k for k in range(30)]
    assert script.searches == 1
    assert [each.cut for each in tracked] == [True] + [False] * 29


def test_the_largest_is_taken_and_stays_even_when_a_larger_one_comes() -> None:
    faces = {k: [face_at(10, 50), face_at(300, 60 if k < 5 else 45)] for k in range(20)}
    faces |= {k: [*faces[k], face_at(600, 200)] for k in range(10, 20)}
    boxes = {each.face.box.left for each in track(Script(faces), 20) if each.face}
    assert boxes == {300.0}


def test_a_missed_face_is_bridged() -> None:
    faces = {k: [face_at(2.0 * k)] for k in range(20) if k not in (8, 9)}
    tracked = track(Script(faces), 20)
    assert runs(tracked) == [(0, 19)]
    assert [each.face.box.left for each in tracked[7:11] if each.face] == pytest.approx([14, 16, 18, 20])


def test_a_lost_face_is_found_again_and_followed_back_to_where_it_came() -> None:
    faces = {k: [face_at(30)] for k in [*range(8), *range(21, 40)]}
    tracked = track(Script(faces), 40)
    assert runs(tracked) == [(0, 7), (21, 39)]
    assert all(each.face is None for each in tracked[8:21])


def test_searches_are_few_while_there_is_no_face() -> None:
    script = Script({})
    assert not any(each.face for each in track(script, 60))
    assert script.searches <= 60 / 4


def test_nothing_is_carried_over_a_cut() -> None:
    faces = {k: [face_at(30)] for k in range(20)}
    tracked = track(Script(faces), 20, scenes=(12,))
    assert runs(tracked) == [(0, 11), (12, 19)]
    assert [k for k, each in enumerate(tracked) if each.cut] == [0, 12]


def test_a_gap_is_not_bridged_over_a_cut() -> None:
    faces = {k: [face_at(30)] for k in range(20) if k not in (10, 11, 12)}
    assert runs(track(Script(faces), 20, scenes=(11,))) == [(0, 9), (13, 19)]


def test_a_jump_is_another_take_though_the_picture_is_the_same() -> None:
    faces = {k: [face_at(30 if k < 9 else 200)] for k in range(20)}
    tracked = track(Script(faces), 20)
    assert runs(tracked) == [(0, 8), (9, 19)]
    assert tracked[9].cut


class NamedEmbedder:
    """Knows people by where the first of their landmarks is from the left of their box, in this file's pictures."""

    def embed(self, photo: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.array([float(landmarks[0, 1])])


def person(name: float, x: float, width: float = 40.0) -> Face:
    return Face(Box(x, 10, x + width, 10 + width), np.full((68, 2), [x, name], np.float32))


def track_people(
    faces: dict[int, list[Face]], count: int, who: Selection, scenes: Sequence[int] = ()
) -> list[tuple[Tracked, ...]]:
    tracked = list(Tracker(Script(faces), FPS, who, NamedEmbedder()).track(frames(count, scenes)))
    assert [int(each[0].image[0, 0, 0]) for each in tracked] == list(range(count))
    return tracked


def names(frame: Sequence[Tracked]) -> list[float | None]:
    return [None if each.face is None else float(each.face.landmarks[0, 1]) for each in frame]


def test_all_are_followed_also_who_comes_later_and_leaves() -> None:
    faces = {k: [person(1, 10), person(2, 100, 45)] for k in range(30)}
    for k in range(12, 22):
        faces[k].append(person(3, 300 + 2 * k, 60))
    tracked = track_people(faces, 30, "all")
    for k, frame in enumerate(tracked):
        assert names(frame)[:2] == [2, 1]
        assert names(frame)[2] == (3 if 12 <= k < 22 else None), k
        assert names(frame)[3:] == [None] * (MOST_FACES - 3)


def test_who_slips_onto_somebody_else_is_lost() -> None:
    faces = {k: [person(1, 10), person(2, 10 + max(60 - 10 * k, 0), 39)] for k in range(8)}  # one behind the other
    tracked = track_people(faces, 8, "all")
    assert names(tracked[0])[:2] == [1, 2]
    assert [sum(name is not None for name in names(frame)) for frame in tracked[5:]] == [1, 1, 1]


def test_a_number_is_the_person_wherever_and_how_large_after_a_cut() -> None:
    faces = {k: [person(1, 10, 60), person(2, 100)] for k in range(10)}
    faces |= {k: [person(1, 200, 60)] for k in range(10, 20)}  # a scene without the one
    faces |= {k: [person(1, 10), person(2, 300, 90)] for k in range(20, 30)}
    tracked = track_people(faces, 30, 2, scenes=(10, 20))
    assert [names(frame) for frame in tracked] == [[2.0]] * 10 + [[None]] * 10 + [[2.0]] * 10


def test_who_comes_near_to_where_a_chosen_one_was_is_not_taken_for_that_one() -> None:
    faces = {k: [person(1, 10, 60), person(2, 100)] for k in range(10)}
    faces |= {k: [person(1, 10, 60), person(3, 140)] for k in range(10, 30)}
    assert [names(frame) for frame in track_people(faces, 30, [2])] == [[2.0]] * 10 + [[None]] * 20
    largest_takes_over = [names(frame) for frame in track_people(faces, 30, "largest")]
    assert largest_takes_over == [[1.0]] * 30


def test_several_numbers_are_their_people_in_that_order() -> None:
    faces = {k: [person(1, 10, 60), person(2, 100, 50), person(3, 300)] for k in range(10)}
    faces |= {k: [person(3, 10, 60), person(2, 100, 50), person(1, 300)] for k in range(10, 20)}
    tracked = track_people(faces, 20, [3, 1], scenes=(10,))
    assert [names(frame) for frame in tracked] == [[3.0, 1.0]] * 20


def test_a_number_that_is_not_there_is_told_by_the_first_frame_with_faces() -> None:
    faces = {k: [person(1, 10), person(2, 100)] for k in range(9, 30)}
    with pytest.raises(FaceError, match="face 3 was asked for, but there are only 2 faces in the first frame") as told:
        track_people(faces, 30, 3)
    assert told.value.hint == "`ganimate faces CLIP` lists and numbers them"
    met = Tracker(Script(faces), FPS).meet(frames(30))
    assert met is not None
    assert met[0] == int(met[1][0, 0, 0]) == 12  # the next time that somebody looks
    assert len(met[2]) == 2
    assert Tracker(Script({}), FPS).meet(frames(30)) is None


def test_frames_are_not_hoarded() -> None:
    given = 0

    def counted() -> Iterator[Image]:
        nonlocal given
        for frame in frames(100):
            given += 1
            yield frame

    for k, _ in enumerate(Tracker(Script({}), FPS).track(counted())):
        assert given - k <= GAP + 2


def test_between_two_faces() -> None:
    middle = between(face_at(0), face_at(10), 0.5)
    assert middle.box.left == 5
    assert (middle.landmarks == 5).all()
    assert distance(face_at(0), face_at(20)) == pytest.approx(0.5)
    assert distance(face_at(0), face_at(0)) == 0


def test_the_fixed_follower_sees_nothing_in_the_dark(astronaut_face: Face) -> None:
    follower = FixedFollower((astronaut_face,))
    assert follower.search(np.full((9, 9, 3), 99, np.uint8)) == [astronaut_face]
    assert follower.follow(np.zeros((9, 9, 3), np.uint8), astronaut_face) is None


def test_dlib_follows_a_moving_face(astronaut: NDArray[np.uint8], astronaut_face: Face) -> None:
    count = 6
    path = paths(count)
    tracked = [each for (each,) in Tracker(DlibFollower(), FPS).track(sway(astronaut, count))]
    eyes_px = 37
    for each, matrix in zip(tracked, path, strict=True):
        assert each.face is not None
        true = moved_face(astronaut_face, matrix).landmarks
        assert np.abs(each.face.landmarks - true).mean() < 0.04 * eyes_px
    black = np.zeros_like(tracked[0].image)
    face = tracked[0].face
    assert face is not None
    assert DlibFollower().follow(black, face) is None
    assert DlibFollower().search(black) == []


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_clip_filmed_sideways_is_followed_as_an_upright_one(astronaut: Image, quarter_turns: int) -> None:
    upright = sway(astronaut, 3)
    sideways = [np.ascontiguousarray(np.rot90(frame, quarter_turns)) for frame in upright]
    wanted = list(Tracker(DlibFollower(), FPS).track(upright))
    for (one,), (other,) in zip(wanted, Tracker(DlibFollower(), FPS).track(sideways), strict=True):
        assert one.face is not None and other.face is not None
        points = other.face.landmarks + 0.5 - len(other.image) / 2  # turned back about the middle of a square
        for _ in range(quarter_turns):
            points = np.stack([-points[:, 1], points[:, 0]], 1)
        assert np.abs(points + len(other.image) / 2 - 0.5 - one.face.landmarks).mean() < 1.5


def test_where_faces_stand_upright_nothing_is_turned(astronaut: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    turned: list[int] = []
    search = DlibDetector.search

    def noted(self: DlibDetector, photo: Image, how: Pass) -> object:
        turned.append(how.quarter_turns)
        return search(self, photo, how)

    monkeypatch.setattr(DlibDetector, "search", noted)
    follower, frame = DlibFollower(), sway(astronaut, 1)[0]
    assert follower.search(frame)
    assert not follower.search(np.zeros_like(frame))
    assert turned == [0, 0]
