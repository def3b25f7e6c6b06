"""Ctrl-C at any moment: results are whole or not there, and nothing temporary is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import ctrl_c
import numpy as np
import pytest
from synthetic import shoot

from ganimate.config import CropSpec
from ganimate.data import pack as packs
from ganimate.data.pack import PackRow, PackWriter, open_pack
from ganimate.errors import OutputError
from ganimate.media import gif, mp4, open_writer, places, stills, streams, write_image, writers
from ganimate.system import files
from ganimate.system import signals as stopping
from ganimate.trajectory import Trajectory, save_trajectory, tables

WRITING = {  # where it matters at which line an interrupt comes
    module.__file__ for module in (places, streams, writers, stills, gif, mp4, files, packs, tables)
}
Write = Callable[[Path], None]


class Interrupter:
    """Raises a KeyboardInterrupt at one line of what writes results, or only counts the lines that a function runs."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.lines = at, 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Interrupter | None:
        if frame.f_code.co_filename not in WRITING:
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                raise KeyboardInterrupt
        return self

    def run(self, function: Callable[[], None]) -> bool:
        """Run it; say whether it came to its end."""
        sys.settrace(self)
        try:
            function()
        except KeyboardInterrupt:
            return False
        finally:
            sys.settrace(None)
        return True


def picture(shade: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((34, 36, 3), shade, np.uint8)


def animation(name: str) -> Write:
    def write(folder: Path) -> None:
        with open_writer(folder / name, 10, overwrite=True) as writer:
            for shade in (0, 90, 200):
                writer.append(picture(shade))

    return write


def still(folder: Path) -> None:
    write_image(folder / "a.png", picture(90), overwrite=True)


def table(folder: Path) -> None:
    save_trajectory(Trajectory(np.zeros((3, 1), np.float32), 25.0, (12,)), folder / "a.csv", overwrite=True)


def pack(folder: Path) -> None:
    shot = shoot(1, 1, 0)[0]
    with PackWriter(folder / "a.pack", CropSpec(size_px=32), (12,), overwrite=True) as writer:
        writer.add(PackRow("a.png", shot.image[:40, :40], shot.aus[:1], shot.landmarks, -1, False, 0.0))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("write", "moments"),
    [
        (animation("a.gif"), 25), (animation("frames/"), 60), (animation("a.mp4"), 5), (still, 40), (table, 40),
        (pack, 40),
    ],
    ids=["gif", "folder", "mp4", "still", "table", "pack"],
)  # fmt: skip
@pytest.mark.parametrize("there_before", [False, True], ids=["new", "replaced"])
def test_an_interrupt_at_any_line_leaves_the_old_or_the_new_and_nothing_else(
    tmp_path: Path, write: Write, moments: int, there_before: bool
) -> None:
    write(tmp_path)  # what is done once only, such as loading libraries, is none of the lines that count
    counter = Interrupter()
    assert counter.run(lambda: write(tmp_path))
    whole = contents(tmp_path)
    lines = np.unique(np.linspace(1, counter.lines, moments).astype(int)).tolist()
    stopped = 0
    for at in lines:
        folder = tmp_path / str(at)
        folder.mkdir()
        old = {}
        if there_before:
            write(folder)
            old = whole
        stopped += not Interrupter(at).run(lambda folder=folder: write(folder))  # type: ignore[misc]
        files.tidy()
        found = contents(folder)
        assert found in (old, whole), (at, sorted(found))
        assert {path.name for path in folder.iterdir()} <= {Path(name).parts[0] for name in whole}
    assert stopped > len(lines) / 2
    if "a.pack/pack.json" in whole:
        assert len(open_pack(tmp_path / "a.pack")) == 1


def test_promises_are_kept_the_latest_first_and_settled_ones_not() -> None:
    kept: list[str] = []
    for name in "abc":
        files.promise(name, lambda name=name: kept.append(name))  # type: ignore[misc]
    files.settle("b")
    files.tidy()
    files.tidy()
    assert kept == ["c", "a"]


def test_a_probe_and_a_finished_result_leave_no_promise(tmp_path: Path) -> None:
    before = len(files._promises)
    still(tmp_path)
    animation("a.gif")(tmp_path)
    with pytest.raises(OutputError):
        write_image(tmp_path / "a.png", picture(1))
    assert len(files._promises) == before


def run_python(code: str, *, stop: float, number: int = signal.SIGINT) -> subprocess.CompletedProcess[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ctrl_c.ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()  # it says when it is ready
    time.sleep(stop)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    return subprocess.CompletedProcess([], process.returncode, "", told)


LOADING = """
import sys, time
from ganimate import __main__ as console
class Slow:
    def __getattr__(self, name):
        print('.', flush=True)
        time.sleep(30)
sys.modules['ganimate.cli'] = Slow()
console.main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_while_libraries_load(number: int, code: int) -> None:
    done = run_python(LOADING, stop=0.05, number=number)
    assert done.returncode == code
    assert done.stderr == "error: stopped before anything was done\n"


COMMAND = """
import sys, time, typer, typing
from ganimate import cli
from ganimate.cli import models, errors
def parse(kind: str):
    if kind == 'parse':
        print('.', flush=True)
        time.sleep(30)
    return kind
@cli.app.command()
def wait(kind: typing.Annotated[str, typer.Argument(callback=parse)]):
    print('.', flush=True)
    if kind == 'exec':
        exec('time.sleep(30)')
    if kind == 'import':
        try:
            time.sleep(30)
        except KeyboardInterrupt:
            raise ImportError('numpy made this of it')
    if kind == 'finalizer':
        class Late:
            def __del__(self):
                time.sleep(30)
        Late()
    time.sleep(30)
sys.argv = ['ganimate', 'wait', {kind!r}]
cli.main()
"""


@pytest.mark.parametrize("kind", ["sleep", "import", "finalizer", "exec", "parse"])
def test_whatever_an_interrupt_becomes_it_is_told_as_one(kind: str) -> None:
    done = run_python(COMMAND.replace("{kind!r}", repr(kind)), stop=0.1)
    assert done.returncode == 130
    assert done.stderr == f"error: {stopping.SENTENCE}\n"


def test_a_real_command_stopped_in_its_course(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text("duration: 1\nkeyframes: [{time: 0.5, expression: happiness}]\n")
    assert ctrl_c.torment("timeline-plot", tmp_path, 3) == []
