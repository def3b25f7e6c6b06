"""What a folder of results was made from, so that a batch goes on where it stopped, and redoes what has changed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

from ganimate.errors import OutputError

LEDGER_NAME = ".ganimate-batch.jsonl"

State = Literal["free", "done", "stale", "foreign"]
Stamp = list[int]  # size in bytes, time of the last change in ns


class Ledger:
    """The record, in a folder of results, of what each was made from: one line of JSON for every beginning.

    A result appears complete or not at all, so whatever stands in its place and is not what stood there at the
    beginning was made by it; nothing needs to be written at the end, and a process that is killed leaves no doubt.
    """

    def __init__(self, folder: Path) -> None:
        """Read what is there; lines that were cut short count for nothing."""
        self._path = folder / LEDGER_NAME
        self._folder = folder
        self._begun: dict[str, tuple[str, Stamp | None]] = {}
        for line in self._lines():
            try:
                entry = json.loads(line)
                self._begun[entry["result"]] = (entry["asked"], entry["before"])
            except (ValueError, KeyError, TypeError):
                continue

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return []

    def state(self, result: Path, asked: str) -> State:
        """Return what stands in the place of `result`, a path below the folder, when `asked` is wanted.

        ``free``: nothing; ``done``: what is asked; ``stale``: what was made by a batch for something else, or before
        one that was stopped; ``foreign``: what no batch has made.
        """
        now = _stamp(self._folder / result)
        if now is None:
            return "free"
        if result.as_posix() not in self._begun:
            return "foreign"
        begun, before = self._begun[result.as_posix()]
        return "done" if begun == asked and before != now else "stale"

    def begin(self, result: Path, asked: str) -> None:
        """Note that `result` is about to be made; raises OutputError."""
        before = _stamp(self._folder / result)
        self._begun[result.as_posix()] = (asked, before)
        line = json.dumps({"result": result.as_posix(), "asked": asked, "before": before}, ensure_ascii=False)
        try:
            with open(self._path, "a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(f"{line}\n")
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"{self._path} cannot be written: {reason}", "choose a folder that is yours") from error


def _stamp(path: Path) -> Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
