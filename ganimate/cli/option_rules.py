"""Which options do not go together, or say nothing without another one; all by the names of their parameters."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import typer

from ganimate.cli.errors import usage_error

# An option, and the ones of which it needs any.
NEEDS = {"strip_frames": ("strip",), "identity_frames": ("report", "strict")}
# What a trajectory, or a timeline, brings along itself.
REPLACED_BY_TRAJECTORY = ("expressions", "others", "frames", "fps", "easing", "hold", "still")
REPLACED_BY_TIMELINE = ("expressions", "trajectory", "others", "frames", "easing", "hold", "loop", "still")
# What says something about a video; all other options are for one photo's animation.
FOR_VIDEOS = (
    "photo", "expressions", "others", "ramp", "output", "mark", "force", "json", "quiet", "face", "model", "detector",
    "device", "backend",
)  # fmt: skip
NOTHING_TO_SHOW = "nothing to show: add for example --expression happiness or --au 12="  # and how much


def is_given(ctx: typer.Context, name: str | None) -> bool:
    """Return whether the option of that parameter stands on the command line."""
    source = ctx.get_parameter_source(name or "")
    return source is not None and source.name == "COMMANDLINE"


def refuse_idle(ctx: typer.Context) -> None:
    """Raise a usage error for an option that would be ignored."""
    for name, needed in NEEDS.items():
        if is_given(ctx, name) and not any(ctx.params[each] for each in needed):
            raise usage_error(f"{_option(name)} is for {' or '.join(map(_option, needed))}", ctx)


def refuse_beside(ctx: typer.Context, option: str, replaced: Collection[str], face: Sequence[str]) -> None:
    """Raise a usage error for one of the `replaced` options, whose answer `option` already holds."""
    if len(face) > 1:
        raise usage_error(f"one {option} is for all: say --face {','.join(face)}", ctx)
    for param in ctx.command.params:
        if param.name in replaced and is_given(ctx, param.name):
            raise usage_error(f"{param.opts[0]} and {option} exclude each other", ctx)


def check_photo_options(ctx: typer.Context) -> None:
    """Raise a usage error for options of `animate` that a photo's animation has no use for."""
    given = ctx.params
    if given["ramp"]:
        raise usage_error("--ramp is for videos; of a photo --frames and --fps say how long the move takes", ctx)
    _check_what_is_shown(ctx, given["face"])
    blinks = blinks_alone(ctx)
    if given["still"]:
        if given["save_trajectory"] or given["print_trajectory"]:
            raise usage_error("--still has no trajectory to save or print", ctx)
        if given["strip"] is not None:
            raise usage_error("--still has no frames for a film strip", ctx)
        if blinks:
            raise usage_error("--still does not last, so nobody can blink in it", ctx)
    refuse_idle(ctx)


def check_batch_options(ctx: typer.Context) -> None:
    """Raise a usage error for options of `batch` that say nothing."""
    _check_what_is_shown(ctx, [ctx.params["face"]])
    if blinks_alone(ctx) and ctx.params["format"].value == "png":
        raise usage_error("--format png does not last, so nobody can blink in it", ctx)
    if ctx.params["timeline"] is not None and ctx.params["format"].value == "png":
        raise usage_error("--format png is one picture, and --timeline many", ctx)


def _check_what_is_shown(ctx: typer.Context, face: Sequence[str]) -> None:
    """Raise a usage error unless there is just one thing to be shown: expressions, a trajectory or a timeline."""
    given = ctx.params
    if given["timeline"] is not None:
        refuse_beside(ctx, "--timeline", REPLACED_BY_TIMELINE, face)
    elif given["trajectory"] is not None:
        refuse_beside(ctx, "--trajectory", REPLACED_BY_TRAJECTORY, face)
    elif not given["expressions"]:
        raise usage_error(f"{NOTHING_TO_SHOW}1.0", ctx)


def blinks_alone(ctx: typer.Context) -> bool:
    """Return whether eyes are to blink by themselves; raises a usage error for a --seed that is for nothing."""
    blink = ctx.params["blink"]
    blinks = blink is not None and blink.value == "auto"
    if ctx.params["seed"] is not None and not blinks:
        raise usage_error("--seed is for --blink auto", ctx)
    return blinks


def check_video_options(ctx: typer.Context) -> None:
    """Raise a usage error for an option that was given and says nothing about a video, or if nothing is asked for."""
    for param in ctx.command.params:
        if not is_given(ctx, param.name):
            continue
        if param.name not in FOR_VIDEOS:
            raise usage_error(f"{param.opts[0]} is for photos, and this is a video", ctx)
        if param.name == "face" and len(ctx.params["face"]) > 1:
            which = ",".join(ctx.params["face"])
            raise usage_error(f"in a video all chosen faces do the same: say --face {which}", ctx)
        if param.name == "detector" and ctx.params["detector"].value != "hog":
            raise usage_error("--detector cnn is too slow for a video: it takes seconds a frame", ctx)
    if not ctx.params["expressions"]:
        raise usage_error(f"{NOTHING_TO_SHOW}+0.5", ctx)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
