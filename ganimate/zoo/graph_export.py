"""From torch's networks to ONNX graphs beside their weights; `graphs` says what such a graph is."""

from __future__ import annotations

import json
import logging
import struct
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ganimate.config import MESH
from ganimate.errors import DependencyError, ModelError, OutputError
from ganimate.networks import JudgeReading
from ganimate.system.files import write_file
from ganimate.zoo.checkpoint import load_model
from ganimate.zoo.graphs import READER, graph_path, sealed
from ganimate.zoo.judge_weights import load_judge
from ganimate.zoo.mesh_weights import load_mesh_network
from ganimate.zoo.weight_files import (
    JUDGE_FORMAT,
    MESH_FORMAT,
    MODEL_FORMAT,
    Arrays,
    find_format,
    read_arrays,
    reading_part,
)

if TYPE_CHECKING:
    import onnx

OPSET = 20  # the first with GridSample as torch means it, of all sizes
FREE_PX = 8  # height and width of what is painted are multiples of this
SAMPLE_IMAGES = 2  # a batch of one would be taken for a constant


@dataclass(frozen=True)
class _Plan:
    """One graph to be written: its `part` of the file, the network and its tensors' prefix there, and what it takes.

    `inputs` and `outputs` have their names; `free` says which inputs have a free height and width.
    """

    part: str
    prefix: str
    network: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Callable[[Any], Tensor]]
    free: Sequence[str] = ()


def write_graphs(weights: Path) -> list[Path]:
    """Write the graphs of the networks in a file of weights beside it, and return their paths.

    Raises ModelError, OutputError, and DependencyError without the libraries of ONNX.
    """
    kind = find_format(weights)
    arrays, _ = read_arrays(weights, kind)
    places, written = _places(weights), []
    for plan in {MODEL_FORMAT: _of_model, JUDGE_FORMAT: _of_judge, MESH_FORMAT: _of_mesh_reader}[kind](weights):
        graph = _without_weights(_exported(plan), plan.prefix, arrays, weights.name, places)
        path = graph_path(weights, plan.part)
        try:
            write_file(path, sealed(graph.SerializeToString(deterministic=True), arrays))
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
        _check(path)
        written.append(path)
    return written


def _of_model(weights: Path) -> list[_Plan]:
    model = load_model(weights)
    card, size = model.card, model.card.crop.size_px
    own, goal = (torch.rand(SAMPLE_IMAGES, len(card.aus)) for _ in range(2))
    image = _image(size)
    reads = {"aus": lambda read: read.aus}
    reader = _Plan(READER, f"{reading_part(card)}.", model.reader, {"image": image}, reads)
    if card.generator.architecture == MESH:
        moved, hints = (torch.rand(SAMPLE_IMAGES, channels, 8 * FREE_PX, 4 * FREE_PX) for channels in (3, 6))
        painted = {"moved": moved, "hints": hints, "y_from": own, "y_to": goal}
        color = {"color": lambda painted: painted.color}
        return [_Plan("", "generator.", model.generator, painted, color, ("moved", "hints")), reader]
    if card.generator.matcher != "none":
        message = f"the generator in {weights} moves crops by a spline, which runs on torch alone"
        raise ModelError(message, "leave out --onnx; 'ganimate animate' takes torch for it")
    taken = {"image": image, "y_from": own, "y_to": goal, "hold_map": torch.rand(SAMPLE_IMAGES, 1, size, size)}
    made = {"attention": lambda edit: edit.attention, "color": lambda edit: edit.color}
    return [_Plan("", "generator.", model.generator, taken, made), reader]


def _of_judge(weights: Path) -> list[_Plan]:
    judge = load_judge(weights)
    reads: dict[str, Callable[[JudgeReading], Tensor]] = {
        "aus": lambda read: read.aus,
        "features": lambda read: read.features,
    }
    return [_Plan("", "", judge.network, {"image": _image(judge.card.judge.size_px)}, reads)]


def _of_mesh_reader(weights: Path) -> list[_Plan]:
    card, network = load_mesh_network(weights)
    reads = {"points": lambda read: read.points, "confidence": lambda read: torch.sigmoid(read.face)}
    return [_Plan("", "", network, {"image": _image(card.network.size_px)}, reads)]


