"""AUs from the 52 blendshapes of MediaPipe and ARKit, which were modelled after FACS and are not FACS.

The two agree in what moves, not in how much: a blendshape is the share of the way to a sculptor's extreme, an AU what
a trained eye grades on skin; trackers also seldom rest at 0 (`eyeSquint` least of all). So intensities from here are
approximate, and playing them relative to the clip's first frame is often nearer to what was seen.

    AU 1  browInnerUp       AU 10  mouthUpperUp        AU 20  mouthStretch
    AU 2  browOuterUp       AU 12  mouthSmile          AU 22  mouthFunnel
    AU 4  browDown          AU 14  mouthDimple         AU 24  mouthPress
    AU 5  eyeWide           AU 15  mouthFrown          AU 26  jawOpen
    AU 6  cheekSquint       AU 16  mouthLowerDown      AU 28  mouthRollLower, mouthRollUpper
    AU 7  eyeSquint         AU 17  mouthShrugLower     AU 34  cheekPuff
    AU 9  noseSneer         AU 18  mouthPucker         AU 45  eyeBlink

AU 25, parted lips, is the largest of jawOpen − mouthClose, mouthUpperUp and mouthLowerDown. AU 23, tightened lips, has
no blendshape. Left and right, the person's own, stay apart. Where the eyes look is for `turns`; sideways jaws and
mouths, and the tongue are no AUs of a face that ganimate moves. Sources: Apple, ARFaceAnchor.BlendShapeLocation, for
what each shape is; Ekman, Friesen & Hager, FACS (2002), for the AUs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ganimate.facs.words import Word, order

Floats = NDArray[np.float64]

SHAPES_OF: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        1: ("browInnerUp",),
        2: ("browOuterUpLeft", "browOuterUpRight"),
        4: ("browDownLeft", "browDownRight"),
        5: ("eyeWideLeft", "eyeWideRight"),
        6: ("cheekSquintLeft", "cheekSquintRight"),
        7: ("eyeSquintLeft", "eyeSquintRight"),
        9: ("noseSneerLeft", "noseSneerRight"),
        10: ("mouthUpperUpLeft", "mouthUpperUpRight"),
        12: ("mouthSmileLeft", "mouthSmileRight"),
        14: ("mouthDimpleLeft", "mouthDimpleRight"),
        15: ("mouthFrownLeft", "mouthFrownRight"),
        16: ("mouthLowerDownLeft", "mouthLowerDownRight"),
        17: ("mouthShrugLower",),
        18: ("mouthPucker",),
        20: ("mouthStretchLeft", "mouthStretchRight"),
        22: ("mouthFunnel",),
        24: ("mouthPressLeft", "mouthPressRight"),
        26: ("jawOpen",),
        28: ("mouthRollLower", "mouthRollUpper"),
        34: ("cheekPuff",),
        45: ("eyeBlinkLeft", "eyeBlinkRight"),
    }
)
_CLOSED = "mouthClose"  # lips that stay together while the jaw is open
_SIDES = (("left", "l"), ("right", "r"))
_PREFIX = re.compile(r"(?:face[_. -]?)?(?:blend[_. -]?shapes?|bs|arkit)[_. :/-]+", re.IGNORECASE)


def _spellings() -> Iterator[tuple[str, str]]:
    """Yield the spellings of each blendshape, without case and what stands between words, and its lower-case name."""
    for name in (_CLOSED, *(name for names in SHAPES_OF.values() for name in names)):
        known = name.lower()
        yield known, known
        for side, letter in _SIDES:
            if known.endswith(side):
                yield known.removesuffix(side) + letter, known


_KNOWN_AS: Mapping[str, str] = MappingProxyType(dict(_spellings()))


def shape_of(column: str) -> str | None:
    """Return the lower-case name of the blendshape in a column; None for other columns.

    Columns are called jawOpen, JawOpen, jaw_open, mouthSmile_L or blendshape_jawOpen.
    """
    bare = _PREFIX.sub("", column, count=1) if _PREFIX.match(column) else column
    return _KNOWN_AS.get(re.sub(r"[_. -]", "", bare).lower())


def aus_of_shapes(shapes: Mapping[str, Floats]) -> dict[Word, Floats]:
    """Return the intensities, (T,) in [0, 1] each, by AU, of blendshapes (T,) in [0, 1] by their lower-case names.

    An AU all of whose blendshapes are missing is left out. Of a pair each is one side's; one alone stands for both.
    """
    means: dict[Word, Floats] = {}
    found: dict[Word, Floats] = {}
    for number, names in SHAPES_OF.items():
        present = [shapes[name.lower()] for name in names if name.lower() in shapes]
        if present:
            means[number] = np.mean(present, axis=0)
            paired = len(present) == 2 and names[0].endswith("Left")
            found |= (
                dict(zip((f"{number}L", f"{number}R"), present, strict=True)) if paired else {number: means[number]}
            )
    parting = [means[number] for number in (10, 16) if number in means]
    if 26 in means:
        parting.append(means[26] - shapes.get(_CLOSED.lower(), np.zeros_like(means[26])))
        found[25] = np.clip(np.max(parting, axis=0), 0.0, 1.0)
    return dict(sorted(found.items(), key=lambda item: order(item[0])))
