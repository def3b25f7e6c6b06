"""Turns of head and eyes in tables: which columns tell them, and what they are in the words of `facs.words`.

    OpenFace         pose_Rx, pose_Ry, pose_Rz; gaze_angle_x, gaze_angle_y, of the eyes in the room   radians
    Live Link Face   HeadYaw, HeadPitch, HeadRoll                                                      radians
    ARKit, MediaPipe eyeLookInLeft and seven others, 1 as far as eyes turn
    saved trajectory yaw, pitch, roll, gaze_x, gaze_y, from how the photo shows them                   degrees

OpenFace's camera looks along z with y down, and R = Rx · Ry · Rz: a head that looks up or to its own left has negative
angles, one that tilts to its left a positive one. Unreal turns to a person's own right, up, and to the right; whether
the phone lay on its side, which turns the signs round, is told by the eyes of the same table: LeftEyeYaw against
eyeLookOutLeft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import AnnotationError
from ganimate.facs.words import GAZE, HEAD, MOST_DEGREES, TURNS, Word

Floats = NDArray[np.float64]

_OPENFACE = ("pose_rx", "pose_ry", "pose_rz", "gaze_angle_x", "gaze_angle_y")
_HEADS, _EYES = ("headyaw", "headpitch", "headroll"), ("lefteyeyaw", "lefteyepitch")
_LOOKS = tuple(f"eyelook{way}{side}" for side in ("left", "right") for way in ("in", "out", "up", "down"))
_SIDES = (("left", "l"), ("right", "r"))
_HINT = {
    "head": "it needs pose_Rx … of OpenFace, HeadYaw … of Live Link Face, or yaw, pitch, roll; leave --head out",
    "gaze": "it needs gaze_angle_x … of OpenFace, eyeLookInLeft … of ARKit, or gaze_x, gaze_y; leave --gaze out",
}


def turn_columns(header: Sequence[str]) -> dict[str, int]:
    """Return where the columns that tell turns stand, by their lower-case names."""
    found: dict[str, int] = {}
    for place, column in enumerate(header):
        name = _name(column)
        if name is not None:
            found.setdefault(name, place)
    return found


def _name(column: str) -> str | None:
    plain = column.strip().lower()
    if plain in _OPENFACE or plain in TURNS:
        return plain
    bare = re.sub(r"[_. -]", "", re.sub(r"^(?:blend[_. -]?shapes?|bs|arkit)[_. :/-]+", "", plain))
    if bare in (*_HEADS, *_EYES, *_LOOKS):
        return bare
    spelt = {look.removesuffix(side) + letter: look for side, letter in _SIDES for look in _LOOKS if side in look}
    return spelt.get(bare)


def turns_of(table: str, columns: Mapping[str, Floats], head: bool, gaze: bool) -> tuple[dict[Word, Floats], bool]:
    """Return degrees (T,) by word of what stands in the columns (T,), and whether they count from the photo.

    Missing values, NaN, are filled in between those beside them. Raises AnnotationError where the table called `table`
    does not tell what is wanted of `head` and `gaze`.
    """
    filled = {name: _filled(values) for name, values in columns.items() if np.isfinite(values).any()}
    found: dict[Word, Floats] = {word: filled[word] for word in TURNS if word in filled}
    relative = bool(found)
    if not relative:
        found = _of_openface(filled) | _of_arkit(filled)
    wanted = {"head": (HEAD, head), "gaze": (GAZE, gaze)}
    for what, (words, asked) in wanted.items():
        if asked and not any(word in found for word in words):
            who = "eyes" if what == "gaze" else what
            raise AnnotationError(f"{table} does not tell how the {who} turned", _HINT[what])
    return {word: found[word] for words, asked in wanted.values() if asked for word in words if word in found}, relative


def centred(turns: Mapping[Word, Floats]) -> tuple[dict[Word, Floats], str | None]:
    """Return turns (T,) from their usual pose, the median, within limits, and a note on what went beyond these."""
    beyond, found = 0, {}
    for word, degrees in turns.items():
        most, off = MOST_DEGREES[str(word)], degrees - np.median(degrees)
        beyond = max(beyond, int((np.abs(off) > most).sum()))
        found[word] = np.clip(off, -most, most)
    rows = max((len(degrees) for degrees in turns.values()), default=0)
    note = f"head or eyes turn further than they can here, and are held there, in {beyond} of {rows} rows"
    return found, note if beyond else None


def _filled(values: Floats) -> Floats:
    known = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(len(values)), known, values[known])


def _of_openface(columns: Mapping[str, Floats]) -> dict[Word, Floats]:
    found: dict[Word, Floats] = {}
    for word, name, sign in (("yaw", "pose_ry", -1), ("pitch", "pose_rx", -1), ("roll", "pose_rz", 1)):
        if name in columns:
            found[word] = sign * np.degrees(columns[name])
    for word, name, sign, turned in (("gaze_x", "gaze_angle_x", 1, "yaw"), ("gaze_y", "gaze_angle_y", -1, "pitch")):
        if name in columns:  # in the room: without what the head does
            found[word] = sign * np.degrees(columns[name]) - found.get(turned, 0.0)
    return found


def _of_arkit(columns: Mapping[str, Floats]) -> dict[Word, Floats]:
    def look(*ways: tuple[str, str]) -> Floats | None:
        told = [columns[to] - columns[away] for to, away in ways if to in columns and away in columns]
        return np.mean(told, axis=0) * MOST_DEGREES["gaze_x"] if told else None

    found: dict[Word, Floats] = {}
    left = look(("eyelookoutleft", "eyelookinleft"), ("eyelookinright", "eyelookoutright"))
    up = look(("eyelookupleft", "eyelookdownleft"), ("eyelookupright", "eyelookdownright"))
    across, along = _sign(columns.get("lefteyeyaw"), left, -1), _sign(columns.get("lefteyepitch"), up, 1)
    for word, name, sign in zip(HEAD, _HEADS, (across, along, across), strict=True):
        if name in columns:
            found[word] = sign * np.degrees(columns[name])
    return found | {word: told for word, told in (("gaze_x", left), ("gaze_y", up)) if told is not None}


def _sign(angle: Floats | None, told: Floats | None, usual: int) -> int:
    """Return by what an angle is multiplied to go with what the shapes of the eyes tell; `usual` where nothing does."""
    if angle is None or told is None:
        return usual
    together = float(((angle - angle.mean()) * (told - told.mean())).sum())
    return usual if together == 0 else int(np.sign(together))
