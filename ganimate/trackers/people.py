"""The people in a table, as it is read: whose rows can be used, and why the others cannot."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import AnnotationError
from ganimate.trackers.clocks import Reading

PERSON_COLUMNS = ("face_id", "identity", "person", "face")

NO_FACE, UNSURE, DAMAGED, OUTSIDE, LATE, AGAIN = (
    "without a face",
    "of low confidence",
    "with a damaged cell",
    "with a value out of range",
    "at no later time than the row before",
    "with a face that another row of the frame has",
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
    frames: array[float] = field(default_factory=lambda: array("d"))  # alike in rows of one moment
    boxes: array[float] = field(default_factory=lambda: array("d"))  # the middle and the width of the face
    skipped: dict[str, array[int]] = field(default_factory=dict)

    @property
    def usable(self) -> int:
        """How many rows can be used."""
        return len(self.lines)

    def add(self, line: int, frame: float, time: Reading, values: Sequence[float], box: Sequence[float]) -> None:
        """Keep a row, in which the face is in a `box` (x, y, width)."""
        self.lines.append(line)
        self.frames.append(frame)
        self.times.extend(time)
        self.values.extend(values)
        self.boxes.extend(box)

    def skip(self, why: str, line: int) -> None:
        """Count a row that cannot be used."""
        self.skipped.setdefault(why, array("q")).append(line)

    def keep(self, kept: NDArray[np.bool_], why: str) -> None:
        """Keep the usable rows that are `kept` (usable,), and skip the others."""
        for line in np.array(self.lines)[~kept].tolist():
            self.skip(why, line)
        chosen = self._chosen(kept)
        self.lines, self.frames, self.times = chosen.lines, chosen.frames, chosen.times
        self.values, self.boxes = chosen.values, chosen.boxes

    def part(self, kept: NDArray[np.bool_]) -> Person:
        """Return one of several people whose rows these are: the usable rows that are `kept` (usable,) are theirs.

        Rows that were skipped, whosever they are, count as theirs, too.
        """
        skipped = {why: array("q", lines) for why, lines in self.skipped.items()}
        return replace(self._chosen(kept), count=self.count - int((~kept).sum()), skipped=skipped)

    def _chosen(self, kept: NDArray[np.bool_]) -> Person:
        def rows(values: array[float]) -> array[float]:
            width = len(values) // max(len(kept), 1)
            return array("d", np.array(values).reshape(len(kept), width)[kept].ravel())

        lines = array("q", np.array(self.lines, np.int64)[kept])
        return Person(self.count, lines, rows(self.times), rows(self.values), rows(self.frames), rows(self.boxes))

    @property
    def reasons(self) -> str:
        """How many rows were skipped, and why, for people."""
        return ", ".join(
            f"{len(lines)} {why} (line {min(lines)}{' and on' if len(lines) > 1 else ''})"
            for why, lines in self.skipped.items()
        )


def choose_person(table: str, people: Mapping[str, Person], wanted: str | None) -> str:
    """Return the label of the person who is taken, by default the one with most usable rows.

    Raises AnnotationError when `wanted` is not there.
    """
    if wanted is None:
        return max(people, key=lambda label: people[label].usable)
    if wanted not in people:
        if len(people) < 2:
            raise AnnotationError(f"{table} has no face {wanted!r}: it shows one face alone", "leave --table-face out")
        raise AnnotationError(f"{table} has no face {wanted!r}", f"it has {_listed(people)}")
    return wanted


def people_note(people: Mapping[str, Person], label: str) -> str | None:
    """Return who was taken of whom, for people; None where there is only one."""
    if len(people) < 2:
        return None
    shown = f"of the {len(people)} faces in it, {label or 'the nameless'} is taken: {_listed(people)}"
    return f"{shown} (--table-face)"


def _listed(people: Mapping[str, Person]) -> str:
    shown = [f"{label or 'nameless'} ({_told(person)})" for label, person in list(people.items())[:8]]
    return ", ".join(shown) + (" …" if len(people) > 8 else "")


def _told(person: Person) -> str:
    """Return how many rows a person has, and where they begin, if that is known."""
    boxes = np.array(person.boxes).reshape(-1, 3)
    where = boxes[np.isfinite(boxes[:, :2]).all(axis=1), :2]
    place = f", first at {where[0, 0]:.4g}, {where[0, 1]:.4g}" if len(where) else ""
    return f"{person.usable} rows{place}"
