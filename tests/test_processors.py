"""How many processors the process may use, and that threads which wait let others have them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganimate.system import processors


def machine(folder: Path, groups: str, **files: str) -> Path:
    """Return a root folder with the files of cgroups, `__` in their names for slashes."""
    for name, text in {"proc__self__cgroup": groups, **files}.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        ("0::/", {"sys__fs__cgroup__cpu.max": "150000 100000\n"}, 1.5),
        ("0::/", {"sys__fs__cgroup__cpu.max": "max 100000\n"}, None),
        ("0::/a/b", {"sys__fs__cgroup__a__cpu.max": "50000 100000", "sys__fs__cgroup__a__b__cpu.max": "max 1"}, 0.5),
        ("0::/docker/x", {"sys__fs__cgroup__cpu.max": "400000 100000"}, 4.0),
        (
            "3:cpuset:/\n1:cpu,cpuacct:/\n0::/",
            {"sys__fs__cgroup__cpu__cpu.cfs_quota_us": "200000", "sys__fs__cgroup__cpu__cpu.cfs_period_us": "100000"},
            2.0,
        ),
        (
            "1:cpu,cpuacct:/\n",
            {"sys__fs__cgroup__cpu__cpu.cfs_quota_us": "-1", "sys__fs__cgroup__cpu__cpu.cfs_period_us": "100000"},
            None,
        ),
        ("1:cpuset:/\n", {"sys__fs__cgroup__cpu.max": "100000 100000\n"}, None),
        ("0::/", {}, None),
    ],
)
def test_a_quota_is_read_in_both_versions(
    tmp_path: Path, groups: str, files: dict[str, str], quota: float | None
) -> None:
    assert processors.cpu_quota(machine(tmp_path, groups, **files)) == quota


def test_without_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert processors.cpu_quota(tmp_path) is None


@pytest.mark.parametrize(("quota", "threads"), [(None, None), (1.5, "1"), (0.2, "1"), (3.0, "3"), (8.0, None)])
def test_threads_are_never_more_than_the_quota(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, threads: str | None
) -> None:
    monkeypatch.setattr(processors, "cpu_quota", lambda: quota)
    monkeypatch.setattr(processors, "usable_cpus", lambda: 4)
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that it is as before afterwards
        monkeypatch.delenv(name)
    processors.share_processors()
    assert os.environ.get("OMP_NUM_THREADS") == threads
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_what_the_environment_says_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "cpu_quota", lambda: 1.0)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    processors.share_processors()
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("7", "ACTIVE")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be bound to processors here")
def test_the_command_line_threads_as_few_as_it_may() -> None:
    code = """
import os, sys
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
sys.argv = ["ganimate", "--version"]
from ganimate.cli import main
try:
    main()
except SystemExit:
    import torch
    print(torch.get_num_threads(), os.environ["OMP_WAIT_POLICY"])
"""
    told = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=told, check=True)
    assert done.stdout.splitlines()[-1] == "1 PASSIVE"
