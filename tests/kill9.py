"""Kills a real `ganimate train` with SIGKILL at random moments; shows that it always resumes from a good checkpoint.

After every kill: the state and the model, if they are there, are whole (their digests are right), the state is never
older than before, and the next `ganimate train --resume` takes it up. At last the run is compared with one that was
never disturbed: all weights and moments must be equal bit for bit.

    python tests/kill9.py              20 kills, some minutes
    python tests/kill9.py --kills 3
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from synthetic import make_pack, shoot

from ganimate.training.run_folder import CONFIG_NAME, LOG_NAME, MODEL_NAME, STATE_NAME
from ganimate.zoo.card import MODEL_FORMAT, STATE_FORMAT, read_metadata
from ganimate.zoo.checkpoint import read_tensors

BATCH = 4
# A checkpoint every step, so that kills hit the writing.
SETTINGS = [
    *("--channels", "4", "--blocks", "2", "--critic-channels", "4", "--batch", str(BATCH)),
    *("--steps", "100000", "--precision", "fp32"),
    *("--save-every", "1", "--sample-every", "7", "--workers", "1"),
]
START_SHARE = 0.2  # of the kills come while the process starts
START_S, WORK_S = 4.0, 1.0  # the longest waits before a kill: from the start, and from the first new step
PATIENCE_S = 240


@dataclass
class Tally:
    """What the kills hit."""

    steps: list[int] = field(default_factory=list)  # of the state after each kill
    half_written: int = 0  # kills that left a temporary file: they came while a checkpoint was written
    before_first: int = 0  # kills before there was any checkpoint


def command(pack: Path, run: Path, *more: str) -> list[str]:
    resume = ["--resume"] if (run / CONFIG_NAME).exists() else SETTINGS
    train = [sys.executable, "-m", "ganimate", "train", str(pack), "--out", str(run)]
    return [*train, *resume, "--threads", "1", "--device", "cpu", *more]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}


def kill_once(pack: Path, run: Path, dice: random.Random) -> None:
    """Start the training, and kill it at a random moment."""
    log = run / LOG_NAME
    before = log.stat().st_size if log.exists() else 0
    process = subprocess.Popen(
        command(pack, run), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if dice.random() >= START_SHARE:
        end = time.monotonic() + PATIENCE_S
        while process.poll() is None and (not log.exists() or log.stat().st_size <= before):
            # the log is cut on resumption, so it may be shorter for a moment
            before = min(before, log.stat().st_size) if log.exists() else 0
            if time.monotonic() > end:
                process.kill()
                raise AssertionError("the training did not begin in time")
            time.sleep(0.005)
        time.sleep(dice.uniform(0, WORK_S))
    else:
        time.sleep(dice.uniform(0, START_S))
    process.send_signal(signal.SIGKILL)
    _, told = process.communicate()
    assert process.returncode == -signal.SIGKILL, f"the training ended by itself ({process.returncode}): {told}"


def check(run: Path, tally: Tally) -> None:
    """Look at what a kill left: whole files, and no step back."""
    tally.half_written += any(run.glob(".*.tmp")) if run.exists() else 0
    if not (run / STATE_NAME).exists():
        assert not tally.steps or max(tally.steps) == 0, "the state is gone"
        tally.before_first += 1
        tally.steps.append(0)
        return
    _, facts = read_tensors(run / STATE_NAME, STATE_FORMAT)  # raises where it is not whole
    if (run / MODEL_NAME).exists():
        read_tensors(run / MODEL_NAME, MODEL_FORMAT)
    step = int(facts["step"])
    assert step >= max(tally.steps, default=0), f"back from step {max(tally.steps)} to {step}"
    tally.steps.append(step)


def finish(pack: Path, run: Path, images: int) -> int:
    """Train for so many images more; returns the step of the last checkpoint."""
    subprocess.run(
        command(pack, run, "--images", str(images)), env=environment(), check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, timeout=PATIENCE_S + images,
    )  # fmt: skip
    return int(read_metadata(run / STATE_NAME, STATE_FORMAT)["step"])


def torment(folder: Path, kills: int, seed: int, watch: bool = False) -> Tally:
    """Kill a training so many times, and compare it with an undisturbed one; raises AssertionError and ModelError."""
    dice = random.Random(seed)
    make_pack(folder, shoot())
    pack, run, calm = folder / "faces.pack", folder / "run", folder / "calm"
    tally = Tally()
    for number in range(kills):
        kill_once(pack, run, dice)
        check(run, tally)
        if watch:
            print(f"kill {number + 1}: good checkpoint of step {tally.steps[-1]}", flush=True)
    last = finish(pack, run, 3 * BATCH)
    assert last == tally.steps[-1] + 3
    assert not list(run.glob(".*.tmp")), "half-written files of a kill were not swept"
    assert finish(pack, calm, last * BATCH) == last
    killed, undisturbed = (read_tensors(one / STATE_NAME, STATE_FORMAT)[0] for one in (run, calm))
    assert killed.keys() == undisturbed.keys()
    assert all(torch.equal(killed[name], undisturbed[name]) for name in killed), "the results differ"
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = torment(Path(folder), options.kills, options.seed, watch=True)
    print(f"{options.kills} kills in {time.monotonic() - began:.0f} s: always a good checkpoint")
    print(f"{tally.before_first} came before the first checkpoint, {tally.half_written} while one was written")
    print(f"after step {tally.steps[-1]} and 3 more, all weights and moments equal those of an undisturbed run")


if __name__ == "__main__":
    main()
