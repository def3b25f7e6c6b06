"""Many photos, one model: what is done to each, what may be left out, and what came of them."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from ganimate.animation.batch import batch_report
from ganimate.animation.batch.batch_report import Outcome
from ganimate.animation.batch.clip_stretches import Joiner, parcels_of
from ganimate.animation.batch.collecting import Source
from ganimate.animation.batch.ledger import Beginning, Ledger
from ganimate.animation.batch.photo_work import PhotoTask, PhotoWork, failed
from ganimate.animation.batch.result_folder import LEDGER_NAME, ResultFolder
from ganimate.animation.batch.staged_work import Delivery, Parcel, StagedWork
from ganimate.animation.outputs import Outputs, Recorder, StillRecorder
from ganimate.animation.session import model_facts
from ganimate.errors import OutputError
from ganimate.media import places
from ganimate.system.cluster import Cluster, GivenUp
from ganimate.system.processors import threads
from ganimate.system.progress import Progress
from ganimate.system.worker_pool import Crew, Lost


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
    """All photos and the names of their results in `folder`; `asked` tells what is wanted, for the next time.

    `cluster` is the address of the machines that do the work, of which `jobs` limits the workers if it is given.
    """

    work: PhotoWork
    sources: Sequence[Source]
    results: Mapping[Path, Path]
    folder: ResultFolder
    asked: str
    inputs: Sequence[Path] = ()  # files that are read beside the photos
    jobs: int | None = None
    resume: bool = False
    force: bool = False
    cluster: str | None = None

    def run(self, progress: Progress) -> BatchResult:
        """Animate all photos; raises OutputError before any work, and BatchStopped where the user has stopped it."""
        began = time.perf_counter()
        outcomes = self._outcomes(progress)
        model = model_facts(self.work.session.entry)
        seconds = time.perf_counter() - began
        return BatchResult(outcomes, batch_report.report_facts(self.folder.shown, model, outcomes, seconds))

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
                if self.folder.root is not None:
                    self._make_root(self.folder.root, folders)
                self._check_format(min(tasks, key=lambda task: task.video is not None))  # a photo, if any
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
        taken: list[Path] = []
        if self.folder.root is not None:
            taken = [self.folder.root, *(self.folder.root / name for name in self.results.values())]
        return batch_report.report_place(path, taken, read, resume=self.resume, force=self.force)

    def _look(self, place: int, source: Source, ledger: Ledger) -> PhotoTask | Outcome:
        """Return what is to be done for a photo, or why nothing is."""
        if source.trouble is not None:
            return failed(source.path, source.trouble.message, source.trouble.hint)
        videos = self.work.videos if source.is_video else None
        if isinstance(videos, str):
            return Outcome(str(source.path), "skipped", reason=videos)
        result = self.results[source.path]
        task = PhotoTask(place, source.path, self.folder.place(result), self.force, videos)
        state = ledger.state(result, self._asked(source.path), source.path)
        if self.resume and state == "done":
            return Outcome(str(source.path), "skipped", self.folder.told(result), "done before")
        if self.resume and state == "stale":
            return replace(task, overwrite=True)
        if self.resume and state == "foreign" and not self.force:
            return failed(source.path, f"'{task.result}' is there, and no batch has made it", "--force replaces it")
        if self.resume and state == "other" and not self.force:
            message = f"'{task.result}' was made from another photo, '{ledger.photo_of(result)}'"
            return failed(source.path, message, "--force replaces it; or choose another folder with -o")
        return task

    def _refuse_to_replace(self, tasks: Sequence[PhotoTask]) -> None:
        """Raise OutputError for results that are there and may not be replaced, or that are photos themselves."""
        photos = {source.path.resolve() for source in self.sources}
        for task in tasks:
            if self.folder.root is not None and task.result.resolve() in photos:
                raise OutputError(f"the result '{task.result}' would replace a photo", "choose another folder with -o")
        there = [t for t in tasks if not t.overwrite and self.folder.stamp(self.results[t.photo]) is not None]
        if there:
            message = f"{len(there)} of {len(tasks)} results are there already, such as '{there[0].result}'"
            raise OutputError(message, "--resume skips what is done, --force makes all anew")

    def _make_root(self, root: Path, folders: NewFolders) -> None:
        """Make the folder of results; raises OutputError where there is something else."""
        if root.exists() and not root.is_dir():
            raise OutputError(f"'{root}' is a file, and a batch writes to a folder", "choose a folder with -o")
        folders.make(root)

    def _check_format(self, first: PhotoTask) -> None:
        """Raise OutputError where no result of the wanted kind could be written, to the folder or to this machine."""
        root = self.folder.root
        with contextlib.ExitStack() as stack:
            where = Path(stack.enter_context(tempfile.TemporaryDirectory())) if root is None else root
            outputs = Outputs(str(where / first.result.name), overwrite=True)
            fps = self.work.asked.plan.fps
            _ = StillRecorder(outputs) if self.work.still else Recorder(outputs, fps, repeats=True)

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
        if self.cluster is not None or self.folder.root is None:
            yield from self._staged(begun)
            return
        jobs = self.jobs or 1
        if min(jobs, len(tasks)) <= 1:
            yield from ((task, self.work.make(task)) for task in begun)
            return
        with Crew(jobs, self.work.make, partial(share_cores, jobs)) as crew:
            for task, outcome in crew.run(begun):
                yield task, self._lost(task, outcome) if isinstance(outcome, Lost) else outcome

    def _staged(self, begun: Iterator[PhotoTask]) -> Iterator[tuple[PhotoTask, Outcome]]:
        """Yield the same of photos that go to where the work is done, on a cluster or here."""
        staged = StagedWork.of(self.work, self.folder)
        if self.cluster is None:
            whole = (Parcel.of(task, self.results[task.photo]) for task in begun)
            yield from ((parcel.task, self._delivered(parcel, staged.make(parcel))) for parcel in whole)
            return
        parcels = chain.from_iterable(parcels_of(task, self.work, self.results[task.photo]) for task in begun)
        joiner = Joiner(self.work, self.folder, self.results)
        gpu = self.work.session.setup.device.startswith("cuda")
        with Cluster(self.cluster, staged.make, jobs=self.jobs, gpu=gpu) as cluster:
            for parcel, done in cluster.run(parcels):
                if isinstance(done, GivenUp):
                    hint = "often that is too little memory: use a smaller copy"
                    delivery = Delivery(failed(parcel.task.photo, done.reason, hint))
                else:
                    delivery = done.result
                delivery = replace(delivery, outcome=replace(delivery.outcome, node=done.node))
                if parcel.task.stretch is not None:
                    joined = joiner.add(parcel, delivery)
                    if joined is None:
                        continue
                    parcel, delivery = joined
                yield parcel.task, self._delivered(parcel, delivery)

    def _delivered(self, parcel: Parcel, delivery: Delivery) -> Outcome:
        """Return what came of a photo, its result put into its place if it has not been."""
        if delivery.result is None:
            return delivery.outcome
        try:
            self.folder.put(parcel.name, delivery.result, parcel.task.overwrite)
        except OutputError as error:
            return failed(parcel.task.photo, error.message, error.hint)
        return delivery.outcome

    def _begun(self, tasks: Sequence[PhotoTask], ledger: Ledger, folders: NewFolders) -> Iterator[PhotoTask]:
        for first in range(0, len(tasks), self.folder.beginnings):
            some = tasks[first : first + self.folder.beginnings]
            for task in some if self.folder.root is not None else ():
                folders.make(task.result.parent)
            ledger.begin(*(Beginning(self.results[task.photo], self._asked(task.photo), task.photo) for task in some))
            yield from some

    def _lost(self, task: PhotoTask, lost: Lost) -> Outcome:
        places.sweep(task.result.parent, lost.pid)
        signal = f"signal {-lost.exit_code}" if lost.exit_code < 0 else f"exit code {lost.exit_code}"
        hint = "often that is too little memory: use fewer --jobs, or a smaller copy"
        return failed(task.photo, f"the process that animated it was ended by {signal}", hint)


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
                if folder == ledger.folder.root and [path.name for path in folder.iterdir()] == [LEDGER_NAME]:
                    (folder / LEDGER_NAME).unlink()
                folder.rmdir()


def share_cores(jobs: int) -> None:
    """Let this process use its share of the cores, one of `jobs`."""
    import cv2

    share = max(1, threads() // jobs)
    os.environ["OMP_NUM_THREADS"] = str(share)  # as torch and ONNX Runtime read it when they are loaded
    cv2.setNumThreads(share)
