"""`ganimate batch`: many photos to a folder of results."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import Enum
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganimate.cli import options
from ganimate.cli.animate import EASING, LOOP, MOTION, REPLACED_BY_TRAJECTORY, refuse_beside
from ganimate.cli.errors import usage_error
from ganimate.config import DEFAULT_MODEL, Motion

if TYPE_CHECKING:
    from ganimate.cli.session import Studio

# What a result does not depend on: all else, when it changes, makes --resume do a photo again.
BESIDE_THE_POINT = frozenset(
    ("photos", "recursive", "output", "jobs", "resume", "report", "force", "json", "quiet", "device", "trajectory")
)


class Format(str, Enum):
    """The kinds of results."""

    gif = "gif"
    mp4 = "mp4"
    png = "png"


Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTOS", help="Photos, folders of photos, or patterns such as 'trip/*.jpg'.", show_default=False
    ),
]
Recursive = Annotated[
    bool,
    typer.Option("--recursive", "-r", help="Also look into the folders of folders.", rich_help_panel=options.RESULTS),
]
Folder = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where results go: me.jpg becomes FOLDER/me.gif, and photos from the folders of a folder go to folders "
        "of the same names. Photos that would share a name keep their suffix (me.jpg.gif), or get the folder above "
        "them (a/me.gif).",
        show_default=False,
        rich_help_panel=options.RESULTS,
    ),
]
FormatChoice = Annotated[
    Format,
    typer.Option("--format", help="An animation, or a still of the end expression.", rich_help_panel=options.RESULTS),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Skip what an earlier batch has done, unless the photo, the model or what is asked has changed since.",
        rich_help_panel=options.RESULTS,
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        min=1,
        max=64,
        metavar="N",
        help="Photos at the same time, each in a process with its share of the cores and some 0.6 GB of memory.",
        rich_help_panel=options.RESULTS,
    ),
]
ReportFile = Annotated[
    str | None,
    typer.Option(
        "--report",
        metavar="FILE.json",
        help="Also write what came of each photo, and why.",
        show_default=False,
        rich_help_panel=options.RESULTS,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print what came of each photo as JSON on stdout.", rich_help_panel=options.RESULTS),
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(batch)


def batch(
    ctx: typer.Context,
    photos: Photos,
    output: Folder,
    expressions: options.Expressions = None,
    own: options.Own = None,
    others: options.Others = options.OtherAUs.keep,
    trajectory: options.Trajectory = None,
    frames: options.Frames = MOTION.frames,
    fps: options.Fps = MOTION.fps,
    easing: options.EasingChoice = EASING,
    hold: options.Hold = MOTION.hold_s,
    loop: options.LoopChoice = LOOP,
    recursive: Recursive = False,
    format: FormatChoice = Format.gif,
    resume: Resume = False,
    jobs: Jobs = 1,
    report: ReportFile = None,
    mark: options.Mark = True,
    force: options.Force = False,
    json: Json = False,
    quiet: options.Quiet = False,
    face: options.FaceChoice = "largest",
    model: options.Model = DEFAULT_MODEL,
    detector: options.DetectorChoice = options.DetectorName.hog,
    device: options.Device = "auto",
) -> None:
    """Animate the faces in many photos towards one expression.

    For example: ganimate batch holidays/ --expression happiness -o smiling/

    A photo that cannot be animated is told at the end, and does not stop the others. Exit code 1 if there was one.
    """
    from ganimate.animation.batch.collecting import collect, name_results
    from ganimate.cli import batching, job, targets
    from ganimate.cli.console import Display
    from ganimate.cli.session import Means, Studio, find_model

    if trajectory is not None:
        refuse_beside(ctx, "--trajectory", REPLACED_BY_TRAJECTORY, [face])
        plan = job.replay(trajectory)
    elif expressions:
        motion = Motion(frames, fps, easing.value, hold, loop.value)
        plan = job.move(["self"], expressions, others.value, motion)
    else:
        raise usage_error("nothing to show: add for example --expression happiness or --au 12=1.0", ctx)
    seen_as = job.correction(own)
    display = Display(quiet)
    studio = Studio(find_model(model, display), Means(model, options.parse_selection(face), detector.value, device))
    others_photos = targets.photos_of(plan) + seen_as.photos()
    targets.open_photos(others_photos, display)  # one that cannot be read is told once, not for every photo
    studio.check(targets.filled(plan, targets.blank(others_photos, studio.entry.card.aus)))
    inputs = [*([trajectory] if trajectory else []), *others_photos]
    sources = collect(photos, recursive=recursive, outside=output)
    work = batching.Batch(
        order=batching.Order(plan, studio, format is Format.png, loop.value, own, mark),
        sources=sources,
        results=name_results(sources, f".{format.value}"),
        folder=output,
        asked=_asked(ctx, studio, inputs),
        inputs=[Path(file).expanduser() for file in inputs],
        jobs=jobs,
        resume=resume,
        force=force,
    )
    batching.run(work, display, report, as_json=json)


def _asked(ctx: typer.Context, studio: Studio, files: Sequence[str]) -> str:
    """Return in a few letters all that results depend on, also what is in `files`, the photos aside."""
    options_asked = {name: value for name, value in ctx.params.items() if name not in BESIDE_THE_POINT}
    options_asked["model"] = studio.entry.digest
    options_asked["files"] = [hashlib.sha256(Path(file).expanduser().read_bytes()).hexdigest() for file in files]
    text = dumps(options_asked, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
