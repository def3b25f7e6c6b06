"""The options and arguments that commands share, each written once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganimate.cli.settings import Group, Options
from ganimate.config import Motion, Scrutiny, Setup

if TYPE_CHECKING:
    from ganimate.animation.outputs import Outputs
    from ganimate.animation.session import Selection

SHOWN = "What is shown"
TIMING = "Timing"
RESULTS = "Results"
SCRUTINY = "See and measure"
MEANS = "Model and faces"


def option(
    panel: str,
    help: str,
    *names: str,
    metavar: str | None = None,
    low: float | None = None,
    high: float | None = None,
    shown: bool | str = False,
) -> Any:
    """Return an option under the heading `panel` of --help, which says of its default what `shown` says."""
    return typer.Option(
        *names, metavar=metavar, min=low, max=high, help=help, show_default=shown, rich_help_panel=panel
    )


class BlinkName(str, Enum):
    """Whether eyes blink by themselves."""

    auto = "auto"
    off = "off"


class OtherAUs(str, Enum):
    """What becomes of AUs that no expression names."""

    auto = "auto"
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
    Path, typer.Argument(metavar="PHOTO", help="A photo of one or more faces, or a video of one.", show_default=False)
]
Photo = Annotated[Path, typer.Argument(metavar="PHOTO", help="A photo of one or more faces.", show_default=False)]
Expressions = Annotated[
    list[str] | None,
    option(
        SHOWN,
        "The face to end with: AUs from 0 to 1 (12=1.0), one side (12L=1), changes (12=+0.4), degrees of head and eyes "
        "(yaw, pitch, roll, gaze_x, gaze_y), presets (happiness, fear:0.6), neutral, self, another photo's "
        "(@other.jpg), or several with commas. May be repeated; later ones win.",
        "--au",
        "--expression",
        "-e",
        metavar="EXPR",
    ),
]
_SEEN_AS = option(
    SHOWN, "What the photo shows (y_r), where the model misreads it; 12=0.2 corrects one AU.", "--from", metavar="EXPR"
)
SeenAs = Annotated[str | None, _SEEN_AS]
SeenAsByFace = Annotated[list[str] | None, _SEEN_AS]
Starts = Annotated[list[str] | None, option(SHOWN, "The face to begin with.", "--from", metavar="EXPR")]
Targets = Annotated[
    list[str] | None,
    option(SHOWN, "The face to end with. May be repeated; later ones win.", "--to", metavar="EXPR"),
]
Trajectory = Annotated[
    str | None,
    option(SHOWN, "Play a trajectory, such as --save-trajectory writes, instead of --au.", metavar="FILE.csv"),
]
Timeline = Annotated[
    str | None,
    option(
        SHOWN,
        "Play a timeline of keyframes, AU tracks and blinks instead of --au; see 'ganimate timeline check'.",
        metavar="FILE.yaml",
    ),
]
BlinkChoice = Annotated[
    BlinkName | None,
    option(SHOWN, "Lay blinks over it at natural intervals, or none. Default: none, or as a timeline says.", "--blink"),
]
Seed = Annotated[
    int | None, option(SHOWN, "With --blink auto: other numbers, other times.", "--seed", metavar="N", low=0)
]
Others = Annotated[
    OtherAUs,
    option(
        SHOWN,
        "AUs that are not named: keep (as in the photo), zero, or auto: zero, lids apart, where an emotion is named, "
        "such as sadness, and else keep, but for what no face shows beside them; in videos keep.",
        shown=True,
    ),
]
Ramp = Annotated[
    float,
    option(
        TIMING,
        "Of a video: how long the expression takes to come at the start.",
        "--ramp",
        metavar="SECONDS",
        low=0,
        high=60,
        shown=True,
    ),
]
Output = Annotated[
    str | None,
    option(
        RESULTS,
        ".gif, .mp4, or folder/ for PNG frames; with --still .png, .jpg or .webp. Default: beside the photo.",
        "--output",
        "-o",
        metavar="PATH",
    ),
]
Film = Annotated[
    str | None,
    option(
        RESULTS, ".gif, .mp4, or folder/ for PNG frames. Default: beside the photo.", "--output", "-o", metavar="PATH"
    ),
]
Still = Annotated[bool, option(RESULTS, "One picture of the end expression instead.", "--still")]
Mark = Annotated[
    bool,
    option(
        RESULTS,
        "Write into the result, unseen, that it is synthetic, and by which model and AUs (XMP; see 'ganimate "
        "inspect'). Without it, say so yourself.",
        shown=True,
    ),
]
Force = Annotated[bool, option(RESULTS, "Replace results that exist.", "--force", "-f")]
Json = Annotated[bool, option(RESULTS, "Print the result as JSON on stdout.", "--json")]
Quiet = Annotated[bool, option(RESULTS, "No notes and no progress on stderr.", "--quiet", "-q")]
FaceChoice = Annotated[
    str,
    option(
        MEANS,
        "largest, all, or numbers such as 2 or 1,3, as 'ganimate faces PHOTO' lists them.",
        "--face",
        metavar="WHICH",
        shown=True,
    ),
]
FaceGroups = Annotated[
    list[str],
    option(
        MEANS,
        "largest, all, or numbers such as 2 or 1,3, as 'ganimate faces PHOTO' lists them (of a video: in the first "
        "frame that shows any). Given more than once, each takes the --au, --expression and --from that follow it: "
        "--face 1 -e fear --face 2 -e anger; what stands before the first is for all.",
        "--face",
        metavar="WHICH",
        shown=True,
    ),
]
FaceMoves = Annotated[
    list[str],
    option(
        MEANS,
        "largest, all, or numbers such as 2 or 1,3, as 'ganimate faces PHOTO' lists them. Given more than once, each "
        "takes the --from and --to that follow it; what stands before the first is for all.",
        "--face",
        metavar="WHICH",
        shown=True,
    ),
]
Timing = Annotated[Motion, Options(TIMING)]
Closely = Annotated[Scrutiny, Options(SCRUTINY)]
Means = Annotated[Setup, Options(MEANS)]
DetectorChoice = Annotated[
    DetectorName, option(MEANS, "hog is fast; cnn is slow and finds more.", "--detector", shown=True)
]
Device = Annotated[str, option(MEANS, "auto, cpu, cuda, cuda:1, mps …", metavar="NAME", shown=True)]


@dataclass(frozen=True)
class Beside:
    """What is written beside the result itself, and how all of it is written."""

    save_attention: Annotated[
        str | None,
        option(
            RESULTS,
            "Also write the attention maps: white keeps the photo. A picture shows the end expression.",
            metavar="PATH",
        ),
    ] = None
    save_color: Annotated[str | None, option(RESULTS, "Also write what was painted, likewise.", metavar="PATH")] = None
    save_trajectory: Annotated[
        str | None,
        option(
            RESULTS,
            "Also write the AUs of every frame, those of one face, to be edited and used with --trajectory.",
            metavar="FILE.csv",
        ),
    ] = None
    print_trajectory: Annotated[
        bool, option(RESULTS, "Print the AUs of every frame on stderr.", "--print-trajectory")
    ] = False
    strip: Annotated[
        str | None,
        option(
            SCRUTINY,
            "Also write a film strip: a row of frames, cut around the faces, as .png, .jpg or .webp.",
            "--strip",
            metavar="PATH",
        ),
    ] = None
    report: Annotated[
        list[str] | None,
        option(
            SCRUTINY,
            "Also write what can be measured of every frame: AUs asked and read again, identity, pixels changed. "
            ".json, .csv, or .png for a plot. May be repeated.",
            "--report",
            metavar="PATH",
        ),
    ] = None
    mark: Mark = True
    force: Force = False

    def outputs(self, path: str) -> Outputs:
        """Return all places, that of the result itself being `path`."""
        from ganimate.animation.outputs import Outputs

        reports = tuple(self.report or ())
        return Outputs(path, self.save_attention, self.save_color, self.force, self.strip, reports)


@dataclass(frozen=True)
class Telling:
    """How a command speaks of what came of it."""

    json: Json = False
    quiet: Quiet = False


WrittenBeside = Annotated[Beside, Group()]
Told = Annotated[Telling, Group()]


def result_path(output: str | None, photo: Path, words: str, suffix: str) -> str:
    """Return where the result goes: to `output`, or beside the photo under a name that tells what was asked for."""
    from ganimate.media.naming import beside

    return str(beside(photo, words, suffix)) if output is None else output


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
