"""`ganimate sheet`: what a model makes of one face, AUs down and intensities across, as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganimate.cli import options
from ganimate.config import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganimate.animation.au_sheet import Row
    from ganimate.animation.outputs import Outputs
    from ganimate.cli.console import Display
    from ganimate.cli.session import Sitting
    from ganimate.face.crop import Image
    from ganimate.figures.figure import Figure
    from ganimate.media.provenance import Mark
    from ganimate.trajectory import Trajectory

MOST_INTENSITIES = 50
LARGEST_PX = 150_000_000  # 450 MB as it is drawn

Rows = Annotated[
    list[str] | None,
    typer.Option(
        "--au",
        "--expression",
        "-e",
        metavar="ROWS",
        help="AUs, a row each (1,2,12), or an expression as one row (happiness; 6=1,12=0.8). May be repeated. "
        "Default: all AUs of the model.",
        show_default=False,
        rich_help_panel=options.SHOWN,
    ),
]
Intensities = Annotated[
    str,
    typer.Option(metavar="LIST", help="Intensities from 0 to 1, a column each.", rich_help_panel=options.SHOWN),
]
Masks = Annotated[
    bool,
    typer.Option(
        "--masks",
        help="Below each row also the attention, where white keeps the photo, and what was painted.",
        rich_help_panel=options.SHOWN,
    ),
]
Size = Annotated[
    int,
    typer.Option("--size", min=64, max=1024, metavar="PX", help="Side of each face.", rich_help_panel=options.SHOWN),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PICTURE",
        help=".png, .jpg or .webp. Default: beside the photo.",
        show_default=False,
        rich_help_panel=options.RESULTS,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(sheet)


def sheet(
    photo: options.Photo,
    rows: Rows = None,
    intensities: Intensities = "0,0.33,0.66,1",
    masks: Masks = False,
    size: Size = 192,
    output: Output = None,
    mark: options.Mark = True,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    face: options.FaceChoice = "largest",
    model: options.Model = DEFAULT_MODEL,
    detector: options.DetectorChoice = options.DetectorName.hog,
    device: options.Device = "auto",
) -> None:
    """Draw what the model makes of the face in PHOTO: AUs down, intensities across.

    For example: ganimate sheet me.jpg --au 1,2,4,12 --au happiness -o sheet.png

    The row of an AU sets it to each intensity, all others being as in the photo; the row of an expression leads from
    the photo to the expression.
    """
    import numpy as np

    from ganimate.cli import job, session
    from ganimate.cli.console import Display, print_json
    from ganimate.facs import parse_rows as read_rows
    from ganimate.media import check_output, write_image

    columns, display = _parse_intensities(intensities), Display(quiet)
    where = job.outputs(photo, "sheet", ".png", output, None, None, force)
    means = session.Means(model, options.parse_selection(face), detector.value, device)
    check_output(where.path, force, "still")
    for text in filter(str.strip, rows or []):
        read_rows(text)  # raises, before libraries load, for what no row can be
    image = session.read_photo(photo, display)
    entry = session.find_model(model, display)
    from ganimate.animation.au_sheet import goals, layout, parse_rows

    lines = parse_rows(rows or [], entry.card.aus)
    _check_size(layout(lines, np.zeros(len(entry.card.aus), np.float32), entry.card.aus, columns, size, masks), where)
    sitting = session.prepare(image, entry, means, display)
    _require_one(sitting)
    own = sitting.people[0].source_aus
    path, figure = goals(lines, own, sitting.aus, columns), layout(lines, own, sitting.aus, columns, size, masks)
    drawn = _draw(sitting, path, figure, masks, f"writing {Path(where.path).name}", display)
    write_image(where.path, drawn, force, mark=_mark(sitting, lines, columns) if mark else None)
    if json:
        print_json(_facts(sitting, path, figure, where.path) | {"intensities": columns, "marked": mark})
    else:
        typer.echo(where.path)


def _mark(sitting: Sitting, lines: Sequence[Row], columns: Sequence[float]) -> Mark:
    return sitting.mark_of(["; ".join(row.asked(columns) for row in lines)])


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


def _check_size(figure: Figure, where: Outputs) -> None:
    """Raise OutputError, before any slow work, where the sheet would be too large."""
    from ganimate.errors import OutputError
    from ganimate.media import check_still

    height, width, _ = figure.shape
    if height * width > LARGEST_PX:
        raise OutputError(
            f"the sheet would have {width}×{height} px, more than {LARGEST_PX // 1_000_000} megapixels",
            "ask for fewer rows or intensities, or a smaller --size",
        )
    check_still(where.path, height, width, where.overwrite)


def _require_one(sitting: Sitting) -> None:
    from ganimate.errors import FaceError

    if len(sitting.people) > 1:
        message = f"a sheet is of one face, and {len(sitting.people)} were chosen"
        raise FaceError(message, "choose one with --face, as 'ganimate faces' numbers them")


def _draw(sitting: Sitting, path: Trajectory, figure: Figure, masks: bool, after: str, display: Display) -> Image:
    from ganimate.animation.au_sheet import cells, close_up

    (person,), size = sitting.people, figure.cell_px
    made = cells(sitting.animator, sitting.photo, person, path, size)
    rows: list[list[Image]] = [[] for _ in figure.strips]
    step = 3 if masks else 1
    with display.count("making faces", len(path), after) as counted:
        for number, cell in enumerate(counted(made)):
            first = step * (number // len(figure.heads))
            for row, picture in zip(
                rows[first : first + step], (cell.picture, cell.attention, cell.color), strict=False
            ):
                row.append(picture)
        photo, _ = close_up(sitting.photo, person, size)
        return figure.draw(photo, rows)


def _facts(sitting: Sitting, path: Trajectory, figure: Figure, where: str) -> dict[str, Any]:
    """Return the result as plain data."""
    from ganimate.cli.session import face_facts

    height, width, _ = figure.shape
    return {
        "path": where,
        "width_px": width,
        "height_px": height,
        "model": sitting.model,
        "face": face_facts(sitting, 0),
        "rows": [strip.label for strip in figure.strips if not strip.attached],
        "faces_made": len(path),
    }
