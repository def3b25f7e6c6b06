"""What is read back from finished frames: closed forms of generators that do exactly, or nothing of, what is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from patches import AUS, OWN, Idler, Painter, make_judge, make_model
from synthetic import SIZE_PX, shoot

from ganimate.animation.animator import Animator, PreparedFace
from ganimate.animation.read_back import UNCHANGED_SHARE, ReadBack, changed_pixels, judge_reader, own_reader
from ganimate.config import CropSpec
from ganimate.face.crop import Box, Face, Image, transform
from ganimate.face.detect import GridEmbedder
from ganimate.networks import GeneratorNetwork
from ganimate.trajectory import Trajectory

PHOTO = shoot(people=1, photos=1, strangers=0)[0]
UP = np.array([[OWN, OWN, OWN], [OWN, 0.7, OWN], [OWN, 0.95, OWN], [OWN, 0.7, OWN]], np.float32)  # AU12 up and back
CPU = torch.device("cpu")


def face(landmarks: NDArray[np.float32] = PHOTO.landmarks) -> Face:
    return Face(Box(0, 0, 96, 96), landmarks)


def path(values: NDArray[np.float32] = UP) -> Trajectory:
    return Trajectory(values, 25.0, AUS)


def read_back(
    generator: GeneratorNetwork, paths: Sequence[Trajectory] | None = None, own_head: bool = False, **how: object
) -> tuple[ReadBack, list[Image]]:
    """Return what was read back from an animation of as many faces as there are paths, and its frames."""
    paths = [path()] if paths is None else paths
    animator = Animator(make_model(generator))
    people = animator.prepare(PHOTO.image, [face()] * len(paths))
    reader = own_reader(animator) if own_head else judge_reader(make_judge(np.eye(3)))
    readback = ReadBack(PHOTO.image, people, paths, reader, **how)  # type: ignore[arg-type]
    frames = [frame.image for frame in readback.watch(animator.frames(PHOTO.image, people, paths))]
    return readback, frames


def test_what_was_asked_of_exactly_one_au_is_read_again_in_every_frame() -> None:
    readback, frames = read_back(Painter(), every_frame=True)
    assert [seen.frame for seen in readback.readings] == [0, 1, 2, 3]
    for seen, asked in zip(readback.readings, UP, strict=True):
        assert (seen.faces[0].asked == asked).all()
        np.testing.assert_allclose(seen.faces[0].read, asked, atol=0.06)  # the paste's resampling
    assert readback.moved(0) == [AUS.index(12)]
    assert readback.peaks == (2,)
    assert readback.peak(0).asked[1] == np.float32(0.95)
    assert readback.doubts() == []
    # three patches of 8×8 of 32×32 pixels were painted
    assert readback.peak(0).attention_mean == pytest.approx(1 - 3 * 64 / SIZE_PX**2)
    assert 0.1 < readback.peak(0).changed_share < 0.3
    assert readback.peak_frame(0).changed_share == changed_pixels(PHOTO.image, frames[2]) / (96 * 96)


def test_frames_pass_as_they_are() -> None:
    animator = Animator(make_model(Painter()))
    people = animator.prepare(PHOTO.image, [face()])
    made = list(animator.frames(PHOTO.image, people, [path()]))
    watching = ReadBack(PHOTO.image, people, [path()], own_reader(animator), every_frame=True)
    assert all(a is b for a, b in zip(watching.watch(iter(made)), made, strict=True))


def test_without_a_report_only_the_peak_is_measured() -> None:
    readback, _ = read_back(Painter())
    assert [seen.frame for seen in readback.readings] == [2]
    assert readback.identity_frames == ()
    assert readback.peak(0).identity_distance is None


def test_with_a_goal_the_peak_is_there_and_the_furthest_frame_says_if_anything_changed() -> None:
    down = path(UP[[2, 1, 0]])  # begins with a smile and ends as the photo
    near = np.array([OWN, 0.7, OWN], np.float32)
    readback, _ = read_back(Painter(), [down], targets=[near])
    assert readback.peaks == (1,)
    assert [seen.frame for seen in readback.readings] == [0, 1]
    assert readback.peak(0).asked[1] == np.float32(0.7)
    faint, _ = read_back(
        Painter(),
        [path(np.concatenate([UP[[2]], UP[[0]] + np.float32([0, 0.06, 0])]))],
        targets=[UP[0] + np.float32([0, 0.06, 0])],
    )
    assert faint.peaks == (1,)
    assert faint.doubts() == []
    assert "hardly changed" in read_back(Idler(), [down], targets=[near])[0].doubts()[0].message


def test_a_generator_that_does_nothing_is_doubted() -> None:
    readback, _ = read_back(Idler())
    assert readback.peak(0).changed_share == readback.peak_frame(0).changed_share == 0.0
    (doubt,) = readback.doubts()
    assert "hardly changed, though AU12 should: 0.0 %" in doubt.message


def test_nothing_asked_is_nothing_to_doubt() -> None:
    readback, _ = read_back(Idler(), [path(np.full((2, 3), OWN + 0.04, np.float32))])
    assert readback.moved(0) == []
    assert readback.doubts() == []


@pytest.mark.parametrize(("levels", "counts"), [(8, False), (9, True)])
def test_what_counts_as_changed(levels: int, counts: bool) -> None:
    after = PHOTO.image.copy()
    after[:10, :7, 1] = np.where(after[:10, :7, 1] > 127, after[:10, :7, 1] - levels, after[:10, :7, 1] + levels)
    assert changed_pixels(PHOTO.image, after) == (70 if counts else 0)


def test_the_models_own_head_says_so() -> None:
    readback, _ = read_back(Painter(), own_head=True)
    assert not readback.reader.independent
    assert "own" in readback.reader.name
    assert (readback.peak(0).read == np.float32(OWN)).all()  # a head that always reads the same


def test_aus_that_the_reader_lacks_are_not_known() -> None:
    animator = Animator(make_model(Painter()))
    people = animator.prepare(PHOTO.image, [face()])
    reader = judge_reader(make_judge(np.eye(2), aus=(26, 1)))
    readback = ReadBack(PHOTO.image, people, [path()], reader)
    list(readback.watch(animator.frames(PHOTO.image, people, [path()])))
    read = readback.peak(0).read
    assert np.isnan(read[AUS.index(12)])
    assert np.isfinite(read[[AUS.index(1), AUS.index(26)]]).all()
    # it takes the first patch for AU26
    assert read[AUS.index(26)] == pytest.approx(OWN, abs=0.06)


class Counting(GridEmbedder):
    """Counts how often it is asked."""

    calls = 0

    def embed(self, photo: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        Counting.calls += 1
        return super().embed(photo, landmarks)


def test_identity_is_measured_at_the_peak_and_at_evenly_chosen_frames_once_each() -> None:
    Counting.calls = 0
    readback, frames = read_back(Painter(), every_frame=True, embedder=Counting(), identity_frames=1)
    assert readback.identity_frames == (0, 2)
    assert Counting.calls == 3  # the photo and two frames
    assert readback.readings[1].faces[0].identity_distance is None
    apart = np.linalg.norm(
        GridEmbedder().embed(PHOTO.image, PHOTO.landmarks) - GridEmbedder().embed(frames[2], PHOTO.landmarks)
    )
    assert readback.peak(0).identity_distance == pytest.approx(apart)
    assert apart > 0


def test_rows_that_return_are_read_once() -> None:
    calls = []
    animator = Animator(make_model(Painter()))
    people = animator.prepare(PHOTO.image, [face()])
    own = own_reader(animator)

    def read(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        calls.append(len(crops))
        return own.read(crops)

    reader = type(own)(own.name, own.independent, own.spec, own.aus, read)
    readback = ReadBack(PHOTO.image, people, [path()], reader, every_frame=True)
    list(readback.watch(animator.frames(PHOTO.image, people, [path()])))
    assert len(calls) == 1 + 3  # the photo and three different rows of four
    assert readback.readings[3].faces == readback.readings[1].faces


class Stranger(GridEmbedder):
    """Takes every picture for another person than the one before."""

    def embed(self, photo: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.full(128, float(photo.astype(np.int64).sum() % 977))


def test_another_person_is_doubted() -> None:
    readback, _ = read_back(Painter(), embedder=Stranger())
    (doubt,) = readback.doubts()
    assert "same person" in doubt.message
    assert "0.6" in doubt.message


def test_each_face_has_its_own_peak_and_its_own_doubts() -> None:
    class Half(Painter):
        """Paints for AU12 only: a face that is asked for AU1 stays."""

        def forward(
            self,
            image: torch.Tensor,
            y_from: torch.Tensor,
            y_to: torch.Tensor,
            still: torch.Tensor | None = None,
        ) -> object:  # type: ignore[override]
            quiet = bool((y_to[:, 0] > OWN + 0.01).any())
            return (Idler() if quiet else Painter()).forward(image, y_from, y_to)

    other = UP[::-1][:, [1, 0, 2]].copy()  # AU1, the other way round
    other[1, 0] = 0.99
    big = np.concatenate([PHOTO.image, PHOTO.image], 1)
    animator = Animator(make_model(Half()))
    people: list[PreparedFace] = animator.prepare(big, [face(), face(PHOTO.landmarks + np.float32([96, 0]))])
    paths = [path(), path(other)]
    readback = ReadBack(big, people, paths, judge_reader(make_judge(np.eye(3))))
    list(readback.watch(animator.frames(big, people, paths)))
    assert readback.peaks == (2, 1)
    assert [seen.frame for seen in readback.readings] == [1, 2]
    (doubt,) = readback.doubts()
    assert doubt.face == 1
    assert "AU1 should" in doubt.message
    assert readback.peak(0).changed_share > UNCHANGED_SHARE


def test_a_still_is_its_own_peak() -> None:
    readback, _ = read_back(Painter(), [Trajectory(UP[2:3], 1.0, AUS)], every_frame=True)
    assert readback.peaks == (0,)
    assert len(readback.readings) == 1


def test_the_reader_sees_the_finished_frame_where_it_saw_the_photo() -> None:
    readback, frames = read_back(Painter())
    spec = CropSpec(size_px=SIZE_PX)
    animator = Animator(make_model(Painter()))
    (person,) = animator.prepare(frames[2], [face()])
    judge = judge_reader(make_judge(np.eye(3)))
    assert (readback.peak(0).read == judge.read(person.crop.image[None])[0]).all()
    assert transform(PHOTO.landmarks, person.crop.source_to_crop).mean() < spec.size_px
