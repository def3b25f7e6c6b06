"""A clip of a talking face, made of two expressions of the example photo, and what an edit makes of it.

python tests/talking.py FOLDER      writes clip, edited frames and a sheet of both mouths at 3×, to be looked at
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from clips import make_clip
from numpy.typing import NDArray
from PIL import Image

import ganimate
from ganimate.animation.clip import ClipJob
from ganimate.animation.outputs import Outputs
from ganimate.facs import parse_expression
from ganimate.media import read_video
from ganimate.system.progress import Silent

Picture = NDArray[np.uint8]
PHOTO = Path(__file__).resolve().parent.parent / "examples" / "astronaut.jpg"
HEAD = (slice(20, 340), slice(60, 380))
CLOSER, OPENER = "23=0.2,25=0.4,26=0.15", "12=0.1,25=0.9,26=0.8"  # about "m" and "a"
EDIT = "12=+0.6"
ZOOM = 3


def talk(path: Path, frames: int = 8) -> Path:
    """Write a clip whose mouth opens within so many frames."""
    head = np.ascontiguousarray(ganimate.read_photo(PHOTO)[HEAD])
    shown = ganimate.frames(head, OPENER, start=CLOSER, frames=frames, hold=0.0, loop="once")
    return make_clip(path, list(shown))


def edited(clip: Path, folder: Path) -> list[Picture]:
    """Return the frames of a clip after the edit, written to `folder`."""
    ClipJob(clip, parse_expression(EDIT), Outputs(str(folder))).make(Silent())
    frames = []
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as image:
            frames.append(np.array(image.convert("RGB")))
    return frames


def sheet(before: list[Picture], after: list[Picture]) -> Picture:
    """Return lower faces of some frames before (above) and after the edit (below), ZOOM times as large."""
    places = np.unique(np.linspace(0, len(before) - 1, 4).round().astype(int))
    return np.hstack([np.vstack([_closely(frames[place]) for frames in (before, after)]) for place in places])


def _closely(frame: Picture) -> Picture:
    face = Image.fromarray(frame[90:190, 100:230])
    return np.array(face.resize((ZOOM * face.width, ZOOM * face.height), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    made = talk(place / "talking.mp4")
    Image.fromarray(sheet(list(read_video(made).frames()), edited(made, place / "edited"))).save(place / "sheet.png")
