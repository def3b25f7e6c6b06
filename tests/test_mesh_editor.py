"""Edits by the mesh: what rests stays, what moves is painted, and a model file keeps its muscles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganimate.animation.animator import Animator
from ganimate.animation.mesh_editor import MeshEditor, MeshRequest
from ganimate.config import MESH, CriticConfig, CropSpec, GeneratorConfig
from ganimate.face.crop import Face, Image, crop_face
from ganimate.face.mesh.topology import LEFT_IRIS, MOUTH_CORNERS, NOSE_TIP, mean_face
from ganimate.facs.words import Pose
from ganimate.motion.muscles import Muscles
from ganimate.networks import Critic, MeshGenerator, build_generator
from ganimate.render.paste import Paster
from ganimate.zoo import checkpoint
from ganimate.zoo.cards import ModelCard
from ganimate.zoo.checkpoint import Model, load_model, save_model

AUS = (12, 45)
SPEC = CropSpec(size_px=64)
CONFIG = GeneratorConfig(architecture=MESH, size_px=64, channels=8, blocks=1)


class MeanReader:
    """A reader that finds the mean face in every crop."""

    size_px = 160

    def read(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        points = np.float32(1.25 * mean_face())
        return np.stack([points] * len(crops)), np.ones(len(crops), np.float32)


def muscles() -> Muscles:
    ways = np.zeros((2, 478, 3))
    ways[0, MOUTH_CORNERS] = [[-0.05, -0.1, 0], [0.05, -0.1, 0]]
    return Muscles(AUS, ways, np.ones(2), np.zeros((478, 3)), np.full(478, 0.3))


@pytest.fixture
def generator() -> MeshGenerator:
    torch.manual_seed(0)
    made = build_generator(CONFIG, len(AUS))
    assert isinstance(made, MeshGenerator)
    made.hold(muscles())
    return made.eval().requires_grad_(False)


@pytest.fixture
def editor(generator: MeshGenerator) -> MeshEditor:
    card = ModelCard("made up", CONFIG, CriticConfig(64, 4, 8, 4), SPEC, AUS)
    return MeshEditor(Model(card, generator, torch.nn.Identity()).paint, generator.muscles(AUS), MeanReader())


OWN = np.float32([0.2, 0.2, 0, 0, 0, 0, 0, 0, 0])  # as its words: 12L, 12R, 45L, 45R, and nothing turned


def request_of(editor: MeshEditor, photo: Image, face: Face, target: tuple[float, float]) -> MeshRequest:
    return asking(editor, photo, face, np.float32([*np.repeat(target, 2), 0, 0, 0, 0, 0]))


def asking(editor: MeshEditor, photo: Image, face: Face, row: NDArray[np.float32]) -> MeshRequest:
    (view,) = editor.views([photo], [face], [crop_face(photo, face, SPEC)])
    return MeshRequest(view, Pose.of(OWN), Pose.of(row), None)


def halves(request: MeshRequest) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the pixels (H, W) of the crop on the person's left and right, off the middle."""
    x = np.arange(len(request.view.image)) - request.view.mesh[NOSE_TIP, 0]
    off = 0.06 * np.ptp(request.view.mesh[:, 0])
    return np.tile(x > off, (len(x), 1)), np.tile(x < -off, (len(x), 1))


def test_equal_aus_leave_the_photo_bit_equal(editor: MeshEditor, astronaut: Image, astronaut_face: Face) -> None:
    (edit,) = editor.edit([request_of(editor, astronaut, astronaut_face, (0.2, 0))])
    frame = astronaut.copy()
    edit.paste(Paster(frame.shape, crop_face(frame, astronaut_face, SPEC).source_to_crop, 64), frame)
    assert np.array_equal(frame, astronaut)
    assert edit.attention.min() == 1 and edit.attention.shape == (128, 128)


def test_what_moves_is_painted_and_nothing_else(editor: MeshEditor, astronaut: Image, astronaut_face: Face) -> None:
    asked = request_of(editor, astronaut, astronaut_face, (1, 0))
    (edit,) = editor.edit([asked])
    assert edit.displacement is not None
    corner = asked.view.mesh[MOUTH_CORNERS[0], :2].round().astype(int)
    brow = asked.view.mesh[105, :2].round().astype(int)
    assert edit.attention[corner[1], corner[0]] < 0.5 and edit.attention[brow[1], brow[0]] == 1
    assert np.abs(edit.displacement[brow[1], brow[0]]).max() == 0
    assert np.linalg.norm(edit.displacement, axis=2).max() > 1


