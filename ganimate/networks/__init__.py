"""The networks, by name: registry of architectures -> class, built from a config."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ganimate.config import GeneratorConfig
from ganimate.networks.critic import Critic, Verdict
from ganimate.networks.edit import Edit, GeneratorNetwork
from ganimate.networks.generator import AttentionGenerator
from ganimate.networks.judge import Judge, JudgeReading
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
    "RegionCritics",
    "Verdict",
    "WarpingGenerator",
    "build_generator",
]


GENERATORS: Mapping[str, Callable[[GeneratorConfig, int], GeneratorNetwork]] = {
    "attention": AttentionGenerator,
    "warping": WarpingGenerator,
}


def build_generator(config: GeneratorConfig, n_aus: int) -> GeneratorNetwork:
    """Return a fresh generator of the config's architecture for `n_aus` action units."""
    return GENERATORS[config.architecture](config, n_aus)
