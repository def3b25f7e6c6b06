"""Whoever has the page open: each visit has its own photo, its own expressions, and a folder that nobody else reads."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import ganimate

IDLE_S = 3600.0


@dataclass
class Visit:
    """One open page: its photo, whose faces keep their own values by their numbers, and the face that is worked on.

    `values` holds what was set, by the words of the grammar, such as ``12``; what is not set stays as in the photo.
    `trouble` is the last error: message and hint.
    """

    folder: Path
    portrait: ganimate.Portrait | None = None
    photo: Path | None = None
    face: int = 1
    values: dict[int, dict[str, float]] = field(default_factory=dict)
    trouble: tuple[str, str | None] | None = None
    used_at_s: float = field(default_factory=time.monotonic)

    def take(self, photo: Path, portrait: ganimate.Portrait) -> None:
        """Work on another photo."""
        self.photo, self.portrait, self.face, self.values = photo, portrait, 1, {}

    def opened(self) -> ganimate.Portrait:
        """Return the photo; raises InputError where there is none."""
        if self.portrait is None:
            hint = "drop one on the page; it is forgotten when the page has not been used for an hour"
            raise ganimate.InputError("no photo is open", hint)
        return self.portrait

    def expression(self, face: int | None = None) -> str:
        """Return what is asked of a face, by default of the one that is worked on, in the grammar."""
        return spoken(self.values.get(self.face if face is None else face, {}))

    def expressions(self) -> dict[int, str]:
        """Return what is asked of all faces of which something is."""
        return {face: self.expression(face) for face, values in sorted(self.values.items()) if values}

    def as_named(self, text: str | None) -> str | None:
        """Return a text with the visitor's own names for files, not the places where copies of them lie."""
        return text and re.sub(re.escape(str(self.folder)) + r"[/\\][0-9a-f]{16}[/\\]", "", text)

    def place(self, name: str) -> Path:
        """Return where a result of that name goes, in a folder of its own."""
        folder = self.folder / secrets.token_hex(8)
        folder.mkdir(parents=True)
        return folder / name


class Visits:
    """All visits, by the key that each page made for itself, and the folder in which their files lie."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._visits, self._lock = folder, dict[str, Visit](), threading.Lock()

    def of(self, key: str | None) -> Visit:
        """Return the visit of a page, which is new where the key is."""
        with self._lock:
            name = key or ""
            if name not in self._visits:
                self._visits[name] = Visit(self._folder / secrets.token_hex(16))
            self._visits[name].used_at_s = time.monotonic()
            return self._visits[name]

    def forget(self, key: str | None) -> None:
        """Remove all that is known of a visit."""
        with self._lock:
            visit = self._visits.pop(key or "", None)
        if visit is not None:
            shutil.rmtree(visit.folder, ignore_errors=True)

    def forget_idle(self, idle_s: float = IDLE_S) -> None:
        """Forget visits that have not been used for so long."""
        now = time.monotonic()
        with self._lock:
            idle = [key for key, visit in self._visits.items() if now - visit.used_at_s > idle_s]
        for key in idle:
            self.forget(key)


def spoken(values: Mapping[str, float]) -> str:
    """Return sliders as an expression of the grammar."""
    return ",".join(f"{word}={value:g}" for word, value in values.items()) or "self"


def sweep(folder: Path, idle_s: float = IDLE_S) -> None:
    """Remove files below `folder` that were written so long ago."""
    for path in folder.rglob("*"):
        try:
            if path.is_file() and time.time() - path.stat().st_mtime > idle_s:
                path.unlink()
        except OSError:
            continue  # gone already
