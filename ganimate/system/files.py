"""Files written as a whole: under a hidden temporary name first, then moved into place, so that none is half a file.

Whoever makes something temporary promises to undo it, before it is there, and settles that when it is gone. What is
left of these promises at the end of a process, because an interrupt came where no `finally` saw it, `tidy` keeps.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Hashable
from pathlib import Path

from ganimate.errors import OutputError

_promises: dict[Hashable, Callable[[], None]] = {}


def promise(thing: Hashable, undo: Callable[[], None]) -> None:
    """Note that `undo`, which never raises, is to be called for the temporary `thing` unless `settle` is."""
    _promises[thing] = undo


def settle(thing: Hashable) -> None:
    """Note that nothing temporary is left of `thing`."""
    _promises.pop(thing, None)


def tidy() -> None:
    """Undo everything temporary that is left, the latest first."""
    while _promises:
        _, undo = _promises.popitem()
        undo()


def write_file(path: Path, data: bytes) -> None:
    """Write or replace the file `path` as a whole; raises OutputError, and then leaves what was there."""
    try:
        replace_file(path, data)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}", "is there space left?") from error


def replace_file(path: Path, data: bytes) -> None:
    """Do what `write_file` does for those who tell of failures in their own words; raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    promise(temporary, lambda: _remove(temporary))
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        _remove(temporary)
        settle(temporary)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove what a process that was killed while it wrote `path` left beside it."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        with contextlib.suppress(OSError):
            leftover.unlink()
