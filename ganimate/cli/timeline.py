"""`ganimate timeline`: what a timeline tells, in words and as a plot, without a photo and without a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganimate.cli import options

if TYPE_CHECKING:
    from ganimate.timeline import Timeline
    from ganimate.trajectory import Trajectory

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
    from ganimate.cli.console import Display, print_json
    from ganimate.timeline import load_timeline

    timeline = load_timeline(file)
    display = Display(quiet)
    if json:
        print_json(_facts(timeline, file))
    else:
        _print(timeline)
    for note in _notes(timeline):
        display.note(note)


def plot(file: File, output: Plot = None, force: options.Force = False, quiet: options.Quiet = False) -> None:
    """Draw the intensity of each AU over time, on a face that shows nothing at first.

    For example: ganimate timeline plot examples/greeting.yaml -o greeting.png
    """
    from ganimate.cli.console import Display, printable
    from ganimate.figures.plots import trajectory_plot
    from ganimate.media import check_output, write_image
    from ganimate.timeline import load_timeline

    path = str(file.with_suffix(".png")) if output is None else output
    timeline = load_timeline(file)
    check_output(path, force, "still")
    marks = [(keyframe.time_s, str(keyframe.expression)) for keyframe in timeline.keyframes]
    if len(marks) > MOST_LABELS:
        marks = [(time_s, "") for time_s, _ in marks]
    picture = trajectory_plot(_on_a_neutral_face(timeline), marks, printable(file.name))
    write_image(path, picture, force)
    Display(quiet).note("drawn on a neutral face: AUs that the timeline does not set stay as in the photo")
    typer.echo(path)


def _unseen(timeline: Timeline, aus: Iterable[int]) -> Timeline:
    """Return a timeline as if a model of these AUs saw faces without expression in the photos that it names."""
    return timeline.with_readings({path: dict.fromkeys(aus, 0.0) for path in timeline.photos()})


def _on_a_neutral_face(timeline: Timeline) -> Trajectory:
    """Return the trajectory of those AUs, of all that there are, that a face without expression then shows."""
    import numpy as np

    from ganimate.errors import TimelineError
    from ganimate.facs import ACTION_UNITS
    from ganimate.trajectory import Trajectory

    aus = tuple(ACTION_UNITS)
    path = _unseen(timeline, aus).trajectory(np.zeros(len(aus), np.float32), aus)
    (shown,) = np.nonzero(path.values.max(axis=0) > 0.0)
    if not len(shown):
        hint = "give a keyframe an expression such as happiness, or add a track"
        raise TimelineError("on a neutral face nothing moves in this timeline, so there is nothing to draw", hint)
    return Trajectory(path.values[:, shown], path.fps, tuple(aus[n] for n in shown))


def _facts(timeline: Timeline, file: Path) -> dict[str, Any]:
    """Return the timeline as plain data."""
    return {
        "path": str(file),
        "duration_s": round(timeline.frames / timeline.fps, 3),
        "frames": timeline.frames,
        "fps": timeline.fps,
        "loop": timeline.loop,
        "repeat": timeline.repeat,
        "others": timeline.others,
        "keyframes": [asdict(key) | {"expression": str(key.expression)} for key in timeline.keyframes],
        "tracks": [asdict(event) for event in timeline.events],
        "blinks_s": [round(time_s, 3) for time_s in timeline.blinks_s],
    }


def _print(timeline: Timeline) -> None:
    from ganimate.cli.console import plain_table, print_table
    from ganimate.facs import ACTION_UNITS

    table = plain_table("", "")
    table.show_header = False
    rounds = f", {timeline.repeat} times" if timeline.repeat > 1 else ""
    table.add_row(
        "duration", f"{timeline.frames / timeline.fps:.4g} s, {timeline.frames} frames at {timeline.fps:g} fps"
    )
    table.add_row("loop", f"{timeline.loop}{rounds}")
    table.add_row("other AUs", "as in the photo" if timeline.others == "keep" else "zero")
    for place, key in enumerate(timeline.keyframes):
        held = f" for {key.hold_s:g} s" if key.hold_s else ""
        table.add_row("" if place else "keyframes", f"{key.time_s:g} s  {key.expression}{held}")
    for place, number in enumerate(sorted({event.au for event in timeline.events})):
        told = ", ".join(_span(event.onset_s, event.offset_s) for event in timeline.events if event.au == number)
        strongest = max(event.intensity for event in timeline.events if event.au == number)
        words = f"{ACTION_UNITS[number]}: {told}, up to {strongest:g}"
        table.add_row("" if place else "tracks", words)
    blinks = ", ".join(f"{time_s:.4g}" for time_s in timeline.blinks_s)
    table.add_row("blinks", f"{len(timeline.blinks_s)}, at {blinks} s" if blinks else "none")
    print_table(table)


def _span(onset_s: float, offset_s: float | None) -> str:
    return f"{onset_s:g} s to " + ("the end" if offset_s is None else f"{offset_s:g} s")


def _notes(timeline: Timeline) -> list[str]:
    """Return what may be meant otherwise, though it can be played."""
    import numpy as np

    from ganimate.errors import ExpressionError
    from ganimate.facs import ACTION_UNITS, OPENFACE_AUS
    from ganimate.trajectory.plan import WORTH_TELLING

    notes = [f"{path} is not looked at here: as if its face showed nothing" for path in timeline.photos()]
    try:
        _unseen(timeline, OPENFACE_AUS).trajectory(np.zeros(len(OPENFACE_AUS), np.float32), OPENFACE_AUS)
    except ExpressionError as error:
        notes.append(f"models of OpenFace's AUs, such as the default one, cannot play it: {error.message}")
    if timeline.loop == "cycle":
        aus = tuple(ACTION_UNITS)
        once = replace(_unseen(timeline, aus), loop="once", repeat=1).unblinking(np.zeros(len(aus), np.float32), aus)
        jumps = np.abs(once.values[-1] - once.values[0])
        if jumps.max() >= WORTH_TELLING:
            worst = ACTION_UNITS[aus[int(jumps.argmax())]]
            notes.append(f"the cycle jumps where it begins again: {worst} by {jumps.max():.2f}")
    return notes
