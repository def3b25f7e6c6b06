"""`ganimate prepare`, `train` and `export`: from labelled photos to a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ganimate.cli import options
from ganimate.cli.runs import COURSE, MACHINE, RUN, Minutes, OnHardware, Resume, RunOut, until_stopped
from ganimate.cli.settings import Changes, Options, with_settings
from ganimate.config import PrepareOptions, TrainConfig, to_dict

NETWORKS, WEIGHTS = "Networks", "Weights of the objective"

Images = Annotated[Path, typer.Argument(metavar="IMAGES", help="The folder that the table's names are in.")]
Annotations = Annotated[
    Path, typer.Option("--annotations", "-a", metavar="TABLE.csv", help="AUs of the photos, as OpenFace writes them.")
]
Identities = Annotated[
    Path | None,
    typer.Option(
        metavar="WHO.csv",
        help="Who is who, in columns 'file' and 'identity': gives pairs, and keeps people on one side of the split.",
        show_default=False,
    ),
]
Split = Annotated[
    Path | None,
    typer.Option(
        metavar="SIDES.csv",
        help="Who is held out, in columns 'file' and 'split' (train or validation), instead of a share.",
        show_default=False,
    ),
]
PackOut = Annotated[Path, typer.Option("--out", "-o", metavar="FACES.pack", help="Where the pack is written.")]
Packing = Annotated[PrepareOptions, Options("Options")]
PackDetector = Annotated[
    options.DetectorName,
    typer.Option("--detector", help="Finds the landmarks if the table has none; hog is fast, cnn slow and finds more."),
]
TrainChanges = Annotated[
    Mapping[str, Any],
    Changes(
        panel=COURSE,
        panels={
            "save_steps": RUN,
            "sample_steps": RUN,
            "check_steps": RUN,
            "generator": NETWORKS,
            "critic": NETWORKS,
            "steps": COURSE,
            "weights": WEIGHTS,
            "precision": MACHINE,
            "workers": MACHINE,
        },
        of=TrainConfig,
    ),
]
Pack = Annotated[Path, typer.Argument(metavar="PACK", help="Prepared faces, from 'ganimate prepare'.")]
Packs = Annotated[
    list[Path],
    typer.Argument(metavar="PACK...", help="Prepared faces, from 'ganimate prepare'; several packs train as one."),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, from 'ganimate train'.")]
ModelOut = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where it goes, such as models/NAME.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (prepare, train, export):
        app.command()(command)


@with_settings
def prepare(
    images: Images,
    annotations: Annotations,
    out: PackOut,
    *,
    identities: Identities = None,
    packing: Packing,
    split: Split = None,
    detector: PackDetector = options.DetectorName.hog,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Cut labelled faces out of photos into a pack, ready for training.

    Rows that cannot be used are counted, and listed with the reason in skipped.csv inside of the pack.
    """
    from ganimate.animation import session
    from ganimate.cli.console import Display, print_json
    from ganimate.data.sources import Sources

    told = PrepareOptions(packing.spec)
    if split is not None and packing != told:
        raise typer.BadParameter("it says who is held out: leave out shares, seeds and folds", param_hint="--split")
    sources = Sources(images, annotations, identities, lambda: session.make_detector(detector.value), split)
    facts = sources.make_pack(out, packing, force, Display(quiet))
    if json:
        print_json(facts)
    else:
        typer.echo(out)


@with_settings
def train(
    packs: Packs,
    out: RunOut,
    *,
    resume: Resume = False,
    config: Annotated[
        Path | None, options.option(RUN, "Settings, as --dry-run prints them, in JSON, YAML or TOML.", metavar="FILE")
    ] = None,
    dry_run: Annotated[bool, options.option(RUN, "Print the whole config as JSON and leave.", "--dry-run")] = False,
    minutes: Minutes = None,
    images: Annotated[int | None, options.option(RUN, "Save and stop after N images.", metavar="N", low=1)] = None,
    tensorboard: Annotated[
        bool,
        options.option(
            RUN, "Also write the log for TensorBoard (pip install 'ganimate[tensorboard]').", "--tensorboard"
        ),
    ] = False,
    quiet: options.Quiet = False,
    changes: TrainChanges,
    hardware: OnHardware,
) -> None:
    """Train the paper's generator on a pack of faces, or on several.

    Checkpoints, the log and sample sheets go to RUN. Ctrl-C saves and leaves; --resume goes on, also after a crash.
    """
    from ganimate.cli.console import print_json
    from ganimate.training.train_run import Budget, TrainRun

    run = TrainRun.plan(packs, out, changes, config, resume, tensorboard)
    if dry_run:
        print_json(to_dict(run.config))
        return
    budget = Budget(minutes, images)
    until_stopped(lambda wish, display: run.train(hardware.machine(), budget, wish, display), quiet)


def export(
    run: RunFolder,
    out: ModelOut,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name.", show_default="the folder's")
    ] = None,
    license_text: Annotated[
        str | None,
        typer.Option("--license", metavar="TEXT", help="Its terms of use.", show_default="none are claimed"),
    ] = None,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Also write its networks as ONNX graphs, see 'ganimate models onnx'.")
    ] = False,
    force: options.Force = False,
) -> None:
    """Make a model for users of a run: weights and facts in one file, and a card for people.

    A card that is there is kept, unless --force.
    """
    from ganimate.cli.console import print_said
    from ganimate.training.export import export_run

    exported = export_run(run, out, name=name, license_text=license_text, overwrite=force, onnx=onnx)
    if exported.weakness is not None:
        print_said("warning", "yellow", *exported.weakness)
    if license_text is None:
        typer.echo("nobody is told on what terms the model may be used: add --license TEXT", err=True)
    if exported.card_kept:
        typer.echo(f"{exported.card} was there and is kept", err=True)
    for path in (exported.weights, *exported.graphs):
        typer.echo(path)
