"""Starts eight `ganimate animate` at once, with the default model: first to eight names, then all to the same one.

Of the first all succeed; of the second exactly one does, the others say that the name is taken, and the file is whole.

    python tests/crowd.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ganimate.media import read_video

ROOT = Path(__file__).resolve().parent.parent
COUNT = 8
PATIENCE_S = 1200


def animate(folder: Path, names: list[str]) -> list[tuple[int, str, float]]:
    """Return exit code, stderr and peak memory in MB of one process a name, all started at once."""
    report = "import resource, sys; from ganimate.__main__ import main\ntry:\n main()\nfinally:\n print('MB', resource.\
getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000, file=sys.stderr)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", report, "animate", "me.jpg", "-e", "happiness", "-q", "-o", name],
            cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for name in names
    ]  # fmt: skip
    ended = []
    for process in running:
        _, told = process.communicate(timeout=PATIENCE_S)
        lines = told.splitlines()
        ended.append((process.returncode, "\n".join(lines[:-1]), float(lines[-1].split()[1])))
    return ended


def whole(path: Path) -> int:
    """Return the frames of a GIF that can be read to its end."""
    return sum(1 for _ in read_video(path).frames())


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copy(ROOT / "examples" / "astronaut.jpg", folder / "me.jpg")
        began = time.monotonic()
        apart = animate(folder, [f"{number}.gif" for number in range(COUNT)])
        print(f"{COUNT} at once: {time.monotonic() - began:.0f} s, at most {max(mb for *_, mb in apart):.0f} MB each")
        assert all(code == 0 for code, *_ in apart), apart
        assert len({(folder / f"{number}.gif").read_bytes() for number in range(COUNT)}) == 1
        began = time.monotonic()
        same = animate(folder, ["same.gif"] * COUNT)
        print(f"{COUNT} to one name: {time.monotonic() - began:.0f} s, exit codes {[code for code, *_ in same]}")
        assert sorted(code for code, *_ in same) == [0] + [1] * (COUNT - 1), same
        assert all("'same.gif' already exists" in told for code, told, _ in same if code == 1), same
        assert (folder / "same.gif").read_bytes() == (folder / "0.gif").read_bytes()
        assert whole(folder / "same.gif") > 16
        left = {path.name for path in folder.iterdir()}
        assert left == {"me.jpg", "same.gif", *(f"{number}.gif" for number in range(COUNT))}, left
    print("all as it should be")


if __name__ == "__main__":
    main()
