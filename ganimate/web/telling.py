"""What the page says: errors as on the command line, and progress."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import ganimate
from ganimate.web.light import gradio as gr

Item = TypeVar("Item")


def sentence(error: BaseException) -> tuple[str, str | None]:
    """Return message and hint of an error that may be told; what is a bug is raised again."""
    if isinstance(error, ganimate.GanimateError):
        return error.message, error.hint
    if isinstance(error, MemoryError):
        return "there is not enough memory for this", "use a smaller photo, or close other programs"
    raise error


def told_html(message: str, hint: str | None) -> str:
    """Return an error as the page shows it."""
    advice = f"<br><span class='hint'>hint: {html.escape(hint)}</span>" if hint else ""
    return f"<div class='trouble' role='alert'>error: {html.escape(message)}{advice}</div>"


def notes_html(notes: Iterable[str]) -> str:
    """Return notes as the page shows them."""
    lines = "<br>".join(html.escape(note) for note in notes)
    return f"<div class='notes' role='status'>{lines}</div>" if lines else ""


def readings_html(reader: str, rows: Iterable[tuple[str, str, float, float | None]]) -> str:
    """Return a table of AUs: label, name, asked and read again."""
    body = "".join(
        f"<tr><th scope='row'>{html.escape(label)}</th><td>{html.escape(name)}</td><td>{asked:.2f}</td>"
        f"<td>{'not known' if read is None else f'{read:.2f}'}</td></tr>"
        for label, name, asked, read in rows
    )
    heads = "<tr><th scope='col'>AU</th><th></th><th scope='col'>asked</th><th scope='col'>read</th></tr>"
    who = f"<p>Asked, and read again from the finished picture by {html.escape(reader)}.</p>"
    return f"{who}<table class='readings'><thead>{heads}</thead><tbody>{body}</tbody></table>"


class PageProgress:
    """Tells the page how long work goes; notes and warnings are kept, to be shown when it is done."""

    def __init__(self, progress: gr.Progress) -> None:
        self._progress = progress
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep a line."""
        self.notes.append(text)

    def warn(self, message: str, hint: str | None = None) -> None:
        """Keep a warning."""
        self.notes.append(f"warning: {message}" + (f"; {hint}" if hint else ""))

    def table(self, table: ganimate.Table) -> None:
        """Keep the rows of a table, a line each."""
        self.notes += ["  ".join(cell.strip() for cell in row) for row in table.rows]

    def stage(self, text: str) -> AbstractContextManager[None]:
        """Show what is going on."""
        self._progress(None, desc=text)
        return nullcontext()

    @contextmanager
    def count(self, text: str, total: int, after: str = "", done: int = 0) -> Iterator[PageCounter]:
        """Show how far it is."""
        yield PageCounter(self._progress, text, total, done)
        if after:
            self._progress(None, desc=after)


class PageCounter:
    """Counts items on their way."""

    def __init__(self, progress: gr.Progress, text: str, total: int, done: int) -> None:
        self._progress, self._text, self._total, self._done = progress, text, total, done

    def __call__(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield `items`, showing how many have passed."""
        for number, item in enumerate(items, self._done):
            self._progress((number, self._total), desc=self._text)
            yield item

    def describe(self, text: str, line: str) -> None:
        """Show another text beside the bar."""
        self._text = text
