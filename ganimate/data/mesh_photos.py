"""Photos with the meshes of their faces in one folder, memory-mapped: what a mesh reader learns from.

FOLDER/photos.json  format, what it was made from, counts
FOLDER/images.bin   pixels, photo after photo: to decode them anew for each sample would take longer than to learn
FOLDER/table.npz    offsets (n+1), sizes (n, 2), meshes (n, 478, 3), validation (n), names (n)
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.config import MeshTraining
from ganimate.data.split import choose_held_out
from ganimate.errors import GanimateError, InputError, OutputError, PackError, PhotoError
from ganimate.face.crop import Image
from ganimate.face.mesh.reading import five_of_mesh, mesh_crop
from ganimate.face.mesh.topology import POINTS
from ganimate.media import read_photo
from ganimate.system.files import promise, settle
from ganimate.system.progress import Progress
from ganimate.trackers import read_persons

FORMAT = "ganimate-mesh-photos-1"
STORED_CROPS = 2.0  # pixels of a stored photo to one of a crop, at most: what is finer is averaged away anyway


@dataclass(frozen=True)
class MeshPhotos:
    """An opened folder.

    `meshes` (n, 478, 3) float32 in pixels of the stored photos; `validation` (n) bool: held out.
    """

    path: Path
    made_from: str
    names: NDArray[np.str_]
    meshes: NDArray[np.float32]
    validation: NDArray[np.bool_]
    _sizes: NDArray[np.int64] = field(repr=False)
    _offsets: NDArray[np.int64] = field(repr=False)
    _bytes: NDArray[np.uint8] = field(repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def __reduce__(self) -> tuple[Callable[[Path], MeshPhotos], tuple[Path]]:
        """Workers that are not forked open the folder themselves, instead of being sent all of its photos."""
        return open_mesh_photos, (self.path,)

    def image(self, index: int) -> Image:
        """Return stored photo `index` (H, W, 3); not to be written to."""
        height, width = self._sizes[index]
        return np.asarray(self._bytes[self._offsets[index] : self._offsets[index + 1]].reshape(height, width, 3))

    def indices(self, validation: bool) -> NDArray[np.int64]:
        """Return the indices of one side of the split, which no person is on both sides of."""
        return np.flatnonzero(self.validation == validation)

    @property
    def folders(self) -> NDArray[np.str_]:
        """The first folder in each photo's name (n,), or nothing: photos of one source lie together."""
        return np.array([name.rpartition("/")[0].partition("/")[0] for name in self.names])


@dataclass(frozen=True)
class MeshSources:
    """Photos, the meshes of their faces as `examples/label_meshes.py` writes them and, where known, who is who."""

    photos: Path
    meshes: Path
    identities: Path | None

    def digest(self, training: MeshTraining) -> str:
        """Return a digest of the tables and of what shapes the folder that is made of them."""
        total = hashlib.blake2b(repr((training.validation_share, training.network.size_px)).encode(), digest_size=16)
        for path in (self.meshes, self.identities):
            if path is not None:
                try:
                    total.update(path.read_bytes())
                except OSError as error:
                    raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
        return total.hexdigest()

    def read_meshes(self) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
        """Return names (n,) and meshes (n, 478, 3); raises InputError."""
        try:
            with np.load(self.meshes, allow_pickle=False) as table:
                names, meshes = table["names"], table["meshes"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{self.meshes} is no table of meshes", "make one with examples/label_meshes.py"
            ) from error
        if names.ndim != 1 or meshes.shape != (len(names), POINTS, 3) or not np.isfinite(meshes).all():
            raise InputError(f"{self.meshes} does not hold a name and {POINTS} points in 3-D for each photo")
        return names.astype(np.str_), meshes.astype(np.float32)

    def make(self, out: Path, training: MeshTraining, progress: Progress) -> MeshPhotos:
        """Write the folder `out` and return it, opened; photos that cannot be read are left out, and told."""
        if not self.photos.is_dir():
            raise InputError(f"{self.photos} is not a folder of photos", "hand in the folder that the names are in")
        names, meshes = self.read_meshes()
        folder = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
        promise(folder, lambda: shutil.rmtree(folder, ignore_errors=True))
        try:
            folder.mkdir(parents=True)
            with progress.count("reading photos", len(names), "moving them into place") as counted:
                rows = self._store(counted(names.tolist()), meshes, folder, training, progress)
            rows.write(folder, self.digest(training))
            os.rename(folder, out)
        except OSError as error:
            raise OutputError(f"{out} cannot be written: {error.strerror or error}", "is there space left?") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            settle(folder)
        return open_mesh_photos(out)

    def _store(
        self,
        names: Iterable[str],
        meshes: NDArray[np.float32],
        folder: Path,
        training: MeshTraining,
        progress: Progress,
    ) -> _Rows:
        """Write the pixels of all photos that can be read, and return the table of them."""
        persons = read_persons(self.identities) if self.identities else {}
        rows = _Rows(persons)
        with open(folder / "images.bin", "wb") as images:
            for name, mesh in zip(names, meshes, strict=True):
                try:
                    photo, stored = _stored(read_photo(self.photos / name), mesh, training.network.size_px)
                except InputError as error:
                    progress.warn(f"{name} is left out: {error.message}")
                    continue
                images.write(photo.tobytes())
                rows.add(name, photo, stored)
        rows.hold_out(training.validation_share)
        return rows


