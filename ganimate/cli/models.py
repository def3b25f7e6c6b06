"""`ganimate models`: the models that are here, and what each says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganimate.cli import options
from ganimate.cli.console import print_json, print_table
from ganimate.config import DEFAULT_MODEL, to_dict
from ganimate.system.progress import Table

if TYPE_CHECKING:
    from ganimate.zoo.catalogue import ZooEntry

NOT_TOLD = "not told"

Name = Annotated[str, typer.Argument(metavar="NAME|PATH", help="A model of the list, or a file.")]

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME|PATH]...", help="Models of the list, or files.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    models = typer.Typer()
    models.callback(invoke_without_command=True)(top)
    models.command("list")(list_models)
    models.command()(show)
    models.command()(onnx)
    app.add_typer(models, name="models")


def top(ctx: typer.Context, json: options.Json = False) -> None:
    """List the models that come with ganimate, or describe one."""
    if ctx.invoked_subcommand is None:
        list_models(json)


def list_models(json: options.Json = False) -> None:
    """List the models that come with ganimate."""
    from ganimate.zoo.catalogue import list_models as entries

    found = entries(lambda error: typer.echo(f"left out: {error.message}", err=True))
    if json:
        print_json([_summary(entry) for entry in found])
    elif not found:
        typer.echo("there are no models here; hand one in with --model PATH", err=True)
    else:
        headings = ("name", "kind", "face", "AUs", "file", "licence")
        print_table(Table(headings, tuple(_row(entry) for entry in found), numeric=(2, 3, 4)))


def _row(entry: ZooEntry) -> tuple[str, ...]:
    card, megabytes = entry.card, f"{entry.size_bytes / 1e6:.1f} MB"
    size = f"{card.generator.size_px} px"
    return entry.name, card.generator.architecture, size, str(len(card.aus)), megabytes, card.license or NOT_TOLD


def show(name: Name = DEFAULT_MODEL, json: options.Json = False) -> None:
    """Describe a model: its card, its AUs, its configuration and where it comes from."""
    from ganimate.zoo.catalogue import find_model

    entry = find_model(name)
    if json:
        print_json(_summary(entry) | {"card": to_dict(entry.card)})
    else:
        _print_entry(entry)


def onnx(names: Names = None) -> None:
    """Write the networks of models, judges and readers of meshes as ONNX graphs beside their weights.

    Without a name, those of all that ship. 'ganimate animate' runs them without torch, see --backend. The weights stay
    in their file, which the graphs name: keep both in one folder. Needs: pip install 'ganimate[onnx]'
    """
    from ganimate.zoo.catalogue import shipped_weights, weights_path
    from ganimate.zoo.graph_export import write_graphs

    for path in [weights_path(name) for name in names] if names else shipped_weights():
        for graph in write_graphs(path):
            typer.echo(graph)


def _summary(entry: ZooEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "path": str(entry.path),
        "size_bytes": entry.size_bytes,
        "digest": entry.digest,
        "architecture": entry.card.generator.architecture,
        "size_px": entry.card.generator.size_px,
        "aus": list(entry.card.aus),
        "license": entry.card.license,
    }


def _print_entry(entry: ZooEntry) -> None:
    card = entry.card
    rows = [
        ("name", entry.name),
        ("file", f"{entry.path} ({entry.size_bytes / 1e6:.1f} MB)"),
        ("licence", card.license or NOT_TOLD),
        ("digest", entry.digest),
        *((part, _told(to_dict(getattr(card, part)))) for part in ("generator", "critic", "crop")),
        ("training", _told(card.training) or NOT_TOLD),  # all of it with --json
        *(("" if place else "AUs", f"{unit.label:<4}  {unit.name}") for place, unit in enumerate(card.units)),
    ]
    print_table(Table(("", ""), tuple(rows)))
    if entry.prose:
        typer.echo(f"\n{entry.prose.strip()}")


def _told(facts: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if not isinstance(value, dict | list))
