"""What a command shows and measures of an animation beside the animation itself.

Loaded by the commands that animate, not for their help.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import typer

from ganimate.animation.animator import Animator, Frame
from ganimate.animation.comparison import Strip, compared_width_px, faces_window, side_by_side
from ganimate.animation.outputs import Outputs
from ganimate.animation.read_back import ReadBack, Reader, judge_reader, own_reader
from ganimate.animation.report import Report, face_facts
from ganimate.cli import session
from ganimate.cli.console import Display, plain_table
from ganimate.cli.errors import UNCONVINCED
from ganimate.cli.session import Sitting
from ganimate.config import Scrutiny
from ganimate.errors import ModelError
from ganimate.face.detect.embedder import SAME_PERSON
from ganimate.facs import ACTION_UNITS
from ganimate.media.provenance import Mark
from ganimate.trajectory import Trajectory
from ganimate.trajectory.plan import Row, distinct_frames, evenly
from ganimate.zoo.catalogue import find_judge
from ganimate.zoo.checkpoint import load_judge


class Lookback:
    """Watches the frames of one animation on their way to the file; then writes, tells and warns."""

    def __init__(
        self,
        sitting: Sitting,
        paths: Sequence[Trajectory],
        goals: Sequence[Row],
        outputs: Outputs,
        scrutiny: Scrutiny,
    ) -> None:
        """Prepare; all faces' `paths` are of one length, and that of a still is 1; each leads to one of `goals`."""
        self._sitting, self._outputs, self._scrutiny = sitting, outputs, scrutiny
        self._fps = paths[0].fps if len(paths[0]) > 1 else None
        asked = bool(outputs.reports)
        identity = (asked or scrutiny.strict) and scrutiny.identity_frames > 0
        self.readback = ReadBack(
            sitting.photo,
            sitting.people,
            paths,
            choose_reader(sitting.animator),
            goals=goals,
            every_frame=asked,
            embedder=session.make_embedder() if identity else None,
            identity_frames=scrutiny.identity_frames if asked else 0,
        )
        self._strip: Strip | None = None
        if outputs.strip is not None:
            window = faces_window(sitting.photo, sitting.people)
            self._strip = Strip(window, evenly(distinct_frames(paths), scrutiny.strip_frames))

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the frames as they are to be written."""
        frames = self.readback.watch(frames)
        if self._strip is not None:
            frames = self._strip.watch(frames)
        return side_by_side(self._sitting.photo, frames) if self._scrutiny.compare else frames

    @property
    def width_px(self) -> int:
        """Width of the written frames."""
        width = int(self._sitting.photo.shape[1])
        return compared_width_px(width) if self._scrutiny.compare else width

    def write(self, photo: str, mark: Mark | None) -> None:
        """Write film strip and reports, when all frames have passed; raises OutputError."""
        outputs = self._outputs
        if self._strip is not None and outputs.strip is not None:
            self._strip.write(outputs.strip, outputs.overwrite, mark)
        facts = {"photo": photo, "result": outputs.path, "model": self._sitting.model}
        faces = [session.face_facts(self._sitting, place) for place in range(len(self._sitting.people))]
        report = Report(self.readback, facts, faces, self._fps)
        for path in outputs.reports:
            report.write(path, outputs.overwrite)

    def tell(self, display: Display) -> None:
        """Note, face by face, what was asked and what was read at its peak."""
        for place, number in enumerate(self._sitting.numbers):
            if self.readback.moved(place):
                which = f" of face {number}" if len(self._sitting.numbers) > 1 else ""
                self._tell_face(place, which, display)

    def _tell_face(self, place: int, which: str, display: Display) -> None:
        readback, peak = self.readback, self.readback.peak(place)
        alien = ", which had no part in training the model" if readback.reader.independent else ""
        when = "" if self._fps is None else f" at {round(readback.peaks[place] / self._fps, 2):g} s"
        display.note(f"result{which}{when}, read again by {readback.reader.name}{alien}")
        table = plain_table("", "", "asked", "read", numeric=(2, 3))
        own, seen = readback.own(place), readback.photo_aus[place]
        for n in readback.moved(place):
            unit = ACTION_UNITS[readback.aus[n]]
            table.add_row(f"  {unit.label}", unit.name, _step(own[n], peak.asked[n]), _step(seen[n], peak.read[n]))
        display.table(table)
        display.note(f"  {'; '.join(self._measures(place))}")

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
        return {"peak": {"frame": frame.frame} | face_facts(self.readback.aus, frame, place)}

    def conclude(self, display: Display) -> None:
        """Warn of what speaks against the result; with --strict raises typer.Exit then."""
        doubts = self.readback.doubts()
        for doubt in doubts:
            which = f"face {self._sitting.numbers[doubt.face]}: " if len(self._sitting.numbers) > 1 else ""
            display.warn(f"{which}{doubt.message}", doubt.hint)
        if doubts and self._scrutiny.strict:
            raise typer.Exit(UNCONVINCED)


def choose_reader(animator: Animator) -> Reader:
    """Return the judge that ships or, where it cannot be used, the model's own AU head."""
    try:
        return judge_reader(load_judge(find_judge(), animator.device), animator.device)
    except ModelError:
        return own_reader(animator)


def _step(before: np.float32, after: np.float32) -> str:
    return "not known" if np.isnan(after) else f"{before:.2f} → {after:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
