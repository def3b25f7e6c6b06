"""A talking face edited by the shipped model: no smears beside the mouth, no veil over what it opens on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import talking
from numpy.typing import NDArray

from ganimate.face.detect import DlibDetector, choose_faces
from ganimate.face.landmarks import LEFT_EYE, RIGHT_EYE
from ganimate.media import read_video

Picture = NDArray[np.uint8]
LIPS, OPENING = slice(48, 60), slice(60, 68)


def darkness(frame: Picture) -> tuple[float, float]:
    """Return how bright, of 255, the darkest hundredth of the skin by the lips is, and the opening's darkest tenth."""
    points = choose_faces(DlibDetector().detect(frame), "largest")[0].landmarks
    eyes_px = float(np.linalg.norm(points[LEFT_EYE].mean(0) - points[RIGHT_EYE].mean(0)))
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    lips = cv2.fillConvexPoly(np.zeros_like(grey), cv2.convexHull(np.rint(points[LIPS]).astype(np.int32)), 1)
    opening = cv2.fillPoly(np.zeros_like(grey), [np.rint(points[OPENING]).astype(np.int32)], 1)
    around = _grown(lips, 0.25 * eyes_px) - _grown(lips, 0.06 * eyes_px)
    return float(np.percentile(grey[around > 0], 1)), float(np.percentile(grey[opening > 0], 10))


def _grown(area: Picture, reach_px: float) -> Picture:
    side = 2 * max(1, round(reach_px)) + 1
    return np.asarray(cv2.dilate(area, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))), np.uint8)


def test_a_talking_mouth_smiles_without_smears_and_without_a_veil(tmp_path: Path) -> None:
    clip = talking.talk(tmp_path / "talking.mp4", frames=2)
    before, after = list(read_video(clip).frames()), talking.edited(clip, tmp_path / "edited")
    assert talking.sheet(before, after).shape == (600, 2 * 390, 3)
    (skin, opening), (new_skin, new_opening) = (darkness(frames[-1]) for frames in (before, after))
    assert opening < 70, "the mouth is open in the clip"
    assert new_skin > skin - 15  # measured: 2 to 5 brighter
    assert new_opening < opening + 25  # measured: 11
