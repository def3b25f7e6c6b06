"""Laws of the animator: frames come when they are asked for, none is generated twice, and all else stays the photo."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from ganimate.animation.animator import BATCH_IMAGES, Animator, PreparedFace
from ganimate.config import CriticConfig, CropSpec, GeneratorConfig
from ganimate.errors import ExpressionError, FaceError, ModelError
from ganimate.face.crop import Box, Face, transform
from ganimate.networks import Critic, build_generator
from ganimate.system.devices import bf16_is_fast
from ganimate.trajectory import Trajectory, build_trajectory
from ganimate.zoo.cards import ModelCard
from ganimate.zoo.checkpoint import Model

Image = NDArray[np.uint8]
AUS = (1, 4, 12)
MATCHERS = ["none", "spline"]
UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [41, 40, 47, 46]
ZERO, ONE = np.zeros(3, np.float32), np.ones(3, np.float32)


def make_animator(matcher: str = "spline", aus: tuple[int, ...] = AUS) -> Animator:
    """An animator with a tiny model whose weights are all far from 0, as after training."""
    torch.manual_seed(0)
    card = ModelCard(
        "tiny",
        GeneratorConfig(size_px=32, channels=4, blocks=2, matcher=matcher),
        CriticConfig(32, channels=4, layers=4),
        CropSpec(32),
        aus,
    )
    generator, critic = build_generator(card.generator, len(aus)), Critic(card.critic, len(aus))
    with torch.no_grad():
        for name, weight in generator.named_parameters():
            if not weight.any():
                weight.normal_(0, 0.02)
            weight.mul_(10 if "to_" in name or "head" in name else 1)
        critic.au_head.bias.copy_(torch.linspace(0.2, 0.6, len(aus)))
    return Animator(Model(card, generator.eval().requires_grad_(False), critic.eval().requires_grad_(False)))


@pytest.fixture
def animator() -> Animator:
    return make_animator()


@pytest.fixture
def people(animator: Animator, astronaut: Image, astronaut_face: Face) -> list[PreparedFace]:
    return animator.prepare(astronaut, [astronaut_face])


@contextmanager
def counted(animator: Animator) -> Iterator[list[int]]:
    """The sizes of the batches that are generated meanwhile."""
    sizes: list[int] = []
    handle = animator.model.generator.register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    yield sizes
    handle.remove()


def path_of(frames: int, loop: str = "once", hold_frames: int = 0) -> Trajectory:
    return build_trajectory(ZERO, ONE, AUS, frames=frames, fps=24, easing="linear", loop=loop, hold_frames=hold_frames)


def inside(photo: Image, person: PreparedFace) -> NDArray[np.bool_]:
    """Which pixels of the photo lie in the person's crop."""
    grid = np.stack(np.meshgrid(np.arange(photo.shape[1]), np.arange(photo.shape[0])), -1)
    places = transform(grid, person.crop.source_to_crop)
    return np.asarray(((places >= -0.5) & (places <= 31.5)).all(-1))


def test_a_sitter_has_its_crop_and_the_aus_that_the_critic_reads(
    animator: Animator, people: list[PreparedFace]
) -> None:
    (person,) = people
    assert person.crop.image.shape == (32, 32, 3)
    assert person.source_aus.shape == (3,) and person.source_aus.dtype == np.float32
    assert np.allclose(person.source_aus, [0.2, 0.4, 0.6], atol=0.05)


def test_shut_eyes_are_read_by_their_lids_too(astronaut: Image, astronaut_face: Face) -> None:
    animator = make_animator(aus=(1, 12, 45))
    points = astronaut_face.landmarks.copy()
    points[UPPER_LIDS] = points[LOWER_LIDS]
    shut = replace(astronaut_face, landmarks=points)
    (open_eyes,), (blink,) = (animator.prepare(astronaut, [face]) for face in (astronaut_face, shut))
    np.testing.assert_array_equal(open_eyes.source_aus, animator.read(open_eyes.crop.image[None])[0])
    assert blink.source_aus[2] == 1 > open_eyes.source_aus[2]
    np.testing.assert_allclose(blink.source_aus[:2], animator.read(blink.crop.image[None])[0, :2])


