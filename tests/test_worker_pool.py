"""A crew of processes: every task is done once, a process that dies costs its task only, and all end with us."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from ganimate.system.worker_pool import Crew, Lost


def nothing() -> None:
    """What a process needs no preparation for."""


def square_or_die(number: int) -> tuple[int, int]:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number, os.getpid()


def hold_a_file(path: Path) -> None:
    """Keep a file until it is stopped, as a writer does."""
    path.touch()
    try:
        time.sleep(60)
    finally:
        path.unlink()


def gone(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


def test_every_task_is_done_and_a_process_that_dies_costs_one() -> None:
    with Crew(2, square_or_die, nothing) as crew:
        done = dict(crew.run(range(6)))
    lost = done.pop(3)
    assert isinstance(lost, Lost) and lost.exit_code == -signal.SIGKILL
    results = {number: result for number, result in done.items() if not isinstance(result, Lost)}
    assert {number: result[0] for number, result in results.items()} == {n: n * n for n in (0, 1, 2, 4, 5)}
    pids = {result[1] for result in results.values()}
    assert os.getpid() not in pids
    assert all(gone(pid) for pid in pids)


def test_no_more_processes_than_tasks_and_none_for_none() -> None:
    with Crew(8, square_or_die, nothing) as crew:
        assert list(crew.run([])) == []
        assert len({pid for _, (_, pid) in crew.run([1])}) == 1  # type: ignore[misc]


def press_ctrl_c(files: list[Path]) -> None:
    """As soon as all files are there."""
    while not all(path.exists() for path in files):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def test_leaving_early_lets_processes_tidy_up(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    thread = threading.Thread(target=press_ctrl_c, args=(files,), daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt), Crew(2, hold_a_file, nothing) as crew:
        list(crew.run(files))
    thread.join()
    assert list(tmp_path.iterdir()) == []
