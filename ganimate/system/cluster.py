"""One kind of work on the machines of a Ray cluster. Workers that are lost are replaced, and their tasks done again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, redirect_stdout, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Generic, TypeVar

from ganimate.errors import ConfigError, DependencyError
from ganimate.system.signals import SIGNALS

Task = TypeVar("Task")
Result = TypeVar("Result")

MOST_LOSSES = 3  # of workers, over one task: then it is left out, as it may be what ends them
ANSWER_S = 30.0  # for the head of a cluster to answer: Ray itself waits for minutes
PATIENCE_S = 300.0  # for the first worker to be there
LOOK_S = 1.0  # between two looks at whether one is


@dataclass(frozen=True)
class Done(Generic[Result]):
    """What came of a task, and on which machine."""

    result: Result
    node: str


@dataclass(frozen=True)
class GivenUp:
    """A task over which several workers were lost: the last one's end, and its machine."""

    reason: str
    node: str


@dataclass
class _Hand(Generic[Task]):
    """A worker as we see it: its actor, its machine once it is there, and the task that it is at."""

    actor: Any
    node: str = ""
    task: Task | None = None


class _Worker:
    """A worker on its machine."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work

    def node(self) -> str:
        """Return the name of the machine, and Ray's number of it: several may have one name."""
        import ray

        return f"{socket.gethostname()} {ray.get_runtime_context().get_node_id()[:8]}"

    def do(self, task: Any) -> Any:
        """Return what comes of a task."""
        return self._work(task)


