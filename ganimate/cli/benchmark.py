"""`ganimate benchmark`: where the time of the whole job goes."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from ganimate.cli import options
from ganimate.cli.console import bar, print_json, print_table
from ganimate.cli.settings import with_settings
from ganimate.system.progress import Table

Size = Annotated[
    str | None,
    typer.Option(
        metavar="WxH", help="Fit the photo into a frame of this size, so that results compare.", show_default=False
    ),
]
FrameCount = Annotated[int, typer.Option("--frames", min=2, max=10_000, metavar="N", help="Frames to make.")]
ResultKind = Annotated[options.ResultName, typer.Option("--to", help="What to write; it is thrown away.")]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(benchmark)


@with_settings
def benchmark(
    photo: options.Photo,
    size: Size = None,
    frames: FrameCount = 24,
    to: ResultKind = options.ResultName.mp4,
    json: options.Json = False,
    *,
    setup: options.Means,
) -> None:
    """Time the whole job, stage by stage, in this one cold process: the largest face of PHOTO smiles.

    For example: ganimate benchmark examples/astronaut.jpg --size 1920x1080
    """
    from ganimate.animation.benchmark import benchmark as measure

    facts = measure(photo, None if size is None else _parse_size(size), frames, to.value, setup)
    if json:
        print_json(facts)
    else:
        _print(facts)


def _parse_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,5})\s*[x×]\s*(\d{2,5})", text.strip(), re.IGNORECASE)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a width and a height such as 1920x1080", param_hint="--size")
    return int(match[1]), int(match[2])


def _print(facts: dict[str, Any]) -> None:
    total_s = facts["total_s"]
    rows = [
        (name, f"{seconds:.2f}", f"{seconds / total_s:.0%}", bar(seconds / total_s))
        for name, seconds in facts["stages_s"].items()
    ]
    what = f"{facts['frames']} frames of {facts['width_px']}×{facts['height_px']} px to {facts['to']}"
    typer.echo(f"{what}, by {facts['runs_on']}")
    print_table(Table(("stage", "seconds", "share", ""), (*rows, ("total", f"{total_s:.2f}")), numeric=(1, 2)))
    typer.echo(f"the network ran for {facts['network_s']:.2f} s, in a thread beside the rest")
    if facts["peak_memory_mb"] is not None:
        typer.echo(f"peak memory {facts['peak_memory_mb']} MB (the encoder of an MP4 is a process of its own)")
