"""Files of weights: safetensors with plain-data metadata. Nothing that is loaded can execute code.

A *model* file is for users: the generator (EMA), the network that reads y_r, and what they are. A *state*
file is for resuming. Both are written to a temporary name and moved into place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from ganimate.config import MESH, CriticConfig, CropSpec, GeneratorConfig, JudgeConfig, from_dict, to_dict
from ganimate.errors import ConfigError, ModelError
from ganimate.facs import ACTION_UNITS, ActionUnit, Word, words_of
from ganimate.networks import Judge, build_generator
from ganimate.networks.critic import Critic
from ganimate.system.files import write_file

NetworkT = TypeVar("NetworkT", bound=nn.Module)

MODEL_FORMAT = "ganimate-model-1"
STATE_FORMAT = "ganimate-state-2"
JUDGE_FORMAT = "ganimate-judge-1"
MESH_FORMAT = "ganimate-mesh-1"
REMEDIES = {
    MODEL_FORMAT: "fetch or export it again; 'ganimate models' lists the models that are here",
    STATE_FORMAT: "train into a new folder",
    JUDGE_FORMAT: "train one with 'ganimate train-judge PACK --out judge.safetensors'",
    MESH_FORMAT: "install ganimate again, or train one with 'ganimate train-mesh IMAGES --meshes MESHES.npz --out RUN'",
}
_KINDS = {
    MODEL_FORMAT: "model",
    STATE_FORMAT: "state of a training run",
    JUDGE_FORMAT: "judge",
    MESH_FORMAT: "reader of meshes",
}


@dataclass(frozen=True)
class ModelCard:
    """What a model file says of itself; all plain data.

    AUs are read by the critic that the generator was trained against, or by a `reader` that was trained for nothing
    else.
    """

    name: str
    generator: GeneratorConfig
    critic: CriticConfig | None
    crop: CropSpec
    aus: tuple[int, ...]
    license: str = ""  # nobody has told the terms
    training: Mapping[str, Any] = field(default_factory=dict)
    reader: JudgeConfig | None = None

    def __post_init__(self) -> None:
        check_facts(self.aus, self.training)
        if (self.critic is None) is (self.reader is None):
            raise ConfigError("it does not say which network reads AUs, a critic or a reader of its own")
        sizes = {part.size_px for part in (self.generator, self.critic, self.reader, self.crop) if part is not None}
        if len(sizes) > 1:
            raise ConfigError(f"its parts are for faces of different sizes: {', '.join(map(str, sorted(sizes)))} px")

    @property
    def units(self) -> tuple[ActionUnit, ...]:
        """Number, name and muscle of each AU."""
        return tuple(ACTION_UNITS[number] for number in self.aus)

    @property
    def words(self) -> tuple[Word, ...]:
        """What can be asked of the model, in the order of its rows: see `facs.words`."""
        return words_of(self.aus, mesh=self.generator.architecture == MESH)


@dataclass(frozen=True)
class Model:
    """A loaded model, ready for inference: `generator` makes Edits, `reader` reads AUs, told as `aus`."""

    card: ModelCard
    generator: nn.Module
    reader: nn.Module


def check_facts(aus: object, training: object) -> None:
    """Raise ConfigError unless `aus` are AUs, each once, and `training` is a table: plain data can hold anything."""
    numbers = aus if isinstance(aus, tuple) else ()
    known = [number for number in numbers if type(number) is int and number in ACTION_UNITS]
    if not known or len(known) != len(numbers) or len(set(known)) != len(known):
        raise ConfigError("its AUs are no list of known AUs, each of them once")
    check_training(training)


def check_training(training: object) -> None:
    """Raise ConfigError unless what a file says of its training is a table."""
    if not isinstance(training, Mapping):
        raise ConfigError("what it says of its training is no table of facts")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write tensors and metadata to `path`, atomically; the metadata carries the tensors' digest."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    facts = {**metadata, "digest": digest(plain)}
    write_file(path, save(plain, {"ganimate": json.dumps({**facts, "seal": _seal(facts)})}))


def _seal(facts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the metadata itself, the tensors' digest included: a changed AU order is found out."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, types, shapes and bytes, so that an altered file is found out."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def read_metadata(path: Path, expected: str) -> dict[str, Any]:
    """Return the metadata of a file of format `expected` without its tensors; raises ModelError."""
    if not path.is_file():
        raise ModelError(f"{path} is not a file", REMEDIES[expected])
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {}).get("ganimate", "null"))
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path} is not a ganimate {_KINDS[expected]}, or it is cut short", REMEDIES[expected]
        ) from error
    if not isinstance(facts, dict) or facts.get("format") != expected:
        found = facts.get("format") if isinstance(facts, dict) else None
        raise ModelError(f"{path} has the format {found!r}, not {expected!r}", REMEDIES[expected])
    seal = facts.pop("seal", None)  # the first files of this format have none
    if seal is not None and seal != _seal(facts):
        raise _altered(path, expected)
    return facts


def _altered(path: Path, expected: str) -> ModelError:
    return ModelError(f"{path} was altered after it was written", REMEDIES[expected])


def read_tensors(path: Path, expected: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return tensors and metadata of a file of format `expected`; raises ModelError where it was altered."""
    facts = read_metadata(path, expected)
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is cut short", REMEDIES[expected]) from error
    if digest(tensors) != facts.get("digest"):
        raise _altered(path, expected)
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


def read_card(path: Path) -> ModelCard:
    """Return what the model file `path` says of itself, without loading its weights; raises ModelError."""
    card = read_metadata(path, MODEL_FORMAT).get("card", {})
    generator = card.get("generator") if isinstance(card, dict) else None
    if isinstance(generator, dict):
        generator.pop("correction_limit", None)  # of the architecture that went
        if generator.get("architecture") == "warping":
            raise ModelError(
                f"{path} was made with the architecture 'warping', which ganimate no longer has",
                "take the default model, or train one anew with 'ganimate train'",
            )
    try:
        return from_dict(ModelCard, card)
    except ConfigError as error:
        raise ModelError(
            f"{path} cannot be used: {error.message}", "was it written by another version of ganimate?"
        ) from error


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
