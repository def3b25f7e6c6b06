"""What came of an animation, measured on its finished frames as they pass: AUs read again, identity, change.

A face is cut out of the finished frame where it was cut out of the photo, and its AUs are read there by a `Reader`:
the judge, which took no part in training the generator, or the model's own AU head, which did. Neither is a human
FACS coder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.animation.animator import AnimatedFrame, Animator, PreparedFace
from ganimate.animation.comparison import faces_window
from ganimate.config import CropSpec
from ganimate.errors import ModelError
from ganimate.face.crop import Crop, Image, align, cut
from ganimate.face.detect import Embedder
from ganimate.face.detect.embedder import SAME_PERSON
from ganimate.facs import Word
from ganimate.facs.words import fold, label
from ganimate.render.paste import STRIP_PX
from ganimate.trajectory import Trajectory
from ganimate.trajectory.plan import Row, distinct_frames, evenly, furthest, moves, peak
from ganimate.zoo.running import RunningJudge

VISIBLE_LEVELS = 8  # of 255: a pixel whose strongest channel changed by no more looks the same
# Of the crop. On 24 photos the default model changed 0.3 % or more, 2.4 % in the median, where one AU rose by 0.05.
UNCHANGED_SHARE = 0.0025


@dataclass(frozen=True)
class Reader:
    """Who reads: a name for people, the crops that it takes, and its AUs in the order in which it reads them.

    `read` takes crops (B, S, S, 3) uint8 and returns AUs (B, n), clipped to [0, 1]. `independent` says that it took no
    part in the generator's training.
    """

    name: str
    independent: bool
    spec: CropSpec
    aus: tuple[int, ...]
    read: Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def judge_reader(judge: RunningJudge) -> Reader:
    """Return the judge as a reader."""

    def read(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        aus, _ = judge.read(crops)
        if not np.isfinite(aus).all():
            raise ModelError("the judge reads AUs that are not numbers", "install ganimate again")
        return np.asarray(aus.clip(0, 1), np.float32)

    return Reader("the judge", True, judge.card.crop, judge.card.aus, read)


def own_reader(animator: Animator) -> Reader:
    """Return the model's own AU head as a reader."""
    card = animator.model.card
    return Reader("the model's own AU head", False, card.crop, card.aus, animator.read)


@dataclass(frozen=True, eq=False)
class FaceReading:
    """One face in one frame: AUs asked and read (N,), in the order of `ReadBack.aus`, and how much changed.

    `read` is NaN for AUs that the reader does not know; `identity_distance` is that to the photo, None where it was
    not measured; `changed_share` is that of the crop's pixels that visibly changed; `attention_mean` is 1 where the
    generator keeps all pixels.
    """

    asked: Row
    read: Row
    identity_distance: float | None
    changed_share: float
    attention_mean: float


@dataclass(frozen=True, eq=False)
class FrameReading:
    """One frame, counted from 0: the share of the photo's pixels that visibly changed, and its faces."""

    frame: int
    changed_share: float
    faces: tuple[FaceReading, ...]


@dataclass(frozen=True)
class Doubt:
    """Why a result may not be what was wanted, of the face at place `face`: a sentence and what to do about it."""

    face: int
    message: str
    hint: str


