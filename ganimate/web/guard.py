"""Who may ask the server for what: only the page itself, only from here, only what it needs, and not too much at once.

Browsers let any page that somebody visits send requests to servers on the same machine. So a request that another page
has caused is refused, and so is a name that only pretends to be this machine (DNS rebinding). The answers' policy makes
the browser itself refuse to load anything from another host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

UPLOAD_LIMIT_BYTES = 500_000_000
FORM_BYTES = 100_000  # around an upload: boundaries and names
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# What the page needs; Gradio answers much more, such as proxies to other hosts.
PATHS = ("/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/login", "/logout", "/robots.txt")
FOLDERS = ("/assets/", "/static/", "/svelte/", "/login/", "/logout/")
API = (
    "info", "upload", "upload_progress", "queue/join", "queue/data", "run/", "api/", "call/", "cancel", "reset",
    "heartbeat/", "component_server", "app_id", "startup-events", "theme.css", "login_check", "user", "token",
    "process_recording", "file=",
)  # fmt: skip
_ELSEWHERE = re.compile(r"file=[a-z]{2,}:", re.IGNORECASE)  # a URL, which Gradio would fetch; C: is a disk
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'self'",
    )
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: App, *, anywhere: bool = False) -> None:
        """Guard `app`; `anywhere` is for a server that others may reach, under whatever name they know it by."""
        self._app, self._anywhere = app, anywhere

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        refused = self._refusal(scope)
        if refused is not None:
            return await _refuse(send, *refused)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _with_policy(scope["path"], message.get("headers", []))}
            await send(message)

        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Message) -> tuple[int, str] | None:
        """Return status and sentence of a refusal, None for what may pass."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = urlsplit(f"//{headers.get('host', '')}")
        if not self._anywhere and host.hostname not in LOOPBACK:
            return 403, "this page answers only under the name of this machine: open http://127.0.0.1"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host.netloc:
            return 403, "another page asked for this: only ganimate's own page may"
        if headers.get("sec-fetch-site", "none") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return 403, "another page asked for this: only ganimate's own page may"
        if scope["type"] != "http" or not _known(scope["path"]):
            return 404, "there is nothing at this place"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > UPLOAD_LIMIT_BYTES + FORM_BYTES:
            return 413, f"a file may have at most {UPLOAD_LIMIT_BYTES // 1_000_000} MB: cut or reduce it first"
        return None


def _known(path: str) -> bool:
    api = path.removeprefix("/gradio_api/")
    if _ELSEWHERE.match(api):
        return False
    return path in PATHS or path.startswith(FOLDERS) or (api != path and api.startswith(API))


def _with_policy(path: str, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers with ours; only what is part of Gradio itself may be kept by the browser."""
    added = [item for item in HEADERS if item[0] != b"cache-control" or not path.startswith(("/assets/", "/static/"))]
    named = {name for name, _ in added}
    return [item for item in headers if item[0].lower() not in named] + added


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence, "error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
