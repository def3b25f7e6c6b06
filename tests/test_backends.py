"""What runs the networks: ONNX Runtime makes what torch makes, and torch is not loaded for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from numpy.typing import NDArray
from PIL import Image

from ganimate.animation.animator import Animator
from ganimate.config import DEFAULT_MODEL
from ganimate.errors import ConfigError, ModelError
from ganimate.face.crop import Face
from ganimate.motion.hold_map import leashed, unpainted
from ganimate.trajectory import Trajectory
from ganimate.zoo import backends, graphs
from ganimate.zoo.backends import choose_backend, load_running_model
from ganimate.zoo.catalogue import find_judge, find_model, shipped_weights
from ganimate.zoo.checkpoint import Model
from ganimate.zoo.graph_export import write_graphs
from ganimate.zoo.onnx_model import OnnxModel

Run = Callable[..., Result]
ROOT = Path(__file__).resolve().parent.parent
# Where triangles of the mesh meet a pixel may lie in the one or in the other, as points differ in their fifth digit: in
# 13 expressions of the example photo 4 of 200,000 pixels that changed differed by more than 1 of 255, by up to 7.
STRAY_PIXELS = 4
ASKED = {"12L": 1.0, "12R": 1.0, "25L": 0.9, "25R": 0.9, "26L": 0.8, "26R": 0.8, "1R": 0.8, "yaw": 8.0}


@pytest.fixture(scope="module")
def tiny_with_graphs(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = Path(shutil.copy(tiny_model, tmp_path_factory.mktemp("graphs") / "tiny.safetensors"))
    write_graphs(weights)
    return weights


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_has_gpu", lambda: False)


def animators(weights: Path) -> tuple[Animator, Animator]:
    return tuple(Animator(load_running_model(weights, name, "cpu")) for name in ("torch", "onnx"))  # type: ignore[return-value]


@pytest.mark.parametrize("worn", [False, True])
def test_the_shipped_model_makes_the_same_frames(
    astronaut: NDArray[np.uint8], astronaut_face: Face, worn: bool
) -> None:
    made = []
    for animator in animators(find_model(DEFAULT_MODEL).path):
        (person,) = animator.prepare(astronaut, [astronaut_face])
        if worn:  # what keeps its place, across the eyes
            held = np.zeros((128, 128), np.float32)
            held[38:50, 20:108] = 1
            person = type(person)(person.face, person.crop, person.source_aus, held, person.view)
        rows = np.stack([person.source_aus] * 2)
        for word, value in ASKED.items():
            rows[:, animator.model.card.words.index(word)] = [value / 2, value]
        path = Trajectory(rows, 25.0, animator.model.card.words)
        made.append((person.source_aus, [frame.image for frame in animator.frames(astronaut, [person], [path])]))
    (aus, frames), (other_aus, other_frames) = made
    assert np.abs(aus - other_aus).max() < 1e-4
    for one, other in zip(frames, other_frames, strict=True):
        assert not np.array_equal(one, astronaut)
        assert np.count_nonzero(np.abs(one.astype(int) - other).max(2) > 1) <= STRAY_PIXELS


def test_the_papers_generator_makes_the_same_frames(
    tiny_with_graphs: Path, astronaut: NDArray[np.uint8], astronaut_face: Face
) -> None:
    edits = []
    for animator in animators(tiny_with_graphs):
        people = animator.prepare(astronaut, [astronaut_face])
        target = np.ones_like(people[0].source_aus)
        edits.append(
            (animator.model, animator.edit(people, target[None])[0], animator.read(people[0].crop.image[None]))
        )
    (torch_model, one, read), (onnx_model, other, also_read) = edits
    assert isinstance(torch_model, Model) and isinstance(onnx_model, OnnxModel)
    assert np.abs(read - also_read).max() < 1e-4
    # torch computes in 16 bits where that is fast, so they are as near as these are
    assert np.abs(one.attention - other.attention).max() < 0.02
    assert np.abs(one.color - other.color).max() < 3
    assert np.array_equal(one.moved, other.moved) and other.displacement is None


def test_the_judge_reads_the_same(astronaut: NDArray[np.uint8]) -> None:
    crops = np.ascontiguousarray(astronaut[None, 60:188, 160:288])
    readings = []
    for name in ("torch", "onnx"):
        judge = load_running_model(find_model().path, name, "cpu").load_judge(find_judge())
        readings.append((judge.card, *judge.read(crops)))
    (card, aus, features), (other_card, other_aus, other_features) = readings
    assert card == other_card
    assert np.abs(aus - other_aus).max() < 1e-4 and np.abs(features - other_features).max() < 1e-3


def test_one_law_holds_arrays_and_tensors() -> None:
    import torch

    rng = np.random.default_rng(0)
    flow, near = rng.normal(0, 0.1, (1, 2, 16, 16)).astype(np.float32), rng.random((1, 1, 16, 16)).astype(np.float32)
    tensors = torch.from_numpy(flow), torch.from_numpy(near)
    held = leashed(flow, near)
    assert held.dtype == np.float32 and np.allclose(held, leashed(*tensors).numpy(), atol=1e-6)
    assert np.array_equal(leashed(flow, 0 * near), flow)  # to the bit
    assert np.allclose(unpainted(near, near), unpainted(tensors[1], tensors[1]).numpy(), atol=1e-6)


@pytest.mark.usefixtures("no_gpu")
def test_the_backend_is_chosen_by_what_is_there(
    tiny_model: Path, tiny_with_graphs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choose_backend("auto", "auto", tiny_with_graphs) == "onnx"
    assert choose_backend("auto", "cpu", tiny_with_graphs) == "onnx"
    assert choose_backend("auto", "cuda", tiny_with_graphs) == "torch"
    assert choose_backend("auto", "auto", tiny_model) == "torch"  # it has no graph
    assert choose_backend("torch", "auto", tiny_with_graphs) == "torch"
    monkeypatch.setattr(backends, "_has_gpu", lambda: True)
    assert choose_backend("auto", "auto", tiny_with_graphs) == "torch"
    assert choose_backend("onnx", "auto", tiny_with_graphs) == "onnx"
    monkeypatch.setattr(backends, "_has_gpu", lambda: False)
    monkeypatch.setattr(backends, "is_installed", lambda: False)
    assert choose_backend("auto", "auto", tiny_with_graphs) == "torch"
    with pytest.raises(ConfigError, match="'cuda'"):
        choose_backend("onnx", "cuda", tiny_with_graphs)


def test_all_that_ships_runs_without_torch() -> None:
    assert all(graphs.graph_path(path).is_file() for path in shipped_weights())


def test_a_model_without_graphs_is_told_what_to_do(cli: Run, photo: Path, tiny_model: Path) -> None:
    done = cli("animate", photo, "-e", "12=1", "--model", tiny_model, "--backend", "onnx", "-o", photo.parent / "a.gif")
    assert done.exit_code == 1
    assert "tiny.onnx cannot be read" in done.stderr and "ganimate models onnx" in done.stderr
    assert not (photo.parent / "a.gif").exists()


def test_a_backend_and_a_device_that_do_not_go_together_are_told(cli: Run, photo: Path) -> None:
    done = cli("animate", photo, "-e", "12=1", "--backend", "onnx", "--device", "cuda")
    assert done.exit_code == 1 and "on the CPU, not on 'cuda'" in done.stderr


def test_a_generator_with_a_spline_is_left_to_torch(tmp_path: Path) -> None:
    from ganimate.config import CriticConfig, CropSpec, GeneratorConfig
    from ganimate.networks import Critic, build_generator
    from ganimate.zoo.cards import ModelCard
    from ganimate.zoo.checkpoint import save_model

    generator, critic = GeneratorConfig("attention", 32, 4, 1, "spline"), CriticConfig(32, 4, 8, 3)
    card = ModelCard("bent", generator, critic, CropSpec(32), (1, 12))
    save_model(tmp_path / "bent.safetensors", card, build_generator(generator, 2), Critic(critic, 2))
    with pytest.raises(ModelError, match="spline") as caught:
        load_running_model(tmp_path / "bent.safetensors", "onnx", "cpu")
    assert caught.value.hint == "leave out --backend onnx"


WITHOUT_TORCH = """
import json, sys
from ganimate.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["ganimate", *words]
    try:
        main()
    except SystemExit as leave:
        assert not leave.code, (words, leave.code)
