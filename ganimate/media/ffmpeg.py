"""The ffmpeg that imageio-ffmpeg brings along."""

from __future__ import annotations

import tempfile
from typing import IO

import imageio_ffmpeg

from ganimate.errors import DependencyError


def find_ffmpeg() -> str:
    """Return the path of the program; raises DependencyError."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        message = "ffmpeg, which reads videos and writes .mp4, was not found"
        raise DependencyError(message, "pip install imageio-ffmpeg") from error


def complaints_file() -> IO[bytes]:
    """Return an unnamed file for what ffmpeg says while it works, of any length; raises DependencyError."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        message = f"no temporary file can be made, which reading a video needs: {error.strerror or error}"
        raise DependencyError(message, "set TMPDIR to a folder that can be written to") from error
