"""The look back at an animation: what is shown beside it, measured in it, told of it and doubted about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ganimate.animation import session
from ganimate.animation.animator import AnimatedFrame, Animator
from ganimate.animation.comparison import FilmStrip, compared_width_px, faces_window, side_by_side
from ganimate.animation.outputs import Outputs
from ganimate.animation.read_back import Doubt, ReadBack, Reader, judge_reader, own_reader
from ganimate.animation.report import ReadBackReport, reading_facts
from ganimate.animation.request import Scene
from ganimate.config import Scrutiny
from ganimate.errors import ModelError
from ganimate.face.detect.embedder import SAME_PERSON
from ganimate.facs import Word
from ganimate.facs.words import label, title, value_text
from ganimate.media.provenance import Mark
from ganimate.system.progress import Progress, Table
from ganimate.trajectory.plan import distinct_frames, evenly
from ganimate.zoo.catalogue import find_judge


class Check:
    """Watches the frames of one animation on their way to the file; then writes, tells and doubts."""

    def __init__(self, scene: Scene, outputs: Outputs, scrutiny: Scrutiny) -> None:
        """Prepare; the trajectories of a still have one row."""
        self._prepared, self._outputs, self._scrutiny = scene.prepared, outputs, scrutiny
        prepared, paths = scene.prepared, scene.trajectories
        self._missing = [{"left_out": [label(word) for word in path.left_out]} for path in scene.paths]
        self._fps = paths[0].fps if len(paths[0]) > 1 else None
        asked = bool(outputs.reports)
        identity = (asked or scrutiny.strict) and scrutiny.identity_frames > 0
        self.readback = ReadBack(
            prepared.photo,
            prepared.people,
            paths,
            choose_reader(prepared.animator),
            targets=scene.targets,
            every_frame=asked,
            embedder=session.make_embedder() if identity else None,
            identity_frames=scrutiny.identity_frames if asked else 0,
        )
        self._strip: FilmStrip | None = None
        if outputs.strip is not None:
            window = faces_window(prepared.photo, prepared.people)
            self._strip = FilmStrip(window, evenly(distinct_frames(paths), scrutiny.strip_frames))

    def watch(self, frames: Iterator[AnimatedFrame]) -> Iterator[AnimatedFrame]:
        """Yield the frames as they are to be written."""
        frames = self.readback.watch(frames)
        if self._strip is not None:
            frames = self._strip.watch(frames)
        return side_by_side(self._prepared.photo, frames) if self._scrutiny.compare else frames

    @property
    def width_px(self) -> int:
        """Width of the written frames."""
        width = int(self._prepared.photo.shape[1])
        return compared_width_px(width) if self._scrutiny.compare else width

    def write(self, photo: str | None, mark: Mark | None) -> None:
        """Write film strip and reports, when all frames have passed; `photo` is its path. Raises OutputError."""
        outputs = self._outputs
        if self._strip is not None and outputs.strip is not None:
            self._strip.write(outputs.strip, outputs.overwrite, mark)
        facts = {"photo": photo, "result": outputs.path, "model": session.model_facts(self._prepared.entry)}
        faces = [session.face_facts(self._prepared, place) | missing for place, missing in enumerate(self._missing)]
        report = ReadBackReport(self.readback, facts, faces, self._fps)
        for path in outputs.reports:
            report.write(path, outputs.overwrite)

    def tell(self, progress: Progress) -> None:
        """Note, face by face, what was asked and what was read at its peak."""
        for place, number in enumerate(self._prepared.numbers):
            if self.readback.moved(place):
                which = f" of face {number}" if len(self._prepared.numbers) > 1 else ""
                self._tell_face(place, which, progress)

    def _tell_face(self, place: int, which: str, progress: Progress) -> None:
        readback, peak = self.readback, self.readback.peak(place)
        alien = ", which had no part in training the model" if readback.reader.independent else ""
        when = "" if self._fps is None else f" at {round(readback.peaks[place] / self._fps, 2):g} s"
        progress.note(f"result{which}{when}, read again by {readback.reader.name}{alien}")
        rows = []
        source_aus, seen = readback.source_aus(place), readback.photo_aus[place]
        for n in readback.moved(place):
            word = readback.aus[n]
            asked, read = _step(word, source_aus[n], peak.asked[n]), _step(word, seen[n], peak.read[n])
            rows.append((f"  {label(word)}", title(word), asked, read))
        progress.table(Table(("", "", "asked", "read"), tuple(rows), numeric=(2, 3)))
        if unread := readback.unread(place):
            progress.note(
                f"  not read again, as {readback.reader.name} knows neither sides nor turns: {', '.join(unread)}"
            )
        progress.note(f"  {'; '.join(self._measures(place))}")

    def _measures(self, place: int) -> Iterator[str]:
        frame, peak = self.readback.peak_frame(place), self.readback.peak(place)
        crop, photo = _percent(peak.changed_share), _percent(frame.changed_share)
        yield f"changed: {crop} of the face's crop, {photo} of the photo"
        yield f"mean attention {peak.attention_mean:.2f}"
        if peak.identity_distance is not None:
            yield f"identity distance {peak.identity_distance:.2f} (the same person up to {SAME_PERSON:g})"

    def facts(self) -> dict[str, Any]:
        """Return what came of it, as plain data."""
        reader, outputs = self.readback.reader, self._outputs
        return {
            "reader": {"name": reader.name, "independent": reader.independent},
            "warnings": [doubt.message for doubt in self.readback.doubts()],
            **({} if outputs.strip is None else {"strip": outputs.strip}),
            **({"reports": list(outputs.reports)} if outputs.reports else {}),
        }

    def peak_facts(self, place: int) -> dict[str, Any]:
        """Return what was measured where the face at that place is at its peak, as plain data."""
        frame = self.readback.peak_frame(place)
        return {"peak": {"frame": frame.frame} | reading_facts(self.readback.aus, frame, place)}

    def doubts(self) -> list[Doubt]:
        """Return what speaks against the result; where there are several faces, each names its own."""
        found, numbers = self.readback.doubts(), self._prepared.numbers
        if len(numbers) == 1:
            return found
        return [replace(doubt, message=f"face {numbers[doubt.face]}: {doubt.message}") for doubt in found]


def choose_reader(animator: Animator) -> Reader:
    """Return the judge that ships or, where it cannot be used, the model's own AU head."""
    try:
        return judge_reader(animator.model.load_judge(find_judge()))
    except ModelError:
        return own_reader(animator)


def _step(word: Word, before: np.float32, after: np.float32) -> str:
    return "not known" if np.isnan(after) else f"{value_text(word, float(before))} → {value_text(word, float(after))}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
