"""Who is held out of a pack: people, or photos of nobody known, by the hash of their names, and some of each kind."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

LEAST_HELD_OUT = 4  # people of a kind: a mean over fewer says more of them than of the model
MOST_OF_A_KIND = 0.25  # that this may take from the training, where people are few


def choose_held_out(owners: Iterable[str], share: float, seed: int) -> frozenset[str]:
    """Return who is held out of the `owners` of photos, one a photo: a person, or the photo itself of nobody known.

    By the hash of their names, so that a larger `share`, or other photos, change nobody's side. Of people seen more
    than once, and of those seen once, at least `LEAST_HELD_OUT` are, or a quarter where there are few.
    """
    counts = Counter(owners)
    held: set[str] = set()
    for often in (True, False):
        kind = sorted((_place(owner, seed), owner) for owner, count in counts.items() if (count > 1) is often)
        least = min(LEAST_HELD_OUT, max(1, int(len(kind) * MOST_OF_A_KIND))) if share and len(kind) > 1 else 0
        held |= {owner for rank, (place, owner) in enumerate(kind) if place < share or rank < least}
    return frozenset(held)


def choose_fold(owners: Iterable[str], folds: int, fold: int, seed: int) -> frozenset[str]:
    """Return who is held out of the `owners` in the `fold`-th of `folds` parts, from 1: everybody is in one of them.

    Of each kind, people seen more than once and people seen once, the parts have equally many.
    """
    counts = Counter(owners)
    held: set[str] = set()
    for often in (True, False):
        kind = sorted((_place(owner, seed), owner) for owner, count in counts.items() if (count > 1) is often)
        held |= {owner for rank, (_, owner) in enumerate(kind) if rank % folds == fold - 1}
    return frozenset(held)


def _place(owner: str, seed: int) -> float:
    """Return where in [0, 1) a name lies, another with each seed."""
    key = f"{seed} {owner}" if seed else owner
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
