"""What stands behind the page, without a browser: who may ask, whose files are whose, which command line is told."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import Result

import ganimate
from ganimate.animation import session
from ganimate.face.detect import FixedDetector
from ganimate.web.command_lines import animate_line, drive_line, interpolate_line, result_name, timeline_line
from ganimate.web.guard import Guard, Message, Receive, Send
from ganimate.web.visits import Visits, sweep

with_extra = pytest.mark.skipif(
    importlib.util.find_spec("gradio") is None, reason="needs the extra: pip install 'ganimate[web]'"
)
HERE = [(b"host", b"127.0.0.1:7860")]


def answer(path: str, *headers: tuple[bytes, bytes], anywhere: bool = False, kind: str = "http") -> list[Message]:
    """What a guarded application answers."""
    import asyncio

    sent: list[Message] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=1")]})

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    given = dict(HERE) | dict(headers)
    scope = {"type": kind, "path": path, "headers": list(given.items())}
    asyncio.run(Guard(app, anywhere=anywhere)(scope, receive, send))
    return sent


def status(path: str, *headers: tuple[bytes, bytes], **how: bool) -> int:
    return int(answer(path, *headers, **how)[0]["status"])


def test_only_the_page_itself_may_ask() -> None:
    assert status("/gradio_api/run/preview") == 200
    assert status("/gradio_api/run/preview", (b"origin", b"http://127.0.0.1:7860")) == 200
    for origin in (b"http://evil.example", b"http://127.0.0.1:9999", b"null"):
        assert status("/gradio_api/run/preview", (b"origin", origin)) == 403
    assert status("/gradio_api/info", (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"no-cors")) == 403
    assert status("/", (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"navigate")) == 200


def test_a_name_that_only_leads_here_is_refused() -> None:
    assert status("/", (b"host", b"evil.example:7860")) == 403
    assert status("/", (b"host", b"evil.example:7860"), anywhere=True) == 200
    assert status("/", (b"host", b"[::1]:7860")) == status("/", (b"host", b"localhost")) == 200


def test_what_the_page_does_not_need_is_not_there() -> None:
    for path in ("/gradio_api/proxy=http://a.b/c", "/gradio_api/file=http://a.b/c", "/monitoring", "/docs", "/dev/x"):
        assert status(path) == 404
    assert answer("/", kind="websocket")[0]["status"] == 404


def test_uploads_have_a_limit() -> None:
    refused = answer("/gradio_api/upload", (b"content-length", b"600000000"))
    assert refused[0]["status"] == 413 and b"at most 500 MB" in refused[1]["body"]
    assert status("/gradio_api/upload", (b"content-length", b"400000000")) == 200


def test_answers_forbid_the_browser_to_ask_others_and_to_keep_pictures() -> None:
    headers = dict(answer("/gradio_api/file=/tmp/x.png")[0]["headers"])
    assert headers[b"cache-control"] == b"no-store" and b"default-src 'self'" in headers[b"content-security-policy"]
    assert b"cache-control" in dict(answer("/assets/index.js")[0]["headers"])
    assert dict(answer("/assets/index.js")[0]["headers"])[b"cache-control"] == b"max-age=1"


def test_visits_are_apart_and_go_when_they_are_idle(tmp_path: Path) -> None:
    visits = Visits(tmp_path)
    one, other = visits.of("one"), visits.of("other")
    assert one is visits.of("one") and one is not other and one.folder != other.folder
    one.values[1] = {"12": 1.0}
    assert other.expressions() == {} and one.expressions() == {1: "12=1"}
    with pytest.raises(ganimate.InputError, match="no photo is open"):
        one.opened()
    kept = one.place("me.jpg")
    kept.write_bytes(b"x")
    assert one.as_named(f"the photo '{kept}' is bad") == "the photo 'me.jpg' is bad"
    visits.forget_idle(3600)
    assert kept.exists()
    visits.forget_idle(0)
    assert not kept.exists() and visits.of("one").expressions() == {}


def test_old_files_go_and_new_ones_stay(tmp_path: Path) -> None:
    for name, age_s in (("old", 4000), ("new", 10)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_command_lines_say_what_was_done() -> None:
    line = animate_line("my photo.jpg", {1: "12=1", 2: "fear"}, {"still": True, "blink": None, "fps": 30.0}, "a.png")
    told = "ganimate animate 'my photo.jpg' --face 1 -e 12=1 --face 2 -e fear --still --fps 30 -o a.png"
    assert line == told
    assert animate_line("a.jpg", {1: "12=1"}, {}, "a.gif") == "ganimate animate a.jpg -e 12=1 -o a.gif"
    assert interpolate_line("a.jpg", 2, "fear", "12=1", {}, "a.gif").endswith("--from fear --to 12=1 --face 2 -o a.gif")
    assert timeline_line("a.jpg", 1, "t.yaml", "a.mp4") == "ganimate animate a.jpg --timeline t.yaml -o a.mp4"
    assert "--video c.mp4" in drive_line("a.jpg", 1, "c.mp4", True, {"relative": True, "smooth": 0.1}, "a.mp4")
    assert result_name("me", "PNG frames") == "me_edited/"


@pytest.fixture
def portrait(
    monkeypatch: pytest.MonkeyPatch, astronaut: NDArray[np.uint8], astronaut_detector: FixedDetector, tiny_model: Path
) -> ganimate.Portrait:
    monkeypatch.setattr(session, "make_detector", lambda name: astronaut_detector)
    return ganimate.Studio(tiny_model).open(astronaut)


def test_a_portrait_shows_what_the_still_shows(portrait: ganimate.Portrait, tiny_model: Path, tmp_path: Path) -> None:
    photo = portrait.photo
    assert np.array_equal(portrait.picture({1: "self"}), photo)
    made = ganimate.animate(photo, "12=1,4=0.5", tmp_path / "a.png", still=True, model=tiny_model)
    assert np.array_equal(portrait.picture({1: "12=1,4=0.5"}), ganimate.read_photo(made.path))
    down = dict.fromkeys(("15", "17", "20"), 0.0)  # what gives way to 12
    assert portrait.asked(1, "12=1,4=0.5") == portrait.shown(1) | down | {"12": 1.0, "4": 0.5}


def test_a_portrait_is_small_where_it_is_asked_to_be(portrait: ganimate.Portrait) -> None:
    assert portrait.picture({1: "12=1"}, ganimate.View(size_px=128)).shape == (128, 128, 3)
    near = portrait.picture({}, ganimate.View(1))
    assert near.shape[0] < 400 and near.shape[1] < 400
    with pytest.raises(ganimate.FaceError, match="no face 2"):
        portrait.shown(2)


def test_without_the_extra_the_command_says_the_install_line(
    monkeypatch: pytest.MonkeyPatch, cli: Callable[..., Result]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "gradio" else find(name, *rest)
    )
    done = cli("web")
    assert done.exit_code == 1
    assert "pip install 'ganimate[web]'" in done.stderr


@with_extra
def test_others_need_a_password(cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANIMATE_PASSWORD", raising=False)
    done = cli("web", "--host", "0.0.0.0", "--no-open")
    assert done.exit_code == 2
    assert "add --password" in done.stderr.replace("\n", " ")


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`ganimate web` as a process with a temporary folder of its own, and its URL."""
    command = [sys.executable, "-m", "ganimate", "web", "--no-open", "--port", "0"]
    variables = os.environ | {"TMPDIR": str(folder)} | environment
    # Shells let jobs in the background ignore Ctrl-C, and what they start inherits it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def get(url: str, path: str, **headers: str) -> int:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
    connection.request("GET", path, headers=headers)
    return connection.getresponse().status


