"""The page as a visitor meets it: one server and one browser for all tests, and what they do to it."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# As when the cable is pulled: no name is known but this machine's.
CUT_OFF = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PATIENCE_MS = 180_000  # machines that test are busy


@contextmanager
def open_browser(*more: str) -> Iterator[Browser]:
    """A browser without a window and without a network; `more` are options of its command line."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        told = ["--no-sandbox", "--disable-gpu", CUT_OFF, *more]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=told)
        yield browser
        browser.close()


def open_page(browser: Browser, url: str, **how: Any) -> Page:
    """Open the page as a new visitor; returns when its sliders are there."""
    page = browser.new_context(**how).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    page.wait_for_selector("#panel .unit")
    return page


def upload(page: Page, path: Any) -> None:
    page.set_input_files("#photo input[type=file]", str(path))


def wait_for_picture(page: Page, before: str = "") -> str:
    """Return the edited picture as soon as it is another than `before`."""
    page.wait_for_function("old => (document.querySelector('.after').getAttribute('src') ?? '') !== old", arg=before)
    return source(page)


def source(page: Page, which: str = "after") -> str:
    return page.get_attribute(f".{which}", "src") or ""


def move(page: Page, word: str, *values: float) -> None:
    """Move a slider over some values and let go of it."""
    slider = page.locator(f'input[data-word="{word}"]')
    slider.evaluate(
        """(slider, values) => {
            for (const value of values) {
                slider.value = value;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }
            slider.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        list(values),
    )


def decoded(uri: str) -> NDArray[np.uint8]:
    data = base64.b64decode(uri.partition(",")[2])
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def changed(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where two pictures differ visibly (H, W); less than that is what JPEG makes of it."""
    return np.asarray(np.abs(a.astype(int) - b).max(2) > 16)
