"""`ganimate faces` and `ganimate aus`: what is in a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ganimate.cli import options
from ganimate.cli.console import Display, bar, print_json, print_table
from ganimate.cli.errors import usage_error
from ganimate.cli.settings import with_settings
from ganimate.system.progress import Table

if TYPE_CHECKING:
    from ganimate.animation.session import PreparedPhoto

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
    ctx: typer.Context,
    photo: options.PhotoOrVideo,
    save: SaveBoxes = None,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    detector: options.DetectorChoice = options.DetectorName.hog,
) -> None:
    """List and number the faces in PHOTO, the largest first; of a video those in the first frame that shows any.

    The numbers are for --face of the other commands.
    """
    from ganimate.animation import clip, session
    from ganimate.animation.outputs import Outputs
    from ganimate.media import check_output, is_video, write_image

    display = Display(quiet)
    if save is not None:
        Outputs(save).check_distinct(photo)
        check_output(save, force, "still")
    if is_video(photo):
        if detector is options.DetectorName.cnn:
            raise usage_error("--detector cnn is for photos: of a video commands find the faces that hog does", ctx)
        image, found = clip.first_faces(photo, display)
    else:
        image = session.read_photo(photo, display)
        found = session.find_faces(image, detector.value, display)
    boxes = [(face.box.left, face.box.top, face.box.right, face.box.bottom) for face in found]
    if save is not None:
        from ganimate.figures.drawing import draw_faces

        write_image(save, draw_faces(image, boxes), force)
        display.note(f"boxes drawn in {save}")
    if json:
        size = {"width_px": image.shape[1], "height_px": image.shape[0]}
        print_json({"photo": str(photo), **size, "faces": session.found_facts(found)})
    else:
        sizes = [(left, top, right - left, bottom - top) for left, top, right, bottom in boxes]
        rows = tuple((str(n), *(f"{value:.0f}" for value in size)) for n, size in enumerate(sizes, 1))
        print_table(Table(("face", "left", "top", "width", "height"), rows, numeric=(0, 1, 2, 3, 4)))


@with_settings
def aus(
    photo: options.Photo,
    json: options.Json = False,
    quiet: options.Quiet = False,
    face: options.FaceChoice = "largest",
    *,
    setup: options.Means,
) -> None:
    """Read the action units that the face in PHOTO shows, from 0 (absent) to 1 (full).

    Also how head and eyes are turned from the camera, in degrees; in expressions yaw=10 turns them from there.
    """
    from ganimate.animation import session

    display = Display(quiet)
    selection = options.parse_selection(face)
    image = session.read_photo(photo, display)
    prepared = session.Session.of(setup, display).prepare(image, selection, display)
    if json:
        readings = [
            session.face_facts(prepared, place)
            | {"aus": session.au_facts(prepared.aus, person.source_aus), "turned_degrees": prepared.turned(place)}
            for place, person in enumerate(prepared.people)
        ]
        print_json({"photo": str(photo), "model": session.model_facts(prepared.entry), "faces": readings})
    else:
        _print_aus(prepared)


def _print_aus(prepared: PreparedPhoto) -> None:
    from ganimate.facs import ACTION_UNITS
    from ganimate.facs.words import au_numbers, fold

    for place, person in enumerate(prepared.people):
        if place:
            typer.echo()
        if len(prepared.people) > 1:
            typer.echo(f"face {prepared.numbers[place]} of {prepared.found}")
        words, columns = fold(prepared.aus, person.source_aus)
        read = zip(map(ACTION_UNITS.__getitem__, au_numbers(words)), person.source_aus[columns], strict=True)
        rows = tuple((str(unit.number), unit.name, f"{value:.2f}", bar(value, 12), unit.muscle) for unit, value in read)
        table = Table(("AU", "name", "intensity", "", "muscle"), rows, numeric=(0, 2))
        print_table(table, last_column_beside=52)
        if turned := prepared.turned(place):
            typer.echo(f"turned from the camera: {', '.join(f'{name} {d:.0f}°' for name, d in turned.items())}")
