"""ONNX graphs beside weights: what they paint and read is what torch paints and reads."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import Result
from torch import Tensor

from ganimate.config import CriticConfig, CropSpec, GeneratorConfig
from ganimate.errors import DependencyError, ModelError
from ganimate.networks import Critic, build_generator
from ganimate.zoo import graphs
from ganimate.zoo.cards import ModelCard
from ganimate.zoo.catalogue import find_judge, find_mesh_reader, find_model, shipped_weights
from ganimate.zoo.checkpoint import load_model, save_model
from ganimate.zoo.graph_export import write_graphs
from ganimate.zoo.graphs import READER, Graph, graph_path
from ganimate.zoo.judge_weights import load_judge
from ganimate.zoo.mesh_weights import load_mesh_network
from ganimate.zoo.weight_files import MODEL_FORMAT, find_format, read_arrays

Run = Callable[..., Result]
LEVEL = 1 / 127.5  # of 255, of a picture in [-1, 1]
MODELS_MB = 40

rng = np.random.default_rng(0)


def picture(*shape: int) -> np.ndarray:
    return rng.uniform(-1, 1, shape).astype(np.float32)


def told(batch: int, aus: int) -> np.ndarray:
    return rng.uniform(0, 1, (batch, aus)).astype(np.float32)


def arrays_of(weights: Path) -> Mapping[str, np.ndarray]:
    return read_arrays(weights, find_format(weights))[0]


def tensors(*inputs: np.ndarray) -> list[Tensor]:
    return [torch.from_numpy(each) for each in inputs]


@pytest.mark.parametrize(("batch", "height", "width"), [(1, 256, 256), (3, 64, 104)])
def test_the_shipped_painter_paints_as_torch_does(batch: int, height: int, width: int) -> None:
    weights = find_model().path
    model, graph = load_model(weights), Graph(graph_path(weights), arrays_of(weights))
    count = len(model.card.aus)
    inputs = picture(batch, 3, height, width), picture(batch, 6, height, width), told(batch, count), told(batch, count)
    (color,) = graph.run(*inputs)
    with torch.inference_mode():
        wanted = model.generator(*tensors(*inputs)).color.numpy()
    assert color.shape == wanted.shape == (batch, 3, height, width)
    assert np.abs(color - wanted).max() < 0.1 * LEVEL


def test_the_shipped_readers_read_as_torch_does() -> None:
    weights = find_model().path
    model = load_model(weights)
    crops = picture(3, 3, model.card.crop.size_px, model.card.crop.size_px)
    (aus,) = Graph(graph_path(weights, READER), arrays_of(weights)).run(crops)
    judge, judge_graph = load_judge(find_judge()), Graph(graph_path(find_judge()), arrays_of(find_judge()))
    judged, features = judge_graph.run(crops)
    card, network = load_mesh_network(find_mesh_reader())
    faces = picture(2, 3, card.network.size_px, card.network.size_px)
    mesh_graph = Graph(graph_path(find_mesh_reader()), arrays_of(find_mesh_reader()))
    points, confidence = mesh_graph.run(faces)
    with torch.inference_mode():
        assert np.abs(aus - model.reader(*tensors(crops)).aus.numpy()).max() < 1e-4
        read = judge.network(*tensors(crops))
        assert np.abs(judged - read.aus.numpy()).max() < 1e-4
        assert np.abs(features - read.features.numpy()).max() < 1e-3
        mesh = network(*tensors(faces))
        assert np.abs(points - mesh.points.numpy()).max() < 1e-4  # of a crop that is 2 wide
        assert np.abs(confidence - torch.sigmoid(mesh.face).numpy()).max() < 1e-4


@pytest.mark.parametrize("weights", shipped_weights(), ids=lambda path: path.parent.name)
def test_shipped_graphs_find_their_weights_by_themselves(weights: Path) -> None:
    """In any program that knows ONNX, without ours: 'ganimate models onnx' was run after the weights were replaced."""
    for part in ("", READER) if find_format(weights) == MODEL_FORMAT else ("",):
        path = graph_path(weights, part)
        alone = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        inputs = [picture(*_sizes(each.shape)) for each in alone.get_inputs()]
        names = [each.name for each in alone.get_inputs()]
        wanted = alone.run(None, dict(zip(names, inputs, strict=True)))
        ours = Graph(path, arrays_of(weights)).run(*inputs)
        assert all(np.array_equal(a, b) for a, b in zip(ours, wanted, strict=True))
        graph = onnx.load(str(path), load_external_data=False)
        assert [(each.domain, each.version) for each in graph.opset_import] == [("", 20)]
        onnx.checker.check_model(str(path), full_check=True)


def _sizes(shape: list[Any]) -> list[int]:
    """Return sizes for a shape, of which names are free."""
    return [each if isinstance(each, int) else 64 if place else 2 for place, each in enumerate(shape)]


def test_models_stay_small() -> None:
    folder = find_model().path.parent.parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= MODELS_MB * 1e6
    assert all(path.stat().st_size < 2e5 for path in folder.rglob("*.onnx"))


@pytest.fixture(scope="module")
def exported(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of the paper's generator with its graphs."""
    weights = Path(shutil.copy(tiny_model, tmp_path_factory.mktemp("exported") / "tiny.safetensors"))
    assert [path.name for path in write_graphs(weights)] == ["tiny.onnx", "tiny.reader.onnx"]
    return weights


