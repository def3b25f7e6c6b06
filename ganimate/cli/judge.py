"""`ganimate train-judge`: the reader of AUs that measures generators and helps to train none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganimate.cli import options
from ganimate.cli.runs import COURSE, MACHINE, OnHardware
from ganimate.cli.settings import Options, with_settings
from ganimate.cli.training import Packs
from ganimate.config import JudgeConfig, JudgeTraining

JudgeOut = Annotated[Path, typer.Option("--out", "-o", metavar="JUDGE.safetensors", help="Where the judge is written.")]
Minutes = Annotated[
    float | None,
    options.option(COURSE, "Come to the end within M minutes, in fewer steps if need be.", metavar="M", low=0.01),
]
Network = Annotated[JudgeConfig, Options(COURSE)]
Training = Annotated[JudgeTraining, Options(COURSE, {"precision": MACHINE})]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(train_judge)


@with_settings
def train_judge(
    packs: Packs,
    out: JudgeOut,
    *,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    minutes: Minutes = None,
    network: Network,
    training: Training,
    hardware: OnHardware,
) -> None:
    """Train a judge: a network that reads AUs from faces, to measure generators with.

    It learns from photos that are not held out; those that are tell how well it reads. The judge is written at the end,
    and Ctrl-C before that leaves nothing behind.
    """
    from ganimate.cli.console import Display, print_json
    from ganimate.data.joined_packs import open_packs
    from ganimate.training.judge_run import JudgeRun

    run = JudgeRun(open_packs(packs), network, training, out, force)
    facts = run.train(hardware.machine(), minutes, Display(quiet))
    if json:
        print_json(facts)
    else:
        typer.echo(out)
