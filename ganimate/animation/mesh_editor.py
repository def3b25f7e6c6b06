"""Edits by the mesh: its points go where the muscles say, the photo goes along, and the painter paints what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ganimate.errors import ModelError
from ganimate.face.crop import Crop, Face, Image, cut
from ganimate.face.mesh.reading import MeshNetwork, read_mesh
from ganimate.face.mesh.topology import OVAL
from ganimate.motion.muscles import Muscles
from ganimate.motion.warp_field import WarpField, warp_field
from ganimate.networks.hold_map import leashed, unpainted
from ganimate.networks.mesh_generator import FINER
from ganimate.networks.painter import hints_of
from ganimate.networks.pictures import to_floats, to_tensor
from ganimate.render.compose import FaceEdit

Floats = NDArray[np.float32]
# What does not move is not painted: paint comes in over the first pixel that the skin around moves, in the finer crop.
# So an animation leaves the photo without a jump, and a smile does not repaint the forehead.
MOVED_PX, AROUND_PX = 1.0, 15
RESTING_PX = 1 / 64  # OpenCV's warps tell 1/32 of a pixel apart
# Paint ends within the outline of the face, as nothing beyond it was learnt.
OUTLINE_PX, SOFT_PX = 6, 4.0


@dataclass(frozen=True)
class MeshView:
    """A face as the mesh sees it: a finer crop (2S, 2S, 3), and the mesh (478, 3) float32 in its pixels."""

    image: Image
    mesh: Floats


@dataclass(frozen=True)
class MeshRequest:
    """What one face is to show: its view, its AUs and the target (N,), and what keeps its place (S, S)."""

    view: MeshView
    source_aus: Floats
    target: Floats
    hold_map: Floats | None


class MeshEditor:
    """Moves and paints faces with the generator and the muscles of one model."""

    def __init__(self, generator: torch.nn.Module, muscles: Muscles, reader: MeshNetwork, device: torch.device) -> None:
        self._generator, self._muscles, self._reader, self._device = generator, muscles, reader, device

    def view(self, photo: Image, face: Face, crop: Crop) -> MeshView:
        """Return the mesh of a face in a photo, and the finer crop that goes with `crop`; raises FaceError."""
        mesh = read_mesh(photo, face.landmarks, self._reader).mesh
        size = FINER * len(crop.image)
        matrix = crop.source_to_crop * FINER
        matrix[:, 2] += (FINER - 1) / 2  # pixel centres: x_fine + 0.5 = FINER * (x + 0.5)
        flat = mesh[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        depth = mesh[:, 2:] * np.hypot(*matrix[:, 0])
        return MeshView(cut(photo, matrix, size).image, np.column_stack([flat, depth]).astype(np.float32))

    def edit(self, requests: Sequence[MeshRequest]) -> list[FaceEdit]:
        """Return one edit a request, painted in one batch; raises ModelError where the paint is not numbers."""
        goals = [self._muscles.move(each.view.mesh, each.source_aus, each.target) for each in requests]
        fields = [
            warp_field(each.view.mesh, goal, *each.view.image.shape[:2])
            for each, goal in zip(requests, goals, strict=True)
        ]
        moved = np.stack([field.apply(request.view.image) for field, request in zip(fields, requests, strict=True)])
        image = to_tensor(moved).to(self._device)
        y_from, y_to = (
            torch.tensor(np.stack(rows), dtype=torch.float32, device=self._device)
            for rows in ([each.source_aus for each in requests], [each.target for each in requests])
        )
        hints = torch.from_numpy(np.stack([hints_of(field) for field in fields])).to(self._device)
        with torch.inference_mode():
            colors = to_floats(self._generator(image, hints, y_from, y_to).color)
        if not np.isfinite(colors).all():
            raise ModelError("the model paints pixels that are not numbers", "export it again")
        return [
            _finished(field, _within(goal, len(own)), color, np.asarray(own, np.float32), request.hold_map)
            for request, goal, field, color, own in zip(requests, goals, fields, colors, moved, strict=True)
        ]


def _finished(field: WarpField, within: Floats, color: Floats, moved: Floats, hold_map: Floats | None) -> FaceEdit:
    size = len(moved)
    way = field.source - _pixels(size)
    way[np.linalg.norm(way, axis=2) < RESTING_PX] = 0
    attention = torch.from_numpy(1 - _painted_share(way) * _new_share(field) * within)[None, None]
    flow = torch.from_numpy(np.ascontiguousarray(way.transpose(2, 0, 1)) * np.float32(2 / size))[None]
    if hold_map is not None:
        held = torch.from_numpy(cv2.resize(hold_map, (size, size)))[None, None]
        flow, attention = leashed(flow, held), unpainted(attention, held)
    shift = flow[0].permute(1, 2, 0).numpy() * np.float32(size / 2 / FINER)
    return FaceEdit(attention[0, 0].numpy(), color, np.ascontiguousarray(shift), moved)


def _within(goal: Floats, size: int) -> Floats:
    """Return (size, size): 1 within the outline of a mesh, falling to 0 before it ends."""
    inside = np.zeros((size, size), np.uint8)
    outline = np.round(goal[OVAL, :2]).astype(np.int32)
    cv2.fillConvexPoly(inside, cv2.convexHull(outline), 1)
    inner = cv2.erode(inside, np.ones((2 * OUTLINE_PX + 1, 2 * OUTLINE_PX + 1), np.uint8))
    return np.asarray(cv2.GaussianBlur(inner.astype(np.float32), (0, 0), SOFT_PX), np.float32)


def _pixels(size: int) -> Floats:
    line = np.arange(size, dtype=np.float32)
    return np.dstack(np.meshgrid(line, line))


def _new_share(field: WarpField) -> Floats:
    """Return how far each pixel is new (H, W): in eyes and mouth what the photo shows of them is kept, not invented."""
    unseen = cv2.dilate(field.unseen.astype(np.float32), np.ones((3, 3), np.uint8))
    return np.where(field.part > 0, cv2.GaussianBlur(unseen, (0, 0), 1.0), 1).astype(np.float32)


def _painted_share(way: Floats) -> Floats:
    """Return how far each pixel is painted (H, W), by how far the skin around it moves: `way` (H, W, 2) in pixels."""
    length = np.linalg.norm(way, axis=2)
    around = cv2.dilate(length, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (AROUND_PX, AROUND_PX)))
    share = np.clip(cv2.GaussianBlur(around, (0, 0), SOFT_PX) / MOVED_PX, 0, 1)
    return np.asarray(share, np.float32)
