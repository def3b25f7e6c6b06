"""Laws of edited clips: no face no change, no jitter, soft where a face comes and goes, and always a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from clips import moved_face, paths, sway
from numpy.typing import NDArray

from ganimate.animation.animator import AnimatedFrame, Animator
from ganimate.animation.clip_frames import ClipFrame, Footage, performance
from ganimate.errors import FaceError
from ganimate.face.crop import Face, Image, align
from ganimate.face.detect import FixedFollower, GridEmbedder, Selection
from ganimate.face.glasses import Glasses
from ganimate.face.tracking import Tracked, Tracker
from ganimate.facs import words_of
from ganimate.render.paste import Paster
from ganimate.zoo.checkpoint import load_model

FPS = 25.0
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def animator(tiny_model: Path) -> Animator:
    return Animator(load_model(tiny_model))


@pytest.fixture
def follower(astronaut_face: Face) -> FixedFollower:
    return FixedFollower((astronaut_face,))


def ask_for_more(source_aus: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(source_aus + np.float32(0.5), 0, 1)


def footage_of(animator: Animator, follower: FixedFollower, who: Selection = "largest") -> Footage:
    return Footage(animator, Tracker(follower, FPS, who, GridEmbedder()), FPS)


def read(footage: Footage, frames: Iterable[Picture]) -> list[ClipFrame]:
    """Return the readings of a clip's only face."""
    return [reading for (reading,) in footage.read(frames)]


def edit(footage: Footage, frames: list[Picture], ramp_s: float = 0.0) -> list[tuple[ClipFrame, AnimatedFrame]]:
    edited = footage.edit(footage.read(frame.copy() for frame in frames), ask_for_more, ramp_s)
    return [(reading, frame) for (reading,), frame in edited]


def change(frame: AnimatedFrame, source: Picture) -> float:
    return float(np.abs(frame.image.astype(int) - source).mean())


def test_every_frame_is_edited_as_a_photo_would_be(
    animator: Animator, follower: FixedFollower, astronaut: Picture, astronaut_face: Face
) -> None:
    done = edit(footage_of(animator, follower), [astronaut] * 11)
    (person,) = animator.prepare(astronaut, [astronaut_face])
    still = animator.still(astronaut, [person], [ask_for_more(person.source_aus)])
    assert len(done) == 11
    for reading, frame in done:
        assert reading.source_aus == pytest.approx(person.source_aus, abs=1e-4)
        assert np.abs(frame.image.astype(int) - still.image).max() <= 2
    assert change(done[0][1], astronaut) > 0.1


def test_frames_without_a_face_and_pixels_outside_of_it_stay_as_they_are(
    animator: Animator, follower: FixedFollower, astronaut: Picture, astronaut_face: Face
) -> None:
    dark = np.random.default_rng(0).integers(0, 8, astronaut.shape, np.uint8)
    frames = [astronaut] * 5 + [dark] * 9 + [astronaut] * 5
    done = edit(footage_of(animator, follower), frames)
    spec = animator.model.card.crop
    window = Paster(astronaut.shape, align(astronaut_face.landmarks, spec), spec.size_px).window
    for k, (reading, frame) in enumerate(done):
        assert (reading.source_aus is None) == (5 <= k < 14)
        if reading.source_aus is None:
            assert np.array_equal(frame.image, dark)
        outside = frame.image.copy()
        outside[window] = frames[k][window]
        assert np.array_equal(outside, frames[k])
    strengths = [reading.strength for reading, _ in done if reading.source_aus is not None]
    assert strengths == [1.0] * 10  # the picture is cut there: no fade


class Comes(FixedFollower):
    """Finds the face only in frames whose corner says so."""

    def search(self, frame: Image) -> list[Face]:
        return super().search(frame) if frame[0, 0, 0] else []

    def follow(self, frame: Image, face: Face) -> Face | None:
        return face if frame[0, 0, 0] else None


