"""What a command says: results on stdout, notes and progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

Item = TypeVar("Item")
PIPED_WIDTH = 160  # tables for other programs are not folded to the width of a terminal


def print_json(result: Any) -> None:
    """Print plain data as JSON on stdout; where its encoding lacks letters, these as JSON's escapes."""
    text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(result, indent=2, allow_nan=False)
    typer.echo(text)


def printable(text: str) -> str:
    """Return `text` with what steers terminals spelled out, as names and tables of strangers may hold it."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def print_table(table: Table, *, err: bool = False) -> None:
    """Print a table on stdout, or on stderr."""
    console = _console(err)
    with console.capture() as captured:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()), err=err)


def plain_table(*headers: str, numeric: tuple[int, ...] = (), title: str | None = None) -> Table:
    """Return a table without lines; the columns at the places `numeric` are aligned to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title=title, title_justify="left", title_style="bold")
    for place, header in enumerate(headers):
        table.add_column(header, justify="right" if place in numeric else "left", header_style="dim")
    return table


def cut_last_column(table: Table, beside: int) -> None:
    """Keep each row of a table for stdout on one line of the terminal; the other columns are `beside` letters wide."""
    last = table.columns[-1]
    last.max_width, last.no_wrap, last.overflow = max(8, _console(err=False).width - beside), True, "ellipsis"


def bar(value: float, width: int = 20) -> str:
    """Return `value` in [0, 1] as a bar of `width` letters."""
    full = round(min(max(value, 0.0), 1.0) * width)
    return "█" * full + "·" * (width - full)


def _console(err: bool) -> Console:
    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else PIPED_WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


class Display:
    """Notes and progress of one command, on stderr; progress only where somebody is watching."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._console = _console(err=True)
        self._watched = self._console.is_terminal and not quiet

    def note(self, text: str) -> None:
        """Print one line; while a bar is shown, above it."""
        text = printable(text)
        if self._watched:
            self._console.print(text, soft_wrap=True)
        elif not self.quiet:
            typer.echo(text, err=True)

    def table(self, table: Table) -> None:
        """Print a table."""
        if not self.quiet:
            print_table(table, err=True)

    @contextmanager
    def stage(self, text: str) -> Iterator[None]:
        """Show that something is going on, for as long as the block lasts."""
        if not self._watched:
            yield
            return
        with self._console.status(text):
            yield

    @contextmanager
    def progress(self, text: str, total: int, after: str) -> Iterator[_Counter]:
        """Show a bar for `total` items while the block passes them through the counter, and then the text `after`."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        bars = Progress(
            *columns, TimeRemainingColumn(), console=self._console, transient=True, disable=not self._watched
        )
        with bars:
            yield _Counter(bars, text, total, after)


class _Counter:
    def __init__(self, bars: Progress, text: str, total: int, after: str) -> None:
        self._bars, self._after = bars, after
        self._task = bars.add_task(text, total=total)

    def __call__(self, items: Iterator[Item]) -> Iterator[Item]:
        """Yield `items`, counting."""
        for item in items:
            yield item
            self._bars.advance(self._task)
        self._bars.update(self._task, description=self._after)