@with_extra
def test_a_running_server_guards_itself_and_leaves_nothing(tmp_path: Path) -> None:
    with started(tmp_path, GANIMATE_PASSWORD="open sesame") as (process, url):
        guarded(process, url, tmp_path)


def guarded(process: subprocess.Popen[str], url: str, folder: Path) -> None:
    assert url.startswith("http://127.0.0.1:")
    port = int(url.rpartition(":")[2])
    assert get(url, "/") == 200
    assert get(url, "/gradio_api/info") == 401  # who has not given the password
    assert get(url, "/gradio_api/info", Origin="http://evil.example") == 403
    with socket.create_connection(("127.0.0.1", port)):
        assert list(folder.glob("ganimate-web-*"))
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in told and "rror" not in told
    assert time.monotonic() - began < 20
    assert not list(folder.glob("ganimate-web-*"))


@with_extra
@pytest.mark.parametrize("kind", ["MP4", "PNG frames"])
def test_ctrl_c_during_an_export_ends_the_server_at_once_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    with started(tmp_path) as (process, url):
        called(url, "open_example")
        event = asked(url, "make_move", kind, "happiness", 100, 25, "in-out", 0.5, "ping-pong", False)
        until = time.monotonic() + 120
        while not (written := list(tmp_path.rglob("*.part*"))) and time.monotonic() < until:
            time.sleep(0.05)
        assert event and written
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in told and "terminate called" not in told
    assert time.monotonic() - began < 20
    assert not list(tmp_path.iterdir())


def asked(url: str, name: str, *data: object) -> str:
    """Ask the server for something; returns by what name the answer can be asked for."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=180)
    body = json.dumps({"data": data, "session_hash": "me"})
    connection.request("POST", f"/gradio_api/call/{name}", body, {"Content-Type": "application/json"})
    return str(json.loads(connection.getresponse().read())["event_id"])


def called(url: str, name: str) -> None:
    """Ask the server for something, and wait for it."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=180)
    connection.request("GET", f"/gradio_api/call/{name}/{asked(url, name)}")
    assert "event: complete" in connection.getresponse().read().decode()


@with_extra
def test_one_server_is_made_and_no_network_is_loaded_before_the_page_is_there() -> None:
    code = """
import sys
from ganimate.web.light import gradio
from gradio import routes
made = []
create_app = routes.App.create_app
routes.App.create_app = lambda *given, **named: made.append(create_app(*given, **named)) or made[-1]
import ganimate
from ganimate.web.server import Address, serve
with serve(ganimate.Studio(), Address(port=0)):
    assert len(made) == 1 and not {"torch", "dlib"} & set(sys.modules), made
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
