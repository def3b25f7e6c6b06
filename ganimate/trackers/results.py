"""Results of MediaPipe's face landmarker, saved as JSON, as the rows of a table.

Taken is what its Python and its JavaScript write: one result, a list of them (also below a key such as ``frames``), or
one a line. Each has a list of categories a face under ``face_blendshapes`` or ``faceBlendshapes``, and where it was
saved a time and the landmarks, by which several faces are followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from ganimate.errors import AnnotationError

MOST_BYTES = 500_000_000  # an hour of results with nothing but their blendshapes
_HINT = "hand in a CSV file, or MediaPipe's results with face_blendshapes as JSON"
_FARTHEST = 1e6  # in pictures: what is beyond is no place of a landmark, and JSON has numbers of any length
_BOX = ("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight")

Row: TypeAlias = dict[str, str]


def is_json(handle: TextIO) -> bool:
    """Say whether a text that was just opened begins as JSON does, and leave it at its beginning."""
    begin = handle.read(256).lstrip("\ufeff \t\r\n")
    handle.seek(0)
    return begin.startswith(("{", "["))


def json_rows(path: Path, handle: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Yield the header and a row for each face of each result, with the result's number; raises AnnotationError."""
    text = handle.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise AnnotationError(f"{path} is larger than {MOST_BYTES // 1_000_000} MB", "cut it into parts")
    try:
        results = list(_results(_values(text)))
    except (ValueError, RecursionError) as error:
        raise AnnotationError(f"{path} is neither a table in CSV nor JSON", _HINT) from error
    if not results:
        raise AnnotationError(f"{path} has no list called face_blendshapes", _HINT)
    rows = [(count, row) for count, result in enumerate(results, 1) for row in _faces(result)]
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    yield 0, names
    for count, row in rows:
        yield count, [row.get(name, "") for name in names]


def _values(text: str) -> Iterator[Any]:
    """Yield the values of a text of JSON: the only one, or one a line."""
    try:
        yield json.loads(text)
    except json.JSONDecodeError:
        for line in text.splitlines():
            if line.strip():
                yield json.loads(line)


def _results(values: Iterator[Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the results in what was read, wherever they stand in it."""
    for value in values:
        if isinstance(value, Mapping) and _under(value, "face_blendshapes") is not None:
            yield value
        elif isinstance(value, Mapping):
            yield from _results(iter(value.values()))
        elif isinstance(value, list):
            yield from _results(iter(value))


def _under(table: Mapping[str, Any], name: str) -> Any:
    """Return what stands under a name in snake case, or under the same in camel case."""
    return table.get(name, table.get(re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)))


def _faces(result: Mapping[str, Any]) -> Iterator[Row]:
    """Yield a row for each face of a result, one without values where there is none."""
    common = {
        re.sub(r"([A-Z])", lambda letter: f"_{letter[1].lower()}", key): _text(value)
        for key, value in result.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    shapes = _listed(_under(result, "face_blendshapes"))
    if shapes and all(_name(each) for each in shapes):  # the categories of one face, without a list around it
        shapes = [shapes]
    landmarks = _listed(_under(result, "face_landmarks"))
    for face, points in zip_longest(shapes or [[]], landmarks[: len(shapes)], fillvalue=()):
        yield common | _box(points) | _scores(face)


def _scores(face: Any) -> Row:
    """Return the scores of one face by the names of their blendshapes."""
    if isinstance(face, Mapping) and "categories" not in face:
        return {str(name): _text(score) for name, score in face.items()}
    categories = _listed(face.get("categories") if isinstance(face, Mapping) else face)
    return {name: _text(each.get("score")) for each in categories if (name := _name(each))}


def _name(category: Any) -> str:
    return str(_under(category, "category_name") or "") if isinstance(category, Mapping) else ""


def _box(points: Any) -> Row:
    """Return where the landmarks of a face are, in shares of the picture."""
    places = [(point.get("x"), point.get("y")) for point in _listed(points) if isinstance(point, Mapping)]
    known = [(x, y) for x, y in places if isinstance(x, int | float) and isinstance(y, int | float)]
    if not known or not all(abs(number) < _FARTHEST for place in known for number in place):
        return {}
    (left, right), (top, bottom) = ((min(side), max(side)) for side in zip(*known, strict=True))
    return dict(zip(_BOX, map(_text, (left, top, right - left, bottom - top)), strict=True))


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, int | float) else ""
