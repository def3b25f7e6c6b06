"""The rows of a CSV file, one after the other, so that a long table needs no memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ganimate.errors import AnnotationError

SEPARATORS = ",;\t"  # spreadsheets of some countries write semicolons
LONGEST_LINE = 1_000_000  # characters; the widest known table, py-feat's with meshes, has 40,000


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line and the cells of each row that is not blank; raises AnnotationError."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:  # -sig: spreadsheets put a byte order mark first
            lines = _lines(path, handle)
            first = next(lines, "")
            reader = csv.reader(_again(first, lines), delimiter=max(SEPARATORS, key=first.count))
            for row in reader:
                if any(row):
                    yield reader.line_num, row
    except FileNotFoundError as error:
        raise AnnotationError(f"table '{path}' does not exist", "check the spelling and the folder") from error
    except OSError as error:
        raise AnnotationError(f"{path} cannot be read: {error.strerror or error}", "check the spelling") from error
    except ValueError as error:  # such as a name that holds a NUL, or bytes that are no UTF-8
        raise _no_table(path) from error
    except csv.Error as error:
        raise _no_table(path) from error


def _no_table(path: Path) -> AnnotationError:
    return AnnotationError(f"{path} is not a table in CSV", "hand in a CSV file in UTF-8")


def _lines(path: Path, handle: TextIO) -> Iterator[str]:
    while line := handle.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise _no_table(path)
        yield line


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
        yield from rest
