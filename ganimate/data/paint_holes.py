"""Restored holes: in any photo lips or lids are shut, or eyes turned, by the mesh, and the painter brings them back."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.data.lent_eyes import with_lent_eyes
from ganimate.data.paint_batch import PaintSample
from ganimate.data.paint_camera import Camera
from ganimate.data.paint_faces import PaintFaces, lid_gaps, lip_gaps
from ganimate.data.paint_motion import lips_shut, lower_lids_raised, moved_field
from ganimate.data.paint_windows import EYES, MOUTH, Mesh, Window, draw_window, face_mask, misread, polygon_mask
from ganimate.face.crop import Image
from ganimate.face.mesh.topology import LEFT_LID_SKIN, RIGHT_LID_SKIN
from ganimate.motion.field import EYE
from ganimate.motion.field import MOUTH as MOUTH_PART
from ganimate.motion.hints import hints_of
from ganimate.motion.muscles import BLINK, Muscles

Floats = NDArray[np.float32]
STRAIGHT_DEG = 30.0
# Which photos have something to hide and bring back (lips apart, eyes open, eyes shut), and how often each is drawn.
LIPS_APART, EYES_OPEN, EYES_SHUT = 0.06, 0.22, 0.10
HOLE_SHARES = (0.62, 0.18, 0.20)
WHOLLY_SHARE = 0.25  # of the eyes that are narrowed: how often they are shut
LOWER_SHARE = 0.5  # of the eyes that are narrowed: how often the lower lids come up as well, as in smiles
# Of the open eyes: how often they are turned and turned back, and how far (deviation).
TURNED_SHARE, GAZE_DEG = 0.5, 14.0
# Of the shut eyes that are opened: how often they get somebody's open eyes before they are shut again, and how many are
# asked for theirs.
LENT_SHARE, LENDERS = 0.85, 5


class RestoredHoles:
    """Draws windows of single photos of people who are not held out.

    `shares` (3,) is how often lips, open and shut eyes are drawn: 0 where no photo shows them.
    """

    def __init__(self, faces: PaintFaces, muscles: Muscles, window_px: int) -> None:
        self._faces, self._muscles, self._window_px = faces, muscles, window_px
        straight = ~faces.held_out & (np.abs(faces.turns[:, 0]) < STRAIGHT_DEG)
        eyes = lid_gaps(faces.meshes).mean(1)
        self._photos = [
            np.flatnonzero(straight & (lip_gaps(faces.meshes) > LIPS_APART)),
            np.flatnonzero(straight & (eyes > EYES_OPEN)),
            np.flatnonzero(~faces.held_out & (eyes < EYES_SHUT)),
        ]
        shares = np.array(HOLE_SHARES) * [len(photos) > 0 for photos in self._photos]
        self.shares = shares / max(shares.sum(), 1e-9)

    def draw(self, rng: np.random.Generator) -> PaintSample:
        """Return a window of one photo: lips, lids or eyes moved by the mesh and moved back; only the holes differ."""
        kind, gaze = int(rng.choice(3, p=self.shares)), np.zeros(2, np.float32)
        face = int(rng.choice(self._photos[kind]))
        mesh, y_from = self._faces.mesh(face), self._faces.aus[face].copy()
        camera = Camera.draw(rng)
        photo = camera.take(self._faces.image(face), rng)
        if kind == 0:
            share = 1.0 if rng.random() < 0.75 else rng.uniform(0.4, 0.95)
            hidden = lips_shut(mesh, share)
            for number in (25, 26):
                self._set(y_from, number, lambda value: value * (1 - share))
        elif kind == 1 and rng.random() < TURNED_SHARE:
            hidden, gaze = mesh, rng.normal(size=2).astype(np.float32) * np.radians(GAZE_DEG)
        else:
            lowered = 1.0 if rng.random() < WHOLLY_SHARE else rng.uniform(0.15, 0.6)
            hidden = self._blinked(mesh, y_from, lowered if kind == 1 else None)
            if kind == 1 and rng.random() < LOWER_SHARE:
                hidden = lower_lids_raised(hidden, rng.uniform(0.15, 0.6))
        size = self._window_px
        window = draw_window(rng, mesh, size, MOUTH if kind == 0 else EYES)
        there, gone = window.mesh(mesh), window.mesh(hidden)
        turned, back = (gaze, -gaze) if gaze.any() else (None, None)
        without = window.carried(photo, moved_field(there, gone, size, turned))
        if kind == 2 and rng.random() < LENT_SHARE:
            without = self._with_open_eyes(without, gone, window, camera, rng)
        read = misread(rng, gone, 0.4 * min(window.scale, 1))
        field = moved_field(read, there, size, back)
        moved, real = field.apply(without), window.view(photo)
        changed = field.holes(MOUTH_PART if kind == 0 else EYE)
        if kind == 2:  # where lids come down the eye was seen
            changed = np.maximum(
                changed, np.any([polygon_mask(gone[ring], size) for ring in (RIGHT_LID_SKIN, LEFT_LID_SKIN)], 0)
            )
        hole = cv2.GaussianBlur(cv2.dilate(changed.astype(np.float32), np.ones((7, 7))), (0, 0), 1.2)
        moved = (moved * hole[..., None] + real * (1 - hole[..., None])).astype(np.uint8)
        return PaintSample(moved, real, hints_of(field), face_mask(there, size), y_from, self._faces.aus[face])

    def _with_open_eyes(
        self, view: Image, mesh: Mesh, window: Window, camera: Camera, rng: np.random.Generator
    ) -> Image:
        """Return a view with somebody's open eyes, whose skin is alike; without, where nobody's is of a few."""
        for lender in rng.choice(self._photos[1], LENDERS).tolist() if len(self._photos[1]) else ():
            lent = with_lent_eyes(view, mesh, window, self._faces, lender, camera, rng)
            if lent is not None:
                return lent
        return view

    def _blinked(self, mesh: Mesh, y_from: Floats, wanted: float | None) -> Mesh:
        """Return a mesh whose lids are lowered to `wanted`, or, if None, opened; `y_from` is told."""
        own, goal = np.zeros(len(self._muscles.aus)), np.zeros(len(self._muscles.aus))
        row = self._muscles.aus.index(BLINK)
        if wanted is None:
            own[row] = 1
            self._set(y_from, BLINK, lambda _: 0.0)
        else:
            goal[row] = wanted
            self._set(y_from, BLINK, lambda value: max(value, wanted))
            self._set(y_from, 5, lambda _: 0.0)
        return self._muscles.move(mesh.astype(np.float32), own, goal).astype(np.float64)

    def _set(self, aus: Floats, number: int, change: Callable[[float], float]) -> None:
        if number in self._faces.au_numbers:
            place = self._faces.au_numbers.index(number)
            aus[place] = change(float(aus[place]))
