"""Pictures for special ends: a photo with its faces marked, or fitted into a frame; many pictures on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Box = tuple[float, float, float, float]  # left, top, right and bottom in pixels

# Okabe & Ito's colours, which nearly everybody can tell apart.
COLOURS = ((0, 158, 115), (230, 159, 0), (86, 180, 233), (213, 94, 0), (204, 121, 167), (240, 228, 66))
_FONT = cv2.FONT_HERSHEY_SIMPLEX
LINE_PX = 20  # height of a line of writing on a sheet


def draw_faces(photo: Image, boxes: Sequence[Box]) -> Image:
    """Return a copy of `photo` (H, W, 3) uint8 with the box around each face and its number, from 1, as a label."""
    drawn = photo.copy()
    for number, box in reversed(list(enumerate(boxes, 1))):  # the first, largest, on top
        _draw(drawn, box, str(number), COLOURS[(number - 1) % len(COLOURS)])
    return drawn


def fit_into(photo: Image, width_px: int, height_px: int) -> Image:
    """Return `photo` scaled to fit into a frame (height_px, width_px, 3), in its middle, with black beside it."""
    scale = min(width_px / photo.shape[1], height_px / photo.shape[0])
    width, height = max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    left, top = (width_px - width) // 2, (height_px - height) // 2
    frame = np.zeros((height_px, width_px, 3), np.uint8)
    frame[top : top + height, left : left + width] = cv2.resize(photo, (width, height), interpolation=how)
    return frame


def contact_sheet(rows: Sequence[Sequence[Image]], titles: Sequence[str], columns: Sequence[str]) -> Image:
    """Return pictures of one size (h, w, 3) as a sheet: a title above each row, the columns' names at the top."""
    width = rows[0][0].shape[1]
    parts = [np.concatenate([_line(name, width) for name in columns], 1)]
    for row, title in zip(rows, titles, strict=True):
        parts += [_line(title, width * len(columns)), np.concatenate(row, 1)]
    return np.concatenate(parts)


def _line(text: str, width_px: int) -> Image:
    """Return black writing on white (LINE_PX, width_px, 3), no wider than that."""
    line = np.full((LINE_PX, width_px, 3), 255, np.uint8)
    (width, _), _ = cv2.getTextSize(text, _FONT, 0.45, 1)
    scale = 0.45 * min(1.0, (width_px - 8) / max(width, 1))
    cv2.putText(line, text, (4, LINE_PX - 6), _FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return line


def _draw(image: Image, box: Box, label: str, colour: tuple[int, int, int]) -> None:
    height, width = image.shape[:2]
    line = max(1, round(min(height, width) / 300))
    corner = (round(box[0]), round(box[1]))
    cv2.rectangle(image, corner, (round(box[2]) - 1, round(box[3]) - 1), colour, line)
    scale = max(0.4, (box[2] - box[0]) / 200)
    (text_width, text_height), _ = cv2.getTextSize(label, _FONT, scale, line)
    pad = round(text_height / 2)
    label_width, label_height = text_width + 2 * pad, text_height + 2 * pad
    left = int(np.clip(corner[0], 0, max(0, width - label_width)))
    top = corner[1] - label_height if corner[1] >= label_height else corner[1]  # above the face, where there is room
    cv2.rectangle(image, (left, top), (left + label_width - 1, top + label_height - 1), colour, cv2.FILLED)
    cv2.putText(image, label, (left + pad, top + label_height - pad), _FONT, scale, (0, 0, 0), line, cv2.LINE_AA)
