"""What a file, or a folder of frames, says of where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganimate.errors import MarkError
from ganimate.media.packets import read_provenance
from ganimate.media.places import is_frame_name
from ganimate.media.provenance import Provenance


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
