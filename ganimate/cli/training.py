"""`ganimate prepare`, `train` and `export`: from labelled photos to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganimate.cli import options
from ganimate.cli.settings import COURSE, NETWORKS, WEIGHTS, given, setting
from ganimate.config import PrepareOptions

PACKING = PrepareOptions()
MACHINE = "Machine"
RUN = "Run"

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
PackOut = Annotated[Path, typer.Option("--out", "-o", metavar="FACES.pack", help="Where the pack is written.")]
PackSize = Annotated[
    int | None, typer.Option("--size", metavar="PX", help="Side of the faces.", show_default=str(PACKING.spec.size_px))
]
ValidationShare = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Share of people, or of photos of nobody known, held out.",
        show_default=str(PACKING.validation_share),
    ),
]
PackDetector = Annotated[
    options.DetectorName,
    typer.Option("--detector", help="Finds the landmarks if the table has none; hog is fast, cnn slow and finds more."),
]
Pack = Annotated[Path, typer.Argument(metavar="PACK", help="Prepared faces, from 'ganimate prepare'.")]
RunOut = Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="The run's folder.", rich_help_panel=RUN)]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, from 'ganimate train'.")]
ModelOut = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where it goes, such as models/NAME.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (prepare, train, export):
        app.command()(command)


def prepare(
    images: Images,
    annotations: Annotations,
    out: PackOut,
    identities: Identities = None,
    size: PackSize = None,
    validation_share: ValidationShare = None,
    detector: PackDetector = options.DetectorName.hog,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Cut labelled faces out of photos into a pack, ready for training.

    Rows that cannot be used are counted, and listed with the reason in skipped.csv inside of the pack.
    """
    from ganimate.cli.console import Display, print_json
    from ganimate.cli.packing import Sources, make_pack, pack_options

    sources = Sources(images, annotations, identities, detector.value)
    facts = make_pack(sources, out, pack_options(size, validation_share), force, Display(quiet))
    if json:
        print_json(facts)
    else:
        typer.echo(out)


