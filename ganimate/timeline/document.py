"""YAML text as a tree that knows its lines.

Of YAML only tables, lists and texts are taken. What a text means is for its reader to say, so that no ``off`` turns
into False and no ``1:30`` into 90; anchors, aliases and tags, by which a small file can grow or name code, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from ganimate.errors import TimelineError

MAX_BYTES = 256 * 1024  # some 5,000 keyframes, read in about a second
MAX_DEPTH = 6  # a timeline needs 3

_NOTHING = ("", "~", "null")  # how YAML says so
_SHAPE_HINT = "a timeline begins for example with: keyframes: [{time: 1, expression: happiness}]"


@dataclass(frozen=True)
class Scalar:
    """A text, empty where the file gives no value."""

    line: int
    text: str


@dataclass(frozen=True)
class Series:
    """A list."""

    line: int
    items: tuple[Node, ...]


@dataclass(frozen=True)
class YamlTable:
    """Keys with values; `lines` has the lines of the keys."""

    line: int
    entries: Mapping[str, Node]
    lines: Mapping[str, int]


Node: TypeAlias = Scalar | Series | YamlTable


def refusal(source: str, line: int, why: str, hint: str | None = None) -> TimelineError:
    """Return the error that something on `line` (from 1) of the file `source` is wrong."""
    return TimelineError(f"{source}, line {line}: {why}", hint)


def read_text(path: Path) -> str:
    """Return the text of the file; raises TimelineError when there is none, or too much."""
    if path.is_dir():
        raise TimelineError(f"the timeline '{path}' is a folder", "name a YAML file")
    if path.exists() and not path.is_file():
        raise TimelineError(f"the timeline '{path}' is not a regular file", "name a YAML file")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as error:  # ValueError: also a name with a zero byte
        if isinstance(error, UnicodeDecodeError) and len(data) <= MAX_BYTES:
            raise TimelineError(f"the timeline '{path}' is not a text in UTF-8", "save it as UTF-8") from error
        if not isinstance(error, UnicodeDecodeError):
            reason = getattr(error, "strerror", None) or str(error)
            raise TimelineError(f"the timeline '{path}' cannot be read: {reason}", "check the spelling") from error
    if len(data) > MAX_BYTES:
        hint = "split it, or play a table of frames with --trajectory"
        raise TimelineError(f"the timeline '{path}' is larger than {MAX_BYTES // 1024} kB", hint)
    return text


def parse_tree(text: str, source: str) -> YamlTable:
    """Return the table that `text` is; raises TimelineError for what is no YAML, no table, or refused on principle."""
    try:
        tree = _Builder(source, yaml.parse(text, Loader=yaml.SafeLoader)).tree()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = "YAML writes key: value, indents with spaces only, and puts texts with : # or quotes into quotes"
        line = 1 if mark is None else mark.line + 1
        raise refusal(source, line, f"this is not YAML: {error.problem or error.context}", hint) from error
    except yaml.YAMLError as error:  # characters that no text has
        raise TimelineError(f"{source} is not a text: {str(error).splitlines()[0]}", "write it anew") from error
    except ValueError as error:  # escapes and versions that Python cannot turn into letters and numbers
        raise TimelineError(f"{source} is not YAML: {error}", _SHAPE_HINT) from error
    if tree is None or (isinstance(tree, Scalar) and not tree.text):
        raise TimelineError(f"{source} is empty", _SHAPE_HINT)
    if not isinstance(tree, YamlTable):
        kind = "a list" if isinstance(tree, Series) else f"the text {tree.text[:40]!r}"
        raise refusal(source, tree.line, f"a timeline is a table of keys with values, and this is {kind}", _SHAPE_HINT)
    return tree


def says_something(text: str) -> bool:
    """Return whether a text has more than comments."""
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


class _Builder:
    """Puts the tree together from the parser's events, of which no more are asked for than are wanted."""

    def __init__(self, source: str, events: Iterator[Event]) -> None:
        self._source, self._events = source, events

    def tree(self) -> Node | None:
        """Return the one document, or None when there is none."""
        found: Node | None = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent) and found is not None:
                raise self._refuse(event, "a second document begins", "keep one timeline in one file, without ---")
            if isinstance(event, NodeEvent):
                found = self._node(event, 1)
        return found

    def _node(self, event: Event, depth: int) -> Node:
        line = _line(event)
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._refuse(event, "anchors and aliases (& and *) are not taken", "write the value again")
        if (tag := getattr(event, "tag", None)) is not None:
            raise self._refuse(event, f"the tag {tag[:60]} is not taken", "write the value alone, or in quotes")
        if depth > MAX_DEPTH:
            raise self._refuse(event, "lists and tables are nested too deep", _SHAPE_HINT)
        if isinstance(event, ScalarEvent):
            return Scalar(line, "" if event.style is None and event.value.lower() in _NOTHING else event.value)
        if isinstance(event, SequenceStartEvent):
            return Series(line, tuple(self._node(item, depth + 1) for item in self._until(SequenceEndEvent)))
        assert isinstance(event, MappingStartEvent)
        return self._table(line, depth)

    def _table(self, line: int, depth: int) -> YamlTable:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for event in self._until(MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise self._refuse(event, "a key is a word, not a list or a table", _SHAPE_HINT)
            if key.text in entries:
                why = f"the key {key.text[:40]!r} is there twice, first on line {lines[key.text]}"
                raise self._refuse(event, why, "leave one of them out")
            entries[key.text] = self._node(next(self._events), depth + 1)
            lines[key.text] = key.line
        return YamlTable(line, entries, lines)

    def _until(self, end: type[Event]) -> Iterator[Event]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _refuse(self, event: Event, why: str, hint: str) -> TimelineError:
        return refusal(self._source, _line(event), why, hint)


def _line(event: Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1
