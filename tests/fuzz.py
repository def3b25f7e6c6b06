"""Feeds damaged files to every reader of ganimate; each must give a value or a sentence, soon and in little memory.

The law for every input: a value or a GanimateError; no other exception (MemoryError included), no crash, nothing
printed on stderr, under 5 s of computing (or a minute of waiting), and never more than 1 GB in the process. The inputs
follow from the seed, so a finding can be had again; those that broke the law are kept with their bytes.

    python tests/fuzz.py                                 all readers, 167,000 inputs
    python tests/fuzz.py --only images,models --count 5000
    python tests/fuzz.py --only images --at 1234         one input again, with its traceback
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import json
import math
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fuzz_subjects import SUBJECTS, Subject, make_input

from ganimate.errors import GanimateError

WAITING = 12  # times its seconds of computing an input may take by the wall clock
HARD_LIMIT_BYTES = 4_000_000_000  # beyond it memory is refused, so that the machine survives a finding
POLL_S = 0.05
START_S = 120.0  # to load the libraries
PATIENCE = 20  # findings after which a subject is given up


@dataclass(frozen=True)
class Limits:
    """What one input may take before it is a finding."""

    seconds: float = 5.0  # of computing: a wall clock would measure what else the machine does
    bytes: int = 1_000_000_000


class Board(ctypes.Structure):
    """What a worker writes down as it goes, in memory that outlives it."""

    _fields_ = [
        ("index", ctypes.c_int64),  # of the input at work; -1 before the first
        ("began", ctypes.c_double),
        ("began_cpu", ctypes.c_double),
        ("accepted", ctypes.c_int64),
        ("refused", ctypes.c_int64),
        ("slowest_s", ctypes.c_double),
        ("slowest", ctypes.c_int64),
        ("peak_bytes", ctypes.c_int64),
        ("largest", ctypes.c_int64),
    ]


@dataclass
class Finding:
    """An input that broke the law, and how."""

    subject: str
    index: int
    kind: str  # error, crash, hang, memory, noise
    told: str


@dataclass
class Tally:
    """What came of the inputs of one subject."""

    subject: str
    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    slowest: int = -1
    peak_bytes: int = 0
    largest: int = -1
    findings: list[Finding] = field(default_factory=list)

    def add(self, board: Board) -> None:
        """Count what a worker wrote down."""
        self.accepted += board.accepted
        self.refused += board.refused
        if board.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest = board.slowest_s, board.slowest
        if board.peak_bytes > self.peak_bytes:
            self.peak_bytes, self.largest = board.peak_bytes, board.largest

    def line(self) -> str:
        """Return the tally for people."""
        return (
            f"{self.subject:12} {self.inputs:7} inputs {self.inputs / max(self.seconds, 1e-9):7.0f}/s  "
            f"accepted {self.accepted:6}  refused {self.refused:6}  slowest {self.slowest_s:.2f} s (#{self.slowest})  "
            f"peak {self.peak_bytes / 1e6:.0f} MB (#{self.largest})  findings {len(self.findings)}"
        )


def try_input(subject: Subject, path: Path) -> str | None:
    """Return "accepted" or "refused" as the subject reads `path`; None, and a traceback on stdout, for a bug."""
    try:
        subject.read(path)
    except GanimateError as error:
        assert error.message.strip(), "a refusal without a word"
        return "refused"
    return "accepted"


def work(subject: Subject, seed: int, start: int, stop: int, limits: Limits, board_path: Path, folder: Path) -> None:
    """Read the inputs from `start` to `stop` one after the other; findings go to stdout as lines of JSON."""
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with board_path.open("r+b") as file:
        import mmap

        board = Board.from_buffer(mmap.mmap(file.fileno(), ctypes.sizeof(Board)))
    seeds = subject.seeds()
    for one in seeds:  # loads the libraries; every one of them is good
        (folder / subject.file_name).write_bytes(one)
        subject.read(folder / subject.file_name)
    resource.setrlimit(resource.RLIMIT_DATA, (HARD_LIMIT_BYTES, HARD_LIMIT_BYTES))
    noise, children = os.fstat(2).st_size, 0
    for index in range(start, stop):
        path = folder / subject.file_name
        path.write_bytes(make_input(subject, seeds, seed, index))
        _forget_peak()
        board.began, board.began_cpu, board.index = time.monotonic(), time.process_time(), index
        told = None
        try:
            outcome = try_input(subject, path)
        except BaseException as error:
            outcome, told = None, f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        seconds, peak = time.process_time() - board.began_cpu, _peak()
        board.accepted += outcome == "accepted"
        board.refused += outcome == "refused"
        if seconds > board.slowest_s:
            board.slowest_s, board.slowest = seconds, index
        if peak > board.peak_bytes:
            board.peak_bytes, board.largest = peak, index
        if (below := _children_peak()) > max(limits.bytes, children):
            _report(index, "memory", f"{below / 1e6:.0f} MB in a child process")
            children = below
        if told is not None:
            _report(index, "error", told)
        if seconds > limits.seconds:
            _report(index, "hang", f"{seconds:.1f} s")
        if peak > limits.bytes:
            _report(index, "memory", f"{peak / 1e6:.0f} MB")
        if os.fstat(2).st_size != noise:
            _report(index, "noise", os.pread(2, 2000, noise).decode(errors="replace"))
            noise = os.fstat(2).st_size
        board.began = board.began_cpu = math.inf  # what follows is not the reader's
    board.index = stop


def _report(index: int, kind: str, told: str) -> None:
    print(json.dumps({"index": index, "kind": kind, "told": told}), flush=True)


def _forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _peak() -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def _children_peak() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def hunt(name: str, count: int, seed: int, folder: Path, watch: bool = False, limits: Limits = Limits()) -> Tally:
    """Return what comes of `count` inputs of a subject, read in processes that are started anew after every crash."""
    tally, start = Tally(name, count), 0
    began = time.monotonic()
    while start < count and len(tally.findings) < PATIENCE:
        start = _one_worker(tally, seed, start, count, folder, watch, limits)
    tally.inputs = min(start, count)
    tally.seconds = time.monotonic() - began
    return tally


def _one_worker(tally: Tally, seed: int, start: int, stop: int, folder: Path, watch: bool, limits: Limits) -> int:
    """Run one worker to its end; return the index at which the next begins."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        board_path, told_path, noise_path = (Path(place) / name for name in ("board", "told", "noise"))
        board_path.write_bytes(bytes(Board(index=-1)))
        inner = Path(place) / "inputs"
        inner.mkdir()
        words = [tally.subject, str(seed), str(start), str(stop), str(limits.seconds), str(limits.bytes)]
        words += [str(board_path), str(inner)]
        with told_path.open("wb") as told, noise_path.open("w+b") as noise:
            command = [sys.executable, "-X", "faulthandler", __file__, "--worker", *words]
            process = subprocess.Popen(command, stdout=told, stderr=noise, env=_environment())
            why = _watch(process, board_path, limits.seconds, watch and tally)
            board = Board.from_buffer_copy(board_path.read_bytes())
            noise.seek(0)
            last_words = noise.read()[-3000:].decode(errors="replace")
        tally.add(board)
        found = [Finding(tally.subject, **json.loads(line)) for line in told_path.read_text().splitlines()]
        tally.findings += found
        reached = int(board.index)
        if why is not None:
            if reached < 0:
                raise RuntimeError(f"the worker for {tally.subject} did not begin: {last_words}")
            tally.findings.append(Finding(tally.subject, reached, why, last_words))
        for finding in tally.findings[-len(found) - (why is not None) :] if found or why else []:
            _keep(finding, seed, folder)
        return reached + 1


