"""What a folder of results was made from, so that a batch goes on where it stopped, and redoes what has changed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ganimate.animation.batch.result_folder import ResultFolder, Stamp

State = Literal["free", "done", "stale", "other", "foreign"]


@dataclass(frozen=True)
class Beginning:
    """That the result of a name is about to be made from a photo, as `asked`."""

    result: Path
    asked: str
    photo: Path


@dataclass(frozen=True)
class _Begun:
    """What was asked, what stood in the place of the result, and the path from the folder to the photo, if known."""

    asked: str
    before: Stamp | None
    photo: str | None


class Ledger:
    """The record, in a folder of results, of what each was made from: one line of JSON for every beginning.

    A result appears complete or not at all, so whatever stands in its place and is not what stood there at the
    beginning was made by it; nothing needs to be written at the end, and a process that is killed leaves no doubt.
    """

    def __init__(self, folder: ResultFolder) -> None:
        """Read what is there; lines that were cut short count for nothing."""
        self.folder = folder
        self._begun: dict[str, _Begun] = {}
        for line in folder.lines():
            try:
                entry = json.loads(line)
                self._begun[entry["result"]] = _Begun(entry["asked"], entry["before"], entry.get("photo"))
            except (ValueError, KeyError, TypeError):
                continue

    def state(self, result: Path, asked: str, photo: Path) -> State:
        """Return what stands in the place of `result`, a path below the folder, when `asked` is wanted of `photo`.

        ``free``: nothing; ``done``: what is asked; ``stale``: what was made by a batch for something else, or before
        one that was stopped; ``other``: what was made from another photo; ``foreign``: what no batch has made.
        """
        now = self.folder.stamp(result)
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
        return Path(os.path.normpath(os.path.join(os.path.realpath(self.folder.root or "/"), begun.photo)))

    def _way_to(self, photo: Path) -> str:
        """Return the path from the folder to a photo, which is the same after both were moved together.

        An address has no such way to a photo: then it is the photo's own path.
        """
        path = os.path.realpath(photo)
        if self.folder.root is None:
            return Path(path).as_posix()
        try:
            return Path(os.path.relpath(path, os.path.realpath(self.folder.root))).as_posix()
        except ValueError:  # on another drive of Windows
            return Path(path).as_posix()

    def begin(self, *beginnings: Beginning) -> None:
        """Note that results are about to be made; raises OutputError."""
        lines = []
        for each in beginnings:
            name = each.result.as_posix()
            begun = _Begun(each.asked, self.folder.stamp(each.result), self._way_to(each.photo))
            self._begun[name] = begun
            lines.append(json.dumps({"result": name, **asdict(begun)}, ensure_ascii=False))
        self.folder.note(lines)
