"""From a photo, its faces and a trajectory to frames: crop, read y_r, generate in batches, paste back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from ganimate.checkpoint import Model
from ganimate.compositing import Compositor, Territory
from ganimate.errors import ExpressionError, FaceError, ModelError
from ganimate.faces import Crop, Face, Image, Paster, crop_face, transform
from ganimate.geometry import BLINK, eyes_shut
from ganimate.glasses import Glasses, held, look_for_glasses
from ganimate.lids import Lids
from ganimate.mouth import Mouth
from ganimate.networks import Edit
from ganimate.tensors import bf16_is_fast, to_floats, to_tensor
from ganimate.trajectory import Trajectory

GREY_LEVELS = 1.0  # mean spread of the channels
BATCH_IMAGES = 8  # larger batches are no faster on a CPU and hold more memory


@dataclass(frozen=True)
class Sitter:
    """A face that is ready to be animated: where it is, its upright crop, and its own AUs y_r (N,) in [0, 1].

    `still` (S, S) in [0, 1] is what keeps its place on it, see `glasses.held`; None of a face without glasses.
    """

    face: Face
    crop: Crop
    own: NDArray[np.float32]
    still: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class OpenMouth:
    """A mouth that opens, and where that is in the crop: `gap` (S, S) in [0, 1]."""

    mouth: Mouth
    gap: NDArray[np.float32]


@dataclass(frozen=True)
class FaceEdit:
    """One generated face at crop size S, as numpy, ready to be pasted.

    `attention` (S, S) in [0, 1], 1 keeps the photo; `color` (S, S, 3) in [0, 255]; `displacement` (S, S, 2) in pixels
    of the crop, or None where the model does not move the photo; `moved` (S, S, 3) in [0, 255] is the crop so moved.
    `lids` is what covers the eyes before the photo moves, None where they do not shut, and `mouth` what is drawn
    between lips that open, None where they do not.
    """

    attention: NDArray[np.float32]
    color: NDArray[np.float32]
    displacement: NDArray[np.float32] | None
    moved: NDArray[np.float32]
    lids: Lids | None = None
    mouth: OpenMouth | None = None

    def paste(self, paster: Paster, frame: Image) -> None:
        """Write this edit into `frame` (H, W, 3) in place."""
        if self.lids is not None:
            self.lids.cover(frame)
        # What is drawn between the lips is left to the photo's own resolution.
        attention = self.attention if self.mouth is None else np.maximum(self.attention, self.mouth.gap)
        paster.paste(frame, self.color, attention, self.displacement, self.moved)
        if self.mouth is not None:
            self.mouth.mouth.draw(frame, paster)

    def weakened(self, strength: float) -> FaceEdit:
        """Return the edit at a `strength` in [0, 1]: 0 leaves the photo as it is, 1 is the edit itself."""
        shift = None if self.displacement is None else self.displacement * np.float32(strength)
        lids = None if self.lids is None else self.lids.weakened(strength)
        mouth = None if self.mouth is None else replace(self.mouth, mouth=self.mouth.mouth.weakened(strength))
        attention = 1 - np.float32(strength) * (1 - self.attention)
        return replace(self, attention=attention, displacement=shift, lids=lids, mouth=mouth)


@dataclass(frozen=True)
class Frame:
    """One finished frame: the whole photo (H, W, 3) uint8, and the edits of its faces in the sitters' order."""

    image: Image
    edits: tuple[FaceEdit, ...]


