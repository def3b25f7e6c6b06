"""Do two trees of ganimate make the same frames? `python tests/same_frames.py OTHER_TREE` compares it with this one.

Both animate the example photo with the default model to PNG frames, GIF and MP4, and edit one still and a clip; every
decoded frame must be bit-equal, or, with a number after the tree, so near in each of its values of 255. For changes
that move code, or make it quicker, and are to change nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from clips import make_clip, sway
from numpy.typing import NDArray
from PIL import Image, ImageSequence

HERE = Path(__file__).resolve().parent.parent
CLIP = "clip.mp4"
RESULTS = {
    "frames": ["-e", "surprise", "-o", "frames/"],
    "happy.gif": ["-e", "happiness", "-o", "happy.gif"],
    "blink.mp4": ["--au", "45=1,4=0.5", "-o", "blink.mp4"],
    "sad.png": ["-e", "sadness", "--still", "-o", "sad.png"],
    "edited": ["-e", "surprise:0.7", "-o", "edited/"],  # the clip
}


def make(tree: Path, folder: Path) -> None:
    """Let the ganimate of `tree` write all results into `folder`."""
    for name, options in RESULTS.items():
        shown = folder.parent / CLIP if name == "edited" else HERE / "examples" / "astronaut.jpg"
        command = [sys.executable, "-m", "ganimate", "animate", "--quiet", str(shown)]
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


def main(other: Path, most: int) -> int:
    """Compare; 0 if no value of a frame differs by more than `most`."""
    different = 0
    with tempfile.TemporaryDirectory() as work:
        make_clip(Path(work, CLIP), sway(frames(HERE / "examples" / "astronaut.jpg")[0], 20))
        ours, theirs = Path(work, "ours"), Path(work, "theirs")
        for tree, folder in ((HERE, ours), (other.resolve(), theirs)):
            folder.mkdir()
            make(tree, folder)
        for name in RESULTS:
            a, b = frames(ours / name), frames(theirs / name)
            fits = len(a) == len(b) and all(x.shape == y.shape for x, y in zip(a, b, strict=True))
            far = (
                max((int(np.abs(x - y.astype(int)).max()) for x, y in zip(a, b, strict=True)), default=0)
                if fits
                else 255
            )
            print(f"{name}: {len(a)} frames, {far} of 255 apart{'' if fits else f', {len(b)} there'}", flush=True)
            different += far > most
    return different


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
