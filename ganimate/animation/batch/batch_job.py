"""Many photos, one model: what is done to each, what may be left out, and what came of them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganimate.animation.batch import batch_report
from ganimate.animation.batch.batch_report import Outcome
from ganimate.animation.batch.collecting import Source
from ganimate.animation.batch.ledger import LEDGER_NAME, Ledger
from ganimate.animation.clip import ClipJob
from ganimate.animation.job import Job
from ganimate.animation.outputs import Outputs, Recorder, StillRecorder
from ganimate.animation.request import FaceRequest, Request
from ganimate.animation.session import model_facts
from ganimate.errors import GanimateError, OutputError
from ganimate.media import places
from ganimate.system.processors import threads
from ganimate.system.progress import Progress, Silent
from ganimate.system.worker_pool import Crew, Lost

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

    `video` is what is done to it where it is a video.
    """

    place: int  # among all photos
    photo: Path
    result: Path
    overwrite: bool
    video: VideoWork | None = None


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

    def make(self, task: PhotoTask) -> Outcome:
        """Return what came of one photo: whatever is wrong with it, the next one gets its turn."""
        began = time.perf_counter()
        try:
            told = self._job(task).make(Silent(), self.session).facts
        except GanimateError as error:
            return _failed(task.photo, error.message, error.hint, began)
        except MemoryError:
            return _failed(
                task.photo, "there is not enough memory for it", "use a smaller copy, or fewer --jobs", began
            )
        except Exception as error:  # a bug, and no reason to leave the other photos undone
            hint = "a bug: 'ganimate animate' with this photo shows where"
            return _failed(task.photo, f"{type(error).__name__}: {error}", hint, began)
        seconds = round(time.perf_counter() - began, 2)
        return Outcome(str(task.photo), "done", str(task.result), seconds=seconds, told=told)

    def _job(self, task: PhotoTask) -> Job | ClipJob:
        outputs = Outputs(str(task.result), overwrite=task.overwrite)
        if task.video is not None:
            how = task.video
            setup = self.session.setup
            return ClipJob(task.photo, how.expression, outputs, how.others, how.ramp_s, setup, self.mark, self.faces)
        request = Request(task.photo, self.asked, self.session.setup, self.faces, still=self.still)
        return Job(request, outputs, self.loop, mark=self.mark)


def _failed(photo: Path, reason: str, hint: str | None, began: float | None = None) -> Outcome:
    seconds = 0.0 if began is None else round(time.perf_counter() - began, 2)
    return Outcome(str(photo), "failed", reason=reason, hint=hint, seconds=seconds)


class BatchStopped(KeyboardInterrupt):
    """The user has stopped a batch, of whose photos some are done."""

    def __init__(self, done: int, photos: int) -> None:
        super().__init__()
        self.done, self.photos = done, photos


@dataclass(frozen=True)
class BatchResult:
    """What came of every photo, in their order, and the same as plain data."""

    outcomes: list[Outcome]
    facts: dict[str, Any]


