"""What a generator in training can do on people whom it never sees, measured now and then.

AUs are read by its own critic, which flatters it: 'ganimate evaluate' has a judge of another make. But it tells from
early on whether faces move at all, and whether that gets better.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from ganimate.data.dataset import plain_views
from ganimate.data.pack import Pack
from ganimate.networks import Critic, Edit, GeneratorNetwork

WATCHED = (12, 4, 26)  # mouth, brows, jaw; of a pack without them its first AUs
MOST_PHOTOS = 16
MOST_PAIRS = 16
# A quarter of what the shipped model must reach ('ganimate evaluate' has the bar 0.4 for the mean response).
HARDLY = 0.1
RESPONSE, PAIRS = "held_out_response", "held_out_pair_l1_ratio"


class HeldOutCheck:
    """Held-out photos of a pack, and pairs of one person among them; none where nobody is held out."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        held = pack.indices(validation=True)
        self.photos = held[np.unique(np.linspace(0, len(held) - 1, min(MOST_PHOTOS, len(held))).round().astype(int))]
        self.pairs = _pairs(held, pack.person)
        known = [number for number in WATCHED if number in pack.au_numbers]
        self.aus = tuple(known or pack.au_numbers[: len(WATCHED)])

    @torch.no_grad()
    def terms(self, generator: GeneratorNetwork, critic: Critic, device: torch.device) -> dict[str, float]:
        """Return how far each watched AU is read to rise when it is asked for, 0 to 1, the mean of them, and pairs' L1.

        That is of pictures with the AUs of another photo of the same person, as a ratio to not changing at all.
        """
        told: dict[str, float] = {}
        if len(self.photos):
            faces = plain_views(self._pack, self.photos).to(device)
            own = torch.from_numpy(self._pack.aus[self.photos]).to(device)
            for au in self.aus:
                column = self._pack.au_numbers.index(au)
                told[f"{RESPONSE}_AU{au}"] = _rise(generator, critic, faces, own, column)
            told[RESPONSE] = float(np.mean(list(told.values())))
        if len(self.pairs):
            told[PAIRS] = self._pair_ratio(generator, device)
        return told

    def _pair_ratio(self, generator: GeneratorNetwork, device: torch.device) -> float:
        source, goal = (plain_views(self._pack, self.pairs[:, side]).to(device) for side in (0, 1))
        own, wish = (torch.from_numpy(self._pack.aus[self.pairs[:, side]]).to(device) for side in (0, 1))
        made: Edit = generator(source, own, wish)
        before = float((source - goal).abs().mean())
        return float((made.image - goal).abs().mean()) / max(before, 1e-6)


def warning(terms: Mapping[str, float]) -> tuple[str, str] | None:
    """Return a sentence and a remedy where a generator hardly animates, by what was last measured of it."""
    response = terms.get(RESPONSE)
    if response is None or response >= HARDLY:
        return None
    which = ", ".join(name.rpartition("_")[2] for name in terms if name.startswith(f"{RESPONSE}_AU"))
    change = round(response, 2) + 0.0  # never -0
    told = f"the model hardly animates: asked from 0 to 1, {which} of held-out people change by {change:.2f}"
    return f"{told} (its own critic's reading)", "train it longer, or on more photos"


def _rise(generator: GeneratorNetwork, critic: Critic, faces: torch.Tensor, own: torch.Tensor, column: int) -> float:
    """Return the mean change of an AU's reading from where it is asked to be 0 to where it is asked to be 1."""
    read = []
    for level in (0.0, 1.0):
        wish = own.clone()
        wish[:, column] = level
        edit: Edit = generator(faces, own, wish)
        read.append(critic(edit.image).aus[:, column])
    return float((read[1] - read[0]).mean())


def _pairs(held: NDArray[np.int64], person: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return two photos (P, 2) of each held-out person of whom there are two, the first ones."""
    found = [held[person[held] == each][:2] for each in np.unique(person[held]) if each >= 0]
    return np.array([pair for pair in found if len(pair) == 2][:MOST_PAIRS], np.int64).reshape(-1, 2)
