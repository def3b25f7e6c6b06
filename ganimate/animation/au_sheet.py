"""What a model makes of one face, as in the paper's figure: AUs or expressions down, intensities across.

The face is shown upright and close, pasted back as in an animation. A row of an AU sets this AU to each intensity, all
others being as in the photo or at 0; a row of an expression leads from the photo to the expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.animation.animator import Animator, PreparedFace
from ganimate.errors import ExpressionError
from ganimate.face.crop import Crop, Face, Image, Matrix, cut, transform
from ganimate.facs import Others, Word, parse_expression
from ganimate.facs import parse_rows as read_rows
from ganimate.facs.words import SIDES, au_numbers, label, limits, parts, place_of, title
from ganimate.figures.figure import Figure, FigureRow
from ganimate.render.compose import FaceEdit
from ganimate.trajectory import Trajectory

INTENSITIES = (0.0, 0.33, 0.66, 1.0)  # the paper's
AROUND = 1.04  # width shown / width of the crop: the border at which an edit ends is to be seen
FINER = 2  # how much finer than a cell the face is pasted
UNPAINTED = 235  # grey around the crop, where nothing is painted


@dataclass(frozen=True)
class SheetRow:
    """A row of the sheet: one word (an AU, a side of it, a turn), or an expression as it was written.

    At 1 a turn goes as far as it can. What becomes of AUs that the row does not name `others` says, see `facs.cleared`.
    """

    au: Word | None = None
    expression: str = ""
    others: Others = "auto"

    def targets(
        self, source_aus: NDArray[np.float32], aus: Sequence[Word], intensities: Sequence[float]
    ) -> NDArray[np.float32]:
        """Return the AUs (I, N) of the row's pictures, for a face that shows `source_aus` (N,)."""
        if self.au is not None:
            values = (value * limits(self.au)[1] for value in intensities)
            asked = (parse_expression(f"{self.au}={value!r}") for value in values)
            # A row shows one AU, and not what gives way to it.
            others = "keep" if self.others == "auto" else self.others
            return np.stack([each.resolve(source_aus, aus, others) for each in asked])
        target = parse_expression(self.expression).resolve(source_aus, aus, self.others)
        share = np.array(intensities, np.float32)[:, None]
        return (share * target + (1 - share) * source_aus).astype(np.float32)

    def left_out(self, aus: Sequence[Word]) -> tuple[Word, ...]:
        """Return the words of the row's presets that a model of `aus` lacks."""
        return () if self.au is not None else parse_expression(self.expression).left_out(aus)

    def asked(self, intensities: Sequence[float]) -> str:
        """Return what the row asks for, such as ``12=0..1``, or the expression."""
        if self.au is None:
            return re.sub(r"\.0\b", "", self.expression)
        full = limits(self.au)[1]
        least, most = (f"{value * full:g}" for value in (min(intensities), max(intensities)))
        return f"{self.au}={least}" if least == most else f"{self.au}={least}..{most}"

    def lettering(self, source_aus: NDArray[np.float32], aus: Sequence[Word]) -> FigureRow:
        """Return the row's lettering."""
        if self.au is None:
            return FigureRow(self.asked(()).replace(",", ", "))
        name, au = title(self.au), parts(self.au)
        if au is None:
            return FigureRow(label(self.au), (name, f"at 1: {limits(self.au)[1]:g}°"))
        lines = (name.removesuffix(f", {SIDES[au[1]]}"), f"{SIDES[au[1]]} side") if au[1] else (name,)
        return FigureRow(label(self.au), (*lines, f"in the photo {source_aus[place_of(self.au, aus)[0]]:.2f}"))


@dataclass(frozen=True)
class Cell:
    """One generated face, all (size, size, 3): as it is pasted, its attention (white keeps the photo), its paint."""

    picture: Image
    attention: Image
    color: Image


def parse_rows(texts: Sequence[str], aus: Sequence[Word], others: Others = "auto") -> list[SheetRow]:
    """Return the rows that texts ask for: ``1,12L,yaw`` one each, ``happiness`` or ``6=1,12=1`` one; all AUs for none.

    In all of them AUs that a row does not name become what `others` says.
    Raises ExpressionError for what no expression can be, or what a model of `aus` lacks.
    """
    asked = [row for text in texts for row in _parse(text)] or [SheetRow(number) for number in au_numbers(aus)]
    rows = [replace(row, others=others) for row in asked]
    for row in rows:
        row.targets(np.zeros(len(aus), np.float32), aus, (1.0,))
    return rows


