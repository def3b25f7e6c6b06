"""How many processors the process may use, and threads that let others have them while they wait."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_GROUP = "proc/self/cgroup"  # Linux's groups of processes: lines of number, controllers and group
_MOUNT = "sys/fs/cgroup"


def share_processors() -> None:
    """Have the libraries that are loaded from now on use no more threads than the process may use processors.

    Threads that have nothing to do sleep instead of spinning, which would take the processor from another program or
    from one another. What the environment says already (``OMP_NUM_THREADS``, ``OMP_WAIT_POLICY``) is left as it is.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    quota = cpu_quota()
    if quota is not None and quota < usable_cpus():  # else torch's own number, of whole cores, is the better one
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, int(quota))))


def threads() -> int:
    """Return how many threads a network is to run on: what the environment says, as OpenMP reads it, or all."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(told) if told.isdecimal() and int(told) > 0 else usable_cpus()


def usable_cpus() -> int:
    """Return on how many processors the system lets the process run."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Return how many processors' time the process may take, as containers limit it; None for any.

    It is the least that its group or one above grants, in both versions of Linux's cgroups; `root` is for tests.
    """
    try:
        lines = (root / _GROUP).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return None
    return min((quota for line in lines for quota in _quotas(root / _MOUNT, line)), default=None)


def _quotas(mount: Path, line: str) -> Iterator[float]:
    """Yield the quotas of a group, which is a line of `_GROUP`, and of those above it."""
    _, controllers, group = line.split(":", 2)
    if controllers and "cpu" not in controllers.split(","):
        return
    folder, names = (mount / "cpu", ("cpu.cfs_quota_us", "cpu.cfs_period_us")) if controllers else (mount, ("cpu.max",))
    for part in (PurePosixPath(group), *PurePosixPath(group).parents):
        try:  # a container sees its own group at the top, whatever its path is called
            texts = [(folder / str(part).lstrip("/") / name).read_text("ascii") for name in names]
            quota_us, period_us = (float(word) for word in " ".join(texts).split())
        except (OSError, ValueError):  # there is no such file, or it says "max"
            continue
        if quota_us > 0 and period_us > 0:
            yield quota_us / period_us
