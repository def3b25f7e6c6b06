"""What a painter learns from: windows in which a photo was moved by measured meshes, and what is really there.

Two kinds. Pairs: photo A of a person, warped by the meshes of A and B, lies on photo B; what differs is what has to be
painted. Restored holes: in any photo the lips, or lids, are shut by the mesh and opened again (or shut eyes opened and
shut), and the painter brings back what was there. A sample is a pure function of the faces, the config, the step and
its place in the batch: several processes, each with a share of it, see what one alone would.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ganimate.config import CropSpec, PaintTraining
from ganimate.data.paint_batch import PaintBatch, PaintSample, batch_of, mirrored_sample, strengthened_sample
from ganimate.data.paint_camera import Camera
from ganimate.data.paint_faces import PaintFaces, lid_gaps
from ganimate.data.paint_holes import EYES_SHUT, RestoredHoles
from ganimate.data.paint_motion import MeasuredMotion, beyond_mesh, moved_field
from ganimate.data.paint_wholes import (
    WholeFace,
    draw_wish,
    mirrored_whole,
    whole_batch,
    whole_pair,
    wished_face,
)
from ganimate.data.paint_windows import (
    EYES,
    Mesh,
    Window,
    box_mask,
    draw_window,
    face_mask,
    misread,
    whole_window,
)
from ganimate.errors import PackError
from ganimate.face.crop import Image
from ganimate.face.mesh.pose import gaze_of
from ganimate.motion.field import SKIN
from ganimate.motion.hints import hints_of
from ganimate.system.devices import step_seed
from ganimate.system.share import Share

Floats = NDArray[np.float32]
ALIKE_DEG = 12.0  # of yaw and pitch: photos whose heads are turned more differ by more than their expressions
IRIS_SEEN = 0.12  # height / width of the gap between lids
EYES_OPENED = 0.16  # of those that are shut in another photo of the person
SHUTTING_SHARE = 0.75  # of those pairs; in the others eyes open
STRENGTHENED_SHARE = 0.5  # of the windows: AUs are told stronger than coders said
# A person's photos, by how many there are: a studio's many do not crowd out those of others.
MOST_PHOTOS = 24
# What is drawn more when a pair's target is chosen: furrows and mouths. One unit for AUs that are not named.
WORTH = {1: 2.0, 2: 1.5, 4: 2.5, 5: 1.5, 9: 2.5, 10: 2.0, 15: 2.5, 17: 2.5, 20: 2.0, 45: 1.5}
CALM_WORTH = 0.15
MOST_LIGHT = 0.35  # log: photos whose skin is brighter or darker by more were taken in another light


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
        self._holes = RestoredHoles(faces, motion.muscles, training.window_px)
        self._blinks = [pair for person in self._people for pair in _blinks(faces, person)]
        if not self._people and not self._holes.shares.any():
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
        if restored and self._holes.shares.any():
            sample = self._holes.draw(rng)
        elif self._blinks and rng.random() < self._training.blink_share:
            before, after = self._draw_blink(rng)
            window = draw_window(rng, self._faces.mesh(after), self._training.window_px, EYES)
            sample = pair_sample(self._faces, before, after, window, self._motion.beyond, rng)
        else:
            before, after = self._draw_pair(rng)
            window = draw_window(rng, self._faces.mesh(after), self._training.window_px)
            sample = pair_sample(self._faces, before, after, window, self._motion.beyond, rng)
        if rng.random() < STRENGTHENED_SHARE:
            sample = strengthened_sample(sample, rng)
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
