"""The page in a real browser, and its functions called by a client, with the default model and the network cut."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from clips import png_start
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
    asked = re.fullmatch(r"ganimate animate astronaut.jpg -e (\S+) --frames 3 -o \S+\.gif", line)
    assert asked is not None, line
    words = dict(term.split("=") for term in asked[1].split(","))
    assert (words.pop("6"), words.pop("12")) == ("0.55", "0.8") and set(words.values()) == {"0"}


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
def test_what_is_too_large_is_told_where_it_happened_and_not_sent(visitor: Any, tmp_path: Path) -> None:
    large = tmp_path / "film.jpg"
    with open(large, "wb") as file:
        file.truncate(500_000_001)  # a hole: it takes no room
    sent = len(visitor.asked)
    upload(visitor, large)
    told = visitor.wait_for_selector("#photo-told .trouble.too-large").inner_text()
    assert told == "error: 'film.jpg' has 501 MB, more than the limit of 500 MB\nhint: cut or reduce it first"
    assert not [url for url in visitor.asked[sent:] if "upload" in url]
    many = tmp_path / "many.png"
    many.write_bytes(png_start(15_000, 13_500) + bytes(4_000_000))
    upload(visitor, many)
    visitor.wait_for_function("document.querySelector('#photo-told').innerText.includes('limit of 200 megapixels')")
    assert visitor.locator("#photo-told .too-large").count() == 0


@browsing
def test_the_camera_takes_a_photo(url: str, tmp_path: Path, astronaut_path: Path) -> None:
    seen = tmp_path / "camera.y4m"
    still = ["-loop", "1", "-r", "10", "-t", "1", "-i", str(astronaut_path), "-pix_fmt", "yuv420p", str(seen)]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *still], check=True)
    # Playwright runs once a process, and the browser of the other tests has no camera.
    code = f"""
