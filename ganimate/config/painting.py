"""How the painter of a mesh model is trained."""

from __future__ import annotations

from dataclasses import dataclass

from ganimate.config.networks import PainterConfig, WindowCriticConfig
from ganimate.config.settings import check, part, setting
from ganimate.errors import ConfigError


@dataclass(frozen=True)
class PaintTraining:
    """How a painter is trained, and its size."""

    network: PainterConfig = part(PainterConfig())
    critic: WindowCriticConfig = part(WindowCriticConfig())
    batch_images: int = setting(8, "Windows a step.", low=2, high=4096, option="--batch")
    # Of a face whose outer eye corners are 55 to 175 px apart: a mouth, an eye with its brow, half a face.
    window_px: int = setting(112, "Side of the windows.", low=32, high=512, metavar="PX", option="--window")
    # 3.6 hours on one core at the 0.65 s a step that were measured, compiled and in bf16.
    steps: int = setting(20_000, "Steps in all.", low=1, high=10_000_000)
    learning_rate: float = setting(5e-4, "The highest learning rate.", low=1e-7, high=1.0, metavar="RATE")
    critic_pace: float = setting(1.0, low=1e-3, high=10.0)  # of the learning rate
    warmup_steps: int = setting(100, low=0, high=10_000_000)
    decay_fraction: float = setting(0.2, low=0.0, high=1.0)  # of the steps: the rate goes down to 0 in a line
    beta1: float = setting(0.5, low=0.0, high=0.99999)
    beta2: float = setting(0.99, low=0.0, high=0.99999)
    ema_decay: float = setting(0.998, "Decay of the averaged weights.", low=0.0, high=0.99999, metavar="SHARE")
    # Of the windows: mouths and eyes of single photos, shut by the mesh and opened again. The rest are pairs of people.
    restored_share: float = setting(0.42, low=0.0, high=1.0)
    # Of the pairs: eyes that shut, or open; few photos show that.
    blink_share: float = setting(0.3, low=0.0, high=1.0)
    # Of the others: drawn by how much the expression changes, else any two photos.
    changed_share: float = setting(0.6, low=0.0, high=1.0)
    # Faces a step that are painted whole, for the AU reader to look at: see `data.paint_wholes`.
    whole_images: int = setting(1, low=0, high=64)
    wished_share: float = setting(0.5, low=0.0, high=1.0)  # of them; the rest are pairs
    pixel_weight: float = setting(10.0, low=0.0, high=1e4)
    gradient_weight: float = setting(10.0, low=0.0, high=1e4)
    attention_weight: float = setting(1.0, low=0.0, high=1e4)
    adversarial_weight: float = setting(0.5, low=0.0, high=1e4)
    features_weight: float = setting(2.0, low=0.0, high=1e4)
    # More is not better: at 12 to 30 the AU reader was content with magenta rims around eyes after 3,000 steps.
    expression_weight: float = setting(4.0, low=0.0, high=1e4)
    reading_weight: float = setting(1.0, low=0.0, high=1e4)
    # Of what the critic is shown as false: the moved photo without paint, so that it asks for what the AUs ask for.
    unpainted_share: float = setting(0.25, low=0.0, high=1.0)
    critic_start: int = setting(300, low=0, high=10_000_000)  # steps in which pixels alone teach
    critic_lead: int = setting(300, low=0, high=10_000_000)  # steps in which it learns before it is listened to
    critic_rise: int = setting(300, low=1, high=10_000_000)  # steps over which its weight rises to its full one
    validation_share: float = setting(0.1, "Share of people who are held out.", low=0.0, high=0.9, metavar="SHARE")
    check_steps: int = setting(500, "Steps from one look at held-out people to the next.", low=1, high=10_000_000)
    check_pairs: int = setting(24, low=1, high=100_000)
    save_steps: int = setting(
        250, "Steps from one checkpoint to the next.", low=1, high=10_000_000, option="--save-every"
    )
    compiled: bool = setting(False, "Compile the networks first (needs a C++ compiler): a third faster.")
    bf16: bool = setting(False, "Compute in bfloat16: faster where the processor has it, ten times slower else.")
    workers: int = setting(1, "Processes that make windows.", low=0, high=64)
    seed: int = setting(21, "Seed of everything that is drawn.", low=0, high=2**63 - 1)

    def __post_init__(self) -> None:
        check(self)
        if self.window_px % 8:
            raise ConfigError(f"PaintTraining.window_px must be a multiple of 8, not {self.window_px}")
