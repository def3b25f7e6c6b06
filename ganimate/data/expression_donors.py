"""Whose change of expression is mapped onto which face: of people seen often, those in the state of that face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganimate.data.expression_mapping import mouth_gap, steadied
from ganimate.face.landmarks import NOSE_TIP, OUTER_CORNERS, STEADY

PARTS, PART_SHARES = ("all", "upper", "lower"), (0.6, 0.25, 0.15)
UPPER_AUS = frozenset({1, 2, 4, 5, 6, 7, 45})
WHOLE_AUS, MOST_WHOLE = frozenset({9}), 0.25  # those of both halves: changes by more are mapped as a whole
CANDIDATES = 1500
TRIES = 4
ALIKE = {"all": 1.0, "upper": 0.4, "lower": 0.5}  # sum of the AUs' differences, below which two faces are in one state
GAP_WORTH = 10.0  # of a crop width between the lips, in that sum
LEAST_CHANGE, LEAST_SPREAD = 3.0, 0.05  # standard deviations, summed over AUs; the least of them
MOST_CLOSED = 0.015  # crop widths that lips close: of the host's teeth nobody knows how they go
SAME_POSE, SAME_TURN = 0.012, 0.05  # crop widths between steady landmarks; shares of the distance between the eyes
BLINK, MOST_BLINK = 45, 0.3  # no lid is drawn anew


@dataclass(frozen=True)
class Donation:
    """Two photos of one person, the part of the face that is taken from them, and the AUs (N,) that the host gets."""

    before: int
    after: int
    part: str
    y_to: NDArray[np.float32]


class Donors:
    """Photos by people seen often; `draw` finds two of them for a face.

    `aus` (n, N), `landmarks` (n, 68, 2) in crop widths and `person` (n,) are of all photos, `photos` the rows of those
    that may be drawn, `numbers` the AUs.
    """

    def __init__(
        self,
        aus: NDArray[np.float32],
        landmarks: NDArray[np.float32],
        person: NDArray[np.integer],
        photos: NDArray[np.int64],
        numbers: Sequence[int],
    ) -> None:
        self._aus, self._landmarks, self._person, self._photos = aus, landmarks, person, photos
        self._gaps, self._turns = mouth_gap(landmarks), _turns(landmarks)
        spread = aus[photos].astype(np.float64).std(0) if len(photos) else np.ones(len(numbers))
        self._worth = 1 / np.maximum(spread, LEAST_SPREAD)  # (N,): rare and small motions are changes, too
        upper = np.array([number in UPPER_AUS for number in numbers])
        self._whole = np.array([number in WHOLE_AUS for number in numbers])
        self._blink = np.array([number == BLINK for number in numbers])
        self._parts = {"all": np.ones(len(numbers), bool), "upper": upper, "lower": ~upper & ~self._whole}

    def draw(self, rng: np.random.Generator, host: int) -> Donation | None:
        """Return a change of expression for a host's photo, drawn by how much changes; None where none fits."""
        if not len(self._photos):
            return None
        found = (self._try(rng, host, str(rng.choice(PARTS, p=PART_SHARES))) for _ in range(TRIES))
        return next((one for one in found if one is not None), None)

    def _try(self, rng: np.random.Generator, host: int, part: str) -> Donation | None:
        of_part = self._parts[part]
        some = rng.choice(self._photos, CANDIDATES)
        apart = np.abs(self._aus[some] - self._aus[host])[:, of_part].sum(1)
        if part != "upper":
            apart = apart + GAP_WORTH * np.abs(self._gaps[some] - self._gaps[host])
        if apart.min() > ALIKE[part]:
            return None
        before = int(some[apart.argmin()])
        others = self._photos[self._person[self._photos] == self._person[before]]
        others = others[self._fits(before, others, part)]
        change = (np.abs(self._aus[others] - self._aus[before]) * self._worth)[:, of_part].sum(1)
        change = np.where(change > LEAST_CHANGE, change, 0.0) ** 2
        if not change.sum():
            return None
        after = int(rng.choice(others, p=change / change.sum()))
        y_to = self._aus[host] + np.where(of_part, self._aus[after] - self._aus[before], 0)
        return Donation(before, after, part, np.clip(y_to, 0, 1).astype(np.float32))

    def _fits(self, before: int, others: NDArray[np.int64], part: str) -> NDArray[np.bool_]:
        """Return which photos of the person show the head held as in `before`, and nothing that cannot be mapped."""
        near = np.abs(self._turns[others] - self._turns[before]) < SAME_TURN
        laid = np.stack([steadied(self._landmarks[other], self._landmarks[before]) for other in others])
        way = np.linalg.norm(laid[:, STEADY] - self._landmarks[before, STEADY], axis=-1)
        fits = near & (way.max(1) < SAME_POSE)
        change = np.abs(self._aus[others] - self._aus[before])
        if part != "lower":
            fits &= (change[:, self._blink] < MOST_BLINK).all(1)
        if part != "all":
            fits &= (change[:, self._whole] < MOST_WHOLE).all(1)
        if part != "upper":
            fits &= self._gaps[before] - self._gaps[others] < MOST_CLOSED
        return np.asarray(fits, bool)


def _turns(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far heads are turned: the nose tip off the middle of the eyes, per distance of their corners."""
    left, right = landmarks[:, OUTER_CORNERS, 0].T
    turns: NDArray[np.float64] = (landmarks[:, NOSE_TIP, 0] - (left + right) / 2) / np.maximum(right - left, 1e-3)
    return turns
