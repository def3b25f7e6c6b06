"""Who runs a model's networks: torch, or ONNX Runtime, which loads in a tenth of the time.

Neither library is loaded here before it is chosen.
"""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from ganimate.errors import ConfigError
from ganimate.zoo.graphs import graph_path, is_installed
from ganimate.zoo.running import RunningModel


def choose_backend(backend: str, device: str, weights: Path) -> str:
    """Return "onnx" or "torch" for the model in file `weights`; raises ConfigError for what does not go together.

    `auto` takes ONNX Runtime on the CPU where the model's graph lies beside it, and torch for all else: for a GPU above
    all, where it is many times as fast.
    """
    on_cpu = device == "cpu" or (device == "auto" and not _has_gpu())
    if backend == "onnx" and device not in ("auto", "cpu"):
        hint = "leave out --device, or take --backend torch"
        raise ConfigError(f"ONNX Runtime runs the networks on the CPU, not on {device!r}", hint)
    if backend == "auto":
        return "onnx" if on_cpu and is_installed() and graph_path(weights).is_file() else "torch"
    return backend


def _has_gpu() -> bool:
    """Say whether there may be a GPU that torch could use, without loading torch, which takes a second."""
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return apple or shutil.which("nvidia-smi") is not None


def check_means(weights: Path, backend: str, device: str) -> None:
    """Raise ConfigError where there is no such device, or the backend does not run the model in `weights` on it."""
    if choose_backend(backend, device, weights) == "torch":
        from ganimate.system.devices import choose_device

        choose_device(device)


def load_running_model(weights: Path, backend: str, device: str) -> RunningModel:
    """Return the model in file `weights`, run by the chosen backend.

    Raises ModelError, ConfigError and DependencyError.
    """
    if choose_backend(backend, device, weights) == "onnx":
        from ganimate.zoo.onnx_model import load_onnx_model

        return load_onnx_model(weights)
    from ganimate.system.devices import choose_device
    from ganimate.zoo.checkpoint import load_model

    return load_model(weights, choose_device(device))
