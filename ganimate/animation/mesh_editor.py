"""Edits by the mesh: its points go where the muscles say, the photo goes along, and the painter paints what is new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ModelError
from ganimate.face.crop import Crop, Face, Image, cut
from ganimate.face.mesh.pose import gaze_of, pose_of
from ganimate.face.mesh.reading import MeshNetwork, read_mesh, read_meshes
from ganimate.facs.words import Pose
from ganimate.motion.field import WarpField
from ganimate.motion.hints import FINER, hints_of
from ganimate.motion.hold_map import leashed, unpainted
from ganimate.motion.muscles import Muscles, left_share
from ganimate.motion.paint_share import SOFT_PX, new_share, torn_share, unseen_share, within_outline
from ganimate.motion.warp_field import warp_field
from ganimate.render.compose import FaceEdit

Floats = NDArray[np.float32]
Paint = Callable[[Image, Floats, Floats, Floats], Floats]  # as `RunningModel.paint`
# What does not move is not painted: paint comes in over the first pixel that the skin around moves, in the finer crop.
# So an animation leaves the photo without a jump, and a smile does not repaint the forehead.
MOVED_PX, AROUND_PX = 1.0, 15
RESTING_PX = 1 / 64  # OpenCV's warps tell 1/32 of a pixel apart


@dataclass(frozen=True)
class MeshView:
    """A face as the mesh sees it: a finer crop (2S, 2S, 3), and the mesh (478, 3) float32 in its pixels."""

    image: Image
    mesh: Floats


@dataclass(frozen=True)
class MeshRequest:
    """What one face is to show: its view, what it shows and the target, and what keeps its place on it (S, S)."""

    view: MeshView
    own: Pose
    goal: Pose
    hold_map: Floats | None

    @property
    def head(self) -> tuple[float, float, float]:
        """How the head turns, in degrees."""
        yaw, pitch, roll = (self.goal.head - self.own.head).tolist()
        return yaw, pitch, roll

    @property
    def gaze(self) -> Floats | None:
        """How the eyes turn, in radians to the picture's right and down; None where they do not."""
        turned = np.radians(self.goal.gaze - self.own.gaze)
        return np.array([turned[0], -turned[1]], np.float32) if turned.any() else None


class MeshEditor:
    """Moves and paints faces with the generator and the muscles of one model."""

    def __init__(self, paint: Paint, muscles: Muscles, reader: MeshNetwork) -> None:
        self._network, self._muscles, self._reader = paint, muscles, reader

    def views(self, photos: Sequence[Image], faces: Sequence[Face], crops: Sequence[Crop]) -> list[MeshView]:
        """Return the mesh of one face a photo, and the finer crop that goes with its crop; raises FaceError."""
        meshes = read_meshes(photos, [face.landmarks for face in faces], self._reader)
        return [_view(*parts) for parts in zip(photos, crops, (each.mesh for each in meshes), strict=True)]

    def turned(self, photo: Image, landmarks: NDArray[np.floating]) -> Floats:
        """Return how head and eyes of a face (68, 2) are turned from the camera (5,), in degrees, as `facs.TURNS` are.

        Raises FaceError.
        """
        mesh = read_mesh(photo, landmarks, self._reader).mesh
        return np.array([*pose_of(mesh).degrees, *gaze_of(mesh)], np.float32)

    def edit(self, requests: Sequence[MeshRequest]) -> list[FaceEdit]:
        """Return one edit a request, painted in one batch; raises ModelError where the paint is not numbers."""
        moves = [self._move(request) for request in requests]
        moved = np.stack([move.field.apply(each.view.image) for move, each in zip(moves, requests, strict=True)])
        colors = self._paint(requests, [move.field for move in moves], moved)
        if not np.isfinite(colors).all():
            raise ModelError("the model paints pixels that are not numbers", "export it again")
        return [
            _finished(move, color, np.asarray(own, np.float32), request.hold_map)
            for request, move, color, own in zip(requests, moves, colors, moved, strict=True)
        ]

    def _move(self, request: MeshRequest) -> _Move:
        mesh, (height, width) = request.view.mesh, request.view.image.shape[:2]
        own, head = request.own.aus, request.head
        gaze = request.gaze
        goal = self._muscles.move(mesh, own, request.goal.aus, head, 0.0 if gaze is None else float(-gaze[1]))
        if not any(head):
            return _Move(goal, warp_field(mesh, goal, height, width, gaze=gaze))
        turned = self._muscles.move(mesh, own, own, head)
        field = warp_field(mesh, goal, height, width, carried=turned, gaze=gaze)
        return _Move(goal, field, warp_field(mesh, turned, height, width, carried=turned).source)

    def _paint(self, requests: Sequence[MeshRequest], fields: Sequence[WarpField], moved: Image) -> Floats:
        """Return what is painted (B, H, W, 3) over the moved crops.

        The painter knows no sides: where they differ each half of the face is told of its own AUs, and the two pictures
        meet over its middle.
        """
        hints = np.stack([hints_of(field) for field in fields])
        rows = np.stack([np.stack([each.own.aus, each.goal.aus]) for each in requests])  # (B, 2, N, 2)
        told = rows.astype(np.float32)
        colors = self._network(moved, hints, told[:, 0, :, 0], told[:, 1, :, 0])
        uneven = np.flatnonzero((rows[..., 0] != rows[..., 1]).any((1, 2))).tolist()
        if uneven:
            right = told[uneven, ..., 1]
            others = self._network(moved[uneven], hints[uneven], right[:, 0], right[:, 1])
            left = np.stack([left_share(fields[place].place[..., 0]) for place in uneven])[..., None]
            colors[uneven] = left * colors[uneven] + (1 - left) * others
        return colors


