"""The command line: thin commands over the library, one file per group."""

from __future__ import annotations

from typing import Annotated

import typer

from ganimate import __version__
from ganimate.cli import (
    animate,
    batch,
    benchmark,
    drive,
    evaluate,
    faces,
    inspect,
    judge,
    mesh,
    models,
    paint,
    sheet,
    timeline,
    training,
    web,
)
from ganimate.cli.errors import TellingGroup
from ganimate.system import signals as stopping
from ganimate.system.processors import share_processors
from ganimate.system.streams import settle_standard_streams

__all__ = ["app", "main"]

app = typer.Typer(
    name="ganimate",
    cls=TellingGroup,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,  # a traceback means a bug, and is for a report, not for a box
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ganimate {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _top(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Facial animation from a single photo, steered by FACS action units (AUs).

    For example: ganimate animate me.jpg --expression happiness
    """
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


TellingGroup.order = (
    "animate", "interpolate", "drive", "timeline", "web", "batch", "sheet", "faces", "aus", "inspect", "models",
    "prepare", "train", "export", "train-judge", "train-mesh", "train-paint", "evaluate", "benchmark",
)  # fmt: skip
for group in (
    animate,
    drive,
    batch,
    timeline,
    web,
    sheet,
    faces,
    inspect,
    models,
    training,
    judge,
    mesh,
    paint,
    evaluate,
    benchmark,
):
    group.register(app)


def main() -> None:
    """Run the command line of this process; never returns."""
    settle_standard_streams()
    share_processors()
    stopping.listen()
    try:
        app(prog_name="ganimate")  # also as `python -m ganimate`
    finally:
        stopping.tidy_up()
