"""Writes examples/cli.md, the reference of all commands, from what `--help` prints: run this file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from typer import rich_utils
from typer.testing import CliRunner

from ganimate.cli import app

REFERENCE = Path(__file__).resolve().parent.parent / "examples" / "cli.md"
WIDTH = 100
HEAD = """# The command line

What `--help` prints, for every command. (Written by `python tests/make_cli_reference.py`; a test keeps it up to date.)
"""


def command_paths(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words that call each command, the top one first."""
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from command_paths(child, (*path, name))


def help_of(path: tuple[str, ...]) -> str:
    """Return what `--help` prints in a terminal of a fixed width and without colours."""
    before, rich_utils.MAX_WIDTH = rich_utils.MAX_WIDTH, WIDTH
    try:
        printed = CliRunner().invoke(app, [*path, "--help"], prog_name="ganimate", color=False).stdout
    finally:
        rich_utils.MAX_WIDTH = before
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed)
    return "\n".join(line.rstrip() for line in plain.splitlines()).strip("\n")


def reference() -> str:
    """Return the whole page."""
    sections = [
        f"## {' '.join(('ganimate', *path))}\n\n```text\n{help_of(path)}\n```\n"
        for path in command_paths(typer.main.get_command(app))
    ]
    return "\n".join([HEAD, *sections])


if __name__ == "__main__":
    REFERENCE.write_text(reference(), "utf-8")
    print(REFERENCE)
