"""When the rows of a table were seen: from a column of times, of timecodes or of frames, or from their order."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganimate.trackers.rows import cell_at, number

TABLE_FPS = 30.0  # where nothing is told: what webcams and telephones record
TIMECODE_FPS = 60.0  # what Live Link Face counts in by default

_SECONDS = ("time_s", "timestamp", "time", "seconds")
_UNITS = {  # of columns that name it: how many of it are a second
    **dict.fromkeys(("frame_time_in_ms", "timestamp_ms", "time_ms", "milliseconds"), 1e3),
    **dict.fromkeys(("timestamp_us", "time_us", "microseconds"), 1e6),
    **dict.fromkeys(("timestamp_ns", "time_ns", "nanoseconds"), 1e9),
}
_TIMECODES = ("timecode",)
FRAME_COLUMNS = ("frame", "frame_idx", "frame_number", "frame_id", "frame_num")
_MINUTES = ("approx_time",)  # of py-feat: whole seconds, as 01:07
_TIMECODE = re.compile(r"(\d{1,4}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d{0,9})?)", re.ASCII)
_MINUTE = re.compile(r"(?:(\d{1,2}):)?(\d{1,2}):(\d{1,2})", re.ASCII)
_RATES = (24.0, 25.0, 30.0, 50.0, 60.0, 120.0, 240.0, 1000.0)
_USUAL_RATES = (30.0, 25.0, 24.0, 60.0, 50.0, 30_000 / 1001, 24_000 / 1001, 15.0, 10.0, 120.0, 240.0)
LATEST = 1e19  # the clock of a computer counts 2e9 s, and 2e18 ns, since 1970; no time is later
# Rows of a clip are not seconds apart: the least usual step of a clock that counts in thousandths, and so on. They are
# what 200 frames a second are apart, or half of 500.
_STEPS = ((5.0, 1e3, "milliseconds"), (2e3, 1e6, "microseconds"), (2e6, 1e9, "nanoseconds"))
_DAY_S = 86_400.0

Reading = tuple[float, float]  # seconds, or the column's own unit, and frames on top of them
Ends = tuple[float, float]


@dataclass(frozen=True)
class Clock:
    """Reads times from rows: `place` is the column of this `kind`, None to count rows; `fps` is as told, or None.

    `per_second` is the unit that the column names. `minutes` is a column of whole seconds, which tells the rate of the
    frames.
    """

    kind: str
    name: str = ""
    place: int | None = None
    fps: float | None = None
    per_second: float | None = None
    minutes: int | None = None

    @staticmethod
    def of(header: Sequence[str], fps: float | None) -> Clock:
        """Return the clock of a table: by its times, else its frames, else its order; told an `fps`, not by times."""
        places = {name.lower(): place for place, name in enumerate(header)}
        told = [("timecode", _TIMECODES), ("frames", FRAME_COLUMNS)]
        timed = [("time", (*_SECONDS, *_UNITS))]
        minutes = next((places[name] for name in _MINUTES if name in places), None)
        for kind, names in told if fps is not None else [*timed, *told]:
            for name in names:
                if name in places:
                    return Clock(kind, header[places[name]], places[name], fps, _UNITS.get(name), minutes)
        return Clock("order", fps=fps)

    def read(self, row: Sequence[str], count: int) -> Reading | None:
        """Return the time of a row, the `count`-th from 0, or None when it tells none.

        Of a table that tells frames and whole seconds it is both.
        """
        if self.place is None:
            return 0.0, float(count)
        cell = cell_at(row, self.place)
        if self.kind == "timecode":
            match = _TIMECODE.fullmatch(cell)
            if match is None:
                return None
            hours, minutes, seconds = (int(part) for part in match.groups()[:3])
            return float(hours * 3600 + minutes * 60 + seconds), float(match[4])
        value = number(cell)
        if value is None or not abs(value) < LATEST:
            return None
        return (self._whole_seconds(row), value) if self.kind == "frames" else (value, 0.0)

    def _whole_seconds(self, row: Sequence[str]) -> float:
        match = None if self.minutes is None else _MINUTE.fullmatch(cell_at(row, self.minutes))
        return math.nan if match is None else int(match[1] or 0) * 3600.0 + int(match[2]) * 60.0 + int(match[3])

    def seconds(
        self, readings: NDArray[np.float64], first: Reading, ends: Sequence[Reading]
    ) -> tuple[NDArray[np.float64], Ends, str | None]:
        """Return times in seconds, (T,), of `readings` (T, 2), those of the two `ends`, and a note on what was assumed.

        Frames and timecodes count from `first`, the first row of the table; other times are as they stand there.
        """
        everything = np.concatenate([readings, np.array(ends).reshape(-1, 2)])
        if self.kind == "time":
            per_second, note = self._unit(readings[:, 0] if len(readings) > 1 else everything[:, 0])
            return self._split(everything[:, 0] / per_second, note)
        if self.kind == "timecode":
            rate = self.fps or self._rate(readings)
            note = f"its timecodes are taken to count {rate:g} frames a second"
            since = everything - np.array(first)
            since[since[:, 0] < -_DAY_S / 2, 0] += _DAY_S  # a clip that goes on after midnight
            return self._split(since[:, 0] + since[:, 1] / rate, None if self.fps else f"{note} (--table-fps)")
        told = None if self.fps else self._told_rate(readings)
        rate = self.fps or told or TABLE_FPS
        what = "rows count" if self.kind == "order" else f"the column {self.name!r} counts"
        why = "it tells no times, so" if told is None else "by the whole seconds that it tells"
        note = f"{why} {what} {rate:.6g} frames a second (--table-fps)"
        return self._split((everything[:, 1] - first[1]) / rate, None if self.fps else note)

    @staticmethod
    def _split(times_s: NDArray[np.float64], note: str | None) -> tuple[NDArray[np.float64], Ends, str | None]:
        return times_s[:-2], (float(times_s[-2]), float(times_s[-1])), note

    def _unit(self, times: NDArray[np.float64]) -> tuple[float, str | None]:
        """Return how many of its units are a second, and a note where that is told by the steps alone."""
        if self.per_second is not None:
            return self.per_second, None
        steps = np.abs(np.diff(times))
        if self.name.lower() != "time_s" and len(steps):
            for least, per_second, unit in reversed(_STEPS):
                if float(np.median(steps)) >= least:
                    return per_second, f"the column {self.name!r} is taken to be in {unit}"
        return 1.0, None

    def _told_rate(self, readings: NDArray[np.float64]) -> float | None:
        """Return the rate at which frames fall into the whole seconds that are told, a usual one if there is.

        It is None where nothing is told, or nothing possible.
        """
        if self.minutes is None:
            return None
        seconds, frames = readings[np.isfinite(readings[:, 0])].T
        since = frames - (frames[0] if len(frames) and seconds[0] == 0 else 0)
        below, above = since / (seconds + 1), since[seconds > 0] / seconds[seconds > 0]
        low, high = (below.max() if len(below) else 0.0), above.min(initial=math.inf)
        if not 0.0 < low < high:
            return None
        usual = next((rate for rate in _USUAL_RATES if low < rate <= high), None)
        return usual or (None if math.isinf(high) else (low + high) / 2)

    @staticmethod
    def _rate(readings: NDArray[np.float64]) -> float:
        """Return the lowest usual rate that counts as many frames as timecodes of whole seconds show."""
        whole_seconds = len(np.unique(readings[:, 0])) > 2
        highest = float(readings[:, 1].max())
        counted = next((rate for rate in _RATES if highest < rate), _RATES[-1])
        return counted if whole_seconds else max(counted, TIMECODE_FPS)