def _image(size_px: int) -> Tensor:
    return torch.rand(SAMPLE_IMAGES, 3, size_px, size_px)


class _Outputs(nn.Module):
    """A network that returns a tuple of what is wanted of its record."""

    def __init__(self, network: nn.Module, wanted: Sequence[Callable[[Any], Tensor]]) -> None:
        super().__init__()
        self.network, self._wanted = network, wanted

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the wanted tensors."""
        record = self.network(*inputs)
        return tuple(want(record) for want in self._wanted)


def _exported(plan: _Plan) -> onnx.ModelProto:
    """Return the graph with its weights in it, of dynamic batch and, where they are free, height and width."""
    require_library()
    from torch.export import Dim

    batch, rows, columns = Dim("batch"), Dim("rows"), Dim("columns")
    sizes = {0: batch, 2: FREE_PX * rows, 3: FREE_PX * columns}
    shapes = tuple(sizes if name in plan.free else {0: batch} for name in plan.inputs)
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it tells of libraries that we do not use
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                _Outputs(plan.network, list(plan.outputs.values())).eval(),
                tuple(plan.inputs.values()),
                dynamo=True,
                dynamic_shapes=(shapes,),
                input_names=list(plan.inputs),
                output_names=list(plan.outputs),
                opset_version=OPSET,
                custom_translation_table={torch.ops.aten.atanh.default: _atanh},
                optimize=False,  # it would fold weights into one another, and they stay in their file
                verbose=False,
            )
    finally:
        logging.disable(before)
    assert program is not None
    return program.model_proto


def _atanh(x: Any) -> Any:
    """Return atanh x by logarithms, which ONNX Runtime computes several at a time: 5 ms of a frame's 75."""
    from onnxscript import opset20

    return opset20.Mul(opset20.Sub(opset20.Log(opset20.Add(1.0, x)), opset20.Log(opset20.Sub(1.0, x))), 0.5)


def _without_weights(
    model: onnx.ModelProto, prefix: str, arrays: Arrays, file: str, places: Mapping[str, tuple[int, int]]
) -> onnx.ModelProto:
    """Return the graph whose weights lie in `file` at `places`, and are made float32 as they are read."""
    onnx = require_library()
    graph, kept, casts = model.graph, [], []
    for initializer in graph.initializer:
        name = prefix + initializer.name.removeprefix("network.")
        if name not in arrays:
            kept.append(initializer)
            continue
        kind = onnx.helper.np_dtype_to_tensor_dtype(arrays[name].dtype)
        outside = onnx.TensorProto(name=name, data_type=kind, dims=arrays[name].shape)
        outside.data_location = onnx.TensorProto.EXTERNAL
        start, end = places[name]
        for key, value in (("location", file), ("offset", start), ("length", end - start)):
            outside.external_data.add(key=key, value=str(value))
        kept.append(outside)
        casts.append(onnx.helper.make_node("Cast", [name], [initializer.name], to=initializer.data_type))
    for node in graph.node:  # torch's notes on where each comes from are longer than the graph
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    nodes = [*casts, *graph.node]
    for holder, field in ((graph, "value_info"), (graph, "metadata_props"), (model, "metadata_props")):
        holder.ClearField(field)
    for field, items in (("initializer", kept), ("node", nodes)):
        graph.ClearField(field)
        getattr(graph, field).extend(items)
    return model


def _places(weights: Path) -> dict[str, tuple[int, int]]:
    """Return where each tensor begins and ends in a safetensors file, in bytes."""
    with weights.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    told = {name: entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"}
    return {name: (8 + size + start, 8 + size + end) for name, (start, end) in told.items()}


def _check(path: Path) -> None:
    """Let ONNX's own checker see the graph with the weights beside it."""
    require_library().checker.check_model(str(path), full_check=True)


def require_library() -> Any:
    """Return the library of ONNX; raises DependencyError without what graphs are written with."""
    try:
        import onnx
        import onnxscript  # noqa: F401  # torch exports by it
    except ImportError as error:
        raise DependencyError(f"graphs cannot be written: {error}", "pip install onnx onnxscript") from error
    return onnx
