"""What stands on the command line, and options that say nothing without another one."""

from __future__ import annotations

import typer

from ganimate.cli.errors import usage_error

# An option, by the name of its parameter, and the ones of which it needs any.
_NEEDS = {"strip_frames": ("strip",), "identity_frames": ("report", "strict")}


def is_given(ctx: typer.Context, name: str) -> bool:
    """Return whether the option of that parameter stands on the command line."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def refuse_idle(ctx: typer.Context) -> None:
    """Raise a usage error for an option that would be ignored."""
    for name, needed in _NEEDS.items():
        if is_given(ctx, name) and not any(ctx.params[each] for each in needed):
            raise usage_error(f"{_option(name)} is for {' or '.join(map(_option, needed))}", ctx)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
