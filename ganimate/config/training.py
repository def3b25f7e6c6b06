"""How generators and judges are trained."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from ganimate.config.networks import CriticConfig, GeneratorConfig, RegionConfig
from ganimate.config.record import require, require_choice
from ganimate.errors import ConfigError


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
    regions: float = 1.5  # realism of mouth and brows: without it teeth and folds are the blurred mean of all that fits

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            require(self, item.name, 0.0, 1e4)


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
    blur_probability: float = 0.2
    jpeg_probability: float = 0.1
    grey_probability: float = 0.1  # black and white photos, which paint must not tint

    def __post_init__(self) -> None:
        require(self, "shift", 0.0, 0.1)
        require(self, "rotate_deg", 0.0, 15.0)
        require(self, "scale", 0.0, 0.1)
        for name in (
            "brightness",
            "contrast",
            "saturation",
            "tint",
            "blur_probability",
            "jpeg_probability",
            "grey_probability",
        ):
            require(self, name, 0.0, 1.0)


@dataclass(frozen=True)
class Schedule:
    """The three phases in steps: critic's AU head alone, geometry and pairs, then the full game."""

    critic_steps: int = 300  # the AU head then errs by 0.013 on unseen people, where the mean errs by 0.023
    geometry_steps: int = 3000  # paint learns here from pairs: two hours on one CPU core; the default model had 7,600
    adversarial_steps: int = 0  # each time that a few hundred were tried, they bent the paint (models/RUNS.md): GPUs
    critic_per_generator: int = 1  # the paper's 5 belongs to 25,000 steps on a GPU
    penalty_interval: int = 2  # every n-th critic step carries the penalty, n times as heavy: saves 0.1 s a step
    critic_rests: bool = False  # in the geometry phase: saves 0.4 of 2.7 s a step where its AU head is done

    def __post_init__(self) -> None:
        for name in ("critic_steps", "geometry_steps", "adversarial_steps"):
            require(self, name, 0, 10_000_000)
        require(self, "critic_per_generator", 1, 20)
        require(self, "penalty_interval", 1, 64)
        if self.critic_rests and self.adversarial_steps:
            raise ConfigError(
                f"the critic cannot rest in a schedule with {self.adversarial_steps} adversarial steps, which need it",
                "train with --steps 0, or with --no-critic-rests",
            )

    @property
    def total_steps(self) -> int:
        """All steps of the three phases."""
        return self.critic_steps + self.geometry_steps + self.adversarial_steps


@dataclass(frozen=True)
class TrainConfig:
    """One training run, whole."""

    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    critic: CriticConfig = field(default_factory=CriticConfig)
    regions: RegionConfig = field(default_factory=RegionConfig)
    weights: LossWeights = field(default_factory=LossWeights)
    augmentation: Augmentation = field(default_factory=Augmentation)
    schedule: Schedule = field(default_factory=Schedule)
    batch_images: int = 16
    learning_rate: float = 4e-4  # four times the paper's: a step costs two seconds here, and steps are few
    critic_learning_rate: float = 4e-4  # one critic step for each of the generator's: it must keep up
    region_learning_rate: float = 4e-4
    beta1: float = 0.5
    beta2: float = 0.999
    decay_fraction: float = 1 / 3  # linear to 0 over the last third, as in the paper
    target_noise: float = 0.1  # targets are another photo's AUs plus U(±0.1)
    pair_share: float = 0.75  # of each batch: two photos of one person, or a photo and what is made of it
    mapped_share: float = 0.5  # of the pairs: made of somebody seen once, with another person's change of expression
    transplant_share: float = (
        0.7  # of the other pairs: their faces in other people's photos, or paint is for studios alone
    )
    ema_decay: float = 0.998
    precision: str = "auto"  # bf16 where it is faster
    sample_steps: int = 500
    save_steps: int = 250
    workers: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        require(self, "batch_images", 2, 1024)
        for name in ("learning_rate", "critic_learning_rate", "region_learning_rate"):
            require(self, name, 1e-7, 1.0)
        for name in ("beta1", "beta2", "ema_decay"):
            require(self, name, 0.0, 0.99999)
        for name in ("decay_fraction", "target_noise", "pair_share", "mapped_share", "transplant_share"):
            require(self, name, 0.0, 1.0)
        require_choice(self, "precision", ("auto", "fp32", "bf16"))
        for name in ("sample_steps", "save_steps"):
            require(self, name, 1, 10_000_000)
        require(self, "workers", 0, 64)
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
    transplant_share: float = 0.5  # of photos of people seen often: their faces in other people's photos
    check_steps: int = 500
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(  # harsher than a generator's: nothing here has to look good
            shift=0.04, rotate_deg=8.0, scale=0.08, brightness=0.3, contrast=0.3, saturation=0.5, tint=0.1,
            blur_probability=0.3, grey_probability=0.0,
        )
    )  # fmt: skip
    precision: str = "auto"
    seed: int = 7919  # far from the seeds that people give to generators

    def __post_init__(self) -> None:
        require(self, "batch_images", 2, 4096)
        require(self, "steps", 1, 10_000_000)
        require(self, "learning_rate", 1e-7, 1.0)
        require(self, "weight_decay", 0.0, 1.0)
        for name in ("warmup_share", "chimera_share", "transplant_share"):
            require(self, name, 0.0, 1.0)
        require(self, "ema_decay", 0.0, 0.99999)
        for name in ("rare_boost", "strong_boost"):
            require(self, name, 0.0, 100.0)
        require(self, "check_steps", 1, 10_000_000)
        require_choice(self, "precision", ("auto", "fp32", "bf16"))
        require(self, "seed", 0, 2**63 - 1)
