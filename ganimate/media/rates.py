"""At which rate the frames of a clip are read, told from the times at which they are shown.

What a file says of its rate is a guess where frames come at varying times: the clock's thousand a second of a browser's
recording, or the mean of a GIF that ends on a long pause, at which most of its frames would be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

SLOWEST_FPS, FASTEST_FPS = Fraction(1, 10), Fraction(240)
MOST_LOST = 0.02  # of the frames; a recording that stutters is not read at twice its rate for one of them
UNEVEN = 1.4  # the longest gap beside the shortest: clocks of 1/600 s, as phones have, make 1.1 of 30 a second
_NTSC = [Fraction(whole * 1000, 1001) for whole in (24, 30, 60, 120)]
_USUAL = sorted([*map(Fraction, (*range(1, 26), 30, 40, 48, 50, 60, 75, 90, 100, 120)), *_NTSC])

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class Rate:
    """A constant rate for a clip; `rounding` says which tick a frame goes to, in the words of ffmpeg's filter `fps`.

    Of the clip's frames `lost` share their tick with a later one. `uneven` says that they come at varying times.
    """

    fps: Fraction
    rounding: str = "near"
    lost: int = 0
    uneven: bool = False

    @property
    def filter(self) -> str:
        """What makes frames of this rate; what begins after the sound does waits for it, as in a player."""
        return f"fps={self.fps}:start_time=0:round={self.rounding}"


def choose_rate(guessed: Fraction, times_s: Seconds, tick_s: float = 0.001) -> Rate:
    """Return the rate for frames shown at `times_s` (n,), rising, on a clock of `tick_s`; the file says `guessed`.

    It is the guess, the mean or the usual gap's rate where nearly every frame keeps a tick of its own, else the slowest
    usual one of which that is true. It may be outside of what can be read where `guessed` is.
    """
    times_s = _apart(times_s)
    if len(times_s) < 2:
        return Rate(guessed)
    gaps = np.diff(times_s)
    mean, middle = (1 / Fraction(float(gap)) for gap in (gaps.mean(), np.median(gaps)))
    guess = [_unrounded(guessed, times_s, tick_s)] if guessed <= mean * 3 / 2 else []
    denser = [fps for fps in _USUAL if fps > mean]
    uneven = bool(gaps.max() > UNEVEN * gaps.min())
    tried = []
    for fps in (*guess, usual(mean), usual(middle), *denser):
        for rounding, lost in _losses(times_s, fps):
            tried.append(Rate(fps, rounding, lost, uneven))
            if lost <= MOST_LOST * len(times_s):
                return tried[-1]
    return min(tried, key=lambda rate: rate.lost)


def slower(rate: Rate, times_s: Seconds, most_fps: float) -> Rate:
    """Return the rate itself, or where it is above `most_fps` the whole part of it that is not: 30 of 60 for 50."""
    if rate.fps <= most_fps:
        return rate
    fps = rate.fps / -(-rate.fps // Fraction(most_fps))
    rounding, lost = next(_losses(_apart(times_s), fps))
    return Rate(fps, rounding, lost, rate.uneven)


def usual(fps: Fraction) -> Fraction:
    """Return the rate of film or television that was rounded to `fps`, or the next whole number."""
    near = [rate for rate in _NTSC if abs(rate - fps) < Fraction(1, 100)]
    return near[0] if near else max(Fraction(round(fps)), Fraction(1))


def _unrounded(guessed: Fraction, times_s: Seconds, tick_s: float) -> Fraction:
    """Return the whole number a second whose times, on that clock, are the frames'; the guess where there is none.

    Of short GIFs, whose clock has hundredths of a second, it is 88/3 a second where 30 are meant.
    """
    errors = {
        fps: float(np.abs(times_s - np.arange(len(times_s)) / float(fps)).max())
        for fps in _USUAL
        if fps.denominator == 1 and abs(fps - guessed) < guessed / 10
    }
    best = min(errors, key=lambda fps: errors[fps], default=guessed)
    return best if guessed not in _USUAL and errors.get(best, np.inf) <= tick_s else guessed


def _losses(times_s: Seconds, fps: Fraction) -> Iterator[tuple[str, int]]:
    """Yield the ways of rounding to ticks, and how many frames lose theirs; frames that come late need the second."""
    for rounding, shift in (("near", 0.5), ("down", 0.0)):
        ticks = np.floor(times_s * float(fps) + shift + 1e-6)
        yield rounding, len(ticks) - len(np.unique(ticks))


def _apart(times_s: Seconds) -> Seconds:
    """Return the times without those of frames that are never seen, as they come with the next (VP8 has such)."""
    if len(times_s) < 2:
        return times_s
    apart = np.diff(times_s) > 0.9 / float(FASTEST_FPS)
    kept: Seconds = times_s[np.append(apart, True)]
    return kept
