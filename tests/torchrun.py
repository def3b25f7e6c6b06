"""Trainings in several processes, started as users start them, and what their logs tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 180.0
BESIDE = ("images_per_s", "seconds", "waited_s")  # of a row of the log: not what was learnt


def torchrun(folder: Path, *arguments: object, processes: int = 2) -> subprocess.Popen[str]:
    """Start a command of ganimate in several processes, in `folder`."""
    words = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "-m", "ganimate", *map(str, arguments)]
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
    """Return what a process has printed, on stdout and on stderr."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code, err
    return out, err


def log_of(run: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in BESIDE} for row in rows]


def assert_alike(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> None:
    """Check that two logs tell the same of every step, but for rounding: of sums in another order, and of the log."""
    assert [row["step"] for row in ours] == [row["step"] for row in theirs]
    for mine, yours in zip(ours, theirs, strict=True):
        assert mine.keys() == yours.keys()
        terms = {name: value for name, value in mine.items() if not isinstance(value, dict)}
        assert terms == pytest.approx({name: yours[name] for name in terms}, rel=1e-3, abs=3e-5)
