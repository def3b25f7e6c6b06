"""Models in use: arrays go in and come out, whoever runs their networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ganimate.face.mesh.reading import MeshNetwork
from ganimate.motion.muscles import Muscles
from ganimate.zoo.cards import JudgeCard, ModelCard

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class CropEdits:
    """A batch of edited crops: what `Edit` has, as arrays.

    `attention` (B, S, S) in [0, 1]; `color` and `moved` (B, S, S, 3) in [0, 255]; `flow` (B, S, S, 2) in pixels of the
    crop, None where nothing moves.
    """

    attention: Floats
    color: Floats
    moved: Floats
    flow: Floats | None


class RunningJudge(Protocol):
    """A judge, ready to read AUs in the order of its card."""

    @property
    def card(self) -> JudgeCard:
        """What its file says of itself."""
        ...

    def read(self, crops: Pictures) -> tuple[Floats, Floats]:
        """Return the AUs (B, N) and features (B, F) that it reads from crops (B, S, S, 3)."""
        ...


class RunningModel(Protocol):
    """A model in use, and the networks that are run with it."""

    @property
    def card(self) -> ModelCard:
        """What its file says of itself."""
        ...

    @property
    def runs_on(self) -> str:
        """What runs the networks, for people."""
        ...

    def muscles(self) -> Muscles | None:
        """Return what moves the mesh, None of a generator of crops."""
        ...

    def read(self, crops: Pictures) -> Floats:
        """Return the AUs (B, N), about 0 to 1, that it reads from upright crops (B, S, S, 3)."""
        ...

    def paint(self, moved: Pictures, hints: Floats, y_from: Floats, y_to: Floats) -> Floats:
        """Return what is painted (B, H, W, 3), in [0, 255], over the moved crops (B, H, W, 3); of one with muscles.

        `hints` (B, 6, H, W) tells of the warp, see `hints_of`; the AUs are (B, N).
        """
        ...

    def edit(self, crops: Pictures, y_from: Floats, y_to: Floats, hold_maps: Floats) -> CropEdits:
        """Return the edits of crops (B, S, S, 3) from AUs (B, N) to AUs (B, N); of one without muscles.

        `hold_maps` (B, S, S) is what keeps its place, 0 where all may move.
        """
        ...

    def load_judge(self, path: Path) -> RunningJudge:
        """Return the judge in file `path`, run as the model is; raises ModelError."""
        ...

    def load_mesh_reader(self, path: Path) -> MeshNetwork:
        """Return the reader of meshes in file `path`, run as the model is; raises ModelError."""
        ...
