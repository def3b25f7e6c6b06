"""`ganimate animate` and `ganimate interpolate`: from a photo and an expression to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ganimate.cli import options
from ganimate.cli.console import Display
from ganimate.cli.errors import usage_error
from ganimate.cli.face_groups import FaceExpressions, FaceGroups, OrderedCommand, face_groups
from ganimate.cli.option_rules import blinks_alone, check_photo_options, check_video_options, is_given, refuse_idle
from ganimate.cli.results import print_result, run_job
from ganimate.cli.settings import with_settings
from ganimate.config import Motion, Setup

if TYPE_CHECKING:
    from ganimate.animation.clip import ClipJob
    from ganimate.animation.request import FaceRequest, Others

LARGEST = ["largest"]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(cls=OrderedCommand)(animate)
    app.command(cls=OrderedCommand)(interpolate)


@with_settings
def animate(
    ctx: typer.Context,
    photo: options.PhotoOrVideo,
    expressions: options.Expressions = None,
    seen_as: options.SeenAsByFace = None,
    others: options.Others = options.OtherAUs.auto,
    trajectory: options.Trajectory = None,
    timeline: options.Timeline = None,
    blink: options.BlinkChoice = None,
    seed: options.Seed = None,
    *,
    motion: options.Timing,
    ramp: options.Ramp = 0.0,
    output: options.Output = None,
    still: options.Still = False,
    beside: options.WrittenBeside,
    told: options.Told,
    scrutiny: options.Closely,
    face: options.FaceGroups = LARGEST,
    setup: options.Means,
) -> None:
    """Animate the face in PHOTO towards an expression, or edit every frame of a video.

    For example: ganimate animate me.jpg --au 12=1.0 --au 6=0.7 -o smile.gif

    Of a video the face changes in every frame, and sound and frame rate stay: clip.mp4 --au 12=+0.5 --face all

    AUs and what each of them is: ganimate aus PHOTO

    Faces apart: ganimate animate group.jpg --face 1 --expression happiness --face 2 --au 4=1 -o group.gif

    Presets: happiness, surprise, fear, anger, sadness, disgust, contempt, blink, wink, happily-surprised,
    happily-disgusted, sadly-fearful, sadly-surprised, fearfully-angry, fearfully-surprised, fearfully-disgusted,
    angrily-surprised, angrily-disgusted, disgustedly-surprised, awed.

    Emotions go as far as people do, not to 1; for more, ask for AUs: -e surprise --au 26=1
    """
    from ganimate.animation.job import Job
    from ganimate.animation.request import Request
    from ganimate.media import is_video

    if is_video(photo):
        check_video_options(ctx)
        clip = _clip_job(photo, expressions or (), others.value, ramp, output, beside, setup, face[0])
        display = Display(told.quiet)
        return print_result(clip.make(display), display, as_json=told.json)
    check_photo_options(ctx)
    who = face_groups(ctx, face, expressions, seen_as)
    if timeline is not None:
        asked = _by_timeline(timeline, motion.fps if is_given(ctx, "fps") else None, who)
    elif trajectory is not None:
        asked = _by_trajectory(trajectory, motion.loop, who)
    else:
        asked = _by_expressions(who, others.value, motion)
    if blink is not None:
        asked = asked.blinking(blink.value, seed or 0)
    request = Request(photo, asked.common, setup, who.selection, asked.apart, still)
    place = options.result_path(output, photo, asked.words, ".png" if still else ".gif")
    job = Job(request, beside.outputs(place), asked.loop, beside.save_trajectory, scrutiny, beside.mark)
    run_job(job, beside, told)


@dataclass(frozen=True)
class FaceRequests:
    """What is asked of all faces and of some `apart`; its `words` name the result."""

    common: FaceRequest
    words: str
    loop: str
    apart: Mapping[int, FaceRequest] = field(default_factory=dict)

    def blinking(self, blink: str, seed: int) -> FaceRequests:
        """Return the same with blinks, or without any."""
        apart = {number: each.blinking(blink, seed) for number, each in self.apart.items()}
        return FaceRequests(self.common.blinking(blink, seed), self.words, self.loop, apart)


def _by_timeline(path: str, fps: float | None, who: FaceGroups) -> FaceRequests:
    from ganimate.animation.request import FaceRequest, correction, timeline

    plan = timeline(path, fps)
    return FaceRequests(FaceRequest(plan, correction(who.common.seen_as)), Path(path).stem, plan.loop)


def _by_trajectory(path: str, loop: str, who: FaceGroups) -> FaceRequests:
    from ganimate.animation.request import FaceRequest, correction, replay

    return FaceRequests(FaceRequest(replay(path), correction(who.common.seen_as)), Path(path).stem, loop)


def _by_expressions(who: FaceGroups, others: Others, motion: Motion) -> FaceRequests:
    from ganimate.animation.request import FaceRequest, correction, move

    def towards(expressions: Sequence[str], seen_as: str | None) -> FaceRequest:
        return FaceRequest(move(["self"], expressions, others, motion), correction(seen_as))

    apart = {number: towards(each.expressions, each.seen_as) for number, each in who.apart.items()}
    return FaceRequests(towards(who.common.expressions or ["self"], who.common.seen_as), who.words, motion.loop, apart)


def _clip_job(
    clip: Path,
    expressions: Sequence[str],
    others: Others,
    ramp_s: float,
    output: str | None,
    beside: options.Beside,
    setup: Setup,
    face: str,
) -> ClipJob:
    """Return the job of editing every frame of `clip`; raises ExpressionError."""
    from ganimate.animation.clip import ClipJob
    from ganimate.animation.request import expression

    place = options.result_path(output, clip, ",".join(expressions), ".mp4")
    faces = options.parse_selection(face)
    return ClipJob(clip, expression(expressions), beside.outputs(place), others, ramp_s, setup, beside.mark, faces)


@with_settings
def interpolate(
    ctx: typer.Context,
    photo: options.Photo,
    start: options.Starts = None,
    target: options.Targets = None,
    others: options.Others = options.OtherAUs.auto,
    blink: options.BlinkChoice = None,
    seed: options.Seed = None,
    *,
    motion: options.Timing,
    output: options.Film = None,
    beside: options.WrittenBeside,
    told: options.Told,
    scrutiny: options.Closely,
    face: options.FaceMoves = LARGEST,
    setup: options.Means,
) -> None:
    """Animate the face in PHOTO from one expression to another.

    For example: ganimate interpolate me.jpg --from sadness --to happiness:0.8 -o cheer-up.mp4

    Faces apart: ganimate interpolate group.jpg --from neutral --face 1 --to fear --face 2 --to anger -o group.gif
    """
    from ganimate.animation.job import Job
    from ganimate.animation.request import Request

    refuse_idle(ctx)
    blinks_alone(ctx)
    who = face_groups(ctx, face, target, start, ("target", "start"))
    asked = _between(ctx, who, others.value, motion)
    if blink is not None:
        asked = asked.blinking(blink.value, seed or 0)
    request = Request(photo, asked.common, setup, who.selection, asked.apart)
    place = options.result_path(output, photo, asked.words, ".gif")
    job = Job(request, beside.outputs(place), motion.loop, beside.save_trajectory, scrutiny, beside.mark)
    run_job(job, beside, told)


def _between(ctx: typer.Context, who: FaceGroups, others: Others, motion: Motion) -> FaceRequests:
    """Return who goes from where to where; raises a usage error where one of both is missing."""
    from ganimate.animation.request import FaceRequest, move

    for each in who.apart.values() or [who.common]:
        if each.seen_as is None or not each.expressions:
            missing = "--from" if each.seen_as is None else "--to"
            raise usage_error(f"a move has two ends: add for example {missing} neutral", ctx)

    def moving(each: FaceExpressions) -> FaceRequest:
        return FaceRequest(move([each.seen_as or "self"], each.expressions or ["self"], others, motion))

    apart = {number: moving(each) for number, each in who.apart.items()}
    words = who.words if apart else f"{who.common.seen_as}-to-{','.join(who.common.expressions)}"
    return FaceRequests(moving(who.common), words, motion.loop, apart)
