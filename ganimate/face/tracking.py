"""One face through a clip: followed from frame to frame, found again when it was lost, and never across a cut."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import Box, Face, Image
from ganimate.face.detect import Follower

GAP_S = 0.2  # a face that is lost no longer was only missed
SEARCH_S = 0.16  # between two searches while there is no face; shorter than a gap, which is kept to look back into
CUT = 24.0  # of 255: mean change of the small picture; a shaken camera stays below 15
JUMP = 0.6  # face widths from one frame to the next: the film was cut, or it is somebody else
NEAR = 1.5  # face widths: who comes back this near is the same person
_SMALL_PX = (32, 18)


@dataclass(frozen=True)
class Tracked:
    """A frame and its face. Frames of one `take` show one face without a break; `cut` starts another scene."""

    image: Image
    face: Face | None
    take: int
    cut: bool


class Tracker:
    """Follows the largest face through the frames of a clip; what it holds is the frames of a gap, however long it is.

    After a cut the largest face counts anew; after a mere loss the one that is nearest to where it was.
    """

    def __init__(self, follower: Follower, fps: float) -> None:
        self._follower = follower
        self._gap = max(2, round(GAP_S * fps))
        self._pause = min(self._gap, max(1, round(SEARCH_S * fps)))

    def track(self, frames: Iterable[Image]) -> Iterator[Tracked]:
        """Yield every frame with its face, at most a gap's frames behind."""
        last: Face | None = None  # where the face was seen last in this scene
        waiting: list[Tracked] = []  # frames without a face that may yet turn out to have one
        take, lost, before = 0, 0, None
        for image in frames:
            small = _small(image)
            cut = before is None or float(np.abs(small - before).mean()) > CUT
            before = small
            if cut:
                yield from waiting
                waiting, last, lost, take = [], None, 0, take + 1
            face = self._find(image, last, lost)
            if face is None:
                lost += 1
                waiting.append(Tracked(image, None, take, cut))
                if len(waiting) > self._gap:
                    yield waiting.pop(0)
                continue
            bridged = self._look_back(waiting, face, last if lost == len(waiting) else None)
            jumped = last is not None and lost == 0 and distance(last, face) > JUMP
            if last is not None and not (lost == len(waiting) and _joined([last, *(b.face for b in bridged), face])):
                take += 1
            yield from _new_take(bridged, take)
            yield Tracked(image, face, take, cut or jumped)
            waiting, last, lost = [], face, 0
        yield from waiting

    def _find(self, image: Image, last: Face | None, lost: int) -> Face | None:
        """Return the face in this frame: near where it was, or wherever it is now."""
        face = self._follower.follow(image, last) if last is not None and lost <= self._gap else None
        if face is not None and (last is None or distance(last, face) <= JUMP):
            return face
        if face is None and lost % self._pause and lost > 0:
            return None
        found = self._follower.search(image)
        if not found or last is None:
            return found[0] if found else face
        nearest = min(found, key=lambda each: distance(last, each))
        return nearest if distance(last, nearest) <= NEAR else found[0]

    def _look_back(self, waiting: Sequence[Tracked], face: Face, last: Face | None) -> list[Tracked]:
        """Return the waiting frames with the face followed back from the frame where it was found.

        What is left of a short gap, whose other side `last` is near, is bridged by straight lines.
        """
        done = list(waiting)
        now: Face | None = face
        left = len(done)
        while left and now is not None:
            now = self._follower.follow(done[left - 1].image, face)
            if now is None or distance(now, face) > JUMP:
                break
            left, face = left - 1, now
            done[left] = replace(done[left], face=face)
        if last is not None and distance(last, face) <= JUMP:
            for place in range(left):
                done[place] = replace(done[place], face=between(last, face, (place + 1) / (left + 1)))
        return done


def _joined(faces: Sequence[Face | None]) -> bool:
    """Say whether this is one face in an unbroken row of frames."""
    pairs = itertools.pairwise(faces)
    return all(a is not None and b is not None and distance(a, b) <= JUMP for a, b in pairs)


def _new_take(frames: Iterable[Tracked], take: int) -> Iterator[Tracked]:
    """Yield the frames, those with a face as part of `take`."""
    for each in frames:
        yield replace(each, take=take) if each.face is not None else each


def _small(image: Image) -> NDArray[np.float32]:
    """Return the frame as a few grey fields, in which only a cut changes much at once."""
    small = cv2.resize(image, _SMALL_PX, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)


def distance(one: Face, other: Face) -> float:
    """Return how far two faces are apart, in place and size, in widths of the larger one."""
    a, b = one.box, other.box
    widths = max(a.width, b.width, 1e-6)
    x, y = (a.left + a.right - b.left - b.right) / 2, (a.top + a.bottom - b.top - b.bottom) / 2
    return float(np.hypot(x, y) / widths + abs(np.log(max(a.width, 1e-6) / max(b.width, 1e-6))))


def between(one: Face, other: Face, share: float) -> Face:
    """Return the face that is `share` of the way from one to the other."""
    ends = ([face.box.left, face.box.top, face.box.right, face.box.bottom] for face in (one, other))
    start, end = (np.array(sides) for sides in ends)
    box = Box(*((1 - share) * start + share * end).tolist())
    return Face(box, ((1 - share) * one.landmarks + share * other.landmarks).astype(np.float32))
