"""What a batch on a cluster costs its driver and its workers, photo by photo, and what that means for many nodes.

Costs are times of the processor, not of the wall: what else the machine does is left out. examples/cluster.md holds the
numbers.

    python tests/measure_cluster.py
"""

from __future__ import annotations

import heapq
import json
import random
import shutil
import tempfile
import time
import tracemalloc
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ganimate.animation.batch import batch_job
from ganimate.animation.batch.batch_report import Outcome
from ganimate.animation.batch.collecting import collect, name_results
from ganimate.animation.batch.ledger import Ledger
from ganimate.animation.batch.photo_work import PhotoTask, PhotoWork
from ganimate.animation.batch.result_folder import LEDGER_NAME, result_folder
from ganimate.animation.batch.staged_work import Delivery, Parcel
from ganimate.animation.request import FaceRequest, move
from ganimate.animation.session import Session
from ganimate.config import Motion, Setup
from ganimate.system.progress import Silent

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = 300
RESULT_BYTES = 220_000  # a GIF of the quick start: 24 frames, 512 px
TOLD: dict[str, Any] = {"frames": 24, "width_px": 512, "height_px": 512, "warnings": [], "faces": [{"number": 1}]}
NODES, CORES, ALL_PHOTOS = 100, 16, 10_000_000
SIMULATED = 200_000


@dataclass(frozen=True)
class NoWork:
    """Makes nothing of a photo, at once, and sends as much back as an animation is."""

    shared: bool

    def make(self, parcel: Parcel) -> Delivery:
        """Return what a worker would."""
        outcome = Outcome(str(parcel.task.photo), "done", str(parcel.name), seconds=1.0, told=TOLD)
        return Delivery(outcome, None if self.shared else bytes(RESULT_BYTES))


def work() -> PhotoWork:
    """Return what the quick start asks for."""
    session = Session.of(Setup(), Silent())
    asked = FaceRequest(move(["self"], ["happiness"], "keep", Motion()))
    return PhotoWork(asked, session, "largest", still=False, loop=Motion().loop, mark=True)


def photo_cost(photo: Path, out: Path) -> tuple[float, float, int]:
    """Return the seconds of the first and of a later photo in one process, and the bytes of the result."""
    how, seconds = work(), []
    for number in range(3):
        began = time.process_time()
        result = out / f"{number}.gif"
        assert how.make(PhotoTask(number, photo, result, False)).outcome == "done"
        seconds.append(time.process_time() - began)
    return seconds[0], min(seconds[1:]), result.stat().st_size


def driver_cost(photos: Path, out: Path, shared: bool, traced: bool = False) -> tuple[float, float, float]:
    """Return the driver's seconds a photo, and bytes a photo: of its memory, if it is `traced`, and of the ledger."""
    real = batch_job.StagedWork.of
    batch_job.StagedWork.of = lambda how, folder: NoWork(shared)  # type: ignore[method-assign,assignment,return-value]
    folder, ledger = result_folder(str(out)), 0
    if traced:  # which slows everything down
        tracemalloc.start()
    try:
        began = time.process_time()
        sources = collect([str(photos)], recursive=False, outside=folder.root)
        names = name_results(sources, ".gif", None)
        result = batch_job.BatchJob(work(), sources, names, folder, "asked", cluster="auto", jobs=2).run(Silent())
        seconds = time.process_time() - began
        memory = tracemalloc.get_traced_memory()[0] if traced else 0
    finally:
        batch_job.StagedWork.of = real  # type: ignore[method-assign]
        tracemalloc.stop()
    assert result.facts["done"] == PHOTOS
    if not shared:
        ledger = (out / LEDGER_NAME).stat().st_size
    return seconds / PHOTOS, memory / PHOTOS, ledger / PHOTOS


def resume_cost(room: Path) -> float:
    """Return the seconds of reading a ledger, a line."""
    lines = 100_000
    row = (
        '{"result": "%07d.gif", "asked": "0123456789abcdef 123831 1700000000000000000", "before": null, "photo": "x"}\n'
    )
    room.mkdir()
    (room / LEDGER_NAME).write_text("".join(row % number for number in range(lines)))
    began = time.process_time()
    Ledger(result_folder(str(room)))
    return (time.process_time() - began) / lines


def simulated(workers: int, work_s: float, driver_s: float, losses_a_day: float) -> tuple[float, float]:
    """Return photos a second, and the seconds from when the first worker has nothing left to do to the end.

    The driver serves one worker after the other; a photo takes 0.5 to 3 times the usual, one in a thousand 20 times;
    a lost worker takes 30 s to be replaced, and its photo is begun anew.
    """
    rng, free_at, driver_at, idle_at = random.Random(0), [0.0] * workers, 0.0, 0.0
    for number in range(SIMULATED):
        ready = heapq.heappop(free_at)
        driver_at = max(driver_at, ready) + driver_s
        took = work_s * (20 if rng.random() < 1e-3 else rng.triangular(0.5, 3, 0.7))
        if rng.random() < took * losses_a_day / 86_400:
            took += rng.random() * took + 30
        heapq.heappush(free_at, driver_at + took)
        idle_at = free_at[0] if number == SIMULATED - 1 else idle_at
    end = max(free_at)
    return SIMULATED / end, end - idle_at


def main() -> None:
    """Measure and print."""
    import ray

    said = StringIO()
    with tempfile.TemporaryDirectory() as room, redirect_stderr(said):
        photos, astronaut = Path(room, "in"), ROOT / "examples" / "astronaut.jpg"
        photos.mkdir()
        for number in range(PHOTOS):
            shutil.copy(astronaut, photos / f"{number:05d}.jpg")
        first, later, result_bytes = photo_cost(astronaut, Path(room))
        with redirect_stdout(said):
            ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=40)
        told = {"first_s": first, "later_s": later, "result_bytes": result_bytes}
        told["driver_s"], _, told["ledger_bytes"] = driver_cost(photos, Path(room, "own"), shared=False)
        told["driver_shared_s"], _, _ = driver_cost(photos, Path(room, "shared"), shared=True)
        _, told["memory_bytes"], _ = driver_cost(photos, Path(room, "traced"), shared=True, traced=True)
        ray.shutdown()
        told["ledger_read_us"] = 1e6 * resume_cost(Path(room, "ledger"))
    print(json.dumps({name: round(value, 4) for name, value in told.items()}, indent=1))
    for nodes in (1, 10, NODES):
        for who in ("driver_s", "driver_shared_s"):
            pace, tail = simulated(nodes * CORES, later, told[who], losses_a_day=1 / CORES)
            print(f"{nodes} nodes, {who}: {pace:.1f} photos/s, {ALL_PHOTOS / pace / 3600:.1f} h, tail {tail:.0f} s")


if __name__ == "__main__":
    main()
