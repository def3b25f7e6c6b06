"""The networks, built from their configs."""

from __future__ import annotations

from ganimate.config import MESH, GeneratorConfig
from ganimate.networks.critic import Critic, Verdict
from ganimate.networks.edit import Edit, GeneratorNetwork
from ganimate.networks.generator import AttentionGenerator
from ganimate.networks.judge import Judge, JudgeReading
from ganimate.networks.mesh_generator import MeshGenerator

__all__ = [
    "AttentionGenerator",
    "Critic",
    "Edit",
    "GeneratorNetwork",
    "Judge",
    "JudgeReading",
    "MeshGenerator",
    "Verdict",
    "build_generator",
]


def build_generator(config: GeneratorConfig, n_aus: int) -> AttentionGenerator | MeshGenerator:
    """Return a fresh generator of the config's architecture for `n_aus` action units."""
    return (MeshGenerator if config.architecture == MESH else AttentionGenerator)(config, n_aus)