class ReadBack:
    """Measures frames of a photo as they pass, and keeps the numbers, not the pictures."""

    def __init__(
        self,
        photo: Image,
        people: Sequence[PreparedFace],
        paths: Sequence[Trajectory],
        reader: Reader,
        *,
        targets: Sequence[Row] | None = None,
        every_frame: bool = False,
        embedder: Embedder | None = None,
        identity_frames: int = 0,
    ) -> None:
        """Prepare to measure every frame, or only where a face is at its peak or furthest from the photo.

        A face's peak is the frame nearest to its target (N,) in `targets`; without these, that furthest from the photo.
        With an `embedder` identities are measured at the peaks, and at `identity_frames` evenly chosen frames.
        """
        self.reader = reader
        rows = [*(person.source_aus for person in people), *(targets or ())]
        self.aus, columns = fold(paths[0].aus, *(path.values for path in paths), *rows)
        self.paths = paths = [Trajectory(path.values[:, columns], path.fps, self.aus) for path in paths]
        self._watched = [_Watched(photo, person, reader, person.source_aus[columns]) for person in people]
        self._furthest = tuple(furthest(path, each.source_aus) for path, each in zip(paths, self._watched, strict=True))
        self.peaks = self._furthest
        if targets is not None:
            self.peaks = tuple(
                peak(path, each.source_aus, target[columns])
                for path, each, target in zip(paths, self._watched, targets, strict=True)
            )
        self.readings: list[FrameReading] = []
        self.photo_aus = tuple(self._in_order(reader.read(each.before.image[None])[0]) for each in self._watched)
        self._photo, self._window = photo, faces_window(photo, people)
        self._frames = range(len(paths[0])) if every_frame else sorted({*self.peaks, *self._furthest})
        self._embedder = embedder
        self.identity_frames: tuple[int, ...] = ()
        if embedder is not None:
            others = evenly(distinct_frames(paths), identity_frames) if every_frame else []
            self.identity_frames = tuple(sorted({*self.peaks, *others}))
            self._who = [embedder.embed(photo, each.points) for each in self._watched]
        self._seen: dict[tuple[bytes, ...], FrameReading] = {}

    def watch(self, frames: Iterable[AnimatedFrame]) -> Iterator[AnimatedFrame]:
        """Yield the frames as they are, measuring those that are wanted; rows that return are measured once."""
        wanted = frozenset(self._frames)
        for index, frame in enumerate(frames):
            if index in wanted:
                key = tuple(path.values[index].tobytes() for path in self.paths)
                if key not in self._seen:
                    self._seen[key] = self._measure(index, frame)
                self.readings.append(replace(self._seen[key], frame=index))
            yield frame

    def moved(self, face: int) -> list[int]:
        """Return the columns of the AUs that the face at that place was asked to move, visibly."""
        return [int(column) for column in np.flatnonzero(moves(self.paths[face], self._watched[face].source_aus))]

    def unread(self, face: int) -> list[str]:
        """Return what the face at that place was asked to move and no reader can tell: sides and turns."""
        return [label(self.aus[column]) for column in self.moved(face) if isinstance(self.aus[column], str)]

    def source_aus(self, face: int) -> Row:
        """Return the AUs (N,) from which the face at that place was moved, as the model takes the photo to show."""
        return self._watched[face].source_aus

    def peak(self, face: int) -> FaceReading:
        """Return what was measured where the face at that place is at its peak."""
        return self.peak_frame(face).faces[face]

    def peak_frame(self, face: int) -> FrameReading:
        """Return the frame in which the face at that place is at its peak."""
        return self._reading(self.peaks[face])

    def _reading(self, frame: int) -> FrameReading:
        return next(reading for reading in self.readings if reading.frame == frame)

    def doubts(self) -> list[Doubt]:
        """Return what speaks against the result, face by face."""
        return [doubt for face in range(len(self.paths)) for doubt in self._doubts(face)]

    def _doubts(self, face: int) -> Iterator[Doubt]:
        peak, moved = self.peak(face), self.moved(face)
        changed = max(peak.changed_share, self._reading(self._furthest[face]).faces[face].changed_share)
        if moved and changed < UNCHANGED_SHARE:
            asked = ", ".join(label(self.aus[column]) for column in moved)
            yield Doubt(
                face,
                f"the face hardly changed, though {asked} should: {100 * changed:.1f} % of its pixels",
                "ask for more, such as an AU at 1; if that changes nothing either, the model has not learned it",
            )
        if peak.identity_distance is not None and peak.identity_distance > SAME_PERSON:
            yield Doubt(
                face,
                f"the result may not look like the same person: identity distance {peak.identity_distance:.2f}, "
                f"above {SAME_PERSON:g}",
                "ask for less, such as happiness:0.6",
            )

    def _measure(self, index: int, frame: AnimatedFrame) -> FrameReading:
        before, now = self._photo[self._window], frame.image[self._window]
        share = changed_pixels(before, now) / (self._photo.shape[0] * self._photo.shape[1])
        return FrameReading(index, share, tuple(self._face(face, index, frame) for face in range(len(self._watched))))

    def _face(self, face: int, index: int, frame: AnimatedFrame) -> FaceReading:
        watched = self._watched[face]
        crop = watched.crop_of(frame.image)
        distance = None
        if self._embedder is not None and index in self.identity_frames:
            found = self._embedder.embed(frame.image, watched.points)
            distance = float(np.linalg.norm(found - self._who[face]))
        return FaceReading(
            asked=self.paths[face].values[index],
            read=self._in_order(self.reader.read(crop[None])[0]),
            identity_distance=distance,
            changed_share=changed_pixels(watched.before.image, crop) / (crop.shape[0] * crop.shape[1]),
            attention_mean=float(frame.edits[face].attention.mean()),
        )

    def _in_order(self, read: NDArray[np.float32]) -> Row:
        """Return the reader's AUs (n,) in the order of `aus` (N,), NaN for those that it does not know.

        Readers know neither sides nor turns.
        """
        by_au: dict[Word, np.float32] = dict(zip(self.reader.aus, read, strict=True))
        return np.array([by_au.get(au, np.nan) for au in self.aus], np.float32)


class _Watched:
    """A face of the photo, cut as the reader wants it."""

    def __init__(self, photo: Image, person: PreparedFace, reader: Reader, source_aus: Row) -> None:
        self.source_aus, self.points = source_aus, person.face.landmarks
        self.before: Crop = cut(photo, align(self.points, reader.spec), reader.spec.size_px)

    def crop_of(self, image: Image) -> Image:
        return cut(image, self.before.source_to_crop, len(self.before.image)).image


def changed_pixels(a: Image, b: Image) -> int:
    """Return how many pixels of two pictures (h, w, 3) differ by more than VISIBLE_LEVELS in a channel."""
    step = max(1, STRIP_PX // max(1, a.shape[1]))
    total = 0
    for top in range(0, len(a), step):
        red, green, blue = cv2.split(cv2.absdiff(a[top : top + step], b[top : top + step]))
        total += int(np.count_nonzero(cv2.max(cv2.max(red, green), blue) > VISIBLE_LEVELS))
    return total
