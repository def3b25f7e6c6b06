"""`ganimate animate` and `ganimate interpolate`: from a photo and an expression to a file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import typer

from ganimate.cli import options
from ganimate.cli.casting import OrderedCommand, cast
from ganimate.cli.errors import usage_error
from ganimate.cli.given import is_given, refuse_idle
from ganimate.config import DEFAULT_MODEL, Motion, Scrutiny

MOTION, SCRUTINY = Motion(), Scrutiny()
LARGEST = ["largest"]
EASING, LOOP = options.Easing(MOTION.easing), options.Loop(MOTION.loop)
# What a trajectory, or a timeline, brings along itself.
REPLACED_BY_TRAJECTORY = ("expressions", "others", "frames", "fps", "easing", "hold", "still")
REPLACED_BY_TIMELINE = ("expressions", "trajectory", "others", "frames", "easing", "hold", "loop", "still")


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
    from ganimate.cli import clip, job
    from ganimate.media import is_video

    if is_video(photo):
        clip.check_options(ctx)
        means = job.Means(model, "largest", detector.value, device)
        clip.edit(photo, expressions or [], others.value, ramp, means, output, force, mark).run(
            quiet=quiet, as_json=json
        )
        return
    if ramp:
        raise usage_error("--ramp is for videos; of a photo --frames and --fps say how long the move takes", ctx)
    if timeline is not None:
        refuse_beside(ctx, "--timeline", REPLACED_BY_TIMELINE, face)
    elif trajectory is not None:
        refuse_beside(ctx, "--trajectory", REPLACED_BY_TRAJECTORY, face)
    who = cast(ctx, face, expressions, own)
    parts: dict[int, job.Part] = {}
    plan: job.Plan
    goes_on = loop.value
    if timeline is not None:
        performance = job.timeline(timeline, fps if is_given(ctx, "fps") else None)
        plan, words, goes_on = performance, Path(timeline).stem, performance.loop
    elif trajectory is not None:
        plan, words = job.replay(trajectory), Path(trajectory).stem
    elif expressions:
        motion = Motion(frames, fps, easing.value, hold, loop.value)
        parts = {
            number: job.Part(job.move(["self"], lines.expressions, others.value, motion), job.correction(lines.own))
            for number, lines in who.apart.items()
        }
        plan, words = job.move(["self"], who.common.expressions or ["self"], others.value, motion), who.words
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
    if blink is not None:
        plan = job.blinking(plan, blink.value, seed or 0)
        parts = {number: part.blinking(blink.value, seed or 0) for number, part in parts.items()}
    job.Job(
        photo=photo,
        plan=plan,
        means=job.Means(model, who.selection, detector.value, device),
        outputs=job.outputs(
            photo, words, ".png" if still else ".gif", output, save_attention, save_color, force, strip, report or ()
        ),
        still=still,
        loop=goes_on,
        seen_as=who.common.own,
        apart=parts,
        save_trajectory=save_trajectory,
        print_trajectory=print_trajectory,
        scrutiny=Scrutiny(compare, strip_frames, identity_frames, strict),
        mark=mark,
    ).run(quiet=quiet, as_json=json)


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
    from ganimate.cli import job

    refuse_idle(ctx)
    motion = Motion(frames, fps, easing.value, hold, loop.value)
    words = f"{start}-to-{goal}"
    job.Job(
        photo=photo,
        plan=job.move([start], [goal], others.value, motion),
        means=job.Means(model, options.parse_selection(face), detector.value, device),
        outputs=job.outputs(photo, words, ".gif", output, save_attention, save_color, force, strip, report or ()),
        loop=loop.value,
        save_trajectory=save_trajectory,
        print_trajectory=print_trajectory,
        scrutiny=Scrutiny(compare, strip_frames, identity_frames, strict),
        mark=mark,
    ).run(quiet=quiet, as_json=json)


def refuse_beside(ctx: typer.Context, option: str, replaced: Collection[str], face: Sequence[str]) -> None:
    """Raise a usage error for an option, by the name of its parameter, whose answer `option` already holds."""
    if len(face) > 1:
        raise usage_error(f"one {option} is for all: say --face {','.join(face)}", ctx)
    for param in ctx.command.params:
        if param.name in replaced and is_given(ctx, param.name):
            raise usage_error(f"{param.opts[0]} and {option} exclude each other", ctx)
