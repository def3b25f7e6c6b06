"""What a painter learns from: windows in which a photo was moved by measured meshes, and what is really there.

Two kinds. Pairs: photo A of a person, warped by the meshes of A and B, lies on photo B; what differs is what has to be
painted. Restored holes: in any photo the lips, or lids, are shut by the mesh and opened again (or shut eyes opened and
shut), and the painter brings back what was there. A sample is a pure function of the faces, the config, the step and
its place in the batch: several processes, each with a share of it, see what one alone would.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ganimate.config import CropSpec, PaintTraining
from ganimate.data.paint_camera import Camera
from ganimate.data.paint_faces import PaintFaces, lid_gaps, lip_gaps
from ganimate.data.paint_motion import MeasuredMotion, beyond_mesh, lips_shut, moved_field
from ganimate.data.paint_wholes import (
    WholeBatch,
    WholeFace,
    draw_wish,
    mirrored_whole,
    whole_batch,
    whole_pair,
    wished_face,
)
from ganimate.data.paint_windows import (
    EYES,
    MOUTH,
    Mesh,
    Window,
    box_mask,
    draw_window,
    face_mask,
    misread,
    polygon_mask,
    whole_window,
)
from ganimate.errors import PackError
from ganimate.face.crop import Image
from ganimate.face.mesh.pose import gaze_of
from ganimate.face.mesh.topology import LEFT_LID_SKIN, RIGHT_LID_SKIN
from ganimate.motion.field import EYE, SKIN
from ganimate.motion.field import MOUTH as MOUTH_PART
from ganimate.motion.hints import hints_of, mirrored_hints
from ganimate.motion.muscles import BLINK
from ganimate.system.devices import step_seed
from ganimate.system.share import Share

Floats = NDArray[np.float32]
ALIKE_DEG = 12.0  # of yaw and pitch: photos whose heads are turned more differ by more than their expressions
STRAIGHT_DEG = 30.0
TURNED_SHARE, GAZE_DEG = (
    0.5,
    14.0,
)  # of the open eyes: how often they are turned and turned back, and how far (deviation)
IRIS_SEEN = 0.12  # height / width of the gap between lids
# Which photos have something to hide and bring back (lips apart, eyes open, eyes shut), and how often each is drawn.
LIPS_APART, EYES_OPEN, EYES_SHUT = 0.06, 0.22, 0.10
EYES_OPENED = 0.16  # of those that are shut in another photo of the person
SHUTTING_SHARE = 0.75  # of those pairs; in the others eyes open
HOLE_SHARES = (0.72, 0.18, 0.10)
# A person's photos, by how many there are: a studio's many do not crowd out those of others.
MOST_PHOTOS = 24
# What is drawn more when a pair's target is chosen: furrows and mouths. One unit for AUs that are not named.
WORTH = {1: 2.0, 2: 1.5, 4: 2.5, 5: 1.5, 9: 2.5, 10: 2.0, 15: 2.5, 17: 2.5, 20: 2.0, 45: 1.5}
CALM_WORTH = 0.15
MOST_LIGHT = 0.35  # log: photos whose skin is brighter or darker by more were taken in another light


@dataclass(frozen=True)
class PaintSample:
    """`moved` W(I) and `real` (S, S, 3) uint8, `hints` (6, S, S), `face` (S, S) and AUs (N,) before and after."""

    moved: Image
    real: Image
    hints: Floats
    face: NDArray[np.uint8]
    y_from: Floats
    y_to: Floats


@dataclass(frozen=True)
class PaintBatch:
    """`moved` and `real` (B, 3, S, S) in [-1, 1], `hints` (B, 6, S, S), `face` (B, 1, S, S), AUs (B, N).

    `wholes` are faces of their own, for the AU reader.
    """

    moved: Tensor
    real: Tensor
    hints: Tensor
    face: Tensor
    y_from: Tensor
    y_to: Tensor
    wholes: WholeBatch | None = None


class PaintSamples(Dataset[PaintBatch]):
    """Item `step` is the batch of that step, of people who are not held out."""

    def __init__(self, faces: PaintFaces, motion: MeasuredMotion, training: PaintTraining, crop: CropSpec) -> None:
        self._faces, self._motion, self._training, self._crop = faces, motion, training, crop
        self._muscles = motion.muscles
        self._known = np.flatnonzero(~faces.held_out)
        self._places = Share.own().places(training.batch_images)
        self._people = faces.groups(held_out=False)
        counts = np.array([min(len(person), MOST_PHOTOS) for person in self._people], np.float64)
        self._person_shares = counts / max(counts.sum(), 1)
        self._worth = np.array([WORTH.get(number, 1.0) for number in faces.au_numbers])
        straight = ~faces.held_out & (np.abs(faces.turns[:, 0]) < STRAIGHT_DEG)
        eyes = lid_gaps(faces.meshes).mean(1)
        self._holes = [
            np.flatnonzero(straight & (lip_gaps(faces.meshes) > LIPS_APART)),
            np.flatnonzero(straight & (eyes > EYES_OPEN)),
            np.flatnonzero(~faces.held_out & (eyes < EYES_SHUT)),
        ]
        self._blinks = [pair for person in self._people for pair in _blinks(faces, person)]
        shares = np.array(HOLE_SHARES) * [len(hole) > 0 for hole in self._holes]
        self._hole_shares = shares / max(shares.sum(), 1e-9)
        if not self._people and not shares.any():
            raise PackError("there is nobody to learn from", "hand in people seen twice, or photos of open mouths")

    def __len__(self) -> int:
        return self._training.steps

    def __getitem__(self, step: int) -> PaintBatch:
        seeds = [step_seed(self._training.seed, "windows", step, place) for place in self._places]
        batch = batch_of([self._sample(np.random.default_rng(seed)) for seed in seeds])
        # Whole faces are few: where several processes train, each of them looks at all.
        rng = np.random.default_rng(step_seed(self._training.seed, "whole faces", step))
        wholes = [self._whole(rng) for _ in range(self._training.whole_images)]
        return dataclasses.replace(batch, wholes=whole_batch(wholes) if wholes else None)

    def _sample(self, rng: np.random.Generator) -> PaintSample:
        restored = not self._people or rng.random() < self._training.restored_share
        if restored and self._hole_shares.any():
            sample = self._restored(rng)
        elif self._blinks and rng.random() < self._training.blink_share:
            before, after = self._draw_blink(rng)
            window = draw_window(rng, self._faces.mesh(after), self._training.window_px, EYES)
            sample = pair_sample(self._faces, before, after, window, self._motion.beyond, rng)
        else:
            before, after = self._draw_pair(rng)
            window = draw_window(rng, self._faces.mesh(after), self._training.window_px)
            sample = pair_sample(self._faces, before, after, window, self._motion.beyond, rng)
        return mirrored_sample(sample) if rng.random() < 0.5 else sample

    def _whole(self, rng: np.random.Generator) -> WholeFace:
        faces = self._faces
        if not self._people or rng.random() < self._training.wished_share:
            face = int(rng.choice(self._known))
            wish = draw_wish(rng, faces, face, self._worth)
            whole = wished_face(faces, face, wish, self._muscles, self._crop, rng, Camera.draw(rng))
        else:
            before, after = self._draw_pair(rng)
            goal = beyond_mesh(faces.mesh(after), self._motion.beyond, faces.aus[before], faces.aus[after])
            gaze = gaze_between(faces.mesh(before), faces.mesh(after))
            whole = whole_pair(faces, before, after, goal, gaze, self._crop, rng)
        return mirrored_whole(whole) if rng.random() < 0.5 else whole

    def _draw_pair(self, rng: np.random.Generator) -> tuple[int, int]:
        """Return two photos of one person, their heads turned alike."""
        faces = self._faces
        while True:
            own = self._people[int(rng.choice(len(self._people), p=self._person_shares))]
            before = int(rng.choice(own))
            others = own[(own != before) & (np.abs(faces.turns[own] - faces.turns[before]) < ALIKE_DEG).all(1)]
            if not len(others):
                continue
            weights = np.ones(len(others))
            if rng.random() < self._training.changed_share:
                weights = np.abs(faces.aus[others] - faces.aus[before]) @ self._worth + CALM_WORTH
            return before, int(rng.choice(others, p=weights / weights.sum()))

    def _draw_blink(self, rng: np.random.Generator) -> tuple[int, int]:
        """Return photos of one person with open and with shut eyes, in this order most of the time."""
        shut, opened = self._blinks[int(rng.integers(len(self._blinks)))]
        other = int(rng.choice(opened))
        return (other, shut) if rng.random() < SHUTTING_SHARE else (shut, other)

    def _restored(self, rng: np.random.Generator) -> PaintSample:
        """Return a window of one photo: lips, lids or eyes moved by the mesh and moved back; only the holes differ."""
        kind, gaze = int(rng.choice(3, p=self._hole_shares)), np.zeros(2, np.float32)
        face = int(rng.choice(self._holes[kind]))
        mesh, y_from = self._faces.mesh(face), self._faces.aus[face].copy()
        photo = Camera.draw(rng).take(self._faces.image(face), rng)
        if kind == 0:
            share = 1.0 if rng.random() < 0.75 else rng.uniform(0.4, 0.95)
            hidden = lips_shut(mesh, share)
            for number in (25, 26):
                self._set(y_from, number, lambda value, share=share: value * (1 - share))
        elif kind == 1 and rng.random() < TURNED_SHARE:
            hidden, gaze = mesh, rng.normal(size=2).astype(np.float32) * np.radians(GAZE_DEG)
        else:
            hidden = self._blinked(mesh, y_from, rng.uniform(0.15, 0.6) if kind == 1 else None)
        size = self._training.window_px
        window = draw_window(rng, mesh, size, MOUTH if kind == 0 else EYES)
        there, gone = window.mesh(mesh), window.mesh(hidden)
        turned, back = (gaze, -gaze) if gaze.any() else (None, None)
        without = window.carried(photo, moved_field(there, gone, size, turned))
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

    def _set(self, aus: Floats, number: int, change: object) -> None:
        if number in self._faces.au_numbers:
            place = self._faces.au_numbers.index(number)
            aus[place] = change(float(aus[place]))  # type: ignore[operator]


def _blinks(faces: PaintFaces, own: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    """Return photos of a person in which an eye is shut, each with those in which it is open and the head alike."""
    gaps, turns = lid_gaps(faces.meshes[own]), faces.turns[own]
    pairs = []
    for row in np.flatnonzero(gaps.min(1) < EYES_SHUT):
        eye = gaps[row].argmin()
        alike = (np.abs(turns - turns[row]) < ALIKE_DEG).all(1)
        opened = own[alike & (gaps[:, eye] > max(EYES_OPENED, 2 * gaps[row, eye]))]
        if len(opened):
            pairs.append((int(own[row]), opened))
    return pairs


def pair_sample(
    faces: PaintFaces,
    before: int,
    after: int,
    window: Window,
    beyond: NDArray[np.float64],
    rng: np.random.Generator | None = None,
) -> PaintSample:
    """Return photo `before` carried onto photo `after` of the same person by both meshes, in a window of the latter.

    `beyond` (N, 478, 3) is how skin moves beyond meshes, 0 for meshes alone. With `rng` the meshes err
    as a reader's do, the real photo is brought into the light of the other, and one camera has taken both.
    """
    mesh_from, mesh_to = faces.mesh(before), faces.mesh(after)
    own = window.like(mesh_to, mesh_from)
    start, shown = own.mesh(mesh_from), window.mesh(mesh_to)
    goal = beyond_mesh(shown, beyond, faces.aus[before], faces.aus[after])
    if rng is not None:
        start = misread(rng, start, 0.6 * min(window.scale, 1))
    field = moved_field(start, goal, window.size_px, gaze_between(mesh_from, mesh_to))
    photos = [faces.image(before), faces.image(after)]
    if rng is not None:
        camera = Camera.draw(rng)
        photos = [camera.take(photo, rng) for photo in photos]
    moved, real = own.carried(photos[0], field), window.view(photos[1])
    face = face_mask(shown, window.size_px) & box_mask(faces.real[after], window)
    if rng is not None:
        real = _in_the_light_of(moved, real, (face > 0) & (field.part == SKIN))
    return PaintSample(moved, real, hints_of(field), face, faces.aus[before], faces.aus[after])


def validation_pairs(faces: PaintFaces, count: int, seed: int) -> list[tuple[int, int]]:
    """Return pairs of photos of held-out people, another person each time as long as there are any."""
    rng = np.random.default_rng(step_seed(seed, "held-out pairs"))
    people = faces.groups(held_out=True)
    pairs: list[tuple[int, int]] = []
    for number in range(count * 20):
        if len(pairs) == count or not people:
            break
        own = people[int(rng.integers(len(people)))] if number >= len(people) else people[number]
        before, after = (int(face) for face in rng.choice(own, 2, replace=False))
        if (np.abs(faces.turns[before] - faces.turns[after]) < ALIKE_DEG).all():
            pairs.append((before, after))
    return pairs


def held_out_sample(
    faces: PaintFaces, before: int, after: int, size_px: int, beyond: NDArray[np.float64]
) -> PaintSample:
    """Return a pair of a held-out person as the model would paint the whole face."""
    return pair_sample(faces, before, after, whole_window(faces.mesh(after), size_px), beyond)


def batch_of(samples: Sequence[PaintSample]) -> PaintBatch:
    """Return samples as one batch."""
    moved, real = (
        torch.from_numpy(np.stack(images).astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)
        for images in ([sample.moved for sample in samples], [sample.real for sample in samples])
    )
    return PaintBatch(
        moved.contiguous(),
        real.contiguous(),
        torch.from_numpy(np.stack([sample.hints for sample in samples])),
        torch.from_numpy(np.stack([sample.face for sample in samples]).astype(np.float32))[:, None],
        torch.from_numpy(np.stack([sample.y_from for sample in samples])),
        torch.from_numpy(np.stack([sample.y_to for sample in samples])),
    )


def gaze_between(mesh: Mesh, other: Mesh) -> Floats | None:
    """Return how eyes turned between meshes (2,), in radians to the right and down; None where lids hide them."""
    if min(lid_gaps(np.stack([mesh, other])).min(1)) < IRIS_SEEN:
        return None
    left, up = np.radians(np.subtract(gaze_of(other), gaze_of(mesh)))
    return np.array([left, -up], np.float32)


def _in_the_light_of(moved: Image, real: Image, skin: NDArray[np.bool_]) -> Image:
    """Return the real photo, its channels scaled to the moved one's light, where the two were lit alike."""
    if skin.sum() < 200:
        return real
    gain = (moved[skin].mean(0) + 5) / (real[skin].mean(0) + 5)
    if np.abs(np.log(gain)).max() > MOST_LIGHT:
        return real
    return np.asarray(np.clip(real * gain, 0, 255), np.uint8)


def mirrored_sample(sample: PaintSample) -> PaintSample:
    """Return a sample seen in a mirror; its AUs have no sides."""
    moved, real, face = (np.ascontiguousarray(image[:, ::-1]) for image in (sample.moved, sample.real, sample.face))
    return PaintSample(moved, real, mirrored_hints(sample.hints), face, sample.y_from, sample.y_to)
