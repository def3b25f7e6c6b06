"""Writes examples/page.jpg and examples/page_phone.jpg, the page with the example photo: run this file."""

from __future__ import annotations

import io
from pathlib import Path

from page_server import move, open_browser, open_page, source, wait_for_picture
from PIL import Image

import ganimate
from ganimate.web.server import Address, serve

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SIZES = {"page": (1280, 900), "page_phone": (390, 800)}
SHOWN = {"1": 0.8, "5": 0.5, "12": 0.9, "25": 0.8}


def main() -> None:
    """Write both."""
    with serve(ganimate.Studio(), Address(port=0)) as served, open_browser() as browser:
        for name, (width, height) in SIZES.items():
            page = open_page(browser, served.url, viewport={"width": width, "height": height})
            page.click("#example")
            shown = wait_for_picture(page)
            for word, value in SHOWN.items():
                move(page, word, value)
                shown = wait_for_picture(page, shown)
            page.wait_for_timeout(3000)  # until the last value is shown
            assert source(page)
            whole = Image.open(io.BytesIO(page.screenshot(full_page=name == "page"))).convert("RGB")
            whole.crop((0, 0, width, min(whole.height, 1150))).save(EXAMPLES / f"{name}.jpg", quality=82, optimize=True)


if __name__ == "__main__":
    main()
