"""The options and arguments that commands share, each written once."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ganimate.face.detect import Selection

SHOWN = "What is shown"
TIMING = "Timing"
RESULTS = "Results"
SCRUTINY = "See and measure"
MEANS = "Model and faces"


class Loop(str, Enum):
    """The names of `trajectory.LOOPS`, known here without loading it."""

    once = "once"
    ping_pong = "ping-pong"
    cycle = "cycle"


class Easing(str, Enum):
    """The names of `trajectory.EASINGS`, known here without loading it."""

    linear = "linear"
    in_ = "in"
    out = "out"
    in_out = "in-out"
    min_jerk = "min-jerk"


class BlinkName(str, Enum):
    """Whether eyes blink by themselves."""

    auto = "auto"
    off = "off"


class OtherAUs(str, Enum):
    """What becomes of AUs that no expression names."""

    keep = "keep"
    zero = "zero"


class ResultName(str, Enum):
    """The kinds of animations."""

    mp4 = "mp4"
    gif = "gif"
    folder = "folder"


class DetectorName(str, Enum):
    """The face detectors of dlib."""

    hog = "hog"
    cnn = "cnn"


PhotoOrVideo = Annotated[
    Path,
    typer.Argument(metavar="PHOTO", help="A photo of one or more faces, or a video of one.", show_default=False),
]
Photo = Annotated[Path, typer.Argument(metavar="PHOTO", help="A photo of one or more faces.", show_default=False)]
Expressions = Annotated[
    list[str] | None,
    typer.Option(
        "--au",
        "--expression",
        "-e",
        metavar="EXPR",
        help="The face to end with: AUs from 0 to 1 (12=1.0), changes (12=+0.4), presets (happiness, fear:0.6), "
        "neutral, self, another photo's (@other.jpg), or several with commas. May be repeated; later ones win.",
        show_default=False,
        rich_help_panel=SHOWN,
    ),
]
Own = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="EXPR",
        help="What the photo shows (y_r), where the model misreads it; 12=0.2 corrects one AU.",
        show_default=False,
        rich_help_panel=SHOWN,
    ),
]
OwnByFace = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="EXPR",
        help="What the photo shows (y_r), where the model misreads it; 12=0.2 corrects one AU.",
        show_default=False,
        rich_help_panel=SHOWN,
    ),
]
Start = Annotated[
    str,
    typer.Option("--from", metavar="EXPR", help="The face to begin with.", show_default=False, rich_help_panel=SHOWN),
]
Goal = Annotated[
    str,
    typer.Option("--to", metavar="EXPR", help="The face to end with.", show_default=False, rich_help_panel=SHOWN),
]
Trajectory = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.csv",
        help="Play a trajectory, such as --save-trajectory writes, instead of --au.",
        show_default=False,
        rich_help_panel=SHOWN,
    ),
]
Timeline = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.yaml",
        help="Play a timeline of keyframes, AU tracks and blinks instead of --au; see 'ganimate timeline check'.",
        show_default=False,
        rich_help_panel=SHOWN,
    ),
]
BlinkChoice = Annotated[
    BlinkName | None,
    typer.Option(
        "--blink",
        help="Lay blinks over it at natural intervals, or none. Default: none, or as a timeline says.",
        show_default=False,
        rich_help_panel=SHOWN,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        metavar="N",
        help="With --blink auto: other numbers, other times.",
        show_default=False,
        rich_help_panel=SHOWN,
    ),
]
Others = Annotated[
    OtherAUs,
    typer.Option(help="AUs that are not named: as in the photo, or zero.", rich_help_panel=SHOWN),
]
Frames = Annotated[
    int, typer.Option(min=2, max=10_000, metavar="N", help="Frames of the move, one way.", rich_help_panel=TIMING)
]
Fps = Annotated[float, typer.Option(min=0.1, max=240, metavar="N", help="Frames a second.", rich_help_panel=TIMING)]
EasingChoice = Annotated[
    Easing,
    typer.Option(
        "--easing",
        metavar="CURVE",
        help="How the move starts and stops: linear, in, out, in-out or min-jerk.",
        rich_help_panel=TIMING,
    ),
]
Hold = Annotated[
    float,
    typer.Option(
        "--hold", min=0, max=60, metavar="SECONDS", help="How long the end expression stays.", rich_help_panel=TIMING
    ),
]
LoopChoice = Annotated[
    Loop,
    typer.Option(
        "--loop",
        help="Stop at the end; go back and repeat; or jump back and repeat. (Of an MP4 only the player decides that.)",
        rich_help_panel=TIMING,
    ),
]
Ramp = Annotated[
    float,
    typer.Option(
        "--ramp",
        min=0,
        max=60,
        metavar="SECONDS",
        help="Of a video: how long the expression takes to come at the start.",
        rich_help_panel=TIMING,
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help=".gif, .mp4, or folder/ for PNG frames; with --still .png, .jpg or .webp. Default: beside the photo.",
        show_default=False,
        rich_help_panel=RESULTS,
    ),
]
Film = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help=".gif, .mp4, or folder/ for PNG frames. Default: beside the photo.",
        show_default=False,
        rich_help_panel=RESULTS,
    ),
]
Still = Annotated[
    bool, typer.Option("--still", help="One picture of the end expression instead.", rich_help_panel=RESULTS)
]
SaveAttention = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Also write the attention maps: white keeps the photo. A picture shows the end expression.",
        show_default=False,
        rich_help_panel=RESULTS,
    ),
]
SaveColor = Annotated[
    str | None,
    typer.Option(
        metavar="PATH", help="Also write what was painted, likewise.", show_default=False, rich_help_panel=RESULTS
    ),
]
SaveTrajectory = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.csv",
        help="Also write the AUs of every frame, those of one face, to be edited and used with --trajectory.",
        show_default=False,
        rich_help_panel=RESULTS,
    ),
]
PrintTrajectory = Annotated[
    bool, typer.Option("--print-trajectory", help="Print the AUs of every frame on stderr.", rich_help_panel=RESULTS)
]
Compare = Annotated[
    bool,
    typer.Option(
        "--compare", help="Write the photo and the result side by side in one picture.", rich_help_panel=SCRUTINY
    ),
]
StripPath = Annotated[
    str | None,
    typer.Option(
        "--strip",
        metavar="PATH",
        help="Also write a film strip: a row of frames, cut around the faces, as .png, .jpg or .webp.",
        show_default=False,
        rich_help_panel=SCRUTINY,
    ),
]
StripFrames = Annotated[
    int, typer.Option(min=1, max=64, metavar="N", help="Frames of the film strip.", rich_help_panel=SCRUTINY)
]
Reports = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="PATH",
        help="Also write what can be measured of every frame: AUs asked and read again, identity, pixels changed. "
        ".json, .csv, or .png for a plot. May be repeated.",
        show_default=False,
        rich_help_panel=SCRUTINY,
    ),
]
IdentityFrames = Annotated[
    int,
    typer.Option(
        min=0,
        max=10_000,
        metavar="N",
        help="In how many frames, beside the end expression, the report measures identity; 0 for nowhere.",
        rich_help_panel=SCRUTINY,
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Exit with code 3 when the result, which is written, did not change the face or may be another person.",
        rich_help_panel=SCRUTINY,
    ),
]
Mark = Annotated[
    bool,
    typer.Option(
        help="Write into the result, unseen, that it is synthetic, and by which model and AUs (XMP; see 'ganimate "
        "inspect'). Without it, say so yourself.",
        rich_help_panel=RESULTS,
    ),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace results that exist.", rich_help_panel=RESULTS)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.", rich_help_panel=RESULTS)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No notes and no progress on stderr.", rich_help_panel=RESULTS)
]
FaceChoice = Annotated[
    str,
    typer.Option(
        "--face",
        metavar="WHICH",
        help="largest, all, or numbers such as 2 or 1,3, as 'ganimate faces PHOTO' lists them.",
        rich_help_panel=MEANS,
    ),
]
FaceGroups = Annotated[
    list[str],
    typer.Option(
        "--face",
        metavar="WHICH",
        help="largest, all, or numbers such as 2 or 1,3, as 'ganimate faces PHOTO' lists them. Given more than once, "
        "each takes the --au, --expression and --from that follow it: --face 1 -e fear --face 2 -e anger; what stands "
        "before the first is for all.",
        rich_help_panel=MEANS,
    ),
]
DetectorChoice = Annotated[
    DetectorName,
    typer.Option("--detector", help="hog is fast; cnn is slow and finds more.", rich_help_panel=MEANS),
]
Model = Annotated[
    str,
    typer.Option(
        "--model", metavar="NAME|PATH", help="A model of 'ganimate models', or a file.", rich_help_panel=MEANS
    ),
]
Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1, mps …", rich_help_panel=MEANS)]


def parse_selection(text: str) -> Selection:
    """Return what `--face` asks for; raises a usage error."""
    word = text.strip().lower()
    if word == "largest":
        return "largest"
    if word == "all":
        return "all"
    try:
        return [int(number) for number in word.split(",")]
    except ValueError:
        message = f"{text!r} is not largest, all, or numbers such as 2 or 1,3"
        raise typer.BadParameter(message, param_hint="--face") from None
