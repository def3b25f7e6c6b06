"""What a file, or a folder of frames, says of where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganimate.errors import MarkError
from ganimate.media.packets import read_provenance
from ganimate.media.places import is_frame_name
from ganimate.media.provenance import SYNTHETIC, Provenance

UNMARKED = "no; it does not say where it comes from, which proves nothing: marks are easily removed"


@dataclass(frozen=True)
class Inspection:
    """What the file or folder at `path` says; of a folder, how many `frames` it has and how many say so as well."""

    path: Path
    provenance: Provenance
    frames: int | None = None
    alike: int | None = None

    @property
    def marked(self) -> bool:
        """If all of it says that it is synthetic."""
        return self.provenance.synthetic and self.frames == self.alike


def inspect(path: Path) -> Inspection:
    """Return what the file or the folder of frames at `path` says; raises MarkError.

    Of a folder whose frames differ it is what the first frame that says anything at all says.
    """
    if not path.is_dir():
        return Inspection(path, read_provenance(path))
    frames = sorted(frame for frame in path.iterdir() if is_frame_name(frame.name))
    if not frames:
        raise MarkError(
            f"folder '{path}' holds no frames (00000.png, 00001.png, …)", f"name the files: ganimate inspect {path}/*"
        )
    found = [read_provenance(frame) for frame in frames]
    first = next((one for one in found if one != Provenance()), Provenance())
    return Inspection(path, first, len(frames), found.count(first))


def provenance_facts(one: Inspection, installed_as: str | None) -> dict[str, Any]:
    """Return what a file says as plain data; `installed_as` is the name of a model here with the mark's weights."""
    said, mark = one.provenance, one.provenance.mark
    counts = {} if one.frames is None else {"frames": one.frames, "frames_alike": one.alike}
    facts = {"path": str(one.path), "marked": one.marked, "source_type": said.source_type, "tool": said.tool, **counts}
    if mark is None:
        return facts
    model = {"name": mark.model, "digest": mark.digest, "installed_as": installed_as}
    return {**facts, "version": mark.version, "model": model, "aus": list(mark.aus)}


def provenance_lines(one: Inspection, installed_as: str | None) -> Iterator[tuple[str, str]]:
    """Yield what a file says in lines, each with a heading."""
    yield "file", str(one.path)
    yield "marked as synthetic", _verdict(one)
    if one.frames is not None:
        others = "all alike" if one.alike == one.frames else f"{one.frames - (one.alike or 0)} unlike the rest"
        yield "frames", f"{one.frames}, {others}"
    yield from _origin(one.provenance, installed_as)


def _verdict(one: Inspection) -> str:
    code = one.provenance.code
    if one.marked:
        return f"yes: {SYNTHETIC[code or '']}"
    if one.provenance.synthetic:
        return f"in part: {SYNTHETIC[code or '']}"
    return UNMARKED if code is None else "no; it says otherwise"


def _origin(said: Provenance, installed_as: str | None) -> Iterator[tuple[str, str]]:
    mark = said.mark
    if said.source_type is not None:
        yield "source type", said.code or ""
    if said.tool is not None:
        yield "tool", said.tool
    if mark is None:
        return
    yield "model", mark.model
    if mark.digest is not None:
        here = (
            f"those of {installed_as!r}, which is installed here"
            if installed_as
            else "of no model that is installed here"
        )
        yield "weights (SHA-256)", mark.digest
        yield "", here
    for number, aus in enumerate(mark.aus, 1):
        label = "AUs asked for" if len(mark.aus) == 1 else f"AUs asked of face {number}"
        yield label, aus or "none: as in the photo"
