"""Whole faces that a painter is asked for, as users see them, so that a reader can tell whether their AUs came.

Half are pairs: a photo carried onto another of the same person, who shows what is asked, so the painted face should be
read as the real one is. The others are any photos, moved by the muscles to AUs that somebody wishes: nobody knows the
picture, but how much more a reader reads of real people who do that is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganimate.config import CropSpec
from ganimate.data.paint_camera import Camera
from ganimate.data.paint_faces import PaintFaces
from ganimate.data.paint_motion import moved_field
from ganimate.data.paint_windows import Mesh, Window, misread
from ganimate.face.crop import Image
from ganimate.motion.hints import FINER, hints_of, mirrored_hints
from ganimate.motion.muscles import Muscles
from ganimate.motion.paint_share import new_share, within_outline
from ganimate.networks.pictures import to_tensor

Floats = NDArray[np.float32]
EYES = ((33, 133), (362, 263))  # corners
WISHED = (1, 3)  # AUs of a wish, at least and at most
WEAKEST_WISH = 0.4
BORROWED_SHARE = 0.4  # of the wishes: all that another photo shows


@dataclass(frozen=True)
class WholeFace:
    """`moved` W(I) and `photo` (S, S, 3) uint8, `hints` (6, S, S), `share` (S, S) of C, AUs (N,) and `rise` (N,).

    A reader should read of the painted face what it reads of `photo`, and what `rise` is worth on real people more.
    """

    moved: Image
    photo: Image
    hints: Floats
    share: Floats
    y_from: Floats
    y_to: Floats
    rise: Floats


@dataclass(frozen=True)
class WholeBatch:
    """`moved`, `photo` (B, 3, S, S) in [-1, 1], `hints` (B, 6, S, S), `share` (B, 1, S, S), AUs and `rise` (B, N)."""

    moved: Tensor
    photo: Tensor
    hints: Tensor
    share: Tensor
    y_from: Tensor
    y_to: Tensor
    rise: Tensor


def crop_window(mesh: Mesh, spec: CropSpec) -> Window:
    """Return the window of a photo that the painter paints in an animation: the reader's crop, finer."""
    right, left = (mesh[list(corners), :2].mean(0) for corners in EYES)
    size = FINER * spec.size_px
    along = (left - right) / max(float(np.linalg.norm(left - right)), 1e-6)
    scale = spec.interocular * size / max(float(np.linalg.norm(left - right)), 1e-6)
    linear = scale * np.array([[along[0], along[1]], [-along[1], along[0]]])
    goal = np.array([0.5, spec.eye_line]) * size
    return Window(np.column_stack([linear, goal - linear @ ((right + left) / 2)]), size)


def whole_pair(
    faces: PaintFaces,
    before: int,
    after: int,
    goal_mesh: Mesh,
    gaze: Floats | None,
    spec: CropSpec,
    rng: np.random.Generator,
) -> WholeFace:
    """Return photo `before` carried onto `after`: skin goes to `goal_mesh` (478, 3) there, eyes turn by `gaze`."""
    window = crop_window(faces.mesh(after), spec)
    own = window.like(faces.mesh(after), faces.mesh(before))
    start, goal = misread(rng, own.mesh(faces.mesh(before)), 0.6), window.mesh(goal_mesh)
    field = moved_field(start, goal, window.size_px, gaze)
    camera = Camera.draw(rng)
    moved = own.carried(camera.take(faces.image(before), rng), field)
    photo = window.view(camera.take(faces.image(after), rng))
    rest = np.zeros(len(faces.au_numbers), np.float32)
    return WholeFace(
        moved,
        photo,
        hints_of(field),
        new_share(field) * within_outline(goal, window.size_px),
        faces.aus[before],
        faces.aus[after],
        rest,
    )


def wished_face(
    faces: PaintFaces,
    face: int,
    y_to: Floats,
    muscles: Muscles,
    spec: CropSpec,
    rng: np.random.Generator,
    camera: Camera | None = None,
) -> WholeFace:
    """Return a photo, taken by some `camera`, moved by the muscles to what is wished of it."""
    window, y_from = crop_window(faces.mesh(face), spec), faces.aus[face]
    start = misread(rng, window.mesh(faces.mesh(face)), 0.6).astype(np.float32)
    goal = muscles.move(start, y_from, y_to)
    field = moved_field(start, goal, window.size_px)
    shown = faces.image(face) if camera is None else camera.take(faces.image(face), rng)
    moved, photo = window.carried(shown, field), window.view(shown)
    return WholeFace(
        moved,
        photo,
        hints_of(field),
        new_share(field) * within_outline(goal, window.size_px),
        y_from,
        y_to,
        y_to - y_from,
    )


def draw_wish(rng: np.random.Generator, faces: PaintFaces, face: int, worth: NDArray[np.float64]) -> Floats:
    """Return AUs (N,) that somebody may ask of a face: some of them changed, or all that another photo shows."""
    if rng.random() < BORROWED_SHARE:
        return np.asarray(faces.aus[int(rng.choice(np.flatnonzero(~faces.held_out)))], np.float32)
    wish = faces.aus[face].copy()
    count = int(rng.integers(WISHED[0], min(WISHED[1], len(wish)) + 1))
    for au in rng.choice(len(wish), count, replace=False, p=worth / worth.sum()):
        wish[au] = 0.0 if wish[au] > WEAKEST_WISH and rng.random() < 0.5 else rng.uniform(WEAKEST_WISH, 1)
    return np.asarray(wish, np.float32)


def mirrored_whole(face: WholeFace) -> WholeFace:
    """Return a whole face seen in a mirror."""
    moved, photo = (np.ascontiguousarray(image[:, ::-1]) for image in (face.moved, face.photo))
    share = np.ascontiguousarray(face.share[:, ::-1])
    return WholeFace(moved, photo, mirrored_hints(face.hints), share, face.y_from, face.y_to, face.rise)


def whole_batch(faces: list[WholeFace]) -> WholeBatch:
    """Return whole faces as one batch."""
    moved, photo = (to_tensor(np.stack([getattr(face, name) for face in faces])) for name in ("moved", "photo"))
    share = torch.from_numpy(np.stack([face.share for face in faces]))[:, None]
    parts = ([getattr(face, name) for face in faces] for name in ("hints", "y_from", "y_to", "rise"))
    hints, y_from, y_to, rise = (torch.from_numpy(np.stack(part)) for part in parts)
    return WholeBatch(moved, photo, hints, share, y_from, y_to, rise)
