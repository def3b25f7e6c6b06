"""What the commands that train share: the machine that they run on, how far they go, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganimate.cli.options import option
from ganimate.cli.settings import Group

if TYPE_CHECKING:
    from ganimate.system.progress import Progress
    from ganimate.training.machine import Machine

RUN, COURSE, MACHINE = "Run", "Course of the training", "Machine"

RunOut = Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="The run's folder.", rich_help_panel=RUN)]
Resume = Annotated[bool, option(RUN, "Go on with the run in RUN, exactly.", "--resume")]
Minutes = Annotated[float | None, option(RUN, "Save and stop after M minutes.", metavar="M", low=0)]


@dataclass(frozen=True)
class Hardware:
    """Where a training runs, as options say."""

    threads: Annotated[int | None, option(MACHINE, "Threads of the CPU.", metavar="N", low=1, shown="one a core")] = (
        None
    )
    device: Annotated[str, option(MACHINE, "auto, cpu, cuda, cuda:1, mps …", metavar="NAME", shown=True)] = "auto"

    def machine(self) -> Machine:
        """Return the same for the library."""
        from ganimate.training.machine import Machine

        return Machine(self.device, self.threads)


OnHardware = Annotated[Hardware, Group()]


def until_stopped(train: Callable[[Callable[[], bool], Progress], Path], quiet: bool) -> None:
    """Run a training that saves when it is told to stop, print the path that it returns, and leave.

    Of several processes that torchrun has started, only the first one speaks.
    """
    from ganimate.cli.console import Display
    from ganimate.system.progress import Silent
    from ganimate.system.share import Share
    from ganimate.system.signals import StopWish

    first = Share.own().first
    wish, display = StopWish(), Display(quiet) if first else Silent()
    with wish.listening():
        try:
            result = train(wish, display)
        except KeyboardInterrupt:
            display.note("stopped at once; the last checkpoint stays")
            raise typer.Exit(wish.exit_code or 130) from None
    if first:
        typer.echo(result)
    raise typer.Exit(wish.exit_code)
