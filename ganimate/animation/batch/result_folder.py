"""Where a batch's results go: a folder, or an address on shared storage such as ``s3://bucket/smiles``."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from ganimate.errors import DependencyError, OutputError
from ganimate.media.places import FilePlace

LEDGER_NAME = ".ganimate-batch.jsonl"
LEDGER_FOLDER = ".ganimate-batch"  # of the parts of a ledger where nothing can be appended to a file

Stamp = list[int]  # size in bytes, and what changes with the content: time of the last change in ns, or a hash

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_OWN_MEMORY = {"memory"}  # storage that other processes do not see
_WHOLE = {"memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"}  # a file is there as a whole or not at all


class ResultFolder(ABC):
    """A folder of results, each under its name, a relative path; and the lines of the ledger beside them."""

    shown: str
    root: Path | None = None  # where it is a folder of this machine
    shared = False  # whether workers on other machines put results there themselves
    beginnings = 1  # how many are noted at a time

    @abstractmethod
    def place(self, name: Path) -> Path:
        """Return what a result is called in sentences, and where it is a file of this machine, its path."""

    @abstractmethod
    def stamp(self, name: Path) -> Stamp | None:
        """Return what tells a result from one that replaces it; None where there is none."""

    @abstractmethod
    def lines(self) -> list[str]:
        """Return the lines of the ledger, the oldest first."""

    @abstractmethod
    def note(self, lines: Sequence[str]) -> None:
        """Add lines to the ledger; raises OutputError."""

    @abstractmethod
    def put(self, name: Path, data: bytes, overwrite: bool) -> None:
        """Write a result as a whole; raises OutputError, and then leaves what was there."""

    def told(self, name: Path) -> str:
        """Return where a result is, for people and programs."""
        return str(self.place(name))


def result_folder(where: str) -> ResultFolder:
    """Return the folder or address that a text means; raises OutputError, DependencyError."""
    if not _ADDRESS.match(where):
        return LocalFolder(Path(where))
    kind, _, rest = where.partition("://")
    return LocalFolder(Path(rest)) if kind in ("file", "local") else SharedFolder(where)


class LocalFolder(ResultFolder):
    """A folder of this machine."""

    root: Path

    def __init__(self, root: Path) -> None:
        self.root, self.shown = root, str(root)
        self.ledger = root / LEDGER_NAME

    def place(self, name: Path) -> Path:
        return self.root / name

    def stamp(self, name: Path) -> Stamp | None:
        try:
            found = os.stat(self.root / name)
        except OSError:
            return None
        return [found.st_size, found.st_mtime_ns]

    def lines(self) -> list[str]:
        try:
            return self.ledger.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return []

    def note(self, lines: Sequence[str]) -> None:
        try:
            with open(self.ledger, "a", encoding="utf-8", errors="surrogateescape") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"{self.ledger} cannot be written: {reason}", "choose a folder that is yours") from error

    def put(self, name: Path, data: bytes, overwrite: bool) -> None:
        FilePlace(self.root / name, overwrite).fill(data)


class SharedFolder(ResultFolder):
    """An address that fsspec understands. What is there is listed once, at the beginning: one batch writes there."""

    beginnings = 256  # each part of the ledger is an object, and to write one takes a while

    def __init__(self, address: str) -> None:
        """Look whether there is such storage; raises OutputError, DependencyError."""
        self.shown = address.rstrip("/")
        kind = address.partition("://")[0].lower()
        self.shared, self._whole = kind not in _OWN_MEMORY, kind in _WHOLE
        _ = self._files  # a wrong address is told at once

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_files", "_found")}

    @cached_property
    def _files(self) -> tuple[Any, str]:
        """The file system, and the path in it."""
        import fsspec

        try:
            system, path = fsspec.core.url_to_fs(self.shown)
        except ImportError as error:
            kind = self.shown.partition("://")[0]
            hint = "pip install 'ganimate[cluster]' for s3://, gcsfs for gs://, adlfs for az://"
            raise DependencyError(f"what reads and writes {kind}:// is not installed: {error}", hint) from error
        except ValueError as error:
            raise OutputError(f"'{self.shown}' is no address of storage: {error}", "such as s3://bucket/me") from error
        return system, str(path).rstrip("/")

    def _at(self, name: Path | str) -> str:
        return f"{self._files[1]}/{PurePosixPath(name).as_posix()}"

    @cached_property
    def _found(self) -> dict[str, Stamp]:
        """Every file that is there, by its path below the address; raises OutputError."""
        system, root = self._files
        try:
            system.invalidate_cache()
            entries = system.find(root, detail=True)
        except FileNotFoundError:
            return {}
        except Exception as error:  # each kind of storage has its own
            raise self._failure(error) from error
        return {path[len(root) + 1 :]: _stamp_of(entry) for path, entry in entries.items()}

    def place(self, name: Path) -> Path:
        return name

    def told(self, name: Path) -> str:
        return f"{self.shown}/{name.as_posix()}"

    def stamp(self, name: Path) -> Stamp | None:
        return self._found.get(name.as_posix())

    def lines(self) -> list[str]:
        parts = sorted(self._at(path) for path in self._found if path.startswith(f"{LEDGER_FOLDER}/"))
        try:
            texts = self._files[0].cat(parts) if parts else {}
        except Exception as error:
            raise self._failure(error) from error
        return [line for part in parts for line in texts[part].decode("utf-8", "replace").splitlines()]

    def note(self, lines: Sequence[str]) -> None:
        text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        self._write(f"{LEDGER_FOLDER}/{time.time_ns():020d}-{secrets.token_hex(4)}.jsonl", text)

    def put(self, name: Path, data: bytes, overwrite: bool) -> None:
        self._write(name, data)

    def _write(self, name: Path | str, data: bytes) -> None:
        system, path = self._files[0], self._at(name)
        first = path if self._whole else f"{path}.{secrets.token_hex(4)}.part"
        try:
            if not self._whole:
                system.makedirs(path.rpartition("/")[0], exist_ok=True)
            system.pipe_file(first, data)
            if first != path:
                system.mv(first, path)
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> OutputError:
        reason = " ".join(str(error).split()) or type(error).__name__
        return OutputError(f"'{self.shown}' cannot be used: {reason}", "check the address and the right to write there")


def _stamp_of(entry: dict[str, Any]) -> Stamp:
    """Return the stamp of a file by what its storage tells: its hash, its time, or both."""
    told = [str(entry[key]) for key in ("ETag", "LastModified", "last_modified", "mtime", "created") if key in entry]
    mark = hashlib.blake2b(json.dumps(told).encode(), digest_size=6).digest()
    return [int(entry.get("size") or 0), int.from_bytes(mark, "big")]
