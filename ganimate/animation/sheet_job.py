"""One sheet of what a model makes of a face, from what is asked to the written picture; prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganimate.animation import session
from ganimate.animation.job import Result
from ganimate.animation.outputs import Outputs
from ganimate.animation.request import left_out_note
from ganimate.animation.session import PreparedPhoto, Session, face_facts, model_facts
from ganimate.config import Setup
from ganimate.errors import FaceError, OutputError
from ganimate.facs import Others, Word
from ganimate.facs import parse_rows as read_rows
from ganimate.facs.words import label, order
from ganimate.media import check_output, check_still, write_image
from ganimate.system.progress import Progress
from ganimate.trajectory import Trajectory

if TYPE_CHECKING:
    from ganimate.animation.au_sheet import SheetRow
    from ganimate.face.crop import Image
    from ganimate.face.detect import Selection
    from ganimate.figures.figure import Figure

LARGEST_PX = 150_000_000  # 450 MB as it is drawn


@dataclass(frozen=True)
class SheetJob:
    """A sheet that is to be written: `rows` of AUs or expressions, `intensities` across, faces of `size_px`.

    `others` is what becomes of AUs that a row does not name, see `facs.cleared`.
    """

    photo: Path
    outputs: Outputs
    rows: Sequence[str]
    intensities: Sequence[float]
    masks: bool
    size_px: int
    setup: Setup = field(default_factory=Setup)
    faces: Selection = "largest"
    mark: bool = True
    others: Others = "auto"

    def make(self, progress: Progress) -> Result:
        """Draw and write the sheet, and return what came of it.

        Raises OutputError, ExpressionError, PhotoError, ModelError and FaceError, the quick ones first.
        """
        self.outputs.check_distinct(self.photo)
        check_output(self.outputs.path, self.outputs.overwrite, "still")
        for text in filter(str.strip, self.rows):
            read_rows(text)  # raises, before libraries load, for what no row can be
        image = session.read_photo(self.photo, progress)
        ready = Session.of(self.setup, progress)
        from ganimate.animation.au_sheet import layout, parse_rows, targets

        aus = ready.entry.card.words
        rows = parse_rows(self.rows, aus, self.others)
        if missing := _left_out(rows, aus):
            progress.note(left_out_note(missing, "expression"))
        nobody = np.zeros(len(aus), np.float32)
        self._check_size(layout(rows, nobody, aus, self.intensities, self.size_px, self.masks))
        prepared = ready.prepare(image, self.faces, progress)
        if len(prepared.people) > 1:
            message = f"a sheet is of one face, and {len(prepared.people)} were chosen"
            raise FaceError(message, "choose one with --face, as 'ganimate faces' numbers them")
        source_aus = prepared.people[0].source_aus
        path = targets(rows, source_aus, aus, self.intensities)
        figure = layout(rows, source_aus, aus, self.intensities, self.size_px, self.masks)
        self._write(self._draw(prepared, path, figure, progress), rows, prepared)
        return Result(self.outputs.path, self._facts(prepared, path, rows, figure))

    def _check_size(self, figure: Figure) -> None:
        """Raise OutputError, before any slow work, where the sheet would be too large."""
        height, width, _ = figure.shape
        if height * width > LARGEST_PX:
            raise OutputError(
                f"the sheet would have {width}×{height} px, more than {LARGEST_PX // 1_000_000} megapixels",
                "ask for fewer rows or intensities, or a smaller --size",
            )
        check_still(self.outputs.path, height, width, self.outputs.overwrite)

    def _draw(self, prepared: PreparedPhoto, path: Trajectory, figure: Figure, progress: Progress) -> Image:
        from ganimate.animation.au_sheet import cells, close_up

        (person,) = prepared.people
        made = cells(prepared.animator, prepared.photo, person, path, self.size_px)
        lines: list[list[Image]] = [[] for _ in figure.rows]
        step = 3 if self.masks else 1
        with progress.count("making faces", len(path), f"writing {Path(self.outputs.path).name}") as counted:
            for number, cell in enumerate(counted(made)):
                first = step * (number // len(figure.heads))
                pictures = (cell.picture, cell.attention, cell.color)
                for line, picture in zip(lines[first : first + step], pictures, strict=False):
                    line.append(picture)
            photo, _ = close_up(prepared.photo, person, self.size_px)
            return figure.draw(photo, lines)

    def _write(self, drawn: Image, rows: Sequence[SheetRow], prepared: PreparedPhoto) -> None:
        asked = "; ".join(row.asked(self.intensities) for row in rows)
        mark = prepared.mark_of([asked]) if self.mark else None
        write_image(self.outputs.path, drawn, self.outputs.overwrite, mark=mark)

    def _facts(
        self, prepared: PreparedPhoto, path: Trajectory, rows: Sequence[SheetRow], figure: Figure
    ) -> dict[str, Any]:
        """Return the result as plain data."""
        height, width, _ = figure.shape
        return {
            "path": self.outputs.path,
            "width_px": width,
            "height_px": height,
            "model": model_facts(prepared.entry),
            "face": face_facts(prepared, 0),
            "rows": [row.label for row in figure.rows if not row.attached],
            "left_out": [label(word) for word in _left_out(rows, prepared.aus)],
            "faces_made": len(path),
            "intensities": list(self.intensities),
            "marked": self.mark,
        }


def _left_out(rows: Sequence[SheetRow], aus: Sequence[Word]) -> tuple[Word, ...]:
    """Return the words of the rows' presets that a model of `aus` lacks."""
    return tuple(sorted({word for row in rows for word in row.left_out(aus)}, key=order))
