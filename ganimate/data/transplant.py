"""A face put into somebody else's photo: its light, its colours, its hair and background.

Photos of one person in many expressions come from a studio: a grey wall, one lamp, young skin. A judge that learns from
them alone reads strong expressions in such photos alone. Numpy and OpenCV only.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import Image
from ganimate.face.likeness import face_region

LIGHT = 0.1  # crop widths, deviation of the bell: what is coarser is light and complexion
SEAM = 0.03  # crop widths over which the face fades into the host's
MOST_RATIO = 3.0

Plane = NDArray[np.float32]


def transplant(photo: Image, landmarks: NDArray[np.float32], host: Image, host_landmarks: NDArray[np.float32]) -> Image:
    """Return a photo (S, S, 3) with the host's light and, around the face, the host's pixels.

    Landmarks (68, 2) in crop widths.
    """
    face = face_region(landmarks, len(host))
    ratio = _light(host, face_region(host_landmarks, len(host))) / _light(photo, face)
    ratio = np.clip(ratio, 1 / MOST_RATIO, MOST_RATIO)
    inside = _bell(face.astype(np.float32), SEAM)[..., None]
    mixed = inside * photo * ratio + (1 - inside) * host
    return np.asarray(np.clip(mixed, 0, 255).round(), np.uint8)


def _light(photo: Image, face: NDArray[np.bool_]) -> Plane:
    """Return the photo's coarse brightness (S, S, 3), of the face alone, carried on beyond its outline."""
    weight = face.astype(np.float32) + np.float32(1e-3)
    light: Plane = _bell(photo * weight[..., None], LIGHT) / _bell(weight, LIGHT)[..., None]
    return np.maximum(light, np.float32(8))


def _bell(plane: Plane, deviation: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane.astype(np.float32), (0, 0), deviation * len(plane)), np.float32)