def test_an_edit_comes_and_goes_softly_within_a_scene(
    animator: Animator, astronaut: Picture, astronaut_face: Face
) -> None:
    frames = [astronaut.copy() for _ in range(45)]
    for k, frame in enumerate(frames):
        frame[0, 0] = 255 * (10 <= k < 34)
    done = edit(footage_of(animator, Comes((astronaut_face,))), frames)
    changes = [change(frame, source) for (_, frame), source in zip(done, frames, strict=True)]
    assert [k for k, value in enumerate(changes) if value > 0] == list(range(10, 34))
    assert changes[10:16] == sorted(changes[10:16])
    assert changes[28:34] == sorted(changes[28:34])[::-1]
    assert changes[10] < 0.2 * changes[20]
    assert changes[33] < 0.2 * changes[20]
    assert changes[16:28] == pytest.approx([changes[20]] * 12, rel=0.02)


def test_a_ramp_brings_the_expression_slowly(animator: Animator, follower: FixedFollower, astronaut: Picture) -> None:
    done = edit(footage_of(animator, follower), [astronaut] * 20, ramp_s=0.4)
    end = done[-1][1].image
    ways = [float(np.abs(frame.image.astype(int) - end).mean()) for _, frame in done]
    assert ways[:11] == sorted(ways[:11])[::-1]
    assert ways[0] > ways[5] > 0
    assert ways[10:] == pytest.approx([0] * 10, abs=0.02)


class Trembling(FixedFollower):
    """Follows the path of `sway` with the scatter of a landmark predictor."""

    def __init__(self, faces: list[Face], scatter_px: float) -> None:
        super().__init__(tuple(faces))
        self._shown = iter(range(len(faces)))
        self._random = np.random.default_rng(0)
        self._scatter_px = scatter_px

    def search(self, frame: Image) -> list[Face]:
        return [self.follow(frame, self.faces[0])]

    def follow(self, frame: Image, face: Face) -> Face:
        true = self.faces[next(self._shown)]
        noise = self._random.normal(0, self._scatter_px, (68, 2))
        return Face(true.box, (true.landmarks + noise).astype(np.float32))


def test_a_trembling_reading_becomes_steady_and_is_not_late(
    animator: Animator, astronaut: Picture, astronaut_face: Face
) -> None:
    path = paths(50)
    true = [moved_face(astronaut_face, matrix) for matrix in path]
    scatter_px = 0.15  # 0.4 % of the distance of the eyes
    readings = read(footage_of(animator, Trembling(true, scatter_px)), sway(astronaut, 50))
    found = np.stack([reading.face.landmarks for reading in readings if reading.face is not None])
    errors = found - np.stack([face.landmarks for face in true])
    jitter = np.diff(errors, 2, axis=0).std()
    assert jitter < 0.35 * scatter_px * np.sqrt(6)  # of untouched readings
    assert np.abs(errors).mean() < scatter_px  # what moves is where it is, not where it was
    spec = animator.model.card.crop
    angles = [np.arctan2(m[1, 0], m[0, 0]) for m in (align(points, spec) for points in found)]
    truth = [np.arctan2(m[1, 0], m[0, 0]) for m in (align(face.landmarks, spec) for face in true)]
    assert np.degrees(np.diff(np.array(angles) - truth, 2)).std() < 0.1


def test_few_frames_are_held_however_long_the_clip(
    animator: Animator, follower: FixedFollower, astronaut: Picture
) -> None:
    given = 0

    def frames() -> Iterator[Picture]:
        nonlocal given
        for _ in range(60):
            given += 1
            yield astronaut.copy()

    footage = footage_of(animator, follower)
    for k, _ in enumerate(footage.edit(footage.read(frames()), ask_for_more)):
        assert given - k <= 24


def test_a_performance_has_the_frames_in_which_a_face_was_seen(
    animator: Animator, follower: FixedFollower, astronaut: Picture
) -> None:
    dark = np.zeros_like(astronaut)
    footage = footage_of(animator, follower)
    readings = read(footage, [astronaut] * 3 + [dark] * 8 + [astronaut] * 2)
    told = performance(readings, animator.model.card.aus, FPS, start_s=2.0)
    assert told.times_s == pytest.approx(2 + np.array([0, 1, 2, 11, 12]) / FPS)
    assert told.values.shape == (5, len(animator.model.card.aus))
    assert told.notes == ("a face in 5 of 13 frames",)
    with pytest.raises(FaceError, match="no face"):
        performance(readings[3:11], animator.model.card.aus, FPS)