def open_mesh_photos(path: Path) -> MeshPhotos:
    """Return the photos in folder `path`; raises PackError when it is missing, foreign or damaged."""
    try:
        facts = json.loads((path / "photos.json").read_text("utf-8"))
        with np.load(path / "table.npz", allow_pickle=False) as table:
            names, meshes, validation = table["names"], table["meshes"], table["validation"]
            sizes, offsets = table["sizes"], table["offsets"]
        pixels = np.memmap(path / "images.bin", np.uint8, "r")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise PackError(f"{path} holds no photos with meshes, or damaged ones", "train into a new folder") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT or len(pixels) != offsets[-1]:
        raise PackError(f"{path} holds no photos with meshes, or damaged ones", "train into a new folder")
    made_from = str(facts.get("made_from"))
    return MeshPhotos(path, made_from, names, meshes, validation, sizes, offsets, np.asarray(pixels))


def _stored(photo: Image, mesh: NDArray[np.float32], size_px: int) -> tuple[Image, NDArray[np.float32]]:
    """Return a photo and its mesh, reduced where the face is larger than samples need."""
    height, width = photo.shape[:2]
    if not ((mesh[:, :2] >= 0) & (mesh[:, :2] < [width, height])).all(1).any():
        raise PhotoError("its mesh lies outside the photo")
    scale = float(np.hypot(*mesh_crop(five_of_mesh(mesh), size_px)[:, 0])) * STORED_CROPS
    if scale >= 1:
        return photo, mesh
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    reduced = np.asarray(cv2.resize(photo, small, interpolation=cv2.INTER_AREA), np.uint8)
    moved = mesh * np.array([small[0] / width, small[1] / height, scale])
    moved[:, :2] += 0.5 * np.array([small[0] / width, small[1] / height]) - 0.5
    return reduced, moved.astype(np.float32)


class _Rows:
    """The table of a folder while it is written; `persons` are known by the photos' names."""

    def __init__(self, persons: Mapping[str, str]) -> None:
        self._persons = persons
        self._names: list[str] = []
        self._sizes: list[tuple[int, int]] = []
        self._meshes: list[NDArray[np.float32]] = []
        self._held: list[bool] = []
        self._offsets = [0]

    def add(self, name: str, photo: Image, mesh: NDArray[np.float32]) -> None:
        self._names.append(name)
        self._sizes.append((photo.shape[0], photo.shape[1]))
        self._meshes.append(mesh)
        self._offsets.append(self._offsets[-1] + photo.size)

    def hold_out(self, share: float) -> None:
        owners = [self._persons.get(name) or name for name in self._names]
        held = choose_held_out(owners, share, 0)
        self._held = [owner in held for owner in owners]

    def write(self, folder: Path, made_from: str) -> None:
        if not self._names:
            raise GanimateError("no photo could be used", "see why they were left out")
        facts = {"format": FORMAT, "made_from": made_from, "photos": len(self._names), "held_out": sum(self._held)}
        (folder / "photos.json").write_text(json.dumps(facts, indent=1), "utf-8")
        np.savez(
            folder / "table.npz",
            names=np.array(self._names, np.str_),
            sizes=np.array(self._sizes, np.int64),
            meshes=np.stack(self._meshes).astype(np.float32),
            validation=np.array(self._held, np.bool_),
            offsets=np.array(self._offsets, np.int64),
        )