def _parse(text: str) -> list[SheetRow]:
    if not text.strip():
        raise ExpressionError("a row of the sheet is empty", "write for example --au 1,2,12 or --expression happiness")
    wanted = read_rows(text)
    return [SheetRow(word) for word in wanted] if isinstance(wanted, list) else [SheetRow(expression=str(wanted))]


def layout(
    rows: Sequence[SheetRow],
    source_aus: NDArray[np.float32],
    aus: Sequence[Word],
    intensities: Sequence[float],
    size_px: int,
    masks: bool,
) -> Figure:
    """Return the layout of the sheet of a face; its `source_aus` (N,) change the words in it and not its size."""
    lines = []
    for row in rows:
        lines.append(row.lettering(source_aus, aus))
        if masks:
            lines.append(FigureRow("attention", ("white keeps the photo",), attached=True))
            lines.append(FigureRow("colour", ("what was painted",), attached=True))
    heads = tuple(f"{value:g}" for value in intensities)
    return Figure(size_px, heads, tuple(lines), tuple(_legend(rows)))


def _legend(rows: Sequence[SheetRow]) -> Iterator[str]:
    """Yield what is written below the sheet; `parse_rows` has given all rows the same `others`."""
    zero = any(row.others == "zero" for row in rows)
    words = [row.au for row in rows if row.au is not None]
    yield "On the left: the photo."
    if any(parts(word) for word in words):
        rest = "at 0" if zero else "as in the photo"
        yield f"Rows of an AU: this action unit at the intensity above, all others {rest}."
    if not all(parts(word) for word in words):
        rest = ", all AUs at 0" if zero else ""
        yield f"Rows of a turn: the share above of the furthest that head or eyes turn{rest}."
    if any(row.au is None for row in rows):
        yield "Rows of an expression: from the photo, 0, to the expression, 1."


def targets(
    rows: Sequence[SheetRow], source_aus: NDArray[np.float32], aus: Sequence[Word], intensities: Sequence[float]
) -> Trajectory:
    """Return the AUs of all pictures of the sheet, row by row."""
    return Trajectory(np.concatenate([row.targets(source_aus, aus, intensities) for row in rows]), 1.0, tuple(aus))


def close_up(photo: Image, person: PreparedFace, size_px: int) -> tuple[Image, PreparedFace]:
    """Return the surroundings of a face upright, (size_px, size_px, 3), and the person that it is there."""
    source_to_view = _crop_to_view(len(person.crop.image), size_px) @ _square(person.crop.source_to_crop)
    view_to_crop = np.asarray(np.linalg.inv(_crop_to_view(len(person.crop.image), size_px)), np.float64)
    landmarks = transform(person.face.landmarks, source_to_view[:2]).astype(np.float32)
    face = Face(person.face.box, landmarks)
    seen = replace(person, face=face, crop=Crop(person.crop.image, view_to_crop[:2]))
    return cut(photo, source_to_view[:2], size_px).image, seen


def cells(animator: Animator, photo: Image, person: PreparedFace, path: Trajectory, size_px: int) -> Iterator[Cell]:
    """Yield a cell a row of `path`; faces are generated in batches."""
    view, seen = close_up(photo, person, FINER * size_px)
    for frame in animator.frames(view, [seen], [path]):
        (edit,) = frame.edits
        yield _cell(frame.image, edit, size_px)


def reduced(picture: Image, size_px: int) -> Image:
    """Return a picture (S, S, 3) at the size of a cell."""
    return np.asarray(cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA), np.uint8)


def _cell(picture: Image, edit: FaceEdit, size_px: int) -> Cell:
    attention = np.repeat(255 * edit.attention[..., None], 3, axis=2)
    return Cell(reduced(picture, size_px), _placed(attention, size_px, 255), _placed(edit.color, size_px, UNPAINTED))


def _placed(values: NDArray[np.float32], size_px: int, around: int) -> Image:
    """Return what was made for the crop (S, S, 3) where it is in a cell, `around` it a grey."""
    matrix = _crop_to_view(len(values), size_px)[:2]
    pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    placed = cv2.warpAffine(pixels, matrix, (size_px, size_px), borderValue=(around,) * 3)
    return np.asarray(placed, np.uint8)


def _crop_to_view(crop_px: int, view_px: int) -> Matrix:
    """Return (3, 3): pixels of the crop -> pixels of a view that has the crop in its middle, and more around it."""
    ratio = view_px / (crop_px * AROUND)
    shift = (view_px - crop_px * ratio) / 2 + 0.5 * ratio - 0.5  # pixel centres
    return np.array([[ratio, 0.0, shift], [0.0, ratio, shift], [0.0, 0.0, 1.0]])


def _square(matrix: Matrix) -> Matrix:
    return np.vstack([matrix, [0.0, 0.0, 1.0]])
