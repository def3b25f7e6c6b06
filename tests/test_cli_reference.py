"""The reference in examples/cli.md is what `--help` prints, and the help names what there is."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
import typer.main
from make_cli_reference import REFERENCE, command_paths, help_of, reference

from ganimate.cli import app
from ganimate.cli.errors import TellingGroup
from ganimate.facs import PRESETS

CONSTRAINTS = (Path(__file__).resolve().parent.parent / "constraints.txt").read_text("utf-8")
USUAL = all(f"{name}=={version(name)}" in CONSTRAINTS.splitlines() for name in ("rich", "typer"))


@pytest.mark.skipif(not USUAL, reason="other versions of typer and rich print another help")
def test_the_reference_is_up_to_date() -> None:
    assert REFERENCE.read_text("utf-8") == reference(), "run: python tests/make_cli_reference.py"


@pytest.mark.parametrize("path", list(command_paths(typer.main.get_command(app))), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    usage, *rest = help_of(path).splitlines()
    assert usage.split()[:2] == ["Usage:", "ganimate"]
    assert any(line.strip() for line in rest)


def test_every_command_has_its_place_in_the_help() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TellingGroup)
    assert group.list_commands(None) == list(group.order)


def test_all_presets_are_named() -> None:
    told = " ".join(help_of(("animate",)).split())
    assert [name for name in PRESETS if name not in told] == []
