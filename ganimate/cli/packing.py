"""`ganimate prepare`, from the checked command line to the pack and the report.

Loaded by the command when it runs, not for its help.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganimate.cli import session
from ganimate.cli.console import Display, plain_table
from ganimate.config import CropSpec, PrepareOptions
from ganimate.data.pack import SKIPPED_NAME, Pack, PackWriter, open_pack
from ganimate.data.prepare import Prepared, prepare
from ganimate.errors import InputError
from ganimate.trackers import read_labels, read_persons


@dataclass(frozen=True)
class Sources:
    """What a pack is made of: photos, the table of their AUs and, where known, who is who."""

    photos: Path
    annotations: Path
    identities: Path | None
    detector: str


def make_pack(sources: Sources, out: Path, options: PrepareOptions, force: bool, display: Display) -> dict[str, Any]:
    """Write the pack and tell what came of it; returns the same as plain data."""
    if not sources.photos.is_dir():
        raise InputError(
            f"{sources.photos} is not a folder of photos", "hand in the folder that the table's names are in"
        )
    with display.stage("reading the tables"):
        table = read_labels(sources.annotations)
        persons = read_persons(sources.identities) if sources.identities else {}
    for note in table.notes:
        display.note(note)
    if persons and not persons.keys() & set(table.names):
        display.note(f"warning: {sources.identities} names no photo of {sources.annotations}, so all are nobody's")
    detector = None if table.landmarks is not None else session.make_detector(sources.detector)
    if detector is not None:
        display.note(
            f"{sources.annotations} has no landmarks (x_0 … y_67), so every face is looked for: this takes time"
        )
    skipped: list[Prepared] = []
    with PackWriter(out, options.spec, table.au_numbers, overwrite=force) as writer:
        with display.progress("preparing faces", len(table.names), "moving the pack into place") as count:
            rows = prepare(sources.photos, table, persons, writer, options, detector)
            skipped = [made for made in count(rows) if made.skipped]
        _tell_skipped(skipped, display)
    pack = open_pack(out)
    _tell_pack(pack, skipped, display)
    return _facts(pack, skipped)


def _tell_skipped(skipped: list[Prepared], display: Display) -> None:
    if not skipped:
        return
    kinds = Counter(made.skipped.kind for made in skipped if made.skipped)
    table = plain_table("skipped", "rows", "for example", numeric=(1,))
    for kind, count in kinds.most_common():
        example = next(made for made in skipped if made.skipped and made.skipped.kind == kind)
        assert example.skipped
        table.add_row(kind, str(count), f"{example.name or 'a row without a name'}: {example.skipped.reason}")
    display.table(table)


def _tell_pack(pack: Pack, skipped: list[Prepared], display: Display) -> None:
    facts = _facts(pack, skipped)
    display.note(
        f"{facts['packed']} of {facts['packed'] + len(skipped)} rows packed: {facts['training']} photos to train on, "
        f"{facts['validation']} held out"
    )
    people = f"{facts['people']} people known by name, {facts['people_held_out']} of them held out"
    display.note(people if facts["people"] else "nobody is known by name, so there are no pairs of one person")
    if skipped:
        display.note(f"all skipped rows and why: {pack.path / SKIPPED_NAME}")
    if facts["training"] < 2:
        display.note("warning: there are too few photos to train on; lower --validation-share or add photos")


def _facts(pack: Pack, skipped: list[Prepared]) -> dict[str, Any]:
    held = pack.validation
    kinds = Counter(made.skipped.kind for made in skipped if made.skipped)
    return {
        "pack": str(pack.path),
        "size_px": pack.spec.size_px,
        "aus": list(pack.au_numbers),
        "packed": len(pack),
        "training": int((~held).sum()),
        "validation": int(held.sum()),
        "people": len(set(pack.person[pack.person >= 0].tolist())),
        "people_held_out": len(set(pack.person[held & (pack.person >= 0)].tolist())),
        "skipped": dict(kinds.most_common()),
        "skipped_rows": str(pack.path / SKIPPED_NAME),
    }


def pack_options(size_px: int | None, validation_share: float | None) -> PrepareOptions:
    """Return the options with the dataclasses' own defaults where nothing is given."""
    spec = CropSpec() if size_px is None else CropSpec(size_px=size_px)
    return PrepareOptions(spec) if validation_share is None else PrepareOptions(spec, validation_share)
