"""Lists of photos: who is on them, and on which side of the split they stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ganimate.errors import AnnotationError
from ganimate.trackers.rows import cell_at, read_rows

# What people call the sides; True is held out.
_SIDES: Mapping[str, bool] = {
    **dict.fromkeys(("train", "training", "learn"), False),
    **dict.fromkeys(("validation", "valid", "val", "test", "testing", "held out", "held-out", "held_out"), True),
}


def read_persons(path: Path) -> dict[str, str]:
    """Return photo name -> person from a CSV with the columns `file` and `identity`; raises AnnotationError.

    A photo whose identity is empty is nobody's.
    """
    return _pairs(path, "identity", "hand in a CSV of photos and who is on them: file,identity", "two people")


def read_sides(path: Path) -> dict[str, bool]:
    """Return photo name -> whether it is held out, from a CSV with the columns `file` and `split`.

    Raises AnnotationError, also for a side that is neither of training nor of validation or test.
    """
    hint = "hand in a CSV of photos and their sides, train or validation: file,split"
    named = _pairs(path, "split", hint, "two sides")
    for name, side in named.items():
        if side.lower() not in _SIDES:
            raise AnnotationError(f"{path.name} gives {name} the side {side[:40]!r}", hint)
    return {name: _SIDES[side.lower()] for name, side in named.items()}


def _pairs(path: Path, column: str, hint: str, twice: str) -> dict[str, str]:
    """Return what stands in a column by the photos' names; raises AnnotationError where one has two such values."""
    rows = read_rows(path)
    _, header = next(rows, (0, []))
    names = [name.strip() for name in header]
    if "file" not in names or column not in names:
        message = f"{path.name} lacks the columns 'file' and '{column}'; it has {', '.join(names[:6])}"
        raise AnnotationError(message, hint)
    file, value = names.index("file"), names.index(column)
    found: dict[str, tuple[int, str]] = {}
    torn: dict[str, str] = {}
    for line, row in rows:
        name, told = cell_at(row, file), cell_at(row, value)
        if not told:
            continue
        before = found.setdefault(name, (line, told))
        if before[1] != told:
            torn.setdefault(name, f"{name}: {before[1]} (line {before[0]}) and {told} (line {line})")
    if torn:
        message = (
            f"{path.name} gives {twice} to {len(torn)} of {len(found)} photos, such as {next(iter(torn.values()))}"
        )
        raise AnnotationError(message, "leave one row for each photo")
    return {name: told for name, (_, told) in found.items()}
