"""`ganimate drive`: the person of a photo repeats what another face did."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ganimate.cli import options
from ganimate.cli.console import Display
from ganimate.cli.errors import usage_error
from ganimate.cli.option_rules import is_given, refuse_idle
from ganimate.cli.results import run_job
from ganimate.cli.settings import Options, with_settings
from ganimate.config import Driving
from ganimate.errors import InputError, OutputError

CLIP = "The clip"
FOR_TABLES = ("format", "table_fps", "table_face")


class TableFormat(str, Enum):
    """The names of `trackers.formats.FORMATS`, known here without loading it."""

    openface = "openface"
    libreface = "libreface"
    trajectory = "trajectory"
    py_feat = "py-feat"
    blendshapes = "blendshapes"


Table = Annotated[
    Path | None,
    options.option(
        CLIP,
        "What the face does: a table of OpenFace, py-feat or LibreFace, blendshapes of MediaPipe or ARKit "
        "(Live Link Face; MediaPipe's JSON, too), or a saved trajectory.",
        "--aus",
        metavar="TABLE.csv",
    ),
]
Filmed = Annotated[
    Path | None,
    options.option(
        CLIP,
        "What the face does: a video of one, read by the model itself; its sound goes into an .mp4.",
        "--video",
        metavar="CLIP",
    ),
]
FormatChoice = Annotated[
    TableFormat | None,
    options.option(
        CLIP,
        "openface, libreface, trajectory, py-feat or blendshapes.",
        "--format",
        metavar="NAME",
        shown="told by the columns",
    ),
]
TableFps = Annotated[
    float | None,
    options.option(
        CLIP,
        "Frames a second of the table, where it tells no times or wrong ones.",
        metavar="N",
        low=0.1,
        high=1000,
        shown="30, where it tells none",
    ),
]
TableFace = Annotated[
    str | None,
    options.option(
        CLIP,
        "Which of several faces in the table: its label there, or its number.",
        metavar="N|LABEL",
        shown="the one with most rows",
    ),
]
VideoFace = Annotated[
    int | None,
    options.option(
        CLIP,
        "Which of several faces in the video: its number in the first frame that shows any, as 'ganimate faces CLIP' "
        "lists them.",
        metavar="N",
        low=1,
        shown="the largest",
    ),
]
Trim = Annotated[
    bool,
    options.option(
        CLIP,
        "Leave out what comes before the face and after it, where its first and last pose are held otherwise.",
        "--trim",
    ),
]
Start = Annotated[
    float | None, options.option(CLIP, "Where to begin.", metavar="SECONDS", low=0, shown="the clip's beginning")
]
End = Annotated[float | None, options.option(CLIP, "Where to end.", metavar="SECONDS", shown="the clip's end")]
Repeated = Annotated[Driving, Options(options.TIMING, {"relative": options.SHOWN})]
OutputFps = Annotated[
    float | None,
    options.option(
        options.TIMING,
        "Frames a second of the animation.",
        metavar="N",
        low=0.1,
        high=240,
        shown=f"the clip's, at most {Driving.most_fps:g}",
    ),
]
Result = Annotated[
    str | None,
    options.option(
        options.RESULTS,
        ".mp4, .gif, or folder/ for PNG frames; .png, .jpg or .webp of one frame. Default: beside the photo.",
        "--output",
        "-o",
        metavar="PATH",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(drive)


@with_settings
def drive(
    ctx: typer.Context,
    photo: options.Photo,
    aus: Table = None,
    video: Filmed = None,
    format: FormatChoice = None,
    table_fps: TableFps = None,
    table_face: TableFace = None,
    video_face: VideoFace = None,
    trim: Trim = False,
    start: Start = None,
    end: End = None,
    seen_as: options.SeenAs = None,
    *,
    driving: Repeated,
    fps: OutputFps = None,
    output: Result = None,
    beside: options.WrittenBeside,
    told: options.Told,
    scrutiny: options.Closely,
    face: options.FaceChoice = "largest",
    setup: options.Means,
) -> None:
    """Let the face in PHOTO repeat a recorded or filmed performance.

    For example: ganimate drive me.jpg --aus openface.csv -o me.mp4

    Or: ganimate drive me.jpg --video clip.mp4

    AUs that the clip does not tell stay as the photo shows them. A table of one row gives one picture.
    """
    from ganimate.animation.job import Job
    from ganimate.animation.recorded_performance import FilmedPerformance, read_table
    from ganimate.animation.request import FaceRequest, Request, correction, perform

    clip = _one_clip(ctx, aus, video)
    refuse_idle(ctx)
    faces, display, corrected = options.parse_selection(face), Display(told.quiet), correction(seen_as)
    sound = opened = None
    if video is None:
        name = None if format is None else format.value
        performance = read_table(clip, name, table_fps, table_face, trim, driving, display).between(start, end)
    else:
        filmed = FilmedPerformance(video, photo, start, end, setup, faces, trim, video_face, driving)
        place = options.result_path(output, photo, clip.stem, ".mp4")
        read = filmed.read(beside.outputs(place), display)
        performance, sound, opened = read.performance, read.sound, read.photo
    plan = perform(performance, driving, fps)
    count = len(performance.resampled(plan.fps, smooth_s=plan.smooth_s))
    still = count == 1
    if still:
        _check_picture(clip, output, plan.relative, beside)
    display.note("one frame, so one picture" if still else f"{count} frames at {plan.fps:g} a second")
    _check_spared(clip, beside.save_trajectory)
    place = options.result_path(output, photo, clip.stem, ".png" if still else ".mp4")
    request = Request(photo, FaceRequest(plan, corrected), setup, faces, still=still, opened=opened)
    run_job(
        Job(request, beside.outputs(place), "once", beside.save_trajectory, scrutiny, beside.mark, sound), beside, told
    )


def _one_clip(ctx: typer.Context, aus: Path | None, video: Path | None) -> Path:
    """Return the table or the video that is repeated; raises a usage error where there is not one of them."""
    if aus is not None and video is not None:
        raise usage_error("--aus and --video exclude each other", ctx)
    if aus is not None:
        if is_given(ctx, "video_face"):
            raise usage_error("--video-face is for videos; of a table --table-face chooses a face", ctx)
        return aus
    if video is None:
        raise usage_error("nothing to repeat: add for example --aus clip.csv or --video clip.mp4", ctx)
    for name in FOR_TABLES:
        if is_given(ctx, name):
            raise usage_error(f"--{name.replace('_', '-')} is for tables, and --video is none", ctx)
    return video


def _check_spared(clip: Path, save_trajectory: str | None) -> None:
    """Raise OutputError when the trajectory would replace the clip."""
    if save_trajectory is not None and os.path.realpath(save_trajectory) == os.path.realpath(clip):
        raise OutputError(f"'{save_trajectory}' is the clip itself", "choose another name for the trajectory")


def _check_picture(table: Path, output: str | None, relative: bool, beside: options.Beside) -> None:
    """Raise InputError for what a clip of one frame cannot give."""
    if output is not None and Path(output).suffix.lower() in ("", ".gif", ".mp4"):
        message = f"{table.name} gives one frame, which is a picture and no animation"
        raise InputError(message, "name a .png, .jpg or .webp, or hand in a table with several rows")
    if relative:
        raise InputError(f"{table.name} gives one frame, since which nothing changes", "leave out --relative")
    if beside.save_trajectory is not None or beside.print_trajectory:
        raise InputError(f"{table.name} gives one frame, which is no trajectory to save or print")