print("LOADED", *({"torch", "onnx", "matplotlib"} & sys.modules.keys()), "onnxruntime" in sys.modules)
"""


def test_commands_load_no_torch(photo: Path, tmp_path: Path) -> None:
    """Real runs, with the model that ships and dlib's detector: made with torch they are the same."""
    (tmp_path / "aus.csv").write_text("AU12_r,AU25_r\n1,0\n4,2\n")
    means = ["--backend", "onnx", "-q"]
    short = ["--frames", "2", "--hold", "0", "--loop", "once"]
    commands = [
        ["animate", str(photo), "-e", "happiness", "-o", f"{tmp_path}/a/", *short, *means],
        ["interpolate", str(photo), "--from", "self", "--to", "fear", "-o", f"{tmp_path}/b.mp4", *short, *means],
        ["drive", str(photo), "--aus", str(tmp_path / "aus.csv"), "-o", f"{tmp_path}/c.gif", *means],
        ["batch", str(photo), "-e", "12=1", "-o", f"{tmp_path}/d", *short, *means],
        ["aus", str(photo), "--backend", "onnx"],
        ["models"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, json.dumps(commands)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED True"
    torch_made = ["animate", photo, "-e", "happiness", "-o", f"{tmp_path}/t/", *short, "--backend", "torch", "-q"]
    subprocess.run([sys.executable, "-m", "ganimate", *map(str, torch_made)], cwd=ROOT, check=True, capture_output=True)
    frames = sorted((tmp_path / "a").glob("*.png"))
    assert len(frames) == 2
    for frame in frames:
        one, other = (np.asarray(Image.open(path)).astype(int) for path in (frame, tmp_path / "t" / frame.name))
        assert np.count_nonzero(np.abs(one - other).max(2) > 1) <= STRAY_PIXELS


def test_the_pages_studio_loads_no_torch(photo: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from ganimate import Studio
portrait = Studio(backend="onnx").open(Path({str(photo)!r}))
portrait.picture({{1: "12=1"}}), portrait.read_again(1, "12=1")
print("torch" in sys.modules, "onnxruntime" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "True"]
