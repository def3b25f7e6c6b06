"""How generators and judges are trained."""

from __future__ import annotations

from dataclasses import dataclass

from ganimate.config.networks import MESH, CriticConfig, GeneratorConfig, MeshReaderConfig
from ganimate.config.settings import check, part, setting
from ganimate.errors import ConfigError


@dataclass(frozen=True)
class LossWeights:
    """Weights of the objective (paper, equation 5), for terms that are means over batch and pixels.

    Those of the paper's own code, which has sums over its batch of 25: 4,000 / 25 = 160 for AUs.
    """

    adversarial: float = setting(1.0, "Realism.", low=0.0, high=1e4)
    penalty: float = setting(10.0, "Gradient penalty.", low=0.0, high=1e4)
    # The original 160 leaves a critic of this size no capacity for realism.
    critic_au: float = setting(30.0, "The critic's reading of AUs.", low=0.0, high=1e4)
    generator_au: float = setting(160.0, "AUs of the result as asked.", low=0.0, high=1e4)
    cycle: float = setting(10.0, "There and back again.", low=0.0, high=1e4)
    attention_size: float = setting(0.1, "Little is repainted.", low=0.0, high=1e4)
    attention_smoothness: float = setting(4.0, "Smooth masks.", low=0.0, high=1e4)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Augmentation:
    """What users' photos have and studio photos lack."""

    flip: bool = True
    shift: float = setting(0.02, low=0.0, high=0.1)  # crop widths; the detector's own scatter
    rotate_deg: float = setting(4.0, low=0.0, high=15.0)
    scale: float = setting(0.05, low=0.0, high=0.1)
    brightness: float = setting(0.15, low=0.0, high=1.0)
    contrast: float = setting(0.2, low=0.0, high=1.0)
    saturation: float = setting(0.3, low=0.0, high=1.0)
    tint: float = setting(0.06, low=0.0, high=1.0)  # one gain for each colour channel: light bulbs, shade
    blur_probability: float = setting(0.2, low=0.0, high=1.0)
    jpeg_probability: float = setting(0.1, low=0.0, high=1.0)
    # Black and white photos, which paint must not tint.
    grey_probability: float = setting(0.1, low=0.0, high=1.0)
    blur: float = setting(1.2, low=0.0, high=10.0)  # the most of it: pixels of a crop of 128, deviation of the bell
    jpeg_quality: int = setting(40, low=1, high=89)  # the least of it; users' photos have been sent around

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class TrainConfig:
    """One training run of the paper's generator, whole. Numbers are the paper's where nothing else is said."""

    generator: GeneratorConfig = part(GeneratorConfig())
    critic: CriticConfig = part(CriticConfig(), "--critic-{}")
    weights: LossWeights = part(LossWeights(), "--{}-weight")
    augmentation: Augmentation = part(Augmentation())
    batch_images: int = setting(25, "Images a step.", low=2, high=1024, option="--batch")
    # 30 times through 20,000 photos.
    steps: int = setting(24_000, "Steps in all.", low=1, high=10_000_000)
    critic_per_generator: int = setting(5, "Critic steps to one of the generator.", low=1, high=20)
    learning_rate: float = setting(1e-4, "Learning rate of both networks.", low=1e-7, high=1.0, metavar="RATE")
    critic_learning_rate: float = setting(
        1e-4,
        "Learning rate of the critic, if another.",
        low=1e-7,
        high=1.0,
        metavar="RATE",
        follows="--learning-rate",
    )
    beta1: float = setting(0.5, low=0.0, high=0.99999)
    beta2: float = setting(0.999, low=0.0, high=0.99999)
    decay_fraction: float = setting(1 / 3, low=0.0, high=1.0)  # linear to 0 over the last third
    target_noise: float = setting(0.1, low=0.0, high=1.0)  # targets are another photo's AUs plus U(±0.1)
    # Not the paper's: users get weights that no single step has bent.
    ema_decay: float = setting(0.998, "Decay of the averaged weights.", low=0.0, high=0.99999, metavar="SHARE")
    precision: str = setting(  # bf16 where it is faster
        "auto", "auto, fp32 or bf16.", choices=("auto", "fp32", "bf16"), metavar="KIND"
    )
    save_steps: int = setting(
        250, "Steps from one checkpoint to the next.", low=1, high=10_000_000, option="--save-every"
    )
    sample_steps: int = setting(
        500, "Steps from one sample sheet to the next.", low=1, high=10_000_000, option="--sample-every"
    )
    check_steps: int = setting(  # some hundred pictures: as long as a few steps
        500, "Steps from one look at held-out people to the next.", low=1, high=10_000_000, option="--check-every"
    )
    workers: int = setting(1, "Processes that decode images.", low=0, high=64)
    seed: int = setting(0, "Seed of everything that is drawn.")

    def __post_init__(self) -> None:
        check(self)
        if self.generator.architecture == MESH:
            raise ConfigError(
                f"'ganimate train' does not train generators of the architecture {MESH!r}",
                "their painter is trained by 'ganimate train-paint'; here leave --generator out",
            )
        if self.generator.size_px != self.critic.size_px:
            raise ConfigError(
                f"generator and critic must have one size_px, not {self.generator.size_px} and {self.critic.size_px}"
            )


