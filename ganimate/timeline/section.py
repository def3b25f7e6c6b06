"""One table of a timeline file, read key by key; every error names the file, the line, the key and the remedy."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from ganimate.errors import ExpressionError, TimelineError
from ganimate.facs import did_you_mean
from ganimate.timeline.contents import Refusal
from ganimate.timeline.document import Node, Scalar, Series, YamlTable, refusal

LONGEST_QUOTE = 40  # letters of a wrong value that are repeated
LONGEST_TEXT = 1000  # letters of a value: all AUs there are, and room


class Section:
    """The table `node` of the file `source`, which may have `keys` and is called `what` in sentences.

    Raises TimelineError for another node than a table, and for unknown keys.
    """

    def __init__(self, source: str, node: Node, what: str, keys: Collection[str]) -> None:
        if not isinstance(node, YamlTable):
            hint = f"write {{key: value, …}} with the keys {', '.join(keys)}"
            raise refusal(source, node.line, f"{what} is a table of keys with values, not {kind(node)}", hint)
        self.source, self.table, self.what = source, node, what
        for key, line in node.lines.items():
            if key not in keys:
                hint = did_you_mean(key, keys) or f"its keys are {', '.join(keys)}"
                if node.entries[key] == Scalar(line, ""):  # what YAML makes of {expression: 1=1,2=1}
                    hint = "put a text that has commas into quotes; decimals take a point"
                raise refusal(source, line, f"{what} has no key {key[:LONGEST_QUOTE]!r}", hint)

    def __contains__(self, key: str) -> bool:
        return key in self.table.entries

    def refuse(self, path: Sequence[str | int], why: str, hint: str | None = None) -> TimelineError:
        """Return the error about the value that `path` leads to, as far as there is one."""
        return refusal(self.source, _line_of(self.table, path), why, hint)

    @contextmanager
    def placed(self, *path: str | int) -> Iterator[None]:
        """Give the block's errors about a value, or about what `path` leads to, a place in the file."""
        try:
            yield
        except Refusal as error:
            raise self.refuse((*path, *error.path), error.message, error.hint) from error
        except ExpressionError as error:
            key = next((f"{step}: " for step in reversed(path) if isinstance(step, str)), "")
            raise self.refuse(path, f"{key}{error.message}", error.hint) from error

    def text(self, key: str, default: str | None = None, hint: str | None = None) -> str:
        """Return the text of `key`; `hint` is for one that is missing."""
        node = self.table.entries.get(key)
        if node is None:
            if default is None:
                raise self.refuse((), f"{self.what} lacks the key {key!r}", hint)
            return default
        if not isinstance(node, Scalar):
            raise self.refuse((key,), f"{key} is one value, not {kind(node)}", hint)
        if not node.text.strip():
            raise self.refuse((key,), f"{key} has no value", hint or f"write one after {key}:, or leave the key out")
        if len(node.text) > LONGEST_TEXT:
            message = f"{key} is a text of {len(node.text)} letters, where {LONGEST_TEXT} are the most"
            raise self.refuse((key,), message, "is a quote missing at its end?")
        return node.text.strip()

    def seconds(self, key: str, default: float | None = None) -> float:
        """Return the number of `key`."""
        return self.number(key, default, "write seconds from the start, such as 0.5 or 62.5")

    def number(self, key: str, default: float | None = None, hint: str = "write a number such as 25") -> float:
        """Return the finite number of `key`; `hint` says what one looks like."""
        if key not in self and default is not None:
            return default
        text = self.text(key, hint=hint)
        try:
            number = float(text)
        except ValueError:
            raise self.refuse((key,), f"{key} is {text[:LONGEST_QUOTE]!r}, which is not a number", hint) from None
        if not math.isfinite(number):
            raise self.refuse((key,), f"{key} must be finite, not {number}", hint)
        return number

    def count(self, key: str, default: int) -> int:
        """Return the whole number of `key`."""
        number = self.number(key, default, "write a whole number such as 2")
        if number != int(number) or abs(number) >= 2**63:
            raise self.refuse((key,), f"{key} must be a whole number, not {number:g}", "such as 2")
        return int(number)

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        """Return the word of `key`, one of `choices`."""
        word = self.text(key, default).lower()
        if word not in choices:
            hint = did_you_mean(word, choices) or f"choose one of {', '.join(choices)}"
            raise self.refuse((key,), f"there is no {key} {word[:LONGEST_QUOTE]!r}", hint)
        return word

    def items(self, key: str) -> tuple[Node, ...]:
        """Return the list of `key`, empty when there is no such key."""
        node = self.table.entries.get(key)
        if node is None:
            return ()
        if not isinstance(node, Series):
            hint = f"write each of them on a line of its own that begins with a dash, below {key}:"
            raise self.refuse((key,), f"{key} is a list, not {kind(node)}", hint)
        return node.items


def kind(node: Node) -> str:
    """Return what a node is, for a sentence."""
    if isinstance(node, Scalar):
        return f"the text {node.text[:LONGEST_QUOTE]!r}" if node.text else "empty"
    return "a list" if isinstance(node, Series) else "a table"


def _line_of(node: Node, path: Sequence[str | int]) -> int:
    """Return the line of what `path` leads to from `node`, or of the last thing on the way that there is."""
    line = node.line
    for step in path:
        if isinstance(node, YamlTable) and step in node.entries:
            line, node = node.lines[str(step)], node.entries[str(step)]
        elif isinstance(node, Series) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
    return line
