"""Work on a Ray cluster of this machine: workers that are killed, bad tasks, shared storage; nothing lost or twice."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import fsspec
import numpy as np
import pytest
from clips import make_clip, sway
from numpy.typing import NDArray
from s3_server import served
from typer.testing import Result

from ganimate.animation.batch import clip_stretches
from ganimate.animation.batch.result_folder import LEDGER_NAME, SharedFolder
from ganimate.errors import ConfigError
from ganimate.media import read_video
from ganimate.system.cluster import MOST_LOSSES, Cluster, Done, GivenUp

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'ganimate[cluster]'")

TESTS = Path(__file__).resolve().parent


def test_no_cluster_is_told() -> None:
    # before any test has one
    with pytest.raises(ConfigError, match="no Ray cluster at auto") as told:
        Cluster("auto", str)
    assert "RAY_AUTH_TOKEN" in (told.value.hint or "")


def test_a_head_that_takes_the_connection_and_never_answers_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganimate.system.cluster.ANSWER_S", 8.0)
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(ConfigError, match="has not answered within 8 s") as told:
            Cluster(address, str)
        assert time.monotonic() - began < 60
    assert told.value.message.startswith(f"the Ray cluster at {address} takes the connection")
    assert "ray status" in (told.value.hint or "")


@pytest.fixture(scope="module")
def machines() -> Iterator[str]:
    """A cluster with room for two workers, which know of a bucket on S3; returns its address."""
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])  # workers find this file, and ganimate
    told = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    with served("bucket"), mock.patch.dict(os.environ, told):
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=40, object_store_memory=2**27)
        yield "auto"
        ray.shutdown()


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers and notes whoever does it; the workers that get some of them die, the first time or always."""

    notes: Path
    deadly_once: tuple[int, ...] = ()
    deadly: tuple[int, ...] = ()

    def __call__(self, number: int) -> int:
        with open(self.notes / str(os.getpid()), "a", encoding="utf-8") as file:
            file.write(f"{number}\n")
        marker = self.notes / f"met-{number}"
        if number in self.deadly or (number in self.deadly_once and not marker.exists()):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * number


def test_a_killed_worker_is_replaced_and_its_task_done_again(machines: str, tmp_path: Path) -> None:
    with Cluster(machines, Doubling(tmp_path, deadly_once=(3,)), jobs=2) as cluster:
        done = dict(cluster.run(iter(range(12))))
    assert {task: each.result for task, each in done.items() if isinstance(each, Done)} == {n: 2 * n for n in range(12)}
    assert all(each.node for each in done.values())
    begun = [path.read_text().split() for path in tmp_path.iterdir() if path.name.isdigit()]
    assert ["3"] in [numbers[-1:] for numbers in begun]  # somebody's last
    assert sorted(map(int, itertools.chain(*begun))) == sorted([*range(12), 3])


def test_a_task_that_ends_every_worker_is_given_up_and_stops_nobody(machines: str, tmp_path: Path) -> None:
    with Cluster(machines, Doubling(tmp_path, deadly=(1,)), jobs=2) as cluster:
        done = dict(cluster.run(iter(range(5))))
    assert sorted(done) == list(range(5))
    bad = done.pop(1)
    assert isinstance(bad, GivenUp) and f"{MOST_LOSSES} workers were lost over it" in bad.reason
    assert all(isinstance(each, Done) for each in done.values())


def test_tasks_are_made_when_a_worker_is_free(machines: str, tmp_path: Path) -> None:
    made: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    with Cluster(machines, Doubling(tmp_path), jobs=2) as cluster:
        for count, _ in enumerate(cluster.run(tasks()), 1):
            assert len(made) <= count + cluster.workers


# Batches


@pytest.fixture
def photos(tmp_path: Path, astronaut_path: Path) -> Path:
    """Six photos, and a damaged one."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(6):
        shutil.copy(astronaut_path, folder / f"{number}.jpg")
    (folder / "cut.jpg").write_bytes(astronaut_path.read_bytes()[:5000])
    return folder


def workers_at_work() -> list[int]:
    """Return the processes of Ray's workers on this machine that have a task."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if entry.read_bytes().startswith(b"ray::_Worker.do"):
                found.append(int(entry.parent.name))
    return found