class Cluster(Generic[Task, Result]):
    """Workers on a cluster, one a CPU (or one a GPU, with `gpu`), at most `jobs`; each gets `work` once.

    A worker has one task at a time, and a task is made when a worker is free for it: so no more of them, and of their
    results, are in memory than there are workers.
    """

    def __init__(
        self, address: str, work: Callable[[Task], Result], *, jobs: int | None = None, gpu: bool = False
    ) -> None:
        """Find the cluster at an address as Ray has them; "local" is one of this machine's own, made for the occasion.

        Raises DependencyError, ConfigError.
        """
        if find_spec("ray") is None:
            raise DependencyError("Ray is not installed", "pip install 'ganimate[cluster]', or leave out --cluster")
        import ray

        self._ray, self._gpu = ray, gpu
        self._own = not ray.is_initialized()
        if self._own:
            _connect(address)
        room = int(ray.cluster_resources().get("GPU" if gpu else "CPU", 0))
        if room < 1:
            what = "GPU" if gpu else "CPU"
            raise ConfigError(f"the cluster at {address} has no {what} for workers", "choose another --device")
        self.workers = min(room, jobs or room)
        self._quiet = ExitStack()
        self._work = ray.put(work)
        self._pending: dict[Any, _Hand[Task]] = {}  # by what is awaited of them
        self._again: deque[Task] = deque()
        self._losses: dict[int, int] = {}  # by the task's identity
        self._failed_starts = 0  # in a row

    def __enter__(self) -> Cluster[Task, Result]:
        # Ray prints what it thinks of lost workers on stdout, which is for results: it is told by what comes of tasks.
        self._quiet.enter_context(redirect_stdout(self._quiet.enter_context(open(os.devnull, "w", encoding="utf-8"))))
        return self

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Done[Result] | GivenUp]]:
        """Yield each task with what came of it, as they are done; raises ConfigError where no worker can begin."""
        coming = iter(tasks)
        for _ in range(self.workers):
            self._hire()
        over, idle_since = False, time.monotonic()
        idle: list[_Hand[Task]] = []
        while True:
            while idle and (self._again or not over):
                task = self._again.popleft() if self._again else next(coming, None)
                if task is None:
                    over = True
                else:
                    self._give(idle.pop(), task)
            if over and not self._again and not any(hand.task is not None for hand in self._pending.values()):
                return
            ready, _ = self._ray.wait(list(self._pending), num_returns=1, timeout=LOOK_S)
            if any(hand.node for hand in self._pending.values()) or idle or ready:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > PATIENCE_S:
                raise ConfigError(
                    f"no machine of the cluster took a worker within {PATIENCE_S:.0f} s", "is it busy with other work?"
                )
            for awaited in ready:
                hand = self._pending.pop(awaited)
                done = self._received(hand, awaited)
                if hand.node and not isinstance(done, GivenUp):
                    idle.append(hand)
                if done is not None and hand.task is not None:
                    task, hand.task = hand.task, None
                    yield task, done

    def _hire(self) -> None:
        options = {"num_cpus": 0, "num_gpus": 1} if self._gpu else {"num_cpus": 1}
        actor = self._ray.remote(_Worker).options(max_restarts=0, **options).remote(self._work)
        self._pending[actor.node.remote()] = _Hand(actor)

    def _give(self, hand: _Hand[Task], task: Task) -> None:
        hand.task = task
        self._pending[hand.actor.do.remote(task)] = hand

    def _received(self, hand: _Hand[Task], awaited: Any) -> Done[Result] | GivenUp | None:
        """Return what came of the hand's task; None where it has only come to be there, or is lost and the task is not.

        A lost one has no node any more, and another one is hired in its place.
        """
        errors = self._ray.exceptions
        try:
            value = self._ray.get(awaited)
        except errors.RayTaskError:
            raise  # a bug: work tells of what goes wrong in its results
        except errors.RayError as error:
            return self._lost(hand, error)
        if hand.task is None:
            hand.node, self._failed_starts = value, 0
            return None
        self._losses.pop(id(hand.task), None)
        return Done(value, hand.node)

    def _lost(self, hand: _Hand[Task], error: Exception) -> GivenUp | None:
        node, hand.node, task = hand.node, "", hand.task
        with suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(hand.actor)  # one that is only out of reach must not come to its end all the same
        if task is None:
            self._failed_starts += 1
            if self._failed_starts >= MOST_LOSSES:
                reason = " ".join(str(error).split())
                raise ConfigError(f"workers cannot begin: {reason[-300:]}", "is ganimate installed on all machines?")
        self._hire()
        if task is None:
            return None
        losses = self._losses[id(task)] = self._losses.get(id(task), 0) + 1
        if losses < MOST_LOSSES:
            self._again.append(task)
            hand.task = None
            return None
        return GivenUp(f"{losses} workers were lost over it, the last one on {node}", node)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(self._ray.exceptions.RayError, ValueError):
            for hand in self._pending.values():
                self._ray.kill(hand.actor)
        if self._own:
            self._ray.shutdown()
        self._quiet.close()


def _connect(address: str) -> None:
    """Connect to a cluster; raises ConfigError. Ray sends nothing home, and takes no signal from us."""
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")  # it writes past Python's stderr, a line a second
    if address != "local" and not _answers(address):
        message = f"the Ray cluster at {address} takes the connection, but has not answered within {ANSWER_S:.0f} s"
        raise ConfigError(message, "see with 'ray status' whether its head is well, and start it again if it is not")
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        ray.init(
            address, include_dashboard=None if address != "local" else False, log_to_driver=False, logging_level=40
        )
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        hint = (
            "say auto, an address such as 10.0.0.1:6379, or local for one of this machine; "
            "if the cluster has a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
        )
        raise ConfigError(f"there is no Ray cluster at {address}: {reason[:300]}", hint) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _answers(address: str) -> bool:
    """Say whether the head of a cluster answers, be it with a refusal: `ray.init` tells that one better.

    Ray is asked in a process of its own: who waits for a head in this one can be stopped by nothing.
    """
    told = [] if address == "auto" else ["--address", address]
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", *told]
    try:
        subprocess.run(command, check=False, timeout=ANSWER_S, stdin=subprocess.DEVNULL, capture_output=True)
    except subprocess.TimeoutExpired:
        return False
    return True
