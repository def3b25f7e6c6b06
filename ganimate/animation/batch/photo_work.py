"""What a batch does to one photo or video, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganimate.animation import other_photos
from ganimate.animation.batch.batch_report import Outcome
from ganimate.animation.clip import ClipJob, Stretch
from ganimate.animation.job import Job
from ganimate.animation.outputs import Outputs
from ganimate.animation.request import FaceRequest, Request
from ganimate.errors import GanimateError
from ganimate.system.progress import Progress, Silent

if TYPE_CHECKING:
    from ganimate.animation.session import Session
    from ganimate.face.detect import Selection
    from ganimate.facs import Expression, Others


@dataclass(frozen=True)
class VideoWork:
    """What is done to every video: as `ClipJob` has it."""

    expression: Expression
    others: Others
    ramp_s: float


@dataclass(frozen=True)
class PhotoTask:
    """One photo to be animated: where it is, where its result goes, and whether that may replace something.

    `video` is what is done to it where it is a video, and `stretch` which of its frames, if not all.
    """

    place: int  # among all photos
    photo: Path
    result: Path
    overwrite: bool
    video: VideoWork | None = None
    stretch: Stretch | None = None


@dataclass(frozen=True)
class PhotoWork:
    """What is done to every photo, and to `videos`, of which it may be said instead why nothing is."""

    asked: FaceRequest
    session: Session
    faces: Selection
    still: bool
    loop: str
    mark: bool
    videos: VideoWork | str = "a video, and a batch animates photos"

    def settled(self, progress: Progress) -> PhotoWork:
        """Return the same with what is read from the other photos that are asked for: whoever does it needs none.

        Raises PhotoError, FaceError.
        """
        video = self.videos if isinstance(self.videos, VideoWork) else None
        names = dict.fromkeys([*self.asked.photos(), *(video.expression.photos() if video else ())])
        if not names:
            return self
        others = other_photos.open_photos(list(names), progress)
        readings = other_photos.read_photos(others, self.session.animator, self.session.setup.detector, progress)
        plan = other_photos.filled(self.asked.plan, readings)
        asked = FaceRequest(plan, self.asked.seen_as.with_readings(readings))
        videos = replace(video, expression=video.expression.with_readings(readings)) if video else self.videos
        return replace(self, asked=asked, videos=videos)

    def make(self, task: PhotoTask) -> Outcome:
        """Return what came of one photo: whatever is wrong with it, the next one gets its turn."""
        began = time.perf_counter()
        try:
            told = self._job(task).make(Silent(), self.session).facts
        except GanimateError as error:
            return failed(task.photo, error.message, error.hint, began)
        except MemoryError:
            return failed(task.photo, "there is not enough memory for it", "use a smaller copy, or fewer --jobs", began)
        except Exception as error:  # a bug, and no reason to leave the other photos undone
            hint = "a bug: 'ganimate animate' with this photo shows where"
            return failed(task.photo, f"{type(error).__name__}: {error}", hint, began)
        seconds = round(time.perf_counter() - began, 2)
        return Outcome(str(task.photo), "done", str(task.result), seconds=seconds, told=told)

    def _job(self, task: PhotoTask) -> Job | ClipJob:
        outputs = Outputs(str(task.result), overwrite=task.overwrite)
        if task.video is not None:
            how = task.video
            setup = self.session.setup
            mark = self.mark and task.stretch is None
            return ClipJob(
                *(task.photo, how.expression, outputs, how.others, how.ramp_s, setup, mark, self.faces, task.stretch)
            )
        request = Request(task.photo, self.asked, self.session.setup, self.faces, still=self.still)
        return Job(request, outputs, self.loop, mark=self.mark)


def failed(photo: Path, reason: str, hint: str | None, began: float | None = None) -> Outcome:
    """Return that nothing came of a photo, and why; `began` is when work on it did."""
    seconds = 0.0 if began is None else round(time.perf_counter() - began, 2)
    return Outcome(str(photo), "failed", reason=reason, hint=hint, seconds=seconds)
