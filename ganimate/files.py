"""Files written as a whole: under a hidden temporary name first, then moved into place, so that none is half a file."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from ganimate.errors import OutputError


def write_file(path: Path, data: bytes) -> None:
    """Write or replace the file `path` as a whole; raises OutputError, and then leaves what was there."""
    try:
        replace_file(path, data)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}", "is there space left?") from error


def replace_file(path: Path, data: bytes) -> None:
    """Do what `write_file` does for those who tell of failures in their own words; raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove what a process that was killed while it wrote `path` left beside it."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        with contextlib.suppress(OSError):
            leftover.unlink()
