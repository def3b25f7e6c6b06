"""What a pack is made of, and how it becomes one; tells what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganimate.config import PrepareOptions
from ganimate.data.pack import SKIPPED_NAME, Pack, PackWriter, open_pack
from ganimate.data.prepare import PreparedRow, prepare
from ganimate.errors import InputError
from ganimate.face.detect import Detector
from ganimate.system.progress import Progress, Table
from ganimate.trackers import read_labels, read_persons, read_sides


@dataclass(frozen=True)
class Sources:
    """Photos, the table of their AUs and, where known, who is who, and which photos are held out (`split`).

    `find_detector` returns who finds the faces of photos whose landmarks the table does not have.
    """

    photos: Path
    annotations: Path
    identities: Path | None
    find_detector: Callable[[], Detector]
    split: Path | None = None

    def make_pack(self, out: Path, options: PrepareOptions, force: bool, progress: Progress) -> dict[str, Any]:
        """Write the pack and tell what came of it; returns the same as plain data."""
        if not self.photos.is_dir():
            raise InputError(
                f"{self.photos} is not a folder of photos", "hand in the folder that the table's names are in"
            )
        with progress.stage("reading the tables"):
            table = read_labels(self.annotations)
            persons = read_persons(self.identities) if self.identities else {}
            sides = None if self.split is None else _read_sides(self.split, persons)
        for note in table.notes:
            progress.note(note)
        if persons and not persons.keys() & set(table.names):
            progress.note(f"warning: {self.identities} names no photo of {self.annotations}, so all are nobody's")
        if sides is not None and (unnamed := len(set(table.names) - sides.keys())):
            progress.note(f"{self.split} does not name {unnamed} of the photos: they are trained on")
        detector = None if table.landmarks is not None else self.find_detector()
        if detector is not None:
            progress.note(
                f"{self.annotations} has no landmarks (x_0 … y_67), so every face is looked for: this takes time"
            )
        skipped: list[PreparedRow] = []
        with PackWriter(out, options.spec, table.au_numbers, overwrite=force) as writer:
            with progress.count("preparing faces", len(table.names), "moving the pack into place") as count:
                rows = prepare(self.photos, table, persons, writer, options, detector, sides)
                skipped = [made for made in count(rows) if made.skipped]
            if skipped:
                progress.table(_skipped_table(skipped))
        pack = open_pack(out)
        facts = _facts(pack, skipped)
        _tell_pack(facts, len(skipped), progress)
        return facts


def _read_sides(path: Path, persons: Mapping[str, str]) -> dict[str, bool]:
    """Return which photos are held out; raises InputError where somebody stands on both sides."""
    sides = read_sides(path)
    found: dict[str, set[bool]] = {}
    for name, person in persons.items():
        if name in sides:
            found.setdefault(person, set()).add(sides[name])
    torn = [person for person, both in found.items() if len(both) > 1]
    if torn:
        message = f"{len(torn)} of {len(found)} people stand on both sides of {path.name}, such as {torn[0]}"
        raise InputError(message, "put all photos of a person on one side: a model must not be measured on who it saw")
    return sides


def _skipped_table(skipped: Sequence[PreparedRow]) -> Table:
    """Return how many rows were skipped, by why, each with an example."""
    examples = {made.skipped.kind: (made.name, made.skipped.reason) for made in reversed(skipped) if made.skipped}
    rows = []
    for kind, count in _kinds(skipped).most_common():
        name, reason = examples[kind]
        rows.append((kind, str(count), f"{name or 'a row without a name'}: {reason}"))
    return Table(("skipped", "rows", "for example"), tuple(rows), numeric=(1,))


def _kinds(skipped: Sequence[PreparedRow]) -> Counter[str]:
    return Counter(made.skipped.kind for made in skipped if made.skipped)


def _tell_pack(facts: dict[str, Any], skipped: int, progress: Progress) -> None:
    progress.note(
        f"{facts['packed']} of {facts['packed'] + skipped} rows packed: {facts['training']} photos to train on, "
        f"{facts['validation']} held out"
    )
    if facts["people"]:
        progress.note(f"{facts['people']} people known by name, {facts['people_held_out']} of them held out")
    else:
        progress.note("nobody is known by name, so there are no pairs of one person")
    often, once = facts["seen_often"], facts["seen_once"]
    progress.note(
        f"held out: {often['held_out']} of {often['people']} people seen more than once, "
        f"{once['held_out']} of {once['people']} seen once"
    )
    if skipped:
        progress.note(f"all skipped rows and why: {facts['skipped_rows']}")
    if facts["training"] < 2:
        progress.note("warning: there are too few photos to train on; lower --validation-share or add photos")
    _warn_of_gaps(facts, progress)


def _warn_of_gaps(facts: dict[str, Any], progress: Progress) -> None:
    """Warn of what 'ganimate evaluate' will not be able to measure, as nobody for it is held out."""
    if not facts["validation"]:
        progress.warn(
            "nobody is held out, so 'ganimate evaluate' has nobody to measure a model on", "raise --validation-share"
        )
    elif not facts["seen_often"]["held_out"]:
        progress.warn(
            "nobody seen more than once is held out, so 'ganimate evaluate' cannot compare results with real photos of "
            "the same people (pair metrics)",
            "say who is who with --identities, and add people with several photos",
        )


def _facts(pack: Pack, skipped: Sequence[PreparedRow]) -> dict[str, Any]:
    held = pack.validation
    return {
        "pack": str(pack.path),
        "size_px": pack.spec.size_px,
        "aus": list(pack.au_numbers),
        "packed": len(pack),
        "training": int((~held).sum()),
        "validation": int(held.sum()),
        "people": len(set(pack.person[pack.person >= 0].tolist())),
        "people_held_out": len(set(pack.person[held & (pack.person >= 0)].tolist())),
        "seen_often": _seen(pack, pack.seen_often),
        "seen_once": _seen(pack, ~pack.seen_often),
        "skipped": dict(_kinds(skipped).most_common()),
        "skipped_rows": str(pack.path / SKIPPED_NAME),
    }


def _seen(pack: Pack, kind: NDArray[np.bool_]) -> dict[str, int]:
    """Return how many people the photos of a `kind` (n,) show, and how many of them are held out."""
    owners = np.where(pack.person >= 0, pack.person, -1 - np.arange(len(pack)))  # nobody known is somebody else each
    return {
        "people": len(np.unique(owners[kind])),
        "held_out": len(np.unique(owners[kind & pack.validation])),
    }
