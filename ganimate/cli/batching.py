"""The work of `ganimate batch`, from the checked command line to the report: one model, many photos."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from ganimate.cli.console import Display, plain_table, print_json
from ganimate.cli.errors import tell
from ganimate.cli.job import Job
from ganimate.collecting import Source
from ganimate.crew import Crew, Lost
from ganimate.errors import GanimateError, OutputError
from ganimate.files import write_file
from ganimate.ledger import Ledger
from ganimate.media import places
from ganimate.recording import Outputs, Recorder, StillRecorder

if TYPE_CHECKING:
    from ganimate.cli.session import Studio
    from ganimate.plan import Plan

What = Literal["done", "skipped", "failed"]
WHATS: tuple[What, ...] = ("done", "skipped", "failed")
TOLD = ("frames", "width_px", "height_px", "warnings", "faces")  # of what is known of a result


@dataclass(frozen=True)
class Task:
    """One photo to be animated: where it is, where its result goes, and whether that may replace something."""

    place: int  # among all photos
    photo: Path
    result: Path
    overwrite: bool


@dataclass(frozen=True)
class Outcome:
    """What came of one photo; `told` are the facts of its result, `hint` and `reason` say why there is none."""

    photo: str
    outcome: What
    path: str | None = None
    reason: str | None = None
    hint: str | None = None
    seconds: float = 0.0
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """The outcome as plain data."""
        fields = {name: value for name, value in asdict(self).items() if value is not None and name != "told"}
        return fields | {
            name: self.told[name] for name in ("frames", "width_px", "height_px", "warnings", "faces") if self.told
        }


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
        if tasks:
            self._refuse_to_replace(tasks)
            self._make_folder(tasks[0])
        try:
            with display.progress("animating photos", len(tasks), "finishing") as counted:
                for task, outcome in counted(self._made(tasks, ledger)):
                    outcomes[task.place] = outcome
                    _tell_outcome(outcome, len(outcomes), len(self.sources), display)
        except KeyboardInterrupt:
            done = sum(outcome.outcome == "done" for outcome in outcomes.values())
            tell(f"stopped: {done} of {len(tasks)} photos were animated", "the same command with --resume goes on")
            raise typer.Exit(130) from None
        return [outcomes[place] for place in range(len(self.sources))]

    def _look(self, place: int, source: Source, ledger: Ledger) -> Task | Outcome:
        """Return what is to be done for a photo, or why nothing is."""
        if source.trouble is not None:
            return _failed(source.path, source.trouble.message, source.trouble.hint)
        if source.is_video:
            return Outcome(str(source.path), "skipped", reason="a video, and a batch animates photos")
        result = self.results[source.path]
        task = Task(place, source.path, self.folder / result, self.force)
        state = ledger.state(result, self._asked(source.path))
        if self.resume and state == "done":
            return Outcome(str(source.path), "skipped", str(task.result), "done before")
        if self.resume and state == "stale":
            return Task(place, source.path, self.folder / result, overwrite=True)
        if self.resume and state == "foreign" and not self.force:
            return _failed(source.path, f"'{task.result}' is there, and no batch has made it", "--force replaces it")
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

    def _make_folder(self, first: Task) -> None:
        """Make the output folder, and raise OutputError where no result could be written to it."""
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(f"'{self.folder}' is a file, and a batch writes to a folder", "choose a folder with -o")
        missing = not self.folder.exists()
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            outputs = Outputs(str(self.folder / first.result.name), overwrite=True)
            _ = StillRecorder(outputs) if self.order.still else Recorder(outputs, self.order.plan.fps, repeats=True)
        except OutputError:
            if missing:
                self.folder.rmdir()
            raise

    def _asked(self, photo: Path) -> str:
        """Return what the result of a photo depends on, told by its size and time."""
        try:
            found = photo.stat()
        except OSError:
            return self.asked
        return f"{self.asked} {found.st_size} {found.st_mtime_ns}"

    def _made(self, tasks: Sequence[Task], ledger: Ledger) -> Iterator[tuple[Task, Outcome]]:
        """Yield what comes of each task, as they are done."""
        begun = self._begun(tasks, ledger)
        if min(self.jobs, len(tasks)) <= 1:
            yield from ((task, self.order.make(task)) for task in begun)
            return
        with Crew(self.jobs, self.order.make, partial(share_cores, self.jobs)) as crew:
            for task, outcome in crew.run(begun):
                yield task, self._lost(task, outcome) if isinstance(outcome, Lost) else outcome

    def _begun(self, tasks: Sequence[Task], ledger: Ledger) -> Iterator[Task]:
        for task in tasks:
            task.result.parent.mkdir(parents=True, exist_ok=True)
            ledger.begin(self.results[task.photo], self._asked(task.photo))
            yield task

    def _lost(self, task: Task, lost: Lost) -> Outcome:
        places.sweep(task.result.parent, lost.pid)
        signal = f"signal {-lost.exit_code}" if lost.exit_code < 0 else f"exit code {lost.exit_code}"
        hint = "often that is too little memory: use fewer --jobs, or a smaller copy"
        return _failed(task.photo, f"the process that animated it was ended by {signal}", hint)


def share_cores(jobs: int) -> None:
    """Let this process use its share of the cores, one of `jobs`."""
    import cv2
    import torch

    threads = max(1, torch.get_num_threads() // jobs)
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def _tell_outcome(outcome: Outcome, count: int, total: int, display: Display) -> None:
    if outcome.outcome == "done":
        display.note(f"{count}/{total}  {outcome.photo}: {outcome.path}, {outcome.seconds:.1f} s")
    else:
        display.note(f"{count}/{total}  {outcome.photo}: {outcome.outcome}: {outcome.reason}")


def run(batch: Batch, display: Display, report: str | None, *, as_json: bool) -> None:
    """Animate all photos, and tell what came of it on stdout, on stderr and in the file `report`.

    Ends with exit code 1 if a photo failed. Raises OutputError before any work.
    """
    place = None if report is None else places.FilePlace(report, batch.force or batch.resume)
    if place is not None and (place.path.parent.exists() or not place.path.is_relative_to(batch.folder.resolve())):
        place.check()
    began = time.perf_counter()
    outcomes = batch.run(display)
    told = _report(batch, outcomes, time.perf_counter() - began)
    if place is not None:
        place.path.parent.mkdir(parents=True, exist_ok=True)
        write_file(place.path, json.dumps(told, indent=2, ensure_ascii=False).encode("utf-8", "surrogateescape"))
    if as_json:
        print_json(told)
    else:
        for path in (outcome.path for outcome in outcomes if outcome.outcome == "done"):
            typer.echo(path)
    _tell_counts(outcomes, told["seconds"], display)
    _exit_if_failed(outcomes)


def _report(batch: Batch, outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """Return what came of a batch as plain data."""
    entry = batch.order.studio.entry
    return {
        "folder": str(batch.folder),
        "model": {"name": entry.name, "path": str(entry.path)},
        **{what: sum(outcome.outcome == what for outcome in outcomes) for what in WHATS},
        "seconds": round(seconds, 2),
        "photos": [outcome.facts for outcome in outcomes],
    }


def _tell_counts(outcomes: Sequence[Outcome], seconds: float, display: Display) -> None:
    """Print a table of all photos that were not animated, and how many were."""
    table = plain_table("photo", "", "why")
    for outcome in outcomes:
        if outcome.outcome != "done":
            table.add_row(outcome.photo, outcome.outcome, outcome.reason)
    if table.row_count:
        display.table(table)
    counts = ", ".join(f"{sum(one.outcome == what for one in outcomes)} {what}" for what in WHATS)
    display.note(f"{counts}, in {seconds:.1f} s")


def _exit_if_failed(outcomes: Sequence[Outcome]) -> None:
    failed = [outcome for outcome in outcomes if outcome.outcome == "failed"]
    if failed:
        of = "" if len(failed) == 1 else "; the first"
        tell(f"{len(failed)} of {len(outcomes)} photos failed{of}: {failed[0].reason}", failed[0].hint)
        raise typer.Exit(1)
