"""Files of weights, read without torch: safetensors with plain-data metadata. Nothing that is loaded can execute code.

A *model* file is for users: the generator (EMA), the network that reads y_r, and what they are. A *state* file is for
resuming.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ganimate.config import from_dict
from ganimate.errors import ConfigError, ModelError
from ganimate.zoo.cards import JudgeCard, MeshCard, ModelCard

Arrays = Mapping[str, NDArray[Any]]
CardT = TypeVar("CardT", JudgeCard, MeshCard, ModelCard)

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


def seal_of(facts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the metadata itself, the tensors' digest included: a changed AU order is found out."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def digest(arrays: Arrays) -> str:
    """Return the SHA-256 of names, types, shapes and bytes, so that an altered file is found out."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        total.update(f"{name} torch.{array.dtype.name} {array.shape}".encode())  # as torch called the types first
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def find_format(path: Path) -> str:
    """Return of which format a file for users is: a model, a judge or a reader of meshes; raises ModelError."""
    found = _metadata(path, MODEL_FORMAT).get("format")
    if found in (MODEL_FORMAT, JUDGE_FORMAT, MESH_FORMAT):
        return str(found)
    raise ModelError(f"{path} has the format {found!r}, not that of a model, a judge or a reader of meshes")


def read_metadata(path: Path, expected: str) -> dict[str, Any]:
    """Return the metadata of a file of format `expected` without its tensors; raises ModelError."""
    facts = _metadata(path, expected)
    if facts.get("format") != expected:
        raise ModelError(f"{path} has the format {facts.get('format')!r}, not {expected!r}", REMEDIES[expected])
    seal = facts.pop("seal", None)  # the first files of this format have none
    if seal is not None and seal != seal_of(facts):
        raise _altered(path, expected)
    return facts


def _metadata(path: Path, expected: str) -> dict[str, Any]:
    """Return what a file says of itself, empty where it is not ours; raises ModelError."""
    if not path.is_file():
        raise ModelError(f"{path} is not a file", REMEDIES[expected])
    try:
        with safe_open(path, "np") as file:
            facts = json.loads((file.metadata() or {}).get("ganimate", "null"))
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path} is not a ganimate {_KINDS[expected]}, or it is cut short", REMEDIES[expected]
        ) from error
    return facts if isinstance(facts, dict) else {}


def _altered(path: Path, expected: str) -> ModelError:
    return ModelError(f"{path} was altered after it was written", REMEDIES[expected])


def read_arrays(path: Path, expected: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return tensors and metadata of a file of format `expected`; raises ModelError where it was altered."""
    facts = read_metadata(path, expected)
    try:
        with safe_open(path, "np") as file:
            arrays = {name: np.asarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is cut short", REMEDIES[expected]) from error
    except (TypeError, AttributeError) as error:  # such as bfloat16, which numpy does not know
        raise ModelError(f"{path} holds numbers of another kind than ganimate writes", REMEDIES[expected]) from error
    if digest(arrays) != facts.get("digest"):
        raise _altered(path, expected)
    return arrays, facts


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
    return _card(path, ModelCard, card)


def reading_part(card: ModelCard) -> str:
    """Return what the network that reads AUs is called in a model file."""
    return "critic" if card.reader is None else "reader"


def judge_card(path: Path, facts: Mapping[str, Any]) -> JudgeCard:
    """Return the card in a judge's metadata; raises ModelError."""
    return _card(path, JudgeCard, facts.get("card", {}))


def mesh_card(path: Path, facts: Mapping[str, Any]) -> MeshCard:
    """Return the card in the metadata of a reader of meshes; raises ModelError."""
    return _card(path, MeshCard, facts.get("card", {}))


def check_heads(path: Path, arrays: Mapping[str, Any], part: str, aus: Sequence[int], kind: str) -> None:
    """Raise ModelError unless the network called `part` has as many heads as the card names AUs."""
    heads = arrays.get(f"{part}au_head.bias")
    if heads is None or len(heads) != len(aus):
        found = "none" if heads is None else str(len(heads))
        raise ModelError(f"{path} names {len(aus)} AUs but reads {found}", REMEDIES[kind])


def _card(path: Path, kind: type[CardT], plain: Any) -> CardT:
    try:
        return from_dict(kind, plain)
    except ConfigError as error:
        raise ModelError(
            f"{path} cannot be used: {error.message}", "was it written by another version of ganimate?"
        ) from error
