"""The options and arguments that commands share, each written once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
Timing = Annotated[Motion, Options(TIMING)]
Closely = Annotated[Scrutiny, Options(SCRUTINY)]
Means = Annotated[Setup, Options(MEANS)]
DetectorChoice = Annotated[
    DetectorName,
    typer.Option("--detector", help="hog is fast; cnn is slow and finds more.", rich_help_panel=MEANS),
]
Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1, mps …", rich_help_panel=MEANS)]


@dataclass(frozen=True)
class Beside:
    """What is written beside the result itself, and how all of it is written."""

    save_attention: SaveAttention = None
    save_color: SaveColor = None
    save_trajectory: SaveTrajectory = None
    print_trajectory: PrintTrajectory = False
    strip: StripPath = None
    report: Reports = None
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
