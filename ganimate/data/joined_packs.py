"""Several packs as one: data sets of their own coders in one training.

A photo that is in more than one of them is taken once. Packs hold people out by themselves, so one may train on whom
another holds out; held out wins. Who is the same person is known by photos that packs share: they hold no names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganimate.data.pack import Images, Pack, open_pack
from ganimate.errors import PackError

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class _ChosenImages:
    """Images of several packs: image i is number `places[i]` of pack `owners[i]`; both (n,)."""

    packs: tuple[Images, ...]
    owners: Numbers
    places: Numbers

    @property
    def offsets(self) -> Numbers:
        """Where each would begin, end to end (n+1)."""
        lengths = [np.diff(images.offsets) for images in self.packs]
        chosen = [lengths[owner][place] for owner, place in zip(self.owners, self.places, strict=True)]
        return np.concatenate([[0], np.cumsum(chosen)]).astype(np.int64)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return self.packs[int(self.owners[index])][int(self.places[index])]


def open_packs(paths: Sequence[Path]) -> Pack:
    """Return the packs in the folders `paths` as one, with the AUs that all of them know, in the first one's order.

    Raises PackError where one is missing or damaged, where their faces are cut in different ways, or where no AU is
    known to all.
    """
    packs = [open_pack(path) for path in paths]
    return packs[0] if len(packs) == 1 else _joined(packs)


def _joined(packs: Sequence[Pack]) -> Pack:
    numbers, notes = _common_aus(packs)
    aus = np.concatenate([pack.aus[:, [pack.au_numbers.index(number) for number in numbers]] for pack in packs])
    owners = np.concatenate([np.full(len(pack), place) for place, pack in enumerate(packs)])
    places = np.concatenate([np.arange(len(pack)) for pack in packs])
    first = _first_copies(packs)
    person = _one_number_each(_apart(packs), first)
    held = np.concatenate([pack.validation for pack in packs])
    wide = _held_out_by_any(held, person, first)
    kept = np.flatnonzero(first == np.arange(len(first)))
    if len(kept) < len(first):
        notes.append(f"photos that are in more than one pack, taken once: {len(first) - len(kept)}")
    if more := int((wide & ~held)[kept].sum()):
        notes.append(f"held out, too, as another pack holds these people out: {more} photos")
    images = _ChosenImages(tuple(pack.images for pack in packs), owners[kept], places[kept])
    landmarks, outside, names = (
        np.concatenate([getattr(pack, name) for pack in packs])[kept] for name in ("landmarks", "outside", "names")
    )
    paths = tuple(path for pack in packs for path in pack.paths)
    return Pack(
        paths, packs[0].spec, numbers, aus[kept], landmarks, person[kept], wide[kept], outside, names, images,
        tuple(notes), open_packs,
    )  # fmt: skip


def _common_aus(packs: Sequence[Pack]) -> tuple[tuple[int, ...], list[str]]:
    """Return the AUs that all packs know, and a note of those that are left out; raises PackError."""
    first = packs[0]
    for pack in packs[1:]:
        names = [field.name for field in fields(first.spec)]
        other = [name for name in names if getattr(first.spec, name) != getattr(pack.spec, name)]
        if other:
            raise PackError(
                f"the faces in {pack.place} are cut another way than those in {first.place}: {', '.join(other)}",
                "prepare both packs with the same options",
            )
    common = tuple(number for number in first.au_numbers if all(number in pack.au_numbers for pack in packs))
    if not common:
        raise PackError(
            f"no AU is known to all of {first.place} and {' and '.join(pack.place for pack in packs[1:])}",
            "train on packs with AUs in common",
        )
    left = [
        f"{pack.place}: {' '.join(f'AU{number}' for number in pack.au_numbers if number not in common)}"
        for pack in packs
        if set(pack.au_numbers) - set(common)
    ]
    return common, [f"AUs that not all packs know are left out: {'; '.join(left)}"] if left else []


def _first_copies(packs: Sequence[Pack]) -> Numbers:
    """Return for each photo of all packs the first that is the same to the byte, (n,); most are their own first."""
    lengths = np.concatenate([np.diff(pack.images.offsets) for pack in packs])
    _, kind, count = np.unique(lengths, return_inverse=True, return_counts=True)
    alike = count[kind] > 1  # only these have to be read
    found: dict[bytes, int] = {}
    first = np.arange(len(lengths))
    number = 0
    for pack in packs:
        for place in range(len(pack)):
            if alike[number]:
                digest = hashlib.blake2b(pack.images[place].tobytes(), digest_size=16).digest()
                first[number] = found.setdefault(digest, number)
            number += 1
    return first


def _apart(packs: Sequence[Pack]) -> NDArray[np.int32]:
    """Return who is in each photo (n,), with numbers that no two packs have in common."""
    numbers, taken = [], 0
    for pack in packs:
        numbers.append(np.where(pack.person >= 0, pack.person + taken, -1))
        taken += int(pack.person.max(initial=-1)) + 1
    return np.concatenate(numbers).astype(np.int32)


def _one_number_each(person: NDArray[np.int32], first: Numbers) -> NDArray[np.int32]:
    """Return who is in each photo (n,): the people of two packs who have a photo in common are one person."""
    person = person.copy()
    for copy in np.flatnonzero(first != np.arange(len(first))):
        other = person[first[copy]]
        if person[copy] < 0:
            person[copy] = other
        elif other < 0:
            person[first[copy]] = person[copy]
        else:
            person[person == person[copy]] = other
    return person


def _held_out_by_any(held: NDArray[np.bool_], person: NDArray[np.int32], first: Numbers) -> NDArray[np.bool_]:
    """Return which photos (n,) are held out: those of which a pack holds out a copy, or another of the person."""
    wide = np.isin(first, first[held])
    return wide | ((person >= 0) & np.isin(person, person[wide]))
