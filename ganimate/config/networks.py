"""Sizes and kinds of the networks, and the crop that they see."""

from __future__ import annotations

from dataclasses import dataclass

from ganimate.config.record import require, require_choice
from ganimate.errors import ConfigError


@dataclass(frozen=True)
class CropSpec:
    """How a face is turned upright and cut out; the same for training and animation, stored in the model file."""

    size_px: int = 128  # the paper's size
    interocular: float = 0.278  # distance of the eye centres / crop width: a jaw that drops stays inside
    eye_line: float = 0.345  # height of the eye centres / crop height: brows and forehead above, chin below

    def __post_init__(self) -> None:
        require(self, "size_px", 16, 1024)
        require(self, "interocular", 0.1, 0.6)
        require(self, "eye_line", 0.1, 0.9)


@dataclass(frozen=True)
class GeneratorConfig:
    """Size and kind of a generator."""

    architecture: str = "warping"  # moves the photo's own pixels: sharp at any resolution
    size_px: int = 128
    channels: int = 24  # the warp does most of the work; a step of 16 photos takes 2.2 s on one core
    blocks: int = 6  # the paper's number of residual blocks
    correction_limit: float = 0.012  # of the landmarks' motion, in crop widths: their own scatter; more undid the AUs

    def __post_init__(self) -> None:
        require_choice(self, "architecture", ("attention", "warping"))
        require(self, "size_px", 32, 512)
        require(self, "channels", 4, 256)
        require(self, "blocks", 1, 32)
        require(self, "correction_limit", 0.0, 1.0)
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
        require(self, "size_px", 16, 512)
        require(self, "channels", 4, 256)
        require(self, "max_channels", self.channels, 2048)
        require(self, "layers", 2, 8)
        if self.size_px % 2**self.layers:
            raise ConfigError(
                f"CriticConfig.size_px must be a multiple of 2^layers = {2**self.layers}, not {self.size_px}"
            )


@dataclass(frozen=True)
class RegionConfig:
    """Size of the critics of mouth and of brows, which keep the paint from being a blurred mean."""

    channels: int = 32  # of the first of three layers: 0.3 million weights a region

    def __post_init__(self) -> None:
        require(self, "channels", 4, 256)


@dataclass(frozen=True)
class JudgeConfig:
    """Size of the judge, which reads AUs to measure generators."""

    size_px: int = 128
    channels: int = 40  # of the first stage; 3 million weights, half a second for a step of 64 photos on one core
    features: int = 128  # what the AUs are read from; few, so that some hundred faces settle their covariance
    dropout: float = 0.1

    def __post_init__(self) -> None:
        require(self, "size_px", 32, 512)
        require(self, "channels", 4, 256)
        require(self, "features", 2, 2048)
        require(self, "dropout", 0.0, 0.9)
        if self.size_px % 32:
            raise ConfigError(f"JudgeConfig.size_px must be a multiple of 32, not {self.size_px}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at 1/4, 1/8, 1/16 and 1/32 of the size."""
        return tuple(factor * self.channels for factor in (1, 2, 4, 6))
