"""The formats of tables that tell what a face did: which columns they have, and what those mean.

    openface     AU01_r … (0 to 5); `success`, `confidence`
    libreface    au_1_intensity … (0 to 5)
    trajectory   time_s, AU01, AU12L … (0 to 1), as --save-trajectory writes
    py-feat      AU01 … (0 to 1); `FaceScore`. AU43, closed eyes, stands for AU45
    blendshapes  browInnerUp … (0 to 1), in any spelling: MediaPipe, ARKit, Live Link Face (`blendshapes`)

Columns that only say whether an AU is there (OpenFace's AU01_c, LibreFace's au_1) are not used, not even for AUs that
have no other: an AU that jumps between 0 and 1 is no movement. Such AUs stay as the photo shows them.

Sources: the OpenFace wiki, "Output Format"; LibreFace's README; py-feat's Fex files and Live Link Face's recordings as
published with the tools that read them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ganimate.errors import AnnotationError
from ganimate.facs import Word
from ganimate.facs.words import order
from ganimate.trackers.blendshapes import Floats, aus_of_shapes, shape_of

OPENFACE_TOP = 5.0  # OpenFace grades intensity from 0 to 5
CODED_AS: Mapping[int, int] = MappingProxyType({45: 43})  # on a still photo a blink (45) is coded as closed eyes (43)


@dataclass(frozen=True)
class Format:
    """One kind of table: its `name` for ``--format``, its `title` and an `example` of its columns for people.

    `pattern` matches a column of AUs, whose values go from 0 to `top`; without one, columns are blendshapes. `needs` is
    a column that must be there as well. `stand_ins` maps an AU to the one that stands for it where it is missing.
    """

    name: str
    title: str
    example: str
    top: float = 1.0
    pattern: re.Pattern[str] | None = None
    needs: str | None = None
    stand_ins: Mapping[int, int] = field(default_factory=dict)

    def columns(self, table: str, header: Sequence[str]) -> dict[str, int]:
        """Return where the columns of AUs or blendshapes are, by AU number or lower-case name; none if it is no such.

        Raises AnnotationError when two columns of the file called `table` are of one AU.
        """
        if self.needs is not None and self.needs not in (name.lower() for name in header):
            return {}
        found: dict[str, int] = {}
        for place, name in enumerate(header):
            key = self._key(name)
            if key is None:
                continue
            if key in found:
                raise AnnotationError(f"{table} has two columns for one thing: {header[found[key]]!r} and {name!r}")
            found[key] = place
        return found

    def _key(self, name: str) -> str | None:
        if self.pattern is None:
            return shape_of(name)
        match = self.pattern.fullmatch(name)
        return None if match is None else "".join([str(int(match[1])), *match.groups("")[1:]]).upper()

    def label(self, key: str) -> str:
        """Return the name for people of a column that `columns` found."""
        return key if self.pattern is None else f"AU{key}"

    def aus(self, values: Mapping[str, Floats]) -> dict[Word, Floats]:
        """Return intensities (T,) in [0, 1] by AU, or its side, of columns (T,) from 0 to `top`."""
        if self.pattern is None:
            return aus_of_shapes({key: column / self.top for key, column in values.items()})
        found: dict[Word, Floats] = {
            int(key) if key.isdigit() else key: column / self.top for key, column in values.items()
        }
        for number, other in self.stand_ins.items():
            if other in found and number not in found:
                found[number] = found.pop(other)
        return dict(sorted(found.items(), key=lambda item: order(item[0])))


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII | re.IGNORECASE)


_NUMBER = r"0*([1-9]\d{0,2})"
_FORMATS = (  # the first that fits is taken: py-feat's tables hold blendshapes as well
    Format("openface", "OpenFace", "AU01_r", OPENFACE_TOP, _pattern(f"AU{_NUMBER}_r")),
    Format("libreface", "LibreFace", "au_1_intensity", 5.0, _pattern(f"au_{_NUMBER}_intensity")),
    Format("trajectory", "a saved trajectory", "time_s,AU01", pattern=_pattern(f"AU{_NUMBER}([LR]?)"), needs="time_s"),
    Format("py-feat", "py-feat", "AU01", pattern=_pattern(f"AU{_NUMBER}"), stand_ins=CODED_AS),
    Format("blendshapes", "blendshapes of MediaPipe or ARKit", "jawOpen"),
)
FORMATS: Mapping[str, Format] = MappingProxyType({each.name: each for each in _FORMATS})


def choose_format(table: str, header: Sequence[str], name: str | None = None) -> tuple[Format, dict[str, int]]:
    """Return the format of a table with these column names, by default the first that fits, and its columns.

    Raises AnnotationError, with the columns found, when none fits, or not the one called `name`.
    """
    if name is not None and name not in FORMATS:
        raise AnnotationError(f"there is no table format {name!r}", f"choose one of {', '.join(FORMATS)}")
    for each in _FORMATS if name is None else (FORMATS[name],):
        if columns := each.columns(table, header):
            return each, columns
    begin = ", ".join(column[:40] for column in header[:6])
    found = f"its columns are {begin}" + (f" … ({len(header)} in all)" if len(header) > 6 else "")
    known = "; ".join(f"{each.example} ({each.name})" for each in _FORMATS)
    if name is not None:
        message = f"{table} has no columns of {FORMATS[name].title}, such as {FORMATS[name].example}: {found}"
        raise AnnotationError(message, f"known columns and formats: {known}")
    message = f"{table} has no columns of AUs or blendshapes that are known here: {found}"
    raise AnnotationError(message, f"known are {known}")
