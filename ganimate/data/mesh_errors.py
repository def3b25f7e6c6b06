"""How well a mesh reader reads: its meshes of held-out people beside the teacher's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganimate.data.mesh_photos import MeshPhotos
from ganimate.face.mesh.reading import MeshNetwork, follow
from ganimate.face.mesh.topology import LEFT_EYE, LIPS_INNER, RIGHT_EYE
from ganimate.system.devices import step_seed

EYE_CORNERS = [33, 263]  # the outer ones, in whose span distances are told
SURE = 0.5  # of there being a face: a mesh below is not used
FAR = 0.1  # a mesh that is farther off is of no use
SCATTER = 0.05  # of the span: how far off what cuts the first crop is, about as the 68 landmarks are


@dataclass(frozen=True)
class MeshErrors:
    """Distances in the picture between read meshes and the teacher's, in shares of the span of the outer eye corners.

    `mean` and `p95` over photos, of all points; `lids` and `lips` (the inner ones) are means; `usable` is the share of
    photos in which the reader is sure of a face and less than a tenth of the span off.
    """

    photos: int
    mean: float
    p95: float
    lids: float
    lips: float
    usable: float


@dataclass(frozen=True)
class MeshError:
    """The same of one photo, and how sure the reader is."""

    mean: float
    lids: float
    lips: float
    confidence: float

    @classmethod
    def of(cls, mesh: NDArray[np.floating], teacher: NDArray[np.floating], confidence: float) -> MeshError:
        """Return how far off a mesh (478, 3) is from the teacher's."""
        distances = np.linalg.norm((mesh - teacher)[:, :2], axis=1) / eye_span(teacher)
        lids, lips = distances[RIGHT_EYE + LEFT_EYE], distances[LIPS_INNER]
        return cls(float(distances.mean()), float(lids.mean()), float(lips.mean()), confidence)


def eye_span(mesh: NDArray[np.floating]) -> float:
    """Return how far the outer corners of the eyes are from each other in the picture, in pixels."""
    return float(np.linalg.norm(np.diff(mesh[EYE_CORNERS, :2], axis=0)))


def check_reader(network: MeshNetwork, photos: MeshPhotos, indices: NDArray[np.int64]) -> MeshErrors:
    """Return how well a reader reads photos, each looked at twice, the first time by points that are a little off."""
    errors = []
    for index in indices:
        photo, teacher = photos.image(int(index)), photos.meshes[index]
        rng = np.random.default_rng(step_seed(0, "check", int(index)))
        off = np.append(rng.normal(size=2) * SCATTER * eye_span(teacher), 0)
        read = follow(photo, follow(photo, teacher + off, network).mesh, network)
        errors.append(MeshError.of(read.mesh, teacher, read.confidence))
    return summed_up(errors)


def summed_up(errors: Sequence[MeshError]) -> MeshErrors:
    """Return what the errors of photos, one at least, come to."""
    means = np.array([error.mean for error in errors])
    usable = [error.confidence >= SURE and error.mean < FAR for error in errors]
    return MeshErrors(
        len(errors),
        float(means.mean()),
        float(np.percentile(means, 95)),
        float(np.mean([error.lids for error in errors])),
        float(np.mean([error.lips for error in errors])),
        float(np.mean(usable)),
    )
