"""`ganimate animate` and `ganimate interpolate`: from a photo and an expression to a file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ganimate.cli import options
from ganimate.cli.console import Display
from ganimate.cli.errors import usage_error
from ganimate.cli.face_groups import OrderedCommand, face_groups
from ganimate.cli.given import is_given, refuse_idle
from ganimate.cli.results import print_result, run_job
from ganimate.config import DEFAULT_MODEL, Motion, Scrutiny, Setup

if TYPE_CHECKING:
    from ganimate.facs import Others
    from ganimate.trajectory.plan import Plan

MOTION, SCRUTINY = Motion(), Scrutiny()
LARGEST = ["largest"]
EASING, LOOP = options.Easing(MOTION.easing), options.Loop(MOTION.loop)
# What a trajectory, or a timeline, brings along itself.
REPLACED_BY_TRAJECTORY = ("expressions", "others", "frames", "fps", "easing", "hold", "still")
REPLACED_BY_TIMELINE = ("expressions", "trajectory", "others", "frames", "easing", "hold", "loop", "still")
# The parameters that say something about a video; all others are for one photo's animation.
FOR_VIDEOS = (
    "photo", "expressions", "others", "ramp", "output", "mark", "force", "json", "quiet", "face", "model", "detector",
    "device",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(cls=OrderedCommand)(animate)
    app.command()(interpolate)


def animate(
    ctx: typer.Context,
    photo: options.PhotoOrVideo,
    expressions: options.Expressions = None,
    own: options.OwnByFace = None,
    others: options.Others = options.OtherAUs.keep,
    trajectory: options.Trajectory = None,
    timeline: options.Timeline = None,
    blink: options.BlinkChoice = None,
    seed: options.Seed = None,
    frames: options.Frames = MOTION.frames,
    fps: options.Fps = MOTION.fps,
    easing: options.EasingChoice = EASING,
    hold: options.Hold = MOTION.hold_s,
    loop: options.LoopChoice = LOOP,
    ramp: options.Ramp = 0.0,
    output: options.Output = None,
    still: options.Still = False,
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
    face: options.FaceGroups = LARGEST,
    model: options.Model = DEFAULT_MODEL,
    detector: options.DetectorChoice = options.DetectorName.hog,
    device: options.Device = "auto",
) -> None:
    """Animate the face in PHOTO towards an expression, or edit every frame of a video.

    For example: ganimate animate me.jpg --au 12=1.0 --au 6=0.7 -o smile.gif

    Of a video the largest face changes in every frame, and sound and frame rate stay: clip.mp4 --au 12=+0.5

    AUs and what each of them is: ganimate aus PHOTO

    Faces apart: ganimate animate group.jpg --face 1 --expression happiness --face 2 --au 4=1 -o group.gif

    Presets: happiness, surprise, fear, anger, sadness, disgust, contempt, blink, happily-surprised, happily-disgusted,
    sadly-fearful, sadly-surprised, fearfully-angry, fearfully-surprised, fearfully-disgusted, angrily-surprised,
    angrily-disgusted, disgustedly-surprised, awed.
    """
    from ganimate.animation import request
    from ganimate.animation.job import Job
    from ganimate.animation.outputs import Outputs
    from ganimate.media import is_video
    from ganimate.media.naming import beside

    setup = Setup(model, detector.value, device)
    if is_video(photo):
        check_video_options(ctx)
        edit_video(photo, expressions or [], others.value, ramp, setup, output, force, mark, quiet=quiet, as_json=json)
        return
    if ramp:
        raise usage_error("--ramp is for videos; of a photo --frames and --fps say how long the move takes", ctx)
    if timeline is not None:
        refuse_beside(ctx, "--timeline", REPLACED_BY_TIMELINE, face)
    elif trajectory is not None:
        refuse_beside(ctx, "--trajectory", REPLACED_BY_TRAJECTORY, face)
    who = face_groups(ctx, face, expressions, own)
    parts: dict[int, request.FaceRequest] = {}
    plan: Plan
    goes_on = loop.value
    if timeline is not None:
        performance = request.timeline(timeline, fps if is_given(ctx, "fps") else None)
        plan, words, goes_on = performance, Path(timeline).stem, performance.loop
    elif trajectory is not None:
        plan, words = request.replay(trajectory), Path(trajectory).stem
    elif expressions:
        motion = Motion(frames, fps, easing.value, hold, loop.value)
        parts = {
            number: request.FaceRequest(
                request.move(["self"], lines.expressions, others.value, motion), request.correction(lines.seen_as)
            )
            for number, lines in who.apart.items()
        }
        plan, words = request.move(["self"], who.common.expressions or ["self"], others.value, motion), who.words
    else:
        raise usage_error("nothing to show: add for example --expression happiness or --au 12=1.0", ctx)
    if still and (save_trajectory or print_trajectory):
        raise usage_error("--still has no trajectory to save or print", ctx)
    if still and strip is not None:
        raise usage_error("--still has no frames for a film strip", ctx)
    if still and blink is options.BlinkName.auto:
        raise usage_error("--still does not last, so nobody can blink in it", ctx)
    refuse_idle(ctx)
    if seed is not None and blink is not options.BlinkName.auto:
        raise usage_error("--seed is for --blink auto", ctx)
    common = request.FaceRequest(plan, request.correction(who.common.seen_as))
    if blink is not None:
        common = common.blinking(blink.value, seed or 0)
        parts = {number: part.blinking(blink.value, seed or 0) for number, part in parts.items()}
    place = str(beside(photo, words, ".png" if still else ".gif")) if output is None else output
    run_job(
        Job(
            request.Request(photo, common, setup, who.selection, parts, still),
            Outputs(place, save_attention, save_color, force, strip, tuple(report or ())),
            goes_on,
            save_trajectory,
            Scrutiny(compare, strip_frames, identity_frames, strict),
            mark,
        ),
        print_trajectory=print_trajectory,
        quiet=quiet,
        as_json=json,
    )


def check_video_options(ctx: typer.Context) -> None:
    """Raise a usage error for an option that was given and says nothing about a video, or if nothing is asked for."""
    for param in ctx.command.params:
        if not is_given(ctx, param.name or ""):
            continue
        if param.name not in FOR_VIDEOS:
            raise usage_error(f"{param.opts[0]} is for photos, and this is a video", ctx)
        if param.name == "face" and [name.strip().lower() for name in ctx.params["face"]] != ["largest"]:
            raise usage_error("of a video only --face largest can be animated", ctx)
        if param.name == "detector" and ctx.params["detector"].value != "hog":
            raise usage_error("--detector cnn is too slow for a video: it takes seconds a frame", ctx)
    if not ctx.params["expressions"]:
        raise usage_error("nothing to show: add for example --expression happiness or --au 12=+0.5", ctx)


def edit_video(
    clip: Path,
    expressions: Sequence[str],
    others: Others,
    ramp_s: float,
    setup: Setup,
    output: str | None,
    force: bool,
    mark: bool,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Edit every frame of `clip`."""
    from ganimate.animation.clip import ClipJob
    from ganimate.animation.outputs import Outputs
    from ganimate.facs import combine, parse_expression
    from ganimate.media.naming import beside

    display = Display(quiet)
    place = str(beside(clip, ",".join(expressions), ".mp4")) if output is None else output
    expression = combine(parse_expression(text) for text in expressions)
    job = ClipJob(clip, expression, Outputs(place, overwrite=force), others, ramp_s, setup, mark)
    print_result(job.make(display), display, as_json=as_json)


