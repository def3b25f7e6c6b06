"""How generators and judges are trained."""

from __future__ import annotations

from dataclasses import dataclass

from ganimate.config.networks import MESH, CriticConfig, GeneratorConfig, MeshReaderConfig, RegionConfig
from ganimate.config.settings import check, part, setting
from ganimate.errors import ConfigError


@dataclass(frozen=True)
class LossWeights:
    """Weights of the objective, for terms that are means over batch and pixels (paper, equation 5)."""

    adversarial: float = setting(1.0, "Realism.", low=0.0, high=1e4)
    penalty: float = setting(10.0, "Gradient penalty.", low=0.0, high=1e4)  # λ_gp of the paper
    # The original 160 leaves a small critic no capacity for realism.
    critic_au: float = setting(30.0, "The critic's reading of AUs.", low=0.0, high=1e4)
    # Far below the original 160, for a small critic; it steers motion, not paint.
    generator_au: float = setting(20.0, "AUs of the result as asked.", low=0.0, high=1e4)
    cycle: float = setting(10.0, "There and back again.", low=0.0, high=1e4)  # original code
    # The original 0.1 closes the mask of a network that also moves.
    attention_size: float = setting(0.02, "Little is repainted.", low=0.0, high=1e4)
    # Original code, in batch-independent form.
    attention_smoothness: float = setting(4.0, "Smooth masks.", low=0.0, high=1e4)
    # Keeps the flow near the landmarks' spline; the AU head may still ask for more.
    geometry: float = setting(20.0, "Landmarks go where the AUs take them.", low=0.0, high=1e4)
    # A fold of the skin is worse than a small error of the landmark.
    flow_smoothness: float = setting(2.0, "Skin moves without folds.", low=0.0, high=1e4)
    # Same person, other expression: L1 at two scales.
    pair: float = setting(10.0, "The same person's real photo.", low=0.0, high=1e4)
    # C shows the real photo (pairs) or the moved one, also where A hides it: no wild paint.
    color: float = setting(20.0, "The paint is a plausible face.", low=0.0, high=1e4)
    # A opens where paint beats motion; without it the sharp photo always wins and A = 1.
    responsibility: float = setting(2.0, "Painted where paint is nearer to the real photo.", low=0.0, high=1e4)
    # The critic's features of result and real target compared.
    features: float = setting(2.0, "The same, in the critic's eyes.", low=0.0, high=1e4)
    # Realism of mouth and brows: without it teeth and folds are the blurred mean of all that fits.
    regions: float = setting(1.5, "Mouth, brows and eyes are taken for those of a photo.", low=0.0, high=1e4)

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
class Schedule:
    """The three phases in steps: critic's AU head alone, geometry and pairs, then the full game."""

    # The AU head then errs by 0.013 on unseen people, where the mean errs by 0.023.
    critic_steps: int = setting(300, "Steps before: the critic learns to read AUs.", low=0, high=10_000_000)
    # Paint learns here from pairs: two hours on one CPU core; the default model had 7,600.
    geometry_steps: int = setting(3000, "Steps between: the generator learns to move faces.", low=0, high=10_000_000)
    # Each time that a few hundred were tried, they bent the paint (models/RUNS.md): they are for GPUs.
    adversarial_steps: int = setting(
        0, "Steps of the full, adversarial game.", low=0, high=10_000_000, option="--steps"
    )
    # The paper's 5 belongs to 25,000 steps on a GPU.
    critic_per_generator: int = setting(1, "Critic steps to one of the generator.", low=1, high=20)
    # Every n-th critic step carries the penalty, n times as heavy: saves 0.1 s a step.
    penalty_interval: int = setting(2, "Critic steps to one with the gradient penalty.", low=1, high=64)
    # Saves 0.4 of 2.7 s a step where its AU head is done.
    critic_rests: bool = setting(False, "The critic neither learns nor steers in the geometry steps.")

    def __post_init__(self) -> None:
        check(self)
        if self.critic_rests and self.adversarial_steps:
            raise ConfigError(
                f"the critic cannot rest in a schedule with {self.adversarial_steps} adversarial steps, which need it",
                "train with --steps 0, or with --no-critic-rests",
            )

    @property
    def total_steps(self) -> int:
        """All steps of the three phases."""
        return self.critic_steps + self.geometry_steps + self.adversarial_steps

    def phase_of(self, step: int) -> str:
        """Return the phase in which a step lies, counted from 0: critic, geometry or adversarial."""
        return next((phase for phase in ("critic", "geometry") if step < self.end_of(phase)), "adversarial")

    def end_of(self, phase: str) -> int:
        """Return how many steps are done when a phase is over."""
        ends = {
            "critic": self.critic_steps,
            "geometry": self.critic_steps + self.geometry_steps,
            "adversarial": self.total_steps,
        }
        return ends[phase]


@dataclass(frozen=True)
class TrainConfig:
    """One training run, whole."""

    generator: GeneratorConfig = part(GeneratorConfig())
    critic: CriticConfig = part(CriticConfig(), "--critic-{}")
    regions: RegionConfig = part(RegionConfig())
    weights: LossWeights = part(LossWeights(), "--{}-weight")
    augmentation: Augmentation = part(Augmentation())
    schedule: Schedule = part(Schedule())
    batch_images: int = setting(16, "Images a step.", low=2, high=1024, option="--batch")
    # Four times the paper's: a step costs two seconds here, and steps are few.
    learning_rate: float = setting(4e-4, "Learning rate of both networks.", low=1e-7, high=1.0, metavar="RATE")
    critic_learning_rate: float = setting(  # one critic step for each of the generator's: it must keep up
        4e-4,
        "Learning rate of the critic, if another.",
        low=1e-7,
        high=1.0,
        metavar="RATE",
        follows="--learning-rate",
    )
    region_learning_rate: float = setting(4e-4, low=1e-7, high=1.0)
    beta1: float = setting(0.5, low=0.0, high=0.99999)
    beta2: float = setting(0.999, low=0.0, high=0.99999)
    decay_fraction: float = setting(1 / 3, low=0.0, high=1.0)  # linear to 0 over the last third, as in the paper
    target_noise: float = setting(0.1, low=0.0, high=1.0)  # targets are another photo's AUs plus U(±0.1)
    # Two photos of one person, or a photo and what is made of it.
    pair_share: float = setting(0.75, "Share of pairs of one person in a batch.", low=0.0, high=1.0, metavar="SHARE")
    mapped_share: float = setting(  # made of somebody seen once, with another person's change of expression
        0.5, "Share of pairs made by mapping expressions onto others.", low=0.0, high=1.0, metavar="SHARE"
    )
    transplant_share: float = setting(  # else paint is for studios alone
        0.7, "Share of the other pairs moved into others' photos.", low=0.0, high=1.0, metavar="SHARE"
    )
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
    workers: int = setting(1, "Processes that decode images.", low=0, high=64)
    seed: int = setting(0, "Seed of everything that is drawn.")

    def __post_init__(self) -> None:
        check(self)
        if self.generator.architecture == MESH:
            raise ConfigError(
                "GeneratorConfig.architecture 'mesh' is not trained by this command yet", "choose warping or attention"
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
