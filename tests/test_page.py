"""The page in a real browser, and its functions called by a client, with the default model and the network cut."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_server import (
    CHROMIUM,
    changed,
    decoded,
    move,
    open_browser,
    open_page,
    source,
    upload,
    wait_for_picture,
)
from PIL import Image
from typer.testing import Result

import ganimate
from ganimate.media import inspect as look

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="needs the extra: pip install 'ganimate[web]'")
FILE = {"meta": {"_type": "gradio.FileData"}}
browsing = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    from ganimate.web.server import Address, serve

    studio = ganimate.Studio()
    studio.warm_up()
    with serve(studio, Address(port=0)) as served:
        yield served.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    pytest.importorskip("playwright", reason="the browser is driven by playwright: pip install -e '.[dev]'")
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def visitor(browser: Any, url: str) -> Any:
    """One page for tests that begin with a photo of their own."""
    page = open_page(browser, url)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    return page


@pytest.fixture(scope="module")
def two_faces(tmp_path_factory: pytest.TempPathFactory, astronaut_path: Path) -> Path:
    path = tmp_path_factory.mktemp("photos") / "pair.png"
    with Image.open(astronaut_path) as photo:
        half = photo.convert("RGB").crop((100, 0, 356, 256))
    pair = Image.new("RGB", (512, 256))
    pair.paste(half, (0, 0))
    pair.paste(half.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (256, 0))
    pair.save(path)
    return path


def show_all(page: Any) -> None:
    page.get_by_label("whole photo").check()


@browsing
def test_a_slider_changes_the_mouth_and_nothing_elsewhere(visitor: Any, astronaut_path: Path) -> None:
    upload(visitor, astronaut_path)
    wait_for_picture(visitor)
    show_all(visitor)
    visitor.wait_for_function("document.querySelector('.before').naturalWidth === 512")
    rest = source(visitor)
    assert np.array_equal(decoded(rest), decoded(source(visitor, "before")))
    move(visitor, "26", 0.6, 0.8, 1)  # the jaw, which is shut in the photo
    wait_for_picture(visitor, rest)
    visitor.wait_for_timeout(800)  # the first picture may be that of an earlier value
    where = changed(decoded(rest), decoded(source(visitor)))
    crop, lips = (slice(30, 220), slice(130, 320)), (slice(120, 220), slice(170, 280))
    assert where.sum() > 100 and where[lips].sum() > 0.8 * where.sum()
    where[crop] = False
    assert not where.any()
    visitor.get_by_role("button", name="lip corner puller: left and right together").click()
    assert visitor.locator('input[data-word="12L"]').is_visible() and not where.any()
    visitor.get_by_role("button", name="Reset all").click()
    assert visitor.locator('input[data-word="12"]').is_visible()
    visitor.wait_for_function("rest => document.querySelector('.after').src === rest", arg=rest)
    elsewhere = [url for url in visitor.asked if not re.match(r"(http://127\.0\.0\.1:\d+/|data:|blob:)", url)]
    assert visitor.asked and not elsewhere


@browsing
def test_each_face_keeps_its_own_expression(visitor: Any, two_faces: Path) -> None:
    before = source(visitor)
    upload(visitor, two_faces)
    rest = wait_for_picture(visitor, before)
    visitor.click(".boxes button[data-face='2']")
    visitor.wait_for_selector(".boxes button[data-face='2'][aria-pressed='true']")
    visitor.wait_for_selector(".panel[data-face='2']")
    move(visitor, "1", 1)
    second = wait_for_picture(visitor, rest)
    halves = np.array_split(changed(decoded(rest), decoded(second)), 2, axis=1)
    assert sorted([halves[0].any(), halves[1].any()]) == [False, True]
    visitor.click(".boxes button[data-face='1']")
    visitor.wait_for_selector(".panel[data-face='1']")
    assert float(visitor.input_value('input[data-word="1"]')) < 0.9
    move(visitor, "4", 1)
    both = wait_for_picture(visitor, second)
    assert all(half.any() for half in np.array_split(changed(decoded(rest), decoded(both)), 2, axis=1))


@browsing
def test_a_gif_is_made_and_can_be_saved(visitor: Any, url: str, tmp_path: Path) -> None:
    before = source(visitor)
    visitor.click("#example")
    shown = wait_for_picture(visitor, before)
    visitor.get_by_role("button", name="happiness", exact=True).click()
    wait_for_picture(visitor, shown)
    visitor.get_by_label("number input for Frames, one way").fill("3")
    visitor.click("#make")
    visitor.wait_for_selector("#result a[download]")
    with visitor.expect_download() as loading:
        visitor.click("#result a[download]")
    loading.value.save_as(tmp_path / "made.gif")
    with Image.open(tmp_path / "made.gif") as made:
        assert made.size == (512, 512) and made.n_frames >= 4
    assert look(tmp_path / "made.gif").marked
    line = visitor.input_value("#line textarea")
    assert line.startswith("ganimate animate astronaut.jpg -e 6=1,12=1 --frames 3") and line.endswith(".gif")


@browsing
def test_a_bad_file_is_told_where_it_happened_in_the_words_of_the_command_line(
    visitor: Any, tmp_path: Path, cli: Callable[..., Result]
) -> None:
    bad = tmp_path / "holiday.jpg"
    bad.write_bytes(b"no picture at all")
    upload(visitor, bad)
    told = visitor.wait_for_selector("#photo-told .trouble").inner_text()
    said = cli("faces", bad).stderr.replace(f"{tmp_path}/", "")
    assert told.split() == said.split()


@browsing
def test_two_visitors_do_not_see_each_other(browser: Any, url: str, astronaut_path: Path, two_faces: Path) -> None:
    one, other = open_page(browser, url), open_page(browser, url, viewport={"width": 390, "height": 800})
    upload(one, two_faces)
    first = wait_for_picture(one)
    assert source(other) == "" and other.is_visible(".nothing")
    upload(other, astronaut_path)
    second = wait_for_picture(other)
    assert first != second
    move(other, "12", 1)
    wait_for_picture(other, second)
    assert source(one) == first
    assert other.evaluate("document.documentElement.scrollWidth") <= 390  # nothing is cut off on a phone


def test_every_function_can_be_called_by_a_client(
    url: str, tmp_path: Path, astronaut_path: Path, photo: Path, cli: Callable[..., Result]
) -> None:
    from gradio_client import Client, handle_file

    from ganimate.web.pictures import data_uri

    client = Client(url, verbose=False, download_files=str(tmp_path / "got"))
    names = set(client.view_api(return_format="dict", print_info=False)["named_endpoints"])
    assert names == {
        "/open_photo", "/open_example", "/choose_face", "/look_at", "/preview", "/use_preset", "/look_closely",
        "/make_move", "/add_keyframe", "/save_timeline", "/open_timeline", "/make_timeline", "/make_repeat",
    }  # fmt: skip
    with pytest.raises(Exception, match="no photo is open"):
        client.predict({"values": {}}, "whole photo", api_name="/preview")
    stage, panel, view, name = client.predict(handle_file(str(photo)), api_name="/open_photo")
    assert len(stage["boxes"]) <= 1 and view == "close-up" and name == "me.jpg"
    assert set(panel["own"]) == {str(unit.number) for unit in ganimate.Studio().units}
    turned = client.predict({"values": {"12L": 1.0, "yaw": -9}}, "whole photo", api_name="/preview")
    shown = client.predict({"values": {"12": 1.0}}, "whole photo", api_name="/preview")
    assert decoded(shown["frame"]).shape == (512, 512, 3) and shown["frame"] != turned["frame"]
    *_, file, line, notes = client.predict(
        "Still", "self", 16, 25, "in-out", 0.5, "ping-pong", False, api_name="/make_move"
    )
    words = line.split()
    assert words[:2] == ["ganimate", "animate"]
    done = cli("animate", photo, *words[3:-1], tmp_path / "same.png")
    assert done.exit_code == 0, done.output
    with Image.open(file["value"]) as one, Image.open(tmp_path / "same.png") as same:
        assert np.array_equal(np.array(one), np.array(same))
        assert np.array_equal(decoded(data_uri(np.array(one))), decoded(shown["frame"]))  # the preview is the result
    assert "read again by the judge" in notes
    timeline = client.predict("", 0.2, "in-out", 0, api_name="/add_keyframe")
    *_, film, line, _ = client.predict("MP4", timeline, api_name="/make_timeline")
    assert line == "ganimate animate me.jpg --timeline timeline.yaml -o me_edited.mp4"
    assert look(Path(film["value"])).marked
    with pytest.raises(Exception, match="reads no other photos"):
        client.predict("GIF", 'keyframes: [{time: 1, expression: "@/etc/passwd"}]', api_name="/make_timeline")


def test_no_file_but_an_uploaded_one_is_read(url: str) -> None:
    for path in ("/etc/hostname", str(Path(__file__)), "http://127.0.0.1:1/a.jpg"):
        for name in ("open_photo", "open_timeline"):
            answered = call(url, name, {"path": path, "url": path, **FILE})
            assert "event: error" in answered and "is not" not in answered, answered
            assert not path.startswith("http") or "nothing is fetched from elsewhere" in answered
    assert "no photo is open" in call(url, "make_timeline", "GIF", "keyframes: [{time: 1, expression: awed}]")
    connection = HTTPConnection(url.removeprefix("http://"), timeout=180)
    for path in ("/etc/hostname", __file__, Path.cwd() / "README.md", "../README.md"):
        connection.request("GET", f"/gradio_api/file={path}")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 403


def call(url: str, name: str, *data: Any) -> str:
    """What the server answers to whoever speaks to it by hand."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=180)
    body = json.dumps({"data": data, "session_hash": "by-hand"})
    connection.request("POST", f"/gradio_api/call/{name}", body, {"Content-Type": "application/json"})
    event = json.loads(connection.getresponse().read())["event_id"]
    connection.request("GET", f"/gradio_api/call/{name}/{event}")
    return connection.getresponse().read().decode()


