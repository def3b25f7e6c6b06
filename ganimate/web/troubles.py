"""Errors of the library on their way to the page: kept with the visit, to be shown where they happened."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from ganimate.web.light import gradio as gr
from ganimate.web.telling import sentence

Function = TypeVar("Function", bound=Callable[..., Any])


def telling(function: Function) -> Function:
    """Return a function of the page that tells why it failed: to clients as an error, to the page by `trouble`."""

    @wraps(function)
    def told(self: Any, *arguments: Any, **named: Any) -> Any:
        request = next(each for each in (*arguments, *named.values()) if isinstance(each, gr.Request))
        try:
            return function(self, *arguments, **named)
        except Exception as error:
            visit = self.visit(request)
            visit.trouble = None  # of a bug the terminal tells
            message, hint = (visit.as_named(text) for text in sentence(error))
            visit.trouble = message or "", hint
            text = f"{message} (hint: {hint})" if hint else message
            raise gr.Error(text, visible=False, print_exception=False) from error

    return told  # type: ignore[return-value]