def _environment() -> dict[str, str]:
    root = Path(__file__).resolve().parent.parent
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}


def _watch(process: subprocess.Popen[bytes], board_path: Path, limit_s: float, shown: Tally | bool) -> str | None:
    """Wait for a worker; return how it ended, "hang" or "crash", or None where it came to its end."""
    born, ticks = time.monotonic(), 0
    while process.poll() is None:
        time.sleep(POLL_S)
        ticks += 1
        board = Board.from_buffer_copy(board_path.read_bytes())
        since, limit = (born, START_S) if board.index < 0 else (board.began, WAITING * limit_s)
        computing = board.index >= 0 and _cpu_s(process.pid) - board.began_cpu > limit_s
        if (computing or time.monotonic() - since > limit) and process.poll() is None:
            process.send_signal(signal.SIGUSR1)  # tells where it is
            time.sleep(0.2)
            process.kill()
            process.wait()
            return "hang"
        if isinstance(shown, Tally) and ticks % 20 == 0 and sys.stderr.isatty():
            print(f"\r{shown.subject}: {board.index} of {shown.inputs}", end="", file=sys.stderr, flush=True)
    return None if process.returncode == 0 else "crash"


def _cpu_s(pid: int) -> float:
    """Return the seconds that a process has computed for; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _keep(finding: Finding, seed: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subject = SUBJECTS[finding.subject]
    stem = folder / f"{finding.subject}-{seed}-{finding.index}-{finding.kind}"
    stem.with_suffix(".input" + subject.suffix).write_bytes(make_input(subject, subject.seeds(), seed, finding.index))
    stem.with_suffix(".txt").write_text(finding.told)
    print(f"{stem}: {finding.told.splitlines()[0] if finding.told else ''}", file=sys.stderr)


def again(name: str, seed: int, index: int) -> None:
    """Read one input in this process, and tell what comes of it."""
    subject = SUBJECTS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / subject.file_name
        path.write_bytes(make_input(subject, subject.seeds(), seed, index))
        _forget_peak()
        began = time.monotonic()
        try:
            print("accepted:", repr(subject.read(path))[:2000])
        except GanimateError as error:
            print(f"refused: {error.message}\nhint: {error.hint}")
        finally:
            print(f"{time.monotonic() - began:.3f} s, peak {_peak() / 1e6:.0f} MB")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, help="inputs for each subject, instead of its own share")
    parser.add_argument("--only", help=f"some of {', '.join(name for name in SUBJECTS if SUBJECTS[name].share)}")
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"), help="where findings are kept")
    parser.add_argument("--limit", type=float, default=Limits.seconds, help="seconds for one input")
    parser.add_argument("--at", type=int, help="read only this input, here")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    names = options.only.split(",") if options.only else [name for name in SUBJECTS if SUBJECTS[name].share]
    if options.at is not None:
        again(names[0], options.seed, options.at)
        return 0
    tallies = []
    for name in names:
        count = SUBJECTS[name].share if options.count is None else options.count
        tallies.append(hunt(name, count, options.seed, options.out, True, Limits(options.limit)))
        print(("\r" if sys.stderr.isatty() else "") + tallies[-1].line(), file=sys.stderr, flush=True)
    total = Tally("all", sum(t.inputs for t in tallies), sum(t.accepted for t in tallies))
    total.refused, total.seconds = sum(t.refused for t in tallies), sum(t.seconds for t in tallies)
    total.findings = [finding for tally in tallies for finding in tally.findings]
    total.slowest_s, total.peak_bytes = max(t.slowest_s for t in tallies), max(t.peak_bytes for t in tallies)
    print(json.dumps([asdict(t) for t in tallies], indent=1) if options.json else total.line())
    return 1 if total.findings else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker_name, worker_seed, first, last, most_s, most_bytes, board_file, worker_folder = sys.argv[2:]
        span = int(worker_seed), int(first), int(last)
        random.seed(0)
        limits = Limits(float(most_s), int(most_bytes))
        work(SUBJECTS[worker_name], *span, limits, Path(board_file), Path(worker_folder))
    else:
        sys.exit(main())
