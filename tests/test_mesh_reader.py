"""Laws of the mesh reader: shapes, batches, folded norms, and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ganimate.config import MeshReaderConfig, MeshTraining
from ganimate.errors import ConfigError, ModelError
from ganimate.face.mesh.topology import POINTS
from ganimate.networks.mesh_reader import CORRECTED, MeshReader, folded, prime
from ganimate.zoo import catalogue as zoo
from ganimate.zoo.cards import MeshCard
from ganimate.zoo.catalogue import find_mesh_reader
from ganimate.zoo.mesh_weights import load_mesh_reader, save_mesh_reader

TINY = MeshReaderConfig(64, 4)
CARD = MeshCard(TINY, training={"steps": 3})

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def network() -> MeshReader:
    """A reader whose norms have seen something."""
    torch.manual_seed(0)
    network = MeshReader(TINY)
    for _ in range(3):
        network(torch.rand(8, 3, 64, 64) * 2 - 1)
    return network.eval().requires_grad_(False)


@pytest.fixture
def path(tmp_path: Path, network: MeshReader) -> Path:
    path = tmp_path / "mesh.safetensors"
    save_mesh_reader(path, CARD, network)
    return path


@pytest.mark.parametrize("size_px", [64, 160])
def test_readings_have_the_shapes_that_are_promised(size_px: int) -> None:
    read = MeshReader(MeshReaderConfig(size_px, 4)).eval()(torch.zeros(2, 3, size_px, size_px))
    assert read.points.shape == read.coarse.shape == (2, POINTS, 3) and read.face.shape == (2,)
    assert read.points.dtype == read.face.dtype == torch.float32


def test_a_face_reads_the_same_alone_and_among_others(network: MeshReader) -> None:
    crops = torch.rand(8, 3, 64, 64) * 2 - 1
    together = network(crops)
    for i in range(8):
        torch.testing.assert_close(network(crops[i : i + 1]).points[0], together.points[i], rtol=1e-4, atol=1e-5)


def test_only_what_is_looked_at_again_is_corrected(network: MeshReader) -> None:
    read = network(torch.rand(2, 3, 64, 64))
    moved = (read.points != read.coarse).any(-1).any(0)
    assert set(torch.nonzero(moved)[:, 0].tolist()) <= {point for part in CORRECTED for point in part}
    assert moved.any()


def test_a_primed_reader_says_the_mean_face() -> None:
    network, mean = MeshReader(TINY), torch.rand(POINTS, 3)
    prime(network, mean)
    read = network.eval()(torch.rand(2, 3, 64, 64))
    torch.testing.assert_close(read.points, mean.expand(2, -1, -1))


def test_folding_the_norms_changes_nothing(network: MeshReader) -> None:
    crops = torch.rand(2, 3, 64, 64) * 2 - 1
    torch.testing.assert_close(folded(network)(crops).points, network(crops).points, rtol=1e-4, atol=1e-5)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded(network).modules())
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())


def test_the_default_reader_is_small() -> None:
    assert sum(weight.numel() for weight in MeshReader(MeshReaderConfig()).parameters()) * 2 <= 5e6  # bytes, in half


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"network": MeshReaderConfig(64, 4), "steps": 0}, "steps"), ({"close_share": 0.9, "near_share": 0.2}, "close")],
)
def test_configs_name_the_field_that_is_wrong(fields: dict[str, object], name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        MeshTraining(**fields)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="size_px"):
        MeshReaderConfig(size_px=100)


# The file


def test_a_reader_comes_back_from_its_file(network: MeshReader, path: Path) -> None:
    loaded = load_mesh_reader(path)
    assert loaded.card == CARD and loaded.size_px == 64
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    points, confidences = loaded.read(crops)
    read = network(torch.from_numpy(crops).permute(0, 3, 1, 2) / 127.5 - 1)
    np.testing.assert_allclose(points, read.points, atol=0.01)  # half precision
    np.testing.assert_allclose(confidences, torch.sigmoid(read.face), atol=0.01)


def test_wrong_files_are_told_in_a_sentence(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 255
    (tmp_path / "damaged").write_bytes(data)
    (tmp_path / "short").write_bytes(data[: len(data) // 2])
    for name, words in (("damaged", "altered"), ("short", "reader of meshes"), ("none", "not a file")):
        with pytest.raises(ModelError, match=words) as caught:
            load_mesh_reader(tmp_path / name)
        assert "train-mesh" in str(caught.value.hint)


def test_weights_of_another_size_are_refused(network: MeshReader, tmp_path: Path) -> None:
    save_mesh_reader(tmp_path / "m", MeshCard(MeshReaderConfig(64, 8)), network)
    with pytest.raises(ModelError, match="does not fit its config"):
        load_mesh_reader(tmp_path / "m")


def test_a_reader_is_found_by_file_folder_or_as_the_one_that_ships(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert find_mesh_reader(str(path)) == find_mesh_reader(str(path.parent)) == path
    assert load_mesh_reader(find_mesh_reader()).size_px == MeshReaderConfig().size_px
    with pytest.raises(ModelError, match="no reader of meshes at nowhere"):
        find_mesh_reader("nowhere")
    monkeypatch.setattr(zoo, "zoo_folders", lambda: [tmp_path / "empty"])
    with pytest.raises(ModelError, match="missing"):
        find_mesh_reader()