def test_the_papers_generator_paints_as_in_torch(exported: Path) -> None:
    model, graph = load_model(exported), Graph(graph_path(exported), arrays_of(exported))
    size, count = model.card.crop.size_px, len(model.card.aus)
    hold_map = rng.uniform(0, 1, (3, 1, size, size)).astype(np.float32)
    inputs = picture(3, 3, size, size), told(3, count), told(3, count), hold_map
    attention, color = graph.run(*inputs)
    with torch.inference_mode():
        wanted = model.generator(*tensors(*inputs))
    assert np.abs(attention - wanted.attention.numpy()).max() < 1e-4
    assert np.abs(color - wanted.color.numpy()).max() < 0.1 * LEVEL


def test_graphs_are_the_same_whenever_they_are_written(exported: Path) -> None:
    before = graph_path(exported).read_bytes()
    write_graphs(exported)
    assert graph_path(exported).read_bytes() == before


def test_the_command_writes_graphs(cli: Run, exported: Path, tmp_path: Path) -> None:
    weights = Path(shutil.copy(exported, tmp_path / "mine.safetensors"))
    done = cli("models", "onnx", weights)
    assert done.exit_code == 0, done.output
    assert done.stdout.split() == [str(tmp_path / "mine.onnx"), str(tmp_path / "mine.reader.onnx")]
    assert all(Path(line).is_file() for line in done.stdout.split())


def test_what_moves_crops_by_a_spline_is_left_to_torch(tmp_path: Path) -> None:
    aus, generator, critic = (1, 12), GeneratorConfig("attention", 32, 4, 1, "spline"), CriticConfig(32, 4, 8, 3)
    card = ModelCard("bent", generator, critic, CropSpec(32), aus)
    save_model(tmp_path / "bent.safetensors", card, build_generator(generator, 2), Critic(critic, 2))
    with pytest.raises(ModelError, match="spline") as caught:
        write_graphs(tmp_path / "bent.safetensors")
    assert caught.value.hint is not None and "torch" in caught.value.hint
    assert not list(tmp_path.glob("*.onnx"))


def test_a_graph_that_was_altered_is_found_out(exported: Path, tmp_path: Path) -> None:
    data, arrays = graph_path(exported).read_bytes(), arrays_of(exported)
    for name, altered in {
        "bit": data[:900] + bytes([data[900] ^ 1]) + data[901:],
        "short": data[:-1],
        "none": b"",
    }.items():
        (tmp_path / name).write_bytes(altered)
        with pytest.raises(ModelError, match="altered"):
            Graph(tmp_path / name, arrays)
    with pytest.raises(ModelError, match="cannot be read"):
        Graph(tmp_path / "missing", arrays)


def test_a_graph_of_other_weights_is_found_out(exported: Path) -> None:
    arrays = arrays_of(exported)
    name = "generator.to_color.weight"
    for changed in (arrays[name].astype(np.float32), arrays[name][:1]):
        with pytest.raises(ModelError, match="other weights"):
            Graph(graph_path(exported), {**arrays, name: changed})


def test_a_sealed_graph_that_cannot_be_run_is_told(exported: Path, tmp_path: Path) -> None:
    arrays = arrays_of(exported)
    (tmp_path / "odd.onnx").write_bytes(graphs.sealed(b"no graph at all", arrays))
    with pytest.raises(ModelError, match="cannot be run"):
        Graph(tmp_path / "odd.onnx", arrays)


def test_without_the_runtime_it_is_told(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DependencyError, match="ONNX Runtime") as caught:
        Graph(graph_path(exported), arrays_of(exported))
    assert caught.value.hint == "pip install onnxruntime"
