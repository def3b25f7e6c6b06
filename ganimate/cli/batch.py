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
from ganimate.cli.console import Display, print_json
from ganimate.cli.errors import tell
from ganimate.cli.option_rules import check_batch_options, is_given
from ganimate.cli.settings import with_settings
from ganimate.config import Motion

if TYPE_CHECKING:
    from ganimate.animation.batch.batch_job import BatchJob
    from ganimate.animation.batch.batch_report import Outcome
    from ganimate.animation.batch.photo_work import VideoWork
    from ganimate.animation.request import FaceRequest
    from ganimate.animation.session import Session

FOR_PHOTOS = {"timeline": "--timeline", "trajectory": "--trajectory", "blink": "--blink", "seen_as": "--from"}
# What a result does not depend on: all else, when it changes, makes --resume do a photo again.
BESIDE_THE_POINT = frozenset(
    (
        "photos", "recursive", "output", "jobs", "cluster", "resume", "report", "force", "json", "quiet", "device",
        "backend", "trajectory", "timeline",
    )
)  # fmt: skip


class ResultFormat(str, Enum):
    """The kinds of results."""

    gif = "gif"
    mp4 = "mp4"
    png = "png"


Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTOS",
        help="Photos and videos, folders of them, or patterns such as 'trip/*.jpg'.",
        show_default=False,
    ),
]
Recursive = Annotated[
    bool, options.option(options.RESULTS, "Also look into the folders of folders.", "--recursive", "-r")
]
Folder = Annotated[
    str,
    options.option(
        options.RESULTS,
        "Where results go: me.jpg becomes FOLDER/me.gif, and photos from the folders of a folder go to folders "
        "of the same names. Photos that would share a name keep their suffix (me.jpg.gif), or get the folder above "
        "them (a/me.gif). Also an address of shared storage, such as s3://bucket/smiles.",
        "--output",
        "-o",
        metavar="FOLDER",
    ),
]
FormatChoice = Annotated[
    ResultFormat,
    options.option(
        options.RESULTS,
        "An animation, or a still of the end expression. Videos always become .mp4, and no stills.",
        "--format",
        shown=True,
    ),
]
Resume = Annotated[
    bool,
    options.option(
        options.RESULTS,
        "Skip what an earlier batch has done, unless the photo, the model or what is asked has changed since.",
        "--resume",
        shown=True,
    ),
]
Jobs = Annotated[
    int | None,
    options.option(
        options.RESULTS,
        "Photos at the same time, each in a process with its share of the cores and some 0.6 GB of memory.",
        metavar="N",
        low=1,
        high=10_000,
        shown="1; of a cluster, as many as it has cores",
    ),
]
ClusterAddress = Annotated[
    str | None,
    options.option(
        options.RESULTS,
        "Do it on the machines of a Ray cluster: auto or HOST:PORT; local for one of this machine. "
        "Photos are sent to them; needs ganimate[cluster] there and here.",
        "--cluster",
        metavar="ADDRESS",
    ),
]
ReportFile = Annotated[
    str | None,
    options.option(options.RESULTS, "Also write what came of each photo, and why.", "--report", metavar="FILE.json"),
]
Json = Annotated[bool, options.option(options.RESULTS, "Print what came of each photo as JSON on stdout.", "--json")]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(batch)


@with_settings
def batch(
    ctx: typer.Context,
    photos: Photos,
    output: Folder,
    expressions: options.Expressions = None,
    seen_as: options.SeenAs = None,
    others: options.Others = options.OtherAUs.auto,
    trajectory: options.Trajectory = None,
    timeline: options.Timeline = None,
    blink: options.BlinkChoice = None,
    seed: options.Seed = None,
    *,
    motion: options.Timing,
    ramp: options.Ramp = 0.0,
    recursive: Recursive = False,
    format: FormatChoice = ResultFormat.gif,
    resume: Resume = False,
    jobs: Jobs = None,
    cluster: ClusterAddress = None,
    report: ReportFile = None,
    mark: options.Mark = True,
    force: options.Force = False,
    json: Json = False,
    quiet: options.Quiet = False,
    face: options.FaceChoice = "largest",
    setup: options.Means,
) -> None:
    """Animate the faces in many photos, and in videos, towards one expression.

    For example: ganimate batch holidays/ --expression happiness -o smiling/

    A photo that cannot be animated is told at the end, and does not stop the others. Exit code 1 if there was one.
    """
    from ganimate.animation.batch.batch_job import BatchJob
    from ganimate.animation.batch.collecting import collect, name_results
    from ganimate.animation.batch.photo_work import PhotoWork
    from ganimate.animation.batch.result_folder import result_folder
    from ganimate.animation.session import Session

    check_batch_options(ctx)
    asked, loop = _face_request(ctx, motion)
    display = Display(quiet)
    session = Session.of(setup, display)
    asked.check(session, display)
    inputs = [*(path for path in (trajectory, timeline) if path is not None), *asked.photos()]
    folder = result_folder(output)
    sources, faces = collect(photos, recursive=recursive, outside=folder.root), options.parse_selection(face)
    videos = _video_work(ctx)
    work = PhotoWork(asked, session, faces, format is ResultFormat.png, loop, mark, videos)
    results = name_results(sources, f".{format.value}", None if isinstance(videos, str) else ".mp4")
    wanted, files = _asked(ctx, session, inputs), [Path(file).expanduser() for file in inputs]
    if cluster is not None:
        work = work.settled(display)
    job = BatchJob(work, sources, results, folder, wanted, files, jobs, resume, force, cluster)
    _run(job, display, report, as_json=json)


