"""`ganimate train-mesh`: the reader of meshes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ganimate.cli import options
from ganimate.cli.runs import COURSE, MACHINE, RUN, Minutes, OnHardware, Resume, RunOut, until_stopped
from ganimate.cli.settings import Changes, with_settings
from ganimate.config import MeshTraining

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
TrainChanges = Annotated[
    Mapping[str, Any],
    Changes(panel=COURSE, panels={"save_steps": RUN, "check_steps": RUN, "workers": MACHINE}, of=MeshTraining),
]


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
    hardware: OnHardware,
) -> None:
    """Train a reader of meshes: 478 points in 3-D, as a teacher placed them in photos.

    Checkpoints, the log and the reader go to RUN. Ctrl-C saves and leaves; --resume goes on, also after a crash.
    """
    from ganimate.data.mesh_photos import MeshSources
    from ganimate.training.mesh_run import MeshRun

    run = MeshRun.plan(MeshSources(images, meshes, identities), out, changes, resume)
    until_stopped(lambda wish, display: run.train(hardware.machine(), minutes, wish, display), quiet)
