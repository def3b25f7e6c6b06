"""Clips taken apart into stretches, without coding them anew, and put together again with their sound."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import OutputError, VideoError
from ganimate.media.packets import mp4_box
from ganimate.media.provenance import Mark
from ganimate.media.sound import Sound, add_sound
from ganimate.media.videos import Video, ffmpeg_command, picture_source

Fields = NDArray[np.uint8]
SMALL_PX = (32, 18)
AROUND_S = 1.0  # of a clip is cut out beside a stretch: frames are stored in another order than they are shown


def small_frames(video: Video) -> Fields:
    """Return all frames as a few grey fields each, (F, 576) uint8; raises VideoError."""
    fields = _fields(video)
    if fields is None:
        raise VideoError(f"'{video.path}' cannot be looked through", "copy or download the video again")
    return fields


def _fields(video: Video) -> Fields | None:
    """Return the same, and None where there is none or reading stops short."""
    width, height = SMALL_PX
    small = f"{video.paced},scale={width}:{height}:flags=area,format=gray"
    done = _ran([*video.source, "-vf", small, "-f", "rawvideo", "pipe:1"])
    if done.returncode != 0 or not done.stdout:
        return None
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, width * height)


def scene_changes(fields: Fields) -> NDArray[np.float32]:
    """Return how much each frame but the first differs from the one before, (F-1,) of 255, by their `small_frames`."""
    return np.array([np.abs(b.astype(np.int16) - a).mean() for a, b in pairwise(fields)], np.float32)


def cut_out(video: Video, first: int, end: int, fields: Fields) -> tuple[Video, bytes]:
    """Return the frames from `first` to before `end` as a part, a video whose file is still to be put somewhere.

    `fields` are the `small_frames` of the clip, by which it is seen that the part has these very frames: not every kind
    of file can be entered at a given time. Raises VideoError where the clip's coding cannot be taken apart, or what it
    tells of itself would be lost.
    """
    if video.facts.rotation_deg:
        raise VideoError(f"'{video.path}' is turned when it is shown", "animate it as a whole")
    start_s = max(0.0, float(first / video.facts.fps) - AROUND_S)
    until_s = float(end / video.facts.fps) + AROUND_S
    part = replace(video, span=(first, end))
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "part")
        for enter in (["-ss", f"{start_s:.6f}"] if start_s else [], []):
            taken = ["-copyts", "-start_at_zero", *enter, *picture_source(video.path), "-to", f"{until_s:.6f}"]
            done = _ran([*taken, "-c", "copy", "-f", "matroska", "-y", f"file:{path}"])
            found = _fields(replace(part, path=path)) if done.returncode == 0 else None
            if found is not None and np.array_equal(found, fields[first:end]):
                return part, path.read_bytes()
    raise VideoError(f"'{video.path}' is of a kind that cannot be taken apart", "animate it as a whole")


def _ran(arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """Run ffmpeg; Ctrl-C is for us."""
    command = [*ffmpeg_command("error"), *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, start_new_session=True)


def put_together(
    parts: Sequence[Path], result: Path, sound: Sound | None, duration_s: Fraction, mark: Mark | None
) -> str | None:
    """Write MP4s of one coding as one to `result`, with the sound; returns why that had to be left out, or None.

    Raises OutputError.
    """
    with tempfile.TemporaryDirectory(dir=result.parent) as room:
        listed, silent = Path(room, "parts.txt"), Path(room, "silent.mp4")
        lines = [f"file '{str(part.resolve()).replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}'" for part in parts]
        listed.write_text("\n".join(["ffconcat version 1.0", *lines, ""]), "utf-8")
        told = [] if mark is None else ["-metadata", f"comment={mark.comment}"]
        taken = ["-y", "-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy", *told]
        done = _ran([*taken, "-movflags", "+faststart", "-f", "mp4", f"file:{silent}"])
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip().splitlines()
            raise OutputError(f"the stretches of '{result}' cannot be joined: {(reason or ['no reason given'])[-1]}")
        failure = None if sound is None else add_sound(silent, sound, result, duration_s)
        if sound is None or failure is not None:
            silent.replace(result)
    if mark is not None:
        with result.open("ab") as file:
            file.write(mp4_box(mark.packet()))
    return failure
