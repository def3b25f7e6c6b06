"""The networks, by name: registry of architectures -> class, built from a config."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ganimate.config import MESH, GeneratorConfig
from ganimate.networks.critic import Critic, Verdict
from ganimate.networks.edit import Edit, GeneratorNetwork
from ganimate.networks.generator import AttentionGenerator
from ganimate.networks.judge import Judge, JudgeReading
from ganimate.networks.mesh_generator import MeshGenerator
from ganimate.networks.regions import RegionCritics
from ganimate.networks.warping import WarpingGenerator

__all__ = [
    "GENERATORS",
    "AttentionGenerator",
    "Critic",
    "Edit",
    "GeneratorNetwork",
    "Judge",
    "JudgeReading",
    "MeshGenerator",
    "RegionCritics",
    "Verdict",
    "WarpingGenerator",
    "build_generator",
]


# Those that `ganimate train` trains. The mesh's is no GeneratorNetwork: it paints what `MeshEditor` has moved.
GENERATORS: Mapping[str, Callable[[GeneratorConfig, int], GeneratorNetwork]] = {
    "attention": AttentionGenerator,
    "warping": WarpingGenerator,
}


def build_generator(config: GeneratorConfig, n_aus: int) -> GeneratorNetwork | MeshGenerator:
    """Return a fresh generator of the config's architecture for `n_aus` action units."""
    if config.architecture == MESH:
        return MeshGenerator(config, n_aus)
    return GENERATORS[config.architecture](config, n_aus)
