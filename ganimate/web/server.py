"""The server behind the page: where it listens, what it guards, and what it leaves behind, which is nothing."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ganimate
from ganimate.web.guard import LOOPBACK, UPLOAD_LIMIT_BYTES, Guard

PORT = 7860  # Gradio's own
SWEEP_EVERY_S = 60.0
PATIENCE_S = 1.0  # for requests that are being answered when the server is told to end
HEAD = '<meta name="robots" content="noindex"><link rel="icon" href="data:,"><script>{script}</script>'
EXAMPLES = (Path(__file__).parent / "example.jpg", Path(__file__).parents[2] / "examples" / "astronaut.jpg")


@dataclass(frozen=True)
class Address:
    """Where the page is; a password is wanted wherever others could open it."""

    host: str = "127.0.0.1"
    port: int | None = None
    password: str | None = None

    @property
    def here_only(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in LOOPBACK

    def listen(self) -> socket.socket:
        """Return the socket, on another port where the usual one is taken; raises OutputError for one asked for."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        for port in (self.port,) if self.port is not None else (PORT, 0):
            opened = socket.socket(family, socket.SOCK_STREAM)
            if os.name == "posix":
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                opened.bind((self.host, port))
                opened.listen(128)
                return opened
            except OSError as error:
                opened.close()
                reason = error.strerror or str(error)
        message = f"cannot listen on {self.host}, port {self.port if self.port is not None else PORT}: {reason}"
        raise ganimate.OutputError(message, "choose another --port, or 0 for any that is free")


@dataclass(frozen=True)
class Served:
    """A page that is being served: its URL, and how to wait for its end."""

    url: str
    alive: Callable[[], bool]


@contextmanager
def serve(studio: ganimate.Studio, address: Address) -> Iterator[Served]:
    """Serve the page while the block lasts; its temporary folder goes with it. Raises OutputError."""
    listening = address.listen()
    folder = Path(tempfile.mkdtemp(prefix="ganimate-web-"))
    try:
        os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
        server, visits = _server(studio, address, folder)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        ended = threading.Event()
        threading.Thread(target=_sweep_now_and_then, args=(visits, folder, ended), daemon=True).start()
        port = listening.getsockname()[1]
        host = f"[{address.host}]" if ":" in address.host else address.host
        try:
            while thread.is_alive() and not server.started:
                time.sleep(0.02)
            yield Served(f"http://{host}:{port}", thread.is_alive)
        finally:
            ended.set()
            server.should_exit = True
            thread.join(PATIENCE_S)
            server.force_exit = True
    finally:
        listening.close()
        shutil.rmtree(folder, ignore_errors=True)


def _server(studio: ganimate.Studio, address: Address, folder: Path) -> tuple[Any, Any]:
    """Return the server, and whose visits it keeps."""
    from ganimate.web.light import gradio as gr, without_servers  # isort: skip
    import uvicorn
    from fastapi import FastAPI

    from ganimate.web.making import Making
    from ganimate.web.page import build
    from ganimate.web.parts import asset
    from ganimate.web.visits import Visits

    for name in ("uploads", "visits"):
        (folder / name).mkdir(mode=0o700)
    visits = Visits(folder / "visits")
    example = next((path for path in EXAMPLES if path.is_file()), None)
    with without_servers():
        page = build(Making(studio, visits, folder / "uploads", example))
        page.queue(default_concurrency_limit=2, api_open=True)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    password = address.password
    gr.mount_gradio_app(
        app,
        page,
        "/",
        server_name=address.host,
        auth=None if password is None else lambda name, word: secrets.compare_digest(word.encode(), password.encode()),
        auth_message="Any user name, and the password that was set with --password.",
        footer_links=[],
        run_history=False,
        max_file_size=UPLOAD_LIMIT_BYTES,
        show_error=True,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        css=asset("page.css"),
        head=HEAD.format(script=asset("uploads.js").replace("LIMIT_BYTES", str(UPLOAD_LIMIT_BYTES))),
    )
    # A page that is mounted counts as not launched, and then Gradio takes any file's name for one that was uploaded.
    page.has_launched = page.is_running = True
    config = uvicorn.Config(
        Guard(app, anywhere=not address.here_only),
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    return uvicorn.Server(config), visits


def _sweep_now_and_then(visits: Any, folder: Path, ended: threading.Event) -> None:
    from ganimate.web.visits import sweep

    while not ended.wait(SWEEP_EVERY_S):
        visits.forget_idle()
        sweep(folder / "uploads")
