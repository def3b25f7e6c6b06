"""Who is measured: the same held-out people at every call, spread over the sources that a pack was made of.

The order is drawn from the photos' names alone, so it does not depend on what else is in the pack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, zip_longest
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ganimate.config import EvaluationConfig
from ganimate.data.pack import Pack
from ganimate.errors import PackError
from ganimate.system.devices import step_seed

PADDED = 0.02  # a crop that lacks more of its photo than this counts as padded
OTHER_EXPRESSION = 0.05  # two photos whose AUs differ by less than this on average show the same expression

Indices = NDArray[np.int64]
Item = TypeVar("Item")


@dataclass(frozen=True)
class HeldOutPeople:
    """Indices into a pack, all of them held out.

    `people` (n): one photo a person; `pairs` (m, 2): two photos of one person with different expressions; `crowd` (c):
    photos for distributions, several of one person among them; `held` (v): all that is held out. `padded` of these show
    faces that reach beyond their photos, and are not measured.
    """

    people: Indices
    pairs: Indices
    crowd: Indices
    held: Indices
    padded: int = 0


def choose_held_out_people(pack: Pack, config: EvaluationConfig) -> HeldOutPeople:
    """Return who is measured; raises PackError where nobody is held out."""
    held = pack.indices(validation=True)
    if not len(held):
        raise PackError(
            f"{pack.place} holds nobody out to be measured", "make the pack with 'ganimate prepare --validation-share'"
        )
    drawn = _drawn(pack, held, config.seed, "people")
    clean = _clean_by_source(pack, drawn)
    return HeldOutPeople(
        np.array(_in_turns([_one_a_person(pack, group) for group in clean])[: config.people], np.int64),
        np.array(_pairs(pack, held, config.seed)[: config.pairs], np.int64).reshape(-1, 2),
        np.array(_in_turns(clean)[: config.crowd], np.int64),
        held,
        len(held) - sum(map(len, clean)),
    )


def _drawn(pack: Pack, indices: Indices, seed: int, what: str) -> list[int]:
    """Return the indices in an order that `seed` and each photo's name decide."""
    return sorted((int(i) for i in indices), key=lambda i: step_seed(seed, what, str(pack.names[i])))


def source(name: str) -> str:
    """Return where a photo comes from, by the first folder of its name; "" where it has none."""
    folder, slash, _ = name.partition("/")
    return folder if slash else ""


def _clean_by_source(pack: Pack, indices: Sequence[int]) -> list[list[int]]:
    """Return the indices of each source, sources by name; without padded crops where a source has others.

    Of a source that has padded crops only, the less padded half stays.
    """
    groups: dict[str, list[int]] = {}
    for index in indices:
        groups.setdefault(source(str(pack.names[index])), []).append(index)
    return [_clean(pack, groups[name]) for name in sorted(groups)]


def _clean(pack: Pack, group: list[int]) -> list[int]:
    padding = pack.outside[group]
    limit = PADDED if (padding <= PADDED).any() else float(np.median(padding))
    return [index for index in group if pack.outside[index] <= limit]


def _one_a_person(pack: Pack, indices: Sequence[int]) -> list[int]:
    """Return the first photo of each person; photos of nobody known are each somebody else's."""
    first: dict[int, int] = {}
    for index in indices:
        person = int(pack.person[index])
        first.setdefault(person if person >= 0 else -1 - index, index)
    return list(first.values())


def _pairs(pack: Pack, held: Indices, seed: int) -> list[tuple[int, int]]:
    """Return ordered pairs of photos of one person with different expressions, people in turns."""
    groups: dict[int, list[int]] = {}
    for index in _drawn(pack, held, seed, "pairs"):
        if pack.person[index] >= 0:
            groups.setdefault(int(pack.person[index]), []).append(index)
    return _in_turns([_different(pack, group, seed) for group in groups.values()])


def _different(pack: Pack, group: Sequence[int], seed: int) -> list[tuple[int, int]]:
    found = [(a, b) for a, b in permutations(group, 2) if np.abs(pack.aus[a] - pack.aus[b]).mean() >= OTHER_EXPRESSION]
    return sorted(found, key=lambda pair: step_seed(seed, str(pack.names[pair[0]]), str(pack.names[pair[1]])))


def _in_turns(groups: Sequence[Sequence[Item]]) -> list[Item]:
    """Return the first of each group, then the second of each, and so on."""
    rounds = zip_longest(*([[item] for item in group] for group in groups), fillvalue=[])
    return [item for one_round in rounds for cell in one_round for item in cell]