def test_a_face_that_comes_late_and_leaves_early_is_held_at_both_ends(
    animator: Animator, follower: FixedFollower, astronaut: Picture
) -> None:
    dark = np.zeros_like(astronaut)
    readings = read(footage_of(animator, follower), [dark] * 8 + [astronaut] * 2 + [dark] * 9)
    aus = animator.model.card.aus
    told = performance(readings, aus, FPS, start_s=2.0)
    assert told.times_s == pytest.approx(2 + np.arange(19) / FPS)
    assert (told.values[:9] == told.values[8]).all() and (told.values[9:] == told.values[9]).all()
    assert told.notes[1] == (
        "the face comes at 2.32 s and is there until 2.36 s of 2 s to 2.72 s: its pose is held there (--trim)"
    )
    assert told.fps == FPS
    cut = performance(readings, aus, FPS, start_s=2.0, trim=True)
    assert cut.times_s == pytest.approx([2.32, 2.36])
    assert cut.notes == ("a face in 2 of 19 frames",)


def test_glasses_are_held_through_a_take_by_what_its_frames_say_together(
    animator: Animator,
    follower: FixedFollower,
    astronaut: Picture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lenses = np.array([[2, 3, 10, 15, 1]] * 2, np.float32)
    seen = iter([Glasses(2.0, lenses), *[Glasses(-1.0), Glasses(2.0, lenses)] * 10])
    monkeypatch.setattr(animator, "glasses", lambda face, crop: next(seen))
    readings = read(footage_of(animator, follower), [astronaut.copy()] * 20)
    holds = [reading.glasses.hold for reading in readings if reading.glasses is not None]
    assert len(holds) == 20
    assert holds == [1.0] * 20  # though every second frame alone says that there are none


def test_two_faces_are_edited_as_in_a_photo_of_both(
    animator: Animator, astronaut: Picture, astronaut_face: Face
) -> None:
    matrix = np.array([[0.8, 0, 150.0], [0, 0.8, 180.0]])
    other = moved_face(astronaut_face, matrix)
    follower = FixedFollower((astronaut_face, other))
    footage = footage_of(animator, follower, "all")
    done = list(footage.edit(footage.read([astronaut.copy() for _ in range(11)]), ask_for_more))
    people = animator.prepare(astronaut, [astronaut_face, other])
    still = animator.still(astronaut, people, [ask_for_more(person.source_aus) for person in people])
    assert len(done) == 11
    for readings, frame in done:
        assert [reading.source_aus is not None for reading in readings] == [True, True] + [False] * 6
        assert np.abs(frame.image.astype(int) - still.image).max() <= 2
        assert len(frame.edits) == 2
    footage = footage_of(animator, follower, 2)
    alone = animator.still(astronaut, people[1:], [ask_for_more(people[1].source_aus)])
    for _, frame in footage.edit(footage.read([astronaut.copy() for _ in range(3)]), ask_for_more):
        assert np.abs(frame.image.astype(int) - alone.image).max() <= 2


def test_a_head_that_turns_in_a_clip_is_told_from_its_usual_pose_and_no_further_than_it_can_here(
    astronaut: Picture, astronaut_face: Face
) -> None:
    words = words_of((12,), mesh=True)
    yaws = [31.0, 30.0, 30.0, 35.0, 90.0]  # from the camera
    rows = [np.float32([0.2, 0.2, yaw, 0, 0, 0, 0]) for yaw in yaws]
    told = performance([ClipFrame(Tracked(astronaut, astronaut_face, 0, False), row) for row in rows], words, FPS)
    assert told.values[:, words.index("yaw")].tolist() == [0, -1, -1, 4, 20]
    assert "further than they can here, and are held there, in 1 of 5 rows" in told.notes[-1]
