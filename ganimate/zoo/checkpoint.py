"""Files of weights: safetensors with plain-data metadata. Nothing that is loaded can execute code.

A *model* file is for users: the generator (EMA), the critic's layers that read y_r, and what they are. A *state*
file is for resuming. Both are written to a temporary name and moved into place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from ganimate.config import MESH, CriticConfig, CropSpec, GeneratorConfig, JudgeConfig, from_dict, to_dict
from ganimate.errors import ConfigError, ModelError
from ganimate.facs import ACTION_UNITS, ActionUnit, Word, words_of
from ganimate.networks import Judge, build_generator
from ganimate.networks.critic import Critic
from ganimate.networks.pictures import to_tensor
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
READS_LABELS = 0.5  # an AU is read if readings of held-out photos go with the labels by this correlation, at least


@dataclass(frozen=True)
class ModelCard:
    """What a model file says of itself; all plain data."""

    name: str
    generator: GeneratorConfig
    critic: CriticConfig
    crop: CropSpec
    aus: tuple[int, ...]
    license: str = ""  # nobody has told the terms
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_facts(self.aus, self.training)
        sizes = {self.generator.size_px, self.critic.size_px, self.crop.size_px}
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
    """A loaded model, ready for inference: `generator` makes Edits, `critic` reads AUs."""

    card: ModelCard
    generator: nn.Module
    critic: Critic


@dataclass(frozen=True)
class JudgeCard:
    """What a judge's file says of itself; all plain data."""

    judge: JudgeConfig
    crop: CropSpec
    aus: tuple[int, ...]
    license: str = ""  # nobody has told the terms
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_facts(self.aus, self.training)

    @property
    def reads(self) -> tuple[int, ...] | None:
        """The AUs that it reads well enough, by held-out photos; None where none were held out."""
        found = self.training.get("held_out_correlation")
        if not isinstance(found, list | tuple) or len(found) != len(self.aus):
            return None
        return tuple(au for au, r in zip(self.aus, found, strict=True) if isinstance(r, float) and r >= READS_LABELS)


def _check_facts(aus: object, training: object) -> None:
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


@dataclass(frozen=True)
class LoadedJudge:
    """A judge, ready to read AUs in the order of its card."""

    card: JudgeCard
    network: Judge

    @torch.inference_mode()
    def read(self, crops: NDArray[np.uint8], device: torch.device) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the AUs (B, N) and features (B, F) that it reads from crops (B, S, S, 3)."""
        reading = self.network(to_tensor(crops).to(device))
        return reading.aus.cpu().numpy(), reading.features.cpu().numpy()


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


def save_model(path: Path, card: ModelCard, generator: nn.Module, critic: nn.Module, *, half: bool = True) -> None:
    """Write the user's file; `half` stores weights in 16 bits."""
    parts = {"generator": generator, "critic": critic}
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
    heads = tensors.get("critic.au_head.bias")
    if heads is None or len(heads) != len(card.aus):
        found = "none" if heads is None else str(len(heads))
        raise ModelError(f"{path} names {len(card.aus)} AUs but reads {found}", REMEDIES[MODEL_FORMAT])
    parts: tuple[tuple[str, Callable[[], nn.Module]], ...] = (
        ("generator", lambda: build_generator(card.generator, len(card.aus))),
        ("critic", lambda: Critic(card.critic, len(card.aus))),
    )
    networks = []
    for part, build in parts:
        network = filled(build, _strip(tensors, part))
        if network is None:
            raise ModelError(f"the {part} in {path} does not fit its config", REMEDIES[MODEL_FORMAT])
        networks.append(network.to(device or torch.device("cpu")))
    generator, critic = networks
    assert isinstance(critic, Critic)
    return Model(card, generator, critic)


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


def save_judge(path: Path, card: JudgeCard, network: Judge, half: bool = True) -> None:
    """Write a judge's file; `half` stores weights in 16 bits."""
    tensors = {
        name: tensor.half() if half and tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    write_tensors(path, tensors, {"format": JUDGE_FORMAT, "card": to_dict(card)})


def load_judge(path: Path, device: torch.device | None = None) -> LoadedJudge:
    """Return the judge in file `path`, without gradients, its AU order checked before its shapes; raises ModelError."""
    tensors, facts = read_tensors(path, JUDGE_FORMAT)
    try:
        card = from_dict(JudgeCard, facts.get("card", {}))
    except ConfigError as error:
        raise ModelError(
            f"{path} cannot be used: {error.message}", "was it written by another version of ganimate?"
        ) from error
    heads = tensors.get("au_head.bias")
    if heads is None or len(heads) != len(card.aus):
        found = "none" if heads is None else str(len(heads))
        raise ModelError(f"{path} names {len(card.aus)} AUs but reads {found}", REMEDIES[JUDGE_FORMAT])
    network = filled(lambda: Judge(card.judge, len(card.aus)), tensors)
    if network is None:
        raise ModelError(f"the judge in {path} does not fit its config", REMEDIES[JUDGE_FORMAT])
    return LoadedJudge(card, network.to(device or torch.device("cpu")))
