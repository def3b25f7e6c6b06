"""What a command says: results on stdout, notes and progress on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table as Grid

from ganimate.system.progress import Table

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

Item = TypeVar("Item")
PIPED_WIDTH = 160  # tables for other programs are not folded to the width of a terminal
LINE_EVERY_S = 25.0  # of work that goes on where nobody watches: with the step that is under way, twice a minute


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


def print_said(kind: str, colour: str, message: str, hint: str | None = None) -> None:
    """Print ``KIND: message`` and ``hint: …`` on stderr, each on one line."""
    typer.echo(f"{typer.style(f'{kind}:', fg=colour, bold=True)} {_one_line(message)}", err=True)
    if hint:
        typer.echo(f"{typer.style('hint:', bold=True)} {_one_line(hint)}", err=True)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def print_table(table: Table, *, err: bool = False, last_column_beside: int | None = None) -> None:
    """Print a table on stdout, or on stderr.

    With `last_column_beside` each row stays on one line of the terminal: the last column is cut to what its width
    leaves beside the others, which are so many letters wide.
    """
    console = _console(err)
    grid = _grid(table)
    if last_column_beside is not None:
        last = grid.columns[-1]
        last.max_width, last.no_wrap, last.overflow = max(8, console.width - last_column_beside), True, "ellipsis"
    with console.capture() as captured:
        console.print(grid)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()), err=err)


def _grid(table: Table) -> Grid:
    """Return a table as rich draws it: without lines, numbers to the right."""
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left", title_style="bold")
    grid.title, grid.show_header = table.title, any(table.headings)
    for place, heading in enumerate(table.headings):
        grid.add_column(heading, justify="right" if place in table.numeric else "left", header_style="dim")
    for row in table.rows:
        grid.add_row(*row)
    return grid


def bar(value: float, width: int = 20) -> str:
    """Return `value` in [0, 1] as a bar of `width` letters."""
    full = round(min(max(value, 0.0), 1.0) * width)
    return "█" * full + "·" * (width - full)


def _console(err: bool) -> Console:
    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else PIPED_WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


class Display:
    """The `Progress` of one command, on stderr: bars and stages only where somebody is watching."""

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

    def warn(self, message: str, hint: str | None = None) -> None:
        """Print ``warning: …`` and ``hint: …``, each on one line; --quiet does not silence it."""
        print_said("warning", "yellow", message, hint)

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
    def count(self, text: str, total: int, after: str = "", done: int = 0) -> Iterator[_Counter]:
        """Show a bar for `total` items while the block passes them through the counter, and then the text `after`."""
        from ganimate.cli.bars import make_bars

        with make_bars(self._console, self._watched) as bars:
            task = bars.add_task(text, total=total, completed=done, beside="")
            yield _Counter(self, bars, task, after or text)


class _Counter:
    def __init__(self, display: Display, bars: Bars, task: TaskID, after: str) -> None:
        self._display, self._bars, self._task, self._after = display, bars, task, after
        self._told_at_s = time.monotonic()

    def __call__(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield `items`, counting."""
        for item in items:
            yield item
            self._bars.advance(self._task)
        self._bars.update(self._task, description=self._after)

    def describe(self, text: str, line: str) -> None:
        """Show `text` beside the bar; where nobody watches, print `line` if none was printed for a while."""
        self._bars.update(self._task, beside=text)
        now_s = time.monotonic()
        if self._bars.disable and now_s - self._told_at_s >= LINE_EVERY_S:
            self._told_at_s = now_s
            self._display.note(line)
