"""A figure of small pictures: lettered rows and columns, with the photo in the corner."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

Image = NDArray[np.uint8]

DESIGN_PX = 192  # the cell size for which the sizes below are meant; they grow and shrink with it
SMALLEST_LABEL_PX = 130
INK, FAINT, HAIRLINE = (25, 25, 25), (105, 105, 105), (200, 200, 200)
_LETTERS_PX = {"heading": 21, "label": 19, "small": 14}
_SMALLEST_LETTERS_PX = 12

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class FigureRow:
    """One row of a figure: a label, smaller lines below it, and whether it belongs to the row above."""

    label: str
    notes: tuple[str, ...] = ()
    attached: bool = False


@dataclass(frozen=True)
class Figure:
    """The layout of a figure: square cells of `cell_px`, a column for each of `heads`, a line for each of `rows`.

    `legend` are lines of explanation beside the photo.
    """

    cell_px: int
    heads: tuple[str, ...]
    rows: tuple[FigureRow, ...]
    legend: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the drawn figure."""
        bottom = self._top(len(self.rows) - 1) + self.cell_px if self.rows else self._header
        return bottom + self._margin, self._left(len(self.heads)) + self._margin, 3

    def draw(self, photo: Image, cells: Sequence[Sequence[Image]]) -> Image:
        """Return the figure (H, W, 3); `photo` and all `cells`, by rows, are (cell_px, cell_px, 3)."""
        height, width, _ = self.shape
        page = np.full((height, width, 3), 255, np.uint8)
        page[self._margin : self._margin + self.cell_px, self._margin : self._margin + self.cell_px] = photo
        for row, pictures in enumerate(cells):
            for column, picture in enumerate(pictures):
                top, left = self._top(row), self._left(column)
                page[top : top + self.cell_px, left : left + self.cell_px] = picture
                if self.rows[row].attached:  # masks may be as white as the page
                    _frame(page[top : top + self.cell_px, left : left + self.cell_px])
        sheet = Pictures.fromarray(page)
        self._letter(ImageDraw.Draw(sheet))
        return np.array(sheet)

    def _letter(self, pen: ImageDraw.ImageDraw) -> None:
        middle = self._header - self._scaled(8)
        for column, head in enumerate(self.heads):
            place = (self._left(column) + self.cell_px // 2, middle)
            pen.text(place, head, INK, self._font("heading"), anchor="ms")
        for number, line in enumerate(self._legend_lines):
            y = self._margin + number * self._line_px("small")
            pen.text((self._left(0), y), line, FAINT, self._font("small"))
        for number, row in enumerate(self.rows):
            self._label(pen, row, self._top(number))

    def _label(self, pen: ImageDraw.ImageDraw, row: FigureRow, top: int) -> None:
        """Write a row's label at the height of its cells' middle."""
        kind = "small" if row.attached else "label"
        lines = [(line, kind, FAINT if row.attached else INK) for line in self._wrapped(row.label, kind)]
        lines += [(line, "small", FAINT) for note in row.notes for line in self._wrapped(note, "small")]
        y = top + (self.cell_px - sum(self._line_px(each) for _, each, _ in lines)) / 2
        for line, each, colour in lines:
            pen.text((self._margin, y), line, colour, self._font(each))
            y += self._line_px(each)

    def _wrapped(self, text: str, kind: str, room_px: int | None = None) -> list[str]:
        """Return `text` in lines that fit beside the cells, or into `room_px`."""
        letters = (room_px or self._label_px) / self._font(kind).getlength("n")
        return textwrap.wrap(text, max(4, int(letters)))

    def _font(self, kind: str) -> Font:
        return ImageFont.load_default(max(_SMALLEST_LETTERS_PX, self._scaled(_LETTERS_PX[kind])))

    def _line_px(self, kind: str) -> int:
        return round(1.3 * max(_SMALLEST_LETTERS_PX, self._scaled(_LETTERS_PX[kind])))

    def _scaled(self, px: int) -> int:
        return round(px * self.cell_px / DESIGN_PX)

    @property
    def _margin(self) -> int:
        return self._scaled(14)

    @property
    def _label_px(self) -> int:
        return max(SMALLEST_LABEL_PX, self.cell_px - self._scaled(16))

    @property
    def _header(self) -> int:
        words = len(self._legend_lines) * self._line_px("small") + self._line_px("heading")
        return self._margin + max(self.cell_px, words) + self._scaled(12)

    @property
    def _legend_lines(self) -> list[str]:
        room_px = self._left(len(self.heads)) - self._left(0)
        return [line for text in self.legend for line in self._wrapped(text, "small", room_px)]

    def _left(self, column: int) -> int:
        start = self._margin + max(self.cell_px, self._label_px) + self._scaled(12)
        return start + column * (self.cell_px + self._scaled(4))

    def _top(self, row: int) -> int:
        """Return where a row's cells begin: rows that belong together are closer."""
        gaps = sum(self._scaled(4 if each.attached else 10) for each in self.rows[1 : row + 1])
        return self._header + row * self.cell_px + gaps


def _frame(cell: Image) -> None:
    """Draw a hairline along the inside of a cell's border, in place."""
    cell[[0, -1]] = cell[:, [0, -1]] = HAIRLINE
