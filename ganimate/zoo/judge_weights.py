"""The file of a judge, which reads AUs, and the judge in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganimate.config import CropSpec, JudgeConfig, from_dict, to_dict
from ganimate.errors import ConfigError, ModelError
from ganimate.networks import Judge
from ganimate.networks.pictures import to_tensor
from ganimate.zoo.card import JUDGE_FORMAT, REMEDIES, check_facts
from ganimate.zoo.checkpoint import filled, read_tensors, write_tensors

READS_LABELS = 0.5  # an AU is read if readings of held-out photos go with the labels by this correlation, at least


@dataclass(frozen=True)
class JudgeCard:
    """What a judge's file says of itself; all plain data."""

    judge: JudgeConfig
    crop: CropSpec
    aus: tuple[int, ...]
    license: str = ""  # nobody has told the terms
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_facts(self.aus, self.training)

    @property
    def reads(self) -> tuple[int, ...] | None:
        """The AUs that it reads well enough, by held-out photos; None where none were held out."""
        found = self.training.get("held_out_correlation")
        if not isinstance(found, list | tuple) or len(found) != len(self.aus):
            return None
        return tuple(au for au, r in zip(self.aus, found, strict=True) if isinstance(r, float) and r >= READS_LABELS)


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
