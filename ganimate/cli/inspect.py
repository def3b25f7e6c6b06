"""`ganimate inspect`: what a file says of where it comes from."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganimate.cli import options
from ganimate.cli.console import print_json, print_table
from ganimate.cli.errors import tell
from ganimate.system.progress import Table

if TYPE_CHECKING:
    from ganimate.media import Inspection

NOT_AS_IT_SHOULD_BE = 3

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help="PNG, GIF, JPEG, WebP, MP4 or MOV files, or folders of frames.", show_default=False
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 unless all of them are marked as synthetic.")]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(inspect)


def inspect(files: Files, strict: Strict = False, json: options.Json = False) -> None:
    """Tell if files are marked as synthetic: by which tool, model and AUs.

    Reads the IPTC Digital Source Type that ganimate and other tools write as XMP. A file without a mark is told as
    such, with exit code 0. No mark is no proof that a picture is genuine, and a mark can be forged.
    """
    from ganimate.errors import MarkError
    from ganimate.media import inspect as look
    from ganimate.media.inspection import provenance_facts, provenance_lines

    found: list[Inspection] = []
    failures: list[tuple[Path, MarkError]] = []
    for path in files:
        try:
            found.append(look(path))
        except MarkError as error:
            failures.append((path, error))
    if json:
        broken = [{"path": str(path), "error": failure.message} for path, failure in failures]
        print_json([*(provenance_facts(one, _installed(one)) for one in found), *broken])
    else:
        for place, one in enumerate(found):
            if place:
                typer.echo()
            print_table(Table(("", ""), tuple(provenance_lines(one, _installed(one)))))
    for _, failure in failures:
        tell(failure.message, failure.hint)
    if failures:
        raise typer.Exit(1)
    if strict and not all(one.marked for one in found):
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _installed(one: Inspection) -> str | None:
    """Return the name of the model here that has the weights of the mark, or None."""
    mark = one.provenance.mark
    return None if mark is None or mark.digest is None else _model_of(mark.digest)


@functools.cache
def _model_of(digest: str) -> str | None:
    from ganimate.zoo.catalogue import list_models

    return next((entry.name for entry in list_models() if entry.digest == digest), None)