def _view(photo: Image, crop: Crop, mesh: Floats) -> MeshView:
    """Return a mesh (478, 3) in pixels of the photo as one in pixels of the finer crop."""
    size = FINER * len(crop.image)
    matrix = crop.source_to_crop * FINER
    matrix[:, 2] += (FINER - 1) / 2  # pixel centres: x_fine + 0.5 = FINER * (x + 0.5)
    flat = mesh[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    depth = mesh[:, 2:] * np.hypot(*matrix[:, 0])
    return MeshView(cut(photo, matrix, size).image, np.column_stack([flat, depth]).astype(np.float32))


@dataclass(frozen=True)
class _Move:
    """Where a mesh goes, the field that leads there, and `carried` (H, W, 2): whence the turned head alone has it."""

    goal: Floats
    field: WarpField
    carried: Floats | None = None


def _finished(move: _Move, color: Floats, moved: Floats, hold_map: Floats | None) -> FaceEdit:
    size, field = len(moved), move.field
    # What a turned head carries along neither changes nor leaves its place on the face: rims turn with it, unpainted.
    way = field.source - (_pixels(size) if move.carried is None else move.carried)
    way[_length(way) < RESTING_PX] = 0
    share = _painted_share(way)
    if move.carried is not None:
        share = np.maximum(share, _painted_share(field.source - _pixels(size)) * unseen_share(field))
    attention: Floats = 1 - share * new_share(field) * within_outline(move.goal, size)
    flow: Floats = way * np.float32(2 / size)
    if hold_map is not None:
        held = cv2.resize(hold_map, (size, size))
        if move.carried is not None:
            held = cv2.remap(held, move.carried[..., 0], move.carried[..., 1], cv2.INTER_LINEAR)
        kept = np.asarray(held, np.float32)
        planes = leashed(flow.transpose(2, 0, 1)[None], kept[None, None])
        flow, attention = planes[0].transpose(1, 2, 0), unpainted(attention, kept)
    shift = flow * np.float32(size / 2)
    if move.carried is not None:
        shift = shift + (move.carried - _pixels(size))
    torn = (1 - attention) * torn_share(field)
    return FaceEdit(attention, color, np.ascontiguousarray(shift / np.float32(FINER)), moved, torn)


def _pixels(size: int) -> Floats:
    line = np.arange(size, dtype=np.float32)
    return np.dstack(np.meshgrid(line, line))


def _length(way: Floats) -> Floats:
    """Return how long the vectors (H, W, 2) are.

    numpy's norm takes ten times as long for it, and OpenCV's magnitude rounds by where in memory its arrays lie.
    """
    x, y = way[..., 0], way[..., 1]
    return np.asarray(np.sqrt(x * x + y * y), np.float32)


def _painted_share(way: Floats) -> Floats:
    """Return how far each pixel is painted (H, W), by how far the skin around it moves: `way` (H, W, 2) in pixels."""
    around = cv2.dilate(_length(way), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (AROUND_PX, AROUND_PX)))
    share = np.clip(cv2.GaussianBlur(around, (0, 0), SOFT_PX) / MOVED_PX, 0, 1)
    return np.asarray(share, np.float32)
