"""The library in one call: a photo and an expression in, an animation out, which says of itself that it is synthetic.

Photos are paths, or arrays (H, W, 3) uint8 RGB as `read_photo` returns them. Settings are called as the options of the
command line, and have the same defaults.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ganimate.animation.job import Job, Result
from ganimate.animation.outputs import Outputs
from ganimate.animation.request import FaceRequest, Request, Scene, correction, move, timeline
from ganimate.animation.session import Session
from ganimate.config import Motion, Scrutiny, Setup
from ganimate.errors import ExpressionError, OutputError
from ganimate.facs import Others
from ganimate.media import FrameWriter
from ganimate.media import open_writer as open_any_writer
from ganimate.media import read_photo as read_photo
from ganimate.media.naming import beside
from ganimate.system.progress import Progress as Progress
from ganimate.system.progress import Silent
from ganimate.trajectory import LOOPS

if TYPE_CHECKING:
    from ganimate.face.crop import Image
    from ganimate.face.detect import Selection
    from ganimate.media.provenance import Mark

AnyPath = str | os.PathLike[str]
Blink = Literal["auto", "off"]
_OPEN: dict[tuple[Setup, Path, str], Session] = {}  # the session of the last call


def animate(
    photo: AnyPath | Image,
    expression: str | None = None,
    out: AnyPath | None = None,
    *,
    timeline: AnyPath | None = None,
    start: str = "self",
    seen_as: str | None = None,
    others: Others = "keep",
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
    mark: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Animate the face in `photo` towards an expression, or by a timeline, and return where the result is.

    `out` is a .gif, an .mp4 or a folder of PNG frames, with `still` a picture; by default it lies beside the photo.
    Nothing that exists is replaced, unless `overwrite` says so. `start` is the expression to begin with, by default the
    photo's own; `seen_as` corrects what the model reads of that.
    What speaks against the result is in its `doubts`. Raises GanimateError, with a sentence and a hint.
    """
    motion = Motion(frames, Motion.fps if fps is None else fps, easing, hold, loop)
    asked, words, goes_on = _asked(start, expression, timeline, fps, seen_as, others, motion)
    if blink is not None:
        asked = asked.blinking(blink, seed)
    request = Request(_photo(photo), asked, Setup(str(model), detector, device), face, still=still)
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
    others: Others = "keep",
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
    mark: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Animate the face in `photo` from one expression to another, and return where the result is; see `animate`."""
    return animate(
        photo, to, out, start=from_, others=others, frames=frames, fps=fps, easing=easing, hold=hold, loop=loop,
        compare=compare, strip=strip, reports=reports, face=face, model=model, detector=detector, device=device,
        mark=mark, overwrite=overwrite, progress=progress,
    )  # fmt: skip


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
    others: Others = "keep",
    frames: int = Motion.frames,
    fps: float = Motion.fps,
    easing: str = Motion.easing,
    hold: float = Motion.hold_s,
    loop: str = Motion.loop,
    face: Selection = "largest",
    model: AnyPath = Setup.model,
    detector: str = Setup.detector,
    device: str = Setup.device,
    progress: Progress | None = None,
) -> Animation:
    """Return the frames of an animation as arrays, to be looked at, edited and written; see `animate`."""
    plan = move([start], [expression], others, Motion(frames, fps, easing, hold, loop))
    setup, listener = Setup(str(model), detector, device), progress or Silent()
    request = Request(_photo(photo), FaceRequest(plan, correction(seen_as)), setup, face)
    return Animation(request.prepare(listener, _session(setup, listener)), LOOPS[loop].repeats)


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
        plan = timeline(os.fspath(performed), fps)
        return FaceRequest(plan, correction(seen_as)), Path(performed).stem, plan.loop
    text = expression or ""
    words = text if start == "self" else f"{start}-to-{text}"
    return FaceRequest(move([start], [text], others, motion), correction(seen_as)), words, motion.loop


def _made(job: Job, progress: Progress | None) -> Result:
    listener = progress or Silent()
    return job.make(listener, _session(job.request.setup, listener))


def _photo(photo: AnyPath | Image) -> Path | Image:
    return photo if isinstance(photo, np.ndarray) else Path(photo)


def _place(out: AnyPath | None, photo: Path | Image, words: str, suffix: str) -> str:
    if out is not None:
        return os.fspath(out)
    if not isinstance(photo, Path):
        raise OutputError("a photo that is no file has no place beside it", 'say where with out="result.gif"')
    return str(beside(photo, words, suffix))


def _session(setup: Setup, progress: Progress) -> Session:
    """Return a session; that of the last call stays open, as loading a model takes as long as a short animation."""
    fresh = Session.of(setup, progress)
    key = setup, fresh.entry.path.resolve(), fresh.entry.digest
    if key not in _OPEN:
        _OPEN.clear()
        _OPEN[key] = fresh
    return _OPEN[key]
