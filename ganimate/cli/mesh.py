"""`ganimate train-mesh`: the reader of meshes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ganimate.cli import options
from ganimate.cli.settings import Changes, with_settings
from ganimate.config import MeshTraining

COURSE = "Course of the training"
RUN = "Run"
MACHINE = "Machine"

Images = Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder of photos; the meshes' names are in it.")]
Meshes = Annotated[
    Path,
    typer.Option(metavar="MESHES.npz", help="The meshes of the faces, from examples/label_meshes.py."),
]
Identities = Annotated[
    Path | None,
    typer.Option(
        metavar="WHO.csv",
        help="Who is who, in columns 'file' and 'identity': keeps people on one side of the split.",
        show_default=False,
    ),
]
RunOut = Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="The run's folder.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN, exactly.", rich_help_panel=RUN)]
Minutes = Annotated[
    float | None,
    typer.Option(min=0, metavar="M", help="Save and stop after M minutes.", show_default=False, rich_help_panel=RUN),
]
TrainChanges = Annotated[
    Mapping[str, Any],
    Changes(panel=COURSE, panels={"save_steps": RUN, "check_steps": RUN, "workers": MACHINE}, of=MeshTraining),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Threads of the CPU.", show_default="one a core", rich_help_panel=MACHINE),
]
Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1, mps …", rich_help_panel=MACHINE)]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(train_mesh)


@with_settings
def train_mesh(
    images: Images,
    meshes: Meshes,
    out: RunOut,
    *,
    identities: Identities = None,
    resume: Resume = False,
    minutes: Minutes = None,
    quiet: options.Quiet = False,
    changes: TrainChanges,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Train a reader of meshes: 478 points in 3-D, as a teacher placed them in photos.

    Checkpoints, the log and the reader go to RUN. Ctrl-C saves and leaves; --resume goes on, also after a crash.
    """
    from ganimate.cli.console import Display
    from ganimate.data.mesh_photos import MeshSources
    from ganimate.system.signals import StopWish
    from ganimate.training.machine import Machine
    from ganimate.training.mesh_run import MeshRun

    run = MeshRun.plan(MeshSources(images, meshes, identities), out, changes, resume)
    wish, display = StopWish(), Display(quiet)
    with wish.listening():
        try:
            reader = run.train(Machine(device, threads), minutes, wish, display)
        except KeyboardInterrupt:
            display.note("stopped at once; the last checkpoint stays")
            raise typer.Exit(wish.exit_code or 130) from None
    typer.echo(reader)
    raise typer.Exit(wish.exit_code)
