"""What several parts of the page are made of: assets, parts written in HTML and JavaScript, and calls of functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from ganimate.web.light import gradio as gr
from ganimate.web.making import Making

ASSETS = Path(__file__).parent / "assets"
EASINGS = ["linear", "in", "out", "in-out", "min-jerk"]
LOOPS = ["once", "ping-pong", "cycle"]


@cache
def asset(name: str) -> str:
    """Return the text of a file of the page."""
    return (ASSETS / name).read_text("utf-8")


def custom(name: str, **props: Any) -> gr.HTML:
    """Return a part of the page that is written in HTML and JavaScript."""
    template, script = asset(f"{name}.html"), asset(f"{name}.js")
    return gr.HTML(html_template=template, js_on_load=script, apply_default_css=False, elem_id=name, **props)


def call_on(event: Any, making: Making, function: Callable[..., Any], told: gr.HTML, **how: Any) -> Any:
    """Call a function on an event, under its own name for clients; where it fails, say why in `told`."""
    called = event(function, api_name=function.__name__, **{"show_progress": "hidden", **how})
    quiet = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    called.failure(making.trouble, None, told, **quiet)
    called.success(lambda: "", None, told, **quiet)
    return called
