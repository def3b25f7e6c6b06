"""Files of weights as torch's tensors, and networks with them. Files are written aside and moved into place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from ganimate.system.files import write_file
from ganimate.zoo.weight_files import digest, read_arrays, seal_of

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write tensors and metadata to `path`, atomically; the metadata carries the tensors' digest."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    facts = {**metadata, "digest": digest({name: tensor.numpy() for name, tensor in plain.items()})}
    write_file(path, save(plain, {"ganimate": json.dumps({**facts, "seal": seal_of(facts)})}))


def read_tensors(path: Path, expected: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return tensors and metadata of a file of format `expected`; raises ModelError where it was altered."""
    arrays, facts = read_arrays(path, expected)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}, facts


def gather(networks: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    """Return all weights and moments by dotted names: ``part.weight`` and ``part.index.moment``."""
    tensors: dict[str, Tensor] = {}
    for part, network in networks.items():
        tensors |= {f"{part}.{name}": value for name, value in network.state_dict().items()}
    for part, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"{part}.{index}.{name}": value for name, value in state.items()}
    return tensors


def scatter(
    tensors: Mapping[str, Tensor], networks: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]
) -> None:
    """Give networks and optimizers back what `gather` returned.

    Raises RuntimeError, ValueError, IndexError or KeyError where it does not fit.
    """
    for part, network in networks.items():
        network.load_state_dict(stripped(tensors, part))
    for part, optimizer in optimizers.items():
        _restore_moments(optimizer, stripped(tensors, part))


def _restore_moments(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimizer its moments back, laid out in memory as its weights: fused Adam pairs them by address."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".")
        placed = torch.empty_like(weights[int(index)], requires_grad=False).copy_(value) if value.ndim else value
        state.setdefault(int(index), {})[key] = placed
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def stripped(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """Return the tensors of one part by their names there."""
    return {name[len(part) + 1 :]: value for name, value in tensors.items() if name.startswith(part + ".")}


def filled(build: Callable[[], NetworkT], weights: Mapping[str, Tensor]) -> NetworkT | None:
    """Return the network with its weights, without gradients; None where these are not its own.

    What a file says of itself can stand for gigabytes: shapes are compared before any memory is taken.
    """
    with torch.device("meta"):
        wanted = {name: weight.shape for name, weight in build().state_dict().items()}
    if wanted != {name: weight.shape for name, weight in weights.items()}:
        return None
    network = build()
    try:
        network.load_state_dict({n: w.float() if w.is_floating_point() else w for n, w in weights.items()})
    except RuntimeError:
        return None
    return network.eval().requires_grad_(False)
