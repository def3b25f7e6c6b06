"""Gradio, loaded without what a page on one's own machine has no use for: telemetry, and stubs for editors."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["GRADIO_RUN_HISTORY"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


@contextmanager
def _without_stubs() -> Iterator[None]:
    """Keep Gradio from writing a .pyi file beside each of its components: half of the time in which it loads.

    It leaves out classes of which Python cannot tell the file.
    """
    getfile = inspect.getfile

    def unknown(thing: Any) -> str:
        if inspect.isclass(thing):
            raise OSError("no stub is wanted")
        return getfile(thing)

    inspect.getfile = unknown  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getfile = getfile


with _without_stubs():
    import gradio as gradio
    from gradio import processing_utils, routes


@contextmanager
def without_servers() -> Iterator[None]:
    """Keep Gradio from making a whole server of a page when it is built and again when it gets its queue.

    Neither is ever asked: the page is mounted in a server of ours, which makes the third.
    """
    create_app = routes.App.create_app
    routes.App.create_app = lambda *_, **__: None
    try:
        yield
    finally:
        routes.App.create_app = create_app


async def _refuse_download(url: str, cache_dir: str) -> NoReturn:
    """Refuse what would let Gradio fetch a file from another host, when a request names a URL instead of a file."""
    raise PermissionError("nothing is fetched from elsewhere: upload the file")


processing_utils.async_ssrf_protected_download = _refuse_download