def interpolate(
    ctx: typer.Context,
    photo: options.Photo,
    start: options.Start,
    goal: options.Goal,
    others: options.Others = options.OtherAUs.keep,
    frames: options.Frames = MOTION.frames,
    fps: options.Fps = MOTION.fps,
    easing: options.EasingChoice = EASING,
    hold: options.Hold = MOTION.hold_s,
    loop: options.LoopChoice = LOOP,
    output: options.Film = None,
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
    """Animate the face in PHOTO from one expression to another.

    For example: ganimate interpolate me.jpg --from sadness --to happiness:0.8 -o cheer-up.mp4
    """
    from ganimate.animation import request
    from ganimate.animation.job import Job
    from ganimate.animation.outputs import Outputs
    from ganimate.media.naming import beside

    refuse_idle(ctx)
    motion = Motion(frames, fps, easing.value, hold, loop.value)
    common = request.FaceRequest(request.move([start], [goal], others.value, motion))
    setup = Setup(model, detector.value, device)
    place = str(beside(photo, f"{start}-to-{goal}", ".gif")) if output is None else output
    run_job(
        Job(
            request.Request(photo, common, setup, options.parse_selection(face)),
            Outputs(place, save_attention, save_color, force, strip, tuple(report or ())),
            loop.value,
            save_trajectory,
            Scrutiny(compare, strip_frames, identity_frames, strict),
            mark,
        ),
        print_trajectory=print_trajectory,
        quiet=quiet,
        as_json=json,
    )


def refuse_beside(ctx: typer.Context, option: str, replaced: Collection[str], face: Sequence[str]) -> None:
    """Raise a usage error for an option, by the name of its parameter, whose answer `option` already holds."""
    if len(face) > 1:
        raise usage_error(f"one {option} is for all: say --face {','.join(face)}", ctx)
    for param in ctx.command.params:
        if param.name in replaced and is_given(ctx, param.name):
            raise usage_error(f"{param.opts[0]} and {option} exclude each other", ctx)
