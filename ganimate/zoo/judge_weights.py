"""The file of a judge, which reads AUs, and the judge in use."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganimate.config import to_dict
from ganimate.errors import ModelError
from ganimate.networks import Judge
from ganimate.networks.pictures import to_tensor
from ganimate.zoo.cards import JudgeCard
from ganimate.zoo.tensors import filled, read_tensors, write_tensors
from ganimate.zoo.weight_files import JUDGE_FORMAT, REMEDIES, check_heads, judge_card


@dataclass(frozen=True)
class LoadedJudge:
    """A judge, a `RunningJudge` on torch."""

    card: JudgeCard
    network: Judge
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @torch.inference_mode()
    def read(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the AUs (B, N) and features (B, F) that it reads from crops (B, S, S, 3)."""
        reading = self.network(to_tensor(crops).to(self.device))
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
    card = judge_card(path, facts)
    check_heads(path, tensors, "", card.aus, JUDGE_FORMAT)
    network = filled(lambda: Judge(card.judge, len(card.aus)), tensors)
    if network is None:
        raise ModelError(f"the judge in {path} does not fit its config", REMEDIES[JUDGE_FORMAT])
    place = device or torch.device("cpu")
    return LoadedJudge(card, network.to(place), place)
