"""A long clip as stretches that several workers edit, and that are put together again so that no seam is seen.

Where a scene ends nothing is carried over from one frame to the next, so a stretch that begins there is edited as in
the whole clip. A longer scene is cut every `MOST_S`; there a stretch also reads what comes before and after it, so that
faces are found, made steady and looked at for glasses from the same frames. Who is the largest face is decided anew in
each stretch.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganimate.animation.batch.batch_report import Outcome
from ganimate.animation.batch.photo_work import PhotoTask, PhotoWork, failed
from ganimate.animation.batch.result_folder import ResultFolder
from ganimate.animation.batch.staged_work import Delivery, Parcel
from ganimate.animation.clip import NO_FACE_HINT, Stretch, sound_for
from ganimate.animation.clip_frames import FADE_S, GLASSES_S, STEADY_S
from ganimate.errors import GanimateError, VideoError
from ganimate.face.tracking import CUT, GAP_S
from ganimate.media import Video, read_video
from ganimate.media.provenance import Mark
from ganimate.media.stretches import Fields, cut_out, put_together, scene_changes, small_frames
from ganimate.system.progress import Silent

MOST_S, LEAST_S = 20.0, 4.0  # of a stretch
BEFORE_S = GLASSES_S + GAP_S + STEADY_S  # that are read beside a stretch within a scene
AFTER_S = GAP_S + max(STEADY_S, FADE_S)


def plan(changes: NDArray[np.float32], fps: float) -> list[Stretch]:
    """Return the stretches of a clip of `fps` whose frames differ by `changes` (F-1,) from those before them."""
    frames, most, least = len(changes) + 1, round(MOST_S * fps), round(LEAST_S * fps)
    scenes = [0, *(np.flatnonzero(changes > CUT) + 1).tolist(), frames]
    ends = [0]
    for start, end in pairwise(scenes):
        pieces = max(1, -(-(end - start) // most))
        inner = [start + round((end - start) * k / pieces) for k in range(1, pieces)]
        ends += [place for place in inner if place - ends[-1] >= least]
        if end == frames or end - ends[-1] >= least:
            ends.append(end)
    before, after = round(BEFORE_S * fps) + 1, round(AFTER_S * fps) + 1
    return [
        Stretch(
            first,
            end,
            max(first - before, scenes[bisect_right(scenes, first) - 1]),
            min(end + after, scenes[bisect_left(scenes, end)]),
        )
        for first, end in pairwise(ends)
    ]


def parcels_of(task: PhotoTask, work: PhotoWork, name: Path) -> Iterator[Parcel]:
    """Yield the parcels of a clip, one a stretch; one alone where it is short or cannot be taken apart.

    Who is chosen by a number is known by the clip's first frames: then it stays whole, too.
    """
    found: tuple[Video, Fields, list[Stretch]] | None = None
    with suppress(GanimateError):  # whatever is wrong with it, who edits it as a whole tells
        if task.video is not None and isinstance(work.faces, str):
            video = read_video(task.photo)
            if video.facts.duration_s > MOST_S:
                fields = small_frames(video)
                stretches = plan(scene_changes(fields), float(video.facts.fps))
                cut_out(video, len(fields) - 1, len(fields), fields)
                found = video, fields, stretches
    if found is None:
        yield Parcel.of(task, name)
        return
    video, fields, stretches = found
    for number, stretch in enumerate(stretches):
        own = name.with_name(f"{name.stem}.{number:05d}.mp4")
        try:
            part, data = cut_out(video, stretch.reads_from, stretch.reads_to, fields)
        except VideoError as error:
            yield Parcel(task, own, b"", error.message)
            return
        part_task = replace(task, stretch=replace(stretch, video=part, number=number, of=len(stretches)))
        yield Parcel(part_task, own, data)


@dataclass
class _Parts:
    """What has come of the stretches of one clip, by their numbers."""

    room: tempfile.TemporaryDirectory[str]
    done: dict[int, Outcome] = field(default_factory=dict)
    failed: bool = False


class Joiner:
    """Keeps edited stretches until all of a clip are there, and then makes one clip of them."""

    def __init__(self, work: PhotoWork, folder: ResultFolder, results: Mapping[Path, Path]) -> None:
        self._work, self._folder, self._results = work, folder, results
        self._clips: dict[int, _Parts] = {}

    def add(self, parcel: Parcel, delivery: Delivery) -> tuple[Parcel, Delivery] | None:
        """Take one stretch; return the whole clip and what came of it as soon as that is settled, once."""
        stretch = parcel.task.stretch
        assert stretch is not None
        task = replace(parcel.task, stretch=None)
        whole = Parcel(task, self._results[task.photo], b"")
        parts = self._clips.setdefault(task.place, _Parts(tempfile.TemporaryDirectory(prefix="ganimate-stretches-")))
        if parts.failed:
            return None
        if delivery.result is None:
            parts.failed = True
            parts.room.cleanup()
            return whole, delivery
        self._path(parts, stretch.number).write_bytes(delivery.result)
        parts.done[stretch.number] = delivery.outcome
        if len(parts.done) < stretch.of:
            return None
        try:
            return whole, self._joined(whole, parts)
        except GanimateError as error:
            return whole, Delivery(failed(task.photo, error.message, error.hint))
        finally:
            parts.room.cleanup()

    def _path(self, parts: _Parts, number: int) -> Path:
        return Path(parts.room.name, f"{number:05d}.mp4")

    def _joined(self, whole: Parcel, parts: _Parts) -> Delivery:
        task, made = whole.task, [parts.done[number] for number in sorted(parts.done)]
        if not any(each.told["frames_with_face"] for each in made):
            return Delivery(failed(task.photo, f"no face was found in '{task.photo}'", NO_FACE_HINT))
        video, result = read_video(task.photo), Path(parts.room.name, "result.mp4")
        frames = sum(each.told["frames"] for each in made)
        mark = None
        if self._work.mark and task.video is not None:
            entry = self._work.session.entry
            mark = Mark(entry.card.name, entry.digest, (str(task.video.expression),))
        sound = sound_for(video, str(result), Silent())
        paths = [self._path(parts, number) for number in sorted(parts.done)]
        put_together(paths, result, sound, Fraction(frames) / video.facts.fps, mark)
        nodes = dict.fromkeys(each.node for each in made if each.node is not None)
        outcome = replace(
            made[0],
            path=self._folder.told(whole.name),
            seconds=round(sum(each.seconds for each in made), 2),
            told=made[0].told | {"frames": frames},
            node=", ".join(nodes),
        )
        return Delivery(outcome, result.read_bytes())
