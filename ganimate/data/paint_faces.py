"""Faces that a painter learns from: photos with meshes, the AUs that they show on the scale of human codes, who is who.

Human coders' intensities are the scale: at 1 a face does all that it can. What a tracker reads of such faces is less,
AU by AU; where photos have both, its readings are stretched by what they tell, and of the photos that coders saw the
codes are taken.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.data.mesh_photos import MeshPhotos
from ganimate.errors import AnnotationError, PackError
from ganimate.face.crop import Image
from ganimate.face.mesh.pose import pose_of
from ganimate.face.mesh.topology import LEFT_LOWER_LID, LEFT_UPPER_LID, RIGHT_LOWER_LID, RIGHT_UPPER_LID
from ganimate.motion.muscles import BLINK
from ganimate.trackers import read_facs, read_labels, read_persons

STRONG = 0.75  # intensities of D and E
LEAST_STRONG = 15  # photos that show them: with fewer an AU is stretched as the others are
LEAST_READ = 0.15  # of a full AU: a tracker that reads less tells nothing, however much it is stretched
# Height / width of the gap between lids, set by eye. Of 219 photos of closed eyes a quarter is below the first and
# nearly all are below the second; of 16,783 others 1 % and 10 %.
SHUT_EYE, OPEN_EYE = 0.06, 0.17


@dataclass(frozen=True)
class PaintSources:
    """Tables of the photos: AUs as a tracker reads them, and where known human codes, persons, and real parts."""

    labels: Path
    codes: Path | None = None
    identities: Path | None = None
    valid: Path | None = None

    def read(self, photos: MeshPhotos, images: Path) -> PaintFaces:
        """Return the faces of `photos` that are labelled; `images` is the folder that they were made from."""
        table = read_labels(self.labels)
        rows = {name: row for row, name in enumerate(table.names) if table.problem(row) is None}
        chosen = np.array([index for index, name in enumerate(photos.names) if str(name) in rows], np.int64)
        if len(chosen) < 2:
            raise PackError(
                f"{self.labels} labels {len(chosen)} of the photos with meshes", "are its names those of the photos?"
            )
        read = table.aus[[rows[str(photos.names[index])] for index in chosen]].astype(np.float64)
        names = [str(photos.names[index]) for index in chosen]
        coded = read_facs(self.codes, table.au_numbers) if self.codes else {}
        codes = np.full(read.shape, np.nan)
        for row, name in enumerate(names):
            if name in coded:
                codes[row] = coded[name]
        aus = on_the_scale_of_codes(read, codes)
        if BLINK in table.au_numbers:
            aus[:, table.au_numbers.index(BLINK)] = shut_share(photos.meshes[chosen])
        persons = read_persons(self.identities) if self.identities else {}
        owners = np.array([persons.get(name, "") for name in names], np.str_)
        real = self._real(photos, chosen, images)
        coded = np.isfinite(codes)
        return PaintFaces(photos, chosen, table.au_numbers, aus.astype(np.float32), coded, owners, real)

    def _real(self, photos: MeshPhotos, chosen: NDArray[np.int64], images: Path) -> NDArray[np.float32]:
        """Return the boxes (n, 4) of what is real in the stored photos: x0, y0, x1, y1."""
        sizes = np.array([photos.image(int(index)).shape[:2][::-1] for index in chosen], np.float32)
        boxes = np.concatenate([np.zeros_like(sizes), sizes], 1)
        if self.valid is None:
            return boxes
        told = _read_boxes(self.valid)
        for row, index in enumerate(chosen):
            box = told.get(str(photos.names[index]))
            if box is not None:
                image = cv2.imread(str(images / str(photos.names[index])), cv2.IMREAD_UNCHANGED)
                if image is not None:
                    scale = sizes[row] / np.array(image.shape[:2][::-1], np.float32)
                    boxes[row] = box * np.tile(scale, 2)
        return boxes


@dataclass(frozen=True)
class PaintFaces:
    """Photos `rows` (n,) of `photos`, their AUs (n, N) in [0, 1], persons (n,) and boxes (n, 4) of what is real.

    A person is "" where unknown. `coded` (n, N) says which AUs are human codes. Boxes are in pixels of the
    stored photos.
    """

    photos: MeshPhotos
    rows: NDArray[np.int64]
    au_numbers: tuple[int, ...]
    aus: NDArray[np.float32]
    coded: NDArray[np.bool_]
    persons: NDArray[np.str_]
    real: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def image(self, face: int) -> Image:
        """Return the stored photo of a face (H, W, 3); not to be written to."""
        return self.photos.image(int(self.rows[face]))

    def mesh(self, face: int) -> NDArray[np.float64]:
        """Return the mesh of a face (478, 3) in pixels of its stored photo."""
        return np.asarray(self.photos.meshes[self.rows[face]], np.float64)

    @property
    def meshes(self) -> NDArray[np.float32]:
        """The meshes (n, 478, 3)."""
        return self.photos.meshes[self.rows]

    @cached_property
    def turns(self) -> NDArray[np.float64]:
        """Yaw and pitch (n, 2) in degrees."""
        return np.array([pose_of(mesh).degrees[:2] for mesh in self.meshes])

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Which faces (n,) are of people who are held out."""
        return self.photos.validation[self.rows]

    def groups(self, held_out: bool) -> list[NDArray[np.int64]]:
        """Return the faces of each person with two photos or more, on one side of the split."""
        own = np.flatnonzero((self.held_out == held_out) & (self.persons != ""))
        _, owner = np.unique(self.persons[own], return_inverse=True)
        return [own[owner == person] for person in range(owner.max(initial=-1) + 1) if (owner == person).sum() > 1]


