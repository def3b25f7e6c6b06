"""What came of a batch, photo by photo: in lines, as a table, as plain data, and in a report file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ganimate.errors import OutputError
from ganimate.media.places import FilePlace
from ganimate.system.progress import Table

What = Literal["done", "skipped", "failed"]
WHATS: tuple[What, ...] = ("done", "skipped", "failed")
TOLD = ("frames", "width_px", "height_px", "warnings", "faces")  # of what is known of a result
REPORT_KEYS = ("folder", "model", *WHATS, "seconds", "photos")


@dataclass(frozen=True)
class Outcome:
    """What came of one photo; `told` are the facts of its result, `hint` and `reason` say why there is none."""

    photo: str
    outcome: What
    path: str | None = None
    reason: str | None = None
    hint: str | None = None
    seconds: float = 0.0
    node: str | None = None  # the machine of a cluster that made it
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """The outcome as plain data."""
        fields = {name: value for name, value in asdict(self).items() if value is not None and name != "told"}
        return fields | {name: self.told[name] for name in TOLD if name in self.told}

    @property
    def line(self) -> str:
        """The outcome in one line."""
        if self.outcome == "done":
            return f"{self.photo}: {self.path}, {self.seconds:.1f} s"
        return f"{self.photo}: {self.outcome}: {self.why}"

    @property
    def why(self) -> str:
        """The reason, to be read beside the name of the photo, with which it therefore does not begin."""
        reason = self.reason or ""
        name = f"'{self.photo}' "
        return reason.removeprefix(name).removeprefix("is ") if reason.startswith(name) else reason


def report_facts(folder: str, model: dict[str, str], outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """Return what came of a batch as plain data, under REPORT_KEYS."""
    counts = [_count(outcomes, what) for what in WHATS]
    photos = [outcome.facts for outcome in outcomes]
    return dict(zip(REPORT_KEYS, (folder, model, *counts, round(seconds, 2), photos), strict=True))


def report_place(path: str, taken: Sequence[Path], photos: Iterable[Path], *, resume: bool, force: bool) -> FilePlace:
    """Return where a report goes; raises OutputError for what could not be written, or would replace something else.

    `photos` are all files that the batch reads; `taken` is the folder of its results, and all that it may write there,
    or nothing where they go elsewhere. With `resume` the
    report of an earlier batch may be replaced, with `force` any file that is none of these.
    """
    if Path(path).suffix.lower() != ".json":
        raise OutputError(f"cannot write a batch's report to '{path}'", "it is JSON: use a name that ends in .json")
    place = FilePlace(path, force or (resume and _is_report(path)))
    if place.path in {Path(os.path.realpath(photo)) for photo in photos}:
        raise OutputError(f"'{path}' is one of the photos", "choose another name for the report")
    taken = [Path(os.path.realpath(result)) for result in taken]
    if any(place.path == result or place.path in result.parents for result in taken):
        raise OutputError(f"'{path}' is where results go", "choose another name for the report")
    if any(result in place.path.parents for result in taken[1:]):
        raise OutputError(f"'{path}' lies in a place that a result takes", "choose another name for the report")
    if place.path.parent.exists() or not taken or taken[0] not in place.path.parents:
        place.check()
    return place


def _is_report(path: str) -> bool:
    """Return whether the file at `path` is a report of a batch."""
    try:
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and set(REPORT_KEYS) <= found.keys()


def write_report(place: FilePlace, told: dict[str, Any]) -> None:
    """Write a report, also into a folder that is still missing; raises OutputError."""
    with place.explained():
        place.path.parent.mkdir(parents=True, exist_ok=True)
    place.fill(json.dumps(told, indent=2, ensure_ascii=False).encode("utf-8", "surrogateescape"))


def unmade_table(outcomes: Sequence[Outcome]) -> Table | None:
    """Return a table of all photos that were not animated and why, or None where all were."""
    rows = tuple((each.photo, each.outcome, each.why) for each in outcomes if each.outcome != "done")
    return Table(("photo", "", "why"), rows) if rows else None


def counts_line(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return how many photos were animated, skipped and failed, in how long."""
    return f"{', '.join(f'{_count(outcomes, what)} {what}' for what in WHATS)}, in {seconds:.1f} s"


def _count(outcomes: Sequence[Outcome], what: What) -> int:
    return sum(outcome.outcome == what for outcome in outcomes)
