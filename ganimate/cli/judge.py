"""`ganimate train-judge`: the reader of AUs that measures generators and helps to train none."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganimate.cli import options
from ganimate.cli.settings import Options, with_settings
from ganimate.config import JudgeConfig, JudgeTraining
from ganimate.errors import OutputError

if TYPE_CHECKING:
    from ganimate.cli.console import Display
    from ganimate.data.pack import Pack
    from ganimate.training.judge_trainer import JudgeRecord, JudgeTrainer

COURSE = "Course of the training"
MACHINE = "Machine"

PackFolder = Annotated[Path, typer.Argument(metavar="PACK", help="Prepared faces, from 'ganimate prepare'.")]
JudgeOut = Annotated[Path, typer.Option("--out", "-o", metavar="JUDGE.safetensors", help="Where the judge is written.")]
Minutes = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        metavar="M",
        help="Come to the end within M minutes, in fewer steps if need be.",
        show_default=False,
        rich_help_panel=COURSE,
    ),
]
Network = Annotated[JudgeConfig, Options(COURSE)]
Training = Annotated[JudgeTraining, Options(COURSE, {"precision": MACHINE})]
Threads = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Threads of the CPU.", show_default="one a core", rich_help_panel=MACHINE),
]
Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1, mps …", rich_help_panel=MACHINE)]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(train_judge)


@with_settings
def train_judge(
    pack: PackFolder,
    out: JudgeOut,
    *,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    minutes: Minutes = None,
    network: Network,
    training: Training,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Train a judge: a network that reads AUs from faces, to measure generators with.

    It learns from photos that are not held out; those that are tell how well it reads. The judge is written at the end,
    and Ctrl-C before that leaves nothing behind.
    """
    from ganimate.cli.console import Display, print_json
    from ganimate.data.pack import open_pack

    opened = open_pack(pack)
    config = replace(network, size_px=opened.spec.size_px)
    _claim(out, force)
    display = Display(quiet)
    trainer = _trainer(opened, config, training, device, threads, display)
    _train(trainer, minutes, display)
    trainer.save(out)
    facts = _facts(trainer, out)
    _tell(facts, display)
    if json:
        print_json(facts)
    else:
        typer.echo(out)


def _claim(out: Path, force: bool) -> None:
    """Raise OutputError before the work, not after it, where the judge could not be written."""
    if out.is_dir():
        raise OutputError(f"{out} is a folder", f"name a file, such as {out / 'judge.safetensors'}")
    if out.exists() and not force:
        raise OutputError(f"{out} exists already", "add --force, or choose another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror or error}") from error
    if not os.access(out.parent, os.W_OK):
        raise OutputError(f"{out} cannot be written: its folder is not writable", "choose another --out")


def _trainer(
    pack: Pack, config: JudgeConfig, training: JudgeTraining, device: str, threads: int | None, display: Display
) -> JudgeTrainer:
    with display.stage("loading"):
        import torch

        from ganimate.system.devices import choose_device
        from ganimate.training.judge_trainer import JudgeTrainer

        if threads is not None:
            torch.set_num_threads(threads)
        trainer = JudgeTrainer(pack, config, training, choose_device(device))
    held = int(pack.validation.sum())
    display.note(f"pack: {pack.path}, {len(trainer.lessons.photos)} photos to train on, {held} held out")
    return trainer


def _train(trainer: JudgeTrainer, minutes: float | None, display: Display) -> None:
    total = trainer.training.steps
    with display.count("training the judge", total, "reading held-out photos") as count:
        for record in count(trainer.run(minutes=minutes)):
            if record.held_out is not None:
                display.note(_line(record, total))
    if trainer.step_index < total:
        display.note(f"{minutes:g} minutes are over after step {trainer.step_index} of {total}")


def _line(record: JudgeRecord, total: int) -> str:
    assert record.held_out is not None
    return (
        f"step {record.step}/{total}: error {record.error:.3f}, {record.images_per_s:.0f} images/s, "
        f"mean correlation on {record.held_out.photos} held-out photos {record.held_out.mean_correlation:.3f}"
    )


def _facts(trainer: JudgeTrainer, out: Path) -> dict[str, Any]:
    """Return what came of the training, as plain data; an AU that no held-out photo shows has no correlation."""
    training = trainer.card().training
    correlations, slopes = training.get("held_out_correlation"), training.get("held_out_slope")
    numbers = trainer.pack.au_numbers
    rows = zip(numbers, correlations, slopes, strict=True) if correlations and slopes else ()
    return {
        "judge": str(out),
        "steps": trainer.step_index,
        "minutes": round(trainer.seconds / 60, 2),
        "training_photos": len(trainer.lessons.photos),
        "held_out_photos": training.get("held_out_photos", 0),
        "aus": {str(number): {"correlation": r, "slope": slope} for number, r, slope in rows},
    }


def _tell(facts: dict[str, Any], display: Display) -> None:
    from ganimate.cli.console import plain_table

    if not facts["aus"]:
        display.note("nobody is held out, so nothing tells how well it reads")
        return
    title = f"{facts['held_out_photos']} held-out photos"
    table = plain_table("AU", "correlation with the label", "slope", numeric=(0, 1, 2), title=title)
    for number, row in facts["aus"].items():
        cells = ("-" if value is None else f"{value:.2f}" for value in (row["correlation"], row["slope"]))
        table.add_row(number, *cells)
    display.table(table)
