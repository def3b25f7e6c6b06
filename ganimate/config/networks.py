"""Sizes and kinds of the networks, and the crop that they see."""

from __future__ import annotations

from dataclasses import dataclass

from ganimate.config.settings import check, setting
from ganimate.errors import ConfigError

MESH = "mesh"  # the architecture that moves a mesh


@dataclass(frozen=True)
class CropSpec:
    """How a face is turned upright and cut out; the same for training and animation, stored in the model file."""

    size_px: int = setting(128, "Side of the faces.", low=16, high=1024, metavar="PX", option="--size")  # the paper's
    # Distance of the eye centres / crop width: a jaw that drops stays inside.
    interocular: float = setting(0.278, low=0.1, high=0.6)
    # Height of the eye centres / crop height: brows and forehead above, chin below.
    eye_line: float = setting(0.345, low=0.1, high=0.9)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class GeneratorConfig:
    """Size and kind of a generator."""

    architecture: str = setting(  # the paper's
        "attention",
        "Kind of generator: attention, the paper's; mesh is trained by 'ganimate train-paint'.",
        choices=("attention", MESH),
        metavar="KIND",
        option="--generator",
    )
    size_px: int = setting(128, "Side of the faces; the pack's own.", low=32, high=512, metavar="PX", option="--size")
    channels: int = setting(64, "Width of the generator.", low=4, high=256)  # the paper's number, as the next
    blocks: int = setting(6, "Residual blocks of the generator.", low=1, high=32)
    matcher: str = setting(  # the paper's generator does not move
        "none",
        "What moves the photo before the paint: none, or Warping-GAN's matcher, affine and spline.",
        choices=("none", "spline"),
        metavar="KIND",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.size_px % 16:
            raise ConfigError(f"GeneratorConfig.size_px must be a multiple of 16, not {self.size_px}")


@dataclass(frozen=True)
class CriticConfig:
    """Size of the critic: stride-2 convolutions down to a 2×2 map at the default size (paper, section 4)."""

    size_px: int = setting(128, low=16, high=512, follows="--size")
    # Wide enough to see teeth and lids, cheap enough for two cores.
    channels: int = setting(48, "Width of the critic.", low=4, high=256)
    max_channels: int = setting(384, low="channels", high=2048)
    layers: int = setting(6, low=2, high=8)

    @staticmethod
    def layers_for(size_px: int) -> int:
        """Return the layers that bring images of that size down to 2×2, or to 3×3 and so on where 2 does not divide."""
        return max(n for n in range(2, 9) if n == 2 or (size_px % 2**n == 0 and size_px >= 2 * 2**n))

    def __post_init__(self) -> None:
        check(self)
        if self.size_px % 2**self.layers:
            raise ConfigError(
                f"CriticConfig.size_px must be a multiple of 2^layers = {2**self.layers}, not {self.size_px}"
            )


@dataclass(frozen=True)
class JudgeConfig:
    """Size of the judge, which reads AUs to measure generators."""

    size_px: int = setting(128, low=32, high=512)
    # Of the first stage; 3 million weights, half a second for a step of 64 photos on one core.
    channels: int = setting(40, "Width of the judge.", low=4, high=256)
    # What the AUs are read from; few, so that some hundred faces settle their covariance.
    features: int = setting(128, low=2, high=2048)
    dropout: float = setting(0.1, low=0.0, high=0.9)

    def __post_init__(self) -> None:
        check(self)
        if self.size_px % 32:
            raise ConfigError(f"JudgeConfig.size_px must be a multiple of 32, not {self.size_px}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at 1/4, 1/8, 1/16 and 1/32 of the size."""
        return tuple(factor * self.channels for factor in (1, 2, 4, 6))


@dataclass(frozen=True)
class PainterConfig:
    """Size of the painter, which works at any resolution: 2 million weights."""

    # At half the resolution; a multiple of 8.
    channels: int = setting(32, "Width of the painter.", low=8, high=256)
    blocks: int = setting(5, "Residual blocks of the painter.", low=1, high=32)

    def __post_init__(self) -> None:
        check(self)
        if self.channels % 8:
            raise ConfigError(f"PainterConfig.channels must be a multiple of 8, not {self.channels}")


@dataclass(frozen=True)
class WindowCriticConfig:
    """Size of the painter's critic, which only its training needs: 0.7 million weights."""

    channels: int = setting(48, low=4, high=256)  # of the first of three layers
    condition: int = setting(64, low=4, high=1024)  # what the AUs are told as

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class MeshReaderConfig:
    """Size of the reader of meshes; 2.2 million weights."""

    # The middles of the eyes are then 46 px apart.
    size_px: int = setting(160, "Side of the faces that it sees.", low=64, high=512, metavar="PX", option="--size")
    width: int = setting(40, "Channels at a quarter of the size.", low=4, high=256)

    def __post_init__(self) -> None:
        check(self)
        if self.size_px % 32:
            raise ConfigError(f"MeshReaderConfig.size_px must be a multiple of 32, not {self.size_px}")
