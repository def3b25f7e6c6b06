"""The sound of a video, laid under the pictures of another: copied where MP4 can hold it, otherwise made AAC."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ganimate.media.ffmpeg import find_ffmpeg

# Opus and others could be copied too, but then the MP4 would not play everywhere.
COPIED_CODECS = ("aac", "mp3", "ac3", "eac3", "alac")


@dataclass(frozen=True)
class Sound:
    """The first sound track of the video at `path`, in ffmpeg's name `codec`, from `start_s` on."""

    path: Path
    codec: str
    start_s: float = 0.0


def add_sound(silent: Path, sound: Sound, result: Path, duration_s: Fraction) -> str | None:
    """Write the pictures of the MP4 `silent` with the sound to `result`, never longer than `duration_s`.

    Returns None, or ffmpeg's reason why neither a copy nor a conversion was possible.
    """
    reason = "no reason given"
    for codec in ("copy", "aac") if sound.codec in COPIED_CODECS else ("aac",):
        done = subprocess.run(
            _command(silent, sound, result, duration_s, codec),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            start_new_session=True,  # Ctrl-C is for us
        )
        if done.returncode == 0:
            return None
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else reason
    return reason


def _command(silent: Path, sound: Sound, result: Path, duration_s: Fraction, codec: str) -> list[str]:
    start = ["-ss", f"{sound.start_s:.6f}"] if sound.start_s else []
    return [
        *(find_ffmpeg(), "-y", "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error"),
        *("-i", f"file:{silent}", "-protocol_whitelist", "file", "-vn", *start, "-i", f"file:{sound.path}"),
        *("-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-c:a", codec, "-t", f"{float(duration_s):.6f}"),
        *("-movflags", "+faststart", "-f", "mp4", f"file:{result}"),
    ]
