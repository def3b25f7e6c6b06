"""The library in one call: a photo and an expression in, an animation out, which says of itself that it is synthetic.

Photos are paths, or arrays (H, W, 3) uint8 RGB as `read_photo` returns them. Settings are called as the options of the
command line, and have the same defaults.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ganimate.animation.job import Job, Result
from ganimate.animation.outputs import Outputs
from ganimate.animation.recorded_performance import FilmedPerformance, read_table
from ganimate.animation.request import FaceRequest, Request, Scene, correction, move, perform, timeline
from ganimate.animation.session import open_session
from ganimate.config import Driving, Motion, Scrutiny, Setup
from ganimate.errors import ExpressionError, OutputError
from ganimate.facs import ACTION_UNITS as ACTION_UNITS
from ganimate.facs import FACE_REGIONS as FACE_REGIONS
from ganimate.facs import PRESETS as PRESETS
from ganimate.facs import ActionUnit as ActionUnit
from ganimate.facs import Others as Others
from ganimate.facs import parse_expression as parse_expression
from ganimate.media import FrameWriter, is_video
from ganimate.media import open_writer as open_any_writer
from ganimate.media import read_photo as read_photo
from ganimate.media.naming import beside
from ganimate.system.progress import Progress as Progress
from ganimate.system.progress import Silent
from ganimate.system.progress import Table as Table
from ganimate.timeline import Keyframe as Keyframe
from ganimate.timeline import parse_timeline as parse_timeline
from ganimate.timeline import read_keyframes as read_keyframes
from ganimate.timeline import read_others as read_others
from ganimate.timeline import with_keyframes as with_keyframes
from ganimate.trajectory import LOOPS

if TYPE_CHECKING:
    from ganimate.face.crop import Image
    from ganimate.face.detect import Selection
    from ganimate.media.provenance import Mark

AnyPath = str | os.PathLike[str]
Blink = Literal["auto", "off"]


def animate(
    photo: AnyPath | Image,
    expression: str | Mapping[int, str] | None = None,
    out: AnyPath | None = None,
    *,
    timeline: AnyPath | None = None,
    start: str = "self",
    seen_as: str | None = None,
    others: Others = "auto",
    blink: Blink | None = None,
    seed: int = 0,
    frames: int = Motion.frames,
    fps: float | None = None,
    easing: str = Motion.easing,
    hold: float = Motion.hold_s,
    loop: str = Motion.loop,
    still: bool = False,
    compare: bool = False,
    strip: AnyPath | None = None,
    reports: Sequence[AnyPath] = (),
    face: Selection = "largest",
    model: AnyPath = Setup.model,
    detector: str = Setup.detector,
    device: str = Setup.device,
    backend: str = Setup.backend,
    mark: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Animate the face in `photo` towards an expression, or by a timeline, and return where the result is.

    `out` is a .gif, an .mp4 or a folder of PNG frames, with `still` a picture; by default it lies beside the photo.
    Expressions of several faces come by their numbers, as 'ganimate faces' lists them; `face` does not count then.
    Nothing that exists is replaced, unless `overwrite` says so. `start` is the expression to begin with, by default the
    photo's own; `seen_as` corrects what the model reads of that. `others` says what becomes of AUs that an expression
    does not name: "keep" leaves them as in the photo, "zero" takes them away, "auto" does so where an emotion is named.
    What speaks against the result is in its `doubts`. Raises GanimateError, with a sentence and a hint.
    """
    motion = Motion(frames, Motion.fps if fps is None else fps, easing, hold, loop)
    each: Mapping[int, str] = {} if expression is None or isinstance(expression, str) else expression
    whole = expression if expression is None or isinstance(expression, str) else ",".join(each.values())
    asked, words, goes_on = _asked(start, whole, timeline, fps, seen_as, others, motion)
    apart = {n: FaceRequest(move([start], [text], others, motion), asked.seen_as) for n, text in each.items()}
    if blink is not None:
        asked = asked.blinking(blink, seed)
        apart = {number: one.blinking(blink, seed) for number, one in apart.items()}
    setup = Setup(str(model), detector, device, backend)
    request = Request(_photo(photo), asked, setup, list(each) or face, apart, still)
    place = _place(out, request.photo, words, ".png" if still else ".gif")
    outputs = Outputs(
        place, overwrite=overwrite, strip=None if strip is None else str(strip), reports=tuple(map(str, reports))
    )
    return _made(Job(request, outputs, goes_on, scrutiny=Scrutiny(compare), mark=mark), progress)