@dataclass(frozen=True)
class JudgeTraining:
    """How a judge is trained. Nothing here is shared with the training of generators, not even the seed."""

    batch_images: int = setting(64, "Images a step.", low=2, high=4096, option="--batch")
    # 9 times through 16,400 photos; 25 minutes on one core.
    steps: int = setting(2300, "Steps in all.", low=1, high=10_000_000)
    # It rises for a tenth of the steps and falls to 0.
    learning_rate: float = setting(2e-3, "The highest learning rate.", low=1e-7, high=1.0, metavar="RATE")
    weight_decay: float = setting(0.03, low=0.0, high=1.0)
    warmup_share: float = setting(0.1, low=0.0, high=1.0)
    ema_decay: float = setting(0.995, low=0.0, high=0.99999)
    # How much more often a photo is drawn for each deviation of its strongest AU above 1.
    rare_boost: float = setting(1.0, low=0.0, high=100.0)
    # How much more an error counts at full intensity: else strong AUs are read too weak.
    strong_boost: float = setting(2.0, low=0.0, high=100.0)
    # Of a batch: brows of one face over the mouth of another, so each is read by itself.
    chimera_share: float = setting(0.3, low=0.0, high=1.0)
    # Of photos of people seen often: their faces in other people's photos.
    transplant_share: float = setting(0.5, low=0.0, high=1.0)
    check_steps: int = setting(500, low=1, high=10_000_000)
    augmentation: Augmentation = part(
        Augmentation(  # harsher than a generator's: nothing here has to look good
            shift=0.04, rotate_deg=8.0, scale=0.08, brightness=0.3, contrast=0.3, saturation=0.5, tint=0.1,
            blur_probability=0.3, grey_probability=0.0, blur=1.6, jpeg_quality=30,
        )
    )  # fmt: skip
    precision: str = setting("auto", "auto, fp32 or bf16.", choices=("auto", "fp32", "bf16"), metavar="KIND")
    # Far from the seeds that people give to generators.
    seed: int = setting(7919, "Seed of everything that is drawn.", low=0, high=2**63 - 1)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class MeshTraining:
    """How a reader of meshes is trained, and its size."""

    network: MeshReaderConfig = part(MeshReaderConfig())
    batch_images: int = setting(32, "Images a step.", low=2, high=4096, option="--batch")
    # Eight times through 15,000 photos; an hour on one core.
    steps: int = setting(4000, "Steps in all.", low=1, high=10_000_000)
    learning_rate: float = setting(1.5e-3, "The highest learning rate.", low=1e-7, high=1.0, metavar="RATE")
    warmup_steps: int = setting(300, low=0, high=10_000_000)
    decay_fraction: float = setting(0.4, low=0.0, high=1.0)  # of the steps: the rate goes down to 0 in a line
    weight_decay: float = setting(0.02, low=0.0, high=1.0)
    beta1: float = setting(0.9, low=0.0, high=0.99999)
    beta2: float = setting(0.99, low=0.0, high=0.99999)  # few steps: moments must not remember the first ones
    ema_decay: float = setting(0.999, "Decay of the averaged weights.", low=0.0, high=0.99999, metavar="SHARE")
    # How folders of photos share the batches: 0 by their sizes, 1 all alike. Studios are large, and all alike.
    balance: float = setting(0.4, low=0.0, high=1.0)
    # How much more often a face is drawn that is far from the mean: open mouths, shut eyes, turned heads.
    rare_power: float = setting(1.5, low=0.0, high=10.0)
    negative_share: float = setting(0.08, low=0.0, high=0.9)  # of a batch: no face, so that it can say so
    occluded_share: float = setting(0.2, low=0.0, high=1.0)  # of the faces: hands, hair, things before them
    # Crops as the second look and the follower cut them, as detection does, and turned as nobody expects.
    close_share: float = setting(0.45, low=0.0, high=1.0)
    near_share: float = setting(0.35, low=0.0, high=1.0)
    coarse_weight: float = setting(10.0, low=0.0, high=1e4)  # of the points before the second look
    fine_weight: float = setting(20.0, low=0.0, high=1e4)  # of the points after it
    face_weight: float = setting(0.05, low=0.0, high=1e4)  # of there being a face: easy, and soon learnt
    depth_weight: float = setting(0.5, low=0.0, high=1e4)  # of z beside x and y: a teacher guesses it, too
    validation_share: float = setting(0.1, "Share of people who are held out.", low=0.0, high=0.9, metavar="SHARE")
    check_steps: int = setting(1000, "Steps from one look at held-out people to the next.", low=1, high=10_000_000)
    check_images: int = setting(300, low=2, high=1_000_000)
    save_steps: int = setting(
        250, "Steps from one checkpoint to the next.", low=1, high=10_000_000, option="--save-every"
    )
    workers: int = setting(1, "Processes that make samples.", low=0, high=64)
    seed: int = setting(77, "Seed of everything that is drawn.", low=0, high=2**63 - 1)

    def __post_init__(self) -> None:
        check(self)
        if self.close_share + self.near_share > 1:
            raise ConfigError(
                f"MeshTraining.close_share and near_share must be at most 1 together, "
                f"not {self.close_share + self.near_share:g}"
            )
