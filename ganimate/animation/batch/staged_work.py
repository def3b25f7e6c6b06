"""One photo of a batch at a time, far from where it lies: it comes as bytes, and so does what is made of it.

So a worker needs neither the photo's folder nor that of the results nor the model's file, only ganimate itself.
"""

from __future__ import annotations

import atexit
import glob
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import ganimate
from ganimate.animation.batch.batch_report import Outcome
from ganimate.animation.batch.photo_work import PhotoTask, PhotoWork, failed
from ganimate.animation.batch.result_folder import ResultFolder
from ganimate.errors import OutputError

_ROOM = "ganimate-worker-"  # and the id of the process


@dataclass(frozen=True)
class Parcel:
    """A task, the `name` of its result below the folder of results, and the photo's bytes or why there are none."""

    task: PhotoTask
    name: Path
    photo: bytes
    trouble: str | None = None

    @classmethod
    def of(cls, task: PhotoTask, name: Path) -> Parcel:
        """Return the parcel of a task, its photo read."""
        try:
            return cls(task, name, task.photo.read_bytes())
        except OSError as error:
            return cls(task, name, b"", f"'{task.photo}' cannot be read: {error.strerror or error}")


@dataclass(frozen=True)
class Delivery:
    """What came of a parcel; `result` are the bytes that are still to be put into their place, if there are any."""

    outcome: Outcome
    result: bytes | None = None


@dataclass(frozen=True)
class StagedWork:
    """What is done to every photo, with the model's files by their names: weights, and the graphs beside them.

    Results that go to shared storage are put there at once.
    """

    work: PhotoWork
    folder: ResultFolder
    model: dict[str, bytes]
    version: str = ganimate.__version__

    @classmethod
    def of(cls, work: PhotoWork, folder: ResultFolder) -> StagedWork:
        """Return the same work for workers that are elsewhere."""
        unloaded = replace(work, session=replace(work.session))
        weights = work.session.entry.path
        graphs = [
            path for end in (".onnx", ".*.onnx") for path in weights.parent.glob(f"{glob.escape(weights.stem)}{end}")
        ]
        return cls(unloaded, folder, {path.name: path.read_bytes() for path in (weights, *graphs)})

    @cached_property
    def _room(self) -> Path:
        """A folder of this process; what killed ones have left goes."""
        root = Path(tempfile.gettempdir())
        for other in root.glob(f"{_ROOM}*"):
            pid = other.name.removeprefix(_ROOM).partition("-")[0]
            if pid.isdigit() and not _lives(int(pid)):
                shutil.rmtree(other, ignore_errors=True)
        room = Path(tempfile.mkdtemp(prefix=f"{_ROOM}{os.getpid()}-"))
        atexit.register(shutil.rmtree, room, ignore_errors=True)
        return room

    @cached_property
    def _here(self) -> PhotoWork:
        """The work with the model in this process's room."""
        session = self.work.session
        for name, data in self.model.items():
            (self._room / name).write_bytes(data)
        entry = replace(session.entry, path=self._room / session.entry.path.name)
        return replace(self.work, session=replace(session, entry=entry))

    def make(self, parcel: Parcel) -> Delivery:
        """Return what came of one photo: whatever is wrong with it, the next one gets its turn."""
        task = parcel.task
        if parcel.trouble is not None:
            return Delivery(failed(task.photo, parcel.trouble, "check the photo and the right to read it"))
        if ganimate.__version__ != self.version:
            message = f"the worker has ganimate {ganimate.__version__}, and this is {self.version}"
            return Delivery(failed(task.photo, message, "install the same version on all machines"))
        try:
            with tempfile.TemporaryDirectory(dir=self._room) as room:
                return self._made(parcel, Path(room))
        except OSError as error:
            message = f"the worker cannot keep it: {error.strerror or error}"
            return Delivery(failed(task.photo, message, "is there space left in its temporary folder?"))

    def _made(self, parcel: Parcel, room: Path) -> Delivery:
        task = parcel.task
        photo, result = room / task.photo.name, room / "result" / parcel.name.name
        result.parent.mkdir()
        photo.write_bytes(parcel.photo)
        outcome = self._here.make(replace(task, photo=photo, result=result, overwrite=False))
        told = self.folder.told(parcel.name)
        own = replace(outcome, photo=str(task.photo), path=told if outcome.outcome == "done" else None)
        if outcome.outcome != "done":
            reason = (outcome.reason or "").replace(str(photo), str(task.photo)).replace(str(result), told)
            return Delivery(replace(own, reason=reason))
        data = result.read_bytes()
        if not self.folder.shared or task.stretch is not None:
            return Delivery(own, data)
        try:
            self.folder.put(parcel.name, data, task.overwrite)
        except OutputError as error:
            return Delivery(failed(task.photo, error.message, error.hint))
        return Delivery(own)


def _lives(pid: int) -> bool:
    """Whether there is a process of that number."""
    with suppress(ProcessLookupError):
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        return True
    return False