def _face_request(ctx: typer.Context, motion: Motion) -> tuple[FaceRequest, str]:
    """Return what is asked of every face of a photo, and how it goes on."""
    from ganimate.animation.request import FaceRequest, correction, move, replay, timeline

    given = ctx.params
    seen_as = correction(given["seen_as"])
    if given["timeline"] is not None:
        plan = timeline(given["timeline"], motion.fps if is_given(ctx, "fps") else None)
        asked, loop = FaceRequest(plan, seen_as), plan.loop
    elif given["trajectory"] is not None:
        asked, loop = FaceRequest(replay(given["trajectory"]), seen_as), motion.loop
    else:
        asked = FaceRequest(move(["self"], given["expressions"], given["others"].value, motion), seen_as)
        loop = motion.loop
    return (asked if given["blink"] is None else asked.blinking(given["blink"].value, given["seed"] or 0)), loop


def _video_work(ctx: typer.Context) -> VideoWork | str:
    """Return what is done to videos, or why nothing is."""
    from ganimate.animation.batch.photo_work import VideoWork
    from ganimate.animation.request import expression

    given = ctx.params
    if given["format"] is ResultFormat.png:
        return "a video, and --format png makes stills of photos"
    for name, option in FOR_PHOTOS.items():
        if given[name] is not None:
            return f"a video, and {option} is for photos"
    return VideoWork(expression(given["expressions"]), given["others"].value, given["ramp"])


def _run(job: BatchJob, display: Display, report: str | None, *, as_json: bool) -> None:
    """Animate all photos, and tell what came of it on stdout, on stderr and in the file `report`."""
    from ganimate.animation.batch.batch_job import BatchStopped
    from ganimate.animation.batch.batch_report import counts_line, unmade_table, write_report

    place = None if report is None else job.report_place(report)
    try:
        result = job.run(display)
    except BatchStopped as stopped:
        message = f"stopped: {stopped.done} of {stopped.photos} photos were animated"
        tell(message, "the same command with --resume goes on")
        raise typer.Exit(130) from None
    if as_json:
        print_json(result.facts)
    else:
        for outcome in result.outcomes:
            if outcome.outcome == "done":
                typer.echo(outcome.path)
    if place is not None:
        write_report(place, result.facts)
    if table := unmade_table(result.outcomes):
        display.table(table)
    display.note(counts_line(result.outcomes, result.facts["seconds"]))
    _exit_if_failed(result.outcomes, display)


def _exit_if_failed(outcomes: Sequence[Outcome], display: Display) -> None:
    """End with exit code 1 if a photo failed; the reason is told here only where the table was not shown."""
    failed = [outcome for outcome in outcomes if outcome.outcome == "failed"]
    if not failed:
        return
    message = f"{len(failed)} of {len(outcomes)} photos failed"
    first, hint = failed[0], failed[0].hint
    if display.quiet:
        message += f"{'' if len(failed) == 1 else '; the first'}: {first.reason}"
    elif hint and any(outcome.hint != hint for outcome in failed):
        hint = f"for '{first.photo}': {hint}"
    tell(message, hint)
    raise typer.Exit(1)


def _asked(ctx: typer.Context, session: Session, files: Sequence[str]) -> str:
    """Return in a few letters all that results depend on, also what is in `files`, the photos aside."""
    options_asked = {name: value for name, value in ctx.params.items() if name not in BESIDE_THE_POINT}
    options_asked["model"] = session.entry.digest
    options_asked["files"] = [hashlib.sha256(Path(file).expanduser().read_bytes()).hexdigest() for file in files]
    text = dumps(options_asked, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
