"""What was read back from an animation, as a file: JSON, CSV, or a plot.

JSON, one object::

    {"photo", "result", "model": {"name", "path"}, "frames", "fps" (null for a still),
     "reader": {"name", "independent"}, "visible_levels", "identity_same_below",
     "warnings": [sentence, …],
     "faces": [{"number", "box_px", "left_out": ["AU16", …], "moved": ["AU12", …], "peak_frame",
                "identity_frames": [frame, …],
                "photo": {"asked": {"AU1": 0.1, …}, "read": {…}},
                "frames": [{"frame", "time_s", "asked": {…}, "read": {…}, "identity_distance",
                            "crop_changed_share", "photo_changed_share", "attention_mean"}, …]}, …]}

Frames count from 0. AUs are from 0 to 1, shares and attention too; turns are degrees. An AU whose sides differ
somewhere is told by its sides (``AU12L``, ``AU12R``). What the model lacks of a preset or a clip is left out. What was
not measured is null, and in CSV an empty cell: no reader knows sides or turns. CSV has a row for each frame and face:
``frame,time_s,face``, the measures, then ``AU01_asked,AU01_read,…``.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganimate.animation.read_back import VISIBLE_LEVELS, FaceReading, FrameReading, ReadBack
from ganimate.animation.session import row_facts
from ganimate.face.detect.embedder import SAME_PERSON
from ganimate.facs import Word
from ganimate.facs.words import column_name, label, limits, title
from ganimate.figures.plots import Curve, readback_plot
from ganimate.media import write_image
from ganimate.media.places import FilePlace
from ganimate.trajectory.plan import Row


@dataclass(frozen=True)
class ReadBackReport:
    """All that was read back, and of what: `facts` open the JSON; `faces` are numbers and boxes; no `fps`: a still."""

    readback: ReadBack
    facts: Mapping[str, Any]
    faces: Sequence[Mapping[str, Any]]
    fps: float | None

    def write(self, path: str, overwrite: bool) -> None:
        """Write it as the suffix of `path` says; raises OutputError."""
        suffix = Path(path).suffix.lower()
        if suffix == ".png":
            plot = readback_plot(self._curves(), SAME_PERSON, self.readback.reader.name, still=self.fps is None)
            write_image(path, plot, overwrite)
        else:
            text = self.to_json() if suffix == ".json" else self.to_csv()
            FilePlace(path, overwrite).fill(text.encode())

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(self._to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """Return the report as CSV."""
        stream = io.StringIO(newline="")
        csv.writer(stream, lineterminator="\n").writerows(self._rows())
        return stream.getvalue()

    def _to_dict(self) -> dict[str, Any]:
        readback = self.readback
        return {
            **self.facts,
            "frames": len(readback.paths[0]),
            "fps": self.fps,
            "reader": {"name": readback.reader.name, "independent": readback.reader.independent},
            "visible_levels": VISIBLE_LEVELS,
            "identity_same_below": SAME_PERSON,
            "warnings": [doubt.message for doubt in readback.doubts()],
            "faces": [self._face(place) for place in range(len(self.faces))],
        }

    def _face(self, place: int) -> dict[str, Any]:
        readback = self.readback
        return {
            **self.faces[place],
            "moved": [label(readback.aus[column]) for column in readback.moved(place)],
            "peak_frame": readback.peaks[place],
            "identity_frames": list(readback.identity_frames),
            "photo": {
                "asked": row_facts(readback.aus, readback.source_aus(place)),
                "read": row_facts(readback.aus, readback.photo_aus[place]),
            },
            "frames": [
                {"frame": seen.frame, "time_s": self._time_s(seen)} | reading_facts(readback.aus, seen, place)
                for seen in readback.readings
            ],
        }

    def _time_s(self, seen: FrameReading) -> float:
        return 0.0 if self.fps is None else round(seen.frame / self.fps, 4)

    def _rows(self) -> Iterator[list[Any]]:
        measures = ("identity_distance", "crop_changed_share", "photo_changed_share", "attention_mean")
        aus = self.readback.aus
        yield [
            "frame",
            "time_s",
            "face",
            *measures,
            *(f"{column_name(word)}_{what}" for word in aus for what in ("asked", "read")),
        ]
        for seen in self.readback.readings:
            for place, face in enumerate(self.faces):
                facts = reading_facts(aus, seen, place)
                pairs = zip(facts["asked"].values(), facts["read"].values(), strict=True)
                intensities = [value for pair in pairs for value in pair]
                yield [
                    seen.frame, self._time_s(seen), face["number"], *(facts[key] for key in measures), *intensities
                ]  # fmt: skip

    def _curves(self) -> list[Curve]:
        """Return what the plot shows: the moved AUs of each face, then the identities; a still begins at the photo."""
        readback, curves = self.readback, []
        for place, face in enumerate(self.faces):
            who = f"face {face['number']}: " if len(self.faces) > 1 else ""
            for column in readback.moved(place):
                word = readback.aus[column]
                asked, read = self._series(place, column)
                curves.append(Curve(f"{who}{label(word)} {title(word)}", self._times(), asked, read, limits(word)))
            if readback.identity_frames:
                distances = [seen.faces[place].identity_distance for seen in readback.readings]
                values = np.array([math.nan if d is None else d for d in distances])
                curves.append(Curve(f"{who}identity distance", self._times(), None, self._from_photo(0.0, values)))
        return curves

    def _series(self, place: int, column: int) -> tuple[Row, Row]:
        faces: list[FaceReading] = [seen.faces[place] for seen in self.readback.readings]
        asked = self._from_photo(
            self.readback.source_aus(place)[column], np.array([face.asked[column] for face in faces])
        )
        read = self._from_photo(self.readback.photo_aus[place][column], np.array([face.read[column] for face in faces]))
        return asked, read

    def _from_photo(self, before: float, values: Row) -> Row:
        return values if self.fps is not None else np.concatenate([[before], values])

    def _times(self) -> Row:
        if self.fps is None:
            return np.array([0.0, 1.0])
        return np.array([seen.frame / self.fps for seen in self.readback.readings])


def reading_facts(aus: Sequence[Word], seen: FrameReading, place: int) -> dict[str, Any]:
    """Return what was measured of the face at `place` in one frame, as plain data."""
    face = seen.faces[place]
    return {
        "asked": row_facts(aus, face.asked),
        "read": row_facts(aus, face.read),
        "identity_distance": None if face.identity_distance is None else round(face.identity_distance, 4),
        "crop_changed_share": round(face.changed_share, 5),
        "photo_changed_share": round(seen.changed_share, 5),
        "attention_mean": round(face.attention_mean, 4),
    }
