"""`ganimate evaluate`: what a model can do, on people whom it never saw, read by a judge that never trained it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganimate.cli import options
from ganimate.cli.models import Name
from ganimate.cli.settings import Options, with_settings
from ganimate.cli.training import Pack
from ganimate.config import EvaluationConfig

BESIDE = "By whom, and beside what"

Sample = Annotated[EvaluationConfig, Options("Who is measured")]
Judge = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Who reads the AUs.", show_default="the one that ships", rich_help_panel=BESIDE),
]
Facs = Annotated[
    Path | None,
    typer.Option(
        metavar="TABLE.csv",
        help="Human FACS codes of the pack's photos (columns file, AU01 …), to tell what the judge's word is worth.",
        show_default=False,
        rich_help_panel=BESIDE,
    ),
]
Against = Annotated[
    str | None,
    typer.Option(metavar="MODEL2", help="A second model, side by side.", show_default=False, rich_help_panel=BESIDE),
]
Identity = Annotated[
    bool,
    typer.Option(
        "--identity/--no-identity", help="Measure who it is still, by face_recognition.", rich_help_panel=BESIDE
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FOLDER",
        help="Also write metrics.jsonl, response.png and sheet.png. The sheet shows faces of the pack.",
        show_default=False,
        rich_help_panel=options.RESULTS,
    ),
]
JsonLines = Annotated[
    bool,
    typer.Option("--json", help="Print a JSON line for each metric on stdout.", rich_help_panel=options.RESULTS),
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(evaluate)


@with_settings
def evaluate(
    model: Name,
    pack: Pack,
    *,
    sample: Sample,
    judge: Judge = None,
    facs: Facs = None,
    against: Against = None,
    identity: Identity = True,
    out: Out = None,
    force: options.Force = False,
    json: JsonLines = False,
    quiet: options.Quiet = False,
    device: options.Device = "auto",
) -> None:
    """Measure a model on the people whom PACK holds out: response, identity, realism, and the bars.

    Every AU is asked at 0, 0.33, 0.66 and 1, others as in the photo; a judge reads the result.
    AUs that the judge cannot read are named, and no average counts them.
    """
    from ganimate.cli.console import Display
    from ganimate.cli.measuring import Order, measure

    order = Order(model, against, pack, judge, facs, sample, identity, device)
    measure(order, out, force=force, as_json=json, display=Display(quiet))
