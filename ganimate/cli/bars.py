"""The bar of work that is counted; loaded when there is something to count, not for help."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _Beside(TimeRemainingColumn):
    """What the work tells of its own pace, or else the time left by the pace so far."""

    def render(self, task: Task) -> Text:
        """Return what stands beside the bar."""
        return Text(task.fields["beside"]) if task.fields["beside"] else super().render(task)


def make_bars(console: Console, shown: bool) -> Progress:
    """Return bars on a console, which show nothing unless `shown`; their tasks have a field `beside`."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Beside())
    return Progress(*columns, console=console, transient=True, disable=not shown)
