"""A model with torch's networks: loaded, run, and saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganimate.config import MESH, to_dict
from ganimate.errors import ModelError
from ganimate.face.mesh.reading import MeshNetwork
from ganimate.motion.muscles import Muscles
from ganimate.networks import Edit, Judge, MeshGenerator, build_generator
from ganimate.networks.critic import Critic
from ganimate.networks.pictures import to_floats, to_tensor
from ganimate.system.devices import bf16_is_fast, channels_last
from ganimate.zoo.cards import ModelCard
from ganimate.zoo.judge_weights import load_judge
from ganimate.zoo.mesh_weights import load_mesh_reader
from ganimate.zoo.running import CropEdits, Floats, Pictures, RunningJudge
from ganimate.zoo.tensors import filled, read_tensors, stripped, write_tensors
from ganimate.zoo.weight_files import MODEL_FORMAT, REMEDIES, check_heads, read_card, reading_part


@dataclass(frozen=True)
class Model:
    """A loaded model, a `RunningModel` on torch: `generator` makes Edits, `reader` reads AUs, told as `aus`."""

    card: ModelCard
    generator: nn.Module
    reader: nn.Module
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def runs_on(self) -> str:
        """What runs the networks, for people."""
        return f"torch on {self.device}"

    def muscles(self) -> Muscles | None:
        """Return what moves the mesh, None of a generator of crops."""
        return self.generator.muscles(self.card.aus) if isinstance(self.generator, MeshGenerator) else None

    def read(self, crops: Pictures) -> Floats:
        """Return the AUs (B, N) of upright crops (B, S, S, 3)."""
        with torch.inference_mode():
            aus: Floats = self.reader(to_tensor(crops).to(self.device)).aus.cpu().numpy()
        return aus

    def paint(self, moved: Pictures, hints: Floats, y_from: Floats, y_to: Floats) -> Floats:
        """Return what is painted (B, H, W, 3) over the moved crops, see `Painter`."""
        with torch.inference_mode():
            painted = self.generator(to_tensor(moved).to(self.device), *map(self._placed, (hints, y_from, y_to)))
            return to_floats(painted.color)

    def edit(self, crops: Pictures, y_from: Floats, y_to: Floats, hold_maps: Floats) -> CropEdits:
        """Return the edits of crops (B, S, S, 3), see `GeneratorNetwork`."""
        image, held = to_tensor(crops).to(self.device), self._placed(hold_maps[:, None]) if hold_maps.any() else None
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=bf16_is_fast(self.device)),
        ):
            edit: Edit = self.generator(image, self._placed(y_from), self._placed(y_to), held)
        flow = None
        if edit.flow is not None:
            shift = (edit.flow.float() * (image.shape[-1] / 2)).permute(0, 2, 3, 1)
            flow = np.ascontiguousarray(shift.cpu().numpy())
        attention = edit.attention[:, 0].float().cpu().numpy()
        return CropEdits(attention, to_floats(edit.color), to_floats(edit.moved), flow)

    def _placed(self, array: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def load_judge(self, path: Path) -> RunningJudge:
        """Return the judge in file `path`, run as the model is; raises ModelError."""
        return load_judge(path, self.device)

    def load_mesh_reader(self, path: Path) -> MeshNetwork:
        """Return the reader of meshes in file `path`, run as the model is; raises ModelError."""
        return load_mesh_reader(path, self.device)


def save_model(path: Path, card: ModelCard, generator: nn.Module, reader: nn.Module, *, half: bool = True) -> None:
    """Write the user's file; `half` stores weights in 16 bits."""
    parts = {"generator": generator, reading_part(card): reader}
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
    reading = reading_part(card)
    check_heads(path, tensors, f"{reading}.", card.aus, MODEL_FORMAT)
    parts: tuple[tuple[str, Callable[[], nn.Module]], ...] = (
        ("generator", lambda: build_generator(card.generator, len(card.aus))),
        (reading, lambda: _build_reader(card)),
    )
    networks = []
    for part, build in parts:
        network = filled(build, stripped(tensors, part))
        if network is None:
            raise ModelError(f"the {part} in {path} does not fit its config", REMEDIES[MODEL_FORMAT])
        networks.append(network.to(device or torch.device("cpu")))
    generator, reader = networks
    if card.generator.architecture == MESH:
        generator = channels_last(generator)
    return Model(card, generator, reader, device or torch.device("cpu"))


def _build_reader(card: ModelCard) -> nn.Module:
    if card.reader is not None:
        return Judge(card.reader, len(card.aus))
    assert card.critic is not None
    return Critic(card.critic, len(card.aus))
