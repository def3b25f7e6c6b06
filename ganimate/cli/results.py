"""What commands print when a job is done: where the result is, or all about it, and what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ganimate.cli.console import Display, print_json
from ganimate.cli.errors import UNCONVINCED

if TYPE_CHECKING:
    from ganimate.animation.job import Job, Result
    from ganimate.cli.options import Beside, Telling


def run_job(job: Job, beside: Beside, told: Telling) -> None:
    """Do the job, with the AUs of every frame on stderr where they are wanted, and print its result."""
    display = Display(told.quiet)
    scene = job.prepare(display)
    if beside.print_trajectory:
        for table in scene.tables():
            typer.echo(table, err=True)
    print_result(job.record(scene, display), display, as_json=told.json, strict=job.scrutiny.strict)


def print_result(result: Result, display: Display, *, as_json: bool, strict: bool = False) -> None:
    """Print where the result is, or all about it as JSON, and warn of doubts; `strict` ends with an exit code then."""
    if as_json:
        print_json(result.facts)
    else:
        typer.echo(result.path)
    for doubt in result.doubts:
        display.warn(doubt.message, doubt.hint)
    if result.doubts and strict:
        raise typer.Exit(UNCONVINCED)
