"""`ganimate train-paint`: the painter of a model that moves a mesh, and the model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ganimate.cli import options
from ganimate.cli.mesh import Images, Meshes
from ganimate.cli.runs import COURSE, MACHINE, RUN, Minutes, OnHardware, Resume, RunOut, until_stopped
from ganimate.cli.settings import Changes, with_settings
from ganimate.config import PaintTraining

TABLES = "Tables of the photos"

Labels = Annotated[
    Path,
    typer.Option("--annotations", "-a", metavar="TABLE.csv", help="AUs of the photos, as OpenFace writes them."),
]
Reader = Annotated[
    Path | None,
    typer.Option(
        metavar="READER.safetensors",
        help="What reads AUs in the model, trained by 'ganimate train-judge' on the same AUs.",
        show_default="that of --from, else the judge that ships",
    ),
]
Codes = Annotated[
    Path | None,
    typer.Option(
        metavar="CODES.csv",
        help="What human FACS coders saw, in columns 'file' and 'AU01' …, 0 to 5: the scale of all intensities.",
        show_default=False,
        rich_help_panel=TABLES,
    ),
]
Identities = Annotated[
    Path | None,
    typer.Option(
        metavar="WHO.csv",
        help="Who is who, in columns 'file' and 'identity': gives pairs, and keeps people on one side of the split.",
        show_default=False,
        rich_help_panel=TABLES,
    ),
]
Valid = Annotated[
    Path | None,
    typer.Option(
        metavar="VALID.csv",
        help="What is real in photos with made-up borders, in columns 'file', 'x0', 'y0', 'x1', 'y1'.",
        show_default=False,
        rich_help_panel=TABLES,
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="MODEL",
        help="Begin with the painter of a model, by its name or file, instead of with nothing; read AUs as it does.",
        show_default=False,
        rich_help_panel=RUN,
    ),
]
TrainChanges = Annotated[
    Mapping[str, Any],
    Changes(panel=COURSE, panels={"save_steps": RUN, "check_steps": RUN, "workers": MACHINE}, of=PaintTraining),
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(train_paint)


@with_settings
def train_paint(
    images: Images,
    meshes: Meshes,
    annotations: Labels,
    out: RunOut,
    *,
    reader: Reader = None,
    codes: Codes = None,
    identities: Identities = None,
    valid: Valid = None,
    start: Start = None,
    resume: Resume = False,
    minutes: Minutes = None,
    quiet: options.Quiet = False,
    changes: TrainChanges,
    hardware: OnHardware,
) -> None:
    """Train what moves a mesh and paints: muscles are measured, then the painter learns from photos that meshes align.

    Checkpoints, the log and the model go to RUN. Ctrl-C saves and leaves; --resume goes on, also after a crash.
    """
    from ganimate.data.mesh_photos import MeshSources
    from ganimate.data.paint_faces import PaintSources
    from ganimate.training.paint_run import PaintRun
    from ganimate.zoo.catalogue import find_judge, find_model

    photos, tables = MeshSources(images, meshes, identities), PaintSources(annotations, codes, identities, valid)
    reads = None if reader is None and start is not None else find_judge(None if reader is None else str(reader))
    begun = None if start is None else find_model(start).path
    run = PaintRun.plan(photos, tables, reads, out, changes, resume, begun)
    until_stopped(lambda wish, display: run.train(hardware.machine(), minutes, wish, display), quiet)
