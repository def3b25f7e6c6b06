"""The work of `ganimate batch`, from the checked command line to the report: one model, many photos."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ganimate.animation.batch.collecting import Source
from ganimate.animation.batch.ledger import LEDGER_NAME, Ledger
from ganimate.animation.outputs import Outputs, Recorder, StillRecorder
from ganimate.cli import tally
from ganimate.cli.console import Display, print_json
from ganimate.cli.errors import tell
from ganimate.cli.job import Job
from ganimate.cli.tally import Outcome
from ganimate.errors import GanimateError, OutputError
from ganimate.media import places
from ganimate.system.worker_pool import Crew, Lost

if TYPE_CHECKING:
    from ganimate.cli.session import Studio
    from ganimate.trajectory.plan import Plan


@dataclass(frozen=True)
class Task:
    """One photo to be animated: where it is, where its result goes, and whether that may replace something."""

    place: int  # among all photos
    photo: Path
    result: Path
    overwrite: bool


@dataclass(frozen=True)
class Order:
    """What is done to every photo."""

    plan: Plan
    studio: Studio
    still: bool
    loop: str
    seen_as: str | None
    mark: bool

    def make(self, task: Task) -> Outcome:
        """Return what came of one photo: whatever is wrong with it, the next one gets its turn."""
        began = time.perf_counter()
        try:
            outputs = Outputs(str(task.result), overwrite=task.overwrite)
            outputs.check_distinct(task.photo)
            job = Job(
                task.photo, self.plan, self.studio.means, outputs, self.still, self.loop, self.seen_as, mark=self.mark
            )
            told = job.make(Display(quiet=True), self.studio).facts
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


def _failed(photo: Path, reason: str, hint: str | None, began: float | None = None) -> Outcome:
    seconds = 0.0 if began is None else round(time.perf_counter() - began, 2)
    return Outcome(str(photo), "failed", reason=reason, hint=hint, seconds=seconds)


@dataclass(frozen=True)
class Batch:
    """All photos and the places of their results below `folder`; `asked` tells what is wanted, for the next time."""

    order: Order
    sources: Sequence[Source]
    results: Mapping[Path, Path]
    folder: Path
    asked: str
    inputs: Sequence[Path] = ()  # files that are read beside the photos
    jobs: int = 1
    resume: bool = False
    force: bool = False

    def run(self, display: Display) -> list[Outcome]:
        """Return what came of every photo, in their order; raises OutputError before any work, or KeyboardInterrupt."""
        ledger = Ledger(self.folder)
        outcomes: dict[int, Outcome] = {}
        tasks: list[Task] = []
        for place, source in enumerate(self.sources):
            found = self._look(place, source, ledger)
            if isinstance(found, Task):
                tasks.append(found)
            else:
                outcomes[place] = found
        folders = NewFolders()
        try:
            if tasks:
                self._refuse_to_replace(tasks)
                self._make_folder(tasks[0], folders)
            with display.count("animating photos", len(tasks), "finishing") as counted:
                for count, (task, outcome) in enumerate(counted(self._made(tasks, ledger, folders)), 1):
                    outcomes[task.place] = outcome
                    tally.tell_outcome(outcome, count, len(tasks), display)
        except KeyboardInterrupt:
            done = sum(outcome.outcome == "done" for outcome in outcomes.values())
            tell(f"stopped: {done} of {len(tasks)} photos were animated", "the same command with --resume goes on")
            raise typer.Exit(130) from None
        finally:
            folders.take_back(ledger)
        return [outcomes[place] for place in range(len(self.sources))]

    def report_place(self, path: str) -> places.FilePlace:
        """Return where the report goes; raises OutputError for what could not be written or may not be replaced."""
        read = [*(source.path for source in self.sources), *self.inputs]
        results = [self.folder / result for result in self.results.values()]
        return tally.report_place(path, self.folder, read, results, resume=self.resume, force=self.force)

    def _look(self, place: int, source: Source, ledger: Ledger) -> Task | Outcome:
        """Return what is to be done for a photo, or why nothing is."""
        if source.trouble is not None:
            return _failed(source.path, source.trouble.message, source.trouble.hint)
        if source.is_video:
            return Outcome(str(source.path), "skipped", reason="a video, and a batch animates photos")
        result = self.results[source.path]
        task = Task(place, source.path, self.folder / result, self.force)
        state = ledger.state(result, self._asked(source.path), source.path)
        if self.resume and state == "done":
            return Outcome(str(source.path), "skipped", str(task.result), "done before")
        if self.resume and state == "stale":
            return Task(place, source.path, self.folder / result, overwrite=True)
        if self.resume and state == "foreign" and not self.force:
            return _failed(source.path, f"'{task.result}' is there, and no batch has made it", "--force replaces it")
        if self.resume and state == "other" and not self.force:
            message = f"'{task.result}' was made from another photo, '{ledger.photo_of(result)}'"
            return _failed(source.path, message, "--force replaces it; or choose another folder with -o")
        return task

    def _refuse_to_replace(self, tasks: Sequence[Task]) -> None:
        """Raise OutputError for results that are there and may not be replaced, or that are photos themselves."""
        photos = {source.path.resolve() for source in self.sources}
        for task in tasks:
            if task.result.resolve() in photos:
                raise OutputError(f"the result '{task.result}' would replace a photo", "choose another folder with -o")
        there = [task for task in tasks if task.result.exists() and not task.overwrite]
        if there:
            message = f"{len(there)} of {len(tasks)} results are there already, such as '{there[0].result}'"
            raise OutputError(message, "--resume skips what is done, --force makes all anew")

    def _make_folder(self, first: Task, folders: NewFolders) -> None:
        """Make the output folder, and raise OutputError where no result could be written to it."""
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(f"'{self.folder}' is a file, and a batch writes to a folder", "choose a folder with -o")
        folders.make(self.folder)
        outputs = Outputs(str(self.folder / first.result.name), overwrite=True)
        _ = StillRecorder(outputs) if self.order.still else Recorder(outputs, self.order.plan.fps, repeats=True)

    def _asked(self, photo: Path) -> str:
        """Return what the result of a photo depends on, told by its size and time."""
        try:
            found = photo.stat()
        except OSError:
            return self.asked
        return f"{self.asked} {found.st_size} {found.st_mtime_ns}"

    def _made(self, tasks: Sequence[Task], ledger: Ledger, folders: NewFolders) -> Iterator[tuple[Task, Outcome]]:
        """Yield what comes of each task, as they are done."""
        begun = self._begun(tasks, ledger, folders)
        if min(self.jobs, len(tasks)) <= 1:
            yield from ((task, self.order.make(task)) for task in begun)
            return
        with Crew(self.jobs, self.order.make, partial(share_cores, self.jobs)) as crew:
            for task, outcome in crew.run(begun):
                yield task, self._lost(task, outcome) if isinstance(outcome, Lost) else outcome

    def _begun(self, tasks: Sequence[Task], ledger: Ledger, folders: NewFolders) -> Iterator[Task]:
        for task in tasks:
            folders.make(task.result.parent)
            ledger.begin(self.results[task.photo], self._asked(task.photo), task.photo)
            yield task

    def _lost(self, task: Task, lost: Lost) -> Outcome:
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
    import torch

    threads = max(1, torch.get_num_threads() // jobs)
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def run(batch: Batch, display: Display, report: str | None, *, as_json: bool) -> None:
    """Animate all photos, and tell what came of it on stdout, on stderr and in the file `report`.

    Ends with exit code 1 if a photo failed. Raises OutputError before any work.
    """
    place = None if report is None else batch.report_place(report)
    began = time.perf_counter()
    outcomes = batch.run(display)
    entry = batch.order.studio.entry
    model = {"name": entry.name, "path": str(entry.path)}
    told = tally.report_facts(batch.folder, model, outcomes, time.perf_counter() - began)
    if as_json:
        print_json(told)
    else:
        for path in (outcome.path for outcome in outcomes if outcome.outcome == "done"):
            typer.echo(path)
    if place is not None:
        tally.write_report(place, told)
    tally.tell_counts(outcomes, told["seconds"], display)
    tally.exit_if_failed(outcomes, display)
