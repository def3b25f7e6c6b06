"""Networks as ONNX graphs, beside their weights, and run by ONNX Runtime: no torch is needed, and none is loaded.

A graph holds no weights. It names where they lie in the file of weights beside it (ONNX's external data), so that
nothing is stored twice and any program that knows ONNX runs it where it lies. Here they are handed over by name, after
their digest was checked. The graph itself is sealed: its last bytes, metadata in ONNX's own terms, say what it was
when it was written, and for which weights.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import DependencyError, ModelError
from ganimate.system.processors import threads
from ganimate.zoo.weight_files import Arrays

if TYPE_CHECKING:
    import onnxruntime

Floats = NDArray[np.float32]
READER = "reader"  # the part of a model that reads AUs, in a graph of its own
# A StringStringEntryProto of ModelProto.metadata_props, up to its value of 128 letters: the last field of the file.
_STAMP = b"\x72\x8d\x01\x0a\x08ganimate\x12\x80\x01"
REMEDY = "write it again with 'ganimate models onnx', or take --backend torch"


def graph_path(weights: Path, part: str = "") -> Path:
    """Return where the graph of weights, or of a part of them, lies: model.onnx beside model.safetensors."""
    return weights.with_suffix(f".{part}.onnx" if part else ".onnx")


def layout(arrays: Arrays) -> str:
    """Return the SHA-256 of names, types and shapes: weights of one layout go with one graph."""
    told = sorted(f"{name} {array.dtype.name} {array.shape}" for name, array in arrays.items())
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def sealed(graph: bytes, arrays: Arrays) -> bytes:
    """Return a serialized graph with the seal that `Graph` asks for; `arrays` are the weights that go with it."""
    return graph + _STAMP + hashlib.sha256(graph).hexdigest().encode() + layout(arrays).encode()


@cache
def is_installed() -> bool:
    """Say whether ONNX Runtime can be imported, without doing so."""
    return importlib.util.find_spec("onnxruntime") is not None


class Graph:
    """A network, ready to be run on float32 arrays."""

    def __init__(self, path: Path, arrays: Arrays) -> None:
        """Load the graph at `path` with its weights, by their names in the file of weights.

        Raises ModelError where it is missing, was altered, or is that of other weights; DependencyError without ONNX
        Runtime.
        """
        data = _read(path, arrays)
        runtime = silent_runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what is wrong is told by what is raised
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # see `processors`
        own = {name: each for name, each in arrays.items() if _named(name) in data}
        options.add_external_initializers(
            list(own), [runtime.OrtValue.ortvalue_from_numpy(each) for each in own.values()]
        )
        try:
            self._session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no class in common
            raise ModelError(f"{path} cannot be run: {str(error).splitlines()[0]}", REMEDY) from error
        self._inputs = [each.name for each in self._session.get_inputs()]

    def run(self, *inputs: NDArray[Any]) -> list[Floats]:
        """Return what the network makes of its inputs, in the graph's order."""
        fed = {name: np.ascontiguousarray(each) for name, each in zip(self._inputs, inputs, strict=True)}
        made: list[Floats] = self._session.run(None, fed)
        return made


def _read(path: Path, arrays: Arrays) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}", REMEDY) from error
    body, stamp = data[: -len(_STAMP) - 128], data[-len(_STAMP) - 128 :]
    if stamp[: len(_STAMP)] != _STAMP or stamp[len(_STAMP) : -64] != hashlib.sha256(body).hexdigest().encode():
        raise ModelError(f"{path} was altered after it was written, or is cut short", REMEDY)
    if stamp[-64:] != layout(arrays).encode():
        raise ModelError(f"{path} is the graph of other weights than those beside it", REMEDY)
    return data


def _named(name: str) -> bytes:
    """Return how a TensorProto says its name: a graph takes some of a file's weights, and must not be handed others."""
    return b"\x42" + bytes([len(name)]) + name.encode()


def silent_runtime() -> onnxruntime:
    """Return ONNX Runtime, which tells its makers of its use (1.32; 1.29 did not) unless told not to beforehand."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise DependencyError(f"--backend onnx needs ONNX Runtime: {error}", "pip install onnxruntime") from error
    return onnxruntime