def test_a_black_and_white_photo_stays_so(astronaut: Image, astronaut_face: Face) -> None:
    animator = make_animator()
    grey = np.repeat(astronaut.mean(2, keepdims=True), 3, axis=2).round().astype(np.uint8)
    for photo, tinted in ((astronaut, True), (grey, False)):
        people = animator.prepare(photo, [astronaut_face])
        (edit,) = animator.still(photo, people, [ONE]).edits
        paint = edit.color - edit.moved
        assert np.abs(paint).max() > 1
        assert bool(np.ptp(paint, axis=2).max() > 1) is tinted
    assert np.ptp(animator.still(grey, people, [ONE]).image.astype(int), axis=2).max() <= 1


def test_readings_stay_in_range(animator: Animator, people: list[PreparedFace]) -> None:
    nn.init.constant_(animator.model.reader.au_head.bias, 7.0)
    assert (animator.read(people[0].crop.image[None]) == 1.0).all()
    nn.init.constant_(animator.model.reader.au_head.bias, -7.0)
    assert (animator.read(people[0].crop.image[None]) == 0.0).all()


def test_each_crop_is_read_alone(animator: Animator) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    alone = np.concatenate([animator.read(crop[None]) for crop in crops])
    assert np.allclose(animator.read(crops), alone, atol=1e-6)


def test_without_a_face_there_is_nothing_to_animate(animator: Animator, astronaut: Image) -> None:
    with pytest.raises(FaceError, match="no face"):
        animator.prepare(astronaut, [])


def test_a_model_that_reads_nan_is_refused(animator: Animator, astronaut: Image, astronaut_face: Face) -> None:
    nn.init.constant_(animator.model.reader.au_head.bias, float("nan"))
    with pytest.raises(ModelError, match="'tiny' reads AUs that are not numbers"):
        animator.prepare(astronaut, [astronaut_face])


def test_a_model_that_paints_nan_is_refused(animator: Animator, astronaut: Image, people: list[PreparedFace]) -> None:
    for weight in animator.model.generator.parameters():
        nn.init.constant_(weight, float("nan"))
    with pytest.raises(ModelError, match="'tiny' paints"):
        animator.still(astronaut, people, [ONE])


@pytest.mark.parametrize("matcher", MATCHERS)
def test_a_generator_animates_with_and_without_motion(matcher: str, astronaut: Image, astronaut_face: Face) -> None:
    animator = make_animator(matcher)
    people = animator.prepare(astronaut, [astronaut_face])
    first, *_, last = animator.frames(astronaut, people, [path_of(3)])
    (edit,) = last.edits
    assert last.image.shape == astronaut.shape and last.image.dtype == np.uint8
    assert edit.color.shape == (32, 32, 3) and edit.attention.shape == (32, 32)
    assert edit.color.min() >= 0 and edit.color.max() <= 255
    assert (edit.displacement is None) == (matcher == "none")
    assert not np.array_equal(first.image, last.image)


@pytest.mark.parametrize("matcher", MATCHERS)
def test_pixels_outside_the_crop_stay_the_photos_to_the_last_bit(
    matcher: str, astronaut: Image, astronaut_face: Face
) -> None:
    animator = make_animator(matcher)
    people = animator.prepare(astronaut, [astronaut_face])
    outside = ~inside(astronaut, people[0])
    for frame in animator.frames(astronaut, people, [path_of(3)]):
        assert np.array_equal(frame.image[outside], astronaut[outside])
        assert not np.array_equal(frame.image, astronaut)


def test_a_displacement_is_in_pixels_of_the_crop(
    animator: Animator, astronaut: Image, people: list[PreparedFace]
) -> None:
    crop = torch.from_numpy(people[0].crop.image[None]).permute(0, 3, 1, 2) / 127.5 - 1
    own = torch.from_numpy(people[0].source_aus[None])
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast(torch.device("cpu"))):  # as the animator does
        flow = animator.model.generator(crop, own, torch.ones(1, 3)).flow
    shift = animator.still(astronaut, people, [ONE]).edits[0].displacement
    assert shift is not None
    scale = np.abs(shift).max()
    assert np.allclose(shift, flow[0].permute(1, 2, 0).numpy() * 16, atol=0.05 * scale)  # the crop is 2 wide: 32 px


def test_glasses_keep_their_place_and_only_theirs(
    animator: Animator, astronaut: Image, people: list[PreparedFace]
) -> None:
    assert people[0].hold_map is None
    still = np.zeros((32, 32), np.float32)
    still[8:14] = 1
    worn, goals = replace(people[0], hold_map=still), np.stack([ONE, ONE])
    free, held = animator.edit([people[0], worn], goals)
    alone = animator.edit(people, ONE[None])[0]
    assert free.displacement is not None and held.displacement is not None and alone.displacement is not None
    assert np.allclose(free.displacement, alone.displacement, atol=1e-4)  # beside somebody with glasses
    assert np.abs(held.displacement[8:14]).max() < 0.01 < np.abs(free.displacement[8:14]).max()
    assert (held.attention[8:14] == 1).all()