def kill_one_after(result: Path, killed: list[int]) -> None:
    """Wait until a first result is there, and kill a worker that is at the next one."""
    began = time.monotonic()
    while not killed and time.monotonic() - began < 300:
        if result.is_dir() and any(path.suffix == ".gif" for path in result.iterdir()) and (busy := workers_at_work()):
            os.kill(busy[0], signal.SIGKILL)
            killed.append(busy[0])
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the worker to be killed in /proc")
def test_a_batch_loses_nothing_and_makes_nothing_twice_when_a_worker_is_killed(
    cli: Callable[..., Result], machines: str, photos: Path, tiny_model: Path, tmp_path: Path
) -> None:
    out, killed = tmp_path / "out", list[int]()
    command = ("batch", photos, "-e", "12=1", "--model", tiny_model, "--frames", 2, "-o", out)
    killer = threading.Thread(target=kill_one_after, args=(out, killed))
    killer.start()
    done = cli(*command, "--cluster", machines, "--json")
    killer.join()
    assert killed and done.exit_code == 1, done.stderr
    told = json.loads(done.stdout)
    assert (told["done"], told["failed"]) == (6, 1)
    assert sorted(path.name for path in out.iterdir()) == [LEDGER_NAME, *(f"{number}.gif" for number in range(6))]
    assert len({path.read_bytes() for path in out.glob("*.gif")}) == 1  # of one photo six times
    rows = {Path(row["photo"]).name: row for row in told["photos"]}
    assert len(rows) == len(told["photos"]) == 7 and all(row["node"] for row in told["photos"])
    assert rows["cut.jpg"]["reason"] == f"'{photos / 'cut.jpg'}' is damaged or cut off"
    begun = [json.loads(line)["result"] for line in (out / LEDGER_NAME).read_text().splitlines()]
    assert sorted(begun) == [*(f"{number}.gif" for number in range(6)), "cut.gif"]
    again = cli(*command, "--resume")  # without a cluster, by the same ledger
    assert "0 done, 6 skipped, 1 failed" in again.stderr


def test_workers_put_results_on_shared_storage(
    cli: Callable[..., Result], machines: str, photos: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("batch", photos / "0.jpg", photos / "1.jpg", "-e", f"@{photos / '2.jpg'}", "--model", tiny_model)
    command += ("--frames", 2, "-o", "s3://bucket/smiles", "--cluster", machines)
    put = SharedFolder.put
    monkeypatch.setattr(SharedFolder, "put", lambda *_: pytest.fail("the driver has written a result"))
    done = cli(*command)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "s3://bucket/smiles/0.gif\ns3://bucket/smiles/1.gif\n"
    monkeypatch.setattr(SharedFolder, "put", put)
    storage = fsspec.filesystem("s3")
    assert storage.cat("bucket/smiles/0.gif") == storage.cat("bucket/smiles/1.gif") != b""
    assert "0 done, 2 skipped" in cli(*command, "--resume").stderr


def kill_one_when_a_stretch_is_there(before: set[Path], killed: list[int]) -> None:
    """Wait until the driver has a first stretch, and kill a worker that is at another one."""
    began = time.monotonic()
    while not killed and time.monotonic() - began < 300:
        rooms = set(Path(tempfile.gettempdir()).glob("ganimate-stretches-*")) - before
        if any(path.suffix == ".mp4" for room in rooms for path in room.glob("*")) and (busy := workers_at_work()):
            os.kill(busy[0], signal.SIGKILL)
            killed.append(busy[0])
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the worker to be killed in /proc")
def test_a_long_clip_is_edited_in_stretches_as_in_one_go_though_a_worker_is_killed(
    cli: Callable[..., Result],
    machines: str,
    astronaut: NDArray[np.uint8],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = sway(astronaut, 50), [frame[:, ::-1] // 3 for frame in sway(astronaut, 30)]
    clip = make_clip(tmp_path / "clip.mp4", [*one, *map(np.ascontiguousarray, other)])
    command = ("batch", clip, "-e", "12=1,26=1", "--ramp", 1, "--model", tiny_model, "-o")
    assert cli(*command, tmp_path / "whole").exit_code == 0
    monkeypatch.setattr(clip_stretches, "MOST_S", 1.0)
    monkeypatch.setattr(clip_stretches, "LEAST_S", 0.4)
    killed: list[int] = []
    before = set(Path(tempfile.gettempdir()).glob("ganimate-stretches-*"))
    killer = threading.Thread(target=kill_one_when_a_stretch_is_there, args=(before, killed))
    killer.start()
    done = cli(*command, tmp_path / "apart", "--cluster", machines, "--json")
    killer.join()
    assert killed and done.exit_code == 0, done.stderr
    (told,) = json.loads(done.stdout)["photos"]
    assert (told["frames"], told["width_px"]) == (80, 320)
    assert sorted(path.name for path in (tmp_path / "apart").iterdir()) == [LEDGER_NAME, "clip.mp4"]
    whole, apart = (read_video(tmp_path / folder / "clip.mp4") for folder in ("whole", "apart"))
    assert apart.facts == whole.facts and apart.facts.audio == "aac"
    for a, b in zip(whole.frames(), apart.frames(), strict=True):
        assert np.abs(a.astype(int) - b).mean() < 3.0  # of 255: each is coded for itself, see `test_stretches`
    assert not set(Path(tempfile.gettempdir()).glob("ganimate-stretches-*")) - before
