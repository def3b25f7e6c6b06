"""The file of a mesh reader, and the reader in use: norms folded, channels-last, without gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganimate.config import to_dict
from ganimate.errors import ModelError
from ganimate.networks.mesh_reader import MeshReader, folded
from ganimate.networks.pictures import to_tensor
from ganimate.system.devices import channels_last
from ganimate.zoo.cards import MeshCard
from ganimate.zoo.tensors import filled, read_tensors, write_tensors
from ganimate.zoo.weight_files import MESH_FORMAT, REMEDIES, mesh_card


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
    return LoadedMeshReader(*load_mesh_network(path), device or torch.device("cpu"))


def load_mesh_network(path: Path) -> tuple[MeshCard, MeshReader]:
    """Return card and network of the mesh reader in file `path`, its norms not yet folded; raises ModelError."""
    tensors, facts = read_tensors(path, MESH_FORMAT)
    card = mesh_card(path, facts)
    network = filled(lambda: MeshReader(card.network), tensors)
    if network is None:
        raise ModelError(f"the reader of meshes in {path} does not fit its config", REMEDIES[MESH_FORMAT])
    return card, network
