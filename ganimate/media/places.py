"""Where results go: the checks before the slow work, the hidden temporary name during it, the move after it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ganimate.errors import OutputError
from ganimate.media.suffixes import ANIMATION_SUFFIXES, STILL_SUFFIXES
from ganimate.system.files import promise, settle

AnyPath = str | os.PathLike[str]
Kind = Literal["animation", "still"]

_TEMPORARY = ".ganimate-{}-"  # and the id of the process
_FRAME_NAME = re.compile(r"\d{5,}\.png")
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def check_output(path: AnyPath, overwrite: bool = False, kind: Kind = "animation") -> None:
    """Return if a result of this `kind` could be written to `path` now; meant to be called before any slow work.

    Raises OutputError with a hint: unknown suffix, place taken and not `overwrite`, parent folder missing or not
    writable (found out by creating a file there, as permission bits do not tell the whole story).
    """
    place_for(path, overwrite, kind).check()


def place_for(path: AnyPath, overwrite: bool, kind: Kind) -> Place:
    """Return the Place that `path` means: a folder if it ends in a slash or has no suffix, otherwise a file."""
    text = os.fspath(path)
    if not text:
        raise OutputError("the result has no name", "give it one, such as -o smile.gif")
    suffix = Path(text).suffix.lower()
    if kind == "still":
        if suffix in STILL_SUFFIXES:
            return FilePlace(text, overwrite)
        raise OutputError(f"cannot write a still picture to '{text}'", f"use one of {', '.join(STILL_SUFFIXES)}")
    if text.endswith(("/", os.sep)) or not suffix:
        return FolderPlace(text, overwrite)
    if suffix in ANIMATION_SUFFIXES:
        return FilePlace(text, overwrite)
    if Path(text).is_dir():
        return FolderPlace(text, overwrite)
    usual = "use .gif, .mp4, or a name that ends in / for a folder of PNG frames"
    raise OutputError(
        f"cannot write an animation to '{text}': '{suffix}' is not supported",
        f"for one picture add --still to 'ganimate animate'; else {usual}" if suffix in STILL_SUFFIXES else usual,
    )


def sweep(folder: AnyPath, pid: int) -> None:
    """Remove the files that a process which was killed has left half written in `folder`."""
    for leftover in Path(folder).glob(f"{_TEMPORARY.format(pid)}*.part"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def is_frame_name(name: str) -> bool:
    """Return if a file of that name is a frame of a folder, as in ``00012.png``."""
    return _FRAME_NAME.fullmatch(name) is not None


class Place(ABC):
    """One result's place: everything is written to `temporary`, beside `path`, and moved by `publish` when complete.

    The temporary name is hidden and differs from process to process. A symbolic link is written through.
    """

    def __init__(self, path: AnyPath, overwrite: bool) -> None:
        self.shown = os.fspath(path)
        self.path = Path(os.path.realpath(path))
        self.overwrite = overwrite
        self._temporary = self._sibling("part")

    @property
    def temporary(self) -> Path:
        """The name to write to; whoever asks for it has to `discard` it, be it only at the end of the process."""
        promise(self, self.discard)
        return self._temporary

    def _sibling(self, ending: str) -> Path:
        # Not built from the result's own name: that may already be as long as the file system allows.
        return self.path.with_name(f"{_TEMPORARY.format(os.getpid())}{secrets.token_hex(4)}.{ending}")

    def check(self) -> None:
        """Raise OutputError unless the result could be put here now."""
        parent = self.path.parent
        if not parent.exists():
            raise OutputError(f"cannot write '{self.shown}': folder '{parent}' does not exist", "create it first")
        if not parent.is_dir():
            raise OutputError(f"cannot write '{self.shown}': '{parent}' is not a folder", "choose another place")
        with self.explained():
            self.check_vacant()
            try:
                self.temporary.open("xb").close()
            finally:
                self._temporary.unlink(missing_ok=True)
                settle(self)

    @abstractmethod
    def check_vacant(self) -> None:
        """Raise OutputError if something is in the way that may not be replaced."""

    @abstractmethod
    def publish(self) -> None:
        """Move what was written to the temporary name into place, at once and as a whole."""

    def discard(self) -> None:
        """Remove the temporary name if it is still there; never raises for what cannot be removed."""
        self._remove()
        settle(self)

    @abstractmethod
    def _remove(self) -> None:
        """Remove the temporary name, whatever it is; never raises."""

    def taken(self) -> OutputError:
        return OutputError(f"'{self.shown}' already exists", "use --force to replace it, or choose another name")

    def failure(self, error: OSError) -> OutputError:
        """Return what the operating system's `error` means for this result, in one sentence."""
        if error.errno in _DISK_FULL:
            return OutputError(f"disk full while writing '{self.shown}'", "free some space or choose another place")
        if error.errno in _NOT_ALLOWED:
            return OutputError(
                f"no permission to write '{self.shown}' in '{self.path.parent}'", "choose a folder that is yours"
            )
        reason = error.strerror or str(error) or type(error).__name__
        return OutputError(f"cannot write '{self.shown}': {reason}", "choose another place")

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the operating system's errors into OutputError."""
        try:
            yield
        except OSError as error:
            raise self.failure(error) from error


class FilePlace(Place):
    """A result that is one file."""

    def fill(self, data: bytes) -> None:
        """Write the file as a whole; raises OutputError, and then leaves what was there."""
        self.check()
        try:
            with self.explained():
                with self.temporary.open("xb") as file:
                    file.write(data)
                self.publish()
        finally:
            self.discard()

    def check_vacant(self) -> None:
        if self.path.is_dir():
            raise OutputError(f"'{self.shown}' is a folder", "choose the name of a file")
        if self.path.exists() and not self.path.is_file():
            raise OutputError(f"'{self.shown}' is not a regular file", "choose another name")
        if self.path.exists() and not self.overwrite:
            raise self.taken()

    def publish(self) -> None:
        self.check_vacant()
        if not self.overwrite and self._linked():
            return
        os.replace(self._temporary, self.path)

    def _linked(self) -> bool:
        # A hard link, unlike a rename, fails when another process has taken the name since it was checked.
        try:
            os.link(self._temporary, self.path)
        except FileExistsError:
            raise self.taken() from None
        except OSError:  # file systems without hard links
            return False
        return True

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)


class FolderPlace(Place):
    """A result that is a folder of frames 00000.png, 00001.png, …; an empty folder counts as a free place."""

    def __init__(self, path: AnyPath, overwrite: bool) -> None:
        super().__init__(path, overwrite)
        self._replaced = self._sibling("old")

    def check_vacant(self) -> None:
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise OutputError(
                f"'{self.shown}' exists and is not a folder", "add .gif or .mp4 to the name, or choose another folder"
            )
        entries = list(os.scandir(self.path))
        if not all(is_frame_name(entry.name) and entry.is_file() for entry in entries):
            raise OutputError(
                f"folder '{self.shown}' holds other files than frames and is not replaced", "choose another folder"
            )
        if entries and not self.overwrite:
            raise self.taken()

    def publish(self) -> None:
        self.check_vacant()
        if not self.path.exists():
            os.rename(self._temporary, self.path)
            return
        os.rename(self.path, self._replaced)
        os.rename(self._temporary, self.path)

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            # The move was cut short between its two steps: the old frames are the user's only copy.
            if self._replaced.exists() and not self.path.exists():
                os.rename(self._replaced, self.path)
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)  # the probe of `check` is a file
        shutil.rmtree(self._temporary, ignore_errors=True)
        shutil.rmtree(self._replaced, ignore_errors=True)