from page_server import open_browser, open_page, source, wait_for_picture, decoded
camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
with open_browser(*camera, "--use-file-for-fake-video-capture={seen}") as browser:
    page = open_page(browser, {url!r}, permissions=["camera"])
    page.click("#photo [aria-label='Capture from camera']")
    page.get_by_text("Click to Access Webcam").first.click()
    page.wait_for_function("() => document.querySelector('#photo video')?.readyState >= 2")  # it shows something
    page.click("#photo [aria-label='capture photo']")
    wait_for_picture(page)
    assert decoded(source(page)).shape[2] == 3
    page.get_by_role("tab", name="Clip or table").click()
    page.locator("#recorded").get_by_text("Click to Access Webcam").click()
    page.wait_for_selector("#recorded video")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def tab_to(page: Any, selector: str) -> None:
    """Go on with the Tab key until an element has the focus."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


@browsing
def test_a_timeline_is_made_with_the_keyboard_alone(browser: Any, url: str, tmp_path: Path) -> None:
    page = open_page(browser, url)
    tab_to(page, "#example")
    page.keyboard.press("Enter")
    rest = wait_for_picture(page)
    tab_to(page, 'input[data-word="26"]')
    page.keyboard.press("End")
    wait_for_picture(page, rest)
    tab_to(page, "[role=tab][aria-selected=false]")
    page.keyboard.press("Enter")
    tab_to(page, "#add-keyframe")
    page.keyboard.press("Enter")
    page.wait_for_selector("#keyframes li")
    tab_to(page, "#keyframe-time input")
    page.keyboard.press("Control+a")
    page.keyboard.type("0.4")
    tab_to(page, "#add-keyframe")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('#keyframes li').length === 2")
    tab_to(page, "#keyframes li:nth-child(1) .time input")
    page.keyboard.press("Control+a")
    page.keyboard.type("3")  # now it is the second
    page.keyboard.press("Tab")
    page.wait_for_function("document.querySelector('#timeline textarea').value.includes('time: 3')")
    tab_to(page, "#keyframes li button")
    tab_to(page, "#keyframes li button")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('#keyframes li').length === 1")
    assert page.evaluate("document.activeElement.textContent") == "Show"  # of the row that is left
    page.keyboard.press("Enter")
    page.wait_for_selector("#keyframes li.shown")
    page.wait_for_function("document.querySelector('#keyframe-time input').value !== '0.4'")
    tab_to(page, "#save-timeline")
    page.keyboard.press("Enter")
    page.wait_for_selector("#saved-timeline a[download]")
    with page.expect_download() as loading:
        page.locator("#saved-timeline a[download]").press("Enter")
    loading.value.save_as(tmp_path / "timeline.yaml")
    (kept,) = ganimate.read_keyframes((tmp_path / "timeline.yaml").read_text())
    assert kept.time_s in (1, 3) and str(kept.expression) == "26=1.0"
    page.context.close()


@browsing
@pytest.mark.parametrize(("width", "height", "zoom"), [(390, 800, 3), (640, 360, 2)], ids=["phone", "200 percent"])
def test_nothing_is_cut_off(browser: Any, url: str, width: int, height: int, zoom: int) -> None:
    page = open_page(browser, url, viewport={"width": width, "height": height}, device_scale_factor=zoom)
    page.click("#example")
    wait_for_picture(page)
    for tab in ("Move", "Timeline", "Clip or table"):
        page.get_by_role("tab", name=tab).click()
        if tab == "Timeline":
            page.click("#add-keyframe")
            page.wait_for_selector("#keyframes li")
        beyond = page.evaluate(
            """width => [...document.querySelectorAll("button, input, select, textarea, label, p, code, legend")]
                .filter((part) => part.checkVisibility() && part.getBoundingClientRect().right > width + 1)
                .map((part) => part.outerHTML.slice(0, 200))""",
            width,
        )
        assert not beyond and page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


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
        "/make_move", "/add_keyframe", "/edit_keyframes", "/list_keyframes", "/show_keyframe", "/save_timeline",
        "/open_timeline", "/make_timeline", "/make_repeat",
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
    client.predict({"preset": "sadness"}, api_name="/use_preset")  # of who smiles: the sliders take the smile away
    *_, file, line, notes = client.predict(
        "Still", "self", 16, 25, "in-out", 0.5, "ping-pong", False, api_name="/make_move"
    )
    for number, words in enumerate((line.split()[3:-2], ["-e", "sadness", "--still"])):
        done = cli("animate", photo, *words, "-o", tmp_path / f"sad{number}.png")
        assert done.exit_code == 0, done.output
        with Image.open(file["value"]) as one, Image.open(tmp_path / f"sad{number}.png") as same:
            assert np.array_equal(np.array(one), np.array(same)), words
    client.predict({"values": {"12": 1.0}}, "whole photo", api_name="/preview")
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


def test_a_crash_of_one_request_leaves_the_server_up(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call(url, "open_example")
    before = call(url, "preview", {"values": {"26": 1.0}}, "whole photo")
    assert "event: complete" in before
    assert "megapixels" not in call(url, "open_photo", {"path": "/etc/hostname", **FILE})  # a trouble that is kept

    def crash(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr(ganimate.Portrait, "picture", crash)
        crashed = call(url, "preview", {"values": {"26": 0.5}}, "whole photo")
        assert "event: error" in crashed and "uploaded" not in crashed
    assert "ZeroDivisionError" in capsys.readouterr().err  # whoever started the server sees it
    assert call(url, "preview", {"values": {"26": 1.0}}, "whole photo") == before


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
    assert panel["values"]["1"] == pytest.approx(0.275, abs=0.006)  # sliders have two decimals
    assert panel["own"]["12"] > 0.5 and panel["values"]["12"] == 0 and "45" not in panel["values"]
    (tmp_path / "t.yaml").write_text("keyframes: [{time: 1, expression: awed}]")
    assert "awed" in client.predict(handle_file(str(tmp_path / "t.yaml")), api_name="/open_timeline")
    assert Path(client.predict("keyframes: [{time: 1, expression: awed}]", api_name="/save_timeline")["value"]).exists()
    listed = client.predict("keyframes: [{time: 1, expression: awed}]", api_name="/list_keyframes")
    assert listed == {"keyframes": [{"time": 1, "expression": "awed", "easing": "in-out", "hold": 0}]}
    later = {"keyframes": [*listed["keyframes"], {"time": 0.5, "expression": "12=0.5", "hold": 0.25}], "chosen": 1}
    text = client.predict(later, "# mine\nfps: 30\n", api_name="/edit_keyframes")
    assert text.startswith("# mine\nfps: 30\nkeyframes:\n  - {time: 0.5,")
    panel, *rest = client.predict(later, text, api_name="/show_keyframe")
    assert panel["values"] == {"12": 0.5} and rest == [0.5, "in-out", 0.25]
    panel, *_ = client.predict(later | {"chosen": 0}, text, api_name="/show_keyframe")  # awed, and not as in the photo
    assert (panel["values"]["2"], panel["values"]["12"]) == (pytest.approx(0.55), 0)
    panel, *_ = client.predict(later | {"chosen": 0}, f"others: keep\n{text}", api_name="/show_keyframe")
    assert panel["values"] == pytest.approx({"1": 0.6, "2": 0.55, "5": 0.5, "20": 0.45, "25": 0.6, "26": 0.4})
    overlapping = {"keyframes": [{"time": 1, "expression": "self", "hold": 2}, {"time": 2, "expression": "self"}]}
    with pytest.raises(Exception, match="keyframe"):
        client.predict(overlapping, "", api_name="/edit_keyframes")
    with pytest.raises(Exception, match="reads no other photos"):
        client.predict(
            {"keyframes": [{"time": 1, "expression": "@/etc/passwd"}], "chosen": 0}, "", api_name="/show_keyframe"
        )
    assert client.predict("close-up", api_name="/look_at")["frame"].startswith("data:image/jpeg")
    assert client.predict({"chosen": 1}, api_name="/choose_face")[0] == {"chosen": 1}
