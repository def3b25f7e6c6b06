"""What a folder of results was made from, so that a batch goes on where it stopped, and redoes what has changed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ganimate.errors import OutputError

LEDGER_NAME = ".ganimate-batch.jsonl"

State = Literal["free", "done", "stale", "other", "foreign"]
Stamp = list[int]  # size in bytes, time of the last change in ns


@dataclass(frozen=True)
class _Beginning:
    """What was asked, what stood in the place of the result, and the path from the folder to the photo, if known."""

    asked: str
    before: Stamp | None
    photo: str | None


class Ledger:
    """The record, in a folder of results, of what each was made from: one line of JSON for every beginning.

    A result appears complete or not at all, so whatever stands in its place and is not what stood there at the
    beginning was made by it; nothing needs to be written at the end, and a process that is killed leaves no doubt.
    """

    def __init__(self, folder: Path) -> None:
        """Read what is there; lines that were cut short count for nothing."""
        self._path = folder / LEDGER_NAME
        self.folder = folder
        self._begun: dict[str, _Beginning] = {}
        for line in self._lines():
            try:
                entry = json.loads(line)
                self._begun[entry["result"]] = _Beginning(entry["asked"], entry["before"], entry.get("photo"))
            except (ValueError, KeyError, TypeError):
                continue

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return []

    def state(self, result: Path, asked: str, photo: Path) -> State:
        """Return what stands in the place of `result`, a path below the folder, when `asked` is wanted of `photo`.

        ``free``: nothing; ``done``: what is asked; ``stale``: what was made by a batch for something else, or before
        one that was stopped; ``other``: what was made from another photo; ``foreign``: what no batch has made.
        """
        now = _stamp(self.folder / result)
        if now is None:
            return "free"
        begun = self._begun.get(result.as_posix())
        if begun is None:
            return "foreign"
        if begun.photo not in (None, self._way_to(photo)):
            return "other"
        return "done" if begun.asked == asked and begun.before != now else "stale"

    def photo_of(self, result: Path) -> Path | None:
        """Return the photo that `result` was last begun from, if that is known."""
        begun = self._begun.get(result.as_posix())
        if begun is None or begun.photo is None:
            return None
        return Path(os.path.normpath(os.path.join(os.path.realpath(self.folder), begun.photo)))

    def _way_to(self, photo: Path) -> str:
        """Return the path from the folder to a photo, which is the same after both were moved together."""
        path = os.path.realpath(photo)
        try:
            return Path(os.path.relpath(path, os.path.realpath(self.folder))).as_posix()
        except ValueError:  # on another drive of Windows
            return Path(path).as_posix()

    def begin(self, result: Path, asked: str, photo: Path) -> None:
        """Note that `result` is about to be made from `photo`; raises OutputError."""
        begun = _Beginning(asked, _stamp(self.folder / result), self._way_to(photo))
        self._begun[result.as_posix()] = begun
        line = json.dumps({"result": result.as_posix(), **asdict(begun)}, ensure_ascii=False)
        try:
            with open(self._path, "a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(f"{line}\n")
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"{self._path} cannot be written: {reason}", "choose a folder that is yours") from error

    def remove(self) -> None:
        """Remove the record; raises OSError."""
        self._path.unlink()


def _stamp(path: Path) -> Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
