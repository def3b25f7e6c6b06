"""What a timeline is made of: keyframes, and the events of single AUs as FACS coders write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from ganimate.errors import TimelineError
from ganimate.facs import Expression, SetAU, Word, did_you_mean
from ganimate.facs.words import parts
from ganimate.trajectory import EASINGS

LONGEST_S = 86_400.0  # a day
EASING = "in-out"  # muscles neither start nor stop at full speed
# FACS grades are fifths, as in OpenFace's 0-5: A is a trace, E the most that a face can do.
GRADES: Mapping[str, float] = MappingProxyType({"A": 0.2, "B": 0.4, "C": 0.6, "D": 0.8, "E": 1.0})


class Refusal(TimelineError):
    """What is wrong with a part of a timeline; `path` leads to it, as in ``("keyframes", 2, "time")``."""

    def __init__(self, path: tuple[str | int, ...], message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.path = path


def require_time(key: str, time_s: float) -> None:
    """Raise Refusal unless `time_s` is a time from the start on."""
    if not 0.0 <= time_s <= LONGEST_S:
        message = f"{key} must be between 0 and {LONGEST_S:g} seconds, not {time_s:g}"
        raise Refusal((key,), message, "times are seconds from the start, such as 62.5")


def _require_easing(easing: str) -> None:
    if easing not in EASINGS:
        hint = did_you_mean(easing, EASINGS) or f"choose one of {', '.join(EASINGS)}"
        raise Refusal(("easing",), f"there is no easing {easing[:40]!r}", hint)


@dataclass(frozen=True)
class Keyframe:
    """The whole face at one time: `expression`, reached along `easing` from what came before, kept for `hold_s`.

    Raises Refusal for a time or a hold below 0, and an unknown easing.
    """

    time_s: float
    expression: Expression
    easing: str = EASING
    hold_s: float = 0.0

    def __post_init__(self) -> None:
        require_time("time", self.time_s)
        require_time("hold", self.hold_s)
        _require_easing(self.easing)

    @property
    def end_s(self) -> float:
        """When the way to the next keyframe begins."""
        return self.time_s + self.hold_s


@dataclass(frozen=True)
class Event:
    """One AU, or a side of it (``12L``): sets in at `onset_s`, is at `intensity` from the apex on, gone at `offset_s`.

    The apex lasts from `apex_s` to `apex_end_s` (the same when None); without `offset_s` to the end of the timeline.
    Raises Refusal for times that are out of order, ExpressionError for an unknown AU or an intensity beyond [0, 1].
    """

    au: Word
    onset_s: float
    apex_s: float
    apex_end_s: float | None = None
    offset_s: float | None = None
    intensity: float = 1.0
    easing: str = EASING

    def __post_init__(self) -> None:
        _ = self.term  # raises for what is neither an AU nor an intensity
        _require_easing(self.easing)
        require_time("onset", self.onset_s)
        names = ("onset", "apex", "apex_end", "offset")
        times = zip(names, (self.onset_s, self.apex_s, self.apex_end_s, self.offset_s), strict=True)
        known = [(name, time_s) for name, time_s in times if time_s is not None]
        for (before, earlier_s), (name, time_s) in pairwise(known):
            require_time(name, time_s)
            if time_s < earlier_s:
                message = f"{name} ({time_s:g} s) comes before {before} ({earlier_s:g} s)"
                raise Refusal((name,), message, "an AU goes from onset to apex, apex_end and offset, in this order")
        if self.apex_end_s is not None and self.offset_s is None:
            message = f"the apex ends at {self.apex_end_s:g} s, and there is no offset"
            raise Refusal(("apex_end",), message, "add offset, the time at which the AU is gone")

    @property
    def term(self) -> SetAU:
        """What is asked at the apex; raises ExpressionError."""
        number, side = parts(self.au) or (0, "")
        return SetAU(number, self.intensity, side)

    @property
    def fall_s(self) -> float | None:
        """When the AU begins to go, or None if it stays."""
        if self.offset_s is None:
            return None
        return self.apex_s if self.apex_end_s is None else self.apex_end_s

    @property
    def end_s(self) -> float:
        """The last time that it names."""
        return self.apex_s if self.offset_s is None else self.offset_s