def train(
    ctx: typer.Context,
    pack: Pack,
    out: RunOut,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in RUN, exactly.", rich_help_panel=RUN)
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Settings, as --dry-run prints them.", rich_help_panel=RUN),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the whole config as JSON and leave.", rich_help_panel=RUN)
    ] = False,
    minutes: Annotated[
        float | None, typer.Option(min=0, metavar="M", help="Save and stop after M minutes.", rich_help_panel=RUN)
    ] = None,
    images: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Save and stop after N images.", rich_help_panel=RUN)
    ] = None,
    save_every: Annotated[int | None, setting("save_every", "Steps from one checkpoint to the next.", RUN)] = None,
    sample_every: Annotated[
        int | None, setting("sample_every", "Steps from one sample sheet to the next.", RUN)
    ] = None,
    quiet: options.Quiet = False,
    generator: Annotated[
        str | None, setting("generator", "Kind of generator: warping or attention.", NETWORKS, "KIND")
    ] = None,
    channels: Annotated[int | None, setting("channels", "Width of the generator.", NETWORKS)] = None,
    blocks: Annotated[int | None, setting("blocks", "Residual blocks of the generator.", NETWORKS)] = None,
    correction_limit: Annotated[
        float | None,
        setting(
            "correction_limit", "Furthest that the network corrects the landmarks' motion, in crop widths.", NETWORKS
        ),
    ] = None,
    critic_channels: Annotated[int | None, setting("critic_channels", "Width of the critic.", NETWORKS)] = None,
    size: Annotated[int | None, setting("size", "Side of the faces; the pack's own.", NETWORKS, "PX")] = None,
    steps: Annotated[int | None, setting("steps", "Steps of the full, adversarial game.", COURSE)] = None,
    critic_steps: Annotated[
        int | None, setting("critic_steps", "Steps before: the critic learns to read AUs.", COURSE)
    ] = None,
    geometry_steps: Annotated[
        int | None, setting("geometry_steps", "Steps between: the generator learns to move faces.", COURSE)
    ] = None,
    batch: Annotated[int | None, setting("batch", "Images a step.", COURSE)] = None,
    critic_per_generator: Annotated[
        int | None, setting("critic_per_generator", "Critic steps to one of the generator.", COURSE)
    ] = None,
    penalty_interval: Annotated[
        int | None, setting("penalty_interval", "Critic steps to one with the gradient penalty.", COURSE)
    ] = None,
    critic_rests: Annotated[
        bool | None, setting("critic_rests", "The critic neither learns nor steers in the geometry steps.", COURSE)
    ] = None,
    learning_rate: Annotated[
        float | None, setting("learning_rate", "Learning rate of both networks.", COURSE, "RATE")
    ] = None,
    critic_learning_rate: Annotated[
        float | None, setting("critic_learning_rate", "Learning rate of the critic, if another.", COURSE, "RATE")
    ] = None,
    ema_decay: Annotated[float | None, setting("ema_decay", "Decay of the averaged weights.", COURSE, "SHARE")] = None,
    pair_share: Annotated[
        float | None, setting("pair_share", "Share of pairs of one person in a batch.", COURSE, "SHARE")
    ] = None,
    mapped_share: Annotated[
        float | None,
        setting("mapped_share", "Share of pairs made by mapping expressions onto others.", COURSE, "SHARE"),
    ] = None,
    transplant_share: Annotated[
        float | None,
        setting("transplant_share", "Share of the other pairs moved into others' photos.", COURSE, "SHARE"),
    ] = None,
    seed: Annotated[int | None, setting("seed", "Seed of everything that is drawn.", COURSE)] = None,
    adversarial_weight: Annotated[float | None, setting("adversarial_weight", "Realism.", WEIGHTS)] = None,
    penalty_weight: Annotated[float | None, setting("penalty_weight", "Gradient penalty.", WEIGHTS)] = None,
    critic_au_weight: Annotated[
        float | None, setting("critic_au_weight", "The critic's reading of AUs.", WEIGHTS)
    ] = None,
    generator_au_weight: Annotated[
        float | None, setting("generator_au_weight", "AUs of the result as asked.", WEIGHTS)
    ] = None,
    cycle_weight: Annotated[float | None, setting("cycle_weight", "There and back again.", WEIGHTS)] = None,
    attention_size_weight: Annotated[
        float | None, setting("attention_size_weight", "Little is repainted.", WEIGHTS)
    ] = None,
    attention_smoothness_weight: Annotated[
        float | None, setting("attention_smoothness_weight", "Smooth masks.", WEIGHTS)
    ] = None,
    geometry_weight: Annotated[
        float | None, setting("geometry_weight", "Landmarks go where the AUs take them.", WEIGHTS)
    ] = None,
    flow_smoothness_weight: Annotated[
        float | None, setting("flow_smoothness_weight", "Skin moves without folds.", WEIGHTS)
    ] = None,
    pair_weight: Annotated[float | None, setting("pair_weight", "The same person's real photo.", WEIGHTS)] = None,
    color_weight: Annotated[float | None, setting("color_weight", "The paint is a plausible face.", WEIGHTS)] = None,
    responsibility_weight: Annotated[
        float | None, setting("responsibility_weight", "Painted where paint is nearer to the real photo.", WEIGHTS)
    ] = None,
    features_weight: Annotated[
        float | None, setting("features_weight", "The same, in the critic's eyes.", WEIGHTS)
    ] = None,
    regions_weight: Annotated[
        float | None, setting("regions_weight", "Mouth, brows and eyes are taken for those of a photo.", WEIGHTS)
    ] = None,
    precision: Annotated[str | None, setting("precision", "auto, fp32 or bf16.", MACHINE, "KIND")] = None,
    workers: Annotated[int | None, setting("workers", "Processes that decode images.", MACHINE)] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Threads of the CPU.", show_default="one a core", rich_help_panel=MACHINE
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1, mps …", rich_help_panel=MACHINE)
    ] = "auto",
) -> None:
    """Train a model on a pack of faces.

    Checkpoints, the log and sample sheets go to RUN. Ctrl-C saves and leaves; --resume goes on, also after a crash.
    """
    from ganimate.cli.course import Course, Machine

    course = Course.plan(pack, out, given(ctx.params), config, resume, quiet)
    if dry_run:
        course.print_config()
        return
    code = course.run(Machine(device, threads), minutes, images)
    raise typer.Exit(code)


def export(
    run: RunFolder,
    out: ModelOut,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name.", show_default="the folder's")
    ] = None,
    license_text: Annotated[
        str | None, typer.Option("--license", metavar="TEXT", help="Its terms of use.", show_default="the run's")
    ] = None,
    force: options.Force = False,
) -> None:
    """Make a model for users of a run: weights and facts in one file, and a card for people.

    A card that is there is kept, unless --force.
    """
    from ganimate.training.export import export_run

    exported = export_run(run, out, name=name, license_text=license_text, overwrite=force)
    if exported.card_kept:
        typer.echo(f"{exported.card} was there and is kept", err=True)
    typer.echo(exported.weights)
