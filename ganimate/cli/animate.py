"""`ganimate animate` and `ganimate interpolate`: from a photo and an expression to a file."""

from __future__ import annotations

from pathlib import Path

import typer

from ganimate.cli import options
from ganimate.cli.casting import OrderedCommand, cast
from ganimate.cli.errors import usage_error
from ganimate.config import DEFAULT_MODEL, Motion, Scrutiny

MOTION, SCRUTINY = Motion(), Scrutiny()
LARGEST = ["largest"]
EASING, LOOP = options.Easing(MOTION.easing), options.Loop(MOTION.loop)
# What a trajectory brings along itself.
REPLACED_BY_TRAJECTORY = ("expressions", "others", "frames", "fps", "easing", "hold", "still")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(cls=OrderedCommand)(animate)
    app.command()(interpolate)


def animate(
    ctx: typer.Context,
    photo: options.Photo,
    expressions: options.Expressions = None,
    own: options.OwnByFace = None,
    others: options.Others = options.OtherAUs.keep,
    trajectory: options.Trajectory = None,
    frames: options.Frames = MOTION.frames,
    fps: options.Fps = MOTION.fps,
    easing: options.EasingChoice = EASING,
    hold: options.Hold = MOTION.hold_s,
    loop: options.LoopChoice = LOOP,
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
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    face: options.FaceGroups = LARGEST,
    model: options.Model = DEFAULT_MODEL,
    detector: options.DetectorChoice = options.DetectorName.hog,
    device: options.Device = "auto",
) -> None:
    """Animate the face in PHOTO towards an expression.

    For example: ganimate animate me.jpg --au 12=1.0 --au 6=0.7 -o smile.gif

    AUs and what each of them is: ganimate aus PHOTO

    Faces apart: ganimate animate group.jpg --face 1 --expression happiness --face 2 --au 4=1 -o group.gif

    Presets: happiness, surprise, fear, anger, sadness, disgust, contempt, blink, happily-surprised, happily-disgusted,
    sadly-fearful, sadly-surprised, fearfully-angry, fearfully-surprised, fearfully-disgusted, angrily-surprised,
    angrily-disgusted, disgustedly-surprised, awed.
    """
    from ganimate.cli import job

    if trajectory is not None:
        refuse_beside_trajectory(ctx, face)
    who = cast(ctx, face, expressions, own)
    parts: dict[int, job.Part] = {}
    if trajectory is not None:
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
    job.Job(
        photo=photo,
        plan=plan,
        means=job.Means(model, who.selection, detector.value, device),
        outputs=job.outputs(
            photo, words, ".png" if still else ".gif", output, save_attention, save_color, force, strip, report or ()
        ),
        still=still,
        loop=loop.value,
        seen_as=who.common.own,
        apart=parts,
        save_trajectory=save_trajectory,
        print_trajectory=print_trajectory,
        scrutiny=Scrutiny(compare, strip_frames, identity_frames, strict),
    ).run(quiet=quiet, as_json=json)


def interpolate(
    photo: options.Photo,
    start: options.Start,
    goal: options.Goal,
    others: options.Others = options.OtherAUs.keep,
    frames: options.Frames = MOTION.frames,
    fps: options.Fps = MOTION.fps,
    easing: options.EasingChoice = EASING,
    hold: options.Hold = MOTION.hold_s,
    loop: options.LoopChoice = LOOP,
    output: options.Output = None,
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
    ).run(quiet=quiet, as_json=json)


def refuse_beside_trajectory(ctx: typer.Context, face: list[str]) -> None:
    """Raise a usage error for an option whose answer the trajectory already holds."""
    if len(face) > 1:
        raise usage_error(f"one --trajectory is for all: say --face {','.join(face)}", ctx)
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if param.name in REPLACED_BY_TRAJECTORY and source is not None and source.name == "COMMANDLINE":
            raise usage_error(f"{param.opts[0]} and --trajectory exclude each other", ctx)
