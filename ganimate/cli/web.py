"""`ganimate web`: the page in the browser."""

from __future__ import annotations

import importlib.util
import os
import time
from typing import Annotated

import typer

from ganimate.cli import options
from ganimate.cli.console import Display
from ganimate.cli.errors import usage_error
from ganimate.cli.settings import with_settings
from ganimate.errors import DependencyError
from ganimate.system.signals import StopWish, end_now

SERVER = "Server"
PASSWORD = "GANIMATE_PASSWORD"

Host = Annotated[
    str,
    options.option(
        SERVER,
        "Where it listens; with any other than this machine's own names others can reach it, and a password is needed.",
        "--host",
        metavar="NAME",
        shown=True,
    ),
]
Port = Annotated[
    int | None,
    options.option(
        SERVER, "The port; 0 for any that is free.", "--port", metavar="N", low=0, high=65535, shown="7860, if free"
    ),
]
Password = Annotated[
    str | None,
    options.option(
        SERVER,
        f"Asked of everybody who opens the page; better in the variable {PASSWORD}, as others see command lines.",
        "--password",
        metavar="TEXT",
    ),
]
Open = Annotated[bool, options.option(SERVER, "Open the page in the browser.", "--open/--no-open", shown=True)]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(web)


@with_settings
def web(
    ctx: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = None,
    password: Password = None,
    open: Open = True,
    quiet: options.Quiet = False,
    *,
    setup: options.Means,
) -> None:
    """Serve a page on this machine on which the face follows sliders.

    For example: ganimate web

    Needs the extra: pip install 'ganimate[web]'. Nothing is sent elsewhere; Ctrl-C ends it and removes its files.
    """
    if importlib.util.find_spec("gradio") is None:
        raise DependencyError("the page needs Gradio, which is not installed", "pip install 'ganimate[web]'")
    from ganimate import Studio
    from ganimate.web.server import Address, serve

    display, wish = Display(quiet), StopWish()
    address = Address(host, port, password or os.environ.get(PASSWORD) or None)
    if not address.here_only:
        if address.password is None:
            raise usage_error(f"--host {host} lets others open the page: add --password TEXT", ctx)
        display.warn(
            f"others can reach the page at {host}",
            "the connection is not encrypted: use it in a network that you trust",
        )
    studio = Studio(setup.model, setup.detector, setup.device, backend=setup.backend, progress=display)
    with wish.listening(), serve(studio, address) as served:
        typer.echo(served.url)
        display.note("Ctrl-C ends it")
        if open:
            _open_browser(served.url)
        while served.alive() and not wish():
            time.sleep(0.05)
    display.note("ended; its temporary files are removed")
    if wish():
        end_now()  # somebody's export may be on its way


def _open_browser(url: str) -> None:
    import webbrowser

    webbrowser.open(url)
