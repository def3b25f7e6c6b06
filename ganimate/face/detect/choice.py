"""The faces that are chosen among those that were found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ganimate.errors import FaceError
from ganimate.face.crop import Face

Selection = Literal["largest", "all"] | int | Sequence[int]


def choose_faces(faces: Sequence[Face], selection: Selection = "largest") -> list[Face]:
    """Return the chosen ones of `faces`: the largest, all, or by number as `ganimate faces` lists them, from 1.

    Numbers may come in any order; a face that is named twice is returned once. Raises FaceError when there is no
    face at all, or none of that number.
    """
    if not faces:
        raise FaceError(
            "no face was found in the photo",
            "use a photo that shows a face from the front, at least 40 px wide, or try the slower --detector cnn",
        )
    if selection == "all":
        return list(faces)
    if selection == "largest":
        return [max(faces, key=lambda face: face.box.area)]
    if isinstance(selection, str):
        raise FaceError(f"faces cannot be chosen by {selection!r}", "say largest, all, or a number")
    numbers = [selection] if isinstance(selection, int) else list(dict.fromkeys(selection))
    if not numbers:
        raise FaceError("no face was chosen", "say largest, all, or a number")
    for number in numbers:
        if not 1 <= number <= len(faces):
            there_are = "there is only 1 face" if len(faces) == 1 else f"there are only {len(faces)} faces"
            hint = "`ganimate faces PHOTO` lists and numbers them"
            if number == 0:
                hint = f"they count from 1, the largest; {hint}"
            raise FaceError(f"face {number} was asked for, but {there_are}", hint)
    return [faces[number - 1] for number in numbers]
