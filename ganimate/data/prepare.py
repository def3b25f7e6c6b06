"""From photos and a table of AUs to a pack: join, crop, split, and tell what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganimate.config import CropSpec, PrepareOptions
from ganimate.data.pack import MARGIN, PackRow, PackWriter, stored_size_px
from ganimate.data.split import choose_fold, choose_held_out
from ganimate.errors import FaceError, InputError, PhotoError
from ganimate.face.crop import Image, align, cut, transform
from ganimate.face.detect import Detector, choose_faces
from ganimate.face.eyelids import BLINK, eyelid_closure
from ganimate.media import read_photo
from ganimate.trackers import AnnotationTable, Complaint

KINDS: Mapping[type[InputError], str] = {PhotoError: "unreadable photo", FaceError: "no face"}


@dataclass(frozen=True)
class PreparedRow:
    """What became of one row of the table: `skipped` is None when it is in the pack, else the reason."""

    name: str
    skipped: Complaint | None


def prepare(
    folder: Path,
    table: AnnotationTable,
    persons: Mapping[str, str],
    writer: PackWriter,
    options: PrepareOptions,
    detector: Detector | None = None,
    sides: Mapping[str, bool] | None = None,
) -> Iterator[PreparedRow]:
    """Add every usable row of `table` to `writer`, and note the others there; yields what became of each.

    `persons` maps photo names to people. `sides` says which photos are held out, those that it does not name are not;
    without it `options` tell who is. Landmarks come from the table where it has them, else from `detector`.
    Raises OutputError where the pack cannot be written.
    """
    numbers = {person: number for number, person in enumerate(dict.fromkeys(persons.values()))}
    rows_of = Counter(name for row, name in enumerate(table.names) if row not in table.complaints)
    usable = dict.fromkeys(name for row, name in enumerate(table.names) if table.problem(row) is None)
    held_out = _held_out([persons.get(name) or name for name in usable], options)
    for row, name in enumerate(table.names):
        complaint = table.problem(row)
        if complaint is None and table.landmarks is None and rows_of[name] > 1:
            complaint = Complaint("ambiguous row", "several rows for one photo and no landmarks to tell them apart")
        if complaint is None:
            try:
                photo = read_photo(folder / name)
                points = _landmarks(table, row, photo, detector)
                person = persons.get(name)
                held = (person or name) in held_out if sides is None else sides.get(name, False)
                number = -1 if person is None else numbers[person]
                aus = _labels(table.aus[row], table.au_numbers, points)
                writer.add(_row(name, photo, points, aus, number, held, options.spec))
            except InputError as error:
                complaint = Complaint(KINDS.get(type(error), "unusable"), error.message)
        if complaint is not None:
            writer.skip(name, complaint.kind, complaint.reason)
        yield PreparedRow(name, complaint)


def _held_out(owners: Sequence[str], options: PrepareOptions) -> frozenset[str]:
    if options.folds > 1:
        return choose_fold(owners, options.folds, options.fold, options.split_seed)
    return choose_held_out(owners, options.validation_share, options.split_seed)


def _landmarks(table: AnnotationTable, row: int, photo: Image, detector: Detector | None) -> NDArray[np.float32]:
    if table.landmarks is not None:
        points: NDArray[np.float32] = table.landmarks[row]
    elif detector is None:
        raise FaceError("the table has no landmarks and no detector was given")
    else:
        points = choose_faces(detector.detect(photo), "largest")[0].landmarks
    height, width = photo.shape[:2]
    inside = ((points >= 0) & (points < [width, height])).all(1)
    if inside.mean() < 0.5:
        raise FaceError("the face lies outside the photo: most landmarks do")
    return points


def _labels(aus: NDArray[np.float32], numbers: Sequence[int], landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the table's AUs (N,) with the blink read from the eyelids: on still photos that is the surer source."""
    return np.where(np.array(numbers) == BLINK, eyelid_closure(landmarks), aus).astype(np.float32)


def _row(
    name: str,
    photo: Image,
    landmarks: NDArray[np.float32],
    aus: NDArray[np.float32],
    person: int,
    validation: bool,
    spec: CropSpec,
) -> PackRow:
    """Return the face cut by the animator's own function, with a margin around it."""
    size = stored_size_px(spec)
    matrix = align(landmarks, spec)
    matrix[:, 2] += round(spec.size_px * MARGIN)
    crop = cut(photo, matrix, size)
    return PackRow(
        name, crop.image, aus, transform(landmarks, matrix).astype(np.float32), person, validation,
        _outside(photo, matrix, spec),
    )  # fmt: skip


def _outside(photo: Image, source_to_stored: NDArray[np.float64], spec: CropSpec) -> float:
    """Return the share of the crop, without its margin, that lies outside the photo."""
    line = (np.arange(16) + 0.5) / 16 * spec.size_px + spec.size_px * MARGIN
    grid = np.stack(np.meshgrid(line, line), -1)
    linear = np.linalg.inv(source_to_stored[:, :2])
    points = (grid - source_to_stored[:, 2]) @ linear.T
    height, width = photo.shape[:2]
    inside = (points >= 0).all(-1) & (points[..., 0] < width) & (points[..., 1] < height)
    return float(1 - inside.mean())
