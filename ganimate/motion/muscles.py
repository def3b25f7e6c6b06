"""The muscles: which way each action unit moves the points of a mesh, and how far a face can go.

All of it is measured on people. `ways` come from a regression, within persons, of pose-normalised meshes on the codes
of human FACS coders, and of what skin does beyond meshes (`training.skin_motion`). Codes attenuate, and nearly nobody
was coded E: at 1 an AU goes `gains` times as far as the regression says, as the strongest tenth of people did, or as an
AU reader wants to see it (`training.gain_fit`). An AU of intensity y goes y · (1 + (gain − 1) · y²) times its way:
nearly the regression for ordinary faces, and a full expression at 1; with a higher power than the square last frames
would leap. What a photo shows already was no such effort: it is taken back as the regression says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ganimate.face.mesh.pose import EYEBALL, pose_of
from ganimate.face.mesh.topology import (
    ABOVE_LIP,
    BELOW_LIP,
    LEFT_EYE,
    LEFT_LID_SKIN,
    LEFT_LOWER_LID,
    LEFT_UPPER_LID,
    LOWER_LIP_EDGE,
    LOWER_LIP_ROWS,
    RIGHT_EYE,
    RIGHT_LID_SKIN,
    RIGHT_LOWER_LID,
    RIGHT_UPPER_LID,
    UPPER_LIP_EDGE,
    UPPER_LIP_ROWS,
    mean_face,
)
from ganimate.motion.head import Degrees, turn, turned_way

Floats = NDArray[np.floating]
GAIN_POWER = 2  # of an intensity: how late its gain comes in
BLINK = 45  # closes the gap between the lids, however wide that is: no way of fixed length can do it
MIDDLE = 0.05  # face widths on either side of the middle, over which left and right halves meet
# What one side does more than the other of these stays in the upper face, as FACS divides it: in photos of raised brows
# mouths open, too, and half of that is a crooked mouth. Between the wings of the nose and the upper lip it fades.
UPPER_FACE = (1, 2, 4, 5, 6, 7, 43, 45, 46)
UPPER_START, UPPER_END = 0.06, 0.18  # down from the middle of the face, in its widths
UPPER_LID_SHARE = 0.83  # of a blink's way: measured on 210 pairs of photos of 54 people
# Of an eyeball's turn up or down: the upper lid goes all of it ("the eye and lid assumed essentially equal average
# positions"; Becker & Fuchs, J Neurophysiol 1988), the lower a quarter (7,663 photos, within persons).
UPPER_LID_TURN, LOWER_LID_TURN = 1.0, 0.25
OPEN_EYE = 0.25  # height / width of an open eye, the median of 17,002 photos: what shut eyes open to
# Of the same photos three quarters and 99.9 % are below: what eyes open to when lids relax, and at the very most.
RELAXED_EYE, WIDEST_EYE = 0.28, 0.40
# How far below the corners of the eye, in its widths, the middle of the lower lid is at the most: that of 99 % of
# 15,293 faces that look straight ahead, and of surprised and fearful ones. 1, 2 and 5 together would lower it farther.
LOWEST_LID = 0.171
# The next points of the mesh below those of the lower lids' edges.
LID_BELOW = dict(zip(RIGHT_EYE[9:] + LEFT_EYE[9:], RIGHT_LID_SKIN[9:] + LEFT_LID_SKIN[9:], strict=True))
_EYES = ((LEFT_UPPER_LID, LEFT_LOWER_LID, (263, 362)), (RIGHT_UPPER_LID, RIGHT_LOWER_LID, (33, 133)))


PARTS = ("ways", "gains", "lids", "limits")  # of muscles, as files hold them


@dataclass(frozen=True)
class Muscles:
    """What moves a mesh, in the canonical frame (the face is 1 wide).

    `aus` names the N rows of `ways` (N, 478, 3), which way each AU moves each point; symmetric. `gains` (N,) is how
    many times its way an AU goes at 1. `lids` (478, 3) is how all points go along with closing lids, for each unit of
    the gap. `limits` (478,) is how far a point goes from where it is on the calm face at the most.
    """

    aus: tuple[int, ...]
    ways: Floats
    gains: Floats
    lids: Floats
    limits: Floats

    def move(
        self, mesh: Floats, y_from: Floats, y_to: Floats, head: Degrees = (0, 0, 0), gaze_up: float = 0.0
    ) -> Floats:
        """Return where a mesh (478, 3) that shows `y_from` goes to show `y_to`.

        The AUs are (N,), or (N, 2) where the person's left and right half differ, in [0, 1]. `head` turns it, too: yaw
        and roll to the person's left, pitch up, in degrees. Lids go with eyes that turn up by `gaze_up` radians. What
        does not change does not move: equal AUs and head and eyes at rest give the mesh itself, to the bit.
        """
        own, goal = _sides(y_from), _sides(y_to)
        if not any(head) and not gaze_up and np.array_equal(own, goal):
            return mesh
        pose = pose_of(mesh)
        rest = pose.to_canonical(mesh)
        # What a photo shows went as far as the regression says, and goes back as far; only what rises has its gain.
        rising = np.where(goal > own, self._effort(goal) - self._effort(own), goal - own)
        moved = rest + self._way(own + rising) - self._way(own)
        if not np.array_equal(own, goal):
            relaxed = rest + self._way(own + np.minimum(rising, 0)) - self._way(own)
            shut = np.minimum(own, goal)[self.aus.index(BLINK)] if BLINK in self.aus else np.zeros(2)
            moved = self._not_too_wide(rest, relaxed, moved, shut)
        moved = _lips_apart(rest, moved)
        moved = self._looking(rest, moved, gaze_up) if gaze_up else moved
        moved = self._blink(rest, moved, own, goal)
        way = moved - rest
        if not any(head):
            return np.asarray(mesh + pose.way_to_photo(way), np.float32)
        return np.asarray(mesh + turned_way(mesh, pose, head) + pose.way_to_photo(way @ turn(*head).T), np.float32)

    def way(self, aus: Floats) -> NDArray[np.float64]:
        """Return the displacement (478, 3) from the calm face of AUs (N,) or (N, 2), levelling off at the limits."""
        return self._way(self._effort(_sides(aus)))

    def _effort(self, aus: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many times their ways AUs (N, 2) go."""
        return np.asarray(aus * (1 + (self.gains[:, None] - 1) * aus**GAIN_POWER), np.float64)

    def _way(self, effort: NDArray[np.float64]) -> NDArray[np.float64]:
        even = effort.min(1)
        way = np.tensordot(even, self.ways, 1)
        more = (effort - even[:, None]).T  # (2, N)
        if more.any():
            upper = np.isin(self.aus, UPPER_FACE)
            for side, half in zip(more, _halves()[:, :, None], strict=True):
                way += half * _upper_share() * np.tensordot(side[upper], self.ways[upper], 1)
                way += half * np.tensordot(side[~upper], self.ways[~upper], 1)
        length = np.linalg.norm(way, axis=1, keepdims=True) / self.limits[:, None]
        # A straight line for ordinary faces, which bends where people stop: x / (1 + x^8)^(1/8).
        return np.asarray(way / (1 + length**8) ** 0.125)

    def _looking(self, rest: NDArray[np.float64], moved: NDArray[np.float64], up: float) -> NDArray[np.float64]:
        """Return the mesh whose lids went along with eyes that turn up by so many radians, as far as they are open."""
        looking = moved.copy()
        for side, (upper, lower, corners) in enumerate(_EYES):
            middle, width = rest[list(corners)].mean(0), float(np.linalg.norm(rest[corners[0]] - rest[corners[1]]))
            opened = np.linalg.norm(moved[lower] - moved[upper], axis=1)[1:-1].mean() / (OPEN_EYE * width)
            ways = []
            for lid, share in ((upper, UPPER_LID_TURN), (lower, LOWER_LID_TURN)):
                inner = np.clip(1 - (2 * (rest[lid, 0] - middle[0]) / width) ** 2, 0, 1)  # corners rest
                down = np.arcsin(np.clip((moved[lid, 1] - middle[1]) / (EYEBALL * width), -1, 1))
                turned = EYEBALL * width * (np.sin(down - up * share) - np.sin(down))
                ways.append(turned * inner * min(opened, 1))
            # Skin above the eye goes along as it does when lids close.
            along = self.lids * (np.abs(ways[0]).max() * np.sign(-up) / UPPER_LID_SHARE)
            above = np.clip((middle[1] - rest[:, 1]) / (EYEBALL * width), 0, 1)
            looking += along * (_halves()[side] * above)[:, None]
            for lid, way in zip((upper, lower), ways, strict=True):
                looking[lid] = moved[lid] + way[:, None] * [0, 1, 0]
        return looking

    def _not_too_wide(
        self,
        rest: NDArray[np.float64],
        relaxed: NDArray[np.float64],
        moved: NDArray[np.float64],
        shut: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return a mesh whose eyes open no wider than eyes do; `relaxed` is what is taken back alone.

        A reader takes narrow eyes for tightened lids (6 and 7): without them they would open wider than nearly all do.
        And eyes that are and stay `shut` (2,) open by nothing else.
        """
        relaxed, moved = (_not_too_low(rest, mesh) for mesh in (relaxed, moved))
        for side, (upper, lower, corners) in enumerate(_EYES):
            width = float(np.linalg.norm(rest[corners[0]] - rest[corners[1]]))
            own, calm, wide = (_gap(mesh, upper, lower) / width for mesh in (rest, relaxed, moved))
            freed = own + _bent(calm - own, max(RELAXED_EYE - own, 0.0))
            wanted = freed + _bent(wide - calm, max(WIDEST_EYE - freed, 0.0))
            if wanted > own:
                wanted = own + (1 - float(shut[side])) * (wanted - own)
            if wanted < wide:
                moved = self._closed(moved, 1 - max(wanted, 0.0) / wide, side)
        return moved

    def _closed(self, moved: NDArray[np.float64], share: float, side: int) -> NDArray[np.float64]:
        """Return the mesh with one eye closed by a share of its gap, opened by a negative one."""
        upper, lower, _ = _EYES[side]
        gap = moved[lower] - moved[upper]
        along = self.lids * (share * _gap(moved, upper, lower) * _halves()[side])[:, None] * _upper_share()
        lidded = moved + along
        # The rims themselves meet exactly.
        lidded[upper] = moved[upper] + UPPER_LID_SHARE * share * gap + along[upper] * [1, 0, 0]
        lidded[lower] = lidded[upper] + (1 - share) * gap
        return np.asarray(lidded, np.float64)

    def _blink(
        self, rest: NDArray[np.float64], moved: NDArray[np.float64], own: Floats, goal: Floats
    ) -> NDArray[np.float64]:
        """Return the mesh with each eye closed by its share of its own gap; lids that meet stay met."""
        row = self.aus.index(BLINK) if BLINK in self.aus else None
        for side, (upper, lower, corners) in enumerate(_EYES):
            shut, wanted = (0.0, 0.0) if row is None else (float(own[row, side]), float(goal[row, side]))
            width = float(np.linalg.norm(rest[corners[0]] - rest[corners[1]]))
            if wanted > shut:
                share = (wanted - shut) / max(1 - shut, 1e-6)
            else:
                height = max(_gap(moved, upper, lower), 1e-6)
                share = -max(0.0, OPEN_EYE * width / height - 1) * (shut - wanted)
            if share:
                moved = self._closed(moved, share, side)
            moved = _apart(rest, moved, upper, lower)
        return moved


def _sides(aus: Floats) -> NDArray[np.float64]:
    """Return AUs (N,) or (N, 2) as (N, 2): the person's left, and right."""
    values = np.asarray(aus, np.float64)
    return values if values.ndim == 2 else np.stack([values, values], 1)


def _gap(mesh: NDArray[np.float64], upper: list[int], lower: list[int]) -> float:
    """Return the mean height of the gap between two lids."""
    return float(np.linalg.norm(mesh[lower] - mesh[upper], axis=1)[1:-1].mean())


def _not_too_low(rest: NDArray[np.float64], moved: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a mesh whose lower lids go no lower than lids do; skin below them goes half as far back."""
    mended = moved
    for _, lower, corners in _EYES:
        width = float(np.linalg.norm(rest[corners[0]] - rest[corners[1]]))
        own, low = (float(mesh[lower[2:5], 1].mean() - mesh[list(corners), 1].mean()) / width for mesh in (rest, moved))
        raised = (low - own - _bent(low - own, max(LOWEST_LID - own, 1e-6))) * width
        if raised > 0:
            skin = [LID_BELOW[point] for point in lower]
            inner = np.clip(1 - (2 * (rest[lower, 0] - rest[list(corners), 0].mean()) / width) ** 2, 0, 1)
            inner /= inner[2:5].mean()
            mended = mended.copy()
            mended[lower, 1] -= raised * inner
            mended[skin, 1] -= 0.5 * raised * inner
    return mended


def _bent(way: float, most: float) -> float:
    """Return a way of opening lids, which levels off at `most`; of closing ones itself."""
    return way if way <= 0 else way * most / (way**4 + most**4) ** 0.25


def _halves() -> NDArray[np.float64]:
    """Return how far each point (2, 478) belongs to the person's left and right half; together 1."""
    left = left_share(mean_face()[:, 0])
    return np.stack([left, 1 - left])


@cache
def _upper_share() -> NDArray[np.float64]:
    """Return how far each point (478, 1) belongs to the upper face, which is above the nose's base."""
    share = np.clip((UPPER_END - mean_face()[:, 1:2]) / (UPPER_END - UPPER_START), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def left_share(x: Floats) -> Floats:
    """Return how far places at `x` in the canonical frame belong to the person's left half, from 0 to 1."""
    share = np.clip(x / (2 * MIDDLE) + 0.5, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def _lips_apart(rest: NDArray[np.float64], moved: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a mesh whose lips do not cross, see `_apart`; each lip goes along with its edge, the skin beside it half.

    Else a mouth that shuts would press its lips to a line: edges alone stayed where they met.
    """
    apart = _apart(rest, moved, UPPER_LIP_EDGE, LOWER_LIP_EDGE)
    if apart is moved:
        return moved
    for edge, rows, skin in (
        (UPPER_LIP_EDGE, UPPER_LIP_ROWS, ABOVE_LIP),
        (LOWER_LIP_EDGE, LOWER_LIP_ROWS, BELOW_LIP),
    ):
        way = apart[edge, 1] - moved[edge, 1]
        for row in rows:
            apart[row, 1] += way
        apart[skin, 1] += way / 2
    return apart


def _apart(
    rest: NDArray[np.float64], moved: NDArray[np.float64], upper: list[int], lower: list[int]
) -> NDArray[np.float64]:
    """Return a mesh in which edges that would cross meet half way: an upper edge is never below its lower one."""
    least = np.minimum(rest[lower, 1] - rest[upper, 1], 0)
    short = np.maximum(least - (moved[lower, 1] - moved[upper, 1]), 0) / 2
    if not short.any():
        return moved
    mended = moved.copy()
    mended[upper, 1] -= short
    mended[lower, 1] += short
    return mended
