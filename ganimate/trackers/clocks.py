"""When the rows of a table were seen: from a column of times, of timecodes or of frames, or from their order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TABLE_FPS = 30.0  # where nothing is told: what webcams and telephones record
TIMECODE_FPS = 60.0  # what Live Link Face counts in by default

_SECONDS = ("time_s", "timestamp", "time", "seconds")
_MILLISECONDS = ("frame_time_in_ms", "timestamp_ms", "time_ms", "milliseconds")
_TIMECODES = ("timecode",)
_FRAMES = ("frame", "frame_idx", "frame_number", "frame_id", "frame_num")
_TIMECODE = re.compile(r"(\d{1,4}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d{0,9})?)", re.ASCII)
_RATES = (24.0, 25.0, 30.0, 50.0, 60.0, 120.0, 240.0, 1000.0)
LATEST = 1e15  # the clock of a computer counts 2e12 ms and 2e9 s since 1970; no time is later
LONGEST_STEP = 5.0  # rows of a clip are not seconds apart: a larger usual step is in milliseconds

Reading = tuple[float, float]  # seconds, and frames on top of them


@dataclass(frozen=True)
class Clock:
    """Reads times from rows: `place` is the column of this `kind`, None to count rows; `fps` is as told, or None."""

    kind: str
    name: str = ""
    place: int | None = None
    fps: float | None = None

    @staticmethod
    def of(header: Sequence[str], fps: float | None) -> Clock:
        """Return the clock of a table: by its times, else its frames, else its order; told an `fps`, not by times."""
        places = {name.lower(): place for place, name in enumerate(header)}
        told = [("timecode", _TIMECODES), ("frames", _FRAMES)]
        timed = [("seconds", _SECONDS), ("milliseconds", _MILLISECONDS)]
        for kind, names in told if fps is not None else [*timed, *told]:
            for name in names:
                if name in places:
                    return Clock(kind, header[places[name]], places[name], fps)
        return Clock("order", fps=fps)

    def read(self, row: Sequence[str], count: int) -> Reading | None:
        """Return the time of a row, the `count`-th from 0, or None when it tells none."""
        if self.place is None:
            return 0.0, float(count)
        cell = row[self.place].strip() if self.place < len(row) else ""
        if self.kind == "timecode":
            match = _TIMECODE.fullmatch(cell)
            if match is None:
                return None
            hours, minutes, seconds = (int(part) for part in match.groups()[:3])
            return float(hours * 3600 + minutes * 60 + seconds), float(match[4])
        try:
            number = float(cell)
        except ValueError:
            return None
        if not abs(number) < LATEST:
            return None
        return (0.0, number) if self.kind == "frames" else (number, 0.0)

    def seconds(self, readings: NDArray[np.float64], first: Reading) -> tuple[NDArray[np.float64], str | None]:
        """Return times in seconds, (T,), of `readings` (T, 2), and a note on what was assumed.

        Frames and timecodes count from `first`, the first row of the table; other times are as they stand there.
        """
        if self.kind in ("seconds", "milliseconds"):
            return self._measured(readings[:, 0])
        if self.kind == "timecode":
            rate = self.fps or self._rate(readings)
            note = f"its timecodes are taken to count {rate:g} frames a second"
        else:
            rate = self.fps or TABLE_FPS
            what = "rows" if self.kind == "order" else f"the column {self.name!r}"
            note = f"it tells no times, so {what} count{'' if self.kind == 'order' else 's'} {rate:g} frames a second"
        since = readings - np.array(first)
        return since[:, 0] + since[:, 1] / rate, None if self.fps else f"{note} (--table-fps)"

    def _measured(self, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], str | None]:
        if self.kind == "milliseconds":
            return times / 1000.0, None
        steps = np.abs(np.diff(times))
        if self.name.lower() != "time_s" and len(steps) and float(np.median(steps)) >= LONGEST_STEP:
            return times / 1000.0, f"the column {self.name!r} is taken to be in milliseconds"
        return times, None

    @staticmethod
    def _rate(readings: NDArray[np.float64]) -> float:
        """Return the lowest usual rate that counts as many frames as timecodes of whole seconds show."""
        whole_seconds = len(np.unique(readings[:, 0])) > 2
        highest = float(readings[:, 1].max())
        counted = next((rate for rate in _RATES if highest < rate), _RATES[-1])
        return counted if whole_seconds else max(counted, TIMECODE_FPS)
