"""Open eyes of other people, lent to faces whose shut eyes were opened by the mesh.

A mesh that opens a shut eye lays nothing bare: what is then shut again has none of the lashes, dark edges and specks of
white that a real open eye leaves on its lid. So the eye of somebody else is put in between, in the colours of the face.
"""

from __future__ import annotations

import cv2
import numpy as np

from ganimate.data.paint_camera import Camera
from ganimate.data.paint_faces import PaintFaces
from ganimate.data.paint_motion import moved_field
from ganimate.data.paint_windows import Mesh, Window, polygon_mask
from ganimate.face.crop import Image
from ganimate.face.mesh.topology import LEFT_EYE, LEFT_LID_SKIN, RIGHT_EYE, RIGHT_LID_SKIN

_EYES = ((RIGHT_EYE, RIGHT_LID_SKIN), (LEFT_EYE, LEFT_LID_SKIN))
AROUND = (0.06, 0.16)  # of the eye's width: how much of the lid around comes with it; lashes end at .11
SOFT = 0.03  # of it: how softly its border is drawn
MOST_LIGHT = 1.5  # as much brighter or darker may a channel be than that of the lender: else whites glare


def with_lent_eyes(
    view: Image,
    mesh: Mesh,
    window: Window,
    faces: PaintFaces,
    lender: int,
    camera: Camera,
    rng: np.random.Generator,
) -> Image | None:
    """Return what a window shows (S, S, 3) of a face `mesh` (478, 3), in its pixels, with the eyes of face `lender`.

    One `camera` has taken both. None where the lender's skin is another, or lit otherwise.
    """
    theirs, size = faces.mesh(lender), window.size_px
    own = window.like(_in_photo(mesh, window), theirs)
    there = own.mesh(theirs)
    shown = own.carried(camera.take(faces.image(lender), rng), moved_field(there, mesh, size)).astype(np.float32)
    result = view.astype(np.float32)
    for ring, lid in _EYES:
        width = float(np.linalg.norm(mesh[ring[0], :2] - mesh[ring[8], :2]))
        eye = polygon_mask(mesh[ring], size)
        reach = max(1, round(2 * rng.uniform(*AROUND) * width)) | 1
        lent = cv2.dilate(eye, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
        skin = (polygon_mask(mesh[lid], size) > 0) & (lent == 0)
        if not skin.any():
            continue
        gain = (result[skin].mean(0) + 5) / (shown[skin].mean(0) + 5)
        if np.abs(np.log(gain)).max() > np.log(MOST_LIGHT):
            return None
        share = cv2.GaussianBlur(lent.astype(np.float32), (0, 0), max(0.5, SOFT * width))[..., None]
        result = share * np.clip(shown * gain, 0, 255) + (1 - share) * result
    return np.rint(result).astype(np.uint8)


def _in_photo(mesh: Mesh, window: Window) -> Mesh:
    """Return a mesh in pixels of a window as one in pixels of its photo."""
    back = cv2.invertAffineTransform(window.photo_to_window)
    return np.column_stack([mesh[:, :2] @ back[:, :2].T + back[:, 2], mesh[:, 2] / window.scale])
