"""Every setting of ganimate as a frozen dataclass; each default is written here, once, with its reason beside it.

Torch-free, so that the command line can print and check a configuration without loading a network.
A configuration validates itself, and goes to JSON and back with `to_dict` and `from_dict`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints

from ganimate.errors import ConfigError

ConfigT = TypeVar("ConfigT")

DEFAULT_MODEL = "default"  # the folder under models/ that is taken when no other is named

_KIND_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def to_dict(config: Any) -> dict[str, Any]:
    """Return a configuration as plain data (JSON-ready; tuples become lists on the way through JSON)."""
    return dataclasses.asdict(config)


def from_dict(cls: type[ConfigT], data: Mapping[str, Any]) -> ConfigT:
    """Return `cls` built from plain data; raises ConfigError for unknown, missing, mistyped or out-of-range fields."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{cls.__name__} must be a table of fields, not {data!r}")
    hints = get_type_hints(cls)
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise ConfigError(f"{cls.__name__} has no field {unknown[0]!r}", "was this written by a newer ganimate?")
    values = {name: _revive(f"{cls.__name__}.{name}", hints[name], value) for name, value in data.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{cls.__name__} cannot be read: {error}") from error


def _revive(name: str, kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return from_dict(kind, value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in _KIND_NAMES and type(value) is not kind:
        raise ConfigError(f"{name} must be {_KIND_NAMES[kind]}, not {value!r}")
    return tuple(value) if isinstance(value, list) else value


def _require(config: object, name: str, low: float, high: float) -> None:
    value = getattr(config, name)
    if not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigError(f"{type(config).__name__}.{name} must lie in [{low:g}, {high:g}], not {value!r}")


def _require_choice(config: object, name: str, choices: tuple[str, ...]) -> None:
    value = getattr(config, name)
    if value not in choices:
        raise ConfigError(f"{type(config).__name__}.{name} must be one of {', '.join(choices)}, not {value!r}")


@dataclass(frozen=True)
class CropSpec:
    """How a face is turned upright and cut out; the same for training and animation, stored in the model file."""

    size_px: int = 128  # the paper's size
    interocular: float = 0.278  # distance of the eye centres / crop width: a jaw that drops stays inside
    eye_line: float = 0.345  # height of the eye centres / crop height: brows and forehead above, chin below

    def __post_init__(self) -> None:
        _require(self, "size_px", 16, 1024)
        _require(self, "interocular", 0.1, 0.6)
        _require(self, "eye_line", 0.1, 0.9)


@dataclass(frozen=True)
class GeneratorConfig:
    """Size and kind of a generator."""

    architecture: str = "warping"  # moves the photo's own pixels: sharp at any resolution
    size_px: int = 128
    channels: int = 24  # the warp does most of the work; a step of 16 photos takes 1.7 s on two cores
    blocks: int = 6  # the paper's number of residual blocks
    correction_limit: float = 0.012  # of the landmarks' motion, in crop widths: their own scatter; more undid the AUs

    def __post_init__(self) -> None:
        _require_choice(self, "architecture", ("attention", "warping"))
        _require(self, "size_px", 32, 512)
        _require(self, "channels", 4, 256)
        _require(self, "blocks", 1, 32)
        _require(self, "correction_limit", 0.0, 1.0)
        if self.size_px % 16:
            raise ConfigError(f"GeneratorConfig.size_px must be a multiple of 16, not {self.size_px}")


@dataclass(frozen=True)
class CriticConfig:
    """Size of the critic: stride-2 convolutions down to a 2×2 map at the default size (paper, section 4)."""

    size_px: int = 128
    channels: int = 48  # wide enough to see teeth and lids, cheap enough for two cores
    max_channels: int = 384
    layers: int = 6

    @staticmethod
    def layers_for(size_px: int) -> int:
        """Return the layers that bring images of that size down to 2×2, or to 3×3 and so on where 2 does not divide."""
        return max(n for n in range(2, 9) if n == 2 or (size_px % 2**n == 0 and size_px >= 2 * 2**n))

    def __post_init__(self) -> None:
        _require(self, "size_px", 16, 512)
        _require(self, "channels", 4, 256)
        _require(self, "max_channels", self.channels, 2048)
        _require(self, "layers", 2, 8)
        if self.size_px % 2**self.layers:
            raise ConfigError(
                f"CriticConfig.size_px must be a multiple of 2^layers = {2**self.layers}, not {self.size_px}"
            )


@dataclass(frozen=True)
class JudgeConfig:
    """Size of the judge, which reads AUs to measure generators."""

    size_px: int = 128
    channels: int = 40  # of the first stage; 3 million weights, half a second for a step of 64 photos on one core
    features: int = 128  # what the AUs are read from; few, so that some hundred faces settle their covariance
    dropout: float = 0.1

    def __post_init__(self) -> None:
        _require(self, "size_px", 32, 512)
        _require(self, "channels", 4, 256)
        _require(self, "features", 2, 2048)
        _require(self, "dropout", 0.0, 0.9)
        if self.size_px % 32:
            raise ConfigError(f"JudgeConfig.size_px must be a multiple of 32, not {self.size_px}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at 1/4, 1/8, 1/16 and 1/32 of the size."""
        return tuple(factor * self.channels for factor in (1, 2, 4, 6))


@dataclass(frozen=True)
class PrepareOptions:
    """How photos become a pack; `validation_share` of the people (or of the photos of nobody known) is held out."""

    spec: CropSpec = field(default_factory=CropSpec)
    validation_share: float = 0.1  # 20 people of 200: enough to measure, few enough not to miss

    def __post_init__(self) -> None:
        _require(self, "validation_share", 0.0, 0.9)
        GeneratorConfig(size_px=self.spec.size_px)  # a size that no generator takes is told before the work


@dataclass(frozen=True)
class Motion:
    """How a face goes from one expression to another, and what follows."""

    frames: int = 16  # of the move, one way: 0.64 s, about what a smile takes to unfold
    fps: float = 25.0  # frames of 4/100 s: GIF counts in 1/100 s and keeps this exactly
    easing: str = "in-out"  # muscles neither start nor stop at full speed
    hold_s: float = 0.5  # long enough to see the expression
    loop: str = "ping-pong"  # the only one that repeats without a jump

    def __post_init__(self) -> None:
        _require(self, "frames", 2, 10_000)
        _require(self, "fps", 0.1, 240.0)
        _require(self, "hold_s", 0.0, 60.0)

    @property
    def hold_frames(self) -> int:
        """The frames for which the goal stays."""
        return round(self.hold_s * self.fps)


@dataclass(frozen=True)
class LossWeights:
    """Weights of the objective, for terms that are means over batch and pixels (paper, equation 5)."""

    adversarial: float = 1.0
    penalty: float = 10.0  # λ_gp of the paper
    critic_au: float = 30.0  # the original 160 leaves a small critic no capacity for realism
    generator_au: float = 20.0  # far below the original 160, for a small critic; it steers motion, not paint
    cycle: float = 10.0  # original code
    attention_size: float = 0.02  # original 0.1 closes the mask of a network that also moves
    attention_smoothness: float = 4.0  # original code, in batch-independent form
    geometry: float = 20.0  # keeps the flow near the landmarks' spline; the AU head may still ask for more
    flow_smoothness: float = 2.0  # a fold of the skin is worse than a small error of the landmark
    pair: float = 10.0  # same person, other expression: L1 at two scales
    color: float = 20.0  # C shows the real photo (pairs) or the moved one, also where A hides it: no wild paint
    responsibility: float = 2.0  # A opens where paint beats motion; without it the sharp photo always wins and A = 1
    features: float = 2.0  # the critic's features of result and real target compared

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            _require(self, item.name, 0.0, 1e4)


@dataclass(frozen=True)
class Augmentation:
    """What users' photos have and studio photos lack."""

    flip: bool = True
    shift: float = 0.02  # crop widths; the detector's own scatter
    rotate_deg: float = 4.0
    scale: float = 0.05
    brightness: float = 0.15
    contrast: float = 0.2
    saturation: float = 0.3
    tint: float = 0.06  # one gain for each colour channel: light bulbs, shade
    blur_probability: float = 0.1
    jpeg_probability: float = 0.1

    def __post_init__(self) -> None:
        _require(self, "shift", 0.0, 0.1)
        _require(self, "rotate_deg", 0.0, 15.0)
        _require(self, "scale", 0.0, 0.1)
        for name in ("brightness", "contrast", "saturation", "tint", "blur_probability", "jpeg_probability"):
            _require(self, name, 0.0, 1.0)


@dataclass(frozen=True)
class Schedule:
    """The three phases in steps: critic's AU head alone, geometry and pairs, then the full game."""

    critic_steps: int = 300  # the AU head then errs by 0.013 on unseen people, where the mean errs by 0.023
    geometry_steps: int = 3000  # paint learns here from pairs; entering the game earlier bent it (models/RUNS.md)
    adversarial_steps: int = 3000  # at a low AU weight; more than this asks for a GPU
    critic_per_generator: int = 1  # the paper's 5 belongs to 25,000 steps on a GPU
    penalty_interval: int = 2  # every n-th critic step carries the penalty, n times as heavy: saves 0.1 s a step

    def __post_init__(self) -> None:
        for name in ("critic_steps", "geometry_steps", "adversarial_steps"):
            _require(self, name, 0, 10_000_000)
        _require(self, "critic_per_generator", 1, 20)
        _require(self, "penalty_interval", 1, 64)

    @property
    def total_steps(self) -> int:
        """All steps of the three phases."""
        return self.critic_steps + self.geometry_steps + self.adversarial_steps


@dataclass(frozen=True)
class TrainConfig:
    """One training run, whole."""

    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    critic: CriticConfig = field(default_factory=CriticConfig)
    weights: LossWeights = field(default_factory=LossWeights)
    augmentation: Augmentation = field(default_factory=Augmentation)
    schedule: Schedule = field(default_factory=Schedule)
    batch_images: int = 16
    learning_rate: float = 4e-4  # four times the paper's: a step costs two seconds here, and steps are few
    critic_learning_rate: float = 4e-4  # one critic step for each of the generator's: it must keep up
    beta1: float = 0.5
    beta2: float = 0.999
    decay_fraction: float = 1 / 3  # linear to 0 over the last third, as in the paper
    target_noise: float = 0.1  # targets are another photo's AUs plus U(±0.1)
    pair_share: float = 0.5  # of each batch: photos of one person
    ema_decay: float = 0.998
    precision: str = "auto"  # bf16 where it is faster
    sample_steps: int = 500
    save_steps: int = 250
    workers: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self, "batch_images", 2, 1024)
        for name in ("learning_rate", "critic_learning_rate"):
            _require(self, name, 1e-7, 1.0)
        for name in ("beta1", "beta2", "ema_decay"):
            _require(self, name, 0.0, 0.99999)
        for name in ("decay_fraction", "target_noise", "pair_share"):
            _require(self, name, 0.0, 1.0)
        _require_choice(self, "precision", ("auto", "fp32", "bf16"))
        for name in ("sample_steps", "save_steps"):
            _require(self, name, 1, 10_000_000)
        _require(self, "workers", 0, 64)
        if self.generator.size_px != self.critic.size_px:
            raise ConfigError(
                f"generator and critic must have one size_px, not {self.generator.size_px} and {self.critic.size_px}"
            )


@dataclass(frozen=True)
class JudgeTraining:
    """How a judge is trained. Nothing here is shared with the training of generators, not even the seed."""

    batch_images: int = 64
    steps: int = 2300  # 9 times through 16,400 photos; 25 minutes on one core
    learning_rate: float = 2e-3  # the highest; it rises for a tenth of the steps and falls to 0
    weight_decay: float = 0.03
    warmup_share: float = 0.1
    ema_decay: float = 0.995
    rare_boost: float = 1.0  # how much more often a photo is drawn for each deviation of its strongest AU above 1
    strong_boost: float = 2.0  # how much more an error counts at full intensity: else strong AUs are read too weak
    chimera_share: float = 0.3  # of a batch: brows of one face over the mouth of another, so each is read by itself
    check_steps: int = 500
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(  # harsher than a generator's: nothing here has to look good
            shift=0.04, rotate_deg=8.0, scale=0.08, brightness=0.3, contrast=0.3, saturation=0.5, tint=0.1,
            blur_probability=0.3,
        )
    )  # fmt: skip
    precision: str = "auto"
    seed: int = 7919  # far from the seeds that people give to generators

    def __post_init__(self) -> None:
        _require(self, "batch_images", 2, 4096)
        _require(self, "steps", 1, 10_000_000)
        _require(self, "learning_rate", 1e-7, 1.0)
        _require(self, "weight_decay", 0.0, 1.0)
        for name in ("warmup_share", "chimera_share"):
            _require(self, name, 0.0, 1.0)
        _require(self, "ema_decay", 0.0, 0.99999)
        for name in ("rare_boost", "strong_boost"):
            _require(self, name, 0.0, 100.0)
        _require(self, "check_steps", 1, 10_000_000)
        _require_choice(self, "precision", ("auto", "fp32", "bf16"))
        _require(self, "seed", 0, 2**63 - 1)


@dataclass(frozen=True)
class EvaluationConfig:
    """Who and how many are measured by `ganimate evaluate`."""

    people: int = 64  # a mean over them is certain to about 0.02; 17 AUs at 4 intensities take minutes on two cores
    pairs: int = 64  # of photos of one person
    crowd: int = 256  # photos for the distance of distributions: fewer bend it, more take long
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self, "people", 1, 10_000)
        _require(self, "pairs", 0, 10_000)
        _require(self, "crowd", 0, 100_000)
        _require(self, "seed", 0, 2**63 - 1)
