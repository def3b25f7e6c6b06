"""Measures torch beside ONNX Runtime, cold and warm: `python tests/measure_backends.py [ROUNDS]`.

Cold is `ganimate animate` of 24 frames from a photo of 1920×1080 px to MP4, a process each, in turns. Warm are frames
of one process, in turns, too, by the size of the batch. Seconds are those of the processor, all threads together and
without the encoder's process; those of the wall say something on a machine that does nothing else. OMP_NUM_THREADS says
on how many threads networks run.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from ganimate.animation import animator as animator_module
from ganimate.animation.animator import Animator, PreparedFace
from ganimate.animation.session import make_detector
from ganimate.config import Motion
from ganimate.facs import parse_expression
from ganimate.figures.drawing import fit_into
from ganimate.media import read_photo
from ganimate.trajectory.plan import Move
from ganimate.zoo.backends import load_running_model
from ganimate.zoo.catalogue import find_model

PHOTO = Path(__file__).resolve().parent.parent / "examples" / "astronaut.jpg"
TOLD = """
import resource, runpy
try:
    runpy.run_module("ganimate", run_name="__main__")
except SystemExit:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""
BACKENDS, FRAMES, BATCHES = ("torch", "onnx"), 24, (1, 2, 4, 8)


def cold(photo: Path, backend: str, folder: Path) -> tuple[float, float, float]:
    """Return the seconds of the processor and of the wall, and the megabytes, of one animation."""
    arguments = ["-e", "happiness", "--frames", str(FRAMES), "--hold", "0", "--loop", "once", "-q", "--force"]
    words = ["animate", str(photo), *arguments, "-o", str(folder / "a.mp4"), "--backend", backend]
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", TOLD, *words], capture_output=True, text=True, check=True)
    processor_s, megabytes = map(float, done.stdout.split()[-2:])
    return processor_s, time.perf_counter() - began, megabytes


def warm(animator: Animator, photo: np.ndarray, person: PreparedFace, batch: int) -> tuple[float, float]:
    """Return the milliseconds of the processor and of the wall for each frame."""
    animator_module.BATCH_IMAGES = batch
    move = Move(parse_expression("happiness"), motion=Motion(FRAMES, hold_s=0, loop="once"))
    path = move.trajectory(person.source_aus, animator.model.card.words)
    processor, wall = time.process_time(), time.perf_counter()
    for _ in animator.frames(photo, [person], [path]):
        pass
    return 1e3 * (time.process_time() - processor) / FRAMES, 1e3 * (time.perf_counter() - wall) / FRAMES


def main(rounds: int) -> None:
    """Print medians."""
    picture = fit_into(read_photo(PHOTO), 1920, 1080)
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    print(f"{rounds} rounds, threads {threads}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as work:
        photo = Path(work, "photo.jpg")
        Image.fromarray(picture).save(photo, quality=95)
        taken = {name: [] for name in BACKENDS}
        for _ in range(rounds):
            for name in BACKENDS:
                taken[name].append(cold(photo, name, Path(work)))
        for name in BACKENDS:
            processor, wall, megabytes = np.median(taken[name], axis=0)
            print(f"cold, {name}: {processor:.2f} s of the processor, {wall:.2f} s, {megabytes:.0f} MB")
    faces = make_detector("hog").detect(picture)[:1]
    animators = {name: Animator(load_running_model(find_model().path, name, "cpu")) for name in BACKENDS}
    people = {name: each.prepare(picture, faces)[0] for name, each in animators.items()}
    keys = [(name, batch) for batch in BATCHES for name in BACKENDS]
    frames: dict[tuple[str, int], list[tuple[float, float]]] = {key: [] for key in keys}
    for _ in range(rounds + 1):
        for name, batch in keys:
            frames[name, batch].append(warm(animators[name], picture, people[name], batch))
    for name, batch in keys:
        processor, wall = np.median(frames[name, batch][1:], axis=0)
        print(f"warm, {name}, batch {batch}: {processor:.0f} ms of the processor, {wall:.0f} ms a frame")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
