"""`ganimate evaluate`: what a model can do, on people whom it never saw, read by a judge that never trained it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganimate.cli import options
from ganimate.cli.models import Name
from ganimate.cli.training import Pack
from ganimate.config import EvaluationConfig

DEFAULTS = EvaluationConfig()
SAMPLE = "Who is measured"
BESIDE = "By whom, and beside what"

People = Annotated[int, typer.Option(min=1, metavar="N", help="People, one photo of each.", rich_help_panel=SAMPLE)]
Pairs = Annotated[
    int,
    typer.Option(min=0, metavar="N", help="Pairs of photos of one person in two expressions.", rich_help_panel=SAMPLE),
]
Crowd = Annotated[
    int,
    typer.Option(min=0, metavar="N", help="Photos for the Fréchet distance; 0 leaves it out.", rich_help_panel=SAMPLE),
]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Another seed, other people.", rich_help_panel=SAMPLE)]
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


def evaluate(
    model: Name,
    pack: Pack,
    people: People = DEFAULTS.people,
    pairs: Pairs = DEFAULTS.pairs,
    crowd: Crowd = DEFAULTS.crowd,
    seed: Seed = DEFAULTS.seed,
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

    config = EvaluationConfig(people, pairs, crowd, seed)
    order = Order(model, against, pack, judge, facs, config, identity, device)
    measure(order, out, force=force, as_json=json, display=Display(quiet))
