"""Files of weights: safetensors with plain-data metadata. Nothing that is loaded can execute code.

A *model* file is for users: the generator (EMA), the network that reads y_r, and what they are. A *state*
file is for resuming. Both are written to a temporary name and moved into place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from ganimate.config import to_dict
from ganimate.errors import ModelError
from ganimate.networks import Judge, build_generator
from ganimate.networks.critic import Critic
from ganimate.system.files import write_file
from ganimate.zoo.card import MODEL_FORMAT, REMEDIES, ModelCard, altered, read_card, read_metadata, seal

NetworkT = TypeVar("NetworkT", bound=nn.Module)


@dataclass(frozen=True)
class Model:
    """A loaded model, ready for inference: `generator` makes Edits, `reader` reads AUs, told as `aus`."""

    card: ModelCard
    generator: nn.Module
    reader: nn.Module


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write tensors and metadata to `path`, atomically; the metadata carries the tensors' digest."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    facts = {**metadata, "digest": digest(plain)}
    write_file(path, save(plain, {"ganimate": json.dumps({**facts, "seal": seal(facts)})}))


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, types, shapes and bytes, so that an altered file is found out."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def read_tensors(path: Path, expected: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return tensors and metadata of a file of format `expected`; raises ModelError where it was altered."""
    facts = read_metadata(path, expected)
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is cut short", REMEDIES[expected]) from error
    if digest(tensors) != facts.get("digest"):
        raise altered(path, expected)
    return tensors, facts


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
        network.load_state_dict(_strip(tensors, part))
    for part, optimizer in optimizers.items():
        _restore_moments(optimizer, _strip(tensors, part))


def _restore_moments(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimizer its moments back, laid out in memory as its weights: fused Adam pairs them by address."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".")
        placed = torch.empty_like(weights[int(index)], requires_grad=False).copy_(value) if value.ndim else value
        state.setdefault(int(index), {})[key] = placed
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _strip(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name[len(part) + 1 :]: value for name, value in tensors.items() if name.startswith(part + ".")}


def save_model(path: Path, card: ModelCard, generator: nn.Module, reader: nn.Module, *, half: bool = True) -> None:
    """Write the user's file; `half` stores weights in 16 bits."""
    parts = {"generator": generator, _reading_part(card): reader}
    tensors = {
        f"{part}.{name}": tensor.half() if half and tensor.is_floating_point() else tensor
        for part, network in parts.items()
        for name, tensor in network.state_dict().items()
    }
    write_tensors(path, tensors, {"format": MODEL_FORMAT, "card": to_dict(card)})


def load_model(path: Path, device: torch.device | None = None) -> Model:
    """Return the model in file `path`, its AU order checked before its shapes; raises ModelError."""
    card = read_card(path)
    tensors, _ = read_tensors(path, MODEL_FORMAT)
    reading = _reading_part(card)
    heads = tensors.get(f"{reading}.au_head.bias")
    if heads is None or len(heads) != len(card.aus):
        found = "none" if heads is None else str(len(heads))
        raise ModelError(f"{path} names {len(card.aus)} AUs but reads {found}", REMEDIES[MODEL_FORMAT])
    parts: tuple[tuple[str, Callable[[], nn.Module]], ...] = (
        ("generator", lambda: build_generator(card.generator, len(card.aus))),
        (reading, lambda: _build_reader(card)),
    )
    networks = []
    for part, build in parts:
        network = filled(build, _strip(tensors, part))
        if network is None:
            raise ModelError(f"the {part} in {path} does not fit its config", REMEDIES[MODEL_FORMAT])
        networks.append(network.to(device or torch.device("cpu")))
    generator, reader = networks
    return Model(card, generator, reader)


def _reading_part(card: ModelCard) -> str:
    return "critic" if card.reader is None else "reader"


def _build_reader(card: ModelCard) -> nn.Module:
    if card.reader is not None:
        return Judge(card.reader, len(card.aus))
    assert card.critic is not None
    return Critic(card.critic, len(card.aus))


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
