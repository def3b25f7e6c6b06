"""How photos are prepared, faces animated, and models measured."""

from __future__ import annotations

from dataclasses import dataclass, field

from ganimate.config.networks import CropSpec, GeneratorConfig
from ganimate.config.record import require, require_choice

DEFAULT_MODEL = "default"  # the folder under models/ that is taken when no other is named


@dataclass(frozen=True)
class PrepareOptions:
    """How photos become a pack; `validation_share` of the people (or of the photos of nobody known) is held out."""

    spec: CropSpec = field(default_factory=CropSpec)
    validation_share: float = 0.1  # 20 people of 200: enough to measure, few enough not to miss

    def __post_init__(self) -> None:
        require(self, "validation_share", 0.0, 0.9)
        GeneratorConfig(size_px=self.spec.size_px)  # a size that no generator takes is told before the work


@dataclass(frozen=True)
class Setup:
    """What an animation is made with: which model, which face detector, and which device."""

    model: str = DEFAULT_MODEL
    detector: str = "hog"  # 0.1 s where cnn takes seconds; most photos show faces from the front
    device: str = "auto"

    def __post_init__(self) -> None:
        require_choice(self, "detector", ("hog", "cnn"))


@dataclass(frozen=True)
class Motion:
    """How a face goes from one expression to another, and what follows."""

    frames: int = 16  # of the move, one way: 0.64 s, about what a smile takes to unfold
    fps: float = 25.0  # frames of 4/100 s: GIF counts in 1/100 s and keeps this exactly
    easing: str = "in-out"  # muscles neither start nor stop at full speed
    hold_s: float = 0.5  # long enough to see the expression
    loop: str = "ping-pong"  # the only one that repeats without a jump

    def __post_init__(self) -> None:
        require(self, "frames", 2, 10_000)
        require(self, "fps", 0.1, 240.0)
        require(self, "hold_s", 0.0, 60.0)

    @property
    def hold_frames(self) -> int:
        """The frames for which the goal stays."""
        return round(self.hold_s * self.fps)


@dataclass(frozen=True)
class Driving:
    """How a face repeats a recorded performance."""

    # AUs mean the same on every face: the person makes the very faces that were recorded, whatever the photo shows.
    # Relative to its first frame a clip only fits where that frame and the photo show about the same.
    relative: bool = False
    smooth_s: float = 0.0  # shown is what was recorded; trackers have often smoothed it already
    most_fps: float = 60.0  # more is not seen
    fewest_fps: float = 10.0  # fewer are seen one by one, so what lies between is filled in

    def __post_init__(self) -> None:
        require(self, "smooth_s", 0.0, 60.0)
        require(self, "most_fps", 1.0, 1000.0)
        require(self, "fewest_fps", 0.0, self.most_fps)

    def fps_for(self, clip_fps: float | None) -> float:
        """Return the frames a second of an animation for a clip: its own as a whole number, if not too many or few."""
        if clip_fps is None or clip_fps < self.fewest_fps:
            return Motion().fps
        return float(round(min(clip_fps, self.most_fps)))


@dataclass(frozen=True)
class Scrutiny:
    """How a result is shown beside itself, and how closely it is looked at."""

    compare: bool = False  # the photo beside every frame
    strip_frames: int = 8  # of a film strip: enough to see the move, large enough to see the face
    identity_frames: int = 8  # 0.1 s each, beside the peak; 0 measures no identity
    strict: bool = False  # a result in doubt is a failure

    def __post_init__(self) -> None:
        require(self, "strip_frames", 1, 64)
        require(self, "identity_frames", 0, 10_000)


@dataclass(frozen=True)
class EvaluationConfig:
    """Who and how many are measured by `ganimate evaluate`."""

    people: int = 64  # a mean over them is certain to about 0.02; 17 AUs at 4 intensities take minutes on two cores
    pairs: int = 64  # of photos of one person
    crowd: int = 256  # photos for the distance of distributions: fewer bend it, more take long
    seed: int = 0

    def __post_init__(self) -> None:
        require(self, "people", 1, 10_000)
        require(self, "pairs", 0, 10_000)
        require(self, "crowd", 0, 100_000)
        require(self, "seed", 0, 2**63 - 1)