def on_the_scale_of_codes(read: NDArray[np.float64], codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return AUs (n, N) in [0, 1] on the scale of human codes (n, N; NaN where nobody coded) from readings (n, N)."""
    shares = np.full(read.shape[1], np.nan)
    for au in range(read.shape[1]):
        strong = codes[:, au] >= STRONG
        if strong.sum() >= LEAST_STRONG:
            shares[au] = (read[strong, au] / codes[strong, au]).mean() - read[codes[:, au] == 0, au].mean()
    known = np.isfinite(shares)
    shares[~known] = np.median(shares[known]) if known.any() else 1.0
    stretched = np.clip(read / np.clip(shares, LEAST_READ, 1.0), 0, 1)
    return np.asarray(np.where(np.isfinite(codes), codes, stretched))


def lid_gaps(meshes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return height / width of the gaps between the lids (n, 2), left and right, of meshes (n, 478, 3)."""
    eyes = ((LEFT_UPPER_LID, LEFT_LOWER_LID, (263, 362)), (RIGHT_UPPER_LID, RIGHT_LOWER_LID, (33, 133)))
    gaps = [
        np.linalg.norm(meshes[:, upper[1:-1]] - meshes[:, lower[1:-1]], axis=2).mean(1)
        / np.linalg.norm(meshes[:, outer] - meshes[:, inner], axis=1)
        for upper, lower, (outer, inner) in eyes
    ]
    return np.stack(gaps, 1).astype(np.float64)


def shut_share(meshes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how far the eyes are shut (n,), 0 for those that are open and 1 for those that meet."""
    return np.asarray(np.clip((OPEN_EYE - lid_gaps(meshes).mean(1)) / (OPEN_EYE - SHUT_EYE), 0, 1))


def lip_gaps(meshes: NDArray[np.floating], upper: int = 13, lower: int = 14) -> NDArray[np.float64]:
    """Return how far the lips are apart (n,), in spans of the outer eye corners."""
    gap = np.linalg.norm(meshes[:, upper] - meshes[:, lower], axis=1)
    return np.asarray(gap / np.linalg.norm(meshes[:, 33] - meshes[:, 263], axis=1))


def _read_boxes(path: Path) -> dict[str, NDArray[np.float32]]:
    columns: Sequence[str] = ("x0", "y0", "x1", "y1")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return {
                row["file"]: np.array([float(row[name]) for name in columns], np.float32)
                for row in csv.DictReader(file)
            }
    except (OSError, KeyError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise AnnotationError(
            f"{path} does not tell what is real in photos", "it needs the columns file, x0, y0, x1, y1 in pixels"
        ) from error
