"""From a photo, its faces and a trajectory to frames: crop, read y_r, generate in batches, paste back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.animation.mesh_editor import MeshEditor, MeshRequest, MeshView
from ganimate.errors import ExpressionError, FaceError, ModelError
from ganimate.face.crop import Crop, Face, Image, crop_face, transform
from ganimate.face.eyelids import BLINK, eyes_shut
from ganimate.face.glasses import Glasses, held, look_for_glasses
from ganimate.facs.words import Pose, spread
from ganimate.render.compose import FaceEdit
from ganimate.render.composite import Compositor, Territory
from ganimate.render.paste import Paster
from ganimate.system.ahead import ahead
from ganimate.trajectory import Trajectory
from ganimate.zoo.catalogue import find_mesh_reader
from ganimate.zoo.running import RunningModel

GREY_LEVELS = 1.0  # mean spread of the channels
BATCH_IMAGES = 2  # larger batches are no faster on a CPU, hold more memory, and what comes after waits for the first


@dataclass(frozen=True)
class PreparedFace:
    """A face that is ready to be animated: where it is, its upright crop, and its own row y_r (N,).

    A row has a number for each of the model's words, see `facs.words`.
    `hold_map` (S, S) in [0, 1] is what keeps its place on it, see `glasses.held`; None of a face without glasses.
    `view` is the face as a mesh, where the model moves one.
    """

    face: Face
    crop: Crop
    source_aus: NDArray[np.float32]
    hold_map: NDArray[np.float32] | None = None
    view: MeshView | None = None


@dataclass(frozen=True)
class AnimatedFrame:
    """One finished frame: the whole photo (H, W, 3) uint8, and the edits of its faces in the people' order."""

    image: Image
    edits: tuple[FaceEdit, ...]