class Animator:
    """Animates faces of photos with one loaded model."""

    def __init__(self, model: Model, device: torch.device | None = None) -> None:
        self.model = model
        self.device = device or torch.device("cpu")
        self._bf16 = bf16_is_fast(self.device)

    def sit(self, photo: Image, faces: Sequence[Face]) -> list[Sitter]:
        """Return the faces of `photo` (H, W, 3) uint8 cropped, with the AUs that each shows."""
        if not faces:
            raise FaceError("no face was chosen")
        crops = [crop_face(photo, face, self.model.card.crop) for face in faces]
        own = self.look(faces, crops)
        seen = [self.glasses(face, crop) for face, crop in zip(faces, crops, strict=True)]
        return [self.seat(*parts) for parts in zip(faces, crops, own, seen, strict=True)]

    def seat(self, face: Face, crop: Crop, own: NDArray[np.float32], glasses: Glasses) -> Sitter:
        """Return a face with its crop, its own AUs (N,) and its glasses ready to be animated."""
        points = transform(face.landmarks, crop.source_to_crop)
        return Sitter(face, crop, own, held(glasses, points, len(crop.image)))

    @staticmethod
    def glasses(face: Face, crop: Crop) -> Glasses:
        """Return what is seen of glasses on a face."""
        return look_for_glasses(crop.image, transform(face.landmarks, crop.source_to_crop))

    def look(self, faces: Sequence[Face], crops: Sequence[Crop]) -> NDArray[np.float32]:
        """Return the AUs (B, N) in [0, 1] that faces show: what `read` reads, and shut eyes also by their landmarks.

        Blinks are too rare in photos for an AU head to learn them well.
        """
        own = self.read(np.stack([crop.image for crop in crops]))
        if BLINK in self.model.card.aus:
            lids = own[:, self.model.card.aus.index(BLINK)]
            np.maximum(lids, eyes_shut(np.stack([face.landmarks for face in faces])), out=lids)
        return own

    def read(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the AUs (B, N) in [0, 1] that the critic's AU head reads from upright crops (B, S, S, 3)."""
        with torch.inference_mode():
            aus = self.model.critic(to_tensor(crops).to(self.device)).aus.cpu().numpy()
        if not np.isfinite(aus).all():
            raise ModelError(f"the model {self.model.card.name!r} reads AUs that are not numbers", "export it again")
        own: NDArray[np.float32] = np.clip(aus, 0.0, 1.0).astype(np.float32)
        return own

    def frames(self, photo: Image, sitters: Sequence[Sitter], trajectories: Sequence[Trajectory]) -> Iterator[Frame]:
        """Return an iterator of frames, one a row of the trajectories; each sitter follows its own, all of one length.

        Frames are made when they are asked for. Raises ExpressionError at once when the trajectories do not fit.
        """
        if len(sitters) != len(trajectories) or len({len(path) for path in trajectories}) != 1:
            raise ExpressionError("every face needs a trajectory, and all trajectories one length")
        for path in trajectories:
            if tuple(path.aus) != self.model.card.aus:
                raise ExpressionError(
                    f"the trajectory is for the AUs {path.aus}, the model for {self.model.card.aus}",
                    "make it with this model",
                )
        return self._frames(photo, sitters, trajectories)

    def _frames(self, photo: Image, sitters: Sequence[Sitter], trajectories: Sequence[Trajectory]) -> Iterator[Frame]:
        size = self.model.card.crop.size_px
        pasters = [Paster(photo.shape, sitter.crop.source_to_crop, size) for sitter in sitters]
        streams = [self._edits(sitter, path) for sitter, path in zip(sitters, trajectories, strict=True)]
        compositor = Compositor(
            photo,
            [
                Territory(paster.window, sitter.face.landmarks, sitter.crop.source_to_crop, size)
                for paster, sitter in zip(pasters, sitters, strict=True)
            ],
        )
        for edits in zip(*streams, strict=True):
            changes = [partial(edit.paste, paster) for paster, edit in zip(pasters, edits, strict=True)]
            yield Frame(compositor.compose(changes), edits)

    def still(self, photo: Image, sitters: Sequence[Sitter], goals: Sequence[NDArray[np.float32]]) -> Frame:
        """Return one frame in which each sitter shows its goal (N,)."""
        paths = [Trajectory(goal[None], 1.0, self.model.card.aus) for goal in goals]
        return next(self.frames(photo, sitters, paths))

    def _edits(self, sitter: Sitter, path: Trajectory) -> Iterator[FaceEdit]:
        """Yield an edit a row; rows that return (a ping-pong's way back) are kept until then, not generated twice."""
        keys = [row.tobytes() for row in path.values]
        left = Counter(keys)
        fresh = iter(dict(zip(keys, path.values, strict=True)).items())  # in the order of their first use
        done: dict[bytes, FaceEdit] = {}
        for key in keys:
            if key not in done:
                batch = dict(islice(fresh, BATCH_IMAGES))
                done.update(zip(batch, self.edit([sitter] * len(batch), np.stack(list(batch.values()))), strict=True))
            left[key] -= 1
            yield done[key] if left[key] else done.pop(key)

    def edit(self, sitters: Sequence[Sitter], goals: NDArray[np.float32]) -> list[FaceEdit]:
        """Return one edit a sitter, in one batch: each is to show its own row of `goals` (B, N) in [0, 1]."""
        size, count = self.model.card.crop.size_px, len(sitters)
        image = to_tensor(np.stack([sitter.crop.image for sitter in sitters])).to(self.device)
        own = torch.tensor(np.stack([sitter.own for sitter in sitters]), device=self.device)
        goal = torch.tensor(goals, device=self.device)
        points = [(transform(each.face.landmarks, each.crop.source_to_crop) + 0.5) / size for each in sitters]
        landmarks = torch.tensor(np.stack(points), dtype=torch.float32, device=self.device)
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16):
            edit: Edit = self.model.generator(image, own, goal, landmarks, self._still(sitters))
        if not torch.isfinite(edit.image).all():
            raise ModelError(
                f"the model {self.model.card.name!r} paints pixels that are not numbers", "export it again"
            )
        attention = edit.attention[:, 0].float().cpu().numpy()
        colors, moved = to_floats(edit.color), to_floats(edit.moved)
        for place, sitter in enumerate(sitters):
            if _is_grey(sitter.crop.image):  # a black and white photo, in which the network's paint would show
                colors[place] = moved[place] + (colors[place] - moved[place]).mean(2, keepdims=True)
        flows = None if edit.flow is None else (edit.flow.float() * (size / 2)).permute(0, 2, 3, 1)
        shifts = [None] * count if flows is None else [np.ascontiguousarray(f) for f in flows.cpu().numpy()]
        lids = [self._lids(sitter, edit, place) for place, sitter in enumerate(sitters)]
        mouths = [self._mouth(sitter, edit, place) for place, sitter in enumerate(sitters)]
        return [FaceEdit(*parts) for parts in zip(attention, colors, shifts, moved, lids, mouths, strict=True)]

    @staticmethod
    def _mouth(sitter: Sitter, edit: Edit, place: int) -> OpenMouth | None:
        if edit.mouth is None or edit.gap is None or not edit.gap[place].any():
            return None
        mouth, gap = edit.mouth.one(place), edit.gap[place, 0].float().cpu().numpy()
        return OpenMouth(mouth.greyed() if _is_grey(sitter.crop.image) else mouth, gap)

    @staticmethod
    def _lids(sitter: Sitter, edit: Edit, place: int) -> Lids | None:
        if edit.shut is None or not edit.shut[place].any():
            return None
        return Lids(np.asarray(sitter.face.landmarks, np.float32), edit.shut[place].float().cpu().numpy())

    def _still(self, sitters: Sequence[Sitter]) -> torch.Tensor | None:
        """Return what keeps its place (B, 1, S, S), None where all may move."""
        if all(sitter.still is None for sitter in sitters):
            return None
        nothing = np.zeros(sitters[0].crop.image.shape[:2], np.float32)
        maps = [nothing if sitter.still is None else sitter.still for sitter in sitters]
        return torch.tensor(np.stack(maps)[:, None], device=self.device)


def _is_grey(crop: Image) -> bool:
    """Return whether a crop (S, S, 3) has no colour, as far as JPEG lets one tell."""
    return float(np.ptp(crop, axis=2).mean()) < GREY_LEVELS
