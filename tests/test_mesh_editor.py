"""Edits by the mesh: what rests stays, what moves is painted, and a model file keeps its muscles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganimate.animation import animator as animator_module
from ganimate.animation.animator import Animator
from ganimate.animation.mesh_editor import MeshEditor, MeshRequest
from ganimate.config import MESH, CriticConfig, CropSpec, GeneratorConfig
from ganimate.face.crop import Face, Image, crop_face
from ganimate.face.mesh.topology import MOUTH_CORNERS, mean_face
from ganimate.motion.muscles import Muscles
from ganimate.networks import Critic, MeshGenerator, build_generator
from ganimate.render.paste import Paster
from ganimate.zoo.checkpoint import Model, ModelCard, load_model, save_model

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
    return MeshEditor(generator, generator.muscles(AUS), MeanReader(), torch.device("cpu"))


def request_of(editor: MeshEditor, photo: Image, face: Face, target: tuple[float, float]) -> MeshRequest:
    view = editor.view(photo, face, crop_face(photo, face, SPEC))
    return MeshRequest(view, np.float32([0.2, 0]), np.float32(target), None)


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
    monkeypatch.setattr(animator_module, "load_mesh_reader", lambda path, device: MeanReader())
    animator = Animator(model)
    (person,) = animator.prepare(astronaut, [astronaut_face])
    target = person.source_aus.copy()
    target[0] = 1 - target[0].round()
    assert not np.array_equal(animator.still(astronaut, [person], [target]).image, astronaut)
    assert np.array_equal(animator.still(astronaut, [person], [person.source_aus]).image, astronaut)
