"""`ganimate animate` and `ganimate interpolate`: from a photo and an expression to a file."""

from __future__ import annotations

from pathlib import Path

import typer

from ganimate.cli import options
from ganimate.cli.errors import usage_error
from ganimate.config import DEFAULT_MODEL, Motion

MOTION = Motion()
EASING, LOOP = options.Easing(MOTION.easing), options.Loop(MOTION.loop)
# What a trajectory brings along itself.
REPLACED_BY_TRAJECTORY = ("expressions", "others", "frames", "fps", "easing", "hold", "still")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(animate)
    app.command()(interpolate)


def animate(
    ctx: typer.Context,
    photo: options.PhotoOrVideo,
    expressions: options.Expressions = None,
    own: options.Own = None,
    others: options.Others = options.OtherAUs.keep,
    trajectory: options.Trajectory = None,
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
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    face: options.FaceChoice = "largest",
    model: options.Model = DEFAULT_MODEL,
    detector: options.DetectorChoice = options.DetectorName.hog,
    device: options.Device = "auto",
) -> None:
    """Animate the face in PHOTO towards an expression, or edit every frame of a video.

    For example: ganimate animate me.jpg --au 12=1.0 --au 6=0.7 -o smile.gif

    Of a video the largest face changes in every frame, and sound and frame rate stay: clip.mp4 --au 12=+0.5

    AUs and what each of them is: ganimate aus PHOTO

    Presets: happiness, surprise, fear, anger, sadness, disgust, contempt, blink, happily-surprised, happily-disgusted,
    sadly-fearful, sadly-surprised, fearfully-angry, fearfully-surprised, fearfully-disgusted, angrily-surprised,
    angrily-disgusted, disgustedly-surprised, awed.
    """
    from ganimate.cli import clip, job
    from ganimate.media import is_video

    if is_video(photo):
        clip.check_options(ctx)
        means = job.Means(model, "largest", detector.value, device)
        clip.edit(photo, expressions or [], others.value, ramp, means, output, force).run(quiet=quiet, as_json=json)
        return
    if ramp:
        raise usage_error("--ramp is for videos; of a photo --frames and --fps say how long the move takes", ctx)
    if trajectory is not None:
        _refuse_beside_trajectory(ctx)
        plan, words = job.replay(trajectory), Path(trajectory).stem
    elif expressions:
        motion = Motion(frames, fps, easing.value, hold, loop.value)
        plan, words = job.move(["self"], expressions, others.value, motion), ",".join(expressions)
    else:
        raise usage_error("nothing to show: add for example --expression happiness or --au 12=1.0", ctx)
    if still and (save_trajectory or print_trajectory):
        raise usage_error("--still has no trajectory to save or print", ctx)
    job.Job(
        photo=photo,
        plan=plan,
        means=job.Means(model, options.parse_selection(face), detector.value, device),
        outputs=job.outputs(photo, words, ".png" if still else ".gif", output, save_attention, save_color, force),
        still=still,
        loop=loop.value,
        seen_as=own,
        save_trajectory=save_trajectory,
        print_trajectory=print_trajectory,
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
        outputs=job.outputs(photo, words, ".gif", output, save_attention, save_color, force),
        loop=loop.value,
        save_trajectory=save_trajectory,
        print_trajectory=print_trajectory,
    ).run(quiet=quiet, as_json=json)


def _refuse_beside_trajectory(ctx: typer.Context) -> None:
    """Raise a usage error for an option whose answer the trajectory already holds."""
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if param.name in REPLACED_BY_TRAJECTORY and source is not None and source.name == "COMMANDLINE":
            raise usage_error(f"{param.opts[0]} and --trajectory exclude each other", ctx)
