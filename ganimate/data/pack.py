"""A pack: prepared face crops and their labels in one folder, memory-mapped, ready for training.

faces.pack/pack.json    format, crop, margin, AU order, counts
faces.pack/images.bin   JPEG crops, end to end
faces.pack/table.npz    offsets (n+1), aus (n, N), landmarks (n, 68, 2), person (n), validation (n), outside (n)
faces.pack/skipped.csv  file, kind, reason: the rows of the table that are not in it
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.config import CropSpec, from_dict, to_dict
from ganimate.errors import GanimateError, OutputError, PackError
from ganimate.face.crop import Image
from ganimate.system.files import promise, settle

FORMAT = "ganimate-pack-1"
SKIPPED_NAME = "skipped.csv"
MARGIN = 0.125  # on each side, in crop widths: room for shifted and turned crops in training
JPEG_QUALITY = 93


def stored_size_px(spec: CropSpec) -> int:
    """Return the side of a stored image: the crop and its margin."""
    return round(spec.size_px * (1 + 2 * MARGIN))


class Images(Protocol):
    """Encoded images in an order; image i is as long as `offsets` (n+1) rise from i to i+1."""

    @property
    def offsets(self) -> NDArray[np.int64]: ...

    def __getitem__(self, index: int) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class StoredImages:
    """Images that lie end to end in one file."""

    offsets: NDArray[np.int64]
    data: NDArray[np.uint8] = field(repr=False)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return np.asarray(self.data[self.offsets[index] : self.offsets[index + 1]])


def _open_first(paths: Sequence[Path]) -> Pack:
    return open_pack(paths[0])


@dataclass(frozen=True)
class Pack:
    """An opened pack; images are decoded on demand.

    `aus` (n, N) float32 in [0, 1] in the order of `au_numbers`; `landmarks` (n, 68, 2) float32 in pixels of the
    stored image; `person` (n) int32, -1 where unknown; `validation` (n) bool; `outside` (n) float32: the share of the
    crop that lies outside its photo; `names` (n) the photos' names. `paths` are its folders, more than one where packs
    were joined; `notes` are what a user should know of how, and `opener` opens them again.
    """

    paths: tuple[Path, ...]
    spec: CropSpec
    au_numbers: tuple[int, ...]
    aus: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    person: NDArray[np.int32]
    validation: NDArray[np.bool_]
    outside: NDArray[np.float32]
    names: NDArray[np.str_]
    images: Images = field(repr=False)
    notes: tuple[str, ...] = ()
    opener: Callable[[Sequence[Path]], Pack] = field(default=_open_first, repr=False)

    @property
    def path(self) -> Path:
        """Its folder, the first one where packs were joined."""
        return self.paths[0]

    @property
    def place(self) -> str:
        """Its folders, as messages name them."""
        return " and ".join(map(str, self.paths))

    def __len__(self) -> int:
        return len(self.aus)

    def __reduce__(self) -> tuple[Callable[[Sequence[Path]], Pack], tuple[tuple[Path, ...]]]:
        """Workers that are not forked open the pack themselves, instead of being sent all of its images."""
        return self.opener, (self.paths,)

    @property
    def fingerprint(self) -> str:
        """A digest of order, labels and sizes of all images: a run resumes on the pack that it began with."""
        total = hashlib.sha256(repr(self.au_numbers).encode())
        for column in (self.images.offsets, self.aus, self.landmarks, self.person, self.validation):
            total.update(np.ascontiguousarray(column).tobytes())
        return total.hexdigest()[:32]

    @property
    def seen_often(self) -> NDArray[np.bool_]:
        """Whether the pack holds other photos of the person, too, by photo (n,); of a person unknown it holds none."""
        people, counts = np.unique(self.person, return_counts=True)
        return (self.person >= 0) & np.isin(self.person, people[counts > 1])

    def image(self, index: int) -> Image:
        """Return stored image `index` (P, P, 3), P = stored_size_px(spec); raises PackError when damaged."""
        data = self.images[index]
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if decoded is None:
            raise PackError(f"image {index} of {self.place} is damaged", "make the pack again with 'ganimate prepare'")
        return np.ascontiguousarray(decoded[..., ::-1], np.uint8)

    def require_size(self, size_px: int) -> None:
        """Raise PackError unless the faces are as wide as the networks expect."""
        if self.spec.size_px != size_px:
            raise PackError(
                f"the faces in {self.place} are {self.spec.size_px} px wide, the networks {size_px}",
                f"train with --size {self.spec.size_px}, or prepare the pack again",
            )

    def indices(self, validation: bool) -> NDArray[np.int64]:
        """Return the indices of one side of the identity-disjoint split."""
        return np.flatnonzero(self.validation == validation)


def open_pack(path: Path) -> Pack:
    """Return the pack in folder `path`; raises PackError when it is missing, foreign or damaged."""
    again = "make a pack with 'ganimate prepare IMAGES --annotations TABLE --out faces.pack'"
    _put_back(path)
    if not (path / "pack.json").is_file():
        raise PackError(f"{path} is not a pack of faces", again)
    try:
        facts = json.loads((path / "pack.json").read_text("utf-8"))
        if facts.get("format") != FORMAT:
            raise PackError(f"{path} has the unknown format {facts.get('format')!r}", again)
        with np.load(path / "table.npz", allow_pickle=False) as table:
            columns = {name: table[name] for name in table.files}
        data = np.memmap(path / "images.bin", np.uint8, "r")
        pack = Pack(
            (path,), from_dict(CropSpec, facts["crop"]), tuple(facts["aus"]), columns["aus"], columns["landmarks"],
            columns["person"], columns["validation"], columns["outside"], columns["names"],
            StoredImages(columns["offsets"], data),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise PackError(f"{path} is damaged: {error}", again) from error
    if not _fits(pack, len(data)):
        raise PackError(f"{path} is damaged: images and table do not belong together", again)
    return pack


def _fits(pack: Pack, stored_bytes: int) -> bool:
    count = len(pack.aus)
    columns = (pack.landmarks, pack.person, pack.validation, pack.outside, pack.names)
    return (
        pack.aus.shape == (count, len(pack.au_numbers))
        and pack.landmarks.shape == (count, 68, 2)
        and all(len(column) == count for column in columns)
        and pack.images.offsets.shape == (count + 1,)
        and bool((np.diff(pack.images.offsets) > 0).all())
        and int(pack.images.offsets[-1]) == stored_bytes
    )


def _replaced(path: Path) -> Path:
    """Return where the old pack lies while a new one takes its place."""
    return path.with_name(f".{path.name}.old")


def _put_back(path: Path) -> None:
    """Put the old pack back if a crash came between the two steps of its replacement."""
    if _replaced(path).exists() and not path.exists():
        with contextlib.suppress(OSError):
            os.rename(_replaced(path), path)


@dataclass(frozen=True)
class PackRow:
    """One face on its way into a pack; see `Pack` for the units."""

    name: str
    image: Image
    aus: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    person: int
    validation: bool
    outside: float


class PackWriter:
    """Writes a pack face by face, under a temporary name that is moved into place on a clean exit."""

    def __init__(self, path: Path, spec: CropSpec, au_numbers: tuple[int, ...], *, overwrite: bool = False) -> None:
        """Claim the place; raises OutputError where it is taken, or is not a pack, or cannot be written."""
        _put_back(path)
        if path.exists() and not (overwrite and (path / "pack.json").is_file()):
            hint = "choose another --out" + (", or add --force" if (path / "pack.json").is_file() else "")
            raise OutputError(f"{path} exists already", hint)
        self._path, self._spec, self._au_numbers = path, spec, au_numbers
        self._rows: list[PackRow] = []
        self._skipped: list[tuple[str, str, str]] = []
        self._offsets = [0]
        self._folder = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        promise(self, self._undo)
        try:
            self._folder.mkdir()
            self._images = open(self._folder / "images.bin", "wb")
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path} cannot be written: {error.strerror or error}")

    def skip(self, name: str, kind: str, reason: str) -> None:
        """Note a row that is not in the pack, and why."""
        self._skipped.append((name, kind, reason))

    def add(self, row: PackRow) -> None:
        """Store one face."""
        done, data = cv2.imencode(".jpg", row.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if not done:
            raise OutputError(f"{row.name} cannot be encoded")
        try:
            self._images.write(data.tobytes())
        except OSError as error:
            raise self._failure(error) from error
        self._offsets.append(self._offsets[-1] + len(data))
        self._rows.append(row)

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._images.close()
            if kind is None:
                self._commit()
        except OSError as failure:
            raise self._failure(failure) from failure
        finally:
            self._undo()
            settle(self)

    def _undo(self) -> None:
        """Remove what is half written, and the old pack where the new one has taken its place."""
        _put_back(self._path)
        if self._path.exists():
            shutil.rmtree(_replaced(self._path), ignore_errors=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _commit(self) -> None:
        rows = self._rows
        if not rows:
            raise GanimateError("no face was prepared, so there is no pack", "see why the rows were skipped")
        facts = {"format": FORMAT, "crop": to_dict(self._spec), "aus": list(self._au_numbers), "images": len(rows)}
        (self._folder / "pack.json").write_text(json.dumps(facts, indent=1), "utf-8")
        with open(self._folder / SKIPPED_NAME, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("file", "kind", "reason"), *self._skipped])
        np.savez(
            self._folder / "table.npz",
            offsets=np.array(self._offsets, np.int64),
            aus=np.stack([row.aus for row in rows]).astype(np.float32),
            landmarks=np.stack([row.landmarks for row in rows]).astype(np.float32),
            person=np.array([row.person for row in rows], np.int32),
            validation=np.array([row.validation for row in rows], np.bool_),
            outside=np.array([row.outside for row in rows], np.float32),
            names=np.array([row.name for row in rows], np.str_),
        )
        self._publish()

    def _publish(self) -> None:
        """Move the pack into place. The old one steps aside until the new one is there: a crash loses neither."""
        if self._path.exists():
            shutil.rmtree(_replaced(self._path), ignore_errors=True)
            os.rename(self._path, _replaced(self._path))
        os.rename(self._folder, self._path)
