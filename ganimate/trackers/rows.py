"""The rows of a table, one after the other, so that a long one needs no memory: CSV in all its dialects.

Read are commas, semicolons and tabs; UTF-8 and UTF-16, with a byte order mark or without; and decimal commas, which
spreadsheets write in many countries, with semicolons or in quotes.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from ganimate.errors import AnnotationError
from ganimate.trackers.results import is_json, json_rows

SEPARATORS = ",;\t"  # spreadsheets of some countries write semicolons
LONGEST_LINE = 1_000_000  # characters; the widest known table, py-feat's with meshes, has 40,000
_SAMPLE = 100  # rows in which decimal commas are looked for
_SEPARATOR_LINE = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)  # what Excel writes first for itself
_COMMA = re.compile(r"\s*[+-]?\d*,\d+(?:e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*", re.ASCII)  # 1,033 is a thousand and more in some countries
# How tools write that there is no number: C's nan with its sign and payload, and that of old Windows libraries.
_MISSING = re.compile(r"[+-]?nan(?:\(.*\))?|[+-]?1\.#(?:ind|qnan|snan)\w*|n/?a|null|none|-+", re.IGNORECASE)

Rows = Iterator[tuple[int, list[str]]]


def read_rows(path: Path) -> Rows:
    """Yield the number of the line and the cells of each row that is not blank; raises AnnotationError.

    Numbers have decimal points, whatever the file has. The lists of JSON that MediaPipe's results are saved as come as
    rows, too.
    """
    try:
        with open(path, newline="", encoding=_encoding(path)) as handle:
            if is_json(handle):
                yield from json_rows(path, handle)
            else:
                yield from _csv_rows(path, handle)
    except FileNotFoundError as error:
        raise AnnotationError(f"table '{path}' does not exist", "check the spelling and the folder") from error
    except OSError as error:
        raise AnnotationError(f"{path} cannot be read: {error.strerror or error}", "check the spelling") from error
    except ValueError as error:  # such as a name that holds a NUL, or bytes that are no UTF-8
        raise _no_table(path) from error
    except csv.Error as error:
        raise _no_table(path) from error


def number(cell: str) -> float | None:
    """Return the finite number in a cell, NaN where it is empty or says that there is none, and else None."""
    if not cell:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        return math.nan if _MISSING.fullmatch(cell.strip()) else None
    return None if math.isinf(value) else value


def cell_at(row: Sequence[str], place: int | None) -> str:
    """Return the text of a row's cell, without spaces around it, "" where the row or the column has none."""
    return "" if place is None or place >= len(row) else row[place].strip()


def _encoding(path: Path) -> str:
    """Return how the letters of a file are stored: by its byte order mark, or by the zeros between the letters."""
    with open(path, "rb") as file:
        head = file.read(64)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(head) >= 4 and not any(head[1::2]) and all(head[::2]):
        return "utf-16-le"
    if len(head) >= 4 and not any(head[::2]) and all(head[1::2]):
        return "utf-16-be"
    return "utf-8-sig"  # -sig: spreadsheets put a byte order mark first


def _csv_rows(path: Path, handle: TextIO) -> Rows:
    lines = _lines(path, handle)
    skipped, first = _first_line(lines)
    told = _SEPARATOR_LINE.fullmatch(first)
    if told:
        more, first = _first_line(lines)
        skipped += 1 + more
    separator = told[1] if told else max(SEPARATORS, key=first.count)
    reader = csv.reader(chain([first] if first else [], lines), delimiter=separator)
    rows = ((skipped + reader.line_num, row) for row in reader if any(row))
    sample = list(islice(rows, _SAMPLE))
    whole = chain(sample, rows)
    yield from map(_with_points, whole) if _has_decimal_commas(separator, sample) else whole


def _first_line(lines: Iterator[str]) -> tuple[int, str]:
    """Return how many blank lines there are first, and the line after them."""
    for count, line in enumerate(lines):
        if line.strip():
            return count, line
    return 0, ""


def _has_decimal_commas(separator: str, rows: Iterable[tuple[int, list[str]]]) -> bool:
    """Say whether commas in numbers are decimal ones: all are, but for those that commas separate and may group."""
    cells = (cell for _, row in rows for cell in row if "," in cell and _COMMA.fullmatch(cell))
    return any(separator != "," or not _THOUSANDS.fullmatch(cell) for cell in cells)


def _with_points(numbered: tuple[int, list[str]]) -> tuple[int, list[str]]:
    line, row = numbered
    return line, [cell.replace(",", ".") if "," in cell and _COMMA.fullmatch(cell) else cell for cell in row]


def _no_table(path: Path) -> AnnotationError:
    return AnnotationError(f"{path} is not a table in CSV", "hand in a CSV file in UTF-8")


def _lines(path: Path, handle: TextIO) -> Iterator[str]:
    while line := handle.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE or "\0" in line:  # no text has a NUL, and bytes that pass for UTF-16 often do
            raise _no_table(path)
        yield line
