"""The file of a mesh reader, and the reader in use: norms folded, channels-last, without gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganimate.config import MeshReaderConfig, from_dict, to_dict
from ganimate.errors import ConfigError, ModelError
from ganimate.networks.mesh_reader import MeshReader, folded
from ganimate.networks.pictures import to_tensor
from ganimate.system.devices import channels_last
from ganimate.zoo.card import MESH_FORMAT, REMEDIES, check_training
from ganimate.zoo.checkpoint import filled, read_tensors, write_tensors


@dataclass(frozen=True)
class MeshCard:
    """What a mesh reader's file says of itself; all plain data."""

    network: MeshReaderConfig
    license: str = "weights for non-commercial research use only"
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_training(self.training)


class LoadedMeshReader:
    """A mesh reader, ready to read crops: a `MeshNetwork` for `face.mesh.reading`."""

    def __init__(self, card: MeshCard, network: MeshReader, device: torch.device) -> None:
        self.card, self.device = card, device
        self._network = channels_last(folded(network)).requires_grad_(False).to(device)

    @property
    def size_px(self) -> int:
        """Side of the crops."""
        return self.card.network.size_px

    @torch.inference_mode()
    def read(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return points (B, 478, 3), from -1 to 1 across the crop, and confidences (B,) of crops (B, S, S, 3) RGB."""
        said = self._network(to_tensor(crops).to(self.device))
        return said.points.cpu().numpy(), torch.sigmoid(said.face).cpu().numpy()


def save_mesh_reader(path: Path, card: MeshCard, network: MeshReader, *, half: bool = True) -> None:
    """Write a mesh reader's file; `half` stores weights in 16 bits."""
    tensors = {
        name: tensor.half() if half and tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    write_tensors(path, tensors, {"format": MESH_FORMAT, "card": to_dict(card)})


def load_mesh_reader(path: Path, device: torch.device | None = None) -> LoadedMeshReader:
    """Return the mesh reader in file `path`; raises ModelError."""
    tensors, facts = read_tensors(path, MESH_FORMAT)
    try:
        card = from_dict(MeshCard, facts.get("card", {}))
    except ConfigError as error:
        raise ModelError(
            f"{path} cannot be used: {error.message}", "was it written by another version of ganimate?"
        ) from error
    network = filled(lambda: MeshReader(card.network), tensors)
    if network is None:
        raise ModelError(f"the reader of meshes in {path} does not fit its config", REMEDIES[MESH_FORMAT])
    return LoadedMeshReader(card, network, device or torch.device("cpu"))
