"""How far eyes are shut, by the landmarks of their lids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLINK = 45  # the AU that shuts eyes
OPEN_RATIO, CLOSED_RATIO = 0.27, 0.12  # height / width of the eye: one face in four is below the first, at rest
REST_CLOSURE = 0.4  # 95 % of the photos are below, most of the others have shut eyes


def eyelid_closure(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return how far the eyelids are closed, in [0, 1], of landmarks (..., 68, 2) in any unit.

    From the eyes' mean height / width (eye aspect ratio; Soukupová and Čech, CVWW 2016). It stands for AU 45 in the
    labels: what OpenFace calls 45 on still photos hardly knows open eyes from closed ones.
    """

    def span(a: int, b: int) -> NDArray[np.floating]:
        return np.asarray(np.linalg.norm(landmarks[..., a, :] - landmarks[..., b, :], axis=-1))

    left = (span(37, 41) + span(38, 40)) / np.maximum(span(36, 39), 1e-6)
    right = (span(43, 47) + span(44, 46)) / np.maximum(span(42, 45), 1e-6)
    closure = (OPEN_RATIO - (left + right) / 4) / (OPEN_RATIO - CLOSED_RATIO)
    return np.asarray(np.clip(closure, 0, 1), np.float32)


def eyes_shut(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return how far eyes are shut, in [0, 1], beyond what narrow eyes at rest may be: of landmarks (..., 68, 2)."""
    return np.asarray(np.clip((eyelid_closure(landmarks) - REST_CLOSURE) / (1 - REST_CLOSURE), 0, 1), np.float32)