def test_a_client_repeats_a_table(url: str, tmp_path: Path, photo: Path) -> None:
    from gradio_client import Client, handle_file

    client = Client(url, verbose=False, download_files=str(tmp_path / "got"))
    client.predict(api_name="/open_example")
    table = tmp_path / "clip.csv"
    table.write_text("time_s,AU12\n0,0.1\n0.1,0.8\n")
    *_, film, line, _ = client.predict(
        "MP4", handle_file(str(table)), None, False, False, False, 0, api_name="/make_repeat"
    )
    assert line == "ganimate drive astronaut.jpg --aus clip.csv -o astronaut_edited.mp4"
    assert look(Path(film["value"])).marked
    rows = client.predict(["read again", "attention and colour"], api_name="/look_closely")
    assert "lip corner puller" in rows[0] and len(rows[1]["value"]) == 2
    panel = client.predict({"preset": "fear", "intensity": 0.5}, api_name="/use_preset")
    assert panel["values"]["1"] == 0.5
    (tmp_path / "t.yaml").write_text("keyframes: [{time: 1, expression: awed}]")
    assert "awed" in client.predict(handle_file(str(tmp_path / "t.yaml")), api_name="/open_timeline")
    assert Path(client.predict("keyframes: [{time: 1, expression: awed}]", api_name="/save_timeline")["value"]).exists()
    assert client.predict("close-up", api_name="/look_at")["frame"].startswith("data:image/jpeg")
    assert client.predict({"chosen": 1}, api_name="/choose_face")[0] == {"chosen": 1}
