"""From a clip's frames to edited frames: track, read, make steady, generate in batches, paste back.

A stream: what is held is a few tenths of a second of frames, however long the clip is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import TypeVar

import numpy as np

from ganimate.animation.animator import BATCH_IMAGES, AnimatedFrame, Animator, PreparedFace
from ganimate.errors import FaceError
from ganimate.face.crop import Crop, Face, Image, crop_face
from ganimate.face.glasses import Glasses, average
from ganimate.face.landmarks import LEFT_EYE, RIGHT_EYE
from ganimate.face.ramps import smoothstep
from ganimate.face.tracking import Tracked, Tracker
from ganimate.facs import TURNS, Word
from ganimate.facs.words import bounds
from ganimate.render.compose import FaceEdit
from ganimate.render.composite import Compositor, Territory
from ganimate.render.paste import Paster
from ganimate.system.ahead import ahead
from ganimate.trackers.turns import centred
from ganimate.trajectory import Performance
from ganimate.trajectory.plan import Row
from ganimate.trajectory.smoothing import steady

STEADY_S = 0.16  # readings on either side that a frame is made steady by: blinks, of 0.3 s, survive
FADE_S = 0.2  # an edit comes and goes where the face appears and vanishes within a scene
GLASSES_S = 2.0  # that glasses are looked at: who turns or blinks keeps them on
LANDMARK_TOLERANCE = 0.015  # of the distance of the eyes; five times what landmarks scatter by
AU_TOLERANCE = 0.3

TargetOf = Callable[[Row], Row]  # from what a face shows, y_r, to what it is to show, y_g
Key = tuple[int, int]  # of a face: which frame of a batch, and which place in it
Item = TypeVar("Item")


@dataclass(frozen=True)
class ClipFrame:
    """A frame, its face with the row that it shows (N,), None without one, and how much of an edit it bears.

    `glasses` is what the take has shown of them up to this frame.
    """

    tracked: Tracked
    source_aus: Row | None
    strength: float = 1.0
    glasses: Glasses | None = None

    @property
    def face(self) -> Face | None:
        """The face, as `source_aus` says whether there is one."""
        return None if self.source_aus is None else self.tracked.face


Readings = tuple[ClipFrame, ...]  # one frame's, a place for each face


class Footage:
    """Reads and edits faces of clips of one frame rate: the largest, all, or those of numbers; see `Tracker`.

    Where it is `turning`, what it reads tells how head and eyes are turned from the camera, too, and is not to be
    edited: edits count from how a frame shows them.
    """

    def __init__(self, animator: Animator, tracker: Tracker, fps: float, turning: bool = False) -> None:
        self._turning = turning
        self._animator = animator
        self._tracker = tracker
        self._fps = fps
        self._reach = max(1, round(STEADY_S * fps))
        self._fade = max(1, round(FADE_S * fps))

    def read(self, frames: Iterable[Image]) -> Iterator[Readings]:
        """Yield every frame with the steady reading of each face."""
        around = _windows(self._read_each(self._tracker.track(frames)), max(self._reach, self._fade))
        for window, middle in around:
            faces = zip(*window, strict=True)  # each with its own frames
            yield tuple(self._steady(one, middle) for one in faces)

    def edit(
        self, readings: Iterable[Readings], target: TargetOf, ramp_s: float = 0.0, before: int = 0
    ) -> Iterator[tuple[Readings, AnimatedFrame]]:
        """Yield every frame edited towards its target, in step with its readings; without a face it stays as it is.

        The edit grows from nothing over the first `ramp_s` seconds of the clip, of which `before` frames came before.
        """
        with closing(ahead(self._edited(readings, target, ramp_s, before))) as made:
            for batch in made:
                for frame, edits in batch:
                    yield frame, _pasted(frame[0].tracked.image, edits)

    def _edited(
        self, readings: Iterable[Readings], target: TargetOf, ramp_s: float, done: int
    ) -> Iterator[list[tuple[Readings, list[tuple[ClipFrame, PreparedFace, FaceEdit]]]]]:
        """Yield the frames with the edits of their faces, a batch at a time; `done` is how many came before."""
        for batch in _batches(readings, BATCH_IMAGES):
            people = self._people(
                {(k, place): reading for k, frame in enumerate(batch) for place, reading in enumerate(frame)}
            )
            ramps = [_eased((done + k) / self._fps / ramp_s if ramp_s > 0 else 1.0) for k in range(len(batch))]
            edits: dict[Key, FaceEdit] = {}
            for keys in _batches(people, BATCH_IMAGES):
                shown = [people[key].source_aus for key in keys]
                ways = [np.float32(ramps[k]) * (target(own) - own) for (k, _), own in zip(keys, shown, strict=True)]
                targets = np.stack([own + way for own, way in zip(shown, ways, strict=True)])
                edits |= zip(keys, self._animator.edit([people[key] for key in keys], targets), strict=True)
            yield [
                (frame, [(frame[place], people[n, place], edit) for (n, place), edit in edits.items() if n == k])
                for k, frame in enumerate(batch)
            ]
            done += len(batch)

    def _people(self, readings: Mapping[Key, ClipFrame]) -> dict[Key, PreparedFace]:
        """Return the faces of readings, by the same keys and ready to be edited, where there is one in the frame."""
        shown = {key: each for key, each in readings.items() if each.face is not None and each.strength > 0}
        cuts = {key: crop for key, each in shown.items() if (crop := self._cut(each.tracked)) is not None}
        if not cuts:
            return {}
        parts = [
            (each.tracked.image, face, crop, row, each.glasses or self._animator.glasses(face, crop))
            for each, crop in ((shown[key], crop) for key, crop in cuts.items())
            if (face := each.face) is not None and (row := each.source_aus) is not None  # as all of them have
        ]
        return dict(zip(cuts, self._animator.assemble(*map(list, zip(*parts, strict=True))), strict=True))

    def _cut(self, tracked: Tracked) -> Crop | None:
        """Return the crop of a face, None where there is none within the frame."""
        if tracked.face is None:
            return None
        try:
            return crop_face(tracked.image, tracked.face, self._animator.model.card.crop)
        except FaceError:
            return None

    def _read_each(self, frames: Iterable[tuple[Tracked, ...]]) -> Iterator[Readings]:
        """Yield the frames with what the model reads from each face; one outside of the frame counts as none.

        Faces are followed a batch ahead, in a thread: that takes one processor, and what uses it takes the others.
        """
        memories: list[_Memory] = []
        with closing(ahead(_batches(frames, BATCH_IMAGES))) as followed:
            for batch in followed:
                memories = memories or [_Memory(max(1, round(GLASSES_S * self._fps))) for _ in batch[0]]
                yield from self._read_batch(batch, memories)

    def _read_batch(self, batch: Sequence[tuple[Tracked, ...]], memories: Sequence[_Memory]) -> Iterator[Readings]:
        cuts = [[self._cut(each) for each in frame] for frame in batch]
        found = [
            (each.face, crop)
            for each, crop in zip(chain(*batch), chain(*cuts), strict=True)
            if each.face is not None and crop is not None
        ]
        rows = iter(self._animator.look(*map(list, zip(*found, strict=True))) if found else ())
        for frame, crops in zip(batch, cuts, strict=True):
            yield tuple(
                self._reading(tracked, crop, None if crop is None else next(rows), memory)
                for tracked, crop, memory in zip(frame, crops, memories, strict=True)
            )

    def _reading(self, tracked: Tracked, crop: Crop | None, source_aus: Row | None, memory: _Memory) -> ClipFrame:
        """Return what a face shows, and what its take has shown of glasses up to now."""
        seen = memory.of(tracked.take)
        if tracked.face is not None and crop is not None and source_aus is not None:
            try:
                if self._turning and (turned := self._animator.turned(tracked.image, tracked.face)) is not None:
                    source_aus[-len(turned) :] = turned
                seen.append(self._animator.glasses(tracked.face, crop))
            except FaceError:
                source_aus = None
        return ClipFrame(tracked, source_aus, glasses=average(seen) if seen else None)

    def _steady(self, window: Sequence[ClipFrame], middle: int) -> ClipFrame:
        """Return the reading at `middle`, made steady by those of its take."""
        reading = window[middle]
        if reading.face is None or reading.source_aus is None:
            return reading
        first, last = _take(window, middle)
        around = window[first : last + 1]
        points = np.stack([each.tracked.face.landmarks for each in around if each.tracked.face is not None])
        aus = np.stack([each.source_aus for each in around if each.source_aus is not None])
        left, right = (reading.face.landmarks[eye].mean(0) for eye in (LEFT_EYE, RIGHT_EYE))
        eyes_px = float(np.linalg.norm(left - right))
        landmarks = steady(points, middle - first, self._reach, LANDMARK_TOLERANCE * eyes_px)
        least, most = bounds(self._animator.model.card.words)
        row = steady((aus / most)[..., None], middle - first, self._reach, AU_TOLERANCE)[..., 0] * most
        face = replace(reading.face, landmarks=landmarks.astype(np.float32))
        return ClipFrame(
            replace(reading.tracked, face=face),
            (row if self._turning else np.clip(row, least, most)).astype(np.float32),
            min(self._faded(window, first, middle, -1), self._faded(window, last, middle, 1)),
            reading.glasses,
        )

    def _faded(self, window: Sequence[ClipFrame], end: int, middle: int, side: int) -> float:
        """Return how much of an edit is shown at `middle` when the take ends at `end` on one side."""
        if not 0 <= end + side < len(window):
            return 1.0
        beyond, later = window[end + side], window[max(end, end + side)]
        if later.tracked.cut or beyond.source_aus is not None:
            return 1.0
        return _eased((abs(middle - end) + 1) / (self._fade + 1))


def performance(
    readings: Iterable[ClipFrame], aus: Sequence[Word], fps: float, start_s: float = 0.0, trim: bool = False
) -> Performance:
    """Return what the face of a clip did, of the frames in which it was seen; the first frame is at `start_s`.

    Where it comes late or leaves early, its first and last pose are held, unless `trim` leaves that out. Raises
    FaceError where there was no face at all.
    """
    shown = [reading.source_aus for reading in readings]
    times_s = start_s + np.arange(len(shown)) / fps
    seen = [frame for frame, row in enumerate(shown) if row is not None]
    if not seen:
        hint = "use a clip that shows a face from the front, at least 40 px wide, for a while"
        raise FaceError("no face was found in the clip", hint)
    rows = np.stack([row for row in shown if row is not None])
    notes = [f"a face in {len(seen)} of {len(shown)} frames"]
    turns, beyond = centred({word: rows[:, n].astype(np.float64) for n, word in enumerate(aus) if word in TURNS})
    for word, degrees in turns.items():
        rows[:, list(aus).index(word)] = degrees
    told = Performance(times_s[seen], np.clip(rows, *bounds(aus)), tuple(aus), (*notes, *filter(None, [beyond])))
    return told if trim else told.held(times_s)


class _Memory:
    """The glasses that were seen on a face in the last frames of a take."""

    def __init__(self, frames: int) -> None:
        self._seen: deque[Glasses] = deque(maxlen=frames)
        self._take: int | None = None

    def of(self, take: int) -> deque[Glasses]:
        """Return what was seen in this take."""
        if take != self._take:
            self._seen.clear()
        self._take = take
        return self._seen


def _pasted(image: Image, made: Sequence[tuple[ClipFrame, PreparedFace, FaceEdit]]) -> AnimatedFrame:
    """Return the frame with the edits of its faces pasted into its own pixels."""
    if not made:
        return AnimatedFrame(image, ())
    shown = [edit if reading.strength == 1.0 else edit.weakened(reading.strength) for reading, _, edit in made]
    pasters = [Paster(image.shape, person.crop.source_to_crop, len(person.crop.image)) for _, person, _ in made]
    if len(made) == 1:
        shown[0].paste(pasters[0], image)
        return AnimatedFrame(image, tuple(shown))
    homes = [
        Territory(paster.window, person.face.landmarks, person.crop.source_to_crop, len(person.crop.image))
        for paster, (_, person, _) in zip(pasters, made, strict=True)
    ]
    changes = [partial(edit.paste, paster) for edit, paster in zip(shown, pasters, strict=True)]
    return AnimatedFrame(Compositor(image, homes).compose(changes), tuple(shown))


def _eased(share: float) -> float:
    """Return a share of the way, 1 from the end on, that starts and stops softly."""
    return smoothstep(min(max(share, 0.0), 1.0))


def _take(window: Sequence[ClipFrame], middle: int) -> tuple[int, int]:
    """Return the first and last place around `middle` that show the same take without a break."""
    take = window[middle].tracked.take
    first = last = middle
    while first > 0 and window[first - 1].source_aus is not None and window[first - 1].tracked.take == take:
        first -= 1
    while last + 1 < len(window) and window[last + 1].source_aus is not None and window[last + 1].tracked.take == take:
        last += 1
    return first, last


def _windows(items: Iterable[Item], reach: int) -> Iterator[tuple[list[Item], int]]:
    """Yield for every item those up to `reach` before and after it, and its place among them."""
    held: deque[Item] = deque()
    before = 0  # of the held ones, how many stand before the next item to be yielded
    for item in items:
        held.append(item)
        if len(held) > before + reach:
            yield list(held), before
            before += 1
            if before > reach:
                held.popleft()
                before -= 1
    while before < len(held):
        yield list(held), before
        before += 1
        if before > reach:
            held.popleft()
            before -= 1


def _batches(items: Iterable[Item], count: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, count)):
        yield batch
