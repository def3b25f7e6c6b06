"""Every setting of ganimate as a frozen dataclass; each default is written here, once, with its reason beside it.

Torch-free, so that the command line can print and check a configuration without loading a network.
A configuration validates itself, and goes to JSON and back with `to_dict` and `from_dict`.
"""

from __future__ import annotations

from ganimate.config.commands import DEFAULT_MODEL, Driving, EvaluationConfig, Motion, PrepareOptions, Scrutiny, Setup
from ganimate.config.networks import (
    MESH,
    CriticConfig,
    CropSpec,
    GeneratorConfig,
    JudgeConfig,
    MeshReaderConfig,
    PainterConfig,
    WindowCriticConfig,
)
from ganimate.config.painting import PaintTraining
from ganimate.config.record import from_dict, to_dict
from ganimate.config.training import Augmentation, JudgeTraining, LossWeights, MeshTraining, TrainConfig

__all__ = [
    "DEFAULT_MODEL",
    "MESH",
    "Augmentation",
    "CriticConfig",
    "CropSpec",
    "Driving",
    "EvaluationConfig",
    "GeneratorConfig",
    "JudgeConfig",
    "JudgeTraining",
    "LossWeights",
    "MeshReaderConfig",
    "MeshTraining",
    "Motion",
    "PaintTraining",
    "PainterConfig",
    "PrepareOptions",
    "Scrutiny",
    "Setup",
    "TrainConfig",
    "WindowCriticConfig",
    "from_dict",
    "to_dict",
]
