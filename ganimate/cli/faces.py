"""`ganimate faces` and `ganimate aus`: what is in a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganimate.cli import options
from ganimate.config import DEFAULT_MODEL, Setup

if TYPE_CHECKING:
    from ganimate.animation.session import PreparedPhoto
    from ganimate.face.crop import Face

SaveBoxes = Annotated[
    str | None,
    typer.Option(
        "--save",
        metavar="PICTURE",
        help="Also write the photo with a numbered box around each face (.png, .jpg, .webp).",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(faces)
    app.command()(aus)


def faces(
    photo: options.Photo,
    save: SaveBoxes = None,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    detector: options.DetectorChoice = options.DetectorName.hog,
) -> None:
    """List and number the faces in PHOTO, the largest first.

    The numbers are for --face of the other commands.
    """
    from ganimate.animation import session
    from ganimate.animation.outputs import Outputs
    from ganimate.cli.console import Display, print_json
    from ganimate.media import check_output, write_image

    display = Display(quiet)
    if save is not None:
        Outputs(save).check_distinct(photo)
        check_output(save, force, "still")
    image = session.read_photo(photo, display)
    found = session.find_faces(image, detector.value, display)
    if save is not None:
        from ganimate.figures.drawing import draw_faces

        write_image(save, draw_faces(image, found), force)
        display.note(f"boxes drawn in {save}")
    if json:
        size = {"width_px": image.shape[1], "height_px": image.shape[0]}
        print_json({"photo": str(photo), **size, "faces": [_facts(n, face) for n, face in enumerate(found, 1)]})
    else:
        _print_faces(found)


def _facts(number: int, face: Face) -> dict[str, Any]:
    from ganimate.animation.session import box_facts

    score = getattr(face, "score", None)  # of dlib's detector; others have none
    return {"number": number, "box_px": box_facts(face), **({} if score is None else {"score": round(score, 3)})}


def _print_faces(found: list[Face]) -> None:
    from ganimate.cli.console import plain_table, print_table

    table = plain_table("face", "left", "top", "width", "height", numeric=(0, 1, 2, 3, 4))
    for number, face in enumerate(found, 1):
        box = face.box
        table.add_row(str(number), *(f"{value:.0f}" for value in (box.left, box.top, box.width, box.height)))
    print_table(table)


def aus(
    photo: options.Photo,
    json: options.Json = False,
    quiet: options.Quiet = False,
    face: options.FaceChoice = "largest",
    model: options.Model = DEFAULT_MODEL,
    detector: options.DetectorChoice = options.DetectorName.hog,
    device: options.Device = "auto",
) -> None:
    """Read the action units that the face in PHOTO shows, from 0 (absent) to 1 (full)."""
    from ganimate.animation import session
    from ganimate.cli.console import Display, print_json

    display = Display(quiet)
    setup, selection = Setup(model, detector.value, device), options.parse_selection(face)
    image = session.read_photo(photo, display)
    prepared = session.Session.of(setup, display).prepare(image, selection, display)
    if json:
        readings = [
            session.face_facts(prepared, place) | {"aus": session.au_facts(prepared.aus, person.source_aus)}
            for place, person in enumerate(prepared.people)
        ]
        print_json({"photo": str(photo), "model": session.model_facts(prepared.entry), "faces": readings})
    else:
        _print_aus(prepared)


def _print_aus(prepared: PreparedPhoto) -> None:
    from ganimate.cli.console import bar, cut_last_column, plain_table, print_table
    from ganimate.facs import ACTION_UNITS

    for place, person in enumerate(prepared.people):
        if place:
            typer.echo()
        if len(prepared.people) > 1:
            typer.echo(f"face {prepared.numbers[place]} of {prepared.found}")
        table = plain_table("AU", "name", "intensity", "", "muscle", numeric=(0, 2))
        cut_last_column(table, beside=52)
        for number, value in zip(prepared.aus, person.source_aus, strict=True):
            unit = ACTION_UNITS[number]
            table.add_row(str(number), unit.name, f"{value:.2f}", bar(value, 12), unit.muscle)
        print_table(table)
