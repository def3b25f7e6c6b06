"""Our GIF and MP4 writers against imageio's on the same frames: `python tests/measure_imageio.py FRAMES_FOLDER`.

FRAMES_FOLDER is a folder of PNG frames, such as `ganimate animate photo.jpg -e happiness -o frames/` writes. Told are
bytes, peak memory (of Python and of ffmpeg), seconds, the error of colours in 255ths (as they are, and blurred as the
eye does it), how many of the pixels that keep still in the frames do so in the file, and how far the file's clock is
off. `media/__init__.py` quotes the numbers.
"""

from __future__ import annotations

import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

Picture = NDArray[np.uint8]
FPS = 30
LARGE_PX, LARGE_FRAMES = (4000, 3000), 8


def frames(folder: Path, large: bool) -> Iterator[Picture]:
    """Yield the frames, one by one as they come from a model; large ones are enlarged."""
    for path in sorted(folder.iterdir())[: LARGE_FRAMES if large else None]:
        frame = np.asarray(Image.open(path).convert("RGB"))
        yield np.asarray(cv2.resize(frame, LARGE_PX), np.uint8) if large else frame


def ours(source: Iterator[Picture], path: Path) -> None:
    from ganimate.media import open_writer

    with open_writer(path, FPS) as writer:
        for frame in source:
            writer.append(frame)


def imageio_gif(source: Iterator[Picture], path: Path) -> None:
    import imageio.v3 as iio

    with iio.imopen(path, "w", plugin="pillow") as file:
        for frame in source:
            file.write(frame, duration=1000 / FPS, loop=0)


def imageio_mp4(source: Iterator[Picture], path: Path) -> None:
    import imageio

    options = {"codec": "libx264", "quality": None, "macro_block_size": 2, "ffmpeg_log_level": "error"}
    output = ["-crf", "18", "-preset", "fast"]
    with imageio.get_writer(path, format="FFMPEG", mode="I", fps=FPS, output_params=output, **options) as writer:
        for frame in source:
            writer.append_data(frame)


WRITERS: dict[str, tuple[str, Callable[[Iterator[Picture], Path], None]]] = {
    "our GIF": (".gif", ours),
    "imageio's GIF (pillow)": (".gif", imageio_gif),
    "our MP4": (".mp4", ours),
    "imageio's MP4 (ffmpeg)": (".mp4", imageio_mp4),
}


def write(name: str, folder: Path, path: Path, large: bool) -> None:
    """Write in this process, and print seconds and the peak memory of this process and its children in MB."""
    began = time.perf_counter()
    WRITERS[name][1](frames(folder, large), path)
    taken_s = time.perf_counter() - began
    peaks = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(taken_s, *peaks)


def read(path: Path) -> tuple[list[Picture], float]:
    """Return the frames that a player shows at the times of the source's, and the file's length in seconds."""
    if path.suffix == ".gif":
        shown, ends = [], [0.0]
        for image in ImageSequence.Iterator(Image.open(path)):
            shown.append(np.asarray(image.convert("RGB")))
            ends.append(ends[-1] + image.info["duration"] / 1000)
        times = np.arange(int(ends[-1] * FPS + 0.5)) / FPS + 0.5 / FPS
        return [shown[min(int(np.searchsorted(ends, t)) - 1, len(shown) - 1)] for t in times], ends[-1]
    from ganimate.media import read_video

    video = read_video(path)
    return list(video.frames()), video.facts.duration_s


def measure(name: str, folder: Path, large: bool) -> str:
    with tempfile.TemporaryDirectory() as work:
        path = Path(work, "result" + WRITERS[name][0])
        command = [sys.executable, __file__, str(folder), name, str(path), str(int(large))]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        taken_s, own_mb, child_mb = (float(number) for number in done.stdout.split()[-3:])
        told = f"{name}: {path.stat().st_size / 1e6:.2f} MB, {own_mb:.0f} + {child_mb:.0f} MB memory, {taken_s:.1f} s"
        return told if large else f"{told}, {quality(folder, path)}"


def quality(folder: Path, path: Path) -> str:
    wanted = list(frames(folder, False))
    shown, length_s = read(path)
    pairs = list(zip(wanted, shown, strict=False))
    error = np.mean([np.abs(a.astype(float) - b).mean() for a, b in pairs])
    seen = np.mean([np.abs(eye(a) - eye(b)).mean() for a, b in pairs])
    still = np.logical_and.reduce([(a == b).all(2) for a, b in itertools.pairwise(wanted)])
    kept = np.logical_and.reduce([(a == b).all(2) for a, b in itertools.pairwise(shown)])
    off_ms = (length_s - len(wanted) / FPS) * 1000
    return (
        f"colours off by {error:.2f} ({seen:.2f} to the eye), {kept[still].mean():.1%} of still pixels still, "
        f"clock off by {off_ms:+.0f} ms of {len(wanted) / FPS * 1000:.0f}"
    )


def eye(picture: Picture) -> NDArray[np.float64]:
    return cv2.GaussianBlur(picture.astype(np.float64), (0, 0), 1.5)


if __name__ == "__main__":
    if len(sys.argv) == 5:
        write(sys.argv[2], Path(sys.argv[1]), Path(sys.argv[3]), bool(int(sys.argv[4])))
    else:
        for large in (False, True):
            print(f"{LARGE_FRAMES} frames of {LARGE_PX[0]}×{LARGE_PX[1]} px" if large else "as they are")
            for each in WRITERS:
                print(" ", measure(each, Path(sys.argv[1]), large), flush=True)