class Animator:
    """Animates faces of photos with one loaded model."""

    def __init__(self, model: RunningModel) -> None:
        self.model = model
        self._mesh: MeshEditor | None = None
        if (muscles := model.muscles()) is not None:
            self._mesh = MeshEditor(model.paint, muscles, model.load_mesh_reader(find_mesh_reader()))

    def prepare(self, photo: Image, faces: Sequence[Face]) -> list[PreparedFace]:
        """Return the faces of `photo` (H, W, 3) uint8 cropped, with the AUs that each shows."""
        if not faces:
            raise FaceError("no face was chosen")
        crops = [crop_face(photo, face, self.model.card.crop) for face in faces]
        source_aus = self.look(faces, crops)
        seen = [self.glasses(face, crop) for face, crop in zip(faces, crops, strict=True)]
        return self.assemble([photo] * len(faces), faces, crops, source_aus, seen)

    def assemble(
        self,
        photos: Sequence[Image],
        faces: Sequence[Face],
        crops: Sequence[Crop],
        source_aus: Sequence[NDArray[np.float32]] | NDArray[np.float32],
        glasses: Sequence[Glasses],
    ) -> list[PreparedFace]:
        """Return one face a photo with its crop, its own AUs (N,) and its glasses, each ready to be animated."""
        views: list[MeshView | None] = [None] * len(faces)
        if self._mesh is not None:
            views = [*self._mesh.views(photos, faces, crops)]
        return [
            PreparedFace(face, crop, own, _hold_map(face, crop, seen), view)
            for face, crop, own, seen, view in zip(faces, crops, source_aus, glasses, views, strict=True)
        ]

    @staticmethod
    def glasses(face: Face, crop: Crop) -> Glasses:
        """Return what is seen of glasses on a face."""
        return look_for_glasses(crop.image, transform(face.landmarks, crop.source_to_crop))

    def look(self, faces: Sequence[Face], crops: Sequence[Crop]) -> NDArray[np.float32]:
        """Return the rows (B, N) that faces show: what `read` reads, and shut eyes also by their landmarks.

        Blinks are too rare in photos for an AU head to learn them well. Both sides show the same; nothing is turned.
        """
        source_aus = self.read(np.stack([crop.image for crop in crops]))
        if BLINK in self.model.card.aus:
            lids = source_aus[:, self.model.card.aus.index(BLINK)]
            np.maximum(lids, eyes_shut(np.stack([face.landmarks for face in faces])), out=lids)
        return spread(source_aus, len(self.model.card.words))

    def turned(self, photo: Image, face: Face) -> NDArray[np.float32] | None:
        """Return how head and eyes of a face are turned from the camera (5,), in degrees; None without a mesh."""
        return None if self._mesh is None else self._mesh.turned(photo, face.landmarks)

    def read(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the AUs (B, N) in [0, 1] that the critic's AU head reads from upright crops (B, S, S, 3)."""
        aus = self.model.read(crops)
        if not np.isfinite(aus).all():
            raise ModelError(f"the model {self.model.card.name!r} reads AUs that are not numbers", "export it again")
        source_aus: NDArray[np.float32] = np.clip(aus, 0.0, 1.0).astype(np.float32)
        return source_aus

    def frames(
        self,
        photo: Image,
        people: Sequence[PreparedFace],
        trajectories: Sequence[Trajectory],
        lasting: bool = True,
    ) -> Iterator[AnimatedFrame]:
        """Return an iterator of frames, one a row of the trajectories; each person follows its own, all of one length.

        Frames are made when they are asked for, and a batch ahead. If they need not be `lasting`, all share one array,
        which changes with the next frame. Raises ExpressionError at once when the trajectories do not fit.
        """
        if len(people) != len(trajectories) or len({len(path) for path in trajectories}) != 1:
            raise ExpressionError("every face needs a trajectory, and all trajectories one length")
        for path in trajectories:
            if tuple(path.aus) != self.model.card.words:
                raise ExpressionError(
                    f"the trajectory is for the AUs {path.aus}, the model for {self.model.card.words}",
                    "make it with this model",
                )
        return self._frames(photo, people, trajectories, lasting)

    def _frames(
        self, photo: Image, people: Sequence[PreparedFace], trajectories: Sequence[Trajectory], lasting: bool
    ) -> Iterator[AnimatedFrame]:
        size = self.model.card.crop.size_px
        pasters = [Paster(photo.shape, person.crop.source_to_crop, size) for person in people]
        streams = [self.edits(person, path) for person, path in zip(people, trajectories, strict=True)]
        compositor = Compositor(
            photo,
            [
                Territory(paster.window, person.face.landmarks, person.crop.source_to_crop, size)
                for paster, person in zip(pasters, people, strict=True)
            ],
            lasting,
        )
        for edits in zip(*streams, strict=True):
            changes = [partial(edit.paste, paster) for paster, edit in zip(pasters, edits, strict=True)]
            yield AnimatedFrame(compositor.compose(changes), edits)

    def still(
        self, photo: Image, people: Sequence[PreparedFace], targets: Sequence[NDArray[np.float32]]
    ) -> AnimatedFrame:
        """Return one frame in which each person shows its target (N,)."""
        paths = [Trajectory(target[None], 1.0, self.model.card.words) for target in targets]
        return next(self.frames(photo, people, paths))

    def edits(self, person: PreparedFace, path: Trajectory) -> Iterator[FaceEdit]:
        """Yield an edit a row; rows that return (a ping-pong's way back) are kept until then, not generated twice."""
        keys = [row.tobytes() for row in path.values]
        left = Counter(keys)
        fresh = dict(zip(keys, path.values, strict=True))  # in the order of their first use
        done: dict[bytes, FaceEdit] = {}
        with closing(ahead(self._batches(person, fresh))) as made:
            for key in keys:
                if key not in done:
                    done |= next(made)
                left[key] -= 1
                yield done[key] if left[key] else done.pop(key)

    def _batches(
        self, person: PreparedFace, rows: Mapping[bytes, NDArray[np.float32]]
    ) -> Iterator[dict[bytes, FaceEdit]]:
        """Yield the edits of `rows`, by their keys, a batch at a time."""
        fresh = iter(rows.items())
        while batch := dict(islice(fresh, BATCH_IMAGES)):
            yield dict(zip(batch, self.edit([person] * len(batch), np.stack(list(batch.values()))), strict=True))

    def edit(self, people: Sequence[PreparedFace], targets: NDArray[np.float32]) -> list[FaceEdit]:
        """Return one edit a person, in one batch: each is to show its row of `targets` (B, N)."""
        edits = self._painted(people, targets) if self._mesh is None else self._meshed(self._mesh, people, targets)
        return [edit.greyed() if _is_grey(each.crop.image) else edit for each, edit in zip(people, edits, strict=True)]

    @staticmethod
    def _meshed(editor: MeshEditor, people: Sequence[PreparedFace], targets: NDArray[np.float32]) -> list[FaceEdit]:
        """Return the edits of the mesh."""
        requests = [
            MeshRequest(person.view, Pose.of(person.source_aus), Pose.of(target), person.hold_map)
            for person, target in zip(people, targets, strict=True)
            if person.view is not None  # as all have that such an animator has prepared
        ]
        return editor.edit(requests)

    def _painted(self, people: Sequence[PreparedFace], targets: NDArray[np.float32]) -> list[FaceEdit]:
        """Return the edits of a generator that paints crops, and may move them, by itself."""
        crops = np.stack([person.crop.image for person in people])
        own = np.stack([person.source_aus for person in people])
        nothing = np.zeros(crops.shape[1:3], np.float32)
        maps = [nothing if person.hold_map is None else person.hold_map for person in people]
        made = self.model.edit(crops, own, np.asarray(targets, np.float32), np.stack(maps))
        if not all(np.isfinite(part).all() for part in (made.attention, made.color, made.moved)):
            raise ModelError(
                f"the model {self.model.card.name!r} paints pixels that are not numbers", "export it again"
            )
        shifts = [None] * len(people) if made.flow is None else list(made.flow)
        return [FaceEdit(*each) for each in zip(made.attention, made.color, shifts, made.moved, strict=True)]


def _hold_map(face: Face, crop: Crop, glasses: Glasses) -> NDArray[np.float32] | None:
    """Return what keeps its place on a face (S, S), None without glasses."""
    return held(glasses, transform(face.landmarks, crop.source_to_crop), len(crop.image))


def _is_grey(crop: Image) -> bool:
    """Return whether a crop (S, S, 3) has no colour, as far as JPEG lets one tell."""
    red, green, blue = cv2.split(crop)  # numpy takes twenty times as long for this
    most, least = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return float(cv2.subtract(most, least).mean()) < GREY_LEVELS