def interpolate(
    photo: AnyPath | Image,
    from_: str,
    to: str,
    out: AnyPath | None = None,
    *,
    others: Others = "auto",
    blink: Blink | None = None,
    seed: int = 0,
    frames: int = Motion.frames,
    fps: float = Motion.fps,
    easing: str = Motion.easing,
    hold: float = Motion.hold_s,
    loop: str = Motion.loop,
    compare: bool = False,
    strip: AnyPath | None = None,
    reports: Sequence[AnyPath] = (),
    face: Selection = "largest",
    model: AnyPath = Setup.model,
    detector: str = Setup.detector,
    device: str = Setup.device,
    backend: str = Setup.backend,
    mark: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Animate the face in `photo` from one expression to another, and return where the result is; see `animate`."""
    return animate(
        photo, to, out, start=from_, others=others, blink=blink, seed=seed, frames=frames, fps=fps, easing=easing,
        hold=hold, loop=loop, compare=compare, strip=strip, reports=reports, face=face, model=model, detector=detector,
        device=device, backend=backend, mark=mark, overwrite=overwrite, progress=progress,
    )  # fmt: skip


def drive(
    photo: AnyPath,
    clip: AnyPath,
    out: AnyPath | None = None,
    *,
    seen_as: str | None = None,
    relative: bool = Driving.relative,
    smooth: float = Driving.smooth_s,
    head: bool = Driving.head,
    gaze: bool = Driving.gaze,
    fps: float | None = None,
    face: Selection = "largest",
    model: AnyPath = Setup.model,
    detector: str = Setup.detector,
    device: str = Setup.device,
    backend: str = Setup.backend,
    mark: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Let the face in `photo` repeat what another did in `clip`, a video or a tracker's table, and return the result.

    See `animate`; a table of one row gives one picture. Raises AnnotationError and VideoError, too.
    """
    listener, path = progress or Silent(), Path(clip)
    setup, driving = Setup(str(model), detector, device, backend), Driving(relative, smooth, head, gaze)
    filmed = path.is_file() and is_video(path)
    place = _place(out, Path(photo), path.stem, ".mp4")
    outputs, sound = Outputs(place, overwrite=overwrite), None
    if filmed:
        read = FilmedPerformance(path, Path(photo), setup=setup, faces=face, driving=driving).read(outputs, listener)
        told, sound = read.performance, read.sound
    else:
        told = read_table(path, None, None, None, False, driving, listener)
    plan = perform(told, driving, fps)
    still = len(told.resampled(plan.fps, smooth_s=plan.smooth_s)) == 1
    if still and out is None:
        outputs = replace(outputs, path=_place(None, Path(photo), path.stem, ".png"))
    request = Request(Path(photo), FaceRequest(plan, correction(seen_as)), setup, face, still=still)
    return _made(Job(request, outputs, "once", mark=mark, sound=sound), listener)


@dataclass(frozen=True)
class Animation:
    """The frames of an animation, made one by one as they are iterated, (H, W, 3) uint8 RGB each."""

    scene: Scene
    repeats: bool

    def __iter__(self) -> Iterator[Image]:
        return (frame.image for frame in self.scene.frames())

    def __len__(self) -> int:
        return len(self.scene.trajectories[0])

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.scene.trajectories[0].fps

    @property
    def mark(self) -> Mark:
        """What results made of these frames say of themselves."""
        return self.scene.mark()

    def open_writer(self, out: AnyPath, *, mark: bool = True, overwrite: bool = False) -> FrameWriter:
        """Return the writer of a .gif, an .mp4 or a folder of PNG frames, for these frames or what is made of them."""
        said = self.mark if mark else None
        return open_any_writer(os.fspath(out), self.fps, loop=self.repeats, overwrite=overwrite, mark=said)


def frames(
    photo: AnyPath | Image,
    expression: str,
    *,
    start: str = "self",
    seen_as: str | None = None,
    others: Others = "auto",
    frames: int = Motion.frames,
    fps: float = Motion.fps,
    easing: str = Motion.easing,
    hold: float = Motion.hold_s,
    loop: str = Motion.loop,
    face: Selection = "largest",
    model: AnyPath = Setup.model,
    detector: str = Setup.detector,
    device: str = Setup.device,
    backend: str = Setup.backend,
    progress: Progress | None = None,
) -> Animation:
    """Return the frames of an animation as arrays, to be looked at, edited and written; see `animate`."""
    plan = move([start], [expression], others, Motion(frames, fps, easing, hold, loop))
    setup, listener = Setup(str(model), detector, device, backend), progress or Silent()
    request = Request(_photo(photo), FaceRequest(plan, correction(seen_as)), setup, face)
    return Animation(request.prepare(listener, open_session(setup, listener)), LOOPS[loop].repeats)


def _asked(
    start: str,
    expression: str | None,
    performed: AnyPath | None,
    fps: float | None,
    seen_as: str | None,
    others: Others,
    motion: Motion,
) -> tuple[FaceRequest, str, str]:
    """Return what is asked, in words too, and how it goes on."""
    if (expression is None) == (performed is None):
        raise ExpressionError("an expression or a timeline is needed, and one of them", "write for example 'happiness'")
    if performed is not None:
        if start != "self":
            raise ExpressionError("a timeline begins as it says itself", "leave the start out")
        if others != "auto":
            raise ExpressionError("a timeline says itself what becomes of other AUs", f"write 'others: {others}' in it")
        plan = timeline(os.fspath(performed), fps)
        return FaceRequest(plan, correction(seen_as)), Path(performed).stem, plan.loop
    text = expression or ""
    words = text if start == "self" else f"{start}-to-{text}"
    return FaceRequest(move([start], [text], others, motion), correction(seen_as)), words, motion.loop


def _made(job: Job, progress: Progress | None) -> Result:
    listener = progress or Silent()
    return job.make(listener, open_session(job.request.setup, listener))


def _photo(photo: AnyPath | Image) -> Path | Image:
    return photo if isinstance(photo, np.ndarray) else Path(photo)


def _place(out: AnyPath | None, photo: Path | Image, words: str, suffix: str) -> str:
    if out is not None:
        return os.fspath(out)
    if not isinstance(photo, Path):
        raise OutputError("a photo that is no file has no place beside it", 'say where with out="result.gif"')
    return str(beside(photo, words, suffix))