@pytest.mark.parametrize("column", [0, 2])
def test_one_side_leaves_the_other_half_of_the_face_alone(
    editor: MeshEditor, astronaut: Image, astronaut_face: Face, column: int
) -> None:
    for side in (0, 1):
        goal = OWN.copy()
        goal[column + side] = 1
        asked = asking(editor, astronaut, astronaut_face, goal)
        (edit,) = editor.edit([asked])
        assert edit.displacement is not None
        way = np.linalg.norm(edit.displacement, axis=2)
        own, other = halves(asked)[side], halves(asked)[1 - side]
        assert way[own].max() > 1
        assert way[other].max() <= 0.05 * way[own].max()
        assert (1 - edit.attention)[other].max() <= 0.05


def test_each_half_is_painted_by_its_own_aus(editor: MeshEditor, astronaut: Image, astronaut_face: Face) -> None:
    even, left = (asking(editor, astronaut, astronaut_face, OWN + np.float32(d)) for d in
                  ([0.5, 0.5, 0, 0, 0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0, 0, 0, 0, 0]))  # fmt: skip
    fields = [editor._move(each).field for each in (left, left)]
    moved = np.stack([left.view.image] * 2)
    both, sided = editor._paint([even, left], fields, moved)  # the same picture, painted by other AUs
    on_left, on_right = halves(left)
    known = fields[0].place.any(2)
    assert np.allclose(both[on_left & known], sided[on_left & known], atol=0.01)
    assert np.abs(both - sided)[on_right & known].max() > 0.01


@pytest.mark.parametrize("column", range(4, 9))
def test_a_turn_and_back_is_the_photo_and_turns_move_what_they_name(
    editor: MeshEditor, astronaut: Image, astronaut_face: Face, column: int
) -> None:
    goal = OWN.copy()
    goal[column] = 8
    asked = asking(editor, astronaut, astronaut_face, goal)
    (edit,) = editor.edit([asked])
    assert edit.displacement is not None
    shown = -edit.displacement * 2  # where pixels of the finer crop go
    nose, iris = (asked.view.mesh[point, :2].round().astype(int) for point in (NOSE_TIP, LEFT_IRIS[0]))
    at_nose, at_iris = shown[nose[1], nose[0]], shown[iris[1], iris[0]]
    eyes_only = column >= 7
    expected = {4: (1, 0), 5: (0, -1), 6: (1, 0), 7: (1, 0), 8: (0, -1)}[column]  # left and up, in the picture
    assert np.dot(at_iris if eyes_only else at_nose, expected) > 0.5
    assert not eyes_only or not at_nose.any()
    assert eyes_only or (edit.attention.mean() > 0.9)  # a head that turns is carried along, not painted anew


def test_glasses_turn_with_the_head(editor: MeshEditor, astronaut: Image, astronaut_face: Face) -> None:
    goal = OWN.copy()
    goal[4] = 8
    asked = asking(editor, astronaut, astronaut_face, goal)
    hold_map = np.ones((64, 64), np.float32)
    (bare,), (worn,) = editor.edit([asked]), editor.edit([replace(asked, hold_map=hold_map)])
    assert bare.displacement is not None and worn.displacement is not None
    assert np.allclose(bare.displacement, worn.displacement, atol=1e-4) and worn.attention.min() == 1


def test_one_by_one_equals_a_batch(editor: MeshEditor, astronaut: Image, astronaut_face: Face) -> None:
    asked = [request_of(editor, astronaut, astronaut_face, target) for target in ((1, 0), (0.2, 1))]
    for alone, edit in zip([editor.edit([one])[0] for one in asked], editor.edit(asked), strict=True):
        assert np.allclose(alone.color, edit.color, atol=0.01)
        assert np.array_equal(alone.attention, edit.attention)


def test_a_file_keeps_its_muscles_and_the_animator_moves_by_them(
    generator: MeshGenerator,
    astronaut: Image,
    astronaut_face: Face,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    critic = CriticConfig(size_px=64, channels=4, max_channels=8, layers=4)
    card = ModelCard("made up", CONFIG, critic, SPEC, AUS)
    path = tmp_path / "model.safetensors"
    save_model(path, card, generator, Critic(critic, len(AUS)), half=False)
    model = load_model(path)
    assert isinstance(model, Model) and isinstance(model.generator, MeshGenerator)
    assert np.allclose(model.generator.muscles(AUS).ways, muscles().ways)
    monkeypatch.setattr(checkpoint, "load_mesh_reader", lambda path, device: MeanReader())
    animator = Animator(model)
    (person,) = animator.prepare(astronaut, [astronaut_face])
    assert model.card.words == ("12L", "12R", "45L", "45R", "yaw", "pitch", "roll", "gaze_x", "gaze_y")
    assert person.source_aus.shape == (9,) and not person.source_aus[4:].any()
    target = person.source_aus.copy()
    target[0] = 1 - target[0].round()
    assert not np.array_equal(animator.still(astronaut, [person], [target]).image, astronaut)
    assert np.array_equal(animator.still(astronaut, [person], [person.source_aus]).image, astronaut)
