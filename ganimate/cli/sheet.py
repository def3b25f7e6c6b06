"""`ganimate sheet`: what a model makes of one face, AUs down and intensities across, as one picture."""

from __future__ import annotations

from typing import Annotated

import typer

from ganimate.cli import options
from ganimate.cli.console import Display
from ganimate.cli.results import print_result
from ganimate.cli.settings import with_settings

MOST_INTENSITIES = 50

Rows = Annotated[
    list[str] | None,
    options.option(
        options.SHOWN,
        "AUs and turns, a row each (1,12L,yaw), or an expression as one row (happiness; 6=1,12=0.8). May be repeated. "
        "Default: all AUs of the model.",
        "--au",
        "--expression",
        "-e",
        metavar="ROWS",
    ),
]
Intensities = Annotated[
    str, options.option(options.SHOWN, "Intensities from 0 to 1, a column each.", metavar="LIST", shown=True)
]
Masks = Annotated[
    bool,
    options.option(
        options.SHOWN,
        "Below each row also the attention, where white keeps the photo, and what was painted.",
        "--masks",
        shown=True,
    ),
]
Size = Annotated[
    int, options.option(options.SHOWN, "Side of each face.", "--size", metavar="PX", low=64, high=1024, shown=True)
]
Output = Annotated[
    str | None,
    options.option(
        options.RESULTS, ".png, .jpg or .webp. Default: beside the photo.", "--output", "-o", metavar="PICTURE"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(sheet)


@with_settings
def sheet(
    photo: options.Photo,
    rows: Rows = None,
    others: options.Others = options.OtherAUs.auto,
    intensities: Intensities = "0,0.33,0.66,1",
    masks: Masks = False,
    size: Size = 192,
    output: Output = None,
    mark: options.Mark = True,
    force: options.Force = False,
    *,
    told: options.Told,
    face: options.FaceChoice = "largest",
    setup: options.Means,
) -> None:
    """Draw what the model makes of the face in PHOTO: AUs down, intensities across.

    For example: ganimate sheet me.jpg --au 1,2,4,12 --au happiness -o sheet.png

    The row of an AU sets it to each intensity, all others being as in the photo (at 0 with --others zero); the row of
    an expression leads from the photo to the expression, as 'ganimate animate' does.
    """
    from ganimate.animation.outputs import Outputs
    from ganimate.animation.sheet_job import SheetJob

    columns, faces, display = _parse_intensities(intensities), options.parse_selection(face), Display(told.quiet)
    outputs = Outputs(options.result_path(output, photo, "sheet", ".png"), overwrite=force)
    job = SheetJob(photo, outputs, rows or (), columns, masks, size, setup, faces, mark, others.value)
    print_result(job.make(display), display, as_json=told.json)


def _parse_intensities(text: str) -> list[float]:
    """Return what `--intensities` lists; raises a usage error."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or len(values) > MOST_INTENSITIES or not all(0 <= value <= 1 for value in values):
        message = f"{text!r} is not a list of up to {MOST_INTENSITIES} numbers from 0 to 1, such as 0,0.5,1"
        raise typer.BadParameter(message, param_hint="--intensities")
    return values
