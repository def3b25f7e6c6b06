"""What files of weights say of themselves: plain data, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ganimate.config import MESH, CriticConfig, CropSpec, GeneratorConfig, JudgeConfig, MeshReaderConfig
from ganimate.errors import ConfigError
from ganimate.facs import ACTION_UNITS, ActionUnit, Word, words_of

READS_LABELS = 0.5  # an AU is read if readings of held-out photos go with the labels by this correlation, at least


@dataclass(frozen=True)
class ModelCard:
    """What a model file says of itself; all plain data.

    AUs are read by the critic that the generator was trained against, or by a `reader` that was trained for nothing
    else.
    """

    name: str
    generator: GeneratorConfig
    critic: CriticConfig | None
    crop: CropSpec
    aus: tuple[int, ...]
    license: str = ""  # nobody has told the terms
    training: Mapping[str, Any] = field(default_factory=dict)
    reader: JudgeConfig | None = None

    def __post_init__(self) -> None:
        check_facts(self.aus, self.training)
        if (self.critic is None) is (self.reader is None):
            raise ConfigError("it does not say which network reads AUs, a critic or a reader of its own")
        sizes = {part.size_px for part in (self.generator, self.critic, self.reader, self.crop) if part is not None}
        if len(sizes) > 1:
            raise ConfigError(f"its parts are for faces of different sizes: {', '.join(map(str, sorted(sizes)))} px")

    @property
    def units(self) -> tuple[ActionUnit, ...]:
        """Number, name and muscle of each AU."""
        return tuple(ACTION_UNITS[number] for number in self.aus)

    @property
    def words(self) -> tuple[Word, ...]:
        """What can be asked of the model, in the order of its rows: see `facs.words`."""
        return words_of(self.aus, mesh=self.generator.architecture == MESH)


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
class MeshCard:
    """What a mesh reader's file says of itself; all plain data."""

    network: MeshReaderConfig
    license: str = "weights for non-commercial research use only"
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_training(self.training)


def check_facts(aus: object, training: object) -> None:
    """Raise ConfigError unless `aus` are AUs, each once, and `training` is a table: plain data can hold anything."""
    numbers = aus if isinstance(aus, tuple) else ()
    known = [number for number in numbers if type(number) is int and number in ACTION_UNITS]
    if not known or len(known) != len(numbers) or len(set(known)) != len(known):
        raise ConfigError("its AUs are no list of known AUs, each of them once")
    check_training(training)


def check_training(training: object) -> None:
    """Raise ConfigError unless what a file says of its training is a table."""
    if not isinstance(training, Mapping):
        raise ConfigError("what it says of its training is no table of facts")
