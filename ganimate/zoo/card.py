"""What files of weights say of themselves, read without tensors and without torch: formats, seals, model cards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ganimate.config import MESH, CriticConfig, CropSpec, GeneratorConfig, JudgeConfig, from_dict
from ganimate.errors import ConfigError, ModelError
from ganimate.facs import ACTION_UNITS, ActionUnit, Word, words_of

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


def seal(facts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the metadata itself, the tensors' digest included: a changed AU order is found out."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def read_metadata(path: Path, expected: str) -> dict[str, Any]:
    """Return the metadata of a file of format `expected` without its tensors; raises ModelError."""
    if not path.is_file():
        raise ModelError(f"{path} is not a file", REMEDIES[expected])
    try:
        with safe_open(path, "np") as file:
            facts = json.loads((file.metadata() or {}).get("ganimate", "null"))
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path} is not a ganimate {_KINDS[expected]}, or it is cut short", REMEDIES[expected]
        ) from error
    if not isinstance(facts, dict) or facts.get("format") != expected:
        found = facts.get("format") if isinstance(facts, dict) else None
        raise ModelError(f"{path} has the format {found!r}, not {expected!r}", REMEDIES[expected])
    told = facts.pop("seal", None)  # the first files of this format have none
    if told is not None and told != seal(facts):
        raise altered(path, expected)
    return facts


def altered(path: Path, expected: str) -> ModelError:
    """Return the error of a file whose content is not what it says of itself."""
    return ModelError(f"{path} was altered after it was written", REMEDIES[expected])


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
