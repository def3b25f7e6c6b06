"""`ganimate drive`: the person of a photo repeats what another face did."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganimate.cli import options
from ganimate.cli.errors import usage_error
from ganimate.cli.given import is_given, refuse_idle
from ganimate.config import DEFAULT_MODEL, Driving, Scrutiny
from ganimate.errors import InputError, OutputError

if TYPE_CHECKING:
    from ganimate.cli.console import Display
    from ganimate.trajectory import Performance

DRIVING, SCRUTINY = Driving(), Scrutiny()
CLIP = "The clip"
FOR_TABLES = ("format", "table_fps", "table_face", "trim")


class TableFormat(str, Enum):
    """The names of `annotations.FORMATS`, known here without loading it."""

    openface = "openface"
    libreface = "libreface"
    trajectory = "trajectory"
    py_feat = "py-feat"
    blendshapes = "blendshapes"


Table = Annotated[
    Path | None,
    typer.Option(
        "--aus",
        metavar="TABLE.csv",
        help="What the face does: a table of OpenFace, py-feat or LibreFace, blendshapes of MediaPipe or ARKit "
        "(Live Link Face; MediaPipe's JSON, too), or a saved trajectory.",
        show_default=False,
        rich_help_panel=CLIP,
    ),
]
Filmed = Annotated[
    Path | None,
    typer.Option(
        "--video",
        metavar="CLIP",
        help="What the face does: a video of one, read by the model itself; its sound goes into an .mp4.",
        show_default=False,
        rich_help_panel=CLIP,
    ),
]
FormatChoice = Annotated[
    TableFormat | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="openface, libreface, trajectory, py-feat or blendshapes.",
        show_default="told by the columns",
        rich_help_panel=CLIP,
    ),
]
TableFps = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        max=1000,
        metavar="N",
        help="Frames a second of the table, where it tells no times or wrong ones.",
        show_default="30, where it tells none",
        rich_help_panel=CLIP,
    ),
]
TableFace = Annotated[
    str | None,
    typer.Option(
        metavar="N|LABEL",
        help="Which of several faces in the table: its label there, or its number.",
        show_default="the one with most rows",
        rich_help_panel=CLIP,
    ),
]
Trim = Annotated[
    bool,
    typer.Option(
        "--trim",
        help="Leave out what comes before the face and after it, where its first and last pose are held otherwise.",
        rich_help_panel=CLIP,
    ),
]
Start = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="SECONDS", help="Where to begin.", show_default="the clip's beginning", rich_help_panel=CLIP
    ),
]
End = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Where to end.", show_default="the clip's end", rich_help_panel=CLIP),
]
Relative = Annotated[
    bool,
    typer.Option(
        "--relative/--absolute",
        help="Add what changes since the clip's first frame to what the photo shows, or show the AUs as they are.",
        rich_help_panel=options.SHOWN,
    ),
]
Smooth = Annotated[
    float,
    typer.Option(
        min=0,
        max=60,
        metavar="SECONDS",
        help="Calm a trembling clip: the standard deviation of the smoothing, such as 0.1.",
        rich_help_panel=options.TIMING,
    ),
]
OutputFps = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        max=240,
        metavar="N",
        help="Frames a second of the animation.",
        show_default=f"the clip's, at most {DRIVING.most_fps:g}",
        rich_help_panel=options.TIMING,
    ),
]
Result = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help=".mp4, .gif, or folder/ for PNG frames; .png, .jpg or .webp of one frame. Default: beside the photo.",
        show_default=False,
        rich_help_panel=options.RESULTS,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(drive)


def drive(
    ctx: typer.Context,
    photo: options.Photo,
    aus: Table = None,
    video: Filmed = None,
    format: FormatChoice = None,
    table_fps: TableFps = None,
    table_face: TableFace = None,
    trim: Trim = False,
    start: Start = None,
    end: End = None,
    own: options.Own = None,
    relative: Relative = DRIVING.relative,
    smooth: Smooth = DRIVING.smooth_s,
    fps: OutputFps = None,
    output: Result = None,
    save_attention: options.SaveAttention = None,
    save_color: options.SaveColor = None,
    save_trajectory: options.SaveTrajectory = None,
    print_trajectory: options.PrintTrajectory = False,
    compare: options.Compare = SCRUTINY.compare,
    strip: options.StripPath = None,
    strip_frames: options.StripFrames = SCRUTINY.strip_frames,
    report: options.Reports = None,
    identity_frames: options.IdentityFrames = SCRUTINY.identity_frames,
    strict: options.Strict = SCRUTINY.strict,
    mark: options.Mark = True,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    face: options.FaceChoice = "largest",
    model: options.Model = DEFAULT_MODEL,
    detector: options.DetectorChoice = options.DetectorName.hog,
    device: options.Device = "auto",
) -> None:
    """Let the face in PHOTO repeat a recorded or filmed performance.

    For example: ganimate drive me.jpg --aus openface.csv -o me.mp4

    Or: ganimate drive me.jpg --video clip.mp4

    AUs that the clip does not tell stay as the photo shows them. A table of one row gives one picture.
    """
    from ganimate.cli import job
    from ganimate.cli.console import Display
    from ganimate.trajectory.plan import Perform

    clip = _one_clip(ctx, aus, video)
    refuse_idle(ctx)
    means = job.Means(model, options.parse_selection(face), detector.value, device)
    display = Display(quiet)
    sound = None
    if video is None:
        performance = _recorded(ctx, clip, display).between(start, end)
    else:
        from ganimate.cli import filmed

        asked = job.outputs(photo, clip.stem, ".mp4", output, save_attention, save_color, force, strip, report or ())
        performance, sound = filmed.watch(video, photo, asked, start, end, means, display)
    plan = Perform(performance, fps or DRIVING.fps_for(performance.fps), smooth, relative)
    count = len(performance.resampled(plan.fps, smooth_s=smooth))
    still = count == 1
    if still:
        _check_picture(clip, output, relative, save_trajectory is not None or print_trajectory)
    display.note("one frame, so one picture" if still else f"{count} frames at {plan.fps:g} a second")
    _check_spared(clip, save_trajectory)
    job.Job(
        photo=photo,
        plan=plan,
        means=means,
        outputs=job.outputs(
            photo,
            clip.stem,
            ".png" if still else ".mp4",
            output,
            save_attention,
            save_color,
            force,
            strip,
            report or (),
        ),
        still=still,
        loop="once",
        seen_as=own,
        save_trajectory=save_trajectory,
        print_trajectory=print_trajectory,
        scrutiny=Scrutiny(compare, strip_frames, identity_frames, strict),
        mark=mark,
        sound=sound,
    ).run(quiet=quiet, as_json=json)


def _one_clip(ctx: typer.Context, aus: Path | None, video: Path | None) -> Path:
    """Return the table or the video that is repeated; raises a usage error where there is not one of them."""
    if aus is not None and video is not None:
        raise usage_error("--aus and --video exclude each other", ctx)
    if aus is not None:
        return aus
    if video is None:
        raise usage_error("nothing to repeat: add for example --aus clip.csv or --video clip.mp4", ctx)
    for name in FOR_TABLES:
        if is_given(ctx, name):
            raise usage_error(f"--{name.replace('_', '-')} is for tables, and --video is none", ctx)
    return video


def _recorded(ctx: typer.Context, table: Path, display: Display) -> Performance:
    """Return what the face in a table did, and note how it was read; raises AnnotationError."""
    from ganimate.media import is_video
    from ganimate.trackers import read_performance

    if table.is_file() and is_video(table):
        raise InputError(f"'{table}' is a video, not a table", f"write --video {table}, and leave out --aus")
    asked = ctx.params
    with display.stage(f"reading {table.name}"):
        performance = read_performance(
            table,
            format=None if asked["format"] is None else asked["format"].value,
            table_fps=asked["table_fps"],
            face=asked["table_face"],
            trim=asked["trim"],
        )
    for note in performance.notes:
        display.note(note)
    return performance


def _check_spared(clip: Path, save_trajectory: str | None) -> None:
    """Raise OutputError when the trajectory would replace the clip."""
    if save_trajectory is not None and os.path.realpath(save_trajectory) == os.path.realpath(clip):
        raise OutputError(f"'{save_trajectory}' is the clip itself", "choose another name for the trajectory")


def _check_picture(table: Path, output: str | None, relative: bool, trajectory_wanted: bool) -> None:
    """Raise InputError for what a clip of one frame cannot give."""
    if output is not None and Path(output).suffix.lower() in ("", ".gif", ".mp4"):
        message = f"{table.name} gives one frame, which is a picture and no animation"
        raise InputError(message, "name a .png, .jpg or .webp, or hand in a table with several rows")
    if relative:
        raise InputError(f"{table.name} gives one frame, since which nothing changes", "leave out --relative")
    if trajectory_wanted:
        raise InputError(f"{table.name} gives one frame, which is no trajectory to save or print")
