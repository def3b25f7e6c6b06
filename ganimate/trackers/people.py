"""The people in a table, as it is read: whose rows can be used, and why the others cannot."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import AnnotationError
from ganimate.trackers.clocks import Reading

PERSON_COLUMNS = ("face_id", "identity", "person", "face")

NO_FACE, UNSURE, DAMAGED, OUTSIDE, LATE = (
    "without a face",
    "of low confidence",
    "with a damaged cell",
    "with a value out of range",
    "at no later time than the row before",
)


@dataclass
class Person:
    """The rows of one person as they are read: the usable ones, and the lines of those skipped, by reason.

    Arrays of the machine's numbers, as a table may have a million rows.
    """

    count: int = 0
    lines: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))  # pairs, as Clock reads them
    values: array[float] = field(default_factory=lambda: array("d"))
    skipped: dict[str, array[int]] = field(default_factory=dict)

    @property
    def usable(self) -> int:
        """How many rows can be used."""
        return len(self.lines)

    def add(self, line: int, time: Reading, values: Sequence[float]) -> None:
        """Keep a row."""
        self.lines.append(line)
        self.times.extend(time)
        self.values.extend(values)

    def skip(self, why: str, line: int) -> None:
        """Count a row that cannot be used."""
        self.skipped.setdefault(why, array("q")).append(line)

    def keep(self, kept: NDArray[np.bool_], why: str) -> None:
        """Keep the usable rows that are `kept` (usable,), and skip the others."""
        lines, width = np.array(self.lines), len(self.values) // max(len(self.lines), 1)
        for line in lines[~kept].tolist():
            self.skip(why, line)
        self.times = array("d", np.array(self.times).reshape(-1, 2)[kept].ravel())
        self.values = array("d", np.array(self.values).reshape(-1, width)[kept].ravel())
        self.lines = array("q", lines[kept])

    @property
    def reasons(self) -> str:
        """How many rows were skipped, and why, for people."""
        return ", ".join(
            f"{len(lines)} {why} (line {min(lines)}{' and on' if len(lines) > 1 else ''})"
            for why, lines in self.skipped.items()
        )


def choose_person(table: str, people: Mapping[str, Person], told_apart: bool, wanted: str | None) -> str:
    """Return the label of the person who is taken, by default the one with most usable rows.

    Raises AnnotationError when `wanted` is not there, or the table does not tell people apart.
    """
    if wanted is None:
        return max(people, key=lambda label: people[label].usable)
    if not told_apart:
        raise AnnotationError(f"{table} does not tell people apart", f"it has no column {' or '.join(PERSON_COLUMNS)}")
    if wanted not in people:
        raise AnnotationError(f"{table} has no person {wanted!r}", f"it has {_listed(people)}")
    return wanted


def people_note(people: Mapping[str, Person], label: str) -> str | None:
    """Return who was taken of whom, for people; None where there is only one."""
    if len(people) < 2:
        return None
    return f"of the {len(people)} people in it, {label or 'the nameless'} is taken: {_listed(people)} (--person)"


def _listed(people: Mapping[str, Person]) -> str:
    shown = [f"{label or 'nameless'} ({person.usable} rows)" for label, person in list(people.items())[:8]]
    return ", ".join(shown) + (" …" if len(people) > 8 else "")
