"""The one place where errors become sentences on stderr and exit codes.

    0    done
    1    a GanimateError: something handed in cannot be used, or a result cannot be written
    2    the command line itself is wrong
    3    done, and under --strict there is something to say against it
    130  Ctrl-C; 143 SIGTERM, 129 SIGHUP

Anything else that gets out is a bug, and its traceback is shown.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup

from ganimate.cli.console import print_said
from ganimate.errors import GanimateError
from ganimate.system import signals as stopping

# Older versions of typer take it from the click package, newer ones bring it; by inheritance it is found in both.
_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]


UNCONVINCED = 3  # the exit code of a result that --strict does not accept


def tell(message: str, hint: str | None = None) -> None:
    """Print ``error: …`` and ``hint: …`` on stderr, each on one line."""
    stopping.told()
    print_said("error", "red", message, hint)


def usage_error(message: str, ctx: typer.Context) -> Exception:
    """Return the error, to be raised, of a command line whose parts are right and do not go together."""
    return _USAGE_ERROR(message, ctx)


class TellingGroup(TyperGroup):
    """The top of the command line: runs a command and tells what went wrong."""

    order: Sequence[str] = ()  # of the commands in --help; typer puts those with commands of their own last

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands: those of `order` first."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: self.order.index(name) if name in self.order else len(self.order))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        run = partial(super().main, args, prog_name, complete_var, False, windows_expand_args, **extra)
        if not standalone_mode:
            return run()
        try:
            code = _telling(run)
        except _USAGE_ERROR as error:
            _tell_usage(error)
            code = 2
        except typer.Exit as leave:
            code = leave.exit_code
        if stopping.untold():
            tell(stopping.SENTENCE)
            code = stopping.exit_code()
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        return _telling(partial(super().invoke, ctx))  # before typer sees a Ctrl-C, of which it makes less


def _telling(run: Callable[[], Any]) -> Any:
    """Return what `run` returns; where it fails, tell why and raise typer.Exit."""
    try:
        return run()
    except typer.Exit:
        raise
    except BaseException as error:
        code = _told(error)
        if code is None:
            raise
    raise typer.Exit(code)


def _told(error: BaseException) -> int | None:
    """Tell why a command failed, and return its exit code; None for what is to be told elsewhere, and for bugs."""
    if isinstance(error, KeyboardInterrupt) or (stopping.stopped() and not isinstance(error, SystemExit)):
        tell(stopping.SENTENCE)  # an interrupt can become another error in code that is not Python
        return stopping.exit_code()
    if isinstance(error, GanimateError):
        tell(error.message, error.hint)
    elif isinstance(error, ImportError):
        hint = "install ganimate again; where libGL is what is missing: pip install opencv-python-headless"
        tell(f"a library that ganimate needs cannot be loaded: {error}", hint)
    elif isinstance(error, MemoryError):
        tell("there is not enough memory for this", "use a smaller photo, or close other programs")
    elif isinstance(error, BrokenPipeError):  # whoever was reading has seen enough
        _throw_away_stdout()
        return 141
    elif isinstance(error, OSError):  # such as a full disk behind stdout
        about = f"{error.filename}: " if error.filename else ""
        tell(f"{about}{error.strerror or error}", "check the name, the place and the space that is left")
        _throw_away_stdout()
    else:
        return None
    return 1


def _throw_away_stdout() -> None:
    """Let what is still waiting to be printed go nowhere, as Python would complain at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell_usage(error: Any) -> None:
    message = str(error.format_message()).rstrip(".").replace("Value error, ", "").replace("Input should", "it should")
    command = error.ctx.command_path if error.ctx is not None else "ganimate"
    # typer begins sentences with capitals; ours do not
    tell(re.sub(r"^[A-Z](?=[a-z])", lambda first: first[0].lower(), message), f"see {command} --help")
