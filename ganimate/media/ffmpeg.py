"""The ffmpeg that imageio-ffmpeg brings along."""

from __future__ import annotations

import imageio_ffmpeg

from ganimate.errors import DependencyError


def find_ffmpeg() -> str:
    """Return the path of the program; raises DependencyError."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        message = "ffmpeg, which reads videos and writes .mp4, was not found"
        raise DependencyError(message, "pip install imageio-ffmpeg") from error
