"""What commands print when a job is done: where the result is, or all about it, and what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ganimate.cli.console import Display, print_json
from ganimate.cli.errors import UNCONVINCED

if TYPE_CHECKING:
    from ganimate.animation.job import Job, Result


def run_job(job: Job, *, print_trajectory: bool, quiet: bool, as_json: bool) -> None:
    """Do the job, with the AUs of every frame on stderr where they are wanted, and print its result."""
    from ganimate.trajectory import format_trajectory

    display = Display(quiet)
    scene = job.prepare(display)
    if print_trajectory:
        for path in scene.trajectories:
            typer.echo(format_trajectory(path), err=True)
    print_result(job.record(scene, display), display, as_json=as_json, strict=job.scrutiny.strict)


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
