"""Faces that a table has several of in one frame and does not name: told apart by where they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import AnnotationError
from ganimate.trackers.rows import cell_at, number

_LEFT, _TOP = ("facerectx",), ("facerecty",)
_WIDTH, _HEIGHT = ("facerectwidth",), ("facerectheight",)
SAME = 0.5  # widths of a face: boxes nearer than this show one face twice
REACH = 1.5  # widths of a face: further no head gets from one frame to the next
SURE = 0.5  # how much nearer faces must be where they were than where the other one was

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BoxColumns:
    """Where the columns of a face's box stand: left and top, and width and height or None."""

    left: int
    top: int
    width: int | None
    height: int | None

    @staticmethod
    def of(header: Sequence[str]) -> BoxColumns | None:
        """Return the columns of a table with this header, None where it tells no places."""
        places = {name.lower(): place for place, name in enumerate(header)}
        found = [next((places[name] for name in kind if name in places), None) for kind in (_LEFT, _TOP)]
        size = [next((places[name] for name in kind if name in places), None) for kind in (_WIDTH, _HEIGHT)]
        return None if found[0] is None or found[1] is None else BoxColumns(found[0], found[1], size[0], size[1])

    def read(self, row: Sequence[str]) -> tuple[float, float, float]:
        """Return the middle of a row's face and its width, NaN for what it does not tell."""
        left, top, width, height = (
            math.nan if value is None else value
            for value in (number(cell_at(row, place)) for place in (self.left, self.top, self.width, self.height))
        )
        if math.isnan(width):
            return left, top, width
        return left + width / 2, top + (width if math.isnan(height) else height) / 2, width


def repeats(frames: Floats) -> NDArray[np.int64]:
    """Return which rows (T,) are of the frame of the row before; `frames` has the numbers of their frames."""
    return np.flatnonzero(np.diff(frames, prepend=np.nan) == 0)


def follow(table: str, frames: Floats, boxes: Floats, lines: Sequence[int]) -> NDArray[np.int64]:
    """Return which face (T,), from 0, each row shows: the one whose box was nearest in the frame before.

    Faces count in the order in which they come, in one frame from left to right; -1 is a face that another row of the
    frame has. `boxes` (T, 3) are the middle of each face and its width, NaN where that is not known. Raises
    AnnotationError, with the line, where two are too near to where both were.
    """
    owner = np.full(len(frames), -1, np.int64)
    known: list[Floats] = []  # the last box of each face
    starts = np.flatnonzero(np.diff(frames, prepend=np.nan) != 0)
    for rows in np.split(np.arange(len(frames)), starts[1:]):
        rows = rows[np.argsort(boxes[rows, 0], kind="stable")]
        everywhere, rows = rows, _without_repeats(rows, boxes)
        if len(rows) < len(everywhere) and any(_neighbours(known, boxes[row]) > 1 for row in rows):
            raise _too_near(table, lines[rows[0]])
        pairs = _match(known, boxes[rows])
        _require_sure(table, known, boxes[rows], pairs, lines[rows[0]])
        for place, row in enumerate(rows):
            if place in pairs:
                owner[row] = pairs[place]
            else:
                owner[row] = len(known)
                known.append(boxes[row])
            known[owner[row]] = boxes[row]
    return owner


def _without_repeats(rows: NDArray[np.int64], boxes: Floats) -> NDArray[np.int64]:
    """Return the rows of one frame without those that show a face again, which stay nobody's."""
    kept: list[int] = []
    for row in rows:
        near = [_distance(boxes[row], boxes[other]) < SAME * boxes[other, 2] for other in kept]
        if not any(near):
            kept.append(row)
    return np.array(kept)


def _neighbours(known: Sequence[Floats], box: Floats) -> int:
    """Return how many faces were last seen within the width of a box."""
    return sum(_distance(last, box) < box[2] for last in known)


def _distance(one: Floats, other: Floats) -> float:
    return float(np.hypot(*(one[:2] - other[:2])))


def _match(known: Sequence[Floats], boxes: Floats) -> dict[int, int]:
    """Return, by the place of each box, the face that was nearest to it; the nearest pairs first."""
    pairs: dict[int, int] = {}
    ways = sorted(
        (_distance(box, last), place, face)
        for place, box in enumerate(boxes)
        for face, last in enumerate(known)
        if not _distance(box, last) > REACH * np.nanmax([box[2], last[2], 0.0]) or np.isnan(last[2])
    )
    for _, place, face in ways:
        if place not in pairs and face not in pairs.values():
            pairs[place] = face
    return pairs


def _require_sure(table: str, known: Sequence[Floats], boxes: Floats, pairs: dict[int, int], line: int) -> None:
    """Raise AnnotationError where two faces might as well be each other."""
    for place, face in pairs.items():
        for other, another in pairs.items():
            if other <= place:
                continue
            kept = _distance(boxes[place], known[face]) + _distance(boxes[other], known[another])
            changed = _distance(boxes[place], known[another]) + _distance(boxes[other], known[face])
            if kept > SURE * changed:
                raise _too_near(table, line)


def _too_near(table: str, line: int) -> AnnotationError:
    message = f"two faces of {table} cannot be told apart at line {line}: they are too near to where both were"
    return AnnotationError(message, "keep the rows of one face, or add a column 'identity' that says whose each row is")


def not_told_apart(table: str, line: int) -> AnnotationError:
    """Return the error about a table with several faces a frame that tells neither whose nor where they are."""
    message = f"{table} has several rows of one frame, such as line {line}, and nothing tells faces apart"
    hint = "keep the rows of one face, or add a column 'identity', or FaceRectX and FaceRectY, as py-feat writes them"
    return AnnotationError(message, hint)
