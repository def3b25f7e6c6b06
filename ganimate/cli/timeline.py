"""`ganimate timeline`: what a timeline tells, in words and as a plot, without a photo and without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganimate.cli import options
from ganimate.cli.console import Display, print_json, print_table, printable
from ganimate.system.progress import Table

MOST_LABELS = 16  # more keyframes than these are lines without words

File = Annotated[Path, typer.Argument(metavar="FILE.yaml", help="A timeline.", show_default=False)]
Plot = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="The picture: .png, .jpg or .webp. Default: beside the timeline.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    commands = typer.Typer()
    commands.callback(invoke_without_command=True)(top)
    commands.command()(check)
    commands.command()(plot)
    app.add_typer(commands, name="timeline")


def top(ctx: typer.Context) -> None:
    """Check and draw timelines, which 'ganimate animate PHOTO --timeline FILE.yaml' plays."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def check(file: File, json: options.Json = False, quiet: options.Quiet = False) -> None:
    """Tell what a timeline does, or where it is wrong.

    For example: ganimate timeline check examples/greeting.yaml
    """
    from ganimate.timeline import load_timeline
    from ganimate.timeline.summary import timeline_facts, timeline_lines, timeline_notes

    timeline = load_timeline(file)
    display = Display(quiet)
    if json:
        print_json(timeline_facts(timeline, file))
    else:
        print_table(Table(("", ""), tuple(timeline_lines(timeline))))
    for note in timeline_notes(timeline):
        display.note(note)


def plot(file: File, output: Plot = None, force: options.Force = False, quiet: options.Quiet = False) -> None:
    """Draw the intensity of each AU over time, on a face that shows nothing at first.

    For example: ganimate timeline plot examples/greeting.yaml -o greeting.png
    """
    from ganimate.facs.words import label, limits, title
    from ganimate.figures.plots import Band, bands_plot
    from ganimate.media import check_output, write_image
    from ganimate.timeline import load_timeline
    from ganimate.timeline.summary import on_a_neutral_face

    path = str(file.with_suffix(".png")) if output is None else output
    timeline = load_timeline(file)
    check_output(path, force, "still")
    marks = [(keyframe.time_s, str(keyframe.expression)) for keyframe in timeline.keyframes]
    if len(marks) > MOST_LABELS:
        marks = [(time_s, "") for time_s, _ in marks]
    shown = on_a_neutral_face(timeline)
    bands = [
        Band(label(word), title(word), values, limits(word))
        for word, values in zip(shown.aus, shown.values.T, strict=True)
    ]
    picture = bands_plot(shown.times_s, bands, marks, shown.duration_s, printable(file.name))
    write_image(path, picture, force)
    Display(quiet).note("drawn on a neutral face: what a photo shows by itself, and keeps, is not in it")
    typer.echo(path)
