"""Do two trees of ganimate make the same frames? `python tests/same_frames.py OTHER_TREE` compares it with this one.

Both animate the example photo with the default model to PNG frames, GIF and MP4, and edit one still; every decoded
frame must be bit-equal. For changes that move code and are to change nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

HERE = Path(__file__).resolve().parent.parent
RESULTS = {
    "frames": ["-e", "surprise", "-o", "frames/"],
    "happy.gif": ["-e", "happiness", "-o", "happy.gif"],
    "blink.mp4": ["--au", "45=1,4=0.5", "-o", "blink.mp4"],
    "sad.png": ["-e", "sadness", "--still", "-o", "sad.png"],
}


def make(tree: Path, folder: Path) -> None:
    """Let the ganimate of `tree` write all results into `folder`."""
    for options in RESULTS.values():
        command = [sys.executable, "-m", "ganimate", "animate", "--quiet", str(HERE / "examples" / "astronaut.jpg")]
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        subprocess.run([*command, *options], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def frames(path: Path) -> list[NDArray[np.uint8]]:
    """Return the decoded frames of a result."""
    if path.is_dir():
        return [np.array(Image.open(each)) for each in sorted(path.iterdir())]
    if path.suffix == ".mp4":
        reader = imageio_ffmpeg.read_frames(str(path))
        next(reader)
        return [np.frombuffer(each, np.uint8) for each in reader]
    return [np.array(each.convert("RGB")) for each in ImageSequence.Iterator(Image.open(path))]


def main(other: Path) -> int:
    """Compare; 0 if all frames are the same."""
    different = 0
    with tempfile.TemporaryDirectory() as work:
        ours, theirs = Path(work, "ours"), Path(work, "theirs")
        for tree, folder in ((HERE, ours), (other.resolve(), theirs)):
            folder.mkdir()
            make(tree, folder)
        for name in RESULTS:
            a, b = frames(ours / name), frames(theirs / name)
            same = len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
            print(f"{name}: {len(a)} frames, {'the same' if same else f'DIFFERENT from {len(b)}'}")
            different += not same
    return different


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
