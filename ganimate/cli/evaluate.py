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
    from ganimate.cli.console import Display, print_table
    from ganimate.evaluation.evaluation_run import (
        METRICS_NAME,
        RESPONSE_NAME,
        SHEET_NAME,
        EvaluationRun,
        HumanCodes,
        check_folder,
        write_results,
    )
    from ganimate.trackers import read_facs

    if out is not None:
        check_folder(out, force)
    codes = None if facs is None else HumanCodes(facs, read_facs)
    display = Display(quiet)
    results = EvaluationRun(model, against, pack, judge, codes, sample, identity, device).measure(display)
    if json:
        for line in results.lines():
            typer.echo(line)
    else:
        for table in results.tables():
            print_table(table)
            typer.echo()
        typer.echo(results.verdict())
    if out is not None:
        write_results(out, results, force)
        display.note(f"{out / METRICS_NAME}, {RESPONSE_NAME} and {SHEET_NAME} (faces of the pack: not to be shown)")
