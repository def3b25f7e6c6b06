"""The second look: a find turned upright, and how HOG sees a face there."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.config import CropSpec
from ganimate.face.crop import Box, Image, transform
from ganimate.face.detect.library import hog

UPRIGHT = CropSpec(size_px=512)  # finer than any model's crop
UPRIGHT_BOX = np.array([88.0, 75.0, 424.0, 411.0])  # where HOG's box lies in it on average (244 faces)
LOOK_WIDTHS_PX = (90, 108, 130)  # of the face: three samples of HOG's pyramid; each is also mirrored


def look(upright: Image, widths_px: Sequence[int] = LOOK_WIDTHS_PX) -> tuple[float, NDArray[np.float64]]:
    """Return the mean score and the mean box (4,) of HOG on an upright face at some sizes, each also mirrored.

    Where HOG sees nothing the score counts as -0.5, and the box is the usual one.
    """
    scores, boxes = [], []
    for width_px in widths_px:
        size = round(UPRIGHT.size_px * width_px / float(UPRIGHT_BOX[2] - UPRIGHT_BOX[0]))
        small = np.asarray(cv2.resize(upright, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
        for mirrored in (False, True):
            box, score = _central_find(np.ascontiguousarray(small[:, ::-1]) if mirrored else small)
            scores.append(score)
            if box is not None:
                left, top, right, bottom = box
                own = np.array([size - right, top, size - left, bottom]) if mirrored else box
                boxes.append(own * UPRIGHT.size_px / size)
    return float(np.mean(scores)), np.mean(boxes, axis=0) if boxes else UPRIGHT_BOX


def _central_find(image: Image, least_score: float = -0.5) -> tuple[NDArray[np.float64] | None, float]:
    """Return HOG's best box (4,) in the middle of a square upright image, and its score."""
    middle = (UPRIGHT_BOX[:2] + UPRIGHT_BOX[2:]) / 2 * image.shape[0] / UPRIGHT.size_px
    best: tuple[NDArray[np.float64] | None, float] = (None, least_score)
    for rectangle, score in hog(image, least_score):
        box = np.array([rectangle.left(), rectangle.top(), rectangle.right() + 1, rectangle.bottom() + 1], float)
        off_centre = float(np.abs((box[:2] + box[2:]) / 2 - middle).max()) / image.shape[0]
        if off_centre < 0.2 and score > best[1]:
            best = (box, score)
    return best


def box_in_photo(box: NDArray[np.float64], crop_to_source: NDArray[np.float64], shape: tuple[int, ...]) -> Box:
    """Return the box of an upright crop as a square around the same centre in the photo, clipped to it."""
    x, y = transform((box[:2] + box[2:]) / 2 - 0.5, crop_to_source) + 0.5
    half = float(box[2] - box[0]) / 2 * float(np.hypot(*crop_to_source[:, 0]))
    left, right = np.clip([x - half, x + half], 0, shape[1])
    top, bottom = np.clip([y - half, y + half], 0, shape[0])
    return Box(float(left), float(top), float(right), float(bottom))
