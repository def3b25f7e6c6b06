"""How photos are prepared, faces animated, and models measured."""

from __future__ import annotations

from dataclasses import dataclass

from ganimate.config.networks import CropSpec, GeneratorConfig
from ganimate.config.settings import check, part, setting

DEFAULT_MODEL = "default"  # the folder under models/ that is taken when no other is named


@dataclass(frozen=True)
class PrepareOptions:
    """How photos become a pack; `validation_share` of the people (or of the photos of nobody known) is held out."""

    spec: CropSpec = part(CropSpec())
    validation_share: float = setting(  # 20 people of 200: enough to measure, few enough not to miss
        0.1,
        "Share of people, or of photos of nobody known, held out; of few people at least some of each kind.",
        low=0.0,
        high=0.9,
        metavar="SHARE",
    )
    split_seed: int = setting(0, "Another seed, other people held out.", low=0, high=2**63 - 1)
    # For cross-validation: everybody is held out in one of the packs.
    folds: int = setting(
        1, "Hold out one of so many parts of the people instead of a share; 1 for none.", low=1, high=100
    )
    fold: int = setting(1, "Which of the folds is held out.", low=1, high="folds")

    def __post_init__(self) -> None:
        check(self)
        GeneratorConfig(size_px=self.spec.size_px)  # a size that no generator takes is told before the work


@dataclass(frozen=True)
class Setup:
    """What an animation is made with: which model, which face detector, and which device."""

    model: str = setting(DEFAULT_MODEL, "A model of 'ganimate models', or a file.", metavar="NAME|PATH")
    detector: str = setting(  # 0.1 s where cnn takes seconds; most photos show faces from the front
        "hog", "hog is fast; cnn is slow and finds more.", choices=("hog", "cnn")
    )
    device: str = setting("auto", "auto, cpu, cuda, cuda:1, mps …", metavar="NAME")
    backend: str = setting(  # ONNX Runtime is loaded in a tenth of torch's second
        "auto",
        "What runs the networks: torch, or ONNX Runtime, which is on the CPU and loads faster.",
        choices=("auto", "onnx", "torch"),
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Motion:
    """How a face goes from one expression to another, and what follows."""

    # One way: 0.64 s, about what a smile takes to unfold.
    frames: int = setting(16, "Frames of the move, one way.", low=2, high=10_000)
    # Frames of 4/100 s: GIF counts in 1/100 s and keeps this exactly.
    fps: float = setting(25.0, "Frames a second.", low=0.1, high=240.0)
    easing: str = setting(  # muscles neither start nor stop at full speed
        "in-out",
        "How the move starts and stops: linear, in, out, in-out or min-jerk.",
        choices=("linear", "in", "out", "in-out", "min-jerk"),
        metavar="CURVE",
    )
    hold_s: float = setting(  # long enough to see the expression
        0.5, "How long the end expression stays.", low=0.0, high=60.0, metavar="SECONDS", option="--hold"
    )
    loop: str = setting(  # the only one that repeats without a jump
        "ping-pong",
        "Stop at the end; go back and repeat; or jump back and repeat. (Of an MP4 only the player decides that.)",
        choices=("once", "ping-pong", "cycle"),
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def hold_frames(self) -> int:
        """The frames for which the goal stays."""
        return round(self.hold_s * self.fps)


@dataclass(frozen=True)
class Driving:
    """How a face repeats a recorded performance."""

    # AUs mean the same on every face: the person makes the very faces that were recorded, whatever the photo shows.
    # Relative to its first frame a clip only fits where that frame and the photo show about the same.
    relative: bool = setting(
        False,
        "Add what changes since the clip's first frame to what the photo shows, or show the AUs as they are.",
        option="--relative/--absolute",
    )
    smooth_s: float = setting(  # shown is what was recorded; trackers have often smoothed it already
        0.0,
        "Calm a trembling clip: the standard deviation of the smoothing, such as 0.1.",
        low=0.0,
        high=60.0,
        metavar="SECONDS",
        option="--smooth",
    )
    # Off, as a photo's background does not turn along.
    head: bool = setting(
        False, "Turn the head as in the clip, from its usual pose there; with models that move a mesh.", option="--head"
    )
    gaze: bool = setting(False, "Turn the eyes as in the clip, likewise.", option="--gaze")
    most_fps: float = setting(60.0, low=1.0, high=1000.0)  # more is not seen
    # Fewer are seen one by one, so what lies between is filled in.
    fewest_fps: float = setting(10.0, low=0.0, high="most_fps")

    def __post_init__(self) -> None:
        check(self)

    def fps_for(self, clip_fps: float | None) -> float:
        """Return the frames a second of an animation for a clip: its own as a whole number, if not too many or few."""
        if clip_fps is None or clip_fps < self.fewest_fps:
            return Motion().fps
        return float(round(min(clip_fps, self.most_fps)))


@dataclass(frozen=True)
class Scrutiny:
    """How a result is shown beside itself, and how closely it is looked at."""

    compare: bool = setting(False, "Write the photo and the result side by side in one picture.")
    # Enough to see the move, large enough to see the face.
    strip_frames: int = setting(8, "Frames of the film strip.", low=1, high=64)
    identity_frames: int = setting(  # 0.1 s each
        8,
        "In how many frames, beside the end expression, the report measures identity; 0 for nowhere.",
        low=0,
        high=10_000,
    )
    strict: bool = setting(
        False, "Exit with code 3 when the result, which is written, did not change the face or may be another person."
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class EvaluationConfig:
    """Who and how many are measured by `ganimate evaluate`."""

    # A mean over them is certain to about 0.02; 17 AUs at 4 intensities take minutes on two cores.
    people: int = setting(64, "People, one photo of each.", low=1, high=10_000)
    pairs: int = setting(64, "Pairs of photos of one person in two expressions.", low=0, high=10_000)
    crowd: int = setting(  # fewer bend the distance of distributions, more take long
        256, "Photos for the Fréchet distance; 0 leaves it out.", low=0, high=100_000
    )
    seed: int = setting(0, "Another seed, other people.", low=0, high=2**63 - 1)

    def __post_init__(self) -> None:
        check(self)
