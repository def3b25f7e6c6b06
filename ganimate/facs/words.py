"""The words that rows are made of: AUs of both sides or of one, turns of the head and of the eyes.

A row has a number for each word of a model. Models that move a mesh know AUs by their sides, and turns; all others
know AUs of both sides alone. "Left" and "right" are the person's own, and degrees count from how the photo shows head
and eyes: yaw, roll and gaze_x to the person's left, pitch and gaze_y up (FACS: 51, 55, 61 and 53, 63; below 0 the other
way, 52, 56, 62 and 54, 64).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ganimate.facs.units import ACTION_UNITS

Word: TypeAlias = int | str  # 12, "12L", "12R", "yaw"

LEFT, RIGHT = "L", "R"
SIDES: Mapping[str, str] = MappingProxyType({LEFT: "left", RIGHT: "right"})
HEAD, GAZE = ("yaw", "pitch", "roll"), ("gaze_x", "gaze_y")
# The most, in degrees. Further turned, more of the face comes into sight than is guessed well; eyes turned further
# show hardly anything but white.
MOST_DEGREES: Mapping[str, float] = MappingProxyType(dict.fromkeys(HEAD, 20.0) | dict.fromkeys(GAZE, 30.0))
TURNS: Mapping[str, str] = MappingProxyType(
    {
        "yaw": "head turned left",
        "pitch": "head up",
        "roll": "head tilted left",
        "gaze_x": "eyes turned left",
        "gaze_y": "eyes up",
    }
)
_ONE_SIDED = re.compile(r"([1-9]\d*)([LR])", re.ASCII)


def words_of(aus: Sequence[int], mesh: bool) -> tuple[Word, ...]:
    """Return the words of a model of these AUs: each itself or, of one that moves a mesh, its sides, and the turns."""
    if not mesh:
        return tuple(aus)
    return (*(one_sided(number, side) for number in aus for side in SIDES), *TURNS)


def one_sided(number: int, side: str) -> str:
    """Return the word of one side of an AU; `side` is L or R."""
    return f"{number}{side}"


def parts(word: Word) -> tuple[int, str] | None:
    """Return number and side ("" for both) of an AU; None of a turn."""
    if isinstance(word, int):
        return word, ""
    found = _ONE_SIDED.fullmatch(word)
    return None if found is None else (int(found[1]), found[2])


def is_known(word: Word) -> bool:
    """Say whether there is such a word."""
    au = parts(word)
    return word in TURNS if au is None else au[0] in ACTION_UNITS


def label(word: Word) -> str:
    """Return ``AU12``, ``AU12L`` or ``yaw``."""
    return f"AU{word}" if parts(word) else str(word)


def column_name(word: Word) -> str:
    """Return ``AU01``, ``AU12L`` or ``yaw``, as columns of tables are called."""
    au = parts(word)
    return f"AU{au[0]:02d}{au[1]}" if au else str(word)


def title(word: Word) -> str:
    """Return what a word means, as in ``lip corner puller, left``."""
    au = parts(word)
    if au is None:
        return TURNS[str(word)]
    return ACTION_UNITS[au[0]].name + (f", {SIDES[au[1]]}" if au[1] else "")


def value_text(word: Word, value: float) -> str:
    """Return a value for people: an intensity with two decimals, or degrees."""
    return f"{value:.2f}" if parts(word) else f"{value:.1f}°"


def limits(word: Word) -> tuple[float, float]:
    """Return the least and the most of a word."""
    return (0.0, 1.0) if parts(word) else (-MOST_DEGREES[str(word)], MOST_DEGREES[str(word)])


def bounds(words: Iterable[Word]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least and the most (W,) of each word; the most is also what differences are measured by."""
    least, most = zip(*map(limits, words), strict=True)
    return np.array(least), np.array(most)


def range_text(word: Word) -> str:
    """Return how far a word goes, for people."""
    least, most = limits(word)
    return f"between {least:g} and {most:g}" + ("" if parts(word) else " degrees")


def order(word: Word) -> tuple[int, str]:
    """Return what words are sorted by: AUs by number and side, then turns."""
    return parts(word) or (1000 + [*TURNS].index(str(word)), "")


def au_numbers(words: Iterable[Word]) -> list[int]:
    """Return the numbers of the AUs among words, each once, in their order."""
    return list(dict.fromkeys(au[0] for au in map(parts, words) if au))


def place_of(word: Word, words: Sequence[Word]) -> list[int]:
    """Return where a word stands among those of a model: in two places where an AU of both sides has two there.

    Empty where the model lacks it.
    """
    if word in words:
        return [list(words).index(word)]
    au = parts(word)
    if au is None or au[1]:
        return []
    return [place for place, each in enumerate(words) if parts(each) in ((au[0], LEFT), (au[0], RIGHT))]


def fold(words: Sequence[Word], *rows: NDArray[np.floating]) -> tuple[tuple[Word, ...], list[int]]:
    """Return words for people and the columns where they stand, of rows (..., W).

    Both sides of an AU are one where no row tells them apart, and turns are left out that no row has.
    """
    table = np.concatenate([np.asarray(row).reshape(-1, len(words)) for row in rows])
    if all(parts(word) is None for word in words):
        return tuple(words), list(range(len(words)))
    found: list[tuple[Word, int]] = []
    for column, word in enumerate(words):
        au = parts(word)
        if au is None:
            if (table[:, column] != 0).any():
                found.append((word, column))
            continue
        both = place_of(au[0], words) if au[1] else [column]
        if len(both) < 2 or not np.array_equal(table[:, both[0]], table[:, both[1]], equal_nan=True):
            found.append((word, column))
        elif column == both[0]:
            found.append((au[0], column))
    return tuple(word for word, _ in found), [column for _, column in found]


@dataclass(frozen=True, eq=False)
class Pose:
    """A row of a model that moves a mesh, as its parts: `aus` (N, 2) left and right, `head` (3,), `gaze` (2,)."""

    aus: NDArray[np.float32]
    head: NDArray[np.float32]
    gaze: NDArray[np.float32]

    @classmethod
    def of(cls, row: NDArray[np.float32]) -> Pose:
        """Return the parts of a row (2·N + 5,)."""
        count = len(row) - len(TURNS)
        aus, turns = row[:count].reshape(-1, len(SIDES)), row[count:]
        return cls(aus, turns[: len(HEAD)], turns[len(HEAD) :])


def spread(aus: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return AUs (..., N) of both sides as rows (..., `count`) of the words of a model of these AUs."""
    if aus.shape[-1] == count:
        return aus
    rows = np.zeros((*aus.shape[:-1], count), np.float32)
    rows[..., : count - len(TURNS)] = np.repeat(aus, len(SIDES), axis=-1)
    return rows
