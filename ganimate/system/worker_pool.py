"""Processes that do one kind of work side by side, and that end cleanly whatever happens to them or to us."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType, TracebackType
from typing import Generic, TypeVar

from ganimate.system.files import tidy

Task = TypeVar("Task")
Result = TypeVar("Result")

PATIENCE_S = 10.0  # for a process to tidy up


@dataclass(frozen=True)
class Lost:
    """A process that ended in the middle of its work: which it was, and how it ended (-9: killed by signal 9)."""

    pid: int
    exit_code: int


@dataclass
class _Worker(Generic[Task]):
    process: BaseProcess
    pipe: Connection
    task: Task


class Crew(Generic[Task, Result]):
    """Up to `jobs` processes, each with `prepare` done once, that do `work` on one task after another.

    Both must be picklable, as the processes are started afresh: what torch has begun does not survive a fork.
    Leaving the `with` block early, as by Ctrl-C, lets every process tidy up what it is at.
    """

    def __init__(self, jobs: int, work: Callable[[Task], Result], prepare: Callable[[], None]) -> None:
        self._jobs, self._work, self._prepare = jobs, work, prepare
        self._spawn = multiprocessing.get_context("spawn")
        self._workers: list[_Worker[Task]] = []

    def __enter__(self) -> Crew[Task, Result]:
        return self

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Result | Lost]]:
        """Yield each task with its result as they are done."""
        waiting = deque(tasks)
        while waiting and len(self._workers) < self._jobs:
            self._hire(waiting.popleft())
        while self._workers:
            ready = wait([worker.pipe for worker in self._workers])
            for worker in [worker for worker in self._workers if worker.pipe in ready]:
                task = worker.task
                try:
                    result: Result | Lost = worker.pipe.recv()
                except (EOFError, OSError):
                    result = self._dismiss(worker)
                    if waiting:
                        self._hire(waiting.popleft())
                else:
                    if waiting:
                        worker.task = waiting.popleft()
                        self._send(worker)
                    else:
                        self._dismiss(worker)
                yield task, result

    def _hire(self, task: Task) -> None:
        ours, theirs = self._spawn.Pipe()
        process = self._spawn.Process(target=_serve, args=(theirs, self._work, self._prepare), daemon=True)
        with _without_ctrl_c():  # which the process inherits: only we tell it when to stop
            process.start()
            theirs.close()
            self._workers.append(_Worker(process, ours, task))
        self._send(self._workers[-1])

    @staticmethod
    def _send(worker: _Worker[Task]) -> None:
        with contextlib.suppress(OSError):  # it is gone already, which is noticed when its result is awaited
            worker.pipe.send(worker.task)

    def _dismiss(self, worker: _Worker[Task]) -> Lost:
        """End a process that has nothing to do, or is gone; return which it was."""
        worker.pipe.close()
        self._end(worker)
        self._workers.remove(worker)
        return Lost(worker.process.pid or 0, worker.process.exitcode or 0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _without_ctrl_c():
            for worker in self._workers:
                worker.process.terminate()
            for worker in self._workers:
                self._end(worker)

    @staticmethod
    def _end(worker: _Worker[Task]) -> None:
        worker.process.join(PATIENCE_S)
        worker.process.kill()
        worker.process.join()


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C wait for nobody: it is ignored for as long as the block lasts."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # only the main thread may, and only there does it arrive
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _serve(pipe: Connection, work: Callable[[Task], Result], prepare: Callable[[], None]) -> None:
    """Do the tasks that come through the pipe until it is closed, by us or by our end."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
            prepare()
            while True:
                pipe.send(work(pipe.recv()))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        tidy()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop as by Ctrl-C, so that everything half done is undone; a second time would only disturb that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
