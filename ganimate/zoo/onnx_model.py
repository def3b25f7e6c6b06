"""A model, a judge and a reader of meshes, run by ONNX Runtime: what `checkpoint` has on torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganimate.config import MESH
from ganimate.errors import ModelError
from ganimate.face.mesh.reading import MeshNetwork
from ganimate.face.planes import to_floats, to_planes
from ganimate.motion.muscles import PARTS, Muscles
from ganimate.zoo.cards import JudgeCard, MeshCard, ModelCard
from ganimate.zoo.graphs import READER, Graph, graph_path
from ganimate.zoo.running import CropEdits, Floats, Pictures
from ganimate.zoo.weight_files import (
    JUDGE_FORMAT,
    MESH_FORMAT,
    MODEL_FORMAT,
    Arrays,
    check_heads,
    judge_card,
    mesh_card,
    read_arrays,
    read_card,
    reading_part,
)


@dataclass(frozen=True)
class OnnxModel:
    """A `RunningModel` on ONNX Runtime."""

    card: ModelCard
    generator: Graph
    reader: Graph
    measured: Muscles | None

    @property
    def runs_on(self) -> str:
        """What runs the networks, for people."""
        return "ONNX Runtime on cpu"

    def muscles(self) -> Muscles | None:
        """Return what moves the mesh, None of a generator of crops."""
        return self.measured

    def read(self, crops: Pictures) -> Floats:
        """Return the AUs (B, N) of upright crops (B, S, S, 3)."""
        return self.reader.run(to_planes(crops))[0]

    def paint(self, moved: Pictures, hints: Floats, y_from: Floats, y_to: Floats) -> Floats:
        """Return what is painted (B, H, W, 3) over the moved crops."""
        return to_floats(self.generator.run(to_planes(moved), hints, y_from, y_to)[0])

    def edit(self, crops: Pictures, y_from: Floats, y_to: Floats, hold_maps: Floats) -> CropEdits:
        """Return the edits of crops (B, S, S, 3)."""
        image = to_planes(crops)
        attention, color = self.generator.run(image, y_from, y_to, hold_maps[:, None])
        return CropEdits(attention[:, 0], to_floats(color), to_floats(image), None)

    def load_judge(self, path: Path) -> OnnxJudge:
        """Return the judge in file `path`; raises ModelError."""
        arrays, facts = read_arrays(path, JUDGE_FORMAT)
        card = judge_card(path, facts)
        check_heads(path, arrays, "", card.aus, JUDGE_FORMAT)
        return OnnxJudge(card, Graph(graph_path(path), arrays))

    def load_mesh_reader(self, path: Path) -> MeshNetwork:
        """Return the reader of meshes in file `path`; raises ModelError."""
        arrays, facts = read_arrays(path, MESH_FORMAT)
        return OnnxMeshReader(mesh_card(path, facts), Graph(graph_path(path), arrays))


@dataclass(frozen=True)
class OnnxJudge:
    """A `RunningJudge` on ONNX Runtime."""

    card: JudgeCard
    network: Graph

    def read(self, crops: Pictures) -> tuple[Floats, Floats]:
        """Return the AUs (B, N) and features (B, F) that it reads from crops (B, S, S, 3)."""
        aus, features = self.network.run(to_planes(crops))
        return aus, features


@dataclass(frozen=True)
class OnnxMeshReader:
    """A `MeshNetwork` on ONNX Runtime."""

    card: MeshCard
    network: Graph

    @property
    def size_px(self) -> int:
        """Side of the crops."""
        return self.card.network.size_px

    def read(self, crops: Pictures) -> tuple[Floats, Floats]:
        """Return points (B, 478, 3), from -1 to 1 across the crop, and confidences (B,) of crops (B, S, S, 3) RGB."""
        points, confidence = self.network.run(to_planes(crops))
        return points, confidence


def load_onnx_model(path: Path) -> OnnxModel:
    """Return the model in file `path`, run by the graphs beside it; raises ModelError and DependencyError."""
    card = read_card(path)
    if card.generator.matcher != "none":
        message = f"the generator in {path} moves crops by a spline, which runs on torch alone"
        raise ModelError(message, "leave out --backend onnx")
    arrays, _ = read_arrays(path, MODEL_FORMAT)
    check_heads(path, arrays, f"{reading_part(card)}.", card.aus, MODEL_FORMAT)
    generator, reader = (Graph(graph_path(path, part), arrays) for part in ("", READER))
    return OnnxModel(card, generator, reader, _muscles(path, card, arrays))


def _muscles(path: Path, card: ModelCard, arrays: Arrays) -> Muscles | None:
    """Return the muscles that lie beside the painter's weights."""
    if card.generator.architecture != MESH:
        return None
    try:
        parts = [np.asarray(arrays[f"generator.{name}"], np.float64) for name in PARTS]
    except KeyError as error:
        raise ModelError(f"the generator in {path} does not fit its config") from error
    return Muscles(tuple(card.aus), *parts)