@dataclass(frozen=True)
class BatchJob:
    """All photos and the places of their results below `folder`; `asked` tells what is wanted, for the next time."""

    work: PhotoWork
    sources: Sequence[Source]
    results: Mapping[Path, Path]
    folder: Path
    asked: str
    inputs: Sequence[Path] = ()  # files that are read beside the photos
    jobs: int = 1
    resume: bool = False
    force: bool = False

    def run(self, progress: Progress) -> BatchResult:
        """Animate all photos; raises OutputError before any work, and BatchStopped where the user has stopped it."""
        began = time.perf_counter()
        outcomes = self._outcomes(progress)
        model = model_facts(self.work.session.entry)
        seconds = time.perf_counter() - began
        return BatchResult(outcomes, batch_report.report_facts(self.folder, model, outcomes, seconds))

    def _outcomes(self, progress: Progress) -> list[Outcome]:
        """Return what came of every photo, in their order."""
        ledger = Ledger(self.folder)
        looked = {place: self._look(place, source, ledger) for place, source in enumerate(self.sources)}
        tasks = [found for found in looked.values() if isinstance(found, PhotoTask)]
        outcomes = {place: found for place, found in looked.items() if isinstance(found, Outcome)}
        folders = NewFolders()
        try:
            if tasks:
                self._refuse_to_replace(tasks)
                self._make_folder(min(tasks, key=lambda task: task.video is not None), folders)  # a photo, if any
            with progress.count("animating photos", len(tasks), "finishing") as counted:
                for count, (task, outcome) in enumerate(counted(self._made(tasks, ledger, folders)), 1):
                    outcomes[task.place] = outcome
                    progress.note(f"{count}/{len(tasks)}  {outcome.line}")
        except KeyboardInterrupt:
            done = sum(outcome.outcome == "done" for outcome in outcomes.values())
            raise BatchStopped(done, len(tasks)) from None
        finally:
            folders.take_back(ledger)
        return [outcomes[place] for place in range(len(self.sources))]

    def report_place(self, path: str) -> places.FilePlace:
        """Return where the report goes; raises OutputError for what could not be written or may not be replaced."""
        read = [*(source.path for source in self.sources), *self.inputs]
        results = [self.folder / result for result in self.results.values()]
        return batch_report.report_place(path, self.folder, read, results, resume=self.resume, force=self.force)

    def _look(self, place: int, source: Source, ledger: Ledger) -> PhotoTask | Outcome:
        """Return what is to be done for a photo, or why nothing is."""
        if source.trouble is not None:
            return _failed(source.path, source.trouble.message, source.trouble.hint)
        videos = self.work.videos if source.is_video else None
        if isinstance(videos, str):
            return Outcome(str(source.path), "skipped", reason=videos)
        result = self.results[source.path]
        task = PhotoTask(place, source.path, self.folder / result, self.force, videos)
        state = ledger.state(result, self._asked(source.path), source.path)
        if self.resume and state == "done":
            return Outcome(str(source.path), "skipped", str(task.result), "done before")
        if self.resume and state == "stale":
            return replace(task, overwrite=True)
        if self.resume and state == "foreign" and not self.force:
            return _failed(source.path, f"'{task.result}' is there, and no batch has made it", "--force replaces it")
        if self.resume and state == "other" and not self.force:
            message = f"'{task.result}' was made from another photo, '{ledger.photo_of(result)}'"
            return _failed(source.path, message, "--force replaces it; or choose another folder with -o")
        return task

    def _refuse_to_replace(self, tasks: Sequence[PhotoTask]) -> None:
        """Raise OutputError for results that are there and may not be replaced, or that are photos themselves."""
        photos = {source.path.resolve() for source in self.sources}
        for task in tasks:
            if task.result.resolve() in photos:
                raise OutputError(f"the result '{task.result}' would replace a photo", "choose another folder with -o")
        there = [task for task in tasks if task.result.exists() and not task.overwrite]
        if there:
            message = f"{len(there)} of {len(tasks)} results are there already, such as '{there[0].result}'"
            raise OutputError(message, "--resume skips what is done, --force makes all anew")

    def _make_folder(self, first: PhotoTask, folders: NewFolders) -> None:
        """Make the output folder, and raise OutputError where no result could be written to it."""
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(f"'{self.folder}' is a file, and a batch writes to a folder", "choose a folder with -o")
        folders.make(self.folder)
        outputs = Outputs(str(self.folder / first.result.name), overwrite=True)
        _ = StillRecorder(outputs) if self.work.still else Recorder(outputs, self.work.asked.plan.fps, repeats=True)

    def _asked(self, photo: Path) -> str:
        """Return what the result of a photo depends on, told by its size and time."""
        try:
            found = photo.stat()
        except OSError:
            return self.asked
        return f"{self.asked} {found.st_size} {found.st_mtime_ns}"

    def _made(
        self, tasks: Sequence[PhotoTask], ledger: Ledger, folders: NewFolders
    ) -> Iterator[tuple[PhotoTask, Outcome]]:
        """Yield what comes of each task, as they are done."""
        begun = self._begun(tasks, ledger, folders)
        if min(self.jobs, len(tasks)) <= 1:
            yield from ((task, self.work.make(task)) for task in begun)
            return
        with Crew(self.jobs, self.work.make, partial(share_cores, self.jobs)) as crew:
            for task, outcome in crew.run(begun):
                yield task, self._lost(task, outcome) if isinstance(outcome, Lost) else outcome

    def _begun(self, tasks: Sequence[PhotoTask], ledger: Ledger, folders: NewFolders) -> Iterator[PhotoTask]:
        for task in tasks:
            folders.make(task.result.parent)
            ledger.begin(self.results[task.photo], self._asked(task.photo), task.photo)
            yield task

    def _lost(self, task: PhotoTask, lost: Lost) -> Outcome:
        places.sweep(task.result.parent, lost.pid)
        signal = f"signal {-lost.exit_code}" if lost.exit_code < 0 else f"exit code {lost.exit_code}"
        hint = "often that is too little memory: use fewer --jobs, or a smaller copy"
        return _failed(task.photo, f"the process that animated it was ended by {signal}", hint)


class NewFolders:
    """Folders that a batch has made, so that those in which nothing came to be can be taken back."""

    def __init__(self) -> None:
        self._made: list[Path] = []

    def make(self, folder: Path) -> None:
        """Make a folder, and those above it, where they are missing."""
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        self._made += reversed(missing)
        folder.mkdir(parents=True, exist_ok=True)

    def take_back(self, ledger: Ledger) -> None:
        """Remove what is empty of these folders, or holds nothing but the `ledger`."""
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                if folder == ledger.folder and [path.name for path in folder.iterdir()] == [LEDGER_NAME]:
                    ledger.remove()
                folder.rmdir()


def share_cores(jobs: int) -> None:
    """Let this process use its share of the cores, one of `jobs`."""
    import cv2

    share = max(1, threads() // jobs)
    os.environ["OMP_NUM_THREADS"] = str(share)  # as torch and ONNX Runtime read it when they are loaded
    cv2.setNumThreads(share)
