"""How long work speaks of itself: a protocol for the library, which the command line and the page implement.

Results are returned, never told here: what is said to a `Progress` is for people who watch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Table:
    """Rows of texts under `headings`; columns at the places `numeric` hold numbers. No headings: none are shown."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()
    title: str | None = None


class Counter(Protocol):
    """What counts items on their way."""

    def __call__(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield `items`, counting."""
        ...

    def describe(self, text: str, line: str) -> None:
        """Tell how it goes: `text` beside the bar; `line`, now and then, where there is no bar."""
        ...


class Progress(Protocol):
    """Whoever listens to long work."""

    def note(self, text: str) -> None:
        """Tell one line."""
        ...

    def warn(self, message: str, hint: str | None = None) -> None:
        """Tell what speaks against a result that is made all the same, and what can be done."""
        ...

    def table(self, table: Table) -> None:
        """Tell a table."""
        ...

    def stage(self, text: str) -> AbstractContextManager[None]:
        """Tell that something is going on, for as long as the block lasts."""
        ...

    def count(self, text: str, total: int, after: str = "", done: int = 0) -> AbstractContextManager[Counter]:
        """Tell how many of `total` items the block has passed through the counter, and after the last `after`.

        `done` of them came before.
        """
        ...


class Silent:
    """The progress that nobody listens to."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def warn(self, message: str, hint: str | None = None) -> None:
        """Say nothing."""

    def table(self, table: Table) -> None:
        """Say nothing."""

    @contextmanager
    def stage(self, text: str) -> Iterator[None]:
        """Say nothing."""
        yield

    @contextmanager
    def count(self, text: str, total: int, after: str = "", done: int = 0) -> Iterator[Counter]:
        """Say nothing, and pass all items on."""
        yield _SilentCounter()


class _SilentCounter:
    def __call__(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass all items on."""
        yield from items

    def describe(self, text: str, line: str) -> None:
        """Say nothing."""