def test_frames_are_made_when_they_are_asked_for_and_a_batch_ahead(
    animator: Animator, astronaut: Image, people: list[PreparedFace]
) -> None:
    with counted(animator) as sizes:
        frames = animator.frames(astronaut, people, [path_of(40)])
        assert sizes == []
        for _ in range(BATCH_IMAGES):
            next(frames)
        frames.close()  # waits for what is being made
        assert sizes == [BATCH_IMAGES] * 2


def test_every_row_has_its_frame_and_is_generated_once(
    animator: Animator, astronaut: Image, people: list[PreparedFace]
) -> None:
    path = path_of(11, "ping-pong", hold_frames=5)
    with counted(animator) as sizes:
        images = [frame.image for frame in animator.frames(astronaut, people, [path])]
    assert len(images) == len(path) == 25
    assert sum(sizes) == 11 and max(sizes) <= BATCH_IMAGES
    assert all(np.array_equal(images[10], images[10 + i]) for i in range(6))
    assert all(np.array_equal(images[10 - i], images[15 + i]) for i in range(10))


def test_an_edit_is_forgotten_after_its_last_frame(
    animator: Animator, astronaut: Image, people: list[PreparedFace]
) -> None:
    frames = animator.frames(astronaut, people, [path_of(2 * BATCH_IMAGES)])
    first = weakref.ref(next(frames).edits[0])
    next(frames), next(frames)
    gc.collect()
    assert first() is None


def test_a_still_is_the_last_frame(animator: Animator, astronaut: Image, people: list[PreparedFace]) -> None:
    *_, last = animator.frames(astronaut, people, [path_of(9)])
    still = animator.still(astronaut, people, [ONE])
    assert np.abs(still.image.astype(np.int16) - last.image).max() <= 2  # bf16 rounds other batches otherwise


def test_the_photo_itself_is_never_changed(animator: Animator, astronaut: Image, people: list[PreparedFace]) -> None:
    before = astronaut.copy()
    frames = list(animator.frames(astronaut, people, [path_of(2)]))
    assert np.array_equal(astronaut, before)
    assert frames[0].image is not frames[1].image


def test_two_faces_follow_their_own_trajectories(animator: Animator, astronaut: Image, astronaut_face: Face) -> None:
    shift = np.array([-60.0, 290.0], np.float32)
    photo = astronaut.copy()
    photo[300:512, 60:300] = astronaut[10:222, 120:360]
    other = Face(Box(0, 0, 1, 1), astronaut_face.landmarks + shift)
    people = animator.prepare(photo, [astronaut_face, other])
    attention = animator.model.generator.get_submodule("to_attention")
    attention.register_forward_hook(lambda module, inputs, output: output * 0 + 200)  # it moves, and paints nothing
    still = Trajectory(np.stack([people[0].source_aus] * 3), 24, AUS)
    for frame in animator.frames(photo, people, [still, path_of(3)]):
        changed = (frame.image != photo).any(-1)
        assert changed.any() and not (changed & ~inside(photo, people[1])).any()
        assert len(frame.edits) == 2


@pytest.mark.parametrize("aus", [(4, 1, 12), (1, 4), (1, 4, 12, 45)])
def test_a_trajectory_of_other_aus_is_refused_at_once_and_before_shapes(
    animator: Animator, astronaut: Image, people: list[PreparedFace], aus: tuple[int, ...]
) -> None:
    path = Trajectory(np.zeros((2, len(aus)), np.float32), 24, aus)
    with pytest.raises(ExpressionError, match="the trajectory is for the AUs"):
        animator.frames(astronaut, people, [path])


def test_every_face_needs_a_trajectory_of_one_length(
    animator: Animator, astronaut: Image, people: list[PreparedFace]
) -> None:
    for paths in ([], [path_of(2), path_of(2)]):
        with pytest.raises(ExpressionError, match="every face needs a trajectory"):
            animator.frames(astronaut, people, paths)
    with pytest.raises(ExpressionError, match="one length"):
        animator.frames(astronaut, people * 2, [path_of(2), path_of(3)])


def test_a_still_needs_a_goal_for_every_face(animator: Animator, astronaut: Image, people: list[PreparedFace]) -> None:
    with pytest.raises(ExpressionError, match="every face"):
        animator.still(astronaut, people * 2, [ONE])
