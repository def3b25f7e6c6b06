"""What a frame costs, and how much memory an animation takes, as photos grow and the face stays as large.

A photo of a face on a wide ground is animated to an MP4 in a process of its own, once with few frames and once with
more: the difference is what a frame costs, in time of the processor, ours and the encoder's apart. Memory is the most
that we and the encoder had, added up, in the longer run.

    python tests/measure_sizes.py [MEGAPIXELS …] [--frames 36]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

import ganimate

MEGAPIXELS = (1.0, 3.0, 6.0, 12.0, 24.0, 50.0)
FEW = 12  # frames
LOOK_S = 0.02
HEAD_PX = 800  # of the example's head in each photo: the face is 280 px wide, and is found in 50 megapixels, too
PHOTO = Path(__file__).resolve().parent.parent / "examples" / "astronaut.jpg"
CHILD = """
import json, os, sys
from ganimate.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
times = os.times()
print(json.dumps({"own_s": times.user + times.system, "encoder_s": times.children_user + times.children_system}))
"""


def wide_photo(path: Path, megapixels: float) -> None:
    """Write a photo of so many pixels, 3:2, with the example's face as large as it is, on grainy ground."""
    example = ganimate.read_photo(PHOTO)
    face = cv2.resize(example[20:340, 60:380], (HEAD_PX, HEAD_PX), interpolation=cv2.INTER_CUBIC)
    width = round((megapixels * 1e6 * 1.5) ** 0.5 / 2) * 2
    height = round(width / 3) * 2
    ground = cv2.resize(cv2.GaussianBlur(example, (0, 0), 20), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).normal(0, 2, (height, width, 1)).astype(np.float32)
    photo = np.clip(ground + grain, 0, 255).astype(np.uint8)
    top, left = (height - len(face)) // 2, (width - len(face)) // 2
    photo[top : top + len(face), left : left + len(face)] = face
    Image.fromarray(photo).save(path, quality=95)


class Memory:
    """The most memory that a process and its children had, in MiB; each by itself, and not always at one time."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most_kb, self._over = pid, dict[int, int](), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def close(self) -> tuple[float, float]:
        """Return what the process and what its largest child had."""
        self._over.set()
        self._thread.join()
        own = self._most_kb.pop(self._pid, 0)
        return own / 1024, max(self._most_kb.values(), default=0) / 1024

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            for pid in (self._pid, *_children(self._pid)):
                with suppress(OSError, IndexError, ValueError):
                    status = Path(f"/proc/{pid}/status").read_text()
                    self._most_kb[pid] = int(status.partition("VmHWM:")[2].split()[0])


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]
    return []


def animated(photo: Path, frames: int) -> dict[str, Any]:
    """Return seconds and MiB of one animation."""
    asked = ("animate", photo, "-e", "happiness", "--frames", frames, "--hold", 0, "--loop", "once", "--quiet")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", CHILD, *map(str, asked), "-o", f"{folder}/result.mp4"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
        memory = Memory(process.pid)
        said, _ = process.communicate()
        own_mb, encoder_mb = memory.close()
        assert process.returncode == 0
    told: dict[str, Any] = json.loads(said.splitlines()[-1])
    return told | {"own_mb": own_mb, "encoder_mb": encoder_mb}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("megapixels", nargs="*", type=float, default=MEGAPIXELS)
    parser.add_argument("--frames", type=int, default=36)
    chosen = parser.parse_args()
    print("| megapixels | a frame, ours | the encoder's | memory, ours | the encoder's | both |\n" + 6 * "|---" + "|")
    for megapixels in chosen.megapixels:
        with tempfile.TemporaryDirectory() as folder:
            photo = Path(folder, "photo.jpg")
            wide_photo(photo, megapixels)
            few, many = animated(photo, FEW), animated(photo, chosen.frames)
        more = chosen.frames - FEW
        own, encoder = (1e3 * (many[name] - few[name]) / more for name in ("own_s", "encoder_s"))
        memory = (many["own_mb"], many["encoder_mb"])
        told = (f"{own:.0f} ms", f"{encoder:.0f} ms", *(f"{each:.0f} MiB" for each in (*memory, sum(memory))))
        print(f"| {megapixels:g} | {' | '.join(told)} |", flush=True)


if __name__ == "__main__":
    main()
