"""`ganimate inspect`: what a file says of where it comes from."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganimate.cli import options
from ganimate.cli.console import print_json, print_table
from ganimate.cli.errors import tell
from ganimate.system.progress import Table

if TYPE_CHECKING:
    from ganimate.media import Inspection
    from ganimate.media.provenance import Provenance

NOT_AS_IT_SHOULD_BE = 3
UNMARKED = "no; it does not say where it comes from, which proves nothing: marks are easily removed"

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

    found: list[Inspection] = []
    failures: list[tuple[Path, MarkError]] = []
    for path in files:
        try:
            found.append(look(path))
        except MarkError as error:
            failures.append((path, error))
    if json:
        broken = [{"path": str(path), "error": failure.message} for path, failure in failures]
        print_json([*map(_facts, found), *broken])
    else:
        _print(found)
    for _, failure in failures:
        tell(failure.message, failure.hint)
    if failures:
        raise typer.Exit(1)
    if strict and not all(one.marked for one in found):
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _facts(one: Inspection) -> dict[str, Any]:
    said, mark = one.provenance, one.provenance.mark
    counts = {} if one.frames is None else {"frames": one.frames, "frames_alike": one.alike}
    facts = {"path": str(one.path), "marked": one.marked, "source_type": said.source_type, "tool": said.tool, **counts}
    if mark is None:
        return facts
    own = {"name": mark.model, "digest": mark.digest, "installed_as": _installed(mark.digest)}
    return {**facts, "version": mark.version, "model": own, "aus": list(mark.aus)}


@functools.cache
def _installed(digest: str | None) -> str | None:
    """Return the name of the model here that has these weights, or None."""
    if digest is None:
        return None
    from ganimate.zoo.catalogue import list_models

    return next((entry.name for entry in list_models() if entry.digest == digest), None)


def _print(found: list[Inspection]) -> None:
    for place, one in enumerate(found):
        if place:
            typer.echo()
        print_table(Table(("", ""), tuple(_rows(one))))


def _rows(one: Inspection) -> Iterator[tuple[str, str]]:
    yield "file", str(one.path)
    yield "marked as synthetic", _verdict(one)
    if one.frames is not None:
        others = "all alike" if one.alike == one.frames else f"{one.frames - (one.alike or 0)} unlike the rest"
        yield "frames", f"{one.frames}, {others}"
    yield from _origin(one.provenance)


def _verdict(one: Inspection) -> str:
    from ganimate.media.provenance import SYNTHETIC

    code = one.provenance.code
    if one.marked:
        return f"yes: {SYNTHETIC[code or '']}"
    if one.provenance.synthetic:
        return f"in part: {SYNTHETIC[code or '']}"
    return UNMARKED if code is None else "no; it says otherwise"


def _origin(said: Provenance) -> Iterator[tuple[str, str]]:
    mark = said.mark
    if said.source_type is not None:
        yield "source type", said.code or ""
    if said.tool is not None:
        yield "tool", said.tool
    if mark is None:
        return
    yield "model", mark.model
    if mark.digest is not None:
        here = _installed(mark.digest)
        yield "weights (SHA-256)", mark.digest
        yield "", f"those of {here!r}, which is installed here" if here else "of no model that is installed here"
    for number, aus in enumerate(mark.aus, 1):
        label = "AUs asked for" if len(mark.aus) == 1 else f"AUs asked of face {number}"
        yield label, aus or "none: as in the photo"
