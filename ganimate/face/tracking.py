"""Faces through a clip: followed from frame to frame, found again when they were lost, and never across a cut."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.errors import FaceError
from ganimate.face.crop import Box, Face, Image
from ganimate.face.detect import Embedder, Follower, Selection, choose_faces
from ganimate.face.detect.embedder import SAME_PERSON

GAP_S = 0.2  # a face that is lost no longer was only missed
SEARCH_S = 0.16  # between two searches while there is no face; shorter than a gap, which is kept to look back into
CUT = 24.0  # of 255: mean change of the small picture; a shaken camera stays below 15
JUMP = 0.6  # face widths from one frame to the next: the film was cut, or it is somebody else
NEAR = 1.5  # face widths: who comes back this near is the same person
SAME = 0.4  # face widths: two faces in one frame that are this near are one
MOST_FACES = 8  # of "all": those who are there at one time
_SMALL_PX = (32, 18)


@dataclass(frozen=True)
class Tracked:
    """A frame and its face. Frames of one `take` show one face without a break; `cut` starts another scene."""

    image: Image
    face: Face | None
    take: int
    cut: bool


class Tracker:
    """Follows faces through the frames of a clip; what it holds is the frames of a gap, however long it is.

    `who` is the largest face, which counts anew after a cut; all that are there, also those who come later; or those of
    the numbers in the first frame that shows a face, who are known again by their embedding after a cut, or anywhere.
    Who is merely lost is found where somebody is near to where that was.
    """

    def __init__(
        self, follower: Follower, fps: float, who: Selection = "largest", embedder: Embedder | None = None
    ) -> None:
        self._follower = follower
        self._embedder = embedder
        self._gap = max(2, round(GAP_S * fps))
        self._pause = min(self._gap, max(1, round(SEARCH_S * fps)))
        self._numbers = [who] if isinstance(who, int) else [] if isinstance(who, str) else list(dict.fromkeys(who))
        self._places = len(self._numbers) or (MOST_FACES if who == "all" else 1)

    def track(self, frames: Iterable[Image]) -> Iterator[tuple[Tracked, ...]]:
        """Yield every frame with each of the faces, at most a gap's frames behind.

        Everybody has a place in the tuple, where others may follow after a cut or a loss, unless numbers were chosen.
        Raises FaceError when the first frame with faces does not have those of the numbers.
        """
        trails = [_Trail(self._follower, self._gap) for _ in range(self._places)]
        for image, cut, seek in self._walk(frames):
            if cut:
                for trail in trails:
                    trail.cut()
            faces = self._find(image, trails, seek)
            for place, trail in enumerate(trails):
                trail.add(image, faces.get(place), cut)
            yield from _done(trails)
        for trail in trails:
            trail.cut()
        yield from _done(trails)

    def meet(self, frames: Iterable[Image]) -> tuple[int, Image, list[Face]] | None:
        """Return number and picture of the first frame that shows faces, and these, as numbers count them; or None."""
        for number, (image, _, seek) in enumerate(self._walk(frames)):
            if seek and (found := self._follower.search(image)):
                return number, image, found
        return None

    def _walk(self, frames: Iterable[Image]) -> Iterator[tuple[Image, bool, bool]]:
        """Yield every frame, whether it starts another scene, and whether it is time to look for who is not there."""
        before, in_scene = None, 0
        for image in frames:
            small = _small(image)
            cut = before is None or float(np.abs(small - before).mean()) > CUT
            before, in_scene = small, 0 if cut else in_scene + 1
            yield image, cut, in_scene % self._pause == 0

    def _find(self, image: Image, trails: Sequence[_Trail], seek: bool) -> dict[int, Face]:
        """Return the faces in this frame by their places: near where they were, or wherever they are now.

        Those who are just lost are sought, and at times (`seek`) all who are not there.
        """
        faces: dict[int, Face] = {}
        strayed: dict[int, Face | None] = {}  # who are to be sought, with what following found too far away
        for place, trail in enumerate(trails):
            face = trail.follow(image)
            if face is not None and any(distance(face, other) < SAME for other in faces.values()):
                face = None  # it has slipped onto somebody else
            if face is not None and trail.far_from(face) <= JUMP:
                faces[place] = face
            elif face is not None or seek or trail.just_lost:
                strayed[place] = face
        if strayed:
            found = self._follower.search(image)
            free = [each for each in found if not any(distance(each, other) < SAME for other in faces.values())]
            if not found:
                faces |= {place: face for place, face in strayed.items() if face is not None}
            elif self._numbers and all(trails[place].person is None for place in strayed):
                faces |= self._met(image, found, trails)
            else:
                faces |= self._chosen(image, free, {place: trails[place] for place in strayed})
        return faces

    def _met(self, image: Image, found: Sequence[Face], trails: Sequence[_Trail]) -> dict[int, Face]:
        """Return the faces of the chosen numbers by their places, and have the trails know them again."""
        try:
            chosen = choose_faces(found, self._numbers)
        except FaceError as error:
            message = f"{error.message} in the first frame that shows any"
            raise FaceError(message, "`ganimate faces CLIP` lists and numbers them") from None
        for trail, face in zip(trails, chosen, strict=True):
            trail.person = self._embedding(image, face)
        return dict(enumerate(chosen))

    def _chosen(self, image: Image, found: Sequence[Face], seeking: Mapping[int, _Trail]) -> dict[int, Face]:
        """Return which of those that were `found` each of the seeking is: first who is near, then who else there is."""
        chosen: dict[int, Face] = {}
        free = dict(enumerate(found))
        pairs = [(trail.far_from(face), place, n) for place, trail in seeking.items() for n, face in free.items()]
        for far, place, n in sorted(pairs):
            if place in chosen or n not in free or far > NEAR:
                continue
            if far <= JUMP or self._may_be(seeking[place], image, free[n]):
                chosen[place] = free.pop(n)
        for place in sorted(seeking.keys() - chosen.keys()):
            who = next((n for n in free if self._may_be(seeking[place], image, free[n])), None)
            if who is not None:
                chosen[place] = free.pop(who)
        return chosen

    def _embedding(self, image: Image, face: Face) -> NDArray[np.float64]:
        return np.zeros(1) if self._embedder is None else self._embedder.embed(image, face.landmarks)

    def _may_be(self, trail: _Trail, image: Image, face: Face) -> bool:
        """Say whether a face is that of the person of a trail; where nobody was chosen anybody may be."""
        if trail.person is None:
            return not self._numbers
        return bool(np.linalg.norm(self._embedding(image, face) - trail.person) < SAME_PERSON)


class _Trail:
    """One face's way: where it was `last` in this scene, and the frames that may yet turn out to show it.

    What is settled is in `done`. `person` is the embedding of who is looked for.
    """

    def __init__(self, follower: Follower, gap: int) -> None:
        self._follower = follower
        self._gap = gap
        self._last: Face | None = None
        self._lost = 0  # for so many frames
        self._take = 0
        self._waiting: list[Tracked] = []
        self.done: deque[Tracked] = deque()
        self.person: NDArray[np.float64] | None = None

    @property
    def just_lost(self) -> bool:
        """Whether the last frame still showed the face."""
        return self._last is not None and self._lost == 0

    def cut(self) -> None:
        """Begin another scene, to which nothing is carried over."""
        self.done.extend(self._waiting)
        self._waiting, self._last, self._lost, self._take = [], None, 0, self._take + 1

    def follow(self, image: Image) -> Face | None:
        """Return where the face, unless it was lost for long, is in the next frame."""
        if self._last is None or self._lost > self._gap:
            return None
        return self._follower.follow(image, self._last)

    def far_from(self, face: Face) -> float:
        """Return how far away `face` is from where this one was, in face widths."""
        return np.inf if self._last is None else distance(self._last, face)

    def add(self, image: Image, face: Face | None, cut: bool) -> None:
        """Take the next frame with the face that was found in it."""
        last, lost, waiting = self._last, self._lost, self._waiting
        if face is None:
            self._lost += 1
            waiting.append(Tracked(image, None, self._take, cut))
            if len(waiting) > self._gap:
                self.done.append(waiting.pop(0))
            return
        bridged = self._look_back(face, last if lost == len(waiting) else None)
        jumped = last is not None and lost == 0 and distance(last, face) > JUMP
        if last is not None and not (lost == len(waiting) and _joined([last, *(b.face for b in bridged), face])):
            self._take += 1
        self.done.extend(_new_take(bridged, self._take))
        self.done.append(Tracked(image, face, self._take, cut or jumped))
        self._waiting, self._last, self._lost = [], face, 0

    def _look_back(self, face: Face, last: Face | None) -> list[Tracked]:
        """Return the waiting frames with the face followed back from the frame where it was found.

        What is left of a short gap, whose other side `last` is near, is bridged by straight lines.
        """
        done = list(self._waiting)
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


def _done(trails: Sequence[_Trail]) -> Iterator[tuple[Tracked, ...]]:
    """Yield the frames that are settled for everybody."""
    while all(trail.done for trail in trails):
        yield tuple(trail.done.popleft() for trail in trails)


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
